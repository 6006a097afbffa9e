/** Drizzle on a connection. Loaded with the first query that it runs itself. */
import { BunSQLiteDatabase } from 'drizzle-orm/bun-sqlite/driver'
import { SQLiteBunSession } from 'drizzle-orm/bun-sqlite/session'
import type { Database } from '../engine.ts'
import type { Client } from './client.ts'
import { SqliteDialect } from './dialect.ts'

const dialect = new SqliteDialect()

/** The query builder on a connection that somebody else opened and closes, such as one that looks at a file. */
export function databaseOn(client: Client): Database {
  const session = new SQLiteBunSession<Record<string, never>, Record<string, never>>(
    client,
    dialect,
    undefined,
  )
  const database = new BunSQLiteDatabase<Record<string, never>>('sync', dialect, session, undefined)
  return Object.assign(database, { $client: client })
}
