/** What reading a server takes: one transaction, and how its dialect spells things. */

export type Rows = readonly Readonly<Record<string, unknown>>[]

/** One read-only transaction on a server. */
interface Snapshot {
  readonly rows: (text: string) => Promise<Rows>
  /** Selects the columns of ordinary tables: `t`, `c`, and whether `c` is a time (`is_time`). */
  readonly columns: string
  readonly quoted: (name: string) => string
  /** A time as UTC milliseconds. */
  readonly time: (column: string) => string
}

export type OnServer = <T>(url: string, work: (snapshot: Snapshot) => Promise<T>) => Promise<T>
