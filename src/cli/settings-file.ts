/**
 * One `latchkey.toml`: what it says, and changing one setting of it while everything else in it, comments and order
 * included, stays as somebody wrote it.
 */
import { mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import { nearest } from '../nearest.ts'

export const settingNames = [
  'db',
  'tz',
  'backup_dir',
  'backup_keep',
  'age_recipients_file',
  'age_identity_file',
  'output',
] as const
export type SettingName = (typeof settingNames)[number]

/** A value as it was found, before relative paths and spellings are settled. */
export interface Found {
  readonly value: string
  readonly source: string
  /** The folder against which a relative path is meant. */
  readonly base: string
}

export type Layer = { readonly [N in SettingName]?: Found }

export interface SettingsFile {
  readonly settings: Layer
  readonly profiles: Readonly<Record<string, Layer>>
}

/** Reads a file, which may be missing; `~/` at the beginning of a value stands for `home`. @throws config */
export function readSettings(path: string, home: string): SettingsFile {
  const text = readIfPresent(path)
  return text === undefined ? { settings: {}, profiles: {} } : parseSettings(path, text, home)
}

/** @throws config naming the line or the setting that is wrong */
function parseSettings(path: string, text: string, home: string): SettingsFile {
  const { profile = {}, ...plain } = parseToml(path, text) as { readonly profile?: unknown }
  if (!isTable(profile) || !Object.values(profile).every(isTable)) {
    throw broken(`${path}: profiles are tables`, 'write settings below a line such as [profile.prod]')
  }
  const where = (key: string) => `${path}:${lineOf(text, key)}`
  return {
    settings: layerOf(path, plain, home, where),
    profiles: Object.fromEntries(
      Object.entries(profile).map(([name, table]) => [
        name,
        layerOf(path, table as object, home, where, name),
      ]),
    ),
  }
}

function layerOf(
  path: string,
  table: object,
  home: string,
  where: (key: string) => string,
  profile?: string,
): Layer {
  const layer: { [N in SettingName]?: Found } = {}
  for (const [key, value] of Object.entries(flatten(path, table))) {
    const name = settingNames.find(known => known === key)
    if (name === undefined) throw unknownKey(where(key), key)
    if (typeof value !== 'string' || value === '') {
      throw broken(`${where(key)}: ${key} must be text`, `write ${key} = "…" in ${path}`)
    }
    const expanded = value.startsWith('~/') ? join(home, value.slice(2)) : value
    const source = profile === undefined ? path : `${path} [profile.${profile}]`
    layer[name] = { value: expanded, source, base: dirname(path) }
  }
  return layer
}

/** `[backup.keep]` with `daily = 7` is the setting backup_keep with `daily=7`, as the variable has it. */
function flatten(path: string, settings: object): object {
  const { backup, ...others } = settings as { readonly backup?: unknown }
  if (backup === undefined) return others
  const keep = isTable(backup) && Object.keys(backup).join() === 'keep' ? backup['keep'] : undefined
  if (!isTable(keep)) {
    throw broken(
      `${path}: [backup] holds [backup.keep] and nothing else`,
      'write daily = 7 below [backup.keep]',
    )
  }
  return {
    ...others,
    backup_keep: Object.entries(keep)
      .map(([rule, value]) => `${rule}=${value}`)
      .join(','),
  }
}

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw broken(
      `cannot read ${path} (${String(code ?? error)})`,
      `make ${path} readable, or move it away`,
      error,
    )
  }
}

function parseToml(path: string, text: string): object {
  try {
    return Bun.TOML.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^TOML Parse error: /, '') : String(error)
    const line = brokenLine(text)
    throw broken(`${path}:${line}: ${reason}`, `correct line ${line} of ${path}`, error)
  }
}

/** Bun's parser does not say where it stopped: the statement after the longest part that it accepts. */
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

function unknownKey(where: string, key: string): LatchkeyError {
  const close = nearest(key, settingNames)
  const hint = close === undefined ? `it may hold ${settingNames.join(', ')}` : `write ${close} instead`
  return broken(`${where}: unknown setting '${key}'`, hint)
}

/** The first line that gives a value to this name, or that opens a table of it. */
function lineOf(text: string, key: string): number {
  const opens = new RegExp(`^\\s*(\\[+[^\\]]*)?["']?${key.replaceAll(/\W/g, '\\$&')}["']?\\s*[=.\\]]`)
  return Math.max(1, text.split('\n').findIndex(line => opens.test(line)) + 1)
}

