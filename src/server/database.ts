/**
 * The database behind the server: always the one that the path leads to. A connection goes on with a file that was
 * moved or deleted under it, which nobody else sees; so the file is looked at with every request, and one that took its
 * place is opened. A restore in place changes the contents of the same file, which needs none of this.
 */
import { statSync } from 'node:fs'
import { LatchkeyError } from '../contract/errors.ts'
import type { Latchkey, Recorder } from '../index.ts'

export interface Opened {
  readonly latchkey: Latchkey
  readonly recorder: Promise<Recorder>
  /** Device and inode, as long as the path leads there. */
  readonly file: string
  readonly log: string
}

/** Milliseconds that usage waits for more of it, to be written in one transaction. */
const gatherMs = 5
/** Milliseconds that it waits for another process to let go: shorter than clients do, who are then told. */
const patienceMs = 20_000
/** Milliseconds that being ready holds: anybody may ask for it, and each look would hold up the verdicts of others. */
const readyHoldsMs = 50

export class LiveDatabase {
  readonly #path: string
  readonly #connect: () => Latchkey
  /** Told when another file has taken the place of the one in use. */
  readonly #onReplaced: () => void
  #opened: Opened | undefined
  /** The write-ahead log that the file before has left. */
  #left = ''
  #readyUntil = 0
  #looking: Promise<void> | undefined
  readonly #closing = new Set<Promise<void>>()

  constructor(path: string, connect: () => Latchkey, onReplaced: () => void) {
    this.#path = path
    this.#connect = connect
    this.#onReplaced = onReplaced
  }

  /** @throws database_missing, database_foreign, schema_older, schema_newer, corrupt, permission, conflict */
  get(): Opened {
    const opened = this.#opened
    if (opened !== undefined && this.isCurrent(opened)) return opened
    if (opened !== undefined) this.#retire(opened)
    this.#requireOwnLog()
    const latchkey = this.#connect()
    try {
      latchkey.open()
      const recorder = latchkey.usage.createRecorder({ flushEvery: gatherMs, patience: patienceMs })
      this.#opened = { latchkey, recorder, file: fileAt(this.#path), log: fileAt(`${this.#path}-wal`) }
      return this.#opened
    } catch (error) {
      this.#finish(latchkey)
      throw error
    }
  }

  /** Whether what was done there was done on the file that the path leads to now. */
  isCurrent(opened: Opened): boolean {
    return opened === this.#opened && opened.file === fileAt(this.#path)
  }

  /**
   * Opens the database once more as a new process would, and looks something up in it; many who ask at once share a look.
   *
   * @throws as `get`
   */
  async requireReady(): Promise<void> {
    this.get()
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
    await Promise.all(this.#closing)
  }

  #retire(opened: Opened): void {
    this.#opened = undefined
    this.#left = opened.log
    this.#readyUntil = 0
    this.#finish(opened.latchkey)
    this.#onReplaced()
  }

  /** What could not be written to a file that is gone was answered as such. */
  #finish(latchkey: Latchkey): void {
    const closed = latchkey.close().catch(() => {})
    this.#closing.add(closed)
    closed.then(() => this.#closing.delete(closed))
  }

  /** SQLite would play the log of the file before into the one that took its place. */
  #requireOwnLog(): void {
    if (this.#left === '' || this.#left !== fileAt(`${this.#path}-wal`) || fileAt(this.#path) === '') return
    throw new LatchkeyError(
      'corrupt',
      `${this.#path} was replaced, and the write-ahead log of the file before still lies beside it`,
      `stop the server, remove ${this.#path}-wal and ${this.#path}-shm, start it again; latchkey restore does it all`,
    )
  }
}

/** Device and inode; empty when there is no file. */
function fileAt(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.dev}:${stat.ino}`
}
