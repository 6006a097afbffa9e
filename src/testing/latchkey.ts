/**
 * A real, empty Latchkey, with a clock that tests set: in a temporary folder, or on a PostgreSQL server where
 * LATCHKEY_TEST_ENGINE says so. For tests only.
 */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { SQL } from 'bun'
import { Client } from '../db/sqlite/client.ts'
import { connectLatchkey, type Latchkey } from '../index.ts'
import { temporaryFolder } from './folder.ts'
import { fromTemplate } from './template.ts'

export interface TestLatchkey extends AsyncDisposable {
  readonly latchkey: Latchkey
  readonly path: string
  readonly folder: string
  /** The current time for operations. */
  readonly clock: { now: Date }
  /** A second Latchkey on the same file, for dry runs. */
  readonly dry: Latchkey
  /** Runs a statement on the database itself. */
  readonly query: (sql: string) => Promise<readonly unknown[]>
}

/** Whether tests that do not care have their data on a PostgreSQL server. */
export const onPostgres: boolean = process.env['LATCHKEY_TEST_ENGINE'] === 'postgres'

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
  const options = { path, now: () => clock.now, actor: { name: 'tester', origin: 'script' } } as const
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
  const query = onPostgres ? await serverQuery(path, made) : fileQuery(path, made)
  const kept = made.move()
  return {
    latchkey,
    dry,
    path,
    folder: folder.path,
    clock,
    query,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function serverQuery(url: string, made: AsyncDisposableStack): Promise<TestLatchkey['query']> {
  const sql = new SQL(url, { max: 1, tls: false })
  made.defer(() => sql.close())
  return async text => await sql.unsafe(text)
}

function fileQuery(path: string, made: AsyncDisposableStack): TestLatchkey['query'] {
  let client: Client | undefined
  made.defer(() => client?.close())
  return async text => {
    if (client === undefined) {
      client = new Client(path, { readwrite: true })
      client.run('PRAGMA busy_timeout = 5000')
      client.run('PRAGMA synchronous = OFF')
    }
    return client.query(text).all()
  }
}
