import { changedUser } from '../../../contract/views/people.ts'
import { command } from '../../declare/define.ts'
import { outcome, selecting } from '../thing.ts'

export default command({
  effect: 'write',
  summary: 'Turn off a user and all their keys until enabled again',
  examples: ['latchkey user disable alice', 'latchkey user disable alice --dry-run --json'],
  args: selecting('user'),
  run: async (ctx, { user }) => (await ctx.operations()).users.disable(user),
  prints: outcome(
    'user',
    changedUser,
    user =>
      `Disabled ${user.username}: their keys answer user_disabled. Undo: latchkey user enable ${user.username}`,
  ),
  would: user => `disable user ${user.username}: their keys would stop working`,
})
