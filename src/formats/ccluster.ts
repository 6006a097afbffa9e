/**
 * Reads the users and keys of ccluster (https://github.com/mitchmyburgh/cclusterui) from its SQLite database. Finds
 * every problem and judges none: that is the importer's.
 */
import { optionalDate, optionalText, type Report, requiredDate, requiredText } from './fields.ts'
import type { ForeignData, ForeignKey, ForeignUser, Problem } from './foreign-data.ts'
import { otherTables, requireColumns } from './foreign-database.ts'
import { type ForeignDatabase, type ForeignFile, invalid, withSource } from './source.ts'

/**
 * Every user and key of the database, with all problems of their fields.
 *
 * @throws as `withSource`; invalid for what is no database of ccluster, or one from before it had users; corrupt
 */
export function readCcluster(input: ForeignFile): Promise<ForeignData> {
  return withSource(input, source => {
    if (source.kind === 'text') {
      throw invalid(`${input.file} is no SQLite database`, 'name the database of ccluster')
    }
    return input.sqlite.withTables(input.file, source.path, database => contentOf(database, source.notes))
  })
}

const columns = {
  users: ['id', 'username', 'password_hash'],
  // Without revoked_at, keys that were revoked would come to life again.
  api_keys: ['id', 'user_id', 'key_hash', 'name', 'revoked_at'],
} as const

const known: Readonly<Record<string, readonly string[]>> = {
  users: [...columns.users, 'created_at', 'updated_at'],
  api_keys: [...columns.api_keys, 'key_prefix', 'created_at', 'last_used_at'],
}

function contentOf(database: ForeignDatabase, notes: readonly string[]): ForeignData {
  const { file, tables } = database
  const isOlder =
    !tables.has('users') && !tables.has('api_keys') && tables.has('chats') && tables.has('messages')
  if (isOlder) {
    throw invalid(
      `${file} is from before ccluster had users and keys: it holds chats and messages alone, which have no home here`,
      'start the current ccluster on it once, make users and keys there, and import it then',
    )
  }
  // Users came first, keys were added to them.
  const withoutKeys = tables.has('users') && !tables.has('api_keys')
  requireColumns(database, 'ccluster', withoutKeys ? { users: columns.users } : columns)
  const problems: Problem[] = []
  const users = database
    .rowsOf('users')
    .map((row, index) =>
      parseUser(row, (field, problem) => problems.push({ type: 'user', index, field, problem })),
    )
  const keys = withoutKeys
    ? []
    : database
        .rowsOf('api_keys')
        .map((row, index) =>
          parseKey(row, (field, problem) => problems.push({ type: 'key', index, field, problem })),
        )
  return {
    users,
    projects: [],
    keys,
    listsKeys: !withoutKeys,
    problems,
    ignoredFields: Object.entries(known)
      .flatMap(([table, fields]) =>
        (tables.get(table) ?? [])
          .filter(column => !fields.includes(column))
          .map(column => `${table}.${column}`),
      )
      .sort(),
    leftBehind: otherTables(database, Object.keys(columns)),
    notes: [
      ...notes,
      ...(withoutKeys ? ['it has no table api_keys: it is from before ccluster had keys'] : []),
    ],
  }
}

function parseUser(row: Readonly<Record<string, unknown>>, report: Report): ForeignUser {
  const password = optionalText(row['password_hash'], 'password_hash', report)
  return {
    id: requiredText(row['id'], 'id', report),
    username: requiredText(row['username'], 'username', report).trim(),
    email: null,
    name: null,
    passwordHash: password,
    createdAt: optionalDate(row['created_at'], 'created_at', report),
  }
}

function parseKey(row: Readonly<Record<string, unknown>>, report: Report): ForeignKey {
  const hash = requiredText(row['key_hash'], 'key_hash', report).trim().toLowerCase()
  if (hash !== '' && !/^[0-9a-f]{64}$/.test(hash)) report('key_hash', 'is not a SHA-256 in hex')
  const prefix = optionalText(row['key_prefix'], 'key_prefix', report) ?? ''
  return {
    // Never more than the twelve characters that it is meant to have: it might be the whole secret.
    credential: { hash, start: /^[\x21-\x7e]+$/.test(prefix) ? prefix.slice(0, 12) : 'cck_' },
    name: optionalText(row['name'], 'name', report),
    userId: requiredText(row['user_id'], 'user_id', report),
    model: null,
    tokenLimit: null,
    expiresAt: null,
    // To ccluster anything but NULL is revoked: what cannot be read is told, not taken for none.
    revokedAt: row['revoked_at'] === null ? null : requiredDate(row['revoked_at'], 'revoked_at', report),
    createdAt: optionalDate(row['created_at'], 'created_at', report),
    lastUsedAt: optionalDate(row['last_used_at'], 'last_used_at', report),
    lifetime: { tokens: null, requests: null, costMicros: null },
    split: null,
    windows: [],
  }
}
