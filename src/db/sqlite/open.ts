/**
 * Opens connections to the database file. A reading connection changes neither the database nor its WAL. A writing one
 * uses WAL mode and foreign keys. Nothing else opens the live file. A file is only opened once it is known to belong to
 * Latchkey, because SQLite might checkpoint a log into it or leave files beside it.
 */
import { constants } from 'bun:sqlite'
import { chmodSync, closeSync, openSync, readSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import { canWrite, sidecars } from '../../system/files.ts'
import { latestVersion } from '../schema/version.ts'
import { Client, orClosed } from './client.ts'
import { corrupt, translate } from './errors.ts'
import { holdsPages, lastCommit, logState } from './write-ahead-log.ts'

/** `PRAGMA application_id` of a Latchkey database: "LKEY". */
export const applicationId = 0x4c4b4559

/**
 * Opens for reading only.
 *
 * A read-only connection to a WAL database leaves empty sidecars behind. A writable one removes them if it closes last,
 * but would checkpoint frames that a crash left. So it is read-only if there are frames, otherwise writable with
 * `query_only`. If the folder cannot be written, SQLite can only read the file as `immutable`, without locks. Others
 * may change it meanwhile, so `requireUnchanged` must be called after such a read.
 *
 * @throws database_missing, database_foreign, corrupt, permission
 */
export function openReader(path: string): Client {
  requireOwn(path)
  return attempt(path, () => {
    const client = connectReader(path)
    client.run('PRAGMA query_only = ON')
    client.run('PRAGMA busy_timeout = 5000')
    return client
  })
}

function connectReader(path: string): Client {
  if (sizeOf(`${path}-wal`) > 0 || sizeOf(`${path}-journal`) > 0) return new Client(path, { readonly: true })
  if (canWrite(path) && canWrite(dirname(resolve(path)))) return new Client(path, { readwrite: true })
  const stamp = settledStamp(path)
  const client = connectImmutable(path)
  unlocked.set(client, { path, stamp })
  return client
}

/** Reads only the file itself: no lock, no log, and nothing is created beside it. */
const connectImmutable = (path: string): Client =>
  new Client(
    `${Bun.pathToFileURL(path).href}?immutable=1`,
    constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
  )

/** Connections that read without locks, and the state of the file when they were opened. */
const unlocked = new WeakMap<Client, { readonly path: string; readonly stamp: string }>()

/** A change within the same tick of the file system's clock would not show. So wait until the last change is older. */
const tickMs = 50

function settledStamp(path: string): string {
  const age = Date.now() - statSync(path).mtimeMs
  if (age >= 0 && age < tickMs) Bun.sleepSync(tickMs - age)
  return stampOf(path)
}

function stampOf(path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
  return [ino, size, mtimeNs, ctimeNs, sizeOf(`${path}-wal`)].join()
}

/**
 * Call this after reading. If somebody wrote, what a connection without locks has read is invalid.
 *
 * @throws busy
 */
export function requireUnchanged(client: Client): void {
  const read = unlocked.get(client)
  if (read === undefined || stampOf(read.path) === read.stamp) return
  throw new LatchkeyError(
    'busy',
    `${read.path} was written to while it was read, and this user may not lock it`,
    'run it again, or as a user who may write to the folder of the database',
  )
}

/**
 * Runs `work` on a reading connection. Without locks, its result is refused if somebody wrote meanwhile.
 *
 * @throws database_missing, database_foreign, corrupt, permission, busy, and what `work` throws
 */
export function reading<T>(path: string, work: (client: Client, identity: Identity) => T): T {
  return attempt(path, () => {
    using client = openReader(path)
    const result = work(client, requireOurs(client, path))
    requireUnchanged(client)
    return result
  })
}

/**
 * Opens for writing: WAL, foreign keys, full durability. Waits 100 ms for a lock; `transaction.ts` waits longer without
 * blocking the event loop.
 *
 * @throws database_missing, database_foreign, database_readonly, corrupt, permission
 */
export function openWriter(path: string): Client {
  requireOwn(path)
  attempt(path, () => openSidecars(path))
  requireWholeLog(path)
  return attempt(path, () =>
    orClosed(new Client(path, { readwrite: true }), client => {
      client.run('PRAGMA busy_timeout = 5000')
      client.run('PRAGMA journal_mode = WAL')
      client.run('PRAGMA foreign_keys = ON')
      client.run('PRAGMA synchronous = FULL')
      client.run('PRAGMA busy_timeout = 100')
      return client
    }),
  )
}

/**
 * Refuses a file that does not belong to Latchkey, without touching it or anything beside it. The application id is in
 * the file from the start, so the log is not needed to check it.
 *
 * @throws database_missing, database_foreign, corrupt, permission
 */
export function requireOwn(path: string): void {
  requireFile(path)
  attempt(path, () => {
    for (let tries = 1; ; tries++) {
      try {
        return look(path)
      } catch (error) {
        if (!codeOf(error).startsWith('SQLITE_CORRUPT')) throw error
        if (isHalfCheckpointed(path)) return
        if (tries === mostLooks) throw error
        // Without a lock, pages that another process is writing may be read half written. Real damage stays.
        Bun.sleepSync(tries)
      }
    }
  })
}

const mostLooks = 10

/**
 * Whether the file is shorter than its header says, and the log has the rest: a checkpoint writes the header first, and
 * was killed, or is still running. Whoever reads the log reads all of it.
 *
 * @throws database_foreign
 */
function isHalfCheckpointed(path: string): boolean {
  const header = Buffer.alloc(100)
  const file = openSync(path, 'r')
  try {
    if (readSync(file, header, 0, header.length, 0) < header.length) return false
  } finally {
    closeSync(file)
  }
  // The format is in sqlite.org/fileformat2.html#the_database_header.
  const size = header.readUInt16BE(16)
  const pages = Math.floor(sizeOf(path) / (size === 1 ? 65_536 : size))
  const expected = header.readUInt32BE(28)
  if (pages >= expected || sizeOf(logOf(path)) === 0 || !holdsPages(logOf(path), pages, expected))
    return false
  if (header.readUInt32BE(68) !== applicationId) throw foreign(path)
  return true
}

function look(path: string): void {
  using client = connectImmutable(path)
  requireOurs(client, path)
}

/**
 * Refuses a database whose log SQLite would only read in part, because the next write would remove the rest.
 *
 * @throws corrupt
 */
export function requireWholeLog(path: string): void {
  const damage = attempt(path, () => (endsEarly(path) ? logDamage(path) : undefined))
  if (damage !== undefined) throw damage
}

/** The problem of the log of a Latchkey database. Reads all of it; others may write to it meanwhile. */
export function logDamage(path: string): LatchkeyError | undefined {
  const log = logOf(path)
  if (sizeOf(log) === 0) return undefined
  const { end, brokenAt, lost } = logState(log)
  if (end !== 'damaged') return undefined
  // A log that is being written or restarted looks damaged too, whenever that happens. Real damage stays.
  for (let tries = 1; tries < mostLooks; tries++) {
    Bun.sleepSync(tries)
    const again = logState(log)
    if (again.end !== 'damaged' || again.brokenAt !== brokenAt) return undefined
  }
  const what = lost === 1 ? 'a transaction' : `${lost ?? 'all'} transactions`
  return new LatchkeyError(
    'corrupt',
    `${log} is damaged: SQLite does not read ${what} in it, and the next write would remove them`,
    'keep what can be read with: latchkey backup create; then go on from there, which moves the damaged files aside, with: latchkey restore --latest',
  )
}

/** Whether SQLite sees only a part of the log. */
function endsEarly(path: string): boolean {
  const log = logOf(path)
  if (sizeOf(log) === 0) return false
  using client = new Client(path, { readonly: true })
  client.run('PRAGMA busy_timeout = 5000')
  client.query('SELECT count(*) FROM sqlite_schema').get()
  // In this order, because others may write meanwhile.
  const last = lastCommit(log)
  const { log: frames } = client.query('PRAGMA wal_checkpoint(NOOP)').get() as { log: number }
  return frames < last
}

const logOf = (path: string): string => `${path}-wal`

/**
 * SQLite gives sidecars the mode that the database has at that time. If the database was read-only then, they stay
 * read-only, and keep out even their owner.
 */
function openSidecars(path: string): void {
  for (const suffix of sidecars) {
    const stat = statSync(path + suffix, { throwIfNoEntry: false })
    if (stat === undefined || stat.uid !== process.geteuid?.() || (stat.mode & 0o600) === 0o600) continue
    chmodSync(path + suffix, (stat.mode & 0o777) | 0o600)
  }
}

/** The header of a database: its application id and schema version. */
export interface Identity {
  readonly ours: boolean
  readonly version: number
}

export function identify(client: Client): Identity {
  const { application_id } = client.query('PRAGMA application_id').get() as { application_id: number }
  const { user_version } = client.query('PRAGMA user_version').get() as { user_version: number }
  return { ours: application_id === applicationId, version: user_version }
}

/**
 * Refuses a database that this program must not use.
 *
 * @throws database_foreign, schema_older, schema_newer
 */
export function requireCurrent(client: Client, path: string): void {
  const identity = requireOurs(client, path)
  if (identity.version < latestVersion) {
    throw new LatchkeyError(
      'schema_older',
      `${path} has schema version ${identity.version}; this program needs ${latestVersion}`,
      'bring it up to date (a backup is taken first) with: latchkey migrate up',
    )
  }
  if (identity.version > latestVersion) throw newer(path, identity.version)
}

/** @throws database_foreign */
export function requireOurs(client: Client, path: string): Identity {
  const identity = identify(client)
  if (!identity.ours) throw foreign(path)
  return identity
}

const foreign = (path: string): LatchkeyError =>
  new LatchkeyError(
    'database_foreign',
    `${path} is a SQLite database, but not one of Latchkey's`,
    'name another file: --db FILE, LATCHKEY_DB, or db in latchkey.toml',
  )

export function newer(path: string, version: number): LatchkeyError {
  return new LatchkeyError(
    'schema_newer',
    `${path} has schema version ${version}, which is newer than this program knows (${latestVersion})`,
    'use the newer Latchkey that wrote it; nothing was changed',
  )
}

/** @throws database_missing, database_foreign, permission */
function requireFile(path: string): void {
  let stat: ReturnType<typeof statSync>
  try {
    stat = statSync(path)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw translate(error, path)
    throw new LatchkeyError(
      'database_missing',
      `there is no database at ${path}`,
      'make a new one with: latchkey init; if there was one before, get it back with: latchkey restore --latest',
    )
  }
  if (!stat.isFile()) {
    throw new LatchkeyError('database_foreign', `${path} is not a file`, 'name the database file with --db')
  }
  // Not opened at all, because SQLite removes the log of an empty file, and that log may contain all that is left.
  if (stat.size === 0) throw corrupt(path)
}

function attempt<T>(path: string, open: () => T): T {
  try {
    return open()
  } catch (error) {
    throw translate(error, path)
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
