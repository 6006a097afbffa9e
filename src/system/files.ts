/**
 * Files that appear whole or not at all: they are on disk before anybody uses them, and removed if the work fails. Most
 * are built under a private name in their folder; the next run removes those that a killed run has left.
 */

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  realpathSync,
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
import { isUnsupported, systemFailure, unwritable } from './errors.ts'
import { createFile, createFolders } from './ownership.ts'
import { fateOf, markSource, ownMark } from './processes.ts'

/** The files that SQLite keeps beside a database. */
export const sidecars = ['-wal', '-shm', '-journal'] as const

/** `using file = new PrivateFile(folder)`: an empty file, mode 0600, that is removed afterwards unless it was renamed. */
export class PrivateFile implements Disposable {
  readonly path: string

  /** @param like the file that this one will replace: if root creates it, it gets the owner of that file, or of the folder */
  constructor(folder: string, like = folder) {
    this.path = privateName(folder)
    try {
      createFile(this.path, 0o600, like)
    } catch (error) {
      throw fileFailure(error, folder)
    }
  }

  [Symbol.dispose](): void {
    for (const suffix of ['', ...sidecars]) discard(this.path + suffix)
  }
}

/**
 * Removes files that dead runs have left in `folder`. Best effort: a folder of that name, or another user's file, does no
 * harm.
 */
export function sweep(folder: string): void {
  for (const name of list(folder)) {
    const [, mark] = privateFile.exec(name) ?? []
    if (mark !== undefined && isAbandoned(join(folder, name), mark)) discard(join(folder, name))
  }
}

/**
 * Whether nobody uses a temporary file any more.
 *
 * @param mark of the process that made it
 */
export function isAbandoned(path: string, mark: string): boolean {
  const fate = fateOf(mark)
  if (fate === 'unknown') return Date.now() - (statOf(path)?.mtimeMs ?? Date.now()) > longestUseMs
  return fate === 'ended'
}

/** A process of another container or machine may use its file for this long without writing to it. */
const longestUseMs = 86_400_000

/**
 * Gives a private file its final name, which must be free, and syncs the folder.
 *
 * @throws conflict, permission, disk_full
 */
export function place(file: string, path: string): void {
  try {
    withOpen(file, fsyncSync)
    claim(file, path)
    syncFolder(dirname(path))
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      throw new LatchkeyError(
        'conflict',
        `${path} already exists`,
        'give another path, or move that file away first',
      )
    }
    throw fileFailure(error, dirname(path))
  }
}

/**
 * Replaces a file atomically: readers see the old or the new content. Follows links and keeps the mode of the old file.
 *
 * @param mode of a new file, before the umask
 * @throws conflict (not a file), usage (no such folder), permission, disk_full
 */
export function replaceFile(path: string, text: string | Uint8Array, mode = 0o600): void {
  const target = existsSync(path) ? realpathSync(path) : path
  const old = statOf(target)
  if (old !== undefined && !old.isFile()) {
    throw new LatchkeyError('conflict', `${path} exists and is not a file`, 'move it away first')
  }
  const folder = dirname(target)
  if (!existsSync(folder)) throw noFolder(folder)
  using draft = new PrivateFile(folder, target)
  try {
    fill(draft.path, text, old === undefined ? mode & ~process.umask() : old.mode & 0o7777)
    renameSync(draft.path, target)
    syncFolder(folder)
  } catch (error) {
    throw fileFailure(error, folder)
  }
}

/**
 * Runs `work`, which may write one new file, mode 0600. It overwrites nothing, is on disk when the write returns, and is
 * removed if `work` fails.
 *
 * @param hint what to do if the name is taken
 * @throws conflict, usage (no such folder), permission, and what `work` throws
 */
export async function withNewFile<T>(
  path: string,
  hint: string,
  work: (write: (text: string | Uint8Array) => void) => Promise<T>,
): Promise<T> {
  let isOurs = false
  const write = (text: string | Uint8Array): void => {
    try {
      createFile(path, 0o600)
      isOurs = true
      fill(path, text, 0o600)
      syncFolder(dirname(path))
    } catch (error) {
      throw refusal(path, hint, error)
    }
  }
  try {
    return await work(write)
  } catch (error) {
    if (isOurs) rmSync(path, { force: true })
    throw error
  }
}

/** Checks that a new file can be created. @throws conflict, usage (no such folder), permission */
export function requireFree(path: string, hint: string): void {
  try {
    if (existsSync(path)) throw taken(path, hint)
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw refusal(path, hint, error)
  }
}

/** The error for a folder or file that is not a live database, which may also have disappeared. */
export function fileFailure(error: unknown, path: string): unknown {
  if (error instanceof LatchkeyError) return error
  const code = codeOf(error)
  if (code === 'EACCES' || code === 'EPERM') return unwritable(error, path)
  if (code !== 'ENOENT') return systemFailure(error, path)
  return new LatchkeyError(
    'config',
    `${path}, or a file in it, disappeared while it was in use`,
    `check that its disk is mounted with: df ${shellWord(path)}`,
    { cause: error },
  )
}

