import { limitState } from '../../../../contract/views/limits.ts'
import { arg, command, rows } from '../../../declare/define.ts'
import { limitColumns } from '../../../draw/limits.ts'

export default command({
  effect: 'read',
  summary: 'List the limits that bind a key, as they stand',
  examples: ['latchkey key limit list ci', 'latchkey key limit list ci --json'],
  args: { key: arg.one('Name, id or start of the secret; - reads the secret from stdin') },
  run: async (ctx, { key }) => (await ctx.operations()).limits.list({ key: await ctx.keySelector(key) }),
  prints: rows(limitState, {
    columns: limitColumns,
    empty: 'No limits. Add one with: latchkey key limit add KEY tokens=100k/5h',
  }),
})
