/** What is said of an event that a key has no room for: it is refused by itself, and everything else is counted. */
import { LatchkeyError } from '../../contract/errors.ts'
import { overflowOf, type RunningTotals, type UsageCounts } from '../../db/facts.ts'

/** The rest of a sentence about an event; null when there is room for it. */
export function tooMuch(totals: RunningTotals, counts: UsageCounts): string | null {
  const what = overflowOf(totals, counts)
  return what && `would bring ${totals.name} to more ${what} than can be counted`
}

/** @param event how the event is called, that there is no room for */
export const noRoom = (event: string, totals: RunningTotals, counts: UsageCounts): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `${event} ${tooMuch(totals, counts)}; it was not`,
    `look for a number that cannot be right; see what the key has used with: latchkey key stats ${totals.name}`,
  )
