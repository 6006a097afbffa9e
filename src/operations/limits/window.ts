/**
 * Rolling windows. `used(t)` is the sum of all buckets that lie at least partly inside (t − window, t], so it never
 * counts too little, counts too much by less than one bucket, and does not jump at any boundary. Verdicts, stats,
 * reservations and filters all ask here: they cannot disagree.
 *
 * A reset begins the window anew: buckets that ended by then no longer count, and of those that were under way only
 * what came after it. A reservation counts whole until it is settled, released or out of time.
 */

import type { LimitForecast, LimitState, LimitSubject } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { type HotPath, hotPathOf, type Piece, type StoredLimit } from '../../db/sqlite/hot.ts'
import type { ListedKey } from '../../db/sqlite/key-rows.ts'
import { clockToleranceMs } from '../rules/input.ts'
import type { Wanted } from './input.ts'
import { toStored } from './rows.ts'
import { sortLimits, toShown } from './view.ts'

/** A key with whom it belongs to: all whose limits bind it. */
export type BoundKey = Pick<ListedKey, 'id' | 'name' | 'ownerId' | 'username' | 'projectId' | 'slug'>

/** A limit and whom it binds. */
export interface BoundLimit {
  readonly subject: LimitSubject
  readonly limit: StoredLimit
}

/** Every limit that a request of this key has to pass: its own, then its user's, then its project's. */
export function limitsBinding(hot: HotPath, key: BoundKey): readonly BoundLimit[] {
  const bound: BoundLimit[] = []
  add(bound, hot, 'key', key.id, key.name)
  if (key.ownerId !== null) add(bound, hot, 'user', key.ownerId, key.username ?? '')
  if (key.projectId !== null) add(bound, hot, 'project', key.projectId, key.slug ?? '')
  return bound
}

function add(bound: BoundLimit[], hot: HotPath, type: LimitSubject['type'], id: string, name: string): void {
  const rows = hot.limitsOf(type, id)
  if (rows.length === 0) return
  const subject = { type, id, name }
  for (const limit of rows.length === 1 ? rows : sortLimits(rows)) bound.push({ subject, limit })
}

/** The limits as they stand at `at`, for a request that wants so much. */
export function judgeLimits(
  hot: HotPath,
  bound: readonly BoundLimit[],
  at: number,
  wanted: Wanted = {},
): readonly LimitState[] {
  return bound.map(each => judgeLimit(hot, each, at, wanted))
}

/** Some limits of one subject as they stand at `at`. */
export function limitStates(
  db: Database,
  rows: readonly StoredLimit[],
  subject: LimitSubject,
  at: Date,
): readonly LimitState[] {
  return judgeLimits(
    hotPathOf(db),
    rows.map(limit => ({ subject, limit })),
    at.getTime(),
  )
}

function judgeLimit(hot: HotPath, bound: BoundLimit, at: number, wanted: Wanted): LimitState {
  const { subject, limit } = bound
  const { metric, amount } = limit
  const now = usedAt(hot, bound, at)
  const used = now.booked - now.forgiven + now.reserved
  const remaining = Math.max(0, amount - used)
  // A request always takes something: with nothing left it is denied even when it does not say how much.
  const need = Math.max(1, toStored(metric, wanted[metric] ?? 0))
  const exceeded = remaining < need
  return {
    metric,
    amount: toShown(metric, amount),
    windowMs: limit.windowMs,
    subject,
    used: toShown(metric, used),
    reserved: toShown(metric, now.reserved),
    remaining: toShown(metric, remaining),
    exceeded,
    retryAt: exceeded && amount >= need ? firstBelow(hot, bound, at, now, amount - need) : null,
  }
}

/** What counts at a moment; usd in micro-dollars. */
interface UsedAt {
  /** Where counting begins: the start of the window, or the reset inside it. */
  readonly from: number
  /** Set while there is something to forgive. */
  readonly reset: number | null
  /** In buckets, those under way at the reset whole. */
  readonly booked: number
  /** Of the buckets under way at the reset: what is still booked, and what of it came before. */
  readonly underWay: number
  readonly forgiven: number
  readonly reserved: number
}

