/**
 * Recovers when file descriptors run out: idle connections are closed, so that others can connect. Running requests are
 * never cut off.
 */
import { closeSync, openSync } from 'node:fs'
import { codeOf } from '../contract/failure.ts'
import type { Listener } from './listen.ts'
import type { Log } from './log.ts'

const everyMs = 1_000
/** Milliseconds between two messages about the same problem. */
const quietMs = 60_000

const message =
  'no file descriptors left: idle connections are closed, new ones wait; allow more with ulimit -n or LimitNOFILE='

/** A connection that cannot be accepted causes no error, so this tries to open a file from time to time. */
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
