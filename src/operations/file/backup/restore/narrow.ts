/**
 * The columns that decide who gets in. Bringing a thing back never widens access that was narrowed since: of both
 * states, the narrower one is used, column by column.
 */
import type { Noun } from '../../../../contract/nouns.ts'
import { roles } from '../../../../contract/views/words.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { isRecord } from '../../../../formats/fields.ts'
import { column as columnOf, type Narrowing, owners, stored } from '../../../nouns.ts'
import { memberTables } from '../../../people/held.ts'
import { matches } from '../../../rules/patterns.ts'

export type Cell = string | number | null
export type Row = Readonly<Record<string, Cell>>

/** A thing as it is now, or as it was when it was deleted. */
export interface Known {
  readonly row: Row
  /** Of a project: roles by user id. Undefined if they are those of the backup. */
  readonly members: ReadonlyMap<string, string> | undefined
  /** Of a deleted user. Undefined if they are those of the backup. */
  readonly ties?: KnownTies | undefined
}

/** Where a user belonged and how they signed in: roles by noun and id, and when each account last changed, by its id there. */
interface KnownTies {
  readonly memberships: ReadonlyMap<string, string | null>
  readonly accounts: ReadonlyMap<string, number>
}

/** The columns of `then` that must not come back as they were, with their new values. */
export function narrowed(noun: Noun, then: Row, now: Row): Row {
  const { narrows } = stored[noun]
  const isShut = Object.entries(narrows).some(([column, how]) => how === 'shut' && now[column] != null)
  const columns = Object.entries(narrows).map(([column, narrowing]): readonly [string, Cell] => [
    column,
    narrowers[narrowing](then[column] ?? null, now[column] ?? null, isShut),
  ])
  return Object.fromEntries(columns.filter(([column, value]) => value !== (then[column] ?? null)))
}

/** The role a member gets back: null if removed since, and never higher than the current role. */
export function narrowedRole(then: string, now: string | undefined): string | null {
  return now === undefined ? null : lowerRole(then, now)
}

/** What to call a column that stays narrow. */
export const wordFor: Readonly<Record<string, string>> = {
  disabled_at: 'disabled',
  archived_at: 'archived',
  revoked_at: 'revoked',
  expires_at: 'expiry',
  scopes: 'scopes',
  allowed_models: 'models',
  permissions: 'permissions',
  role: 'role',
  user_id: 'user',
  project_id: 'project',
  members: 'members',
  invitations: 'invitations',
  memberships: 'memberships',
  accounts: 'accounts',
  password: 'password',
  secrets: 'rotated',
}

type Narrower = (then: Cell, now: Cell, isShut: boolean) => Cell

/** What is shut now stays shut, with its current time. */
const shut: Narrower = (then, now) => now ?? then

/** What is told of what is shut now. */
const whileShut: Narrower = (then, now, isShut) => (isShut ? now : then)

const earlier: Narrower = (then, now) =>
  then === null || now === null ? (then ?? now) : Math.min(Number(then), Number(now))

/** Of roles that nobody can compare, the current one stays. */
const lowerRole = (then: string, now: string): string =>
  isRanked(then) && isRanked(now) && rank(now) <= rank(then) ? then : now

const lower: Narrower = (then, now) => (now === null ? then : lowerRole(String(then), String(now)))

/** From the highest to the lowest. */
const ranks: readonly string[] = ['owner', ...roles]
const isRanked = (role: string): boolean => ranks.includes(role)
const rank = (role: string): number => ranks.indexOf(role)

/** What both lists allow, as JSON; null allows everything. */
const both: Narrower = (then, now) => {
  if (then === null || now === null || then === now) return now ?? then
  const old = patterns(then)
  const fresh = patterns(now)
  const covered = (some: readonly string[], by: readonly string[]) =>
    some.filter(each => by.some(pattern => matches(pattern, each)))
  const common = new Set([...covered(old, fresh), ...covered(fresh, old)])
  return common.size === old.length && old.every(each => common.has(each))
    ? then
    : JSON.stringify([...common])
}

const patterns = (json: Cell): readonly string[] => JSON.parse(String(json))

const narrowers: Readonly<Record<Narrowing, Narrower>> = { shut, whileShut, earlier, lower, both }

/**
 * A deleted thing as the audit log of `main` tells of it since the backup. A deletion whose row lacks something, because it was
 * erased with a person or another program wrote it, does not say how restricted the thing was: it comes back shut.
 *
 * @param then what it is in the backup
 * @param now when it counts as shut from
 */
