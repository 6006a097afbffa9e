/**
 * Reads the keys of glm-proxy (https://github.com/ajianaz/glm-proxy) and of its successor in Go: `apikeys.json`, or
 * the SQLite database that replaced it. Told apart by content. Finds every problem and judges none: that is the
 * importer's.
 */

import { LatchkeyError } from '../contract/errors.ts'
import { Client } from '../db/client.ts'
import { codeOf } from '../db/errors.ts'
import {
  type ForeignCounts,
  type ForeignKey,
  type ForeignKeys,
  type ForeignWindow,
  type Problem,
  wholeEntry,
} from './foreign-key.ts'
import { parseJson } from './json-text.ts'
import { type SourceFile, withSource } from './source.ts'

/**
 * Every key of the file, with all problems of its fields.
 *
 * @throws as `withSource`; invalid when it is no JSON, has no list of keys, or lacks a table or column; corrupt when
 *   the database is damaged
 */
export function readGlmProxy(input: SourceFile): Promise<ForeignKeys> {
  return withSource(input, source =>
    parseContent(
      source.kind === 'text' ? documentOf(input.file, source.text) : databaseOf(input.file, source.path),
    ),
  )
}

/** The file in the form of `apikeys.json`. */
interface Content {
  readonly keys: readonly unknown[]
  readonly otherFields: readonly string[]
}

function documentOf(file: string, text: string): Content {
  const result = parseJson(text)
  if (!result.ok) {
    const where = result.place
      ? `at line ${result.place.line}, column ${result.place.column}`
      : 'that can be read: it is nested too deeply'
    throw invalid(
      `${file} is not valid JSON ${where}; nothing was imported`,
      'correct the file, or name the right one; a SQLite database is recognised by itself',
    )
  }
  const { value } = result
  if (!isRecord(value) || !Array.isArray(value['keys'])) {
    throw invalid(
      `${file} is not an apikeys.json of glm-proxy: it is no object with a list named keys`,
      'name the file that glm-proxy writes, usually data/apikeys.json',
    )
  }
  return { keys: value['keys'], otherFields: Object.keys(value).filter(field => field !== 'keys') }
}

const columns = {
  api_keys: [
    'key',
    'name',
    'model',
    'token_limit_per_5h',
    'expiry_date',
    'created_at',
    'last_used',
    'total_lifetime_tokens',
  ],
  usage_windows: ['api_key', 'window_start', 'tokens_used'],
} as const

/** @param path a private copy: opening it writes */
function databaseOf(file: string, path: string): Content {
  let client: Client | undefined
  try {
    client = new Client(path, { readwrite: true })
    client.run('PRAGMA trusted_schema = OFF')
    const [damage] = client.query('PRAGMA quick_check(1)').all() as { quick_check: string }[]
    if (damage?.quick_check !== 'ok') throw damaged(file)
    requireTables(client, file)
    return contentOf(client)
  } catch (error) {
    if (/^SQLITE_(CORRUPT|NOTADB|CANTOPEN)/.test(codeOf(error))) throw damaged(file, { cause: error })
    throw error
  } finally {
    client?.close()
  }
}

function requireTables(client: Client, file: string): void {
  for (const [table, required] of Object.entries(columns)) {
    const hint =
      'name the database of glm-proxy, usually data/sqlite.db; what is in it shows: sqlite3 FILE .schema'
    if (!client.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table)) {
      throw invalid(`${file} is no database of glm-proxy: it has no table ${table}`, hint)
    }
    const present = client.query('SELECT name FROM pragma_table_info(?)').all(table) as { name: string }[]
    const missing = required.filter(column => !present.some(({ name }) => name === column))
    if (missing.length > 0) {
      throw invalid(
        `${file} is no database of glm-proxy that is known here: its table ${table} has no column ${missing.join(', ')}`,
        hint,
      )
    }
  }
}

