/**
 * Windows. `used(t)` is the sum of all buckets that are at least partly inside the window that ends at t. It is never too
 * low, too high by less than one bucket, and does not jump at boundaries. Verdicts, stats, reservations and filters all
 * use this module, so they always agree.
 *
 * Clocks are set back, and those of gateways differ. So as of now, what is dated a little later counts too, and in a total
 * whatever is dated later. Of a moment in the past, what was used by then counts.
 *
 * After a reset, usage from before no longer counts. A reservation counts whole until it is settled, released or times out.
 */

import { limitedNouns } from '../../contract/nouns.ts'
import type { LimitForecast, LimitState, LimitSubject } from '../../contract/views.ts'
import type { Facts } from '../../db/engine.ts'
import type { BoundLimit, LimitFacts, Moment } from '../../db/facts.ts'
import { clockToleranceMs } from '../rules/input.ts'
import type { Wanted } from './input.ts'
import { toStored } from './rows.ts'
import { byMetric, limitView, toShown } from './view.ts'

type Freer = Pick<Facts, 'frees'>

/** The time to ask facts for, which may be another than now, and whom limits for each end user are asked for. */
export const momentOf = (now: Date, endUser = '', at = now): Moment => ({
  at: at.getTime(),
  toleranceMs: clockToleranceMs,
  isPast: at < now,
  endUser,
})

/** Sorts limits by the noun, those of one user in it after its own, then by team, and then by metric and window. */
export const inOrder = <L extends BoundLimit>(limits: readonly L[]): readonly L[] =>
  limits.length < 2 ? limits : limits.toSorted(bySubject)

const bySubject = (a: BoundLimit, b: BoundLimit): number =>
  limitedNouns.indexOf(a.subject.type) - limitedNouns.indexOf(b.subject.type) ||
  (a.limit.memberId === null ? 0 : 1) - (b.limit.memberId === null ? 0 : 1) ||
  (a.subject.id < b.subject.id ? -1 : a.subject.id > b.subject.id ? 1 : 0) ||
  byMetric(a.limit, b.limit)

/** The state of one subject's limits, sorted. */
export async function limitStates(
  facts: Facts,
  subject: LimitSubject,
  now: Date,
): Promise<readonly LimitState[]> {
  const moment = momentOf(now)
  return untilFree(facts, inOrder(await facts.limitsAt([subject], moment)), moment)
}

/** The state of limits for a request that needs `wanted`, and when each exceeded limit will allow it. */
export async function untilFree(
  facts: Freer,
  limits: readonly LimitFacts[],
  moment: Moment,
  wanted: Wanted = {},
): Promise<readonly LimitState[]> {
  const states: LimitState[] = []
  for (const limit of limits) {
    const state = judgeLimit(limit, wanted, moment.endUser)
    const most = limit.limit.amount - neededOf(limit, wanted)
    const freed = state.exceeded && most >= 0 ? await facts.frees(limit, moment, most) : null
    states.push(freed === null ? state : { ...state, retryAt: new Date(freed.at) })
  }
  return states
}

/**
 * The state of one limit for a request that needs `wanted`. `untilFree` adds the time to retry.
 *
 * @param endUser whom limits for each end user are asked for; without one, nothing is used of them
 */
export function judgeLimit(facts: LimitFacts, wanted: Wanted = {}, endUser = ''): LimitState {
  const { subject, limit } = facts
  const { metric, amount } = limit
  const used = facts.booked + facts.reserved
  const remaining = Math.max(0, amount - used)
  return {
    ...limitView(limit),
    subject,
    endUser: limit.each === 1 && endUser !== '' ? endUser : null,
    used: toShown(metric, used),
    reserved: toShown(metric, facts.reserved),
    remaining: toShown(metric, remaining),
    exceeded: remaining < neededOf(facts, wanted),
    retryAt: null,
  }
}

/** A request always uses something, so with nothing left it is denied even without an amount. */
const neededOf = ({ limit: { metric } }: LimitFacts, wanted: Wanted): number =>
  metric === 'parallel' ? 1 : Math.max(1, toStored(metric, wanted[metric] ?? 0))

/** When each limit allows a request that needs `wanted`, and when some, half and all of it is free again. Sorted. */
export async function forecasts(
  facts: Freer,
  limits: readonly LimitFacts[],
  moment: Moment,
  wanted: Wanted = {},
): Promise<readonly LimitForecast[]> {
  const all: LimitForecast[] = []
  for (const limit of inOrder(limits)) all.push(await forecast(facts, limit, moment, wanted))
  return all
}

async function forecast(
  facts: Freer,
  limit: LimitFacts,
  moment: Moment,
  wanted: Wanted,
): Promise<LimitForecast> {
  const { metric, amount } = limit.limit
  const [state = judgeLimit(limit, wanted)] = await untilFree(facts, [limit], moment, wanted)
  const left = toStored(metric, state.remaining)
  const goals = [left + 1, left + Math.ceil((amount - left) / 2), amount].filter(
    goal => goal > left && goal <= amount,
  )
  const frees: { at: Date; remaining: number }[] = []
  for (const goal of goals) {
    const freed = await facts.frees(limit, moment, amount - goal)
    if (freed === null) break
    const remaining = toShown(metric, Math.max(0, amount - freed.used))
    // What leaves at once may reach several of them.
    if (frees.at(-1)?.at.getTime() !== freed.at) frees.push({ at: new Date(freed.at), remaining })
  }
  return { ...state, frees }
}
