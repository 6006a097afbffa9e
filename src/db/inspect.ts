/** What can be asked of a database file as a whole: is it sound, what does it hold, does its schema fit. */

import { LatchkeyError } from '../contract/errors.ts'
import { Client } from './client.ts'
import { applySource, type MigrationSource, migrations } from './migrations.ts'

/** Damage that `PRAGMA quick_check` finds, at most ten lines. Sees a tenth of what a hash sees: no proof of health. */
export function quickCheck(client: Client): readonly string[] {
  return checkLines(client, 'quick_check')
}

/** As `quickCheck`, and compares every index with its table: slow on large files. */
export function integrityCheck(client: Client): readonly string[] {
  return checkLines(client, 'integrity_check')
}

function checkLines(client: Client, pragma: 'quick_check' | 'integrity_check'): readonly string[] {
  const rows = client.query(`PRAGMA ${pragma}(10)`).all() as Record<string, string>[]
  return rows.map(row => row[pragma] ?? '').filter(line => line !== 'ok')
}

/** Rows that point at nothing, at most 100, each as `table row N points at no parent`. */
export function foreignKeyCheck(client: Client): readonly string[] {
  const rows = client
    .query('SELECT "table", rowid, parent FROM pragma_foreign_key_check LIMIT 100')
    .all() as {
    table: string
    rowid: number | null
    parent: string
  }[]
  return rows.map(
    row => `${row.table} ${row.rowid === null ? '(a row)' : `row ${row.rowid}`} points at no ${row.parent}`,
  )
}

/** Rows per table, by the name of the table. */
export function rowCounts(client: Client): Readonly<Record<string, number>> {
  const names = client
    .query(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .all() as { name: string }[]
  return Object.fromEntries(
    names.map(({ name }) => {
      const row = client.query(`SELECT count(*) AS n FROM "${name.replaceAll('"', '""')}"`).get() as {
        n: number
      }
      return [name, row.n]
    }),
  )
}

/** Differences between the tables and indexes of a database and those its schema version stands for. */
export function schemaDrift(
  client: Client,
  version: number,
  sources: readonly MigrationSource[] = migrations,
): readonly string[] {
  const expected = expectedSchema(sources.slice(0, version))
  const actual = schemaObjects(client)
  return [
    ...[...expected].filter(([name]) => !actual.has(name)).map(([name]) => `${name} is missing`),
    ...[...actual].filter(([name]) => !expected.has(name)).map(([name]) => `${name} does not belong here`),
    ...[...expected]
      .filter(([name, sql]) => actual.has(name) && actual.get(name) !== sql)
      .map(([name]) => `${name} differs from its migration`),
  ]
}

/** SHA-256 in hex over every table, index, trigger and view: equal when two databases have the same schema. */
export function schemaHash(client: Client): string {
  const lines = [...schemaObjects(client)].map(([name, sql]) => `${name}\n${sql}\n`).sort()
  return new Bun.CryptoHasher('sha256').update(lines.join('\n')).digest('hex')
}

/** Bytes per page: two databases that differ in it cannot be copied into each other. */
export function pageSize(client: Client): number {
  return (client.query('PRAGMA page_size').get() as { page_size: number }).page_size
}

/** About how large a compacted copy will be, in bytes. */
export function compactSize(client: Client): number {
  const { page_count } = client.query('PRAGMA page_count').get() as { page_count: number }
  const { freelist_count } = client.query('PRAGMA freelist_count').get() as { freelist_count: number }
  return (page_count - freelist_count) * pageSize(client)
}

/**
 * Begins a write and takes it back: throws what SQLite says when that cannot be done. Call it while a reader of the
 * same file is open and has run a query, or else closing may fold a WAL that a crash left into the file.
 */
export function tryWrite(path: string): void {
  const client = new Client(path, { readwrite: true })
  try {
    client.run('PRAGMA busy_timeout = 250')
    client.run('BEGIN IMMEDIATE')
    client.run('ROLLBACK')
  } finally {
    client.close()
  }
}

function expectedSchema(sources: readonly MigrationSource[]): ReadonlyMap<string, string> {
  const client = new Client(':memory:')
  try {
    for (const source of sources) applySource(client, source.up)
    return schemaObjects(client)
  } finally {
    client.close()
  }
}

function schemaObjects(client: Client): ReadonlyMap<string, string> {
  const rows = client
    .query(
      "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'migrations'",
    )
    .all() as { type: string; name: string; sql: string }[]
  return new Map(rows.map(row => [`${row.type} ${row.name}`, row.sql.replace(/\s+/g, ' ')]))
}

/** @throws corrupt when `quick_check` or `foreign_key_check` finds anything */
export function requireSound(client: Client, path: string): void {
  const [damage] = [...quickCheck(client), ...foreignKeyCheck(client)]
  if (damage === undefined) return
  throw new LatchkeyError(
    'corrupt',
    `${path} is damaged: ${damage}`,
    'see all that is wrong with: latchkey migrate check, and get a good copy with: latchkey restore --latest',
  )
}
