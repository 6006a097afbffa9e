/**
 * The library's door: what a backend embeds.
 *
 * ```ts
 * import { openLatchkey } from 'latchkey'
 * const latchkey = await openLatchkey({ path: '/var/lib/gateway/latchkey.db' })
 * const verdict = await latchkey.keys.verify(secret, { model: 'gpt-x' })
 * ```
 */
import { resolve } from 'node:path'
import { LatchkeyError } from './contract/errors.ts'
import type { ProgressListener } from './contract/views.ts'
import type { Latchkey } from './library/latchkey.ts'
import type { KeepPolicy } from './operations/file/backup/input.ts'
import { createOperations } from './operations/index.ts'
import type { Actor } from './operations/input.ts'
import { systemUser } from './system/user.ts'
import { type NoPath, pathProblem, placeProblem } from './text/address.ts'

export interface LatchkeyOptions {
  /** The database file. */
  readonly path: string
  /** Whether it may write; `read` never changes the database or its WAL. Default `write`. */
  readonly access?: 'read' | 'write' | undefined
  /** Do all the work and all the checks, and keep nothing. */
  readonly dryRun?: boolean | undefined
  /** Who the audit trail names; default the user of the operating system, from `library`. */
  readonly actor?: Actor | undefined
  /** Where backups go, a folder or `s3://bucket/prefix`; default `backups` beside the database. */
  readonly backupDir?: string | undefined
  /** Which backups are kept when old ones are removed. */
  readonly keep?: KeepPolicy | undefined
  /** A file of age recipients: every backup is encrypted to them. */
  readonly ageRecipientsFile?: string | undefined
  /** A file of age identities, which open encrypted backups. */
  readonly ageIdentityFile?: string | undefined
  /** Where the AWS_ variables are looked up, and the folders of the user; default the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** How long a write waits for other processes, in milliseconds; default 5,000. */
  readonly busyTimeoutMs?: number | undefined
  /**
   * How many end users a key may have; default 10,000. Requests for more are denied where a limit for each of them binds
   * (`too_many_end_users`), and what they use counts for the key alone.
   */
  readonly maxEndUsers?: number | undefined
  /** The clock; default that of the system. */
  readonly now?: (() => Date) | undefined
  /** Told now and then how far an import, a log of usage, a backup or a restore has come; must not throw. */
  readonly onProgress?: ProgressListener | undefined
  /** Told when another file took the place of the database and was opened; must not throw. */
  readonly onReplaced?: (() => void) | undefined
}

/**
 * Opens a database that `latchkey init` made.
 *
 * @throws LatchkeyError with code database_missing, database_foreign, schema_older, schema_newer, corrupt,
 *   permission
 * @example
 * const latchkey = await openLatchkey({ path: '/var/lib/gateway/latchkey.db' })
 * const { valid } = await latchkey.keys.verify('the secret of a client')
 * await latchkey.close()
 */
export async function openLatchkey(options: LatchkeyOptions): Promise<Latchkey> {
  const latchkey = connectLatchkey(options)
  latchkey.open()
  await latchkey.load()
  return latchkey
}

/**
 * As `openLatchkey`, but the file is opened by the first operation that needs it: it may not exist yet. What an
 * operation is made of is loaded with its first use too.
 *
 * @throws LatchkeyError with code config (the path is an address)
 * @example
 * const latchkey = connectLatchkey({ path: 'new.db' })
 * await latchkey.initialize({ admin: 'root' })
 */
export function connectLatchkey(options: LatchkeyOptions): Latchkey {
  requireNone(pathProblem(options.path))
  if (options.backupDir !== undefined) requireNone(placeProblem(options.backupDir))
  return createOperations({
    path: resolve(options.path),
    access: options.access ?? 'write',
    dryRun: options.dryRun ?? false,
    actor: options.actor ?? { name: systemUser(), origin: 'library' },
    backupDir: options.backupDir,
    keep: options.keep,
    ageRecipientsFile: options.ageRecipientsFile,
    ageIdentityFile: options.ageIdentityFile,
    env: options.env ?? process.env,
    busyTimeoutMs: options.busyTimeoutMs ?? 5_000,
    maxEndUsers: options.maxEndUsers,
    now: options.now ?? (() => new Date()),
    onProgress: options.onProgress,
    onReplaced: options.onReplaced,
  })
}

function requireNone(wrong: NoPath | undefined): void {
  if (wrong) throw new LatchkeyError('config', wrong.problem, wrong.hint)
}

export { type ErrorCode, exitCodes, LatchkeyError } from './contract/errors.ts'
export type * from './contract/views.ts'
export type { Backups, DatabaseFile, Migrations } from './library/file.ts'
export type { Imports } from './library/imports.ts'
export type { Keys } from './library/keys.ts'
export type { Audit, Latchkey } from './library/latchkey.ts'
export type { Limits } from './library/limits.ts'
export type { Projects, Users } from './library/people.ts'
export type { Prices, Usage } from './library/usage.ts'
export type { Admitted, Authorized, Carrier, GuardOptions, Refused } from './operations/door/input.ts'
export { rateLimitHeaders } from './operations/door/rate-limit.ts'
export type { KeepPolicy } from './operations/file/backup/input.ts'
export type { Actor, AuditFilter, CreateOptions, KeySelector } from './operations/input.ts'
export type {
  ActivityOptions,
  BulkChange,
  Delivery,
  Expectation,
  KeyChanges,
  KeyFilter,
  KeyImportOptions,
  KeyPage,
  NewKey,
  NewKeyOptions,
  RevokeOptions,
  RotateOptions,
  StatsOptions,
  VerifyOptions,
} from './operations/keys/input.ts'
export type { Limited, LimitName, NewLimit, ResetOptions } from './operations/limits/input.ts'
export type {
  NewProject,
  NewUser,
  ProjectChanges,
  ProjectFilter,
  UserChanges,
  UserFilter,
} from './operations/people/input.ts'
export type {
  CheckOptions,
  CompactOptions,
  IngestOptions,
  NewPrice,
  PriceFilter,
  Recorder,
  RecorderOptions,
  RemovePrices,
  ReportOptions,
  ReserveOptions,
  UsageInput,
} from './operations/usage/input.ts'
