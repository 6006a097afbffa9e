// Runs on PostgreSQL too.
/** Many processes on one file. The full size runs by hand and under `test:long`. */
import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { startGateway } from '../../testing/process.ts'

const processes = 8
/** The same for each of four keys. */
const each = 4 * Math.ceil(Number(process.env['LATCHKEY_RECORDS'] ?? 300) / 4)

test(`${processes} processes record ${each} requests each while a ninth verifies and a tenth compacts: nothing is lost or doubled`, async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, path } = home
  const shared = await latchkey.keys.createMany(
    { name: 'shared', limits: [{ metric: 'tokens', amount: 1e12, windowMs: 18_000_000 }] },
    4,
  )
  await latchkey.close()
  const keys = shared.map(key => key.id)
  const begun = performance.now()
  const recorders = Array.from({ length: processes }, () =>
    startGateway('record', path, { keys, count: each }),
  )
  const verifier = startGateway('verify', path, { secrets: shared.map(key => key.secret) })
  const compactor = startGateway('compact', path, {})
  const recorded = await Promise.all(recorders.map(process => process.finished))
  const seconds = (performance.now() - begun) / 1000
  for (const process of [verifier, compactor]) process.stop()
  const [verified, compacted] = await Promise.all([verifier.finished, compactor.finished])
  expect([...recorded, verified, compacted].map(({ code, err }) => [code, err])).toEqual(
    Array.from({ length: processes + 2 }, () => [0, '']),
  )
  expect(verified.json<{ verified: number }>().verified).toBeGreaterThan(0)
  expect(compacted.json<{ compacted: number }>().compacted).toBeGreaterThan(0)
  if (process.env['LATCHKEY_RECORDS'] !== undefined) {
    const total = processes * each
    console.log(
      `${total} requests in ${seconds.toFixed(1)} s (${Math.round(total / seconds)}/s) beside ${verified.out.trim()} and ${compacted.out.trim()}`,
    )
  }

  const whole = (column: string, as: string) => `CAST(sum(${column}) AS integer) AS ${as}`
  const sums = await home.query(
    `SELECT s.key_id AS key, ${whole('requests', 'requests')}, ${whole('input_tokens', 'input')},
       ${whole('output_tokens', 'output')}, ${whole('cost_micros', 'cost')}
     FROM days d JOIN series s ON s.id = d.series GROUP BY 1 ORDER BY 1`,
  )
  const perKey = (processes * each) / keys.length
  const expected = keys
    .toSorted()
    .map(key => ({ key, requests: perKey, input: 3 * perKey, output: 2 * perKey, cost: perKey }))
  expect([...sums]).toEqual(expected)
}, 3_600_000)

test('a recorder that is killed has on disk what it said was on disk', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, path } = home
  const { id } = await latchkey.keys.create({ name: 'ci' })
  for (let round = 0; round < 3; round++) {
    const before = (await latchkey.keys.stats(id)).totals.requests
    const gateway = startGateway('batch', path, { keys: [id] })
    const said = await gateway.line()
    gateway.kill('SIGKILL')
    await gateway.finished
    const after = (await latchkey.keys.stats(id)).totals.requests
    expect(after - before).toBeGreaterThanOrEqual(Number(said))
  }
})

test('the last use never moves backwards, whatever the order of the records', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const { id } = await latchkey.keys.create({ name: 'ci' })
  const late = new Date(clock.now.getTime() - 1_000)
  await latchkey.usage.record(id, { at: late })
  await latchkey.usage.record(id, { at: new Date(clock.now.getTime() - 60_000) })
  const recorder = await latchkey.usage.createRecorder()
  const recorded = recorder.record(id, { at: new Date(clock.now.getTime() - 30_000) })
  await recorder.close()
  await recorded
  expect((await latchkey.keys.get(id)).lastUsedAt).toEqual(late)
})
