/**
 * For counting millions of events: the statements of `usage-book.ts` without an object for each row, and room for the pages
 * that they touch. No rule may live here.
 */
import type { Statement } from 'bun:sqlite'
import type { BulkUsage, NoSeries, Noted } from '../engine.ts'
import { counterNames } from '../facts.ts'
import type { Width } from '../spans.ts'
import type { ArrayStatement, Client } from './client.ts'
import type { SqliteFacts } from './facts.ts'
import { addTo, heldEvent, noteEvent, SqliteUsage } from './usage-book.ts'

/** Room for the pages that an hour of a thousand keys is spread over, in KiB. */
const cacheKib = 16 * 1024

/** The statements on a connection, compiled once, because a log can take many transactions. */
export class BulkStatements {
  readonly #facts: SqliteFacts
  readonly #client: Client
  readonly #book: SqliteUsage
  readonly #add: Readonly<Record<Width, ArrayStatement<unknown>>>
  /** Filled again for each row. */
  readonly #values: Readonly<Record<Width, number[]>> = { minutes: [], hours: [], days: [] }
  readonly #note: Statement<unknown, [string, number, number]>
  readonly #held: Statement<unknown, [string, number]>

  constructor(facts: SqliteFacts) {
    const { client } = facts
    this.#facts = facts
    this.#client = client
    this.#book = new SqliteUsage(facts)
    const add = (table: Width) => client.keepForArrays(addTo(table))
    this.#add = { minutes: add('minutes'), hours: add('hours'), days: add('days') }
    this.#note = client.keep(noteEvent)
    this.#held = client.keep(heldEvent)
  }

  /** Runs `work` in the transaction of the connection. @param ingest the log that it counts for; 0 for none */
  async run<T>(work: (bulk: BulkUsage) => Promise<T>, ingest = 0): Promise<T> {
    const { cache_size } = this.#client.query('PRAGMA cache_size').get() as { cache_size: number }
    this.#client.run(`PRAGMA cache_size = -${cacheKib}`)
    try {
      return await work({
        seriesOf: (keyId, endUser) =>
          ingest === 0 ? this.#book.findSeries(keyId, endUser) : this.#pendingSeries(keyId, endUser, ingest),
        modelOf: name => this.#book.modelOf(name),
        add: (width, series, start, model, counts, offset, lastAt) => {
          const values = this.#values[width]
          values[0] = series
          values[1] = start
          values[2] = model
          for (let index = 0; index < counterNames.length; index++)
            values[index + 3] = counts[offset + index] ?? 0
          if (width === 'days') values[counterNames.length + 3] = lastAt
          this.#add[width].run(values)
        },
        noteEvents: (ids, at) => ids.map(id => this.#noted(id, at, ingest)),
      })
    } finally {
      this.#client.run(`PRAGMA cache_size = ${cache_size}`)
    }
  }

  #noted(id: string, at: number, ingest: number): Noted {
    if (this.#note.run(id, at, ingest).changes > 0) return 'new'
    return this.#held.get(id, ingest) === null ? 'counted' : 'held'
  }

  #pendingSeries(keyId: string, endUser: string, ingest: number): number | NoSeries {
    const known = this.#client.query<{ id: number }, [string, string, number]>(pendingSeries)
    const found = known.get(keyId, endUser, ingest)
    if (found !== null) return found.id
    if (this.#client.query('SELECT 1 FROM keys WHERE id = ?').get(keyId) === null) return 'no key'
    // Pending series take room too: so there is enough when they count.
    if (!this.#facts.hasRoom(keyId, endUser)) return 'no room'
    const add = this.#client.query<unknown, [string, string, number]>(addPendingSeries)
    return Number(add.run(keyId, endUser, ingest).lastInsertRowid)
  }
}

const pendingSeries = 'SELECT id FROM series WHERE key_id = ? AND end_user = ? AND pending = 1 AND ingest = ?'

const addPendingSeries = 'INSERT INTO series (key_id, end_user, ingest, pending) VALUES (?, ?, ?, 1)'
