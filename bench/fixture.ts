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

/** Writes a bucket with one request for each start, and updates the total. */
export function fill(db: Database, keyId: string, starts: Iterable<number>, model = 'gpt-x'): void {
  const insert = db.prepare(
    'INSERT INTO usage (key_id, start, model, requests, input_tokens, output_tokens, cost_micros) VALUES (?, ?, ?, 1, 100, 20, 5)',
  )
  let requests = 0
  for (const start of starts) {
    insert.run(keyId, start, model)
    requests++
  }
  db.prepare(
    'UPDATE keys SET requests = requests + ?1, input_tokens = input_tokens + 100 * ?1, output_tokens = output_tokens + 20 * ?1, cost_micros = cost_micros + 5 * ?1 WHERE id = ?2',
  ).run(requests, keyId)
}

/** The starts of `count` buckets, `step` minutes apart, oldest first. The last is now. */
export function* minutes(count: number, step = 1, before = Date.now()): Generator<number> {
  const last = before - (before % minute)
  for (let n = count - 1; n >= 0; n--) yield last - n * step * minute
}

/** Always the same places, spread over `size`. */
export const place = (n: number, size: number): number => (n * 7_919) % size
