/**
 * Reservations: the most a request may use is held before it runs, so that concurrent requests cannot exceed a limit
 * together. Afterwards it is replaced by the actual usage.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Recorded, Reserved, Verdict } from '../../contract/views.ts'
import type { KeyFacts, Moment, Refuses, ReservationRow } from '../../db/facts.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../input.ts'
import { noteDenial } from '../keys/denials.ts'
import { denied, judge, refusing, withRetry } from '../keys/verify.ts'
import { momentOf } from '../limits/window.ts'
import { isWholeId, newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { toMicros } from '../rules/money.ts'
import { hashSecret, isMalformed } from '../rules/secrets.ts'
import { find } from '../select.ts'
import { type ReserveOptions, reserveOptions, type UsageInput } from './input.ts'
import { priced } from './pricing.ts'
import { gone, readUsage, recorded } from './record.ts'

interface Decision {
  readonly hold: ReservationRow | null
  readonly found: KeyFacts | null
  readonly verdict: Verdict
}

/**
 * Verifies and reserves in one transaction. The reservation counts against all limits that apply until it is
 * settled, released or times out. A secret that does not work is a verdict, not an error.
 *
 * @throws invalid; not_found, ambiguous for a key that is not selected by its secret
 */
export async function reserve(
  context: OperationContext,
  selector: KeySelector,
  options: ReserveOptions = {},
): Promise<Reserved> {
  const { tokens, requests, usd, model, scope, endUser, timeoutMs } = rules.parse(reserveOptions, options)
  const { store } = context
  const isSecret = typeof selector !== 'string'
  if (isSecret && isMalformed(selector.secret)) return { reservation: null, verdict: denied('malformed') }
  const key = isSecret
    ? { hash: hashSecret(selector.secret) }
    : {
        id: isWholeId(selector, 'key') ? selector : (await store.read(db => find(db, 'key', selector))).id,
      }
  const wanted = { tokens, requests, usd }
  const prices = context.unpriced === 'deny' ? await store.latest.prices() : undefined
  let now = context.now()
  // Read the clock while holding the lock, so that no visible reservation is in the future.
  const moment = (): Moment => {
    now = context.now()
    return momentOf(now, endUser)
  }
  const decide = (found: KeyFacts | null): Decision => {
    if (found === null && 'id' in key) gone(key.id)
    const verdict = judge(found, now, { model, scope, endUser, wanted }, prices)
    if (!verdict.valid || found === null) return { hold: null, found, verdict }
    const createdAt = now.getTime()
    const hold = {
      id: newId('res', now),
      keyId: found.id,
      endUser: endUser ?? '',
      model: verdict.key?.model ?? model ?? '',
      createdAt,
      expiresAt: createdAt + timeoutMs,
      requests,
      tokens,
      costMicros: toMicros(usd),
    }
    return { hold, found, verdict }
  }
  const refuses: Refuses = found => refusing({}, now)(found)
  const { found, verdict, hold } = await store.usage.reserve(key, moment, refuses, decide)
  if (hold) return { reservation: { id: hold.id, expiresAt: new Date(hold.expiresAt) }, verdict }
  noteDenial(store, verdict, now)
  return {
    reservation: null,
    verdict: await withRetry(store.latest, found, verdict, momentOf(now, endUser), {
      wanted,
      model,
      endUser,
    }),
  }
}

/**
 * Replaces a reservation by the actual usage, in one transaction. Works after a time-out too.
 *
 * @throws invalid, not_found (already settled or released, or timed out more than a day ago)
 */
export async function settle(
  context: OperationContext,
  reservationId: string,
  usage: UsageInput,
): Promise<Recorded> {
  const event = readUsage(usage, context.now())
  const settled = await context.store.usage.settle(reservationId, event, priced)
  if (settled === null) missing(reservationId)
  return recorded(settled.keyId, event, settled.charged)
}

/** Releases a reservation because the request did not run. @throws as `settle` */
export async function release(context: OperationContext, reservationId: string): Promise<void> {
  if (!(await context.store.usage.release(reservationId))) missing(reservationId)
}

function missing(id: string): never {
  throw new LatchkeyError(
    'not_found',
    `there is no reservation ${isWholeId(id, 'res') ? id : 'with that id'}`,
    'settle or release each reservation once, at most a day after it times out',
  )
}
