/**
 * The library on a PostgreSQL server, compared with its own statements by the same driver, as many connections at a time. The
 * server is started for it and shares the machine.
 */
import { chmodSync } from 'node:fs'
import type { ReservedSQL } from 'bun'
import { plantCustomers } from '../../src/seed/plant.ts'
import { temporaryFolder } from '../../src/testing/folder.ts'
import { Cluster, whyNoServer } from '../../src/testing/postgres-cluster.ts'
import { best, each, type Row } from '../rounds.ts'
import { bareConnection, type Sent, sentBy } from './bare.ts'
import { compareCopies } from './copy.ts'
import { freshDatabase } from './database.ts'
import { compareReports } from './report.ts'
import { compareServers } from './servers.ts'

const keys = 1_000
/** Few, and often, so that some of them run undisturbed. */
const calls = 250
const rounds = 40
/** Requests that a gateway has under way; the library has 8 connections for them. */
const underWay = 64
const connections = 8

/** @param only the part of that name alone @param buckets in the database of the report @param rows in that of the copies */
export async function rows({
  only,
  buckets = '1000000',
  rows = '1400000',
}: PostgresOptions): Promise<readonly Row[]> {
  const why = whyNoServer()
  if (why !== null) {
    console.error(`postgres was not measured: ${why}`)
    return []
  }
  using folder = temporaryFolder()
  // The server's user must get in.
  chmodSync(folder.path, 0o711)
  await using server = await Cluster.start(folder.file('server'), { durable: true })
  const found: Row[] = []
  for (const [name, part] of Object.entries(parts)) {
    if (only === undefined || only === name)
      found.push(...(await part(server, { buckets: Number(buckets), rows: Number(rows) })))
  }
  return found
}

export interface PostgresOptions {
  readonly only?: string | undefined
  readonly buckets?: string | undefined
  readonly rows?: string | undefined
}

interface Sizes {
  readonly buckets: number
  readonly rows: number
}

const parts: Readonly<Record<string, (server: Cluster, sizes: Sizes) => Promise<readonly Row[]>>> = {
  requests: compareRequests,
  recorder: compareRecorders,
  servers: compareServers,
  report: (server, { buckets }) => compareReports(server, buckets),
  copy: (server, { rows }) => compareCopies(server, rows),
}

async function compareRequests(server: Cluster): Promise<readonly Row[]> {
  const { url, latchkey } = await freshDatabase(server, 'requests')
  const limited = await plantCustomers(latchkey, keys)
  const free = await latchkey.keys.createMany({ name: 'free' }, keys)
  await latchkey.usage.prices.set('gpt-x', { inputUsd: 2.5, outputUsd: 10 })
  const counts = { model: 'gpt-x', inputTokens: 100, outputTokens: 20 }
  const verifying = (some: typeof limited) => async (n: number) => {
    if (!(await latchkey.keys.verify(some[n % keys]?.secret ?? '')).valid) throw new Error('denied')
  }
  const recording = (usage: object) => async (n: number) => {
    await latchkey.usage.record(limited[n % keys]?.id ?? '', { ...counts, ...usage })
  }
  const reserving = async (n: number) => {
    const { reservation } = await latchkey.usage.reserve(limited[n % keys]?.id ?? '', { tokens: 10 })
    await latchkey.usage.settle(reservation?.id ?? '', counts)
  }
  const works = {
    verify: verifying(limited),
    'verify, no limits': verifying(free),
    record: recording({ costUsd: 0.000005 }),
    'record, cost by price': recording({}),
  }
  const bare = await Promise.all(Array.from({ length: connections }, () => bareConnection(url)))
  const rows: Row[] = []
  for (const [name, work] of Object.entries(works)) {
    // The first time makes what is missing, and the second is as all later ones.
    for (let n = 0; n < keys; n++) await work(n)
    const sent = await sentBy(keys, work)
    const times = await best(rounds, {
      one: () => callAll(1, work),
      oneBare: () => replay(bare.slice(0, 1), sent),
      many: () => callAll(underWay, work),
      manyBare: () => replay(bare, sent),
    })
    const row = (how: string, ours: number, theirs: number): Row => ({
      name: `postgres: ${name}, ${how}`,
      ratio: theirs / ours,
      bound: 0.9,
      better: 'higher',
      detail: `${each(ours, calls)} against ${each(theirs, calls)} of its own ${sent[0]?.length === 1 ? 'statement' : 'statements'} by the driver`,
    })
    rows.push(
      row('one at a time', times.one, times.oneBare),
      row(`${underWay} at a time`, times.many, times.manyBare),
    )
  }
  const pairs = await best(rounds, {
    pair: () => callAll(underWay, reserving),
    record: () => callAll(underWay, works.record),
  })
  rows.push({
    name: 'postgres: reserve and settle / record',
    ratio: pairs.pair / pairs.record,
    bound: 6,
    better: 'lower',
    detail: `${each(pairs.pair, calls)} against ${each(pairs.record, calls)}, ${underWay} at a time`,
  })
  await Promise.all(bare.map(connection => connection.close()))
  await latchkey.close()
  return rows
}

/** So many calls, some of them under way at a time. */
async function callAll(atOnce: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < calls) await work(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, one))
}

/** The statements of as many calls, each connection one after another. */
async function replay(connections: readonly ReservedSQL[], sent: readonly Sent[]): Promise<void> {
  let next = 0
  const one = async (connection: ReservedSQL) => {
    while (next < calls) {
      const call = sent[next++ % sent.length] ?? []
      for (const { text, values } of call) await connection.unsafe(text, values(connection))
    }
  }
  await Promise.all(connections.map(one))
}

const batch = 500
const batches = 4

async function compareRecorders(server: Cluster): Promise<readonly Row[]> {
  const { url, latchkey } = await freshDatabase(server, 'recorder')
  const made = await latchkey.keys.createMany({ name: 'batch' }, batch)
  const recorder = await latchkey.usage.createRecorder({ maxPending: batch })
  const usage = { model: 'gpt-x', inputTokens: 100, outputTokens: 20, costUsd: 0.000005 }
  const flush = async () => {
    await Promise.all(made.map(({ id }) => recorder.record(id, usage)))
  }
  await flush()
  const [sent = []] = await sentBy(1, flush)
  const inserts = sent.filter(({ text }) => /INSERT INTO (minutes|hours|days)/.test(text))
  if (inserts.length !== 3) throw new Error(`${inserts.length} statements for three widths`)
  const bare = await bareConnection(url, { synchronous_commit: 'on' })
  const times = await best(rounds, {
    recorder: async () => {
      for (let n = 0; n < batches; n++) await flush()
    },
    bare: async () => {
      for (let n = 0; n < batches; n++) {
        await bare.unsafe('BEGIN')
        await Promise.all(inserts.map(({ text, values }) => bare.unsafe(text, values(bare))))
        await bare.unsafe('COMMIT')
      }
    },
  })
  await recorder.close()
  await bare.close()
  await latchkey.close()
  const all = batch * batches
  return [
    {
      name: `postgres: recorder, ${batch} at a time`,
      ratio: times.bare / times.recorder,
      bound: 0.8,
      better: 'higher',
      detail: `${each(times.recorder, all)} against ${each(times.bare, all)} of bare unnest, ${batch} keys, each batch on disk`,
    },
  ]
}
