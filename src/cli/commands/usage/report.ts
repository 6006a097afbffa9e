import { usageRow } from '../../../contract/views.ts'
import { command, opt } from '../../define.ts'
import { countColumns, startOfRow } from '../../drawing.ts'
import { groups, since } from '../../parse.ts'

export default command({
  name: 'report',
  effect: 'read',
  summary: 'Sum up usage by key, user, project, model, day or hour',
  description:
    'Counts what was recorded by the minute. What an import carried over without a time is in key stats, not here.',
  examples: [
    'latchkey usage report --by key,day --since 7d',
    'latchkey usage report --by user --since 2026-11-01 --until 2026-12-01 --json',
    'latchkey usage report --by model --project shop -o csv',
  ],
  options: {
    by: opt.as(
      'a,b',
      groups,
      'One or two of key, user, project, model, and day or hour (default: all in one sum)',
    ),
    since: opt.as('duration|date', since, 'First moment that counts'),
    until: opt.as('duration|date', since, 'First moment that no longer counts'),
    key: opt.text('key', 'Only this key'),
    user: opt.text('user', 'Only keys of this user'),
    project: opt.text('project', 'Only keys of this project'),
    model: opt.text('model', 'Only this model'),
  },
  run: async (ctx, options) => (await ctx.operations()).usage.report({ ...options, timeZone: ctx.timeZone }),
  rows: usageRow,
  columns: [
    { title: 'start', cell: startOfRow, hideEmpty: true },
    { title: 'key', cell: row => row.key?.name ?? '', hideEmpty: true },
    { title: 'user', cell: row => row.user?.username ?? '', hideEmpty: true },
    { title: 'project', cell: row => row.project?.slug ?? '', hideEmpty: true },
    { title: 'model', cell: row => row.model ?? '', hideEmpty: true },
    ...countColumns,
  ],
  empty: 'Nothing was recorded in that time.',
})
