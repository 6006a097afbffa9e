/**
 * The only way to the tables. Writes are BEGIN IMMEDIATE transactions, one at a time within the process, so that
 * an `await` inside one can never let another's statements slip in; reads see one snapshot. A dry run does all the
 * work and rolls it back.
 *
 * A connection goes on with a file that was moved or deleted under it, which nobody else sees. So each transaction looks
 * first where the path leads, and begins on the file that took the place of the one before. A restore in place changes
 * the contents of the same file, which needs none of this.
 */

import type { Statement } from 'bun:sqlite'
import { realpathSync } from 'node:fs'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import type { Database, Snapshot, Store, UsageBook } from '../engine.ts'
import { type Client, orClosed } from './client.ts'
import { translate } from './errors.ts'
import { SqliteFacts } from './facts.ts'
import { type FileId, fileAt, isSame, logFilesOf, nowhere, requireOwnLog } from './file-id.ts'
import { openReader, openWriter, requireCurrent, requireUnchanged } from './open.ts'
import { SqliteUsage } from './usage-book.ts'

export interface StoreOptions {
  readonly path: string
  /** `read` never changes the database or its WAL. */
  readonly access: 'read' | 'write'
  /** Roll back instead of committing. */
  readonly dryRun: boolean
  /** How long a write waits for another process's transaction. */
  readonly busyTimeoutMs: number
  /** How many end users a key may have. */
  readonly mostEndUsers?: number | undefined
  /** Told when another file has taken the place of the one that was open. */
  readonly onReplaced?: (() => void) | undefined
}

interface Connection {
  readonly client: Client
  readonly facts: SqliteFacts
  /** That the path led to when it was made. */
  readonly file: FileId
  /** Once a query was put to it. */
  database?: Database
}

interface Writer extends Connection {
  readonly begin: Statement
  readonly commit: Statement
  readonly usage: SqliteUsage
  synchronous: 'FULL' | 'NORMAL'
}

/** A connection for what awaits nothing. */
interface Glancer {
  readonly facts: SqliteFacts
  readonly begin: Statement
  readonly end: Statement
}

export class SqliteStore implements Store {
  readonly path: string
  readonly dryRun: boolean
  readonly #access: StoreOptions['access']
  readonly #busyTimeoutMs: number
  readonly #mostEndUsers: number | undefined
  readonly #onReplaced: () => void
  /** That the connections are on. */
  #file: FileId | undefined
  #log: readonly FileId[] = []
  /** That the path has led to before, with its log, until there is another. */
  #left: { readonly file: FileId; readonly log: readonly FileId[] } | undefined
  #freshUntil = 0
  #closing: Promise<unknown> = Promise.resolve()
  #reader: Connection | undefined
  #writer: Writer | undefined
  #glancer: Glancer | undefined
  #line: string | undefined
  #reads: Promise<unknown> = Promise.resolve()
  #closed = false
  readonly #beforeClose: (() => Promise<void>)[] = []

  readonly latest: Store['latest'] = {
    keyAt: (key, moment, refuses) => this.glance(facts => facts.keyAt(key, moment, refuses)),
    frees: (limit, moment, downTo) => this.glance(facts => facts.frees(limit, moment, downTo)),
    prices: () => this.glance(facts => facts.prices()),
  }

  readonly usage: UsageBook = {
    charge: (keyId, used, pricing) => this.tally('NORMAL', usage => usage.charge(keyId, used, pricing)),
    enter: (groups, at) => this.tally('FULL', usage => usage.enter(groups, at)),
    reserve: (key, moment, refuses, decide) =>
      this.tally('NORMAL', usage => usage.reserve(key, moment, refuses, decide)),
    settle: (id, used, pricing) => this.tally('NORMAL', usage => usage.settle(id, used, pricing)),
    release: id => this.tally('NORMAL', usage => usage.release(id)),
    addDenials: rows => this.tally('NORMAL', usage => usage.addDenials(rows)),
  }

  constructor(options: StoreOptions) {
    this.path = options.path
    this.dryRun = options.dryRun
    this.#access = options.access
    this.#busyTimeoutMs = options.busyTimeoutMs
    this.#mostEndUsers = options.mostEndUsers
    this.#onReplaced = options.onReplaced ?? (() => {})
  }

  /** Whether `write` can be called at all. */
  get isWritable(): boolean {
    return this.#access === 'write'
  }

