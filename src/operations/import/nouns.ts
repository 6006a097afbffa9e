/**
 * The nouns that are imported: where they are stored and remembered, what belongs to them, and how the audit log shows
 * them.
 */

import * as v from 'valibot'
import { type ImportedNoun, nouns } from '../../contract/nouns.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { noCounts, tokensOf } from '../../db/facts.ts'
import { and, type Column, eq, inArray, isNull } from '../../db/query.ts'
import { subjectFields } from '../../db/rows.ts'
import { importedKeys, importedProjects, importedUsers } from '../../db/schema/imports.ts'
import { keys, secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { projectMembers, projects, users } from '../../db/schema/people.ts'
import type { ForeignLimit } from '../../formats/foreign-data.ts'
import { keyViews } from '../keys/view.ts'
import { limitRows } from '../limits/rows.ts'
import { tableOf } from '../nouns.ts'
import { hashesOf, storePassword } from '../people/passwords.ts'
import { projectViews } from '../people/projects.ts'
import { userViews } from '../people/users.ts'
import { type RowProgress, unheard } from '../progress.ts'
import { toDollars } from '../rules/money.ts'
import { lastUseOfKey, totalsOf } from '../usage/sum.ts'
import { usageMove } from './state.ts'

/** The last state of each in its source. */
export const imported = { user: importedUsers, project: importedProjects, key: importedKeys }
const importedAs = {
  user: importedUsers.userId,
  project: importedProjects.projectId,
  key: importedKeys.keyId,
}
const foreignIds = {
  user: importedUsers.foreignId,
  project: importedProjects.foreignId,
  key: importedKeys.hash,
}

/** Fields of a row, by their names in the code. */
export type Fields = Readonly<Record<string, unknown>>

export async function updateRow(db: Database, noun: ImportedNoun, id: string, set: Fields): Promise<void> {
  if (Object.keys(set).length === 0) return
  const table = tableOf(noun)
  const { passwordHash, ...columns } = set
  await db.update(table).set(columns).where(eq(table.id, id))
  if (passwordHash === undefined) return
  await storePassword(db, id, v.parse(v.nullable(v.string()), passwordHash), Number(set['updatedAt']))
}

/** The window of the limits that come from glm-proxy: five hours. */
export const limitWindowMs = 5 * 3_600_000

/** A limit that changes; it goes if the amount is null. */
export type LimitChange = Omit<ForeignLimit, 'amount'> & { readonly amount: number | null }

export const tokenLimit = { metric: 'tokens', period: 'rolling', windowMs: limitWindowMs } as const

const plain = { timeZone: null, models: null, each: false } as const

export const newLimitRows = (keyId: string, changes: readonly LimitChange[], now: Date) =>
  limitRows(
    { type: 'key', id: keyId },
    changes.flatMap(({ amount, ...limit }) => (amount === null ? [] : [{ ...limit, ...plain, amount }])),
    now,
  )

/** Whether a limit of a key is the one that is meant. */
const isLimit = ({ metric, period, windowMs }: Omit<LimitChange, 'amount'>) =>
  and(
    eq(limits.metric, metric),
    eq(limits.period, period),
    eq(limits.windowMs, windowMs ?? 0),
    eq(limits.models, ''),
    eq(limits.each, 0),
  )

export const isTokenLimit = isLimit(tokenLimit)

export async function changeLimits(
  db: Database,
  keyId: string,
  changes: readonly LimitChange[],
  now: Date,
): Promise<void> {
  const { metric, period, windowMs, models, each } = limits
  const target = [limits.keyId, metric, period, windowMs, models, each]
  for (const change of changes) {
    const [row] = newLimitRows(keyId, [change], now)
    if (row === undefined) await db.delete(limits).where(and(eq(limits.keyId, keyId), isLimit(change)))
    else
      await db
        .insert(limits)
        .values(row)
        .onConflictDoUpdate({ target, set: { amount: row.amount } })
  }
}

/** What makes the limits of one snapshot of a key those of another, as far as imports know them. */
export function limitsBetween(from: Snapshot, to: Snapshot): readonly LimitChange[] {
  const [now, then] = [amountsIn(from), amountsIn(to)]
  return [...new Set([...now.keys(), ...then.keys()])]
    .filter(name => now.get(name) !== then.get(name))
    .flatMap(name => {
      const [metric, windowMs, period = 'rolling', ...others] = name.split('/')
      if ((metric !== 'tokens' && metric !== 'requests') || others.length > 0) return []
      if (period !== 'rolling' && period !== 'total') return []
      const limit = { metric, period, windowMs: period === 'total' ? null : Number(windowMs) } as const
      return [{ ...limit, amount: then.get(name) ?? null }]
    })
}

const amountsIn = (snapshot: Snapshot): ReadonlyMap<string, number> =>
  new Map(Object.entries(v.parse(withLimits, snapshot).limits).map(([name, [amount]]) => [name, amount]))

const withLimits = v.object({
  limits: v.optional(v.record(v.string(), v.tuple([v.number(), v.nullable(v.number())])), {}),
})

/** The last state of one thing in its source, and the import that read it. */
export interface Remembered {
  readonly importId: string
  readonly state: unknown
}

/** By id in the source, keys by the hash of their secret. `id` is the id in this database. */
export type RememberedById = ReadonlyMap<string, Remembered & { readonly id: string }>

export async function rememberedOf(
  db: Database,
  noun: ImportedNoun,
  source: string,
): Promise<RememberedById> {
  const { importId, state } = imported[noun]
  const rows = await db
    .select({ foreignId: foreignIds[noun], id: importedAs[noun], importId, state })
    .from(imported[noun])
    .where(eq(imported[noun].source, source))
  return new Map(rows.map(({ foreignId, ...rest }) => [foreignId, rest]))
}

/**
 * Remembers what was not imported before.
 *
 * @param things at least one, and at most as many as fit in one statement
 */
export async function remember(
  db: Database,
  noun: ImportedNoun,
  { source, importId }: { readonly source: string; readonly importId: string },
  things: readonly { readonly id: string; readonly foreignId: string; readonly state: unknown }[],
): Promise<void> {
  const rows = things.map(({ id, foreignId, state }) => {
    const ids = { userId: id, projectId: id, keyId: id }
    return { source, importId, foreignId, hash: foreignId, state, ...ids }
  })
  await db.insert(imported[noun]).values(rows)
}

export async function rememberAgain(
  db: Database,
  noun: ImportedNoun,
  source: string,
  id: string,
  { importId, state }: Remembered,
): Promise<void> {
  await db
    .update(imported[noun])
    .set({ importId, state })
    .where(and(eq(imported[noun].source, source), eq(importedAs[noun], id)))
}

/** Everything that is stored about one thing, flat. Never show it: it contains password hashes. */
export type Snapshot = Fields

/** What an import stores about something it changes, so that it can be undone. */
export const kept = v.object({
  snapshot: v.record(v.string(), v.unknown()),
  /** Its previous state in the source. */
  imported: v.object({ importId: v.string(), state: v.unknown() }),
  /** By how much its usage was changed; null if it has none. */
  moved: v.nullable(usageMove),
})
export type Kept = v.InferOutput<typeof kept>

const countFields = ['requests', 'inputTokens', 'outputTokens', 'otherTokens', 'costMicros'] as const

/** Fields that every request changes. They do not count as changes. */
export const usageFields: readonly string[] = [...countFields, 'lastUsedAt']

/** Fields of a snapshot that are rows of other tables. */
export const attachedFields: readonly string[] = ['limits', 'secrets', 'members', 'memberships']

/** Snapshots by id, of things that exist. `tell` is called with the number of rows read. */
export async function snapshots(
  db: Database,
  noun: ImportedNoun,
  ids: readonly string[],
  tell: RowProgress = unheard,
): Promise<ReadonlyMap<string, Snapshot>> {
  const found = new Map<string, Snapshot>()
  for (const chunk of inChunks(ids)) {
    const attached = await attachedRows(db, noun, chunk)
    const used = noun === 'key' ? await usageOf(db, chunk) : () => ({})
    const rows: readonly Fields[] = await db
      .select()
      .from(tableOf(noun))
      .where(inArray(tableOf(noun).id, chunk))
    for (const { id, ...row } of rows) {
      // The same form as when it is read back from JSON.
      // Of a snapshot that an older version stored, a field that it did not know is missing.
      const emailVerified = row['emailVerified'] || undefined
      const text = JSON.stringify({ ...row, emailVerified, ...used(String(id)), ...attached(String(id)) })
      found.set(String(id), JSON.parse(text) as Snapshot)
    }
    await tell(chunk.length)
  }
  return found
}

/** What each of these keys ever used, under the names in `usageFields`. */
async function usageOf(db: Database, ids: readonly string[]): Promise<(id: string) => Snapshot> {
  const totals = await totalsOf(db, ids)
  const uses = await db
    .select({ id: keys.id, lastUsedAt: lastUseOfKey })
    .from(keys)
    .where(inArray(keys.id, [...ids]))
  const lastUses = new Map(uses.map(({ id, lastUsedAt }) => [id, lastUsedAt]))
  return id => ({
    ...Object.fromEntries(countFields.map(field => [field, totals.get(id)?.[field] ?? 0])),
    lastUsedAt: lastUses.get(id) ?? null,
  })
}

/** The rows in other tables that belong to each. */
async function attachedRows(
  db: Database,
  noun: ImportedNoun,
  ids: readonly string[],
): Promise<(id: string) => Snapshot> {
  const among = (column: Column) => inArray(column, [...ids])
  const subject = subjectFields[noun]
  const limitsOf = Map.groupBy(
    await db
      .select()
      .from(limits)
      .where(and(among(limits[subject]), isNull(limits.memberId))),
    row => row[subject],
  )
  const limitFields = (id: string): readonly (readonly [string, unknown])[] =>
    (limitsOf.get(id) ?? [])
      .map(row => [limitName(row), [row.amount, row.resetAt]] as const)
      .sort(([a], [b]) => a.localeCompare(b))
  if (noun === 'key') {
    const rows = await db.select().from(secrets).where(among(secrets.keyId))
    const secretsOf = Map.groupBy(rows, row => row.keyId)
    return id => ({
      limits: Object.fromEntries(limitFields(id)),
      secrets: (secretsOf.get(id) ?? []).map(row => [row.hash, row.endsAt]).sort(),
    })
  }
  const [own, other, field] =
    noun === 'user'
      ? (['userId', 'projectId', 'memberships'] as const)
      : (['projectId', 'userId', 'members'] as const)
  const rows = await db.select().from(projectMembers).where(among(projectMembers[own]))
  const membersOf = Map.groupBy(rows, row => row[own])
  const hashes = noun === 'user' ? await hashesOf(db, ids) : undefined
  return id => ({
    ...(hashes && { passwordHash: hashes.get(id) ?? null }),
    limits: Object.fromEntries(limitFields(id)),
    [field]: (membersOf.get(id) ?? []).map(row => [row[other], row.role]).sort(),
  })
}

/** Snapshots of earlier versions know only rolling limits, of all models and for all. */
const limitName = ({ metric, windowMs, period, models, each }: typeof limits.$inferSelect): string =>
  [
    metric,
    windowMs,
    ...(period === 'rolling' ? [] : [period]),
    ...(models === '' ? [] : [models]),
    ...(each === 0 ? [] : ['each']),
  ].join('/')

/** What a user, project or key is called. */
export const nameOf = (noun: ImportedNoun, snapshot: Snapshot): string => String(snapshot[nouns[noun].label])

/** SHA-256 hashes of the secrets of a key whose snapshot was stored. */
export const secretHashes = (stored: unknown): readonly string[] =>
  v.parse(withSecrets, stored).secrets.map(([hash]) => hash)

const withSecrets = v.object({ secrets: v.array(v.tuple([v.string(), v.nullable(v.number())])) })

/** The views for the audit log, by id, oldest first; keys include their total usage. */
export async function auditViews(
  db: Database,
  now: Date,
  noun: ImportedNoun,
  ids: readonly string[],
  tell: RowProgress = unheard,
): Promise<ReadonlyMap<string, object>> {
  const found = new Map<string, object>()
  for (const chunk of inChunks(ids)) {
    for (const view of await viewsOf[noun](db, chunk, now)) found.set(view.id, view)
    await tell(chunk.length)
  }
  return found
}

type Views = (db: Database, ids: string[], now: Date) => Promise<readonly { readonly id: string }[]>

const viewsOf: Readonly<Record<ImportedNoun, Views>> = {
  user: async (db, ids, now) =>
    userViews(db, await db.select().from(users).where(inArray(users.id, ids)), now),
  project: async (db, ids) =>
    projectViews(db, await db.select().from(projects).where(inArray(projects.id, ids))),
  key: async (db, ids, now) => {
    const among = inArray(keys.id, ids)
    const used = await totalsOf(db, ids)
    const views = await keyViews(db, now, { where: among })
    return views.map(view => {
      const counts = used.get(view.id) ?? noCounts
      const { requests, costMicros } = counts
      return { ...view, tokens: tokensOf(counts), requests, costUsd: toDollars(costMicros) }
    })
  },
}
