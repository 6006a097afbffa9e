/** Sums events by key, model and minute in flat arrays of fixed size, which are drained when full. */

/** Numbers in a drained row: pair of key and model, minute, requests, input tokens, output tokens, micro-dollars. */
export const rowWidth = 6

/** The most buckets at a time. */
const capacity = 1 << 15

/** Two centuries of minutes since 1970. The rest of 53 bits is enough for more pairs of key and model than any file has. */
const mostMinutes = 2 ** 27

export class Aggregate {
  /** Index in `#sums` by packed pair and minute. */
  readonly #places = new Map<number, number>()
  readonly #sums = new Float64Array(capacity * 4)

  get size(): number {
    return this.#places.size
  }

  get isFull(): boolean {
    return this.size >= capacity
  }

  /** `minute` counts from 1970; `pair` is a small number that stands for a key and a model. */
  add(
    pair: number,
    minute: number,
    requests: number,
    inputTokens: number,
    outputTokens: number,
    costMicros: number,
  ): void {
    const packed = pair * mostMinutes + minute
    const known = this.#places.get(packed)
    const at = known ?? this.#places.size * 4
    const sums = this.#sums
    if (known === undefined) {
      this.#places.set(packed, at)
      sums.fill(0, at, at + 4)
    }
    sums[at] = (sums[at] ?? 0) + requests
    sums[at + 1] = (sums[at + 1] ?? 0) + inputTokens
    sums[at + 2] = (sums[at + 2] ?? 0) + outputTokens
    sums[at + 3] = (sums[at + 3] ?? 0) + costMicros
  }

  /**
   * Returns all rows by pair and minute, the order of the table, and empties the sums. Their times are close together, so
   * the pages of the time index stay cached.
   */
  drain(): Float64Array {
    const packed = Float64Array.from(this.#places.keys()).sort()
    const rows = new Float64Array(packed.length * rowWidth)
    for (let index = 0; index < packed.length; index++) {
      const key = packed[index] ?? 0
      const from = this.#places.get(key) ?? 0
      const minute = key % mostMinutes
      rows[index * rowWidth] = (key - minute) / mostMinutes
      rows[index * rowWidth + 1] = minute
      rows.set(this.#sums.subarray(from, from + 4), index * rowWidth + 2)
    }
    this.#places.clear()
    return rows
  }
}
