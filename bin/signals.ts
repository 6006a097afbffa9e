/** Waiting to be told to stop. The handlers are there while somebody waits: a second signal ends the process at once. */

export interface Signals {
  /** Resolves with the first SIGINT or SIGTERM. */
  readonly stopped: () => Promise<'SIGINT' | 'SIGTERM'>
  /** Whether it did. */
  readonly isStopping: () => boolean
}

export function signals(): Signals {
  let isStopping = false
  return {
    isStopping: () => isStopping,
    stopped: () => {
      const { promise, resolve } = Promise.withResolvers<'SIGINT' | 'SIGTERM'>()
      const onSignal = (signal: 'SIGINT' | 'SIGTERM'): void => {
        process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
        isStopping = true
        resolve(signal)
      }
      process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
      return promise
    },
  }
}
