/**
 * The schema as drizzle-kit reads it, which knows no dialect of ours: the same tables, their checks spelled for SQLite.
 * Loaded by drizzle-kit alone.
 */
import { sql } from 'drizzle-orm/sql/sql'
import { CheckBuilder, check } from 'drizzle-orm/sqlite-core/checks'
import { SQLiteTable } from 'drizzle-orm/sqlite-core/table'
import * as audit from '../schema/audit.ts'
import * as identity from '../schema/identity.ts'
import * as imports from '../schema/imports.ts'
import * as keys from '../schema/keys.ts'
import * as limits from '../schema/limits.ts'
import * as people from '../schema/people.ts'
import * as usage from '../schema/usage.ts'
import { SqliteDialect } from './dialect.ts'

export * from '../schema/audit.ts'
export * from '../schema/identity.ts'
export * from '../schema/imports.ts'
export * from '../schema/keys.ts'
export * from '../schema/limits.ts'
export * from '../schema/people.ts'
export * from '../schema/usage.ts'

const dialect = new SqliteDialect()

for (const part of [audit, identity, imports, keys, limits, people, usage]) {
  for (const table of Object.values(part)) if (table instanceof SQLiteTable) spellChecks(table)
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
