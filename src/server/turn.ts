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

/** What was found out in this turn. Whoever asks in it had asked before it began, so an answer as of its beginning does. */
export class OfThisTurn<T> {
  readonly #known = new Map<string, T>()

  get(name: string): T | undefined {
    return this.#known.get(name)
  }

  set(name: string, value: T): void {
    if (this.#known.size === 0) setImmediate(() => this.#known.clear())
    this.#known.set(name, value)
  }
}
