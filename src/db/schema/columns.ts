/**
 * What the tables in this folder are made of. Times are integer UTC milliseconds, money integer micro-dollars, JSON is
 * text. The constraints are the last line: a row that breaks a rule of the domain cannot exist, whoever writes it. No
 * check may come out as NULL: SQLite lets it pass, but the integrity_check of older versions calls it damage.
 */
import { type SQL, sql } from 'drizzle-orm'
import { type AnySQLiteColumn, check, text } from 'drizzle-orm/sqlite-core'

export const lower = (column: AnySQLiteColumn): SQL => sql`lower(${column})`

/** A primary key of the form `usr_…`, and the check of that form. */
export const id = (prefix: string, table: string) => ({
  column: text('id').primaryKey(),
  check: check(`${table}_id`, sql.raw(`"id" GLOB '${prefix}_*' AND length("id") = ${prefix.length + 27}`)),
})
