// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { noCounts } from '../../db/facts.ts'
import { connectLatchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { spawnLatchkey } from '../../testing/process.ts'
import { run } from '../../testing/run.ts'
import { PriceList } from './pricing.ts'

const minute = 60_000

const price = (model: string, startsAt: number, inputMicros: number, outputMicros = 0) => ({
  model,
  startsAt,
  overTokens: 0,
  inputMicros,
  cachedInputMicros: null,
  cacheWriteMicros: null,
  outputMicros,
  source: 'set',
})

const used = (inputTokens: number, outputTokens = 0) => ({ ...noCounts, inputTokens, outputTokens })

test.each<[string, string, number, number | undefined]>([
  ['the model itself', 'gpt-x', 5, 1],
  ['the latest that has begun', 'gpt-x', 10, 2],
  ['the longest pattern', 'gpt-xl', 5, 3],
  ['a shorter pattern', 'gpt-y', 5, 4],
  ['what fits everything', 'claude', 5, 5],
  ['a pattern, before the model has a price of its own', 'late', 5, 5],
  ['the model itself, once it has one', 'late', 100, 6],
])('in force is %s', (_, model, at, dollars) => {
  const list = new PriceList([
    price('*', 0, 5e6),
    price('gpt-*', 0, 4e6),
    price('gpt-x', 0, 1e6),
    price('gpt-x', 10, 2e6),
    price('gpt-x*', 0, 3e6),
    price('late', 100, 6e6),
  ])
  expect(list.costOf(model, at, used(1_000_000, 0))).toBe(dollars === undefined ? undefined : dollars * 1e6)
  // Looked up a second time, the answer is the same.
  expect(list.costOf(model, at, used(1_000_000, 0))).toBe(dollars === undefined ? undefined : dollars * 1e6)
})

test('without a price there is no cost, and costs are rounded to the micro-dollar', () => {
  const list = new PriceList([price('a', 10, 2_500_000, 10_000_000)])
  expect(list.costOf('b', 10, used(1, 1))).toBeUndefined()
  expect(list.costOf('a', 9, used(1, 1))).toBeUndefined()
  expect(list.costOf('a', 10, used(1, 1))).toBe(13)
  expect(list.costOf('a', 10, used(0, 0))).toBe(0)
  const parts = new PriceList([price('a', 0, 1_400_000)])
  expect(parts.costOf('a', 0, used(1, 0))).toBe(1)
  expect(parts.costOf('a', 0, used(4, 0))).toBe(6)
})

test('a cost that is not told comes from the price at that time; 0 is told', async () => {
  await using home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  await usage.prices.set('gpt-x', { inputUsd: 2.5, outputUsd: 10 })
  const use = { model: 'gpt-x', inputTokens: 1_000, outputTokens: 100 }
  expect((await usage.record('ci', use)).costUsd).toBe(0.0035)
  expect((await usage.record('ci', { ...use, costUsd: 0 })).costUsd).toBe(0)
  expect((await usage.record('ci', { ...use, model: 'other' })).costUsd).toBe(0)
  home.clock.now = new Date(home.clock.now.getTime() + 10 * minute)
  await usage.prices.set('gpt-x', { inputUsd: 5, outputUsd: 20 })
  expect((await usage.record('ci', use)).costUsd).toBe(0.007)
  const before = new Date(home.clock.now.getTime() - minute)
  expect((await usage.record('ci', { ...use, at: before })).costUsd).toBe(0.0035)
  const log = `${JSON.stringify({ key: 'ci', ...use, at: before })}\n${JSON.stringify({ key: 'ci', ...use, at: home.clock.now })}\n{"key":"ci","model":"?","inputTokens":1,"at":"2026-11-20T12:00:00Z"}`
  using folder = temporaryFolder()
  expect(await usage.ingest({ file: folder.write('a.ndjson', log) })).toMatchObject({
    counted: 3,
    unpriced: 1,
  })
  expect((await keys.stats('ci')).totals.costUsd).toBeCloseTo(0.0035 + 0.007 + 0.0035 + 0.0035 + 0.007, 9)
})

test('a price set by another process holds for the next record', async () => {
  await using home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  const cost = async () => (await usage.record('ci', { model: 'm', inputTokens: 1_000_000 })).costUsd
  expect(await cost()).toBe(0)
  for (const dollars of [1, 2]) {
    const set = `usage price set m --input ${dollars} --output 0 --from 2020-01-01`
    expect((await spawnLatchkey(set, { db: home.path })).code).toBe(0)
    // One that is told its cost asks for no price, and must not hide that there is another.
    await usage.record('ci', { model: 'm', costUsd: 0.1 })
    expect(await cost()).toBe(dollars)
  }
  await usage.prices.set('m', { inputUsd: 3, outputUsd: 0, from: new Date('2021-01-01') })
  expect(await cost()).toBe(3)
  const other = connectLatchkey({ path: home.path, dryRun: true, now: () => home.clock.now })
  await other.usage.prices.set('m', { inputUsd: 9, outputUsd: 0, from: new Date('2022-01-01') })
  await other.close()
  expect(await cost()).toBe(3)
  await usage.prices.remove('m')
  expect(await cost()).toBe(0)
})

test('the first price held always, the next from now; setting one again corrects it', async () => {
  await using home = await temporaryLatchkey()
  const { prices } = home.latchkey.usage
  expect(await prices.set('m', { inputUsd: 1, outputUsd: 2 })).toEqual({
    model: 'm',
    inputUsd: 1,
    cachedInputUsd: null,
    cacheWriteUsd: null,
    outputUsd: 2,
    tiers: [],
    source: 'set',
    startsAt: null,
    current: true,
    changed: true,
    before: {},
  })
  const second = await prices.set('m', { inputUsd: 3, outputUsd: 4 })
  expect(second).toMatchObject({ startsAt: home.clock.now, current: true })
  await prices.set('m', { inputUsd: 5, outputUsd: 4 })
  const future = new Date(home.clock.now.getTime() + minute)
  expect(await prices.set('m', { inputUsd: 7, outputUsd: 8, from: future })).toMatchObject({ current: false })
  expect((await prices.list()).map(each => [each.inputUsd, each.current])).toEqual([
    [1, false],
    [5, true],
    [7, false],
  ])
  expect((await prices.remove('m', { from: future })).map(each => each.inputUsd)).toEqual([7])
  expect(await failure(prices.remove('m', { from: future }))).toMatchObject({ code: 'not_found' })
  expect(await prices.remove('m')).toHaveLength(2)
  expect(await prices.list()).toEqual([])
  expect(await failure(prices.remove('m'))).toMatchObject({ code: 'not_found', exit: 3 })
  const trail = await home.latchkey.audit.list({ action: 'price' })
  expect(trail.map(({ action, before, after }) => [action, before !== null, after !== null])).toEqual([
    ['price.remove', true, false],
    ['price.remove', true, false],
    ['price.remove', true, false],
    ['price.set', false, true],
    ['price.set', true, true],
    ['price.set', false, true],
    ['price.set', false, true],
  ])
})

test.each([
  [{ inputUsd: -1, outputUsd: 0 }, 'm'],
  [{ inputUsd: 0, outputUsd: Number.NaN }, 'm'],
  [{ inputUsd: 1, outputUsd: 1 }, 'two words'],
  [{ inputUsd: 1, outputUsd: 1 }, ''],
])('%p for %p is refused', async (input, model) => {
  await using home = await temporaryLatchkey()
  const { prices } = home.latchkey.usage
  expect(await failure(prices.set(model, input))).toMatchObject({ code: 'invalid' })
  expect(await prices.list()).toEqual([])
})

test('the command line sets, lists and removes, and --output is a price', async () => {
  await using home = await temporaryLatchkey()
  const options = { db: home.path, cwd: home.folder, now: home.clock.now }
  const set = await run('usage price set gpt-x --input 2.50 --output 10', options)
  expect(set).toMatchObject({ code: 0, err: '' })
  expect(set.out).toBe('gpt-x costs $2.50 in and $10.00 out per million tokens\n')
  const listed = await run('usage price list -o json', options)
  expect(listed.json<unknown>()).toEqual([
    {
      model: 'gpt-x',
      inputUsd: 2.5,
      cachedInputUsd: null,
      cacheWriteUsd: null,
      outputUsd: 10,
      tiers: [],
      source: 'set',
      startsAt: null,
      current: true,
    },
  ])
  expect((await run('usage price set gpt-x --input 1', options)).code).toBe(2)
  expect((await run('usage price remove gpt-x --dry-run', options)).code).toBe(0)
  expect((await run('usage price list --output json', options)).json<unknown[]>()).toHaveLength(1)
  expect((await run('usage price remove gpt-x', options)).code).toBe(0)
  expect((await run('usage price list --json', options)).json<unknown[]>()).toEqual([])
})

test('classes of tokens and long requests have prices of their own', async () => {
  await using home = await temporaryLatchkey()
  const options = { db: home.path, cwd: home.folder, now: home.clock.now }
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  const words =
    'usage price set c --input 3 --cached-input 0.30 --cache-write 3.75 --output 15 --over 200k:input=6,cached-input=0.60,output=22.50'
  const set = await run(words, options)
  expect(set).toMatchObject({ code: 0, err: '' })
  expect(set.out).toBe(
    'c costs $3.00 in ($0.30 cached, $3.75 cache write) and $15.00 out, over 200k $6.00 in ($0.60 cached) and $22.50 out per million tokens\n',
  )
  expect((await run(words, options)).out).toStartWith('Unchanged: c costs')
  const used = {
    model: 'c',
    inputTokens: 100_000,
    cachedInputTokens: 60_000,
    cacheWriteTokens: 10_000,
    outputTokens: 1_000,
  }
  expect((await usage.record('ci', used)).costUsd).toBe(0.1605)
  expect((await usage.record('ci', { ...used, inputTokens: 200_001 })).costUsd).toBe(
    Math.round(140_001 * 6 + 60_000 * 0.6 + 1_000 * 22.5) / 1e6,
  )
  const listed = (await run('usage price list --tz UTC', { ...options, columns: 200 })).out
  expect(listed).toContain('over 200k $6.00 in ($0.60 cached) and $22.50 out')
  expect(await usage.prices.list({ model: 'c*' })).toMatchObject([
    {
      model: 'c',
      tiers: [
        { overTokens: 200_000, inputUsd: 6, cachedInputUsd: 0.6, cacheWriteUsd: null, outputUsd: 22.5 },
      ],
    },
  ])
  // Setting it again replaces it, tiers included.
  await usage.prices.set('c', { inputUsd: 1, outputUsd: 1, from: new Date(0) })
  expect(await usage.prices.list({ model: 'c' })).toMatchObject([{ inputUsd: 1, tiers: [], startsAt: null }])
  expect(await usage.prices.remove('c')).toHaveLength(1)
  expect(await usage.prices.list()).toEqual([])
})

test.each([
  ['200k', /'200k' is not a price of long requests/],
  ['200k:input=6', /'200k:input=6' lacks output/],
  ['200k:output=6', /lacks input/],
  ['200k:input=6,output=1,outputs=1', /'outputs=1' is not a price of long requests/],
  ['200k:input=6,output=1,output=2', /'output=2' is not a price of long requests/],
  ['0:input=6,output=1', /must be at least 1/],
  ['1M:input=6,output=x', /'x' is not an amount of dollars/],
])('--over %s is refused', async (tier, message) => {
  await using home = await temporaryLatchkey()
  const options = { db: home.path, cwd: home.folder, now: home.clock.now }
  const { code, err } = await run(`usage price set m --input 1 --output 1 --over ${tier}`, options)
  expect(code).toBe(2)
  expect(err).toMatch(message)
  const twice = await run(
    'usage price set m --input 1 --output 1 --over 1k:input=1,output=1 --over 1000:input=2,output=2',
    options,
  )
  expect(twice.err).toContain('tiers must each begin at another number of tokens')
})
