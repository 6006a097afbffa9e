/**
 * Gets a backup back. Everything is done beside the database first: the copy is verified by its hash, migrated and
 * written into the audit trail before the database is touched, then swapped in at once. On any failure, a kill at
 * any moment included, the database is the old one or the new one, whole.
 */
import { accessSync, chmodSync, constants, existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { LatchkeyError } from '../../../../contract/errors.ts'
import { failureOf } from '../../../../contract/failure.ts'
import type { Backup, Restorable, Restored } from '../../../../contract/views.ts'
import { latestVersion } from '../../../../db/schema/version.ts'
import { CommitWatch, openPrivate, setPageSize, settle } from '../../../../db/sqlite/copy.ts'
import { realPath } from '../../../../db/sqlite/holders.ts'
import { rowCounts, schemaHash } from '../../../../db/sqlite/inspect.ts'
import { migrateTo } from '../../../../db/sqlite/migrate.ts'
import { openWriter } from '../../../../db/sqlite/open.ts'
import { translate } from '../../../../system/errors.ts'
import { ensureFolder, requireSpace, sweep, withPrivateFile } from '../../../../system/files.ts'
import { programVersion } from '../../../../system/version.ts'
import { isAddress } from '../../../../text/address.ts'
import type { FileContext } from '../../../context.ts'
import { createUnlocked } from '../create.ts'
import type { Restore } from '../input.ts'
import { withLock } from '../lock.ts'
import { type StoredBackup, toView } from '../manifest.ts'
import { askedAbout, belongsTo } from '../ownership.ts'
import { recordInside } from '../trail.ts'
import { restoreInto } from '../verify.ts'
import { chooseState, lastRestore, targetOf } from './choose.ts'
import { compareWith } from './difference.ts'
import { chosenThing, restoreEntity, undoEntity } from './entity.ts'
import { adoptLateCopies } from './late.ts'
import { readLive, requireNoUsers, untilFree, usersOf } from './live.ts'
import { endRevived, type Revived, revivedBy, revivedView } from './revive.ts'
import { type Expected, placeMissing, replaceDamaged, swapContents } from './swap.ts'

/** What a restore has found out and decided before it begins. */
interface Run {
  readonly context: FileContext
  readonly stored: StoredBackup
  readonly inPlace: boolean
  readonly keepRevocations: boolean
  readonly waitMs: number
}

/**
 * Restores a verified backup over the database, or where there is none. What is there is backed up first if it can
 * be read (reason `pre-restore`), and moved aside if it is damaged. A dry run ends after the verification, with the
 * difference. With a key, a user or a project, only that is brought back.
 *
 * @throws busy (naming who has the database open), not_found, ambiguous, checksum, corrupt, schema_newer, drift,
 *   database_foreign, disk_full, permission, usage, conflict
 */
export async function restore(context: FileContext, options: Restore): Promise<Restored> {
  const subject = chosenThing(options)
  // What a symbolic link leads to is what is replaced, not the link.
  const path = realPath(targetOf(context, options))
  const target: FileContext = { ...context, path }
  const waitMs = options.waitMs ?? 0
  return withLocks(target, options.from, waitMs, async () => {
    if (!context.dryRun) await adoptLateCopies(target)
    const stored = await chooseState(context, options)
    if (subject) {
      return withCopy(target, stored, copy => restoreEntity(target, stored, copy, subject, prepareFor(copy)))
    }
    const undone = options.undo ? lastRestore(path)?.entity : null
    if (undone) {
      return withCopy(target, stored, copy => undoEntity(target, stored, copy, undone, prepareFor(copy)))
    }
    const { inPlace = false, keepRevocations = false } = options
    return restoreAll({ context: target, stored, inPlace, keepRevocations, waitMs })

    function prepareFor(copy: string): (safety: Backup | null) => void {
      return safety => prepare(copy, target, stored, safety, [])
    }
  })
}

/**
 * What a restore with the same options would use and do, to be confirmed: nothing is changed. For a whole database that
 * takes as long as getting the backup does.
 *
 * @throws as `restore`
 */
export async function restorable(context: FileContext, options: Restore): Promise<Restorable> {
  const path = targetOf(context, options)
  const stored = await chooseState(context, options)
  const { database, id } = stored.manifest
  const undone = options.undo ? lastRestore(path)?.entity : null
  const replaces = existsSync(path) ? basename(path) : null
  const isWhole = replaces !== null && !undone && chosenThing(options) === undefined
  const named = { ...options, backup: id, latest: false, at: undefined, undo: false }
  const preview = isWhole ? await restore({ ...context, dryRun: true }, named) : null
  return {
    ...toView(stored),
    replaces,
    foreign: database !== null && !belongsTo(database, stored.location, askedAbout(path)),
    undoes: undone ? `${undone.target.noun} ${undone.name}` : null,
    revived: preview?.revived ?? null,
  }
}

async function restoreAll(run: Run): Promise<Restored> {
  const { context, stored } = run
  return withCopy(context, stored, async copy => {
    if (!context.dryRun) return swapIn(run, copy)
    const live = readLive(context.path)
    const revived = revivedBy(context.path, copy, context.now())
    if (run.keepRevocations) requireKnown(context.path, revived)
    return {
      path: context.path,
      backup: toView(stored),
      safetyBackup: null,
      movedAside: [],
      schemaVersion: latestVersion,
      rows: stored.manifest.rows,
      before: live.rows,
      changes: live.state === 'readable' ? compareWith(context.path, copy) : null,
      openBy: usersOf(context.path),
      only: null,
      stays: [],
      revived: revivedView(revived, run.keepRevocations),
    }
  })
}

/**
 * Runs `work` on a private copy of the backup beside the database, byte for byte what was checked when it was taken, and
 * of a known schema.
 */
async function withCopy<T>(
  context: FileContext,
  stored: StoredBackup,
  work: (copy: string) => Promise<T>,
): Promise<T> {
  const folder = dirname(context.path)
  const removeFolder = ensureFolder(folder)
  try {
    if (!context.dryRun) sweep(folder)
    requireSpace(folder, stored.manifest.rawSizeBytes)
    const run = async (copy: string): Promise<T> => {
      await restoreInto(stored, copy, 'contents', context.onProgress)
      return work(copy)
    }
    return await withPrivateFile(folder, run, context.path)
  } catch (error) {
    throw translate(error, context.path)
  } finally {
    // Empty only when nothing was restored into it.
    removeFolder()
  }
}

/** @throws database_missing, corrupt */
function requireKnown(path: string, revived: readonly Revived[] | undefined): void {
  if (revived !== undefined) return
  const isThere = existsSync(path)
  throw new LatchkeyError(
    isThere ? 'corrupt' : 'database_missing',
    isThere
      ? `${path} is damaged, so its revocations cannot be read and kept; nothing was changed`
      : `there is no database at ${path} whose revocations could be kept`,
    'restore without --keep-revocations, then end what must not work with: latchkey key revoke KEY',
  )
}

async function swapIn(
  { context, stored, inPlace, keepRevocations, waitMs }: Run,
  copy: string,
): Promise<Restored> {
  const { path } = context
  const openBy = await requireNoUsers(path, { inPlace, waitMs })
  const live = readLive(path)
  const changes = live.state === 'readable' ? compareWith(path, copy) : null
  const watch = live.state === 'readable' ? watchCommits(path) : null
  let safetyBackup: Backup | null = null
  try {
    const revived = revivedBy(path, copy, context.now())
    if (keepRevocations) requireKnown(path, revived)
    safetyBackup = watch && (await takeSafetyCopy(context))
    if (safetyBackup && live.pageSize !== null && live.pageSize !== stored.manifest.pageSize) {
      setPageSize(copy, live.pageSize)
    }
    const ended = keepRevocations ? (revived ?? []) : []
    const expected = prepare(copy, context, stored, safetyBackup, ended)
    let rows: Restored['rows']
    let movedAside: readonly string[] = []
    if (watch && safetyBackup) {
      rows = await swapContents(context, copy, expected, watch, keepRevocations ? 'refuse' : 'keep')
      watch.close()
      safetyBackup = (await keepLateCommits(context)) ?? safetyBackup
    } else if (live.state === 'missing') {
      await requireNoUsers(path, { inPlace: false, waitMs })
      ;({ rows, movedAside } = placeMissing(context, copy, expected))
    } else {
      watch?.close()
      ;({ rows, movedAside } = await untilFree(path, waitMs, () => replaceDamaged(context, copy, expected)))
    }
    chmodSync(path, 0o600)
    return {
      path,
      backup: toView(stored),
      safetyBackup,
      movedAside,
      schemaVersion: latestVersion,
      rows,
      before: safetyBackup === null ? null : live.rows,
      changes: safetyBackup === null ? null : changes,
      openBy,
      only: null,
      stays: [],
      revived: revivedView(revived, keepRevocations),
    }
  } catch (error) {
    throw withUndo(translate(error, path), safetyBackup)
  } finally {
    watch?.close()
  }
}

/** The restore is done by now: a failure here is told as what it is. */
async function keepLateCommits(context: FileContext): Promise<Backup | null> {
  try {
    return await adoptLateCopies(context)
  } catch (error) {
    const reason = failureOf(error).message
    throw new LatchkeyError(
      'partial',
      `${context.path} was restored, but what others committed meanwhile is not among the backups yet: ${reason}`,
      `it is kept in ${context.path}.before-restore-…; the next restore, or latchkey restore --undo, takes it up`,
      { cause: error },
    )
  }
}

/** null when the database turns out to be damaged while it is looked at. */
function watchCommits(path: string): CommitWatch | null {
  try {
    // Into WAL mode before commits are watched, since that is one.
    openWriter(path).close()
    return new CommitWatch(path)
  } catch (error) {
    return nullIfCorrupt(translate(error, path))
  }
}

async function takeSafetyCopy(context: FileContext): Promise<Backup | null> {
  try {
    return await createUnlocked(context, { reason: 'pre-restore' })
  } catch (error) {
    return nullIfCorrupt(error)
  }
}

function nullIfCorrupt(error: unknown): null {
  if (error instanceof LatchkeyError && error.code === 'corrupt') return null
  throw error
}

/**
 * Brings the private copy to what the database will be: migrated, with its audit row, in WAL mode.
 *
 * @param ended secrets that must not work again
 * @returns what to know it by once it is in place
 */
function prepare(
  copy: string,
  context: FileContext,
  stored: StoredBackup,
  safety: Backup | null,
  ended: readonly Revived[],
): Expected {
  const client = openPrivate(copy)
  try {
    const stamp = { now: context.now().getTime(), programVersion, direction: 'up' as const }
    const { steps } = migrateTo(client, context.path, latestVersion, stamp)
    const rows = rowCounts(client)
    client.run('BEGIN IMMEDIATE')
    endRevived(client, ended, context.now())
    recordInside(context, client, {
      action: 'database.restore',
      after: {
        backup: stored.manifest.id,
        takenAt: stored.manifest.createdAt.toISOString(),
        safetyBackup: safety?.id ?? null,
        schemaVersion: stored.manifest.schemaVersion,
        steps,
        ...(ended.length > 0 ? { ended: ended.map(({ keyId, because }) => ({ key: keyId, because })) } : {}),
      },
    })
    client.run('COMMIT')
    settle(client)
    return { schemaHash: schemaHash(client), rows: { ...rows, audit: (rows['audit'] ?? 0) + 1 } }
  } finally {
    client.close()
  }
}

function withUndo(error: unknown, safety: Backup | null): unknown {
  if (!(error instanceof LatchkeyError) || safety === null) return error
  const hint = `${error.hint}; what was there before is kept as ${safety.id}`
  return new LatchkeyError(error.code, error.message, hint, { cause: error })
}

/**
 * The lock of this database's own backups and, where the backup lies elsewhere, of that folder as well, so that no
 * prune removes it meanwhile. A folder that has no lock, or cannot be written, has nobody pruning it from here.
 */
function withLocks<T>(
  context: FileContext,
  from: string | undefined,
  waitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const elsewhere = from === undefined || isAddress(from) ? context.backupDir : resolve(from)
  const inner =
    elsewhere === context.backupDir || !canLock(elsewhere)
      ? work
      : () => withLock({ ...context, dryRun: true }, elsewhere, work, { waitMs })
  return withLock(context, context.backupDir, inner, { waitMs })
}

function canLock(folder: string): boolean {
  try {
    accessSync(join(folder, '.latchkey-lock'), constants.W_OK)
    return true
  } catch {
    return false
  }
}
