// Runs on PostgreSQL too.
/** ccluster on MongoDB, by what mongoexport writes, and on a real MySQL-compatible server. */
import { expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SQL } from 'bun'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { temporaryMariadb } from '../../testing/mariadb.ts'
import { requireTool } from '../../testing/tools.ts'

const secret = `cck_${'ab'.repeat(16)}`
const keyHash = new Bun.CryptoHasher('sha256').update(secret).digest('hex')
const passwordHash = Bun.password.hashSync('correct horse', { algorithm: 'bcrypt', cost: 4 })
const at = '2026-01-18T10:00:00.000Z'
const said = [{ type: 'text', text: 'where to?' }]

async function expectAll({ latchkey }: TestLatchkey, file: string) {
  const report = await latchkey.imports.ccluster({ file })
  expect(report.items.map(({ type, name, outcome }) => `${type} ${name} ${outcome}`)).toEqual([
    'user grace created',
    'key laptop created',
    'chat Holiday created',
  ])
  expect(await latchkey.keys.verify(secret)).toMatchObject({ valid: true, key: { name: 'laptop' } })
  expect((await latchkey.chats.messages('Holiday')).messages).toMatchObject([
    { role: 'user', content: said, metadata: { tokens: 7 }, createdAt: new Date(at) },
  ])
  expect(await latchkey.imports.ccluster({ file })).toMatchObject({ created: 0, updated: 0, refused: 0 })
  expect(await latchkey.imports.undo(report.id!)).toMatchObject({ removed: 3, kept: 0 })
  await latchkey.imports.ccluster({ file })
  expect((await latchkey.users.checkPassword('grace', 'correct horse')).valid).toBe(true)
}

for (const form of ['lines', 'arrays'] as const) {
  test(`the collections of MongoDB come from mongoexport: ${form}`, async () => {
    await using home = await temporaryLatchkey()
    const folder = join(home.folder, 'export')
    mkdirSync(folder)
    const save = (name: string, documents: readonly object[]) => {
      const texts = documents.map(each => JSON.stringify(each))
      writeFileSync(
        join(folder, `${name}.json`),
        form === 'lines' ? `${texts.join('\n')}\n` : `[${texts.join(',\n')}]\n`,
      )
    }
    const $oid = '65a8f0c2e4b0a1b2c3d4e5f6'
    const millis = { $date: { $numberLong: String(Date.parse(at)) } }
    const date = { $date: at }
    save('users', [{ _id: { $oid }, username: 'grace', passwordHash, createdAt: date, updatedAt: millis }])
    save('apiKeys', [
      {
        _id: 'k1',
        userId: $oid,
        keyHash,
        keyPrefix: 'cck_abababab',
        name: 'laptop',
        createdAt: at,
        lastUsedAt: null,
        revokedAt: null,
      },
    ])
    save('chats', [
      { _id: 'c1', title: 'Holiday', sessionId: null, userId: $oid, createdAt: at, updatedAt: at },
    ])
    save('messages', [
      {
        _id: 'm1',
        chatId: 'c1',
        role: 'user',
        content: said,
        createdAt: millis,
        metadata: { tokens: { $numberInt: '7' } },
      },
    ])
    await expectAll(home, folder)
  })
}

requireTool('mariadbd')('the tables of MySQL come from its server, by its URL', async () => {
  await using home = await temporaryLatchkey()
  await using server = await temporaryMariadb(join(home.folder, 'mariadb'))
  const sql = new SQL(server.url, { max: 1 })
  const time = 'created_at TEXT NOT NULL, updated_at TEXT NOT NULL'
  for (const [table, columns] of [
    [
      'users',
      `id VARCHAR(36) PRIMARY KEY, username VARCHAR(255) NOT NULL UNIQUE, password_hash TEXT NOT NULL, ${time}`,
    ],
    [
      'api_keys',
      'id VARCHAR(36) PRIMARY KEY, user_id VARCHAR(36), key_hash VARCHAR(128), key_prefix VARCHAR(20), name VARCHAR(255), created_at TEXT, last_used_at TEXT, revoked_at TEXT',
    ],
    [
      'chats',
      `id VARCHAR(36) PRIMARY KEY, title TEXT NOT NULL, session_id VARCHAR(36), user_id VARCHAR(36), ${time}`,
    ],
    [
      'messages',
      'id VARCHAR(36) PRIMARY KEY, chat_id VARCHAR(36), role TEXT, content TEXT, created_at TEXT, metadata TEXT',
    ],
  ]) {
    await sql.unsafe(`CREATE TABLE ${table} (${columns})`)
  }
  await sql`INSERT INTO users VALUES ('u1', 'grace', ${passwordHash}, ${at}, ${at})`
  await sql`INSERT INTO api_keys VALUES ('k1', 'u1', ${keyHash}, 'cck_abababab', 'laptop', ${at}, NULL, NULL)`
  await sql`INSERT INTO chats VALUES ('c1', 'Holiday', NULL, 'u1', ${at}, ${at})`
  await sql`INSERT INTO messages VALUES ('m1', 'c1', 'user', ${JSON.stringify(said)}, ${at}, '{"tokens":7}')`
  await sql.close()
  await expectAll(home, server.url)
})
