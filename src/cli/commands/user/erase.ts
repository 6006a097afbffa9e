import { erasedUser } from '../../../contract/views/people.ts'
import { many } from '../../../text/quantity.ts'
import { command, one } from '../../declare/define.ts'
import { selecting } from '../thing.ts'

export default command({
  effect: 'destroy',
  summary: 'Erase a person for good, from backups too when they are restored',
  description:
    'Names, addresses, chats, accounts and sessions go, and keys are revoked. What was used still counts, and the audit log keeps its rows without names. Export first if the person asks for it: user export. Projects are given away first: user offboard --to.',
  examples: [
    'latchkey user erase alice',
    'latchkey user erase alice --dry-run',
    'latchkey user erase alice --yes --json',
  ],
  args: selecting('user'),
  confirm: async (ctx, { user }) => {
    const { id, username } = await (await ctx.operations()).users.get(user)
    return { question: `Erase ${username} (${id}) for good`, typed: username, binds: { user: id } }
  },
  run: async (ctx, { user }) => (await ctx.operations()).users.erase(user),
  prints: one(erasedUser, {
    done: ({ id, keys, chats }) =>
      `Erased ${id}: revoked ${many(keys, 'key')}, deleted ${many(chats, 'chat')}`,
  }),
  would: ({ id, keys, chats }) =>
    `erase ${id}, revoke ${many(keys, 'key')} and delete ${many(chats, 'chat')}`,
})
