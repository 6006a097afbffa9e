/**
 * Reads a folder with one dump per table: `users.csv`, `users.json` (an array of rows), `users.ndjson`, or Supabase's
 * `users_rows.csv`. Never quotes a row, which may contain a secret.
 */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { systemFailure } from '../system/errors.ts'
import { statOf } from '../system/files.ts'
import { isRecord } from './fields.ts'
import { parseJson } from './json-text.ts'
import { type ByteCounter, readRows } from './rows.ts'
import { type ForeignFile, invalid, withSource } from './source.ts'

type TableRow = Readonly<Record<string, unknown>>

export interface TableDumps {
  /** The rows of each wanted table that exists. */
  readonly tables: ReadonlyMap<string, readonly TableRow[]>
  /** The dumps of other tables, with their number of rows. */
  readonly others: readonly { readonly name: string; readonly rows: number }[]
}

/** Whether the path is a folder. Other problems are reported when it is read. */
export const isFolder = (path: string): boolean => statOf(path)?.isDirectory() === true

/**
 * @param folder its `count` is called with the bytes read of all dumps together
 * @param wanted tables to read; others are only counted
 * @throws invalid (an unreadable row or file, or two dumps of one table), not_found, permission
 */
export async function readTableDumps(
  { file: folder, count = () => {}, sqlite }: ForeignFile,
  wanted: readonly string[],
): Promise<TableDumps> {
  const dumps = await dumpsIn(folder)
  const tables = new Map<string, readonly TableRow[]>()
  const others: { name: string; rows: number }[] = []
  let before = 0
  for (const [table, file] of dumps) {
    let bytes = 0
    const countHere: ByteCounter = read => {
      bytes = read
      count(before + bytes)
    }
    const dump = { file, count: countHere, sqlite }
    if (wanted.includes(table)) tables.set(table, await rowsOfDump(dump))
    else others.push({ name: table, rows: await countRows(dump) })
    before += bytes
  }
  return { tables, others }
}

/** Table -> file, by name. */
async function dumpsIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const names = await readdir(folder).catch((error: unknown) => {
    throw systemFailure(error, folder)
  })
  for (const name of names.sort()) {
    const table = /^([A-Za-z_]\w*?)(?:_rows)?\.(?:json|ndjson|jsonl|csv)$/i.exec(name)?.[1]?.toLowerCase()
    if (table === undefined) continue
    const twin = found.get(table)
    if (twin !== undefined) {
      throw invalid(
        `${folder} has two dumps of the table ${table}: ${basename(twin)} and ${name}`,
        'keep only the newer one',
      )
    }
    found.set(table, join(folder, name))
  }
  if (found.size > 0) return found
  throw invalid(
    `${folder} has no dump of a table`,
    'save each table there under its name, such as users.csv, projects.csv, api_keys.csv and api_usage.csv',
  )
}

const rowsOfDump = (dump: ForeignFile): Promise<readonly TableRow[]> =>
  withSource(dump, async source => {
    const { file } = dump
    if (source.kind === 'sqlite') throw invalid(`${file} is a SQLite database`, 'import that file by itself')
    if (/\.json$/i.test(file)) return jsonRows(file, source.text)
    const rows: TableRow[] = []
    for await (const batch of readRows({ file, chunks: chunksOf(source.text), csvVerbatim: true })) {
      for (const { line, row, problem } of batch) {
        if (problem !== null) throw invalid(`line ${line} of ${file} ${problem}; nothing was imported`, again)
        rows.push(folded(row))
      }
    }
    return rows
  })

const again = 'dump the table again, or correct the file'

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

function jsonRows(file: string, text: string): readonly TableRow[] {
  // mongoexport writes a document a line, whatever the file is called.
  const lines = documentsIn(text)
  if (lines !== null) return lines.map(folded)
  const result = parseJson(text)
  if (!result.ok) {
    const where = result.place ? ` at line ${result.place.line}, column ${result.place.column}` : ''
    throw invalid(`${file} is not valid JSON${where}; nothing was imported`, again)
  }
  const { value } = result
  if (!Array.isArray(value) || !value.every(isRecord)) {
    throw invalid(`${file} is not a list of rows: [{…}, …]; nothing was imported`, again)
  }
  return value.map(folded)
}

/** The objects of a text that has one on each line; null if it is another one. */
function documentsIn(text: string): readonly TableRow[] | null {
  const rows: TableRow[] = []
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const { ok, ...result } = parseJson(line)
    if (!ok || !('value' in result) || !isRecord(result.value)) return null
    rows.push(result.value)
  }
  return rows
}

/** Column names in lower case, as databases compare them. */
const folded = (row: TableRow): TableRow =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]))

/** Only the number of rows that are not imported matters; they may be large. */
async function countRows(dump: ForeignFile): Promise<number> {
  const { file, count } = dump
  if (/\.json$/i.test(file)) return (await rowsOfDump(dump)).length
  let rows = 0
  for await (const batch of readRows({ file }, count)) rows += batch.length
  return rows
}
