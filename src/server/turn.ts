/**
 * Requests that arrive together are heard in one turn of the event loop, one after another, each to the point where it has to wait.
 * What they write can share a transaction only once all of them have got there.
 */

let next: Promise<void> | undefined

/** Resolves once every request that has arrived by now was heard. Waits for no other, and for no time. */
export function allHeard(): Promise<void> {
  next ??= new Promise(resolve => {
    setImmediate(() => {
      next = undefined
      resolve()
    })
  })
  return next
}

/**
 * What was found out in this turn, up to a millisecond ago: in a turn that takes long, Bun hears requests that were sent after it
 * began.
 */
export class OfThisTurn<T> {
  readonly #known = new Map<string, T>()
  #until = 0

  get(name: string): T | undefined {
    return performance.now() < this.#until ? this.#known.get(name) : undefined
  }

  set(name: string, value: T): void {
    const now = performance.now()
    if (now >= this.#until) this.#known.clear()
    if (this.#known.size === 0) {
      this.#until = now + mostMs
      setImmediate(() => this.#known.clear())
    }
    this.#known.set(name, value)
  }
}

const mostMs = 1
