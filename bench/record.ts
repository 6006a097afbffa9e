/** A record, compared with a plain transaction of its statements. */
import type { Database } from 'bun:sqlite'
import { connectLatchkey } from '../src/index.ts'
import { fixture, hour, minute, modelOf, place, seriesOf, upsert } from './fixture.ts'
import { best, each, type Row } from './rounds.ts'

const keys = 1_000
const records = 1_000

export async function rows(): Promise<readonly Row[]> {
  // Each has its own file, because writers on the same file empty each other's page caches.
  using made = await fixture(keys)
  using other = await fixture(keys)
  const db = other.bare()
  modelOf(db, 'gpt-x')
  for (const { id } of other.keys) seriesOf(db, id)
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
    bound: 0.85,
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
  const found = db.prepare<{ series: number; model: number }, [string, string]>(
    'SELECT s.id AS series, m.id AS model FROM keys k JOIN series s ON s.key_id = k.id, models m WHERE k.id = ? AND m.name = ?',
  )
  const [minutes, hours, days] = [upsert('minutes'), upsert('hours'), upsert('days')].map(sql =>
    db.prepare(sql),
  )
  return (keyId, model, inputTokens, outputTokens) => {
    const now = Date.now()
    begin.run()
    const { series, model: modelId } = found.get(keyId, model)!
    const counts = [modelId, 1, inputTokens, outputTokens, 5]
    minutes!.run(series, Math.floor(now / minute), ...counts)
    hours!.run(series, Math.floor(now / hour), ...counts)
    days!.run(series, Math.floor(now / (24 * hour)), ...counts, now)
    commit.run()
  }
}
