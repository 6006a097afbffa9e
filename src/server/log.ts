import { timeText } from '../contract/json.ts'
import type { LimitedNoun } from '../contract/nouns.ts'
import { many } from '../text/quantity.ts'

/** One answered request. */
interface RequestEntry {
  readonly event: 'request'
  readonly method: string
  readonly route: string
  readonly status: number
  /** Error code, or code of the verdict. */
  readonly code: string | null
  /** Id of the key that asked. */
  readonly key: string | null
  /** Id of the key of a verdict; only present with a verdict, and null if no key was found. */
  readonly client?: string | null | undefined
  /** The limit that denied it; only present with a verdict. */
  readonly limit?: DenyingLimit | null | undefined
  readonly ms: number
}

export interface DenyingLimit {
  readonly metric: string
  readonly period: string
  readonly windowMs: number | null
  readonly models: string | null
  readonly each: boolean
  /** What it belongs to, and its id. */
  readonly subject: LimitedNoun
  readonly id: string
}

/** Log entries of the server. They contain no secrets, bodies or paths that clients made up. */
export type LogEntry =
  | { readonly event: 'listening'; readonly address: string }
  | RequestEntry
  /** A problem of the server itself, not of a request. */
  | { readonly event: 'failure'; readonly message: string }
  | { readonly event: 'replaced'; readonly message: string }
  /** Requests that were not logged because nobody read the log. */
  | { readonly event: 'dropped'; readonly requests: number }
  | { readonly event: 'stopping'; readonly signal: string; readonly inFlight: number }

export type Log = (entry: LogEntry) => void

/** Milliseconds between two writes: to write each line alone takes a tenth as long as a request. */
const pauseMs = 20

/** The most entries that wait to be written. */
const mostWaiting = 5_000

/**
 * The first entry is written at once, and those that arrive during a write and a pause after it together, which is also how their
 * texts are made fastest. A reader that stops reading does not slow the server or fill memory: lost entries are only counted.
 */
export function createLog(
  write: (text: string) => Promise<void>,
  textOf: (entry: LogEntry, at: Date) => string,
  now: () => Date,
): Log {
  let waiting: (readonly [LogEntry, Date])[] = []
  let dropped = 0
  let isWriting = false
  let isStopping = false

  const drain = async (): Promise<void> => {
    isWriting = true
    while (waiting.length > 0) {
      const text = waiting.map(each => textOf(...each)).join('')
      waiting = []
      await write(text).catch(() => {})
      if (!isStopping) await Bun.sleep(pauseMs)
      if (dropped === 0) continue
      waiting.push([{ event: 'dropped', requests: dropped }, now()])
      dropped = 0
    }
    isWriting = false
  }

  return entry => {
    isStopping ||= entry.event === 'stopping'
    if (entry.event === 'request' && waiting.length >= mostWaiting) {
      dropped++
      return
    }
    waiting.push([entry, now()])
    if (!isWriting) void drain()
  }
}

/** One JSON line for programs, with the time first. */
export const logLine = (entry: LogEntry, at: Date): string =>
  `{"time":"${timeText(at)}",${JSON.stringify(entry).slice(1)}\n`

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
      return `${clock}  ${many(entry.requests, 'request')} ${entry.requests === 1 ? 'was' : 'were'} not logged\n`
    case 'stopping':
      return `${clock}  ${entry.signal}: finishing running requests (${entry.inFlight})\n`
  }
}
