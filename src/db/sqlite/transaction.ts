/**
 * The only access to the tables. Writes are BEGIN IMMEDIATE transactions, one at a time within the process, so that an
 * `await` inside one cannot let in statements of another. Reads see one snapshot. A dry run does all the work and rolls
 * back.
 *
 * If an open file is moved or deleted, its connection continues with a file that nobody else sees. So each transaction
 * first checks where the path leads, and begins on the file that is there. A restore in place changes the contents of
 * the same file, which needs none of this.
 */

import type { Statement } from 'bun:sqlite'
import { realpathSync, statSync } from 'node:fs'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import type { Database, Snapshot, Store, UsageBook } from '../engine.ts'
import type { Client } from './client.ts'
import { translate } from './errors.ts'
import { SqliteFacts } from './facts.ts'
import { type FileId, fileAt, isSame, logFilesOf, nowhere, requireOwnLog } from './file-id.ts'
import { type Durability, GroupCommit, setSynchronous, type Writer, writerOn } from './group-commit.ts'
import { KnownKeys } from './known-keys.ts'
import { openReader, openWriter, requireCurrent, requireUnchanged } from './open.ts'
import { PastDays } from './past-days.ts'
import type { SqliteUsage } from './usage-book.ts'

export interface StoreOptions {
  readonly path: string
  /** `read` never changes the database or its WAL. */
  readonly access: 'read' | 'write'
  /** Roll back instead of committing. */
  readonly dryRun: boolean
  /** How long a write waits for a transaction of another process. */
  readonly busyTimeoutMs: number
  /** How many end users a key may have. */
  readonly mostEndUsers?: number | undefined
  /** Called when another file took the place of the open one, and was opened. */
  readonly onReplaced?: (() => void) | undefined
  /** Whether verdicts of a turn of the event loop share a snapshot, for a millisecond at most. */
  readonly verdictsByTurn?: boolean | undefined
}

interface Connection {
  readonly client: Client
  readonly facts: SqliteFacts
  /** The file that the path led to when it was opened. */
  readonly file: FileId
  /** Set once a query has run. */
  database?: Database
  /** Set once there was work that awaits nothing. */
  glancer?: Glancer
}

/** What work that awaits nothing needs of a connection. */
interface Glancer {
  readonly facts: SqliteFacts
  readonly keys: KnownKeys
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
  readonly #verdictsByTurn: boolean
  /** On which verdicts of this turn of the event loop share a snapshot, and how long. */
  #shared: Connection | undefined
  #sharedUntil = 0
  /** The file of the connections. */
  #file: FileId | undefined
  #log: readonly FileId[] = []
  /** The previous file of the path and its log, until the next one is opened. */
  #left: { readonly file: FileId; readonly log: readonly FileId[] } | undefined
  #freshUntil = 0
  #closing: Promise<unknown> = Promise.resolve()
  #reader: Connection | undefined
  #writer: (Connection & Writer) | undefined
  #glancer: Connection | undefined
  #line: string | undefined
  readonly #group: GroupCommit
  #reads: Promise<unknown> = Promise.resolve()
  #closed = false
  readonly #beforeClose: (() => Promise<void>)[] = []

