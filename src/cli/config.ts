/**
 * Resolves each setting: flag, then environment, then `latchkey.toml` here, then the user's, then a default,
 * and remembers where it came from. Reads those two files and nothing else; must never create or change one.
 */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import type { ConfigValue } from '../contract/views.ts'
import type { KeepPolicy } from '../index.ts'
import { nearest } from './nearest.ts'
import { keepRules } from './parse.ts'

/** The formats of output, as `-o` takes them. */
export const formats = ['table', 'wide', 'json', 'ndjson', 'csv', 'yaml', 'name'] as const
export type Format = (typeof formats)[number]

export type Environment = Readonly<Record<string, string | undefined>>

/** Settings that were given as flags. */
export interface ConfigFlags {
  readonly db?: string | undefined
  readonly tz?: string | undefined
  readonly output?: string | undefined
}

export interface Config {
  /** Path of the database. */
  readonly db: string
  readonly timeZone: string
  /** Folder of the backups, or the address of a remote place. */
  readonly backupDir: string
  readonly output: Format
  /** Which backups are kept when old ones are removed. */
  readonly backupKeep: KeepPolicy | undefined
  readonly ageRecipientsFile: string | undefined
  readonly ageIdentityFile: string | undefined
  /** Each of them with its source, as `latchkey config show` lists them. */
  readonly values: readonly ConfigValue[]
}

const names = [
  'db',
  'tz',
  'backup_dir',
  'backup_keep',
  'age_recipients_file',
  'age_identity_file',
  'output',
] as const
type Name = (typeof names)[number]

/** A value as it was found, before relative paths and spellings are settled. */
interface Found {
  readonly value: string
  readonly source: string
  /** The folder against which a relative path is meant. */
  readonly base: string
}

/** Throws `usage` for a bad flag and `config` for a bad variable or file. */
export function resolveConfig(env: Environment, cwd: string, flags: ConfigFlags): Config {
  const home = env['HOME'] || homedir()
  const layers = [
    fromFlags(flags, cwd),
    fromEnvironment(env, cwd),
    fromFile(join(cwd, 'latchkey.toml'), home),
    fromFile(join(xdg(env['XDG_CONFIG_HOME'], join(home, '.config')), 'latchkey', 'latchkey.toml'), home),
  ]
  const find = (name: Name): Found | undefined => layers.find(layer => layer[name] !== undefined)?.[name]

  const data = xdg(env['XDG_DATA_HOME'], join(home, '.local', 'share'))
  const db = place(find('db')) ?? byDefault(join(data, 'latchkey', 'latchkey.db'))
  const tz = zone(find('tz')) ?? byDefault(Intl.DateTimeFormat().resolvedOptions().timeZone)
  const backupDir = place(find('backup_dir')) ?? byDefault(join(dirname(db.value), 'backups'))
  const output = format(find('output')) ?? byDefault('table')
  const keep = policy(find('backup_keep'))
  const recipients = place(find('age_recipients_file')) ?? byDefault(null)
  const identity = place(find('age_identity_file')) ?? byDefault(null)
  const settled = {
    db,
    tz,
    backup_dir: backupDir,
    backup_keep: keep?.text ?? byDefault(null),
    age_recipients_file: recipients,
    age_identity_file: identity,
    output,
  }

  return {
    db: db.value,
    timeZone: tz.value,
    backupDir: backupDir.value,
    output: output.value,
    backupKeep: keep?.policy,
    ageRecipientsFile: recipients.value ?? undefined,
    ageIdentityFile: identity.value ?? undefined,
    values: names.map(name => ({ name, value: settled[name].value, source: settled[name].source })),
  }
}

/** A format of that name, for the flag, the variable and the files alike. */
export function isFormat(text: string | undefined): text is Format {
  return formats.some(format => format === text)
}

type Layer = { readonly [N in Name]?: Found }

function fromFlags(flags: ConfigFlags, cwd: string): Layer {
  const layer: { [N in Name]?: Found } = {}
  for (const name of ['db', 'tz', 'output'] as const) {
    const value = flags[name]
    if (value === undefined) continue
    if (value === '')
      throw new LatchkeyError('usage', `--${name} is empty`, `give --${name} a value or leave it out`)
    layer[name] = { value, source: 'flag', base: cwd }
  }
  return layer
}

function fromEnvironment(env: Environment, cwd: string): Layer {
  const layer: { [N in Name]?: Found } = {}
  for (const name of names) {
    const variable = `LATCHKEY_${name.toUpperCase()}`
    const value = env[variable]
    if (value) layer[name] = { value, source: variable, base: cwd }
  }
  return layer
}

function fromFile(path: string, home: string): Layer {
  const text = readIfPresent(path)
  if (text === undefined) return {}
  const layer: { [N in Name]?: Found } = {}
  for (const [key, value] of Object.entries(flatten(path, parseToml(path, text)))) {
    const name = names.find(known => known === key)
    if (name === undefined) throw unknownKey(path, key)
    if (typeof value !== 'string' || value === '') {
      throw broken(`${path}: ${key} must be text`, `write ${key} = "…" in ${path}`)
    }
    const expanded = value.startsWith('~/') ? join(home, value.slice(2)) : value
    layer[name] = { value: expanded, source: path, base: dirname(path) }
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

function unknownKey(path: string, key: string): LatchkeyError {
  const close = nearest(key, names)
  const hint = close === undefined ? `it may hold ${names.join(', ')}` : `write ${close} instead`
  return broken(`${path}: unknown setting '${key}'`, hint)
}

/** Relative places are taken from the folder they were written in; addresses (`s3://…`) stay as they are. */
function place(found: Found | undefined): Settled<string> | undefined {
  if (found === undefined) return undefined
  const remote = /^[a-z][a-z0-9+.-]*:\/\//.test(found.value)
  return { value: remote ? found.value : resolve(found.base, found.value), source: found.source }
}

function zone(found: Found | undefined): Settled<string> | undefined {
  if (found === undefined) return undefined
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: found.value }).resolvedOptions()
    return { value: timeZone, source: found.source }
  } catch {
    throw wrongValue(found, 'is not a time zone', 'give a zone such as UTC or Europe/Berlin')
  }
}

function policy(
  found: Found | undefined,
): { readonly policy: KeepPolicy; readonly text: Settled<string> } | undefined {
  if (found === undefined) return undefined
  try {
    return { policy: keepRules(found.value), text: { value: found.value, source: found.source } }
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    throw broken(`${error.message} (from ${found.source})`, error.hint)
  }
}

function format(found: Found | undefined): Settled<Format> | undefined {
  if (found === undefined) return undefined
  if (isFormat(found.value)) return { value: found.value, source: found.source }
  throw wrongValue(found, 'is not an output format', `give one of ${formats.join(', ')}`)
}

interface Settled<T> {
  readonly value: T
  readonly source: string
}

const byDefault = <T>(value: T): Settled<T> => ({ value, source: 'default' })

/** The specification of base directories has relative ones ignored. */
const xdg = (value: string | undefined, otherwise: string): string =>
  value !== undefined && isAbsolute(value) ? value : otherwise

function wrongValue(found: Found, problem: string, hint: string): LatchkeyError {
  if (found.source === 'flag') return new LatchkeyError('usage', `'${found.value}' ${problem}`, hint)
  return broken(`'${found.value}' (from ${found.source}) ${problem}`, hint)
}

const broken = (message: string, hint: string, cause?: unknown): LatchkeyError =>
  new LatchkeyError('config', message, hint, { cause })
