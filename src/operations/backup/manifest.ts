/**
 * The manifest beside each backup: what it holds, and by which hash to know it. It is written last, so a file
 * without one is no backup; and only what has one of ours is ever listed, restored or removed.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Backup } from '../../contract/views.ts'
import { codeOf, translate } from '../../db/errors.ts'
import { replaceFile } from './files.ts'
import { type Compression, compressions, extensions } from './pack.ts'

const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const instant = v.pipe(
  v.string(),
  v.isoTimestamp(),
  v.transform(text => new Date(text)),
)

const manifestSchema = v.strictObject({
  format: v.literal('latchkey-backup'),
  formatVersion: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^bak_[0-9a-hjkmnp-tv-z]{26}$/)),
  file: v.string(),
  createdAt: instant,
  reason: v.pipe(v.string(), v.maxLength(500)),
  sizeBytes: bytes,
  rawSizeBytes: bytes,
  sha256: hex,
  rawSha256: hex,
  compression: v.picklist(compressions),
  encrypted: v.boolean(),
  schemaVersion: bytes,
  schemaHash: hex,
  migrationHead: v.nullable(v.strictObject({ version: bytes, name: v.string(), hash: hex })),
  pageSize: bytes,
  programVersion: v.string(),
  rows: v.record(v.string(), bytes),
  verifiedAt: v.nullable(instant),
})

export type Manifest = v.InferOutput<typeof manifestSchema>

/** A backup as it lies in a folder. */
export interface StoredBackup {
  readonly folder: string
  readonly manifest: Manifest
}

/** A manifest that is ours and cannot be used. */
export interface BrokenBackup {
  readonly id: string
  /** The manifest. */
  readonly path: string
  readonly problem: string
  /** Whether nothing is known to be wrong: it was made by a newer Latchkey. */
  readonly newer: boolean
}

export interface Survey {
  /** Newest first. */
  readonly backups: readonly StoredBackup[]
  readonly broken: readonly BrokenBackup[]
}

/** `latchkey-20261120T031126603Z-` and the end of the id: sorts by time, and no two backups share one. */
export function backupName(id: string, createdAt: Date): string {
  return `latchkey-${createdAt.toISOString().replace(/[-:.]/g, '')}-${id.slice(-6)}`
}

export const dataPath = ({ folder, manifest }: StoredBackup): string => join(folder, manifest.file)

const manifestPath = ({ folder, manifest }: StoredBackup): string =>
  join(folder, `${stem(manifest.file, manifest.compression)}.json`)

export function toView(stored: StoredBackup): Backup {
  const { manifest: m, folder } = stored
  return {
    id: m.id,
    path: dataPath(stored),
    location: folder,
    createdAt: m.createdAt,
    reason: m.reason,
    sizeBytes: m.sizeBytes,
    rawSizeBytes: m.rawSizeBytes,
    sha256: m.sha256,
    compression: m.compression,
    encrypted: m.encrypted,
    schemaVersion: m.schemaVersion,
    programVersion: m.programVersion,
    rows: m.rows,
    verifiedAt: m.verifiedAt,
  }
}

/** Writes, or replaces, the manifest of a backup whose data is in place. */
export async function writeManifest(stored: StoredBackup): Promise<void> {
  await replaceFile(manifestPath(stored), `${JSON.stringify(stored.manifest, null, 2)}\n`)
}

/**
 * Every backup in a folder. Other people's files, JSON or not, are passed over.
 *
 * @throws not_found when there is no such folder, permission
 */
export function survey(folder: string): Survey {
  const backups: StoredBackup[] = []
  const broken: BrokenBackup[] = []
  for (const name of namesIn(folder)) {
    if (!name.endsWith('.json')) continue
    const read = readManifest(folder, name)
    if (read === undefined) continue
    if ('manifest' in read) backups.push(read)
    else broken.push(read)
  }
  return { backups: backups.sort(newestFirst), broken }
}

/** The backup or the broken manifest of ours that a file holds; undefined when the file is somebody else's. */
export function readManifest(folder: string, name: string): StoredBackup | BrokenBackup | undefined {
  const path = join(folder, name)
  const named = /^latchkey-\d{8}T\d{9}Z-[0-9a-z]{6}\.json$/.test(name)
  const brokenAs = (problem: string, id = name.slice(0, -'.json'.length), newer = false) => ({
    id,
    path,
    problem,
    newer,
  })
  const content = read(path)
  if (content instanceof Error)
    return named ? brokenAs(`its manifest cannot be read: ${content.message}`) : undefined
  const json = parseJson(content)
  const marked = isObject(json) && json['format'] === 'latchkey-backup'
  if (!marked) return named ? brokenAs('its manifest is damaged: it is not one of a backup') : undefined
  const id = typeof json['id'] === 'string' ? json['id'].slice(0, 40) : undefined
  if (typeof json['formatVersion'] === 'number' && json['formatVersion'] > 1) {
    return brokenAs('it was made by a newer Latchkey, in a format that this one does not know', id, true)
  }
  const parsed = v.safeParse(manifestSchema, json)
  if (!parsed.success) {
    const field = v.getDotPath(parsed.issues[0]) ?? 'its form'
    return brokenAs(`its manifest is damaged: ${field} is not what it must be`, id)
  }
  const manifest = parsed.output
  // A name that leads elsewhere would make restore read, and prune remove, a stranger's file.
  if (manifest.file !== basename(name, '.json') + extensions[manifest.compression]) {
    return brokenAs('its manifest names another file than its own neighbour', id)
  }
  return { folder, manifest }
}

function newestFirst(a: StoredBackup, b: StoredBackup): number {
  return (
    b.manifest.createdAt.getTime() - a.manifest.createdAt.getTime() ||
    (a.manifest.id < b.manifest.id ? 1 : -1)
  )
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw translate(error, folder)
    throw new LatchkeyError(
      'not_found',
      `there is no folder of backups at ${folder}`,
      'name the right one with --from, or make a backup with: latchkey backup create',
    )
  }
}

/** No manifest comes near this size; a foreign file of gigabytes is not read. */
const longestManifest = 1_048_576

function read(path: string): string | Error {
  try {
    const { size } = statSync(path)
    if (size > longestManifest) return new Error('it is too large')
    return readFileSync(path, 'utf8')
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const stem = (file: string, compression: Compression): string =>
  file.slice(0, -extensions[compression].length)
