/** Questions about a whole database file: whether it is damaged, what it contains, whether its schema is right. */
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import { many } from '../../text/quantity.ts'
import { Client } from './client.ts'
import { applySource, declared, type MigrationSource, migrations } from './migrations.ts'

/** Damage that `PRAGMA quick_check` finds, at most ten lines. It finds a tenth of what a hash finds, so it proves nothing. */
export function quickCheck(client: Client): readonly string[] {
  return checkLines(client, 'quick_check')
}

/** Like `quickCheck`, and compares every index with its table. Slow for large files. */
export function integrityCheck(client: Client): readonly string[] {
  return checkLines(client, 'integrity_check')
}

function checkLines(client: Client, pragma: 'quick_check' | 'integrity_check'): readonly string[] {
  try {
    const rows = client.query(`PRAGMA ${pragma}(10)`).all() as Record<string, string>[]
    // One row may contain several findings, below a heading with the database name.
    return rows
      .flatMap(row => (row[pragma] ?? '').split('\n'))
      .filter(line => line !== 'ok' && !line.startsWith('***'))
  } catch (error) {
    // A value that makes a constraint fail with an error, such as damaged JSON, ends the whole check.
    if (codeOf(error) !== 'SQLITE_ERROR' || !(error instanceof Error)) throw error
    return [`a constraint cannot be checked: ${error.message}`]
  }
}

/**
 * Rows with broken references, one sentence each: the row, the column, and what is missing.
 *
 * @param most the maximum for each foreign key
 */
export function foreignKeyCheck(client: Client, most = 100): readonly string[] {
  const broken = client
    .query(
      `SELECT DISTINCT c."table", c.fkid AS id, f."from" AS "column", f."to" AS key, c.parent
       FROM pragma_foreign_key_check c JOIN pragma_foreign_key_list(c."table") f ON f.id = c.fkid`,
    )
    .all() as BrokenReference[]
  return broken.flatMap(reference => orphans(client, reference, most))
}

interface BrokenReference {
  readonly table: string
  readonly column: string
  /** null: the primary key of the parent. */
  readonly key: string | null
  readonly parent: string
}

function orphans(client: Client, reference: BrokenReference, most: number): readonly string[] {
  const { table, column, parent } = reference
  const child = quoted(column)
  const known = primaryKey(client, parent)
  const key = quoted(reference.key ?? known[0] ?? 'id')
  const isMissing = known.length === 0 ? '' : `AND ${child} NOT IN (SELECT ${key} FROM ${quoted(parent)})`
  // Never show the hash of a secret.
  const identity = primaryKey(client, table)
    .filter(name => name !== 'hash')
    .map(name => `'${name.replaceAll("'", "''")} ' || ${quoted(name)}`)
    .join(" || ', ' || ")
  const rows = client
    .query(
      `SELECT ${identity === '' ? "'a row'" : identity} AS row, ${child} AS target FROM ${quoted(table)}
       WHERE ${child} IS NOT NULL ${isMissing} LIMIT ?`,
    )
    .all(most) as { row: string; target: string | number }[]
  return rows.map(
    ({ row, target }) => `${table}: ${row} points by ${column} at ${target}, which is not in ${parent}`,
  )
}

