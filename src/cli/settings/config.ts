/**
 * Resolves each setting and remembers its source: flag, the profile of `--profile`, environment, the profile of
 * LATCHKEY_PROFILE, `latchkey.toml` here, the user's, for the database DATABASE_URL and DATABASE_PATH, a default. Only `changeSettings` changes a file.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import { unpricedRules, usualMostEndUsers } from '../../contract/views/words.ts'
import type {
  ConfigChange,
  ConfigValue,
  SettingsCheck,
  SettingsProfile,
  UnpricedRule,
} from '../../contract/views.ts'
import type { KeepPolicy } from '../../index.ts'
import { type Environment, homeFolder, located, trustedOwners, userFolder } from '../../system/home.ts'
import { besideOf, readScheduled, usualBackupDir } from '../../system/scheduled.ts'
import {
  databaseProblem,
  isAddress,
  isServerUrl,
  type NoPath,
  pathProblem,
  placeProblem,
  shownUrl,
} from '../../text/address.ts'
import { didYouMean, nearest } from '../../text/nearest.ts'
import { shellWord } from '../../text/shell-word.ts'
import { keepRules } from '../declare/parse.ts'
import {
  broken,
  type Found,
  type Layer,
  readSettings,
  type SettingName,
  type SettingsFile,
  type SettingsPlace,
  settingNames,
} from './file.ts'

/** Output formats of `-o`. */
export const formats = ['table', 'wide', 'json', 'ndjson', 'csv', 'yaml', 'name'] as const
export type Format = (typeof formats)[number]

/** Settings that were given as flags. */
export interface ConfigFlags {
  readonly db?: string | undefined
  readonly tz?: string | undefined
  readonly output?: string | undefined
  readonly profile?: string | undefined
}

export interface Config {
  /**
   * Path of the database, or its URL.
   *
   * @throws config (a variable of other programs names one, and there is another at the default place)
   */
  readonly db: string
  /** The system's zone is looked up when it is needed, because that takes longer than most commands. */
  readonly timeZone: string
  /** Folder of the backups, or the address of a remote place. Without a setting, their schedule or the default decides. */
  readonly backupDir: string | undefined
  readonly output: Format
  /** Which backups are kept when old ones are removed. */
  readonly backupKeep: KeepPolicy | undefined
  readonly ageRecipientsFile: string | undefined
  readonly ageIdentityFile: string | undefined
  /** Whether requests for models without a price are denied where a dollar limit binds. */
  readonly unpriced: UnpricedRule
  /** How many end users a key may have. */
  readonly maxEndUsers: number
  /** Where settings are looked for, highest priority first. The files need not exist. */
  readonly files: readonly SettingsPlace[]
  /** The profile of `--profile`. */
  readonly profile: string | undefined
  /** The profile in use, from `--profile` or LATCHKEY_PROFILE. */
  readonly profileInUse: string | undefined
  /** The user's home, for `~`. */
  readonly home: string
  /** The value of a setting, and its source. @throws config (the schedule of the backups cannot be read) */
  readonly setting: (name: SettingName) => ConfigValue
}

/** Throws `usage` for a bad flag and `config` for a bad variable or file. */
export function resolveConfig(env: Environment, cwd: string, flags: ConfigFlags): Config {
  const places = filesOf(env, cwd)
  const read = places.map(readSettings)
  const profile = profileOf(profileName(env, flags), places, read)
  const layers = [
    fromFlags(flags, cwd),
    // A profile that was typed wins over exported variables.
    ...(flags.profile === undefined
      ? [fromEnvironment(env, cwd), ...profile]
      : [...profile, fromEnvironment(env, cwd)]),
    ...read.map(file => file.settings),
  ]
  return settle(layers, env, cwd, flags)
}

/**
 * The same without what is broken, for commands that show or fix settings: without the files, and if necessary without
 * the environment.
 *
 * @throws usage
 */
export function resolveLeniently(env: Environment, cwd: string, flags: ConfigFlags): Config {
  const typed = fromFlags(flags, cwd)
  const attempts = [
    () => resolveConfig(env, cwd, flags),
    () => settle([typed, fromEnvironment(env, cwd)], env, cwd, flags),
  ]
  for (const attempt of attempts) {
    try {
      return attempt()
    } catch (error) {
      if (!(error instanceof LatchkeyError) || error.code !== 'config') throw error
    }
  }
  return settle([typed], env, cwd, flags)
}

