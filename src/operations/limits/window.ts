/**
 * Rolling windows. `used(t)` is the sum of all buckets that lie at least partly inside (t − window, t], so it never
 * counts too little, counts too much by less than one bucket, and does not jump at any boundary. Verdicts, stats,
 * reservations and filters all ask here: they cannot disagree.
 *
 * A reset begins the window anew: buckets that ended by then no longer count, and of those that were under way only
 * what came after it. A reservation counts whole until it is settled, released or out of time.
 */

import type { LimitForecast, LimitState, LimitSubject } from '../../contract/views.ts'
import type { Facts } from '../../db/engine.ts'
import type { Freeing, LimitFacts, Moment } from '../../db/facts.ts'
import { clockToleranceMs } from '../rules/input.ts'
import type { Wanted } from './input.ts'
import { toStored } from './rows.ts'
import { byMetric, toShown } from './view.ts'

/** Who can be asked when a limit frees. */
type Freer = Pick<Facts, 'freeing'>

/** A moment as facts are asked for. */
export const momentOf = (at: Date): Moment => ({ at: at.getTime(), toleranceMs: clockToleranceMs })

/** Limits in their order: those of the key, of its user and of its project, each by metric and window. */
export const inOrder = (limits: readonly LimitFacts[]): readonly LimitFacts[] =>
  limits.length < 2
    ? limits
    : (['key', 'user', 'project'] as const).flatMap(type =>
        limits.filter(({ subject }) => subject.type === type).toSorted((a, b) => byMetric(a.limit, b.limit)),
      )

/** The limits of one subject as they stand at `at`, in their order. */
export async function limitStates(
  facts: Facts,
  subject: LimitSubject,
  at: Date,
): Promise<readonly LimitState[]> {
  const moment = momentOf(at)
  return untilFree(facts, inOrder(await facts.limitsAt([subject], moment)), moment)
}

/** The limits at a moment, for a request that wants so much; and when each that was hit lets it through. */
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

/** The limit for a request that wants so much; when it lets that through is said by `untilFree`. */
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

/** A request always takes something: with nothing left it is denied even when it does not say how much. */
const neededOf = ({ limit: { metric } }: LimitFacts, wanted: Wanted): number =>
  Math.max(1, toStored(metric, wanted[metric] ?? 0))

/** What counts: what came before the reset does not, as long as its buckets are still booked. */
const usedOf = ({ limit, booked, underWay, reserved }: LimitFacts): number =>
  booked - forgiven(limit, underWay) + reserved

const forgiven = ({ resetUsed }: LimitFacts['limit'], underWay: number): number =>
  Math.min(resetUsed, underWay)

/** The first moment at which no more than `most` is used, if nothing is added; null when there is none. */
function firstBelow(freeing: Freeing, most: number, now: number): Date | null {
  // Others may have given something back since the limit was hit.
  if (usedOf(freeing.facts) <= most) return new Date(now)
  for (const step of leaving(freeing)) if (step.used <= most) return new Date(step.at)
  return null
}

/** For a request that wants so much; and when something of the limit is free again, when half of what is used up, and when all of it. */
export async function forecast(
  facts: Freer,
  limit: LimitFacts,
  moment: Moment,
  wanted: Wanted = {},
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

/** Each moment at which something stops counting, in order, with what is still used then. */
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
