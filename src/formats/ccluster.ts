/**
 * Reads the users, keys and chats of ccluster (https://github.com/mitchmyburgh/cclusterui) from its SQLite file, its MySQL or
 * PostgreSQL server, or a folder with what mongoexport made of its collections. Reports all problems; the importer decides about them.
 */
import { isForeignUrl } from '../text/address.ts'
import { many } from '../text/quantity.ts'
import { Fields, isRecord, type Report, type Row } from './fields.ts'
import type { ForeignChat, ForeignData, ForeignKey, ForeignMessage, ForeignUser } from './foreign-data.ts'
import { jsonOrText } from './json-text.ts'
import { type ForeignDatabase, type ForeignSource, invalid, withSource } from './source.ts'
import { isFolder, readTableDumps } from './table-dumps.ts'
import { dataOf, type TableSpecs, type Tables, tablesIn } from './tables.ts'

/**
 * Reads every user, key and chat, with all problems of their fields.
 *
 * @throws as `withSource`; invalid (not a ccluster database, or one from before it had users), corrupt
 */
export async function readCcluster(input: ForeignSource): Promise<ForeignData> {
  const { file, bytes, sqlite, server } = input
  if (isForeignUrl(file)) {
    return contentOf(
      await server.tablesAt(file, tables => Object.keys(specs).filter(name => tables.has(name))),
      [],
    )
  }
  if (bytes === undefined && isFolder(file)) return contentOf(await collectionsIn(input), [])
  return withSource(input, source => {
    if (source.kind === 'text') {
      throw invalid(
        `${file} is not a SQLite database`,
        'give the database of ccluster, its mysql:// URL, or a folder with users.json, apiKeys.json, chats.json and messages.json of mongoexport',
      )
    }
    return sqlite.withTables(file, source.path, database => contentOf(database, source.notes))
  })
}

function contentOf(database: ForeignDatabase, notes: readonly string[]): ForeignData {
  const { file, tables } = database
  const isOlder = !tables.has('users') && !tables.has('api_keys')
  if (isOlder && tables.has('chats') && tables.has('messages')) {
    throw invalid(
      `${file} is from before ccluster had users and keys: it has only chats and messages, which belong to nobody`,
      'open it with the current ccluster once, create users and keys there, then import it',
    )
  }
  // Users came first, keys were added to them.
  const older = tables.has('api_keys') ? [] : [keyless]
  const read = tablesIn(database, 'ccluster', specs)
  const chats = chatsIn(read)
  const known = new Set(chats.map(({ id }) => id))
  const lost = (read.rows.get('messages') ?? []).filter(row => !known.has(String(row['chat_id']))).length
  const orphans = lost === 0 ? [] : [`not imported, because they belong to no chat: ${many(lost, 'message')}`]
  return { ...dataOf(read, specs, readers, [...notes, ...older, ...orphans]), chats }
}

/** Collections as tables: `apiKeys` is `api_keys`, and `_id` is `id`. A collection without documents is still one. */
async function collectionsIn(input: ForeignSource): Promise<ForeignDatabase> {
  const collections = { users: 'users', apikeys: 'api_keys', chats: 'chats', messages: 'messages' } as const
  const dumps = await readTableDumps(input, [...Object.keys(collections), 'api_keys'])
  const rows = new Map(
    [...dumps.tables].map(([name, documents]) => {
      const table = Object.hasOwn(collections, name) ? collections[name as keyof typeof collections] : name
      return [table, documents.map(document => rowOf(document, table))] as const
    }),
  )
  const counts = new Map(dumps.others.map(other => [other.name, other.rows]))
  const columns = (name: string) => {
    const spec = specs[name]
    const usual = spec ? [...spec.required, ...spec.known] : []
    return [...new Set([...usual, ...(rows.get(name) ?? []).flatMap(row => Object.keys(row))])]
  }
  return {
    file: input.file,
    tables: new Map([...rows.keys(), ...counts.keys()].map(name => [name, columns(name)])),
    rowsOf: name => rows.get(name) ?? [],
    countRows: name => counts.get(name) ?? rows.get(name)?.length ?? 0,
  }
}

