/** A database that a release wrote is upgraded by this program, and every value is kept. */
import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../../testing/folder.ts'
import { latestVersion } from '../../schema/version.ts'
import { Client } from '../client.ts'
import { foreignKeyCheck, integrityCheck, rowCounts, schemaDrift } from '../inspect.ts'
import { migrateTo, requireHistory } from '../migrate.ts'
import { dump } from './write.ts'

const golden = readdirSync(import.meta.dir).filter(name => name.endsWith('.sql'))
const stamp = { now: 0, programVersion: 'test' }

function load(name: string, path: string): Client {
  const client = new Client(path, { create: true })
  client.run(readFileSync(join(import.meta.dir, name), 'utf8'))
  return client
}

/** Every row with the columns that the release knew. */
function contents(client: Client, columns: ReadonlyMap<string, readonly string[]>) {
  return [...columns].map(([table, names]) => [
    table,
    client
      .query(
        `SELECT ${names.map(name => `"${name}"`).join(', ')} FROM "${table}" ORDER BY ${names.map((_, at) => at + 1).join(', ')}`,
      )
      .values(),
  ])
}

function columnsOf(client: Client): ReadonlyMap<string, readonly string[]> {
  const tables = Object.keys(rowCounts(client)).filter(table => table !== 'migrations')
  const names = (table: string) =>
    (client.query('SELECT name FROM pragma_table_info(?)').all(table) as { name: string }[]).map(
      row => row.name,
    )
  return new Map(tables.map(table => [table, names(table)]))
}

test('the golden files are those of versions 1 and on, each with a row in every table', () => {
  expect(golden).toContain('v1.sql')
  for (const name of golden) {
    const client = load(name, ':memory:')
    const { user_version } = client.query('PRAGMA user_version').get() as { user_version: number }
    expect(name).toBe(`v${user_version}.sql`)
    expect(Object.entries(rowCounts(client)).filter(([, rows]) => rows === 0)).toEqual([])
    expect(dump(client)).toBe(readFileSync(join(import.meta.dir, name), 'utf8'))
  }
})

test.each(golden)('%s is upgraded to the newest schema, and loses nothing', name => {
  using folder = temporaryFolder()
  const client = load(name, folder.file('golden.db'))
  requireHistory(client, name)
  const columns = columnsOf(client)
  const before = contents(client, columns)
  const counts = rowCounts(client)
  expect(migrateTo(client, name, latestVersion, stamp).lost).toEqual({})
  expect(contents(client, columns)).toEqual(before)
  for (const [table, rows] of Object.entries(counts)) {
    if (table !== 'migrations') expect(rowCounts(client)[table]).toBe(rows)
  }
  expect(schemaDrift(client, latestVersion)).toEqual([])
  expect([...integrityCheck(client), ...foreignKeyCheck(client)]).toEqual([])
  client.close()
})

test.each(golden)('%s comes back down to what it was, once upgraded', name => {
  const client = load(name, ':memory:')
  const { user_version } = client.query('PRAGMA user_version').get() as { user_version: number }
  const columns = columnsOf(client)
  const before = contents(client, columns)
  migrateTo(client, name, latestVersion, stamp)
  migrateTo(client, name, user_version, stamp)
  expect(contents(client, columns)).toEqual(before)
  expect(schemaDrift(client, user_version)).toEqual([])
})
