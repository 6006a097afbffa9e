/**
 * The only way to the tables. Writes are BEGIN IMMEDIATE transactions, one at a time within the process, so that
 * an `await` inside one can never let another's statements slip in; reads see one snapshot. A dry run does all the
 * work and rolls it back.
 */
import { realpathSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BunSQLiteDatabase, drizzle } from 'drizzle-orm/bun-sqlite'
import { LatchkeyError } from '../contract/errors.ts'
import type { Client } from './client.ts'
import { codeOf, translate } from './errors.ts'
import { openReader, openWriter, requireCurrent } from './open.ts'
import * as schema from './schema.ts'

/** Drizzle's query builder over the tables: inside `read` it sees, inside `write` it changes. */
export type Database = BunSQLiteDatabase<typeof schema>

export interface StoreOptions {
  readonly path: string
  /** `read` never touches the file or its sidecars. */
  readonly access: 'read' | 'write'
  /** Roll back instead of committing. */
  readonly dryRun: boolean
  /** How long a write waits for another process's transaction. */
  readonly busyTimeoutMs: number
}

interface Connection {
  readonly client: Client
  readonly database: Database
}

export class Store {
  readonly path: string
  readonly dryRun: boolean
  readonly #access: StoreOptions['access']
  readonly #busyTimeoutMs: number
  #reader: Connection | undefined
  #writer: (Connection & { synchronous: 'FULL' | 'NORMAL' }) | undefined
  #reads: Promise<unknown> = Promise.resolve()

  constructor(options: StoreOptions) {
    this.path = options.path
    this.dryRun = options.dryRun
    this.#access = options.access
    this.#busyTimeoutMs = options.busyTimeoutMs
  }

  /** Whether `write` can be called at all. */
  get isWritable(): boolean {
    return this.#access === 'write'
  }

  /** Opens the file and checks that it is a current Latchkey database; without this, the first use does. */
  open(): void {
    if (this.#access === 'read') this.#read()
    else this.#write()
  }

  /** Runs `work` on one snapshot of the database. */
  read<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const run = this.#reads.then(async () => {
      const { client, database } = this.#read()
      return guarded(this.path, async () => {
        client.run('BEGIN')
        try {
          return await work(database)
        } finally {
          client.run('ROLLBACK')
        }
      })
    })
    this.#reads = run.catch(() => {})
    return run
  }

  /** Runs `work` as one transaction that is on disk, power loss included, when the promise resolves. */
  write<T>(work: (database: Database) => Promise<T>): Promise<T> {
    return this.#transact('FULL', work)
  }

  /**
   * Runs `work` as one transaction that survives a crash of the process but, until the next checkpoint or
   * administrative write, not a loss of power: for usage counters.
   */
  count<T>(work: (database: Database) => Promise<T>): Promise<T> {
    return this.#transact('NORMAL', work)
  }

  /** Waits for what is under way, then closes. */
  async close(): Promise<void> {
    await this.#reads
    this.#reader?.client.close()
    this.#reader = undefined
    if (this.#writer) {
      const { client } = this.#writer
      this.#writer = undefined
      await oneAtATime(this.path, async () => client.close())
    }
  }

  #transact<T>(synchronous: 'FULL' | 'NORMAL', work: (database: Database) => Promise<T>): Promise<T> {
    return oneAtATime(this.path, () =>
      guarded(this.path, async () => {
        const writer = this.#write()
        if (writer.synchronous !== synchronous) {
          writer.client.run(`PRAGMA synchronous = ${synchronous}`)
          writer.synchronous = synchronous
        }
        await beginImmediate(writer.client, this.#busyTimeoutMs)
        try {
          const result = await work(writer.database)
          writer.client.run(this.dryRun ? 'ROLLBACK' : 'COMMIT')
          return result
        } catch (error) {
          if (writer.client.inTransaction) writer.client.run('ROLLBACK')
          throw error
        }
      }),
    )
  }

  #read(): Connection {
    this.#reader ??= connect(this.path, openReader)
    return this.#reader
  }

  #write(): Connection & { synchronous: 'FULL' | 'NORMAL' } {
    if (this.#access === 'read') {
      throw new LatchkeyError(
        'unexpected',
        'a reading command tried to write',
        'this is a mistake in Latchkey: please report it',
      )
    }
    this.#writer ??= { ...connect(this.path, openWriter), synchronous: 'FULL' }
    return this.#writer
  }
}

function connect(path: string, open: (path: string) => Client): Connection {
  const client = open(path)
  try {
    requireCurrent(client, path)
  } catch (error) {
    client.close()
    throw translate(error, path)
  }
  return { client, database: drizzle({ client, schema }) }
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw translate(error, path)
  }
}

/** Tries again with short pauses, so that waiting for another process does not stop this one's event loop. */
async function beginImmediate(client: Client, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      client.run('BEGIN IMMEDIATE')
      return
    } catch (error) {
      if (!codeOf(error).startsWith('SQLITE_BUSY') || performance.now() >= deadline) throw error
      await sleep(Math.random() * 10)
    }
  }
}

/** The writes to one file, from whichever connection of this process, stand in one line. */
const lines = new Map<string, Promise<unknown>>()

function oneAtATime<T>(path: string, work: () => Promise<T>): Promise<T> {
  const name = lineOf(path)
  const run = (lines.get(name) ?? Promise.resolve()).then(work)
  const settled = run.catch(() => {})
  lines.set(name, settled)
  settled.then(() => {
    if (lines.get(name) === settled) lines.delete(name)
  })
  return run
}

function lineOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
