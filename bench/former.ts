/** Databases as they were before usage was kept in series (schema version 4): buckets with text ids, and totals in the key. */
import { Client } from '../src/db/sqlite/client.ts'
import { migrateTo } from '../src/db/sqlite/migrate.ts'

export const formerVersion = 4

/** Creates one with the keys of a present one. Has the same durability as the library. */
export function createFormer(path: string, present: string): Client {
  const client = new Client(path, { create: true, readwrite: true })
  client.run('PRAGMA journal_mode = WAL')
  client.run('PRAGMA synchronous = NORMAL')
  migrateTo(client, path, formerVersion, { now: 0, programVersion: 'bench' })
  client.run('ATTACH ? AS present', [present])
  client.run(
    'INSERT INTO keys (id, name, scopes, created_at, updated_at) SELECT id, name, scopes, created_at, updated_at FROM present.keys ORDER BY id',
  )
  client.run('DETACH present')
  return client
}

/** Key, start, model, requests, input tokens, output tokens, micro-dollars. */
const addToBucket = `
  INSERT INTO usage (key_id, start, model, requests, input_tokens, output_tokens, cost_micros) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (key_id, start, model) DO UPDATE SET requests = requests + excluded.requests, input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens, cost_micros = cost_micros + excluded.cost_micros`

const addToTotals = `
  UPDATE keys SET requests = requests + ?, input_tokens = input_tokens + ?, output_tokens = output_tokens + ?,
    cost_micros = cost_micros + ?, last_used_at = max(coalesce(last_used_at, ?), ?) WHERE id = ?`

/** One transaction for each, with the statements of those days. */
export function formerRecorder(
  client: Client,
): (keyId: string, model: string, inputTokens: number, outputTokens: number) => void {
  const [begin, commit] = [client.prepare('BEGIN IMMEDIATE'), client.prepare('COMMIT')]
  const bucket = client.prepare<unknown, (string | number)[]>(addToBucket)
  const totals = client.prepare<unknown, (string | number)[]>(addToTotals)
  return (keyId, model, inputTokens, outputTokens) => {
    const now = Date.now()
    begin.run()
    bucket.run(keyId, now - (now % 60_000), model, 1, inputTokens, outputTokens, 5)
    totals.run(1, inputTokens, outputTokens, 5, now, now, keyId)
    commit.run()
  }
}
