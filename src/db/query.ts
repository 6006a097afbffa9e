/**
 * The words that queries are put in: those of drizzle's builder, each from the file that has it, since its front door
 * loads all that drizzle can do; and conditions for which it has no words. No rule may live here.
 */
import { inArray } from 'drizzle-orm/sql/expressions/conditions'
import { type SQL, type SQLWrapper, sql } from 'drizzle-orm/sql/sql'
import type { SQLiteColumn as Column } from 'drizzle-orm/sqlite-core/columns/common'
import { word } from './words.ts'

export {
  and,
  eq,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  not,
  notInArray,
  or,
} from 'drizzle-orm/sql/expressions/conditions'
export { asc, desc } from 'drizzle-orm/sql/expressions/select'
export { SQL, type SQLWrapper, sql } from 'drizzle-orm/sql/sql'
export type { SQLiteColumn as Column } from 'drizzle-orm/sqlite-core/columns/common'
export type { SQLiteTable as Table } from 'drizzle-orm/sqlite-core/table'

/** How many rows. */
export const count = (): SQL<number> => sql`count(*)`

/** Whether one of the patterns in a JSON list fits the name; `*` in a pattern stands for any characters. */
export const holdsPattern = (column: Column, name: string): SQL =>
  sql`EXISTS (SELECT 1 FROM ${word('items')}(${column}) AS pattern WHERE ${name} ${word('fitsItem')})`

/** Whether a text has another in any part of it; LIKE would take NUL for the end of it. */
export const holds = (text: SQLWrapper, part: SQLWrapper | string): SQL =>
  sql`${word('position')}(${text}, ${part}) > 0`

/** The same whatever the case of the column. */
export const holdsText = (column: Column, text: string): SQL => holds(sql`lower(${column})`, lowerAscii(text))

/** Whether the column, whatever its case, holds one of the texts; `lower` knows ASCII letters only, on both sides. */
export const oneOfNames = (column: SQLWrapper, names: readonly string[]): SQL =>
  sql`lower(${column}) IN (SELECT value FROM ${word('items')}(${JSON.stringify(names.map(lowerAscii))}))`

/** A text as `lower()` of a column has it: letters of ASCII alone, which is all that SQLite knows. */
export const lowerAscii = (text: string): string => text.replace(/[A-Z]/g, letter => letter.toLowerCase())

/** Of more values, a list in JSON costs less than binding each. */
const mostBound = 100

/** `inArray`, for any number of values. */
export const oneOf = (column: Column, values: readonly string[]): SQL =>
  values.length <= mostBound
    ? inArray(column, [...values])
    : sql`${column} IN (SELECT value FROM ${word('items')}(${JSON.stringify(values)}))`

/** For `oneOf`. */
export const idsOf = <Id>(rows: readonly { readonly id: Id }[]): Id[] => rows.map(({ id }) => id)

/**
 * A sum of whole numbers; 0 of none. `sum()` stops the query with an error past 2^63, and a few absurd events must not
 * stop a report: this one goes on, exact up to 2^53.
 */
export const totalOf = (value: SQLWrapper): SQL<number> => sql<number>`${word('total')}(${value})`

/** 1 where the condition holds, else 0: what can be added up. */
export const asNumber = (condition: SQL): SQL<number> => sql<number>`(${condition})${word('asNumber')}`
