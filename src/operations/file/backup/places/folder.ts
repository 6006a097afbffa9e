/** Backups in a folder. */
import { createReadStream, rmSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LatchkeyError } from '../../../../contract/errors.ts'
import { codeOf } from '../../../../contract/failure.ts'
import { systemFailure } from '../../../../system/errors.ts'
import { fileFailure, place, replaceFile, syncFolder } from '../../../../system/files.ts'
import { type Location, requireLimit } from './place.ts'

/** @param path absolute */
export function folder(path: string): Location {
  const pathOf = (name: string) => join(path, name)
  return {
    address: path,
    kind: 'folder',
    pathOf,
    list: async () => {
      try {
        return await readdir(path)
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw systemFailure(error, path)
        throw new LatchkeyError(
          'not_found',
          `there is no backup folder at ${path}`,
          'name another with --from, or take a backup with: latchkey backup create',
        )
      }
    },
    size: async name => {
      const stat = statSync(pathOf(name), { throwIfNoEntry: false })
      return stat?.isFile() ? stat.size : undefined
    },
    read: (name, limit) => readFile(pathOf(name), limit),
    add: async (name, file) => place(file, pathOf(name)),
    replace: async (name, text) => replaceFile(pathOf(name), text),
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
    // Reading a pipe or a device could block forever.
    if (!statSync(path).isFile()) throw missing(path)
    for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
      bytes += chunk.byteLength
      requireLimit(path, bytes, limit)
      yield chunk
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') throw missing(path)
    throw systemFailure(error, path)
  }
}

const missing = (path: string): LatchkeyError =>
  new LatchkeyError('not_found', `there is no file at ${path}`, 'list backups with: latchkey backup list')
