/** Decides what becomes of each key of a source. Reads the database, changes nothing. */

import type { ImportItem } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, gt, inArray, isNull, or } from '../../db/query.ts'
import { importChanges, importedKeys, imports } from '../../db/schema/imports.ts'
import { keys, secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import type { Row } from '../nouns.ts'
import { Names, titles } from './names.ts'
import { type IncomingKey, limitWindowMs, type Refused } from './prepare.ts'
import { secretHashes } from './snapshot.ts'
import { type ImportedState, isNothing, keyState, mergeUsage, type UsageMerge, unmoved } from './state.ts'

/** Who something of the source belongs to here. */
export interface Owner {
  readonly id: string
  readonly username: string
}

/** Fields of the key's own row that an import may set. */
interface KeyChanges {
  name?: string
  model?: string | null
  expiresAt?: number | null
  createdAt?: number
  lastUsedAt?: number | null
  userId?: string | null
  revokedAt?: number
  revokedReason?: string
}

export type KeyPlan = { readonly item: ImportItem } & (
  | { readonly action: 'none' }
  | {
      readonly action: 'create'
      readonly key: IncomingKey
      readonly name: string
      readonly userId: string | null
      readonly usage: UsageMerge
    }
  | {
      readonly action: 'update'
      /** SHA-256 of the secret that it was imported with. */
      readonly hash: string
      readonly row: Row<'key'>
      readonly changes: KeyChanges
      /** The new token limit, null when it stays. */
      readonly tokenLimit: number | null
      readonly usage: UsageMerge
    }
)

/**
 * One plan for each key, in the order of the source: they must be applied in that order.
 *
 * @param owners by their id in the source
 */
export async function planKeys(
  db: Database,
  source: string,
  incoming: readonly (IncomingKey | Refused)[],
  owners: ReadonlyMap<string, Owner>,
): Promise<readonly KeyPlan[]> {
  const here = await whatIsHere(db, source, incoming)
  const names = new Names(
    titles,
    (await db.select({ name: keys.name }).from(keys)).map(row => row.name),
  )
  return incoming.map(key => {
    if ('refusal' in key) return leave(key.name, 'refused', key.refusal)
    const imported = here.imported.get(key.hash)
    if (imported) {
      return planUpdate(
        source,
        key,
        imported.row,
        keyState(imported.state, imported.row.id),
        imported.tokenLimit,
        names,
        owners,
      )
    }
    const owner = here.owners.get(key.hash)
    if (owner) {
      return leave(
        key.name ?? owner.name,
        'unchanged',
        `its secret is here already, on "${owner.name}" (${owner.id}), which did not come from this source`,
      )
    }
    if (here.deleted.has(key.hash)) {
      return leave(
        key.name ?? `${source} key`,
        'unchanged',
        'deleted here since it was imported, so it stays away; to have it back: latchkey restore --key NAME',
      )
    }
    return planCreation(source, key, names, owners)
  })
}

const leave = (name: string, outcome: ImportItem['outcome'], reason: string): KeyPlan => ({
  action: 'none',
  item: { type: 'key', name, outcome, reason },
})

function planCreation(
  source: string,
  key: IncomingKey,
  names: Names,
  owners: ReadonlyMap<string, Owner>,
): KeyPlan {
  const owner = ownerOf(key, owners)
  const wanted = key.name ?? (owner === null ? `${source} key` : `${owner.username} key`)
  const name = names.take(wanted)
  const reasons = [
    ...(key.name === null ? ['no name in the source'] : renamed(wanted, name)),
    ...(key.expiresAt === null && source === 'glm-proxy' ? [noExpiry] : []),
    ...(key.revokedAt === null ? [] : [revoked(source)]),
  ]
  return {
    action: 'create',
    key,
    name,
    userId: owner?.id ?? null,
    usage: mergeUsage(null, key),
    item: { type: 'key', name, outcome: 'created', reason: sentence(reasons) },
  }
}

function ownerOf(key: IncomingKey, owners: ReadonlyMap<string, Owner>): Owner | null {
  if (key.userId === null) return null
  const owner = owners.get(key.userId)
  if (!owner) throw new Error('a key whose owner was not looked for')
  return owner
}

export const revoked = (source: string): string => `revoked in ${source}`

const noExpiry = 'no expiry in the source'

export const renamed = (wanted: string, name: string): readonly string[] =>
  wanted === name ? [] : [`the name "${wanted}" was taken`]

export const sentence = (reasons: readonly string[]): string | null =>
  reasons.length === 0 ? null : reasons.join('; ')

/** A field that the source changed since is applied; one that it did not keeps whatever was made of it here. */
function planUpdate(
  source: string,
  key: IncomingKey,
  row: Row<'key'>,
  state: ImportedState,
  currentLimit: number | null,
  names: Names,
  owners: ReadonlyMap<string, Owner>,
): KeyPlan {
  const usage = mergeUsage(state, key)
  if (Bun.deepEquals(usage.state, state)) {
    return leave(row.name, 'unchanged', 'nothing has changed in the source since it was last imported')
  }
  const changes: KeyChanges = {}
  if (key.name !== null && key.name !== state.name && key.name !== row.name) {
    names.free(row.name)
    const name = names.take(key.name)
    if (name !== row.name) changes.name = name
  }
  if (key.model !== state.model && key.model !== row.model) changes.model = key.model
  if (key.expiresAt !== state.expiresAt && key.expiresAt !== row.expiresAt) changes.expiresAt = key.expiresAt
  if (key.createdAt !== null && key.createdAt !== state.createdAt && key.createdAt !== row.createdAt) {
    changes.createdAt = key.createdAt
  }
  if (key.userId !== state.userId) {
    const userId = ownerOf(key, owners)?.id ?? null
    if (userId !== row.userId) changes.userId = userId
  }
  // Revoking is final here: a source that takes it back changes nothing.
  if (key.revokedAt !== null && key.revokedAt !== state.revokedAt && row.revokedAt === null) {
    changes.revokedAt = key.revokedAt
    changes.revokedReason = revoked(source)
  }
  const lastUsedAt = key.lastUsedAt === state.lastUsedAt ? row.lastUsedAt : latestUse(key, row, state)
  if (lastUsedAt !== row.lastUsedAt) changes.lastUsedAt = lastUsedAt
  const tokenLimit =
    key.tokenLimit !== state.tokenLimit && key.tokenLimit !== currentLimit ? key.tokenLimit : null
  const used = usage.windows.length > 0 || !isNothing(usage.total)
  const changed = [
    ...new Set(Object.keys(changes).map(field => words[field as keyof KeyChanges])),
    ...(tokenLimit === null ? [] : ['limit']),
    ...(used ? ['usage'] : []),
  ]
  const reasons = [
    `changed in the source: ${changed.join(', ')}`,
    ...(changes.name === undefined || key.name === null ? [] : renamed(key.name, changes.name)),
    ...(changes.expiresAt === null ? [noExpiry] : []),
  ]
  return {
    action: 'update',
    hash: key.hash,
    row,
    changes,
    tokenLimit,
    usage,
    item: {
      type: 'key',
      name: changes.name ?? row.name,
      outcome: changed.length === 0 ? 'unchanged' : 'updated',
      reason: changed.length === 0 ? 'it already was as the source now has it' : sentence(reasons),
    },
  }
}

const words: Readonly<Record<keyof KeyChanges, string>> = {
  name: 'name',
  model: 'model',
  expiresAt: 'expiry',
  createdAt: 'creation',
  lastUsedAt: 'last use',
  userId: 'owner',
  revokedAt: 'revoked',
  revokedReason: 'revoked',
}

/** A use recorded here is never forgotten for an earlier one in the source. */
function latestUse(key: IncomingKey, row: Row<'key'>, state: ImportedState): number | null {
  if (row.lastUsedAt === state.lastUsedAt || row.lastUsedAt === null) return key.lastUsedAt
  return key.lastUsedAt === null ? row.lastUsedAt : Math.max(row.lastUsedAt, key.lastUsedAt)
}

/**
 * One plan for each key that came from this source, is no longer in it, and was not ended here. Whoever removed it there
 * believes that it no longer works.
 *
 * @param hashes of all secrets in the source
 * @param revokeAt ends them then; null only tells of them
 */
export async function planGone(
  db: Database,
  source: string,
  hashes: ReadonlySet<string>,
  now: Date,
  revokeAt: Date | null,
): Promise<readonly KeyPlan[]> {
  const rows = await db
    .select({ hash: importedKeys.hash, state: importedKeys.state, row: keys })
    .from(importedKeys)
    .innerJoin(keys, eq(importedKeys.keyId, keys.id))
    .where(
      and(
        eq(importedKeys.source, source),
        isNull(keys.revokedAt),
        or(isNull(keys.expiresAt), gt(keys.expiresAt, now.getTime())),
      ),
    )
    .orderBy(keys.id)
  const reason = `no longer in ${source}`
  return rows
    .filter(({ hash }) => !hashes.has(hash))
    .map(({ hash, state, row }): KeyPlan => {
      if (revokeAt === null) return leave(row.name, 'gone', `${reason}, and still works here`)
      return {
        action: 'update',
        hash,
        row,
        changes: { revokedAt: revokeAt.getTime(), revokedReason: reason },
        tokenLimit: null,
        usage: unmoved(keyState(state, row.id)),
        item: { type: 'key', name: row.name, outcome: 'revoked', reason },
      }
    })
}

interface Here {
  /** By hash: keys that came from this source. */
  readonly imported: ReadonlyMap<string, { row: Row<'key'>; state: unknown; tokenLimit: number | null }>
  /** By hash: keys that have the secret, wherever they came from. */
  readonly owners: ReadonlyMap<string, Row<'key'>>
  /** Hashes of keys that an import of this source made, and that somebody deleted here. */
  readonly deleted: ReadonlySet<string>
}

async function whatIsHere(
  db: Database,
  source: string,
  incoming: readonly (IncomingKey | Refused)[],
): Promise<Here> {
  const imported: [string, { row: Row<'key'>; state: unknown; tokenLimit: number | null }][] = []
  const owners: [string, Row<'key'>][] = []
  const hashes = incoming.flatMap(key => ('hash' in key ? [key.hash] : []))
  for (const chunk of inChunks(hashes)) {
    const rows = await db
      .select({ hash: importedKeys.hash, state: importedKeys.state, row: keys, tokenLimit: limits.amount })
      .from(importedKeys)
      .innerJoin(keys, eq(importedKeys.keyId, keys.id))
      .leftJoin(
        limits,
        and(eq(limits.keyId, keys.id), eq(limits.metric, 'tokens'), eq(limits.windowMs, limitWindowMs)),
      )
      .where(and(eq(importedKeys.source, source), inArray(importedKeys.hash, chunk)))
    for (const { hash, ...rest } of rows) imported.push([hash, rest])
    const holders = await db
      .select({ hash: secrets.hash, row: keys })
      .from(secrets)
      .innerJoin(keys, eq(secrets.keyId, keys.id))
      .where(inArray(secrets.hash, chunk))
    for (const { hash, row } of holders) owners.push([hash, row])
  }
  return {
    imported: new Map(imported),
    owners: new Map(owners),
    deleted: await deletedHere(db, source),
  }
}

/** An import that was taken back has deleted nothing: its keys may come again. */
async function deletedHere(db: Database, source: string): Promise<ReadonlySet<string>> {
  const gone = await db
    .select({ after: importChanges.after })
    .from(importChanges)
    .innerJoin(imports, eq(imports.id, importChanges.importId))
    .leftJoin(keys, eq(keys.id, importChanges.targetId))
    .where(
      and(
        eq(imports.source, source),
        isNull(imports.undoneAt),
        eq(importChanges.type, 'key'),
        eq(importChanges.action, 'created'),
        isNull(keys.id),
      ),
    )
  return new Set(gone.flatMap(({ after }) => secretHashes(after)))
}
