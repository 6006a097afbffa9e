/** Sums of usage, as rows of the database and as they are shown. */

import type { Totals } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, gt, lt, sql } from '../../db/query.ts'
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

export const summed = {
  requests: sql<number>`sum(${usage.requests})`,
  inputTokens: sql<number>`sum(${usage.inputTokens})`,
  outputTokens: sql<number>`sum(${usage.outputTokens})`,
  otherTokens: sql<number>`sum(${usage.otherTokens})`,
  costMicros: sql<number>`sum(${usage.costMicros})`,
} as const

/** Every offset from UTC in use is a whole number of quarter hours: hours and days of any zone are made of them. */
const quarterHour = sql<number>`${usage.start} - ${usage.start} % 900000`

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
