/** Conditions for which drizzle's builder has no words. No rule may live here. */
import { inArray, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'

/** Whether one of the patterns in a JSON list fits the name; `*` in a pattern stands for any characters. */
export const holdsPattern = (column: SQLiteColumn, name: string): SQL =>
  // GLOB knows two more special characters, which stand for themselves in a class of their own.
  sql`EXISTS (SELECT 1 FROM json_each(${column}) AS pattern WHERE ${name} GLOB replace(replace(pattern.value, '[', '[[]'), '?', '[?]'))`

/** Whether the column, whatever its case, holds one of the texts; `lower` knows ASCII letters only, on both sides. */
export const oneOfNames = (column: SQLiteColumn, names: readonly string[]): SQL =>
  sql`lower(${column}) IN (SELECT lower(value) FROM json_each(${JSON.stringify(names)}))`

/** A text as `lower()` of SQLite has it: letters of ASCII alone. */
export const lowerAscii = (text: string): string => text.replace(/[A-Z]/g, letter => letter.toLowerCase())

/** Of more values, a list in JSON costs less than binding each. */
const mostBound = 100

/** `inArray`, for any number of values. */
export const oneOf = (column: SQLiteColumn, values: readonly string[]): SQL =>
  values.length <= mostBound
    ? inArray(column, [...values])
    : sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`
