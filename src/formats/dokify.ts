/**
 * Reads the users, projects, keys and usage of Dokify (https://github.com/id-mustafa/Dokify): a folder with a dump per
 * table, or a SQLite copy of its schema. Finds every problem and judges none: that is the importer's.
 */
import {
  numeric,
  optionalCount,
  optionalEpochMs,
  optionalMicros,
  optionalText,
  type Report,
  requiredText,
} from './fields.ts'
import type { ForeignData, ForeignKey, ForeignProject, ForeignUser, Problem } from './foreign-data.ts'
import { otherTables, requireColumns } from './foreign-database.ts'
import { type ForeignFile, invalid, withSource } from './source.ts'
import { isFolder, readTableDumps } from './table-dumps.ts'

/**
 * @param input the folder, or the database
 * @throws as `withSource`; invalid for what lacks the users, or a column that is needed; corrupt
 */
export async function readDokify(input: ForeignFile): Promise<ForeignData> {
  const { file } = input
  if (input.bytes === undefined && (await isFolder(file))) return readFolder(input)
  return withSource(input, source => {
    if (source.kind === 'text') {
      throw invalid(
        `${file} is neither a SQLite database nor a folder`,
        'put the dump of each table into one folder, under its name, such as users.csv, and name the folder',
      )
    }
    return input.sqlite.withTables(file, source.path, database => {
      const { tables } = database
      requireColumns(database, 'dokify', requiredOf([...tables.keys()]))
      const rows = new Map(
        tableNames.filter(name => tables.has(name)).map(name => [name, database.rowsOf(name)]),
      )
      return contentOf({
        rows,
        columns: tables,
        others: otherTables(database, tableNames),
        notes: source.notes,
      })
    })
  })
}

/** Columns without which a table means something else, and all that are known. */
const columns = {
  users: {
    required: ['id', 'email'],
    known: ['password_hash', 'name', 'provider', 'provider_id', 'created_at', 'updated_at'],
  },
  projects: { required: ['id', 'owner_user_id', 'name'], known: ['slug', 'created_at', 'updated_at'] },
  // Without revoked_at, keys that were revoked would come to life again.
  api_keys: {
    required: ['id', 'user_id', 'key', 'revoked_at'],
    known: ['name', 'usage_count', 'created_at', 'last_used_at'],
  },
  api_usage: {
    required: ['key_id'],
    known: ['id', 'total_requests', 'total_input_tokens', 'total_output_tokens', 'total_usd', 'last_used_at'],
  },
} as const

type TableName = keyof typeof columns
const tableNames = Object.keys(columns) as readonly TableName[]

