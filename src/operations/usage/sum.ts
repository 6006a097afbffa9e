/** Sums of usage, as rows of the database and as they are shown. */

import type { Totals } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, gt, lt, type SQL, sql, totalOf } from '../../db/query.ts'
import type { keys } from '../../db/schema/keys.ts'
import { usage } from '../../db/schema/usage.ts'
import { toDollars } from '../rules/money.ts'

export interface Counts {
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Tokens that came without a split. */
  readonly otherTokens: number
  readonly costMicros: number
}

export const noCounts: Counts = {
  requests: 0,
  inputTokens: 0,
  outputTokens: 0,
  otherTokens: 0,
  costMicros: 0,
}

/** Each count of the one and the other. */
export function addCounts(a: Counts, b: Counts): Counts {
  return {
    requests: a.requests + b.requests,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    otherTokens: a.otherTokens + b.otherTokens,
    costMicros: a.costMicros + b.costMicros,
  }
}

/** Counts as they are shown: all tokens in one, dollars in place of micro-dollars. */
export function shownCounts(counts: Counts): Totals {
  return {
    requests: counts.requests,
    inputTokens: counts.inputTokens,
    outputTokens: counts.outputTokens,
    tokens: counts.inputTokens + counts.outputTokens + counts.otherTokens,
    costUsd: toDollars(counts.costMicros),
  }
}

/** The columns of the counts: of buckets, or of the running totals of keys. */
export const countsIn = ({
  requests,
  inputTokens,
  outputTokens,
  otherTokens,
  costMicros,
}: typeof usage | typeof keys) => ({ requests, inputTokens, outputTokens, otherTokens, costMicros })

/** All tokens of a row. */
export const tokensIn = (
  counts: {
    readonly [C in 'inputTokens' | 'outputTokens' | 'otherTokens']: unknown
  },
): SQL<number> => sql<number>`(${counts.inputTokens} + ${counts.outputTokens} + ${counts.otherTokens})`

export const summed = {
  requests: totalOf(usage.requests),
  inputTokens: totalOf(usage.inputTokens),
  outputTokens: totalOf(usage.outputTokens),
  otherTokens: totalOf(usage.otherTokens),
  costMicros: totalOf(usage.costMicros),
} as const

/**
 * Where the bucket of that width begins that a smaller one belongs to. In SQL the rest of a time before 1970 is
 * negative: taken as it is, it would move 1969 into 1970.
 */
export function startOf(widthMs: number): SQL<number> {
  return sql<number>`${usage.start} - ((${usage.start} % ${widthMs}) + ${widthMs}) % ${widthMs}`
}

/** Every offset from UTC in use is a whole number of quarter hours: hours and days of any zone are made of them. */
const quarterHour = startOf(900_000)

/** Buckets that lie at least partly inside [since, until). */
export function between(since: Date | undefined, until: Date | undefined) {
  return and(
    since && gt(sql`${usage.start} + ${usage.widthMs}`, since.getTime()),
    // What the index can use: no bucket is longer than a day.
    since && gt(usage.start, since.getTime() - 86_400_000),
    until && lt(usage.start, until.getTime()),
  )
}

/** The use of one key by quarter hour, oldest first. */
export function usageByQuarterHour(
  db: Database,
  range: { readonly since: Date; readonly until: Date; readonly keyId: string },
): Promise<(Counts & { start: number })[]> {
  return db
    .select({ start: quarterHour.as('quarter'), ...summed })
    .from(usage)
    .where(and(eq(usage.keyId, range.keyId), between(range.since, range.until)))
    .groupBy(sql`quarter`)
    .orderBy(sql`quarter`)
}
