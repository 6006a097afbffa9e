/** Setting and checking the passwords of users. */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, PasswordCheck, PasswordSet, User } from '../../contract/views.ts'
import { and, eq } from '../../db/query.ts'
import { accounts } from '../../db/schema/accounts.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { type Row, targetOf } from '../nouns.ts'
import * as rules from '../rules/input.ts'
import { find, fitting } from '../select.ts'
import {
  algorithmOf,
  hashOf,
  hashPassword,
  isOwn,
  isPassword,
  newPassword,
  storePassword,
} from './passwords.ts'
import { isDisabled } from './status.ts'
import { changeUser } from './users.ts'

/**
 * Sets the password; null removes it.
 *
 * @throws not_found, ambiguous, invalid, conflict (was erased)
 */
export async function setPassword(
  context: OperationContext,
  selector: string,
  password: string | null,
): Promise<Changed<User>> {
  if (password !== null) rules.parse(v.object({ password: rules.password }), { password })
  const hash = password === null ? null : await hashPassword(password)
  return changeUser(context, selector, 'passwd', async (db, { id }) => ({
    isHidden: await storePassword(db, id, hash, context.now().getTime()),
  }))
}

/** Sets a new random password, which is returned and stored nowhere but as its hash. @throws not_found, ambiguous */
export async function generatePassword(context: OperationContext, selector: string): Promise<PasswordSet> {
  const password = newPassword()
  return { ...(await setPassword(context, selector, password)), password }
}

/**
 * Whether the password is the user's. False for a wrong password, a user without one, a disabled user, and an unknown or
 * ambiguous selector. All of these take the same time, so that nobody can find out which users exist. An imported hash is
 * replaced by argon2id once it has been verified.
 */
export async function verifyPassword(
  context: OperationContext,
  selector: string,
  password: string,
): Promise<boolean> {
  const found = await context.store.read(async db => {
    const [row, other] = await fitting(db, 'user', selector)
    return row === undefined || other !== undefined ? undefined : { row, hash: await hashOf(db, row.id) }
  })
  return (await check(context, found?.row, found?.hash ?? null, password)) === 'valid'
}

/** Whether the password is the user's, or else why not. For an operator, who may know the users. @throws not_found, ambiguous */
export async function checkPassword(
  context: OperationContext,
  selector: string,
  password: string,
): Promise<PasswordCheck> {
  const { row, hash } = await context.store.read(async db => {
    const row = await find(db, 'user', selector)
    return { row, hash: await hashOf(db, row.id) }
  })
  const code = await check(context, row, hash, password)
  return { user: { id: row.id, username: row.username }, valid: code === 'valid', code }
}

async function check(
  context: OperationContext,
  row: Row<'user'> | undefined,
  hash: string | null,
  password: string,
): Promise<PasswordCheck['code']> {
  const isRight = await isPassword(password, hash ?? nobodysHash)
  if (row === undefined || hash === null) return 'no_password'
  if (!isRight) return 'wrong_password'
  if (isDisabled(row, context.now())) return 'user_disabled'
  if (!hash.startsWith('$argon2id$')) await upgradeHash(context, row, hash, password)
  return 'valid'
}

/** The hash of a password that nobody has, to check if there is no other hash. */
const nobodysHash =
  '$argon2id$v=19$m=65536,t=2,p=1$ZYgp8teUCdzHGKMjhQN5KCOvGJSoORVh9YlBGTY9BZ4$zFc8ekIo3jfENNaYGjWjdZxvdSfhxnXsje6+eYxgFKU'

/**
 * Stores an imported password as argon2id, now that it is known. Failures are ignored: a busy, full or read-only database
 * is no reason to refuse a correct password.
 */
async function upgradeHash(
  context: OperationContext,
  row: Row<'user'>,
  oldHash: string,
  password: string,
): Promise<void> {
  if (!context.store.isWritable) return
  const hash = await hashPassword(password)
  try {
    await context.store.write(async db => {
      const upgraded = await db
        .update(accounts)
        .set({ password: hash, updatedAt: context.now().getTime() })
        .where(and(isOwn(eq(accounts.accountId, row.id)), eq(accounts.password, oldHash)))
        .returning()
      if (upgraded.length === 0) return
      await record(context, db, {
        action: 'user.rehash',
        target: targetOf('user', row),
        before: { passwordHash: algorithmOf(oldHash) },
        after: { passwordHash: algorithmOf(hash) },
      })
    })
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
  }
}