/** What of the tables that are there must be there; users always must. */
const requiredOf = (present: readonly string[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    tableNames
      .filter(name => name === 'users' || present.includes(name))
      .map(name => [name, columns[name].required]),
  )

type TableRow = Readonly<Record<string, unknown>>

interface Content {
  readonly rows: ReadonlyMap<string, readonly TableRow[]>
  readonly columns: ReadonlyMap<string, readonly string[]>
  readonly others: ForeignData['leftBehind']
  readonly notes: readonly string[]
}

async function readFolder(input: ForeignFile): Promise<ForeignData> {
  const { file: folder } = input
  const { tables, others } = await readTableDumps(input, tableNames)
  if (!tables.has('users')) {
    throw invalid(
      `${folder} has no dump of the table users, to whom projects and keys belong`,
      'save it there as users.csv, users.json or users.ndjson',
    )
  }
  const present = new Map(
    [...tables].map(([name, rows]) => [name, [...new Set(rows.flatMap(row => Object.keys(row)))].sort()]),
  )
  for (const [name, required] of Object.entries(requiredOf([...tables.keys()]))) {
    const missing = required.filter(column => !present.get(name)?.includes(column))
    if (missing.length === 0 || tables.get(name)?.length === 0) continue
    throw invalid(
      `the dump of ${name} in ${folder} has no ${missing.join(', ')}`,
      'make the dump of all columns of the table',
    )
  }
  return contentOf({ rows: tables, columns: present, others, notes: [] })
}

function contentOf(content: Content): ForeignData {
  const problems: Problem[] = []
  const reporter =
    (type: Problem['type'], index: number): Report =>
    (field, problem) =>
      problems.push({ type, index, field, problem })
  const rowsIn = (table: TableName): readonly TableRow[] => content.rows.get(table) ?? []
  const users = rowsIn('users').map((row, index) => parseUser(row, reporter('user', index)))
  const projects = rowsIn('projects').map((row, index) => parseProject(row, reporter('project', index)))
  const keyRows = rowsIn('api_keys')
  const usageOf = Map.groupBy(rowsIn('api_usage'), row => row['key_id'])
  const keys = keyRows.map((row, index) =>
    parseKey(row, usageOf.get(row['id']) ?? [], reporter('key', index)),
  )
  const known = new Set(keyRows.map(row => row['id']))
  const orphaned = [...usageOf.keys()].some(owner => !known.has(owner))
  return {
    users,
    projects,
    keys,
    listsKeys: content.rows.has('api_keys'),
    problems,
    ignoredFields: [...ignoredFields(content), ...(orphaned ? ['api_usage of deleted keys'] : [])].sort(),
    leftBehind: content.others,
    notes: [
      ...content.notes,
      ...tableNames.filter(name => !content.rows.has(name)).map(name => `it has no table ${name}`),
    ],
  }
}

function ignoredFields({ columns: present }: Content): readonly string[] {
  return tableNames.flatMap(table => {
    const known: readonly string[] = [...columns[table].required, ...columns[table].known]
    return (present.get(table) ?? []).filter(name => !known.includes(name)).map(name => `${table}.${name}`)
  })
}

function parseUser(row: TableRow, report: Report): ForeignUser {
  return {
    id: requiredText(row['id'], 'id', report),
    username: null,
    email: requiredText(row['email'], 'email', report).trim(),
    name: optionalText(row['name'], 'name', report),
    // Empty for those who sign in with Google or GitHub.
    passwordHash: optionalText(row['password_hash'], 'password_hash', report),
    createdAt: optionalEpochMs(row['created_at'], 'created_at', report),
  }
}

function parseProject(row: TableRow, report: Report): ForeignProject {
  const name = requiredText(row['name'], 'name', report).trim()
  return {
    id: requiredText(row['id'], 'id', report),
    ownerId: requiredText(row['owner_user_id'], 'owner_user_id', report),
    name,
    slug: optionalText(row['slug'], 'slug', report) ?? name,
    createdAt: optionalEpochMs(row['created_at'], 'created_at', report),
  }
}

/** Each use adds one to usage_count and to total_requests; where one was missed, the other has it. */
function parseKey(row: TableRow, usage: readonly TableRow[], report: Report): ForeignKey {
  const sum = (field: string, read: typeof optionalCount): number =>
    usage.reduce((total, each) => total + (read(numeric(each[field]), `api_usage.${field}`, report) ?? 0), 0)
  const inputTokens = sum('total_input_tokens', optionalCount)
  const outputTokens = sum('total_output_tokens', optionalCount)
  const uses = optionalCount(numeric(row['usage_count']), 'usage_count', report)
  const lastUses = [row, ...usage]
    .map(each => optionalEpochMs(each['last_used_at'], 'last_used_at', report))
    .filter(at => at !== null)
  return {
    credential: { secret: requiredText(row['key'], 'key', report).trim() },
    name: optionalText(row['name'], 'name', report),
    userId: requiredText(row['user_id'], 'user_id', report),
    model: null,
    tokenLimit: null,
    expiresAt: null,
    revokedAt: optionalEpochMs(row['revoked_at'], 'revoked_at', report),
    createdAt: optionalEpochMs(row['created_at'], 'created_at', report),
    lastUsedAt: lastUses.length === 0 ? null : Math.max(...lastUses),
    lifetime: {
      tokens: inputTokens + outputTokens,
      requests: Math.max(uses ?? 0, sum('total_requests', optionalCount)),
      costMicros: sum('total_usd', optionalMicros),
    },
    split: { inputTokens, outputTokens },
    windows: [],
  }
}
