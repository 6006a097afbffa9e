/** Inputs of the operations on limits, and fields about limits in other inputs. */
import * as v from 'valibot'
import { limitPeriods, metrics, windowRangeMs } from '../../contract/views/words.ts'
import type { Limit, Metric } from '../../contract/views.ts'
import type { KeySelector, TeamSelector } from '../input.ts'
import { among, type Input, listOf, modelName, type Rule, timeZone } from '../rules/input.ts'

/**
 * Whose limits. A key may be selected by its secret. With a `member`, those that bind one user in the project or organization,
 * whether the user is a member there or works with a key of it.
 */
export type Limited =
  | { readonly key: KeySelector }
  | { readonly user: string }
  | { readonly project: string; readonly member?: string | undefined }
  | { readonly org: string; readonly member?: string | undefined }
  | { readonly team: TeamSelector }

/** Where the limits of single members are meant, or of which user. */
export type MembersLimited =
  | { readonly project: string }
  | { readonly org: string }
  | { readonly user: string }

const [shortestMs, longestMs] = windowRangeMs

const metricNames = metrics.join(', ')

const metric: Rule<Metric> = among(metrics)

const newLimit = v.object({
  /** What is counted. */
  metric: v.picklist(metrics, `must be one of ${metricNames}`),
  /** The most within the window; dollars when the metric is usd. */
  amount: v.pipe(
    v.number('must be a number'),
    v.minValue(0, 'must not be negative'),
    v.maxValue(9_000_000_000_000, 'is too large'),
  ),
  /** What the window is; default rolling with `windowMs`, otherwise total. */
  period: v.optional(v.picklist(limitPeriods, `must be one of ${limitPeriods.join(', ')}`)),
  /** Length of a rolling window in milliseconds. */
  windowMs: v.nullish(
    v.pipe(
      v.number('must be a number of milliseconds'),
      v.integer('must be a whole number of milliseconds'),
      v.minValue(shortestMs, 'must be at least one minute'),
      v.maxValue(longestMs, 'must be at most 366 days'),
    ),
  ),
  /** Time zone in which a day, week or month begins; default UTC. */
  timeZone: v.nullish(timeZone),
  /** Pattern of the models that it binds; default all. */
  models: v.nullish(modelName),
  /** Whether it binds each end user for themselves; default false. */
  each: v.optional(v.boolean(), false),
})
export type NewLimit = Input<typeof newLimit>

export const limit: Rule<NewLimit, Limit> = v.pipe(
  newLimit,
  v.check(l => l.metric === 'usd' || Number.isInteger(l.amount), 'amount must be a whole number'),
  v.check(l => l.metric !== 'usd' || l.amount <= 9_000_000_000, 'amount is too large'),
  v.check(
    ({ period, windowMs }) =>
      period === undefined || (period === 'rolling') === ((windowMs ?? null) !== null),
    'window must be given for a rolling limit, and for no other',
  ),
  v.check(
    l => l.metric !== 'parallel' || ((l.windowMs ?? null) === null && (l.period ?? 'total') === 'total'),
    'parallel counts requests that are under way, so it has no window',
  ),
  v.transform(({ metric, amount, period, windowMs, timeZone, models, each }): Limit => {
    const when = period ?? ((windowMs ?? null) === null ? 'total' : 'rolling')
    const isCalendar = when !== 'rolling' && when !== 'total'
    return {
      metric,
      amount,
      period: when,
      windowMs: windowMs ?? null,
      timeZone: isCalendar ? (timeZone ?? 'UTC') : null,
      models: models ?? null,
      each,
    }
  }),
)

/** What tells two limits of a subject apart. */
export const nameOf = ({
  metric,
  period,
  windowMs,
  models,
  each,
}: Omit<Limit, 'amount' | 'timeZone'>): string => `${metric}/${period}/${windowMs}/${models}/${each}`

export const limits: Rule<readonly NewLimit[], readonly Limit[]> = v.pipe(
  v.array(limit),
  v.check(
    list => new Set(list.map(nameOf)).size === list.length,
    'must not name the same metric and window twice',
  ),
)

const limitName = v.object({
  /** What is counted. */
  metric,
  /** What the window is; default rolling with `windowMs`, otherwise every window of the metric. */
  period: v.optional(v.picklist(limitPeriods)),
  /** Length of a rolling window in milliseconds. */
  windowMs: v.nullish(v.pipe(v.number(), v.integer())),
  /** Pattern of the models, null for the limit on all of them; default every one. */
  models: v.nullish(v.string()),
  /** Whether those for each end user are meant; default both. */
  each: v.optional(v.boolean()),
})

/** A limit by its metric, or by its metric and window. */
export type LimitName = Input<typeof limitName>

/** The name of a metric alone means all its windows. */
export const limitNames: Rule<readonly (LimitName | Metric)[], readonly LimitName[]> = listOf(
  v.union(
    [
      v.pipe(
        metric,
        v.transform((name): LimitName => ({ metric: name })),
      ),
      limitName,
    ],
    `must be one of ${metricNames}, alone or with a window`,
  ),
)

/** How much a request needs of each metric: whole tokens and requests, dollars. */
export type Wanted = { readonly [M in Exclude<Metric, 'parallel'>]?: number | undefined }

export const resetOptions = v.object({
  /** Only limits of this metric; default all. */
  metric: v.optional(metric),
})
export type ResetOptions = Input<typeof resetOptions>

/** Whether a limit is one of those that are named. */
export const isNamed = (limit: Limit, name: LimitName): boolean =>
  limit.metric === name.metric &&
  (name.period === undefined || limit.period === name.period) &&
  ((name.windowMs ?? null) === null || limit.windowMs === name.windowMs) &&
  (name.models === undefined || limit.models === name.models) &&
  (name.each === undefined || limit.each === name.each)
