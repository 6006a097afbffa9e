/** Audit rows for changes to a database on a server as a whole, in the transaction of the change. */
import { headOf } from '../../db/postgres/chain.ts'
import type { Connection } from '../../db/postgres/connection.ts'
import { auditColumns, type Event } from '../audit.ts'
import type { OperationContext } from '../context.ts'

/** Writes an audit row about the database. Returns its id. */
export async function note(
  context: Pick<OperationContext, 'now' | 'actor'> & { readonly path: string },
  connection: Connection,
  event: Omit<Event, 'target'>,
): Promise<string> {
  const [, name = ''] = /\/([^/]*)$/.exec(context.path) ?? []
  const target = { type: 'database', id: name, name: null }
  const row = auditColumns(context, { ...event, target }, await headOf(connection))
  const names = Object.keys(row)
  await connection.run(
    `INSERT INTO audit (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  )
  return String(row['id'])
}
