/**
 * Where backups lie: a folder, or a prefix in a bucket. Everything else reads, writes and removes them through this
 * one small interface, by the name of a file in it; nothing here knows what a backup is.
 */

import { createReadStream, rmSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { LatchkeyError } from '../../../../contract/errors.ts'
import { codeOf } from '../../../../contract/failure.ts'
import { translate } from '../../../../system/errors.ts'
import { fileFailure, place, replaceFile, syncFolder } from '../../../../system/files.ts'
import { isAddress, placeProblem } from '../../../../text/address.ts'
import type { FileContext } from '../../../context.ts'
import { type Location, requireLimit } from './place.ts'
import { bucket } from './s3.ts'

/** @throws config when it is the address of something that backups cannot go to */
export function locate(context: Pick<FileContext, 'env'>, where: string): Location {
  requirePlace(where)
  return isAddress(where) ? bucket(where, context.env ?? {}) : folder(resolve(where))
}

/** The location and the name of a file in it. */
export function locateFile(
  context: Pick<FileContext, 'env'>,
  path: string,
): { readonly location: Location; readonly name: string } {
  requirePlace(path)
  if (!isAddress(path)) {
    const file = resolve(path)
    return { location: folder(dirname(file)), name: basename(file) }
  }
  const end = path.lastIndexOf('/')
  return { location: locate(context, path.slice(0, end)), name: path.slice(end + 1) }
}

/** @throws config when backups can neither go there nor come from there */
export function requirePlace(where: string): void {
  const wrong = placeProblem(where)
  if (wrong) throw new LatchkeyError('config', wrong.problem, wrong.hint)
}

/** All of a small file as text. @throws as reading it does */
export async function readText(location: Location, name: string, limit: number): Promise<string> {
  return Buffer.concat(await Array.fromAsync(location.read(name, limit))).toString('utf8')
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
