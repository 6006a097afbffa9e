/**
 * `usage ingest` of a million events, compared with a plain loop of a script: parse, add up, upsert. A third process looks how long
 * others cannot write meanwhile.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectLatchkey } from '../src/index.ts'
import { customerKey, random, request } from '../src/seed/organisation.ts'
import { type Cost, measured } from './child.ts'
import { hour, minute, modelOf, seriesOf, upsert } from './fixture.ts'
import { watchLock } from './lock.ts'
import type { Row } from './rounds.ts'

const events = 1_000_000
const keys = 1_000
const rounds = 3
const mebibyte = 1024 * 1024

/** For events with ids, the reference also stores each id in a table before it counts the event. */
export async function rows(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  try {
    return [...(await measure(folder, false)), ...(await measure(folder, true))]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(folder: string, identified: boolean): Promise<readonly Row[]> {
  const log = join(folder, identified ? 'identified.ndjson' : 'events.ndjson')
  await writeLog(log, identified)
  const ours: Cost[] = []
  const floor: Cost[] = []
  const locked: number[] = []
  for (let round = 0; round < rounds; round++) {
    floor.push(await ingestBare(await freshDatabase(folder), log))
    const database = await freshDatabase(folder)
    const lock = await watchLock(database)
    ours.push(await ingest(database, log))
    locked.push(await lock.stop())
  }
  const best = (runs: readonly Cost[], of: (run: Cost) => number) => Math.min(...runs.map(of))
  const seconds = best(ours, each => each.ms) / 1000
  const bare = best(floor, each => each.ms) / 1000
  const peak = Math.max(...ours.map(each => each.peakBytes)) / mebibyte
  const name = identified ? 'ingest, events with ids' : 'ingest'
  return [
    {
      name: `${name}: time`,
      ratio: seconds / bare,
      bound: 1.2,
      better: 'lower',
      detail: `${seconds.toFixed(2)} s against ${bare.toFixed(2)} s for ${events.toLocaleString('en-US')} events`,
    },
    {
      name: `${name}: longest lock`,
      ratio: Math.min(...locked) / 500,
      bound: 1,
      better: 'lower',
      detail: `others waited at most ${locked.map(ms => ms.toFixed(0)).join(', ')} ms of 500 ms to begin a transaction`,
    },
    {
      name: `${name}: peak memory`,
      ratio: peak / 150,
      bound: 1,
      better: 'lower',
      detail: `${peak.toFixed(0)} MiB of 150 MiB (the bare loop: ${(best(floor, each => each.peakBytes) / mebibyte).toFixed(0)} MiB)`,
    },
  ]
}

const program = join(import.meta.dir, '../bin/latchkey.ts')

export const ingest = (database: string, log: string): Promise<Cost> =>
  measured([process.execPath, program, 'usage', 'ingest', log, '--db', database])

const ingestBare = (database: string, log: string): Promise<Cost> =>
  measured([process.execPath, import.meta.path, database, log])

/** A million events in three models, spread over one day. */
export async function writeLog(path: string, identified: boolean): Promise<void> {
  const writer = Bun.file(path).writer({ highWaterMark: mebibyte })
  const day = Date.UTC(2026, 10, 19)
  const below = random(1)
  for (let n = 0; n < events; n++) {
    const event = {
      ...(identified ? { id: `evt_${(n * 7_919).toString(36).padStart(12, '0')}${below(1e6)}` } : {}),
      key: `${customerKey.name}-${1 + below(keys)}`,
      ...request(below),
      at: new Date(day + Math.floor((n / events) * 86_400_000)).toISOString(),
    }
    writer.write(`${JSON.stringify(event)}\n`)
    if (n % 10_000 === 0) await writer.flush()
  }
  await writer.end()
}

export async function freshDatabase(folder: string): Promise<string> {
  const path = join(folder, 'latchkey.db')
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  const latchkey = connectLatchkey({ path })
  await latchkey.initialize()
  await latchkey.keys.createMany({ name: customerKey.name }, keys)
  await latchkey.close()
  return path
}

function once(find: (name: string) => number): (name: string) => number {
  const known = new Map<string, number>()
  return name => {
    const id = known.get(name) ?? find(name)
    known.set(name, id)
    return id
  }
}

interface LoggedEvent {
  readonly id?: string
  readonly key: string
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
  readonly at: string
}

/** The reference, as a program: `bun bench/ingest.ts DATABASE LOG`. */
async function bareLoop(database: string, log: string): Promise<void> {
  const { Database } = await import('bun:sqlite')
  const db = new Database(database)
  db.run('PRAGMA journal_mode = WAL')
  db.run('PRAGMA synchronous = FULL')
  const ids = new Map(
    db
      .query<{ id: string; name: string }, []>('SELECT id, name FROM keys')
      .all()
      .map(row => [row.name, row.id]),
  )
  const note = db.prepare('INSERT INTO counted_events (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING')
  type Sum = { key: string; start: number; model: string; sums: [number, number, number, number] }
  const buckets = new Map<string, Sum>()
  db.run('BEGIN IMMEDIATE')
  let rest = new Uint8Array(0)
  for await (const chunk of Bun.file(log).stream()) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const { values, read } = Bun.JSONL.parseChunk(bytes)
    rest = bytes.slice(read)
    for (const event of values as LoggedEvent[]) {
      const at = Date.parse(event.at)
      if (event.id !== undefined && note.run(event.id, at).changes === 0) continue
      const key = ids.get(event.key)
      if (key === undefined) throw new Error('unknown key')
      const start = at - (at % 60_000)
      const name = `${key}/${start}/${event.model}`
      let bucket = buckets.get(name)
      if (!bucket) {
        bucket = { key, start, model: event.model, sums: [0, 0, 0, 0] }
        buckets.set(name, bucket)
      }
      bucket.sums[0] += 1
      bucket.sums[1] += event.inputTokens
      bucket.sums[2] += event.outputTokens
      bucket.sums[3] += Math.round(event.costUsd * 1_000_000)
    }
  }
  // In the order of the tables, as anybody would, and each series and model is asked for once.
  const series = once(key => seriesOf(db, key))
  const models = once(model => modelOf(db, model))
  const wider = { hours: new Map<string, Sum>(), days: new Map<string, Sum>() }
  const write = (table: 'minutes' | 'hours' | 'days', widthMs: number, sums: Iterable<Sum>): void => {
    const statement = db.prepare(upsert(table))
    const rows = [...sums].map(({ key, start, model, sums }) => ({
      series: series(key),
      start: Math.floor(start / widthMs),
      model: models(model),
      values: [...sums, ...(table === 'days' ? [start] : [])],
    }))
    rows.sort((a, b) => a.series - b.series || a.start - b.start || a.model - b.model)
    for (const { series, start, model, values } of rows) statement.run(series, start, model, ...values)
  }
  for (const { key, start, model, sums } of buckets.values()) {
    for (const [table, widthMs] of [['hours', hour] as const, ['days', 24 * hour] as const]) {
      const from = start - (start % widthMs)
      const name = `${key}/${from}/${model}`
      const known = wider[table].get(name) ?? { key, start: from, model, sums: [0, 0, 0, 0] }
      for (let i = 0; i < 4; i++) known.sums[i]! += sums[i]!
      wider[table].set(name, known)
    }
  }
  write('minutes', minute, buckets.values())
  write('hours', hour, wider.hours.values())
  write('days', 24 * hour, wider.days.values())
  db.run('COMMIT')
  db.close()
}

if (import.meta.main) {
  const [database, log] = Bun.argv.slice(2)
  if (database !== undefined && log !== undefined) await bareLoop(database, log)
}
