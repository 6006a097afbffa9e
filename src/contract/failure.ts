/**
 * Turns any error into a code, a message and a hint. Never shows a secret: unknown errors use the message of the deepest
 * cause, because the message of a failed query repeats its parameters.
 */
import { type ErrorCode, exitCodes, LatchkeyError, redact } from './errors.ts'

export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly exit: number
  /** The stack, for `LATCHKEY_DEBUG=1`. */
  readonly frames: readonly string[]
}

export function failureOf(error: unknown): Failure {
  if (error instanceof LatchkeyError) {
    const { code, message, hint, exit } = error
    return { code, message, hint, exit, frames: framesOf(error) }
  }
  const cause = deepest(error)
  const known = knownCodes[codeOf(cause)]
  const code = known?.code ?? 'unexpected'
  return {
    code,
    message: redact(known?.says === undefined ? messageOf(cause) : `${pathOf(cause)} ${known.says}`),
    hint: known?.hint ?? 'run it again with LATCHKEY_DEBUG=1 and report what it shows',
    exit: exitCodes[code],
    frames: framesOf(cause),
  }
}

/** The error object, on one line. Half a surrogate pair is replaced, because it is not valid text (RFC 8259, 8.2). */
export const errorObject = ({ code, message, hint, exit }: Failure): string =>
  JSON.stringify({ error: { code, message: message.toWellFormed(), hint: hint.toWellFormed(), exit } })

interface KnownCode {
  readonly code: ErrorCode
  readonly hint: string
  /** What is wrong with the path; default the system's message. */
  readonly says?: string
}

/** System errors with the same meaning everywhere. */
const knownCodes: Readonly<Record<string, KnownCode | undefined>> = {
  ENOSPC: { code: 'disk_full', hint: 'free some space on the disk, then run the command again' },
  EDQUOT: { code: 'disk_full', hint: 'free some space in the quota, then run the command again' },
  EACCES: { code: 'permission', hint: 'run the command as the owner of the file, or change its permissions' },
  EPERM: { code: 'permission', hint: 'run the command as the owner of the file, or change its permissions' },
  ELOOP: { code: 'config', says: 'cannot be opened: its links form a loop', hint: 'give another file' },
  ENAMETOOLONG: { code: 'config', says: 'cannot be opened: its name is too long', hint: 'give another file' },
  EROFS: { code: 'permission', hint: 'choose a path on a writable disk' },
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

const pathOf = (cause: unknown): string =>
  cause instanceof Error && 'path' in cause && typeof cause.path === 'string' ? cause.path : 'a path'

/** The error's own code (`ENOENT`), or an empty string. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** The stack without its first lines, which repeat the message. */
function framesOf(error: unknown): readonly string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return stack.split('\n').filter(line => /^\s+at /.test(line))
}
