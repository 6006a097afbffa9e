/** Recording what a request used: the bucket of its minute and the running total of its key move together. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Recorded } from '../../contract/views.ts'
import type { Charged, Usage } from '../../db/facts.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../input.ts'
import * as rules from '../rules/input.ts'
import { toCostMicros, toDollars } from '../rules/money.ts'
import { find } from '../select.ts'
import { type UsageInput, usageInput } from './input.ts'
import { priced } from './prices.ts'
import { noRoom } from './room.ts'

/**
 * Charges a key, whatever its status: what was used is used. Counted, for verdicts of every process, when the promise
 * resolves; it survives a crash of the process, and a loss of power from the next checkpoint on. An id is the fastest
 * selector.
 *
 * @throws not_found, ambiguous; invalid, also for what would bring the totals of the key past 2^53
 */
export async function recordUsage(
  context: OperationContext,
  selector: KeySelector,
  input: UsageInput,
): Promise<Recorded> {
  const event = readUsage(input, context.now())
  const { store } = context
  if (typeof selector === 'string' && isWholeId(selector)) {
    const charged = await store.usage.charge(selector, event, priced)
    if (charged !== null) return recorded(selector, event, charged)
  }
  const { id } = await store.read(db => find(db, 'key', selector))
  return recorded(id, event, await store.usage.charge(id, event, priced))
}

/** @throws invalid */
export function readUsage(input: UsageInput, now: Date): Usage {
  const usage = isPlain(input) ? input : rules.parse(usageInput, input)
  const at = usage.at === undefined ? now.getTime() : usage.at.getTime()
  // A clock of another machine may be ahead. What it dates counts from now on: no window reaches beyond the present.
  if (at > now.getTime() + rules.clockToleranceMs) {
    throw new LatchkeyError(
      'invalid',
      `at ${new Date(at).toISOString()} is in the future`,
      'check the clock, or leave --at out to record it as of now',
    )
  }
  return {
    model: usage.model ?? '',
    at: Math.min(at, now.getTime()),
    requests: usage.requests ?? 1,
    inputTokens: usage.inputTokens ?? 0,
    outputTokens: usage.outputTokens ?? 0,
    costMicros: usage.costUsd === undefined ? undefined : toCostMicros(usage.costUsd),
  }
}

/** Usage as it was counted. @throws not_found when the key is gone; invalid when it had no room */
export function recorded(keyId: string, { model, at }: Usage, charged: Charged | null): Recorded {
  if (charged === null) gone(keyId)
  const { totals, counts } = charged
  const { requests, inputTokens, outputTokens, costMicros } = counts
  if (!charged.isCounted) throw noRoom('this usage', totals, counts)
  return {
    key: { id: keyId, name: totals.name },
    model: model === '' ? null : model,
    at: new Date(at),
    requests,
    inputTokens,
    outputTokens,
    costUsd: toDollars(costMicros),
  }
}

/** A key that was there a moment ago. */
export function gone(id: string): never {
  throw missingKey(id)
}

export const missingKey = (id: string): LatchkeyError =>
  new LatchkeyError('not_found', `no key matches "${id}"`, 'see them with: latchkey key list')

/** An id in full: no name begins like one. */
const isWholeId = (selector: string): boolean => selector.length === 30 && selector.startsWith('key_')

/** What passes the rules above at a glance, a model too short for a secret included; everything else is for them to judge. */
function isPlain({ model, requests, inputTokens, outputTokens, costUsd, at }: UsageInput): boolean {
  return (
    (model === undefined || (typeof model === 'string' && /^[\x21-\x7e]{1,38}$/.test(model))) &&
    isCount(requests) &&
    isCount(inputTokens) &&
    isCount(outputTokens) &&
    (costUsd === undefined || (typeof costUsd === 'number' && costUsd >= 0 && costUsd <= 1_000_000)) &&
    (at === undefined || (at instanceof Date && Math.abs(at.getTime()) <= 8.64e15))
  )
}

const isCount = (value: number | undefined): boolean =>
  value === undefined || (Number.isSafeInteger(value) && value >= 0)
