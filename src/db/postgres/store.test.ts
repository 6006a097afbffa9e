/** What is on disk once it is acknowledged, on a server that loses power, and who excludes whom. */
import { expect, setDefaultTimeout } from 'bun:test'
import { join } from 'node:path'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { createApp } from '../../server/app.ts'
import { LiveDatabase } from '../../server/database.ts'
import { Counters } from '../../server/metrics.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { firstLine } from '../../testing/lines.ts'
import { latchkeyDatabase, requirePostgres, temporaryServer } from '../../testing/postgres.ts'
import type { Cluster } from '../../testing/postgres-cluster.ts'
import { run } from '../../testing/run.ts'
import { eq } from '../query.ts'
import { models } from '../schema/usage.ts'
import { Connection } from './connection.ts'
import { PostgresStore } from './store.ts'
import { targetOf } from './url.ts'

setDefaultTimeout(600_000)

const actor = { name: 'tester', origin: 'script' } as const
/** A Latchkey that `await using` closes. */
function at(path: string) {
  const latchkey = connectLatchkey({ path, actor })
  return Object.assign(latchkey, { [Symbol.asyncDispose]: latchkey.close })
}
const connect = (url: string) =>
  Connection.open(targetOf(url), { prepare: false, patient: false, deadlineMs: 60_000 })

/**
 * A server that writes nothing before a statement insists: no vacuum, no checkpoint by time, nothing for want of buffers. What
 * writes by itself is stopped by `stopWriter`, and then what is there after a crash was insisted on.
 */
async function lazyServer(): Promise<Cluster> {
  const server = await temporaryServer()
  const admin = await connect(server.url('postgres'))
  const lazy = {
    synchronous_commit: 'off',
    wal_writer_delay: '10s',
    autovacuum: 'off',
    checkpoint_timeout: '1d',
    bgwriter_lru_maxpages: '0',
  }
  for (const [name, value] of Object.entries(lazy)) await admin.run(`ALTER SYSTEM SET ${name} = '${value}'`)
  await admin.run('SELECT pg_reload_conf()')
  admin.close()
  return server
}

async function crash(server: Cluster): Promise<void> {
  await server.crash()
  await server.start()
}

requirePostgres()('what is acknowledged as durable is there after a crash of the server', async () => {
  await using server = await lazyServer()
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder())
  const url = server.url('postgres')
  await using latchkey = at(url)
  await latchkey.initialize()
  const { id } = await latchkey.keys.create({ name: 'ci' })
  const { secret } = await latchkey.keys.create({ name: 'gateway', scopes: ['latchkey:*'] })
  const log = (name: string, length: number) =>
    folder.write(
      name,
      Array.from({ length }, (_, n) =>
        JSON.stringify({
          id: `${name} ${n}`,
          key: 'ci',
          at: new Date(Date.now() - (n % 9) * 3_600_000),
        }),
      ).join('\n'),
    )
  const post = async () => {
    const database = new LiveDatabase(() => connectLatchkey({ path: url }))
    const app = createApp({ database, counters: new Counters(), now: () => new Date(), log: () => {} })
    const answer = await app.answer(
      new Request('http://x/v1/usage', {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ key: 'ci', id: 'posted', requests: 1 }),
      }),
    )
    expect(answer.status).toBe(200)
    stack.defer(() => database.close())
  }
  const recorder = await latchkey.usage.createRecorder()
  const changes: readonly (readonly [what: string, counted: number, make: () => Promise<unknown>])[] = [
    ['the recorder', 1, () => recorder.record(id, { requests: 1 })],
    ['POST /v1/usage', 1, post],
    ['a small log', 5, () => latchkey.usage.ingest({ file: log('small', 5) })],
    ['a large log', 25_000, () => latchkey.usage.ingest({ file: log('large', 25_000) })],
    ['a call of the library', 0, () => latchkey.keys.create({ name: 'from the library' })],
    ['a command', 0, () => run(['key', 'create', 'from a command'], { db: url })],
  ]
  let total = 0
  for (const [what, counted, make] of changes) {
    await stopWriter(url)
    await make()
    await crash(server)
    total += counted
    expect([what, (await latchkey.keys.stats('ci')).totals.requests]).toEqual([what, total])
  }
  const names = (await latchkey.keys.list()).map(({ name }) => name).sort()
  expect(names).toEqual(['ci', 'from a command', 'from the library', 'gateway'])

  const admin = await connect(url)
  await admin.run('CREATE DATABASE other')
  admin.close()
  await using other = at(server.url('other'))
  await stopWriter(url)
  await other.initialize()
  await crash(server)
  expect(await other.keys.list()).toEqual([])
  await recorder.close()
})

