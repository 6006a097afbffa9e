/**
 * Requests that arrive together are heard one after another, each to the point where it has to wait. What they write can
 * share a transaction only once all of them have got there.
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
