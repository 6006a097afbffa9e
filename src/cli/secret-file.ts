/**
 * Puts new secrets into a file of their own: made anew, readable by its owner alone, on disk before the database
 * knows of them, and gone again when they are not kept. Must never write over anything.
 */
import { accessSync, constants, existsSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import type { CreatedKey } from '../contract/views.ts'

export interface NewSecretFile {
  readonly path: string
  /** Writes one secret as it is, several as NDJSON; resolves when they are on disk. */
  readonly deliver: (created: readonly CreatedKey[]) => Promise<void>
}

/**
 * Makes the file, runs `work`, and takes the file away again when it fails or delivers nothing. A dry run only looks
 * whether it could.
 *
 * @throws conflict when there is something of that name, usage, permission
 */
export async function withNewSecretFile<T>(
  path: string,
  dryRun: boolean,
  work: (file: NewSecretFile) => Promise<T>,
): Promise<T> {
  if (dryRun) {
    requireRoom(path)
    return work({ path, deliver: async () => {} })
  }
  const handle = await create(path)
  let delivered = false
  const deliver = async (created: readonly CreatedKey[]): Promise<void> => {
    await handle.writeFile(textOf(created))
    await handle.sync()
    await syncFolder(path)
    delivered = true
  }
  try {
    const result = await work({ path, deliver })
    if (!delivered) await rm(path, { force: true })
    return result
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

function textOf(created: readonly CreatedKey[]): string {
  const [first, second] = created
  if (first !== undefined && second === undefined) return `${first.secret}\n`
  return created.map(({ id, name, secret }) => `${JSON.stringify({ id, name, secret })}\n`).join('')
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (error) {
    throw refusal(path, error)
  }
}

function requireRoom(path: string): void {
  try {
    if (existsSync(path)) throw taken(path)
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw refusal(path, error)
  }
}

/** The name of a new file is on disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function refusal(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EEXIST') return taken(path)
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return error
  return new LatchkeyError(
    'usage',
    `there is no folder ${dirname(path)}`,
    'make it first, or name another file',
  )
}

const taken = (path: string): LatchkeyError =>
  new LatchkeyError('conflict', `${path} is there already`, 'name a new file: a secret overwrites nothing')
