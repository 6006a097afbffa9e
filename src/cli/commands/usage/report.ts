import { LatchkeyError } from '../../../contract/errors.ts'
import { usageRow } from '../../../contract/views/usage.ts'
import { reportOrders } from '../../../contract/views/words.ts'
import type { Values } from '../../declare/declaration.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { count, groups } from '../../declare/parse.ts'
import { since } from '../../declare/times.ts'
import { reportColumns, reportTotal } from './drawing.ts'

const options = {
  by: opt.list(
    'a,b',
    groups,
    'One or two of key, user, project, model, and one of hour, day, week, month (default: all in one sum)',
  ),
  since: opt.as('duration|date', since, 'First moment that counts, or a month or word that begins then'),
  until: opt.as(
    'duration|date',
    since,
    'First moment that no longer counts; for all of October --since 2026-10 --until 2026-11',
  ),
  key: opt.text('key', 'Only this key'),
  user: opt.text('user', 'Only keys of this user'),
  project: opt.text('project', 'Only keys of this project'),
  model: opt.text('model', 'Only this model'),
  sort: opt.choice(reportOrders, 'What the largest is known by (default: tokens)'),
  top: opt.as('n', count, 'Only the largest; with a time and another group, the largest of the other'),
  fill: opt.flag('Rows without use also when grouped by a time and another'),
  html: opt.text('file', 'Write it to this new file as a page with charts, readable by you alone'),
  force: opt.flag('With --html: over a file that is there'),
}

type Typed = Values<typeof options>

export default command({
  effect: 'read',
  summary: 'Sum up usage by key, user, project, model, hour, day, week or month',
  description:
    'Counts what was recorded by the minute. What an import carried over without a time is in key stats, not here. By a time alone, hours or days without use have a row too: from --since until --until or now, or else from the first to the last use. Tables end in a total; JSON and CSV have the rows alone.',
  examples: [
    'latchkey usage report --by key,day --since 7d',
    'latchkey usage report --by user,model,month --since 2026-10',
    'latchkey usage report --by user --since last-month --until this-month --json',
    'latchkey usage report --by project,month --sort cost --top 5 -o csv',
    'latchkey usage report --by key,day --since 30d --html usage.html --force',
  ],
  options,
  run: async (ctx, { fill, html, force, ...options }) => {
    const { usage } = await ctx.operations()
    const asked = { ...options, fill: fill ? true : undefined, timeZone: ctx.config.timeZone }
    if (html === undefined && force) {
      throw new LatchkeyError('usage', '--force goes with --html', 'name the file: --html usage.html --force')
    }
    if (html === undefined) return usage.streamReport(asked)
    const { writeUsagePage } = await import('./write-page.ts')
    const page = { file: html, replace: force }
    return (await writeUsagePage(ctx, page, () => usage.overview(asked))).rows
  },
  lines: (_, { html }) => (html === undefined ? undefined : [`Wrote ${html}`]),
  prints: rows(usageRow, {
    columns: ({ by = [], sort }: Typed) => reportColumns(by, sort),
    total: (rows, { top }: Typed) => reportTotal(rows, top),
    empty: 'Nothing was recorded in that time.',
  }),
})
