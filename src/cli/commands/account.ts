/** The commands of accounts. */
import { account } from '../../contract/views/accounts.ts'
import { arg, command, one, opt, rows } from '../declare/define.ts'
import { paging } from './thing.ts'

const list = command({
  effect: 'read',
  summary: 'List the accounts that users sign in with, oldest first',
  description:
    'A password is an account of the provider credential. Never shows a hash or a token. To page, give the last id of a page as --after ID.',
  examples: [
    'latchkey account list',
    'latchkey account list --user alice --json',
    'latchkey account list --provider github -q',
  ],
  options: {
    user: opt.text('user', 'Only accounts of this user'),
    provider: opt.text('provider', 'Only accounts of this system; credential for passwords'),
    ...paging('account', 'id'),
  },
  run: async (ctx, page) => (await ctx.operations()).accounts.stream(page),
  prints: rows(account, {
    columns: [
      { title: 'user', cell: account => account.user.username },
      { title: 'provider', cell: account => account.provider },
      {
        title: 'account',
        cell: account => (account.hasPassword ? 'password' : account.accountId),
        importance: 'low',
      },
      { title: 'scope', cell: account => account.scope ?? '', hideEmpty: true, spare: 'last' },
      { title: 'since', time: account => account.createdAt },
      { title: 'id', cell: account => account.id, whole: true },
      { title: 'issuer', cell: account => account.issuer, wide: true },
    ],
    empty: 'No accounts. Set a password with: latchkey user passwd alice',
    noMatch: 'No accounts match. List all with: latchkey account list',
  }),
})

const unlink = command({
  effect: 'destroy',
  summary: 'Take a way to sign in from a user',
  description: 'The last one is kept, unless --force is given. Sessions go on: end them with session revoke.',
  examples: ['latchkey account unlink acc_01kaqv8w', 'latchkey account unlink acc_01kaqv8w --force --yes'],
  args: { account: arg.one('Id of the account, or its beginning; latchkey account list shows them') },
  options: { force: opt.flag('Also if the user has no other way to sign in') },
  confirm: async (ctx, { account }) => {
    const { id, user, provider } = await (await ctx.operations()).accounts.get(account)
    return {
      question: `Unlink the ${provider} account of ${user.username}`,
      typed: user.username,
      binds: { account: id },
    }
  },
  run: async (ctx, { account, force }) =>
    (await ctx.operations()).accounts.unlink(account, { evenLast: force }),
  prints: one(account, {
    done: ({ provider, user }) => `Unlinked the ${provider} account of ${user.username} (${user.id})`,
  }),
  would: ({ provider, user }) => `unlink the ${provider} account of ${user.username}`,
})

export default { list, unlink }