/** The format of the settings, for errors that come before anything else. Broken settings are reported later. */
export function settledFormat(env: Environment, cwd: string): Format {
  try {
    return resolveConfig(env, cwd, {}).output
  } catch {
    return 'table'
  }
}

function settle(layers: readonly Layer[], env: Environment, cwd: string, flags: ConfigFlags): Config {
  const home = homeFolder(env)
  const given = <T>(name: SettingName, read: (found: Found, home: string) => T): Settled<T> | undefined => {
    const found = layers.find(layer => layer[name] !== undefined)?.[name]
    return found && { value: read(found, home), source: found.source }
  }
  const usual = join(userFolder(env, 'XDG_DATA_HOME'), 'latchkey', 'latchkey.db')
  const foreign = foreignDatabases(env, cwd, home)
  const db = given('db', database) ?? foreign[0] ?? byDefault(usual)
  const chosenZone = given('tz', zone)
  const tz = () => chosenZone ?? byDefault(Intl.DateTimeFormat().resolvedOptions().timeZone)
  const backupDir = given('backup_dir', place)
  const output = given('output', format) ?? byDefault('table')
  const keep = given('backup_keep', policy)
  const recipients = given('age_recipients_file', file)
  const identity = given('age_identity_file', file)
  const unpriced = given('unpriced', rule) ?? byDefault('allow')
  const endUsers = given('max_end_users', number) ?? byDefault(String(usualMostEndUsers))
  const settings: Readonly<Record<SettingName, () => Settled<string | null>>> = {
    db: () => shownDatabase(db),
    tz,
    backup_dir: () =>
      backupDir ??
      bySchedule(readScheduled(besideOf(db.value, env))?.backupDir) ??
      byDefault(usualBackupDir(besideOf(db.value, env))),
    backup_keep: () => keep ?? byDefault(null),
    age_recipients_file: () =>
      recipients ?? bySchedule(readScheduled(besideOf(db.value, env))?.recipientsFile) ?? byDefault(null),
    age_identity_file: () => identity ?? byDefault(null),
    unpriced: () => unpriced,
    max_end_users: () => endUsers,
    output: () => output,
  }

  return {
    get db() {
      if (foreign.some(({ source }) => source === db.source)) requireOnlyOne(foreign, usual)
      return db.value
    },
    get timeZone() {
      return tz().value
    },
    backupDir: backupDir?.value,
    output: output.value,
    backupKeep: keep && keepRules(keep.value),
    ageRecipientsFile: recipients?.value,
    ageIdentityFile: identity?.value,
    unpriced: unpriced.value,
    maxEndUsers: Number(endUsers.value),
    files: filesOf(env, cwd),
    profile: flags.profile,
    profileInUse: profileName(env, flags),
    home,
    setting: name => ({ name, ...settings[name]() }),
  }
}

/** Whether it was not valid UTF-8, which the runtime turns into U+FFFD, or contains half a character. */
export const isNoText = (value: string): boolean => value.includes('\ufffd') || !value.isWellFormed()

export function isFormat(text: string | undefined): text is Format {
  return formats.some(format => format === text)
}

function filesOf(env: Environment, cwd: string): Config['files'] {
  return [
    { scope: 'folder', path: join(cwd, 'latchkey.toml'), owners: trustedOwners(env) },
    { scope: 'user', path: join(userFolder(env, 'XDG_CONFIG_HOME'), 'latchkey', 'latchkey.toml') },
  ]
}

/** Checks each settings file: syntax, unknown names and invalid values. */
export function checkSettings({ files, home }: Config): readonly SettingsCheck[] {
  return files.map(place => {
    const { path, scope } = place
    try {
      const { settings, profiles } = readSettings(place)
      for (const layer of [settings, ...Object.values(profiles)]) {
        for (const name of settingNames) if (layer[name]) readers[name](layer[name], home)
      }
      const exists = existsSync(path)
      return { path, scope, exists, ok: true, profiles: Object.keys(profiles), problem: null }
    } catch (error) {
      if (!(error instanceof LatchkeyError)) throw error
      const problem = `${error.message}: ${error.hint}`
      return { path, scope, exists: true, ok: false, profiles: [], problem }
    }
  })
}

