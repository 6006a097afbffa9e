/** Records usage: the minute, the hour and the day change together. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Recorded } from '../../contract/views.ts'
import { type Charged, toldNames, type Usage } from '../../db/facts.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../input.ts'
import { isWholeId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { quotedSelector } from '../rules/quotes.ts'
import { find } from '../select.ts'
import { countsOf, partProblem } from './counts.ts'
import { type UsageInput, usageInput } from './input.ts'
import { priced } from './pricing.ts'
import { withReturnedUsage } from './returned.ts'
import { noRoom } from './room.ts'
import { shownCounts } from './sum.ts'

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
  if (typeof selector === 'string' && isWholeId(selector, 'key')) {
    const charged = await store.usage.charge(selector, event, priced)
    if (charged !== null) return recorded(selector, event, charged)
  }
  const { id } = await store.read(db => find(db, 'key', selector))
  return recorded(id, event, await store.usage.charge(id, event, priced))
}

/** @throws invalid */
export function readUsage(input: UsageInput, now: Date): Usage {
  const usage = isPlain(input) ? input : rules.parse(usageInput, counted(input))
  const at = usage.at === undefined ? now.getTime() : usage.at.getTime()
  // Another machine's clock may be ahead. Its times count as now, because windows end now.
  if (at > now.getTime() + rules.clockToleranceMs) {
    throw new LatchkeyError(
      'invalid',
      `at ${new Date(at).toISOString()} is in the future`,
      'check the clock, or leave --at out to record it as of now',
    )
  }
  const { model, endUser, costUsd } = usage
  const counts = countsOf(usage, costUsd)
  const problem = partProblem(counts)
  if (problem !== undefined) throw new LatchkeyError('invalid', problem, 'count every token in the whole too')
  return {
    model: model ?? '',
    at: Math.min(at, now.getTime()),
    endUser: endUser ?? '',
    counts,
    isPriced: (costUsd ?? null) !== null,
  }
}

/** With the counts of `usage`. @throws invalid */
function counted(input: UsageInput): object {
  const fields = withReturnedUsage({ ...input })
  if (typeof fields !== 'string') return fields
  throw new LatchkeyError(
    'invalid',
    `the event ${fields}`,
    'give usage as the provider returned it, or the counts of tokens',
  )
}

/** The result of recording. @throws not_found (the key was deleted), invalid (the totals would overflow) */
export function recorded(keyId: string, { model, at }: Usage, charged: Charged | null): Recorded {
  if (charged === null) gone(keyId)
  const { name, counts, endUser, overflow } = charged
  if (overflow !== null) throw noRoom('this usage', { name, overflow })
  return {
    key: { id: keyId, name },
    model: model === '' ? null : model,
    endUser: endUser === '' ? null : endUser,
    at: new Date(at),
    ...shownCounts(counts),
  }
}

/** Throws for a key that was deleted a moment ago. */
export function gone(id: string): never {
  throw missingKey(id)
}

export const missingKey = (id: string): LatchkeyError =>
  new LatchkeyError(
    'not_found',
    `no key matches ${quotedSelector(id, 'key')}`,
    'see them with: latchkey key list',
  )

/** A fast path for obviously valid usage. Everything else goes through the rules above. */
function isPlain(usage: UsageInput): boolean {
  for (const name in usage) if (!isPlainField(name, usage[name as keyof UsageInput])) return false
  return true
}

const countNames: ReadonlySet<string> = new Set(toldNames)

function isPlainField(name: string, value: unknown): boolean {
  if (value === undefined) return true
  switch (name) {
    case 'model':
    case 'endUser':
      return typeof value === 'string' && /^[\x21-\x7e]{1,38}$/.test(value)
    case 'costUsd':
      return typeof value === 'number' && value >= 0 && value <= 1_000_000
    case 'at':
      return value instanceof Date && value.getTime() >= rules.earliestUse
    default:
      return countNames.has(name) && Number.isSafeInteger(value) && (value as number) >= 0
  }
}
