/** Inputs of the operations on limits, and fields about limits in other inputs. */
import * as v from 'valibot'
import { metrics, windowRangeMs } from '../../contract/views/words.ts'
import type { Limit, Metric } from '../../contract/views.ts'
import type { KeySelector } from '../input.ts'
import { type Input, listOf, type Rule } from '../rules/input.ts'

/** Whose limits. A key may be selected by its secret. */
export type Limited = { readonly key: KeySelector } | { readonly user: string } | { readonly project: string }

const [shortestMs, longestMs] = windowRangeMs

const metricNames = metrics.join(', ')

const metric: Rule<Metric> = v.picklist(metrics, `must be one of ${metricNames}`)

export const limit: Rule<Limit> = v.pipe(
  v.object({
    metric: v.picklist(metrics, `metric must be one of ${metricNames}`),
    amount: v.pipe(
      v.number('amount must be a number'),
      v.minValue(0, 'amount must not be negative'),
      v.maxValue(9_000_000_000_000, 'amount is too large'),
    ),
    windowMs: v.pipe(
      v.number('window must be a number of milliseconds'),
      v.integer('window must be a whole number of milliseconds'),
      v.minValue(shortestMs, 'window must be at least one minute'),
      v.maxValue(longestMs, 'window must be at most 366 days'),
    ),
  }),
  v.check(l => l.metric === 'usd' || Number.isInteger(l.amount), 'amount must be a whole number'),
  v.check(l => l.metric !== 'usd' || l.amount <= 9_000_000_000, 'amount is too large'),
)

export const limits: Rule<readonly Limit[]> = v.pipe(
  v.array(limit),
  v.check(
    list => new Set(list.map(l => `${l.metric}/${l.windowMs}`)).size === list.length,
    'must not name the same metric and window twice',
  ),
)

const windowMs: Rule<number> = v.pipe(v.number(), v.integer())

const limitName = v.object({
  /** What is counted. */
  metric,
  /** Length of the window in milliseconds; default every window of the metric. */
  windowMs: v.optional(windowMs),
})

/** A limit by its metric, or by its metric and window. */
export type LimitName = Input<typeof limitName>

/** The name of a metric alone means all its windows. */
export const limitNames: Rule<readonly (LimitName | Metric)[], readonly LimitName[]> = listOf(
  v.union(
    [
      v.pipe(
        metric,
        v.transform(name => ({ metric: name, windowMs: undefined })),
      ),
      limitName,
    ],
    `must be one of ${metricNames}, alone or with a window`,
  ),
)

/** How much a request needs of each metric: whole tokens and requests, dollars. */
export type Wanted = { readonly [M in Metric]?: number | undefined }

export const resetOptions = v.object({
  /** Only limits of this metric; default all. */
  metric: v.optional(metric),
})
export type ResetOptions = Input<typeof resetOptions>

/** Limits in a change of their subject. Those that are not named stay. */
export interface LimitChanges {
  readonly limits?: readonly Limit[] | undefined
  readonly removeLimits?: readonly LimitName[] | undefined
}
