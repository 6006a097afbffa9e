/**
 * How much a key can be charged in its life: what a number of JSON holds exactly. The event that would go beyond is
 * refused by itself, because a total past it would stop whatever adds up.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { RunningTotals, UsageCounts } from '../../db/sqlite/hot.ts'

const most = Number.MAX_SAFE_INTEGER

/** What there would be too much of; null when there is room. */
export function overflowOf(totals: RunningTotals, counts: UsageCounts): string | null {
  const { requests, inputTokens, outputTokens, costMicros } = counts
  if (totals.requests + requests > most) return 'requests'
  if (totals.tokens + inputTokens + outputTokens > most) return 'tokens'
  return totals.costMicros + costMicros > most ? 'dollars' : null
}

/** The totals with some more. */
export const addTo = (totals: RunningTotals, counts: UsageCounts): RunningTotals => ({
  name: totals.name,
  requests: totals.requests + counts.requests,
  tokens: totals.tokens + counts.inputTokens + counts.outputTokens,
  costMicros: totals.costMicros + counts.costMicros,
})

/** The rest of a sentence about an event. */
export const tooMuch = (name: string, what: string): string =>
  `would bring ${name} to more ${what} than can be counted`

/** @param event how the event is called */
export const noRoom = (event: string, name: string, what: string): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `${event} ${tooMuch(name, what)}; it was not`,
    `look for a number that cannot be right; see what the key has used with: latchkey key stats ${name}`,
  )
