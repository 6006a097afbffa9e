import { offboarded } from '../../../contract/views/people.ts'
import { many } from '../../../text/quantity.ts'
import { command, one, opt } from '../../declare/define.ts'
import { selecting } from '../thing.ts'

const told = {
  disabled: 'Disabled',
  transferred: 'Gave everything away, and disabled',
  deleted: 'Deleted',
} as const

const willBe = { disabled: 'disable', transferred: 'disable', deleted: 'delete' } as const

/** `3 keys, 1 project membership` */
const held = (holds: Readonly<Record<string, number>>): string =>
  Object.entries(holds)
    .map(([kind, count]) => {
      const words = kind.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
      return many(count, words.replace(/s$/, ''), words)
    })
    .join(', ') || 'nothing'

export default command({
  effect: 'destroy',
  summary: 'Show all that a user owns or belongs to, and end it',
  description:
    'Without an option, only shows. --disable turns the user off; --to gives all keys, projects, chats and more to another user and turns the user off; --delete erases all of it with the user. Each is one transaction, and ends sessions and memberships.',
  examples: [
    'latchkey user offboard alice',
    'latchkey user offboard alice --to bob --dry-run',
    'latchkey user offboard alice --disable --yes',
    'latchkey user offboard alice --delete',
  ],
  args: selecting('user'),
  options: {
    disable: opt.flag('Turn the user off; what they own stays'),
    to: opt.text('user', 'Give all that they own to this user'),
    delete: opt.flag('Delete all that they own, and the user'),
  },
  asks: ({ disable, to, delete: deleteAll }) => disable || deleteAll || to !== undefined,
  confirm: async (ctx, { user, to, delete: deleteAll }) => {
    const shown = await (await ctx.operations()).users.offboard(user)
    const { id, username } = shown.user
    const what = deleteAll ? 'Delete' : to === undefined ? 'Disable' : `Give to ${to} what belongs to`
    return { question: `${what} ${username}: ${held(shown.holds)}`, typed: username, binds: { user: id } }
  },
  run: async (ctx, { user, delete: deleteAll, ...options }) =>
    (await ctx.operations()).users.offboard(user, { ...options, deleteAll }),
  prints: one(offboarded, {
    done: ({ user, action, holds, to }) =>
      action === 'none'
        ? `${user.username} (${user.id}) has ${held(holds)}. End it with --disable, --to USER or --delete`
        : `${told[action]}: ${user.username} (${user.id}), with ${held(holds)}${to === null ? '' : `; now of ${to.username}`}`,
  }),
  would: ({ user, action, holds, to }) =>
    action === 'none'
      ? undefined
      : `${willBe[action]} ${user.username}, with ${held(holds)}${to === null ? '' : `; given to ${to.username}`}`,
})
