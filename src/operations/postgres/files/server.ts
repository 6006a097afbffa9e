/** What operations on files ask of a database on a server. */
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Connection } from '../../../db/postgres/connection.ts'
import { lockTables, lockWrites, waitForDisk } from '../../../db/postgres/locks.ts'
import { dropSchema, stepsUp } from '../../../db/postgres/migrate.ts'
import { requireCurrent, requireOurs, schemaOf } from '../../../db/postgres/schema.ts'
import type { Client } from '../../../db/sqlite/client.ts'
import { openPrivate } from '../../../db/sqlite/copy.ts'
import { appliedMigrations } from '../../../db/sqlite/migrate.ts'
import { identify } from '../../../db/sqlite/open.ts'
import { ensureFolder, PrivateFile } from '../../../system/files.ts'
import { besideIt } from '../../../system/scheduled.ts'
import { programVersion } from '../../../system/version.ts'
import type { AuditedLast, ServerChange } from '../../context.ts'
import { connected, type ServerContext } from '../connected.ts'
import { applyDifferences, differencesFrom } from './difference.ts'
import { fill } from './fill.ts'
import { beginSnapshot, snapshotTo } from './snapshot.ts'
import { tablesOf } from './tables.ts'

/** Of the rows alone: a file has fewer bytes in its indexes. @throws database_missing, database_foreign, busy, permission */
export const size = (context: ServerContext): Promise<number> =>
  asked(
    context,
    `SELECT sum(pg_relation_size(oid))::bigint AS it FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`,
    0,
  )

/** @throws as `size` */
export const identity = (context: ServerContext): Promise<string | null> =>
  asked<string | null>(context, 'SELECT id AS it FROM identity', null)

function asked<T>(context: ServerContext, question: string, otherwise: T): Promise<T> {
  return connected(context, async connection => {
    requireOurs(await schemaOf(connection), connection.name)
    const [row] = await connection.rows<{ it: T }>(question)
    return row?.it ?? otherwise
  })
}

/** @throws as `size` */
export const lastAudited = (context: ServerContext, actions: readonly string[]) =>
  connected(context, async connection => {
    requireOurs(await schemaOf(connection), connection.name)
    const [row] = await connection.rows<AuditedLast>(
      `SELECT target_type AS type, target_id AS id, target_name AS name, after FROM audit
        WHERE action = ANY($1::text[]) ORDER BY seq DESC LIMIT 1`,
      [actions],
    )
    return row
  })

/** @throws as `size`, schema_newer, drift, disk_full */
export const copyTo = (context: ServerContext, file: string): Promise<void> =>
  connected(context, connection =>
    connection.inTransaction(
      beginSnapshot,
      () => snapshotTo(connection, file, context.onProgress),
      'ROLLBACK',
    ),
  )

/**
 * Gives `work` what the database has now in a private file, and makes the database what is in the file that `work` returns. If
 * anything fails, or this process ends, it is as it was.
 *
 * @param how `look` changes nothing. `part` changes rows that differ, while gateways go on. `whole` replaces everything, while
 *   nobody else reads or writes, and makes the tables if there are none
 * @throws busy, database_missing (a part of nothing), schema_older (the same), schema_newer, drift, and what `work` throws
 */
export async function change(
  context: ServerContext,
  { how, waitMs }: ServerChange,
  work: (live: string) => Promise<string>,
): Promise<void> {
  const folder = dirname(besideIt(context.files()))
  const removeFolder = ensureFolder(folder)
  try {
    using live = new PrivateFile(folder)
    const settings = `SET LOCAL lock_timeout = ${Math.max(waitMs, context.busyTimeoutMs)};
      SET LOCAL idle_in_transaction_session_timeout = 0`
    await connected(context, connection => {
      const run = { context, connection, settings, live: live.path, work }
      return how === 'look' ? look(run) : how === 'part' ? changePart(run) : changeWhole(run)
    })
  } finally {
    removeFolder()
  }
}

interface Run {
  readonly context: ServerContext
  readonly connection: Connection
  readonly settings: string
  readonly live: string
  readonly work: (live: string) => Promise<string>
}

const look = ({ context, connection, live, work }: Run): Promise<unknown> =>
  connection.inTransaction(
    beginSnapshot,
    async () => {
      if ((await schemaOf(connection)).is === 'empty') rmSync(live)
      else await snapshotTo(connection, live, context.onProgress)
      return work(live)
    },
    'ROLLBACK',
  )

/** The snapshot begins after the lock, which is therefore held by another connection. */
const changePart = ({ context, connection, settings, live, work }: Run): Promise<void> =>
  connection.inTransaction(
    'BEGIN',
    async () => {
      await connection.script(settings)
      await connection.run(lockWrites)
      await requireCurrent(connection)
      await connected(context, other =>
        other.inTransaction(
          'BEGIN ISOLATION LEVEL REPEATABLE READ',
          async () => {
            await other.script(settings)
            // Nobody else gives the numbers that new rows of the file have.
            await lockTables(other, 'series, models', 'SHARE ROW EXCLUSIVE')
            await other.run(waitForDisk)
            await snapshotTo(other, live, context.onProgress)
            using file = openPrivate(await work(live))
            await applyDifferences(other, await differencesFrom(other, file))
          },
          'COMMIT',
        ),
      )
    },
    'ROLLBACK',
  )

const changeWhole = ({ context, connection, settings, live, work }: Run): Promise<void> =>
  connection.inTransaction(
    'BEGIN',
    async () => {
      await connection.script(settings)
      await connection.run(lockWrites)
      const schema = await schemaOf(connection)
      let from = 0
      let tables: readonly string[] = []
      if (schema.is === 'empty') rmSync(live)
      else {
        from = requireOurs(schema, connection.name).version
        await lockOut(connection)
        await snapshotTo(connection, live, context.onProgress)
        tables = namesIn(live)
      }
      using file = openPrivate(await work(live))
      const { version } = identify(file)
      if (from > version) {
        await dropSchema(connection, tables)
        from = 0
      }
      const isRemade = from === 0 && tables.length > 0
      await stepsUp(connection, from, version, { now: context.now().getTime(), programVersion })
      if (isRemade) await keepHistory(connection, file)
      await fill(connection, file, from === 0 ? 'new' : 'old', context.onProgress)
    },
    'COMMIT',
  )

/** When the steps were first taken. */
async function keepHistory(connection: Connection, file: Client): Promise<void> {
  for (const { version, appliedAt, programVersion } of appliedMigrations(file)) {
    await connection.run('UPDATE migrations SET applied_at = $1, program_version = $2 WHERE version = $3', [
      appliedAt,
      programVersion,
      version,
    ])
  }
}

function namesIn(file: string): readonly string[] {
  using client = openPrivate(file)
  return tablesOf(client).map(({ name }) => name)
}

/** Readers too, because their snapshots would see empty tables. */
export async function lockOut(connection: Connection): Promise<void> {
  const [row] = await connection.rows<{ tables: string }>(
    `SELECT string_agg(format('%I', relname), ', ' ORDER BY relname) AS tables FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`,
  )
  await lockTables(connection, row?.tables ?? '', 'ACCESS EXCLUSIVE')
}
