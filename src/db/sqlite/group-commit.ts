/**
 * Group commit: work that arrives together shares one transaction, and each caller is told once that is committed. Work
 * that throws is undone alone. Nothing waits for more work to come: a transaction takes what waits when it gets the lock.
 */
import type { Statement } from 'bun:sqlite'
import { codeOf } from '../../contract/failure.ts'
import { type Client, orClosed } from './client.ts'
import { translate } from './errors.ts'
import { SqliteFacts } from './facts.ts'
import { SqliteUsage } from './usage-book.ts'

/** FULL is on disk, power loss included, once committed. NORMAL survives a crash of the process, but not yet a loss of power. */
export type Durability = 'FULL' | 'NORMAL'

/** A connection for writing, with the statements that every transaction needs. */
export interface Writer {
  readonly client: Client
  readonly facts: SqliteFacts
  readonly usage: SqliteUsage
  readonly begin: Statement
  readonly commit: Statement
  /** Around a part that can be undone alone. */
  readonly part: { readonly begin: Statement; readonly undo: Statement; readonly end: Statement }
  synchronous: Durability
}

export function writerOn(client: Client, mostEndUsers?: number): Writer {
  // A writing transaction has its snapshot from the start.
  const facts = new SqliteFacts(client, mostEndUsers, () => client.changeCounter())
  return orClosed(client, () => ({
    client,
    facts,
    usage: new SqliteUsage(facts),
    begin: client.keep('BEGIN IMMEDIATE'),
    commit: client.keep('COMMIT'),
    part: {
      begin: client.keep('SAVEPOINT part'),
      undo: client.keep('ROLLBACK TO part'),
      end: client.keep('RELEASE part'),
    },
    synchronous: 'FULL',
  }))
}

export function setSynchronous(writer: Writer, synchronous: Durability): void {
  if (writer.synchronous === synchronous) return
  writer.client.run(`PRAGMA synchronous = ${synchronous}`)
  writer.synchronous = synchronous
}

export interface GroupOptions {
  readonly path: string
  /** Roll back instead of committing, each work alone. */
  readonly dryRun: boolean
  /** How long work waits for another process's transaction. */
  readonly busyTimeoutMs: number
  /** The connection to the file that is at the path now. */
  readonly writer: () => Writer
  /** Whether nothing else of this process is writing. */
  readonly isFree: () => boolean
  /** Runs `persist` once nothing else of this process is writing. */
  readonly inLine: (persist: () => Promise<void>) => Promise<void>
}

interface Waiting {
  readonly durability: Durability
  readonly since: number
  readonly work: (usage: SqliteUsage) => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Work that failed, which its caller was told. */
const failed = Symbol('failed')

export class GroupCommit {
  readonly #options: GroupOptions
  readonly #begin = () => this.begin()
  #waiting: Waiting[] = []

  constructor(options: GroupOptions) {
    this.#options = options
  }

  /** Runs `work`, which awaits nothing and may be done twice, in the next transaction, in the order of the calls. */
  run<T>(durability: Durability, work: (usage: SqliteUsage) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) soonest[durability](this.#begin)
      const tell = resolve as Waiting['resolve']
      this.#waiting.push({ durability, since: performance.now(), work, resolve: tell, reject })
    })
  }

  /** Writes what waits, as soon as nothing else of this process is writing. */
  begin(): void {
    const { isFree, inLine } = this.#options
    if (isFree() && this.#writeAll() === null) return
    void inLine(() => this.#persist())
  }

  /** Tries again with short pauses, so that waiting for another process does not stop this one's event loop. */
  async #persist(): Promise<void> {
    const begun = performance.now()
    for (let busy = this.#writeAll(); busy !== null; busy = this.#writeAll()) {
      const over = performance.now() - this.#options.busyTimeoutMs
      const late = this.#waiting.filter(({ since }) => Math.max(since, begun) <= over)
      this.#waiting = this.#waiting.filter(each => !late.includes(each))
      for (const { reject } of late) reject(busy)
      await Bun.sleep(Math.random() * 10)
    }
  }

  /** Null once nothing waits any longer, otherwise the error of a database that another process is writing to. */
  #writeAll(): unknown {
    const { dryRun } = this.#options
    while (this.#waiting.length > 0) {
      const group = this.#waiting.slice(0, dryRun ? 1 : mostTogether)
      const busy = this.#write(group)
      if (busy !== null) return busy
      this.#waiting.splice(0, group.length)
    }
    return null
  }

  /** One transaction, and everyone in it is told. If it cannot begin yet, nobody is, and the answer is why. */
  #write(group: readonly Waiting[]): unknown {
    const { path, dryRun } = this.#options
    const refuse = (error: unknown): null => {
      const failure = translate(error, path)
      for (const { reject } of group) reject(failure)
      return null
    }
    let writer: Writer
    try {
      writer = this.#options.writer()
      setSynchronous(writer, group.some(({ durability }) => durability === 'FULL') ? 'FULL' : 'NORMAL')
      writer.begin.run()
    } catch (error) {
      return codeOf(error).startsWith('SQLITE_BUSY') ? translate(error, path) : refuse(error)
    }
    const { client, usage, commit } = writer
    let results: readonly unknown[]
    try {
      usage.begun()
      results = group.length === 1 ? allOf(group, usage) : this.#together(writer, group)
      if (dryRun) {
        client.run('ROLLBACK')
        usage.undone()
      } else {
        commit.run()
        usage.committed()
      }
    } catch (error) {
      usage.undone()
      if (client.inTransaction) client.run('ROLLBACK')
      return refuse(error)
    }
    for (const [index, { resolve }] of group.entries()) {
      if (results[index] !== failed) resolve(results[index])
    }
    return null
  }

  /** Nearly always all succeed. If one does not, all are undone and done again, each in a part that can be undone alone. */
  #together(writer: Writer, group: readonly Waiting[]): readonly unknown[] {
    try {
      return inPart(writer, () => allOf(group, writer.usage))
    } catch (error) {
      if (!writer.client.inTransaction) throw error
    }
    return group.map(each => this.#alone(writer, each))
  }

  #alone(writer: Writer, { work, reject }: Waiting): unknown {
    try {
      return inPart(writer, () => work(writer.usage))
    } catch (error) {
      if (!writer.client.inTransaction) throw error
      reject(translate(error, this.#options.path))
      return failed
    }
  }
}

const allOf = (group: readonly Waiting[], usage: SqliteUsage): readonly unknown[] =>
  group.map(({ work }) => work(usage))

/** If `work` throws, what it did is undone, unless the error, such as a full disk, has ended the whole transaction. */
function inPart<T>({ client, usage, part }: Writer, work: () => T): T {
  part.begin.run()
  try {
    const result = work()
    part.end.run()
    return result
  } catch (error) {
    if (client.inTransaction) {
      part.undo.run()
      usage.undone()
      part.end.run()
    }
    throw error
  }
}

/**
 * Once the callers of this moment have called. Next to the wait for a disk, the end of this turn of the event loop is soon, and
 * by then every request that has arrived is heard.
 */
const soonest: Readonly<Record<Durability, (begin: () => void) => void>> = {
  NORMAL: queueMicrotask,
  FULL: setImmediate,
}

/** So that other processes get the lock in between. */
const mostTogether = 1_000
