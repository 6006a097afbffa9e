/**
 * Reads an untrusted SQLite file within bounds: a file of a few kilobytes can contain an expression whose value has a
 * gigabyte. bun:sqlite has no limits (sqlite3_limit), but node:sqlite does. Use it only on a private copy.
 */
import { DatabaseSync } from 'node:sqlite'

/** Larger values fail with `tooLarge`. */
export const mostValueBytes = 64 * 1024 * 1024

export class UntrustedDatabase implements Disposable {
  readonly #database: DatabaseSync

  /** @throws errors of node:sqlite, for `untrustedFailure` */
  constructor(path: string) {
    this.#database = new DatabaseSync(path)
    this.#database.limits.length = mostValueBytes
    // Views, triggers and CHECKs are code of whoever created the file.
    this.#database.exec('PRAGMA trusted_schema = OFF; PRAGMA ignore_check_constraints = ON')
  }

  /** The rows of a query. Integers beyond 2^53 lose precision. */
  rows(sql: string, ...values: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
    const statement = this.#database.prepare(sql)
    statement.setReadBigInts(true)
    return statement
      .all(...values)
      .map(row =>
        Object.fromEntries(
          Object.entries(row as object).map(([name, value]) => [
            name,
            typeof value === 'bigint' ? Number(value) : value,
          ]),
        ),
      )
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

/** The meaning of an error of such a database; undefined for any other. */
export function untrustedFailure(error: unknown): 'damaged' | 'too large' | undefined {
  if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) return undefined
  // The low byte is the primary code (https://sqlite.org/rescode.html).
  return meanings.get(error.errcode & 0xff)
}

const meanings = new Map<number, 'damaged' | 'too large'>([
  [11, 'damaged'],
  [14, 'damaged'],
  [26, 'damaged'],
  [18, 'too large'],
])
