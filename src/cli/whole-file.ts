/**
 * Writes text files that are there whole or not at all: built under another name beside the old one, flushed, then
 * renamed over it. Must never leave its own file behind, nor change the mode of the one it replaces.
 */
import { realpathSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { syncFolder } from './new-file.ts'

/** Follows a link to its file. `mode` is that of a file that is new. */
export async function writeWhole(path: string, text: string, mode = 0o644): Promise<void> {
  const target = targetOf(path)
  const kept = await modeOf(target)
  const draft = `${target}.${crypto.randomUUID()}.tmp`
  try {
    const file = await open(draft, 'wx', mode)
    try {
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

async function modeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found && found.mode & 0o7777
}
