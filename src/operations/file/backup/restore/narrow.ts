/**
 * The columns that decide who gets in. Bringing a thing back never widens access that was narrowed since: of both
 * states, the narrower one is used, column by column.
 */
import type { Noun } from '../../../../contract/nouns.ts'
import { roles } from '../../../../contract/views/words.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { isRecord } from '../../../../formats/fields.ts'
import { column as columnOf, type Narrowing, owners, stored } from '../../../nouns.ts'
import { matches } from '../../../rules/patterns.ts'

export type Cell = string | number | null
export type Row = Readonly<Record<string, Cell>>
/** What an audit row tells of a thing. */
export type View = Readonly<Record<string, unknown>>

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
  owner_id: 'owner',
  organization_id: 'owner',
  project_id: 'project',
  members: 'members',
  invitations: 'invitations',
  memberships: 'memberships',
  organization_members: 'memberships',
  team_members: 'memberships',
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
 * The columns of a deleted thing that say who gets in and whose it was, as the audit log of `main` tells since the backup. A
 * deletion whose row lacks something, because it was erased with a person or another program wrote it, does not say how
 * restricted the thing was: it comes back shut.
 *
 * @param then what it is in the backup
 * @param now when it counts as shut from
 */
export function lastKnown(client: Client, noun: Noun, then: Row, now: number): Row {
  const id = String(then['id'])
  const since = client
    .query(
      `SELECT action, before, after FROM main.audit
       WHERE target_id = ? AND id NOT IN (SELECT id FROM backup.audit) ORDER BY seq`,
    )
    .all(id) as { action: string; before: string | null; after: string | null }[]
  const columns = Object.keys(stored[noun].narrows)
  const known = [...columns, ...owners(noun).map(([column]) => column)]
  let row: Row = Object.fromEntries(known.map(column => [column, then[column] ?? null]))
  for (const { action, ...told } of since) {
    const before = viewIn(told.before)
    const isGone = isDeletion(noun, action, id, before, told.after)
    const view = isGone ? before : viewIn(told.after)
    const shown = columns.filter(column => Object.hasOwn(view, fieldOf(column)))
    row = { ...row, ...Object.fromEntries(shown.map(column => [column, cellOf(noun, column, view)])) }
    row = { ...row, ...ownersIn(noun, action, view) }
    if (isGone && shown.length < columns.length) row = { ...row, ...shutRow(noun, now) }
  }
  return row
}

/** Whether an audit row says that its target was deleted, and not a part of it. If it was erased with a person, it may have been. */
export const isDeletion = (noun: string, action: string, id: string, before: View, after: unknown): boolean =>
  action === `${noun}.delete` ||
  (action === `${noun}.undo-import` &&
    after === null &&
    (before['id'] === id || Object.keys(before).length === 0))

export const viewIn = (json: string | null): View => {
  const view: unknown = JSON.parse(json ?? 'null')
  return isRecord(view) ? view : {}
}

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
function cellOf(noun: Noun, column: string, view: View): Cell {
  const field = fieldOf(column)
  const value = view[field]
  if (Array.isArray(value)) return JSON.stringify(value)
  if (typeof value !== 'string') return null
  return columnOf(noun, field).dataType === 'number' ? Date.parse(value) : value
}

/** Whose it was by then. Whoever leaves gives everything to an owner, whatever the column is called. */
const ownersIn = (noun: Noun, action: string, view: View): Row =>
  Object.fromEntries(
    owners(noun).flatMap(([column, of]): [string, Cell][] => {
      const field = action === 'user.offboard' && of === 'user' ? 'owner' : column.replace(/_id$/, '')
      const owner = view[field]
      if (!Object.hasOwn(view, field)) return []
      return [[column, isRecord(owner) ? String(owner['id']) : null]]
    }),
  )

const fieldOf = (column: string): string =>
  column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

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
