/** Connections against a server that is stopped, killed and frozen. */
import { expect, spyOn, test } from 'bun:test'
import { join } from 'node:path'
import { failure } from '../../testing/failure.ts'
import { emptyDatabase, latchkeyDatabase, requirePostgres, temporaryServer } from '../../testing/postgres.ts'
import { serverPrograms } from '../../testing/postgres-cluster.ts'
import { Connection } from './connection.ts'
import { isLost } from './errors.ts'
import { Pool, type PoolOptions, poolsOf } from './pool.ts'
import { targetOf } from './url.ts'

const usual: PoolOptions = { size: 2, waitMs: 20_000, deadlineMs: 20_000, prepare: true, patient: false }

requirePostgres()('integers, texts, lists and null arrive as they were sent', async () => {
  await using database = await emptyDatabase()
  const connection = await Connection.open(targetOf(database.url), usual)
  await connection.script('CREATE TABLE t (a bigint, b text); CREATE INDEX ON t (a)')
  const numbers = [0, -1, 2 ** 31, 2 ** 51, 2 ** 51 + 1, 2 ** 53 - 1, -(2 ** 53 - 1)]
  for (const a of numbers) expect(await connection.run('INSERT INTO t VALUES ($1, $2)', [a, `${a}`])).toBe(1)
  expect(await connection.rows('SELECT a, b FROM t')).toEqual(numbers.map(a => ({ a, b: `${a}` })))
  for (const a of numbers) {
    expect(await connection.values('SELECT b FROM t WHERE a = $1', [a])).toEqual([[`${a}`]])
  }
  const lists = [
    [1, 2 ** 52, null],
    ['x', '"{},\\', null],
  ] as const
  expect(await connection.values('SELECT * FROM unnest($1::bigint[], $2::text[])', [...lists])).toEqual([
    [1, 'x'],
    [2 ** 52, '"{},\\'],
    [null, null],
  ])
  const strange = ['', ' ', 'NULL', 'null', ',', '{', '"', "'", '\\', 'a\nb', 'ü€😀']
  expect(await connection.values('SELECT * FROM unnest($1::text[])', [strange])).toEqual(
    strange.map(text => [text]),
  )
  expect(await connection.values('SELECT * FROM unnest($1::text[])', [[]])).toEqual([])
  const slow = performance.now()
  const all = ['BEGIN', 'SELECT pg_sleep(0.1)', 'SELECT 7 AS x', 'COMMIT'].map(text => connection.rows(text))
  expect((await Promise.all(all))[2]).toEqual([{ x: 7 }])
  expect(performance.now() - slow).toBeGreaterThan(90)
  connection.close()
})

requirePostgres()('a session is not led elsewhere by variables of other programs', async () => {
  await using database = await emptyDatabase()
  const script = `
    const { Connection } = await import('${import.meta.dir}/connection.ts')
    const { targetOf } = await import('${import.meta.dir}/url.ts')
    const connection = await Connection.open(targetOf(process.env.AT), ${JSON.stringify(usual)})
    console.log(JSON.stringify(await connection.values('SELECT current_database()::text, current_user::text')))
    connection.close()`
  const elsewhere = 'postgres://else:secret@203.0.113.1:1/elsewhere?sslmode=require'
  const others = { PGDATABASE: 'x', PGHOST: '203.0.113.1', PGUSER: 'x', PGPORT: '1', PGSSLMODE: 'require' }
  const child = Bun.spawn([process.execPath, '-e', script], {
    env: { ...process.env, AT: database.url, DATABASE_URL: elsewhere, POSTGRES_URL: elsewhere, ...others },
    stdout: 'pipe',
  })
  expect(JSON.parse(await child.stdout.text())).toEqual([[database.name, 'postgres']])
})

requirePostgres()('a pool lends no connection twice, and the next caller waits', async () => {
  await using database = await emptyDatabase()
  const pool = new Pool(targetOf(database.url), { ...usual, waitMs: 200 })
  const pid = 'SELECT pg_backend_pid() AS pid'
  const both = await Promise.all([pool.lend(c => c.rows(pid)), pool.lend(c => c.rows(pid))])
  expect(new Set(both.map(([row]) => JSON.stringify(row))).size).toBe(2)
  const held = Promise.withResolvers<void>()
  const lent = [1, 2].map(() => pool.lend(() => held.promise))
  expect(await failure(pool.lend(c => c.rows(pid)))).toMatchObject({
    code: 'busy',
    message: expect.stringContaining('all 2 connections'),
  })
  const third = pool.lend(c => c.rows(pid))
  held.resolve()
  await Promise.all([...lent, third])
  await pool.close()
  expect((await failure(pool.lend(c => c.rows(pid)))).message).toContain('is closed')
})

