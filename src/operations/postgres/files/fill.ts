/** Replaces the rows of a database on a server by those of a file, within the transaction of the caller. */
import { LatchkeyError } from '../../../contract/errors.ts'
import type { ProgressListener } from '../../../contract/views.ts'
import type { Connection } from '../../../db/postgres/connection.ts'
import type { Client } from '../../../db/sqlite/client.ts'
import {
  chunksOf,
  columnNames,
  copyOut,
  copyOutAsStored,
  quoted,
  readingAsStored,
  type Table,
  tablesOf,
} from './tables.ts'

/** What a table has. */
export interface CopiedTable {
  readonly name: string
  readonly rows: number
  /** Of its rows as PostgreSQL copies them, in the order of the primary key. */
  readonly sha256: string
}

/**
 * Puts the rows of a file into the tables of the same schema version, which nobody else can use meanwhile. What they are is read
 * back and compared.
 *
 * @param tablesAre `new` if the transaction has made them; what its steps have put into them is removed then, too
 * @throws invalid (a text that PostgreSQL cannot store), corrupt, disk_full
 */
export async function fill(
  connection: Connection,
  client: Client,
  tablesAre: 'new' | 'old',
  onProgress: ProgressListener | undefined,
): Promise<readonly CopiedTable[]> {
  const tables = tablesOf(client)
  const counts = new Map(tables.map(({ name }) => [name, countIn(client, name)]))
  const namesOf = (least: number) => [...counts].filter(([, rows]) => rows >= least).map(([name]) => name)
  await connection.run("SET LOCAL maintenance_work_mem = '128MB'")
  // Rows come in several times as fast without them, but to make them again costs a small table more than its rows.
  const constraints = await takeConstraints(connection, namesOf(manyRows))
  await empty(connection, tables, tablesAre)
  const total = [...counts.values()].reduce((sum, rows) => sum + rows, 0)
  let before = 0
  const sent: CopiedTable[] = []
  for (const table of tables) {
    const hasher = new Bun.CryptoHasher('sha256')
    let rows = 0
    const chunks = chunksOf(client, table, (chunk, more) => {
      hasher.update(chunk)
      rows += more
      onProgress?.({ step: 'copying', done: before + rows, total, unit: 'rows' })
    })
    const into = `COPY "${table.name}" (${quoted(columnNames(table))}) FROM STDIN (FREEZE)`
    if ((counts.get(table.name) ?? 0) > 0) await connection.copyIn(into, chunks)
    sent.push({ name: table.name, rows, sha256: hasher.digest('hex') })
    before += rows
  }
  for (const make of constraints) await connection.run(make)
  await raiseNumbers(connection)
  await requireStored(connection, tables, sent)
  await connection.run(`ANALYZE ${quoted(namesOf(1))}`)
  return sent
}

const manyRows = 1_000

/** To truncate a table is to make its files again, with those of its indexes. */
async function empty(
  connection: Connection,
  tables: readonly Table[],
  tablesAre: 'new' | 'old',
): Promise<void> {
  if (tablesAre === 'old') await connection.run(`TRUNCATE ${quoted(tables.map(({ name }) => name))}`)
  // A table follows those that it refers to.
  else
    await connection.script(
      tables
        .toReversed()
        .map(({ name }) => `DELETE FROM "${name}"`)
        .join(';'),
    )
}

/** To sort all rows would take as long as to store them. What the server stored in another order is sorted after all. */
async function requireStored(
  connection: Connection,
  tables: readonly Table[],
  sent: readonly CopiedTable[],
): Promise<void> {
  await connection.run(readingAsStored)
  const found: string[] = []
  for (const table of tables) {
    const hasher = new Bun.CryptoHasher('sha256')
    for await (const chunk of connection.copyOut(copyOutAsStored(table))) hasher.update(chunk)
    found.push(hasher.digest('hex'))
  }
  const differs = (_: unknown, at: number) => sent[at]?.sha256 !== found[at]
  requireSame(connection.name, sent.filter(differs), await contentsOf(connection, tables.filter(differs)))
}

