/** Waiting to be told to stop. The handlers are there while somebody waits: a second signal ends the process at once. */

/** Resolves with the first SIGINT or SIGTERM. */
export function stopped(): Promise<'SIGINT' | 'SIGTERM'> {
  const { promise, resolve } = Promise.withResolvers<'SIGINT' | 'SIGTERM'>()
  const onSignal = (signal: 'SIGINT' | 'SIGTERM'): void => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    resolve(signal)
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return promise
}