function contentOf(client: Client): Content {
  const windowsOf = new Map<unknown, unknown[]>()
  const rows = client.query('SELECT * FROM usage_windows').iterate() as Iterable<Record<string, unknown>>
  for (const { id: _, api_key, ...window } of rows) {
    const windows = windowsOf.get(api_key) ?? []
    windows.push(window)
    windowsOf.set(api_key, windows)
  }
  const keyRows = client.query('SELECT * FROM api_keys').all() as Record<string, unknown>[]
  const keys = keyRows.map(row => ({ ...row, usage_windows: windowsOf.get(row['key']) ?? [] }))
  const known = new Set(keyRows.map(row => row['key']))
  const orphaned = [...windowsOf.keys()].some(owner => !known.has(owner))
  // SQLite does not enforce foreign keys unless asked to: windows outlive their keys.
  return { keys, otherFields: orphaned ? ['usage_windows of deleted keys'] : [] }
}

const keyFields = new Set<string>([...columns.api_keys, 'usage_windows', 'total_requests', 'total_spend_usd'])
const windowFields = new Set<string>(['window_start', 'tokens_used', 'requests', 'spend_usd'])

function parseContent(content: Content): ForeignKeys {
  const problems: Problem[] = []
  const ignored = new Set(content.otherFields)
  const keys = content.keys.map((entry, index) =>
    parseKey(entry, (field, problem) => problems.push({ key: index, field, problem }), ignored),
  )
  return { keys, problems, ignoredFields: [...ignored].sort() }
}

type Report = (field: string, problem: string) => void

function parseKey(entry: unknown, report: Report, ignored: Set<string>): ForeignKey {
  const fields = isRecord(entry) ? entry : {}
  if (!isRecord(entry)) report(wholeEntry, 'is not an object')
  // One sentence is enough for an entry that is no object at all.
  const tell: Report = isRecord(entry) ? report : () => {}
  for (const field of Object.keys(fields)) if (!keyFields.has(field)) ignored.add(field)
  const windows = parseWindows(fields['usage_windows'], tell, ignored)
  return {
    secret: required(fields['key'], 'key', tell),
    name: required(fields['name'], 'name', tell),
    model: optionalText(fields['model'], 'model', tell),
    tokenLimit: wholeNumber(fields['token_limit_per_5h'], 'token_limit_per_5h', tell),
    expiresAt: optionalDate(fields['expiry_date'], 'expiry_date', tell),
    createdAt: optionalDate(fields['created_at'], 'created_at', tell),
    lastUsedAt: optionalDate(fields['last_used'], 'last_used', tell),
    lifetime: {
      tokens: optionalCount(fields['total_lifetime_tokens'], 'total_lifetime_tokens', tell),
      requests: optionalCount(fields['total_requests'], 'total_requests', tell),
      costMicros: optionalMicros(fields['total_spend_usd'], 'total_spend_usd', tell),
    },
    windows,
  }
}

function parseWindows(value: unknown, report: Report, ignored: Set<string>): readonly ForeignWindow[] {
  // Go writes an empty list as null.
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    report('usage_windows', 'is not a list')
    return []
  }
  const byStart = new Map<number, ForeignWindow>()
  for (const [index, entry] of (value as unknown[]).entries()) {
    const path = `usage_windows[${index}]`
    if (!isRecord(entry)) {
      report(path, 'is not an object')
      continue
    }
    for (const field of Object.keys(entry)) {
      if (!windowFields.has(field)) ignored.add(`usage_windows.${field}`)
    }
    const start = requiredDate(entry['window_start'], `${path}.window_start`, report)
    const old = byStart.get(start)
    byStart.set(start, {
      start,
      tokens: (old?.tokens ?? 0) + count(entry['tokens_used'], `${path}.tokens_used`, report),
      requests: (old?.requests ?? 0) + (optionalCount(entry['requests'], `${path}.requests`, report) ?? 0),
      costMicros:
        (old?.costMicros ?? 0) + (optionalMicros(entry['spend_usd'], `${path}.spend_usd`, report) ?? 0),
    })
  }
  const windows = [...byStart.values()]
  const metrics: readonly (keyof ForeignCounts)[] = ['tokens', 'requests', 'costMicros']
  if (
    metrics.some(metric => windows.reduce((sum, window) => sum + window[metric], 0) > Number.MAX_SAFE_INTEGER)
  ) {
    report('usage_windows', 'add up to more than can be counted')
  }
  return windows
}