/** Each profile once, with its database; null if that cannot be read. */
export function listProfiles({ files, profileInUse, home }: Config): readonly SettingsProfile[] {
  const found = files.flatMap(file =>
    Object.entries(readLeniently(file).profiles).map(([name, layer]) => ({
      name,
      path: file.path,
      db: layer.db && readable(layer.db, home),
    })),
  )
  return [...Map.groupBy(found, ({ name }) => name)].map(([name, all]) => ({
    name,
    inUse: name === profileInUse,
    db: all.find(({ db }) => db !== undefined)?.db ?? null,
    paths: all.map(({ path }) => path),
  }))
}

function readable(db: Found, home: string): string | undefined {
  try {
    return shownDatabase({ value: readers.db(db, home) }).value
  } catch (error) {
    if (error instanceof LatchkeyError) return undefined
    throw error
  }
}

/** The content of a file; empty if it cannot be read. */
function readLeniently(place: SettingsPlace): SettingsFile {
  try {
    return readSettings(place)
  } catch {
    return { settings: {}, profiles: {} }
  }
}

export interface Change {
  readonly name: SettingName
  /** null removes the setting. */
  readonly value: string | null
  readonly scope: 'folder' | 'user'
  readonly dryRun: boolean
}

/** Changes one setting in one file, in the profile of `--profile` if there is one. @throws config, usage */
export async function changeSettings({ files, profile }: Config, change: Change): Promise<ConfigChange> {
  const { name, scope, dryRun } = change
  const where = files.find(file => file.scope === scope)
  if (where === undefined) throw new Error(`there is no file of settings for ${scope}`)
  const { path } = where
  const [here] = files
  const cwd = dirname(here?.path ?? path)
  if (change.value !== null) readers[name]({ value: change.value, source: 'flag', base: cwd }, '/')
  // Typed here, but read from the folder of the file.
  const isMoved = change.value !== null && scope === 'user' && isRelative(name, change.value)
  const value = isMoved ? resolve(cwd, change.value) : change.value
  const { writeSetting } = await import('./change.ts')
  const changed = await writeSetting(where, name, value, { profile, dryRun })
  const hides =
    scope === 'user' && profile === undefined && here && readLeniently(here).settings[name] !== undefined
  const shown = value === null || name !== 'db' ? value : shownDatabase({ value }).value
  return { name, value: shown, path, profile: profile ?? null, hiddenBy: hides ? here.path : null, changed }
}

