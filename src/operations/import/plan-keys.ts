/** Plans what to do with each key of a source. Changes nothing. */

import type { Database } from '../../db/engine.ts'
import { and, eq, isNull } from '../../db/query.ts'
import { importChanges, importedKeys, imports } from '../../db/schema/imports.ts'
import { keys } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { keysOfSecrets } from '../keys/insert.ts'
import type { Row } from '../nouns.ts'
import { newId } from '../rules/ids.ts'
import { lastUseOfKey } from '../usage/sum.ts'
import { Names, titles } from './names.ts'
import { type Fields, isTokenLimit, type LimitChange, secretHashes, tokenLimit } from './nouns.ts'
import {
  changedFields,
  itemCreated,
  itemUpdated,
  leave,
  type Owner,
  type Plan,
  rename,
  type Stamp,
  sameAsLast,
  taken,
  unverified,
} from './plan.ts'
import type { Incoming, IncomingKey } from './prepare.ts'
import { isNothing, type KeyState, keyState, mergeUsage, read } from './state.ts'
import { lastUseIn } from './usage.ts'

/** A key that came from this source. */
interface Known {
  readonly row: Row<'key'>
  readonly lastUsedAt: number | null
  readonly importId: string
  /** Its last state in the source. */
  readonly state: unknown
  readonly tokenLimit: number | null
}

/**
 * Plans the keys in the source, then those that came from it but are no longer in it.
 *
 * @param owners by their ids in the source
 * @param revokeGone revoke the keys that are no longer in the source; otherwise they are only reported
 */
export async function planKeys(
  db: Database,
  stamp: Stamp,
  { keys: incoming, hashes }: Pick<Incoming, 'keys' | 'hashes'>,
  owners: ReadonlyMap<string, Owner>,
  revokeGone: boolean,
): Promise<readonly Plan[]> {
  const known = await knownKeys(db, stamp.source)
  const wanted = incoming.flatMap(key => ('hash' in key ? [key.hash] : []))
  const holders = await keysOfSecrets(db, wanted)
  const deleted = await deletedHere(db, stamp.source)
  const names = new Names(
    titles,
    (await db.select({ name: keys.name }).from(keys)).map(row => row.name),
  )
  const plans = incoming.map(key => {
    if ('refusal' in key) return leave('key', key.name, key.refusal, 'refused')
    const owner = ownerOf(key, owners)
    if (owner?.isTrusted === false) return leave('key', key.name ?? owner.username, unverified, 'refused')
    const before = known.get(key.hash)
    if (before) return planUpdate(stamp, key, before, names, owner)
    const holder = holders.get(key.hash)
    if (holder) {
      const reason = `its secret already belongs to "${holder.name}" (${holder.id}), which did not come from this source`
      return leave('key', key.name ?? holder.name, reason)
    }
    if (deleted.has(key.hash)) {
      const reason =
        'deleted here since it was imported, so it is not imported again; to bring it back: latchkey restore --key NAME'
      return leave('key', key.name ?? `${stamp.source} key`, reason)
    }
    return planCreation(stamp, key, names, owner)
  })
  return [...plans, ...(hashes === null ? [] : planGone(stamp, known, hashes, revokeGone))]
}

function ownerOf(key: IncomingKey, owners: ReadonlyMap<string, Owner>): Owner | null {
  if (key.userId === null) return null
  const owner = owners.get(key.userId)
  if (!owner) throw new Error('a key whose owner was not looked for')
  return owner
}