/** What the transaction of the connection sees in each table: how many rows, and a hash of them. */
export async function contentsOf(
  connection: Connection,
  tables: readonly Table[],
): Promise<readonly CopiedTable[]> {
  const found: CopiedTable[] = []
  for (const table of tables) {
    const { rows, sha256, chunks } = measured(connection.copyOut(copyOut(table)))
    for await (const _ of chunks);
    found.push({ name: table.name, rows: rows(), sha256: sha256() })
  }
  return found
}

/** The same of a file. */
export async function contentsIn(client: Client): Promise<readonly CopiedTable[]> {
  const found: CopiedTable[] = []
  for (const table of tablesOf(client)) {
    const { rows, sha256, chunks } = measured(chunksOf(client, table))
    for await (const _ of chunks);
    found.push({ name: table.name, rows: rows(), sha256: sha256() })
  }
  return found
}

/** @throws corrupt */
export function requireSame(
  name: string,
  expected: readonly CopiedTable[],
  found: readonly CopiedTable[],
): void {
  const other = expected.find((each, at) => each.sha256 !== found[at]?.sha256)
  if (other === undefined) return
  throw new LatchkeyError(
    'corrupt',
    `the table ${other.name} of ${name} is not what was copied into it; nothing was changed`,
    'look at the log of the server, then run the command again',
  )
}

/** Counts and hashes rows while they pass. */
export function measured(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  tell: (rows: number) => void = () => {},
) {
  const hasher = new Bun.CryptoHasher('sha256')
  let rows = 0
  async function* passed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hasher.update(chunk)
      rows += linesIn(chunk)
      tell(rows)
      yield chunk
    }
  }
  return { chunks: passed(), rows: () => rows, sha256: () => hasher.digest('hex') }
}

/** A function of its own, because a loop in a generator is never compiled well. */
function linesIn(chunk: Uint8Array): number {
  let lines = 0
  for (let at = 0; at < chunk.length; at++) if (chunk[at] === newline) lines++
  return lines
}

const newline = 10

const countIn = (client: Client, table: string): number =>
  (client.query(`SELECT count(*) AS n FROM "${table}"`).get() as { n: number }).n

/** Drops what these tables have and what refers to them, all but checks. Returns the statements that make it again. */
async function takeConstraints(
  connection: Connection,
  tables: readonly string[],
): Promise<readonly string[]> {
  // Foreign keys go first and come last.
  const constraints = await connection.rows<{ drop: string; make: string }>(
    `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS make
     FROM pg_constraint
     WHERE connamespace = current_schema()::regnamespace AND contype IN ('f', 'p', 'u')
       AND (conrelid = ANY($1::regclass[]) OR confrelid = ANY($1::regclass[]))
     ORDER BY contype, conname`,
    [tables],
  )
  const indexes = await connection.rows<{ drop: string; make: string }>(
    `SELECT format('DROP INDEX %s', indexrelid::regclass) AS drop, pg_get_indexdef(indexrelid) AS make
     FROM pg_index
     WHERE indrelid = ANY($1::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)`,
    [tables],
  )
  for (const { drop } of [...constraints, ...indexes]) await connection.run(drop)
  return [...indexes, ...constraints.toReversed()].map(({ make }) => make)
}

/** The next number of each table that has its rows numbered is greater than those in use. It never falls. */
export async function raiseNumbers(connection: Connection): Promise<void> {
  const numbered = await connection.rows<{ table: string; column: string; sequence: string }>(
    `SELECT relname AS table, attname AS column, pg_get_serial_sequence(format('%I', relname), attname) AS sequence
     FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attidentity <> ''`,
  )
  for (const { table, column, sequence } of numbered) {
    await connection.rows(
      `SELECT setval('${sequence}', greatest((SELECT max("${column}") FROM "${table}"), (SELECT last_value FROM ${sequence})))`,
    )
  }
}
