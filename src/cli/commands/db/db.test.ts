import { expect, test } from 'bun:test'
import { readdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { temporaryLatchkey } from '../../../testing/latchkey.ts'
import { run } from '../../../testing/run.ts'

async function home() {
  const base = await temporaryLatchkey()
  await base.latchkey.keys.createMany({ name: 'ci' }, 3)
  const db = (line: string | readonly string[], stdin = '') =>
    run(typeof line === 'string' ? `db ${line}` : ['db', ...line], { db: base.path, stdin })
  return { ...base, db, [Symbol.asyncDispose]: () => base[Symbol.asyncDispose]() }
}

test('info tells what the file is made of', async () => {
  await using at = await home()
  const info = (await at.db('info --json')).json<Record<string, unknown>>()
  expect(info).toMatchObject({ path: at.path, journalMode: 'wal', openBy: [], rows: { keys: 3, secrets: 3 } })
  expect(info['sizeBytes']).toBe(Number(info['pages']) * Number(info['pageSizeBytes']))
})

test('a query prints its rows in every format, its parameters bound', async () => {
  await using at = await home()
  const sql =
    "SELECT name, 0 AS n, NULL AS empty, x'00ff' AS bytes FROM keys WHERE name > :from ORDER BY name"
  const ask = async (format: string) =>
    (await at.db(['query', sql, '--param', 'from=ci-1', '-o', format])).out
  expect(JSON.parse(await ask('json'))).toEqual([
    { name: 'ci-2', n: 0, empty: null, bytes: '00ff' },
    { name: 'ci-3', n: 0, empty: null, bytes: '00ff' },
  ])
  expect(await ask('csv')).toBe('name,n,empty,bytes\nci-2,0,,00ff\nci-3,0,,00ff\n')
  expect(await ask('ndjson')).toStartWith('{"name":"ci-2","n":0,"empty":null,"bytes":"00ff"}\n')
  expect(await ask('table')).toContain('ci-2')
  expect((await at.db('query -', 'SELECT count(*) AS n FROM keys;')).out).toContain('3')
  expect((await at.db(['query', 'SELECT 1 WHERE 0', '--json'])).out).toBe('[]\n')
})

test.each([
  'DELETE FROM keys',
  "UPDATE keys SET name = 'x'",
  'WITH a AS (SELECT 1) DELETE FROM keys',
  'INSERT INTO users SELECT * FROM users',
  "ATTACH 'other.db' AS other",
  "VACUUM INTO 'other.db'",
  'PRAGMA journal_mode = DELETE',
  'PRAGMA wal_checkpoint',
  'PRAGMA user_version = 7',
  'PRAGMA query_only = OFF',
  'SELECT 1; DELETE FROM keys',
  'SELECT 1 -- ;\n; DROP TABLE keys',
  'BEGIN EXCLUSIVE',
  'nonsense',
  'SELECT * FROM nothing',
  '',
])('%p is refused and changes nothing', async sql => {
  await using at = await home()
  await at.latchkey.close()
  const before = [readdirSync(dirname(at.path)).sort(), Bun.hash(await Bun.file(at.path).bytes())]
  expect(await at.db(['query', sql])).toMatchObject({ code: 2, out: '' })
  expect([readdirSync(dirname(at.path)).sort(), Bun.hash(await Bun.file(at.path).bytes())]).toEqual(before)
})

test.each([
  "SELECT ';' AS a",
  'SELECT 1;',
  '/* why; */ SELECT 1',
  'PRAGMA table_info(keys)',
  'EXPLAIN SELECT 1',
])('%p is one statement that reads', async sql => {
  await using at = await home()
  expect(await at.db(['query', sql])).toMatchObject({ code: 0, err: '' })
})

test('vacuum gives back what deleted rows have left, and says before what it would', async () => {
  await using at = await home()
  // One deletion of much, because the audit trail keeps a row of each.
  await at.latchkey.users.create({ username: 'alice' })
  const { id } = await at.latchkey.chats.create({ user: 'alice' })
  await at.latchkey.chats.append(id, { role: 'user', content: 'x'.repeat(500_000) })
  // Whoever closes it last brings all into the file, which is what is measured.
  await at.latchkey.close()
  await run(`chat delete ${id} --yes`, { db: at.path })
  const planned = (await at.db('vacuum --dry-run --json')).json<{ bytesBefore: number; bytesAfter: number }>()
  expect(planned.bytesAfter).toBeLessThan(planned.bytesBefore)
  const done = (await at.db('vacuum --json')).json<{ bytesBefore: number; bytesAfter: number }>()
  expect(done.bytesAfter).toBe(statSync(at.path).size)
  expect(done.bytesAfter).toBeLessThan(done.bytesBefore)
  expect((await at.db('info --json')).json()).toMatchObject({ freePages: 0 })
  expect((await at.db('check')).code).toBe(0)
})

test('optimize tells what it would run, and then has nothing left to do', async () => {
  await using at = await home()
  const planned = (await at.db('optimize --dry-run --json')).json<{ statements: string[] }>().statements
  expect((await at.db('optimize --json')).json()).toMatchObject({ statements: planned })
  expect((await at.db('check')).code).toBe(0)
})

test('blanks at the edge of a cell come back from CSV', async () => {
  await using home = await temporaryLatchkey()
  const sql = "SELECT ' left' AS a, 'right ' AS b, 'in the middle' AS c"
  const { out } = await run(['db', 'query', sql, '-o', 'csv'], { db: home.path })
  expect(out).toBe('a,b,c\n" left","right ",in the middle\n')
})
