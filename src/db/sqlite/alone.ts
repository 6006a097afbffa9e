/**
 * Work on a database that one process may do at a time. It holds an exclusive transaction on an empty file beside the
 * database. The system releases that when the process ends, so nobody has to guess whether it still runs.
 */
import { rmSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../../contract/failure.ts'
import { createFile } from '../../system/ownership.ts'
import { taken } from '../engine.ts'
import { Client } from './client.ts'
import { translate } from './errors.ts'
import { realPath } from './holders.ts'

/**
 * Runs `work` while nobody else, in this process or another, runs such work on the database at `path`.
 *
 * @throws busy (somebody else does, for all of `waitMs`), permission, and what `work` throws
 */
export async function alone<T>(path: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const lock = `${realPath(path)}-alone`
  const client = await acquire(lock, waitMs)
  try {
    return await work()
  } finally {
    rmSync(lock, { force: true })
    client.close()
  }
}

async function acquire(lock: string, waitMs: number): Promise<Client> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const client = attempt(lock)
    if (client !== undefined) return client
    if (performance.now() >= deadline) throw taken()
    await sleep(10 + Math.random() * 20)
  }
}

/** Undefined if somebody holds it, or removed the file a moment ago. */
function attempt(lock: string): Client | undefined {
  let before = ''
  // Whoever had it before removes it: then this is a lock on a file that nobody else will find.
  const isThere = () => before !== '' && before === stampOf(lock)
  try {
    create(lock)
    before = stampOf(lock)
    const client = lockFile(lock)
    if (client === undefined || isThere()) return client
    client.close()
    return undefined
  } catch (error) {
    if (codeOf(error).startsWith('SQLITE_') && !isThere()) return undefined
    throw translate(error, lock)
  }
}

/** Locks an empty file until the connection is closed; undefined if somebody has locked it. Throws errors of SQLite. */
export function lockFile(path: string): Client | undefined {
  const client = new Client(path, { readwrite: true })
  try {
    client.run('PRAGMA busy_timeout = 0')
    // Nothing is written that a journal beside it could undo.
    client.run('PRAGMA journal_mode = MEMORY')
    client.run('BEGIN EXCLUSIVE')
    return client
  } catch (error) {
    client.close()
    if (codeOf(error).startsWith('SQLITE_BUSY')) return undefined
    throw error
  }
}

/** An existing one is not opened: closing it again would drop a lock that this process holds. */
function create(lock: string): void {
  try {
    createFile(lock, 0o600)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

/** Which file it is; the time tells apart two that had the same inode. Empty for none. */
function stampOf(lock: string): string {
  const file = statSync(lock, { bigint: true, throwIfNoEntry: false })
  return file === undefined ? '' : `${file.dev} ${file.ino} ${file.ctimeNs}`
}
