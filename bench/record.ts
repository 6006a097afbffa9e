/** A record, compared with a plain transaction of its two statements. */
import type { Database } from 'bun:sqlite'
import { connectLatchkey } from '../src/index.ts'
import { fixture, place } from './fixture.ts'
import { best, each, type Row } from './rounds.ts'

const keys = 1_000
const records = 1_000

export async function rows(): Promise<readonly Row[]> {
  // Each has its own file, because writers on the same file empty each other's page caches.
  using made = await fixture(keys)
  using other = await fixture(keys)
  const db = other.bare()
  const bare = bareRecorder(db)
  const latchkey = connectLatchkey({ path: made.path })
  const ids = Array.from({ length: records }, (_, n) => made.keys[place(n, keys)]!.id)
  const bareIds = Array.from({ length: records }, (_, n) => other.keys[place(n, keys)]!.id)
  await latchkey.usage.record(ids[0]!, { model: 'gpt-x' })
  const priced = { model: 'gpt-x', inputTokens: 100, outputTokens: 20, costUsd: 0.000005 }
  // Otherwise the same one would always pay for the checkpoints.
  const files = [made.bare(), db]
  const checkpoint = () => {
    for (const file of files) file.run('PRAGMA wal_checkpoint(TRUNCATE)')
  }
  const works = {
    floor: () => {
      for (const id of bareIds) bare(id, 'gpt-x', 100, 20)
    },
    record: async () => {
      for (const id of ids) await latchkey.usage.record(id, priced)
    },
    unpriced: async () => {
      for (const id of ids)
        await latchkey.usage.record(id, { model: 'gpt-x', inputTokens: 100, outputTokens: 20 })
    },
  }
  const times = await best(40, works, checkpoint)
  await latchkey.close()
  const row = (name: string, ms: number): Row => ({
    name,
    ratio: times.floor / ms,
    bound: 0.8,
    better: 'higher',
    detail: `${each(ms, records)} against ${each(times.floor, records)} a record, ${keys.toLocaleString('en-US')} keys`,
  })
  return [row('record', times.record), row('record, cost by price', times.unpriced)]
}

/** One transaction for each. */
export function bareRecorder(
  db: Database,
): (keyId: string, model: string, inputTokens: number, outputTokens: number) => void {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const bucket = db.prepare(
    `INSERT INTO usage (key_id, start, model, requests, input_tokens, output_tokens, cost_micros) VALUES (?, ?, ?, 1, ?, ?, ?)
     ON CONFLICT (key_id, start, model) DO UPDATE SET requests = requests + 1, input_tokens = input_tokens + excluded.input_tokens,
       output_tokens = output_tokens + excluded.output_tokens, cost_micros = cost_micros + excluded.cost_micros`,
  )
  const total = db.prepare(
    `UPDATE keys SET requests = requests + 1, input_tokens = input_tokens + ?, output_tokens = output_tokens + ?,
       cost_micros = cost_micros + ?, last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?`,
  )
  return (keyId, model, inputTokens, outputTokens) => {
    const now = Date.now()
    begin.run()
    bucket.run(keyId, now - (now % 60_000), model, inputTokens, outputTokens, 5)
    total.run(inputTokens, outputTokens, 5, now, keyId)
    commit.run()
  }
}
