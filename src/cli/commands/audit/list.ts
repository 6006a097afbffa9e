import { auditEntry } from '../../../contract/views/audit.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { atMost } from '../thing.ts'
import { auditChange } from './drawing.ts'
import { auditFilters } from './filters.ts'

export default command({
  effect: 'read',
  summary: 'List who changed what, newest first',
  description: 'To page, give the last id of a page as --after ID.',
  examples: [
    'latchkey audit list --since 7d',
    'latchkey audit list --action key --target ci --json',
    'latchkey audit list --actor alice -o csv',
    'latchkey audit list --as operator --since yesterday',
  ],
  options: { ...auditFilters, limit: atMost('100'), after: opt.text('id', 'Start after this change') },
  run: async (ctx, filter) => (await ctx.operations()).audit.list(filter),
  prints: rows(auditEntry, {
    columns: [
      { title: 'at', time: entry => entry.at },
      { title: 'actor', cell: entry => entry.actor },
      { title: 'as', cell: entry => entry.as },
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