  /** Opens the file and checks that it is a current Latchkey database; without this, the first use does. */
  open(): void {
    this.#follow()
    if (this.#access === 'read') this.#read()
    else this.#write()
  }

  /** Runs `work` on one snapshot of the database. */
  read<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const run = this.#reads.then(async () => {
      this.#follow()
      const reader = this.#read()
      const { client } = reader
      return guarded(this.path, async () => {
        const database = await databaseOf(reader)
        client.run('BEGIN')
        try {
          const result = await work(database)
          requireUnchanged(client)
          return result
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
   * Runs `work`, which awaits nothing, on one snapshot of the database, at once: on a connection of its own, so that
   * a verdict never waits for a long report.
   */
  glance<T>(work: (facts: SqliteFacts) => T): T {
    try {
      if (performance.now() >= this.#freshUntil) this.#follow()
      this.#glancer ??= glancerOn(this.#connect(openReader))
      const { facts, begin, end } = this.#glancer
      begin.run()
      try {
        const result = work(facts)
        requireUnchanged(facts.client)
        return result
      } finally {
        end.run()
      }
    } catch (error) {
      throw translate(error, this.path)
    }
  }

  /**
   * Runs `work`, which awaits nothing, as one transaction: at once when nothing else of this process is writing, in
   * line otherwise. FULL is on disk, power loss included, when the promise resolves; NORMAL survives a crash of the process
   * but, until the next checkpoint or administrative write, not a loss of power.
   */
  async tally<T>(synchronous: 'FULL' | 'NORMAL', work: (usage: SqliteUsage) => T): Promise<T> {
    this.#follow()
    const writer = this.#writer
    if (writer !== undefined && this.#line !== undefined && !lines.has(this.#line)) {
      const done = this.#tallyNow(writer, synchronous, work)
      if (done !== waits) return done
    }
    return this.#transact(synchronous, async () => work(this.#write().usage))
  }

  /** `waits` when another process is writing. */
  #tallyNow<T>(
    writer: Writer,
    synchronous: 'FULL' | 'NORMAL',
    work: (usage: SqliteUsage) => T,
  ): T | typeof waits {
    const { client, facts, usage, begin, commit } = writer
    try {
      setSynchronous(writer, synchronous)
      try {
        begin.run()
      } catch (error) {
        if (codeOf(error).startsWith('SQLITE_BUSY')) return waits
        throw error
      }
      try {
        facts.begun()
        const result = work(usage)
        if (this.dryRun) client.run('ROLLBACK')
        else {
          commit.run()
          facts.committed()
        }
        return result
      } catch (error) {
        if (client.inTransaction) client.run('ROLLBACK')
        throw error
      }
    } catch (error) {
      throw translate(error, this.path)
    }
  }

  /**
   * Passes on what `work` yields from one snapshot, on a connection of its own: the reader may take its time and use
   * the store meanwhile.
   */
  async *stream<T>(work: (snapshot: Snapshot) => AsyncIterable<T>): AsyncGenerator<T> {
    this.#follow()
    const connection = this.#connect(openReader)
    const { client, facts } = connection
    try {
      client.run('BEGIN')
      yield* work({
        facts,
        keys: (query, size) => facts.keys(query, size),
        database: () => databaseOf(connection),
      })
    } catch (error) {
      throw translate(error, this.path)
    } finally {
      client.close()
    }
  }

  /** Has work done when the store is closed, while it still can be; it must not throw. */
  beforeClose(work: () => Promise<void>): void {
    this.#beforeClose.push(work)
  }

  /** Waits for what is under way, then closes. */
  async close(): Promise<void> {
    for (const work of this.#beforeClose.splice(0)) await work()
    this.#closed = true
    await this.#reads
    this.#reader?.client.close()
    this.#reader = undefined
    this.#glancer?.facts.client.close()
    this.#glancer = undefined
    if (this.#writer) {
      const { client } = this.#writer
      this.#writer = undefined
      await oneAtATime(lineOf(this.path), async () => client.close())
    }
    await this.#closing
  }

  #transact<T>(synchronous: 'FULL' | 'NORMAL', work: (database: Database) => Promise<T>): Promise<T> {
    return oneAtATime(this.#line ?? lineOf(this.path), () =>
      guarded(this.path, async () => {
        this.#follow()
        const writer = this.#write()
        const database = await databaseOf(writer)
        setSynchronous(writer, synchronous)
        await beginImmediate(writer.client, this.#busyTimeoutMs)
        writer.facts.begun()
        try {
          const result = await work(database)
          // That may have taken long.
          if (!isSame(fileAt(this.path), writer.file)) throw replaced(this.path)
          writer.client.run(this.dryRun ? 'ROLLBACK' : 'COMMIT')
          return result
        } catch (error) {
          if (writer.client.inTransaction) writer.client.run('ROLLBACK')
          throw error
        }
      }),
    )
  }

  /** Lets go of a file that the path no longer leads to. */
  #follow(): void {
    this.#freshUntil = performance.now() + glancesPerLookMs
    const file = this.#file
    if (file === undefined || isSame(fileAt(this.path), file)) return
    this.#left = { file, log: this.#log }
    this.#file = undefined
    const [reader, glancer, writer] = [this.#reader, this.#glancer, this.#writer]
    const line = this.#line ?? lineOf(this.path)
    this.#reader = undefined
    this.#glancer = undefined
    this.#writer = undefined
    this.#line = undefined
    glancer?.facts.client.close()
    // What is under way ends on the file that it began on.
    const closed = [
      this.#reads.then(() => reader?.client.close()),
      oneAtATime(line, async () => writer?.client.close()),
    ]
    this.#closing = Promise.all([this.#closing, ...closed])
  }

  #connect(open: (path: string) => Client): Connection {
    if (this.#closed) {
      throw new LatchkeyError('invalid', 'this Latchkey is closed', 'open another with openLatchkey')
    }
    const file = fileAt(this.path)
    const left = this.#left
    const isOther = left !== undefined && file !== nowhere && !isSame(file, left.file)
    if (isOther) requireOwnLog(this.path, left.log)
    const client = connect(this.path, open)
    this.#file ??= file
    this.#log = logFilesOf(this.path)
    this.#left = undefined
    if (isOther) this.#onReplaced()
    return { client, facts: new SqliteFacts(client, this.#mostEndUsers), file }
  }

  #read(): Connection {
    this.#reader ??= this.#connect(openReader)
    return this.#reader
  }

  #write(): Writer {
    if (this.#access === 'read') {
      throw new LatchkeyError(
        'unexpected',
        'a reading command tried to write',
        'this is a mistake in Latchkey: please report it',
      )
    }
    if (this.#writer === undefined) {
      const { client, file } = this.#connect(openWriter)
      // A writing transaction has its snapshot from the start.
      const facts = new SqliteFacts(client, this.#mostEndUsers, () => client.changeCounter())
      this.#writer = orClosed(client, () => ({
        client,
        file,
        facts,
        usage: new SqliteUsage(facts),
        begin: client.keep('BEGIN IMMEDIATE'),
        commit: client.keep('COMMIT'),
        synchronous: 'FULL',
      }))
      this.#line = lineOf(this.path)
    }
    return this.#writer
  }
}

/**
 * Milliseconds for which a look at the path holds for glances: with a look for each, verdicts take a fifth longer. One
 * that began before the file was replaced could say the same.
 */
const glancesPerLookMs = 1

/** What a write that cannot begin at once answers. */
const waits = Symbol('waits')

function setSynchronous(writer: Writer, synchronous: 'FULL' | 'NORMAL'): void {
  if (writer.synchronous === synchronous) return
  writer.client.run(`PRAGMA synchronous = ${synchronous}`)
  writer.synchronous = synchronous
}

/** Address space for pages that are read where they lie: every write of another connection empties a page cache. */
const mappedBytes = 256 * 1024 * 1024

function mapped(client: Client): Client {
  client.run(`PRAGMA mmap_size = ${mappedBytes}`)
  return client
}

const glancerOn = ({ client, facts }: Connection): Glancer =>
  orClosed(mapped(client), () => ({ facts, begin: client.keep('BEGIN'), end: client.keep('ROLLBACK') }))

function connect(path: string, open: (path: string) => Client): Client {
  const client = open(path)
  try {
    requireCurrent(client, path)
  } catch (error) {
    client.close()
    throw translate(error, path)
  }
  return client
}

const replaced = (path: string): LatchkeyError =>
  new LatchkeyError(
    'busy',
    `${path} was moved, removed or replaced while it was written to, and nothing was changed`,
    'run it again',
  )

async function databaseOf(connection: Connection): Promise<Database> {
  connection.database ??= (await import('./drizzle.ts')).databaseOn(connection.client, connection.facts)
  return connection.database
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
      await Bun.sleep(Math.random() * 10)
    }
  }
}

/** The writes to one file, from whichever connection of this process, stand in one line. */
const lines = new Map<string, Promise<unknown>>()

function oneAtATime<T>(name: string, work: () => Promise<T>): Promise<T> {
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
