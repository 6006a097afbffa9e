/** Users: people and service accounts that own projects and keys. */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { AuditVerb, Changed, CreatedUser, User } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, count, eq, isNotNull, isNull, type SQL } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { projects, users } from '../../db/schema/people.ts'
import { record } from '../audit.ts'
import { differingColumns, settleChange } from '../changed.ts'
import type { OperationContext } from '../context.ts'
import { requireSame, shownLimits } from '../existing.ts'
import type { CreateOptions } from '../input.ts'
import { changeLimits, limitViews, requireOneMeaning } from '../limits/change.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { contains, findUser, sameText, type UserRow, usersFitting } from '../select.ts'
import { type NewUser, newUser, type UserChanges, type UserFilter, userChanges } from './input.ts'

/** @throws invalid, conflict when the username or email address is taken */
export async function createUser(
  context: OperationContext,
  input: NewUser,
  options: CreateOptions = {},
): Promise<CreatedUser> {
  const fields = rules.parse(newUser, input)
  const passwordHash = fields.password === undefined ? null : await hashPassword(fields.password)
  return context.store.write(async db => {
    const there = options.ifNotExists ? await existing(db, input, fields) : undefined
    if (there) return { ...there, created: false }
    await requireFree(db, fields)
    const now = context.now()
    const [row] = await db
      .insert(users)
      .values({
        id: newId('usr', now),
        username: fields.username,
        email: fields.email ?? null,
        name: fields.name ?? null,
        role: fields.role,
        service: fields.service,
        passwordHash,
        createdAt: now.getTime(),
        updatedAt: now.getTime(),
      })
      .returning()
    if (!row) throw new Error('the user was written, but not returned')
    await changeLimits(db, 'user', row.id, { limits: fields.limits }, now)
    const after = await userView(db, row)
    await record(context, db, { action: 'user.create', target: target(row), after })
    return { ...after, created: true }
  })
}

/** The user of that name, when there is one and it is as was asked for. @throws conflict */
async function existing(
  db: Database,
  asked: NewUser,
  fields: v.InferOutput<typeof newUser>,
): Promise<User | undefined> {
  const [row] = await db.select().from(users).where(sameText(users.username, fields.username)).limit(1)
  if (!row) return undefined
  const view = await userView(db, row)
  const hasPassword =
    fields.password !== undefined &&
    (row.passwordHash === null || !(await isPassword(fields.password, row.passwordHash)))
  requireSame(
    `user ${row.username} (${row.id})`,
    [
      ['email', view.email, fields.email],
      ['name', view.name, fields.name],
      ['role', view.role, asked.role],
      ['service', view.service, asked.service],
      ['limits', shownLimits(view.limits), asked.limits && shownLimits(fields.limits)],
      ['password', 'another', hasPassword ? 'the one given' : undefined],
    ],
    `change it with: latchkey user update ${row.username}`,
  )
  return view
}

/** Oldest first. */
export function listUsers(context: OperationContext, filter: UserFilter = {}): Promise<readonly User[]> {
  return context.store.read(async db => {
    rules.requireWords(filter)
    const rows = await db
      .select()
      .from(users)
      .where(
        and(
          filter.role && eq(users.role, filter.role),
          filter.service === undefined ? undefined : eq(users.service, filter.service),
          filter.status && isDisabled(filter.status === 'disabled'),
          filter.disabled === undefined ? undefined : isDisabled(filter.disabled),
          contains([users.username, users.email, users.name], filter.search),
        ),
      )
      .orderBy(users.id)
    return userViews(db, rows)
  })
}

const isDisabled = (disabled: boolean): SQL => (disabled ? isNotNull : isNull)(users.disabledAt)

/** @throws not_found, ambiguous */
export function getUser(context: OperationContext, selector: string): Promise<User> {
  return context.store.read(async db => userView(db, await findUser(db, selector)))
}

/** @throws not_found, ambiguous, invalid, conflict */
export async function updateUser(
  context: OperationContext,
  selector: string,
  input: UserChanges,
): Promise<Changed<User>> {
  const { limits, removeLimits, ...changes } = rules.parseChanges(userChanges, input)
  requireOneMeaning({ limits, removeLimits })
  return change(context, selector, 'update', async (db, row) => {
    await requireFree(db, changes, row.id)
    await changeLimits(db, 'user', row.id, { limits, removeLimits }, context.now())
    return changes
  })
}

/**
 * Sets the password, or takes it away when it is null.
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
  return change(context, selector, 'passwd', async () => ({ passwordHash }))
}

/**
 * Whether the password is the user's. False for a wrong password, a user without one, a disabled user, and where nobody
 * is selected, or several are: each takes as long as a wrong password, so that nobody learns who there is. A password
 * that an import brought as bcrypt is kept as argon2id from then on.
 */
export async function verifyPassword(
  context: OperationContext,
  selector: string,
  password: string,
): Promise<boolean> {
  const [row, other] = await context.store.read(db => usersFitting(db, selector))
  const passwordHash = (other === undefined ? row?.passwordHash : null) ?? null
  const isRight = await isPassword(password, passwordHash ?? nobodysHash)
  if (!isRight || row === undefined || passwordHash === null || row.disabledAt !== null) return false
  if (!passwordHash.startsWith('$argon2id$')) await upgradeHash(context, row, passwordHash, password)
  return true
}

