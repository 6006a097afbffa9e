/** How the private copy takes the place of the database: as contents in one transaction, or as a file. */
import { existsSync, linkSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { LatchkeyError } from '../../../../contract/errors.ts'
import { codeOf } from '../../../../contract/failure.ts'
import { type CommitWatch, copyInto, openPrivate } from '../../../../db/sqlite/copy.ts'
import { quickCheck, rowCounts, schemaHash } from '../../../../db/sqlite/inspect.ts'
import { openReader, openWriter } from '../../../../db/sqlite/open.ts'
import { translate } from '../../../../system/errors.ts'
import {
  requireSpace,
  sidecars,
  sizeOf,
  syncFile,
  syncFolder,
  withPrivateFile,
} from '../../../../system/files.ts'
import type { FileContext } from '../../../context.ts'
import type { Depth } from '../contents.ts'
import { keepLateCopy } from './late.ts'

const swapDeadlineMs = 30_000

/**
 * The normal way: one transaction in the live database, seen at once by whoever has it open. What others committed
 * since the safety copy is kept beside the database when it happens in place, and stops the restore otherwise.
 *
 * @param watch made before the safety copy was taken
 * @throws busy, disk_full, corrupt
 */
export async function swapContents(
  context: FileContext,
  copy: string,
  watch: CommitWatch,
  inPlace: boolean,
): Promise<void> {
  const { path } = context
  // The new pages go through the WAL: as much again as the copy.
  requireSpace(dirname(path), sizeOf(copy))
  openWriter(path).close()
  await withPrivateFile(dirname(path), late =>
    copyInto(copy, path, swapDeadlineMs, () => {
      if (!watch.changed) return
      if (!inPlace) throw overtaken(path)
      keepLateCopy(context, late)
    }),
  )
  checkpoint(path)
}

const overtaken = (path: string): LatchkeyError =>
  new LatchkeyError(
    'busy',
    `another process wrote to ${path} while the restore was under way; nothing was changed`,
    'stop that, then restore again; or restore under it, which its users see at once, with --in-place',
  )

/**
 * For a database that is missing, damaged or of another page size: the old files go aside as a set, sidecars
 * first, since a `-wal` that stays would be blended into the restored file; then the copy takes the name at once.
 * Until it has the name, a failure puts everything back.
 *
 * @param readable whether the old database is sound enough to fold its WAL into its file first
 * @returns the names that the old files have now
 */
export function swapFiles(context: FileContext, copy: string, readable: boolean): readonly string[] {
  const { path } = context
  if (readable) foldWal(path)
  const aside = `${path}.replaced-${context.now().toISOString().replace(/[-:.]/g, '')}`
  const undo: (() => void)[] = []
  const moved: string[] = []
  try {
    for (const sidecar of sidecars) {
      if (!existsSync(path + sidecar)) continue
      renameFree(path + sidecar, aside + sidecar)
      undo.push(() => renameSync(aside + sidecar, path + sidecar))
      moved.push(aside + sidecar)
    }
    if (existsSync(path)) {
      undo.push(linkOrMove(path, aside))
      moved.unshift(aside)
    }
    syncFile(copy)
    renameSync(copy, path)
  } catch (error) {
    for (const step of undo.toReversed()) step()
    throw error
  }
  syncFolder(dirname(path))
  return moved
}

/** A second name keeps the first one taken until the copy replaces it; where there are no links, it is moved. */
function linkOrMove(path: string, aside: string): () => void {
  try {
    linkSync(path, aside)
    return () => rmSync(aside)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw error
    renameFree(path, aside)
    return () => renameSync(aside, path)
  }
}

function renameFree(from: string, to: string): void {
  if (existsSync(to)) {
    throw new LatchkeyError('conflict', `${to} exists already`, 'move it away, then restore again')
  }
  renameSync(from, to)
}

/**
 * Folds what is in the `-wal` into the file that is about to be replaced, as far as damage allows: killed between
 * the sidecars and the file, a restore then leaves the old database whole.
 */
function foldWal(path: string): void {
  const client = openPrivate(path)
  try {
    client.run('PRAGMA busy_timeout = 5000')
    client.run('PRAGMA journal_mode = DELETE')
  } catch (error) {
    const known = translate(error, path)
    if (!(known instanceof LatchkeyError) || known.code !== 'corrupt') throw known
  } finally {
    client.close()
  }
}

/** Best effort: with readers about, the pages stay in the WAL, which is as good. */
function checkpoint(path: string): void {
  const client = openWriter(path)
  try {
    client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch (error) {
    if (!codeOf(error).startsWith('SQLITE_BUSY')) throw error
  } finally {
    client.close()
  }
}

/**
 * Looks at the restored database in one snapshot. Peers may have written since, so its rows are not compared.
 *
 * @returns rows per table
 * @throws corrupt
 */
export function recheck(
  path: string,
  expectedSchema: string,
  depth: Depth,
): Readonly<Record<string, number>> {
  const client = openReader(path)
  try {
    // A swap can break pages, not what rows hold, and looking at that takes several times as long.
    client.run('PRAGMA ignore_check_constraints = ON')
    client.run('BEGIN')
    const [damage] = [
      ...(depth === 'contents' ? [] : quickCheck(client)),
      ...(schemaHash(client) === expectedSchema ? [] : ['its schema is not that of the backup']),
    ]
    if (damage === undefined) return rowCounts(client)
    throw new LatchkeyError(
      'corrupt',
      `${path} is not sound after the restore: ${damage}`,
      'check the disk (dmesg), then restore again',
    )
  } finally {
    client.close()
  }
}
