import { expect, test } from 'bun:test'
import type { LimitState, Verdict } from '../../contract/views.ts'
import { Client } from '../../db/sqlite/client.ts'
import { chances, histories } from '../../testing/chance.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** What a history remembers of one request; its bucket grows when it is folded. */
interface Past {
  readonly key: string
  readonly at: number
  readonly tokens: number
  width: number
}

interface Held {
  readonly key: string
  readonly tokens: number
  readonly from: number
  readonly until: number
}

type Step = { readonly when: number; readonly run: () => Promise<void> }

const windows = [minute, 5 * minute, hour, 5 * hour, day, 30 * day, 366 * day, minute + 1, 90_001]
// Leap days, ends of years, and changes of the clock in Berlin and New York.
const bases = [
  '2024-02-28T22:10:00Z',
  '2025-12-31T20:00:00Z',
  '2026-03-29T00:30:00Z',
  '2026-10-25T00:00:30Z',
  '2026-11-01T05:30:00Z',
]
const startOf = (at: number, width: number) => Math.floor(at / width) * width

test(`${histories} random histories: never too little, nor too much by a bucket, and retryAt is exact`, async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock, path } = home
  const client = new Client(path, { readwrite: true })
  client.run('PRAGMA busy_timeout = 5000')
  client.run('PRAGMA synchronous = OFF')
  for (let seed = 1; seed <= histories; seed++) {
    const draw = chances(seed)
    const base = Date.parse(draw.pick(bases))
    const windowMs = draw.pick(windows)
    const otherMs = draw.pick(windows.filter(each => each !== windowMs))
    clock.now = new Date(base)
    const limit = (most: number, ms = windowMs) => ({
      metric: 'tokens' as const,
      amount: draw.whole(0, most),
      windowMs: ms,
    })
    const some = <T>(value: T): T[] => (draw.whole(0, 1) === 0 ? [value] : [])
    const owner = await latchkey.users.create({ username: `u${seed}`, limits: some(limit(600)) })
    const project = await latchkey.projects.create({
      name: `p${seed}`,
      owner: owner.id,
      limits: some(limit(800, otherMs)),
    })
    const mine = await latchkey.keys.create({
      name: `mine ${seed}`,
      user: owner.id,
      project: project.id,
      limits: [limit(400), ...some(limit(400, otherMs))],
    })
    const sibling = await latchkey.keys.create({ name: `sibling ${seed}`, user: owner.id })
    const keysOf = { key: [mine.id], user: [mine.id, sibling.id], project: [mine.id] }
    const past: Past[] = []
    const held = new Map<string, Held>()
    let resetAt: number | undefined

    const remember = (key: string, at: number, model: string, tokens: number) => {
      // What is recorded late may fall into a bucket that was folded.
      const { width } = client
        .query('SELECT width_ms AS width FROM usage WHERE key_id = ? AND start = ? AND model = ?')
        .get(key, startOf(at, minute), model) as { width: number }
      past.push({ key, at, tokens, width })
    }

    const record = async (key: string, at: number) => {
      const tokens = draw.whole(0, 60)
      const model = draw.pick(['a', 'b'])
      await latchkey.usage.record(key, { inputTokens: tokens, at: new Date(at), model })
      remember(key, at, model, tokens)
    }

    const compact = async () => {
      const minutesForMs = draw.pick([hour, hour, day])
      const hoursForMs = draw.pick([minutesForMs, day, 30 * day])
      await latchkey.usage.compact({ minutesForMs, hoursForMs: Math.max(hoursForMs, minutesForMs) })
      const now = clock.now.getTime()
      const longest = Math.max(windowMs, ...(mine.limits.length > 1 ? [otherMs] : []))
      for (const [width, keptMs] of [
        [day, Math.max(hoursForMs, minutesForMs)],
        [hour, minutesForMs],
      ] as const) {
        for (const each of past) {
          const start = startOf(each.at, width)
          // The bucket of a reset stays as it is while a window may reach it.
          const hasReset =
            each.key === mine.id &&
            resetAt !== undefined &&
            resetAt + longest + day > now &&
            startOf(resetAt, width) === start
          if (each.width < width && start + width <= startOf(now - keptMs, width) && !hasReset) {
            each.width = width
          }
        }
      }
    }

    /** What a limit must at least say, and at most. */
    const bounds = ({ subject, windowMs }: LimitState, at: number): [number, number] => {
      const reset = subject.type === 'key' && resetAt !== undefined && resetAt <= at ? resetAt : -Infinity
      const from = Math.max(at - windowMs, reset)
      const of = (key: string) => keysOf[subject.type].includes(key)
      const sum = (list: readonly { readonly tokens: number }[]) =>
        list.reduce((n, each) => n + each.tokens, 0)
      const known = past.filter(each => of(each.key))
      const open = sum([...held.values()].filter(each => of(each.key) && each.from <= at && at < each.until))
      return [
        open + sum(known.filter(each => each.at > from && each.at <= at)),
        open +
          sum(
            known.filter(({ at: then, width }) => {
              const start = startOf(then, width)
              return start <= at && start + width > from
            }),
          ),
      ]
    }

    const checkLimits = (limits: readonly LimitState[], at: number) => {
      for (const limit of limits) {
        const [least, most] = bounds(limit, at)
        const say = `history ${seed}, ${limit.subject.type} ${limit.windowMs} at ${new Date(at).toISOString()}`
        expect(limit.used, say).toBeGreaterThanOrEqual(least)
        expect(limit.used, say).toBeLessThanOrEqual(most)
        // Only a reset knows more than whole buckets.
        if (limit.subject.type !== 'key' || resetAt === undefined) expect(limit.used, say).toBe(most)
        expect(limit.remaining, say).toBe(Math.max(0, limit.amount - limit.used))
      }
    }

    const check = async () => {
      const at = clock.now.getTime()
      const wanted = draw.whole(0, 30)
      const ask = (moment: number): Promise<Verdict> =>
        latchkey.keys.verify(mine.secret!, { at: new Date(moment), wanted: { tokens: wanted } })
      const verdict = await ask(at)
      checkLimits(verdict.limits, at)
      expect(verdict.valid).toBe(
        verdict.limits.every(({ remaining }) => remaining > 0 && remaining >= wanted),
      )
      const then = verdict.retryAt?.getTime()
      if (then !== undefined) {
        const say = `history ${seed}: ${new Date(at).toISOString()}, retry ${new Date(then).toISOString()}`
        expect([(await ask(then - 1)).valid, (await ask(then)).valid], say).toEqual([false, true])
      } else if (!verdict.valid) {
        expect(verdict.limits.some(limit => limit.amount < Math.max(1, wanted))).toBe(true)
      }
      const stats = await latchkey.keys.stats(mine.id, { days: 1 })
      for (const [index, limit] of stats.limits.entries()) {
        expect(limit.used).toBe(verdict.limits[index]!.used)
        for (const { at: free, remaining } of draw.whole(0, 1) === 0 ? limit.frees : []) {
          const before = (await ask(free.getTime() - 1)).limits[index]!.remaining
          expect((await ask(free.getTime())).limits[index]!.remaining).toBe(remaining)
          expect(before).toBeLessThan(remaining)
        }
        const all = limit.amount > limit.remaining
        expect(limit.frees.at(-1)?.remaining).toBe(all ? limit.amount : undefined)
      }
      if (draw.whole(0, 2) === 0) {
        const earlier = at - draw.whole(0, 2 * windowMs)
        // What was reserved then is no longer known.
        if (held.size === 0) checkLimits((await ask(earlier)).limits, earlier)
      }
    }

    const steps: Step[] = []
    const plan = (when: number, run: () => Promise<void>) => steps.push({ when, run })
    const span = draw.pick([minute, windowMs, 3 * windowMs])
    const boundaries: number[] = []
    for (let n = draw.whole(0, 14); n > 0; n--) {
      const when = base + draw.whole(0, span)
      const at = draw.whole(0, 4) === 0 ? when - draw.whole(0, 2 * hour) : when
      plan(when, () => record(draw.whole(0, 3) === 0 ? sibling.id : mine.id, at))
      boundaries.push(
        when,
        at + windowMs,
        at + windowMs + draw.whole(-minute, minute),
        Math.ceil(at / minute) * minute,
      )
    }
    for (let n = draw.whole(0, 3); n > 0; n--) {
      const when = base + draw.whole(0, span)
      const timeoutMs = draw.whole(1, 2 * minute)
      plan(when, async () => {
        const tokens = draw.whole(0, 40)
        const from = clock.now.getTime()
        const { reservation } = await latchkey.usage.reserve(mine.id, { tokens, timeoutMs })
        if (reservation === null) return
        held.set(reservation.id, { key: mine.id, tokens, from, until: from + timeoutMs })
        if (draw.whole(0, 3) === 0) return
        const settle = draw.whole(0, 1) === 0
        const then = from + draw.whole(0, 3 * minute)
        clock.now = new Date(then)
        if (settle) {
          const used = draw.whole(0, 60)
          await latchkey.usage.settle(reservation.id, { inputTokens: used, model: 'a' })
          remember(mine.id, then, 'a', used)
        } else await latchkey.usage.release(reservation.id)
        held.delete(reservation.id)
      })
      boundaries.push(when, when + timeoutMs, when + timeoutMs - 1)
    }
    if (draw.whole(0, 2) === 0) {
      const when = base + draw.whole(0, span)
      plan(when, async () => {
        // A step before this one may have taken its time.
        resetAt = clock.now.getTime()
        const states = await latchkey.limits.reset({ key: mine.id })
        for (const { used, reserved } of states) expect(used).toBe(reserved)
      })
      boundaries.push(
        when,
        when + 1,
        when + windowMs,
        when + windowMs - 1,
        Math.ceil((when + 1) / minute) * minute + windowMs,
      )
    }
    for (let n = draw.whole(0, 2); n > 0; n--) {
      const when = base + draw.whole(0, 2 * span)
      plan(when, compact)
    }
    for (let n = 0; n < 3; n++) boundaries.push(base + draw.whole(0, 4 * windowMs))
    while (boundaries.length > 8) boundaries.splice(draw.whole(0, boundaries.length - 1), 1)
    for (const when of boundaries) if (when >= base) plan(when, check)
    for (const { when, run } of steps.toSorted((a, b) => a.when - b.when)) {
      clock.now = new Date(Math.max(when, clock.now.getTime()))
      await run()
    }
    // Compaction looks at all there is: histories to come should not wait for those that are over.
    client.run('DELETE FROM usage')
  }
  client.close()
}, 3_600_000)

