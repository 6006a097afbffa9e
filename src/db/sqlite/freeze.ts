/**
 * The fastest consistent copy: the WAL is checkpointed into the main file, a reader keeps that from changing, and
 * another process copies it. Writers wait for milliseconds, then write to the WAL. This process must not read the file
 * itself, because closing it would drop the locks of SQLite.
 */
import { truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import { Client } from './client.ts'
import { copyBytes, openPrivate } from './copy.ts'
import { translate } from './errors.ts'
import { requireWholeLog } from './open.ts'

/**
 * Copies the database to an empty private file. The copy is in rollback-journal mode.
 *
 * @returns false if it was not possible, with the file empty again: there are always readers or writers, or the
 *   database cannot be written. Another way may work.
 * @throws corrupt (its log), disk_full, permission
 */
export function copyFrozen(source: string, emptyFile: string): boolean {
  requireWholeLog(source)
  const reader = freeze(source)
  if (reader === undefined) return false
  try {
    copyBytes(source, emptyFile)
  } catch (error) {
    truncateSync(emptyFile, 0)
    if (error instanceof LatchkeyError && error.code === 'disk_full') throw error
    return false
  } finally {
    reader.close()
  }
  using copy = openPrivate(emptyFile)
  try {
    copy.run('PRAGMA journal_mode = DELETE')
    return true
  } catch (error) {
    throw translate(error, dirname(emptyFile))
  }
}

const attempts = 10
const pauseMs = 50

/** A reader of only the main file. While it is open, no checkpoint changes that file. */
function freeze(source: string): Client | undefined {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) Bun.sleepSync(pauseMs)
    const reader = tryFreeze(source)
    if (reader !== undefined) return reader
  }
  return undefined
}

function tryFreeze(source: string): Client | undefined {
  const open: Client[] = []
  const connect = () => {
    const client = new Client(source, { readwrite: true })
    open.push(client)
    client.run('PRAGMA busy_timeout = 1000')
    return client
  }
  try {
    const writer = connect()
    const checkpointer = connect()
    const reader = connect()
    // Checkpoints most of the WAL while writers may still write, so that they wait less later.
    checkpoint(checkpointer)
    writer.run('BEGIN IMMEDIATE')
    if (!checkpoint(checkpointer)) return undefined
    reader.run('BEGIN')
    reader.query('SELECT count(*) FROM sqlite_schema').get()
    writer.run('ROLLBACK')
    open.splice(open.indexOf(reader), 1)
    return reader
  } catch (error) {
    if (/^SQLITE_(BUSY|LOCKED|READONLY|CANTOPEN|PERM)/.test(codeOf(error))) return undefined
    throw translate(error, source)
  } finally {
    for (const client of open) client.close()
  }
}

/** Whether the whole WAL is in the main file now. */
function checkpoint(client: Client): boolean {
  const { log, checkpointed } = client.query('PRAGMA wal_checkpoint(PASSIVE)').get() as {
    log: number
    checkpointed: number
  }
  return log === checkpointed
}
