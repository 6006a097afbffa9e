/** `latchkey serve` on a PostgreSQL server that is frozen, killed and started again. */
import { expect, setDefaultTimeout } from 'bun:test'
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
  const { inventory } = latchkey
  expect((await inventory()).keys.active).toBe(1)
  await latchkey.close()
  serving.kill('SIGTERM')
  expect((await serving.finished).code).toBe(0)
})
