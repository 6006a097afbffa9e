/**
 * Loaded by drizzle-kit together with src/db/schema. drizzle-kit does not know our dialect, so the checks of the tables
 * are translated to SQLite before it reads them.
 */
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { sql } from 'drizzle-orm/sql/sql'
import { CheckBuilder, check } from 'drizzle-orm/sqlite-core/checks'
import { SQLiteTable } from 'drizzle-orm/sqlite-core/table'
import { SqliteDialect } from './dialect.ts'

const dialect = new SqliteDialect()
const schema = join(import.meta.dirname, '../schema')
const load = createRequire(import.meta.url)

for (const file of readdirSync(schema)) {
  const exported: Readonly<Record<string, unknown>> = load(join(schema, file))
  for (const table of Object.values(exported)) if (table instanceof SQLiteTable) spellChecks(table)
}

function spellChecks(table: SQLiteTable): void {
  const key = Symbol.for('drizzle:ExtraConfigBuilder')
  const extras: unknown = Reflect.get(table, key)
  if (typeof extras !== 'function') return
  Reflect.set(table, key, (columns: unknown) =>
    (extras(columns) as readonly unknown[]).map(each =>
      each instanceof CheckBuilder ? check(each.name, sql.raw(dialect.sqlToQuery(each.value).sql)) : each,
    ),
  )
}
