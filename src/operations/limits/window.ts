/**
 * Rolling windows. `used(t)` is the sum of all buckets that are at least partly inside (t − window, t]. It is never too
 * low, too high by less than one bucket, and does not jump at boundaries. Verdicts, stats, reservations and filters all
 * use this module, so they always agree.
 *
 * After a reset, buckets that had ended no longer count, and of the current ones only what came after it counts. A
 * reservation counts whole until it is settled, released or times out.
 */

import type { LimitForecast, LimitState, LimitSubject } from '../../contract/views.ts'
import type { Facts } from '../../db/engine.ts'
import type { BoundLimit, Freeing, LimitFacts, Moment } from '../../db/facts.ts'
import { clockToleranceMs } from '../rules/input.ts'
import type { Wanted } from './input.ts'
import { toStored } from './rows.ts'
import { byMetric, toShown } from './view.ts'

type Freer = Pick<Facts, 'freeing'>

/** The time to ask facts for. */
export const momentOf = (at: Date): Moment => ({ at: at.getTime(), toleranceMs: clockToleranceMs })

/** Sorts limits: those of the key, its user and its project, each by metric and window. */
export const inOrder = <L extends BoundLimit>(limits: readonly L[]): readonly L[] =>
  limits.length < 2
    ? limits
    : (['key', 'user', 'project'] as const).flatMap(type =>
        limits.filter(({ subject }) => subject.type === type).toSorted((a, b) => byMetric(a.limit, b.limit)),
      )

/** The state of one subject's limits at `at`, sorted. */
export async function limitStates(
  facts: Facts,
  subject: LimitSubject,
  at: Date,
): Promise<readonly LimitState[]> {
  const moment = momentOf(at)
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
    const state = judgeLimit(limit, wanted)
    const most = limit.limit.amount - neededOf(limit, wanted)
    if (!state.exceeded || most < 0) states.push(state)
    else
      states.push({
        ...state,
        retryAt: firstBelow(await facts.freeing(limit, moment, most), most, moment.at),
      })
  }
  return states
}

/** The state of one limit for a request that needs `wanted`. `untilFree` adds the time to retry. */
export function judgeLimit(facts: LimitFacts, wanted: Wanted = {}): LimitState {
  const { subject, limit } = facts
  const { metric, amount } = limit
  const used = usedOf(facts)
  const remaining = Math.max(0, amount - used)
  return {
    metric,
    amount: toShown(metric, amount),
    windowMs: limit.windowMs,
    subject,
    used: toShown(metric, used),
    reserved: toShown(metric, facts.reserved),
    remaining: toShown(metric, remaining),
    exceeded: remaining < neededOf(facts, wanted),
    retryAt: null,
  }
}

/** A request always uses something, so with nothing left it is denied even without an amount. */
const neededOf = ({ limit: { metric } }: LimitFacts, wanted: Wanted): number =>
  Math.max(1, toStored(metric, wanted[metric] ?? 0))

/** What counts now, without what was used before a reset. */
const usedOf = ({ limit, booked, underWay, reserved }: LimitFacts): number =>
  booked - forgiven(limit, underWay) + reserved

const forgiven = ({ resetUsed }: LimitFacts['limit'], underWay: number): number =>
  Math.min(resetUsed, underWay)

/** When at most `most` is used, if nothing is added; null if never. */
function firstBelow(freeing: Freeing, most: number, now: number): Date | null {
  // A reservation may have been released since the limit was hit.
  if (usedOf(freeing.facts) <= most) return new Date(now)
  for (const step of leaving(freeing)) if (step.used <= most) return new Date(step.at)
  return null
}

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
  if (goals.length > 0) {
    for (const step of leaving(await facts.freeing(limit, moment, 0))) {
      const remaining = Math.max(0, amount - step.used)
      let reached = false
      while (goals[0] !== undefined && remaining >= goals[0]) {
        goals.shift()
        reached = true
      }
      if (reached) frees.push({ at: new Date(step.at), remaining: toShown(metric, remaining) })
      if (goals.length === 0) break
    }
  }
  return { ...state, frees }
}

/** The times at which something stops counting, in order, with what is still used then. */
function* leaving({ facts, pieces }: Freeing): Generator<{ readonly at: number; readonly used: number }> {
  let { booked, underWay, reserved } = facts
  let moment: number | undefined
  const step = (at: number) => ({ at, used: booked - forgiven(facts.limit, underWay) + reserved })
  for (const { at, amount, kind } of pieces) {
    if (moment !== undefined && at > moment) yield step(moment)
    moment = at
    if (kind === 'reserved') reserved -= amount
    else booked -= amount
    if (kind === 'under way') underWay -= amount
  }
  if (moment !== undefined) yield step(moment)
}
