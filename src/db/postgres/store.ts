/**
 * The only access to the tables. A write holds one lock for all that administer, in whatever process, and its snapshot begins
 * after it: what BEGIN IMMEDIATE is to SQLite. A read sees one snapshot. Recording, reserving and settling hold no such lock.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../contract/errors.ts'
import { usualMostEndUsers } from '../../contract/views/words.ts'
import { type Database, type Snapshot, type Store, taken, type UsageBook } from '../engine.ts'
import type { ListedKey } from '../facts.ts'
import type { Query } from '../rows.ts'
import type { Connection, Parameter } from './connection.ts'
import { databaseOn, spell } from './drizzle.ts'
import { readOnly, translate } from './errors.ts'
import { Memory, PostgresFacts } from './facts.ts'
import { aloneLock, lockWrites } from './locks.ts'
import { poolsOf } from './pool.ts'
import { beginWriting } from './series.ts'
import { type Target, targetOf } from './url.ts'
import { PostgresUsage } from './usage-book.ts'

export interface PostgresOptions {
  readonly url: string
  readonly access: 'read' | 'write'
  /** Roll back instead of committing. */
  readonly dryRun: boolean
  /** How long anything waits for a lock or a connection. */
  readonly busyTimeoutMs: number
  /** How many end users a key may have. */
  readonly mostEndUsers?: number | undefined
}

export class PostgresStore implements Store {
  readonly dryRun: boolean
  readonly isWritable: boolean
  readonly latest: Store['latest']
  readonly usage: UsageBook
  readonly #target: Target
  readonly #pools: ReturnType<typeof poolsOf>
  readonly #mostEndUsers: number
  readonly #busyTimeoutMs: number
  readonly #memory = new Memory()
  readonly #beforeClose: (() => Promise<void>)[] = []
  #lastWrite: Promise<unknown> = Promise.resolve()

  constructor({ url, access, dryRun, busyTimeoutMs, mostEndUsers = usualMostEndUsers }: PostgresOptions) {
    this.dryRun = dryRun
    this.isWritable = access === 'write'
    this.#target = targetOf(url)
    this.#mostEndUsers = mostEndUsers
    this.#busyTimeoutMs = busyTimeoutMs
    this.#pools = poolsOf(this.#target, busyTimeoutMs)
    const { hot } = this.#pools
    this.latest = new PostgresFacts(hot, mostEndUsers, this.#memory)
    this.usage = new PostgresUsage(hot, {
      dryRun,
      mostEndUsers,
      factsOn: connection => this.#factsOn(connection),
      memory: this.#memory,
    })
  }

  /** @throws database_readonly (a writer is on a standby, as after a failover that has not ended) */
  async open(): Promise<void> {
    const { administration } = this.#pools
    const mayWrite = await administration.ask(connection => connection.run(mayWriteText))
    if (this.isWritable && mayWrite === 0) throw readOnly(this.#target.name)
  }

  read<T>(work: (database: Database) => Promise<T>): Promise<T> {
    return this.#pools.administration.lend(connection =>
      connection.inTransaction(beginReading, () => work(this.#databaseOn(connection)), 'ROLLBACK'),
    )
  }

  /** One at a time within the process, so that those that wait do not hold all connections. */
  write<T>(work: (database: Database) => Promise<T>): Promise<T> {
    if (!this.isWritable) {
      throw new LatchkeyError(
        'unexpected',
        'a reading command tried to write',
        'this is a mistake in Latchkey: please report it',
      )
    }
    const run = this.#lastWrite.then(() =>
      this.#pools.administration.lend(connection =>
        connection.inTransaction(
          beginWriting,
          async () => {
            await connection.run(lockWrites)
            return await work(this.#databaseOn(connection))
          },
          this.dryRun ? 'ROLLBACK' : 'COMMIT',
        ),
      ),
    )
    this.#lastWrite = run.catch(() => {})
    return run
  }

  async *stream<T>(work: (snapshot: Snapshot) => AsyncIterable<T>): AsyncGenerator<T> {
    const connection = await this.#pools.administration.open()
    try {
      await connection.begin(beginReading)
      const facts = this.#factsOn(connection)
      yield* work({
        facts,
        keys: query => batches<ListedKey>(connection, facts.listed(query)),
        database: async () => this.#databaseOn(connection),
      })
    } catch (error) {
      throw translate(error, this.#target.name)
    } finally {
      await this.#pools.administration.end(connection)
    }
  }

  /** The lock is one of a transaction that does nothing else, because a pooler gives each to another session. It ends with the process. */
  async alone<T>(patience: 'usual' | 'none', work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + (patience === 'usual' ? this.#busyTimeoutMs : 0)
    const connection = await this.#pools.administration.open()
    try {
      await connection.begin(beginWriting)
      await connection.run('SET LOCAL idle_in_transaction_session_timeout = 0')
      while ((await connection.run(takeAlone, [aloneLock])) === 0) {
        if (performance.now() >= deadline) throw taken()
        await sleep(10 + Math.random() * 20)
      }
      return await work()
    } catch (error) {
      throw translate(error, this.#target.name)
    } finally {
      await this.#pools.administration.end(connection)
    }
  }

  async size() {
    const [row] = await this.#pools.administration.ask(connection =>
      connection.rows<{ bytes: number }>('SELECT pg_database_size(current_database()) AS bytes'),
    )
    return { bytes: row?.bytes ?? 0, walBytes: null }
  }

  beforeClose(work: () => Promise<void>): void {
    this.#beforeClose.push(work)
  }

  async close(): Promise<void> {
    for (const work of this.#beforeClose.splice(0)) await work()
    await this.#lastWrite
    await Promise.all([this.#pools.hot.close(), this.#pools.administration.close()])
  }

  #factsOn(connection: Connection): PostgresFacts {
    return new PostgresFacts(connection, this.#mostEndUsers, this.#memory, spell)
  }

  #databaseOn(connection: Connection): Database {
    return databaseOn(connection, this.#factsOn(connection), this.#mostEndUsers)
  }
}

/** A row if transactions may write. */
const mayWriteText = "SELECT 1 WHERE current_setting('transaction_read_only') = 'off'"

/** A row if nobody else has the lock. */
const takeAlone = 'SELECT 1 FROM pg_try_advisory_xact_lock($1::bigint) AS it (taken) WHERE taken'

const beginReading = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'

/** Each batch is a round trip. */
const rowsAtOnce = 2_000

/** The rows of a query in its order, some at a time; the last batch may be smaller. One query at a time. */
async function* batches<Row>(connection: Connection, { sql, params }: Query): AsyncGenerator<readonly Row[]> {
  await connection.run(`DECLARE listed NO SCROLL CURSOR FOR ${sql}`, params as Parameter[])
  for (;;) {
    const rows = await connection.rows<Row>(`FETCH ${rowsAtOnce} FROM listed`)
    if (rows.length > 0) yield rows
    if (rows.length < rowsAtOnce) break
  }
  await connection.run('CLOSE listed')
}
