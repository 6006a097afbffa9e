/** Moves all rows of a database to another one, of the other engine or on another server. */
import { dirname, resolve } from 'node:path'
import { LatchkeyError } from '../../../contract/errors.ts'
import type { TransferredDatabase } from '../../../contract/views.ts'
import type { Connection } from '../../../db/postgres/connection.ts'
import { lockWrites } from '../../../db/postgres/locks.ts'
import { stepsUp } from '../../../db/postgres/migrate.ts'
import { requireCurrent as requireCurrentServer, schemaOf } from '../../../db/postgres/schema.ts'
import { latestVersion } from '../../../db/schema/version.ts'
import type { Client } from '../../../db/sqlite/client.ts'
import { copyTo, openPrivate, settle } from '../../../db/sqlite/copy.ts'
import { requireSound } from '../../../db/sqlite/inspect.ts'
import { openReader, requireCurrent } from '../../../db/sqlite/open.ts'
import { hasUnsealed } from '../../../db/sqlite/unsealed.ts'
import { ensureFolder, PrivateFile, place, requireSpace } from '../../../system/files.ts'
import { programVersion } from '../../../system/version.ts'
import { isServerUrl, shownUrl } from '../../../text/address.ts'
import type { OperationContext } from '../../context.ts'
import { recordInside } from '../../file/backup/trail.ts'
import { requireAbsent } from '../../file/init.ts'
import { type TransferDatabase, transfer } from '../../file/input.ts'
import { parse } from '../../rules/input.ts'
import { connected } from '../connected.ts'
import { note } from '../note.ts'
import { applyDifferences, differencesFrom } from './difference.ts'
import { type CopiedTable, contentsIn, contentsOf, fill, requireSame } from './fill.ts'
import { lockOut } from './server.ts'
import { beginSnapshot, snapshotTo } from './snapshot.ts'

export interface TransferContext extends OperationContext {
  readonly dryRun: boolean
  /** Private files go beside it when neither end is a file. */
  readonly beside: string
}

/**
 * Copies one snapshot of `from`, which others may use meanwhile, to `to`: a database without tables, or a file that does not
 * exist. With `rest`, what has changed since an earlier copy is brought over. Every row is read back and compared. A dry run
 * does all of it and keeps nothing.
 *
 * @throws usage, conflict (the target is not empty, or was changed since it was copied to), database_missing,
 *   database_foreign, schema_older, schema_newer, busy, invalid, disk_full, permission, corrupt
 */
export async function transferDatabase(
  context: TransferContext,
  input: TransferDatabase,
): Promise<TransferredDatabase> {
  const { from, to, rest } = parse(transfer, input)
  const isToServer = isServerUrl(to)
  if (rest && !isToServer) throw wholeOnly(to)
  const tables = await (isToServer ? toServer : toFile)({ ...context, from, to, rest })
  return {
    from: shown(from),
    to: shown(to),
    rest,
    schemaVersion: latestVersion,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    tables: tables.map(({ name, rows, changed, sha256 }) => ({ name, rows, changed, sha256 })),
  }
}

interface Run extends TransferContext {
  readonly from: string
  readonly to: string
  readonly rest: boolean
}

/** Rows of a table, and how many of them were written or removed. */
interface Moved extends CopiedTable {
  readonly changed: number
}

const shown = (database: string): string => (isServerUrl(database) ? shownUrl(database) : resolve(database))

/** One snapshot of the source, as a file. */
async function withSource<T>(run: Run, work: (source: Client) => Promise<T>): Promise<T> {
  const { from } = run
  if (!isServerUrl(from)) {
    using client = openReader(from)
    requireCurrent(client, from)
    client.run('BEGIN')
    return await work(client)
  }
  const folder = dirname(run.beside)
  ensureFolder(folder)
  using file = new PrivateFile(folder)
  await readInto(run, file.path)
  using client = openPrivate(file.path)
  return await work(client)
}

