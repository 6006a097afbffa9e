/**
 * The manifest beside each backup: its contents and its hash. It is written last, so a file without a manifest is not a
 * backup. Only files with one of our manifests are listed, restored or removed.
 */

import * as v from 'valibot'
import { LatchkeyError } from '../../../contract/errors.ts'
import { compressions } from '../../../contract/views/words.ts'
import type { Backup } from '../../../contract/views.ts'
import { isRecord } from '../../../formats/fields.ts'
import { readInstant } from '../../../text/instant.ts'
import { type IdPrefix, isWholeId } from '../../rules/ids.ts'
import { extensionOf } from './pack.ts'
import { readText } from './places/locate.ts'
import type { Location } from './places/place.ts'

const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const idOf = (prefix: IdPrefix) =>
  v.pipe(
    v.string(),
    v.check(id => isWholeId(id, prefix)),
  )
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const instant = v.pipe(
  v.string(),
  v.transform(readInstant),
  v.number(),
  v.transform(at => new Date(at)),
)

/** The database a backup was taken of. */
const originSchema = v.strictObject({
  /** null if the database had none yet. */
  id: v.nullable(idOf('dbs')),
  /** The machine it was taken on. */
  host: v.string(),
  /** The path of the database, links resolved. */
  path: v.string(),
  /** The path relative to the backup folder, because both may move together; null in a bucket. */
  relative: v.nullable(v.string()),
})

export type Origin = v.InferOutput<typeof originSchema>

const manifestSchema = v.strictObject({
  format: v.literal('latchkey-backup'),
  /** 2 added failed verifications; 3 the database; 4 the head of the audit log; 5 who was erased. */
  formatVersion: v.picklist([1, 2, 3, 4, 5]),
  id: idOf('bak'),
  file: v.string(),
  createdAt: instant,
  /** null in a manifest first written in an older format: the database is unknown. */
  database: v.optional(v.nullable(originSchema), null),
  reason: v.pipe(v.string(), v.maxLength(500)),
  sizeBytes: bytes,
  rawSizeBytes: bytes,
  sha256: hex,
  rawSha256: hex,
  compression: v.picklist(compressions),
  encrypted: v.boolean(),
  // Any values that are in the header and the history of the database.
  schemaVersion: v.pipe(v.number(), v.safeInteger()),
  schemaHash: hex,
  migrationHead: v.nullable(
    v.strictObject({ version: v.pipe(v.number(), v.safeInteger()), name: v.string(), hash: hex }),
  ),
  pageSize: bytes,
  programVersion: v.string(),
  rows: v.record(v.string(), bytes),
  /** The last row of the audit log; null if that had no chain yet. */
  auditHead: v.optional(v.nullable(v.strictObject({ seq: bytes, hash: hex })), null),
  /** The users who were erased, newest first: a restore knows them even if the database is lost. The last 20,000. */
  erased: v.optional(v.pipe(v.array(idOf('usr')), v.readonly()), []),
  verifiedAt: v.nullable(instant),
  /** The last verification, if it failed. A pass clears it. */
  failure: v.optional(v.nullable(v.strictObject({ at: instant, problem: v.string() })), null),
  /** SHA-256 of the rest as JSON without white space, so that any changed byte is noticed. In every format since 2. */
  manifestSha256: v.optional(hex),
})

/** The format that is written. All formats up to it can be read. */
export const formatVersion = 5

export type Manifest = Omit<v.InferOutput<typeof manifestSchema>, 'manifestSha256'>

/** A backup, its location, and the identity that opens it. */
export interface StoredBackup {
  readonly location: Location
  readonly manifest: Manifest
  /** Age identity file, for an encrypted one. */
  readonly identityFile?: string | undefined
  /** All that were found where it was found; undefined if it was read alone. */
  readonly among?: readonly StoredBackup[]
}

/** One of our manifests that cannot be used. */
export interface BrokenBackup {
  readonly id: string
  readonly location: Location
  /** The manifest. */
  readonly path: string
  readonly problem: string
  /** Whether it is unusable only because a newer Latchkey made it. */
  readonly newer: boolean
  /** From the file name; undefined if that contains no time. */
  readonly takenAt: Date | undefined
  /** As far as it can be read. */
  readonly database: Origin | null
}

export interface Survey {
  /** Newest first. */
  readonly backups: readonly StoredBackup[]
  readonly broken: readonly BrokenBackup[]
}

/** `latchkey-20261120T031126603Z-` and the end of the id: unique, and sorts by time. */
export function backupName(id: string, createdAt: Date): string {
  return `latchkey-${createdAt.toISOString().replace(/[-:.]/g, '')}-${id.slice(-6)}`
}

/** Whether a file name is that of an encrypted backup. */
export const isEncrypted = (name: string): boolean =>
  /^latchkey-\d{8}T\d{9}Z-[0-9a-z]{6}\.db.*\.age$/.test(name)

export const dataPath = ({ location, manifest }: StoredBackup): string => location.pathOf(manifest.file)

/** The manifest's file name, given the data's. */
export const manifestName = (file: string): string => `${stemOf(file)}.json`

