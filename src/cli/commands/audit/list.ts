import { nounNames } from '../../../contract/nouns.ts'
import { auditEntry } from '../../../contract/views/audit.ts'
import { series } from '../../../text/series.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { count } from '../../declare/parse.ts'
import { since } from '../../declare/times.ts'
import { auditChange } from './drawing.ts'

export default command({
  effect: 'read',
  summary: 'List who changed what, newest first',
  examples: [
    'latchkey audit list --since 7d',
    'latchkey audit list --action key --target ci --json',
    'latchkey audit list --actor alice -o csv',
  ],
  options: {
    since: opt.as('duration|date', since, 'Only from then on'),
    until: opt.as('duration|date', since, 'Only before then'),
    actor: opt.text('name', 'Only changes by this actor'),
    action: opt.text('action', 'Only this action, such as key.rotate, or key for all actions on keys'),
    target: opt.text('name|id', `Only changes to this ${series([...nounNames, 'other target'], 'or')}`),
    limit: opt.as('n', count, 'At most this many (default: 100)'),
  },
  run: async (ctx, filter) => (await ctx.operations()).audit.list(filter),
  prints: rows(auditEntry, {
    columns: [
      { title: 'at', time: entry => entry.at },
      { title: 'actor', cell: entry => entry.actor },
      { title: 'from', cell: entry => entry.origin, spare: true },
      { title: 'action', cell: entry => entry.action, importance: 'high' },
      { title: 'on', cell: entry => entry.target.name ?? entry.target.id },
      { title: 'change', cell: auditChange },
      { title: 'id', cell: entry => entry.id, wide: true },
    ],
    empty: 'There are no changes yet.',
    noMatch: 'No changes match.',
  }),
})
