import { nouns } from '../../../contract/nouns.ts'
import { user } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'

export default command({
  effect: 'read',
  summary: 'Show one user',
  examples: ['latchkey user show alice', 'latchkey user show alice@example.org --json'],
  args: { user: arg.one(nouns.user.selectors) },
  run: async (ctx, { user }) => (await ctx.operations()).users.get(user),
  prints: one(user),
})
