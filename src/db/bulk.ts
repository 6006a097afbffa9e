/**
 * For counting millions of events in one transaction: the statements that drizzle's builder would make dear,
 * compiled once. They mean what `recordUsage` means; no rule may live here.
 */
import type { Client } from './client.ts'
import type { Database } from './transaction.ts'

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

interface KeyCounts {
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costMicros: number
  /** UTC milliseconds. */
  readonly lastUsedAt: number
}

/** Room for the pages that a minute of a thousand keys is spread over, in KiB. */
const cacheKib = 8 * 1024

/** Runs `work` with the statements on the connection of a transaction. */
export async function withBulkUsage<T>(db: Database, work: (bulk: BulkUsage) => Promise<T>): Promise<T> {
  const client = clientOf(db)
  const bucket = client.prepare<unknown, (string | number)[]>(`
    INSERT INTO usage (key_id, start, model, requests, input_tokens, output_tokens, cost_micros)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key_id, start, model) DO UPDATE SET
      requests = requests + excluded.requests,
      input_tokens = input_tokens + excluded.input_tokens,
      output_tokens = output_tokens + excluded.output_tokens,
      cost_micros = cost_micros + excluded.cost_micros`)
  const key = client.prepare<unknown, (string | number)[]>(`
    UPDATE keys SET
      requests = requests + ?1,
      input_tokens = input_tokens + ?2,
      output_tokens = output_tokens + ?3,
      cost_micros = cost_micros + ?4,
      last_used_at = max(coalesce(last_used_at, ?5), ?5)
    WHERE id = ?6`)
  const event = client.prepare<unknown, [string, number]>(
    'INSERT INTO counted_events (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING',
  )
  const { cache_size } = client.query('PRAGMA cache_size').get() as { cache_size: number }
  client.run(`PRAGMA cache_size = -${cacheKib}`)
  try {
    return await work({
      addToBucket: (keyId, start, model, requests, inputTokens, outputTokens, costMicros) => {
        bucket.run(keyId, start, model, requests, inputTokens, outputTokens, costMicros)
      },
      addToKey: (keyId, { requests, inputTokens, outputTokens, costMicros, lastUsedAt }) => {
        key.run(requests, inputTokens, outputTokens, costMicros, lastUsedAt, keyId)
      },
      noteEvent: (id, at) => event.run(id, at).changes > 0,
    })
  } finally {
    client.run(`PRAGMA cache_size = ${cache_size}`)
  }
}

const clientOf = (db: Database): Client => (db as unknown as { readonly $client: Client }).$client
