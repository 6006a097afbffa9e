/** Sums of usage, in SQL and in views. */

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
  /** Tokens without a split into input and output. */
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

/** The sum of two sets of counts. */
export function addCounts(a: Counts, b: Counts): Counts {
  return {
    requests: a.requests + b.requests,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    otherTokens: a.otherTokens + b.otherTokens,
    costMicros: a.costMicros + b.costMicros,
  }
}

/** The view of counts: total tokens, and dollars instead of micro-dollars. */
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

/** The sums of a group of buckets. */
export const summed = {
  requests: totalOf(usage.requests),
  inputTokens: totalOf(usage.inputTokens),
  outputTokens: totalOf(usage.outputTokens),
  otherTokens: totalOf(usage.otherTokens),
  costMicros: totalOf(usage.costMicros),
} as const

/** The same under names, for the query of a query. */
export const namedSums = () => ({
  requests: summed.requests.as('sum_requests'),
  inputTokens: summed.inputTokens.as('sum_input'),
  outputTokens: summed.outputTokens.as('sum_output'),
  otherTokens: summed.otherTokens.as('sum_other'),
  costMicros: summed.costMicros.as('sum_cost'),
})

/**
 * The start of the wider bucket that a bucket belongs to. In SQL the remainder of a time before 1970 is negative, so
 * without correction 1969 would move into 1970.
 */
export function startOf(widthMs: number): SQL<number> {
  return sql<number>`${usage.start} - ((${usage.start} % ${widthMs}) + ${widthMs}) % ${widthMs}`
}

/** Every UTC offset in use is a whole number of quarter hours, so they make up the hours and days of any zone. */
const quarterHour = startOf(900_000)

/** Buckets that are at least partly inside [since, until). */
export function between(since: Date | undefined, until: Date | undefined) {
  return and(
    since && gt(sql`${usage.start} + ${usage.widthMs}`, since.getTime()),
    // Lets the index be used: no bucket is longer than a day.
    since && gt(usage.start, since.getTime() - 86_400_000),
    until && lt(usage.start, until.getTime()),
  )
}

/** The usage of one key by quarter hour, oldest first. */
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
