import { limitState } from '../../../../contract/views/limits.ts'
import { arg, command, rows } from '../../../declare/define.ts'
import { limitColumns } from '../../../draw/limits.ts'

export default command({
  effect: 'read',
  summary: 'List the limits of a project, as they stand',
  examples: ['latchkey project limit list shop', 'latchkey project limit list shop --json'],
  args: { project: arg.one('Slug, name or id') },
  run: async (ctx, { project }) => (await ctx.operations()).limits.list({ project }),
  prints: rows(limitState, {
    columns: limitColumns,
    empty: 'No limits. Add one with: latchkey project limit add PROJECT tokens=100k/5h',
  }),
})