/** Changes a file at once, or makes it, with the folder it lies in; its mode and a symbolic link stay. @throws config */
export function writeSetting(
  path: string,
  name: SettingName,
  value: string | null,
  {
    profile,
    dryRun,
    home,
  }: { readonly profile?: string | undefined; readonly dryRun: boolean; readonly home: string },
): void {
  const text = readIfPresent(path)
  const changed = withSetting(path, text ?? '', name, value, profile)
  // Not made worse: what the program would refuse is refused here.
  parseSettings(path, changed, home)
  if (dryRun || changed === (text ?? '')) return
  try {
    const real = text === undefined ? path : realpathSync(path)
    mkdirSync(dirname(real), { recursive: true, mode: 0o700 })
    const beside = `${real}.${process.pid}.new`
    writeFileSync(beside, changed, {
      flag: 'wx',
      mode: text === undefined ? 0o600 : statSync(real).mode & 0o777,
    })
    renameSync(beside, real)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw broken(
      `${path} cannot be written: ${reason}`,
      `make ${dirname(path)} writable, or edit ${path} by hand`,
      error,
    )
  }
}

/**
 * The text with one setting changed, or taken out for `null`.
 *
 * @param profile the table `[profile.NAME]` in place of the top of the file
 * @throws config when this cannot be done without touching anything else
 */
export function withSetting(
  path: string,
  text: string,
  name: SettingName,
  value: string | null,
  profile?: string,
): string {
  const lines = text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/)
  const lineEnd = /\r\n/.test(text) ? '\r\n' : '\n'
  const header = profile === undefined ? undefined : `[profile.${quoted(profile)}]`
  let begin = 0
  if (header !== undefined) {
    begin = lines.findIndex(line => line.replace(/\s*#[^"\]]*$/, '').trim() === header) + 1
    if (begin === 0) {
      if (value === null) return text
      lines.push(...(lines.length === 0 ? [] : ['']), header)
      begin = lines.length
    }
  }
  const next = lines.findIndex((line, at) => at >= begin && /^\s*\[/.test(line))
  const end = next < 0 ? lines.length : next
  const at = lines.findIndex(
    (line, at) => at >= begin && at < end && new RegExp(`^\\s*${name}\\s*=`).test(line),
  )
  const written = value === null ? [] : [`${name} = ${JSON.stringify(value)}${commentOf(lines[at])}`]
  if (at >= 0) lines.splice(at, 1, ...written)
  else lines.splice(afterLast(lines, begin, end), 0, ...written)
  const changed = lines.length === 0 ? '' : lines.join(lineEnd) + lineEnd
  requireOnly(path, text, changed, name, value, profile)
  return changed
}

/** Bare where TOML allows it. */
const quoted = (name: string): string => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name))

/** What stands behind a value that is text on one line. */
const commentOf = (line: string | undefined): string =>
  /^[^=]*=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*')(\s*#.*)?$/.exec(line ?? '')?.[1] ?? ''

/** Behind the last line of a table that says something; a comment right above the next table belongs to that. */
function afterLast(lines: readonly string[], begin: number, end: number): number {
  let at = end
  if (end < lines.length) while (at > begin && lines[at - 1]?.trim().startsWith('#')) at--
  while (at > begin && lines[at - 1]?.trim() === '') at--
  return at
}

/** The file is read again as it will be: a value over several lines, say, is not ours to cut. */
function requireOnly(
  path: string,
  before: string,
  after: string,
  name: SettingName,
  value: string | null,
  profile: string | undefined,
): void {
  const wanted = parseToml(path, before) as Record<string, unknown>
  if (name === 'backup_keep' && [wanted, ...tablesOf(wanted['profile'])].some(table => 'backup' in table)) {
    throw broken(
      `${path} has [backup.keep], which is this setting as a table`,
      `edit [backup.keep] in ${path} by hand`,
    )
  }
  const profiles = (wanted['profile'] ?? {}) as Record<string, Record<string, unknown>>
  const table = profile === undefined ? wanted : (profiles[profile] ?? {})
  if (profile !== undefined) wanted['profile'] = { ...profiles, [profile]: table }
  if (value === null) delete table[name]
  else table[name] = value
  const { profile: found = {}, ...plain } = attempt(after) ?? { profile: null }
  const { profile: expected = {}, ...rest } = wanted
  if (Bun.deepEquals([plain, found], [rest, expected])) return
  throw broken(`${path} cannot be changed without touching more than ${name}`, `edit ${path} by hand`)
}

const tablesOf = (profiles: unknown): readonly object[] =>
  isTable(profiles) ? Object.values(profiles).filter(isTable) : []

function attempt(text: string): Record<string, unknown> | undefined {
  try {
    return Bun.TOML.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

export const broken = (message: string, hint: string, cause?: unknown): LatchkeyError =>
  new LatchkeyError('config', message, hint, { cause })
