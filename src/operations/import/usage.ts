/** Changes the usage of a key. Invariant: running total = carried usage + all buckets. */

import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, inArray, type SQLWrapper, sql, totalOf } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { carriedUsage, usage } from '../../db/schema/usage.ts'
import type { ForeignCounts } from '../../formats/foreign-data.ts'
import { tokensIn } from '../usage/sum.ts'
import { type BookedWindow, isNothing, noCounts, subtract, sum, type UsageMove } from './state.ts'

/** The running totals of a new key. */
export const totalsOf = ({ total, split }: UsageMove) => ({
  ...split,
  otherTokens: otherTokens(total, split),
  ...withoutTokens(total),
})

/** The usage rows of a new key, which has one model. */
export const newUsage = (keyId: string, { windows, total }: UsageMove) => ({
  buckets: [...Map.groupBy(windows, window => startOf(window.start, minuteMs))].map(([start, all]) =>
    bucketOf(keyId, start, all[0]?.model ?? '', sum(all)),
  ),
  carried: { keyId, ...subtract(total, sum(windows)) },
})

const otherTokens = (total: ForeignCounts, split: UsageMove['split']): number =>
  total.tokens - split.inputTokens - split.outputTokens

const withoutTokens = ({ requests, costMicros }: Omit<ForeignCounts, 'tokens'>) => ({ requests, costMicros })

const bucketOf = (keyId: string, start: number, model: string, counts: ForeignCounts) => ({
  keyId,
  start,
  model,
  otherTokens: counts.tokens,
  ...withoutTokens(counts),
})

/**
 * Changes the usage of an existing key. Returns the actual change, which is smaller if a bucket no longer had what was to
 * be subtracted.
 */
export async function moveUsage(db: Database, keyId: string, move: UsageMove): Promise<UsageMove> {
  const windows: BookedWindow[] = []
  for (const window of move.windows) {
    const grown = positive(window)
    await book(db, keyId, window, grown)
    const taken = await takeBack(db, keyId, window, positive(subtract(noCounts, window)))
    windows.push({ start: window.start, model: window.model, ...subtract(grown, taken) })
  }
  const { total, split } = move
  await db
    .update(keys)
    .set({
      inputTokens: sql`${keys.inputTokens} + ${split.inputTokens}`,
      outputTokens: sql`${keys.outputTokens} + ${split.outputTokens}`,
      otherTokens: sql`${keys.otherTokens} + ${otherTokens(total, split)}`,
      requests: sql`${keys.requests} + ${total.requests}`,
      costMicros: sql`${keys.costMicros} + ${total.costMicros}`,
    })
    .where(eq(keys.id, keyId))
  await carry(db, keyId, subtract(total, sum(windows)))
  return { windows, total, split }
}

const positive = (counts: ForeignCounts): ForeignCounts => ({
  tokens: Math.max(0, counts.tokens),
  requests: Math.max(0, counts.requests),
  costMicros: Math.max(0, counts.costMicros),
})

const minuteMs = 60_000
const startOf = (at: number, widthMs: number): number => Math.floor(at / widthMs) * widthMs

async function book(db: Database, keyId: string, at: BookedWindow, counts: ForeignCounts): Promise<void> {
  if (isNothing(counts)) return
  await db
    .insert(usage)
    .values(bucketOf(keyId, startOf(at.start, minuteMs), at.model, counts))
    .onConflictDoUpdate({
      target: [usage.keyId, usage.start, usage.model],
      set: {
        otherTokens: sql`${usage.otherTokens} + ${counts.tokens}`,
        requests: sql`${usage.requests} + ${counts.requests}`,
        costMicros: sql`${usage.costMicros} + ${counts.costMicros}`,
      },
    })
}

/**
 * Subtracts counts that the source withdrew from their bucket: the minute, or the hour or day it was compacted into. The
 * rest is subtracted from the carried usage. Returns what was subtracted.
 */
async function takeBack(
  db: Database,
  keyId: string,
  window: BookedWindow,
  counts: ForeignCounts,
): Promise<ForeignCounts> {
  if (isNothing(counts)) return noCounts
  const starts = [minuteMs, 60 * minuteMs, 24 * 60 * minuteMs].map(width => startOf(window.start, width))
  const ofModel = and(eq(usage.keyId, keyId), eq(usage.model, window.model))
  const buckets = await db
    .select()
    .from(usage)
    .where(and(ofModel, inArray(usage.start, starts)))
  const holding = buckets
    .filter(bucket => bucket.start + bucket.widthMs > window.start)
    .toSorted((a, b) => a.widthMs - b.widthMs)
  let missing = counts
  for (const bucket of holding) {
    const had = { tokens: bucket.otherTokens, ...withoutTokens(bucket) }
    // Never below zero, because a part of the bucket may have been counted here.
    const left = positive(subtract(had, missing))
    if (isNothing(subtract(had, left))) continue
    missing = subtract(missing, subtract(had, left))
    await db
      .update(usage)
      .set({ otherTokens: left.tokens, ...withoutTokens(left) })
      .where(and(ofModel, eq(usage.start, bucket.start)))
  }
  return subtract(counts, missing)
}

/** A key has a row of carried usage only if it is not zero. */
async function carry(db: Database, keyId: string, change: ForeignCounts): Promise<void> {
  if (isNothing(change)) return
  const mine = eq(carriedUsage.keyId, keyId)
  const [row] = await db.select().from(carriedUsage).where(mine)
  const carried = sum([row ?? noCounts, change])
  if (isNothing(carried)) {
    await db.delete(carriedUsage).where(mine)
    return
  }
  await db
    .insert(carriedUsage)
    .values({ keyId, ...carried })
    .onConflictDoUpdate({ target: carriedUsage.keyId, set: carried })
}

/** By key: running total minus carried minus buckets, of tokens, requests and cost. All zeros if it adds up. */
export async function usageGaps(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const chunk of inChunks(ids)) {
    const buckets = db
      .select({
        keyId: usage.keyId,
        tokens: totalOf(tokensIn(usage)).as('tokens_sum'),
        requests: totalOf(usage.requests).as('requests_sum'),
        costMicros: totalOf(usage.costMicros).as('cost_sum'),
      })
      .from(usage)
      .where(inArray(usage.keyId, chunk))
      .groupBy(usage.keyId)
      .as('bucket_sums')
    const gap = (total: SQLWrapper, field: 'tokens' | 'requests' | 'costMicros') =>
      sql<number>`${total} - coalesce(${carriedUsage[field]}, 0) - coalesce(${buckets[field]}, 0)`
    const rows = await db
      .select({
        id: keys.id,
        tokens: gap(tokensIn(keys), 'tokens'),
        requests: gap(keys.requests, 'requests'),
        cost: gap(keys.costMicros, 'costMicros'),
      })
      .from(keys)
      .leftJoin(carriedUsage, eq(carriedUsage.keyId, keys.id))
      .leftJoin(buckets, eq(buckets.keyId, keys.id))
      .where(inArray(keys.id, chunk))
    for (const row of rows) found.set(row.id, `${row.tokens} ${row.requests} ${row.cost}`)
  }
  return found
}
