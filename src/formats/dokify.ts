/**
 * Reads the users, projects, docs, keys and usage of Dokify (https://github.com/id-mustafa/Dokify) from a folder with a dump per
 * table, or a SQLite copy of its schema. Reports all problems; the importer decides about them.
 */
import { Fields, numeric, type Report, type Row } from './fields.ts'
import type { ForeignData, ForeignDocument, ForeignKey, ForeignProject, ForeignUser } from './foreign-data.ts'
import { type ForeignFile, invalid, withSource } from './source.ts'
import { isFolder, readTableDumps } from './table-dumps.ts'
import { dataOf, requiredIn, type TableSpecs, type Tables, tablesIn } from './tables.ts'

/**
 * @param input the folder, or the database
 * @throws as `withSource`; invalid (no users, or a missing column), corrupt
 */
export async function readDokify(input: ForeignFile): Promise<ForeignData> {
  const { file, bytes, sqlite } = input
  if (bytes === undefined && isFolder(file)) return contentOf(await tablesInFolder(input), [])
  return withSource(input, source => {
    if (source.kind === 'text') {
      throw invalid(
        `${file} is neither a SQLite database nor a folder`,
        'put a dump of each table into one folder, named after the table, such as users.csv, and give that folder',
      )
    }
    return sqlite.withTables(file, source.path, database =>
      contentOf(tablesIn(database, 'dokify', specs), source.notes),
    )
  })
}

const specs: TableSpecs = {
  users: {
    required: ['id', 'email'],
    known: ['password_hash', 'name', 'provider', 'provider_id', 'created_at', 'updated_at'],
  },
  projects: { required: ['id', 'owner_user_id', 'name'], known: ['slug', 'created_at', 'updated_at'] },
  docs: { required: ['id', 'project_id', 'path', 'content'], known: ['updated_at'] },
  api_keys: {
    // Without revoked_at, revoked keys would work again.
    required: ['id', 'user_id', 'key', 'revoked_at'],
    known: ['name', 'usage_count', 'created_at', 'last_used_at'],
  },
  api_usage: {
    required: ['key_id'],
    known: ['id', 'total_requests', 'total_input_tokens', 'total_output_tokens', 'total_usd', 'last_used_at'],
  },
}

async function tablesInFolder(input: ForeignFile): Promise<Tables> {
  const { file: folder } = input
  const { tables: rows, others } = await readTableDumps(input, Object.keys(specs))
  if (!rows.has('users')) {
    throw invalid(
      `${folder} has no dump of the table users, which projects and keys belong to`,
      'save it there as users.csv, users.json or users.ndjson',
    )
  }
  const columns = new Map(
    [...rows].map(([name, all]) => [name, [...new Set(all.flatMap(row => Object.keys(row)))].sort()]),
  )
  for (const [name, required] of Object.entries(requiredIn(specs, rows))) {
    const missing = required.filter(column => !columns.get(name)?.includes(column))
    if (missing.length === 0 || rows.get(name)?.length === 0) continue
    throw invalid(
      `the dump of ${name} in ${folder} has no ${missing.join(', ')}`,
      'dump all columns of the table',
    )
  }
  return { rows, columns, leftBehind: others }
}

function contentOf(tables: Tables, notes: readonly string[]): ForeignData {
  const { rows } = tables
  const usageOf = Map.groupBy(rows.get('api_usage') ?? [], row => row['key_id'])
  const keys = (fields: Fields, row: Row, report: Report) =>
    keyOf(fields, row, usageOf.get(row['id']) ?? [], report)
  const absent = Object.keys(specs).filter(name => name !== 'docs' && !rows.has(name))
  const documents = (rows.get('docs') ?? []).map(documentOf)
  const others = dataOf(tables, specs, { users: userOf, projects: projectOf, keys }, [
    ...notes,
    ...absent.map(name => `it has no table ${name}`),
  ])
  const data = { ...others, documents }
  const known = new Set(rows.get('api_keys')?.map(row => row['id']))
  if ([...usageOf.keys()].every(owner => known.has(owner))) return data
  return { ...data, ignoredFields: [...data.ignoredFields, 'api_usage of deleted keys'].sort() }
}

const userOf = (fields: Fields): ForeignUser => ({
  id: fields.text('id'),
  username: null,
  email: fields.text('email').trim(),
  name: fields.optionalText('name'),
  // Empty for users who sign in with Google or GitHub.
  passwordHash: fields.optionalText('password_hash'),
  createdAt: fields.optionalEpochMs('created_at'),
})

function projectOf(fields: Fields): ForeignProject {
  const name = fields.text('name').trim()
  return {
    id: fields.text('id'),
    ownerId: fields.text('owner_user_id'),
    name,
    slug: fields.optionalText('slug') ?? name,
    createdAt: fields.optionalEpochMs('created_at'),
  }
}

function documentOf(row: Row): ForeignDocument {
  const fields = new Fields(row)
  const { content } = row
  const [id, projectId, path] = [fields.text('id'), fields.text('project_id'), fields.text('path')]
  if (typeof content !== 'string') fields.problem ??= 'its content is not text'
  return { id, projectId, path, content: typeof content === 'string' ? content : '', problem: fields.problem }
}

/** Each request adds one to both usage_count and total_requests; if one missed some, the other is larger. */
function keyOf(fields: Fields, row: Row, usage: readonly Row[], report: Report): ForeignKey {
  const all = usage.map(
    each => new Fields(withNumbers(each), (field, problem) => report(`api_usage.${field}`, problem)),
  )
  const sum = (read: (usage: Fields) => number | null): number =>
    all.reduce((total, each) => total + (read(each) ?? 0), 0)
  const inputTokens = sum(each => each.optionalCount('total_input_tokens'))
  const outputTokens = sum(each => each.optionalCount('total_output_tokens'))
  const uses = new Fields(withNumbers(row), report).optionalCount('usage_count')
  const lastUses = [row, ...usage]
    .map(each => new Fields(each, report).optionalEpochMs('last_used_at'))
    .filter(at => at !== null)
  return {
    credential: { secret: fields.text('key').trim() },
    name: fields.optionalText('name'),
    userId: fields.text('user_id'),
    model: null,
    tokenLimit: null,
    expiresAt: null,
    revokedAt: fields.optionalEpochMs('revoked_at'),
    createdAt: fields.optionalEpochMs('created_at'),
    lastUsedAt: lastUses.length === 0 ? null : Math.max(...lastUses),
    lifetime: {
      tokens: inputTokens + outputTokens,
      requests: Math.max(
        uses ?? 0,
        sum(each => each.optionalCount('total_requests')),
      ),
      costMicros: sum(each => each.optionalMicros('total_usd')),
    },
    split: { inputTokens, outputTokens },
    windows: [],
  }
}

const withNumbers = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).map(([field, value]) => [field, numeric(value)]))
