/**
 * For counting millions of events in one transaction: the statements of `usage-book.ts` without an object for each row, and
 * room for the pages that they touch. No rule may live here.
 */
import type { BulkUsage } from '../engine.ts'
import type { Client } from './client.ts'
import { addToBucket, addToTotals, noteEvent } from './usage-book.ts'

/** Room for the pages that an hour of a thousand keys is spread over, in KiB. */
const cacheKib = 16 * 1024

/** Runs `work` with the statements on the connection of a transaction. */
export async function withBulkUsage<T>(client: Client, work: (bulk: BulkUsage) => Promise<T>): Promise<T> {
  const bucket = client.prepare<unknown, (string | number)[]>(addToBucket)
  const key = client.prepare<unknown, (string | number)[]>(addToTotals)
  const event = client.prepare<unknown, [string, number]>(noteEvent)
  const { cache_size } = client.query('PRAGMA cache_size').get() as { cache_size: number }
  client.run(`PRAGMA cache_size = -${cacheKib}`)
  try {
    return await work({
      addToBucket: (keyId, start, model, requests, inputTokens, outputTokens, costMicros) => {
        bucket.run(keyId, start, model, requests, inputTokens, outputTokens, costMicros)
      },
      addToKey: (keyId, { requests, inputTokens, outputTokens, costMicros, lastUsedAt }) => {
        key.run(requests, inputTokens, outputTokens, costMicros, lastUsedAt, lastUsedAt, keyId)
      },
      noteEvents: (ids, at) => ids.map(id => event.run(id, at).changes > 0),
    })
  } finally {
    client.run(`PRAGMA cache_size = ${cache_size}`)
  }
}
