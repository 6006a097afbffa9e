/**
 * Reads the keys of glm-proxy (https://github.com/ajianaz/glm-proxy) and of its successor in Go from `apikeys.json`, or the
 * SQLite database that replaced it. Reports all problems; the importer decides about them.
 */
import { Fields, isRecord, type Report, type Row } from './fields.ts'
import {
  type ForeignCounts,
  type ForeignData,
  type ForeignKey,
  type ForeignWindow,
  type Problem,
  wholeEntry,
} from './foreign-data.ts'
import { otherTables, requireColumns } from './foreign-tables.ts'
import { parseJson } from './json-text.ts'
import { type ForeignDatabase, type ForeignFile, invalid, withSource } from './source.ts'

/**
 * Reads every key, with all problems of its fields.
 *
 * @throws as `withSource`; invalid (not JSON, no list of keys, or a missing table or column), corrupt
 */
export function readGlmProxy(input: ForeignFile): Promise<ForeignData> {
  return withSource(input, source =>
    source.kind === 'text'
      ? parseContent(documentOf(input.file, source.text), [])
      : input.sqlite.withTables(input.file, source.path, database =>
          parseContent(databaseOf(database), source.notes),
        ),
  )
}

/** The contents, in the form of `apikeys.json`. */
interface Content {
  readonly keys: readonly unknown[]
  readonly otherFields: readonly string[]
  readonly leftBehind: ForeignData['leftBehind']
}

function documentOf(file: string, text: string): Content {
  const result = parseJson(text)
  if (!result.ok) {
    const where = result.place
      ? `at line ${result.place.line}, column ${result.place.column}`
      : 'that can be read, because it is nested too deeply'
    throw invalid(
      `${file} is not valid JSON ${where}; nothing was imported`,
      'correct the file, or give the right one; a SQLite database is recognised too',
    )
  }
  const { value } = result
  if (!isRecord(value) || !Array.isArray(value['keys'])) {
    throw invalid(
      `${file} is not an apikeys.json of glm-proxy: it is not an object with a list named keys`,
      'give the file that glm-proxy writes, usually data/apikeys.json',
    )
  }
  return {
    keys: value['keys'],
    otherFields: Object.keys(value).filter(field => field !== 'keys'),
    leftBehind: [],
  }
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

function databaseOf(database: ForeignDatabase): Content {
  requireColumns(database, 'glm-proxy', columns)
  const windowsOf = Map.groupBy(database.rowsOf('usage_windows'), row => row['api_key'])
  const windowOf = ({ id: _, api_key: __, ...window }: Row) => window
  const keyRows = database.rowsOf('api_keys')
  const keys = keyRows.map(row => ({
    ...row,
    usage_windows: (windowsOf.get(row['key']) ?? []).map(windowOf),
  }))
  const known = new Set(keyRows.map(row => row['key']))
  const orphaned = [...windowsOf.keys()].some(owner => !known.has(owner))
  // SQLite does not enforce foreign keys by default, so windows can outlive their keys.
  return {
    keys,
    otherFields: orphaned ? ['usage_windows of deleted keys'] : [],
    leftBehind: otherTables(database, Object.keys(columns)),
  }
}

const keyFields = new Set<string>([...columns.api_keys, 'usage_windows', 'total_requests', 'total_spend_usd'])
const windowFields = new Set<string>(['window_start', 'tokens_used', 'requests', 'spend_usd'])

function parseContent(content: Content, notes: readonly string[]): ForeignData {
  const problems: Problem[] = []
  const ignored = new Set(content.otherFields)
  const keys = content.keys.map((entry, index) =>
    parseKey(entry, (field, problem) => problems.push({ type: 'key', index, field, problem }), ignored),
  )
  return {
    users: [],
    projects: [],
    keys,
    listsKeys: true,
    problems,
    ignoredFields: [...ignored].sort(),
    leftBehind: content.leftBehind,
    notes,
  }
}

function parseKey(entry: unknown, report: Report, ignored: Set<string>): ForeignKey {
  const row = isRecord(entry) ? entry : {}
  if (!isRecord(entry)) report(wholeEntry, 'is not an object')
  // One sentence is enough for an entry that is not an object at all.
  const tell: Report = isRecord(entry) ? report : () => {}
  const fields = new Fields(row, tell)
  for (const field of Object.keys(row)) if (!keyFields.has(field)) ignored.add(field)
  return {
    credential: { secret: fields.text('key') },
    name: fields.text('name'),
    userId: null,
    model: fields.optionalText('model'),
    tokenLimit: fields.wholeNumber('token_limit_per_5h'),
    expiresAt: fields.optionalDate('expiry_date'),
    revokedAt: null,
    createdAt: fields.optionalDate('created_at'),
    lastUsedAt: fields.optionalDate('last_used'),
    lifetime: {
      tokens: fields.optionalCount('total_lifetime_tokens'),
      requests: fields.optionalCount('total_requests'),
      costMicros: fields.optionalMicros('total_spend_usd'),
    },
    split: null,
    windows: parseWindows(row['usage_windows'], tell, ignored),
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
    const fields = new Fields(entry, (field, problem) => report(`${path}.${field}`, problem))
    const start = fields.useDate('window_start')
    const old = byStart.get(start)
    byStart.set(start, {
      start,
      tokens: (old?.tokens ?? 0) + fields.count('tokens_used'),
      requests: (old?.requests ?? 0) + (fields.optionalCount('requests') ?? 0),
      costMicros: (old?.costMicros ?? 0) + (fields.optionalMicros('spend_usd') ?? 0),
    })
  }
  const windows = [...byStart.values()]
  const metrics: readonly (keyof ForeignCounts)[] = ['tokens', 'requests', 'costMicros']
  const isCountable = (metric: keyof ForeignCounts): boolean =>
    windows.reduce((sum, window) => sum + window[metric], 0) <= Number.MAX_SAFE_INTEGER
  if (!metrics.every(isCountable)) report('usage_windows', 'add up to a number that is too large')
  return windows
}
