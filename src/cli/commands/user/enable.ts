import { user } from '../../../contract/views/people.ts'
import { arg, command } from '../../declare/define.ts'

export default command({
  name: 'enable',
  effect: 'write',
  summary: 'Turn a disabled user and their keys on again',
  examples: ['latchkey user enable alice', 'latchkey user enable alice --dry-run --json'],
  args: { user: arg.one('Username, email address or id') },
  run: async (ctx, { user }) => (await ctx.operations()).users.enable(user),
  output: user,
  would: user => `enable user ${user.username}`,
  done: user => `Enabled ${user.username}`,
})
