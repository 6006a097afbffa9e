/**
 * Locks that all programs on one database share: numbers for advisory locks, which other programs there must not use for
 * anything else.
 */
import type { Connection } from './connection.ts'
import { isDeadlock } from './errors.ts'

/**
 * Of whoever changes anything but usage, and of migrations: what BEGIN IMMEDIATE is on SQLite. The commit is then on disk when
 * it is acknowledged, even if the server, the database or the role says by default that nobody waits for that.
 */
export const lockWrites = `SELECT pg_advisory_xact_lock(${0x4c4b_4559_0001}), ${waits()}`

/** For a transaction that another one has that lock for. */
export const waitForDisk = `SELECT ${waits()}`

function waits(): string {
  return "CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END"
}

/** Runs `work` again when the server undid it because of a deadlock. `work` must have left nothing behind then. */
export async function retryDeadlocks<T>(work: () => Promise<T>, most = mostTries): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!isDeadlock(error) || tries === most) throw error
      await pauseAfter(tries)
    }
  }
}

export const mostTries = 5

/** So that two do not meet again. */
export const pauseAfter = (tries: number): Promise<void> => Bun.sleep(Math.random() * 2 ** Math.min(tries, 6))

/**
 * Locks tables for the rest of the transaction. The server takes one after the other, and others take them in another order:
 * if it ends a deadlock by refusing this, all are let go and taken again.
 */
export const lockTables = (connection: Connection, tables: string, mode: string): Promise<void> =>
  retryDeadlocks(async () => {
    await connection.run('SAVEPOINT locks')
    try {
      await connection.run(`LOCK TABLE ${tables} IN ${mode} MODE`)
    } catch (error) {
      if (isDeadlock(error)) await connection.run('ROLLBACK TO SAVEPOINT locks')
      throw error
    }
  }, 20)

/** Of whoever counts a large log. */
export const aloneLock = 0x4c4b_4559_0002

/** Of the thing in $1: for who adds up what it may still reserve, or what it ever used. */
export const lockSubject = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))'

/** Of the key in $1: for who counts its end users. */
export const lockRoom = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 1))'
