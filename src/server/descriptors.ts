/**
 * Sees to it that running out of file descriptors passes: connections that wait for nothing are closed, so that those
 * who ask for something get in. What has been asked is never cut off.
 */
import { closeSync, openSync } from 'node:fs'
import { codeOf } from '../contract/failure.ts'
import type { Listener } from './listen.ts'
import type { Log } from './log.ts'

const everyMs = 1_000
/** The same trouble is told of once in so many milliseconds. */
const quietMs = 60_000

const message =
  'no file descriptor is left: idle connections are closed, new ones wait; allow more with ulimit -n or LimitNOFILE='

/** Nobody says so when a connection cannot be accepted: from time to time it tries out whether a file can be opened. */
export function watchDescriptors(listeners: readonly Listener[], log: Log): Disposable {
  let toldAt = Number.NEGATIVE_INFINITY
  const watch = (): void => {
    if (!isExhausted()) return
    for (const { closeIdle } of listeners) closeIdle()
    if (performance.now() - toldAt < quietMs) return
    toldAt = performance.now()
    log({ event: 'failure', message })
  }
  const watching = setInterval(watch, everyMs)
  return { [Symbol.dispose]: () => clearInterval(watching) }
}

function isExhausted(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'))
    return false
  } catch (error) {
    return ['EMFILE', 'ENFILE'].includes(codeOf(error))
  }
}
