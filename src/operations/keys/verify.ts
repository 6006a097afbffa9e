/** Verdicts: may this secret be used now, for this? */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Key, LimitState, Verdict, VerdictCode } from '../../contract/views.ts'
import type { Facts } from '../../db/engine.ts'
import {
  type BoundLimit,
  isForEach,
  type KeyFacts,
  type Moment,
  type PriceRow,
  type Refuses,
} from '../../db/facts.ts'
import type { OperationContext } from '../context.ts'
import { inOrder, judgeLimit, momentOf, untilFree } from '../limits/window.ts'
import * as rules from '../rules/input.ts'
import { matches } from '../rules/patterns.ts'
import { hashSecret, isMalformed } from '../rules/secrets.ts'
import { priceList } from '../usage/pricing.ts'
import { noteDenial } from './denials.ts'
import type { VerifyOptions } from './input.ts'
import { refusalOf } from './status.ts'
import { keyViewOf } from './view.ts'

/**
 * Never throws for a bad secret: the verdict says what is wrong with it. Recorded usage counts at once; usage in a
 * recorder counts once it is flushed. If a limit must never be exceeded, use `reserve`.
 *
 * @throws invalid (a bad date or amount)
 */
export async function verifySecret(
  context: OperationContext,
  secret: string,
  asked: VerifyOptions = {},
): Promise<Verdict> {
  const options = sound(asked)
  if (isMalformed(secret)) return denied('malformed')
  const now = context.now()
  const { latest } = context.store
  const moment = momentOf(now, options.endUser, options.at)
  const answer = latest.keyAt({ hash: hashSecret(secret) }, moment, refusing(options, now))
  // To await what is there already takes a turn of the queue.
  const found = answer instanceof Promise ? await answer : answer
  const prices = context.unpriced === 'deny' ? await latest.prices() : undefined
  const verdict = judge(found, now, options, prices)
  if (verdict.valid) return verdict
  if (options.at === undefined) noteDenial(context.store, verdict, now)
  return withRetry(latest, found, verdict, moment, options)
}

/**
 * The options, with the end user as usage is recorded for them. An invalid date or number fails every comparison, so every
 * request would be allowed.
 *
 * @throws invalid
 */
export function sound(options: VerifyOptions): VerifyOptions {
  const { at, wanted = {} } = options
  const amounts = [wanted.tokens, wanted.requests, wanted.usd]
  const isSound = (amount: number | undefined) =>
    amount === undefined || (Number.isFinite(amount) && amount >= 0)
  const isTime = at === undefined || (at instanceof Date && !Number.isNaN(at.getTime()))
  if (isTime && amounts.every(isSound)) {
    return options.endUser === undefined ? options : { ...options, ...rules.parse(forWhom, options) }
  }
  throw new LatchkeyError(
    'invalid',
    'the date must be valid, and amounts must be numbers of at least 0',
    'leave out what you do not know',
  )
}

const forWhom = v.object({ endUser: rules.endUserId })

/**
 * The verdict on the stored facts about a secret; null if no key has it. `withRetry` adds the time to retry.
 *
 * @param prices in which a model must be that a dollar limit binds; undefined if it need not be
 */
export function judge(
  found: KeyFacts | null,
  now: Date,
  options: VerifyOptions,
  prices: readonly PriceRow[] | undefined,
): Verdict {
  const { at = now, endUser } = options
  if (found === null) return denied('not_found')
  const own = found.bound.filter(({ subject }) => subject.type === 'key').map(({ limit }) => limit)
  const key = keyViewOf(found, own, at, now)
  const refusal = refusalOf(found, at, now)
  if (refusal !== null) return denied(refusal, key)
  // The key's own model replaces the requested one, so it must be allowed.
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
  if (found.limits === null) throw new Error('a key that works came without what counts against its limits')
  const binding = inOrder(bindingOf(found.limits, model, endUser))
  const isMoney = binding.some(({ limit }) => limit.metric === 'usd')
  if (prices && model !== undefined && isMoney && !priceList(prices).has(model, at.getTime())) {
    return denied('model_unpriced', key)
  }
  if (!found.hasRoom && binding.some(isForEach)) return denied('too_many_end_users', key)
  const states = binding.map(each => judgeLimit(each, options.wanted, endUser))
  if (states.some(state => state.exceeded)) return denied('limit_exceeded', key, states)
  return { valid: true, code: 'valid', key, limits: states, retryAt: null }
}

/**
 * Without those for other models. A request that names no model is not bound by limits for some, and one that names no end
 * user is not bound by limits for each.
 */
const bindingOf = <L extends BoundLimit>(
  limits: readonly L[],
  model: string | undefined,
  endUser: string | undefined,
): readonly L[] =>
  limits.filter(
    ({ limit }) =>
      (limit.each === 0 || endUser !== undefined) &&
      (limit.models === '' || (model !== undefined && matches(limit.models, model))),
  )

/** For `judge` with the same time: a key that does not work costs the same however much it has used. */
export const refusing =
  ({ at }: VerifyOptions, now: Date): Refuses =>
  found =>
    refusalOf(found, at ?? now, now) !== null

/** Adds the time to retry, which is looked up only if a limit was hit. */
export async function withRetry(
  facts: Pick<Facts, 'frees'>,
  found: KeyFacts | null,
  verdict: Verdict,
  moment: Moment,
  { wanted, model, endUser }: Pick<VerifyOptions, 'wanted' | 'model' | 'endUser'>,
): Promise<Verdict> {
  if (!found?.limits || verdict.code !== 'limit_exceeded') return verdict
  const binding = bindingOf(found.limits, verdict.key?.model ?? model, endUser)
  const limits = await untilFree(facts, inOrder(binding), moment, wanted)
  return { ...verdict, limits, retryAt: latestOf(limits) }
}

/** When all limits allow the request; null if one of them never will. */
function latestOf(states: readonly LimitState[]): Date | null {
  const times = states.filter(state => state.exceeded).map(state => state.retryAt)
  if (times.includes(null)) return null
  return new Date(Math.max(...times.map(time => time?.getTime() ?? 0)))
}

export function denied(
  code: Exclude<VerdictCode, 'valid'>,
  key: Key | null = null,
  limits: readonly LimitState[] = [],
): Verdict {
  return { valid: false, code, key, limits, retryAt: null }
}
