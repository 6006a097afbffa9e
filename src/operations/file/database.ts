/** The database file: information, vacuum, optimize, copies and read-only SQL. */
import { dirname, resolve } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf, failureOf } from '../../contract/failure.ts'
import type { DatabaseInfo, Optimized, Vacuumed } from '../../contract/views.ts'
import { latestVersion } from '../../db/schema/version.ts'
import type { Client } from '../../db/sqlite/client.ts'
import { copyTo } from '../../db/sqlite/copy.ts'
import { translate } from '../../db/sqlite/errors.ts'
import { holdersOf } from '../../db/sqlite/holders.ts'
import { compactSize, rowCounts } from '../../db/sqlite/inspect.ts'
import { compact, fileFacts, optimize, readRows } from '../../db/sqlite/maintain.ts'
import { mendWords } from '../../db/sqlite/message-words.ts'
import { openWriter, reading, requireOurs } from '../../db/sqlite/open.ts'
import { PrivateFile, place, requireSpace, sizeOf } from '../../system/files.ts'
import { removeUnreferenced } from '../content/contents.ts'
import type { BesideContext, FileContext } from '../context.ts'
import { pruneExpired } from '../people/expired.ts'
import { parse } from '../rules/input.ts'
import { tidyUpIfAlone } from '../usage/steps.ts'
import { withLock } from './backup/lock.ts'
import { type CopyDatabase, copying, type Query, query } from './input.ts'

/** @throws database_missing, database_foreign, corrupt, permission */
export async function databaseInfo({ path }: FileContext): Promise<DatabaseInfo> {
  return reading(path, (client, { version }) => ({
    path: resolve(path),
    sizeBytes: sizeOf(path),
    walBytes: sizeOf(`${path}-wal`),
    ...fileFacts(client),
    schemaVersion: version,
    latestSchemaVersion: latestVersion,
    rows: rowCounts(client),
    openBy: holdersOf(path),
  }))
}

/**
 * Rewrites the file without its free pages. Other processes wait.
 *
 * @throws busy, disk_full, database_missing, database_foreign, corrupt
 */
export async function vacuumDatabase(context: FileContext): Promise<Vacuumed> {
  const { path, dryRun } = context
  const before = sizeOf(path)
  const expected = reading(path, compactSize)
  if (dryRun) return { path: resolve(path), bytesBefore: before, bytesAfter: expected }
  // SQLite builds a new file, then writes it through the WAL: twice its size.
  requireSpace(dirname(resolve(path)), expected * 2)
  await withLock(context, context.backupDir, async () => writing(path, compact))
  return { path: resolve(path), bytesBefore: before, bytesAfter: sizeOf(path) }
}

/**
 * Deletes expired sessions and verifications, updates SQLite's statistics for queries that need them, and builds the index of words
 * in messages again if it is damaged. First tidies up after a log that was being counted when its process ended, and removes
 * contents that no file has any more.
 *
 * @throws busy, database_missing, database_foreign, corrupt
 */
export async function optimizeDatabase(context: BesideContext): Promise<Optimized> {
  const { path, store } = context
  const { dryRun } = store
  const isCurrent = reading(path, (_, { version }) => version === latestVersion)
  if (isCurrent) await tidyUpIfAlone(context)
  const pruned = isCurrent ? [...(await pruneExpired(context)), ...(await removeUnreferenced(context))] : []
  // Even a dry run needs a connection that may write.
  const statements = writing(path, client => [
    ...pruned,
    ...optimize(client, { dryRun }),
    ...mendWords(client, { dryRun }),
  ])
  return { path: resolve(path), statements: [...statements] }
}

/**
 * Writes the current database into a new file, mode 0600, to look at or to try something on. It is not a backup: it is
 * not checked, listed or pruned.
 *
 * @throws conflict (the file exists), database_missing, database_foreign, corrupt, disk_full, permission
 */
export async function copyDatabase({ path, dryRun }: FileContext, input: CopyDatabase): Promise<void> {
  const { to } = parse(copying, input)
  const folder = dirname(resolve(to))
  reading(path, () => {})
  if (dryRun) return
  using file = new PrivateFile(folder)
  copyTo(path, file.path)
  place(file.path, resolve(to))
}

/**
 * Returns the rows of one read-only statement, on a database of any schema version.
 *
 * @throws invalid (not a single read-only statement, or not SQL), database_missing, corrupt, busy
 */
export async function queryDatabase(
  { path }: FileContext,
  input: Query,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { sql, params } = parse(query, input)
  requireReading(sql)
  return reading(path, client => {
    try {
      return readRows(client, sql, params)
    } catch (error) {
      const known = translate(error, path)
      if (codeOf(error).startsWith('SQLITE_READONLY')) throw notReading()
      if (known instanceof LatchkeyError) throw known
      const reason = failureOf(error).message
      throw new LatchkeyError('invalid', `SQLite reports: ${reason}`, 'see the tables with: latchkey db info')
    }
  })
}

/** Pragmas that only read. */
const telling =
  /^pragma\s+(\w+\.)?(table_info|table_xinfo|table_list|index_list|index_info|index_xinfo|foreign_key_list|foreign_key_check|integrity_check|quick_check|database_list|compile_options|user_version|application_id|page_count|page_size|freelist_count|encoding|journal_mode)\s*(\(\s*[\w"'.-]+\s*\))?\s*;?\s*$/i

/**
 * The connection is read-only, but ATTACH could create a file, and a second statement would be ignored silently.
 */
function requireReading(sql: string): void {
  const bare = sql
    .replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]/g, "''")
    .replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
    .trim()
  if (/;\s*\S/.test(bare)) {
    throw new LatchkeyError('invalid', 'there is more than one statement', 'run one statement at a time')
  }
  if (/^(select|with|values|explain)\b/i.test(bare) || telling.test(sql.trim())) return
  throw notReading()
}

const notReading = (): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    'only read-only statements are allowed',
    'begin with SELECT, WITH, VALUES or EXPLAIN; use the other commands to make changes',
  )

function writing<T>(path: string, work: (client: Client) => T): T {
  try {
    using client = openWriter(path)
    requireOurs(client, path)
    client.run('PRAGMA busy_timeout = 5000')
    return work(client)
  } catch (error) {
    throw translate(error, path)
  }
}
