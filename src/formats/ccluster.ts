/**
 * Reads the users and keys of ccluster (https://github.com/mitchmyburgh/cclusterui) from its SQLite database. Reports all
 * problems; the importer decides about them.
 */
import type { Fields, Report, Row } from './fields.ts'
import type { ForeignData, ForeignKey, ForeignUser } from './foreign-data.ts'
import { type ForeignFile, invalid, withSource } from './source.ts'
import { dataOf, type TableSpecs, tablesIn } from './tables.ts'

/**
 * Reads every user and key, with all problems of their fields.
 *
 * @throws as `withSource`; invalid (not a ccluster database, or one from before it had users), corrupt
 */
export function readCcluster(input: ForeignFile): Promise<ForeignData> {
  const { file, sqlite } = input
  return withSource(input, source => {
    if (source.kind === 'text')
      throw invalid(`${file} is not a SQLite database`, 'give the database of ccluster')
    return sqlite.withTables(file, source.path, database => {
      const { tables } = database
      const isOlder = !tables.has('users') && !tables.has('api_keys')
      if (isOlder && tables.has('chats') && tables.has('messages')) {
        throw invalid(
          `${file} is from before ccluster had users and keys: it has only chats and messages, which cannot be imported`,
          'open it with the current ccluster once, create users and keys there, then import it',
        )
      }
      // Users came first, keys were added to them.
      const older = tables.has('api_keys') ? [] : [keyless]
      return dataOf(tablesIn(database, 'ccluster', specs), specs, readers, [...source.notes, ...older])
    })
  })
}

const keyless = 'it has no table api_keys: it is from before ccluster had keys'

const specs: TableSpecs = {
  users: { required: ['id', 'username', 'password_hash'], known: ['created_at', 'updated_at'] },
  api_keys: {
    // Without revoked_at, revoked keys would work again.
    required: ['id', 'user_id', 'key_hash', 'name', 'revoked_at'],
    known: ['key_prefix', 'created_at', 'last_used_at'],
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
