/**
 * Takes a backup. The copy is checked, hashed and durable before it gets its name, and its manifest is written last.
 * A failure leaves nothing behind. The database is only read.
 */

import { chmodSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, relative, resolve } from 'node:path'
import { LatchkeyError } from '../../../contract/errors.ts'
import { failureOf } from '../../../contract/failure.ts'
import type { Backup, CreatedBackup } from '../../../contract/views.ts'
import { copyFailure } from '../../../db/sqlite/errors.ts'
import { realPath } from '../../../db/sqlite/holders.ts'
import { compactSize } from '../../../db/sqlite/inspect.ts'
import { logDamage, reading } from '../../../db/sqlite/open.ts'
import { ensureFolder, PrivateFile, requireSpace, sizeOf, sweep } from '../../../system/files.ts'
import { besideIt } from '../../../system/scheduled.ts'
import { programVersion } from '../../../system/version.ts'
import { isServerUrl } from '../../../text/address.ts'
import type { FileContext } from '../../context.ts'
import { newId } from '../../rules/ids.ts'
import { parse } from '../../rules/input.ts'
import type { Examination, Refusal } from './contents.ts'
import { readRecipients } from './encrypt.ts'
import { type CreateBackup, createBackupInput, type KeepPolicy, type RunBackup, runInput } from './input.ts'
import { withLock } from './lock.ts'
import {
  backupName,
  formatVersion,
  isEncrypted,
  type Manifest,
  manifestName,
  type Origin,
  readManifest,
  type StoredBackup,
  toView,
  writeManifest,
} from './manifest.ts'
import { digestFile, extensionOf, pack } from './pack.ts'
import { withPings } from './ping.ts'
import { locate } from './places/locate.ts'
import type { Location } from './places/place.ts'
import { requirePolicy } from './policy.ts'
import { pruneUnlocked } from './prune.ts'
import { look, take } from './thread.ts'

/**
 * Copies the database while others write to it, whatever its schema version. A dry run makes and checks the copy, then
 * removes it.
 *
 * @throws busy, database_missing, database_foreign, corrupt, drift (it could not be restored), checksum (the upload
 *   changed), partial (taken, but not pruned), disk_full, permission, config, invalid, usage
 */
export async function createBackup(context: FileContext, input: RunBackup = {}): Promise<CreatedBackup> {
  const { waitMs, ping, prune, timeZone } = parse(runInput, input)
  const policy = prune ? requirePolicy(undefined, context.keep) : undefined
  const where = parse(createBackupInput, input).to ?? context.backupDir
  const run = async (): Promise<CreatedBackup> => {
    await requireLatchkey(context)
    return withLock(context, where, () => createAndPrune(context, input, policy, timeZone), { waitMs })
  }
  if (ping === undefined || context.dryRun) return run()
  return withPings(ping, run, text => input.onWarning?.(text))
}

export interface SafetyCopy {
  readonly reason: 'pre-restore' | 'pre-migrate'
}

/**
 * Takes the safety copy for a restore or a migration that holds the lock. A database that could not be restored is still
 * kept, because there is nothing better to go back to; its manifest says what is wrong.
 *
 * @throws as `createBackup`; the message names the safety copy
 */
export async function createUnlocked(context: FileContext, { reason }: SafetyCopy): Promise<Backup> {
  const note = ({ problem }: Refusal) => ({ at: context.now(), problem })
  return ofSafety(reason, async () => toView(await createStored(context, { reason, ...ofAll }, note)))
}

/**
 * The same, except that a dry run takes none: it finds out whether one could be taken.
 *
 * @returns null in a dry run
 * @throws as `createUnlocked`
 */
export async function safetyCopy(context: FileContext, { reason }: SafetyCopy): Promise<Backup | null> {
  if (!context.dryRun) return createUnlocked(context, { reason })
  return ofSafety(reason, async () => {
    const needs = await prepare(context, { reason, ...ofAll })
    return inFolder(context, needs, async () => {
      new PrivateFile(needs.folder)[Symbol.dispose]()
      if (needs.location.kind === 's3') await needs.location.list()
      return null
    })
  })
}

/** The recipients of a safety copy are those of all backups. */
const ofAll = { encryptHint: 'latchkey config set age_recipients_file FILE, then run the command again' }

async function ofSafety<T>(reason: SafetyCopy['reason'], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    const message = `the safety copy (${reason}) could not be taken: ${error.message}`
    throw new LatchkeyError(error.code, message, error.hint, { cause: error })
  }
}

