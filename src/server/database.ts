/**
 * The database of the server: one Latchkey and a recorder on it. Each transaction begins on the file that is at the path
 * at that time. The first request opens it; readiness checks open it again.
 */
import type { Latchkey, Recorder } from '../index.ts'

export interface Opened {
  readonly latchkey: Latchkey
  readonly recorder: Promise<Recorder>
}

/** Milliseconds to wait for another process's lock: less than clients wait, so that they get an error. */
const patienceMs = 20_000
/** Milliseconds that a readiness result is used: anybody may ask, and each check would delay verdicts. */
const readyHoldsMs = 50

export class LiveDatabase {
  readonly #connect: () => Latchkey
  #opened: Opened | undefined
  #readyUntil = 0
  #looking: Promise<void> | undefined

  constructor(connect: () => Latchkey) {
    this.#connect = connect
  }

  /** @throws database_missing, database_foreign, schema_older, schema_newer, corrupt, permission, conflict */
  get(): Opened {
    this.#opened ??= this.#open()
    return this.#opened
  }

  #open(): Opened {
    const latchkey = this.#connect()
    try {
      // A server that cannot be reached is told of by the first use.
      Promise.resolve(latchkey.open()).catch(() => {})
      return {
        latchkey,
        // Each request is written at once; those that arrive together share a transaction.
        recorder: latchkey.usage.createRecorder({ maxPending: 1, patience: patienceMs }),
      }
    } catch (error) {
      latchkey.close().catch(() => {})
      throw error
    }
  }

  /**
   * Checks that the database exists and that a new process could use it. Concurrent calls share one check.
   *
   * @throws as `get`
   */
  async requireReady(): Promise<void> {
    // First the existing connections, which know the old file: a new one would apply the log of another file.
    await this.get().latchkey.open()
    if (performance.now() < this.#readyUntil) return
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    await this.#looking
    this.#readyUntil = performance.now() + readyHoldsMs
  }

  async #look(): Promise<void> {
    const latchkey = this.#connect()
    try {
      await latchkey.open()
      await latchkey.keys.verify('nobody-has-this-secret')
    } finally {
      await latchkey.close()
    }
  }

  /** Waits for running work, writes all usage to disk, then closes. */
  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.latchkey.close()
  }
}
