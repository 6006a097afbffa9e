/** Databases for measurements, created through the library. Only large numbers of buckets are written with SQL. */
import { Database } from 'bun:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CreatedKey } from '../src/contract/views.ts'
import { connectLatchkey } from '../src/index.ts'
import { plantCustomers } from '../src/seed/plant.ts'

export const minute = 60_000
export const hour = 60 * minute

export interface Fixture extends Disposable {
  readonly path: string
  readonly keys: readonly CreatedKey[]
  /** A plain connection with the same durability as the library. */
  readonly bare: () => Database
}

/** A database with the keys of many customers, each with a limit on tokens in 5 hours. */
export async function fixture(count: number): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const path = join(folder, 'latchkey.db')
  const latchkey = connectLatchkey({ path })
  await latchkey.initialize()
  const keys = await plantCustomers(latchkey, count)
  await latchkey.close()
  const opened: Database[] = []
  return {
    path,
    keys,
    bare: () => {
      const db = new Database(path, { readwrite: true })
      db.run('PRAGMA foreign_keys = ON')
      db.run('PRAGMA synchronous = NORMAL')
      db.run('PRAGMA busy_timeout = 5000')
      opened.push(db)
      return db
    },
    [Symbol.dispose]: () => {
      for (const db of opened) db.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Writes a bucket of one request for each start, in all widths. */
export function fill(db: Database, keyId: string, starts: Iterable<number>, model = 'gpt-x'): void {
  const series = seriesOf(db, keyId)
  const modelId = modelOf(db, model)
  const widths = { minutes: minute, hours: hour, days: 24 * hour } as const
  const statements = Object.entries(widths).map(([table, widthMs]) => ({
    add: db.prepare(upsert(table)),
    widthMs,
  }))
  for (const start of starts) {
    for (const { add, widthMs } of statements) {
      const values = [series, Math.floor(start / widthMs), modelId, 1, 100, 20, 5]
      add.run(...values, ...(widthMs === widths.days ? [start] : []))
    }
  }
}

/** The series of a key that belongs to nobody. */
export function seriesOf(db: Database, keyId: string): number {
  db.prepare('INSERT INTO series (key_id) VALUES (?) ON CONFLICT DO NOTHING').run(keyId)
  return db.prepare<{ id: number }, [string]>('SELECT id FROM series WHERE key_id = ?').get(keyId)!.id
}

export function modelOf(db: Database, model: string): number {
  db.prepare('INSERT INTO models (name) VALUES (?) ON CONFLICT DO NOTHING').run(model)
  return db.prepare<{ id: number }, [string]>('SELECT id FROM models WHERE name = ?').get(model)!.id
}

/** Series, start, model, requests, input tokens, output tokens, micro-dollars, and for days the last use. */
export const upsert = (table: string): string => `
  INSERT INTO ${table} (series, start, model, requests, input_tokens, output_tokens, cost_micros${table === 'days' ? ', last_at' : ''})
  VALUES (?, ?, ?, ?, ?, ?, ?${table === 'days' ? ', ?' : ''})
  ON CONFLICT (series, start, model) DO UPDATE SET requests = requests + excluded.requests,
    input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
    cost_micros = cost_micros + excluded.cost_micros${table === 'days' ? ', last_at = max(last_at, excluded.last_at)' : ''}`

/** The starts of `count` buckets, `step` minutes apart, oldest first. The last is now. */
export function* minutes(count: number, step = 1, before = Date.now()): Generator<number> {
  const last = before - (before % minute)
  for (let n = count - 1; n >= 0; n--) yield last - n * step * minute
}

/** Always the same places, spread over `size`. */
export const place = (n: number, size: number): number => (n * 7_919) % size
