/**
 * For counting millions of events in one transaction: the statements of `usage-book.ts` without an object for each row, and
 * room for the pages that they touch. No rule may live here.
 */
import type { BulkUsage } from '../engine.ts'
import { counterNames } from '../facts.ts'
import type { Width } from '../spans.ts'
import type { SqliteFacts } from './facts.ts'
import { addTo, noteEvent, SqliteUsage } from './usage-book.ts'

/** Room for the pages that an hour of a thousand keys is spread over, in KiB. */
const cacheKib = 16 * 1024

/** Runs `work` with the statements on the connection of a transaction. */
export async function withBulkUsage<T>(
  facts: SqliteFacts,
  work: (bulk: BulkUsage) => Promise<T>,
): Promise<T> {
  const { client } = facts
  const book = new SqliteUsage(facts)
  const prepared = (table: Width) => client.prepare<unknown, number[]>(addTo(table))
  const statements = { minutes: prepared('minutes'), hours: prepared('hours'), days: prepared('days') }
  const event = client.prepare<unknown, [string, number]>(noteEvent)
  const { cache_size } = client.query('PRAGMA cache_size').get() as { cache_size: number }
  client.run(`PRAGMA cache_size = -${cacheKib}`)
  try {
    return await work({
      seriesOf: (keyId, endUser) => book.findSeries(keyId, endUser),
      modelOf: name => book.modelOf(name),
      add: (width, series, start, model, counts, offset, lastAt) => {
        const values = [series, start, model, ...counts.subarray(offset, offset + counterNames.length)]
        statements[width].run(...values, ...(width === 'days' ? [lastAt] : []))
      },
      noteEvents: (ids, at) => ids.map(id => event.run(id, at).changes > 0),
    })
  } finally {
    client.run(`PRAGMA cache_size = ${cache_size}`)
  }
}
