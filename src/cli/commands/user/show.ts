import { userDetails } from '../../../contract/views/people.ts'
import { showing } from '../thing.ts'

export default showing(
  'user',
  userDetails,
  async (ctx, { user }) => (await ctx.operations()).users.get(user),
  {
    summary: 'Show one user',
    examples: ['latchkey user show alice', 'latchkey user show alice@example.org --json'],
  },
)
