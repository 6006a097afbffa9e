/** docs/postgres.md says how PgBouncer stands between: here it does, with fewer sessions than there are clients. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync } from 'node:fs'
import { Connection } from './db/postgres/connection.ts'
import { lockWrites } from './db/postgres/locks.ts'
import { PostgresStore } from './db/postgres/store.ts'
import { targetOf } from './db/postgres/url.ts'
import { sql } from './db/query.ts'
import { connectLatchkey } from './index.ts'
import { failure } from './testing/failure.ts'
import { temporaryFolder } from './testing/folder.ts'
import { blocksOf } from './testing/pages.ts'
import { requirePostgres, temporaryServer } from './testing/postgres.ts'
import { asServer, type Cluster, freePort } from './testing/postgres-cluster.ts'
import { run } from './testing/run.ts'
import { startServer } from './testing/server.ts'
import { inCi, requirement } from './testing/tools.ts'

setDefaultTimeout(600_000)

const sessions = 3

const requirePooler = () => {
  // Debian has it where only root looks.
  const found = Bun.which('pgbouncer', { PATH: `${process.env['PATH']}:/usr/sbin` })
  const given = found === null ? requirement('pgbouncer is not installed', inCi) : requirePostgres()
  // Each has a site of its own, and one waits long for a server that is gone.
  return given === test ? test.concurrent : given
}

/** The configuration of the page, with another port and few sessions. */
async function startPooler(server: Cluster) {
  const folder = temporaryFolder()
  chmodSync(folder.path, 0o755)
  const [page = ''] = blocksOf('docs/postgres.md', 'ini')
  const port = await freePort()
  folder.write('userlist.txt', '"latchkey" "pw"\n')
  const filled = page
    .replace('host=db.example port=5432', `host=127.0.0.1 port=${server.port}`)
    .replace('listen_port = 6432', `listen_port = ${port}`)
    .replace('/etc/pgbouncer/userlist.txt', folder.file('userlist.txt'))
    .replace('default_pool_size = 20', `default_pool_size = ${sessions}`)
  expect(filled.split('\n').filter((line, at) => line !== page.split('\n')[at])).toHaveLength(4)
  const ini = folder.write('pgbouncer.ini', `${filled}\nunix_socket_dir =\nserver_login_retry = 1\n`)
  const child = Bun.spawn(asServer('/usr/sbin/pgbouncer', [ini]), {
    cwd: '/',
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  let log = ''
  const ready = Promise.withResolvers<void>()
  void (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stderr) {
      log += decoder.decode(chunk, { stream: true })
      if (log.includes('process up')) ready.resolve()
    }
    ready.reject(new Error(`pgbouncer ended: ${log}`))
  })()
  await ready.promise
  return {
    url: `postgres://latchkey:pw@127.0.0.1:${port}/latchkey?prepare=off`,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await child.exited
      folder.remove()
    },
  }
}

