import { importSummary } from '../../../contract/views/imports.ts'
import type { Brush } from '../../declare/brush.ts'
import { command, rows } from '../../declare/define.ts'

const some = (number: number, brush: Brush): string => (number === 0 ? '' : brush.count(number))

export default command({
  effect: 'read',
  summary: 'List imports, newest first',
  examples: ['latchkey import list', 'latchkey import list --json'],
  run: async ctx => (await ctx.operations()).imports.list(),
  prints: rows(importSummary, {
    columns: [
      { title: 'at', time: each => each.at },
      { title: 'source', cell: each => each.source },
      { title: 'created', cell: (each, brush) => brush.count(each.created), align: 'right' },
      { title: 'updated', cell: (each, brush) => brush.count(each.updated), align: 'right' },
      { title: 'unchanged', cell: (each, brush) => brush.count(each.unchanged), align: 'right' },
      { title: 'refused', cell: (each, brush) => brush.count(each.refused), align: 'right' },
      { title: 'gone', cell: ({ gone }, brush) => some(gone, brush), align: 'right', hideEmpty: true },
      {
        title: 'revoked',
        cell: ({ revoked }, brush) => some(revoked, brush),
        align: 'right',
        hideEmpty: true,
      },
      { title: 'undone', time: each => each.undoneAt, absent: '', hideEmpty: true },
      { title: 'id', cell: each => each.id },
    ],
    empty: 'Nothing was imported yet. See what can be with: latchkey import --help',
  }),
})
