/** Usage of keys by day. Only reads. */
import { and, asNumber, gte, oneOf, sql, totalOf } from '../../db/query.ts'
import { usage } from '../../db/schema/usage.ts'
import { addDays, startOfDay } from '../../system/calendar.ts'
import type { OperationContext } from '../context.ts'
import { tokensIn } from '../usage/sum.ts'
import type { ActivityOptions } from './input.ts'

/** Tokens by day, oldest first, for each of these keys that used any. @throws invalid (unknown time zone) */
export async function keyActivity(
  context: OperationContext,
  ids: readonly string[],
  { days = 14, timeZone = 'UTC' }: ActivityOptions = {},
): Promise<ReadonlyMap<string, readonly number[]>> {
  const today = startOfDay(context.now(), timeZone)
  const starts = Array.from({ length: days }, (_, index) => addDays(today, index + 1 - days, timeZone))
  const [first = today] = starts
  // The index of a bucket's day: the number of later days that have begun by then.
  const day = sql<number>`0 ${sql.join(
    starts.slice(1).map(start => sql`+ ${asNumber(gte(usage.start, start.getTime()))}`),
    sql` `,
  )}`
  const found = new Map<string, number[]>()
  await context.store.read(async db => {
    const rows = await db
      .select({
        keyId: usage.keyId,
        day: day.as('day'),
        tokens: totalOf(tokensIn(usage)),
      })
      .from(usage)
      .where(and(gte(usage.start, first.getTime()), oneOf(usage.keyId, ids)))
      .groupBy(usage.keyId, sql`day`)
    for (const row of rows) {
      const series = found.get(row.keyId) ?? Array<number>(days).fill(0)
      series[row.day] = row.tokens
      found.set(row.keyId, series)
    }
  })
  return found
}
