/**
 * Takes a backup: a compact copy of one moment, checked, hashed and on disk before it gets its name, and its
 * manifest last. On any failure nothing is left behind, and the database is only ever read.
 */
import { chmodSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Backup } from '../../contract/views.ts'
import type { Client } from '../../db/client.ts'
import { copyTo, openPrivate } from '../../db/copy.ts'
import { translate } from '../../db/errors.ts'
import {
  compactSize,
  foreignKeyCheck,
  integrityCheck,
  pageSize,
  quickCheck,
  rowCounts,
  schemaHash,
} from '../../db/inspect.ts'
import { appliedMigrations } from '../../db/migrate.ts'
import { openReader, requireOurs } from '../../db/open.ts'
import { programVersion } from '../../version.ts'
import type { FileContext } from '../context.ts'
import { newId } from '../ids.ts'
import { parse, reason as reasonField } from '../input.ts'
import { ensureFolder, place, requireSpace, sizeOf, sweep, withPrivateFile } from './files.ts'
import { withLock } from './lock.ts'
import { backupName, dataPath, type Manifest, type StoredBackup, toView, writeManifest } from './manifest.ts'
import { type Compression, compressions, digest, extensions, pack } from './pack.ts'

export interface CreateBackup {
  /** The folder; default the context's. It is created, mode 0700, if it is missing. */
  readonly to?: string | undefined
  /** Default `manual`. */
  readonly reason?: string | undefined
  /** Default `none`. */
  readonly compression?: Compression | undefined
  /** Also compares every index of the copy with its table, which takes long; the backup then counts as verified. */
  readonly full?: boolean | undefined
}

const inputSchema = v.object({
  to: v.optional(v.pipe(v.string(), v.minLength(1, 'must not be empty'))),
  reason: v.optional(reasonField, 'manual'),
  compression: v.optional(v.picklist(compressions, `must be one of ${compressions.join(', ')}`), 'none'),
  full: v.optional(v.boolean(), false),
})

/**
 * Copies the database while others go on writing to it. Works on a database of an older or newer schema, too. A dry
 * run makes and checks the copy, then removes it.
 *
 * @throws busy, database_missing, database_foreign, corrupt, disk_full, permission, config, invalid
 */
export async function createBackup(context: FileContext, input: CreateBackup = {}): Promise<Backup> {
  const options = parse(inputSchema, input)
  const folder = resolve(options.to ?? context.backupDir)
  requireLatchkey(context.path)
  return withLock(context, folder, () => createUnlocked(context, { ...options, to: folder }))
}

/** As `createBackup`, for a caller that holds the lock already. */
export async function createUnlocked(context: FileContext, input: CreateBackup): Promise<Backup> {
  const { to, reason, compression, full } = parse(inputSchema, input)
  const folder = resolve(to ?? context.backupDir)
  const size = requireLatchkey(context.path)
  const removeFolder = ensureFolder(folder)
  try {
    if (!context.dryRun) sweep(folder)
    requireSpace(folder, compression === 'none' ? size : size * 2)
    const stored = await withPrivateFile(folder, async raw => {
      const createdAt = context.now()
      copyTo(context.path, raw)
      const contents = examine(raw, full)
      const id = newId('bak', createdAt)
      const describe = (digests: Digests): StoredBackup => ({
        folder,
        manifest: {
          format: 'latchkey-backup',
          formatVersion: 1,
          id,
          file: backupName(id, createdAt) + extensions[compression],
          createdAt,
          reason,
          ...digests,
          compression,
          encrypted: false,
          ...contents,
          programVersion,
          verifiedAt: full ? context.now() : null,
        },
      })
      if (compression === 'none') {
        const { bytes, sha256 } = await digest(raw)
        return keep(
          context,
          raw,
          describe({ sizeBytes: bytes, rawSizeBytes: bytes, sha256, rawSha256: sha256 }),
        )
      }
      return withPrivateFile(folder, async packed => {
        const digests = await pack(raw, packed, compression)
        return keep(
          context,
          packed,
          describe({
            sizeBytes: digests.packed.bytes,
            rawSizeBytes: digests.raw.bytes,
            sha256: digests.packed.sha256,
            rawSha256: digests.raw.sha256,
          }),
        )
      })
    })
    if (context.dryRun) removeFolder()
    return toView(stored)
  } catch (error) {
    removeFolder()
    throw translate(error, folder)
  }
}

type Digests = Pick<Manifest, 'sizeBytes' | 'rawSizeBytes' | 'sha256' | 'rawSha256'>
type Contents = Pick<Manifest, 'schemaVersion' | 'schemaHash' | 'migrationHead' | 'pageSize' | 'rows'>

/** Data first, then the manifest: what dies in between is a file that nothing calls a backup. */
async function keep(context: FileContext, file: string, stored: StoredBackup): Promise<StoredBackup> {
  if (context.dryRun) return stored
  const path = dataPath(stored)
  chmodSync(file, 0o600)
  place(file, path)
  try {
    await writeManifest(stored)
    return stored
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  }
}

/**
 * Says what a copy holds, and refuses one that is not sound. A copy that was cut short opens as a valid empty
 * database, which every check of SQLite's own passes.
 */
function examine(path: string, full: boolean): Contents {
  const client = openPrivate(path)
  try {
    const contents = describeContents(client)
    const [damage] = [...(full ? integrityCheck(client) : quickCheck(client)), ...foreignKeyCheck(client)]
    if (damage !== undefined) throw unsound(damage)
    if (Object.keys(contents.rows).length === 0) throw unsound('the copy holds no table')
    return contents
  } finally {
    client.close()
  }
}

/** What a manifest says of the database inside. */
export function describeContents(client: Client): Contents {
  const { version } = requireOurs(client, 'the copy')
  const head = appliedMigrations(client).at(-1)
  return {
    schemaVersion: version,
    schemaHash: schemaHash(client),
    migrationHead: head ? { version: head.version, name: head.name, hash: head.hash } : null,
    pageSize: pageSize(client),
    rows: rowCounts(client),
  }
}

/** @returns about how many bytes a copy of it will have */
function requireLatchkey(path: string): number {
  const client = openReader(path)
  try {
    requireOurs(client, path)
    return Math.max(compactSize(client), sizeOf(path) === 0 ? sizeOf(`${path}-wal`) : 0)
  } catch (error) {
    throw translate(error, path)
  } finally {
    client.close()
  }
}

function unsound(damage: string): LatchkeyError {
  return new LatchkeyError(
    'corrupt',
    `the database is damaged, no backup was made of it: ${damage}`,
    'see all that is wrong with: latchkey migrate check, and get a good copy with: latchkey restore --latest',
  )
}
