/**
 * Sole use of a database file, sound or not, against every other process and whichever SQLite it has. Its contents are
 * replaced within the file: a file that takes the name of another leaves whoever has opened the old one, and not used
 * it yet, to write a log under the name of the new one.
 *
 * SQLite's `unix-excl` locks at the first query, before it looks at what the file holds, and lets go when the last
 * connection to the file closes: a file that is no database can be locked like any other.
 */
import { constants } from 'bun:sqlite'
import { rmSync } from 'node:fs'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import { Client } from './client.ts'
import { copyBytes, copyOnce, translateNodeError } from './copy.ts'
import { translate } from './errors.ts'
import { isOpenHere } from './holders.ts'

export class SoleUse {
  readonly #path: string
  /** Runs no query: it keeps the lock while others come and go. */
  readonly #anchor: Client
  /** Has the lock, and perhaps a log; undefined once that is folded. */
  #first: Client | undefined

  private constructor(path: string) {
    this.#path = path
    this.#anchor = connect(path)
  }

  /**
   * @returns undefined when somebody has the database in use, as their locks tell; nothing was changed then
   * @throws permission, database_readonly
   */
  static take(path: string): SoleUse | undefined {
    // Locks are between processes; a connection of this one would not notice.
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
   * Replaces the contents in one transaction, whatever the page size of either.
   *
   * @throws corrupt when SQLite can make nothing of what is there; disk_full
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

  /** Runs `work`, which only reads, on the contents as they are now. */
  look<T>(work: (client: Client) => T): T {
    const client = connect(this.#path)
    try {
      return work(client)
    } catch (error) {
      throw translate(error, this.#path)
    } finally {
      client.close()
    }
  }

  /** Makes it an empty file without a log, which can be replaced whatever it was. */
  empty(): void {
    for (const suffix of ['-wal', '-journal', '-shm']) rmSync(this.#path + suffix, { force: true })
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

  /** Folds a log into the file, as far as damage allows: in the log's mode the page size cannot change. */
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

/** Throws every other error. */
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
