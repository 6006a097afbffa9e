/** What operations on files ask of a database on a server. */
import type { Connection } from '../../../db/postgres/connection.ts'
import { requireOurs, schemaOf } from '../../../db/postgres/schema.ts'
import { connected, type ServerContext } from '../connected.ts'
import { beginSnapshot, snapshotTo } from './snapshot.ts'

/** Of the rows alone: a file has fewer bytes in its indexes. @throws database_missing, database_foreign, busy, permission */
export const size = (context: ServerContext): Promise<number> =>
  asked(
    context,
    `SELECT sum(pg_relation_size(oid))::bigint AS it FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`,
  )

/** @throws as `size` */
export const identity = (context: ServerContext): Promise<string> =>
  asked(context, 'SELECT id AS it FROM identity')

function asked<T>(context: ServerContext, question: string): Promise<T> {
  return connected(context, async connection => {
    requireOurs(await schemaOf(connection), connection.name)
    const [row] = await connection.rows<{ it: T }>(question)
    return row?.it ?? (null as T)
  })
}

/** @throws as `size`, schema_newer, drift, disk_full */
export const copyTo = (context: ServerContext, file: string): Promise<void> =>
  connected(context, connection =>
    inSnapshot(connection, () => snapshotTo(connection, file, context.onProgress)),
  )

const inSnapshot = <T>(connection: Connection, work: () => Promise<T>): Promise<T> =>
  connection.inTransaction(beginSnapshot, work, 'ROLLBACK')
