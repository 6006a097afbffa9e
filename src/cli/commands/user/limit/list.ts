import { limitState } from '../../../../contract/views/limits.ts'
import { arg, command, rows } from '../../../declare/define.ts'
import { limitColumns } from '../../../draw/limits.ts'

export default command({
  effect: 'read',
  summary: 'List the limits of a user, as they stand',
  examples: ['latchkey user limit list alice', 'latchkey user limit list alice --json'],
  args: { user: arg.one('Username, email address or id') },
  run: async (ctx, { user }) => (await ctx.operations()).limits.list({ user }),
  prints: rows(limitState, {
    columns: limitColumns,
    empty: 'No limits. Add one with: latchkey user limit add USER tokens=100k/5h',
  }),
})
