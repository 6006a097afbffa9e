import { expect, test } from 'bun:test'
import { temporaryApp } from '../testing/app.ts'
import { commitsInLog } from '../testing/commits.ts'

test('64 requests for usage that arrive together are one transaction, and a bad one fails alone', async () => {
  await using home = await temporaryApp()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  await home.post('/v1/usage', { key: id })
  const before = commitsInLog(home.path)
  const bad: Readonly<Record<number, unknown>> = {
    20: { key: id.replace(/.{4}$/, 'zzzz') },
    21: { key: id, inputTokens: -1 },
    22: { key: id, inputTokens: Number.MAX_SAFE_INTEGER },
  }
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, n) =>
      home.post('/v1/usage', bad[n] ?? { id: `${n}`, key: n % 3 === 0 ? 'ci' : id, inputTokens: 1 }),
    ),
  )
  expect([20, 21, 22].map(n => answers[n]?.status)).toEqual([404, 400, 400])
  for (const [n, { status, json }] of answers.entries()) {
    if (bad[n] === undefined)
      expect([status, json]).toEqual([200, { events: 1, counted: 1, duplicates: 0, endUsersLeftOut: 0 }])
  }
  expect(commitsInLog(home.path) - before).toBe(1)
  expect((await home.latchkey.keys.stats(id)).totals).toMatchObject({ requests: 62, inputTokens: 61 })
})

test('reservations, their ends and counted requests share transactions too', async () => {
  await using home = await temporaryApp()
  const { id, secret } = await home.latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'requests', amount: 100, windowMs: 3_600_000 }],
  })
  await home.post('/v1/usage', { key: id })
  let before = commitsInLog(home.path)
  const commits = () => {
    const since = before
    before = commitsInLog(home.path)
    return before - since
  }
  const held = await Promise.all(Array.from({ length: 20 }, () => home.post('/v1/reservations', { secret })))
  const ids = held.map(({ json }) => json.reservation?.id ?? '')
  expect(new Set(ids).size).toBe(20)
  expect(commits()).toBe(1)
  const ends = ids.map((each, n) =>
    n % 2 === 0
      ? home.post(`/v1/reservations/${each}/settle`, {})
      : home.ask(`/v1/reservations/${each}/release`, { method: 'POST' }),
  )
  const missing = home.post('/v1/reservations/res_00000000000000000000000000/settle', {})
  expect((await Promise.all(ends)).map(({ status }) => status)).toEqual(
    ids.map((_, n) => (n % 2 === 0 ? 200 : 204)),
  )
  expect((await missing).status).toBe(404)
  // Releases have no body to read, and are heard before the others.
  expect(commits()).toBeLessThanOrEqual(2)
  const own = { authorization: `Bearer ${secret}` }
  const counted = await Promise.all(
    Array.from({ length: 100 }, () => home.ask('/v1/authorize?count=1', {}, own)),
  )
  // 1 and 10 were used before.
  expect(counted.filter(({ status }) => status === 204)).toHaveLength(89)
  expect(counted.filter(({ status }) => status === 429)).toHaveLength(11)
  // They are held, then counted.
  expect(commits()).toBe(2)
})

test('usage waits for no other, whatever the clock says', async () => {
  await using home = await temporaryApp()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  await home.post('/v1/usage', { key: id })
  const real = globalThis.setTimeout
  const asked: unknown[] = []
  globalThis.setTimeout = ((work: () => void, ms?: number) => {
    asked.push(ms)
    return real(work, ms)
  }) as typeof setTimeout
  try {
    expect((await home.post('/v1/usage', { key: id })).status).toBe(200)
  } finally {
    globalThis.setTimeout = real
  }
  // The time that a body may take.
  expect(asked).toEqual([10_000])
})
