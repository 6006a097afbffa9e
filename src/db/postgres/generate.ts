/**
 * The end of `bun run generate`: the same step for PostgreSQL. Its tables are derived from those for SQLite, which are the
 * only schema, and drizzle-kit writes what has changed since the step before. The versions of both go together. Text is
 * ordered by bytes, as SQLite does, and integers, booleans and JSON are stored as there, so that copies are exact.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DrizzleSnapshotJSON, generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import type { SQL } from 'drizzle-orm/sql/sql'
import { SQLiteColumn } from 'drizzle-orm/sqlite-core/columns/common'
import { SQLiteTable } from 'drizzle-orm/sqlite-core/table'
import { getTableConfig } from 'drizzle-orm/sqlite-core/utils'
import { PostgresDialect } from './dialect.ts'
import { functions } from './functions.ts'

/** Buckets, which requests change all the time: with room in its page, a row is changed in place. */
const updatedTables: readonly string[] = ['minutes', 'hours', 'days']

/** Of columns that are no numbers. */
const types: Readonly<Record<string, string>> = { text: 'text COLLATE "C"', blob: 'bytea' }

/** What SQLite's migrations put into a database without data. */
const firstRows: readonly string[] = [
  "INSERT INTO models (name) VALUES ('');",
  'INSERT INTO retention (single, minutes_from, hours_from) VALUES (1, -8640000000000000, -8640000000000000);',
]

const folder = join(import.meta.dir, '../../../drizzle/postgres')
const snapshotOf = (step: string) => join(folder, 'meta', `${step.slice(0, 4)}_snapshot.json`)
const dialect = new PostgresDialect()

const latest = stepsIn(join(folder, '..')).at(-1)
const before = stepsIn(folder).at(-1)
if (latest !== undefined && latest !== before) await write(latest)
list(stepsIn(folder))

/** Names, oldest first. */
function stepsIn(path: string): readonly string[] {
  return readdirSync(path)
    .filter(file => /^\d{4}_.*(?<!\.down)\.sql$/.test(file))
    .map(file => file.replace(/\.sql$/, ''))
    .sort()
}

async function write(step: string): Promise<void> {
  const empty = generateDrizzleJson({})
  const from: DrizzleSnapshotJSON =
    before === undefined ? empty : JSON.parse(readFileSync(snapshotOf(before), 'utf8'))
  const tables = (await schema()).map(table => [`public.${getTableConfig(table).name}`, derived(table)])
  const to: DrizzleSnapshotJSON = {
    ...empty,
    id: crypto.randomUUID(),
    prevId: from.id,
    tables: Object.fromEntries(tables),
  }
  const changes = (await generateMigration(from, to)).map(inPostgres)
  const statements = before === undefined ? [functions.trim(), ...changes, ...firstRows] : changes
  writeFileSync(join(folder, `${step}.sql`), `${statements.join('\n--> statement-breakpoint\n')}\n`)
  writeFileSync(snapshotOf(step), `${JSON.stringify(to, null, 2)}\n`)
  process.stdout.write(`postgres/${step}.sql: read it.\n`)
}

/** drizzle-kit names the schema `public`, but a role may have another one. */
function inPostgres(statement: string): string {
  const table = /^CREATE TABLE "(\w+)"/.exec(statement)?.[1] ?? ''
  const text = statement.replaceAll('"public".', '').trim()
  return updatedTables.includes(table) ? text.replace(/\);$/, ') WITH (fillfactor = 80);') : text
}

async function schema(): Promise<readonly SQLiteTable[]> {
  const files = join(import.meta.dir, '../schema')
  const exported = await Promise.all(
    readdirSync(files)
      .sort()
      .map(file => import(join(files, file))),
  )
  return [
    ...new Set(exported.flatMap(file => Object.values(file)).filter(each => each instanceof SQLiteTable)),
  ]
}

/** A table as drizzle-kit's snapshots have it. */
function derived(table: SQLiteTable): DrizzleSnapshotJSON['tables'][string] {
  const { name, columns, indexes, checks, foreignKeys, primaryKeys } = getTableConfig(table)
  const named = <T extends { readonly name: string }>(all: readonly T[]) =>
    Object.fromEntries(all.map(each => [each.name, each]))
  return {
    name,
    schema: '',
    columns: named(columns.map(column => columnOf(name, column))),
    indexes: named(
      indexes.map(({ config }) => ({
        name: config.name,
        columns: config.columns.map(column => ({
          expression: column instanceof SQLiteColumn ? column.name : spelled(column),
          isExpression: !(column instanceof SQLiteColumn),
          asc: true,
          nulls: 'last',
        })),
        isUnique: config.unique,
        ...(config.where && { where: spelled(config.where) }),
        concurrently: false,
        method: 'btree',
        with: {},
      })),
    ),
    foreignKeys: named(
      foreignKeys.map(key => {
        const { columns, foreignColumns, foreignTable } = key.reference()
        return {
          name: key.getName(),
          tableFrom: name,
          tableTo: getTableConfig(foreignTable).name,
          columnsFrom: columns.map(column => column.name),
          columnsTo: foreignColumns.map(column => column.name),
          onDelete: key.onDelete ?? 'no action',
          onUpdate: key.onUpdate ?? 'no action',
        }
      }),
    ),
    compositePrimaryKeys: named(
      primaryKeys.map(key => ({ name: `${name}_pk`, columns: key.columns.map(column => column.name) })),
    ),
    uniqueConstraints: {},
    policies: {},
    checkConstraints: named(checks.map(check => ({ name: check.name, value: spelled(check.value) }))),
    isRLSEnabled: false,
  }
}

function columnOf(table: string, column: SQLiteColumn) {
  const { name, primary, notNull, default: value } = column
  const stored = column.getSQLType()
  return {
    name,
    type: types[stored] ?? 'bigint',
    primaryKey: primary,
    notNull,
    ...(value !== undefined && {
      default: typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : Number(value),
    }),
    // SQLite numbers the rows of such a table too.
    ...(primary && stored === 'integer' && { identity: numbered(`${table}_${name}_seq`) }),
  }
}

function numbered(name: string) {
  const range = { minValue: '1', maxValue: '9223372036854775807', startWith: '1', increment: '1' }
  return { type: 'byDefault' as const, name, schema: 'public', ...range, cache: '1', cycle: false }
}

/** Columns by their names alone. */
function spelled(part: SQL): string {
  return dialect.sqlToQuery(part, 'indexes').sql
}

/** Writes the file that lists the steps. */
function list(names: readonly string[]): void {
  const imports = names.map(
    (name, n) => `import up${n} from '../../../drizzle/postgres/${name}.sql' with { type: 'text' }\n`,
  )
  writeFileSync(
    join(import.meta.dir, 'migration-texts.ts'),
    `/** Written by \`bun run generate\`: the files of drizzle/postgres/, oldest first, as text that a compiled binary carries along. */
${imports.join('')}
export const migrationTexts: readonly (readonly [name: string, up: string])[] = [
${names.map((name, n) => `  ['${name}', up${n}],\n`).join('')}]
`,
  )
}
