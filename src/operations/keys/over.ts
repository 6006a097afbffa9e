/** Finds keys whose limits are nearly used up, with the same sums as verdicts. */

import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, type SQL, sql, totalOf } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { limits, reservations } from '../../db/schema/limits.ts'
import { usage } from '../../db/schema/usage.ts'
import { judgeLimit, momentOf } from '../limits/window.ts'
import { tokensIn } from '../usage/sum.ts'

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
    const subjects = some.map(id => ({ type: 'key', id, name: '' }) as const)
    for (const limit of await db.facts.limitsAt(subjects, momentOf(now))) {
      const { used, amount } = judgeLimit(limit)
      if (used * 100 >= amount * percent) over.push(limit.subject.id)
    }
  }
  return [...new Set(over)]
}

/**
 * Finds candidates in one pass, so that a hundred thousand idle keys do not need a query each. Counts generously: every
 * bucket that may be in the window counts whole, and every reservation as open.
 */
async function nearly(
  db: Database,
  now: Date,
  percent: number,
  where: SQL | undefined,
): Promise<readonly string[]> {
  const amount = (columns: { tokens: SQL; requests: unknown; costMicros: unknown }): SQL =>
    sql`CASE ${limits.metric} WHEN 'tokens' THEN ${columns.tokens} WHEN 'requests' THEN ${columns.requests} ELSE ${columns.costMicros} END`
  const booked = sql`(SELECT ${totalOf(
    amount({
      tokens: tokensIn(usage),
      requests: usage.requests,
      costMicros: usage.costMicros,
    }),
  )} FROM ${usage} WHERE ${and(
    eq(usage.keyId, limits.keyId),
    sql`${usage.start} > ${now.getTime()} - ${limits.windowMs} - 86400000`,
  )})`
  const reserved = sql`(SELECT ${totalOf(
    amount({
      tokens: sql`${reservations.tokens}`,
      requests: reservations.requests,
      costMicros: reservations.costMicros,
    }),
  )} FROM ${reservations} WHERE ${eq(reservations.keyId, limits.keyId)})`
  const rows = await db
    .selectDistinct({ id: keys.id })
    .from(limits)
    .innerJoin(keys, eq(limits.keyId, keys.id))
    .where(and(where, sql`(${booked} + ${reserved}) * 100 >= ${limits.amount} * ${percent}`))
  return rows.map(row => row.id)
}
