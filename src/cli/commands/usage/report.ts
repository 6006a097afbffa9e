import { LatchkeyError } from '../../../contract/errors.ts'
import { usageRow } from '../../../contract/views/usage.ts'
import { reportOrders } from '../../../contract/views/words.ts'
import type { Values } from '../../declare/declaration.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { count, groups } from '../../declare/parse.ts'
import { since } from '../../declare/times.ts'
import { reportColumns, reportNotice, reportTotal } from './drawing.ts'

const options = {
  by: opt.list(
    'a,b',
    groups,
    'Group by one or two of key, user, project, org, team, model, and one of hour, day, week, month (default: one total)',
  ),
  since: opt.as('duration|date', since, 'Start, inclusive: a date, 2026-10, or a word such as today'),
  until: opt.as('duration|date', since, 'End, exclusive: --since 2026-10 --until 2026-11 is all of October'),
  key: opt.text('key', 'Only this key'),
  user: opt.text('user', 'Only keys of this user'),
  project: opt.text('project', 'Only keys of this project'),
  org: opt.text('org', 'Only what was used while this organization owned the project'),
  team: opt.text('team', 'Only what members of this team used in projects of its organization'),
  model: opt.text('model', 'Only this model'),
  sort: opt.choice(reportOrders, 'Sort by this, largest first (default: tokens)'),
  top: opt.as('n', count, 'Only the N largest; with a time and another group, the N largest of that group'),
  fill: opt.flag('Add rows without use, also when grouped by a time and something else'),
  html: opt.text('file', 'Write an HTML page with charts to this new file, readable only by you'),
  force: opt.flag('With --html, overwrite an existing file'),
}

type Typed = Values<typeof options>

export default command({
  effect: 'read',
  summary: 'Sum up usage by key, user, project, org, team, model and time',
  description:
    'Counts usage that was recorded with a time. Totals that an import brought without a time are in key stats, not here. Grouped by a time alone, periods without use have a row too: from --since to --until or now, or else from the first to the last use. Tables end with a total; JSON and CSV have only the rows. By team, what members of several teams used counts for each of them, so there is no total. Deleted users, projects and organizations keep their names; select one by its id.',
  examples: [
    'latchkey usage report --by key,day --since 7d',
    'latchkey usage report --by user,model,month --since 2026-10',
    'latchkey usage report --by user --since last-month --until this-month --json',
    'latchkey usage report --by project,month --sort cost --top 5 -o csv',
    'latchkey usage report --by org,month --since last-month',
    'latchkey usage report --org acme --by team,user',
    'latchkey usage report --by key,day --since 30d --html usage.html --force',
  ],
  options,
  run: async (ctx, { fill, html, force, ...options }) => {
    const { usage } = await ctx.operations()
    const asked = { ...options, fill: fill ? true : undefined, timeZone: ctx.config.timeZone }
    if (html === undefined && force) {
      throw new LatchkeyError('usage', '--force needs --html', 'name the file: --html usage.html --force')
    }
    if (html === undefined) return usage.streamReport(asked)
    const { writeUsagePage } = await import('./write-page.ts')
    const page = { file: html, replace: force }
    return (await writeUsagePage(ctx, page, () => usage.overview(asked))).rows
  },
  notice: (rows, { by = [] }) => reportNotice(rows, by),
  lines: (_, { html }) => (html === undefined ? undefined : [`Wrote ${html}`]),
  prints: rows(usageRow, {
    columns: ({ by = [], sort }: Typed) => reportColumns(by, sort),
    total: (rows, { by = [], top }: Typed) => reportTotal(rows, by, top),
    empty: 'No usage in that time.',
  }),
})
