/** A record against the bare transaction of the statements that it is. */
import { connectLatchkey } from '../src/index.ts'
import { fixture, hour, minute, modelOf, place, seriesOf, upsert } from './fixture.ts'
import { best, each, type Row } from './rounds.ts'

const keys = 1_000
const records = 1_000

export async function rows(): Promise<readonly Row[]> {
  // Each has a file of its own: writers on one empty each other's page caches.
  using made = await fixture(keys)
  using other = await fixture(keys)
  const db = other.bare()
  modelOf(db, 'gpt-x')
  for (const { id } of other.keys) seriesOf(db, id)
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const found = db.prepare<{ series: number; model: number }, [string, string]>(
    'SELECT s.id AS series, m.id AS model FROM keys k JOIN series s ON s.key_id = k.id, models m WHERE k.id = ? AND m.name = ?',
  )
  const [intoMinutes, intoHours, intoDays] = ['minutes', 'hours', 'days'].map(table =>
    db.prepare(upsert(table)),
  )
  const latchkey = connectLatchkey({ path: made.path })
  const ids = Array.from({ length: records }, (_, n) => made.keys[place(n, keys)]!.id)
  const bareIds = Array.from({ length: records }, (_, n) => other.keys[place(n, keys)]!.id)
  await latchkey.usage.record(ids[0]!, { model: 'gpt-x' })
  const priced = { model: 'gpt-x', inputTokens: 100, outputTokens: 20, costUsd: 0.000005 }
  // Otherwise the same one would pay for the checkpoints of all, round after round.
  const files = [made.bare(), db]
  const checkpoint = () => {
    for (const file of files) file.run('PRAGMA wal_checkpoint(TRUNCATE)')
  }
  const works = {
    floor: () => {
      for (const id of bareIds) {
        const now = Date.now()
        begin.run()
        const { series, model } = found.get(id, 'gpt-x')!
        intoMinutes!.run(series, Math.floor(now / minute), model, 1, 100, 20, 5)
        intoHours!.run(series, Math.floor(now / hour), model, 1, 100, 20, 5)
        intoDays!.run(series, Math.floor(now / (24 * hour)), model, 1, 100, 20, 5, now)
        commit.run()
      }
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
