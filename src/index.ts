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
import type { ProgressListener, UnpricedRule } from './contract/views.ts'
import type { Latchkey } from './library/latchkey.ts'
import type { KeepPolicy } from './operations/file/backup/input.ts'
import { createOperations } from './operations/index.ts'
import type { Actor } from './operations/input.ts'
import { systemUser } from './system/user.ts'
import { databaseProblem, isServerUrl, type NoPath, placeProblem, withPassword } from './text/address.ts'

export interface LatchkeyOptions {
  /**
   * The path of the database; or the URL of one on PostgreSQL, such as `postgres://latchkey@localhost/latchkey`
   * (docs/postgres.md).
   */
  readonly path: string
  /** Whether it may write; `read` never changes the database or its WAL. Default `write`. */
  readonly access?: 'read' | 'write' | undefined
  /** Do all the work and all the checks, but keep nothing. */
  readonly dryRun?: boolean | undefined
  /** Who is named in the audit log; default the user of the operating system, from `library`. */
  readonly actor?: Actor | undefined
  /** Where backups go, a folder or `s3://bucket/prefix`; default as scheduled, else `backups` beside the database. */
  readonly backupDir?: string | undefined
  /** Which backups are kept when old ones are removed. */
  readonly keep?: KeepPolicy | undefined
  /** A file of age recipients, to whom every backup is encrypted. */
  readonly ageRecipientsFile?: string | undefined
  /** A file of age identities, which decrypt backups. */
  readonly ageIdentityFile?: string | undefined
  /** The environment for the AWS_ variables and the user's folders; default that of the process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** How long a write waits for other processes, in milliseconds; default 5,000. */
  readonly busyTimeoutMs?: number | undefined
  /**
   * With `deny`, a request for a model without a price is denied (`model_unpriced`) where a dollar limit binds it, because what
   * it costs would not count. Default `allow`.
   */
  readonly unpriced?: UnpricedRule | undefined
  /**
   * How many end users a key may have; default 10,000. Requests for more are denied where a limit for each of them binds
   * (`too_many_end_users`), and what they use counts for the key alone.
   */
  readonly maxEndUsers?: number | undefined
  /**
   * Verdicts that are asked for in one turn of the event loop read one snapshot of the database, for a millisecond at most, so
   * that they take less time under load. What another process or connection changes counts a millisecond later. Default false; on
   * PostgreSQL it changes nothing.
   */
  readonly verdictsByTurn?: boolean | undefined
  /** The clock; default that of the system. */
  readonly now?: (() => Date) | undefined
  /** Called with the progress of imports, usage logs, backups and restores. Must not throw. */
  readonly onProgress?: ProgressListener | undefined
  /** Called when another file took the place of the database and was opened. Must not throw. */
  readonly onReplaced?: (() => void) | undefined
  /** Told what is worth knowing of something that was done, such as a dollar limit while no model has a price; must not throw. */
  readonly onWarning?: ((text: string) => void) | undefined
}

/**
 * Opens a database that was created with `latchkey init` or `initialize`.
 *
 * @throws LatchkeyError with code config (the path is an address), database_missing, database_foreign, schema_older,
 *   schema_newer, corrupt, permission
 * @example
 * const latchkey = await openLatchkey({ path: '/var/lib/gateway/latchkey.db' })
 * const { valid } = await latchkey.keys.verify('the secret of a client')
 * await latchkey.close()
 */
export async function openLatchkey(options: LatchkeyOptions): Promise<Latchkey> {
  const latchkey = connectLatchkey(options)
  await latchkey.open()
  await latchkey.load()
  return latchkey
}

/**
 * Like `openLatchkey`, but the first operation that needs the file opens it, so it may not exist yet. Code is also
 * loaded with its first use.
 *
 * @throws LatchkeyError with code config (the path is an address)
 * @example
 * const latchkey = connectLatchkey({ path: 'new.db' })
 * await latchkey.initialize({ admin: 'root' })
 */
export function connectLatchkey(options: LatchkeyOptions): Latchkey {
  const isServer = isServerUrl(options.path)
  const env = options.env ?? process.env
  requireNone(databaseProblem(options.path))
  if (options.backupDir !== undefined) requireNone(placeProblem(options.backupDir))
  return createOperations({
    path: isServer ? withPassword(options.path, env['PGPASSWORD']) : resolve(options.path),
    access: options.access ?? 'write',
    dryRun: options.dryRun ?? false,
    actor: options.actor ?? { name: systemUser(), origin: 'library' },
    backupDir: options.backupDir,
    keep: options.keep,
    ageRecipientsFile: options.ageRecipientsFile,
    ageIdentityFile: options.ageIdentityFile,
    env,
    busyTimeoutMs: options.busyTimeoutMs ?? 5_000,
    maxEndUsers: options.maxEndUsers,
    verdictsByTurn: options.verdictsByTurn,
    now: options.now ?? (() => new Date()),
    onProgress: options.onProgress,
    onReplaced: options.onReplaced,
    onWarning: options.onWarning,
    unpriced: options.unpriced ?? 'allow',
  })
}

function requireNone(wrong: NoPath | undefined): void {
  if (wrong) throw new LatchkeyError('config', wrong.problem, wrong.hint)
}

export { type ErrorCode, exitCodes, LatchkeyError } from './contract/errors.ts'
export type * from './contract/views.ts'
export type * from './library/latchkey.ts'
export { rateLimitHeaders } from './operations/door/rate-limit.ts'