function primaryKey(client: Client, table: string): readonly string[] {
  const columns = client
    .query('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk')
    .all(table) as { name: string }[]
  return columns.map(({ name }) => name)
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * What a database would lose if it went to a lower schema version: rows of dropped tables, by `table`, and values in
 * dropped columns, by `table.column`. Empty ones are left out, and so is what a step says that it moves. A table that moves
 * can lose columns.
 */
export function lostBetween(
  client: Client,
  from: number,
  to: number,
  sources: readonly MigrationSource[] = migrations,
): Readonly<Record<string, number>> {
  const before = columnsAt(sources.slice(0, from))
  const after = columnsAt(sources.slice(0, to))
  const steps = sources.slice(to, from)
  const moved = new Set(steps.flatMap(step => declared('moves', step.down)))
  const lost = new Set(steps.flatMap(step => declared('loses', step.down)))
  const counts = [...before].flatMap(([table, columns]): (readonly [string, number])[] => {
    const remaining = after.get(table)
    if (!remaining && !moved.has(table)) return [[table, countRows(client, table, 'true')]]
    const goes = (name: string, column: string): boolean =>
      remaining ? !remaining.has(column) && !moved.has(name) : lost.has(name)
    return [...columns]
      .filter(([column]) => goes(`${table}.${column}`, column))
      .map(([column, initial]) => [
        `${table}.${column}`,
        countRows(client, table, `${quoted(column)} IS NOT ${initial ?? 'NULL'}`),
      ])
  })
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

const countRows = (client: Client, table: string, where: string): number =>
  (client.query(`SELECT count(*) AS n FROM ${quoted(table)} WHERE ${where}`).get() as { n: number }).n

/** The columns of each table of a schema, with their defaults. */
const columnsAt = ofSchema((client): ReadonlyMap<string, ReadonlyMap<string, string | null>> => {
  const rows = client
    .query(
      `SELECT t.name AS "table", c.name AS "column", c.dflt_value AS initial
       FROM pragma_table_list t, pragma_table_info(t.name) c WHERE t.schema = 'main' AND t.type = 'table'`,
    )
    .all() as { table: string; column: string; initial: string | null }[]
  const tables = new Map<string, Map<string, string | null>>()
  for (const { table, column, initial } of rows) {
    const columns = tables.get(table) ?? new Map<string, string | null>()
    tables.set(table, columns.set(column, initial))
  }
  return tables
})

/** Rows per table, by name; without what SQLite stores of indexes of words. */
export function rowCounts(client: Client): Readonly<Record<string, number>> {
  const names = client
    .query(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .all() as { name: string }[]
  return Object.fromEntries(names.map(({ name }) => [name, countRows(client, name, 'true')]))
}

/** Ids of the users who were erased, newest first; none in a schema from before there was such a record. */
export function erasedUsers(client: Client): readonly string[] {
  if (!client.hasTable('erased')) return []
  const rows = client.query('SELECT id FROM erased ORDER BY at DESC, id').all() as { id: string }[]
  return rows.map(({ id }) => id)
}

/** Runs a check. If the file is so damaged that the check fails, that is a finding. */
export function findings(
  find: () => readonly string[],
): readonly { readonly detail: string; readonly damage: boolean }[] {
  try {
    return find().map(detail => ({ detail, damage: false }))
  } catch (error) {
    if (!/^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(codeOf(error)) || !(error instanceof Error)) throw error
    return [{ detail: error.message, damage: true }]
  }
}

/** Differences between the tables, indexes, triggers and views of a database and those of its schema version. */
export function schemaDrift(
  client: Client,
  version: number,
  sources: readonly MigrationSource[] = migrations,
): readonly string[] {
  const expected = new Map(expectedSchema(sources.slice(0, version)).map(each => [each.name, each.sql]))
  const objects = schemaObjects(client)
  const actual = new Map(objects.map(each => [each.name, each.sql]))
  return [
    ...[...expected].filter(([name]) => !actual.has(name)).map(([name]) => `${name} is missing`),
    ...[...actual].filter(([name]) => !expected.has(name)).map(([name]) => `${name} does not belong here`),
    ...[...expected]
      .filter(([name, sql]) => actual.has(name) && actual.get(name) !== sql)
      .map(([name]) => `${name} differs from its migration`),
    ...objects
      .filter((each, index) => objects.findIndex(other => other.name === each.name) < index)
      .map(({ name }) => `${name} is there twice`),
  ]
}

/** Tables with another number of rows than expected, one phrase each. */
export function rowDifferences(
  expected: Readonly<Record<string, number>>,
  found: Readonly<Record<string, number>>,
): readonly string[] {
  return [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    .filter(table => (found[table] ?? 0) !== (expected[table] ?? 0))
    .map(table => `${table} has ${many(found[table] ?? 0, 'row')} in place of ${expected[table] ?? 0}`)
}

/** SHA-256 in hex over every table, index, trigger and view. Equal if two databases have the same schema. */
export function schemaHash(client: Client): string {
  const lines = schemaObjects(client)
    .map(({ name, sql }) => `${name}\n${sql}\n`)
    .sort()
  return new Bun.CryptoHasher('sha256').update(lines.join('\n')).digest('hex')
}

/** Bytes per page. Databases with different page sizes cannot be copied into each other. */
export function pageSize(client: Client): number {
  return (client.query('PRAGMA page_size').get() as { page_size: number }).page_size
}

/** The approximate size of a compact copy, in bytes. */
export function compactSize(client: Client): number {
  const { page_count } = client.query('PRAGMA page_count').get() as { page_count: number }
  const { freelist_count } = client.query('PRAGMA freelist_count').get() as { freelist_count: number }
  return (page_count - freelist_count) * pageSize(client)
}

/** Runs `work` on one snapshot of a connection that is in no transaction. */
export async function inSnapshot<T>(client: Client, work: () => Promise<T>): Promise<T> {
  client.run('BEGIN')
  try {
    return await work()
  } finally {
    client.run('COMMIT')
  }
}

/**
 * Begins a write and rolls it back. Throws errors of SQLite if that is not possible. Call it while a reader of the same
 * file is open and has run a query. Otherwise closing may checkpoint a WAL that a crash left.
 */
export function tryWrite(path: string): void {
  using client = new Client(path, { readwrite: true })
  client.run('PRAGMA busy_timeout = 250')
  client.run('BEGIN IMMEDIATE')
  client.run('ROLLBACK')
}

const expectedSchema = ofSchema(schemaObjects)

/**
 * Looks at an empty in-memory database with the schema of some migrations. What is seen is kept by their text: a plan, a
 * rehearsal, a move, verify and restore ask for the same several times.
 */
function ofSchema<T>(look: (client: Client) => T): (sources: readonly MigrationSource[]) => T {
  const kept = new Map<string, T>()
  return sources => {
    const key = sources.map(({ up }) => up).join('\n')
    const found = kept.get(key)
    if (found !== undefined) return found
    using client = new Client(':memory:')
    for (const source of sources) applySource(client, source.up)
    const seen = look(client)
    kept.set(key, seen)
    return seen
  }
}

interface SchemaObject {
  /** Including its type. */
  readonly name: string
  /** With single spaces. */
  readonly sql: string
}

function schemaObjects(client: Client): readonly SchemaObject[] {
  const rows = client
    .query('SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid')
    .all() as { type: string; name: string; sql: string }[]
  return rows
    .filter(row => !isOfItsOwn(row))
    .map(({ type, name, sql }) => ({ name: `${type} ${name}`, sql: sql.replace(/\s+/g, ' ') }))
}

/**
 * SQLite's own tables, and the history of migrations. Judged by the SQL text, because SQLite only uses that, and a
 * hostile file may give a trigger any name and type.
 */
const isOfItsOwn = ({ name, sql }: { readonly name: string; readonly sql: string }): boolean =>
  ownTables.has(name) && new RegExp(`^CREATE TABLE "?${name}"? ?\\(`).test(sql)

const ownTables: ReadonlySet<string> = new Set([
  'migrations',
  'sqlite_sequence',
  'sqlite_stat1',
  'sqlite_stat4',
])

/** @throws corrupt (`quick_check` or `foreign_key_check` finds something) */
export function requireSound(client: Client, path: string): void {
  const [damage] = [...quickCheck(client), ...foreignKeyCheck(client)]
  if (damage === undefined) return
  throw new LatchkeyError(
    'corrupt',
    `${path} is damaged: ${damage}`,
    'see all problems with: latchkey migrate check, and go back to a good copy with: latchkey restore --latest',
  )
}
