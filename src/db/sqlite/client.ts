/**
 * The connection class of all of Latchkey: a closed connection is really closed.
 *
 * bun:sqlite keeps a connection half alive until all its statements are finalized, and drizzle prepares a statement per
 * query and finalizes none. Such a connection keeps its file locks and its mapping of the `-shm` file. If its database
 * is renamed, the next connection of this process shares that mapping by inode, while other processes create another
 * `-shm`. Then the two sides corrupt the database.
 */
import { constants, Database, type SQLQueryBindings, type Statement } from 'bun:sqlite'
import type { Query } from '../rows.ts'

export class Client extends Database {
  /** Least recently used first. */
  readonly #statements = new Map<string, Statement>()
  readonly #kept: Statement[] = []
  /** Bun asks for eight bytes; SQLite fills four. */
  readonly #counter = new Uint32Array(2)
  readonly #moved = new Int32Array(2)

  /** A compiled statement, shared by all callers with the same text. */
  override prepare<ReturnType, ParamsType extends SQLQueryBindings | SQLQueryBindings[]>(
    sql: string,
  ): Prepared<ReturnType, ParamsType> {
    const statement = this.#statements.get(sql) ?? super.prepare(sql)
    this.#statements.delete(sql)
    this.#statements.set(sql, statement)
    const [oldest] = this.#statements.keys()
    if (this.#statements.size > mostStatements && oldest !== undefined) {
      this.#statements.get(oldest)?.finalize()
      this.#statements.delete(oldest)
    }
    return statement as never
  }

  override query<ReturnType, ParamsType extends SQLQueryBindings | SQLQueryBindings[]>(
    sql: string,
  ): Prepared<ReturnType, ParamsType> {
    return this.prepare<ReturnType, ParamsType>(sql)
  }

  /** A compiled statement that only the caller uses, until the connection closes. */
  keep<ReturnType, ParamsType extends SQLQueryBindings[]>(sql: string): Statement<ReturnType, ParamsType> {
    const statement = super.prepare<ReturnType, ParamsType>(sql)
    this.#kept.push(statement)
    return statement as unknown as Statement<ReturnType, ParamsType>
  }

  /** The same, whose values come in an array: an argument for each would be copied twice. */
  keepForArrays<Row = unknown>(sql: string): ArrayStatement<Row> {
    return this.keep(sql) as never
  }

  /** The rows of a query one by one, with the column names and values of SQLite. */
  rows<Row>({ sql, params }: Query): Iterable<Row> {
    return this.prepare<Row, SQLQueryBindings[]>(sql).iterate(...(params as SQLQueryBindings[]))
  }

  /** The same in batches; the last may be smaller. */
  *batches<Row>(query: Query, size: number): Iterable<readonly Row[]> {
    let batch: Row[] = []
    for (const row of this.rows<Row>(query)) {
      batch.push(row)
      if (batch.length < size) continue
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }

  /** Whether the schema, of whatever version, has such a table. */
  hasTable(name: string): boolean {
    return this.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) !== null
  }

  /** Changes with every commit of any process that this connection has seen. Takes a fifth of the time of the PRAGMA. */
  changeCounter(): number {
    this.fileControl(constants.SQLITE_FCNTL_DATA_VERSION, this.#counter)
    return this.#counter[0] ?? 0
  }

  /** Whether the name of the file, without symbolic links, leads to another one or to none. Faster than a `stat`. */
  hasMoved(): boolean {
    this.fileControl(constants.SQLITE_FCNTL_HAS_MOVED, this.#moved)
    return this.#moved[0] !== 0
  }

  override close(): void {
    for (const statement of this.#statements.values()) statement.finalize()
    this.#statements.clear()
    for (const statement of this.#kept.splice(0)) statement.finalize()
    super.close(true)
  }
}

/** What bun:sqlite does with an array, and its types do not say. */
export interface ArrayStatement<Row> {
  readonly get: (values: readonly (string | number | null)[]) => Row | null
  readonly run: (values: readonly (string | number | null)[]) => unknown
}

/** Opens a connection and prepares it. If `prepare` fails, it is closed, and nothing stays open or beside the file. */
export function orClosed<T>(client: Client, prepare: (client: Client) => T): T {
  try {
    return prepare(client)
  } catch (error) {
    client.close()
    throw error
  }
}

const mostStatements = 200

// biome-ignore lint/suspicious/noExplicitAny: the base class says it so
type Prepared<R, P extends SQLQueryBindings | SQLQueryBindings[]> = Statement<R, P extends any[] ? P : [P]>
