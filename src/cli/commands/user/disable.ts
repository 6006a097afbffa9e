import { nouns } from '../../../contract/nouns.ts'
import { changedUser } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'
import { outcomeText } from '../changes.ts'

export default command({
  effect: 'write',
  summary: 'Turn off a user and all their keys until enabled again',
  examples: ['latchkey user disable alice', 'latchkey user disable alice --dry-run --json'],
  args: { user: arg.one(nouns.user.selectors) },
  run: async (ctx, { user }) => (await ctx.operations()).users.disable(user),
  prints: one(changedUser, {
    done: user =>
      outcomeText(
        `Disabled ${user.username}: their keys answer user_disabled. Undo: latchkey user enable ${user.username}`,
        'user',
        user,
      ),
  }),
  would: user => `disable user ${user.username}: their keys would stop working`,
})
