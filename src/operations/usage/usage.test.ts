// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const day = 86_400_000

test('totals are the sum of the days, and last used never moves backwards', async () => {
  await using home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  const at = (text: string) => new Date(`2026-11-20T${text}Z`)
  await usage.record('ci', {
    inputTokens: 10,
    outputTokens: 2,
    costUsd: 0.0004,
    model: 'gpt-x',
    at: at('10:00:00'),
  })
  await usage.record('ci', { inputTokens: 1, at: at('09:00:00') })
  const { totals, series, key } = await keys.stats('ci', { days: 1 })
  expect(totals).toMatchObject({ requests: 2, inputTokens: 11, outputTokens: 2, tokens: 13, costUsd: 0.0004 })
  expect(series).toEqual([{ start: at('00:00:00'), ...totals }])
  expect(key.lastUsedAt).toEqual(at('10:00:00'))
})

test('what a revoked key used is still recorded', async () => {
  await using home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  await keys.revoke('ci')
  await usage.record('ci', { inputTokens: 5 })
  expect((await keys.stats('ci')).totals.tokens).toBe(5)
})

test.each([
  [{ inputTokens: -1 }],
  [{ inputTokens: 1.5 }],
  [{ outputTokens: Number.NaN }],
  [{ costUsd: -0.01 }],
  [{ costUsd: Number.POSITIVE_INFINITY }],
  [{ requests: -1 }],
  [{ model: 'two words' }],
  [{ at: new Date('2026-11-20T13:00:00Z') }],
])('%p is refused, and nothing is counted', async input => {
  await using home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  expect(await failure(usage.record('ci', input))).toMatchObject({ code: 'invalid', exit: 2 })
  expect((await keys.stats('ci')).totals.requests).toBe(0)
})

test('days begin at midnight of the time zone, on the days that change the clock too', async () => {
  await using home = await temporaryLatchkey('2026-10-27T00:00:00Z')
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  // Berlin: summer time ends on the 25th at 01:00 UTC, that day has 25 hours.
  for (const at of [
    '2026-10-24T21:59:00Z',
    '2026-10-24T22:00:00Z',
    '2026-10-25T22:59:00Z',
    '2026-10-25T23:00:00Z',
  ]) {
    await usage.record('ci', { inputTokens: 1, at: new Date(at) })
  }
  const rows = await usage.report({ by: ['day'], timeZone: 'Europe/Berlin' })
  expect(rows.map(row => [row.start?.toISOString(), row.tokens])).toEqual([
    ['2026-10-23T22:00:00.000Z', 1],
    ['2026-10-24T22:00:00.000Z', 2],
    ['2026-10-25T23:00:00.000Z', 1],
  ])
  const { series } = await keys.stats('ci', {
    days: 4,
    timeZone: 'Europe/Berlin',
    at: new Date('2026-10-26T12:00:00Z'),
  })
  expect(series.map(point => point.tokens)).toEqual([0, 1, 2, 1])
  const half = await usage.report({ by: ['hour'], timeZone: 'Asia/Kolkata', fill: false })
  expect(half.map(row => row.start?.toISOString().slice(14, 16))).toEqual(['30', '30'])
})

test('a report groups by two things, filters, and puts the most first', async () => {
  await using home = await temporaryLatchkey()
  const { users, projects, keys, usage } = home.latchkey
  await users.create({ username: 'alice' })
  await projects.create({ name: 'Shop', owner: 'alice' })
  await keys.create({ name: 'a', user: 'alice', project: 'shop' })
  await keys.create({ name: 'b' })
  await usage.record('a', { inputTokens: 1, model: 'x', at: new Date(home.clock.now.getTime() - 2 * day) })
  await usage.record('a', { inputTokens: 10, model: 'y' })
  await usage.record('b', { inputTokens: 100, model: 'x' })
  await usage.record('b', { inputTokens: 5 })
  const tokens = async (options: Parameters<typeof usage.report>[0]) =>
    (await usage.report(options)).map(row => [
      row.key?.name ?? row.user?.username ?? row.project?.slug ?? null,
      row.model,
      row.tokens,
    ])
  expect(await tokens({ by: ['key', 'model'] })).toEqual([
    ['b', 'x', 100],
    ['a', 'y', 10],
    ['b', null, 5],
    ['a', 'x', 1],
  ])
  expect(await tokens({ by: ['user'] })).toEqual([
    [null, null, 105],
    ['alice', null, 11],
  ])
  expect(await tokens({ by: ['project'], model: 'x' })).toEqual([
    [null, null, 100],
    ['shop', null, 1],
  ])
  expect(await tokens({})).toEqual([[null, null, 116]])
  expect(await tokens({ key: 'a', since: new Date(home.clock.now.getTime() - day) })).toEqual([
    [null, null, 10],
  ])
  expect(await tokens({ until: new Date(home.clock.now.getTime() - day) })).toEqual([[null, null, 1]])
  for (const by of [['hour', 'day'], ['key', 'user', 'model'], ['key', 'key'], ['fortnight']]) {
    expect(await failure(usage.report({ by: by as never }))).toMatchObject({ code: 'invalid' })
  }
})
