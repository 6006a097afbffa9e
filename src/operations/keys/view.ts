/** Keys as they are shown: the row with its owner, project, current secret's start and limits. */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Key, KeyRef, KeyStatus } from '../../contract/views.ts'
import type { Query } from '../../db/client.ts'
import { and, asc, builder, eq, isNull, oneOf, type SQL, sql } from '../../db/query.ts'
import { keys, secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { projects, users } from '../../db/schema/people.ts'
import { type Database, type Rows, rowsIn } from '../../db/transaction.ts'
import { limitView, sortLimits } from '../limits/view.ts'
import type { KeyRow } from '../select.ts'

/** Which keys, in which order, and how many at most; left out: all of them, oldest first. */
export interface KeyQuery {
  readonly where?: SQL | undefined
  readonly order?: readonly SQL[]
  readonly limit?: number | undefined
}

export function keyViews(db: Database, now: Date, query: KeyQuery): readonly Key[] {
  const rows = rowsIn(db)
  return withLimits(rows, now, [...rows<FlatKey>(keyQuery(query))])
}

export function keyView(db: Database, now: Date, id: string): Key {
  const [view] = keyViews(db, now, { where: eq(keys.id, id) })
  if (!view) throw new Error('a key without a view')
  return view
}

/** A row of `keyQuery`: every column under the name that it is given here, JSON still as text. */
export interface FlatKey {
  readonly id: string
  readonly name: string
  readonly start: string | null
  readonly ownerId: string | null
  readonly username: string | null
  readonly projectId: string | null
  readonly slug: string | null
  readonly model: string | null
  readonly allowedModels: string | null
  readonly scopes: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt: number | null
  readonly disabledAt: number | null
  readonly revokedAt: number | null
  readonly revokedReason: string | null
  readonly lastUsedAt: number | null
  readonly metadata: string | null
}

/** To be read by `Rows`. */
export function keyQuery({ where, order = [asc(keys.id)], limit }: KeyQuery): Query {
  const query = builder
    .select({
      id: sql<string>`${keys.id}`.as('id'),
      name: sql<string>`${keys.name}`.as('name'),
      start: sql<string | null>`${secrets.start}`.as('start'),
      ownerId: sql<string | null>`${users.id}`.as('ownerId'),
      username: sql<string | null>`${users.username}`.as('username'),
      projectId: sql<string | null>`${projects.id}`.as('projectId'),
      slug: sql<string | null>`${projects.slug}`.as('slug'),
      model: sql<string | null>`${keys.model}`.as('model'),
      allowedModels: sql<string | null>`${keys.allowedModels}`.as('allowedModels'),
      scopes: sql<string>`${keys.scopes}`.as('scopes'),
      createdAt: sql<number>`${keys.createdAt}`.as('createdAt'),
      updatedAt: sql<number>`${keys.updatedAt}`.as('updatedAt'),
      expiresAt: sql<number | null>`${keys.expiresAt}`.as('expiresAt'),
      disabledAt: sql<number | null>`${keys.disabledAt}`.as('disabledAt'),
      revokedAt: sql<number | null>`${keys.revokedAt}`.as('revokedAt'),
      revokedReason: sql<string | null>`${keys.revokedReason}`.as('revokedReason'),
      lastUsedAt: sql<number | null>`${keys.lastUsedAt}`.as('lastUsedAt'),
      metadata: sql<string | null>`${keys.metadata}`.as('metadata'),
    })
    .from(keys)
    .leftJoin(users, eq(keys.userId, users.id))
    .leftJoin(projects, eq(keys.projectId, projects.id))
    .leftJoin(secrets, and(eq(secrets.keyId, keys.id), isNull(secrets.endsAt)))
    .where(where)
    .orderBy(...order)
  return limit === undefined ? query : query.limit(limit)
}

/** The views of rows, in their order. */
export function withLimits(read: Rows, now: Date, rows: readonly FlatKey[]): readonly Key[] {
  if (rows.length === 0) return []
  const limitsOf = limitsByKey(
    read,
    rows.map(row => row.id),
  )
  return rows.map(row => keyViewOf(row, limitsOf.get(row.id) ?? noLimits, now))
}

type LimitColumns = Pick<typeof limits.$inferSelect, 'metric' | 'amount' | 'windowMs'>

const noLimits: readonly LimitColumns[] = []

/** A row as it is shown, with its own limits in their order. */
export function keyViewOf(row: FlatKey, rows: readonly LimitColumns[], now: Date): Key {
  return {
    id: row.id,
    name: row.name,
    start: row.start ?? '',
    status: statusOf(row, now),
    user: row.ownerId === null || row.username === null ? null : { id: row.ownerId, username: row.username },
    project: row.projectId === null || row.slug === null ? null : { id: row.projectId, slug: row.slug },
    model: row.model,
    allowedModels: row.allowedModels === null ? null : (parsed(row.allowedModels, row.id) as string[]),
    scopes: parsed(row.scopes, row.id) as string[],
    limits: rows.length === 0 ? [] : sortLimits(rows.map(limitView)),
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    expiresAt: dateOrNull(row.expiresAt),
    disabledAt: dateOrNull(row.disabledAt),
    revokedAt: dateOrNull(row.revokedAt),
    revokedReason: row.revokedReason,
    lastUsedAt: dateOrNull(row.lastUsedAt),
    metadata: row.metadata === null ? null : parsed(row.metadata, row.id),
  }
}

/** @throws corrupt: the schema lets nobody write what is no JSON */
function parsed(json: string, id: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new LatchkeyError(
      'corrupt',
      `what is stored of ${id} is damaged`,
      'see the extent with: latchkey db check, or go back with: latchkey restore --latest',
      { cause },
    )
  }
}

/** revoked > expired > disabled > active. A key is expired from the very millisecond of its expiry. */
export function statusOf(key: Pick<KeyRow, 'revokedAt' | 'expiresAt' | 'disabledAt'>, now: Date): KeyStatus {
  if (isPast(key.revokedAt, now)) return 'revoked'
  if (isPast(key.expiresAt, now)) return 'expired'
  return isPast(key.disabledAt, now) ? 'disabled' : 'active'
}

/** Whether a moment has come by now, the very millisecond included; null never does. */
export const isPast = (moment: number | null, now: Date): boolean =>
  moment !== null && moment <= now.getTime()

export const keyRef = (key: { readonly id: string; readonly name: string }): KeyRef => ({
  id: key.id,
  name: key.name,
})

function limitsByKey(read: Rows, ids: readonly string[]): ReadonlyMap<string, readonly LimitColumns[]> {
  const query = builder
    .select({
      keyId: sql<string>`${limits.keyId}`.as('keyId'),
      metric: sql<string>`${limits.metric}`.as('metric'),
      amount: sql<number>`${limits.amount}`.as('amount'),
      windowMs: sql<number>`${limits.windowMs}`.as('windowMs'),
    })
    .from(limits)
    .where(oneOf(limits.keyId, ids))
  const byKey = new Map<string, LimitColumns[]>()
  for (const row of read<LimitColumns & { readonly keyId: string }>(query)) {
    const list = byKey.get(row.keyId)
    if (list) list.push(row)
    else byKey.set(row.keyId, [row])
  }
  return byKey
}

const dateOrNull = (milliseconds: number | null): Date | null =>
  milliseconds === null ? null : new Date(milliseconds)