function required(value: unknown, field: string, report: Report): string {
  if (typeof value === 'string' && value.trim() !== '') return value
  if (value === undefined || value === null) report(field, 'is missing')
  else report(field, typeof value === 'string' ? 'is empty' : 'is not text')
  return ''
}

function optionalText(value: unknown, field: string, report: Report): string | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim()
  report(field, 'is not text')
  return null
}

function wholeNumber(value: unknown, field: string, report: Report): number {
  const number = count(value, field, report)
  if (typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value)) {
    report(field, 'is not a whole number')
  }
  return number
}

const optionalCount = (value: unknown, field: string, report: Report): number | null =>
  value === undefined || value === null ? null : count(value, field, report)

/** A part of a token counts as one: what was used is never counted short. */
const count = (value: unknown, field: string, report: Report): number =>
  whole(value, field, report, Math.ceil)

const optionalMicros = (value: unknown, field: string, report: Report): number | null =>
  value === undefined || value === null ? null : whole(value, field, report, dollarsToMicros)

/** Rounded up as well, except for what binary fractions add: 0.0003 dollars are 300 micro-dollars, not 301. */
function dollarsToMicros(dollars: number): number {
  const micros = dollars * 1_000_000
  const nearest = Math.round(micros)
  return Math.abs(micros - nearest) <= Math.max(1e-6, nearest * Number.EPSILON * 4)
    ? nearest
    : Math.ceil(micros)
}

function whole(value: unknown, field: string, report: Report, round: (value: number) => number): number {
  if (value === undefined || value === null) report(field, 'is missing')
  else if (typeof value !== 'number') report(field, 'is not a number')
  else if (!Number.isFinite(value)) report(field, 'is not a finite number')
  else if (value < 0) report(field, 'is negative')
  else if (round(value) > Number.MAX_SAFE_INTEGER) report(field, 'is too large')
  // Adding 0 makes 0 of -0.
  else return round(value) + 0
  return 0
}

function optionalDate(value: unknown, field: string, report: Report): number | null {
  if (value === undefined || value === null || value === '') return null
  return requiredDate(value, field, report)
}

const datePattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:?\d{2})?)?$/i

/** Checked by its parts: Date.parse takes the 30th of February for the 2nd of March, and no zone for the local one. */
function requiredDate(value: unknown, field: string, report: Report): number {
  const problem = (text: string): number => {
    report(field, text)
    return 0
  }
  if (value === undefined || value === null) return problem('is missing')
  if (typeof value !== 'string') return problem('is not a date in text')
  const match = datePattern.exec(value.trim())
  if (!match) return problem('is not a date')
  const [, year, month, day, hour, minute, second, fraction, zone] = match
  if (hour !== undefined && zone === undefined)
    return problem('has no time zone: it must end with Z or an offset')
  const local = `${year}-${month}-${day}T${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}`
  const milliseconds = (fraction ?? '').slice(0, 3).padEnd(3, '0')
  const at = Date.parse(`${local}.${milliseconds}Z`)
  if (Number.isNaN(at) || new Date(at).toISOString() !== `${local}.${milliseconds}Z`)
    return problem('is not a date')
  const offset = offsetMs(zone ?? 'Z')
  return offset === null ? problem('has an impossible time zone') : at - offset
}

function offsetMs(zone: string): number | null {
  if (zone.toUpperCase() === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(-2))
  if (hours > 23 || minutes > 59) return null
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const damaged = (file: string, options?: ErrorOptions): LatchkeyError =>
  new LatchkeyError(
    'corrupt',
    `${file} is a damaged SQLite database; nothing was imported`,
    'see the damage with: sqlite3 FILE "PRAGMA integrity_check"; or import a backup of it',
    options,
  )

const invalid = (message: string, hint: string): LatchkeyError => new LatchkeyError('invalid', message, hint)
