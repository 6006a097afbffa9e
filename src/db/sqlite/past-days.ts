/**
 * What days inside long windows add up to, so that a verdict about a year reads as little as one about a week. It holds until
 * the database changes, by whomever; usage that the same connection counts on later days leaves it as it is.
 */
import type { Counted } from './counted.ts'

export class PastDays {
  readonly #sums = new Map<string, number>()
  /** Of the database that they are from. */
  #version = Number.NaN
  /** The day after the last one in any of them. */
  #until = Number.NEGATIVE_INFINITY

  /**
   * @param until the day after the last one
   * @param version of the snapshot
   * @param add reads what is not known
   */
  sum(name: string, until: number, version: number, add: () => number): number {
    if (version !== this.#version || this.#sums.size >= mostSums) {
      this.#sums.clear()
      this.#version = version
      this.#until = Number.NEGATIVE_INFINITY
    }
    const known = this.#sums.get(name)
    if (known !== undefined) return known
    const sum = add()
    this.#sums.set(name, sum)
    this.#until = Math.max(this.#until, until)
    return sum
  }

  /** The connection committed a transaction that only counted. */
  counted({ before, after, firstDay }: Counted): void {
    if (before === this.#version && firstDay >= this.#until) this.#version = after
  }
}

const mostSums = 10_000
