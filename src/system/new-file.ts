/**
 * Files that a command makes anew: readable by their owner alone, complete and on disk when they are there, and gone
 * again when they cannot be. Must never write over anything.
 */
import { accessSync, constants, existsSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { translate } from './errors.ts'
import { giveToOwner } from './ownership.ts'

/**
 * Runs `work` with a new file to write to. The name is taken first, so that nothing is worked out in vain.
 *
 * @throws conflict when there is something of that name, usage, permission, and what `work` throws
 */
export async function withNewFile<T>(
  path: string,
  work: (write: (text: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const file = await openNew(path, 'name a new file, or write over that one with --force')
  try {
    const result = await work(text => file.writeFile(text))
    await file.sync()
    await syncFolder(path)
    return result
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/** @param hint what to do when there is something of that name @throws conflict, usage, permission */
export async function openNew(path: string, hint: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'wx', 0o600)
    giveToOwner(file.fd, dirname(path))
    return file
  } catch (error) {
    throw refusal(path, hint, error)
  }
}

/** Whether `openNew` could. @throws conflict, usage, permission */
export function requireRoom(path: string, hint: string): void {
  try {
    if (existsSync(path)) throw taken(path, hint)
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw refusal(path, hint, error)
  }
}

/** Puts the name of a file on disk: it is there when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function refusal(path: string, hint: string, error: unknown): unknown {
  const code = codeOf(error)
  if (code === 'EEXIST') return taken(path, hint)
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return translate(error, path)
  return new LatchkeyError(
    'usage',
    `there is no folder ${dirname(path)}`,
    'make it first, or name another file',
  )
}

const taken = (path: string, hint: string): LatchkeyError =>
  new LatchkeyError('conflict', `${path} is there already`, hint)
