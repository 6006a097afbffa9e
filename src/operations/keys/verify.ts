/** The verdict on a secret: may this request go ahead? The same rules for the command line and for a gateway. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Key, LimitState, Verdict, VerdictCode } from '../../contract/views.ts'
import { glance, type HotPath, type KeyOfSecret } from '../../db/sqlite/hot.ts'
import type { OperationContext } from '../context.ts'
import { judgeLimits, limitsBinding } from '../limits/window.ts'
import { matches } from '../rules/patterns.ts'
import { hashSecret, isMalformed } from '../rules/secrets.ts'
import { noteDenial } from './denials.ts'
import type { VerifyOptions } from './input.ts'
import { refusalOf } from './status.ts'
import { keyViewOf } from './view.ts'

/**
 * Never throws for a bad secret: the verdict says what is wrong with it. What is recorded counts at once, what waits in
 * a recorder only when it is flushed; `reserve` is for requests that must not pass a limit together.
 *
 * @throws invalid for options that can be no date and no amounts
 */
export async function verifySecret(
  context: OperationContext,
  secret: string,
  options: VerifyOptions = {},
): Promise<Verdict> {
  requireSound(options)
  if (isMalformed(secret)) return denied('malformed')
  const now = context.now()
  const verdict = glance(context.store, hot => judge(hot, hot.findSecret(hashSecret(secret)), now, options))
  if (!verdict.valid && options.at === undefined) noteDenial(context.store, verdict, now)
  return verdict
}

/**
 * What is no number or no date would compare with nothing, and let everything through.
 *
 * @throws invalid
 */
export function requireSound({ at, wanted = {} }: VerifyOptions): void {
  const amounts = [wanted.tokens, wanted.requests, wanted.usd]
  const isSound = (amount: number | undefined) =>
    amount === undefined || (Number.isFinite(amount) && amount >= 0)
  if (!Number.isNaN(at?.getTime() ?? 0) && amounts.every(isSound)) return
  throw new LatchkeyError(
    'invalid',
    'a verdict needs a valid date, and amounts that are numbers of at least 0',
    'leave out what is not known',
  )
}

/** The verdict on what was found, on the snapshot or in the transaction of the caller. */
export function judge(hot: HotPath, found: KeyOfSecret | null, now: Date, options: VerifyOptions): Verdict {
  const { at = now } = options
  if (found === null) return denied('not_found')
  const bound = limitsBinding(hot, found)
  const own = bound.filter(each => each.subject.type === 'key').map(each => each.limit)
  const key = keyViewOf(found.endsAt === null ? found : current(hot, found), own, at, now)
  const refusal = refusalOf(found, at, now)
  if (refusal !== null) return denied(refusal, key)
  // The key's own model replaces the one asked for, so that is the one that must be allowed.
  const model = key.model ?? options.model
  if (
    model !== undefined &&
    key.allowedModels &&
    !key.allowedModels.some(pattern => matches(pattern, model))
  ) {
    return denied('model_not_allowed', key)
  }
  const { scope } = options
  if (scope !== undefined && !key.scopes.some(pattern => matches(pattern, scope))) {
    return denied('insufficient_scope', key)
  }
  const states = judgeLimits(hot, bound, at.getTime(), options.wanted)
  if (states.some(state => state.exceeded)) return denied('limit_exceeded', key, states, latest(states))
  return { valid: true, code: 'valid', key, limits: states, retryAt: null }
}

/** A secret in its grace shows the start of the one that replaced it. */
const current = (hot: HotPath, found: KeyOfSecret): KeyOfSecret => ({
  ...found,
  start: hot.currentStart(found.id),
})

/** When every limit that was hit lets the request through; null when one of them never will. */
function latest(states: readonly LimitState[]): Date | null {
  const times = states.filter(state => state.exceeded).map(state => state.retryAt)
  if (times.includes(null)) return null
  return new Date(Math.max(...times.map(time => time?.getTime() ?? 0)))
}

function denied(
  code: Exclude<VerdictCode, 'valid'>,
  key: Key | null = null,
  states: readonly LimitState[] = [],
  retryAt: Date | null = null,
): Verdict {
  return { valid: false, code, key, limits: states, retryAt }
}
