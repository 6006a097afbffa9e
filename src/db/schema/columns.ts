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

export { type SQL, type SQLWrapper, sql } from 'drizzle-orm/sql/sql'
export { check } from 'drizzle-orm/sqlite-core/checks'
export { blob } from 'drizzle-orm/sqlite-core/columns/blob'
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

const counter = (name: string) => integer(name).notNull().default(0)

/** What was counted. */
export const counters = {
  requests: counter('requests'),
  /** All of them. */
  inputTokens: counter('input_tokens'),
  /** Part of the input. */
  cachedInputTokens: counter('cached_input_tokens'),
  cacheWriteTokens: counter('cache_write_tokens'),
  /** All of them. */
  outputTokens: counter('output_tokens'),
  /** Part of the output. */
  reasoningTokens: counter('reasoning_tokens'),
  /** Tokens that came without a split, from an import. */
  otherTokens: counter('other_tokens'),
  costMicros: counter('cost_micros'),
  /** Requests that told no cost and whose model had no price. */
  unpricedRequests: counter('unpriced_requests'),
}

/** No count is negative, and no part is greater than its whole. */
export const isSound = (t: { readonly [C in keyof typeof counters]: SQLWrapper }): SQL =>
  sql`${t.requests} >= 0 AND ${t.outputTokens} >= ${t.reasoningTokens} AND ${t.reasoningTokens} >= 0 AND ${t.inputTokens} >= ${t.cachedInputTokens} + ${t.cacheWriteTokens} AND ${t.cachedInputTokens} >= 0 AND ${t.cacheWriteTokens} >= 0 AND ${t.otherTokens} >= 0 AND ${t.costMicros} >= 0 AND ${t.unpricedRequests} >= 0`

/** A primary key of the form `usr_…`, and the check of that form. */
export const id = (prefix: string, table: string) => ({
  column: text('id').primaryKey(),
  check: check(
    `${table}_id`,
    sql`${sql.identifier('id')} ${fits(`${prefix}_*`)} AND length(${sql.identifier('id')}) = ${sql.raw(`${prefix.length + 27}`)}`,
  ),
})

/** A primary key of rows that other programs make too, with ids of their own form. */
export const anyId = (table: string) => ({
  column: text('id').primaryKey(),
  check: check(`${table}_id`, sql`length(${sql.identifier('id')}) BETWEEN 1 AND 200`),
})
