/**
 * What the tables in this folder are made of. Times are integer UTC milliseconds, money integer micro-dollars, JSON is
 * text. The constraints are the last line: a row that breaks a rule of the domain cannot exist, whoever writes it. No
 * check may come out as NULL: SQLite lets it pass, but the integrity_check of older versions calls it damage.
 */
import { type SQL, type SQLWrapper, sql } from 'drizzle-orm/sql/sql'
import { check } from 'drizzle-orm/sqlite-core/checks'
import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core/columns/common'
import { integer } from 'drizzle-orm/sqlite-core/columns/integer'
import { text } from 'drizzle-orm/sqlite-core/columns/text'
import { fits, word } from '../words.ts'

export { sql } from 'drizzle-orm/sql/sql'
export { check } from 'drizzle-orm/sqlite-core/checks'
export { integer } from 'drizzle-orm/sqlite-core/columns/integer'
export { text } from 'drizzle-orm/sqlite-core/columns/text'
export { index, uniqueIndex } from 'drizzle-orm/sqlite-core/indexes'
export { primaryKey } from 'drizzle-orm/sqlite-core/primary-keys'
export { sqliteTable as table } from 'drizzle-orm/sqlite-core/table'
export { fits } from '../words.ts'

/** What a unique index whatever the case is made on; ASCII letters only. */
export const lower = (column: AnySQLiteColumn): SQL => sql`lower(${column})`

/** A text that is JSON. */
export const isJson = (column: SQLWrapper): SQL => sql`${word('isJson')}(${column})`

/** A text that is a JSON array. */
export const isList = (column: SQLWrapper): SQL => sql`${word('jsonType')}(${column}) = 'array'`

/** Exactly one of the columns holds something. */
export const isOne = (...columns: readonly SQLWrapper[]): SQL =>
  sql`${sql.join(
    columns.map(column => sql`(${column} IS NOT NULL)${word('asNumber')}`),
    sql` + `,
  )} = 1`

/** What was counted. */
export const counters = {
  requests: integer('requests').notNull().default(0),
  inputTokens: integer('input_tokens').notNull().default(0),
  outputTokens: integer('output_tokens').notNull().default(0),
  /** Tokens that came without a split, from an import. */
  otherTokens: integer('other_tokens').notNull().default(0),
  costMicros: integer('cost_micros').notNull().default(0),
}

/** A primary key of the form `usr_…`, and the check of that form. */
export const id = (prefix: string, table: string) => ({
  column: text('id').primaryKey(),
  check: check(
    `${table}_id`,
    sql`${sql.identifier('id')} ${fits(`${prefix}_*`)} AND length(${sql.identifier('id')}) = ${sql.raw(`${prefix.length + 27}`)}`,
  ),
})
