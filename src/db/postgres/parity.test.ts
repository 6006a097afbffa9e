/**
 * Both engines have the same schema: what their catalogues say is compared, table by table. Only the words of messages are indexed
 * by each in its own way.
 */
import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { latchkeyDatabase, requirePostgres } from '../../testing/postgres.ts'
import { latestVersion } from '../schema/version.ts'
import { Client } from '../sqlite/client.ts'
import { migrateTo } from '../sqlite/migrate.ts'
import { migrations as ofSqlite } from '../sqlite/migrations.ts'
import { Connection } from './connection.ts'
import { migrations } from './migrations.ts'
import { targetOf } from './url.ts'

interface Table {
  /** `name type`, then what it may hold. */
  readonly columns: readonly string[]
  readonly primaryKey: readonly string[]
  readonly indexes: readonly string[]
  readonly foreignKeys: readonly string[]
  readonly checks: readonly string[]
}

type Catalogue = Readonly<Record<string, Table>>

requirePostgres()('the catalogues agree on every table', async () => {
  await using database = await latchkeyDatabase()
  const connection = await Connection.open(targetOf(database.url), {
    prepare: false,
    patient: false,
    deadlineMs: 60_000,
  })
  const postgres = await catalogueOfPostgres(connection)
  connection.close()
  const sqlite = catalogueOfSqlite()
  expect(Object.keys(postgres)).toEqual(Object.keys(sqlite))
  expect(Object.keys(sqlite).length).toBeGreaterThan(20)
  for (const [name, table] of Object.entries(sqlite)) expect([name, postgres[name]]).toEqual([name, table])
})

requirePostgres()('a database without data has the same rows', async () => {
  await using database = await latchkeyDatabase()
  const options = { prepare: false, patient: false, deadlineMs: 60_000 }
  const connection = await Connection.open(targetOf(database.url), options)
  using client = newSqlite()
  for (const table of Object.keys(catalogueOfSqlite())) {
    // Made by each site, and by each engine.
    if (table === 'identity' || table === 'migrations') continue
    const rows = client.query(`SELECT * FROM "${table}"`).values()
    expect([table, await connection.values(`SELECT * FROM "${table}"`)]).toEqual([table, rows])
  }
  connection.close()
})

test('the steps are exactly the files of drizzle/postgres/, and each has its step for SQLite', () => {
  const folder = join(import.meta.dir, '../../../drizzle/postgres')
  const files = readdirSync(folder).filter(file => file.endsWith('.sql'))
  expect(files.sort()).toEqual(migrations.map(({ name }) => `${name}.sql`))
  for (const { name, up } of migrations) expect(readFileSync(join(folder, `${name}.sql`), 'utf8')).toBe(up)
  const first = migrations[0]?.version ?? 0
  expect(migrations.map(({ version, name }) => [version, name])).toEqual(
    ofSqlite.slice(first - 1).map(({ version, name }) => [version, name]),
  )
  expect(migrations.at(-1)?.version).toBe(latestVersion)
})

const sorted = (all: readonly string[]): readonly string[] => all.toSorted()