export function lastKnown(client: Client, noun: Noun, then: Row, now: number): Known {
  const since = client
    .query(
      `SELECT action, before, after FROM main.audit
       WHERE target_id = ? AND id NOT IN (SELECT id FROM backup.audit) ORDER BY seq`,
    )
    .all(String(then['id'])) as { action: string; before: string | null; after: string | null }[]
  const columns = Object.keys(stored[noun].narrows)
  let row: Row = Object.fromEntries(columns.map(column => [column, then[column] ?? null]))
  let members: Known['members']
  let ties: KnownTies | undefined
  for (const { action, before, after } of since) {
    const isGone = isDeletion(noun, action, after)
    const told: unknown = JSON.parse((isGone ? before : after) ?? 'null')
    const view = isRecord(told) ? told : {}
    const known = columns.filter(column => Object.hasOwn(view, fieldOf(column)))
    row = { ...row, ...Object.fromEntries(known.map(column => [column, cellOf(noun, column, view)])) }
    row = { ...row, ...ownersIn(noun, view) }
    if (Array.isArray(view['members'])) members = new Map(membersIn(view['members']))
    if (!isGone) continue
    if (known.length < columns.length) row = { ...row, ...shutRow(noun, now) }
    if (noun === 'project' && !Array.isArray(view['members'])) members = new Map()
    if (noun === 'user') ties = tiesIn(view)
  }
  return { row, members, ties }
}

const isDeletion = (noun: Noun, action: string, after: string | null): boolean =>
  action === `${noun}.delete` || (action === `${noun}.undo-import` && after === null)

/** As narrow as it can be and still be widened. */
function shutRow(noun: Noun, now: number): Row {
  const mark = shutMark(noun)
  const columns = Object.entries(stored[noun].narrows).flatMap(([column, how]): [string, Cell][] => {
    if (column === mark) return [[column, now]]
    if (how === 'whileShut') return [[column, null]]
    if (how === 'lower') return [[column, ranks.at(-1) ?? null]]
    return how === 'both' && mark === undefined ? [[column, '[]']] : []
  })
  return Object.fromEntries(columns)
}

/** The column that shuts a thing until somebody opens it again. */
export const shutMark = (noun: Noun): string | undefined =>
  Object.entries(stored[noun].narrows).find(([, narrowing]) => narrowing === 'shut')?.[0]

/** What a view says of a column, as the column holds it. */
function cellOf(noun: Noun, column: string, view: Readonly<Record<string, unknown>>): Cell {
  const field = fieldOf(column)
  const value = view[field]
  if (Array.isArray(value)) return JSON.stringify(value)
  if (typeof value !== 'string') return null
  return columnOf(noun, field).dataType === 'number' ? Date.parse(value) : value
}

/** Whose it was by then, as far as a restore puts that back. */
const ownersIn = (noun: Noun, view: Readonly<Record<string, unknown>>): Row =>
  Object.fromEntries(
    owners(noun).flatMap(([column]): [string, Cell][] => {
      const field = column.replace(/_id$/, '')
      const owner = view[field]
      if (stored[noun].kept.includes(column) || !Object.hasOwn(view, field)) return []
      return [[column, isRecord(owner) ? String(owner['id']) : null]]
    }),
  )

const fieldOf = (column: string): string =>
  column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

const membersIn = (list: unknown): readonly (readonly [string, string])[] =>
  (Array.isArray(list) ? list : []).flatMap((member: unknown) =>
    isRecord(member) && isRecord(member['user'])
      ? [[String(member['user']['id']), String(member['role'])] as const]
      : [],
  )

/** Of what is not told, there was none. */
const tiesIn = ({ memberships, accounts }: Readonly<Record<string, unknown>>): KnownTies => ({
  memberships: new Map(
    recordsIn(memberships).map(each => [
      keyOf(each['in'], each['id']),
      each['role'] === null ? null : String(each['role']),
    ]),
  ),
  accounts: new Map(
    recordsIn(accounts).map(each => [
      keyOf(each['issuer'], each['accountId']),
      Date.parse(String(each['updatedAt'])),
    ]),
  ),
})

