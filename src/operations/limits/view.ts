/** Views of limits: order and units. */
import { limitPeriods, metrics } from '../../contract/views/words.ts'
import type { Limit, Metric } from '../../contract/views.ts'
import { durationText } from '../../text/duration.ts'
import { toDollars } from '../rules/money.ts'
import type { LimitRow } from './rows.ts'

type Stored = Pick<LimitRow, 'metric' | 'amount' | 'period' | 'windowMs' | 'timeZone' | 'models' | 'each'>

/** The view of a row, in dollars instead of micro-dollars. */
export const limitView = (row: Stored): Limit => ({
  metric: row.metric,
  amount: toShown(row.metric, row.amount),
  period: row.period,
  windowMs: row.period === 'rolling' ? row.windowMs : null,
  timeZone: row.timeZone === '' ? null : row.timeZone,
  models: row.models === '' ? null : row.models,
  each: row.each === 1,
})

type Named = Pick<Stored, 'metric' | 'period' | 'windowMs' | 'models' | 'each'>

/** Sorts by metric and period, in the contract's order, then by window and by models; those for each end user are last. */
export const byMetric = (a: Named, b: Named): number =>
  metrics.indexOf(a.metric) - metrics.indexOf(b.metric) ||
  limitPeriods.indexOf(a.period) - limitPeriods.indexOf(b.period) ||
  a.windowMs - b.windowMs ||
  a.each - b.each ||
  (a.models < b.models ? -1 : a.models > b.models ? 1 : 0)

export const sortLimits = <L extends Named>(list: readonly L[]): readonly L[] =>
  list.length < 2 ? list : list.toSorted(byMetric)

/** Micro-dollars to dollars; tokens and requests unchanged. The opposite is `toStored`. */
export const toShown = (metric: Metric, amount: number): number =>
  metric === 'usd' ? toDollars(amount) : amount

/** As text, such as `tokens=100000/5h@gpt-*` or `usd=100/month in Europe/Berlin`. */
export function limitText({ metric, amount, period, windowMs, timeZone, models, each }: Limit): string {
  const window =
    metric === 'parallel' ? '' : `/${period === 'rolling' ? durationText(windowMs ?? 0) : period}`
  return `${metric}=${amount}${window}${models === null ? '' : `@${models}`}${timeZone === null ? '' : ` in ${timeZone}`}${each ? ' for each end user' : ''}`
}
