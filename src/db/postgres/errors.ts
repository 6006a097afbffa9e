/** Turns errors of PostgreSQL and of the way to it into errors with a code and a next step. */
import { LatchkeyError } from '../../contract/errors.ts'

/** A LatchkeyError for an expected error; otherwise `error` itself. `name` is the database without its password. */
export function translate(error: unknown, name: string): unknown {
  if (error instanceof LatchkeyError) return error
  const cause = deepest(error)
  const options = { cause }
  const state = sqlState(cause)
  const known = state === undefined ? unreached(cause) : (answers[state] ?? answers[state.slice(0, 2)])
  if (known === undefined) return error
  return named(known, name, options)
}

export const readOnly = (name: string): LatchkeyError => named(readOnlyAnswer, name)

const named = ([code, message, hint]: Known, name: string, options?: ErrorOptions): LatchkeyError =>
  new LatchkeyError(code, message.replaceAll('DATABASE', name), hint.replaceAll('DATABASE', name), options)

/**
 * Whether the connection is gone, or was never made. What a statement did that was under way is then unknown, unless it
 * only read.
 */
export function isLost(error: unknown): boolean {
  const cause = deepest(error)
  if (cause instanceof LostConnection) return true
  const state = sqlState(cause)
  if (state !== undefined) return /^(08|57P0)/.test(state)
  return driverCode(cause).startsWith('ERR_POSTGRES_CONNECTION')
}

/** Whether the server gave this transaction up for another one, and would take it a second time. */
export const isDeadlock = (error: unknown): boolean => sqlState(deepest(error)) === '40P01'

/** What the server did not answer in time, or on a connection that was closed for that. */
export class LostConnection extends Error {
  override readonly name = 'LostConnection'
  /** Whether this side closed it. */
  readonly isOurs: boolean

  constructor(message: string, isOurs: boolean) {
    super(message)
    this.isOurs = isOurs
  }
}

/** For a change that was sent and whose answer never came: it must not be made again by itself. */
export const unknownOutcome = (name: string, cause: unknown): LatchkeyError =>
  new LatchkeyError(
    'unexpected',
    `the connection to ${name} was lost before the server answered: the change may have been made or not`,
    'look whether it was made before you make it again, for example with: latchkey audit list',
    { cause },
  )

/** The state of an error that the server told, five characters; undefined for all others. */
export function sqlState(error: unknown): string | undefined {
  const state = (error as { readonly errno?: unknown } | null)?.errno
  return driverCode(error) === 'ERR_POSTGRES_SERVER_ERROR' && typeof state === 'string' ? state : undefined
}

function driverCode(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

type Known = readonly [code: LatchkeyError['code'], message: string, hint: string]

const again = 'run the command again in a moment'

const starting: Known = [
  'busy',
  'the server of DATABASE is starting or stopping',
  `${again}; if it stays so, look at the log of the server`,
]

const login: Known = [
  'permission',
  'the server does not let this user into DATABASE',
  'check user and password of the URL, and the line for them in pg_hba.conf',
]

const other: Known = [
  'busy',
  'DATABASE is busy: another transaction holds what this one needs',
  `${again}; see long transactions with: latchkey doctor`,
]

const readOnlyAnswer: Known = [
  'database_readonly',
  'DATABASE only lets itself be read: it may be a standby, or the role may only read',
  'name the primary server in the URL, or ask who runs it',
]

/** By SQLSTATE, or by its class. */
const answers: Readonly<Record<string, Known>> = {
  '08': ['busy', 'the connection to DATABASE was lost', again],
  '22021': [
    'invalid',
    'a text has a character that PostgreSQL cannot store, such as NUL',
    'leave that character out',
  ],
  '25006': readOnlyAnswer,
  '28': login,
  '3D000': [
    'database_missing',
    'the server has no database DATABASE',
    'create it with createdb, then run: latchkey init',
  ],
  '40001': other,
  '40P01': other,
  '42501': [
    'permission',
    'this role lacks a right on DATABASE',
    'use the role that ran latchkey init, or grant it: docs/postgres.md',
  ],
  '53100': [
    'disk_full',
    'the disk of the server of DATABASE is full',
    'free some space there, then run it again',
  ],
  '53200': ['busy', 'the server of DATABASE has no memory left', again],
  '53300': [
    'busy',
    'the server of DATABASE takes no more connections',
    'lower pool= in the URL, or raise max_connections of the server: docs/postgres.md',
  ],
  '55P03': other,
  '57014': ['busy', 'DATABASE took too long and the statement was cancelled', again],
  '57P01': ['busy', 'the server of DATABASE closed the connection', again],
  '57P02': ['busy', 'the server of DATABASE was stopped', again],
  '57P03': starting,
  XX001: [
    'corrupt',
    'the server reports damaged data in DATABASE',
    'stop writing and restore it: docs/postgres.md',
  ],
  XX002: ['corrupt', 'the server reports a damaged index in DATABASE', 'rebuild it with: REINDEX DATABASE'],
}

/** Errors of the way to the server. */
function unreached(error: unknown): Known | undefined {
  const code = driverCode(error)
  if (error instanceof LostConnection) {
    return ['busy', `the server of DATABASE does not answer (${error.message})`, again]
  }
  if (code === 'ERR_POSTGRES_TLS_NOT_AVAILABLE') {
    return ['config', 'the server of DATABASE has no TLS', 'turn ssl on in postgresql.conf: docs/postgres.md']
  }
  if (/CERT|TLS|VERIFY|ISSUER|BORINGSSL/.test(code)) {
    return [
      'config',
      `the certificate of the server of DATABASE cannot be trusted (${code})`,
      'name the authority that signed it with sslrootcert=FILE, and the host as the certificate does',
    ]
  }
  if (/_PASSWORD|_SASL|_AUTHENTICATION|_SERVER_SIGNATURE/.test(code)) return login
  if (!code.startsWith('ERR_POSTGRES_CONNECTION')) return undefined
  return code === 'ERR_POSTGRES_CONNECTION_REFUSED' || code === 'ERR_POSTGRES_CONNECTION_TIMEOUT'
    ? ['busy', 'the server of DATABASE cannot be reached', 'check that it runs, and host and port of the URL']
    : ['busy', 'the connection to DATABASE was lost', again]
}

/** Drizzle wraps errors in its own, whose messages repeat the parameters of the query. */
function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? deepest(error.cause) : error
}
