/** One request that was answered. */
export interface RequestEntry {
  readonly event: 'request'
  readonly method: string
  readonly route: string
  readonly status: number
  /** Error code, or code of the verdict. */
  readonly code: string | null
  /** Id of the key that asked. */
  readonly key: string | null
  /** Id of the key that a verdict is about; only there with a verdict, and null when it knows none. */
  readonly client?: string | null
  /** The limit that denied it; only there with a verdict. */
  readonly limit?: DenyingLimit | null
  readonly ms: number
}

interface DenyingLimit {
  readonly metric: string
  readonly windowMs: number
  /** Whom it binds, and the id of that key, user or project. */
  readonly subject: string
  readonly id: string
}

/** What the server tells while it runs. Entries hold no secret, no body and no path that a client made up. */
export type LogEntry =
  | { readonly event: 'listening'; readonly address: string }
  | RequestEntry
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
      const { method, route, status, code, client, limit, ms } = entry
      const why = limit ? `  ${limit.metric} of ${limit.subject} ${limit.id}` : ''
      const told = `${code === null ? '' : `  ${code}`}${client ? `  ${client}` : ''}${why}`
      return `${clock}  ${status}  ${method} ${route}${told}  ${ms} ms\n`
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
