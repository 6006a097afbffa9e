/**
 * Ownership of files. What root creates gets the owner of its folder, so that after a `sudo latchkey backup create` the
 * owner of the database can still lock, prune and restore. For other users nothing is done.
 */
import { closeSync, constants, fchownSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../contract/failure.ts'
import { isUnsupported } from './errors.ts'
import { nameOfUser } from './user.ts'

/** Creates a file and gives it to the owner of its folder. Throws errors of the file system, such as EEXIST. */
export function createFile(path: string, mode: number, like = dirname(path)): void {
  const file = openSync(path, 'wx', mode)
  try {
    giveToOwner(file, like)
  } finally {
    closeSync(file)
  }
}

/**
 * Creates a folder and its parents, as `mkdirSync` does. Each gets the owner of its parent.
 *
 * @returns the first that was created; undefined if all existed
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

/** The name of a file's owner. */
export const ownerOf = (path: string): string => nameOfUser(statSync(path).uid)

/**
 * Gives what root just created to the owner of `like`, or of its nearest existing folder.
 *
 * @param file a descriptor, because another user could replace the file under its name
 */
function giveToOwner(file: number, like: string): void {
  if (process.geteuid?.() !== 0) return
  try {
    const { uid, gid } = nearest(like)
    if (uid !== 0) fchownSync(file, uid, gid)
  } catch (error) {
    // Without the permission, as in some containers, or without owners in the file system, it stays root's.
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
