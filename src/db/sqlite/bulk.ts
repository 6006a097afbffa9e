/**
 * For counting millions of events in one transaction: the statements of `hot.ts` without an object for each row, and
 * room for the pages that they touch. No rule may live here.
 */
import type { Database } from '../engine.ts'
import { clientOf } from './client.ts'
import { addToBucket, addToTotals, noteEvent, type UsageCounts } from './hot.ts'

export interface BulkUsage {
  /** Adds to the bucket of a minute. Costs are micro-dollars. */
  readonly addToBucket: (
    keyId: string,
    start: number,
    model: string,
    requests: number,
    inputTokens: number,
    outputTokens: number,
    costMicros: number,
  ) => void
  /** Adds to the running totals of a key; its last use never moves backwards. */
  readonly addToKey: (keyId: string, counts: KeyCounts) => void
  /** Notes the id of an event as counted at `at`; false when it already was. */
  readonly noteEvent: (id: string, at: number) => boolean
}

interface KeyCounts extends UsageCounts {
  /** UTC milliseconds. */
  readonly lastUsedAt: number
}

/** Room for the pages that an hour of a thousand keys is spread over, in KiB. */
const cacheKib = 16 * 1024

/** Runs `work` with the statements on the connection of a transaction. */
export async function withBulkUsage<T>(db: Database, work: (bulk: BulkUsage) => Promise<T>): Promise<T> {
  const client = clientOf(db)
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
      noteEvent: (id, at) => event.run(id, at).changes > 0,
    })
  } finally {
    client.run(`PRAGMA cache_size = ${cache_size}`)
  }
}
