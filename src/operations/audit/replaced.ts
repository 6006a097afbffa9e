/** What the audit row of a restore says of the logs that went with it: how long they were, and until when. */
import type { Head } from '../../db/chain.ts'
import { isRecord } from '../../formats/fields.ts'

interface Replaced {
  readonly seq: number
  /** In milliseconds. */
  readonly at: number
}

/**
 * The log that a restore replaced, and those that earlier restores had, whose rows went with it.
 *
 * @param at when the row was written
 * @param told its `after`
 */
export const replacedBy = (at: number, told: Readonly<Record<string, unknown>>): readonly Replaced[] => [
  ...(isRecord(told['replaced']) ? [{ seq: Number(told['replaced']['seq']), at }] : []),
  ...(Array.isArray(told['earlier']) ? told['earlier'] : []).flatMap((each: unknown) =>
    isRecord(each) ? [{ seq: Number(each['seq']), at: Date.parse(String(each['at'])) }] : [],
  ),
]

/**
 * Which of those the row of the next restore must carry on: not what a later one that was as long says too.
 *
 * @param head of the log that is replaced now
 */
export const carriedOn = (all: readonly Replaced[], head: Head | undefined) =>
  all
    .filter(
      one =>
        one.seq > (head?.seq ?? 0) &&
        !all.some(
          other => other.seq >= one.seq && other.at >= one.at && (other.seq > one.seq || other.at > one.at),
        ),
    )
    .map(({ seq, at }) => ({ seq, at: new Date(at).toISOString() }))