test('a limit counts input and output tokens, requests, and dollars to the millionth', async () => {
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

test('tokens that came with an import, without a split, count as all others', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const key = 'pk_of_an_old_gateway'
  const usage_windows = [{ window_start: '2026-11-20T11:50:00Z', tokens_used: 60 }]
  const entry = { key, name: 'Old', token_limit_per_5h: 100, total_lifetime_tokens: 60, usage_windows }
  const bytes = new TextEncoder().encode(JSON.stringify({ keys: [entry] }))
  await home.latchkey.imports.glmProxy({ file: 'apikeys.json', bytes })
  await home.latchkey.usage.record('Old', { inputTokens: 10, outputTokens: 5 })
  const verdict = await home.latchkey.keys.verify(key, { wanted: { tokens: 26 } })
  expect(verdict).toMatchObject({ valid: false, limits: [{ used: 75, remaining: 25 }] })
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

test('who hit two limits is told to come back when both let the request through', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { keys, usage } = home.latchkey
  const { secret } = await keys.create({
    name: 'ci',
    limits: [
      { metric: 'tokens', amount: 100, windowMs: hour },
      { metric: 'requests', amount: 1, windowMs: 5 * hour },
    ],
  })
  await usage.record('ci', { requests: 1, inputTokens: 100 })
  const verdict = await keys.verify(secret!, { wanted: { tokens: 1, requests: 1 } })
  expect(verdict.limits.map(({ exceeded }) => exceeded)).toEqual([true, true])
  expect(verdict.retryAt).toEqual(new Date('2026-11-20T17:01:00Z'))
})

test('a limit of 0 allows nothing, ever', async () => {
  await using home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'requests', amount: 0, windowMs: hour }],
  })
  expect(await home.latchkey.keys.verify(secret!)).toMatchObject({ code: 'limit_exceeded', retryAt: null })
})

test('a bucket that starts exactly at a reset is forgiven what came before, and only as long as it counts', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { keys, limits, usage } = home.latchkey
  const { secret } = await keys.create({
    name: 'ci',
    limits: [{ metric: 'tokens', amount: 100, windowMs: 5 * hour }],
  })
  const at = home.clock.now.getTime()
  await usage.record('ci', { inputTokens: 60 })
  await limits.reset({ key: 'ci' })
  home.clock.now = new Date(at + 30_000)
  await usage.record('ci', { inputTokens: 50 })
  home.clock.now = new Date(at + 5 * minute)
  await usage.record('ci', { inputTokens: 30 })
  const wanting = async (tokens: number) => keys.verify(secret!, { wanted: { tokens } })
  expect((await wanting(20)).valid).toBe(true)
  expect((await wanting(21)).retryAt).toEqual(new Date(at + minute + 5 * hour))
  // With what was forgiven gone, the second bucket counts in full.
  expect((await wanting(80)).retryAt).toEqual(new Date(at + 6 * minute + 5 * hour))
})
