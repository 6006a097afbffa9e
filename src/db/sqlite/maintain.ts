/** Maintains a database file and reports about it. Knows no tables. */
import type { Client } from './client.ts'

export interface FileFacts {
  readonly pageSizeBytes: number
  readonly pages: number
  readonly freePages: number
  readonly journalMode: string
  readonly sqliteVersion: string
}

export function fileFacts(client: Client): FileFacts {
  return client
    .query(
      `SELECT page_size AS pageSizeBytes, page_count AS pages, freelist_count AS freePages,
         journal_mode AS journalMode, sqlite_version() AS sqliteVersion
       FROM pragma_page_size, pragma_page_count, pragma_freelist_count, pragma_journal_mode`,
    )
    .get() as FileFacts
}

/** Rewrites the file and checkpoints the WAL into it. */
export function compact(client: Client): void {
  client.run('VACUUM')
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
}

/** @returns what was run, or would be in a dry run; see https://sqlite.org/pragma.html#pragma_optimize */
export function optimize(client: Client, { dryRun }: { readonly dryRun: boolean }): readonly string[] {
  client.run('PRAGMA analysis_limit = 1000')
  const all = 0x10000
  const defaults = 0xfffe
  const planned = client.query(`PRAGMA optimize(${all | defaults | 1})`).all() as Record<string, string>[]
  if (!dryRun) client.run(`PRAGMA optimize(${all | defaults})`)
  return planned.map(row => String(Object.values(row)[0]))
}

/**
 * Rows of a statement. Bytes become hexadecimal digits, and integers that are too large for a number become text.
 * Columns with the same name are numbered as in SQLite: `id` and `id:1`.
 */
export function readRows(
  client: Client,
  sql: string,
  params: Readonly<Record<string, string | number | bigint>>,
): readonly Readonly<Record<string, unknown>>[] {
  const bound = Object.fromEntries(Object.entries(params).map(([name, value]) => [`:${name}`, value]))
  const statement = client.query<unknown, [Record<string, string | number | bigint>]>(sql).safeIntegers(true)
  const rows = statement.values(bound)
  const names = distinct(statement.columnNames)
  return rows.map(row => Object.fromEntries(row.map((value, index) => [names[index], plain(value)])))
}

function distinct(names: readonly string[]): readonly string[] {
  const taken = new Set(names)
  const seen = new Set<string>()
  return names.map(name => {
    let own = name
    for (let n = 1; seen.has(own) || (own !== name && taken.has(own)); n++) own = `${name}:${n}`
    seen.add(own)
    return own
  })
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}
