// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import type { Totals, UsageRow } from '../../contract/views.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import type { ReportOptions } from './input.ts'

async function scene(...uses: readonly (readonly [string, string, number, string?])[]) {
  const home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice', email: 'alice@example.org' })
  await home.latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  for (const name of new Set(uses.map(([key]) => key))) {
    await home.latchkey.keys.create({ name, ...(name === 'a' ? { user: 'alice', project: 'shop' } : {}) })
  }
  for (const [key, at, inputTokens, model] of uses) {
    await home.latchkey.usage.record(key, {
      inputTokens,
      at: new Date(at),
      costUsd: inputTokens / 1e6,
      model,
    })
  }
  return home
}

const sum = (rows: readonly UsageRow[]) => rows.reduce((total, row) => total + row.tokens, 0)

test('tokens that came without a split are in every total', async () => {
  await using s = await scene(['a', '2026-11-16T10:00:00Z', 100, 'x'])
  const key = {
    key: 'pk_of_an_old_gateway',
    name: 'Old',
    token_limit_per_5h: 1_000,
    total_lifetime_tokens: 60,
  }
  const windows = [{ window_start: '2026-11-16T10:00:00Z', tokens_used: 60 }]
  const bytes = new TextEncoder().encode(JSON.stringify({ keys: [{ ...key, usage_windows: windows }] }))
  await s.latchkey.imports.glmProxy({ file: 'apikeys.json', bytes })
  const { usage, keys } = s.latchkey
  expect((await keys.stats('Old')).totals).toMatchObject({ inputTokens: 0, tokens: 60 })
  const overview = await usage.overview({ since: new Date('2026-11-16T00:00:00Z') })
  expect(overview.totals).toMatchObject({ inputTokens: 100, tokens: 160 })
  const rows = await usage.report({ by: ['key'], since: new Date('2026-11-16T00:00:00Z') })
  expect([...rows].map(({ tokens }) => tokens).toSorted()).toEqual([100, 60])
})

test('all of it is what the report says', async () => {
  await using s = await scene(
    ['a', '2026-11-16T10:00:00Z', 100, 'x'],
    ['b', '2026-11-18T10:00:00Z', 30, 'y'],
    ['b', '2026-11-18T11:00:00Z', 5],
  )
  const { usage } = s.latchkey
  const options: ReportOptions = {
    by: ['key', 'day'],
    since: new Date('2026-11-15'),
    sort: 'cost',
    fill: true,
  }
  const overview = await usage.overview(options)
  expect(overview.rows).toEqual(await usage.report(options))
  const [all] = await usage.report({ since: options.since })
  expect(all).toMatchObject(overview.totals as Totals & Record<string, unknown>)
  for (const { by, rows } of overview.shares) {
    expect(rows).toEqual(await usage.report({ by: [by], since: options.since, sort: 'cost' }))
  }
  expect(overview.shares.map(({ by, rows }) => [by, rows.length])).toEqual([
    ['key', 2],
    ['user', 2],
    ['project', 2],
    ['model', 3],
  ])
  expect(overview.timeline?.rows).toEqual(
    await usage.report({ by: ['day'], since: options.since, until: s.clock.now, fill: true }),
  )
})

test.each<[ReportOptions, string, string, string, boolean, boolean]>([
  [{}, '2026-11-18T10:00:00.000Z', '2026-11-19T09:00:00.001Z', 'hour', false, false],
  [{ by: ['day'] }, '2026-11-18T10:00:00.000Z', '2026-11-19T09:00:00.001Z', 'day', false, false],
  [
    { since: new Date('2026-11-14T12:00Z') },
    '2026-11-14T12:00:00.000Z',
    '2026-11-20T12:00:00.000Z',
    'day',
    true,
    true,
  ],
  [
    { since: new Date('2026-11-18'), until: new Date('2026-11-19') },
    '2026-11-18T00:00:00.000Z',
    '2026-11-19T00:00:00.000Z',
    'hour',
    false,
    false,
  ],
  [
    { by: ['hour'], since: new Date('2026-01-01'), until: new Date('2026-11-20') },
    '2026-01-01T00:00:00.000Z',
    '2026-11-20T00:00:00.000Z',
    'week',
    true,
    true,
  ],
  [
    { since: new Date('2020-01-01'), until: new Date('2026-12-01') },
    '2020-01-01T00:00:00.000Z',
    '2026-12-01T00:00:00.000Z',
    'month',
    false,
    true,
  ],
])('the course of %p', async (options, start, end, period, firstIsPart, lastIsPart) => {
  await using s = await scene(['a', '2026-11-18T10:00:00Z', 1], ['a', '2026-11-19T09:00:00Z', 2])
  const { range, timeline } = await s.latchkey.usage.overview(options)
  expect(range).toEqual({ start: new Date(start), end: new Date(end) })
  expect(timeline).toMatchObject({ period, firstIsPart, lastIsPart })
  expect(timeline?.rows.length).toBeLessThanOrEqual(101)
})

test('what alone counts is told by name, and then counts in all of it', async () => {
  await using s = await scene(['a', '2026-11-18T10:00:00Z', 1, 'x'], ['b', '2026-11-18T10:00:00Z', 2, 'x'])
  const a = await s.latchkey.keys.get('a')
  const overview = await s.latchkey.usage.overview({ key: a.id, user: 'alice', project: 'shop', model: 'x' })
  expect(overview.only).toEqual({ key: 'a', user: 'alice', project: 'shop', model: 'x' })
  expect(overview.totals.tokens).toBe(1)
  for (const { rows } of overview.shares) expect(sum(rows)).toBe(1)
  expect(sum(overview.timeline?.rows ?? [])).toBe(1)
})

test('nothing used is nothing, in a range or in none', async () => {
  await using s = await scene()
  expect(await s.latchkey.usage.overview()).toMatchObject({
    range: null,
    timeline: null,
    shares: [],
    rows: [],
  })
  const since = new Date('2026-11-19')
  const { range, timeline, totals } = await s.latchkey.usage.overview({ since })
  expect({ range, timeline, tokens: totals.tokens }).toEqual({
    range: { start: since, end: s.clock.now },
    timeline: null,
    tokens: 0,
  })
})

test('its numbers agree with each other while others record', async () => {
  await using s = await scene(['a', '2026-11-18T10:00:00Z', 1, 'x'])
  let recording = true
  const others = (async () => {
    const gateway = (await import('../../index.ts')).connectLatchkey({ path: s.path, now: () => s.clock.now })
    while (recording) await gateway.usage.record('a', { inputTokens: 1, model: 'y' })
    await gateway.close()
  })()
  const seen = new Set<number>()
  try {
    for (let n = 0; n < 1_000 && seen.size < 5; n++) {
      const { totals, shares, timeline, rows } = await s.latchkey.usage.overview({ by: ['model'] })
      seen.add(totals.tokens)
      const sums = [...shares.map(each => sum(each.rows)), sum(timeline?.rows ?? []), sum(rows)]
      expect(new Set([...sums, totals.tokens]).size).toBe(1)
    }
  } finally {
    recording = false
    await others
  }
  expect(seen.size).toBe(5)
})