function usedAt(hot: HotPath, { subject, limit }: BoundLimit, at: number): UsedAt {
  const { metric, windowMs, resetAt, resetUsed } = limit
  const reset = resetAt !== null && resetAt <= at ? resetAt : null
  const from = reset === null ? at - windowMs : Math.max(at - windowMs, reset)
  const { used, reserved } = hot.used(subject.type, subject.id, metric, from, at, clockToleranceMs)
  // Without anything to forgive, nothing has to be looked up for it.
  const forgets = reset !== null && resetUsed > 0
  const underWay = forgets ? hot.holding(subject.type, subject.id, metric, reset, from) : 0
  return {
    from,
    reset: forgets ? reset : null,
    booked: used,
    underWay,
    forgiven: Math.min(resetUsed, underWay),
    reserved,
  }
}

/** The first moment at which no more than `most` is used, if nothing is added; null when there is none. */
function firstBelow(hot: HotPath, bound: BoundLimit, at: number, now: UsedAt, most: number): Date | null {
  for (const step of leaving(hot, bound, at, now)) if (step.used <= most) return new Date(step.at)
  return null
}

/** For a request that wants so much; and when something of the limit is free again, when half of what is used up, and when all of it. */
export function forecast(hot: HotPath, bound: BoundLimit, at: number, wanted: Wanted = {}): LimitForecast {
  const { metric, amount } = bound.limit
  const state = judgeLimit(hot, bound, at, wanted)
  const left = toStored(metric, state.remaining)
  const goals = [left + 1, left + Math.ceil((amount - left) / 2), amount].filter(
    goal => goal > left && goal <= amount,
  )
  const frees: { at: Date; remaining: number }[] = []
  if (goals.length > 0) {
    for (const step of leaving(hot, bound, at, usedAt(hot, bound, at))) {
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

interface Leaving {
  /** When it no longer counts. */
  readonly at: number
  readonly amount: number
  /** Whether it was under way at the reset. */
  readonly underWay: boolean
  readonly reserved: boolean
}

/** Each moment at which something stops counting, in order, with what is still used then. */
function* leaving(
  hot: HotPath,
  bound: BoundLimit,
  at: number,
  now: UsedAt,
): Generator<{ readonly at: number; readonly used: number }> {
  let { booked, underWay, reserved } = now
  let moment: number | undefined
  const step = (when: number) => ({
    at: when,
    used: booked - Math.min(bound.limit.resetUsed, underWay) + reserved,
  })
  for (const piece of inOrder(hot, bound, at, now)) {
    if (moment !== undefined && piece.at > moment) yield step(moment)
    moment = piece.at
    if (piece.reserved) reserved -= piece.amount
    else booked -= piece.amount
    if (piece.underWay) underWay -= piece.amount
  }
  if (moment !== undefined) yield step(moment)
}

/**
 * Buckets and reservations in the order in which they stop counting. Buckets are read in the order of their starts:
 * one that began later than another ended must also end later, so few ever wait.
 */
function* inOrder(hot: HotPath, { subject, limit }: BoundLimit, at: number, now: UsedAt): Generator<Leaving> {
  const { metric, windowMs } = limit
  const { type, id } = subject
  const { from, reset } = now
  const ofBucket = ({ start, end, amount }: Piece): Leaving => ({
    at: end + windowMs,
    amount,
    underWay: reset !== null && start <= reset && reset < end,
    reserved: false,
  })
  const held = hot.reservations(type, id, metric, at, clockToleranceMs)
  const waiting = [
    ...held.map(({ end, amount }) => ({ at: end, amount, underWay: false, reserved: true })),
    ...hot.bucketsHolding(type, id, metric, from, from).map(ofBucket),
  ].toSorted((a, b) => a.at - b.at)
  let first = 0
  for (const bucket of hot.bucketsFrom(type, id, metric, from, at)) {
    const earliest = bucket.start + windowMs
    for (let next = waiting[first]; next !== undefined && next.at <= earliest; next = waiting[++first]) {
      yield next
    }
    if (first > 1_000) {
      waiting.splice(0, first)
      first = 0
    }
    const last = ofBucket(bucket)
    let place = waiting.length
    while (place > first && (waiting[place - 1]?.at ?? 0) > last.at) place--
    waiting.splice(place, 0, last)
  }
  for (let next = waiting[first]; next !== undefined; next = waiting[++first]) yield next
}
