/** The ways in which users sign in: a password, or accounts of other systems. Tokens and hashes never leave this file. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Account } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, eq, gt, type SQL } from '../../db/query.ts'
import { accounts } from '../../db/schema/accounts.ts'
import { users } from '../../db/schema/people.ts'
import { lineOf } from '../../text/shell-word.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { targetOf } from '../nouns.ts'
import { paged } from '../page.ts'
import * as rules from '../rules/input.ts'
import { byId, find, oneById } from '../select.ts'
import { type AccountFilter, type AccountPage, accountFilter, type Unlinking, unlinking } from './input.ts'

/** Oldest first. @throws invalid; not_found, ambiguous for the user */
export const accountList = paged('accounts', (_, given: AccountPage = {}) => {
  const { limit, after, ...filter } = rules.parsePage(accountFilter, given)
  return {
    limit,
    open: async db => {
      const where = await conditionOf(db, filter)
      return {
        after,
        read: async (last: string | undefined, size: number) => {
          const beyond = last === undefined ? undefined : gt(accounts.id, last)
          return (await rowsOf(db, and(where, beyond), size)).map(viewOf)
        },
        keyOf: ({ id }: Account) => id,
        total: () => db.$count(accounts, where),
      }
    },
  }
})

/** @throws not_found, ambiguous */
export const getAccount = (context: OperationContext, selector: string): Promise<Account> =>
  context.store.read(async db => viewOf(await findAccount(db, selector)))

/**
 * Takes a way to sign in from its user.
 *
 * @throws not_found, ambiguous, conflict (it is the last one, and `evenLast` is not given)
 */
export function unlinkAccount(
  context: OperationContext,
  selector: string,
  options: Unlinking = {},
): Promise<Account> {
  const { evenLast } = rules.parse(unlinking, options)
  return context.store.write(async db => {
    const found = await findAccount(db, selector)
    const { account, user } = found
    const ways = await db.$count(accounts, eq(accounts.userId, user.id))
    if (ways === 1 && !evenLast) {
      throw new LatchkeyError(
        'conflict',
        `without this account, ${user.username} has no way to sign in`,
        account.issuer === 'local:credential'
          ? `unlink it anyway with --force, or replace the password with: ${lineOf('user passwd', user.username)}`
          : `give a password first: ${lineOf('user passwd', user.username)}; or unlink it anyway with --force`,
      )
    }
    await db.delete(accounts).where(eq(accounts.id, account.id))
    const before = viewOf(found)
    await record(context, db, { action: 'user.account-unlink', target: targetOf('user', user), before })
    return before
  })
}

/** @throws not_found, ambiguous */
async function conditionOf(db: Database, { user, provider }: AccountFilter): Promise<SQL | undefined> {
  return and(
    user === undefined ? undefined : eq(accounts.userId, (await find(db, 'user', user)).id),
    provider === undefined ? undefined : eq(accounts.providerId, provider),
  )
}

interface Found {
  readonly id: string
  readonly account: typeof accounts.$inferSelect
  readonly user: typeof users.$inferSelect
}

const rowsOf = (db: Database, where: SQL | undefined, limit: number): Promise<readonly Found[]> =>
  db
    .select({ id: accounts.id, account: accounts, user: users })
    .from(accounts)
    .innerJoin(users, eq(users.id, accounts.userId))
    .where(where)
    .orderBy(asc(accounts.id))
    .limit(limit)

const findAccount = (db: Database, selector: string): Promise<Found> =>
  oneById('account', byId(accounts.id, selector, 'acc'), isMeant => rowsOf(db, isMeant, 2))

const viewOf = ({ account, user }: Found): Account => ({
  id: account.id,
  user: { id: user.id, username: user.username },
  provider: account.providerId,
  issuer: account.issuer,
  accountId: account.accountId,
  hasPassword: account.password !== null,
  hasTokens: [account.accessToken, account.refreshToken, account.idToken].some(token => token !== null),
  scope: account.scope,
  createdAt: new Date(account.createdAt),
  updatedAt: new Date(account.updatedAt),
})
