/**
 * Changes one setting in a `latchkey.toml`. Everything else in it stays as it was written, with comments and order.
 * Never leaves a file that the program would refuse to read.
 */
import { dirname } from 'node:path'
import { failureOf } from '../../contract/failure.ts'
import { ensureFolder, replaceFile } from '../../system/files.ts'
import {
  broken,
  isTable,
  parseSettings,
  parseToml,
  readIfPresent,
  type SettingName,
  type SettingsPlace,
} from './file.ts'

/**
 * Changes or creates a file atomically, and its folder if needed. Its mode and a symbolic link stay.
 *
 * @returns whether anything had to be changed
 * @throws config
 */
export async function writeSetting(
  place: SettingsPlace,
  name: SettingName,
  value: string | null,
  { profile, dryRun }: { readonly profile?: string | undefined; readonly dryRun: boolean },
): Promise<boolean> {
  const { path } = place
  const text = readIfPresent(place)
  const changed = withSetting(path, text ?? '', name, value, profile)
  // A file that is already broken is refused here.
  parseSettings(path, changed)
  if (changed === (text ?? '')) return false
  if (dryRun) return true
  try {
    if (text === undefined) ensureFolder(dirname(path))
    replaceFile(path, changed)
    return true
  } catch (error) {
    const reason = failureOf(error).message
    throw broken(
      `${path} cannot be written: ${reason}`,
      `make ${dirname(path)} writable, or edit ${path} by hand`,
      error,
    )
  }
}

/**
 * The text with one setting changed, or removed for `null`.
 *
 * @param profile the table `[profile.NAME]` instead of the top of the file
 * @throws config (this cannot be done without touching anything else)
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

/** Without quotes where TOML allows it. */
const quoted = (name: string): string => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name))

/** The rest of a line after a text value. */
const commentOf = (line: string | undefined): string =>
  /^[^=]*=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*')(\s*#.*)?$/.exec(line ?? '')?.[1] ?? ''

/** After the last line of a table that is not blank or a comment. A comment directly above the next table belongs to that. */
function afterLast(lines: readonly string[], begin: number, end: number): number {
  let at = end
  if (end < lines.length) while (at > begin && lines[at - 1]?.trim().startsWith('#')) at--
  while (at > begin && lines[at - 1]?.trim() === '') at--
  return at
}

/** Reads the new text again. For example, values with several lines are not supported. */
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
      `${path} has this setting as a table, [backup.keep]`,
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
  throw broken(`${path} cannot be changed without changing more than ${name}`, `edit ${path} by hand`)
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
