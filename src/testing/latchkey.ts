/**
 * A real, empty Latchkey, with a clock that tests set: in a temporary folder, or on a PostgreSQL server where
 * LATCHKEY_TEST_ENGINE says so. For tests only.
 */
import { Database } from 'bun:sqlite'
import { test } from 'bun:test'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { SQL } from 'bun'
import type { Store } from '../db/engine.ts'
import { Client } from '../db/sqlite/client.ts'
import { SqliteStore } from '../db/sqlite/transaction.ts'
import { connectLatchkey, type Latchkey } from '../index.ts'
import { temporaryFolder } from './folder.ts'
import { fromTemplate } from './template.ts'
import { requirement } from './tools.ts'

export interface TestLatchkey extends AsyncDisposable {
  readonly latchkey: Latchkey
  readonly path: string
  readonly folder: string
  /** The current time for operations. */
  readonly clock: { now: Date }
  /** A second Latchkey on the same file, for dry runs. */
  readonly dry: Latchkey
  /** Runs a statement on the database itself. */
  readonly query: <Row = unknown>(sql: string) => Promise<readonly Row[]>
  /** All that is stored, as text. */
  readonly dump: () => Promise<string>
  /** What another process does that writes and does not end: nobody else writes until it is disposed of. */
  readonly hold: () => Promise<AsyncDisposable>
}

/** Whether tests that do not care have their data on a PostgreSQL server. */
export const onPostgres: boolean = process.env['LATCHKEY_TEST_ENGINE'] === 'postgres'

/** `requireFile()('a name', body)`: a test about the file, or of what only SQLite does. Skipped where data is on a server. */
export const requireFile = (): ((label: string, body: () => Promise<void>) => void) =>
  onPostgres ? requirement('this is about a file', false) : test

/** The store itself, beside those that a Latchkey on the same path has. */
export async function storeAt(
  path: string,
  {
    dryRun = false,
    busyTimeoutMs = 5_000,
  }: { readonly dryRun?: boolean; readonly busyTimeoutMs?: number } = {},
): Promise<Store> {
  const options = { access: 'write', dryRun, busyTimeoutMs } as const
  if (!onPostgres) return new SqliteStore({ path, ...options })
  const { PostgresStore } = await import('../db/postgres/store.ts')
  return new PostgresStore({ url: path, ...options })
}

/** @param from a folder to copy instead of creating a new database */
export async function temporaryLatchkey(
  start = '2026-11-20T12:00:00Z',
  from?: string,
): Promise<TestLatchkey> {
  const folder = temporaryFolder()
  await using made = new AsyncDisposableStack()
  made.defer(() => folder.remove())
  const path = onPostgres
    ? made.use(await (await import('./postgres.ts')).latchkeyDatabase()).url
    : join(folder.path, 'latchkey.db')
  const clock = { now: new Date(start) }
  const options = {
    path,
    now: () => clock.now,
    actor: { name: 'tester', origin: 'script' },
    // Those of a server are usually in the home of whoever runs the tests, which all of them would share.
    ...(onPostgres && { backupDir: join(folder.path, 'backups') }),
  } as const
  const latchkey = connectLatchkey(options)
  made.defer(() => latchkey.close())
  if (from !== undefined) cpSync(from, folder.path, { recursive: true })
  else if (!onPostgres) {
    await fromTemplate(start, path, async () => {
      await latchkey.initialize()
    })
  }
  const dry = connectLatchkey({ ...options, dryRun: true })
  made.defer(() => dry.close())
  const direct = onPostgres ? onServer(path, made) : onFile(path, made)
  const kept = made.move()
  return {
    latchkey,
    dry,
    path,
    folder: folder.path,
    clock,
    ...direct,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

type Direct = Pick<TestLatchkey, 'query' | 'dump' | 'hold'>

function onServer(url: string, made: AsyncDisposableStack): Direct {
  const connect = () => new SQL(url, { max: 1, tls: false, bigint: true })
  const sql = connect()
  made.defer(() => sql.close())
  const query = async <Row>(text: string): Promise<readonly Row[]> => {
    const rows = await sql.unsafe<Record<string, unknown>[]>(text)
    for (const row of rows)
      for (const name in row) if (typeof row[name] === 'bigint') row[name] = Number(row[name])
    return [...rows] as Row[]
  }
  return {
    query,
    dump: async () => {
      const tables = await query<{ name: string }>(
        "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
      )
      const texts = tables.map(({ name }) => query(`SELECT json_agg(t)::text AS text FROM "${name}" t`))
      return JSON.stringify(await Promise.all(texts))
    },
    hold: async () => {
      const { lockWrites } = await import('../db/postgres/locks.ts')
      const holder = connect()
      await holder.unsafe(`BEGIN; ${lockWrites}; LOCK TABLE minutes, hours, days IN SHARE ROW EXCLUSIVE MODE`)
      return {
        [Symbol.asyncDispose]: async () => {
          await holder.unsafe('ROLLBACK')
          await holder.close()
        },
      }
    },
  }
}

function onFile(path: string, made: AsyncDisposableStack): Direct {
  let client: Client | undefined
  made.defer(() => client?.close())
  const connect = () => {
    const connected = new Client(path, { readwrite: true })
    connected.run('PRAGMA busy_timeout = 5000')
    connected.run('PRAGMA synchronous = OFF')
    return connected
  }
  return {
    query: async <Row>(text: string) => {
      client ??= connect()
      return client.query(text).all() as Row[]
    },
    dump: async () => {
      using database = new Database(path)
      return database.serialize().toString('latin1')
    },
    hold: async () => {
      const holder = new Client(path, { readwrite: true })
      // Not by the timeout of SQLite, which would let nobody in this process end what it does.
      for (let isHeld = false; !isHeld; await Bun.sleep(1)) isHeld = begins(holder)
      return {
        [Symbol.asyncDispose]: async () => {
          holder.run('ROLLBACK')
          holder.close()
        },
      }
    },
  }
}

function begins(client: Client): boolean {
  try {
    client.run('BEGIN IMMEDIATE')
    return true
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'SQLITE_BUSY') return false
    throw error
  }
}
