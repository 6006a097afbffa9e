/**
 * The tables of a database file, and their rows as PostgreSQL copies them: a line for each, with tabs between the values. Both
 * engines write the same row as the same bytes, in the order of the primary key.
 */
import { LatchkeyError } from '../../../contract/errors.ts'
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
export const copyOut = (table: Table): string =>
  `COPY (SELECT ${quoted(columnNames(table))} FROM "${table.name}" ORDER BY ${quoted(table.key)}) TO STDOUT`

/**
 * The same in the order in which they are stored, which is that in which they came into an empty table. Needs
 * `readingAsStored` in its transaction.
 */
export const copyOutAsStored = (table: Table): string =>
  `COPY "${table.name}" (${quoted(columnNames(table))}) TO STDOUT`

/** A scan of a large table may else join one that is under way, and begin where that is. */
export const readingAsStored = 'SET LOCAL synchronize_seqscans = off'

/**
 * The rows of a file, many in a chunk.
 *
 * @param tell is called with each chunk, and how many rows it has
 * @throws invalid (a number that Latchkey could not have read)
 */
export function* chunksOf(
  client: Client,
  table: Table,
  tell: (chunk: Uint8Array, rows: number) => void = () => {},
): Generator<Uint8Array> {
  const names = columnNames(table)
  const text = `SELECT ${quoted(names)} FROM "${table.name}" ORDER BY ${quoted(table.key)}`
  let chunk = new Chunk()
  for (const row of client.rows<Record<string, Value>>({ sql: text, params: [] })) {
    addRow(chunk, row, names, table.name)
    if (chunk.length < chunkLength) continue
    tell(chunk.bytes(), chunk.rows)
    yield chunk.bytes()
    chunk = new Chunk()
  }
  if (chunk.length === 0) return
  tell(chunk.bytes(), chunk.rows)
  yield chunk.bytes()
}

/** A function of its own, because a loop in a generator is never compiled well. */
function addRow(chunk: Chunk, row: Record<string, Value>, names: readonly string[], table: string): void {
  for (const name of names) {
    const value = row[name] ?? null
    if (typeof value !== 'number') chunk.addText(spelled(value))
    else if (Number.isSafeInteger(value)) chunk.addNumber(value)
    else throw tooLarge(table, name)
  }
  chunk.endLine()
}

type Value = string | number | Uint8Array | null

const chunkLength = 131_072

const [tab, newline, minus, zero] = [9, 10, 45, 48]

/** Lines of values as bytes. To make strings of numbers, and one of each line, takes twice as long. */
class Chunk {
  rows = 0
  #bytes = Buffer.allocUnsafe(chunkLength + 1024)
  #end = 0

  get length(): number {
    return this.#end
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end)
  }

  /** A whole number. */
  addNumber(value: number): void {
    this.#makeRoom(longestNumber)
    const bytes = this.#bytes
    let from = this.#end
    let rest = value
    if (value < 0) {
      bytes[from++] = minus
      rest = -value
    }
    let end = from + 1
    for (let limit = 10; rest >= limit; limit *= 10) end++
    let at = end
    while (rest > largestInt32) {
      const tenth = Math.floor(rest / 10)
      bytes[--at] = zero + (rest - tenth * 10)
      rest = tenth
    }
    // To divide these takes a fraction of the time.
    for (let small = rest | 0; at > from; ) {
      const tenth = (small / 10) | 0
      bytes[--at] = zero + (small - tenth * 10)
      small = tenth
    }
    bytes[end] = tab
    this.#end = end + 1
  }

  addText(text: string): void {
    // A letter of a string takes three bytes at most.
    this.#makeRoom(text.length * 3)
    this.#end += this.#bytes.write(text, this.#end)
    this.#bytes[this.#end++] = tab
  }

  /** After the last value of a line. */
  endLine(): void {
    this.#bytes[this.#end - 1] = newline
    this.rows++
  }

  /** For so many bytes, and one after them. */
  #makeRoom(length: number): void {
    if (this.#end + length < this.#bytes.length) return
    const larger = Buffer.allocUnsafe(2 * (this.#end + length))
    larger.set(this.bytes())
    this.#bytes = larger
  }
}

/** As many digits as 2^53 has, and a sign. */
const longestNumber = 17
const largestInt32 = 2 ** 31 - 1

/** What PostgreSQL writes with a backslash. */
const escapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ['\b', 'b'],
  ['\t', 't'],
  ['\n', 'n'],
  ['\v', 'v'],
  ['\f', 'f'],
  ['\r', 'r'],
])

function spelled(value: string | Uint8Array | null): string {
  if (value === null) return '\\N'
  if (typeof value !== 'string') return `\\\\x${Buffer.from(value).toString('hex')}`
  return value.replace(/[\\\b\t\n\v\f\r]/g, letter => `\\${escapes.get(letter)}`)
}

const tooLarge = (table: string, column: string): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `${column} in the table ${table} has a number that is too large to be exact; nothing was changed`,
    'correct it with: latchkey db query',
  )

/** The lines of chunks, each without its end. */
export async function* linesOf(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<string[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
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

/** Reads the rows of a table for SQLite, from chunks of what PostgreSQL sends. */
export class RowReader {
  readonly #columns: readonly Column[]
  /** The last row so far, whose end is in the next chunk. */
  #rest: Uint8Array = new Uint8Array()

  constructor({ columns }: Table) {
    this.#columns = columns
  }

  /** The values of all rows that end in the chunk, one row after another. */
  read(chunk: Uint8Array): Value[] {
    const bytes =
      this.#rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([this.#rest, chunk])
    const end = bytes.lastIndexOf(newline) + 1
    this.#rest = bytes.subarray(end)
    const values: Value[] = []
    for (let from = 0; from < end; ) {
      for (const column of this.#columns) {
        let to = from
        let number = 0
        let isNumber = true
        for (
          let byte = bytes[to] ?? newline;
          byte !== tab && byte !== newline;
          byte = bytes[++to] ?? newline
        ) {
          const digit = byte - zero
          if (digit >= 0 && digit <= 9) number = number * 10 + digit
          else isNumber = false
        }
        const isShort = isNumber && to - from <= exactDigits
        values.push(isShort && !column.isText ? number : valueIn(column, bytes, from, to))
        from = to + 1
      }
    }
    return values
  }
}

/** So many digits are a number of JavaScript; SQLite takes a text of more for one. */
const exactDigits = 15

function valueIn({ isBytes }: Column, bytes: Uint8Array, from: number, to: number): Value {
  const text = decoder.decode(bytes.subarray(from, to))
  const value = text.includes('\\') ? unescaped(text) : text
  return isBytes && value !== null ? Buffer.from(value.slice('\\x'.length), 'hex') : value
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const unescaped = (value: string): string | null =>
  value === '\\N' ? null : value.replace(/\\(.)/g, (_, letter: string) => meanings.get(letter) ?? letter)

const meanings = new Map([...escapes].map(([value, letter]) => [letter, value]))
