/** Views of keys: the row with its owner, project, start of the current secret, and limits. */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Key, KeyRef } from '../../contract/views.ts'
import type { Database, Facts, KeyQuery } from '../../db/engine.ts'
import type { LimitOfKey, ListedKey } from '../../db/facts.ts'
import { limitView, sortLimits } from '../limits/view.ts'
import { dateOrNull } from '../rules/instant.ts'
import { statusOf } from './status.ts'

/** Runs a query and returns its keys in order, each with its own limits. */
export async function keyViews(
  db: Database,
  now: Date,
  query: KeyQuery,
  at: Date = now,
): Promise<readonly Key[]> {
  return withLimits(db.facts, now, await db.facts.listedKeys(query), at)
}

/** The view of an existing key. Times as for `statusOf`. */
export async function keyView(db: Database, now: Date, id: string, at: Date = now): Promise<Key> {
  const [view] = await keyViews(db, now, { id }, at)
  if (!view) throw new Error('a key without a view')
  return view
}

/** The views of rows, in the same order. */
export async function withLimits(
  facts: Pick<Facts, 'limitsOfKeys'>,
  now: Date,
  rows: readonly ListedKey[],
  at: Date = now,
): Promise<readonly Key[]> {
  if (rows.length === 0) return []
  const limits = await facts.limitsOfKeys(rows.map(row => row.id))
  const limitsOf = Map.groupBy(limits, limit => limit.keyId)
  return rows.map(row => keyViewOf(row, limitsOf.get(row.id) ?? noLimits, at, now))
}

type LimitColumns = Omit<LimitOfKey, 'keyId'>

const noLimits: readonly LimitColumns[] = []

/** The view of a row with its own limits. Times as for `statusOf`. */
export function keyViewOf(row: ListedKey, rows: readonly LimitColumns[], at: Date, now: Date = at): Key {
  return {
    id: row.id,
    name: row.name,
    start: row.start ?? '',
    status: statusOf(row, at, now),
    user: row.ownerId === null || row.username === null ? null : { id: row.ownerId, username: row.username },
    project: row.projectId === null || row.slug === null ? null : { id: row.projectId, slug: row.slug },
    model: row.model,
    allowedModels: row.allowedModels === null ? null : (parsed(row.allowedModels, row.id) as string[]),
    scopes: row.scopes === '[]' ? [] : (parsed(row.scopes, row.id) as string[]),
    limits: rows.length === 0 ? [] : sortLimits(rows).map(limitView),
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

/** @throws corrupt, because the schema allows only JSON */
function parsed(json: string, id: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new LatchkeyError(
      'corrupt',
      `the stored data of ${id} is damaged`,
      'see all damage with: latchkey db check, or go back with: latchkey restore --latest',
      { cause },
    )
  }
}

export const keyRef = (key: { readonly id: string; readonly name: string }): KeyRef => ({
  id: key.id,
  name: key.name,
})
