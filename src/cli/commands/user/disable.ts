import { changedUser } from '../../../contract/views/people.ts'
import { command, opt } from '../../declare/define.ts'
import { when } from '../../declare/times.ts'
import { outcome, selecting } from '../thing.ts'

export default command({
  effect: 'write',
  summary: 'Turn off a user with all their keys and sessions',
  description:
    'Their keys and sessions stop at once. With --until, they work again by themselves from then on.',
  examples: [
    'latchkey user disable alice',
    'latchkey user disable alice --until 14d --reason "unpaid invoice"',
    'latchkey user disable alice --dry-run --json',
  ],
  args: selecting('user'),
  options: {
    until: opt.as('duration|date', when, 'When the user is active again by itself (default: when enabled)'),
    reason: opt.text('text', 'Why, for people'),
  },
  run: async (ctx, { user, ...options }) => (await ctx.operations()).users.disable(user, options),
  prints: outcome(
    'user',
    changedUser,
    user =>
      `Disabled ${user.username}: their keys answer user_disabled. Undo: latchkey user enable ${user.username}`,
  ),
  would: user => `disable user ${user.username}: their keys would stop working`,
})
