/** Translates drizzle's queries, which are built for SQLite, to the SQL of PostgreSQL. */
import { Name, SQL, sql } from 'drizzle-orm/sql/sql'
import { SQLiteColumn } from 'drizzle-orm/sqlite-core/columns/common'
import { SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core/dialect'
import { type Spelling, spelled } from '../words.ts'

/** The functions are in `functions.ts`. */
const spelling: Spelling = {
  items: 'latchkey_items',
  fitsItem: String.raw`LIKE replace(replace(replace(replace(pattern.value, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%')`,
  fits: pattern => `SIMILAR TO '${similar(pattern)}'`,
  position: 'strpos',
  total: 'latchkey_total',
  asNumber: '::int',
  quoted: 'to_json',
  asJson: '::json',
  byBytes: ' COLLATE "C"',
  isJson: 'latchkey_is_json',
  jsonType: 'latchkey_json_type',
}

const similar = (pattern: string): string =>
  pattern
    .replace(/[%_\\]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_')

type Insert = Parameters<SQLiteAsyncDialect['buildInsertQuery']>[0]

type Row = Extract<Insert['values'], readonly unknown[]>[number]

export class PostgresDialect extends SQLiteAsyncDialect {
  override escapeName(name: string): string {
    return spelled(spelling, name)
  }

  override escapeParam(index: number): string {
    return `$${index + 1}`
  }

  override buildInsertQuery(insert: Insert): SQL {
    const { values, onConflict } = insert
    return super.buildInsertQuery({
      ...insert,
      values: Array.isArray(values) ? values.map(row => withDefaults(insert.table, row)) : values,
      ...(onConflict && { onConflict: onConflict.map(unqualifiedTarget) }),
    })
  }
}

/** A column that is not told has its default, which SQLite has for a NULL in the number of a row. */
function withDefaults(table: Insert['table'], row: Row): Row {
  const told = Object.entries(row).filter(([, value]) => value !== undefined)
  const missing = Object.entries(table).filter(
    ([, column]) => column instanceof SQLiteColumn && column.default === undefined,
  )
  return Object.fromEntries([...missing.map(([name]) => [name, sql`default`]), ...told])
}

/** PostgreSQL wants the columns of a conflict without their table; SQLite takes both. */
function unqualifiedTarget(clause: SQL): SQL {
  const at = clause.queryChunks.findIndex(chunk => chunk instanceof SQL)
  const target = clause.queryChunks[at]
  if (!(target instanceof SQL)) return clause
  const columns = target.queryChunks.map(chunk =>
    Array.isArray(chunk)
      ? chunk.map(each => (each instanceof SQLiteColumn ? new Name(each.name) : each))
      : chunk,
  )
  return new SQL(clause.queryChunks.with(at, new SQL(columns)))
}