/** Writes one snapshot of the source into an empty private file. Returns what is in it. */
async function readInto({ from, onProgress }: Run, file: string): Promise<readonly CopiedTable[]> {
  if (!isServerUrl(from)) {
    using source = openReader(from)
    requireCurrent(source, from)
    copyTo(from, file)
    using client = openPrivate(file)
    requireSound(client, from)
    return await contentsIn(client)
  }
  const read = async (connection: Connection) => {
    await requireCurrentServer(connection)
    let found: readonly CopiedTable[] = []
    let isAll = true
    await snapshotTo(connection, file, onProgress, async (client, sent) => {
      found = await contentsIn(client)
      requireSame(file, sent, found)
      isAll = !hasUnsealed(client)
    })
    if (isAll) return found
    using client = openPrivate(file)
    return contentsIn(client)
  }
  return connected({ url: from }, connection =>
    connection.inTransaction(beginSnapshot, () => read(connection), 'ROLLBACK'),
  )
}

async function toFile(run: Run): Promise<readonly Moved[]> {
  const path = resolve(run.to)
  requireAbsent(path)
  const folder = dirname(path)
  requireSpace(folder, 0)
  using file = new PrivateFile(folder)
  const tables = await readInto(run, file.path)
  using client = openPrivate(file.path)
  recordInside({ ...run, path, backupDir: '' }, client, { action: 'database.copy', after: told(run, tables) })
  settle(client)
  client.close()
  if (!run.dryRun) place(file.path, path)
  return tables.map(table => ({ ...table, changed: table.rows }))
}

function toServer(run: Run): Promise<readonly Moved[]> {
  return withSource(run, source =>
    connected({ url: run.to }, connection =>
      connection.inTransaction(
        'BEGIN',
        async () => {
          await connection.run('SET LOCAL idle_in_transaction_session_timeout = 0')
          await connection.run(lockWrites)
          const tables = await (run.rest ? bringRest : bringAll)(run, connection, source)
          await note({ ...run, path: shown(run.to) }, connection, {
            action: 'database.copy',
            after: told(run, tables),
          })
          return tables
        },
        run.dryRun ? 'ROLLBACK' : 'COMMIT',
      ),
    ),
  )
}

async function bringAll(run: Run, connection: Connection, source: Client): Promise<readonly Moved[]> {
  if ((await schemaOf(connection)).is !== 'empty') throw notEmpty(connection.name)
  await stepsUp(connection, 0, latestVersion, { now: run.now().getTime(), programVersion })
  const tables = await fill(connection, source, 'new', run.onProgress)
  return tables.map(table => ({ ...table, changed: table.rows }))
}

async function bringRest(_: Run, connection: Connection, source: Client): Promise<readonly Moved[]> {
  await requireCurrentServer(connection)
  await lockOut(connection)
  // Its own row is the only one that is not copied. With it away, the tables are what they were then.
  const [copied] = await connection.rows<{ id: string; action: string; after: string }>(
    'SELECT id, action, after FROM audit ORDER BY seq DESC LIMIT 1',
  )
  if (copied?.action !== 'database.copy') throw changedSince(connection.name)
  await connection.run('DELETE FROM audit WHERE id = $1', [copied.id])
  const differences = await differencesFrom(connection, source)
  const found = differences.map(each => each.found)
  if (Object(JSON.parse(copied.after)).sha256 !== sumOf(found)) throw changedSince(connection.name)
  await applyDifferences(connection, differences)
  const wanted = differences.map(each => each.wanted)
  requireSame(
    connection.name,
    wanted,
    await contentsOf(
      connection,
      differences.map(each => each.table),
    ),
  )
  return differences.map(({ wanted, gone, changed, added }) => ({
    ...wanted,
    changed: gone.length + changed.length + added.length,
  }))
}

const told = ({ from }: Run, tables: readonly CopiedTable[]) => ({ from: shown(from), sha256: sumOf(tables) })

/** One hash of all tables. */
const sumOf = (tables: readonly CopiedTable[]): string =>
  new Bun.CryptoHasher('sha256')
    .update(tables.map(({ name, sha256 }) => `${name} ${sha256}\n`).join(''))
    .digest('hex')

const wholeOnly = (to: string): LatchkeyError =>
  new LatchkeyError(
    'usage',
    `${to} is a file, which is always written whole`,
    'stop what uses the source, then copy it to a new file without --rest',
  )

const notEmpty = (name: string): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${name} is not empty; nothing was changed`,
    'copy to a new database: createdb makes one; what has changed since an earlier copy is brought over with --rest',
  )

const changedSince = (name: string): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${name} was changed since it was copied to; nothing was changed`,
    'copy to a new database without --rest: createdb makes one',
  )
