/**
 * Lends connections, each to one user at a time. One that idled is asked whether it still works before it is lent, because
 * the first statement after a restart of the server would fail. Statements that write are never repeated here, except where
 * the server said that it has undone them.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import { Connection, type ConnectionOptions, type Parameter } from './connection.ts'
import { isDeadlock, isLost, translate, unknownOutcome } from './errors.ts'
import { mostTries, pauseAfter } from './locks.ts'
import { requireCurrent } from './schema.ts'
import type { Target } from './url.ts'

export interface PoolOptions extends ConnectionOptions {
  readonly size: number
  /** How long a caller waits for a connection that is free. */
  readonly waitMs: number
  /** Refuses a new connection by what it finds there. */
  readonly check?: (connection: Connection) => Promise<void>
}

interface Idle {
  readonly connection: Connection
  readonly since: number
}

/** Whether the work may be done again: if nothing is known of it, or if the server undid it. */
type How = 'once' | 'reads' | 'writes'

interface Waiting {
  readonly until: number
  /** What it is for, if others may do the same on it. */
  readonly how: 'reads' | 'writes' | undefined
  /** With a connection that was just given back; with none when there may be another one, or it is too late. */
  readonly wake: (connection?: Connection) => void
}

/** What gateways ask with every request, on statements that stay prepared, and everything else, beside each other. */
interface Pools {
  readonly hot: Pool
  readonly administration: Pool
}

/**
 * Both look at the schema on each new connection. To compile a statement takes the server longer than to run it.
 *
 * @param busyTimeoutMs how long anything waits for a connection or for a lock
 */
export function poolsOf(target: Target, busyTimeoutMs: number): Pools {
  const settings = {
    lock_timeout: String(busyTimeoutMs),
    idle_in_transaction_session_timeout: '60000',
    jit: 'off',
  }
  const shared = { waitMs: busyTimeoutMs, deadlineMs: answerMs, settings, check: requireCurrent }
  return {
    hot: new Pool(target, {
      ...shared,
      settings: { ...settings, ...hotSettings },
      size: target.pool,
      prepare: true,
      patient: false,
      // Whoever waits for a lock hears of it in time.
      deadlineMs: answerMs + busyTimeoutMs,
    }),
    administration: new Pool(target, { ...shared, size: administrators, prepare: false, patient: true }),
  }
}

/** How many connections one program may have at a time: both pools, a writer that waits and a stream. */
export const connectionsOf = ({ pool }: Target): number => pool + administrators + 2

/**
 * A plan is made once for each statement, whatever it is asked about. A commit survives a crash of this process at once, and one
 * of the server a moment later.
 */
const hotSettings = { plan_cache_mode: 'force_generic_plan', synchronous_commit: 'off' }

/** How long the server may be silent, in milliseconds. */
const answerMs = 5000

/** Connections for administration, besides those of streams and of a waiting writer. */
const administrators = 4

