/**
 * Reservations: what a request may use is held back before it is made, so that many requests at once cannot together
 * pass a limit, and is replaced by what it did use once that is known.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Recorded, Reserved, Verdict } from '../../contract/views.ts'
import { tally } from '../../db/sqlite/hot.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../input.ts'
import { noteDenial } from '../keys/denials.ts'
import { judge } from '../keys/verify.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { toMicros } from '../rules/money.ts'
import { hashSecret, isMalformed } from '../rules/secrets.ts'
import { find } from '../select.ts'
import type { UsageInput } from './input.ts'
import { type ReserveOptions, reserveOptions } from './input.ts'
import { charge, gone, readUsage } from './record.ts'

/**
 * Verifies and holds back in one transaction. From then on the reservation counts against the limits of the key, its
 * user and its project, until it is settled, released or out of time. A secret that does not work is a verdict, not an
 * error.
 *
 * @throws invalid; not_found, ambiguous when a key is selected by other than its secret
 */
export async function reserve(
  context: OperationContext,
  selector: KeySelector,
  options: ReserveOptions = {},
): Promise<Reserved> {
  const { tokens, requests, usd, model, scope, timeoutMs } = rules.parse(reserveOptions, options)
  const { store } = context
  const isSecret = typeof selector !== 'string'
  if (isSecret && isMalformed(selector.secret)) return { reservation: null, verdict: malformed }
  const hash = isSecret ? hashSecret(selector.secret) : ''
  const keyId = isSecret ? '' : (await store.read(db => find(db, 'key', selector))).id
  const reserved = await tally(store, 'NORMAL', (hot): Reserved => {
    // Taken with the lock held, so that no reservation that is seen lies in the future.
    const now = context.now()
    const found = isSecret ? hot.findSecret(hash) : (hot.findKey(keyId) ?? gone(keyId))
    const verdict = judge(hot, found, now, { model, scope, wanted: { tokens, requests, usd } })
    if (!verdict.valid || found === null) return { reservation: null, verdict }
    const createdAt = now.getTime()
    const row = {
      id: newId('res', now),
      keyId: found.id,
      createdAt,
      expiresAt: createdAt + timeoutMs,
      requests,
      tokens,
      costMicros: toMicros(usd),
    }
    hot.addReservation(row)
    return { reservation: { id: row.id, expiresAt: new Date(row.expiresAt) }, verdict }
  })
  noteDenial(store, reserved.verdict, context.now())
  return reserved
}

/**
 * Replaces a reservation by what was used, in one transaction. Works after its time is up too.
 *
 * @throws invalid; not_found when it was settled or released before, or ran out of time more than a day ago
 */
export async function settle(
  context: OperationContext,
  reservationId: string,
  usage: UsageInput,
): Promise<Recorded> {
  const event = readUsage(usage, context.now())
  return tally(context.store, 'NORMAL', hot => {
    const row = hot.takeReservation(reservationId) ?? missing(reservationId)
    return charge(hot, row.keyId, event) ?? gone(row.keyId)
  })
}

/** Gives back what was reserved: the request was not made. @throws as `settle` */
export async function release(context: OperationContext, reservationId: string): Promise<void> {
  await tally(context.store, 'NORMAL', hot => hot.takeReservation(reservationId) ?? missing(reservationId))
}

const malformed: Verdict = { valid: false, code: 'malformed', key: null, limits: [], retryAt: null }

function missing(id: string): never {
  throw new LatchkeyError(
    'not_found',
    `there is no reservation ${/^res_[0-9a-z]{26}$/.test(id) ? id : 'with that id'}`,
    'settle or release each reservation once, at most a day after its time is up',
  )
}
