import { nouns } from '../../../contract/nouns.ts'
import { changedUser } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'
import { outcomeText } from '../changes.ts'

export default command({
  effect: 'write',
  summary: 'Turn a disabled user and their keys on again',
  examples: ['latchkey user enable alice', 'latchkey user enable alice --dry-run --json'],
  args: { user: arg.one(nouns.user.selectors) },
  run: async (ctx, { user }) => (await ctx.operations()).users.enable(user),
  prints: one(changedUser, {
    done: user => outcomeText(`Enabled ${user.username}`, 'user', user),
  }),
  would: user => `enable user ${user.username}`,
})
