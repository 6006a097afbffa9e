/** A record, compared with a plain transaction of its statements. */
import type { Database } from 'bun:sqlite'
import { Client } from '../src/db/sqlite/client.ts'
import { addTo } from '../src/db/sqlite/usage-book.ts'
import { connectLatchkey } from '../src/index.ts'
import { fixture, hour, minute, modelOf, place, seriesOf } from './fixture.ts'
import { createFormer, formerRecorder } from './former.ts'
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
  using third = await fixture(keys)
  const former = createFormer(`${third.path}.former`, third.path)
  const formerly = formerRecorder(former)
  const formerIds = Array.from({ length: records }, (_, n) => third.keys[place(n, keys)]!.id)
  const latchkey = connectLatchkey({ path: made.path })
  const ids = Array.from({ length: records }, (_, n) => made.keys[place(n, keys)]!.id)
  const bareIds = Array.from({ length: records }, (_, n) => other.keys[place(n, keys)]!.id)
  await latchkey.usage.record(ids[0]!, { model: 'gpt-x' })
  const priced = { model: 'gpt-x', inputTokens: 100, outputTokens: 20, costUsd: 0.000005 }
  // Otherwise the same one would always pay for the checkpoints. Passive ones leave each its page cache, as in a program that
  // writes alone.
  const files = [made.bare(), other.bare(), new Client(former.filename, { readwrite: true })]
  const checkpoint = () => {
    for (const file of files) file.run('PRAGMA wal_checkpoint(PASSIVE)')
  }
  const works = {
    floor: () => {
      for (const id of bareIds) bare.inTransaction(() => bare.add(id, 'gpt-x', 100, 20))
    },
    former: () => {
      for (const id of formerIds) formerly(id, 'gpt-x', 100, 20)
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
  former.close()
  files[2]?.close()
  const row = (name: string, ms: number): Row => ({
    name,
    ratio: times.floor / ms,
    // Left are a look at the path for each transaction and the caller's promises.
    bound: 0.85,
    better: 'higher',
    detail: `${each(ms, records)} against ${each(times.floor, records)} a record, ${keys.toLocaleString('en-US')} keys`,
  })
  return [
    row('record', times.record),
    row('record, cost by price', times.unpriced),
    {
      name: 'record / bare statements before series',
      ratio: times.record / times.former,
      // The aim, 1.3, is about the library of those days, which did more than these statements.
      bound: 1.5,
      better: 'lower',
      detail: `${each(times.record, records)} against ${each(times.former, records)} a record`,
    },
  ]
}

export interface BareRecorder {
  readonly add: (keyId: string, model: string, inputTokens: number, outputTokens: number) => void
  readonly inTransaction: (work: () => void) => void
}

/** The statements of a record. */
export function bareRecorder(db: Database): BareRecorder {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  // Without the plus, SQLite would compile it again for each record.
  const found = db.prepare<{ series: number; model: number }, [string, string]>(
    'SELECT s.id AS series, m.id AS model FROM keys k JOIN series s ON s.key_id = k.id, models m WHERE k.id = +? AND m.name = +?',
  )
  const [minutes, hours, days] = (['minutes', 'hours', 'days'] as const).map(width =>
    db.prepare(addTo(width)),
  )
  return {
    add: (keyId, model, inputTokens, outputTokens) => {
      const now = Date.now()
      const { series, model: modelId } = found.get(keyId, model)!
      const counts = [modelId, 1, inputTokens, 0, 0, outputTokens, 0, 0, 5, 0]
      minutes!.run(series, Math.floor(now / minute), ...counts)
      hours!.run(series, Math.floor(now / hour), ...counts)
      days!.run(series, Math.floor(now / (24 * hour)), ...counts, now)
    },
    inTransaction: work => {
      begin.run()
      work()
      commit.run()
    },
  }
}