async function createAndPrune(
  context: FileContext,
  input: CreateBackup,
  policy: KeepPolicy | undefined,
  timeZone: string,
): Promise<CreatedBackup> {
  const stored = await createStored(context, input, refusal => {
    throw unrestorable(context.path, refusal)
  })
  const backup = toView(stored)
  if (policy === undefined) return { ...backup, pruned: [] }
  try {
    const prunings = await pruneUnlocked(context, stored.location, { policy, timeZone, taken: stored })
    return { ...backup, pruned: prunings.filter(each => each.outcome === 'removed').map(each => each.id) }
  } catch (error) {
    const problem = failureOf(error).message
    throw new LatchkeyError(
      'partial',
      `the backup ${backup.id} was taken, but older ones were not removed: ${problem}`,
      'remove them with: latchkey backup prune',
      { cause: error },
    )
  }
}

interface Wanted extends CreateBackup {
  /** What to do if backups are encrypted, but this one would not be. */
  readonly encryptHint?: string
}

/** What is known of a backup before anything is copied. */
interface Needs {
  readonly options: ReturnType<typeof readOptions>
  readonly location: Location
  readonly recipients: readonly string[]
  /** About how many bytes the copy will have. */
  readonly size: number
  /** Where it is built. For a bucket, beside the database. */
  readonly folder: string
  readonly isPacked: boolean
}

const readOptions = (input: CreateBackup) => parse(createBackupInput, input)

/** @throws usage, config, invalid, and what keeps the database from being read */
async function prepare(context: FileContext, { encryptHint, ...input }: Wanted): Promise<Needs> {
  const options = readOptions(input)
  const location = locate(context, options.to ?? context.backupDir)
  const recipients = await readRecipients(
    options.recipients,
    options.recipientsFile ?? context.ageRecipientsFile,
  )
  if (options.encrypt && recipients.length === 0) throw noRecipient()
  if (recipients.length === 0) await requirePlain(context, location, encryptHint)
  if (options.fast && context.server) throw notFast(context.path)
  const size = await requireLatchkey(context)
  const folder = location.kind === 'folder' ? location.address : dirname(resolve(besideIt(context)))
  const isPacked = options.compression !== 'none' || recipients.length > 0
  return { options, location, recipients, size, folder, isPacked }
}

/** Builds in the folder, which is removed again if it is new and nothing is kept in it. */
async function inFolder<T>(
  context: FileContext,
  { folder, isPacked, size }: Needs,
  build: () => Promise<T>,
): Promise<T> {
  const removeFolder = ensureFolder(folder)
  try {
    if (!context.dryRun) sweep(folder)
    requireSpace(folder, isPacked ? size * 2 : size)
    const built = await build()
    if (context.dryRun) removeFolder()
    return built
  } catch (error) {
    removeFolder()
    throw copyFailure(error, folder)
  }
}

/** @param onDrift what the manifest says of a copy that cannot be restored */
async function createStored(
  context: FileContext,
  input: Wanted,
  onDrift: (refusal: Refusal) => Manifest['failure'],
): Promise<StoredBackup> {
  const needs = await prepare(context, input)
  const { options, location, recipients, size, folder, isPacked } = needs
  const { compression } = options
  return inFolder(context, needs, async () => {
    using raw = new PrivateFile(folder)
    using packed = isPacked ? new PrivateFile(folder) : undefined
    const createdAt = context.now()
    await copy(context, raw.path, size, input)
    const total = sizeOf(raw.path)
    const count = (done: number) => context.onProgress?.({ step: 'packing', done, total, unit: 'bytes' })
    const [examination, digests] = await both(
      look({ path: raw.path, depth: options.full ? 'full' : 'quick', name: 'the copy' }),
      packed
        ? pack(raw.path, packed.path, { compression, recipients, count })
        : digestFile(raw.path, count).then(digest => ({ raw: digest, packed: digest })),
    )
    const { contents, databaseId, refusal } = examination
    const id = newId('bak', createdAt)
    const encrypted = recipients.length > 0
    const manifest: Manifest = {
      format: 'latchkey-backup',
      formatVersion,
      id,
      file: backupName(id, createdAt) + extensionOf({ compression, encrypted }),
      createdAt,
      database: originOf(context.of ?? context.server?.place ?? context.path, databaseId, location),
      reason: options.reason,
      sizeBytes: digests.packed.bytes,
      rawSizeBytes: digests.raw.bytes,
      sha256: digests.packed.sha256,
      rawSha256: digests.raw.sha256,
      compression,
      encrypted,
      ...contents,
      programVersion,
      verifiedAt: options.full ? context.now() : null,
      failure: refusal?.code === 'drift' ? onDrift(refusal) : null,
    }
    return keep(context, (packed ?? raw).path, { location, manifest })
  })
}

function originOf(database: string, id: string | null, { kind, address }: Location): Origin {
  if (isServerUrl(database)) return { id, host: hostname(), path: database, relative: null }
  const path = realPath(resolve(database))
  return {
    id,
    host: hostname(),
    path,
    relative: kind === 'folder' ? relative(realPath(address), path) : null,
  }
}

