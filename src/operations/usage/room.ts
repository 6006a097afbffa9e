/** Errors for usage that would overflow a key's totals. It is refused alone; other usage is counted. */
import { LatchkeyError } from '../../contract/errors.ts'
import { overflowOf, type RunningTotals, type UsageCounts } from '../../db/facts.ts'

/** Continues a sentence about an event; null if it fits. */
export function tooMuch(totals: RunningTotals, counts: UsageCounts): string | null {
  const what = overflowOf(totals, counts)
  return what && `would bring ${totals.name} to more ${what} than can be counted`
}

/** @param event what to call the event in the message */
export const noRoom = (event: string, totals: RunningTotals, counts: UsageCounts): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `${event} ${tooMuch(totals, counts)}; it was not`,
    `look for a wrong number; see what the key has used with: latchkey key stats ${totals.name}`,
  )
