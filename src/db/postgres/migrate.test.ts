import { expect } from 'bun:test'
import { LatchkeyError } from '../../contract/errors.ts'
import { emptyDatabase, latchkeyDatabase, requirePostgres } from '../../testing/postgres.ts'
import { type Chainable, hashOf, type Link, start } from '../chain.ts'
import { latestVersion } from '../schema/version.ts'
import { Connection } from './connection.ts'
import { lockWrites } from './locks.ts'
import { historyProblems, type MigrationStamp, migrateTo } from './migrate.ts'
import { migrations } from './migrations.ts'
import { requireCurrent, schemaOf } from './schema.ts'
import { targetOf } from './url.ts'

const connect = (url: string) =>
  Connection.open(targetOf(url), { prepare: false, patient: true, deadlineMs: 60_000 })

const stamp: MigrationStamp = {
  now: 1_000,
  programVersion: 'test',
  on: 'ours',
  dryRun: false,
  waitMs: 60_000,
  inside: async () => {},
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    error => error,
  )
  return error instanceof LatchkeyError ? error.code : `not refused: ${error}`
}

const next = (up: string) => [
  ...migrations,
  { version: latestVersion + 1, name: 'next', up, hash: 'ab'.repeat(32) },
]

requirePostgres()('four at once run a step once, and one of them writes what belongs to it', async () => {
  await using database = await latchkeyDatabase()
  const connections = await Promise.all([1, 2, 3, 4].map(() => connect(database.url)))
  let inside = 0
  const step = next('CREATE TABLE extra (x bigint); SELECT pg_sleep(0.2);')
  const runs = await Promise.all(
    connections.map(connection =>
      migrateTo(connection, latestVersion + 1, { ...stamp, inside: async () => void inside++ }, step),
    ),
  )
  expect(runs.filter(({ steps }) => steps.length === 1)).toHaveLength(1)
  expect(inside).toBe(1)
  for (const connection of connections) connection.close()
})

requirePostgres()('an empty database gets the schema, and no other does', async () => {
  await using database = await emptyDatabase()
  const connection = await connect(database.url)
  expect(await schemaOf(connection)).toEqual({ is: 'empty' })
  expect(await codeOf(requireCurrent(connection))).toBe('database_missing')
  expect(await codeOf(migrateTo(connection, latestVersion, stamp))).toBe('database_missing')
  const run = await migrateTo(connection, latestVersion, { ...stamp, on: 'empty', dryRun: true })
  expect(run).toMatchObject({ from: 0, to: latestVersion })
  expect(await schemaOf(connection)).toEqual({ is: 'empty' })
  await migrateTo(connection, latestVersion, { ...stamp, on: 'empty' })
  await requireCurrent(connection)
  expect(await codeOf(migrateTo(connection, latestVersion, { ...stamp, on: 'empty' }))).toBe('conflict')
  connection.close()
  await using other = await emptyDatabase()
  const beside = await connect(other.url)
  // Other programs have a table of this name too.
  await beside.script('CREATE TABLE migrations (id bigint, name text)')
  expect(await schemaOf(beside)).toEqual({ is: 'foreign' })
  for (const on of ['empty', 'ours'] as const) {
    expect(await codeOf(migrateTo(beside, latestVersion, { ...stamp, on }))).toBe('database_foreign')
  }
  expect(await codeOf(requireCurrent(beside))).toBe('database_foreign')
  expect(await beside.values('SELECT count(*) FROM migrations')).toEqual([[0]])
  beside.close()
})

requirePostgres()('tables of an extension are not those of another program', async () => {
  await using database = await emptyDatabase()
  const connection = await connect(database.url)
  await connection.script('CREATE EXTENSION pg_stat_statements')
  expect(await schemaOf(connection)).toEqual({ is: 'empty' })
  connection.close()
})

requirePostgres()('a step that fails, or a history that differs, changes nothing', async () => {
  await using database = await latchkeyDatabase()
  const connection = await connect(database.url)
  const before = await schemaOf(connection)
  const failing = next('CREATE TABLE extra (x bigint); SELECT 1 / 0;')
  expect(await codeOf(migrateTo(connection, latestVersion + 1, stamp, failing))).toContain('division by zero')
  expect(await schemaOf(connection)).toEqual(before)
  await connection.run("UPDATE migrations SET hash = repeat('0', 64)")
  expect(await codeOf(migrateTo(connection, latestVersion + 1, stamp, next('')))).toBe('drift')
  const [newer, latest] = [latestVersion + 7, latestVersion]
  await connection.run('UPDATE migrations SET version = $1 WHERE version = $2', [newer, latest])
  expect(await codeOf(migrateTo(connection, latestVersion, stamp))).toBe('schema_newer')
  expect(await codeOf(requireCurrent(connection))).toBe('schema_newer')
  await connection.run('DELETE FROM migrations WHERE version = $1', [newer])
  expect(await codeOf(requireCurrent(connection))).toBe('schema_older')
  const schema = await schemaOf(connection)
  expect(historyProblems(schema.is === 'ours' ? schema.applied : [])).toHaveLength(migrations.length - 1)
  connection.close()
})

requirePostgres()('a writer is waited for, and then the run is refused as busy', async () => {
  await using database = await latchkeyDatabase()
  const [writer, connection] = await Promise.all([connect(database.url), connect(database.url)])
  const refused = writer.inTransaction(
    'BEGIN',
    async () => {
      await writer.run(lockWrites)
      return codeOf(migrateTo(connection, latestVersion, { ...stamp, waitMs: 100 }))
    },
    'ROLLBACK',
  )
  expect(await refused).toBe('busy')
  expect(await migrateTo(connection, latestVersion, stamp)).toMatchObject({ steps: [] })
  writer.close()
  connection.close()
})

requirePostgres()(
  'rows from before the chain of the audit log are chained by time, however many',
  async () => {
    await using database = await emptyDatabase()
    const connection = await connect(database.url)
    const before = (migrations.find(({ name }) => name.endsWith('audit_chain'))?.version ?? 0) - 1
    await migrateTo(connection, before, { ...stamp, on: 'empty' })
    await connection.script(
      `INSERT INTO audit (id, at, actor, origin, action, target_type, target_id, after)
     SELECT 'aud_' || lpad(n::text, 26, '0'), 2500 - n, 'root', 'cron', 'key.create', 'key', 'x', '{"n": 1}'
     FROM generate_series(1, 2500) AS n`,
    )
    await migrateTo(connection, latestVersion, stamp)
    const rows = await connection.rows<Chainable & Link>(
      `SELECT *, target_type AS "targetType", target_id AS "targetId", target_name AS "targetName" FROM audit ORDER BY seq`,
    )
    let last = start
    for (const [index, row] of rows.entries()) {
      expect(row).toMatchObject({ at: index, seq: last.seq + 1, previous: last.hash, hash: hashOf(row) })
      last = row
    }
    expect(rows).toHaveLength(2500)
    connection.close()
  },
)