/** SQLite does not report progress, so the size of the growing copy is used. */
async function copy(
  { path, server, onProgress }: FileContext,
  target: string,
  total: number,
  { fast = false, onWarning }: CreateBackup,
): Promise<void> {
  if (server) return server.copyTo(target)
  const damage = logDamage(path)
  if (damage !== undefined) onWarning?.(`${damage.message}; they are not in the backup`)
  const tell = () => onProgress?.({ step: 'copying', done: sizeOf(target), total, unit: 'bytes' })
  const poll = setInterval(tell, 200)
  try {
    const { frozen } = await take({ source: path, target, fast }, total)
    if (fast && !frozen) {
      onWarning?.('the database was too busy for a fast copy, so it was copied row by row')
    }
  } finally {
    clearInterval(poll)
  }
}

/** Runs both over the same file and waits until both have ended. Damage is reported first. */
async function both<T>(looking: Promise<Examination>, work: Promise<T>): Promise<readonly [Examination, T]> {
  const [seen, done] = await Promise.allSettled([looking, work])
  if (seen.status === 'rejected') throw seen.reason
  if (seen.value.damage !== null) throw unsound(seen.value.damage)
  if (done.status === 'rejected') throw done.reason
  return [seen.value, done.value]
}

/** Data first, then the manifest: after a kill in between, the file does not count as a backup. */
async function keep(context: FileContext, file: string, stored: StoredBackup): Promise<StoredBackup> {
  const { location, manifest } = stored
  if (context.dryRun) {
    // A dry run has written to a folder by now. For a bucket, this is the only check that it can be reached.
    if (location.kind === 's3') await location.list()
    return stored
  }
  chmodSync(file, 0o600)
  const tell = (step: 'uploading' | 'checking') => (done: number) =>
    context.onProgress?.({ step, done, total: manifest.sizeBytes, unit: 'bytes' })
  if (location.kind === 's3') tell('uploading')(0)
  await location.add(manifest.file, file, manifest.sha256, tell('checking'))
  try {
    await writeManifest(stored)
    await requireReadable(stored)
    return stored
  } catch (error) {
    // In a bucket, an incomplete manifest may exist.
    await discard(location, manifestName(manifest.file))
    await discard(location, manifest.file)
    throw error
  }
}

async function requireReadable({ location, manifest }: StoredBackup): Promise<void> {
  const read = await readManifest(location, manifestName(manifest.file))
  if (read !== undefined && 'manifest' in read) return
  const problem = read?.problem ?? 'it has disappeared'
  throw new LatchkeyError(
    'corrupt',
    `the manifest could not be read back: ${problem}; no backup was made`,
    'check the disk (dmesg), see more with: latchkey doctor, then run the command again',
  )
}

/**
 * Refuses an unencrypted backup if other backups in the place, or of the database, are encrypted.
 *
 * @throws usage, and what listing throws except not_found
 */
async function requirePlain(
  context: FileContext,
  location: Location,
  hint = 'name recipients with --recipients-file FILE, or for all backups: latchkey config set age_recipients_file FILE',
): Promise<void> {
  const own = locate(context, context.backupDir)
  for (const each of own.address === location.address ? [location] : [location, own]) {
    if (!(await namesIn(each)).some(isEncrypted)) continue
    throw new LatchkeyError(
      'usage',
      `the backups in ${each.address} are encrypted, but this one would not be; nothing was written`,
      hint,
    )
  }
}

async function namesIn(location: Location): Promise<readonly string[]> {
  try {
    return await location.list()
  } catch (error) {
    if (error instanceof LatchkeyError && error.code === 'not_found') return []
    throw error
  }
}

/** Never throws, so that the failure that led here is reported. */
async function discard(location: Location, name: string): Promise<void> {
  try {
    await location.remove(name)
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
  }
}

/** @returns about how many bytes a copy of it will have */
async function requireLatchkey({ path, server }: FileContext): Promise<number> {
  if (server) return server.size()
  return reading(path, compactSize)
}

function unsound(damage: string): LatchkeyError {
  return new LatchkeyError(
    'corrupt',
    `the database is damaged, so no backup was made: ${damage}`,
    'see all problems with: latchkey migrate check, and go back to a good copy with: latchkey restore --latest',
  )
}

const unrestorable = (path: string, { code, problem }: Refusal): LatchkeyError =>
  new LatchkeyError(
    code,
    `a backup of ${path} could not be restored, so none was made: ${problem}`,
    'see all problems with: latchkey migrate check; go back to a good copy with: latchkey restore --latest',
  )

const notFast = (name: string): LatchkeyError =>
  new LatchkeyError(
    'usage',
    `${name} is on PostgreSQL, where there is no file to copy`,
    'leave out --fast: the rows are read from one snapshot, and nobody waits for it',
  )

const noRecipient = (): LatchkeyError =>
  new LatchkeyError(
    'usage',
    'cannot encrypt the backup: no recipient was given',
    'give a public key with --recipient age1…, or set age_recipients_file in latchkey.toml',
  )
