/** `latchkey serve` on a PostgreSQL server that is frozen, killed and started again. */
import { expect, setDefaultTimeout } from 'bun:test'
import { SQL } from 'bun'
import { connectLatchkey } from '../index.ts'
import { requirePostgres, temporaryServer } from '../testing/postgres.ts'
import { Cluster } from '../testing/postgres-cluster.ts'
import { run } from '../testing/run.ts'
import { startServer } from '../testing/server.ts'

setDefaultTimeout(600_000)

requirePostgres()('a gateway that lost its database says so, and goes on by itself', async () => {
  await using database = await temporaryServer()
  const path = database.url('postgres')
  const latchkey = connectLatchkey({ path })
  await latchkey.initialize()
  const { secret } = await latchkey.keys.create({ name: 'gateway', scopes: ['latchkey:*'] })
  const serving = await startServer(path)
  const verify = async (): Promise<number> => {
    const answer = await fetch(`${serving.url}/v1/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ secret }),
    })
    await answer.body?.cancel()
    return answer.status
  }
  const returns = async () => {
    while ((await verify()) !== 200) await Bun.sleep(50)
  }
  expect(await verify()).toBe(200)
  database.freeze()
  // It answers, although the database does not.
  expect(await verify()).toBe(503)
  database.thaw()
  await returns()
  await database.stop('immediate')
  expect(await verify()).toBe(503)
  await database.start()
  await returns()
  // As after a failover to a standby that is not promoted yet.
  const ready = async () => (await fetch(`${serving.url}/readyz`)).status
  expect(await ready()).toBe(200)
  const admin = new SQL(path, { max: 1, tls: false })
  const readOnly = async (value: 'on' | 'off') => {
    await admin.unsafe(`ALTER SYSTEM SET default_transaction_read_only = ${value}`)
    await admin.unsafe('SELECT pg_reload_conf()')
  }
  await readOnly('on')
  while ((await ready()) === 200) await Bun.sleep(50)
  expect([await ready(), await verify()]).toEqual([503, 200])
  await readOnly('off')
  while ((await ready()) !== 200) await Bun.sleep(50)
  await admin.close()
  const { inventory } = latchkey
  expect((await inventory()).keys.active).toBe(1)
  await latchkey.close()
  serving.kill('SIGTERM')
  expect((await serving.finished).code).toBe(0)
})

requirePostgres()(
  'a standby serves whoever reads, and a gateway goes on with it once it is the primary',
  async () => {
    await using primary = await temporaryServer({ durable: false })
    const latchkey = connectLatchkey({ path: primary.url('postgres') })
    await latchkey.initialize()
    const { secret } = await latchkey.keys.create({ name: 'gateway', scopes: ['latchkey:*'] })
    await latchkey.close()
    await using standby = await Cluster.standby(`${primary.folder}-standby`, primary)
    const reads = standby.url('postgres')
    for (const words of [
      'key list',
      'usage report --by day',
      'audit verify',
      'key verify',
      'backup create',
    ]) {
      const { code, err } = await run(words, { db: reads, stdin: secret!, env: { HOME: primary.folder } })
      expect(code, `${words}: ${err}`).toBe(0)
    }
    const { code, err } = await run('key create other', { db: reads })
    expect([code, err]).toEqual([
      78,
      expect.stringContaining('only lets itself be read: it may be a standby'),
    ])

    const servers = `127.0.0.1:${standby.port},127.0.0.1:${primary.port}`
    const serving = await startServer(`postgres://postgres@${servers}/postgres`)
    const ask = async (path: string, body: object) => {
      const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
      const answer = await fetch(`${serving.url}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      return answer.status
    }
    const verify = () => ask('/v1/verify', { secret })
    const count = () => ask('/v1/usage', { key: 'gateway', model: 'm', inputTokens: 1 })
    const ready = async () => (await fetch(`${serving.url}/readyz`)).status
    expect([await ready(), await verify(), await count()]).toEqual([200, 200, 200])
    const report = async () => (await run('usage report --json', { db: reads })).json()
    // What a standby has not received is lost with its primary.
    while (Object(await report())[0]?.requests !== 1) await Bun.sleep(50)
    await primary.stop('immediate')
    // The standby knows the key. It counts nothing yet.
    while ((await verify()) !== 200) await Bun.sleep(50)
    expect([await ready(), await count()]).toEqual([503, 503])
    const admin = new SQL(reads, { max: 1, tls: false })
    await admin`SELECT pg_promote()`
    await admin.close()
    while ((await ready()) !== 200) await Bun.sleep(50)
    expect([await verify(), await count()]).toEqual([200, 200])
    serving.kill('SIGTERM')
    expect((await serving.finished).code).toBe(0)
    expect(await report()).toMatchObject([{ requests: 2 }])
  },
)