function planCreation(stamp: Stamp, key: IncomingKey, names: Names, owner: Owner | null): Plan {
  const { source } = stamp
  const now = stamp.now.getTime()
  const id = newId('key', stamp.now)
  const wanted = key.name ?? (owner === null ? `${source} key` : `${owner.username} key`)
  const name = names.take(wanted)
  const { state, move } = mergeUsage(null, key)
  const { hash, start, model, expiresAt, revokedAt } = key
  const createdAt = key.createdAt ?? earliestTrace(key) ?? now
  const fields: typeof keys.$inferInsert = {
    id,
    name,
    userId: owner?.id ?? null,
    model,
    scopes: key.more?.scopes ?? [],
    metadata: key.more?.metadata ?? null,
    disabledAt: key.more?.enabled === false ? now : null,
    expiresAt,
    revokedAt,
    revokedReason: revokedAt === null ? null : revokedIn(source),
    createdAt,
    updatedAt: now,
  }
  const secret = { hash, keyId: id, start, createdAt }
  const reasons = [
    ...(key.name === null ? ['no name in the source'] : taken('name', wanted, name)),
    ...(expiresAt === null && source === 'glm-proxy' ? [noExpiry] : []),
    ...(revokedAt === null ? [] : [revokedIn(source)]),
    ...(key.more?.enabled === false ? [`disabled in ${source}`] : []),
    ...(key.more?.remarks ?? []),
  ]
  return {
    item: itemCreated('key', name, reasons),
    write: {
      action: 'created',
      foreignId: hash,
      id,
      state,
      fields,
      key: { secret, limits: limitChanges(key, null), move, lastUse: lastUseIn(state) },
    },
  }
}

const revokedIn = (source: string): string => `revoked in ${source}`
const noExpiry = 'no expiry in the source'

function earliestTrace({ windows, lastUsedAt }: IncomingKey): number | null {
  const times = windows.map(window => window.start)
  if (lastUsedAt !== null) times.push(lastUsedAt)
  return times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b))
}

function planUpdate(stamp: Stamp, key: IncomingKey, known: Known, names: Names, owner: Owner | null): Plan {
  const { row, importId } = known
  const before = read(keyState, known.state, row.id)
  const { state, move } = mergeUsage(before, key)
  if (Bun.deepEquals(state, before)) return sameAsLast('key', row.name)
  const [name, renamed] =
    key.name === null ? [row.name, []] : rename('name', names, key.name, before.name, row.name)
  const userId = owner?.id ?? null
  const fields: Fields = {
    ...(name === row.name ? {} : { name }),
    ...changedFields(['model', 'expiresAt'], key, before, row),
    ...(key.createdAt === null ? {} : changedFields(['createdAt'], key, before, row)),
    ...(key.userId === before.userId || userId === row.userId ? {} : { userId }),
    // Revoking is final here: a source that takes it back changes nothing.
    ...(key.revokedAt === null || key.revokedAt === before.revokedAt || row.revokedAt !== null
      ? {}
      : { revokedAt: key.revokedAt, revokedReason: revokedIn(stamp.source) }),
    ...moreChanges(stamp, key, before, row),
  }
  const limits = limitChanges(key, before).filter(
    ({ amount, metric }) => metric !== 'tokens' || amount !== known.tokenLimit,
  )
  const isUsed = move.windows.length > 0 || !isNothing(move.total)
  const changed = [
    ...Object.keys(fields).map(field => words[field] ?? field),
    ...(isUseTold(known.lastUsedAt, lastUseIn(before), lastUseIn(state)) ? ['last use'] : []),
    ...(limits.length === 0 ? [] : ['limit']),
    ...(isUsed ? ['usage'] : []),
  ]
  const reasons = [...renamed, ...('expiresAt' in fields && key.expiresAt === null ? [noExpiry] : [])]
  return {
    item: itemUpdated('key', name, changed, reasons),
    write: {
      action: 'updated',
      foreignId: key.hash,
      id: row.id,
      last: { importId, state: known.state },
      state,
      fields,
      key: { limits, move, lastUse: lastUseIn(state) },
    },
  }
}

