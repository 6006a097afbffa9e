/** Keys as they are shown: the row with its owner, project, current secret's start and limits. */
import { and, asc, eq, inArray, isNotNull, isNull, type SQL } from 'drizzle-orm'
import type { Key, KeyRef, KeyStatus } from '../../contract/views.ts'
import { keys, limits, projects, secrets, users } from '../../db/schema.ts'
import type { Database } from '../../db/transaction.ts'
import { type LimitRow, limitView, sortLimits } from '../limits.ts'
import type { KeyRow } from '../select.ts'

/** Above this many keys their limits are read in one pass over the table instead of by id. */
const manyKeys = 500

/** The keys that fit, oldest first unless told otherwise. */
export async function keyViews(
  db: Database,
  now: Date,
  where: SQL | undefined,
  order: SQL = asc(keys.id),
): Promise<readonly Key[]> {
  const rows = await db
    .select({
      key: keys,
      user: { id: users.id, username: users.username },
      project: { id: projects.id, slug: projects.slug },
      start: secrets.start,
    })
    .from(keys)
    .leftJoin(users, eq(keys.userId, users.id))
    .leftJoin(projects, eq(keys.projectId, projects.id))
    .leftJoin(secrets, and(eq(secrets.keyId, keys.id), isNull(secrets.endsAt)))
    .where(where)
    .orderBy(order)
  const limitsOf = await limitsByKey(
    db,
    rows.map(row => row.key.id),
  )
  return rows.map(({ key, user, project, start }) => ({
    id: key.id,
    name: key.name,
    start: start ?? '',
    status: statusOf(key, now),
    user,
    project,
    model: key.model,
    allowedModels: key.allowedModels,
    scopes: key.scopes,
    limits: sortLimits((limitsOf.get(key.id) ?? []).map(limitView)),
    createdAt: new Date(key.createdAt),
    updatedAt: new Date(key.updatedAt),
    expiresAt: dateOrNull(key.expiresAt),
    disabledAt: dateOrNull(key.disabledAt),
    revokedAt: dateOrNull(key.revokedAt),
    revokedReason: key.revokedReason,
    lastUsedAt: dateOrNull(key.lastUsedAt),
    metadata: key.metadata ?? null,
  }))
}

export async function keyView(db: Database, now: Date, id: string): Promise<Key> {
  const [view] = await keyViews(db, now, eq(keys.id, id))
  if (!view) throw new Error('a key without a view')
  return view
}

/** revoked > expired > disabled > active. A key is expired from the very millisecond of its expiry. */
export function statusOf(key: Pick<KeyRow, 'revokedAt' | 'expiresAt' | 'disabledAt'>, now: Date): KeyStatus {
  if (key.revokedAt !== null) return 'revoked'
  if (key.expiresAt !== null && key.expiresAt <= now.getTime()) return 'expired'
  return key.disabledAt === null ? 'active' : 'disabled'
}

export const keyRef = (key: { readonly id: string; readonly name: string }): KeyRef => ({
  id: key.id,
  name: key.name,
})

async function limitsByKey(
  db: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly LimitRow[]>> {
  const rows = await db
    .select()
    .from(limits)
    .where(ids.length <= manyKeys ? inArray(limits.keyId, ids) : isNotNull(limits.keyId))
  const byKey = new Map<string, LimitRow[]>()
  for (const row of rows) {
    if (row.keyId === null) continue
    const list = byKey.get(row.keyId) ?? []
    list.push(row)
    byKey.set(row.keyId, list)
  }
  return byKey
}

const dateOrNull = (milliseconds: number | null): Date | null =>
  milliseconds === null ? null : new Date(milliseconds)
