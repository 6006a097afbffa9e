/** Statistics of a key, for `key stats`. */
import type { Stats } from '../../contract/views.ts'
import { noCounts } from '../../db/facts.ts'
import { eq } from '../../db/query.ts'
import { series } from '../../db/schema/usage.ts'
import { addDays, startOfDay } from '../../system/calendar.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../input.ts'
import { forecasts, momentOf } from '../limits/window.ts'
import { parse } from '../rules/input.ts'
import { find } from '../select.ts'
import { sumsOf } from '../usage/buckets.ts'
import { shownCounts } from '../usage/sum.ts'
import { denialsOf } from './denial-counts.ts'
import { type StatsOptions, statsOptions } from './input.ts'
import { keyView } from './view.ts'

/**
 * Returns all-time totals, each limit that applies to the key and when it frees, usage by day, and denials in these days.
 *
 * @throws not_found, ambiguous, invalid
 */
export function keyStats(
  context: OperationContext,
  selector: KeySelector,
  options: StatsOptions = {},
): Promise<Stats> {
  const now = context.now()
  const { days, timeZone, at = now } = parse(statsOptions, options)
  return context.store.read(async db => {
    const row = await find(db, 'key', selector)
    const first = addDays(startOfDay(at, timeZone), 1 - days, timeZone)
    const starts = Array.from({ length: days }, (_, index) => addDays(first, index, timeZone))
    const edges = [...starts.map(start => start.getTime()), at.getTime() + 1]
    const used = await sumsOf(db, edges, { of: eq(series.keyId, row.id) }, [])
    const byDay = new Map(used.map(sums => [sums.period, sums]))
    const points = starts.map((start, day) => ({ start, ...shownCounts(byDay.get(day) ?? noCounts) }))
    const key = await keyView(db, now, row.id, at)
    const moment = momentOf(now, '', at)
    const found = await db.facts.keyAt({ id: row.id }, moment)
    const limits = await forecasts(db.facts, found?.limits ?? [], moment)
    return {
      key,
      totals: shownCounts((await db.facts.lifeOf(row.id))?.counts ?? noCounts),
      limits,
      series: points,
      denials: await denialsOf(db, key.id, first, at),
    }
  })
}
