/**
 * Files that appear whole or not at all: on disk before anybody relies on them, and gone when the work fails. Most are
 * built under a private name in the folder they are meant for; what a killed run leaves of those is swept by the next.
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
import { checkOwner, isUnsupported, systemFailure } from './errors.ts'
import { createFile, createFolders } from './ownership.ts'
import { isRunning, ownPid } from './processes.ts'

/** What SQLite puts beside a database, and what goes wherever the database goes. */
export const sidecars = ['-wal', '-shm', '-journal'] as const

/** `using file = new PrivateFile(folder)`: an empty file, mode 0600, that is gone afterwards unless it was renamed. */
export class PrivateFile implements Disposable {
  readonly path: string

  /** @param like a file that this one is to replace: made by root, it belongs to the owner of that one, or of the folder */
  constructor(folder: string, like = folder) {
    this.path = privateName(folder)
    try {
      createFile(this.path, 0o600, like)
    } catch (error) {
      throw fileFailure(error, folder)
    }
    inUse.add(this.path)
  }

  [Symbol.dispose](): void {
    for (const suffix of ['', ...sidecars]) discard(this.path + suffix)
    inUse.delete(this.path)
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
 * Replaces the content of a file at once: whoever reads it has the old one or the new one. A link is followed, and the
 * mode of the old file stays.
 *
 * @param mode of a file that is not there yet, before the umask
 * @throws conflict (something else is there), usage (no such folder), permission, disk_full
 */
export function replaceFile(path: string, text: string, mode = 0o600): void {
  const target = existsSync(path) ? realpathSync(path) : path
  const old = statOf(target)
  if (old !== undefined && !old.isFile()) {
    throw new LatchkeyError('conflict', `${path} is there already, and is no file`, 'move it away first')
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
 * Runs `work`, which may write a new file, mode 0600, once: it is on disk when the write returns, overwrites nothing, and
 * is gone again when `work` fails.
 *
 * @param hint what to do when there is something of that name
 * @throws conflict, usage (no such folder), permission, and what `work` throws
 */
export async function withNewFile<T>(
  path: string,
  hint: string,
  work: (write: (text: string) => void) => Promise<T>,
): Promise<T> {
  let isOurs = false
  const write = (text: string): void => {
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

/** Whether a new file could be made. @throws conflict, usage (no such folder), permission */
export function requireFree(path: string, hint: string): void {
  try {
    if (existsSync(path)) throw taken(path, hint)
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw refusal(path, hint, error)
  }
}

/** What went wrong with a folder or a file that is no live database: also that all of it went away meanwhile. */
export function fileFailure(error: unknown, path: string): unknown {
  if (error instanceof LatchkeyError) return error
  const code = codeOf(error)
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return unwritable(error, path)
  if (code !== 'ENOENT') return systemFailure(error, path)
  return new LatchkeyError(
    'config',
    `${path}, or a file in it, went away while it was worked on`,
    `see whether its disk is there, with: df ${shellWord(path)}`,
    { cause: error },
  )
}

export const unwritable = (cause: unknown, path: string): LatchkeyError =>
  new LatchkeyError(
    'permission',
    `${path} cannot be written by this user${codeOf(cause) === 'EROFS' ? ': its disk is read-only' : ''}`,
    checkOwner(path),
    { cause },
  )

/**
 * Creates the folder with those above it; each belongs to the owner of the one above it.
 *
 * @param blame what it is when something else is in the way: `usage` where the folder was just typed
 * @returns undoes that, as long as the folders are empty: for dry runs and failures
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
      throw new LatchkeyError(blame, `no folder can be created at ${folder}`, 'name another folder')
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

/**
 * Puts the names in a folder on disk. Where that cannot be done, because the file system does not offer it or this user
 * may write to the folder and not read it, the files are as safe as they can be there, and it is no failure
 * (`fsync_fname` in src/common/file_utils.c of PostgreSQL).
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

/** Writes to an empty file of ours, and has it on disk. */
function fill(path: string, text: string, mode: number): void {
  const file = openSync(path, 'r+')
  try {
    fchmodSync(file, mode)
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
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
  new LatchkeyError('conflict', `${path} is there already`, hint)

const noFolder = (folder: string): LatchkeyError =>
  new LatchkeyError('usage', `there is no folder ${folder}`, 'make it first, or name another file')

function notAFolder(path: string, blame: 'config' | 'usage'): LatchkeyError {
  const lost = isLink(path) ? 'it is a link that leads nowhere' : 'a part of its path is a file'
  const why = existsSync(path) ? `${path} is a file` : lost
  return new LatchkeyError(blame, `${path} is not a folder: ${why}`, 'name another folder')
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}

const megabytes = (bytes: number): string => `${Math.ceil(Math.max(0, bytes) / 1_048_576)} MiB`
