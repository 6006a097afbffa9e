/**
 * Which other processes have a database open. /proc names even an idle one, where it may be read; locks see one
 * that has run a query, wherever it is.
 */

import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { Client } from './client.ts'
import { codeOf } from './errors.ts'

export interface Holder {
  readonly pid: number
  /** Its command line, shortened, without arguments beyond the first two: they may hold secrets. */
  readonly command: string
}

/** The processes besides this one that have the database or a sidecar open; empty where there is no /proc. */
export function holdersOf(path: string): readonly Holder[] {
  let real: string
  try {
    real = realpathSync(path)
  } catch {
    return []
  }
  const files = new Set(['', '-wal', '-shm', '-journal'].map(suffix => real + suffix))
  return processIds()
    .filter(pid => pid !== process.pid && openFiles(pid).some(file => files.has(file)))
    .map(pid => ({ pid, command: commandOf(pid) }))
}

/**
 * Whether a connection besides those just opened here has the database in use, as its locks tell: one that has not
 * yet run a query is not seen. Checkpoints the database when nobody has. Throws what SQLite says of a damaged file.
 */
export function isLockedByOthers(path: string): boolean {
  const client = new Client(path, { readwrite: true })
  try {
    client.run('PRAGMA busy_timeout = 0')
    client.run('PRAGMA locking_mode = EXCLUSIVE')
    client.run('BEGIN EXCLUSIVE')
    client.run('ROLLBACK')
    return false
  } catch (error) {
    if (codeOf(error).startsWith('SQLITE_BUSY')) return true
    throw error
  } finally {
    client.close()
  }
}

/** The id of this process, which the names of its temporary files carry. */
export const ownPid: number = process.pid

/** Whether a process with this id is running here, whoever owns it. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function processIds(): readonly number[] {
  return list('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
}

function openFiles(pid: number): readonly string[] {
  return list(`/proc/${pid}/fd`).map(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  })
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, 2).join(' ').trim().slice(0, 80)
  } catch {
    return 'unknown'
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
