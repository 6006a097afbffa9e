/** How often a request of a gateway goes to the server. */
import { expect, type Mock, spyOn } from 'bun:test'
import { SQL } from 'bun'
import { connectLatchkey } from '../../index.ts'
import { latchkeyDatabase, requirePostgres } from '../../testing/postgres.ts'
import { Connection } from './connection.ts'

requirePostgres()('what a gateway asks with every request goes to the server once', async () => {
  await using database = await latchkeyDatabase()
  const latchkey = connectLatchkey({ path: database.url })
  const hours = 3_600_000
  const { id, secret } = await latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'tokens', amount: 1_000_000, windowMs: 5 * hours }],
  })
  await latchkey.usage.prices.set('gpt-x', { inputUsd: 2.5, outputUsd: 10 })
  const usage = { model: 'gpt-x', inputTokens: 100, outputTokens: 20 }
  const recorder = await latchkey.usage.createRecorder({ maxPending: 2 })
  const reserve = async () => (await latchkey.usage.reserve(id, { tokens: 10 })).reservation?.id ?? ''
  const calls = {
    verify: () => latchkey.keys.verify(secret ?? ''),
    record: () => latchkey.usage.record(id, { ...usage, costUsd: 0.01 }),
    'record, cost by price': () => latchkey.usage.record(id, usage),
    // BEGIN, the locks, the facts, the reservation and COMMIT; the first three are sent together, and the last two.
    reserve,
    settle: async () => latchkey.usage.settle(held.pop() ?? '', usage),
    // BEGIN, a setting and whether anything was changed sent together; three widths sent together; COMMIT.
    recorder: () => Promise.all([1, 2].map(() => recorder.record(id, { ...usage, costUsd: 0.01 }))),
  }
  const held = await Promise.all(Array.from({ length: 20 }, reserve))
  const spies: Mock<never>[] = []
  const sent: Record<string, number> = {}
  for (const [name, call] of Object.entries(calls)) {
    // What was looked up is known for a second, in which the second call ends.
    for (let begun = Number.NEGATIVE_INFINITY; performance.now() - begun > 900; ) {
      begun = performance.now()
      await call()
      spies.push(
        ...(['rows', 'values', 'run'] as const).map(each => spyOn(Connection.prototype, each) as Mock<never>),
      )
      await call()
      sent[name] = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
      for (const spy of spies.splice(0)) spy.mockRestore()
    }
  }
  expect(sent).toEqual({
    verify: 1,
    record: 1,
    'record, cost by price': 1,
    reserve: 5,
    settle: 1,
    recorder: 7,
  })
  await latchkey.close()
})

requirePostgres()('a price that another machine has set counts from the next request on', async () => {
  await using database = await latchkeyDatabase()
  const [one, other] = [connectLatchkey({ path: database.url }), connectLatchkey({ path: database.url })]
  const { id } = await one.keys.create({ name: 'ci' })
  const cost = async () => (await one.usage.record(id, { model: 'gpt-x', inputTokens: 1_000_000 })).costUsd
  expect(await cost()).toBe(0)
  await other.usage.prices.set('gpt-x', { inputUsd: 1, outputUsd: 1 })
  expect(await cost()).toBe(1)
  await other.usage.prices.set('gpt-x', { inputUsd: 2, outputUsd: 1 })
  expect(await cost()).toBe(2)
  const { reservation } = await one.usage.reserve(id)
  await other.usage.prices.remove('gpt-x')
  const settled = await one.usage.settle(reservation?.id ?? '', { model: 'gpt-x', inputTokens: 1_000_000 })
  expect(settled).toMatchObject({ costUsd: 0, unpricedRequests: 1 })
  await Promise.all([one.close(), other.close()])
})

requirePostgres()('a price that somebody has changed by SQL counts a second later', async () => {
  await using database = await latchkeyDatabase()
  const latchkey = connectLatchkey({ path: database.url })
  const { id } = await latchkey.keys.create({ name: 'ci' })
  await latchkey.usage.prices.set('gpt-x', { inputUsd: 1, outputUsd: 1 })
  const cost = async () =>
    (await latchkey.usage.record(id, { model: 'gpt-x', inputTokens: 1_000_000 })).costUsd
  expect(await cost()).toBe(1)
  await using sql = new SQL(database.url, { max: 1, tls: false })
  await sql`UPDATE prices SET input_micros = 2000000`
  while ((await cost()) === 1) await Bun.sleep(50)
  expect(await cost()).toBe(2)
  await latchkey.close()
})

requirePostgres()('many prices make no record slower: they are not read again', async () => {
  await using database = await latchkeyDatabase()
  const latchkey = connectLatchkey({ path: database.url })
  const { id } = await latchkey.keys.create({ name: 'ci' })
  await latchkey.usage.prices.set('gpt-x', { inputUsd: 1, outputUsd: 1 })
  const usage = { model: 'gpt-x', inputTokens: 1_000 }
  let explained: string[] = []
  const { rows } = Connection.prototype
  const spy = spyOn(Connection.prototype, 'rows').mockImplementation(async function (
    this: Connection,
    text,
    parameters = [],
  ) {
    if (!text.includes('FROM prices')) return rows.call(this, text, parameters) as never
    await rows.call(this, 'BEGIN')
    const lines = await rows.call(this, `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ${text}`, parameters)
    await rows.call(this, 'ROLLBACK')
    explained.push(lines.map(line => Object(line)['QUERY PLAN']).join('\n'))
    return rows.call(this, text, parameters) as never
  })
  const recorder = await latchkey.usage.createRecorder({ maxPending: 1 })
  const plans: string[] = []
  for (const record of [latchkey.usage.record, recorder.record]) {
    // They are not read for a second, in which the second call begins.
    for (let begun = 0; performance.now() - begun > 900; ) {
      await latchkey.usage.record(id, usage)
      begun = performance.now()
      explained = []
      await record(id, usage)
    }
    plans.push(...explained)
  }
  spy.mockRestore()
  expect(plans).toHaveLength(2)
  for (const plan of plans) {
    const scans = plan.split('\n').filter(line => line.includes(' on prices'))
    expect(scans).not.toEqual([])
    for (const scan of scans) expect(scan).toContain('never executed')
  }
  await recorder.close()
  await latchkey.close()
})
