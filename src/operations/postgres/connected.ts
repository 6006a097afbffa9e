/** What operations on a whole database on a PostgreSQL server are given, and their connection to it. */
import { Connection } from '../../db/postgres/connection.ts'
import { translate } from '../../db/postgres/errors.ts'
import { targetOf } from '../../db/postgres/url.ts'
import type { FileContext, OperationContext } from '../context.ts'

export interface ServerContext extends OperationContext {
  /** With the password, if it has one. */
  readonly url: string
  /** For people, without it. */
  readonly path: string
  readonly dryRun: boolean
  /** How long anything waits for a lock, in milliseconds. */
  readonly busyTimeoutMs: number
  /** What operations on files are given. @throws config (the schedule cannot be read) */
  readonly files: () => FileContext
}

/** Runs `work` on a connection of its own. @throws busy, permission, config, database_missing, and what `work` throws */
export async function connected<T>(
  { url }: Pick<ServerContext, 'url'>,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const target = targetOf(url)
  const connection = await Connection.open(target, { prepare: false, patient: true, deadlineMs: 5000 })
  try {
    return await work(connection)
  } catch (error) {
    throw translate(error, target.name)
  } finally {
    connection.close()
  }
}
