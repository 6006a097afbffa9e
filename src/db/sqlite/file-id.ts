/** Identifies files by device and inode, to notice if a path leads to another file than the open one. */
import { statSync } from 'node:fs'
import { LatchkeyError } from '../../contract/errors.ts'

export interface FileId {
  readonly dev: number
  readonly ino: number
}

/** For a path that leads to no file. */
export const nowhere: FileId = { dev: -1, ino: -1 }

const quietly = { throwIfNoEntry: false } as const

export function fileAt(path: string): FileId {
  try {
    return statSync(path, quietly) ?? nowhere
  } catch {
    // Opening it will report why.
    return nowhere
  }
}

export const isSame = (one: FileId, other: FileId): boolean => one.ino === other.ino && one.dev === other.dev

/** The log of a database and its index, if they exist. */
export const logFilesOf = (path: string): readonly FileId[] =>
  ['-wal', '-shm'].map(suffix => fileAt(path + suffix)).filter(file => file !== nowhere)

/**
 * Refuses a database with the log of another that had its name before. SQLite would apply that log to this one.
 *
 * @throws corrupt
 */
export function requireOwnLog(path: string, ofAnother: readonly FileId[]): void {
  if (!logFilesOf(path).some(file => ofAnother.some(other => isSame(file, other)))) return
  throw new LatchkeyError(
    'corrupt',
    `${path} was replaced, and the write-ahead log of the file before still lies beside it`,
    `stop what has it open, remove ${path}-wal and ${path}-shm, start it again; latchkey restore does it all`,
  )
}
