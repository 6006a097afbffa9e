/** Sums events by series, model and minute in flat arrays of fixed size, which are drained when full. */
import { counterNames, type UsageCounts } from '../../db/facts.ts'

const counters = counterNames.length

/** Numbers in a drained row: the pair of series and model, the minute, and the counters in their order. */
export const rowWidth = 2 + counters

/** The most buckets at a time. */
const capacity = 1 << 15

/** Two centuries of minutes since 1970. The rest of 53 bits is enough for more pairs of series and model than any file has. */
export const mostMinutes = 2 ** 27

export class Aggregate {
  /** Index in `#sums` by packed pair and minute. */
  readonly #places = new Map<number, number>()
  readonly #sums = new Float64Array(capacity * counters)

  get size(): number {
    return this.#places.size
  }

  get isFull(): boolean {
    return this.size >= capacity
  }

  /** `minute` counts from 1970; `pair` is a small number that stands for a series and a model. */
  add(pair: number, minute: number, counts: Float64Array, from: number): void {
    const packed = pair * mostMinutes + minute
    const known = this.#places.get(packed)
    const at = known ?? this.#places.size * counters
    const sums = this.#sums
    if (known === undefined) {
      this.#places.set(packed, at)
      sums.fill(0, at, at + counters)
    }
    for (let index = 0; index < counters; index++)
      sums[at + index] = (sums[at + index] ?? 0) + (counts[from + index] ?? 0)
  }

  /** Returns all rows by pair and minute, the order of the table, and empties the sums. */
  drain(): Float64Array {
    const packed = Float64Array.from(this.#places.keys()).sort()
    const rows = new Float64Array(packed.length * rowWidth)
    for (let index = 0; index < packed.length; index++) {
      const key = packed[index] ?? 0
      const from = this.#places.get(key) ?? 0
      const minute = key % mostMinutes
      const to = index * rowWidth
      rows[to] = (key - minute) / mostMinutes
      rows[to + 1] = minute
      for (let counter = 0; counter < counters; counter++)
        rows[to + 2 + counter] = this.#sums[from + counter] ?? 0
    }
    this.#places.clear()
    return rows
  }
}

/** Writes counts into an array, in the order of the counters. */
export function putCounts(counts: UsageCounts, into: Float64Array, at: number): void {
  into[at] = counts.requests
  into[at + 1] = counts.inputTokens
  into[at + 2] = counts.cachedInputTokens
  into[at + 3] = counts.cacheWriteTokens
  into[at + 4] = counts.outputTokens
  into[at + 5] = counts.reasoningTokens
  into[at + 6] = counts.otherTokens
  into[at + 7] = counts.costMicros
  into[at + 8] = counts.unpricedRequests
}
