/** Checks that a SQLite database is one of a given system, and guesses whose it is otherwise. */

import { lineOf } from '../text/shell-word.ts'
import { type ForeignDatabase, invalid } from './source.ts'

/**
 * @param source the expected system
 * @throws invalid, naming the missing table or columns, and the system it may belong to
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
      `${file} is not a supported database of ${source}: its table ${table} has no column ${missing.join(', ')}`,
      hintFor(tables),
    )
  }
}

/** Tables that are not imported, with their rows, without those of migration tools. */
export function otherTables(
  { tables, countRows }: ForeignDatabase,
  taken: readonly string[],
): readonly { readonly name: string; readonly rows: number }[] {
  return [...tables.keys()]
    .filter(name => !taken.includes(name) && !/^_|migrations?$/.test(name))
    .map(name => ({ name, rows: countRows(name) }))
}

/** Columns that only one of the supported systems has. */
const signs: readonly (readonly [system: string, table: string, column: string])[] = [
  ['glm-proxy', 'api_keys', 'token_limit_per_5h'],
  ['ccluster', 'api_keys', 'key_hash'],
  ['dokify', 'projects', 'owner_user_id'],
  ['dokify', 'users', 'provider_id'],
]

function hintFor(tables: ForeignDatabase['tables']): string {
  const sign = signs.find(([, table, column]) => tables.get(table)?.includes(column))
  const look = 'look into it with: sqlite3 FILE .schema'
  return sign === undefined
    ? `give the right database; ${look}`
    : `it looks like one of ${sign[0]}: ${lineOf('import', sign[0], 'FILE')}; ${look}`
}
