/** Users: people and service accounts that own projects and keys. */

import { LatchkeyError } from '../../contract/errors.ts'
import { nouns } from '../../contract/nouns.ts'
import type { Changed, CreatedUser, User } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, not, type SQL } from '../../db/query.ts'
import { users } from '../../db/schema/people.ts'
import { many } from '../../text/quantity.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { OperationContext } from '../context.ts'
import { shownLimits } from '../existing.ts'
import type { CreateOptions } from '../input.ts'
import { changeLimits, limitViews, requireOneMeaning } from '../limits/change.ts'
import { column, type Row, tableOf } from '../nouns.ts'
import { requireOtherOwner } from '../organizations/owners.ts'
import { listed } from '../page.ts'
import * as rules from '../rules/input.ts'
import { dateOrNull } from '../rules/instant.ts'
import { contains } from '../select.ts'
import { Thing } from '../thing.ts'
import {
  type Disabling,
  disabling,
  type NewUser,
  newUser,
  type UserChanges,
  type UserPage,
  userChanges,
  userFilter,
} from './input.ts'
import { hashesOf, hashOf, hashPassword, isPassword, storePassword } from './passwords.ts'
import { requireNotErased } from './recipient.ts'
import { isDisabled } from './status.ts'
import { disabledAt } from './status-condition.ts'

/** @throws invalid, conflict (the username or email address is taken) */
export async function createUser(
  context: OperationContext,
  input: NewUser,
  options: CreateOptions = {},
): Promise<CreatedUser> {
  const fields = rules.parse(newUser, input)
  const passwordHash = fields.password === undefined ? null : await hashPassword(fields.password)
  const { username, email = null, name = null, role, service, limits } = fields
  const { emailVerified, image = null } = fields
  const given = { username, email, emailVerified, name, image, role, service }
  return context.store.write(db =>
    user.create(context, db, given, {
      ...options,
      also: async row => {
        await changeLimits(context, db, { type: 'user', id: row.id }, { limits })
        if (passwordHash !== null) await storePassword(db, row.id, passwordHash, row.createdAt)
      },
      same: async (there, row) => [
        ['email', there.email, fields.email],
        ['email verified', there.emailVerified, input.emailVerified],
        ['name', there.name, fields.name],
        ['image', there.image, fields.image],
        ['role', there.role, input.role],
        ['service', there.service, input.service],
        ['limits', shownLimits(there.limits), input.limits && shownLimits(limits)],
        ['password', 'another', (await isOther(db, fields.password, row)) ? 'the one given' : undefined],
      ],
    }),
  )
}

/** Whether a given password differs from the user's. */
async function isOther(db: Database, password: string | undefined, { id }: Row<'user'>): Promise<boolean> {
  if (password === undefined) return false
  const hash = await hashOf(db, id)
  return hash === null || !(await isPassword(password, hash))
}

/** Oldest first. @throws invalid; not_found, ambiguous for the user to begin after */
export const userList = listed((context, given: UserPage = {}) => {
  const { limit, after, ...filter } = rules.parsePage(userFilter, given)
  return {
    limit,
    open: async db => {
      const where = and(
        filter.role && eq(users.role, filter.role),
        filter.service === undefined ? undefined : eq(users.service, filter.service),
        filter.status && isShut(filter.status === 'disabled', context.now()),
        filter.disabled === undefined ? undefined : isShut(filter.disabled, context.now()),
        contains([users.username, users.email, users.name], filter.search),
      )
      return user.source(context, db, where, after)
    },
  }
})

const isShut = (disabled: boolean, now: Date): SQL | undefined => {
  const shut = disabledAt(now)
  return disabled || shut === undefined ? shut : not(shut)
}

/** @throws not_found, ambiguous, invalid, conflict */
export async function updateUser(
  context: OperationContext,
  selector: string,
  input: UserChanges,
): Promise<Changed<User>> {
  const { limits, removeLimits, ...changes } = rules.parseChanges(userChanges, input)
  requireOneMeaning({ limits, removeLimits })
  return changeUser(context, selector, 'update', async (db, row) => {
    await changeLimits(context, db, { type: 'user', id: row.id }, { limits, removeLimits })
    const isMoved = changes.email !== undefined && changes.email !== row.email
    return { ...(isMoved && { emailVerified: false }), ...changes }
  })
}

/**
 * The verdict on a disabled user's keys is `user_disabled`, and their sessions are not valid, until a time if one is given. The
 * time and the reason of a user who is disabled already stay, unless others are given.
 *
 * @throws not_found, ambiguous, invalid (a time that is over), conflict (was erased)
 */
