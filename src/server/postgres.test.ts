/** `latchkey serve` on a PostgreSQL server that is frozen, killed and started again. */
import { expect, setDefaultTimeout } from 'bun:test'
import { SQL } from 'bun'
import { connectLatchkey } from '../index.ts'
import { requirePostgres, temporaryServer } from '../testing/postgres.ts'
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
