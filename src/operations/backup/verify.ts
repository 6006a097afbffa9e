/**
 * Proves that a backup can be got back, by getting it back: into a scratch file that only this user can read, then
 * every check there is against the manifest. Nothing less says that a backup is good: of 200 flipped bits
 * `integrity_check` alone saw 19.
 */
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import type { BackupCheck } from '../../contract/views.ts'
import { openPrivate } from '../../db/copy.ts'
import { codeOf, translate } from '../../db/errors.ts'
import { isRunning, ownPid } from '../../db/holders.ts'
import { foreignKeyCheck, integrityCheck } from '../../db/inspect.ts'
import type { FileContext } from '../context.ts'
import { describeContents } from './create.ts'
import { list, requireSpace, sizeOf, withPrivateFile } from './files.ts'
import { findBackup, surveyFolder } from './list.ts'
import { dataPath, readManifest, type StoredBackup, writeManifest } from './manifest.ts'
import { digest, unpack } from './pack.ts'

export interface VerifyBackups {
  /** Which one: id, prefix, file name, path or `latest`. Default: the newest. */
  readonly backup?: string | undefined
  /** Every backup of the folder, broken manifests included. */
  readonly all?: boolean | undefined
  /** The folder; default the context's. */
  readonly from?: string | undefined
  /** Only the hash of the bytes: finds rot, and proves no restore. */
  readonly quick?: boolean | undefined
}

/**
 * One verdict per backup. `failed` is a backup that must not be relied on; `aborted` is one that could not be
 * checked, which is no pass. What passes in full is remembered in its manifest.
 *
 * @throws not_found, ambiguous, usage
 */
export async function verifyBackups(
  context: FileContext,
  options: VerifyBackups = {},
): Promise<readonly BackupCheck[]> {
  if (options.all && options.backup !== undefined) {
    throw new LatchkeyError('usage', 'one backup and all of them were asked for', 'give a backup, or --all')
  }
  if (!options.all) {
    const stored = findBackup(context, options.backup ?? 'latest', options.from)
    return [await verifyOne(context, stored, options.quick ?? false)]
  }
  const { backups, broken } = surveyFolder(context, options.from)
  const checks: BackupCheck[] = broken.map(({ id, path, problem, newer }) => ({
    id,
    path,
    outcome: newer ? 'aborted' : 'failed',
    problem,
    checkedAt: context.now(),
  }))
  for (const stored of backups) checks.push(await verifyOne(context, stored, options.quick ?? false))
  return checks
}

async function verifyOne(context: FileContext, stored: StoredBackup, quick: boolean): Promise<BackupCheck> {
  const view = { id: stored.manifest.id, path: dataPath(stored) }
  try {
    if (quick) await requireBytes(stored)
    else await inScratch(stored, file => restoreInto(stored, file))
  } catch (error) {
    return { ...view, ...judge(error, view.path), checkedAt: context.now() }
  }
  const checkedAt = context.now()
  if (!quick && !context.dryRun) await remember(stored, checkedAt)
  return { ...view, outcome: 'passed', problem: null, checkedAt }
}

/**
 * Restores a backup into an existing empty private file, and checks it there in full against its manifest.
 *
 * @throws checksum (other bytes than were written), corrupt, not_found (no data), disk_full, permission
 */
export async function restoreInto(stored: StoredBackup, file: string): Promise<void> {
  const { manifest } = stored
  if (manifest.encrypted) throw encrypted(stored)
  await requireBytes(stored)
  const raw = await unpack(dataPath(stored), file, manifest.compression, manifest.rawSizeBytes)
  if (raw.sha256 !== manifest.rawSha256) throw wrong(stored, 'what it unpacks to is not what was packed')
  requireContents(stored, file)
}

async function requireBytes(stored: StoredBackup): Promise<void> {
  const { manifest } = stored
  const path = dataPath(stored)
  if (!existsSync(path)) {
    throw new LatchkeyError('not_found', `the data of ${manifest.id} is missing: ${path}`, others)
  }
  const size = sizeOf(path)
  if (size !== manifest.sizeBytes)
    throw wrong(stored, `it has ${size} bytes in place of ${manifest.sizeBytes}`)
  const { sha256 } = await digest(path)
  if (sha256 !== manifest.sha256) throw wrong(stored, 'its bytes are not those that were written (SHA-256)')
}

