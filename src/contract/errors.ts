/** Error codes and their exit codes. Imports nothing. */

/** Error code -> exit code of the process. The only such table. */
export const exitCodes = {
  unexpected: 1,
  stale: 1,
  usage: 2,
  invalid: 2,
  not_found: 3,
  denied: 4,
  conflict: 5,
  ambiguous: 5,
  not_confirmed: 6,
  corrupt: 7,
  checksum: 7,
  drift: 7,
  partial: 8,
  busy: 75,
  config: 78,
  database_missing: 78,
  database_foreign: 78,
  database_readonly: 78,
  disk_full: 78,
  permission: 78,
  schema_older: 78,
  schema_newer: 78,
  interrupted: 130,
  terminated: 143,
} as const

export type ErrorCode = keyof typeof exitCodes

/** What each exit code means, for help pages and the reference. */
export const exitMeanings: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'unexpected failure, or a check that did not pass',
  2: 'wrong usage or invalid input',
  3: 'not found',
  4: 'verification denied, or a live secret found',
  5: 'conflict, or an ambiguous name',
  6: 'not confirmed',
  7: 'integrity: a corrupt file, a bad checksum, a drifted migration',
  8: 'done in part',
  75: 'busy, try again',
  78: 'configuration, or a database that cannot be used as it is',
  130: 'interrupted (SIGINT)',
  143: 'terminated (SIGTERM)',
}

/** The class of all expected errors: what is wrong, and what to do next. */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError'
  readonly code: ErrorCode
  /** The next step, as a command line if possible. */
  readonly hint: string

  constructor(code: ErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(redact(message), options)
    this.code = code
    this.hint = redact(hint)
  }

  get exit(): number {
    return exitCodes[this.code]
  }
}

/** Our secrets (30 characters and a checksum of 6), and those of other systems. */
const secretLike = /\b(?:[a-z][a-z0-9]{1,11}_[0-9A-Za-z]{36}\b|(?:sk|pk|lk|cck|dok)[-_][0-9A-Za-z_-]{12,})/g

/** Shortens everything that looks like a secret, because errors quote what was typed and end up in logs. */
export const redact = (text: string): string =>
  text.replace(secretLike, secret => `${secret.slice(0, 6)}…`).replace(urlPassword, '$1:…@')

/** The password of a URL, which ends at the last `@`. */
const urlPassword = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):\S*@/gi