/**
 * Creates a folder and its parents. Each gets the owner of its parent.
 *
 * @param blame the error code if something is in the way: `usage` if the folder was just typed
 * @returns removes the new folders if they are empty, for dry runs and failures
 * @throws permission, and `blame`
 */
export function ensureFolder(folder: string, mode = 0o700, blame: 'config' | 'usage' = 'config'): () => void {
  let first: string | undefined
  try {
    first = createFolders(folder, mode)
    if (first === undefined && !statSync(folder).isDirectory()) throw notAFolder(folder, blame)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST' || code === 'ENOTDIR') throw notAFolder(folder, blame)
    if (code === 'ENOENT') {
      throw new LatchkeyError(blame, `no folder can be created at ${folder}`, 'give another folder')
    }
    throw fileFailure(error, folder)
  }
  if (first === undefined) return () => {}
  return () => {
    try {
      for (let path = folder; path.length >= first.length; path = dirname(path)) rmdirSync(path)
    } catch {
      // Somebody is using it by now.
    }
  }
}

/**
 * Checks that the disk has enough space.
 *
 * @param bytes to be written to `folder`, without the margin of 1 MiB
 * @throws disk_full
 */
export function requireSpace(folder: string, bytes: number): void {
  const free = freeBytes(folder)
  if (free >= bytes + 1_048_576) return
  throw new LatchkeyError(
    'disk_full',
    `${folder} has ${megabytes(free)} free and ${megabytes(bytes + 1_048_576)} are needed; nothing was changed`,
    'free some space, remove old backups, or give a folder on another disk',
  )
}

/** Free bytes on the file system of `folder` for this user. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** The file must not be open as a database in this process, because closing it would drop its locks. */
function withOpen(path: string, work: (file: number) => void): void {
  const file = openSync(path, 'r+')
  try {
    work(file)
  } finally {
    closeSync(file)
  }
}

/**
 * Syncs a folder, so that the names in it are on disk. Ignores failures if the file system does not support it, or this
 * user can write to the folder but not read it (as `fsync_fname` in src/common/file_utils.c of PostgreSQL).
 */
export function syncFolder(path: string): void {
  let folder: number | undefined
  try {
    folder = openSync(path, 'r')
    fsyncSync(folder)
  } catch (error) {
    if (!isUnsupported(error) && !(folder === undefined && codeOf(error) === 'EACCES')) throw error
  } finally {
    if (folder !== undefined) closeSync(folder)
  }
}

/** Writes to our own empty file and syncs it. */
function fill(path: string, text: string | Uint8Array, mode: number): void {
  withOpen(path, file => {
    fchmodSync(file, mode)
    writeFileSync(file, text)
    fsyncSync(file)
  })
}

/** Bytes of a file; 0 if it does not exist. */
export const sizeOf = (path: string): number => statOf(path)?.size ?? 0

/** undefined if it cannot be read. Opening it reports why. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

/** Whether this user may write to a file or a folder. */
export function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Names in a folder; empty if it cannot be read. */
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

const privateFile = new RegExp(`^\\.latchkey-tmp-(${markSource})-[0-9a-f]{16}`)

function privateName(folder: string): string {
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')
  return join(folder, `.latchkey-tmp-${ownMark()}-${random}`)
}

/** A link fails if the name is taken. Without hard links, an empty file takes the name first. */
function claim(file: string, path: string): void {
  try {
    linkSync(file, path)
    rmSync(file)
    return
  } catch (error) {
    if (!isUnsupported(error) && codeOf(error) !== 'EMLINK') throw error
  }
  createFile(path, 0o600)
  try {
    renameSync(file, path)
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  }
}

function refusal(path: string, hint: string, error: unknown): unknown {
  const code = codeOf(error)
  if (code === 'EEXIST') return taken(path, hint)
  return code === 'ENOENT' || code === 'ENOTDIR' ? noFolder(dirname(path)) : systemFailure(error, path)
}

const taken = (path: string, hint: string): LatchkeyError =>
  new LatchkeyError('conflict', `${path} already exists`, hint)

const noFolder = (folder: string): LatchkeyError =>
  new LatchkeyError('usage', `there is no folder ${folder}`, 'create it first, or give another file')

function notAFolder(path: string, blame: 'config' | 'usage'): LatchkeyError {
  const lost = isLink(path) ? 'it is a broken link' : 'a part of its path is a file'
  const why = existsSync(path) ? `${path} is a file` : lost
  return new LatchkeyError(blame, `${path} is not a folder: ${why}`, 'give another folder')
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}

const megabytes = (bytes: number): string => `${Math.ceil(Math.max(0, bytes) / 1_048_576)} MiB`
