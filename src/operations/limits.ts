/**
 * Rolling windows. `used(t)` is the sum of all buckets that lie at least partly inside (t − window, t], so it never
 * counts too little, counts too much by less than one bucket, and does not jump at any boundary. Verdicts, stats and
 * reports all ask here: they cannot disagree.
 */
import { and, eq, gt, lte, sql } from 'drizzle-orm'
import type { Limit, LimitState, Metric } from '../contract/views.ts'
import { type limits, usage } from '../db/schema.ts'
import type { Database } from '../db/transaction.ts'
import { newId } from './ids.ts'

export type LimitRow = typeof limits.$inferSelect

/** How much a request wants of each metric: whole tokens and requests, dollars. */
export type Wanted = { readonly [M in Metric]?: number | undefined }

const microsPerDollar = 1_000_000
const longestBucketMs = 86_400_000

/** What one bucket counts towards each metric; usd in micro-dollars. */
const counted = {
  tokens: sql<number>`${usage.inputTokens} + ${usage.outputTokens} + ${usage.otherTokens}`,
  requests: sql<number>`${usage.requests}`,
  usd: sql<number>`${usage.costMicros}`,
} as const

/** Each limit of a key as it stands at `at`, for a request that wants so much. */
export async function limitStates(
  db: Database,
  rows: readonly LimitRow[],
  keyId: string,
  at: Date,
  wanted: Wanted = {},
): Promise<readonly LimitState[]> {
  const states: LimitState[] = []
  for (const row of rows) states.push(await limitState(db, row, keyId, at, wanted))
  return states
}

async function limitState(
  db: Database,
  row: LimitRow,
  keyId: string,
  at: Date,
  wanted: Wanted,
): Promise<LimitState> {
  const inside = insideWindow(keyId, at.getTime(), row.windowMs)
  const [sum] = await db
    .select({ used: sql<number>`coalesce(sum(${counted[row.metric]}), 0)` })
    .from(usage)
    .where(inside)
  const used = sum?.used ?? 0
  const remaining = Math.max(0, row.amount - used)
  // A request always takes something: with nothing left it is denied even when it does not say how much.
  const need = Math.max(1, toStored(row.metric, wanted[row.metric] ?? 0))
  const exceeded = remaining < need
  return {
    ...limitView(row),
    used: toShown(row.metric, used),
    remaining: toShown(row.metric, remaining),
    exceeded,
    retryAt: exceeded && row.amount >= need ? await agedOut(db, row, inside, used + need - row.amount) : null,
  }
}

/** The first moment at which `excess` of what is used has left the window. */
async function agedOut(
  db: Database,
  row: LimitRow,
  inside: ReturnType<typeof insideWindow>,
  excess: number,
): Promise<Date | null> {
  const buckets = await db
    .select({
      end: sql<number>`${usage.start} + ${usage.widthMs}`.as('bucket_end'),
      amount: sql<number>`sum(${counted[row.metric]})`,
    })
    .from(usage)
    .where(inside)
    .groupBy(sql`bucket_end`)
    .orderBy(sql`bucket_end`)
  let freed = 0
  for (const bucket of buckets) {
    freed += bucket.amount
    if (freed >= excess) return new Date(bucket.end + row.windowMs)
  }
  return null
}

/** The buckets of a key that lie at least partly inside (at − window, at]. */
function insideWindow(keyId: string, at: number, windowMs: number) {
  const from = at - windowMs
  return and(
    eq(usage.keyId, keyId),
    // Lets the index skip what is older than any bucket could reach.
    gt(usage.start, from - longestBucketMs),
    lte(usage.start, at),
    gt(sql`${usage.start} + ${usage.widthMs}`, from),
  )
}

export function limitView(row: Pick<LimitRow, 'metric' | 'amount' | 'windowMs'>): Limit {
  return { metric: row.metric, amount: toShown(row.metric, row.amount), windowMs: row.windowMs }
}

/** Rows of the limits table for a key. */
export function limitRows(keyId: string, list: readonly Limit[], now: Date): (typeof limits.$inferInsert)[] {
  return list.map(limit => ({
    id: newId('lim', now),
    keyId,
    metric: limit.metric,
    amount: toStored(limit.metric, limit.amount),
    windowMs: limit.windowMs,
  }))
}

/** In a stable order: by metric as the contract lists them, then by window. */
export function sortLimits<L extends { readonly metric: Metric; readonly windowMs: number }>(
  list: readonly L[],
): L[] {
  const order: Record<Metric, number> = { tokens: 0, requests: 1, usd: 2 }
  return list.toSorted((a, b) => order[a.metric] - order[b.metric] || a.windowMs - b.windowMs)
}

/** Dollars to micro-dollars; tokens and requests as they are. */
const toStored = (metric: Metric, amount: number): number => (metric === 'usd' ? toMicros(amount) : amount)

const toShown = (metric: Metric, amount: number): number => (metric === 'usd' ? toDollars(amount) : amount)

export const toMicros = (dollars: number): number => Math.round(dollars * microsPerDollar)
export const toDollars = (micros: number): number => micros / microsPerDollar
