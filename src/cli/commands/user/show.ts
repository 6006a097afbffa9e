import { user } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'

export default command({
  effect: 'read',
  summary: 'Show one user',
  examples: ['latchkey user show alice', 'latchkey user show alice@example.org --json'],
  args: { user: arg.one('Username, email address or id') },
  run: async (ctx, { user }) => (await ctx.operations()).users.get(user),
  prints: one(user),
})
