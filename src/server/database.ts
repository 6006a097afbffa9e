/**
 * The database behind the server: one Latchkey, which begins each transaction on the file that the path leads to then,
 * and a recorder on it. Opened by the first who asks, and again by whoever asks whether it is ready.
 */
import type { Latchkey, Recorder } from '../index.ts'

export interface Opened {
  readonly latchkey: Latchkey
  readonly recorder: Promise<Recorder>
}

/** Milliseconds that usage waits for more of it, to be written in one transaction. */
const gatherMs = 5
/** Milliseconds that it waits for another process to let go: shorter than clients do, who are then told. */
const patienceMs = 20_000
/** Milliseconds that being ready holds: anybody may ask for it, and each look would hold up the verdicts of others. */
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
      latchkey.open()
      return {
        latchkey,
        recorder: latchkey.usage.createRecorder({ flushEvery: gatherMs, patience: patienceMs }),
      }
    } catch (error) {
      latchkey.close().catch(() => {})
      throw error
    }
  }

  /**
   * Whether the database is there, and a new process could look something up in it; many who ask at once share a look.
   *
   * @throws as `get`
   */
  async requireReady(): Promise<void> {
    // First those connections that know what was there before: a new one would play the log of another file.
    this.get().latchkey.open()
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
      latchkey.open()
      await latchkey.keys.verify('nobody-has-this-secret')
    } finally {
      await latchkey.close()
    }
  }

  /** Waits for what is under way, puts all usage on disk, then closes. */
  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.latchkey.close()
  }
}
