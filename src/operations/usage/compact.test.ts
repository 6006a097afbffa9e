// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import type { LimitState } from '../../contract/views.ts'
import { random } from '../../seed/organisation.ts'
import { kills } from '../../testing/chance.ts'
import { failure } from '../../testing/failure.ts'
import { onPostgres, type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { spawnLatchkey, startLatchkey } from '../../testing/process.ts'
import { run } from '../../testing/run.ts'
import type { Limited } from '../limits/input.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const now = new Date('2026-11-20T12:34:56Z')

/** How many minutes, hours and days there are. */
const buckets = ({ query }: TestLatchkey) =>
  Promise.all(
    ['minutes', 'hours', 'days'].map(
      async table => (await query<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`))[0]?.rows,
    ),
  )

test('old minutes and old hours are deleted, and no sum changes; a second time there is nothing to do', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, usage, audit } = home.latchkey
  await keys.create({ name: 'ci' })
  const ago = async (ms: number, model: string) =>
    usage.record('ci', { inputTokens: 1, outputTokens: 2, model, at: new Date(now.getTime() - ms) })
  // Three hours of ten minutes each: one to stay, one that stays as an hour, one as a day; two models.
  for (const base of [hour, 8 * day, 401 * day]) {
    for (let n = 0; n < 10; n++) await ago(base + n * minute, n % 2 === 0 ? 'x' : 'y')
  }
  const before = { stats: await keys.stats('ci'), models: await usage.report({ by: ['model'] }) }
  const report = await usage.compact()
  expect(report).toMatchObject({ rowsBefore: 42, rowsAfter: 20, minutesDeleted: 20, hoursDeleted: 2 })
  expect(await buckets(home)).toEqual([10, 4, 6])
  expect(await usage.report({ by: ['model'] })).toEqual(before.models)
  expect((await keys.stats('ci')).totals).toEqual(before.stats.totals)
  expect((await usage.check()).ok).toBe(true)
  expect(await usage.compact()).toMatchObject({ rowsBefore: 20, rowsAfter: 20, minutesDeleted: 0 })
  expect(await audit.list({ action: 'usage.compact' })).toHaveLength(1)
})

test('only minutes of hours that are old in whole are deleted', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  for (const at of ['10:59', '11:00', '11:33', '12:00', '12:34']) {
    await usage.record('ci', { at: new Date(`2026-11-13T${at}:00Z`) })
  }
  await usage.compact()
  expect(await home.query('SELECT start * 60000 AS at FROM minutes ORDER BY 1')).toEqual([
    { at: Date.parse('2026-11-13T12:00Z') },
    { at: Date.parse('2026-11-13T12:34Z') },
  ])
})

test('what is recorded late counts once, and is deleted the next time; what is gone does not come back', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  const midnight = Date.parse('2025-06-01T00:00:00Z')
  const record = (offset: number) => usage.record('ci', { inputTokens: 1, at: new Date(midnight + offset) })
  await record(5 * hour)
  await usage.compact()
  for (const offset of [0, minute, 59 * minute, 5 * hour, 23 * hour + 59 * minute]) await record(offset)
  expect(await usage.report({ by: ['hour'], fill: false })).toMatchObject([{ tokens: 6, requests: 6 }])
  await usage.compact({ minutesForMs: 10 * day, hoursForMs: 400 * day })
  expect(await buckets(home)).toEqual([0, 0, 1])
  expect(await usage.report()).toMatchObject([{ tokens: 6, requests: 6 }])
  // A late minute at the very start of a day that holds hours too.
  await record(0)
  await record(minute)
  await usage.compact({ minutesForMs: 10 * day, hoursForMs: 1_000 * day })
  expect(await usage.report()).toMatchObject([{ tokens: 8 }])
  expect(await buckets(home)).toEqual([0, 0, 1])
  expect((await usage.check()).ok).toBe(true)
})

test('keeping minutes for longer does not bring back those that are gone: windows still count their hours', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, usage, limits } = home.latchkey
  await keys.create({ name: 'ci', limits: [{ metric: 'requests', amount: 5, windowMs: 9 * day }] })
  await usage.record('ci', { at: new Date(now.getTime() - 9 * day + 10 * minute) })
  const used = async () => (await limits.list({ key: 'ci' })).map(limit => limit.used)
  expect(await used()).toEqual([1])
  await usage.compact()
  expect(await buckets(home)).toEqual([0, 1, 1])
  await usage.compact({ minutesForMs: 30 * day })
  expect(await used()).toEqual([1])
})

test('windows within what is kept by the minute say the same; longer ones never less, and more by less than an hour', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, usage } = home.latchkey
  const windows = [5 * hour, day, 6 * day, 7 * day, 10 * day, 30 * day]
  await keys.create({
    name: 'ci',
    limits: windows.map(windowMs => ({ metric: 'tokens' as const, amount: 1_000_000, windowMs })),
  })
  const next = random(7)
  const uses: { at: number; tokens: number }[] = []
  for (let n = 0; n < 400; n++) {
    const use = { at: now.getTime() - next(45 * day), tokens: 1 + next(50) }
    uses.push(use)
    await usage.record('ci', { inputTokens: use.tokens, at: new Date(use.at) })
  }
  const moments = Array.from(
    // What a server is asked for each of them takes hundreds of answers.
    { length: onPostgres ? 6 : 40 },
    (_, n) => new Date(now.getTime() + (n % 20) * 37 * minute + next(2) * 1),
  )
  const states = async (): Promise<readonly (readonly LimitState[])[]> => {
    const all: (readonly LimitState[])[] = []
    for (const at of moments) all.push((await keys.stats('ci', { at })).limits)
    return all
  }
  const before = await states()
  const { minutesDeleted } = await usage.compact()
  expect(minutesDeleted).toBeGreaterThan(300)
  const after = await states()
  for (const [index, at] of moments.entries()) {
    for (const [place, windowMs] of windows.entries()) {
      const was = before[index]![place]!
      const is = after[index]![place]!
      const exact = (reach: number) =>
        uses
          .filter(use => use.at > at.getTime() - reach && use.at <= at.getTime())
          .reduce((sum, { tokens }) => sum + tokens, 0)
      if (windowMs <= 6 * day) expect(is).toEqual(was)
      expect(is.used).toBeGreaterThanOrEqual(was.used)
      expect(is.used).toBeGreaterThanOrEqual(exact(windowMs))
      expect(is.used).toBeLessThanOrEqual(exact(windowMs + hour))
    }
  }
})

test.each([['a key'], ['its user'], ['its project']])(
  'what was used before a reset of %s stays forgiven',
  async subject => {
    await using home = await temporaryLatchkey('2026-11-01T10:20:30Z')
    const { keys, users, projects, usage, limits } = home.latchkey
    const limit = [{ metric: 'tokens' as const, amount: 1_000, windowMs: 30 * day }]
    await users.create({ username: 'alice' })
    await projects.create({ name: 'Shop', owner: 'alice' })
    await keys.create({ name: 'ci', user: 'alice', project: 'shop' })
    const limited = {
      'a key': { key: 'ci' },
      'its user': { user: 'alice' },
      'its project': { project: 'shop' },
    }[subject] as Limited
    await limits.set(limited, limit)
    const at = (text: string) => new Date(`2026-11-01T${text}Z`)
    await usage.record('ci', { inputTokens: 100, at: at('09:59:00') })
    await usage.record('ci', { inputTokens: 200, at: at('10:05:00') })
    await usage.record('ci', { inputTokens: 300, at: at('10:20:10') })
    await limits.reset(limited)
    home.clock.now = at('11:59:00')
    await usage.record('ci', { inputTokens: 7, at: at('10:20:40') })
    await usage.record('ci', { inputTokens: 20, at: at('10:40:00') })
    await usage.record('ci', { inputTokens: 30, at: at('11:30:00') })
    home.clock.now = new Date('2026-11-12T00:00:00Z')
    const used = async () => (await keys.stats('ci')).limits.map(state => state.used)
    expect(await used()).toEqual([57])
    await usage.compact()
    expect(await used()).toEqual([57])
    expect(await buckets(home)).toEqual([0, 3, 1])
    home.clock.now = new Date('2026-12-05T00:00:00Z')
    await usage.compact()
    expect(await used()).toEqual([0])
  },
)

test('what is long past is forgotten: reservations, ids of events, files, denials', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, usage } = home.latchkey
  const { id } = await keys.create({ name: 'ci' })
  const old = now.getTime() - 400 * day
  const insert = [
    `INSERT INTO counted_events (id, at) WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 12000) SELECT 'old-' || n, ${old - 1} FROM n`,
    `INSERT INTO counted_events (id, at) VALUES ('kept', ${old})`,
    `INSERT INTO counted_files VALUES ('${'a'.repeat(64)}', ${old - 1}, 1), ('${'b'.repeat(64)}', ${old}, 1)`,
    `INSERT INTO denials VALUES ('${id}', ${old - day - 1}, 'expired', 3, ${old - 1}), ('${id}', ${old - day - 1}, 'revoked', 1, ${old - 1}), ('${id}', ${old - day}, 'expired', 2, ${old})`,
    `INSERT INTO series (id, key_id) VALUES (1, '${id}')`,
    `INSERT INTO reservations VALUES ('res_${'0'.repeat(26)}', 1, NULL, 1, 0, ${now.getTime() - day - 1}, 1, 0, 0), ('res_${'1'.repeat(26)}', 1, NULL, 1, 0, ${now.getTime() - day}, 1, 0, 0)`,
  ]
  for (const each of insert) await home.query(each)
  const forgotten = {
    reservationsRemoved: 1,
    eventsForgotten: 12_000,
    filesForgotten: 1,
    denialsForgotten: 2,
  }
  expect(await home.dry.usage.compact()).toMatchObject(forgotten)
  expect(await usage.compact()).toMatchObject(forgotten)
  expect(await usage.compact()).toMatchObject({
    reservationsRemoved: 0,
    eventsForgotten: 0,
    filesForgotten: 0,
    denialsForgotten: 0,
  })
  expect(await home.query('SELECT count FROM denials')).toEqual([{ count: 2 }])
  expect(await home.query('SELECT id FROM counted_events')).toEqual([{ id: 'kept' }])
})

test('a dry run tells the same figures and deletes nothing', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  for (let n = 0; n < 50; n++)
    await usage.record('ci', { at: new Date(now.getTime() - 9 * day - n * 7 * minute) })
  const dry = await home.dry.usage.compact()
  expect((await buckets(home))[0]).toBe(50)
  expect(await home.query('SELECT count(*) AS ever FROM retention WHERE minutes_from < 0')).toEqual([
    { ever: 1 },
  ])
  expect(await usage.compact()).toEqual(dry)
  expect((await buckets(home)).reduce((sum, rows) => (sum ?? 0) + (rows ?? 0))).toBe(dry.rowsAfter)
})

test('more than a transaction takes is deleted in several, of one key or of many', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, usage } = home.latchkey
  for (const { name } of await keys.createMany({ name: 'k' }, 5)) await usage.record(name, {})
  const old = Math.floor((now.getTime() - 20 * day) / minute)
  for (const [series, rows] of [
    [1, 12_000],
    [2, 3],
    [3, 4_997],
    [5, 6_000],
  ]) {
    await home.query(
      `INSERT INTO minutes (series, start, model) WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${rows})
       SELECT ${series}, ${old} - n, 1 FROM n`,
    )
  }
  expect((await usage.compact()).minutesDeleted).toBe(23_000)
  expect(await buckets(home)).toEqual([5, 5, 5])
})

test.each([
  [{ minutesForMs: hour - 1 }],
  [{ minutesForMs: 2 * day, hoursForMs: day }],
  [{ minutesForMs: -1 }],
])('%p is refused', async options => {
  await using home = await temporaryLatchkey()
  expect(await failure(home.latchkey.usage.compact(options))).toMatchObject({ code: 'invalid' })
})

test('the command tells buckets before and after', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  await home.latchkey.keys.create({ name: 'ci' })
  for (const n of [0, 1]) {
    await home.latchkey.usage.record('ci', { at: new Date(Date.parse('2026-11-01T10:00:00Z') + n * minute) })
  }
  const options = { db: home.path, cwd: home.folder, now }
  const dry = await run('usage compact --minutes-for 31d --dry-run', options)
  expect(dry).toMatchObject({ code: 0, out: 'Would leave 4 of 4 buckets\n' })
  const done = await run('usage compact', options)
  expect(done).toMatchObject({ code: 0, out: '4 buckets before, 2 now\n  2 of a minute deleted\n' })
})

test('processes record while others compact, also killed ones: nothing is lost and nobody fails', async () => {
  await using home = await temporaryLatchkey(new Date().toISOString())
  const { keys, usage } = home.latchkey
  await keys.createMany({ name: 'key' }, 3)
  const recorders = Array.from({ length: 3 }, () =>
    startLatchkey(
      ['record', home.path, JSON.stringify({ keys: ['key-1', 'key-2', 'key-3'], count: 1_500 })],
      {
        entry: join(import.meta.dir, '../../testing/gateway.ts'),
      },
    ),
  )
  let recording = true
  const finished = Promise.all(recorders.map(each => each.finished)).finally(() => {
    recording = false
  })
  let deleted = 0
  const compactor = async (isKilled: boolean) => {
    for (let round = 0; recording && round < 2 * kills; round++) {
      const running = startLatchkey('usage compact --minutes-for 1h --json', { db: home.path })
      if (isKilled) setTimeout(() => running.kill('SIGKILL'), 150 + Math.random() * 200)
      const { code, err, signal, json } = await running.finished
      if (signal !== null) continue
      expect(err).toBe('')
      expect(code).toBe(0)
      deleted += json<{ minutesDeleted: number }>().minutesDeleted
    }
  }
  await Promise.all([compactor(false), compactor(true)])
  for (const { code, err } of await finished) expect([code, err]).toEqual([0, ''])
  // What is left when all have recorded counts too: how much was deleted before depends on the machine.
  const last = await spawnLatchkey('usage compact --minutes-for 1h --json', { db: home.path })
  expect(last.code).toBe(0)
  expect(deleted + last.json<{ minutesDeleted: number }>().minutesDeleted).toBeGreaterThan(0)
  const [sum] = await usage.report()
  expect(sum).toMatchObject({ requests: 4_500, tokens: 22_500 })
  expect((await usage.check()).differences).toEqual([])
}, 600_000)
