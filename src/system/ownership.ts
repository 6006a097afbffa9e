/**
 * Whose files are. What root makes belongs to whoever owns the place it is made in: after one `sudo latchkey backup
 * create` the owner of the database can still lock, prune and restore. For everybody else nothing is done.
 */
import { closeSync, constants, fchownSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../contract/failure.ts'
import { isUnsupported } from './errors.ts'
import { nameOfUser } from './user.ts'

/** Makes a new file, and gives it to the owner of its folder. Throws what the file system says, EEXIST included. */
export function createFile(path: string, mode: number, like = dirname(path)): void {
  const file = openSync(path, 'wx', mode)
  try {
    giveToOwner(file, like)
  } finally {
    closeSync(file)
  }
}

/**
 * Makes a folder with those above it, as `mkdirSync` does; each belongs to the owner of the one above.
 *
 * @returns the first that was made; nothing when all were there
 */
export function createFolders(path: string, mode: number): string | undefined {
  const first = mkdirSync(path, { recursive: true, mode })
  if (first === undefined || process.geteuid?.() !== 0) return first
  for (const folder of foldersBetween(first, path)) {
    const opened = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    try {
      giveToOwner(opened, dirname(folder))
    } finally {
      closeSync(opened)
    }
  }
  return first
}

/** The name of the user that something belongs to. */
export const ownerOf = (path: string): string => nameOfUser(statSync(path).uid)

/**
 * Gives what root has just made to the owner of `like`, or of the nearest folder of that path that is there.
 *
 * @param file a descriptor: by name, somebody who may write to the folder could have put another file in its place
 */
function giveToOwner(file: number, like: string): void {
  if (process.geteuid?.() !== 0) return
  try {
    const { uid, gid } = nearest(like)
    if (uid !== 0) fchownSync(file, uid, gid)
  } catch (error) {
    // A container without the right to, or a file system that knows no owners: then it stays root's.
    if (!isUnsupported(error) && codeOf(error) !== 'EROFS') throw error
  }
}

function nearest(path: string): { readonly uid: number; readonly gid: number } {
  try {
    return statSync(path)
  } catch (error) {
    if (dirname(path) === path) throw error
    return nearest(dirname(path))
  }
}

/** From the outermost to the innermost. */
function foldersBetween(first: string, last: string): readonly string[] {
  return last.length <= first.length ? [first] : [...foldersBetween(first, dirname(last)), last]
}
