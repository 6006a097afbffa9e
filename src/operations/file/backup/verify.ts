/**
 * Verifies backups by restoring them into a private scratch file and checking that against the manifest. Less would not
 * do: of 200 flipped bits, `integrity_check` alone found 19.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LatchkeyError } from '../../../contract/errors.ts'
import { codeOf } from '../../../contract/failure.ts'
import type { BackupCheck, ProgressListener } from '../../../contract/views.ts'
import { copyFailure, translate } from '../../../db/sqlite/errors.ts'
import { rowDifferences } from '../../../db/sqlite/inspect.ts'
import { fileFailure, isAbandoned, list, PrivateFile, requireSpace } from '../../../system/files.ts'
import { markSource, ownMark } from '../../../system/processes.ts'
import type { FileContext } from '../../context.ts'
import { parse } from '../../rules/input.ts'
import type { Depth, Refusal } from './contents.ts'
import { damaged, findSound } from './damaged.ts'
import { type VerifyBackups, verifyInput } from './input.ts'
import { findBackup, surveyOwn } from './list.ts'
import { withLock } from './lock.ts'
import {
  dataPath,
  type Manifest,
  manifestName,
  readManifest,
  type StoredBackup,
  writeManifest,
} from './manifest.ts'
import { newestTaken, nothingOwn } from './newest.ts'
import { digest, unpack } from './pack.ts'
import { locate } from './places/locate.ts'
import { look } from './thread.ts'

/**
 * Returns one result per backup. A `failed` backup must not be relied on; an `aborted` one could not be checked. Full
 * passes and all failures are written to the manifest.
 *
 * @throws not_found, ambiguous, usage
 */
export async function verifyBackups(
  context: FileContext,
  input: VerifyBackups = {},
): Promise<readonly BackupCheck[]> {
  const options = parse(verifyInput, input)
  if (options.all && options.backup !== undefined) {
    throw new LatchkeyError('usage', 'a backup and --all cannot be combined', 'give one of them')
  }
  const identityFile = options.identityFile ?? context.ageIdentityFile
  const { onProgress } = context
  const verify = (stored: StoredBackup, onProgress?: ProgressListener) =>
    verifyOne({ ...context, onProgress }, { ...stored, identityFile }, options.quick)
  if (options.backup !== undefined && options.backup !== 'latest') {
    return [await verify(await findBackup(context, options.backup, options.from), onProgress)]
  }
  const own = await surveyOwn(context, options.from)
  const where = locate(context, options.from ?? context.backupDir).address
  if (!options.all) return [await verify(newestTaken(own, { now: context.now(), where }), onProgress)]
  const { backups, broken } = own
  // Verifying nothing is not a success.
  if (backups.length === 0 && broken.length === 0 && own.others.length > 0) throw nothingOwn(own, where)
  const checks: BackupCheck[] = broken.map(({ id, path, problem, newer }) => ({
    id,
    path,
    outcome: newer ? 'aborted' : 'failed',
    problem,
    checkedAt: context.now(),
    unrecorded: null,
  }))
  const tell = (done: number) =>
    onProgress?.({ step: 'verifying', done, total: backups.length, unit: 'backups' })
  tell(0)
  for (const [before, stored] of backups.entries()) {
    checks.push(await verify(stored))
    tell(before + 1)
  }
  return checks
}

async function verifyOne(context: FileContext, stored: StoredBackup, quick: boolean): Promise<BackupCheck> {
  const path = dataPath(stored)
  const verdict = await judge(path, () =>
    quick
      ? requireBytes(stored, context.onProgress)
      : inScratch(stored, file => restoreInto(stored, file, 'full', context.onProgress)),
  )
  const checkedAt = context.now()
  const change =
    verdict.outcome === 'failed'
      ? { failure: { at: checkedAt, problem: verdict.problem } }
      : verdict.outcome === 'passed' && !quick
        ? { verifiedAt: checkedAt, failure: null }
        : undefined
  const trouble = change === undefined ? undefined : await remember(context, stored, change)
  const check = { id: stored.manifest.id, path, ...verdict, checkedAt, unrecorded: trouble?.message ?? null }
  // The manifest arrived damaged, so this backup can no longer be found.
  return trouble?.code === 'checksum' ? { ...check, outcome: 'failed', problem: trouble.message } : check
}

/**
 * Restores a backup into an existing empty private file and checks it against its manifest.
 *
 * @param depth `contents` if the hash is enough, because the same bytes were checked when the backup was taken
 * @throws checksum (the bytes changed), corrupt, drift, schema_newer, not_found (no data), config (no
 *   identity opens it), disk_full, permission, busy
 */
export async function restoreInto(
  stored: StoredBackup,
  file: string,
  depth: Depth,
  onProgress?: ProgressListener,
): Promise<void> {
  const { location, manifest, identityFile } = stored
  await requireSize(stored)
  const { compression, encrypted, sizeBytes, rawSizeBytes } = manifest
  const count = (done: number) => onProgress?.({ step: 'unpacking', done, total: sizeBytes, unit: 'bytes' })
  const options = { compression, encrypted, identityFile, limit: rawSizeBytes, count }
  let digests: Awaited<ReturnType<typeof unpack>>
  try {
    digests = await unpack(location.read(manifest.file, manifest.sizeBytes), file, manifest.id, options)
  } catch (error) {
    // Changed bytes can cause any error, even a missing identity. Report them instead.
    await requireBytes(stored)
    throw error
  }
  if (digests.packed.sha256 !== manifest.sha256) throw damaged(manifest.id, otherBytes)
  if (digests.raw.sha256 !== manifest.rawSha256) {
    throw damaged(manifest.id, 'its unpacked contents have changed')
  }
  // SQLite does not report progress.
  const tell = (done: number) => onProgress?.({ step: 'checking', done, total: rawSizeBytes, unit: 'bytes' })
  tell(0)
  await requireContents(stored, file, depth)
  tell(rawSizeBytes)
}

