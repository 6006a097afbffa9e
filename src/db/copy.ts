/**
 * Copies of a whole database, made by SQLite itself: the only ones that are consistent while others write. Never in
 * steps (a busy writer makes that start over for ever), and never through the file system, where closing a file
 * that this process also has open as a database would drop its locks.
 */

import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../contract/errors.ts'
import { Client } from './client.ts'
import { codeOf, translate } from './errors.ts'
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
 * @throws busy, disk_full, corrupt
 */
export async function copyInto(source: string, live: string, waitMs: number): Promise<void> {
  const deadline = performance.now() + waitMs
  for (;;) {
    try {
      await copyOnce(source, live)
      return
    } catch (error) {
      if (!isBusy(error)) throw translateNodeError(error, live)
      if (performance.now() >= deadline) throw busy(live, error)
      await sleep(20)
    }
  }
}

async function copyOnce(source: string, live: string): Promise<void> {
  const from = new DatabaseSync(source, { readOnly: true })
  try {
    // All pages in one step: steps would let a writer in between, and start over.
    await backup(from, live, { rate: 2_147_483_647 })
  } finally {
    from.close()
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

function translateNodeError(error: unknown, path: string): unknown {
  const name = sqliteCodes[errcodeOf(error) ?? -1]
  if (name === undefined || !(error instanceof Error)) return translate(error, path)
  return translate(Object.assign(new Error(error.message), { code: name }), path)
}

function busy(path: string, cause: unknown): LatchkeyError {
  return new LatchkeyError(
    'busy',
    `the database ${path} is busy: another process goes on writing to it; nothing was changed`,
    'run the command again in a moment; `latchkey health` names who has it open',
    { cause },
  )
}