/** Whether a setting is a path that starts from some folder. */
const isRelative = (name: SettingName, value: string): boolean =>
  [database, place, file].some(reader => reader === readers[name]) &&
  !(isServerUrl(value) || isAddress(value) || /^~?\//.test(value))

const profileName = (env: Environment, flags: ConfigFlags): string | undefined =>
  flags.profile ?? (env['LATCHKEY_PROFILE'] || undefined)

/** The settings of the requested profile, from each file that has it. */
function profileOf(
  name: string | undefined,
  places: readonly SettingsPlace[],
  files: readonly SettingsFile[],
): readonly Layer[] {
  if (name === undefined) return []
  const found = files.flatMap(({ profiles }) => (Object.hasOwn(profiles, name) ? (profiles[name] ?? []) : []))
  if (found.length > 0) return found
  const known = files.flatMap(({ profiles }) => Object.keys(profiles))
  const close = nearest(name, known)
  throw broken(
    `there is no profile '${name}' in ${places.map(({ path }) => path).join(' or ')}`,
    close !== undefined
      ? `did you mean --profile ${shellWord(close)}?`
      : known.length > 0
        ? `choose from ${known.join(', ')}`
        : `make one with: latchkey config set db FILE --profile ${shellWord(name)}`,
  )
}

function fromFlags(flags: ConfigFlags, cwd: string): Layer {
  const layer: { [N in SettingName]?: Found } = {}
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
  const layer: { [N in SettingName]?: Found } = {}
  for (const name of settingNames) {
    const variable = `LATCHKEY_${name.toUpperCase()}`
    const value = env[variable]
    if (value !== undefined && isNoText(value)) {
      throw broken(
        `${variable} is not valid UTF-8: '${value.toWellFormed()}'`,
        `set ${variable} to text in UTF-8`,
      )
    }
    if (value) layer[name] = { value, source: variable, base: cwd }
  }
  return layer
}

/** Relative paths start from the folder of the file that contains them. */
function file(found: Found, home: string): string {
  requireNone(found, pathProblem(found.value))
  return located(found.value, found.base, home)
}

/** A file, or the URL of a database on a server, which stays as it is. */
function database(found: Found, home: string): string {
  requireNone(found, databaseProblem(found.value))
  return isServerUrl(found.value) ? found.value : file(found, home)
}

/** As it may be printed. */
const shownDatabase = <T extends { readonly value: string }>(db: T): T =>
  isServerUrl(db.value) ? { ...db, value: shownUrl(db.value) } : db

/** What variables say that other programs use. DATABASE_URL may be of a kind that is none of ours. */
function foreignDatabases(env: Environment, cwd: string, home: string): readonly Settled<string>[] {
  const [url = '', path = ''] = [env['DATABASE_URL'], env['DATABASE_PATH']]
  return [
    ...(isServerUrl(url) ? [{ value: url, source: 'DATABASE_URL' }] : []),
    ...(path === '' || isNoText(path) ? [] : [{ value: located(path, cwd, home), source: 'DATABASE_PATH' }]),
  ]
}

/** A variable of another program must never lead an operator to another database than the one used so far. */
function requireOnlyOne(foreign: readonly Settled<string>[], usual: string): void {
  const named = foreign.map(found => `${shownDatabase(found).value} (${found.source})`)
  const both = existsSync(usual) ? [...named, `${usual} (the default, which exists)`] : named
  if (both.length < 2) return
  throw broken(
    `it is not clear which database is meant: ${both.join(' or ')}`,
    'say which with --db, LATCHKEY_DB, or: latchkey config set db DATABASE',
  )
}

/** A folder, or the address of a bucket, which stays as it is. */
function place(found: Found, home: string): string {
  requireNone(found, placeProblem(found.value))
  return isAddress(found.value) ? found.value : file(found, home)
}

function requireNone(found: Found, wrong: NoPath | undefined): void {
  if (wrong !== undefined) throw refused(found, wrong.problem, wrong.hint)
}

function zone(found: Found): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: found.value }).resolvedOptions().timeZone
  } catch {
    const close = nearest(found.value, Intl.supportedValuesOf('timeZone'))
    const hint = close === undefined ? 'give a zone such as UTC or Europe/Berlin' : `did you mean ${close}?`
    throw wrongValue(found, 'is not a time zone', hint)
  }
}

function policy(found: Found): string {
  try {
    keepRules(found.value)
    return found.value
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    throw refused(found, error.message, error.hint)
  }
}

function number(found: Found): string {
  if (/^[1-9]\d{0,8}$/.test(found.value)) return found.value
  throw wrongValue(found, 'is not a whole number of at least 1', 'write a number such as 50000')
}

function format(found: Found): Format {
  if (isFormat(found.value)) return found.value
  const guess = didYouMean(nearest(found.value, formats))
  throw wrongValue(found, `is not an output format${guess}`, `give one of ${formats.join(', ')}`)
}

function rule(found: Found): UnpricedRule {
  const known = unpricedRules.find(each => each === found.value)
  if (known !== undefined) return known
  throw wrongValue(found, 'is neither allow nor deny', `give one of ${unpricedRules.join(', ')}`)
}

/** Parses each setting. @throws usage (a flag), config (anything else) */
const readers: Readonly<Record<SettingName, (found: Found, home: string) => string>> = {
  db: database,
  tz: zone,
  backup_dir: place,
  backup_keep: policy,
  age_recipients_file: file,
  age_identity_file: file,
  unpriced: rule,
  max_end_users: number,
  output: format,
}

interface Settled<T> {
  readonly value: T
  readonly source: string
}

const byDefault = <T>(value: T): Settled<T> => ({ value, source: 'default' })

/** The schedule decides if no setting does. */
const bySchedule = (value: string | null | undefined): Settled<string> | undefined =>
  value == null ? undefined : { value, source: 'backup schedule' }

/** A flag, or a value of `config set`, was typed just now; of others it is said where they are. */
const refused = ({ source }: Found, problem: string, hint: string): LatchkeyError =>
  source === 'flag' ? new LatchkeyError('usage', problem, hint) : broken(`${problem} (from ${source})`, hint)

function wrongValue(found: Found, problem: string, hint: string): LatchkeyError {
  if (found.source === 'flag') return new LatchkeyError('usage', `'${found.value}' ${problem}`, hint)
  return broken(`'${found.value}' (from ${found.source}) ${problem}`, hint)
}
