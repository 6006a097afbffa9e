/**
 * Decides whether a request may go ahead, by the key in its headers. The HTTP server and the library both use it. Must never
 * return the secret, or trust any other header.
 */
import * as v from 'valibot'
import { denyingLimits } from '../../contract/denial.ts'
import { LatchkeyError } from '../../contract/errors.ts'
import { errorObject, failureOf } from '../../contract/failure.ts'
import { secretIn } from '../../contract/secret-in.ts'
import type { Verdict } from '../../contract/views.ts'
import { shellLine } from '../../text/shell-word.ts'
import type { OperationContext } from '../context.ts'
import { verifySecret } from '../keys/verify.ts'
import * as rules from '../rules/input.ts'
import { reserve, settle } from '../usage/reserve.ts'
import type { Admitted, Authorized, Carrier, GuardOptions, Refused } from './input.ts'
import { limitName, rateLimitHeaders } from './rate-limit.ts'

/** @throws invalid (with `count`, a model that cannot be recorded) */
export async function authorize(
  context: OperationContext,
  carrier: Carrier,
  options: GuardOptions = {},
): Promise<Authorized | Refused> {
  const verdict = await verdictOn(context, carrier, options)
  if (!isAdmitted(verdict)) return refusal(verdict, context.now(), options.scope)
  return { status: 204, headers: admission(verdict, context.now()), body: null, verdict }
}

/** The verdict if the request is allowed, otherwise the response to it. @throws as `authorize` */
export async function guard(
  context: OperationContext,
  carrier: Carrier,
  options: GuardOptions = {},
): Promise<Admitted | Response> {
  const verdict = await verdictOn(context, carrier, options)
  if (isAdmitted(verdict)) return verdict
  const { body, ...refused } = refusal(verdict, context.now(), options.scope)
  return new Response(body, refused)
}

/** Null for a request without a key. */
async function verdictOn(
  context: OperationContext,
  { headers }: Carrier,
  options: GuardOptions,
): Promise<Verdict | null> {
  const secret = secretIn(headers)
  if (secret === undefined) return null
  return options.count ? verifyAndCount(context, secret, options) : verifySecret(context, secret, options)
}

const isAdmitted = (verdict: Verdict | null): verdict is Admitted =>
  verdict?.valid === true && verdict.key !== null

const countable = v.object({ model: v.optional(rules.modelName) })

/** Reserves first, so that concurrent requests cannot exceed a limit together. */
async function verifyAndCount(
  context: OperationContext,
  secret: string,
  { scope, model, endUser }: GuardOptions,
): Promise<Verdict> {
  rules.parse(countable, { model })
  const { reservation, verdict } = await reserve(context, { secret }, { scope, model, endUser, requests: 1 })
  if (reservation === null) return verdict
  await settle(context, reservation.id, { model: verdict.key?.model ?? model, requests: 1 })
  const limits = verdict.limits.map(limit =>
    limit.metric === 'requests' ? { ...limit, used: limit.used + 1, remaining: limit.remaining - 1 } : limit,
  )
  return { ...verdict, limits }
}

/**
 * Ids only: names may contain characters that headers cannot. Without a user or project the field is empty, so that a proxy
 * that copies it overwrites what the client sent.
 */
function admission(verdict: Admitted, now: Date): Readonly<Record<string, string>> {
  const { key, limits } = verdict
  const ids = {
    'x-latchkey-key': key.id,
    'x-latchkey-user': key.user?.id ?? '',
    'x-latchkey-project': key.project?.id ?? '',
  }
  if (limits.length === 0) return ids
  const left = new Map<string, number>()
  for (const { metric, remaining } of limits) {
    const name = `x-latchkey-remaining-${metric}`
    left.set(name, Math.min(remaining, left.get(name) ?? remaining))
  }
  return {
    ...ids,
    ...Object.fromEntries(left.entries().map(([name, remaining]) => [name, String(remaining)])),
    ...rateLimitHeaders(verdict, now),
  }
}

/** The answer to a request that is not allowed; the verdict is null if it has no key. */
export function refusal(verdict: Verdict | null, now: Date, scope?: string): Refused {
  const { status, hint, challenge } = told(verdict, scope)
  const message =
    verdict === null
      ? 'this needs a key'
      : `the key in the request is not allowed to do this: ${verdict.code}`
  return {
    status,
    headers: {
      'content-type': 'application/json',
      ...(challenge === undefined ? {} : { 'www-authenticate': `Bearer realm="latchkey"${challenge}` }),
      ...(verdict && rateLimitHeaders(verdict, now)),
    },
    body: `${errorObject(failureOf(new LatchkeyError('denied', message, hint)))}\n`,
    verdict,
  }
}

/** Status, hint and challenge (RFC 6750, 3). */
function told(verdict: Verdict | null, scope: string | undefined): Told {
  if (verdict === null) {
    const which = scope === undefined ? '' : ` that has the scope ${scope}`
    return {
      status: 401,
      hint: `send Authorization: Bearer and the secret of a key${which}`,
      challenge: '',
    }
  }
  switch (verdict.code) {
    case 'limit_exceeded':
      return {
        status: 429,
        hint:
          verdict.retryAt === null
            ? `ask for less, or raise ${denying(verdict)}`
            : `wait as long as Retry-After says, for ${denying(verdict)}`,
      }
    case 'insufficient_scope': {
      const named = isScopeToken.test(scope ?? '') ? `, scope="${scope}"` : ''
      return {
        status: 403,
        hint: `give it all the scopes it needs: ${shellLine(['key', 'update', verdict.key?.id ?? 'KEY', '--scope', scope ?? 'SCOPE'])}`,
        challenge: `, error="insufficient_scope"${named}`,
      }
    }
    case 'too_many_end_users':
      return { status: 403, hint: 'name an end user that the key has served, or raise max_end_users' }
    case 'model_not_allowed':
      return { status: 403, hint: 'ask for another model, or give a key that may use this one' }
    case 'model_unpriced':
      return {
        status: 403,
        hint: 'give the model a price: latchkey usage price set MODEL --input 2.50 --output 10, or latchkey usage price import',
      }
    default:
      return {
        status: 401,
        hint: 'send the current secret of a key that works',
        challenge: ', error="invalid_token"',
      }
  }
}

/** The limit that denies a request; the last to free, if several do. */
function denying({ limits }: Verdict): string {
  const [last] = denyingLimits(limits)
  return last === undefined ? 'the limits of the key' : limitName(last)
}

interface Told {
  readonly status: Refused['status']
  readonly hint: string
  /** What follows the realm. Absent if another key would not help. */
  readonly challenge?: string
}

/** A scope may come from a client, so anything else is left out of the header. RFC 6749, 3.3. */
const isScopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/