async function requireSize(stored: StoredBackup): Promise<void> {
  const { location, manifest } = stored
  const size = await location.size(manifest.file)
  if (size === undefined) {
    throw new LatchkeyError(
      'not_found',
      `the data of ${manifest.id} is missing: ${dataPath(stored)}`,
      findSound,
    )
  }
  if (size !== manifest.sizeBytes) {
    throw damaged(manifest.id, `it has ${size} bytes instead of ${manifest.sizeBytes}`)
  }
}

async function requireBytes(stored: StoredBackup, onProgress?: ProgressListener): Promise<void> {
  const { location, manifest } = stored
  await requireSize(stored)
  const count = (done: number) =>
    onProgress?.({ step: 'checking', done, total: manifest.sizeBytes, unit: 'bytes' })
  const { sha256 } = await digest(location.read(manifest.file, manifest.sizeBytes), count)
  if (sha256 !== manifest.sha256) throw damaged(manifest.id, otherBytes)
}

async function requireContents(stored: StoredBackup, file: string, depth: Depth): Promise<void> {
  const { manifest } = stored
  const corrupt = (what: string) => damaged(manifest.id, what, { code: 'corrupt' })
  const task = { path: file, depth, name: dataPath(stored) }
  const { contents: found, databaseId, damage, refusal } = await look(task)
  if (damage !== null) throw corrupt(damage)
  if (manifest.database !== null && databaseId !== manifest.database.id) {
    throw corrupt('its database is not the one its manifest names')
  }
  for (const field of ['schemaVersion', 'schemaHash', 'pageSize'] as const) {
    if (found[field] !== manifest[field]) throw corrupt(`its ${field} differs from its manifest`)
  }
  if (found.migrationHead?.hash !== manifest.migrationHead?.hash) {
    throw corrupt('its last migration differs from its manifest')
  }
  if (refusal !== null) throw refused(stored, refusal)
  if (depth === 'contents') return
  const [difference] = rowDifferences(manifest.rows, found.rows)
  if (difference !== undefined) throw corrupt(difference)
}

async function inScratch<T>(stored: StoredBackup, work: (file: string) => Promise<T>): Promise<T> {
  sweepScratch()
  const folder = makeScratch()
  try {
    requireSpace(folder, stored.manifest.rawSizeBytes)
    using file = new PrivateFile(folder)
    return await work(file.path)
  } catch (error) {
    throw copyFailure(error, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Mode 0700. */
function makeScratch(): string {
  try {
    return mkdtempSync(join(tmpdir(), `latchkey-verify-${ownMark()}-`))
  } catch (error) {
    throw fileFailure(error, tmpdir())
  }
}

const scratch = new RegExp(`^latchkey-verify-(${markSource})-`)

/** Removes scratch folders of killed runs. Those of other users are skipped. */
function sweepScratch(): void {
  for (const name of list(tmpdir())) {
    const [, mark] = scratch.exec(name) ?? []
    const path = join(tmpdir(), name)
    if (mark === undefined || !isAbandoned(path, mark)) continue
    try {
      rmSync(path, { recursive: true, force: true })
    } catch (error) {
      if (codeOf(error) === '') throw error
    }
  }
}

type Verdict =
  | { readonly outcome: 'passed'; readonly problem: null }
  | { readonly outcome: 'failed' | 'aborted'; readonly problem: string }

/** Bad bytes and missing data are failures of the backup; a full disk or missing permissions are not. */
async function judge(path: string, work: () => Promise<void>): Promise<Verdict> {
  try {
    await work()
    return { outcome: 'passed', problem: null }
  } catch (error) {
    const known = translate(error, path)
    const problem = known instanceof Error ? known.message : String(known)
    const failed =
      known instanceof LatchkeyError &&
      ['checksum', 'corrupt', 'drift', 'not_found', 'database_foreign'].includes(known.code)
    return { outcome: failed ? 'failed' : 'aborted', problem }
  }
}

/** Milliseconds to wait for a run that may be removing this backup, before the result is written. */
const rememberWaitMs = 10_000

/**
 * Writes the result into the manifest. A good backup stays good if that fails.
 *
 * @returns the error, if there was one
 */
async function remember(
  context: FileContext,
  { location, manifest }: StoredBackup,
  change: Partial<Pick<Manifest, 'verifiedAt' | 'failure'>>,
): Promise<LatchkeyError | undefined> {
  if (context.dryRun) return undefined
  const write = async () => {
    const now = await readManifest(location, manifestName(manifest.file))
    // Removed or replaced meanwhile: writing would leave a manifest without data.
    if (now === undefined || 'problem' in now || now.manifest.id !== manifest.id) return
    await writeManifest({ ...now, manifest: { ...now.manifest, ...change } })
  }
  try {
    await withLock(context, location.address, write, { waitMs: rememberWaitMs })
    return undefined
  } catch (error) {
    if (error instanceof LatchkeyError) return error
    throw error
  }
}

function refused({ manifest }: StoredBackup, { code, problem }: Refusal): LatchkeyError {
  const mend =
    code === 'drift'
      ? 'use the Latchkey that made it, or restore another backup: latchkey backup list'
      : `restore it with the Latchkey that made it, ${manifest.programVersion}, or a later one; nothing was changed`
  return new LatchkeyError(code, `the backup ${manifest.id} cannot be restored: ${problem}`, mend)
}

const otherBytes = 'its bytes have changed (SHA-256)'