  readonly latest: Store['latest'] = {
    keyAt: (key, moment, refuses) =>
      this.#look(({ keys }) => keys.known(key, moment, refuses)) ??
      this.glance((_, keys) => keys.keyAt(key, moment, refuses)),
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
    this.#verdictsByTurn = options.verdictsByTurn ?? false
    this.#group = new GroupCommit({
      ...options,
      writer: () => {
        this.#follow()
        return this.#write()
      },
      isFree: () => this.#line !== undefined && !lines.has(this.#line),
      inLine: persist => oneAtATime(this.#line ?? lineOf(this.path), persist),
    })
  }

  /** Whether `write` may be called. */
  get isWritable(): boolean {
    return this.#access === 'write'
  }

  /** Opens the file and checks that it is a current Latchkey database. Otherwise the first use does. */
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

  /** Runs `work` as one transaction. When the promise resolves, it is on disk and survives a power loss. */
  write<T>(work: (database: Database) => Promise<T>): Promise<T> {
    return this.#transact('FULL', work)
  }

  /** Runs `work`, which awaits nothing, on one snapshot at once: a verdict never waits for a long report. */
  glance<T>(work: (facts: SqliteFacts, keys: KnownKeys) => T): T {
    return this.#look(({ facts, keys, begin, end }) => {
      const isShared = this.#shared !== undefined
      if (!isShared) begin.run()
      try {
        const result = work(facts, keys)
        requireUnchanged(facts.client)
        return result
      } finally {
        if (!isShared) end.run()
      }
    })
  }

  #look<T>(work: (glancer: Glancer) => T): T {
    try {
      const now = performance.now()
      if (now >= this.#freshUntil) this.#follow()
      // In a turn that takes long, Bun hears requests that were sent after it began.
      if (now >= this.#sharedUntil) this.#endShared()
      const connection = this.#shared ?? this.#betweenTransactions()
      connection.glancer ??= glancerOn(connection, this.#mostEndUsers)
      if (this.#verdictsByTurn && this.#shared === undefined) {
        connection.glancer.begin.run()
        this.#shared = connection
        this.#sharedUntil = now + glancesPerLookMs
        setImmediate(this.#endShared)
      }
      return work(connection.glancer)
    } catch (error) {
      throw translate(error, this.path)
    }
  }

  /** At the end of the turn, after a millisecond, and wherever a transaction or another file follows. */
  readonly #endShared = (): void => {
    const shared = this.#shared
    this.#shared = undefined
    if (shared?.client.inTransaction) shared.glancer?.end.run()
  }

  /**
   * The writing connection keeps its page cache when it commits, and every other one loses it: verdicts between records take half
   * as long on it. Inside a transaction it would show what is not committed.
   */
  #betweenTransactions(): Connection {
    if (this.#writer?.client.inTransaction === false) return this.#writer
    this.#glancer ??= this.#connect(openReader)
    return this.#glancer
  }

  /**
   * Runs `work`, which awaits nothing, in one transaction with whatever else waits for one, in the order of the calls. What
   * fails is undone alone, and the others with it are done again.
   */
  tally<T>(durability: Durability, work: (usage: SqliteUsage) => T): Promise<T> {
    return this.#group.run(durability, work)
  }

  /** Runs `work` while nobody else runs such work on the file. */
  async alone<T>(patience: 'usual' | 'none', work: () => Promise<T>): Promise<T> {
    const { alone } = await import('./alone.ts')
    return alone(this.path, patience === 'usual' ? this.#busyTimeoutMs : 0, work)
  }

  size() {
    const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0
    return { bytes: sizeOf(this.path), walBytes: sizeOf(`${this.path}-wal`) }
  }

  /**
   * Yields what `work` yields from one snapshot, on its own connection. The reader may take its time and use the store
   * meanwhile.
   */
  async *stream<T>(work: (snapshot: Snapshot) => AsyncIterable<T>): AsyncGenerator<T> {
    this.#follow()
    const connection = this.#connect(openReader)
    const { client, facts } = connection
    try {
      client.run(`PRAGMA cache_size = -${streamCacheKiB}`)
      client.run('BEGIN')
      yield* work({
        facts,
        keys: query => facts.keys(query),
        database: () => databaseOf(connection),
      })
    } catch (error) {
      throw translate(error, this.path)
    } finally {
      client.close()
    }
  }

  /** Registers work for when the store closes, while the database can still be used. It must not throw. */
  beforeClose(work: () => Promise<void>): void {
    this.#beforeClose.push(work)
  }

  /** Waits for running work, then closes. */
  async close(): Promise<void> {
    for (const work of this.#beforeClose.splice(0)) await work()
    this.#group.begin()
    this.#closed = true
    await this.#reads
    this.#endShared()
    this.#reader?.client.close()
    this.#reader = undefined
    this.#glancer?.client.close()
    this.#glancer = undefined
    if (this.#writer) {
      const { client } = this.#writer
      this.#writer = undefined
      await oneAtATime(lineOf(this.path), async () => client.close())
    }
    await this.#closing
  }

  #transact<T>(durability: Durability, work: (database: Database) => Promise<T>): Promise<T> {
    return oneAtATime(this.#line ?? lineOf(this.path), () =>
      guarded(this.path, async () => {
        this.#follow()
        const writer = this.#write()
        const database = await databaseOf(writer)
        await beginImmediate(writer.client, this.#busyTimeoutMs, () => {
          this.#endShared()
          setSynchronous(writer, durability)
        })
        writer.facts.begun()
        try {
          const result = await work(database)
          // That may have taken long.
          if (!isSame(fileAt(this.path), writer.file)) throw replaced(this.path)
          writer.client.run(this.dryRun ? 'ROLLBACK' : 'COMMIT')
          // Verdicts that were asked for meanwhile share a snapshot from before it.
          this.#endShared()
          return result
        } catch (error) {
          if (writer.client.inTransaction) writer.client.run('ROLLBACK')
          throw error
        }
      }),
    )
  }

  /** Closes connections to a file that the path no longer leads to. */
  #follow(): void {
    const now = performance.now()
    // The writing connection knows its file by the name that all links lead to. Only its device it does not compare.
    const isFresh = now < this.#freshUntil && this.#line === this.path
    if (isFresh && this.#writer?.client.hasMoved() === false) return
    this.#freshUntil = now + glancesPerLookMs
    const file = this.#file
    if (file === undefined || isSame(fileAt(this.path), file)) return
    this.#endShared()
    this.#left = { file, log: this.#log }
    this.#file = undefined
    const [reader, glancer, writer] = [this.#reader, this.#glancer, this.#writer]
    const line = this.#line ?? lineOf(this.path)
    this.#reader = undefined
    this.#glancer = undefined
    this.#writer = undefined
    this.#line = undefined
    glancer?.client.close()
    // Running work ends on the file that it began on.
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

  #write(): Connection & Writer {
    this.#endShared()
    if (this.#access === 'read') {
      throw new LatchkeyError(
        'unexpected',
        'a reading command tried to write',
        'this is a mistake in Latchkey: please report it',
      )
    }
    if (this.#writer === undefined) {
      const { client, file } = this.#connect(openWriter)
      this.#writer = { ...writerOn(client, this.#mostEndUsers), file }
      this.#line = lineOf(this.path)
    }
    return this.#writer
  }
}

/**
 * How long, in milliseconds, fast reads rely on a look at the path, and on a snapshot that they share. Looking each time makes
 * verdicts a fifth slower. A read that began before the change could return the same.
 */
const glancesPerLookMs = 1

/** A stream looks up what belongs to each row, all over the file. Mapped pages would be faster still, but count as memory. */
const streamCacheKiB = 16 * 1024

/** Address space for reading pages in place, because every write of another connection empties a page cache. */
const mappedBytes = 256 * 1024 * 1024

function glancerOn(
  { client, usage }: Connection & Partial<Writer>,
  mostEndUsers: number | undefined,
): Glancer {
  client.run(`PRAGMA mmap_size = ${mappedBytes}`)
  const facts = new SqliteFacts(client, mostEndUsers)
  const pastDays = new PastDays()
  const keys = new KnownKeys(facts)
  facts.pastDays = pastDays
  if (usage)
    usage.onCounted = counted => {
      pastDays.counted(counted)
      keys.counted(counted)
    }
  return { facts, keys, begin: client.keep('BEGIN'), end: client.keep('ROLLBACK') }
}

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

/** Tries again with short pauses, so that waiting for another process does not block the event loop. */
async function beginImmediate(client: Client, timeoutMs: number, prepare: () => void): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    prepare()
    try {
      client.run('BEGIN IMMEDIATE')
      return
    } catch (error) {
      if (!codeOf(error).startsWith('SQLITE_BUSY') || performance.now() >= deadline) throw error
      await Bun.sleep(Math.random() * 10)
    }
  }
}

/** All writes to one file within this process, from any connection, share a queue. */
const lines = new Map<string, Promise<unknown>>()

function oneAtATime<T>(name: string, work: () => Promise<T>): Promise<T> {
  const run = (lines.get(name) ?? Promise.resolve()).then(async () => {
    try {
      return await work()
    } finally {
      // Before whoever was told of the end gets to write again: then it need not stand in line.
      if (lines.get(name) === settled) lines.delete(name)
    }
  })
  const settled: Promise<unknown> = run.catch(() => {})
  lines.set(name, settled)
  return run
}

function lineOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
