/** Sums of usage, in SQL and in views. */
import type { Totals } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { counterNames, tokensOf, type UsageCounts } from '../../db/facts.ts'
import { and, type Column, eq, oneOf, type SQL, type SQLWrapper, sql, totalOf } from '../../db/query.ts'
import { lastUse } from '../../db/rows.ts'
import { carriedUsage, days, hours, minutes, series } from '../../db/schema/usage.ts'
import type { Width } from '../../db/spans.ts'
import { toDollars } from '../rules/money.ts'

/** The view of counts: total tokens, and dollars instead of micro-dollars. */
export const shownCounts = (counts: UsageCounts): Totals => ({
  requests: counts.requests,
  inputTokens: counts.inputTokens,
  cachedInputTokens: counts.cachedInputTokens,
  cacheWriteTokens: counts.cacheWriteTokens,
  outputTokens: counts.outputTokens,
  reasoningTokens: counts.reasoningTokens,
  otherTokens: counts.otherTokens,
  tokens: tokensOf(counts),
  costUsd: toDollars(counts.costMicros),
  unpricedRequests: counts.unpricedRequests,
})

/** The same without parts of others, and without their sum. */
export const mainCounts = (counts: UsageCounts) => ({
  requests: counts.requests,
  inputTokens: counts.inputTokens,
  outputTokens: counts.outputTokens,
  otherTokens: counts.otherTokens,
  costUsd: toDollars(counts.costMicros),
})

/** Each width has a table of its own. */
export const bucketTables = { minutes, hours, days } as const

export type BucketTable = (typeof bucketTables)[Width]

type Counter = (typeof counterNames)[number]

/** Something for each counter. */
export const eachCounter = <T>(of: (name: Counter) => T): { readonly [C in Counter]: T } =>
  Object.fromEntries(counterNames.map(name => [name, of(name)])) as Record<Counter, T>

/** The columns of the counters, which all tables that have them call the same. */
export const counterColumns = eachCounter(name => sql.identifier(days[name].name))

/** Each sum of a group of rows. */
export const summed = eachCounter(name => totalOf(counterColumns[name]))

/** In the order of the counters, for a query that is text. */
export const listed = (columns: { readonly [C in Counter]: SQLWrapper }): SQL =>
  sql.join(
    counterNames.map(name => columns[name]),
    sql`, `,
  )

/** What an earlier system says, of all that is counted here. */
export const carriedCounts = listed(
  eachCounter(name => (name in carriedUsage ? counterColumns[name] : sql`0`)),
)

/** All tokens of a row. */
export const tokensIn = ({
  inputTokens,
  outputTokens,
  otherTokens,
}: {
  readonly [C in 'inputTokens' | 'outputTokens' | 'otherTokens']: SQLWrapper
}): SQL<number> => sql<number>`(${inputTokens} + ${outputTokens} + ${otherTokens})`

/** What each series is that counts in sums: end users have parts of it, and what is being ingested is not there yet. */
export const counting = and(eq(series.endUser, ''), eq(series.pending, 0))

/**
 * A table `life` with all that keys ever used, also those that are gone: their days, and what an earlier system says.
 *
 * @param of which keys, as a condition on the column of their id
 */
export const lifeOf = (of?: (keyId: Column) => SQL): SQL => sql`(
  SELECT ${series.keyId} AS key_id, ${listed(counterColumns)}
  FROM ${series} CROSS JOIN ${days}
  WHERE ${and(eq(days.series, series.id), counting, of?.(series.keyId))}
  UNION ALL
  SELECT ${carriedUsage.keyId}, ${carriedCounts} FROM ${carriedUsage} ${of && sql`WHERE ${of(carriedUsage.keyId)}`}
) AS life`

/** All that each of these keys ever used; those that used nothing are missing. */
export async function totalsOf(
  db: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, UsageCounts>> {
  const rows = await db
    .select({ id: sql<string>`key_id`, ...summed })
    .from(lifeOf(keyId => oneOf(keyId, ids)))
    .groupBy(sql`key_id`)
  return new Map(rows.map(({ id, ...counts }) => [id, counts]))
}

/** When the key in `keys` was used last; null if never. */
export const lastUseOfKey = sql<number | null>`${sql.raw(lastUse)}`
