/**
 * Gets a backup back. Everything is done beside the database first: the copy is verified in full, migrated and
 * written into the audit trail before the database is touched, then swapped in at once. On any failure, a kill at
 * any moment included, the database is the old one or the new one, whole.
 */
import { chmodSync, existsSync, linkSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Backup, Restored } from '../../contract/views.ts'
import type { Client } from '../../db/client.ts'
import { copyInto, openPrivate, settle } from '../../db/copy.ts'
import { codeOf, translate } from '../../db/errors.ts'
import { type Holder, holdersOf, isLockedByOthers } from '../../db/holders.ts'
import { pageSize, quickCheck, rowCounts, schemaHash } from '../../db/inspect.ts'
import { migrateTo, requireHistory } from '../../db/migrate.ts'
import { latestVersion } from '../../db/migrations.ts'
import { newer, openReader, openWriter, requireOurs } from '../../db/open.ts'
import { programVersion } from '../../version.ts'
import type { FileContext } from '../context.ts'
import { createUnlocked } from './create.ts'
import {
  ensureFolder,
  requireSpace,
  sidecars,
  sizeOf,
  sweep,
  syncFile,
  syncFolder,
  withPrivateFile,
} from './files.ts'
import { type ChooseBackup, chooseBackup } from './list.ts'
import { withLock } from './lock.ts'
import { type StoredBackup, toView } from './manifest.ts'
import { recordInside } from './trail.ts'
import { restoreInto } from './verify.ts'

export interface Restore extends ChooseBackup {
  /** The database to restore; default the context's. */
  readonly to?: string | undefined
  /** Restores into a database that other processes have open: they go on, and see the restored rows. */
  readonly force?: boolean | undefined
}

/**
 * Restores a verified backup over the database, or where there is none. What is there is backed up first if it can
 * be read (reason `pre-restore`), and moved aside if it is damaged. A dry run ends after the verification.
 *
 * @throws busy (naming who has the database open), not_found, ambiguous, checksum, corrupt, schema_newer, drift,
 *   database_foreign, disk_full, permission, usage
 */
export async function restore(context: FileContext, options: Restore): Promise<Restored> {
  const stored = chooseBackup(context, options)
  const path = realPath(resolve(options.to ?? context.path))
  const target: FileContext = { ...context, path }
  const run = () => restoreTo(target, stored, options.force ?? false)
  return withLock(target, resolve(context.backupDir), run)
}

async function restoreTo(context: FileContext, stored: StoredBackup, force: boolean): Promise<Restored> {
  const folder = dirname(context.path)
  const removeFolder = ensureFolder(folder)
  try {
    if (!context.dryRun) sweep(folder)
    requireSpace(folder, stored.manifest.rawSizeBytes)
    return await withPrivateFile(folder, async copy => {
      await restoreInto(stored, copy)
      requireUsable(copy, stored)
      if (!context.dryRun) return swapIn(context, stored, copy, force)
      return {
        path: context.path,
        backup: toView(stored),
        safetyBackup: null,
        movedAside: [],
        schemaVersion: latestVersion,
        rows: stored.manifest.rows,
        before: readLive(context.path).rows,
      }
    })
  } catch (error) {
    throw translate(error, context.path)
  } finally {
    // Empty only when nothing was restored into it.
    removeFolder()
  }
}

async function swapIn(
  context: FileContext,
  stored: StoredBackup,
  copy: string,
  force: boolean,
): Promise<Restored> {
  const { path } = context
  const live = readLive(path)
  requireNoUsers(path, force)
  const safetyBackup = live.state === 'readable' ? await takeSafetyCopy(context) : null
  const sound = live.state === 'readable' && safetyBackup !== null
  try {
    const expected = prepareCopy(context, stored, copy, safetyBackup)
    let movedAside: readonly string[] = []
    if (sound && live.pageSize === stored.manifest.pageSize) await swapContents(copy, path)
    else {
      // Peers would go on writing to a file that has lost its name, so not even force goes on here.
      requireNoUsers(path, false)
      if (live.state === 'readable') foldWal(path)
      movedAside = swapFiles(context, copy)
    }
    chmodSync(path, 0o600)
    return {
      path,
      backup: toView(stored),
      safetyBackup,
      movedAside,
      schemaVersion: latestVersion,
      rows: recheck(path, expected),
      before: sound ? live.rows : null,
    }
  } catch (error) {
    throw withUndo(translate(error, path), safetyBackup)
  }
}

