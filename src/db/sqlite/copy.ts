/**
 * Copies a whole database with SQLite itself, because other copies are not consistent while somebody writes. Never in
 * steps, because a busy writer restarts those forever. Never through the file system, because closing a file that is
 * also open as a database here drops its locks.
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
 * Writes a compact copy of one snapshot of the database to an empty private file. Only reads the source. The copy is in
 * rollback-journal mode.
 *
 * @throws database_missing, corrupt (the source), disk_full, permission (the copy)
 */
export function copyTo(source: string, emptyFile: string): void {
  using client = openReader(source)
  try {
    // `query_only` also forbids writing another file. VACUUM INTO does not write to its source.
    client.run('PRAGMA query_only = OFF')
    client.query('VACUUM INTO ?').run(emptyFile)
    requireUnchanged(client)
  } catch (error) {
    throw translate(
      error,
      /^SQLITE_(CORRUPT|NOTADB|BUSY|LOCKED)/.test(codeOf(error)) ? source : dirname(emptyFile),
    )
  }
}

/**
 * Replaces the contents of a live database with those of another file, in one transaction. Processes that have it open
 * keep their snapshots, then see the new rows. Both must have the same page size. Tries again until the deadline,
 * because a writer at the wrong moment makes it fail.
 *
 * @param waitMs how long to try
 * @param whileFrozen runs when nobody can commit any more and nothing is replaced yet; if it throws, nothing is
 *   replaced
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
 * Tries `copyInto` once, in two steps. The first takes the write lock of the live database, which is held until the end
 * (see the documentation of sqlite3_backup_step). The source is private, so nothing restarts the backup.
 *
 * @param live a path, or a `file:` URI of SQLite
 * @throws errors of node:sqlite, for `translateNodeError`
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
 * Copies a file byte by byte in another process, because closing it in this one would drop the locks of SQLite. An
 * existing target keeps its inode and mode.
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
 * Rebuilds a private database, which must not be in WAL mode yet, with this page size. A live database only accepts
 * pages of its own size.
 */
export function setPageSize(path: string, bytes: number): void {
  using client = openPrivate(path)
  client.run(`PRAGMA page_size = ${bytes}`)
  client.run('VACUUM')
}

/** Detects whether anybody has committed to a database since this was created, or since `beginAgain`. */
export class CommitWatch {
  readonly #client: Client
  #first: number

  /** @throws errors of SQLite for a damaged file */
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

  /** SQLite changes it with every commit of another connection. */
  #version(): number {
    return (this.#client.query('PRAGMA data_version').get() as { data_version: number }).data_version
  }
}

/** Opens a file that no other process knows, to build or change a database in it. */
export function openPrivate(path: string): Client {
  const client = new Client(path, { readwrite: true })
  client.run('PRAGMA foreign_keys = ON')
  client.run('PRAGMA synchronous = FULL')
  return client
}

/** Puts a private database into WAL mode, with everything in its one file. It may be renamed once it is closed. */
export function settle(client: Client): void {
  client.run('PRAGMA journal_mode = WAL')
  // After ALTER TABLE RENAME the schema is read again. A checkpoint that had to do it would be locked out.
  client.query('SELECT 1 FROM sqlite_schema').get()
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
}

/** Primary result codes of SQLite that `backup()` can fail with. */
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

/** While somebody writes, `backup()` fails with code 0, "not an error". */
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
