/**
 * Restores backups. The work is done on a copy beside the database: it is verified by its hash and migrated, and gets its
 * audit row, before the database is touched. Then it is swapped in at once. After any failure, or a kill at any moment,
 * the database is either the old one or the new one.
 */
import { chmodSync, existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { LatchkeyError } from '../../../../contract/errors.ts'
import { failureOf } from '../../../../contract/failure.ts'
import type { Backup, Restorable, Restored, RestorePlan } from '../../../../contract/views.ts'
import { latestVersion } from '../../../../db/schema/version.ts'
import { headOf } from '../../../../db/sqlite/chain.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { CommitWatch, openPrivate, setPageSize, settle } from '../../../../db/sqlite/copy.ts'
import { copyFailure, translate } from '../../../../db/sqlite/errors.ts'
import { holdersOf } from '../../../../db/sqlite/holders.ts'
import { rowCounts, schemaHash } from '../../../../db/sqlite/inspect.ts'
import { migrateTo, stepsBetween } from '../../../../db/sqlite/migrate.ts'
import { openWriter } from '../../../../db/sqlite/open.ts'
import { canWrite, ensureFolder, PrivateFile, requireSpace, sweep } from '../../../../system/files.ts'
import { besideIt } from '../../../../system/scheduled.ts'
import { programVersion } from '../../../../system/version.ts'
import { isAddress } from '../../../../text/address.ts'
import { carriedOn, replacedBy } from '../../../audit/replaced.ts'
import type { FileContext, ServerDatabase } from '../../../context.ts'
import { parse } from '../../../rules/input.ts'
import { safetyCopy } from '../create.ts'
import { chosenBackup, chosenState, type Restore, restoring } from '../input.ts'
import { withLock } from '../lock.ts'
import { type StoredBackup, toView } from '../manifest.ts'
import { askedAbout, belongsTo } from '../ownership.ts'
import { recordInside } from '../trail.ts'
import { restoreInto } from '../verify.ts'
import { chooseState, lastRestore, type ThingReturn, targeted } from './choose.ts'
import { compareWith } from './difference.ts'
import { eraseAgain, erasedSince } from './erase-again.ts'
import { adoptLateCopies } from './late.ts'
import { ifReadable, type Live, readLive, requireNoUsers, untilFree } from './live.ts'
import { chosenThing, restoreThing, undoThing } from './one-thing.ts'
import { endRevived, type Revived, revivedBy, revivedView } from './revive.ts'
import { type Expected, placeMissing, replaceDamaged, swapContents } from './swap.ts'

/**
 * Restores a verified backup over the database, or to a new path. The current database is backed up first if it can be
 * read (reason `pre-restore`), and moved aside if it is damaged. A dry run verifies the backup and shows the difference.
 * With one thing, such as a key, only that is brought back.
 *
 * @throws busy (naming who has the database open), not_found, ambiguous, checksum, corrupt, schema_newer, drift,
 *   database_foreign, disk_full, permission, usage, conflict
 */
export async function restore(context: FileContext, options: Restore): Promise<Restored> {
  const target = checked(context, options)
  return withLocks(target, options, async () => {
    await tidy(target)
    const stored = await chooseState(context, options)
    using copy = await unpackBeside(target, stored)
    return await carryOut(target, stored, copy.path, options)
  })
}

/**
 * Shows what a restore with the same options would use and do. Unpacks and verifies the backup; changes nothing.
 *
 * @throws as `restore`
 */
export async function restorable(context: FileContext, options: Restore): Promise<Restorable> {
  using plan = await planRestore(context, options)
  return plan.shown
}

/**
 * The same as a plan that can be carried out after a confirmation, without choosing and unpacking the backup again. No
 * lock is held in between. The copy is kept only briefly, because it may be the plain text of an encrypted backup; after
 * that the backup is unpacked again.
 *
 * @param heldMs how long the copy is kept, in milliseconds
 * @throws as `restore`
 */
export async function planRestore(
  context: FileContext,
  options: Restore,
  heldMs = 300_000,
): Promise<RestorePlan> {
  const target = checked(context, options)
  const trial: FileContext = { ...target, dryRun: true }
  return withLocks(trial, options, async () => {
    const stored = await chooseState(context, options)
    let copy: Copy | undefined = await unpackBeside(trial, stored)
    const drop = () => {
      copy?.[Symbol.dispose]()
      copy = undefined
    }
    try {
      const { revived } = await carryOut(trial, stored, copy.path, options)
      const shown = { ...toView(stored), ...(await whatItReplaces(target, options, stored)), revived }
      const timer = setTimeout(drop, heldMs)
      timer.unref()
      return { shown, restore: proceed, [Symbol.dispose]: drop }
    } catch (error) {
      drop()
      throw error
    }

    function proceed(): Promise<Restored> {
      return withLocks(target, options, async () => {
        const late = await tidy(target)
        // An undo must go back to the commits that an earlier restore has kept.
        const isStale = late !== null && options.undo === true
        if (isStale) drop()
        const chosen = isStale ? await chooseState(context, options) : stored
        using own = copy ?? (await unpackBeside(target, chosen))
        copy = undefined
        return await carryOut(target, chosen, own.path, options)
      })
    }
  })
}

/** @throws usage, invalid */
function checked(context: FileContext, options: Restore): FileContext {
  for (const part of [chosenBackup, chosenState, restoring]) parse(part, options)
  chosenThing(options)
  const target = targeted(context, options)
  if (target.server && options.inPlace) throw alwaysInPlace(target.path)
  return target
}

const alwaysInPlace = (name: string): LatchkeyError =>
  new LatchkeyError(
    'usage',
    `${name} is on PostgreSQL, where a restore always happens while others have it open`,
    'leave out --in-place',
  )

async function whatItReplaces(
  target: FileContext,
  options: Restore,
  { location, manifest: { database } }: StoredBackup,
): Promise<Pick<Restorable, 'replaces' | 'foreign' | 'undoes'>> {
  const { path, server } = target
  const undone = await undoneBy(target, options)
  const isThere = server ? (await askedAbout(target)).id !== null : existsSync(path)
  return {
    replaces: isThere ? basename(path) : null,
    foreign: database !== null && !belongsTo(database, location, await askedAbout(target)),
    undoes: undone ? `${undone.target.noun} ${undone.name}` : null,
  }
}

/** The return of one thing that would be undone, rather than the restore of a whole database. */
const undoneBy = async (target: FileContext, { undo }: Restore) =>
  undo ? (await lastRestore(target))?.thing : null

/** Picks up what killed runs have left. @returns the newest backup made from it */
async function tidy(context: FileContext): Promise<Backup | null> {
  if (context.dryRun) return null
  sweep(dirname(besideIt(context)))
  return context.server ? null : adoptLateCopies(context)
}

interface Copy extends Disposable {
  readonly path: string
}

/** Unpacks the backup into a private copy beside the database, and compares its hash. */
async function unpackBeside(context: FileContext, stored: StoredBackup): Promise<Copy> {
  const folder = dirname(besideIt(context))
  const removeFolder = ensureFolder(folder)
  let file: PrivateFile | undefined
  const remove = () => {
    file?.[Symbol.dispose]()
    // Succeeds only if nothing was restored into it.
    removeFolder()
  }
  try {
    requireSpace(folder, stored.manifest.rawSizeBytes)
    file = new PrivateFile(folder, context.server ? folder : context.path)
    await restoreInto(stored, file.path, 'contents', context.onProgress)
    return { path: file.path, [Symbol.dispose]: remove }
  } catch (error) {
    remove()
    throw copyFailure(error, folder)
  }
}

/** The state of a restore of a whole database. */
interface Run {
  readonly context: FileContext
  readonly stored: StoredBackup
  readonly copy: string
  readonly options: Restore
  safety: Backup | null
}

async function carryOut(
  context: FileContext,
  stored: StoredBackup,
  copy: string,
  options: Restore,
): Promise<Restored> {
  const run: Run = { context, stored, copy, options, safety: null }
  try {
    const undone = await undoneBy(context, options)
    if (context.server) return await onServer(run, context.server, undone)
    return (await restorePart(run, undone)) ?? (context.dryRun ? tryOut(run) : await swapIn(run))
  } catch (error) {
    throw withUndo(translate(error, context.path), run.safety)
  }
}

/** One thing, if that is asked for. */
async function restorePart(
  { context, stored, copy, options }: Run,
  undone: ThingReturn | null | undefined,
): Promise<Restored | undefined> {
  const migrateCopy = () =>
    inCopy(copy, client => migrateTo(client, context.path, latestVersion, stampOf(context)))
  const chosen = chosenThing(options)
  if (chosen) return restoreThing(context, stored, copy, chosen, migrateCopy)
  return undone ? undoThing(context, stored, copy, undone, migrateCopy) : undefined
}

/** All is done on private files; the server gives what it has, and takes the result in one transaction. */
async function onServer(
  run: Run,
  server: ServerDatabase,
  undone: ThingReturn | null | undefined,
): Promise<Restored> {
  const { context, copy, options } = run
  const isPart = Boolean(undone ?? chosenThing(options))
  const how = context.dryRun ? 'look' : isPart ? 'part' : 'whole'
  let restored: Restored | undefined
  await server.change({ how, waitMs: options.waitMs ?? 0 }, async live => {
    const own: Run = { ...run, context: { ...context, path: live, of: server.place, server: undefined } }
    restored = await restorePart(own, undone)
    if (restored) return live
    if (context.dryRun) restored = await tryOut(own)
    else restored = await prepareWhole(run, own)
    return copy
  })
  if (restored === undefined) throw new Error('the server changed nothing')
  return { ...restored, path: context.path, openBy: [] }
}

/** @param own the same run on the private file that has what is in the database */
async function prepareWhole(run: Run, own: Run): Promise<Restored> {
  const live = readLive(own.context.path)
  const isMissing = live.state === 'missing'
  const foreseen = await foresee(own, live)
  if (!isMissing) run.safety = await safetyCopy(own.context, { reason: 'pre-restore' })
  const { rows } = await prepare(run, own.context.path, isMissing, foreseen)
  return viewOf(run, foreseen, { movedAside: [], rows, before: live.rows, openBy: [] })
}

async function tryOut(run: Run): Promise<Restored> {
  const { path } = run.context
  const live = readLive(path)
  const foreseen = await foresee(run, live)
  if (live.state === 'readable') await takeSafetyCopy(run.context)
  const { rows } = await prepare(run, path, live.state === 'missing', foreseen)
  return viewOf(run, foreseen, {
    movedAside: [],
    rows,
    before: live.rows,
    openBy: holdersOf(path),
  })
}

async function swapIn(run: Run): Promise<Restored> {
  const { context, copy, stored, options } = run
  const { path } = context
  const { inPlace = false, keepRevocations = false, waitMs = 0 } = options
  const openBy = await requireNoUsers(path, { inPlace, waitMs })
  const live = readLive(path)
  const watch = live.state === 'readable' ? watchCommits(path) : null
  try {
    const foreseen = await foresee(run, live)
    run.safety = watch && (await takeSafetyCopy(context))
    if (run.safety && live.pageSize !== null && live.pageSize !== stored.manifest.pageSize) {
      setPageSize(copy, live.pageSize)
    }
    const isMissing = live.state === 'missing'
    const expected = await prepare(run, path, isMissing, foreseen)
    let rows: Restored['rows']
    let movedAside: readonly string[] = []
    if (watch && run.safety) {
      rows = await swapContents(context, copy, expected, watch, keepRevocations ? 'refuse' : 'keep')
      watch.close()
      run.safety = (await keepLateCommits(context)) ?? run.safety
    } else if (isMissing) {
      await requireNoUsers(path, { inPlace: false, waitMs })
      ;({ rows, movedAside } = placeMissing(context, copy, expected))
    } else {
      watch?.close()
      ;({ rows, movedAside } = await untilFree(path, waitMs, () => replaceDamaged(context, copy, expected)))
    }
    chmodSync(path, 0o600)
    return viewOf(run, run.safety ? foreseen : { ...foreseen, changes: null }, {
      movedAside,
      rows,
      before: run.safety && live.rows,
      openBy,
    })
  } finally {
    watch?.close()
  }
}

/** What the restore will change: names, and secrets that will work again. */
interface Foreseen {
  readonly changes: Restored['changes']
  readonly revived: readonly Revived[] | undefined
  /** Users who were erased since, or before. */
  readonly erased: readonly string[]
}

/** @throws database_missing, corrupt (revocations must be kept, but cannot be read) */
async function foresee({ context, copy, stored, options }: Run, live: Live): Promise<Foreseen> {
  const revived = revivedBy(context.path, copy, context.now())
  if (options.keepRevocations && revived === undefined) throw unknownRevocations(context.path)
  const erased = await erasedSince(context.path, live.state, stored)
  return {
    changes: live.state === 'readable' ? compareWith(context.path, copy) : null,
    // Keys of people who were erased are revoked again with them.
    revived: revived?.filter(({ userId }) => userId === null || !erased.includes(userId)),
    erased,
  }
}

function viewOf(
  { context, stored, options, safety }: Run,
  { changes, revived }: Foreseen,
  rest: Pick<Restored, 'movedAside' | 'rows' | 'before' | 'openBy'>,
): Restored {
  return {
    path: context.path,
    backup: toView(stored),
    safetyBackup: safety,
    schemaVersion: latestVersion,
    changes,
    only: null,
    stays: [],
    revived: revivedView(revived, options.keepRevocations ?? false),
    ...rest,
  }
}

function unknownRevocations(path: string): LatchkeyError {
  const isThere = existsSync(path)
  return new LatchkeyError(
    isThere ? 'corrupt' : 'database_missing',
    isThere
      ? `${path} is damaged, so its revocations cannot be read and kept; nothing was changed`
      : `there is no database at ${path}, so there are no revocations to keep`,
    'restore without --keep-revocations, then revoke keys that must not work with: latchkey key revoke KEY',
  )
}

/** The restore is already done, so a failure here is `partial`. */
async function keepLateCommits(context: FileContext): Promise<Backup | null> {
  try {
    return await adoptLateCopies(context)
  } catch (error) {
    const reason = failureOf(error).message
    throw new LatchkeyError(
      'partial',
      `${context.path} was restored, but what others committed meanwhile could not be made a backup: ${reason}`,
      `it is kept in ${context.path}.before-restore-…; the next restore, or latchkey restore --undo, picks it up`,
      { cause: error },
    )
  }
}

/** null if the database turns out to be damaged. */
function watchCommits(path: string): CommitWatch | null {
  try {
    // Switch to WAL mode first, because that is itself a commit.
    openWriter(path).close()
    return new CommitWatch(path)
  } catch (error) {
    return nullIfCorrupt(translate(error, path))
  }
}

async function takeSafetyCopy(context: FileContext): Promise<Backup | null> {
  try {
    return await safetyCopy(context, { reason: 'pre-restore' })
  } catch (error) {
    return nullIfCorrupt(error)
  }
}

function nullIfCorrupt(error: unknown): null {
  if (error instanceof LatchkeyError && error.code === 'corrupt') return null
  throw error
}

/**
 * Prepares the private copy: migrates it, ends sessions, erases again who was erased, writes the audit row, and sets WAL mode. A
 * dry run only migrates it, since the copy may still be restored, and finds out the rest.
 *
 * @param live the file that has what is replaced
 * @returns what to check once it is in place
 */
async function prepare(
  run: Run,
  live: string,
  isMissing: boolean,
  { revived = [], erased }: Foreseen,
): Promise<Expected> {
  const { context, copy, stored, options, safety } = run
  const ended = options.keepRevocations ? revived : []
  const work = async (client: Client): Promise<Expected> => {
    migrateTo(client, context.path, latestVersion, stampOf(context))
    client.run('BEGIN IMMEDIATE')
    endRevived(client, ended, context.now())
    client.run('DELETE FROM sessions')
    client.run('DELETE FROM verifications')
    await eraseAgain(context, client, erased)
    recordInside(context, client, {
      action: 'database.restore',
      after: {
        backup: stored.manifest.id,
        takenAt: stored.manifest.createdAt.toISOString(),
        safetyBackup: safety?.id ?? null,
        ...replacedIn(live, client),
        ...(isMissing ? { wasMissing: true } : {}),
        schemaVersion: stored.manifest.schemaVersion,
        steps: stepsBetween(stored.manifest.schemaVersion, latestVersion).map(({ name }) => name),
        ...(ended.length > 0 ? { ended: ended.map(({ keyId, because }) => ({ key: keyId, because })) } : {}),
      },
    })
    const expected = { schemaHash: schemaHash(client), rows: rowCounts(client) }
    client.run(context.dryRun ? 'ROLLBACK' : 'COMMIT')
    return expected
  }
  if (!context.dryRun) return inCopy(copy, work)
  // Not in WAL mode yet, in which its page size could not be changed.
  using client = openPrivate(copy)
  return await work(client)
}

/** The log that is replaced, and those that restores had replaced whose rows the copy lacks. */
function replacedIn(live: string, copy: Client) {
  const head = ifReadable(live, headOf)
  const rows = ifReadable(live, client =>
    client
      .query(
        `SELECT id, at, "after" FROM audit WHERE action IN ('database.restore', 'database.safety') AND "after" IS NOT NULL`,
      )
      .all(),
  ) as { id: string; at: number; after: string }[] | undefined
  const lost = (rows ?? []).filter(
    ({ id }) => copy.query('SELECT 1 FROM audit WHERE id = ?').get(id) === null,
  )
  const earlier = carriedOn(
    lost.flatMap(({ at, after }) => replacedBy(at, JSON.parse(after))),
    head,
  )
  return { replaced: head ?? null, ...(earlier.length > 0 ? { earlier } : {}) }
}

const stampOf = (context: FileContext) =>
  ({ now: context.now().getTime(), programVersion, direction: 'up' }) as const

/** Changes the private copy and leaves it as a single file in WAL mode. */
async function inCopy<T>(copy: string, work: (client: Client) => T | Promise<T>): Promise<T> {
  using client = openPrivate(copy)
  const result = await work(client)
  settle(client)
  return result
}

function withUndo(error: unknown, safety: Backup | null): unknown {
  if (!(error instanceof LatchkeyError) || safety === null) return error
  const hint = `${error.hint}; the previous database is kept as ${safety.id}`
  return new LatchkeyError(error.code, error.message, hint, { cause: error })
}

/**
 * Takes the lock of this database's own backups and, if the backup is elsewhere, that of its folder, so that no prune
 * removes it meanwhile. If that folder has no lock or cannot be written, nobody on this machine prunes it.
 */
function withLocks<T>(
  context: FileContext,
  { from, waitMs = 0 }: Restore,
  work: () => Promise<T>,
): Promise<T> {
  const elsewhere = from === undefined || isAddress(from) ? context.backupDir : resolve(from)
  const inner =
    elsewhere === context.backupDir || !canWrite(join(elsewhere, '.latchkey-lock'))
      ? work
      : () => withLock({ ...context, dryRun: true }, elsewhere, work, { waitMs })
  return withLock(context, context.backupDir, inner, { waitMs })
}