function requireContents(stored: StoredBackup, file: string): void {
  const { manifest } = stored
  const client = openPrivate(file)
  try {
    const [damage] = [...integrityCheck(client), ...foreignKeyCheck(client)]
    if (damage !== undefined) throw damaged(stored, damage)
    const found = describeContents(client)
    for (const field of ['schemaVersion', 'schemaHash', 'pageSize'] as const) {
      if (found[field] !== manifest[field]) throw damaged(stored, `${field} is not what its manifest says`)
    }
    if (found.migrationHead?.hash !== manifest.migrationHead?.hash) {
      throw damaged(stored, 'its last migration is not the one its manifest says')
    }
    for (const table of new Set([...Object.keys(manifest.rows), ...Object.keys(found.rows)])) {
      if (found.rows[table] === manifest.rows[table]) continue
      const counts = `${found.rows[table] ?? 0} rows in place of ${manifest.rows[table] ?? 0}`
      throw damaged(stored, `${table} has ${counts}`)
    }
  } catch (error) {
    throw translate(error, dataPath(stored))
  } finally {
    client.close()
  }
}

async function inScratch<T>(stored: StoredBackup, work: (file: string) => Promise<T>): Promise<T> {
  sweepScratch()
  const folder = mkdtempSync(join(tmpdir(), `${scratchPrefix}${ownPid}-`))
  try {
    chmodSync(folder, 0o700)
    requireSpace(folder, stored.manifest.rawSizeBytes)
    return await withPrivateFile(folder, work)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const scratchPrefix = 'latchkey-verify-'

/** Scratch folders of runs that were killed; other people's cannot be removed, and are passed over. */
function sweepScratch(): void {
  for (const name of list(tmpdir())) {
    const pid = Number(/^latchkey-verify-(\d+)-/.exec(name)?.[1] ?? Number.NaN)
    if (Number.isNaN(pid) || pid === ownPid || isRunning(pid)) continue
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true })
    } catch (error) {
      if (codeOf(error) === '') throw error
    }
  }
}

/** Bad bytes and missing data are failures of the backup; a full disk or a missing right are not. */
function judge(error: unknown, path: string): Pick<BackupCheck, 'outcome' | 'problem'> {
  const known = translate(error, path)
  const problem = known instanceof Error ? known.message : String(known)
  const failed =
    known instanceof LatchkeyError &&
    ['checksum', 'corrupt', 'not_found', 'database_foreign'].includes(known.code)
  return { outcome: failed ? 'failed' : 'aborted', problem }
}

/** Best effort: a folder that cannot be written does not make a good backup a bad one. */
async function remember(stored: StoredBackup, verifiedAt: Date): Promise<void> {
  const name = `${basename(dataPath(stored)).replace(/\.db(\.zst|\.gz)?$/, '')}.json`
  const now = readManifest(stored.folder, name)
  // Removed or replaced meanwhile: writing it would bring back a manifest without data.
  if (now === undefined || 'problem' in now || now.manifest.id !== stored.manifest.id) return
  try {
    await writeManifest({ ...now, manifest: { ...now.manifest, verifiedAt } })
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
  }
}

const others = 'find one that is sound with: latchkey backup verify --all'

const wrong = (stored: StoredBackup, what: string): LatchkeyError =>
  new LatchkeyError('checksum', `the backup ${stored.manifest.id} is damaged: ${what}`, others)

const damaged = (stored: StoredBackup, what: string): LatchkeyError =>
  new LatchkeyError('corrupt', `the backup ${stored.manifest.id} is damaged: ${what}`, others)

const encrypted = (stored: StoredBackup): LatchkeyError =>
  new LatchkeyError(
    'config',
    `the backup ${stored.manifest.id} is encrypted, and this Latchkey cannot decrypt it`,
    'decrypt it with the Latchkey that made it',
  )
