/**
 * The connection class that all of Latchkey uses: closed means closed.
 *
 * bun:sqlite leaves a connection half alive while one of its statements is not finalized, and drizzle prepares a
 * statement per query and finalizes none. Such a zombie keeps its file locks and its mapping of the `-shm` file. If
 * its database is renamed meanwhile, the next connection of this process shares that mapping by inode, other processes
 * make another `-shm`, and the two sides corrupt the database.
 */
import { constants, Database, type SQLQueryBindings, type Statement } from 'bun:sqlite'

export class Client extends Database {
  /** In order of last use. */
  readonly #statements = new Map<string, Statement>()
  readonly #kept: Statement[] = []
  /** Bun asks for eight bytes; SQLite fills four. */
  readonly #counter = new Uint32Array(2)

  /** A compiled statement, shared by all who ask for the same text. */
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

  /** A compiled statement of the caller's own, good until the connection closes. */
  keep<ReturnType, ParamsType extends SQLQueryBindings[]>(sql: string): Statement<ReturnType, ParamsType> {
    const statement = super.prepare<ReturnType, ParamsType>(sql)
    this.#kept.push(statement)
    return statement as unknown as Statement<ReturnType, ParamsType>
  }

  /** The rows of a query one by one: columns under the names that the query gives them, and as SQLite has them. */
  rows<Row>({ sql, params }: Query): Iterable<Row> {
    return this.prepare<Row, SQLQueryBindings[]>(sql).iterate(...(params as SQLQueryBindings[]))
  }

  /** The same, so many at a time; the last may be fewer. */
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

  /** Moves with every change of the database, by whomever, that this connection has seen; takes a fifth of the PRAGMA. */
  changeCounter(): number {
    this.fileControl(constants.SQLITE_FCNTL_DATA_VERSION, this.#counter)
    return this.#counter[0] ?? 0
  }

  override close(): void {
    for (const statement of this.#statements.values()) statement.finalize()
    this.#statements.clear()
    for (const statement of this.#kept.splice(0)) statement.finalize()
    super.close(true)
  }
}

/** What `prepare` makes of a new connection; one that it fails on is closed, and leaves nothing open or beside the file. */
export function orClosed<T>(client: Client, prepare: (client: Client) => T): T {
  try {
    return prepare(client)
  } catch (error) {
    client.close()
    throw error
  }
}

/** A query, or a part of one, and the values of its `?`. */
export interface Query {
  readonly sql: string
  readonly params: readonly unknown[]
}

const mostStatements = 200

// biome-ignore lint/suspicious/noExplicitAny: the base class says it so
type Prepared<R, P extends SQLQueryBindings | SQLQueryBindings[]> = Statement<R, P extends any[] ? P : [P]>
