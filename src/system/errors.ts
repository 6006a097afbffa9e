/** Turns what the file system says into errors with a code and a next step. */
import { dirname } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { shellWord } from '../text/shell-word.ts'

/** A LatchkeyError for an expected error; otherwise `error` itself. */
export function systemFailure(error: unknown, path: string): unknown {
  if (error instanceof LatchkeyError) return error
  const code = codeOf(error)
  const options = { cause: error }
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(error, path)
  if (code === 'EROFS') {
    const place = placeOf(error) ?? path
    return new LatchkeyError(
      'permission',
      `${place} cannot be written: its disk is read-only`,
      `check the disk with: findmnt --target ${shellWord(place)}`,
      options,
    )
  }
  if (code === 'EACCES' || code === 'EPERM') return closedTo(error, path)
  if (code === 'ELOOP' || code === 'ENAMETOOLONG') {
    return new LatchkeyError(
      'config',
      `${path} cannot be opened: ${whyUnreadable(error)}`,
      'name another file',
      options,
    )
  }
  return error
}

/** @param error may name what it was that could not be written */
export function diskFull(error: unknown, path: string): LatchkeyError {
  const place = placeOf(error) ?? path
  return new LatchkeyError(
    'disk_full',
    `the disk is full: ${place} could not be written, and nothing was changed`,
    `free some space (df -h ${shellWord(place)}) and run the command again`,
    { cause: error },
  )
}

export const closedTo = (cause: unknown, path: string): LatchkeyError =>
  new LatchkeyError('permission', `${path} cannot be opened by this user`, checkOwner(path), { cause })

export const unwritable = (cause: unknown, path: string): LatchkeyError =>
  new LatchkeyError('permission', `${path} cannot be written by this user`, checkOwner(path), { cause })

export const checkOwner = (path: string): string =>
  `check the owner and mode with: ls -ld ${shellWord(path)} ${shellWord(dirname(path))}`

/** Why something could not be read, after "cannot read PATH: ". */
export function whyUnreadable(error: unknown): string {
  const code = codeOf(error)
  return unreadable[code] ?? (code || String(error))
}

const unreadable: Readonly<Record<string, string | undefined>> = {
  ENOENT: 'it does not exist',
  EISDIR: 'it is a folder',
  ENOTDIR: 'it, or a part of its path, is a file and not a folder',
  EACCES: 'this user may not',
  ELOOP: 'its links form a loop',
  ENAMETOOLONG: 'its name is too long',
}

/** What could not be written, if known. For a file with a name of ours, its folder. */
function placeOf(error: unknown): string | undefined {
  const { dest, path } = Object(error)
  const place = dest ?? path
  return typeof place === 'string' ? place.replace(/\/\.latchkey-[^/]*$/, '') : undefined
}

/** Whether the file system does not support an operation. Some report EINVAL, FAT reports EPERM. */
export const isUnsupported = (error: unknown): boolean =>
  ['EPERM', 'EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error))