/** How many statements were sent since. */
function sending() {
  const spy = spyOn(Connection.prototype, 'rows')
  return { count: () => spy.mock.calls.length, [Symbol.dispose]: () => spy.mockRestore() }
}

requirePostgres()('single statements share a connection, and each has its own answer', async () => {
  await using database = await emptyDatabase()
  const pool = new Pool(targetOf(database.url), { ...usual, size: 1 })
  const [one] = await pool.rows<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  using sent = sending()
  const slow = pool.rows('SELECT 1 AS n, pg_sleep(0.3)::text AS z, pg_backend_pid() AS pid')
  const wrong = pool.rows('SELECT 1 / 0').catch(error => error)
  const rest = Array.from({ length: 10 }, (_, n) =>
    pool.rows('SELECT $1::int AS n, pg_backend_pid() AS pid', [n]),
  )
  // So many are sent at once, and the others as soon as there is an answer.
  expect(sent.count()).toBe(8)
  expect(await slow).toEqual([{ n: 1, z: '', pid: one?.pid }])
  expect(await wrong).toMatchObject({ message: 'division by zero' })
  expect(await Promise.all(rest)).toEqual(rest.map((_, n) => [{ n, pid: one?.pid }]))
  await pool.close()
})

/** A pool with both of its connections, and another one that holds two locks for which statements wait. */
async function held() {
  const stack = new AsyncDisposableStack()
  const target = targetOf(stack.use(await emptyDatabase()).url)
  const pool = new Pool(target, usual)
  stack.defer(() => pool.close())
  const other = await Connection.open(target, usual)
  stack.defer(() => other.close())
  await Promise.all([pool.rows('SELECT pg_sleep(0.1)'), pool.rows('SELECT pg_sleep(0.1)')])
  await other.script('CREATE TABLE t (x int); SELECT pg_advisory_lock(1), pg_advisory_lock(2)')
  return {
    pool,
    other,
    free: (lock: number) => other.run('SELECT pg_advisory_unlock($1::bigint)', [lock]),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

requirePostgres()('what reads does not wait behind what writes, and who came first is first', async () => {
  await using it = await held()
  const { pool } = it
  const done: string[] = []
  const noted = <T>(what: string, work: Promise<T>) => work.then(() => done.push(what))
  const writes = [noted('write', pool.rows('SELECT FROM pg_advisory_xact_lock(1)', [], 'writes'))]
  const reads = [noted('read', pool.rows('SELECT FROM pg_advisory_xact_lock(2)'))]
  {
    using sent = sending()
    writes.push(noted('second write', pool.rows('SELECT 1', [], 'writes')))
    for (const which of ['second', 'third']) reads.push(noted(`${which} read`, pool.rows('SELECT 1')))
    expect(sent.count()).toBe(3)
    reads.push(
      noted(
        'alone',
        pool.lend(connection => connection.run('SELECT 1')),
      ),
    )
    reads.push(noted('late read', pool.rows('SELECT 1')))
    expect(sent.count()).toBe(3)
  }
  await it.free(2)
  await Promise.all(reads)
  await it.free(1)
  await Promise.all(writes)
  const inOrder = ['read', 'second read', 'third read', 'alone', 'late read', 'write', 'second write']
  expect(done).toEqual(inOrder)
})

requirePostgres()(
  'of statements on a connection that is lost, only those that read are sent again',
  async () => {
    await using it = await held()
    const { pool, other } = it
    const writes = [1, 2].map(n =>
      pool
        .rows('INSERT INTO t SELECT $1::int FROM pg_advisory_xact_lock(1)', [n], 'writes')
        .catch(error => error),
    )
    const reads = [1, 2].map(n => pool.rows('SELECT $1::int AS n FROM pg_advisory_xact_lock(1)', [n]))
    const waiting = "FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
    while ((await other.run(`SELECT ${waiting}`)) < 2) await Bun.sleep(10)
    await other.run(`SELECT pg_terminate_backend(pid) ${waiting}`)
    for (const error of await Promise.all(writes)) expect(error).toMatchObject({ code: 'unexpected' })
    await it.free(1)
    expect(await Promise.all(reads)).toEqual([[{ n: 1 }], [{ n: 2 }]])
    expect(await other.rows('SELECT x FROM t')).toEqual([])
  },
)

requirePostgres()('a server that was restarted is used again, by readers and writers alike', async () => {
  await using server = await temporaryServer()
  const target = targetOf(server.url('postgres'))
  const pool = new Pool(target, usual)
  await pool.lend(c => c.script('CREATE TABLE t (x int)'))
  await Promise.all([1, 2].map(x => pool.lend(c => c.run('INSERT INTO t VALUES ($1)', [x]))))
  await server.stop('immediate')
  expect(await failure(pool.ask(c => c.rows('SELECT 1')))).toMatchObject({ code: 'busy' })
  await server.start()
  expect(await pool.tell(c => c.run('INSERT INTO t VALUES (3)'))).toBe(1)
  expect(await pool.ask(c => c.values('SELECT x FROM t ORDER BY x'))).toEqual([[1], [2], [3]])
  await pool.close()
})

requirePostgres()('a stream takes a connection that idles from nobody, and leaves it as it was', async () => {
  await using database = await emptyDatabase()
  const pool = new Pool(targetOf(database.url), { ...usual, size: 1 })
  const about = "SELECT pg_backend_pid() AS pid, current_setting('application_name') AS name"
  const [first] = await pool.lend(c => c.rows(about))
  const stream = await pool.open()
  expect(await stream.rows(about)).toEqual([first])
  const [second] = await pool.lend(c => c.rows(about))
  expect(second).not.toEqual(first)
  await pool.end(stream)
  // There is no room for both.
  expect([stream.isOpen, await pool.lend(c => c.rows(about))]).toEqual([false, [second]])
  const next = await pool.open()
  await next.begin('BEGIN')
  await next.run("SET LOCAL application_name = 'stream'")
  await pool.end(next)
  expect(await pool.lend(c => c.rows(about))).toEqual([second])
  const last = await pool.open()
  await pool.close()
  await pool.end(last)
  expect(last.isOpen).toBe(false)
})

requirePostgres()('a connection that ended while nobody listened is not lent', async () => {
  await using database = await emptyDatabase()
  const pool = new Pool(targetOf(database.url), { ...usual, size: 1 })
  await pool.lend(c => c.script('CREATE TABLE t (x int)'))
  const end =
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
  // Meanwhile this process hears nothing.
  const ended = Bun.spawnSync([join(serverPrograms ?? '', 'psql'), '--tuples-only', '-c', end, database.url])
  expect(ended.stdout.toString().trim()).toBe('t')
  Bun.sleepSync(1_100)
  expect(await pool.tell(c => c.run('INSERT INTO t VALUES (1)'))).toBe(1)
  await pool.close()
})

requirePostgres()('a terminated backend fails its transaction whole, and only that', async () => {
  await using database = await emptyDatabase()
  const pool = new Pool(targetOf(database.url), usual)
  await pool.lend(c => c.script('CREATE TABLE t (x int)'))
  const killing = pool.lend(connection =>
    connection.inTransaction(
      'BEGIN',
      async () => {
        await connection.run('INSERT INTO t VALUES (1)')
        const [row] = await connection.rows<{ pid: number }>('SELECT pg_backend_pid() AS pid')
        await pool.lend(other => other.rows('SELECT pg_terminate_backend($1)', [row?.pid ?? 0]))
        // Without `reserve`, this would run on a new connection and stay.
        await Bun.sleep(50)
        await connection.run('INSERT INTO t VALUES (2)').catch(() => {})
        await connection.run('INSERT INTO t VALUES (3)')
      },
      'COMMIT',
    ),
  )
  expect(await failure(killing)).toMatchObject({ code: 'busy' })
  expect(await pool.ask(c => c.values('SELECT count(*) FROM t'))).toEqual([[0]])
  await pool.close()
})

requirePostgres()('a write whose answer never came is told as such, and never made again', async () => {
  await using database = await emptyDatabase()
  const pool = new Pool(targetOf(database.url), usual)
  await pool.lend(c => c.script('CREATE TABLE t (x int)'))
  let calls = 0
  const lost = pool.tell(async connection => {
    calls++
    const [row] = await connection.rows<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const insert = connection.run('INSERT INTO t SELECT 1 FROM pg_sleep(60)')
    const killing = pool.lend(other => other.rows('SELECT pg_terminate_backend($1)', [row?.pid ?? 0]))
    await Promise.all([insert, killing])
  })
  expect(await failure(lost)).toMatchObject({
    code: 'unexpected',
    message: expect.stringContaining('may have been made or not'),
  })
  expect(calls).toBe(1)
  await pool.close()
})

requirePostgres()('a frozen server is waited for until the deadline, and then used again', async () => {
  await using server = await temporaryServer({ durable: false })
  const target = targetOf(server.url('postgres'))
  const pools = [false, true].map(patient => new Pool(target, { ...usual, deadlineMs: 300, patient }))
  for (const pool of pools) await Promise.all([1, 2].map(() => pool.lend(c => c.rows('SELECT 1'))))
  server.freeze()
  for (const pool of pools) {
    const error = await failure(pool.lend(c => c.rows('SELECT 2')))
    expect(error).toMatchObject({ code: 'busy', message: expect.stringContaining('does not answer') })
  }
  server.thaw()
  for (const pool of pools) {
    expect(await pool.lend(c => c.rows('SELECT 3 AS x'))).toEqual([{ x: 3 }])
    await pool.close()
  }
})

requirePostgres()('long work is waited for while the server is at it', async () => {
  await using database = await emptyDatabase()
  // Long enough for a busy machine to ask the server and hear from it.
  const slow = { ...usual, deadlineMs: 1_500 }
  const pool = new Pool(targetOf(database.url), { ...slow, patient: true })
  expect(await pool.lend(c => c.rows('SELECT 1 AS x FROM pg_sleep(4)'))).toEqual([{ x: 1 }])
  const hasty = new Pool(targetOf(database.url), slow)
  const error = await failure(hasty.lend(c => c.rows('SELECT 1 AS x FROM pg_sleep(30)')))
  expect(isLost(error)).toBe(true)
  await Promise.all([pool.close(), hasty.close()])
})

requirePostgres()('a deadlock is tried again where that is asked for', async () => {
  await using database = await emptyDatabase()
  const pool = new Pool(targetOf(database.url), usual)
  await pool.lend(c => c.script('CREATE TABLE t (id int, n int); INSERT INTO t VALUES (1, 0), (2, 0)'))
  const met = Promise.withResolvers<void>()
  let waiting = 0
  const add = (first: number, second: number) =>
    pool.tell(connection =>
      connection.inTransaction(
        'BEGIN',
        async () => {
          // The other may not have been awake yet to take what was given up for it, and then both would meet again.
          if (waiting === 2) await Promise.any(runs)
          await connection.run('UPDATE t SET n = n + 1 WHERE id = $1', [first])
          if (++waiting === 2) met.resolve()
          await met.promise
          await connection.run('UPDATE t SET n = n + 1 WHERE id = $1', [second])
        },
        'COMMIT',
      ),
    )
  const runs = [add(1, 2), add(2, 1)]
  await Promise.all(runs)
  expect(waiting).toBe(3)
  expect(await pool.ask(c => c.values('SELECT n FROM t'))).toEqual([[2], [2]])
  await pool.close()
})

test('a server that is not there is told of at once, with its name and without its password', async () => {
  using listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } })
  const { port } = listener
  listener.stop(true)
  const target = targetOf(`postgres://me:s3cret@127.0.0.1:${port}/keys`)
  const error = await failure(Connection.open(target, usual))
  expect(error).toMatchObject({
    code: 'busy',
    message: `the server of postgres://me@127.0.0.1:${port}/keys cannot be reached`,
  })
  expect(Bun.inspect([error, target])).not.toContain('s3cret')
})

requirePostgres()('a lock is waited for as long as anything else', async () => {
  await using database = await latchkeyDatabase()
  const { hot, administration } = poolsOf(targetOf(database.url), 150)
  await administration.lend(c => c.script('CREATE TABLE t (x int)'))
  await administration.lend(holder =>
    holder.inTransaction(
      'BEGIN',
      async () => {
        await holder.run('LOCK TABLE t')
        for (const pool of [hot, administration]) {
          const error = await failure(pool.lend(c => c.run('INSERT INTO t VALUES (1)')))
          expect(error).toMatchObject({
            code: 'busy',
            message: expect.stringContaining('another transaction'),
          })
        }
      },
      'ROLLBACK',
    ),
  )
  await Promise.all([hot.close(), administration.close()])
})
