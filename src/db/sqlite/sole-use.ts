/**
 * Exclusive use of a database file, damaged or not, against every other process and any SQLite library. Its contents
 * are replaced within the file. If another file took its name instead, a process that has opened the old one without
 * using it yet could write a log under the name of the new one.
 *
 * SQLite's `unix-excl` takes its lock at the first query, before it reads the file, and releases it when the last
 * connection to the file closes. So even a file that is not a database can be locked.
 */
import { constants } from 'bun:sqlite'
import { rmSync } from 'node:fs'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import { sidecars } from '../../system/files.ts'
import { Client } from './client.ts'
import { copyBytes, copyOnce, translateNodeError } from './copy.ts'
import { translate } from './errors.ts'
import { isOpenHere } from './holders.ts'

export class SoleUse {
  readonly #path: string
  /** Runs no query. It keeps the lock while other connections open and close. */
  readonly #anchor: Client
  /** Holds the lock, and perhaps a log; undefined after the checkpoint. */
  #first: Client | undefined

  private constructor(path: string) {
    this.#path = path
    this.#anchor = connect(path)
  }

  /**
   * @returns undefined if somebody uses the database, according to its locks; then nothing was changed
   * @throws permission, database_readonly
   */
  static take(path: string): SoleUse | undefined {
    // Locks only work between processes. A connection of this one would not notice.
    if (isOpenHere(path)) return undefined
    const use = new SoleUse(path)
    try {
      use.#first = connect(path)
      if (use.#lock(use.#first)) return use
    } catch (error) {
      use.close()
      throw translate(error, path)
    }
    use.close()
    return undefined
  }

  /**
   * Replaces the contents in one transaction, with any page sizes.
   *
   * @throws corrupt (SQLite cannot use the old contents), disk_full
   */
  async replaceBy(source: string): Promise<void> {
    this.#fold()
    try {
      await copyOnce(source, addressOf(this.#path), () => {})
    } catch (error) {
      throw translateNodeError(error, this.#path)
    }
    rmSync(`${this.#path}-shm`, { force: true })
  }

  /** Runs `work`, which only reads, on the current contents. */
  look<T>(work: (client: Client) => T): T {
    using client = connect(this.#path)
    try {
      return work(client)
    } catch (error) {
      throw translate(error, this.#path)
    }
  }

  /** Makes it an empty file without a log, which can be replaced whatever it was. */
  empty(): void {
    for (const suffix of sidecars) rmSync(this.#path + suffix, { force: true })
    copyBytes('/dev/null', this.#path)
  }

  /** May be called again. */
  close(): void {
    this.#first?.close()
    this.#anchor.close()
  }

  #lock(first: Client): boolean {
    try {
      first.run('PRAGMA busy_timeout = 0')
      first.query('PRAGMA schema_version').get()
    } catch (error) {
      if (codeOf(error).startsWith('SQLITE_BUSY')) return false
      requireCorrupt(translate(error, this.#path))
    }
    return true
  }

  /** Checkpoints the log as far as damage allows, because the page size cannot change in WAL mode. */
  #fold(): void {
    const first = this.#first
    this.#first = undefined
    try {
      first?.run('PRAGMA journal_mode = DELETE')
    } catch (error) {
      requireCorrupt(translate(error, this.#path))
    } finally {
      first?.close()
    }
  }
}

/** Throws all other errors. */
function requireCorrupt(error: unknown): void {
  if (!(error instanceof LatchkeyError) || error.code !== 'corrupt') throw error
}

const addressOf = (path: string): string => `${Bun.pathToFileURL(path).href}?vfs=unix-excl`

function connect(path: string): Client {
  try {
    return new Client(addressOf(path), constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_URI)
  } catch (error) {
    throw translate(error, path)
  }
}