/** A server with a role and an empty database for Latchkey, and a pooler before it. */
async function site() {
  const server = await temporaryServer()
  const admin = await Connection.open(targetOf(server.url('postgres')), usual)
  await admin.run("CREATE ROLE latchkey LOGIN PASSWORD 'pw'")
  await admin.run('CREATE DATABASE latchkey OWNER latchkey')
  admin.close()
  const pooler = await startPooler(server)
  return {
    server,
    url: pooler.url,
    direct: server.url('latchkey', 'latchkey:pw'),
    [Symbol.asyncDispose]: async () => {
      await pooler[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

const usual = { prepare: false, patient: false, deadlineMs: 60_000 }

requirePooler()('commands of all kinds work through PgBouncer', async () => {
  await using made = await site()
  using folder = temporaryFolder()
  const at = new Date(Date.now() - 60_000).toISOString()
  folder.write('events.ndjson', JSON.stringify({ id: 'one', key: 'ci', model: 'gpt-x', inputTokens: 5, at }))
  const lines = [
    ['init'],
    ['user', 'create', 'alice'],
    ['project', 'create', 'Shop', '--owner', 'alice'],
    ['key', 'create', 'ci', '--user', 'alice', '--limit', 'tokens=100k/5h'],
    ['key', 'list', '--over', '50%'],
    ['key', 'export'],
    ['key', 'rotate', 'ci', '--grace', '1h'],
    ['key', 'stats', 'ci'],
    ['usage', 'price', 'set', 'gpt-x', '--input', '2.50', '--output', '10'],
    ['usage', 'record', 'ci', '--model', 'gpt-x', '--input-tokens', '7'],
    ['usage', 'ingest', folder.file('events.ndjson')],
    ['usage', 'report', '--by', 'day'],
    ['usage', 'compact'],
    ['usage', 'check'],
    ['audit', 'list'],
    ['migrate', 'status'],
    ['migrate', 'check'],
    ['backup', 'create'],
    ['backup', 'verify', '--all'],
    ['key', 'rotate', 'ci'],
    ['restore', '--latest', '--key', 'ci', '--yes'],
    ['restore', '--latest', '--yes'],
    ['restore', '--undo', '--yes'],
    ['db', 'copy', made.url, folder.file('copy.db')],
    ['migrate', 'history'],
    ['health'],
    ['doctor'],
    ['key', 'delete', 'ci', '--yes'],
  ]
  const failures: unknown[] = []
  for (const words of lines) {
    const ran = await run(words, { db: made.url, env: { HOME: folder.path } })
    if (ran.code !== 0) failures.push([words.join(' '), ran.code, ran.err || ran.out])
  }
  expect(failures).toEqual([])
})

requirePooler()('a site moves to a server behind PgBouncer, whole and then the rest', async () => {
  await using made = await site()
  using folder = temporaryFolder()
  const file = folder.file('site.db')
  const latchkey = connectLatchkey({ path: file, env: { HOME: folder.path } })
  await latchkey.initialize({ admin: 'root' })
  await latchkey.keys.create({ name: 'ci', user: 'root' })
  const copy = async (...words: string[]) => {
    const { code, err } = await run(['db', 'copy', file, made.url, ...words], { env: { HOME: folder.path } })
    expect(code, err).toBe(0)
  }
  const keys = async () => {
    const copied = connectLatchkey({ path: made.url })
    const found = await copied.keys.list()
    await copied.close()
    return found
  }
  await copy('--dry-run')
  expect(await failure(keys())).toMatchObject({ code: 'database_missing' })
  await copy()
  expect(await keys()).toEqual(await latchkey.keys.list())
  await latchkey.keys.create({ name: 'late' })
  await copy('--rest')
  expect(await keys()).toEqual(await latchkey.keys.list())
  await latchkey.close()
})

requirePooler()('limits and locks hold among clients that share its sessions', async () => {
  await using made = await site()
  const clients = Array.from({ length: 3 }, () => connectLatchkey({ path: made.url, busyTimeoutMs: 20_000 }))
  const [latchkey] = clients
  await latchkey!.initialize()
  const limits = [{ metric: 'requests', amount: 20, windowMs: 3_600_000 }] as const
  const { id } = await latchkey!.keys.create({ name: 'ci', limits })
  const asked = Array.from({ length: 60 }, (_, n) => clients[n % 3]!.usage.reserve(id, { requests: 1 }))
  const granted = (await Promise.all(asked)).filter(({ reservation }) => reservation !== null)
  expect(granted).toHaveLength(20)

  const storing = { url: made.url, access: 'write', dryRun: false, busyTimeoutMs: 500 } as const
  const [one, other] = [new PostgresStore(storing), new PostgresStore(storing)]
  await one.alone('none', async () => {
    // So that the session of the lock is not the only one that is free.
    await Promise.all(clients.map(each => each.keys.list()))
    expect(await failure(other.alone('none', async () => {}))).toMatchObject({ code: 'busy' })
  })
  expect(await other.alone('none', async () => 'mine')).toBe('mine')

  const blocking = await Connection.open(targetOf(made.direct), usual)
  await blocking.run('BEGIN')
  await blocking.run(lockWrites)
  expect(await failure(one.write(async () => {}))).toMatchObject({ code: 'busy' })
  blocking.close()
  await Promise.all([one.close(), other.close(), ...clients.map(each => each.close())])
})

requirePooler()('a gateway behind it says when the server is gone, and goes on when it is back', async () => {
  await using made = await site()
  const latchkey = connectLatchkey({ path: made.url })
  await latchkey.initialize()
  const { secret } = await latchkey.keys.create({ name: 'gateway', scopes: ['latchkey:*'] })
  await latchkey.close()
  const serving = await startServer(made.url)
  const ready = async () => (await fetch(`${serving.url}/readyz`)).status
  const verify = async () => {
    const answer = await fetch(`${serving.url}/v1/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ secret }),
    })
    return answer.status
  }
  expect([await verify(), await ready()]).toEqual([200, 200])
  await made.server.stop('immediate')
  expect([await verify(), await ready()]).toEqual([503, 503])
  expect((await fetch(`${serving.url}/healthz`)).status).toBe(200)
  await made.server.start()
  while ((await ready()) !== 200 || (await verify()) !== 200) await Bun.sleep(50)
  serving.kill('SIGTERM')
  expect((await serving.finished).code).toBe(0)
})

test('its configuration is one block of the page', () => {
  expect(blocksOf('docs/postgres.md', 'ini')).toHaveLength(1)
})

requirePooler()('a stream has the settings of its connection through PgBouncer', async () => {
  await using made = await site()
  const latchkey = connectLatchkey({ path: made.url })
  await latchkey.initialize()
  await latchkey.close()
  const store = new PostgresStore({ url: made.url, access: 'write', dryRun: false, busyTimeoutMs: 1_234 })
  const asked = store.stream(async function* (snapshot) {
    yield* await (await snapshot.database()).all<unknown[]>(sql`SELECT current_setting('lock_timeout')`)
  })
  for await (const [value] of asked) expect(value).toBe('1234ms')
  await store.close()
})
