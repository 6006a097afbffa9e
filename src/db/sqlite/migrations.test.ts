import { expect, test } from 'bun:test'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import journal from '../../../drizzle/meta/_journal.json'
import { temporaryFolder } from '../../testing/folder.ts'
import { latestVersion } from '../schema/version.ts'
import { Client } from './client.ts'
import { schemaHash } from './inspect.ts'
import { migrateTo } from './migrate.ts'
import { migrations } from './migrations.ts'
import { identify } from './open.ts'

const root = join(import.meta.dir, '../../..')
const stamp = { now: 0, programVersion: 'test' }

test('the list is exactly the files of drizzle/ and its journal', () => {
  const names = migrations.map(migration => migration.name)
  const files = readdirSync(join(root, 'drizzle')).filter(name => name.endsWith('.sql'))
  expect(files.sort()).toEqual(names.flatMap(name => [`${name}.down.sql`, `${name}.sql`]).sort())
  expect(journal.entries.map(entry => entry.tag)).toEqual(names)
  expect(latestVersion).toBe(migrations.length)
  for (const { name, up, down } of migrations) {
    expect(readFileSync(join(root, 'drizzle', `${name}.sql`), 'utf8')).toBe(up)
    expect(readFileSync(join(root, 'drizzle', `${name}.down.sql`), 'utf8')).toBe(down)
    expect(down.trim()).not.toBe('')
  }
})

for (const { version, name } of migrations) {
  test(`${name}: up, down and up again give the same schema`, () => {
    const client = new Client(':memory:')
    migrateTo(client, name, version, stamp)
    const there = schemaHash(client)
    migrateTo(client, name, version - 1, stamp)
    const back = schemaHash(client)
    migrateTo(client, name, version, stamp)
    expect(schemaHash(client)).toBe(there)
    const other = new Client(':memory:')
    migrateTo(other, name, version - 1, stamp)
    expect(back).toBe(schemaHash(other))
  })
}

test('what another process has made of the history since it was looked at is judged in the transaction', () => {
  const client = new Client(':memory:')
  migrateTo(client, 'memory', latestVersion - 1, stamp)
  client.run("UPDATE migrations SET name = 'of another program' WHERE version = 1")
  expect(() => migrateTo(client, 'memory', latestVersion, stamp)).toThrow('does not fit this program')
  expect(identify(client).version).toBe(latestVersion - 1)
})

test('every table is strict', () => {
  const client = new Client(':memory:')
  migrateTo(client, 'memory', latestVersion, stamp)
  const loose = client
    .query(
      "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .all()
  expect(loose).toEqual([])
})

test('the schema has no change that no migration makes', async () => {
  using folder = temporaryFolder()
  cpSync(join(root, 'drizzle'), folder.file('drizzle'), { recursive: true })
  // drizzle-kit resolves `out` against the directory that it runs in.
  writeFileSync(
    folder.file('drizzle.config.json'),
    JSON.stringify({
      dialect: 'sqlite',
      schema: ['src/db/schema', 'src/db/sqlite/schema.ts'].map(path => join(root, path)),
      out: './drizzle',
    }),
  )
  const kit = Bun.spawn(
    [
      process.execPath,
      join(root, 'node_modules/drizzle-kit/bin.cjs'),
      'generate',
      '--config',
      'drizzle.config.json',
    ],
    { cwd: folder.path, stdout: 'pipe', stderr: 'pipe', stdin: 'ignore' },
  )
  const output = (await kit.stdout.text()) + (await kit.stderr.text())
  expect(output).toContain('No schema changes')
  expect(readdirSync(folder.file('drizzle')).filter(name => name.endsWith('.sql'))).toHaveLength(
    migrations.length * 2,
  )
}, 600_000)
