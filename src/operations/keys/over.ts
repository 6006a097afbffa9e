/** Finds keys whose limits are nearly used up, with the same sums as verdicts. */

import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, type SQL, sql, totalOf } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { limits, reservations } from '../../db/schema/limits.ts'
import { days, series } from '../../db/schema/usage.ts'
import { dayMs, hourMs } from '../../db/spans.ts'
import { judgeLimit, momentOf } from '../limits/window.ts'
import { everMs } from '../usage/buckets.ts'
import { counting, tokensIn } from '../usage/sum.ts'

/**
 * Ids of the matching keys that have used at least `percent` of one of their own limits. A limit of 0 is always used up.
 */
export async function keysOver(
  db: Database,
  now: Date,
  percent: number,
  where: SQL | undefined,
): Promise<readonly string[]> {
  const over: string[] = []
  for (const some of inChunks(await nearly(db, now, percent, where))) {
    const subjects = some.map(id => ({ type: 'key', id, name: '', member: null }) as const)
    for (const limit of await db.facts.limitsAt(subjects, momentOf(now))) {
      const { used, amount } = judgeLimit(limit)
      if (used * 100 >= amount * percent) over.push(limit.subject.id)
    }
  }
  return [...new Set(over)]
}

/**
 * Finds candidates in one pass, so that a hundred thousand idle keys do not need a query each. Counts generously: all
 * models, every day that may be in the window whole, and every reservation as open.
 */
async function nearly(
  db: Database,
  now: Date,
  percent: number,
  where: SQL | undefined,
): Promise<readonly string[]> {
  // A calendar day may have 25 hours.
  const longest = sql`CASE ${limits.period} WHEN 'rolling' THEN ${limits.windowMs}
    WHEN 'day' THEN ${25 * hourMs} WHEN 'week' THEN ${8 * dayMs} WHEN 'month' THEN ${32 * dayMs} ELSE ${everMs.until} END`
  const of = sql`${series.keyId} = ${limits.keyId} AND ${counting}`
  const booked = sql`(SELECT ${totalOf(
    sql`CASE ${limits.metric} WHEN 'tokens' THEN ${tokensIn(days)} WHEN 'requests' THEN ${days.requests} WHEN 'usd' THEN ${days.costMicros} END`,
  )} FROM ${series} CROSS JOIN ${days}
    WHERE ${days.series} = ${series.id} AND ${of} AND ${days.start} >= (${now.getTime()} - ${longest}) / ${dayMs} - 1)`
  const reserved = sql`(SELECT ${totalOf(
    sql`CASE ${limits.metric} WHEN 'tokens' THEN ${reservations.tokens} WHEN 'requests' THEN ${reservations.requests} WHEN 'usd' THEN ${reservations.costMicros} ELSE 1 END`,
  )} FROM ${series} CROSS JOIN ${reservations} WHERE ${reservations.series} = ${series.id} AND ${of})`
  const rows = await db
    .selectDistinct({ id: keys.id })
    .from(limits)
    .innerJoin(keys, eq(limits.keyId, keys.id))
    .where(and(where, sql`(${booked} + ${reserved}) * 100 >= ${limits.amount} * ${percent}`))
  return rows.map(row => row.id)
}