/** The state of what a restore is about to replace. A healthy database of somebody else's is never replaced. */
type Live =
  | { readonly state: 'readable'; readonly rows: Readonly<Record<string, number>>; readonly pageSize: number }
  | { readonly state: 'missing' | 'damaged'; readonly rows: null; readonly pageSize: null }

function readLive(path: string): Live {
  let client: Client | undefined
  try {
    client = openReader(path)
    requireOurs(client, path)
    return { state: 'readable', rows: rowCounts(client), pageSize: pageSize(client) }
  } catch (error) {
    const known = translate(error, path)
    if (!(known instanceof LatchkeyError)) throw known
    if (known.code === 'database_missing') return { state: 'missing', rows: null, pageSize: null }
    if (known.code === 'corrupt') return { state: 'damaged', rows: null, pageSize: null }
    throw known
  } finally {
    client?.close()
  }
}

/** null when the database turns out to be damaged while it is copied. */
async function takeSafetyCopy(context: FileContext): Promise<Backup | null> {
  try {
    return await createUnlocked(context, { reason: 'pre-restore' })
  } catch (error) {
    if (error instanceof LatchkeyError && error.code === 'corrupt') return null
    throw error
  }
}

/** @throws schema_newer, drift */
function requireUsable(copy: string, stored: StoredBackup): void {
  const client = openPrivate(copy)
  try {
    const name = `the backup ${stored.manifest.id}`
    const { version } = requireOurs(client, name)
    if (version > latestVersion) throw newer(name, version)
    requireHistory(client, name)
  } finally {
    client.close()
  }
}

/**
 * Brings the private copy to what the database will be: migrated, with its audit row, in WAL mode.
 *
 * @returns its schema, to know it by once it is in place
 */
function prepareCopy(
  context: FileContext,
  stored: StoredBackup,
  copy: string,
  safety: Backup | null,
): string {
  const client = openPrivate(copy)
  try {
    const stamp = { now: context.now().getTime(), programVersion, direction: 'up' as const }
    migrateTo(client, context.path, latestVersion, stamp)
    client.run('BEGIN IMMEDIATE')
    recordInside(context, client, {
      action: 'database.restore',
      after: {
        backup: stored.manifest.id,
        takenAt: stored.manifest.createdAt.toISOString(),
        safetyBackup: safety?.id ?? null,
        schemaVersion: stored.manifest.schemaVersion,
      },
    })
    client.run('COMMIT')
    settle(client)
    return schemaHash(client)
  } finally {
    client.close()
  }
}

const swapDeadlineMs = 30_000

/** The normal way: one transaction in the live database, seen at once by whoever has it open. */
async function swapContents(copy: string, path: string): Promise<void> {
  // The new pages go through the WAL: as much again as the copy.
  requireSpace(dirname(path), sizeOf(copy))
  openWriter(path).close()
  await copyInto(copy, path, swapDeadlineMs)
  checkpoint(path)
}

/**
 * For a database that is missing, damaged or of another page size: the old files go aside as a set, sidecars
 * first, since a `-wal` that stays would be blended into the restored file; then the copy takes the name at once.
 * Until it has the name, a failure puts everything back.
 *
 * @returns the names that the old files have now
 */
function swapFiles(context: FileContext, copy: string): readonly string[] {
  const { path } = context
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
 */
function recheck(path: string, expectedSchema: string): Readonly<Record<string, number>> {
  const client = openReader(path)
  try {
    client.run('BEGIN')
    const [damage] = [
      ...quickCheck(client),
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

/** @throws busy, naming them */
function requireNoUsers(path: string, force: boolean): void {
  if (force) return
  const holders = holdersOf(path)
  if (holders.length === 0 && !isLocked(path)) return
  const who = holders.length === 0 ? 'another connection' : holders.map(describeHolder).join(', ')
  throw new LatchkeyError(
    'busy',
    `${path} is in use by ${who}; nothing was changed`,
    'stop that, then restore again; or restore under it, which its users see at once, with --force',
  )
}

const describeHolder = ({ pid, command }: Holder): string => `process ${pid} (${command})`

/** A damaged file cannot be locked to any purpose. */
function isLocked(path: string): boolean {
  if (!existsSync(path)) return false
  try {
    return isLockedByOthers(path)
  } catch (error) {
    const known = translate(error, path)
    if (known instanceof LatchkeyError && known.code === 'corrupt') return false
    throw known
  }
}

function withUndo(error: unknown, safety: Backup | null): unknown {
  if (!(error instanceof LatchkeyError) || safety === null) return error
  const hint = `${error.hint}; what was there before is kept as ${safety.id}`
  return new LatchkeyError(error.code, error.message, hint, { cause: error })
}

/** What a symbolic link leads to is what is replaced, not the link. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
