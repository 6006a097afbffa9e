/**
 * Databases on a real PostgreSQL server. All test files of a checkout share one, which the first use starts and which ends
 * after the last; each test has a database of its own. Tests that stop or freeze a server have their own. For tests only.
 */

import { test } from 'bun:test'
import { chmodSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SQL } from 'bun'
import { Connection } from '../db/postgres/connection.ts'
import { migrateTo } from '../db/postgres/migrate.ts'
import { migrations } from '../db/postgres/migrations.ts'
import { targetOf } from '../db/postgres/url.ts'
import { latestVersion } from '../db/schema/version.ts'
import { temporaryFolder } from './folder.ts'
import { Cluster, type ClusterOptions, whyNoServer } from './postgres-cluster.ts'
import { keeperFiles } from './postgres-keeper.ts'
import { inCi, requirement, type requireTool } from './tools.ts'

/**
 * `requirePostgres()('a name', body)`: a test that is skipped with a reason if no server can be started. In CI it fails
 * instead.
 */
export function requirePostgres(): ReturnType<typeof requireTool> {
  const why = whyNoServer()
  return why === null ? test : requirement(why, inCi)
}

export interface TemporaryDatabase extends AsyncDisposable {
  readonly url: string
  readonly name: string
}

/** A database without a table, on the shared server. */
export const emptyDatabase = (): Promise<TemporaryDatabase> => databaseFrom('template1')

/** A database of the current schema, without identity or audit row, as `emptyDatabase` is without a table. */
export async function latchkeyDatabase(): Promise<TemporaryDatabase> {
  template ??= makeTemplate()
  return databaseFrom(await template)
}

let template: Promise<string> | undefined

/** One for all processes of the run: whoever comes first makes it, and it gets its name once it is whole. */
async function makeTemplate(): Promise<string> {
  const { url, admin } = await shared()
  const text = migrations.map(({ hash }) => hash).join()
  const name = `template_${new Bun.CryptoHasher('sha256').update(text).digest('hex').slice(0, 16)}`
  const holder = await admin.reserve()
  try {
    await holder.unsafe('SELECT pg_advisory_lock(1)')
    const found = await holder`SELECT FROM pg_database WHERE datname = ${name}`
    if (found.length > 0) return name
    const draft = `draft_${crypto.randomUUID().slice(0, 8)}`
    await holder.unsafe(`CREATE DATABASE ${draft}`)
    const options = { prepare: false, patient: false, deadlineMs: mostWaitMs }
    const connection = await Connection.open(targetOf(urlOf(url, draft)), options)
    const inside = async () => {}
    const stamp = { now: 0, programVersion: 'test', on: 'empty', dryRun: false, waitMs: mostWaitMs } as const
    await migrateTo(connection, latestVersion, { ...stamp, inside })
    connection.close()
    await holder.unsafe(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${draft}'`)
    await holder.unsafe(`ALTER DATABASE ${draft} RENAME TO ${name}`)
    return name
  } finally {
    await holder.unsafe('SELECT pg_advisory_unlock(1)')
    await holder.release()
  }
}

/** One that is the same as `template`, which nobody may be connected to. */
export async function databaseFrom(template: string): Promise<TemporaryDatabase> {
  const server = await shared()
  const name = `latchkey_${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`
  // Files are copied for half of what it takes to log their pages; nothing here waits for a disk.
  await server.admin.unsafe(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`)
  return {
    name,
    url: urlOf(server.url, name),
    [Symbol.asyncDispose]: async () => {
      await server.admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

/** A server of one's own, for tests that stop, kill or freeze it; a commit is on disk unless `options` say otherwise. */
export async function temporaryServer(options: Partial<ClusterOptions> = {}): Promise<Cluster> {
  const folder = temporaryFolder()
  // The server's user must get in.
  chmodSync(folder.path, 0o711)
  const cluster = await Cluster.start(folder.file('server'), { durable: true, ...options })
  const dispose = cluster[Symbol.asyncDispose].bind(cluster)
  return Object.assign(cluster, {
    [Symbol.asyncDispose]: async () => {
      await dispose()
      folder.remove()
    },
  })
}

const urlOf = (server: string, database: string): string => server.replace(/\/[^/]*$/, `/${database}`)

interface Shared {
  readonly url: string
  /** As superuser. */
  readonly admin: SQL
  /** As long as it is open, the server runs. */
  readonly hold: Socket
}

let using: Promise<Shared> | undefined

function shared(): Promise<Shared> {
  using ??= use()
  return using
}

const mostWaitMs = 120_000
const betweenKeepersMs = 1000

async function use(): Promise<Shared> {
  const id = new Bun.CryptoHasher('sha256')
    .update(import.meta.dir)
    .digest('hex')
    .slice(0, 8)
  const base = join(tmpdir(), `latchkey-postgres-${process.getuid?.() ?? 0}-${id}`)
  const deadline = performance.now() + mostWaitMs
  let startKeeperAt = 0
  for (;;) {
    const found = await serverOf(keeperFiles(base).socket)
    if (found !== null) return { ...found, admin: new SQL(found.url, { max: 1, tls: false }) }
    if (performance.now() > deadline) throw new Error(`no server was started within ${mostWaitMs} ms`)
    if (performance.now() >= startKeeperAt) {
      startKeeperAt = performance.now() + betweenKeepersMs
      const words = [process.execPath, join(import.meta.dir, 'postgres-keeper.ts'), base]
      // By a shell that ends at once, because the children of a test file end with it.
      Bun.spawn(['sh', '-c', '"$@" &', 'sh', ...words], {
        detached: true,
        cwd: '/',
        stdio: ['ignore', 'ignore', 'ignore'],
      })
    }
    await Bun.sleep(50)
  }
}

/** The server that the keeper at a socket has; null when there is none, or it has just ended. */
export function serverOf(socket: string): Promise<Omit<Shared, 'admin'> | null> {
  const answer = Promise.withResolvers<Omit<Shared, 'admin'> | null>()
  const hold = connect(socket)
  let text = ''
  hold.on('data', chunk => {
    text += chunk
    if (!text.endsWith('\n')) return
    const { url, problem } = JSON.parse(text)
    if (problem === undefined) answer.resolve({ url, hold: hold.unref() })
    else answer.reject(new Error(problem))
  })
  hold.on('error', () => answer.resolve(null))
  hold.on('close', () => answer.resolve(null))
  return answer.promise
}
