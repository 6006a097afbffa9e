// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const most = Number.MAX_SAFE_INTEGER
const hour = 3_600_000

const lines = (rows: readonly object[]) =>
  (async function* () {
    yield new TextEncoder().encode(rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  })()

async function nearlyFull() {
  const home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  const { id } = await keys.create({ name: 'full' })
  const other = await keys.create({ name: 'other' })
  await usage.record('full', { inputTokens: most - 10 })
  return { ...home, id, other: other.id, [Symbol.asyncDispose]: home[Symbol.asyncDispose] }
}

const told = 'would bring full to more tokens than can be counted; it was not'

test('usage that no total could hold is refused by name, and what fits still counts', async () => {
  await using home = await nearlyFull()
  const { keys, usage } = home.latchkey
  expect(await failure(usage.record('full', { inputTokens: 11 }))).toMatchObject({
    code: 'invalid',
    message: `this usage ${told}`,
  })
  expect(await failure(usage.record('full', { outputTokens: most }))).toMatchObject({ code: 'invalid' })
  await usage.record('full', { inputTokens: 4, outputTokens: 6 })
  expect((await keys.stats('full')).totals.tokens).toBe(most)
  const { reservation } = await usage.reserve('full', { tokens: 5 })
  expect(await failure(usage.settle(reservation!.id, { inputTokens: 5 }))).toMatchObject({ code: 'invalid' })
  await usage.prices.set('gold', { inputUsd: 9_000_000_000, outputUsd: 0 })
  expect(await failure(usage.record('other', { model: 'gold', inputTokens: most }))).toMatchObject({
    code: 'invalid',
    message: 'this usage would bring other to more dollars than can be counted; it was not',
  })
  expect((await usage.report({ by: ['key'] })).map(row => row.tokens)).toEqual([most])
})

test('in a recorder it is refused alone: what others recorded with it counts', async () => {
  await using home = await nearlyFull()
  const { usage } = home.latchkey
  await using recorder = await usage.createRecorder({ flushEvery: 3_600_000 })
  const outcomes = Promise.allSettled([
    recorder.record(home.id, { inputTokens: 1 }),
    recorder.record(home.id, { inputTokens: most - 5 }),
    recorder.record(home.other, { inputTokens: 2 }),
    recorder.ingest([{ key: 'other', inputTokens: 3 }]),
    recorder.ingest([
      { key: 'other', inputTokens: 500 },
      { key: 'full', inputTokens: 20 },
    ]),
    recorder.ingest([{ id: 'e', key: 'full', inputTokens: 4 }]),
  ])
  // The last two are read from the database first.
  while (recorder.pending < 7) await Bun.sleep(1)
  await recorder.flush()
  const said = (await outcomes).map(each => (each.status === 'rejected' ? each.reason.message : 'counted'))
  expect(said).toEqual(['counted', `the event ${told}`, 'counted', 'counted', `event 2 ${told}`, 'counted'])
  const rows = await usage.report({ by: ['key'] })
  expect(new Map(rows.map(row => [row.key?.name, row.tokens]))).toEqual(
    new Map([
      ['full', most - 5],
      ['other', 5],
    ]),
  )
})

test('what was counted before is a duplicate, however full its key is', async () => {
  await using home = await nearlyFull()
  await using recorder = await home.latchkey.usage.createRecorder({ flushEvery: 1 })
  const events = [{ id: 'big', key: 'full', inputTokens: 10 }]
  expect(await recorder.ingest(events)).toMatchObject({ counted: 1 })
  expect(await recorder.ingest(events)).toMatchObject({ counted: 0, duplicates: 1 })
})

test('in a log it is a bad line with its number', async () => {
  await using home = await nearlyFull()
  const { usage, keys } = home.latchkey
  const at = '2026-11-20T10:00:00Z'
  const rows = [
    { key: 'full', inputTokens: 4, at },
    { key: 'full', inputTokens: 7, at, id: 'x' },
    { key: 'other', inputTokens: 5, at },
    { key: 'full', inputTokens: 6, at },
  ]
  const problem = { line: 2, problem: 'would bring full to more tokens than can be counted' }
  const refused = await failure(usage.ingest({ file: 'a.ndjson', chunks: lines(rows) }))
  expect(refused.message).toContain(`line 2 ${problem.problem}`)
  const report = await usage.ingest({ file: 'a.ndjson', chunks: lines(rows), skipBad: true })
  expect(report).toMatchObject({ counted: 3, bad: 1, problems: [problem] })
  expect((await keys.stats('full')).totals.tokens).toBe(most)
})

test('reports, limits and metrics survive sums past 2^63', async () => {
  await using home = await temporaryLatchkey()
  const { keys, users, usage, limits } = home.latchkey
  await users.create({ username: 'alice', limits: [{ metric: 'tokens', amount: 5, windowMs: hour }] })
  const [key] = await keys.createMany({ name: 'k', user: 'alice' }, 1_000)
  await keys.createMany({ name: 'l', user: 'alice' }, 25)
  const huge = (2n ** 53n).toString()
  await home.query("INSERT INTO models VALUES (2, 'm')")
  await home.query('INSERT INTO series (key_id, user_id) SELECT id, user_id FROM keys')
  for (const [table, minutes, last] of [
    ['minutes', 1, ''],
    ['hours', 60, ''],
    ['days', 1_440, ', last_at'],
  ]) {
    const start = Math.floor(home.clock.now.getTime() / 60_000 / Number(minutes))
    await home.query(
      `INSERT INTO ${table} (series, start, model, requests, input_tokens, output_tokens, cost_micros${last})
       SELECT id, ${start}, 2, ${huge}, ${huge}, ${huge}, ${huge}${last && `, ${home.clock.now.getTime()}`} FROM series`,
    )
  }
  const sum = 1_025 * 2 ** 53
  expect(sum).toBeGreaterThan(2 ** 63)
  expect(await usage.report({ by: ['model'] })).toMatchObject([{ requests: sum, tokens: 2 * sum }])
  expect(await usage.report({ by: ['user', 'day'] })).toHaveLength(1)
  await usage.overview()
  expect((await home.latchkey.inventory()).used.requests).toBe(sum)
  expect((await limits.list({ user: 'alice' }))[0]).toMatchObject({ exceeded: true, used: 2 * sum })
  expect((await keys.verify(key!.secret!)).code).toBe('limit_exceeded')
  await keys.stats(key!.name)
  await keys.list({ overPercent: 50, sort: 'tokens' })
  await keys.activity([key!.id])
  await usage.check()
  // A key that is over already takes nothing large, and the others go on.
  await keys.create({ name: 'fresh' })
  expect(await failure(usage.record(key!.name, { inputTokens: 2 ** 33 }))).toMatchObject({ code: 'invalid' })
  await usage.record('fresh', { inputTokens: 1 })
})

test('what a clock that is ahead has dated counts from now on, however it comes', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { latchkey, clock } = home
  const { keys, usage } = latchkey
  const limit = { metric: 'tokens', amount: 1_000, windowMs: hour } as const
  const ahead = new Date(clock.now.getTime() + 299_000)
  const at = ahead.toISOString()
  await using recorder = await usage.createRecorder({ flushEvery: 1 })
  const ways: readonly ((key: string, id: string) => Promise<unknown>)[] = [
    key => usage.record(key, { inputTokens: 1_000, at: ahead }),
    async key => {
      const { reservation } = await usage.reserve(key, { tokens: 1 })
      return usage.settle(reservation!.id, { inputTokens: 1_000, at: ahead })
    },
    (_, id) => recorder.record(id, { inputTokens: 1_000, at: ahead }),
    key => recorder.ingest([{ key, inputTokens: 1_000, at }]),
    key => usage.ingest({ file: 'log.ndjson', chunks: lines([{ key, inputTokens: 1_000, at }]) }),
  ]
  for (const [n, record] of ways.entries()) {
    const name = `k${n}`
    const { id, secret } = await keys.create({ name, limits: [limit] })
    await record(name, id)
    expect(await keys.verify(secret!)).toMatchObject({
      code: 'limit_exceeded',
      limits: [{ used: 1_000, remaining: 0 }],
      retryAt: new Date('2026-11-20T13:01:00Z'),
    })
    expect((await keys.get(name)).lastUsedAt).toEqual(clock.now)
  }
  const late = usage.record('k0', { at: new Date(clock.now.getTime() + 300_001) })
  expect(await failure(late)).toMatchObject({ code: 'invalid' })
})

