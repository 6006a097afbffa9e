/**
 * Turns any error into a message, a next step and an exit code. Must never show a secret: messages of unknown
 * errors are taken from the deepest cause, because a failed query repeats its parameters in its own.
 */
import { type ErrorCode, exitCodes, LatchkeyError } from '../contract/errors.ts'
import type { Format } from './config.ts'
import { printable } from './printable.ts'

export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly exit: number
  /** Where it happened, for `LATCHKEY_DEBUG=1`. */
  readonly frames: readonly string[]
}

export function failureOf(error: unknown): Failure {
  if (error instanceof LatchkeyError) {
    const { code, exit } = error
    return {
      code,
      message: withoutSecrets(error.message),
      hint: withoutSecrets(error.hint),
      exit,
      frames: framesOf(error),
    }
  }
  const cause = deepest(error)
  const known = knownCodes[codeOf(cause)]
  const code = known?.code ?? 'unexpected'
  return {
    code,
    message: withoutSecrets(messageOf(cause)),
    hint: known?.hint ?? 'run it again with LATCHKEY_DEBUG=1 and report what it shows',
    exit: exitCodes[code],
    frames: framesOf(cause),
  }
}

/** What goes to stderr: two lines for people, one object for programs that asked for JSON. */
export function renderFailure(failure: Failure, format: Format, debug: boolean): string {
  const { code, message, hint, exit, frames } = failure
  if (format === 'json' || format === 'ndjson') {
    return `${JSON.stringify({ error: { code, message, hint, exit } })}\n`
  }
  const lines = [`latchkey: ${message}`, `try: ${hint}`, ...(debug ? frames : [])]
  return `${printable(lines.join('\n'))}\n`
}

/** Whatever was typed in the wrong place, a secret of ours is not repeated. */
const withoutSecrets = (text: string): string =>
  text.replace(/([A-Za-z0-9]{2,}_[0-9A-Za-z]{6})[0-9A-Za-z]{30}(?![0-9A-Za-z])/g, '$1…')

/** Failures of the system that mean the same wherever they happen. */
const knownCodes: Readonly<Record<string, { readonly code: ErrorCode; readonly hint: string } | undefined>> =
  {
    ENOSPC: { code: 'disk_full', hint: 'make room on the disk, then run it again' },
    EDQUOT: { code: 'disk_full', hint: 'make room in the quota, then run it again' },
    EACCES: { code: 'permission', hint: 'run it as the owner of the file, or change its permissions' },
    EPERM: { code: 'permission', hint: 'run it as the owner of the file, or change its permissions' },
    EROFS: { code: 'permission', hint: 'choose a place that can be written to' },
  }

function deepest(error: unknown): unknown {
  let current = error
  for (let depth = 0; depth < 20 && current instanceof Error && current.cause != null; depth++) {
    current = current.cause
  }
  return current
}

function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause === 'string' && cause !== '' ? cause : 'an unknown error'
  if (cause.name === 'DrizzleQueryError' || cause.message.startsWith('Failed query')) return 'a query failed'
  return cause.message || cause.name
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

/** Without the first lines, which repeat the message. */
function framesOf(error: unknown): readonly string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return stack.split('\n').filter(line => /^\s+at /.test(line))
}
