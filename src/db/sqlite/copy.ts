/**
 * Copies of a whole database, made by SQLite itself: the only ones that are consistent while others write. Never in
 * steps (a busy writer makes that start over for ever), and never through the file system, where closing a file
 * that this process also has open as a database would drop its locks.
 */
import { dirname, resolve } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import { Client } from './client.ts'
import { translate } from './errors.ts'
import { openReader, requireUnchanged } from './open.ts'

/**
 * Writes a compact copy of the database, as of one moment, into an empty file; the caller has made it, private.
 * The source is only read. The copy is in rollback-journal mode.
 *
 * @throws database_missing, corrupt (the source), disk_full, permission (the copy)
 */
export function copyTo(source: string, emptyFile: string): void {
  const client = openReader(source)
  try {
    // Even writing another file counts as a write to query_only. VACUUM INTO does not write to its source.
    client.run('PRAGMA query_only = OFF')
    client.query('VACUUM INTO ?').run(emptyFile)
    requireUnchanged(client)
  } catch (error) {
    throw translate(
      error,
      /^SQLITE_(CORRUPT|NOTADB|BUSY|LOCKED)/.test(codeOf(error)) ? source : dirname(emptyFile),
    )
  } finally {
    client.close()
  }
}

/**
 * Replaces what is in a live database by what is in another file, in one transaction: processes that have it open
 * go on reading what they saw, then see the new rows. Both must have the same page size. Tried again until the
 * deadline, since a single writer at the wrong moment makes it fail.
 *
 * @param waitMs how long to go on trying
 * @param whileFrozen runs when nobody can commit any more and nothing has been replaced yet; what it throws takes
 *   everything back
 * @throws busy, disk_full, corrupt, and what `whileFrozen` throws
 */
export async function copyInto(
  source: string,
  live: string,
  waitMs: number,
  whileFrozen: () => void = () => {},
): Promise<void> {
  const deadline = performance.now() + waitMs
  for (;;) {
    try {
      await copyOnce(source, live, whileFrozen)
      return
    } catch (error) {
      if (!isBusy(error)) throw translateNodeError(error, live)
      if (performance.now() >= deadline) throw busy(live, error)
      await sleep(20)
    }
  }
}

/**
 * One try of `copyInto`, in two steps. The first takes the write lock of the live database and keeps it until the end
 * (SQLite's documentation of sqlite3_backup_step); the source is private, so nothing makes the backup start over.
 *
 * @param live a path, or a `file:` address of SQLite's
 * @throws what node:sqlite says, for `translateNodeError`
 */
export async function copyOnce(source: string, live: string, whileFrozen: () => void): Promise<void> {
  const from = new DatabaseSync(source, { readOnly: true })
  try {
    const { page_count: pages } = from.prepare('PRAGMA page_count').get() as { page_count: number }
    let frozen = false
    const progress = (): void => {
      if (!frozen) whileFrozen()
      frozen = true
    }
    await backup(from, live, { rate: Math.max(1, Math.ceil(pages / 2)), progress })
  } finally {
    from.close()
  }
}

/**
 * Copies a file as it is, in another process: closing it in this one would drop SQLite's locks on it. An existing file
 * keeps its inode and its mode.
 *
 * @throws disk_full, corrupt (the source cannot be read), permission
 */
export function copyBytes(source: string, target: string): void {
  const child = Bun.spawnSync(['cp', '--', resolve(source), resolve(target)], {
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  if (child.success) return
  const said = child.stderr.toString().trim()
  if (/No space left|quota exceeded/i.test(said)) throw full(dirname(resolve(target)))
  const code = /Permission denied|Operation not permitted/.test(said) ? 'permission' : 'corrupt'
  throw new LatchkeyError(
    code,
    `${source} could not be copied to ${target} (${said.replace(/^cp: /, '')}); nothing was changed`,
    'look at the disk (dmesg); to do without a copy, move the file away yourself and run the command again',
  )
}

function full(folder: string): LatchkeyError {
  return new LatchkeyError(
    'disk_full',
    `the disk is full: no copy could be written to ${folder}, and nothing was changed`,
    'free some space and run the command again',
  )
}

/**
 * Rebuilds a private database, not yet in WAL mode, with pages of this size: into a live one only pages of its own size
 * can be copied.
 */
export function setPageSize(path: string, bytes: number): void {
  const client = openPrivate(path)
  try {
    client.run(`PRAGMA page_size = ${bytes}`)
    client.run('VACUUM')
  } finally {
    client.close()
  }
}

/** Sees whether anybody has committed to a database since this was made, or asked to begin again. */
export class CommitWatch {
  readonly #client: Client
  #first: number

  /** @throws what SQLite says of a damaged file */
  constructor(path: string) {
    this.#client = new Client(path, { readwrite: true })
    this.#first = this.#version()
  }

  get changed(): boolean {
    return this.#version() !== this.#first
  }

  beginAgain(): void {
    this.#first = this.#version()
  }

  /** May be called again. */
  close(): void {
    this.#client.close()
  }

  /** SQLite moves it with every commit of another connection. */
  #version(): number {
    return (this.#client.query('PRAGMA data_version').get() as { data_version: number }).data_version
  }
}

/** Opens a file that only this process knows of, for building or changing a database in it. */
export function openPrivate(path: string): Client {
  const client = new Client(path, { readwrite: true })
  client.run('PRAGMA foreign_keys = ON')
  client.run('PRAGMA synchronous = FULL')
  return client
}

/** Puts a private database into WAL mode, all of it in its one file: it may be renamed once it is closed. */
export function settle(client: Client): void {
  client.run('PRAGMA journal_mode = WAL')
  // After an ALTER TABLE RENAME the schema is read again, and a checkpoint that does it finds itself locked out.
  client.query('SELECT 1 FROM sqlite_schema').get()
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
}

/** SQLite's primary result codes, as far as `backup()` meets them. */
const sqliteCodes: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
}

function errcodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined
}

/** With a writer at work `backup()` fails with code 0, "not an error". */
function isBusy(error: unknown): boolean {
  const code = errcodeOf(error)
  return code === 0 || code === 5 || code === 6
}

export function translateNodeError(error: unknown, path: string): unknown {
  const name = sqliteCodes[errcodeOf(error) ?? -1]
  if (name === undefined || !(error instanceof Error)) return translate(error, path)
  return translate(Object.assign(new Error(error.message), { code: name }), path)
}

function busy(path: string, cause: unknown): LatchkeyError {
  return new LatchkeyError(
    'busy',
    `the database ${path} is busy: another process goes on writing to it; nothing was changed`,
    'run the command again in a moment; see who has it open with: latchkey health',
    { cause },
  )
}
