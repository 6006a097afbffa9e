/** Whether the SQLite database of another system has what a format needs, and whose it may be instead. */
import { type ForeignDatabase, invalid } from './source.ts'

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
      throw invalid(`${file} is not a database of ${source}: it has no table ${table}`, hintFor(tables))
    }
    const missing = columns.filter(column => !present.includes(column))
    if (missing.length === 0) continue
    throw invalid(
      `${file} is not a database of ${source} as known here: its table ${table} has no column ${missing.join(', ')}`,
      hintFor(tables),
    )
  }
}

/** Tables that are not taken over, with their rows; what a migration tool keeps for itself is nobody's loss. */
export function otherTables(
  { tables, countRows }: ForeignDatabase,
  taken: readonly string[],
): readonly { readonly name: string; readonly rows: number }[] {
  return [...tables.keys()]
    .filter(name => !taken.includes(name) && !/^_|migrations?$/.test(name))
    .map(name => ({ name, rows: countRows(name) }))
}

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
