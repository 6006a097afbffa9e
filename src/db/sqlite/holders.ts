/**
 * Finds other processes that have a database open. /proc also shows idle ones, if it can be read. Locks show those that
 * have run a query, everywhere.
 */
import { readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { codeOf } from '../../contract/failure.ts'
import { list, sidecars } from '../../system/files.ts'
import { Client } from './client.ts'
import { requireOwn, requireWholeLog } from './open.ts'

export interface Holder {
  readonly pid: number
  /** Its command line, shortened, with at most two arguments, because others may contain secrets. */
  readonly command: string
}

/** `process 12 (bun serve.ts), process 13 (sqlite3)` */
export const holdersText = (holders: readonly Holder[]): string =>
  holders.map(({ pid, command }) => `process ${pid} (${command})`).join(', ')

/**
 * Other processes that have the database or a sidecar open, even if it was deleted: they continue with a file that
 * nobody else sees. Empty without /proc.
 */
export function holdersOf(path: string): readonly Holder[] {
  const files = namesOf(path)
  return processIds()
    .filter(pid => pid !== process.pid && openFiles(pid).some(file => files.has(file)))
    .map(pid => ({ pid, command: commandOf(pid) }))
}

/** Whether this process has the database or a sidecar open. False without /proc. */
export function isOpenHere(path: string): boolean {
  const files = namesOf(path)
  return openFiles(process.pid).some(file => files.has(file))
}

function namesOf(path: string): ReadonlySet<string> {
  const real = realPath(path)
  return new Set(['', ...sidecars].flatMap(suffix => [real + suffix, `${real}${suffix} (deleted)`]))
}

/**
 * Whether another connection uses the database, according to its locks. A connection that has not run a query is not
 * seen. If nobody uses it, it is checkpointed. Throws errors of SQLite for a damaged file.
 *
 * @throws database_foreign, corrupt
 */
export function isLockedByOthers(path: string): boolean {
  requireOwn(path)
  requireWholeLog(path)
  using client = new Client(path, { readwrite: true })
  try {
    client.run('PRAGMA busy_timeout = 0')
    client.run('PRAGMA locking_mode = EXCLUSIVE')
    client.run('BEGIN EXCLUSIVE')
    client.run('ROLLBACK')
    return false
  } catch (error) {
    if (codeOf(error).startsWith('SQLITE_BUSY')) return true
    throw error
  }
}

/** The target of a path through symbolic links, whether it exists or not. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return resolve(path)
  }
  const link = linkAt(path)
  if (link !== undefined) return realPath(resolve(dirname(path), link))
  return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path))
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
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
