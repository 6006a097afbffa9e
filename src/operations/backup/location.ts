/**
 * Where backups lie: a folder, or a prefix in a bucket. Everything else reads, writes and removes them through this
 * one small interface, by the name of a file in it; nothing here knows what a backup is.
 */
import { createReadStream, rmSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isAddress } from '../../address.ts'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import { translate } from '../../db/errors.ts'
import type { FileContext } from '../context.ts'
import { fileFailure, place, replaceFile, syncFolder } from '../files.ts'
import { bucket } from './s3.ts'

export interface Location {
  /** The absolute path of the folder, or `s3://bucket/prefix`. */
  readonly address: string
  readonly kind: 'folder' | 's3'
  /** How people name a file in it. */
  readonly pathOf: (name: string) => string
  /**
   * The names of all files in it, not of those below it.
   *
   * @throws not_found (no such folder or bucket), permission, busy (no answer)
   */
  readonly list: () => Promise<readonly string[]>
  /** Bytes of a file; undefined when there is none. */
  readonly size: (name: string) => Promise<number | undefined>
  /**
   * The bytes of a file in order.
   *
   * @param limit how many there may be: neither a store that goes on sending nor a stranger's file is read to its end
   * @throws not_found, checksum (there are more), permission, busy (no answer)
   */
  readonly read: (name: string, limit: number) => AsyncIterable<Uint8Array>
  /**
   * Takes a finished private file in under a name that must be free: it is complete and durable when the promise
   * resolves, and not there at all when it rejects.
   *
   * @param count told how many bytes have been read back, where that is how they are checked
   * @throws conflict, disk_full, permission, checksum (other bytes arrived than were sent), busy
   */
  readonly add: (name: string, file: string, sha256: string, count?: (bytes: number) => void) => Promise<void>
  /** Writes a small text at once, over one that is there. @throws disk_full, permission, busy */
  readonly replace: (name: string, text: string) => Promise<void>
  /** Removes a file, for good when the promise resolves; it may be missing. @throws permission, busy */
  readonly remove: (name: string) => Promise<void>
}

/** @throws config when it is the address of something that backups cannot go to */
export function locate(context: Pick<FileContext, 'env'>, where: string): Location {
  return isAddress(where) ? bucket(where, context.env ?? {}) : folder(resolve(where))
}

/** The location and the name of a file in it. */
export function locateFile(
  context: Pick<FileContext, 'env'>,
  path: string,
): { readonly location: Location; readonly name: string } {
  if (!isAddress(path)) {
    const file = resolve(path)
    return { location: folder(dirname(file)), name: basename(file) }
  }
  const end = path.lastIndexOf('/')
  return { location: locate(context, path.slice(0, end)), name: path.slice(end + 1) }
}

/** All of a small file as text. @throws as reading it does */
export async function readText(location: Location, name: string, limit: number): Promise<string> {
  return Buffer.concat(await Array.fromAsync(location.read(name, limit))).toString('utf8')
}

/** @throws checksum */
export function requireLimit(path: string, bytes: number, limit: number): void {
  if (bytes <= limit) return
  throw new LatchkeyError(
    'checksum',
    `${path} is larger than it can be: it has more than ${limit} bytes`,
    'find a backup that is sound with: latchkey backup verify --all',
  )
}

function folder(path: string): Location {
  const pathOf = (name: string) => join(path, name)
  return {
    address: path,
    kind: 'folder',
    pathOf,
    list: async () => {
      try {
        return await readdir(path)
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw translate(error, path)
        throw new LatchkeyError(
          'not_found',
          `there is no folder of backups at ${path}`,
          'name the right one with --from, or make a backup with: latchkey backup create',
        )
      }
    },
    size: async name => {
      const stat = statSync(pathOf(name), { throwIfNoEntry: false })
      return stat?.isFile() ? stat.size : undefined
    },
    read: (name, limit) => readFile(pathOf(name), limit),
    add: async (name, file) => place(file, pathOf(name)),
    replace: (name, text) => replaceFile(pathOf(name), text),
    remove: async name => {
      try {
        rmSync(pathOf(name), { force: true })
        syncFolder(path)
      } catch (error) {
        throw fileFailure(error, path)
      }
    },
  }
}

const chunkBytes = 1_048_576

async function* readFile(path: string, limit: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  try {
    // A pipe or a device in the place of a backup would be waited on for ever.
    if (!statSync(path).isFile()) throw missing(path)
    for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
      bytes += chunk.byteLength
      requireLimit(path, bytes, limit)
      yield chunk
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') throw missing(path)
    throw translate(error, path)
  }
}

const missing = (path: string): LatchkeyError =>
  new LatchkeyError(
    'not_found',
    `there is no file at ${path}`,
    'see what there is with: latchkey backup list',
  )