export async function disableUser(
  context: OperationContext,
  selector: string,
  options: Disabling = {},
): Promise<Changed<User>> {
  const { reason, until } = rules.parse(disabling, options)
  const now = context.now()
  if (until && until <= now) {
    const hint = 'give a time in the future, or leave it out: the user is then disabled until enabled again'
    throw new LatchkeyError('invalid', `${until.toISOString()} is over`, hint)
  }
  return changeUser(context, selector, 'disable', async (db, row) => {
    if (!isDisabled(row, now)) await requireOtherOwner(db, context.now(), row)
    const was = isDisabled(row, now) ? row : undefined
    return {
      disabledAt: was?.disabledAt ?? now.getTime(),
      disabledReason: reason === undefined ? (was?.disabledReason ?? null) : reason,
      disabledUntil: until === undefined ? (was?.disabledUntil ?? null) : (until?.getTime() ?? null),
    }
  })
}

/** @throws not_found, ambiguous, conflict (was erased) */
export function enableUser(context: OperationContext, selector: string): Promise<Changed<User>> {
  const enabled = { disabledAt: null, disabledReason: null, disabledUntil: null }
  return changeUser(context, selector, 'enable', async () => enabled)
}

/** Changes a user who was not erased. @throws as `Thing.change`, and conflict (was erased) */
export const changeUser: typeof user.change = (context, selector, verb, work) =>
  user.change(context, selector, verb, async (db, row) => {
    await requireNotErased(db, row)
    return work(db, row)
  })

/**
 * Deletes a user who owns nothing. Memberships in projects, organizations and teams are removed too; invitations that the user
 * made stay.
 *
 * @throws not_found, ambiguous, conflict (the user still has keys, projects or chats, is the last owner of an organization, or was
 *   erased)
 */
export function deleteUser(context: OperationContext, selector: string): Promise<User> {
  return user.erase(context, selector, (db, row) => requireDeletable(context, db, row))
}

/** @throws conflict (the user still has keys, projects or chats, is the last owner of an organization, or was erased) */
export async function requireDeletable(
  context: OperationContext,
  db: Database,
  row: Row<'user'>,
): Promise<void> {
  await requireNotErased(db, row)
  await requireOtherOwner(db, context.now(), row)
  for (const { noun, by, verb, hint } of inTheWay) {
    const held = await db.$count(tableOf(noun), eq(column(noun, by), row.id))
    if (held === 0) continue
    throw new LatchkeyError(
      'conflict',
      `${row.username} still ${verb} ${many(held, noun, nouns[noun].plural)}`,
      hint(row.username),
    )
  }
}

/** What a user must be rid of first, and how to see it. */
const inTheWay = [
  {
    noun: 'key',
    by: 'userId',
    verb: 'has',
    hint: (user: string) =>
      `see them with: ${lineOf('key list --user', user)}; delete them or give them to another user, or use: ${lineOf('user disable', user)}`,
  },
  {
    noun: 'project',
    by: 'ownerId',
    verb: 'owns',
    hint: (user: string) =>
      `see them with: ${lineOf('project list --owner', user)}; give them to another owner first`,
  },
  {
    noun: 'chat',
    by: 'userId',
    verb: 'has',
    hint: (user: string) =>
      `see them with: ${lineOf('chat list --user', user)}; erase them first with: ${lineOf('chat prune --user', user)}`,
  },
] as const

/** The views of rows, in the same order. */
export async function userViews(
  db: Database,
  rows: readonly Row<'user'>[],
  now: Date,
): Promise<readonly User[]> {
  const ids = rows.map(row => row.id)
  const limitsOf = await limitViews(db, 'user', ids)
  const hashes = await hashesOf(db, ids)
  return rows.map(row => {
    const off = isDisabled(row, now) ? row : undefined
    return {
      id: row.id,
      username: row.username,
      email: row.email,
      emailVerified: row.emailVerified,
      name: row.name,
      image: row.image,
      role: row.role,
      service: row.service,
      status: off === undefined ? 'active' : 'disabled',
      hasPassword: hashes.has(row.id),
      limits: limitsOf.get(row.id) ?? [],
      disabledAt: dateOrNull(off?.disabledAt),
      disabledReason: off?.disabledReason ?? null,
      disabledUntil: dateOrNull(off?.disabledUntil),
      createdAt: new Date(row.createdAt),
      updatedAt: new Date(row.updatedAt),
    }
  })
}

export const user = new Thing('user', userViews)
