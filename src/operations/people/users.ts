/** Users: people and service accounts that own projects and keys. */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, CreatedUser, User } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, count, eq, isNotNull, isNull, type SQL } from '../../db/query.ts'
import { chats } from '../../db/schema/chats.ts'
import { keys } from '../../db/schema/keys.ts'
import { projects, users } from '../../db/schema/people.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { shownLimits } from '../existing.ts'
import type { CreateOptions } from '../input.ts'
import { changeLimits, limitViews, requireOneMeaning } from '../limits/change.ts'
import { type Row, targetOf } from '../nouns.ts'
import { requireOtherOwner } from '../organizations/owners.ts'
import * as rules from '../rules/input.ts'
import { contains, fitting } from '../select.ts'
import { Thing } from '../thing.ts'
import { type NewUser, newUser, type UserChanges, type UserFilter, userChanges } from './input.ts'

/** @throws invalid, conflict (the username or email address is taken) */
export async function createUser(
  context: OperationContext,
  input: NewUser,
  options: CreateOptions = {},
): Promise<CreatedUser> {
  const fields = rules.parse(newUser, input)
  const passwordHash = fields.password === undefined ? null : await hashPassword(fields.password)
  const { username, email = null, name = null, role, service, limits } = fields
  const given = { username, email, name, role, service, passwordHash }
  return context.store.write(db =>
    user.create(context, db, given, {
      ...options,
      also: row => changeLimits(context, db, 'user', row.id, { limits }),
      same: async (there, row) => [
        ['email', there.email, fields.email],
        ['name', there.name, fields.name],
        ['role', there.role, input.role],
        ['service', there.service, input.service],
        ['limits', shownLimits(there.limits), input.limits && shownLimits(limits)],
        ['password', 'another', (await isOther(fields.password, row)) ? 'the one given' : undefined],
      ],
    }),
  )
}

/** Whether a given password differs from the user's. */
const isOther = async (password: string | undefined, { passwordHash }: Row<'user'>): Promise<boolean> =>
  password !== undefined && (passwordHash === null || !(await isPassword(password, passwordHash)))

/** Oldest first. @throws invalid */
export const listUsers = (context: OperationContext, filter: UserFilter = {}): Promise<readonly User[]> =>
  user.list(context, filter, async () => [
    filter.role && eq(users.role, filter.role),
    filter.service === undefined ? undefined : eq(users.service, filter.service),
    filter.status && isDisabled(filter.status === 'disabled'),
    filter.disabled === undefined ? undefined : isDisabled(filter.disabled),
    contains([users.username, users.email, users.name], filter.search),
  ])

const isDisabled = (disabled: boolean): SQL => (disabled ? isNotNull : isNull)(users.disabledAt)

/** @throws not_found, ambiguous, invalid, conflict */
export async function updateUser(
  context: OperationContext,
  selector: string,
  input: UserChanges,
): Promise<Changed<User>> {
  const { limits, removeLimits, ...changes } = rules.parseChanges(userChanges, input)
  requireOneMeaning({ limits, removeLimits })
  return user.change(context, selector, 'update', async (db, row) => {
    await changeLimits(context, db, 'user', row.id, { limits, removeLimits })
    return changes
  })
}

/**
 * Sets the password; null removes it.
 *
 * @throws not_found, ambiguous, invalid
 */
export async function setPassword(
  context: OperationContext,
  selector: string,
  password: string | null,
): Promise<Changed<User>> {
  if (password !== null) rules.parse(v.object({ password: rules.password }), { password })
  const passwordHash = password === null ? null : await hashPassword(password)
  return user.change(context, selector, 'passwd', async () => ({ passwordHash }))
}

/**
 * Whether the password is the user's. False for a wrong password, a user without one, a disabled user, and an unknown or
 * ambiguous selector. All of these take the same time, so that nobody can find out which users exist. An imported bcrypt
 * hash is replaced by argon2id once it has been verified.
 */
export async function verifyPassword(
  context: OperationContext,
  selector: string,
  password: string,
): Promise<boolean> {
  const [row, other] = await context.store.read(db => fitting(db, 'user', selector))
  const passwordHash = (other === undefined ? row?.passwordHash : null) ?? null
  const isRight = await isPassword(password, passwordHash ?? nobodysHash)
  if (!isRight || row === undefined || passwordHash === null || row.disabledAt !== null) return false
  if (!passwordHash.startsWith('$argon2id$')) await upgradeHash(context, row, passwordHash, password)
  return true
}

