/**
 * Files that appear whole or not at all: built under a private name in the folder they are meant for, on disk
 * before they get their own name, and gone when the work fails. What a killed run leaves is swept by the next.
 */

import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { shellWord } from '../text/shell-word.ts'
import { translate } from './errors.ts'
import { createFile, createFolders } from './ownership.ts'
import { isRunning, ownPid } from './processes.ts'

/** What SQLite puts beside a database, and what goes wherever the database goes. */
export const sidecars = ['-wal', '-shm', '-journal'] as const

/**
 * Runs `work` on a new empty file, mode 0600, in `folder`; the file is gone afterwards unless it was renamed.
 *
 * @param like a file that this one is to replace: made by root, it belongs to the owner of that one, or of the folder
 */
export async function withPrivateFile<T>(
  folder: string,
  work: (path: string) => Promise<T>,
  like = folder,
): Promise<T> {
  const path = privateName(folder)
  try {
    createFile(path, 0o600, like)
  } catch (error) {
    throw fileFailure(error, folder)
  }
  inUse.add(path)
  try {
    return await work(path)
  } finally {
    for (const suffix of ['', ...sidecars]) discard(path + suffix)
    inUse.delete(path)
  }
}

/**
 * Removes what runs that no longer exist have left in `folder`. Best effort: what cannot be removed, a folder of such a
 * name or a file of somebody else's, is in nobody's way.
 */
export function sweep(folder: string): void {
  for (const name of list(folder)) {
    const pid = Number(/^\.latchkey-tmp-(\d+)-[0-9a-f]{16}/.exec(name)?.[1] ?? Number.NaN)
    if (Number.isNaN(pid)) continue
    const path = join(folder, name)
    if (isAbandoned(path, pid)) discard(path)
  }
}

/**
 * Gives a private file its own name, which must not be taken, and puts the name on disk.
 *
 * @throws conflict, permission, disk_full
 */
export function place(file: string, path: string): void {
  try {
    syncFile(file)
    claim(file, path)
    syncFolder(dirname(path))
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      throw new LatchkeyError(
        'conflict',
        `${path} exists already`,
        'name another place, or move that file away first',
      )
    }
    throw fileFailure(error, dirname(path))
  }
}

/**
 * Replaces the content of a file at once, keeping nothing of it open to a reader half-way; the file need not exist.
 *
 * @throws permission, disk_full
 */
export async function replaceFile(path: string, content: string): Promise<void> {
  const replace = async (file: string): Promise<void> => {
    try {
      writeFileSync(file, content)
      syncFile(file)
      renameSync(file, path)
      syncFolder(dirname(path))
    } catch (error) {
      throw fileFailure(error, dirname(path))
    }
  }
  await withPrivateFile(dirname(path), replace, path)
}

/** What went wrong with a folder or a file that is no live database: also that all of it went away meanwhile. */
export function fileFailure(error: unknown, path: string): unknown {
  if (error instanceof LatchkeyError) return error
  const code = codeOf(error)
  if (/^(EACCES|EPERM|EROFS|SQLITE_(READONLY|CANTOPEN|PERM).*)$/.test(code)) {
    return new LatchkeyError(
      'permission',
      `${path} cannot be written by this user${code === 'EROFS' ? ': its disk is read-only' : ''}`,
      `check the owner and mode with: ls -ld ${shellWord(path)} ${shellWord(dirname(path))}`,
      { cause: error },
    )
  }
  if (code !== 'ENOENT') return translate(error, path)
  return new LatchkeyError(
    'config',
    `${path}, or a file in it, went away while it was worked on`,
    `see whether its disk is there, with: df ${shellWord(path)}`,
    { cause: error },
  )
}

/**
 * Creates the folder, mode 0700, with those above it; each belongs to the owner of the one above it.
 *
 * @returns undoes that, as long as the folders are empty: for dry runs and failures
 * @throws permission, config (when something else is in the way)
 */
export function ensureFolder(folder: string): () => void {
  let first: string | undefined
  try {
    first = createFolders(folder, 0o700)
    if (first === undefined && !statSync(folder).isDirectory()) throw notAFolder(folder)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST' || code === 'ENOTDIR') throw notAFolder(folder)
    if (code === 'ENOENT') {
      throw new LatchkeyError('config', `no folder can be created at ${folder}`, 'name another folder')
    }
    throw fileFailure(error, folder)
  }
  if (first === undefined) return () => {}
  return () => {
    try {
      for (let path = folder; path.length >= first.length; path = dirname(path)) rmdirSync(path)
    } catch {
      // Somebody has begun to use it.
    }
  }
}

/**
 * Refuses to begin what the disk has no room for.
 *
 * @param bytes what will be written to `folder`, beside a margin of 1 MiB
 * @throws disk_full
 */
export function requireSpace(folder: string, bytes: number): void {
  const free = freeBytes(folder)
  if (free >= bytes + 1_048_576) return
  throw new LatchkeyError(
    'disk_full',
    `${folder} has ${megabytes(free)} free and ${megabytes(bytes + 1_048_576)} are needed; nothing was changed`,
    'free some space, remove old backups, or name a folder on another disk',
  )
}

/** Bytes on the file system of `folder` that this user may still fill. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** A file that is not open as a database in this process: closing it here would drop its locks. */
function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } catch (error) {
    // Some network file systems cannot sync a folder, and say so.
    if (codeOf(error) !== 'EINVAL') throw error
  } finally {
    closeSync(folder)
  }
}

/** Bytes of a file; 0 when there is none. */
export const sizeOf = (path: string): number => statOf(path)?.size ?? 0

/** Nothing when there is nothing to be looked at: why, is told of by what opens it. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

/** Names in a folder; none when it cannot be read. */
export function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch (error) {
    if (codeOf(error) === '') throw error
  }
}

/** The private files of this process: its id in a name does not tell those of an earlier process with the same id. */
const inUse = new Set<string>()

function privateName(folder: string): string {
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')
  return join(folder, `.latchkey-tmp-${ownPid}-${random}`)
}

function isAbandoned(path: string, pid: number): boolean {
  if (pid === ownPid) return ![...inUse].some(file => path.startsWith(file))
  return !isRunning(pid)
}

/** A link fails when the name is taken. Where there are no hard links, an empty file takes the name first. */
function claim(file: string, path: string): void {
  try {
    linkSync(file, path)
    rmSync(file)
    return
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))) throw error
  }
  createFile(path, 0o600)
  try {
    renameSync(file, path)
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  }
}

function notAFolder(path: string): LatchkeyError {
  const lost = isLink(path) ? 'it is a link that leads nowhere' : 'a part of its path is a file'
  const why = existsSync(path) ? `${path} is a file` : lost
  return new LatchkeyError('config', `${path} is not a folder: ${why}`, 'name another folder')
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}

const megabytes = (bytes: number): string => `${Math.ceil(Math.max(0, bytes) / 1_048_576)} MiB`
