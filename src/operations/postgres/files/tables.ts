/**
 * The tables of a database file, and their rows as PostgreSQL copies them: a line for each, with tabs between the values. Both
 * engines write the same row as the same bytes, in the order of the primary key.
 */
import type { Client } from '../../../db/sqlite/client.ts'

export interface Table {
  readonly name: string
  readonly columns: readonly Column[]
  /** Names of the columns of the primary key, in its order. */
  readonly key: readonly string[]
  /** Tables that its rows refer to. */
  readonly parents: readonly string[]
}

interface Column {
  readonly name: string
  readonly isText: boolean
  readonly isBytes: boolean
}

/** All but the history of migrations, which each engine keeps itself. A table follows those that it refers to. */
export function tablesOf(client: Client): readonly Table[] {
  const names = client
    .query(
      `SELECT name FROM pragma_table_list
       WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'migrations' ORDER BY name`,
    )
    .all() as { name: string }[]
  const tables = names.map(({ name }) => describe(client, name))
  const ordered: Table[] = []
  const add = (table: Table): void => {
    if (ordered.includes(table)) return
    for (const parent of tables) {
      if (parent !== table && table.parents.includes(parent.name)) add(parent)
    }
    ordered.push(table)
  }
  for (const table of tables) add(table)
  return ordered
}

function describe(client: Client, name: string): Table {
  const columns = client
    .query('SELECT name, upper(type) AS type, pk FROM pragma_table_info(?) ORDER BY cid')
    .all(name) as { name: string; type: string; pk: number }[]
  const parents = client.query('SELECT "table" AS name FROM pragma_foreign_key_list(?)').all(name) as {
    name: string
  }[]
  return {
    name,
    columns: columns.map(column => ({
      name: column.name,
      isText: column.type === 'TEXT',
      isBytes: column.type === 'BLOB',
    })),
    key: columns
      .filter(({ pk }) => pk > 0)
      .toSorted((a, b) => a.pk - b.pk)
      .map(column => column.name),
    parents: parents.map(parent => parent.name),
  }
}

export const quoted = (names: readonly string[]): string => names.map(name => `"${name}"`).join(', ')

export const columnNames = ({ columns }: Table): readonly string[] => columns.map(({ name }) => name)

/** The statement that makes PostgreSQL send the rows. */
export function copyOut(table: Table): string {
  // `bytea_output` of a role might spell bytes in another way.
  const values = table.columns.map(({ name, isBytes }) =>
    isBytes ? `'\\x' || encode("${name}", 'hex')` : `"${name}"`,
  )
  return `COPY (SELECT ${values.join(', ')} FROM "${table.name}" ORDER BY ${quoted(table.key)}) TO STDOUT`
}

/** The rows of a file, many in a chunk. */
export function* chunksOf(client: Client, table: Table): Generator<Uint8Array> {
  const line = table.columns.map(spelled).join(' || char(9) || ')
  let lines: string[] = []
  let length = 0
  const text = `SELECT ${line} AS line FROM "${table.name}" ORDER BY ${quoted(table.key)}`
  for (const row of client.rows<{ line: string }>({ sql: text, params: [] })) {
    lines.push(row.line)
    length += row.line.length
    if (length < chunkLength) continue
    yield Buffer.from(`${lines.join('\n')}\n`)
    lines = []
    length = 0
  }
  if (lines.length > 0) yield Buffer.from(`${lines.join('\n')}\n`)
}

const chunkLength = 131_072

/** What PostgreSQL writes with a backslash, the backslash first. */
const escapes: readonly (readonly [code: number, letter: string])[] = [
  [92, '\\'],
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [11, 'v'],
  [12, 'f'],
  [13, 'r'],
]

function spelled({ name, isText, isBytes }: Column): string {
  const column = `"${name}"`
  if (isBytes) return `coalesce('\\\\x' || lower(hex(${column})), '\\N')`
  const text = isText
    ? escapes.reduce((inner, [code, letter]) => `replace(${inner}, char(${code}), '\\${letter}')`, column)
    : column
  return `coalesce(${text}, '\\N')`
}

/** The lines of chunks, each without its end. */
export async function* linesOf(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<string[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (lines.length > 0) yield lines
  }
  if (rest !== '') yield [rest]
}

/** The values of a line, bytes as PostgreSQL spells them. */
export function valuesOf(line: string): (string | null)[] {
  const values = line.split('\t')
  return line.includes('\\') ? values.map(unescaped) : values
}

/** Reads lines of a table for SQLite, which takes a text for a number. */
export function readerOf({ columns }: Table): (line: string) => (string | Uint8Array | null)[] {
  const places = columns.flatMap(({ isBytes }, at) => (isBytes ? [at] : []))
  return line => {
    const spelled = valuesOf(line)
    const values: (string | Uint8Array | null)[] = spelled
    for (const at of places) {
      const value = spelled[at] ?? null
      values[at] = value === null ? null : Buffer.from(value.slice('\\x'.length), 'hex')
    }
    return values
  }
}

const unescaped = (value: string): string | null =>
  value === '\\N' ? null : value.replace(/\\(.)/g, (_, letter: string) => meanings.get(letter) ?? letter)

const meanings = new Map(escapes.map(([code, letter]) => [letter, String.fromCharCode(code)]))