/** Of a password that nobody has, with the costs of all others: what is checked where there is none to check. */
const nobodysHash =
  '$argon2id$v=19$m=65536,t=2,p=1$ZYgp8teUCdzHGKMjhQN5KCOvGJSoORVh9YlBGTY9BZ4$zFc8ekIo3jfENNaYGjWjdZxvdSfhxnXsje6+eYxgFKU'

/** bcrypt as other systems have it looks at 72 bytes; Bun's hashes what is longer first, so both are tried. */
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
 * Keeps the password of an import as argon2id, now that it is known. The password is right whether or not it can be
 * kept so: a database that is busy, full or read-only is no reason to turn its user away.
 */
async function upgradeHash(
  context: OperationContext,
  row: UserRow,
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
        target: target(after),
        before: { passwordHash: algorithmOf(oldHash) },
        after: { passwordHash: algorithmOf(passwordHash) },
      })
    })
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
  }
}

const algorithmOf = (hash: string): string => (hash.startsWith('$2') ? 'bcrypt' : (hash.split('$')[1] ?? ''))

/** All keys of a disabled user answer `user_disabled`. @throws not_found, ambiguous */
export function disableUser(context: OperationContext, selector: string): Promise<Changed<User>> {
  return change(context, selector, 'disable', async (_, row) => ({
    disabledAt: row.disabledAt ?? context.now().getTime(),
  }))
}

/** @throws not_found, ambiguous */
export function enableUser(context: OperationContext, selector: string): Promise<Changed<User>> {
  return change(context, selector, 'enable', async () => ({ disabledAt: null }))
}

/**
 * Erases a user who owns nothing any more; memberships go along.
 *
 * @throws not_found, ambiguous, conflict when the user still has keys or projects
 */
export function deleteUser(context: OperationContext, selector: string): Promise<User> {
  return context.store.write(async db => {
    const row = await findUser(db, selector)
    const [owned] = await db.select({ n: count() }).from(projects).where(eq(projects.ownerId, row.id))
    const [held] = await db.select({ n: count() }).from(keys).where(eq(keys.userId, row.id))
    if (held && held.n > 0) {
      throw new LatchkeyError(
        'conflict',
        `${row.username} still has ${held.n} ${held.n === 1 ? 'key' : 'keys'}`,
        `see them with: latchkey key list --user ${row.username}; delete them or give them to another user, or use: latchkey user disable ${row.username}`,
      )
    }
    if (owned && owned.n > 0) {
      throw new LatchkeyError(
        'conflict',
        `${row.username} still owns ${owned.n} ${owned.n === 1 ? 'project' : 'projects'}`,
        `see them with: latchkey project list --owner ${row.username}; give them to another owner first`,
      )
    }
    const view = await userView(db, row)
    await db.delete(users).where(eq(users.id, row.id))
    await record(context, db, { action: 'user.delete', target: target(row), before: view })
    return view
  })
}

async function userView(db: Database, row: UserRow): Promise<User> {
  const [view] = await userViews(db, [row])
  if (!view) throw new Error('a user without a view')
  return view
}

/** The views of rows, in their order. */
export async function userViews(db: Database, rows: readonly UserRow[]): Promise<readonly User[]> {
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

type Changes = { [K in keyof UserRow]?: UserRow[K] | undefined }

function change(
  context: OperationContext,
  selector: string,
  verb: AuditVerb<'user'>,
  changesTo: (db: Database, row: UserRow) => Promise<Changes>,
): Promise<Changed<User>> {
  return context.store.write(async db => {
    const row = await findUser(db, selector)
    const before = await userView(db, row)
    const columns = differingColumns(row, await changesTo(db, row))
    if (Object.keys(columns).length > 0) await db.update(users).set(columns).where(eq(users.id, row.id))
    const changed = { ...row, ...columns }
    return settleChange(context, db, {
      action: `user.${verb}`,
      target: target(changed),
      before,
      after: await userView(db, changed),
      isHidden: columns.passwordHash !== undefined,
    })
  })
}

async function requireFree(
  db: Database,
  fields: { username?: string | undefined; email?: string | null | undefined },
  except?: string,
): Promise<void> {
  for (const [column, text, what] of [
    [users.username, fields.username, 'username'],
    [users.email, fields.email, 'email address'],
  ] as const) {
    if (text === undefined || text === null) continue
    const [taken] = await db.select().from(users).where(sameText(column, text)).limit(1)
    if (!taken || taken.id === except) continue
    throw new LatchkeyError(
      'conflict',
      `the ${what} ${text} is taken by ${taken.username} (${taken.id})`,
      `choose another, or look at: latchkey user show ${taken.username}`,
    )
  }
}

const target = (row: UserRow) => ({ type: 'user' as const, id: row.id, name: row.username })

const hashPassword = (password: string): Promise<string> => Bun.password.hash(password, 'argon2id')
