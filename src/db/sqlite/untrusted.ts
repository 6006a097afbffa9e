/**
 * A SQLite file that anybody may have made, read within bounds: a file of a few kilobytes can hold an expression whose
 * value has a gigabyte. bun:sqlite has no limits (sqlite3_limit), node:sqlite does. Must only be given a private copy.
 */
import { DatabaseSync } from 'node:sqlite'

/** No value may be larger; whatever would be fails with `tooLarge`. */
export const mostValueBytes = 64 * 1024 * 1024

export class UntrustedDatabase implements Disposable {
  readonly #database: DatabaseSync

  /** @throws what node:sqlite says, for `untrustedFailure` */
  constructor(path: string) {
    this.#database = new DatabaseSync(path)
    this.#database.limits.length = mostValueBytes
    // Views, triggers and CHECKs are programs of whoever made the file.
    this.#database.exec('PRAGMA trusted_schema = OFF; PRAGMA ignore_check_constraints = ON')
  }

  /** The rows of a query; whole numbers past 2^53 lose their last digits. */
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

/** What an error of such a database means; undefined for any other. */
export function untrustedFailure(error: unknown): 'damaged' | 'too large' | undefined {
  if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) return undefined
  // The low byte is the code itself (https://sqlite.org/rescode.html).
  return meanings.get(error.errcode & 0xff)
}

const meanings = new Map<number, 'damaged' | 'too large'>([
  [11, 'damaged'],
  [14, 'damaged'],
  [26, 'damaged'],
  [18, 'too large'],
])
