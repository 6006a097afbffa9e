/** Views of limits: order and units. */
import type { Limit, Metric } from '../../contract/views.ts'
import { toDollars } from '../rules/money.ts'
import type { LimitRow } from './rows.ts'

/** The view of a row, in dollars instead of micro-dollars. */
export function limitView(row: Pick<LimitRow, 'metric' | 'amount' | 'windowMs'>): Limit {
  return { metric: row.metric, amount: toShown(row.metric, row.amount), windowMs: row.windowMs }
}

const order: Readonly<Record<Metric, number>> = { tokens: 0, requests: 1, usd: 2 }

type Named = Pick<LimitRow, 'metric' | 'windowMs'>

/** Sorts by metric, in the contract's order, then by window. */
export const byMetric = (a: Named, b: Named): number =>
  order[a.metric] - order[b.metric] || a.windowMs - b.windowMs

export const sortLimits = <L extends Named>(list: readonly L[]): L[] => list.toSorted(byMetric)

/** Micro-dollars to dollars; tokens and requests unchanged. The opposite is `toStored`. */
export const toShown = (metric: Metric, amount: number): number =>
  metric === 'usd' ? toDollars(amount) : amount

/** As text, such as `tokens=100000/5h`. */
export function limitText({ metric, amount, windowMs }: Limit): string {
  const [size, unit] = units.find(([size]) => windowMs % size === 0) ?? [1, 'ms']
  return `${metric}=${amount}/${windowMs / size}${unit}`
}

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const
