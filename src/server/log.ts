/** What the server tells while it runs. Entries hold no secret, no body and no path that a client made up. */
export type LogEntry =
  | { readonly event: 'listening'; readonly address: string }
  | {
      readonly event: 'request'
      readonly method: string
      readonly route: string
      readonly status: number
      /** Error code, or code of the verdict. */
      readonly code: string | null
      /** Id of the key that asked. */
      readonly key: string | null
      readonly ms: number
    }
  /** What went wrong with the server itself, not with a request. */
  | { readonly event: 'failure'; readonly message: string }
  | { readonly event: 'replaced'; readonly message: string }
  /** Requests that are not in the log, because nobody read it for a while. */
  | { readonly event: 'dropped'; readonly requests: number }
  | { readonly event: 'stopping'; readonly signal: string; readonly inFlight: number }

export type Log = (entry: LogEntry) => void

/** Characters that wait at most. */
const mostWaiting = 1_000_000

/**
 * Writes what comes while an earlier write is under way at once when that is done. Whoever has stopped reading slows
 * nothing down and fills no memory: what they miss is counted.
 */
export function createLog(write: (text: string) => Promise<void>, textOf: (entry: LogEntry) => string): Log {
  let waiting = ''
  let dropped = 0
  let isWriting = false

  const drain = async (): Promise<void> => {
    isWriting = true
    while (waiting !== '') {
      const text = waiting
      waiting = ''
      await write(text).catch(() => {})
      if (dropped === 0) continue
      waiting += textOf({ event: 'dropped', requests: dropped })
      dropped = 0
    }
    isWriting = false
  }

  return entry => {
    if (entry.event === 'request' && waiting.length >= mostWaiting) {
      dropped++
      return
    }
    waiting += textOf(entry)
    if (!isWriting) void drain()
  }
}

/** One line for programs: the moment first. */
export const logLine = (entry: LogEntry, at: Date): string =>
  `${JSON.stringify({ time: at.toISOString(), ...entry })}\n`

/** One line for people at a terminal. */
export function logText(entry: LogEntry, clock: string): string {
  switch (entry.event) {
    case 'listening':
      return `Listening on ${entry.address}; Ctrl-C stops it\n`
    case 'request': {
      const { method, route, status, code, ms } = entry
      return `${clock}  ${status}  ${method} ${route}${code === null ? '' : `  ${code}`}  ${ms} ms\n`
    }
    case 'failure':
    case 'replaced':
      return `${clock}  ${entry.message}\n`
    case 'dropped':
      return `${clock}  ${entry.requests} requests are missing here\n`
    case 'stopping':
      return `${clock}  ${entry.signal}: answering what is under way (${entry.inFlight})\n`
  }
}
