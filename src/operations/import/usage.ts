/** Changes the usage of keys: what a source counts in windows goes into buckets, the rest of its totals is carried. */
import type { BulkUsage, Database } from '../../db/engine.ts'
import { counterNames, noCounts as noUsage, tokensOf, type UsageCounts } from '../../db/facts.ts'
import { and, desc, eq, inArray, sql } from '../../db/query.ts'
import { reservations } from '../../db/schema/limits.ts'
import { carriedUsage, models, series } from '../../db/schema/usage.ts'
import { bucketAt, dayMs, keptMs, widthMs, widths } from '../../db/spans.ts'
import type { ForeignCounts } from '../../formats/foreign-data.ts'
import { bucketTables, counting, totalsOf } from '../usage/sum.ts'
import {
  type BookedWindow,
  carriedIn,
  isNothing,
  type KeyState,
  noCounts,
  subtract,
  type UsageMove,
} from './state.ts'

/** Counts the usage of a new key. Returns what is carried of it; undefined if nothing is. */
export async function newUsage(
  bulk: BulkUsage,
  keyId: string,
  move: UsageMove,
  lastUse: number | null,
): Promise<typeof carriedUsage.$inferInsert | undefined> {
  for (const window of move.windows) await book(bulk, keyId, window, window, lastUse)
  const carried = { keyId, ...carriedIn(move), lastUsedAt: lastUse }
  return isCarried(carried) ? carried : undefined
}

/**
 * Changes the usage of an existing key. Returns the actual change, which is smaller if a bucket no longer had what was to
 * be subtracted.
 */
export async function moveUsage(
  db: Database,
  bulk: BulkUsage,
  keyId: string,
  move: UsageMove,
  lastUse: number | null,
): Promise<UsageMove> {
  const windows: BookedWindow[] = []
  // First what is subtracted: what is added may be sent later.
  for (const window of move.windows) {
    const taken = await takeBack(db, keyId, window, positive(subtract(noCounts, window)))
    windows.push({ start: window.start, model: window.model, ...subtract(positive(window), taken) })
  }
  for (const window of move.windows) await book(bulk, keyId, window, positive(window), lastUse)
  const moved = { ...move, windows }
  await carry(db, keyId, moved, lastUse)
  return moved
}

const positive = (counts: ForeignCounts): ForeignCounts => ({
  tokens: Math.max(0, counts.tokens),
  requests: Math.max(0, counts.requests),
  costMicros: Math.max(0, counts.costMicros),
})

/**
 * A day counts as used from its beginning: so a use in it that was counted here is the later one, and stays when the window
 * is taken back. When the source was used last is carried.
 */
async function book(
  bulk: BulkUsage,
  keyId: string,
  { start, model: name }: BookedWindow,
  { tokens, requests, costMicros }: ForeignCounts,
  lastUse: number | null,
): Promise<void> {
  if (isNothing({ tokens, requests, costMicros })) return
  const id = await bulk.seriesOf(keyId, '')
  if (typeof id === 'string') throw new Error(`${keyId} was to be counted for, but is not there`)
  const model = await bulk.modelOf(name)
  const used: UsageCounts = { ...noUsage, otherTokens: tokens, requests, costMicros }
  const counts = Float64Array.from(counterNames, counter => used[counter])
  const lastAt = Math.min(bucketAt('days', start) * dayMs, lastUse ?? start)
  for (const width of widths) bulk.add(width, id, bucketAt(width, start), model, counts, 0, lastAt)
}

/**
 * Subtracts counts that the source withdrew from the minute, hour and day that hold them, as far as the narrowest that is
 * kept has them. The rest is subtracted from the carried usage. Returns what was subtracted.
 */
