/** Backups and copies of a database on a PostgreSQL server, compared with its own tools in the same run. */
import { readFileSync, rmSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import type { Latchkey } from '../../src/index.ts'
import { temporaryFolder } from '../../src/testing/folder.ts'
import { type Cluster, serverPrograms } from '../../src/testing/postgres-cluster.ts'
import { inTurns, type Row } from '../rounds.ts'
import { bareConnection } from './bare.ts'
import { freshDatabase } from './database.ts'

const rounds = 2
const keys = 200
/** Of a thousand rows. */
const parts = { minutes: 714, hours: 143, days: 29, events: 114 } as const

export async function compareCopies(server: Cluster, rows: number): Promise<readonly Row[]> {
  using folder = temporaryFolder()
  const { url, latchkey } = await freshDatabase(server, 'original')
  const count = await plant(url, latchkey, rows)
  const [dump, to, file] = [folder.file('dump'), folder.file('backups'), folder.file('site.db')]
  await latchkey.database.transfer({ from: url, to: file })
  let made = 0
  const target = async () => {
    const name = `target_${++made}`
    const admin = await bareConnection(server.url('postgres'))
    await admin.unsafe(`CREATE DATABASE ${name}`)
    await admin.close()
    return server.url(name)
  }
  const latchkeyOf = (text: string, path: string) => [
    process.execPath,
    '-e',
    `import { connectLatchkey } from '${join(import.meta.dir, '../../src/index.ts')}'
     const latchkey = connectLatchkey({ path: '${path}', env: { HOME: '${folder.path}' } })
     await ${text}
     await latchkey.close()`,
  ]
  const works: Readonly<Record<string, () => Promise<readonly string[]>>> = {
    dump: async () => [join(serverPrograms ?? '', 'pg_dump'), '-Fc', `--file=${dump}`, url],
    backup: async () => latchkeyOf(`latchkey.backups.create({ to: '${to}' })`, url),
    restore: async () => [join(serverPrograms ?? '', 'pg_restore'), `--dbname=${await target()}`, dump],
    copy: async () => {
      const path = await target()
      return latchkeyOf(`latchkey.database.transfer({ from: '${file}', to: '${path}' })`, path)
    },
  }
  const costs = new Map<string, Cost>()
  for (const name of inTurns(Object.keys(works), rounds)) {
    const command = (await works[name]?.()) ?? []
    const cost = await costOf(server, command)
    const best = costs.get(name) ?? cost
    costs.set(name, { ms: Math.min(best.ms, cost.ms), workMs: Math.min(best.workMs, cost.workMs) })
    rmSync(to, { recursive: true, force: true })
  }
  await latchkey.close()
  const row = (name: string, ours: string, theirs: string, bound: number, besides: string): Row => {
    const none = { ms: 0, workMs: 0 }
    const [our, their] = [costs.get(ours) ?? none, costs.get(theirs) ?? none]
    const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
    return {
      name: `postgres: ${name}`,
      ratio: our.workMs / their.workMs,
      bound,
      better: 'lower',
      detail: `${seconds(our.workMs)} against ${seconds(their.workMs)} of processors, ${seconds(our.ms)} against ${seconds(their.ms)} by the clock; ${count.toLocaleString('en-US')} rows; ${besides}; load ${loadavg()[0]?.toFixed(1)}`,
    }
  }
  return [
    row('backup / pg_dump -Fc', 'backup', 'dump', 4, 'the backup is a checked database'),
    row('db copy / pg_restore', 'copy', 'restore', 1.5, 'pg_restore neither reads back nor analyses'),
  ]
}

/** Returns how many rows there are. */
async function plant(url: string, latchkey: Latchkey, rows: number): Promise<number> {
  await latchkey.keys.createMany({ name: 'busy' }, keys)
  const bare = await bareConnection(url)
  await bare.unsafe("INSERT INTO models (name) VALUES ('gpt-4o')")
  await bare.unsafe('INSERT INTO series (key_id) SELECT id FROM keys')
  for (const width of ['minutes', 'hours', 'days'] as const) {
    const each = Math.ceil((rows * parts[width]) / 1000 / keys)
    const last = width === 'days' ? ', 1700000000000 + t' : ''
    await bare.unsafe(
      `INSERT INTO ${width} SELECT s.id, 29000000 + t, 1, 1 + t % 7, 1000 + t * 7 % 9999, 10, 0, 500 + t * 13 % 777, 20, 0, 123456 + t, 0${last}
       FROM generate_series(1, ${each}) t, series s ORDER BY t, s.id`,
    )
  }
  await bare.unsafe(
    `INSERT INTO counted_events SELECT 'event-' || n || '-' || md5(n::text), 1700000000000 + n, 0
     FROM generate_series(1, ${Math.ceil((rows * parts.events) / 1000)}) n`,
  )
  await bare.unsafe('VACUUM ANALYZE')
  const [{ count = 0 } = {}] = await bare.unsafe(
    `SELECT ${['minutes', 'hours', 'days', 'counted_events'].map(name => `(SELECT count(*) FROM ${name})`).join(' + ')} AS count`,
  )
  await bare.close()
  return Number(count)
}

interface Cost {
  readonly ms: number
  /** Of processors, with what the server does for it. */
  readonly workMs: number
}

async function costOf(server: Cluster, command: readonly string[]): Promise<Cost> {
  const before = serverMs(server)
  const begun = performance.now()
  const child = Bun.spawn([...command], { stdout: 'ignore', stderr: 'pipe' })
  if ((await child.exited) !== 0) throw new Error(await child.stderr.text())
  const ms = performance.now() - begun
  const own = child.resourceUsage()?.cpuTime.total ?? 0n
  return { ms, workMs: Number(own) / 1000 + serverMs(server) - before }
}

/** What the server has used of processors, with the processes that ended. */
function serverMs({ pid }: Cluster): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  return [String(pid), ...children].reduce((sum, each) => sum + processMs(each), 0)
}

const ticksPerSecond = 100

function processMs(pid: string): number {
  try {
    const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    const ticks = rest.split(' ').slice(11, 15).map(Number)
    return (ticks.reduce((sum, each) => sum + each, 0) * 1000) / ticksPerSecond
  } catch {
    return 0
  }
}
