import { changedUser } from '../../../contract/views/people.ts'
import { command } from '../../declare/define.ts'
import { outcome, selecting } from '../thing.ts'

export default command({
  effect: 'write',
  summary: 'Turn a disabled user and their keys on again',
  examples: ['latchkey user enable alice', 'latchkey user enable alice --dry-run --json'],
  args: selecting('user'),
  run: async (ctx, { user }) => (await ctx.operations()).users.enable(user),
  prints: outcome('user', changedUser, user => `Enabled ${user.username}`),
  would: user => `enable user ${user.username}`,
})