async function takeBack(
  db: Database,
  keyId: string,
  window: BookedWindow,
  counts: ForeignCounts,
): Promise<ForeignCounts> {
  if (isNothing(counts)) return noCounts
  const { start } = window
  const narrowestMs = keptMs(start, await db.facts.retention())
  const kept = widths.filter(width => widthMs[width] >= narrowestMs)
  const [narrowest = 'days'] = kept
  const narrow = bucketTables[narrowest]
  const holding = await db
    .select({
      series: narrow.series,
      model: narrow.model,
      tokens: narrow.otherTokens,
      requests: narrow.requests,
      costMicros: narrow.costMicros,
    })
    .from(narrow)
    .innerJoin(series, eq(series.id, narrow.series))
    .innerJoin(models, eq(models.id, narrow.model))
    .where(
      and(
        eq(series.keyId, keyId),
        counting,
        eq(models.name, window.model),
        eq(narrow.start, bucketAt(narrowest, start)),
      ),
    )
    .orderBy(desc(series.id))
  let missing = counts
  for (const had of holding) {
    // Never below zero, because a part of the bucket may have been counted here.
    const taken = subtract(had, positive(subtract(had, missing)))
    if (isNothing(taken)) continue
    missing = subtract(missing, taken)
    for (const width of kept) {
      const table = bucketTables[width]
      const isIt = and(
        eq(table.series, had.series),
        eq(table.start, bucketAt(width, start)),
        eq(table.model, had.model),
      )
      await db
        .update(table)
        .set({
          otherTokens: sql`${table.otherTokens} - ${taken.tokens}`,
          requests: sql`${table.requests} - ${taken.requests}`,
          costMicros: sql`${table.costMicros} - ${taken.costMicros}`,
        })
        .where(isIt)
      await db.delete(table).where(and(isIt, ...counterNames.map(counter => eq(table[counter], 0))))
    }
  }
  return subtract(counts, missing)
}

/** A key has a row of carried usage only if there is something in it. */
async function carry(db: Database, keyId: string, move: UsageMove, lastUsedAt: number | null): Promise<void> {
  const mine = eq(carriedUsage.keyId, keyId)
  const [row] = await db.select().from(carriedUsage).where(mine)
  const change = carriedIn(move)
  const carried = {
    requests: change.requests + (row?.requests ?? 0),
    inputTokens: change.inputTokens + (row?.inputTokens ?? 0),
    outputTokens: change.outputTokens + (row?.outputTokens ?? 0),
    otherTokens: change.otherTokens + (row?.otherTokens ?? 0),
    costMicros: change.costMicros + (row?.costMicros ?? 0),
    lastUsedAt,
  }
  if (!isCarried(carried)) {
    await db.delete(carriedUsage).where(mine)
    return
  }
  await db
    .insert(carriedUsage)
    .values({ keyId, ...carried })
    .onConflictDoUpdate({ target: carriedUsage.keyId, set: carried })
}

function isCarried({
  requests,
  inputTokens,
  outputTokens,
  otherTokens,
  costMicros,
  lastUsedAt,
}: Omit<typeof carriedUsage.$inferSelect, 'keyId'>): boolean {
  return (
    lastUsedAt !== null || [requests, inputTokens, outputTokens, otherTokens, costMicros].some(n => n !== 0)
  )
}

/** When the source was used last, as far as it tells. */
export const lastUseIn = ({ lastUsedAt, windows }: Pick<KeyState, 'lastUsedAt' | 'windows'>): number | null =>
  lastUsedAt ?? windows.at(-1)?.start ?? null

/** Forgets all that keys used which are deleted because nobody but their source has used them. */
export async function forgetUsage(db: Database, keyIds: readonly string[]): Promise<void> {
  // A log that is being counted finds the keys gone, and undoes its own.
  const theirs = and(inArray(series.keyId, [...keyIds]), eq(series.pending, 0))
  const ids = db.select({ id: series.id }).from(series).where(theirs)
  for (const table of Object.values(bucketTables)) await db.delete(table).where(inArray(table.series, ids))
  await db.delete(reservations).where(inArray(reservations.series, ids))
  await db.delete(series).where(theirs)
}

/**
 * Runs work that changes the usage of keys.
 *
 * @throws Error if what a key ever used does not change by the totals of its move: a bug in this program
 */
export async function moving<T>(
  db: Database,
  moves: ReadonlyMap<string, Pick<UsageMove, 'total'>>,
  work: (bulk: BulkUsage) => Promise<T>,
): Promise<T> {
  const ids = [...moves.keys()]
  // Nobody else counts from here on.
  const [before, result] = await db.bulk(async bulk => [await totalsOf(db, ids), await work(bulk)] as const)
  const after = await totalsOf(db, ids)
  for (const [id, { total }] of moves) {
    const grown = subtract(foreign(after.get(id) ?? noUsage), foreign(before.get(id) ?? noUsage))
    if (!isNothing(subtract(grown, total))) throw new Error(`the usage of ${id} would no longer add up`)
  }
  return result
}

const foreign = (counts: UsageCounts): ForeignCounts => ({ ...counts, tokens: tokensOf(counts) })
