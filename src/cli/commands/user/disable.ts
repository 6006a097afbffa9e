import { changedUser } from '../../../contract/views/people.ts'
import type { User } from '../../../contract/views.ts'
import { lineOf } from '../../../text/shell-word.ts'
import type { Brush } from '../../declare/brush.ts'
import { command, opt, verbatim } from '../../declare/define.ts'
import { whenIfEver } from '../../declare/times.ts'
import { outcome, selecting, withChange } from '../thing.ts'

/** `Disabled alice until 2026-12-13 10:00: …`, and below it what differs if the user was disabled already. */
function disabledText(
  done: string,
  then: string,
  user: User & { readonly changed: boolean; readonly before: unknown },
  brush: Brush,
): string {
  const { username, disabledUntil, before } = user
  const until = disabledUntil === null ? '' : ` until ${brush.time(disabledUntil)}`
  const text = `${done} ${username}${until}: ${then}`
  return Object.hasOwn(Object(before), 'status') ? text : withChange(text, user, brush)
}

export default command({
  effect: 'write',
  summary: 'Turn off a user with all their keys and sessions',
  description:
    'Their keys and sessions stop at once. With --until, they work again by themselves from then on. The end and the reason of a user who is disabled already stay unless you give others.',
  examples: [
    'latchkey user disable alice',
    'latchkey user disable alice --until 14d --reason "unpaid invoice"',
    'latchkey user disable alice --until never',
    'latchkey user disable alice --dry-run --json',
  ],
  args: selecting('user'),
  options: {
    until: opt.clearable(
      'duration|date',
      whenIfEver,
      'When the user is active again by itself (default: when enabled)',
    ),
    reason: opt.clearable('text', verbatim, 'Why, for people'),
  },
  run: async (ctx, { user, ...options }) => (await ctx.operations()).users.disable(user, options),
  prints: outcome('user', changedUser, (user, brush) => {
    const then = `their keys answer user_disabled. Undo: ${lineOf('user enable', user.username)}`
    return disabledText('Disabled', then, user, brush)
  }),
  would: (user, brush) => disabledText('disable user', 'their keys would stop working', user, brush),
})
