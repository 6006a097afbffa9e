/**
 * Reads the SQLite database of another system, for the formats that understand it. Give it only private copies, because
 * opening one writes to it.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import { applicationId } from '../../db/sqlite/open.ts'
import { mostValueBytes, UntrustedDatabase, untrustedFailure } from '../../db/sqlite/untrusted.ts'
import { logState } from '../../db/sqlite/write-ahead-log.ts'
import { type ForeignDatabase, invalid, type SqliteReader } from '../../formats/source.ts'

/** Reads copies of SQLite files. */
export const sqliteReader: SqliteReader = { logEnd: log => logState(log).end, withTables }

/**
 * Runs `use` on an undamaged database with tables.
 *
 * @param path a private copy
 * @throws corrupt, invalid (no tables)
 */
function withTables<T>(file: string, path: string, use: (database: ForeignDatabase) => T): T {
  try {
    using content = new UntrustedDatabase(path)
    const [damage] = content.rows('PRAGMA quick_check(1)')
    if (damage?.['quick_check'] !== 'ok') throw damaged(file)
    const tables = tablesOf(content)
    if (tables.size === 0) throw empty(file)
    const [header] = content.rows('PRAGMA application_id')
    if (header?.['application_id'] === applicationId) throw ours(file)
    return use({
      file,
      tables,
      rowsOf: table => rowsOf(content, table),
      countRows: table => Number(content.rows(`SELECT count(*) AS n FROM ${quoted(table)}`)[0]?.['n']),
    })
  } catch (error) {
    const failure = untrustedFailure(error)
    if (failure === 'damaged') throw damaged(file, { cause: error })
    if (failure === 'too large') throw tooLarge(file)
    throw error
  }
}

/** Views and virtual tables can run code from the file, so they do not count as tables. */
function tablesOf(content: UntrustedDatabase): ReadonlyMap<string, readonly string[]> {
  const tables = content.rows(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
  )
  return new Map(
    tables.map(({ name }) => [
      String(name).toLowerCase(),
      columnsOf(content, String(name)).map(column => column.toLowerCase()),
    ]),
  )
}

/** Stored columns only: a generated column could return anything, of any size. */
const columnsOf = (content: UntrustedDatabase, table: string): readonly string[] =>
  content.rows('SELECT name FROM pragma_table_info(?)', table).map(({ name }) => String(name))

function rowsOf(content: UntrustedDatabase, table: string): ReturnType<ForeignDatabase['rowsOf']> {
  const columns = columnsOf(content, table).map(name => `${quoted(name)} AS ${quoted(name.toLowerCase())}`)
  return content.rows(`SELECT ${columns.join(', ')} FROM ${quoted(table)}`)
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const empty = (file: string): LatchkeyError =>
  invalid(
    `${file} has no tables: it is empty, or it was copied without its -wal file`,
    'copy the file together with its -wal, or make a complete copy with: sqlite3 FILE ".backup copy.db"',
  )

const ours = (file: string): LatchkeyError =>
  invalid(
    `${file} is a Latchkey database`,
    'to restore a backup: latchkey restore FILE; to use this database, name it with --db',
  )

const damaged = (file: string, options?: ErrorOptions): LatchkeyError =>
  new LatchkeyError(
    'corrupt',
    `${file} is a damaged SQLite database; nothing was imported`,
    'check it with: sqlite3 FILE "PRAGMA integrity_check"; copy it together with its -wal, or import a backup of it',
    options,
  )

const tooLarge = (file: string): LatchkeyError =>
  invalid(
    `${file} has a value of more than ${mostValueBytes / 1024 / 1024} MiB, which no supported system stores`,
    'look into it with: sqlite3 FILE .schema',
  )
