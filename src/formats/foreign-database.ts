/**
 * Looks into the SQLite database of another system: whose it is, what it has. Must only be given a private copy,
 * because opening one writes.
 */
import { LatchkeyError } from '../contract/errors.ts'
import { applicationId } from '../db/sqlite/open.ts'
import { mostValueBytes, UntrustedDatabase, untrustedFailure } from '../db/sqlite/untrusted.ts'
import { invalid } from './source.ts'

export interface ForeignDatabase {
  readonly content: UntrustedDatabase
  /** For messages. */
  readonly file: string
  /** Ordinary tables in lower case, as SQLite compares names, with the columns that they store. */
  readonly tables: ReadonlyMap<string, readonly string[]>
}

/**
 * Runs `use` on a database that is sound and has tables.
 *
 * @param path a private copy
 * @throws corrupt; invalid when it has no tables
 */
export function withDatabase<T>(file: string, path: string, use: (database: ForeignDatabase) => T): T {
  try {
    using content = new UntrustedDatabase(path)
    const [damage] = content.rows('PRAGMA quick_check(1)')
    if (damage?.['quick_check'] !== 'ok') throw damaged(file)
    const tables = tablesOf(content)
    if (tables.size === 0) throw empty(file)
    const [header] = content.rows('PRAGMA application_id')
    if (header?.['application_id'] === applicationId) throw ours(file)
    return use({ content, file, tables })
  } catch (error) {
    const failure = untrustedFailure(error)
    if (failure === 'damaged') throw damaged(file, { cause: error })
    if (failure === 'too large') throw tooLarge(file)
    throw error
  }
}

/** Views and virtual tables run code of whoever made the file: what has such a name is not the table. */
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

/** Columns that are stored: of a generated one anything may come, and any amount of it. */
const columnsOf = (content: UntrustedDatabase, table: string): readonly string[] =>
  content.rows('SELECT name FROM pragma_table_info(?)', table).map(({ name }) => String(name))

/**
 * @param source whose database it should be
 * @throws invalid, naming the table or columns that are missing, and whose database it may be instead
 */
export function requireColumns(
  { file, tables }: ForeignDatabase,
  source: string,
  required: Readonly<Record<string, readonly string[]>>,
): void {
  for (const [table, columns] of Object.entries(required)) {
    const present = tables.get(table)
    if (present === undefined) {
      throw invalid(`${file} is no database of ${source}: it has no table ${table}`, hintFor(tables))
    }
    const missing = columns.filter(column => !present.includes(column))
    if (missing.length === 0) continue
    throw invalid(
      `${file} is no database of ${source} that is known here: its table ${table} has no column ${missing.join(', ')}`,
      hintFor(tables),
    )
  }
}

/** Every row of a table, its columns in lower case. */
export function rowsOf(
  { content }: ForeignDatabase,
  table: string,
): readonly Readonly<Record<string, unknown>>[] {
  const columns = columnsOf(content, table).map(name => `${quoted(name)} AS ${quoted(name.toLowerCase())}`)
  return content.rows(`SELECT ${columns.join(', ')} FROM ${quoted(table)}`)
}

/** Tables that are not taken over, with their rows; what a migration tool keeps for itself is nobody's loss. */
export function otherTables(
  { content, tables }: ForeignDatabase,
  taken: readonly string[],
): readonly { readonly name: string; readonly rows: number }[] {
  return [...tables.keys()]
    .filter(name => !taken.includes(name) && !/^_|migrations?$/.test(name))
    .map(name => {
      const [counted] = content.rows(`SELECT count(*) AS n FROM ${quoted(name)}`)
      return { name, rows: Number(counted?.['n']) }
    })
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A column that only one of the systems known here has. */
const signs: readonly (readonly [system: string, table: string, column: string])[] = [
  ['glm-proxy', 'api_keys', 'token_limit_per_5h'],
  ['ccluster', 'api_keys', 'key_hash'],
  ['dokify', 'projects', 'owner_user_id'],
  ['dokify', 'users', 'provider_id'],
]

function hintFor(tables: ForeignDatabase['tables']): string {
  const sign = signs.find(([, table, column]) => tables.get(table)?.includes(column))
  const look = 'what is in it shows: sqlite3 FILE .schema'
  return sign === undefined
    ? `name the right database; ${look}`
    : `it looks like one of ${sign[0]}: latchkey import ${sign[0]} FILE; ${look}`
}

const empty = (file: string): LatchkeyError =>
  invalid(
    `${file} has no tables: it is an empty database, or a copy without the -wal beside the original`,
    'copy the file together with its -wal, or make a whole copy with: sqlite3 FILE ".backup copy.db"',
  )

const ours = (file: string): LatchkeyError =>
  invalid(
    `${file} is a database of Latchkey itself`,
    'bring a backup back with: latchkey restore FILE; to use this database, name it with --db',
  )

const damaged = (file: string, options?: ErrorOptions): LatchkeyError =>
  new LatchkeyError(
    'corrupt',
    `${file} is a damaged SQLite database; nothing was imported`,
    'see the damage with: sqlite3 FILE "PRAGMA integrity_check"; a copy needs the -wal of the original; or import a backup of it',
    options,
  )

const tooLarge = (file: string): LatchkeyError =>
  invalid(
    `${file} has a value of more than ${mostValueBytes / 1024 / 1024} MiB, which is none that a system known here keeps`,
    'see what is in it with: sqlite3 FILE .schema',
  )