export class Pool {
  readonly #target: Target
  readonly #options: PoolOptions
  /** The one used last is lent first. */
  readonly #idle: Idle[] = []
  /** Whoever came first is first. */
  readonly #waiting: Waiting[] = []
  /** What single statements do on a connection, and how many are under way. */
  readonly #shared = new Map<Connection, { readonly how: 'reads' | 'writes'; readonly users: number }>()
  #waitingEnds: ReturnType<typeof setTimeout> | undefined
  #lent = 0
  #returned: PromiseWithResolvers<void> | undefined
  #count = 0
  /** Connections that idled then are asked, however short it was. */
  #doubtedAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(target: Target, options: PoolOptions) {
    this.#target = target
    this.#options = options
  }

  /** Runs `work`, once, on a connection that nobody else has meanwhile. @throws busy (none was free in time) */
  lend<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#lend(work, 'once')
  }

  /** Runs `work`, which only reads, and once more if its connection was lost. */
  ask<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#lend(work, 'reads')
  }

  /**
   * The rows of one statement, which is a transaction of its own and is repeated as by `ask` and `tell`. When no connection is
   * free, several of them share one: the server answers them one after another, and waits for nobody in between. What reads
   * never shares with what writes, because that may wait for a lock.
   */
  rows<Row>(
    text: string,
    parameters: readonly Parameter[] = [],
    how: 'reads' | 'writes' = 'reads',
  ): Promise<Row[]> {
    return this.#lend(connection => connection.rows<Row>(text, parameters), how, how)
  }

  /**
   * Runs `work`, which writes in one transaction, and again when the server undid it because of a deadlock.
   *
   * @throws unexpected (it was sent and its answer never came)
   */
  tell<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#lend(work, 'writes')
  }

  /** A connection that does not count, for streams and for who waits long: one that idles, or another. The caller gives it to `end`. */
  async open(): Promise<Connection> {
    if (this.#closed) throw closed()
    const idle = this.#fresh()
    if (idle === undefined) return this.#new()
    this.#count--
    idle.onLost = () => {}
    return idle
  }

  /** Ends what a connection of `open` was used for, and lends it to others if there is room. */
  async end(connection: Connection): Promise<void> {
    if (connection.isOpen) await connection.run('ROLLBACK').catch(() => connection.close())
    if (!connection.isOpen) return
    if (this.#closed || this.#count >= this.#options.size) {
      connection.close()
      return
    }
    this.#count++
    this.#adopt(connection)
    this.#giveBack(connection)
  }

  /** Waits for what is lent, then closes everything. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#waiting.length > 0) this.#wakeNext()
    if (this.#lent > 0) {
      this.#returned ??= Promise.withResolvers()
      await this.#returned.promise
    }
    for (const { connection } of this.#idle.splice(0)) connection.close()
  }

  /** @param shared what others may do on the connection meanwhile; nothing if it is not given */
  async #lend<T>(
    work: (connection: Connection) => Promise<T>,
    how: How,
    shared?: 'reads' | 'writes',
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      this.#lent++
      let connection: Connection | undefined
      try {
        connection = this.#fresh() ?? this.#shareable(shared) ?? (await this.#take(shared))
        if (shared !== undefined) this.#share(connection, shared)
        return await work(connection)
      } catch (error) {
        if (!this.#mayRepeat(error, how, tries)) throw this.#meaning(error, how, connection)
      } finally {
        if (connection !== undefined) this.#leave(connection)
        if (--this.#lent === 0) this.#returned?.resolve()
      }
      if (how === 'writes') await pauseAfter(tries)
    }
  }

  #mayRepeat(error: unknown, how: How, tries: number): boolean {
    if (how === 'writes') return isDeadlock(error) && tries < mostTries
    return how === 'reads' && isLost(error) && tries === 1 && !this.#closed
  }

  #meaning(error: unknown, how: How, connection: Connection | undefined): unknown {
    const { name } = this.#target
    const isUntold = how === 'writes' && connection !== undefined && isLost(error)
    return translate(isUntold ? unknownOutcome(name, error) : error, name)
  }

  /** One on which others do the same, unless there may be another one, or somebody waits for one. */
  #shareable(how: 'reads' | 'writes' | undefined): Connection | undefined {
    const mayShare =
      how !== undefined &&
      this.#target.prepare &&
      !this.#closed &&
      this.#count >= this.#options.size &&
      this.#idle.length === 0 &&
      this.#waiting.length === 0
    if (!mayShare) return undefined
    let least: Connection | undefined
    let fewest = mostUsers
    for (const [connection, shared] of this.#shared) {
      if (shared.how === how && shared.users < fewest && connection.isOpen)
        [least, fewest] = [connection, shared.users]
    }
    return least
  }

  #share(connection: Connection, how: 'reads' | 'writes'): void {
    this.#shared.set(connection, { how, users: (this.#shared.get(connection)?.users ?? 0) + 1 })
  }

  #leave(connection: Connection): void {
    const shared = this.#shared.get(connection)
    if (shared !== undefined && shared.users > 1) {
      this.#shared.set(connection, { ...shared, users: shared.users - 1 })
      return
    }
    this.#shared.delete(connection)
    if (connection.isOpen) this.#giveBack(connection)
  }

  /** One that need not be asked whether it works. */
  #fresh(): Connection | undefined {
    const idle = this.#idle.at(-1)
    if (idle === undefined || this.#closed || this.#isDoubtful(idle)) return undefined
    this.#idle.pop()
    return idle.connection
  }

  #giveBack(connection: Connection): void {
    if (this.#waiting.length > 0) this.#wakeNext(connection)
    else this.#idle.push({ connection, since: performance.now() })
  }

  /** @param how what others may do on it meanwhile */
  async #take(how?: 'reads' | 'writes'): Promise<Connection> {
    const until = performance.now() + this.#options.waitMs
    for (;;) {
      if (this.#closed) throw closed()
      const idle = this.#idle.pop()
      if (idle !== undefined) {
        if (await this.#works(idle)) return idle.connection
        continue
      }
      if (this.#count < this.#options.size) return await this.#connect()
      if (performance.now() >= until) throw allLent(this.#target.name, this.#options.size)
      const freed = await this.#freed(until, how)
      if (freed?.isOpen) return freed
    }
  }

  async #connect(): Promise<Connection> {
    this.#count++
    try {
      return this.#adopt(await this.#new())
    } catch (error) {
      this.#count--
      this.#wakeNext()
      throw error
    }
  }

  #adopt(connection: Connection): Connection {
    connection.onLost = () => {
      this.#count--
      this.#doubtedAt = performance.now()
      this.#wakeNext()
    }
    return connection
  }

  async #new(): Promise<Connection> {
    const connection = await Connection.open(this.#target, this.#options)
    try {
      await this.#options.check?.(connection)
      return connection
    } catch (error) {
      connection.close()
      throw translate(error, this.#target.name)
    }
  }

  #isDoubtful({ connection, since }: Idle): boolean {
    return !connection.isOpen || since < this.#doubtedAt || performance.now() - since >= longIdleMs
  }

  async #works(idle: Idle): Promise<boolean> {
    const { connection } = idle
    if (!connection.isOpen) return false
    if (!this.#isDoubtful(idle)) return true
    const silent = setTimeout(() => connection.close(), pingMs)
    try {
      await connection.run('SELECT 1')
      return true
    } catch {
      connection.close()
      return false
    } finally {
      clearTimeout(silent)
    }
  }

  /** The next one that is given back; undefined when there may be another one, or at the latest at `until`. */
  #freed(until: number, how: Waiting['how']): Promise<Connection | undefined> {
    const { promise, resolve } = Promise.withResolvers<Connection | undefined>()
    this.#waiting.push({ until, how, wake: resolve })
    this.#watch()
    return promise
  }

  #wakeNext(connection?: Connection): void {
    const first = this.#waiting.shift()
    first?.wake(connection)
    if (connection !== undefined && first?.how !== undefined && this.#target.prepare) {
      for (let users = 1; users < mostUsers && this.#waiting[0]?.how === first.how; users++)
        this.#waiting.shift()?.wake(connection)
    }
    if (this.#waiting.length > 0) return
    clearTimeout(this.#waitingEnds)
    this.#waitingEnds = undefined
  }

  /** One timer for all, because they wait equally long. */
  #watch(): void {
    const [first] = this.#waiting
    if (first === undefined || this.#waitingEnds !== undefined) return
    this.#waitingEnds = setTimeout(
      () => {
        this.#waitingEnds = undefined
        while ((this.#waiting[0]?.until ?? Number.POSITIVE_INFINITY) <= performance.now()) this.#wakeNext()
        this.#watch()
      },
      Math.max(1, first.until - performance.now()),
    )
  }
}

const longIdleMs = 1000

/** So many statements are answered within a few milliseconds. */
const mostUsers = 8

/** How long one that idled may take to say that it works. */
const pingMs = 2000

const closed = (): LatchkeyError =>
  new LatchkeyError('invalid', 'this Latchkey is closed', 'open another with openLatchkey')

const allLent = (name: string, size: number): LatchkeyError =>
  new LatchkeyError(
    'busy',
    `all ${size} connections to ${name} are in use`,
    'try again in a moment; for more at a time, raise pool= in the URL',
  )