const recordsIn = (list: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(list) ? list.filter(isRecord) : []

const keyOf = (...parts: readonly unknown[]): string => JSON.stringify(parts)

/**
 * Takes from a user who comes back what they had lost before they were deleted: memberships, higher roles, accounts, and a
 * password that was changed.
 *
 * @returns what was taken, as in `wordFor`
 */
export function narrowTies(
  client: Client,
  user: string,
  { memberships, accounts }: KnownTies,
): readonly string[] {
  const taken = new Set<string>()
  for (const { table, column, noun, of, hasRole } of memberTables) {
    const rows = client
      .query(
        `SELECT "${of}" AS place, ${hasRole ? 'role' : 'NULL'} AS role FROM main."${table}" WHERE "${column}" = ?`,
      )
      .all(user) as { place: string; role: string | null }[]
    for (const { place, role } of rows) {
      const known = memberships.get(keyOf(noun, place))
      const where = `WHERE "${of}" = ?1 AND "${column}" = ?2`
      const now = role === null || known == null ? known : narrowedRole(role, known)
      if (now === role) continue
      taken.add('memberships')
      if (now == null) client.query(`DELETE FROM main."${table}" ${where}`).run(place, user)
      else client.query(`UPDATE main."${table}" SET role = ?3 ${where}`).run(place, user, now)
    }
  }
  const ways = client
    .query(
      'SELECT id, issuer, account_id AS accountId, password IS NOT NULL AS isPassword, updated_at AS updatedAt FROM main.accounts WHERE user_id = ?',
    )
    .all(user) as { id: string; issuer: string; accountId: string; isPassword: number; updatedAt: number }[]
  for (const { id, issuer, accountId, isPassword, updatedAt } of ways) {
    const changed = accounts.get(keyOf(issuer, accountId))
    // Other accounts change with every token.
    if (changed !== undefined && (isPassword === 0 || changed === updatedAt)) continue
    taken.add(isPassword === 1 ? 'password' : 'accounts')
    client.query('DELETE FROM main.accounts WHERE id = ?').run(id)
  }
  return [...taken]
}

/**
 * Takes from an organization that comes back, as the audit log has it, members who had left since the backup, higher roles than
 * they had, and open invitations that were cancelled or accepted.
 *
 * @returns what was taken, as in `wordFor`
 */
export function narrowOrganization(client: Client, organization: string): readonly string[] {
  const taken = new Set<string>()
  const since = client
    .query(
      `SELECT a.action = 'org.member-remove' AS isGone, coalesce(a.after, a.before) AS view FROM main.audit a
       WHERE a.target_id = ? AND a.action IN ('org.member-remove', 'org.member-role')
       AND a.id NOT IN (SELECT id FROM backup.audit) ORDER BY a.id`,
    )
    .all(organization) as { isGone: number; view: string }[]
  for (const { isGone, view } of since) {
    const told: unknown = JSON.parse(view)
    if (!isRecord(told) || !isRecord(told['user'])) continue
    const member = [organization, String(told['user']['id'])] as const
    const where = 'WHERE organization_id = ?1 AND user_id = ?2'
    const row = client.query(`SELECT role FROM main.organization_members ${where}`).get(...member) as {
      role: string
    } | null
    const role = row && lowerRole(row.role, String(told['role']))
    if (row === null || (isGone === 0 && role === row.role)) continue
    taken.add('members')
    if (isGone === 1) client.query(`DELETE FROM main.organization_members ${where}`).run(...member)
    else client.query(`UPDATE main.organization_members SET role = ?3 ${where}`).run(...member, role)
  }
  const open = client
    .query(
      `UPDATE main.invitations SET status = 'canceled' WHERE organization_id = ?1 AND status = 'pending' AND EXISTS (
         SELECT 1 FROM main.audit a WHERE a.target_id = ?1 AND a.id NOT IN (SELECT id FROM backup.audit) AND (
           (a.action = 'org.invitation-cancel' AND a.before ->> '$.id' = invitations.id) OR
           (a.action = 'org.invitation-accept' AND lower(invitations.email) =
             (SELECT lower(email) FROM main.users u WHERE u.id = a.after ->> '$.user.id'))))`,
    )
    .run(organization)
  if (open.changes > 0) taken.add('invitations')
  return [...taken]
}

/** The members of a project in `main`. */
export function membersOf(client: Client, project: string): ReadonlyMap<string, string> {
  const rows = client
    .query('SELECT user_id AS id, role FROM main.project_members WHERE project_id = ?')
    .all(project) as { id: string; role: string }[]
  return new Map(rows.map(({ id, role }) => [id, role]))
}

/** When the secret ends that a rotation has replaced since the backup, for a deleted key; null if there was none. */
export function rotatedSince(client: Client, key: string): number | null {
  const rotations = client
    .query(
      `SELECT "after" ->> 'previousSecretEndsAt' AS ends FROM main.audit
       WHERE action = 'key.rotate' AND target_id = ? AND id NOT IN (SELECT id FROM backup.audit)`,
    )
    .all(key) as { ends: string | null }[]
  const ends = rotations.flatMap(({ ends }) => (ends === null ? [] : [Date.parse(ends)]))
  return ends.length === 0 ? null : Math.min(...ends)
}
