/** Reads one `latchkey.toml`, and says where it is wrong. Never changes it; `change.ts` does. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import { nameOfUser } from '../../system/user.ts'
import { nearest } from '../../text/nearest.ts'
import { shellWord } from '../../text/shell-word.ts'

export const settingNames = [
  'db',
  'tz',
  'backup_dir',
  'backup_keep',
  'age_recipients_file',
  'age_identity_file',
  'unpriced',
  'max_end_users',
  'output',
] as const
export type SettingName = (typeof settingNames)[number]

/** A value as found. Relative paths are not resolved yet. */
export interface Found {
  readonly value: string
  readonly source: string
  /** The folder that a relative path starts from. */
  readonly base: string
}

export type Layer = { readonly [N in SettingName]?: Found }

export interface SettingsFile {
  readonly settings: Layer
  readonly profiles: Readonly<Record<string, Layer>>
}

/** Where a file of settings may be. */
export interface SettingsPlace {
  readonly scope: 'folder' | 'user'
  readonly path: string
  /** The accounts that may own the file; undefined for any. */
  readonly owners?: readonly number[]
}

/** Reads a file, which may be missing. @throws config */
export function readSettings(place: SettingsPlace): SettingsFile {
  const text = readIfPresent(place)
  return text === undefined ? { settings: {}, profiles: {} } : parseSettings(place.path, text)
}

/** @throws config (names the line or the setting) */
export function parseSettings(path: string, text: string): SettingsFile {
  const { profile = {}, ...plain } = parseToml(path, text) as { readonly profile?: unknown }
  if (!isTable(profile) || !Object.values(profile).every(isTable)) {
    throw broken(`${path}: profiles are tables`, 'put settings below a line such as [profile.prod]')
  }
  const where = (key: string) => `${path}:${lineOf(text, key)}`
  return {
    settings: layerOf(path, plain, where),
    profiles: Object.fromEntries(
      Object.entries(profile).map(([name, table]) => [name, layerOf(path, table as object, where, name)]),
    ),
  }
}

function layerOf(path: string, table: object, where: (key: string) => string, profile?: string): Layer {
  const layer: { [N in SettingName]?: Found } = {}
  for (const [key, given] of Object.entries(flatten(path, table))) {
    const name = settingNames.find(known => known === key)
    if (name === undefined) throw unknownKey(where(key), key)
    const value = name === 'max_end_users' && typeof given === 'number' ? String(given) : given
    if (typeof value !== 'string' || value === '') {
      throw broken(`${where(key)}: ${key} must be text`, `write ${key} = "…" in ${path}`)
    }
    const source = profile === undefined ? path : `${path} [profile.${profile}]`
    layer[name] = { value, source, base: dirname(path) }
  }
  return layer
}

/** Turns `[backup.keep]` with `daily = 7` into the setting backup_keep with `daily=7`, as in the variable. */
function flatten(path: string, settings: object): object {
  const { backup, ...others } = settings as { readonly backup?: unknown }
  if (backup === undefined) return others
  const keep = isTable(backup) && Object.keys(backup).join() === 'keep' ? backup['keep'] : undefined
  if (!isTable(keep)) {
    throw broken(`${path}: [backup] may only contain [backup.keep]`, 'put daily = 7 below [backup.keep]')
  }
  return {
    ...others,
    backup_keep: Object.entries(keep)
      .map(([rule, value]) => `${rule}=${value}`)
      .join(','),
  }
}

export const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The text of a file; undefined if it does not exist. @throws config (not readable, not a file, or another user's) */
export function readIfPresent({ path, owners }: SettingsPlace): string | undefined {
  let file: number | undefined
  try {
    // Opening a pipe would wait forever, and a device has no end.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = fstatSync(file)
    if (!stat.isFile()) throw broken(`${path} is not a file`, `move ${path} away`)
    // A link of another user could lead to the wrong file of the right user.
    for (const { uid } of [stat, lstatSync(path)])
      if (owners?.includes(uid) === false) throw foreign(path, uid)
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof LatchkeyError) throw error
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw broken(
      `cannot read ${path} (${code || String(error)})`,
      `make ${path} readable, or move it away`,
      error,
    )
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

const foreign = (path: string, uid: number): LatchkeyError =>
  broken(
    `${path} belongs to another user, ${nameOfUser(uid)}, so it is not used`,
    `go to another folder, or if you trust the file: chown ${process.geteuid?.()} ${shellWord(path)}`,
  )

/** @throws config (names the line) */
export function parseToml(path: string, text: string): object {
  try {
    return Bun.TOML.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^TOML Parse error: /, '') : String(error)
    const line = brokenLine(text)
    throw broken(`${path}:${line}: ${reason}`, `correct line ${line} of ${path}`, error)
  }
}

/** Bun's parser does not give a line. So it is the statement after the longest part that can be parsed. */
function brokenLine(text: string): number {
  const lines = text.split('\n')
  for (let accepted = lines.length - 1; accepted > 0; accepted--) {
    try {
      Bun.TOML.parse(lines.slice(0, accepted).join('\n'))
      return accepted + 1
    } catch {}
  }
  return 1
}

/** Names in other programs. */
const otherNames: Readonly<Record<string, SettingName>> = {
  database: 'db',
  timezone: 'tz',
  format: 'output',
}

/** A suggestion for an unknown setting. */
export function nearestSetting(typed: string): SettingName | undefined {
  const close = nearest(typed, [...settingNames, ...Object.keys(otherNames)])
  return settingNames.find(name => name === close) ?? otherNames[close ?? '']
}

function unknownKey(where: string, key: string): LatchkeyError {
  const close = nearestSetting(key)
  const hint = close === undefined ? `use one of ${settingNames.join(', ')}` : `write ${close} instead`
  return broken(`${where}: unknown setting '${key}'`, hint)
}

/** The first line that assigns this name, or opens a table with it. */
function lineOf(text: string, key: string): number {
  const opens = new RegExp(`^\\s*(\\[+[^\\]]*)?["']?${key.replaceAll(/\W/g, '\\$&')}["']?\\s*[=.\\]]`)
  return Math.max(1, text.split('\n').findIndex(line => opens.test(line)) + 1)
}

export const broken = (message: string, hint: string, cause?: unknown): LatchkeyError =>
  new LatchkeyError('config', message, hint, { cause })