/** A document as a row: fields that are left out are null, and what is said is JSON. */
function rowOf(document: Row, table: string): Row {
  const { required = [], known = [] } = specs[table] ?? {}
  const plainly = Object.fromEntries(
    Object.entries(document).map(([name, value]) => [
      name === '_id' ? 'id' : name.replaceAll('_', ''),
      plain(value),
    ]),
  )
  const columns = [...required, ...known]
  const named = columns.map(column => {
    const value = plainly[column.replaceAll('_', '')] ?? null
    const isSaid =
      (column === 'content' || column === 'metadata') && value !== null && typeof value !== 'string'
    return [column, isSaid ? JSON.stringify(value) : value] as const
  })
  const others = Object.entries(plainly).filter(
    ([name]) => !columns.some(column => column.replaceAll('_', '') === name),
  )
  return Object.fromEntries([...named, ...others])
}

/** A value of MongoDB's extended JSON, such as `{"$oid":"…"}`, as an ordinary one. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (!isRecord(value)) return value
  const [[name, inner] = ['', undefined], ...more] = Object.entries(value)
  if (more.length === 0) {
    if (name === '$oid') return inner
    if (['$numberLong', '$numberInt', '$numberDouble', '$numberDecimal'].includes(name)) return Number(inner)
    if (name === '$date') {
      const at = plain(inner)
      return typeof at === 'number' ? new Date(at).toISOString() : at
    }
  }
  return Object.fromEntries(Object.entries(value).map(([field, each]) => [field, plain(each)]))
}

const keyless = 'it has no table api_keys: it is from before ccluster had keys'

const specs: TableSpecs = {
  users: { required: ['id', 'username', 'password_hash'], known: ['created_at', 'updated_at'] },
  api_keys: {
    // Without revoked_at, revoked keys would work again.
    required: ['id', 'user_id', 'key_hash', 'name', 'revoked_at'],
    known: ['key_prefix', 'created_at', 'last_used_at'],
  },
  chats: {
    required: ['id', 'title'],
    known: ['user_id', 'session_id', 'created_at', 'updated_at'],
  },
  messages: {
    required: ['id', 'chat_id', 'role', 'content'],
    known: ['created_at', 'metadata'],
  },
}

const readers = {
  users: (fields: Fields): ForeignUser => ({
    id: fields.text('id'),
    username: fields.text('username').trim(),
    email: null,
    name: null,
    passwordHash: fields.optionalText('password_hash'),
    createdAt: fields.optionalDate('created_at'),
  }),
  keys: (fields: Fields, row: Row, report: Report): ForeignKey => {
    const hash = fields.text('key_hash').trim().toLowerCase()
    if (hash !== '' && !/^[0-9a-f]{64}$/.test(hash)) report('key_hash', 'is not a SHA-256 in hex')
    const prefix = fields.optionalText('key_prefix') ?? ''
    return {
      // Never more than the expected twelve characters, in case it is the whole secret.
      credential: { hash, start: /^[\x21-\x7e]+$/.test(prefix) ? prefix.slice(0, 12) : 'cck_' },
      name: fields.optionalText('name'),
      userId: fields.text('user_id'),
      model: null,
      tokenLimit: null,
      expiresAt: null,
      // In ccluster anything except NULL means revoked, so an unreadable value is reported.
      revokedAt: row['revoked_at'] === null ? null : fields.date('revoked_at'),
      createdAt: fields.optionalDate('created_at'),
      lastUsedAt: fields.optionalDate('last_used_at'),
      lifetime: { tokens: null, requests: null, costMicros: null },
      split: null,
      windows: [],
    }
  },
}

function chatsIn({ rows }: Tables): readonly ForeignChat[] {
  const said = Map.groupBy(rows.get('messages') ?? [], row => row['chat_id'])
  return (rows.get('chats') ?? []).map(row => {
    const fields = new Fields(row)
    const messages = (said.get(row['id']) ?? []).map((message, index) =>
      messageOf(message, (field, what) => {
        fields.problem ??= `the ${field} of message ${index + 1} ${what}`
      }),
    )
    return {
      id: fields.text('id'),
      userId: fields.optionalText('user_id'),
      title: fields.optionalText('title') ?? '',
      sessionId: fields.optionalText('session_id'),
      createdAt: fields.optionalDate('created_at'),
      updatedAt: fields.optionalDate('updated_at'),
      // As ccluster shows them.
      messages: messages.toSorted((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0)),
      problem: fields.problem,
    }
  })
}

function messageOf(row: Row, report: Report): ForeignMessage {
  const fields = new Fields(row, report)
  const metadata = fields.optionalText('metadata')
  return {
    role: fields.text('role'),
    content: jsonOrText(fields.text('content')),
    metadata: metadata === null ? undefined : jsonOrText(metadata),
    createdAt: fields.optionalDate('created_at'),
  }
}
