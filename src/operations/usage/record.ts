/** Records usage: the bucket of the minute and the running total of the key change together. */
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
 * Records usage of a key, whatever its status. Once the promise resolves, it counts for verdicts in every process. It
 * survives a crash of the process at once, and a power loss after the next checkpoint. An id is the fastest selector.
 *
 * @throws not_found, ambiguous, invalid (also if the key's totals would exceed 2^53)
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
  // Another machine's clock may be ahead. Its times count as now, because windows end now.
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

/** The result of recording. @throws not_found (the key was deleted), invalid (the totals would overflow) */
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

/** Throws for a key that was deleted a moment ago. */
export function gone(id: string): never {
  throw missingKey(id)
}

export const missingKey = (id: string): LatchkeyError =>
  new LatchkeyError('not_found', `no key matches "${id}"`, 'see them with: latchkey key list')

/** Whether it is a whole id. No name begins like one. */
export const isWholeId = (selector: string): boolean => selector.length === 30 && selector.startsWith('key_')

/** A fast path for obviously valid usage. Everything else goes through the rules above. */
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