export function toView(stored: StoredBackup): Backup {
  const { manifest: m, location } = stored
  return {
    id: m.id,
    path: dataPath(stored),
    location: location.address,
    createdAt: m.createdAt,
    database: m.database && { id: m.database.id, host: m.database.host, path: m.database.path },
    reason: m.reason,
    sizeBytes: m.sizeBytes,
    rawSizeBytes: m.rawSizeBytes,
    sha256: m.sha256,
    compression: m.compression,
    encrypted: m.encrypted,
    schemaVersion: m.schemaVersion,
    programVersion: m.programVersion,
    rows: m.rows,
    auditHead: m.auditHead,
    verifiedAt: m.verifiedAt,
    failedAt: m.failure?.at ?? null,
    problem: m.failure?.problem ?? null,
  }
}

/** Writes or replaces the manifest. The data must be in place. */
export async function writeManifest(stored: StoredBackup): Promise<void> {
  const { location, manifest } = stored
  const content = { ...manifest, formatVersion }
  const text = `${JSON.stringify({ ...content, manifestSha256: hashOf(content) }, null, 2)}\n`
  await location.replace(manifestName(manifest.file), text)
}

/**
 * Finds every backup in a place. Other files, JSON or not, are skipped.
 *
 * @throws not_found (no such place), permission, busy
 */
export async function survey(location: Location): Promise<Survey> {
  const backups: StoredBackup[] = []
  const broken: BrokenBackup[] = []
  const names = (await location.list()).filter(name => isManifestName.test(name))
  for (let next = 0; next < names.length; next += readsAtOnce) {
    const group = names.slice(next, next + readsAtOnce).map(name => readManifest(location, name))
    for (const read of await Promise.all(group)) {
      if (read === undefined) continue
      if ('manifest' in read) backups.push({ ...read, among: backups })
      else broken.push(read)
    }
  }
  return { backups: backups.sort(newestFirst), broken }
}

/** Reads one manifest, which may be broken; undefined if the file does not exist. */
export async function readManifest(
  location: Location,
  name: string,
): Promise<StoredBackup | BrokenBackup | undefined> {
  const brokenAs = (problem: string, json: Readonly<Record<string, unknown>> = {}, newer = false) => ({
    id: typeof json['id'] === 'string' ? json['id'].slice(0, 40) : name.slice(0, -'.json'.length),
    location,
    path: location.pathOf(name),
    problem,
    newer,
    takenAt: timeIn(name),
    database: v.is(originSchema, json['database']) ? json['database'] : null,
  })
  let text: string
  try {
    text = await readText(location, name, longestManifest)
  } catch (error) {
    if (!(error instanceof LatchkeyError) || error.code === 'busy') throw error
    return error.code === 'not_found' ? undefined : brokenAs(`its manifest cannot be read: ${error.message}`)
  }
  const json = parseJson(text)
  if (!isRecord(json) || json['format'] !== 'latchkey-backup') {
    return brokenAs('its manifest is damaged: it is not the manifest of a backup')
  }
  const { manifestSha256: written, ...content } = json
  const isWhole = written === hashOf(content)
  if (isWhole && typeof json['formatVersion'] === 'number' && json['formatVersion'] > formatVersion) {
    return brokenAs(
      'it was made by a newer Latchkey, in a format that this version does not know',
      json,
      true,
    )
  }
  const parsed = v.safeParse(manifestSchema, json)
  if (!parsed.success) {
    const field = v.getDotPath(parsed.issues[0]) ?? 'its structure'
    return brokenAs(`its manifest is damaged: ${field} is invalid`, json)
  }
  const { manifestSha256: _, ...manifest } = parsed.output
  // Otherwise restore would read, and prune remove, somebody else's file.
  if (manifest.file !== name.slice(0, -'.json'.length) + extensionOf(manifest)) {
    return brokenAs('its manifest names a file that is not its own', json)
  }
  const isHashed = manifest.formatVersion > 1 || written !== undefined
  if (isHashed && !isWhole) {
    return brokenAs('its manifest is damaged: it has changed since it was written (SHA-256)', json)
  }
  return { location, manifest }
}

const isManifestName = /^latchkey-\d{8}T\d{9}Z-[0-9a-z]{6}\.json$/
const readsAtOnce = 16

function timeIn(name: string): Date | undefined {
  const parts = /^latchkey-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-/.exec(name)?.slice(1).map(Number)
  if (parts === undefined) return undefined
  const [year = 0, month = 0, ...rest] = parts
  return new Date(Date.UTC(year, month - 1, ...rest))
}

/** The name of a backup's data or manifest without its extension. */
const stemOf = (file: string): string => file.replace(/\.(json|db(\.(zst|gz))?(\.age)?)$/, '')

export function newestFirst(a: StoredBackup, b: StoredBackup): number {
  return (
    b.manifest.createdAt.getTime() - a.manifest.createdAt.getTime() ||
    (a.manifest.id < b.manifest.id ? 1 : -1)
  )
}

/** Bytes. No manifest comes near this size; larger files are not read. */
const longestManifest = 1_048_576

const hashOf = (content: object): string =>
  new Bun.CryptoHasher('sha256').update(JSON.stringify(content)).digest('hex')

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
