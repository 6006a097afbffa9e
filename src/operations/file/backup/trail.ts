/** Audit rows for changes to the database as a whole, in the same transaction as the change. */
import { basename } from 'node:path'
import { headOf } from '../../../db/sqlite/chain.ts'
import type { Client } from '../../../db/sqlite/client.ts'
import { auditColumns, type Event } from '../../audit.ts'
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
  if (!client.hasTable('audit')) return
  const database = { type: 'database', id: basename(context.path), name: null }
  const row = auditColumns(context, { target: database, ...event }, headOf(client))
  const names = Object.keys(row)
  client
    .query(
      `INSERT INTO audit (${names.map(name => `"${name}"`).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    )
    .run(...Object.values(row))
}