/** Names without quotes and tables, and no space or parenthesis that only one engine writes. */
const plain = (text: string, table: string): string =>
  text
    .replaceAll(/["`]/g, '')
    .replaceAll(new RegExp(`\\b${table}\\.`, 'g'), '')
    .replace(/^\((.*)\)$/, '$1')
    .trim()

function column(name: string, type: string, notNull: boolean, fallback: string | null): string {
  const more = [...(notNull ? ['not null'] : []), ...(fallback === null ? [] : [`default ${fallback}`])]
  return [name, type, ...more].join(' ')
}

function newSqlite(): Client {
  const client = new Client(':memory:')
  migrateTo(client, 'memory', latestVersion, { now: 0, programVersion: 'test' })
  return client
}

function catalogueOfSqlite(): Catalogue {
  using client = newSqlite()
  const all = <Row>(sql: string): Row[] => client.query(sql).all() as Row[]
  const tables = all<{ name: string; sql: string }>(
    `SELECT name, s.sql FROM pragma_table_list JOIN sqlite_schema s USING (name)
     WHERE pragma_table_list.type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`,
  )
  return Object.fromEntries(
    tables.map(({ name, sql }) => {
      type Column = { name: string; type: string; notnull: number; dflt_value: string | null; pk: number }
      const columns = all<Column>(`SELECT * FROM pragma_table_info('${name}')`)
      const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
      const indexes = all<{ sql: string }>(
        `SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = '${name}' AND sql IS NOT NULL`,
      )
      const keys = all<{ table: string; from: string; to: string; on_delete: string }>(
        `SELECT * FROM pragma_foreign_key_list('${name}')`,
      )
      const table: Table = {
        columns: columns.map(({ name, type, notnull, dflt_value, pk }) =>
          // SQLite says nothing of a number that is the key, which is never null.
          column(name, type.toLowerCase(), notnull === 1 || pk > 0, dflt_value),
        ),
        primaryKey: key.map(({ name }) => name),
        indexes: sorted(
          indexes.map(({ sql }) => {
            const [, unique = '', index = '', parts = '', where = ''] =
              /^CREATE (UNIQUE )?INDEX `(\w+)` ON `\w+` \((.*?)\)(?: WHERE (.*))?$/s.exec(sql) ?? []
            const list = parts.split(',').map(part => plain(part, name))
            return `${unique}${index} (${list.join(', ')}) ${plain(where, name)}`.trim()
          }),
        ),
        foreignKeys: sorted(
          keys.map(
            ({ table, from, to, on_delete }) => `${from} -> ${table}.${to} ${on_delete.toLowerCase()}`,
          ),
        ),
        checks: sorted([...sql.matchAll(/CONSTRAINT "(\w+)" CHECK/g)].map(([, check = '']) => check)),
      }
      return [name, table]
    }),
  )
}

async function catalogueOfPostgres(connection: Connection): Promise<Catalogue> {
  const here = 'relnamespace = current_schema()::regnamespace'
  const tables = await connection.rows<{ name: string; oid: number }>(
    `SELECT relname::text AS name, oid::bigint AS oid FROM pg_class WHERE ${here} AND relkind = 'r' ORDER BY relname`,
  )
  const made = tables.map(async ({ name, oid }): Promise<[string, Table]> => {
    const columns = await connection.rows<{
      name: string
      type: string
      collation: string | null
      notNull: boolean
      fallback: string | null
    }>(
      `SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type, collname::text AS collation,
        attnotnull AS "notNull", pg_get_expr(adbin, adrelid) AS fallback
       FROM pg_attribute a LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       LEFT JOIN pg_collation c ON c.oid = attcollation
       WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
      [oid],
    )
    const constraints = await connection.rows<{ name: string; type: string; text: string }>(
      `SELECT conname::text AS name, contype::text AS type, pg_get_constraintdef(oid) AS text
       FROM pg_constraint WHERE conrelid = $1::oid`,
      [oid],
    )
    const of = (type: string) => constraints.filter(each => each.type === type)
    const indexes = await connection.rows<{
      name: string
      unique: boolean
      parts: string
      where: string | null
    }>(
      `SELECT i.relname::text AS name, indisunique AS "unique", pg_get_expr(indpred, indrelid) AS "where",
        (SELECT string_agg(pg_get_indexdef(i.oid, at, true), ', ' ORDER BY at)
          FROM generate_series(1, indnkeyatts) AS at) AS parts
       FROM pg_index JOIN pg_class i ON i.oid = indexrelid WHERE indrelid = $1::oid
        AND i.relname <> 'message_words'
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))`,
      [oid],
    )
    for (const { name: column, type, collation } of columns) {
      expect([name, column, collation]).toEqual([name, column, type === 'text' ? 'C' : null])
    }
    const table: Table = {
      columns: columns.map(({ name, type, notNull, fallback }) =>
        column(
          name,
          type === 'bigint' ? 'integer' : type === 'bytea' ? 'blob' : type,
          notNull,
          fallback?.replace(/^'?(.*?)'?::(text|bigint)$/, type === 'text' ? "'$1'" : '$1') ?? null,
        ),
      ),
      primaryKey: of('p').flatMap(({ text }) => plain(/\((.*)\)/.exec(text)?.[1] ?? '', name).split(', ')),
      indexes: sorted(
        indexes.map(({ name: index, unique, parts, where }) =>
          `${unique ? 'UNIQUE ' : ''}${index} (${plain(parts, name)}) ${plain(where ?? '', name)}`.trim(),
        ),
      ),
      foreignKeys: sorted(
        of('f').map(({ text }) => {
          const [, from, to, column, action = 'no action'] =
            /^FOREIGN KEY \((\w+)\) REFERENCES (\w+)\((\w+)\)(?: ON DELETE (.*))?$/.exec(text) ?? []
          return `${from} -> ${to}.${column} ${action.toLowerCase()}`
        }),
      ),
      checks: sorted(of('c').flatMap(({ name }) => (name === 'migrations_hash_check' ? [] : [name]))),
    }
    return [name, table]
  })
  const entries = await Promise.all(made)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
