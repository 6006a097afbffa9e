/** Sums events by key, model and minute in flat arrays; drained when full, so that its size is known beforehand. */

/** Numbers of a drained row: pair of key and model, minute, requests, input tokens, output tokens, micro-dollars. */
export const rowWidth = 6

/** Buckets that are summed at a time. */
const capacity = 1 << 15

/** Minutes from 1970 for two centuries; more pairs of key and model than any file has fit into what is left of 53 bits. */
const mostMinutes = 2 ** 27

export class Aggregate {
  /** From pair and minute, packed, to the place in `#sums`. */
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
   * All rows by pair and minute, the order of the table; empty afterwards. Their times lie so close together that the
   * index of times has its pages at hand.
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
