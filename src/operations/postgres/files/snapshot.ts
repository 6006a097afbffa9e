/** Reads a database on a server into a file of the same schema version: what backups and copies are made of. */
import { LatchkeyError } from '../../../contract/errors.ts'
import type { ProgressListener } from '../../../contract/views.ts'
import { drifted } from '../../../db/history.ts'
import type { Connection } from '../../../db/postgres/connection.ts'
import { historyProblems } from '../../../db/postgres/migrate.ts'
import { newer, requireOurs, schemaOf } from '../../../db/postgres/schema.ts'
import { latestVersion } from '../../../db/schema/version.ts'
import type { Client } from '../../../db/sqlite/client.ts'
import { openPrivate } from '../../../db/sqlite/copy.ts'
import { migrateTo } from '../../../db/sqlite/migrate.ts'
import { dropUnsealed } from '../../../db/sqlite/unsealed.ts'
import { programVersion } from '../../../system/version.ts'
import { type CopiedTable, measured } from './fill.ts'
import { columnNames, copyOut, quoted, RowReader, type Table, tablesOf } from './tables.ts'

/** Of a transaction that reads one snapshot, however long that takes. */
export const beginSnapshot = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'

/**
 * Writes what the transaction of the connection sees into an empty private file, a row at a time. What a log has stored that
 * is still being counted is left out.
 *
 * @param check looks at what was stored before that, and at what the server has sent
 * @throws database_missing, database_foreign, schema_newer, drift, disk_full
 */
export async function snapshotTo(
  connection: Connection,
  file: string,
  onProgress: ProgressListener | undefined,
  check: (client: Client, sent: readonly CopiedTable[]) => Promise<void> = async () => {},
): Promise<void> {
  const { version, applied } = requireOurs(await schemaOf(connection), connection.name)
  if (version > latestVersion) throw newer(connection.name, version)
  const [problem] = historyProblems(applied)
  if (problem !== undefined) throw drifted(connection.name, problem)
  using client = openPrivate(file)
  // Nobody else knows the file, and after a crash it is thrown away.
  client.run('PRAGMA journal_mode = OFF')
  client.run('PRAGMA synchronous = OFF')
  migrateTo(client, file, version, { now: applied[0]?.appliedAt ?? 0, programVersion })
  client.run('PRAGMA foreign_keys = OFF')
  const tables = tablesOf(client)
  await lockAgainstRemoval(connection, tables)
  const total = await rowsOf(connection, tables)
  client.run('BEGIN')
  const indexes = takeIndexes(client)
  let before = 0
  const sent: CopiedTable[] = []
  for (const table of tables) {
    const { chunks, rows, sha256 } = measured(connection.copyOut(copyOut(table)), rows =>
      onProgress?.({ step: 'copying', done: before + rows, total, unit: 'rows' }),
    )
    await store(client, table, chunks)
    before += rows()
    sent.push({ name: table.name, rows: rows(), sha256: sha256() })
  }
  if (before !== total) throw incomplete(connection.name, before, total)
  for (const make of indexes) client.run(make)
  const set = client.query('UPDATE migrations SET applied_at = ?, program_version = ? WHERE version = ?')
  for (const step of applied) set.run(step.appliedAt, step.programVersion, step.version)
  await check(client, sent)
  dropUnsealed(client)
  client.run('COMMIT')
}

/** A restore would empty a table that is not read yet, whatever the snapshot. */
async function lockAgainstRemoval(connection: Connection, tables: readonly Table[]): Promise<void> {
  await connection.run(`LOCK TABLE ${quoted(tables.map(({ name }) => name))} IN ACCESS SHARE MODE`)
}

async function rowsOf(connection: Connection, tables: readonly Table[]): Promise<number> {
  const counts = tables.map(({ name }) => `(SELECT count(*) FROM "${name}")`)
  const [row] = await connection.rows<{ total: number }>(`SELECT ${counts.join(' + ')} AS total`)
  return row?.total ?? 0
}

/** Drops the indexes that no constraint has. Returns the statements that make them. */
function takeIndexes(client: Client): readonly string[] {
  const found = client
    .query("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid")
    .all() as { name: string; sql: string }[]
  for (const { name } of found) client.run(`DROP INDEX ${quoted([name])}`)
  return found.map(({ sql }) => sql)
}

/** Replaces the rows of a table. */
async function store(client: Client, table: Table, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  client.run(`DELETE FROM "${table.name}"`)
  const names = columnNames(table)
  const places = `(${names.map(() => '?').join(', ')})`
  const into = `INSERT INTO "${table.name}" (${quoted(names)}) VALUES ${places}`
  using insertOne = client.keep(into)
  // Many in one statement take half as long as one by one.
  using insertMany = client.keep(into + `, ${places}`.repeat(rowsAtOnce - 1))
  const reader = new RowReader(table)
  const width = names.length
  for await (const chunk of chunks) {
    const values = reader.read(chunk)
    let at = 0
    for (; at + width * rowsAtOnce <= values.length; at += width * rowsAtOnce)
      insertMany.run(...values.slice(at, at + width * rowsAtOnce))
    for (; at < values.length; at += width) insertOne.run(...values.slice(at, at + width))
  }
}

const rowsAtOnce = 50

const incomplete = (name: string, found: number, total: number): LatchkeyError =>
  new LatchkeyError(
    'unexpected',
    `${name} sent ${found} rows of ${total}`,
    'run the command again; if it stays so, report it as a bug in Latchkey',
  )
