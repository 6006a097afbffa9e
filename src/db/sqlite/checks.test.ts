/** Rows that no SQLite version may call damaged. */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../testing/folder.ts'
import { run } from '../../testing/run.ts'
import { requireTool } from '../../testing/tools.ts'
import { latestVersion } from '../schema/version.ts'
import { Client } from './client.ts'
import { migrateTo } from './migrate.ts'

/** A database of this schema with a row in every table that has a nullable column. */
function filled(path: string): Client {
  const client = new Client(path, { create: true })
  client.run(readFileSync(join(import.meta.dir, 'golden/v3.sql'), 'utf8'))
  migrateTo(client, path, latestVersion, { now: 0, programVersion: 'test' })
  const id = '0'.repeat(26)
  client.run(
    `INSERT INTO chats SELECT 'cht_${id}', users.id, projects.id, 'Title', 's', 0, 0 FROM users, projects LIMIT 1`,
  )
  client.run(
    `INSERT INTO sessions SELECT 'ses_${id}', id, '${'0'.repeat(64)}', 1, 'a', 'b', 'c', 'd', 'e', 0, 0, '{}' FROM users LIMIT 1`,
  )
  client.run(`INSERT INTO messages VALUES (1, 'msg_${id}', 'cht_${id}', 1, 'user', '"said"', '{}', 0)`)
  client.run(
    `INSERT INTO organizations VALUES ('org_${id}', 'acme', 'Acme', 'https://example.org', '{}', 0, 0)`,
  )
  client.run(`INSERT INTO teams VALUES ('tea_${id}', 'org_${id}', 'Team', 0, 0)`)
  client.run(
    `INSERT INTO invitations SELECT 'inv_${id}', 'org_${id}', 'a@b', 'member', 'tea_${id}', 'pending', '${'0'.repeat(64)}', id, 0, 0 FROM users LIMIT 1`,
  )
  client.run(
    `INSERT INTO imported_rows SELECT id, 'sessions', 's', 'ses_${id}', (SELECT min(id) FROM users), 'updated', '{}', '{}', '{}' FROM imports LIMIT 1`,
  )
  client.run(
    `INSERT INTO file_history SELECT 'fch_${id}', id, 'a.md', 'moved', 'b.md', '${'0'.repeat(64)}', 1, 'me', 0 FROM projects LIMIT 1`,
  )
  client.run(
    "INSERT INTO api_keys SELECT id, 'ci', name, 'default', 'ak_', 1, 1, 1, 0, 1, 1, 1, 1, 1 FROM keys LIMIT 1",
  )
  client.run("INSERT INTO agent_states SELECT id, 'idle', 'first', 's', 'u', 0, 0 FROM projects LIMIT 1")
  client.run("INSERT INTO agent_phases SELECT id, 1, 'first', 'd', '[]', 0, 0 FROM projects LIMIT 1")
  return client
}

interface NullableTable {
  readonly table: string
  readonly columns: readonly string[]
}

function nullableTables(client: Client): readonly NullableTable[] {
  const rows = client
    .query(
      `SELECT t.name AS "table", json_group_array(c.name) AS columns
       FROM pragma_table_list t, pragma_table_xinfo(t.name) c
       WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND c."notnull" = 0 AND c.pk = 0 GROUP BY t.name`,
    )
    .all() as { table: string; columns: string }[]
  return rows.map(({ table, columns }) => ({ table, columns: JSON.parse(columns) as string[] }))
}

/** Each column alone, each pair, and all of them. */
function* someOf(columns: readonly string[]): Generator<readonly string[]> {
  for (const [index, column] of columns.entries()) {
    yield [column]
    for (const other of columns.slice(index + 1)) yield [column, other]
  }
  yield columns
}

// The integrity_check of versions up to 3.40 (Debian 12) calls a row damaged if a CHECK is NULL.
requireTool('sqlite3')('no row that a CHECK lets pass is damage to the sqlite3 of this system', async () => {
  using folder = temporaryFolder()
  const path = folder.file('filled.db')
  const client = filled(path)
  const tables = nullableTables(client)
  for (const { table } of tables) {
    expect([table, client.query(`SELECT 1 FROM "${table}" LIMIT 1`).get()]).not.toEqual([table, null])
  }
  client.close()
  const tries = tables.flatMap(({ table, columns }) => [...someOf(columns)].map(some => ({ table, some })))
  const script = tries.map(
    ({ table, some }) =>
      `SAVEPOINT here; UPDATE OR IGNORE "${table}" SET ${some.map(column => `"${column}" = NULL`).join(', ')};
       SELECT '${table}.${some.join('+')} ' || integrity_check FROM pragma_integrity_check;
       ROLLBACK TO here; RELEASE here;`,
  )
  const sqlite = Bun.spawn(['sqlite3', path], { stdin: Buffer.from(script.join('\n')), stderr: 'pipe' })
  const said = (await new Response(sqlite.stdout).text()).trim().split('\n')
  expect(said).toEqual(tries.map(({ table, some }) => `${table}.${some.join('+')} ok`))
  expect(await new Response(sqlite.stderr).text()).toBe('')
})

requireTool('sqlite3')(
  'after a real import the sqlite3 of this system calls the database whole',
  async () => {
    using folder = temporaryFolder()
    const [db, expiry_date] = [folder.file('latchkey.db'), '2030-01-01T00:00:00Z']
    const key = { key: 'pk_one_secret_1234', name: 'One', token_limit_per_5h: 1_000, expiry_date }
    const source = folder.write('apikeys.json', JSON.stringify({ keys: [key] }))
    for (const line of ['init', `import glm-proxy ${source}`])
      expect(await run(line, { db })).toMatchObject({ code: 0 })
    const sqlite = Bun.spawnSync(['sqlite3', db, 'PRAGMA integrity_check'])
    expect([sqlite.stdout.toString(), sqlite.stderr.toString()]).toEqual(['ok\n', ''])
  },
)

test('no CHECK comes out as NULL for a row that it lets pass', () => {
  using client = filled(':memory:')
  for (const { table, columns } of nullableTables(client)) {
    const { sql } = client.query('SELECT sql FROM sqlite_schema WHERE name = ?').get(table) as { sql: string }
    const checks = sql.split('\n').flatMap(line => /CHECK(\(.*\)),?$/.exec(line.trim())?.[1] ?? [])
    expect(checks.length).toBe(sql.split('CHECK').length - 1)
    for (const some of someOf(columns)) {
      client.run('SAVEPOINT here')
      client.run(`UPDATE OR IGNORE "${table}" SET ${some.map(column => `"${column}" = NULL`).join(', ')}`)
      for (const check of checks) {
        const unknown = client.query(`SELECT count(*) AS n FROM "${table}" WHERE (${check}) IS NULL`).get()
        expect([check, some, unknown]).toEqual([check, some, { n: 0 }])
      }
      client.run('ROLLBACK TO here')
      client.run('RELEASE here')
    }
  }
})