/** The hash of a password that nobody has, to check if there is no other hash. */
const nobodysHash =
  '$argon2id$v=19$m=65536,t=2,p=1$ZYgp8teUCdzHGKMjhQN5KCOvGJSoORVh9YlBGTY9BZ4$zFc8ekIo3jfENNaYGjWjdZxvdSfhxnXsje6+eYxgFKU'

/** Other systems' bcrypt uses only 72 bytes, while Bun hashes longer passwords first, so both are tried. */
async function isPassword(password: string, hash: string): Promise<boolean> {
  if (await Bun.password.verify(password, hash)) return true
  const bytes = new TextEncoder().encode(password)
  return (
    hash.startsWith('$2') &&
    bytes.length > bcryptBytes &&
    Bun.password.verify(bytes.subarray(0, bcryptBytes), hash)
  )
}

const bcryptBytes = 72

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
  const passwordHash = await hashPassword(password)
  try {
    await context.store.write(async db => {
      const [after] = await db
        .update(users)
        .set({ passwordHash })
        .where(and(eq(users.id, row.id), eq(users.passwordHash, oldHash)))
        .returning()
      if (!after) return
      await record(context, db, {
        action: 'user.rehash',
        target: targetOf('user', after),
        before: { passwordHash: algorithmOf(oldHash) },
        after: { passwordHash: algorithmOf(passwordHash) },
      })
    })
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
  }
}

const algorithmOf = (hash: string): string => (hash.startsWith('$2') ? 'bcrypt' : (hash.split('$')[1] ?? ''))

/**
 * The verdict on a disabled user's keys is `user_disabled`.
 *
 * @throws not_found, ambiguous, conflict (the last owner of an organization)
 */
export function disableUser(context: OperationContext, selector: string): Promise<Changed<User>> {
  return user.change(context, selector, 'disable', async (db, row) => {
    if (row.disabledAt === null) await requireOtherOwner(db, row)
    return { disabledAt: row.disabledAt ?? context.now().getTime() }
  })
}

/** @throws not_found, ambiguous */
export function enableUser(context: OperationContext, selector: string): Promise<Changed<User>> {
  return user.change(context, selector, 'enable', async () => ({ disabledAt: null }))
}

/**
 * Deletes a user who owns nothing. Memberships in projects, organizations and teams are removed too; invitations that the user
 * made stay.
 *
 * @throws not_found, ambiguous, conflict (the user still has keys, projects or chats, or is the last owner of an organization)
 */
export function deleteUser(context: OperationContext, selector: string): Promise<User> {
  return user.erase(context, selector, async (db, row) => {
    const { id, username } = row
    await requireOtherOwner(db, row)
    const [owned] = await db.select({ n: count() }).from(projects).where(eq(projects.ownerId, id))
    const [held] = await db.select({ n: count() }).from(keys).where(eq(keys.userId, id))
    const [said] = await db.select({ n: count() }).from(chats).where(eq(chats.userId, id))
    if (held && held.n > 0) {
      throw new LatchkeyError(
        'conflict',
        `${username} still has ${held.n} ${held.n === 1 ? 'key' : 'keys'}`,
        `see them with: latchkey key list --user ${username}; delete them or give them to another user, or use: latchkey user disable ${username}`,
      )
    }
    if (owned && owned.n > 0) {
      throw new LatchkeyError(
        'conflict',
        `${username} still owns ${owned.n} ${owned.n === 1 ? 'project' : 'projects'}`,
        `see them with: latchkey project list --owner ${username}; give them to another owner first`,
      )
    }
    if (said && said.n > 0) {
      throw new LatchkeyError(
        'conflict',
        `${username} still has ${said.n} ${said.n === 1 ? 'chat' : 'chats'}`,
        `see them with: latchkey chat list --user ${username}; erase them first with: latchkey chat prune --user ${username}`,
      )
    }
  })
}

/** The views of rows, in the same order. */
export async function userViews(db: Database, rows: readonly Row<'user'>[]): Promise<readonly User[]> {
  const limitsOf = await limitViews(
    db,
    'user',
    rows.map(row => row.id),
  )
  return rows.map(row => ({
    id: row.id,
    username: row.username,
    email: row.email,
    name: row.name,
    role: row.role,
    service: row.service,
    status: row.disabledAt === null ? 'active' : 'disabled',
    hasPassword: row.passwordHash !== null,
    limits: limitsOf.get(row.id) ?? [],
    disabledAt: row.disabledAt === null ? null : new Date(row.disabledAt),
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
  }))
}

export const user = new Thing('user', userViews)

const hashPassword = (password: string): Promise<string> => Bun.password.hash(password, 'argon2id')
