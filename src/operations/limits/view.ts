/** Limits as they are shown: their order and their units. */
import type { Limit, Metric } from '../../contract/views.ts'
import { toDollars } from '../rules/money.ts'
import type { LimitRow } from './rows.ts'

/** A row as it is shown: dollars in place of micro-dollars. */
export function limitView(row: Pick<LimitRow, 'metric' | 'amount' | 'windowMs'>): Limit {
  return { metric: row.metric, amount: toShown(row.metric, row.amount), windowMs: row.windowMs }
}

const order: Readonly<Record<Metric, number>> = { tokens: 0, requests: 1, usd: 2 }

type Named = Pick<LimitRow, 'metric' | 'windowMs'>

/** In a stable order: by metric as the contract lists them, then by window. */
export const byMetric = (a: Named, b: Named): number =>
  order[a.metric] - order[b.metric] || a.windowMs - b.windowMs

/** In that order. */
export const sortLimits = <L extends Named>(list: readonly L[]): L[] => list.toSorted(byMetric)

/** Micro-dollars to dollars; tokens and requests as they are. The other way is `toStored`. */
export const toShown = (metric: Metric, amount: number): number =>
  metric === 'usd' ? toDollars(amount) : amount

/** As it is typed: `tokens=100000/5h`. */
export const limitText = ({ metric, amount, windowMs }: Limit): string =>
  `${metric}=${amount}/${limitWindow(windowMs)}`

/** As it is typed: `5h`. */
export function limitWindow(windowMs: number): string {
  const [size, unit] = units.find(([size]) => windowMs % size === 0) ?? [1, 'ms']
  return `${windowMs / size}${unit}`
}

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const
