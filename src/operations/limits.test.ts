import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../testing/latchkey.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const histories = Number(process.env['LATCHKEY_HISTORIES'] ?? 60)

/** A generator that can be repeated: mulberry32. */
function random(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return { whole, pick: <T>(list: readonly T[]): T => list[whole(0, list.length - 1)]! }
}

test(`${histories} random histories: never counts too little, nor too much by a minute or more, and retryAt is exact`, async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  for (let seed = 1; seed <= histories; seed++) {
    const draw = random(seed)
    // Starts at leap days, ends of years and changes of the clock.
    const base = Date.parse(
      draw.pick([
        '2024-02-28T22:10:00Z',
        '2025-12-31T20:00:00Z',
        '2026-03-29T00:30:00Z',
        '2026-10-25T00:00:30Z',
      ]),
    )
    const windowMs = draw.pick([
      minute,
      5 * minute,
      hour,
      5 * hour,
      day,
      30 * day,
      366 * day,
      minute + 1,
      90_001,
    ])
    const amount = draw.whole(0, 400)
    clock.now = new Date(base)
    const { id, secret } = await latchkey.keys.create({
      name: `history ${seed}`,
      limits: [{ metric: 'tokens', amount, windowMs }],
    })
    const events = Array.from({ length: draw.whole(0, 25) }, () => ({
      at: base + draw.whole(0, draw.pick([minute, windowMs, 3 * windowMs])),
      tokens: draw.whole(0, 60),
    })).toSorted((a, b) => a.at - b.at)
    clock.now = new Date(base + 4 * windowMs)
    for (const { at, tokens } of events) {
      await latchkey.usage.record(id, { inputTokens: tokens, at: new Date(at), model: draw.pick(['a', 'b']) })
    }
    const moments = [
      ...events.flatMap(({ at }) => [
        at,
        at + windowMs,
        at + windowMs + draw.whole(-minute, minute),
        Math.ceil(at / minute) * minute,
      ]),
      ...Array.from({ length: 5 }, () => base + draw.whole(0, 4 * windowMs)),
    ]
    for (const at of moments.slice(0, 12)) {
      const used = (from: number, to: number) =>
        events
          .filter(event => event.at > from && event.at <= to)
          .reduce((sum, event) => sum + event.tokens, 0)
      const wanted = draw.whole(0, 30)
      const verdict = await latchkey.keys.verify(secret!, { at: new Date(at), wanted: { tokens: wanted } })
      const [limit] = verdict.limits
      expect(limit!.used).toBeGreaterThanOrEqual(used(at - windowMs, at))
      expect(limit!.used).toBeLessThanOrEqual(used(at - windowMs - minute, at + minute))
      expect(limit!.remaining).toBe(Math.max(0, amount - limit!.used))
      expect(verdict.valid).toBe(limit!.remaining > 0 && limit!.remaining >= wanted)
      expect((await latchkey.keys.stats(id, { at: new Date(at), days: 1 })).limits[0]).toMatchObject({
        used: limit!.used,
        remaining: limit!.remaining,
      })
      if (verdict.retryAt === null) {
        if (!verdict.valid) expect(amount).toBeLessThan(Math.max(1, wanted))
        continue
      }
      // What was recorded after the moment asked about is not known then.
      if (events.some(event => Math.floor(event.at / minute) * minute > at)) continue
      const then = verdict.retryAt.getTime()
      const ask = async (moment: number) =>
        (await latchkey.keys.verify(secret!, { at: new Date(moment), wanted: { tokens: wanted } })).valid
      expect([await ask(then - 1), await ask(then)]).toEqual([false, true])
    }
  }
}, 600_000)

test('a limit counts input, output and imported tokens, requests, and dollars to the millionth', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { secret } = await latchkey.keys.create({
    name: 'ci',
    limits: [
      { metric: 'usd', amount: 0.000003, windowMs: hour },
      { metric: 'tokens', amount: 100, windowMs: hour },
      { metric: 'requests', amount: 5, windowMs: hour },
      { metric: 'tokens', amount: 50, windowMs: minute },
    ],
  })
  await latchkey.usage.record('ci', { inputTokens: 10, outputTokens: 5, requests: 2, costUsd: 0.000001 })
  const { limits } = await latchkey.keys.verify(secret!)
  expect(limits.map(limit => [limit.metric, limit.windowMs, limit.used, limit.remaining])).toEqual([
    ['tokens', minute, 15, 35],
    ['tokens', hour, 15, 85],
    ['requests', hour, 2, 3],
    ['usd', hour, 0.000001, 0.000002],
  ])
})

test('a request is denied when nothing is left, or less than it asks for, and told when to come back', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { latchkey } = home
  const { secret } = await latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'tokens', amount: 100, windowMs: hour }],
  })
  await latchkey.usage.record('ci', { inputTokens: 40, at: new Date('2026-11-20T11:20:59Z') })
  await latchkey.usage.record('ci', { inputTokens: 50, at: new Date('2026-11-20T11:50:00Z') })
  const ask = (tokens: number) => latchkey.keys.verify(secret!, { wanted: { tokens } })
  expect(await ask(10)).toMatchObject({ valid: true, code: 'valid', retryAt: null })
  expect(await ask(11)).toMatchObject({ code: 'limit_exceeded', retryAt: new Date('2026-11-20T12:21:00Z') })
  expect(await ask(51)).toMatchObject({ code: 'limit_exceeded', retryAt: new Date('2026-11-20T12:51:00Z') })
  expect(await ask(101)).toMatchObject({ code: 'limit_exceeded', retryAt: null })
})

test('a limit of 0 allows nothing, ever', async () => {
  await using home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'requests', amount: 0, windowMs: hour }],
  })
  expect(await home.latchkey.keys.verify(secret!)).toMatchObject({ code: 'limit_exceeded', retryAt: null })
})
