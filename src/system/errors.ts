/** Turns what SQLite and the file system say into errors with a code and a next step. */
import { accessSync, constants, existsSync } from 'node:fs'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { shellWord } from '../text/shell-word.ts'

/** The LatchkeyError behind `error`, or `error` itself when it is none that is expected. */
export function translate(error: unknown, path: string): unknown {
  if (error instanceof LatchkeyError) return error
  const cause = deepest(error)
  const code = codeOf(cause)
  const options = { cause }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new LatchkeyError(
      'busy',
      `the database ${path} is busy: another process is writing to it`,
      'run the command again in a moment; latchkey health names who has it open',
      options,
    )
  }
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return corrupt(path, options)
  }
  // SQLite has no other word for a shared-memory file that finds no room.
  if (['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE', 'ENOSPC', 'EDQUOT'].includes(code)) {
    const place = placeOf(cause) ?? path
    return new LatchkeyError(
      'disk_full',
      `the disk is full: ${place} could not be written, and nothing was changed`,
      `free some space (df -h ${shellWord(place)}) and run the command again`,
      options,
    )
  }
  if (code === 'EROFS') {
    const place = placeOf(cause) ?? path
    return new LatchkeyError(
      'permission',
      `${place} cannot be written: its disk is read-only`,
      `check the disk with: findmnt --target ${shellWord(place)}`,
      options,
    )
  }
  const closed = code.startsWith('SQLITE_') ? closedSidecar(path) : undefined
  if (closed !== undefined && /^SQLITE_(READONLY|CANTOPEN|PERM)/.test(code)) {
    return new LatchkeyError(
      'permission',
      `${closed} cannot be written by this user, and the database beside it cannot be used without`,
      `let it belong to the owner of the database: sudo chown --reference=${shellWord(path)} ${shellWord(closed)}`,
      options,
    )
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return new LatchkeyError(
      'database_readonly',
      `the database ${path} cannot be written: it, or its folder, is read-only for this user`,
      `check the owner and mode with: ls -ld ${shellWord(path)} ${shellWord(parent(path))}`,
      options,
    )
  }
  if (
    code.startsWith('SQLITE_CANTOPEN') ||
    code.startsWith('SQLITE_PERM') ||
    code === 'EACCES' ||
    code === 'EPERM'
  ) {
    return new LatchkeyError(
      'permission',
      `${path} cannot be opened by this user`,
      `check the owner and mode with: ls -ld ${shellWord(path)} ${shellWord(parent(path))}`,
      options,
    )
  }
  if (code === 'ELOOP' || code === 'ENAMETOOLONG') {
    return new LatchkeyError(
      'config',
      `${path} leads nowhere: ${code === 'ELOOP' ? 'its links go in a circle' : 'its name is too long'}`,
      'name another file',
      options,
    )
  }
  if (code.startsWith('SQLITE_IOERR')) {
    return new LatchkeyError(
      'corrupt',
      `reading or writing ${path} failed (${code})`,
      'look at the disk (dmesg) and run the command again; if the file is lost, restore it with: latchkey restore --latest',
      options,
    )
  }
  return error
}

export function corrupt(path: string, options?: ErrorOptions): LatchkeyError {
  return new LatchkeyError(
    'corrupt',
    `${path} is damaged, or is not a SQLite database`,
    'look for a backup with: latchkey backup list, then: latchkey restore --latest',
    options,
  )
}

/** What the system could not write, where it says; for a file under a private name, which nobody knows, its folder. */
function placeOf(error: unknown): string | undefined {
  const { dest, path } = Object(error)
  const place = dest ?? path
  return typeof place === 'string' ? place.replace(/\/\.latchkey-tmp-[^/]*$/, '') : undefined
}

/** Whether a file system says that it cannot do such a thing at all. Some say EINVAL, FAT says EPERM. */
export const isUnsupported = (error: unknown): boolean =>
  ['EPERM', 'EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error))

/** What keeps somebody who may write to a database from doing so: a log or an index of it that is somebody else's. */
function closedSidecar(path: string): string | undefined {
  if (!isOpen(path)) return undefined
  return ['-wal', '-shm', '-journal']
    .map(suffix => path + suffix)
    .find(sidecar => existsSync(sidecar) && !isOpen(sidecar))
}

function isOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Drizzle wraps what SQLite said, and repeats the parameters of the query in its own message. */
function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? deepest(error.cause) : error
}

const parent = (path: string): string => path.replace(/\/[^/]*$/, '') || '/'
