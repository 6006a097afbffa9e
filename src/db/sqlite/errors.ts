/** Turns errors of SQLite and of the file system below it into errors with a code and a next step. */
import { accessSync, constants, existsSync } from 'node:fs'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import { checkOwner, closedTo, diskFull, systemFailure, unwritable } from '../../system/errors.ts'
import { fileFailure, sidecars } from '../../system/files.ts'
import { shellWord } from '../../text/shell-word.ts'

/** A LatchkeyError for an expected error; otherwise `error` itself. */
export function translate(error: unknown, path: string): unknown {
  if (error instanceof LatchkeyError) return error
  const cause = deepest(error)
  const code = codeOf(cause)
  const options = { cause }
  if (!code.startsWith('SQLITE_')) {
    const known = systemFailure(cause, path)
    return known instanceof LatchkeyError ? known : error
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new LatchkeyError(
      'busy',
      `the database ${path} is busy: another process is writing to it`,
      'run the command again in a moment; see who has it open with: latchkey health',
      options,
    )
  }
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return corrupt(path, options)
  }
  // SQLite has no other code for a shared-memory file without room.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') return diskFull(cause, path)
  const closed = closedSidecar(path)
  if (closed !== undefined && /^SQLITE_(READONLY|CANTOPEN|PERM)/.test(code)) {
    return new LatchkeyError(
      'permission',
      `${closed} cannot be written by this user, but the database beside it needs it`,
      `give it to the owner of the database: sudo chown --reference=${shellWord(path)} ${shellWord(closed)}`,
      options,
    )
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return new LatchkeyError(
      'database_readonly',
      `the database ${path} cannot be written: it, or its folder, is read-only for this user`,
      checkOwner(path),
      options,
    )
  }
  if (/^SQLITE_(CANTOPEN|PERM)/.test(code)) return closedTo(cause, path)
  if (code.startsWith('SQLITE_IOERR')) {
    return new LatchkeyError(
      'corrupt',
      `reading or writing ${path} failed (${code})`,
      'check the disk (dmesg) and run the command again; if the file is lost, restore it with: latchkey restore --latest',
      options,
    )
  }
  return error
}

/** The same for a file that is not a live database. */
export function copyFailure(error: unknown, path: string): unknown {
  const code = codeOf(error)
  if (/^SQLITE_(READONLY|CANTOPEN|PERM)/.test(code)) return unwritable(error, path)
  return code.startsWith('SQLITE_') ? translate(error, path) : fileFailure(error, path)
}

export function corrupt(path: string, options?: ErrorOptions): LatchkeyError {
  return new LatchkeyError(
    'corrupt',
    `${path} is damaged, or is not a SQLite database`,
    'list backups with: latchkey backup list, then: latchkey restore --latest',
    options,
  )
}

/** A log or index that belongs to another user, and therefore keeps someone with access to the database from writing. */
function closedSidecar(path: string): string | undefined {
  if (!isOpen(path)) return undefined
  return sidecars.map(suffix => path + suffix).find(sidecar => existsSync(sidecar) && !isOpen(sidecar))
}

function isOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Drizzle wraps errors of SQLite in its own, whose messages repeat the parameters of the query. */
function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? deepest(error.cause) : error
}
