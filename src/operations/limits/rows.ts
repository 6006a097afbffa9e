/** Limits as they are stored: rows and units. `window.ts` evaluates them. */
import type { LimitedNoun } from '../../contract/nouns.ts'
import type { Limit, Metric } from '../../contract/views.ts'
import { subjectFields } from '../../db/rows.ts'
import type { limits } from '../../db/schema/limits.ts'
import { newId } from '../rules/ids.ts'
import { toMicros } from '../rules/money.ts'

export type LimitRow = typeof limits.$inferSelect

/** What has limits, and the one user whom they bind in it, if not all. */
export interface Subject {
  readonly type: LimitedNoun
  readonly id: string
  readonly member?: { readonly id: string; readonly username: string } | null
}

/** Rows of the limits table. */
export function limitRows(
  { type, id, member }: Subject,
  list: readonly Limit[],
  now: Date,
): (typeof limits.$inferInsert)[] {
  return list.map(({ metric, amount, period, windowMs, timeZone, models, each }) => ({
    id: newId('lim', now),
    [subjectFields[type]]: id,
    memberId: member?.id ?? null,
    metric,
    amount: toStored(metric, amount),
    period,
    windowMs: windowMs ?? 0,
    timeZone: timeZone ?? '',
    models: models ?? '',
    each: each ? 1 : 0,
  }))
}

/** Dollars to micro-dollars; tokens and requests unchanged. */
export const toStored = (metric: Metric, amount: number): number =>
  metric === 'usd' ? toMicros(amount) : amount