/** What the four calls leave that gateways make for each request, on two reservations that are there. */
const fourCalls = async (latchkey: Latchkey, settled: string, released: string): Promise<string> => {
  await latchkey.usage.record('ci', { requests: 1 })
  await latchkey.usage.settle(settled, { requests: 1 })
  await latchkey.usage.release(released)
  return (await latchkey.usage.reserve('ci', { requests: 1 })).reservation?.id ?? ''
}

/** A key with two reservations, on disk. */
async function reserved(latchkey: Latchkey): Promise<readonly [string, string]> {
  await latchkey.keys.create({ name: 'ci' })
  const [one, two] = await Promise.all([1, 2].map(() => latchkey.usage.reserve('ci', { requests: 1 })))
  // A durable commit takes all before it along.
  await latchkey.keys.create({ name: 'after' })
  return [one?.reservation?.id ?? '', two?.reservation?.id ?? '']
}

/** Stops the process of the server that writes by itself, between two of its rounds: within one it has a lock that others need. */
async function stopWriter(url: string): Promise<void> {
  const admin = await connect(url)
  const find = () =>
    admin.rows<{ pid: number; sleeps: boolean }>(
      `SELECT pid, wait_event = 'WalWriterMain' AS sleeps FROM pg_stat_activity WHERE backend_type = 'walwriter'`,
    )
  for (;;) {
    // A server takes connections before this process has begun.
    const [writer] = await find()
    if (writer !== undefined) {
      process.kill(writer.pid, 'SIGSTOP')
      await isStopped(writer.pid)
      if ((await find())[0]?.sleeps === true) break
      process.kill(writer.pid, 'SIGCONT')
    }
    await Bun.sleep(10)
  }
  admin.close()
}

/** A process that waits for a disk stops after that. */
async function isStopped(pid: number): Promise<void> {
  while (!/^State:\s+T/m.test(await Bun.file(`/proc/${pid}/status`).text())) await Bun.sleep(1)
}

requirePostgres()(
  'the four calls of each request do not wait for the disk, and are there once the server has written by itself',
  async () => {
    await using server = await lazyServer()
    const url = server.url('postgres')
    await using latchkey = at(url)
    await latchkey.initialize()
    const held = await reserved(latchkey)
    const requests = async () => (await latchkey.keys.stats('ci')).totals.requests
    await stopWriter(url)
    const lost = await fourCalls(latchkey, ...held)
    expect(await requests()).toBe(2)
    await crash(server)
    expect(await requests()).toBe(0)
    expect(await failure(latchkey.usage.release(lost))).toMatchObject({ code: 'not_found' })

    const admin = await connect(url)
    await admin.run('ALTER SYSTEM RESET wal_writer_delay')
    await admin.run('SELECT pg_reload_conf()')
    const kept = await fourCalls(latchkey, ...held)
    const [row] = await admin.rows<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn')
    const isWritten = 'SELECT WHERE pg_current_wal_flush_lsn() >= $1::pg_lsn'
    while ((await admin.run(isWritten, [row?.lsn ?? ''])) === 0) await Bun.sleep(20)
    admin.close()
    await crash(server)
    expect(await requests()).toBe(2)
    await latchkey.usage.release(kept)
    for (const id of held)
      expect(await failure(latchkey.usage.release(id))).toMatchObject({ code: 'not_found' })
  },
)