/** The limits that the source has changed since. That it has no token limit any more changes nothing. */
function limitChanges(key: IncomingKey, before: KeyState | null): readonly LimitChange[] {
  const tokens =
    key.tokenLimit === null || key.tokenLimit === before?.tokenLimit
      ? []
      : [{ ...tokenLimit, amount: key.tokenLimit }]
  const [next, last] = [key.more?.limits ?? [], before?.more?.limits ?? []]
  const amountIn = (list: readonly LimitChange[], { metric, period, windowMs }: LimitChange) =>
    list.find(each => each.metric === metric && each.period === period && each.windowMs === windowMs)
      ?.amount ?? null
  const changed = next.filter(limit => amountIn(last, limit) !== limit.amount)
  const removed = last
    .filter(limit => amountIn(next, limit) === null)
    .map(limit => ({ ...limit, amount: null }))
  return [...tokens, ...changed, ...removed]
}

function moreChanges({ now }: Stamp, { more }: IncomingKey, before: KeyState, row: Row<'key'>): Fields {
  if (more === undefined) return {}
  const last = before.more ?? { enabled: true, scopes: [], metadata: null }
  const changed = (field: 'scopes' | 'metadata') =>
    !Bun.deepEquals(more[field], last[field] ?? null) && !Bun.deepEquals(more[field], row[field])
  const isSwitched = more.enabled !== last.enabled && more.enabled !== (row.disabledAt === null)
  return {
    ...(changed('scopes') ? { scopes: more.scopes } : {}),
    ...(changed('metadata') ? { metadata: more.metadata } : {}),
    ...(isSwitched ? { disabledAt: more.enabled ? null : now.getTime() } : {}),
  }
}

const words: Readonly<Record<string, string>> = {
  expiresAt: 'expiry',
  createdAt: 'creation',
  userId: 'owner',
  revokedAt: 'revoked',
  revokedReason: 'revoked',
  disabledAt: 'disabled',
}

/** Whether a use in the source shows here: a later one that was recorded here hides it. */
const isUseTold = (here: number | null, last: number | null, next: number | null): boolean =>
  next !== last && (here === last || here === null || (next !== null && next > here))

/**
 * Keys that came from this source, are no longer in it, and still work here. Whoever removed them from the source
 * probably expects that they no longer work.
 *
 * @param hashes of all secrets in the source
 */
function planGone(
  { source, now }: Stamp,
  known: ReadonlyMap<string, Known>,
  hashes: ReadonlySet<string>,
  revokeGone: boolean,
): readonly Plan[] {
  const reason = `no longer in ${source}`
  return [...known]
    .filter(([hash]) => !hashes.has(hash))
    .filter(
      ([, { row }]) => row.revokedAt === null && (row.expiresAt ?? Number.POSITIVE_INFINITY) > now.getTime(),
    )
    .map(([foreignId, { row, importId, state }]): Plan => {
      const { id, name } = row
      if (!revokeGone) return leave('key', name, `${reason}, and still works here`, 'gone')
      return {
        ...leave('key', name, reason, 'revoked'),
        write: {
          action: 'updated',
          foreignId,
          id,
          last: { importId, state },
          state,
          fields: { revokedAt: now.getTime(), revokedReason: reason },
        },
      }
    })
}

/** By the hash of the secret they were imported with, oldest first. */
async function knownKeys(db: Database, source: string): Promise<ReadonlyMap<string, Known>> {
  const { hash, importId, state } = importedKeys
  const rows = await db
    .select({ hash, importId, state, row: keys, lastUsedAt: lastUseOfKey, tokenLimit: limits.amount })
    .from(importedKeys)
    .innerJoin(keys, eq(importedKeys.keyId, keys.id))
    .leftJoin(limits, and(eq(limits.keyId, keys.id), isTokenLimit))
    .where(eq(importedKeys.source, source))
    .orderBy(keys.id)
  return new Map(rows.map(({ hash, ...known }) => [hash, known]))
}

/**
 * Hashes of keys that an import of this source created and that somebody deleted here. Keys removed by undoing an import
 * do not count: they may be imported again.
 */
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
