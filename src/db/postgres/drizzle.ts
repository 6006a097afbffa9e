/** Drizzle on a connection, in whose transaction its caller is. */
import type { SQL } from 'drizzle-orm/sql/sql'
import { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core/db'
import { SQLiteRemoteSession } from 'drizzle-orm/sqlite-proxy/session'
import type { Database } from '../engine.ts'
import { withBulkUsage } from './bulk.ts'
import type { Connection, Parameter } from './connection.ts'
import { PostgresDialect } from './dialect.ts'
import type { PostgresFacts } from './facts.ts'

const dialect = new PostgresDialect()

type NoSchema = Record<string, never>

/** @param facts the facts of the connection */
export function databaseOn(connection: Connection, facts: PostgresFacts, mostEndUsers: number): Database {
  const session = new SQLiteRemoteSession<NoSchema, NoSchema>(
    async (text, parameters, method) => {
      const rows = await connection.values(text, parameters as Parameter[])
      return { rows: method === 'get' ? (rows[0] as unknown[]) : rows }
    },
    dialect,
    undefined,
    undefined,
  )
  const database = new BaseSQLiteDatabase<'async', unknown>('async', dialect, session, undefined)
  const more: Pick<Database, 'facts' | 'bulk'> = {
    facts,
    bulk: (work, ingest) => withBulkUsage(connection, mostEndUsers, work, ingest),
  }
  return Object.assign(database, more) as Database
}

/** A part of a query as text, whose first place has that number. */
export function spell(part: SQL, first: number) {
  return first === 1 ? dialect.sqlToQuery(part) : dialectFrom(first).sqlToQuery(part)
}

/** Drizzle takes the method off the dialect, so it cannot ask `this`. */
const dialectFrom = (first: number): PostgresDialect =>
  new (class extends PostgresDialect {
    override escapeParam(index: number): string {
      return `$${index + first}`
    }
  })()
