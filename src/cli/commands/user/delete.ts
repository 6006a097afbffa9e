import { nouns } from '../../../contract/nouns.ts'
import { user } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'

export default command({
  effect: 'destroy',
  summary: 'Erase a user who owns no keys and no projects',
  examples: ['latchkey user delete alice', 'latchkey user delete alice --yes --json'],
  args: { user: arg.one(nouns.user.selectors) },
  confirm: async (ctx, { user }) => {
    const { username, id } = await (await ctx.operations()).users.get(user)
    return { question: `Erase user ${username} (${id}) for good`, typed: username, binds: { user: id } }
  },
  run: async (ctx, { user }) => (await ctx.operations()).users.delete(user),
  prints: one(user, { done: user => `Deleted user ${user.username} (${user.id})` }),
  would: user => `delete user ${user.username}`,
})
