/** Usage of keys by day. Only reads. */
import { tokensOf } from '../../db/facts.ts'
import { oneOf } from '../../db/query.ts'
import { series } from '../../db/schema/usage.ts'
import { addDays, startOfDay } from '../../system/calendar.ts'
import type { OperationContext } from '../context.ts'
import { parse } from '../rules/input.ts'
import { sumsOf } from '../usage/buckets.ts'
import { type ActivityOptions, activityOptions } from './input.ts'

/** Tokens by day, oldest first, for each of these keys that used any. @throws invalid */
export async function keyActivity(
  context: OperationContext,
  ids: readonly string[],
  options: ActivityOptions = {},
): Promise<ReadonlyMap<string, readonly number[]>> {
  const { days, timeZone } = parse(activityOptions, options)
  const today = startOfDay(context.now(), timeZone)
  const edges = Array.from({ length: days + 1 }, (_, index) =>
    addDays(today, index + 1 - days, timeZone).getTime(),
  )
  const sums = await context.store.read(db => sumsOf(db, edges, { of: oneOf(series.keyId, ids) }, ['key']))
  const found = new Map<string, number[]>()
  for (const { key, period, ...counts } of sums) {
    if (key === null) continue
    const series = found.get(key) ?? Array<number>(days).fill(0)
    series[period] = tokensOf(counts)
    found.set(key, series)
  }
  return found
}
