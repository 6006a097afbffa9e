/** Audit rows for changes to the database as a whole, in the same transaction as the change. */
import { basename } from 'node:path'
import { audit } from '../../../db/schema/audit.ts'
import type { Client } from '../../../db/sqlite/client.ts'
import { databaseOn } from '../../../db/sqlite/drizzle.ts'
import { auditRow, type Event } from '../../audit.ts'
import type { FileContext } from '../../context.ts'

/** Writes one row, unless the schema has no audit log yet (before its first migration). */
export function recordInside(
  context: FileContext,
  client: Client,
  event: Omit<Event, 'target'> & {
    /** Default: the database. */
    readonly target?: Event['target']
  },
): void {
  if (!client.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit'").get()) return
  const database = { type: 'database', id: basename(context.path), name: null }
  databaseOn(client)
    .insert(audit)
    .values(auditRow(context, { target: database, ...event }))
    .run()
}