const year2000 = Date.UTC(2000, 0, 1)

test.each([-8.64e15, Date.parse('0001-01-01T00:00:00Z'), 0, year2000 - 1])(
  'usage that is dated %p is refused, however it comes, and reports go on',
  async time => {
    await using home = await temporaryLatchkey()
    const { keys, usage } = home.latchkey
    await using recorder = await usage.createRecorder({ flushEvery: 1 })
    const { id } = await keys.create({ name: 'ci' })
    const { reservation } = await usage.reserve('ci', { tokens: 1 })
    const at = new Date(time)
    const ways: readonly (() => Promise<unknown>)[] = [
      () => usage.record('ci', { inputTokens: 1, at }),
      () => usage.record(id, { inputTokens: 1, at }),
      // Not as plain: it goes through all rules.
      () => usage.record('ci', { at, usage: { prompt_tokens: 1, completion_tokens: 1 } }),
      () => usage.settle(reservation!.id, { inputTokens: 1, at }),
      async () => recorder.record(id, { inputTokens: 1, at }),
      () => recorder.ingest([{ key: 'ci', inputTokens: 1, at: at.toISOString() }]),
      () => usage.ingest({ file: 'l.ndjson', chunks: lines([{ key: 'ci', at: at.toISOString() }]) }),
    ]
    for (const record of ways) {
      const error = await failure(record())
      expect(error).toMatchObject({ code: 'invalid' })
      // Logs take four digits for a year.
      if (time > -1e14) expect(error.message).toContain('is before the year 2000')
    }
    for (const by of ['hour', 'day', 'week', 'month'] as const)
      expect(await usage.report({ by: [by], fill: false })).toEqual([])
    await usage.settle(reservation!.id, { inputTokens: 1, at: new Date(year2000) })
    expect(await usage.report({ by: ['month'], fill: false })).toMatchObject([{ tokens: 1 }])
  },
)

test('usage of before 1970 stays where it was when it is compacted', async () => {
  await using home = await temporaryLatchkey()
  const { clock } = home
  const { now } = clock
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'old' })
  for (const at of [
    '1969-12-31T23:59:10Z',
    '1969-12-31T01:00:00Z',
    '1969-07-20T20:17:40Z',
    '1970-01-01T00:00:10Z',
  ]) {
    clock.now = new Date(at)
    await usage.record('old', { inputTokens: 1 })
  }
  clock.now = now
  const range = { since: new Date('1969-07-01'), until: new Date('1970-01-05') }
  const byDay = async () =>
    (await usage.report({ by: ['day'], ...range }))
      .filter(row => row.tokens > 0)
      .map(row => [row.start?.toISOString().slice(0, 10), row.tokens])
  const before = await byDay()
  expect(before).toEqual([
    ['1969-07-20', 1],
    ['1969-12-31', 2],
    ['1970-01-01', 1],
  ])
  expect(await usage.compact()).toMatchObject({ minutesDeleted: 4, hoursDeleted: 4 })
  expect(await byDay()).toEqual(before)
  expect((await usage.check()).ok).toBe(true)
})
