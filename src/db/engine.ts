/** What operations see of the engine that keeps the data. Knows no engine itself. */
import type { BunSQLiteDatabase } from 'drizzle-orm/bun-sqlite/driver'

/** Drizzle's query builder over the tables: inside `read` it sees, inside `write` it changes. */
export type Database = BunSQLiteDatabase