requirePostgres()('the four calls of each request survive a crash of the gateway at once', async () => {
  await using database = await latchkeyDatabase()
  await using latchkey = at(database.url)
  const [settled, released] = await reserved(latchkey)
  const code = `
    const { connectLatchkey } = await import(${JSON.stringify(join(import.meta.dir, '../../index.ts'))})
    const { usage } = connectLatchkey({ path: ${JSON.stringify(database.url)} })
    await usage.record('ci', { requests: 1 })
    await usage.settle('${settled}', { requests: 1 })
    await usage.release('${released}')
    console.log((await usage.reserve('ci', { requests: 1 })).reservation.id)
    process.kill(process.pid, 'SIGKILL')`
  const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
  const kept = (await child.stdout.text()).trim()
  await child.exited
  expect(child.signalCode).toBe('SIGKILL')
  expect((await latchkey.keys.stats('ci')).totals.requests).toBe(2)
  await latchkey.usage.release(kept)
  for (const id of [settled, released])
    expect(await failure(latchkey.usage.release(id))).toMatchObject({ code: 'not_found' })
})

const storeOn = (url: string, busyTimeoutMs = 60_000) =>
  new PostgresStore({ url, access: 'write', dryRun: false, busyTimeoutMs })

requirePostgres()(
  'while one works alone, others wait or are told that it is busy, and go on once it has ended',
  async () => {
    await using database = await latchkeyDatabase()
    const [one, other] = [storeOn(database.url), storeOn(database.url)]
    const hasBegun = Promise.withResolvers<void>()
    const mayEnd = Promise.withResolvers<void>()
    const first = one.alone('none', async () => {
      hasBegun.resolve()
      await mayEnd.promise
      return 'first'
    })
    await hasBegun.promise
    for (const store of [one, other])
      expect(await failure(store.alone('none', async () => 'beside'))).toMatchObject({ code: 'busy' })
    const hasty = storeOn(database.url, 50)
    expect(await failure(hasty.alone('usual', async () => 'beside'))).toMatchObject({ code: 'busy' })
    const second = other.alone('usual', async () => 'second')
    expect(await Promise.race([second, Bun.sleep(100).then(() => 'waits')])).toBe('waits')
    mayEnd.resolve()
    expect([await first, await second]).toEqual(['first', 'second'])
    const failing = one.alone('none', async () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    // The server hears of it a moment later.
    expect(await other.alone('usual', async () => 'third')).toBe('third')
    await Promise.all([one, other, hasty].map(store => store.close()))
  },
)

requirePostgres()('who works alone is followed by another as soon as its process is killed', async () => {
  await using database = await latchkeyDatabase()
  const code = `
    const { PostgresStore } = await import(${JSON.stringify(join(import.meta.dir, 'store.ts'))})
    const url = ${JSON.stringify(database.url)}
    const store = new PostgresStore({ url, access: 'write', dryRun: false, busyTimeoutMs: 60_000 })
    await store.alone('none', async () => {
      console.log('works')
      await Bun.sleep(600_000)
    })`
  const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
  await firstLine(child.stdout)
  const store = storeOn(database.url)
  expect(await failure(store.alone('none', async () => 'beside'))).toMatchObject({ code: 'busy' })
  const next = store.alone('usual', async () => 'next')
  expect(await Promise.race([next, Bun.sleep(100).then(() => 'waits')])).toBe('waits')
  child.kill('SIGKILL')
  expect(await next).toBe('next')
  await store.close()
})

requirePostgres()('changes are made one after another, whoever makes them', async () => {
  await using database = await latchkeyDatabase()
  const stores = [storeOn(database.url), storeOn(database.url)]
  const seen: number[] = []
  const change = (store: PostgresStore) =>
    store.write(async db => {
      seen.push(await db.$count(models))
      await Bun.sleep(20)
      await db.insert(models).values({ name: `model ${seen.length}` })
    })
  await Promise.all([...stores, ...stores].map(change))
  expect(seen.map(n => n - (seen[0] ?? 0))).toEqual([0, 1, 2, 3])
  await Promise.all(stores.map(store => store.close()))
})

requirePostgres()('a change that throws at its end leaves nothing', async () => {
  await using database = await latchkeyDatabase()
  const store = storeOn(database.url)
  const failing = store.write(async db => {
    await db.insert(models).values({ name: 'left' })
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect(await store.read(db => db.$count(models, eq(models.name, 'left')))).toBe(0)
  await store.close()
})
