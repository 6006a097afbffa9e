/** Drizzle on a connection. Loaded with the first query that needs it. */
import { BunSQLiteDatabase } from 'drizzle-orm/bun-sqlite/driver'
import { SQLiteBunSession } from 'drizzle-orm/bun-sqlite/session'
import type { Database } from '../engine.ts'
import { BulkStatements } from './bulk.ts'
import type { Client } from './client.ts'
import { SqliteDialect } from './dialect.ts'
import { SqliteFacts } from './facts.ts'

const dialect = new SqliteDialect()

type NoSchema = Record<string, never>

/**
 * A query builder on a connection that the caller opens and closes.
 *
 * @param facts the facts of the connection
 */
export function databaseOn(
  client: Client,
  facts: SqliteFacts = new SqliteFacts(client),
): BunSQLiteDatabase & Database {
  facts.part = part => dialect.sqlToQuery(part)
  const session = new SQLiteBunSession<NoSchema, NoSchema>(client, dialect, undefined)
  const database = new BunSQLiteDatabase<NoSchema>('sync', dialect, session, undefined)
  let statements: BulkStatements | undefined
  const bulk: Database['bulk'] = (work, ingest) => {
    statements ??= new BulkStatements(facts)
    return statements.run(work, ingest)
  }
  const more: Pick<Database, 'facts' | 'bulk'> = { facts, bulk }
  // Drizzle calls it synchronous, but its result can be awaited.
  return Object.assign(database, more) as BunSQLiteDatabase & Database
}
