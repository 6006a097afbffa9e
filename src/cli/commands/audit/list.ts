import { auditEntry } from '../../../contract/views/audit.ts'
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
    actor: opt.text('name', 'Only what this person or program did'),
    action: opt.text('action', 'Only key.rotate, say, or key for all that was done to keys'),
    target: opt.text('name|id', 'Only what was done to this'),
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
    empty: 'Nothing was changed yet.',
    noMatch: 'No change matches.',
  }),
})
