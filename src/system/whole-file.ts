/**
 * Writes text files that are there whole or not at all: built under another name beside the old one, flushed, then
 * renamed over it. Must never leave its own file behind, nor change the mode of the one it replaces.
 */
import { realpathSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { syncFolder } from './new-file.ts'
import { createFolders, giveToOwner } from './ownership.ts'

/** Follows a link to its file. `mode` is that of a file that is new. @throws conflict when something else is there */
export async function writeWhole(path: string, text: string, mode = 0o644): Promise<void> {
  const target = targetOf(path)
  const kept = await modeOf(target, path)
  const draft = `${target}.${crypto.randomUUID()}.tmp`
  try {
    const file = await open(draft, 'wx', mode)
    try {
      giveToOwner(file.fd, target)
      if (kept !== undefined) await file.chmod(kept)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await syncFolder(target)
}

function targetOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

async function modeOf(target: string, path: string): Promise<number | undefined> {
  const found = await stat(target).catch(() => undefined)
  if (found !== undefined && !found.isFile()) {
    throw new LatchkeyError('conflict', `${path} is there already, and is no file`, 'move it away first')
  }
  return found && found.mode & 0o7777
}

/** With those above it. @throws usage when something that is no folder is in the way */
export async function makeFolder(folder: string): Promise<void> {
  try {
    createFolders(folder, 0o755)
  } catch (error) {
    // A link that leads nowhere is there, and what it names is not.
    if (!['EEXIST', 'ENOTDIR', 'ENOENT'].includes(codeOf(error))) throw error
    throw new LatchkeyError('usage', `${folder} is no folder, and cannot be made one`, 'name another folder')
  }
}
