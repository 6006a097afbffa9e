// Runs on PostgreSQL too.
/** Prices from lists that others publish. */
import { describe, expect, test } from 'bun:test'
import type { PriceImport } from '../../contract/views.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

/** A file of LiteLLM with these dollars per million tokens. */
const liteLlm = (models: Readonly<Record<string, readonly [input: number, output: number, long?: number]>>) =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(models).map(([model, [input, output, long]]) => [
        model,
        {
          mode: 'chat',
          input_cost_per_token: input / 1e6,
          output_cost_per_token: output / 1e6,
          ...(long === undefined ? {} : { input_cost_per_token_above_200k_tokens: long / 1e6 }),
        },
      ]),
    ),
  )

const bytes = async function* (text: string) {
  yield Buffer.from(text)
}

const outcomes = ({ prices }: PriceImport) => prices.map(({ model, outcome }) => [model, outcome])

const day = 86_400_000

async function prepared() {
  const home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  const { prices } = usage
  return {
    home,
    prices,
    import: (models: Parameters<typeof liteLlm>[0], options = {}) =>
      prices.import({ file: bytes(liteLlm(models)), ...options }),
    cost: async (model: string, more = {}) =>
      (await usage.record('ci', { model, inputTokens: 1_000_000, ...more })).costUsd,
    later: (ms: number) => {
      home.clock.now = new Date(home.clock.now.getTime() + ms)
    },
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

describe('an import of LiteLLM', () => {
  test('adds what is new, changes what differs from now on, and repeats nothing', async () => {
    await using at = await prepared()
    const first = await at.import({ a: [1, 2], b: [3, 4, 6], 'azure/a': [2, 3] })
    expect(first).toMatchObject({ source: 'litellm', added: 3, changed: 0, unchanged: 0, kept: 0 })
    expect(await at.prices.list({ model: 'b' })).toEqual([
      {
        model: 'b',
        inputUsd: 3,
        cachedInputUsd: null,
        cacheWriteUsd: null,
        outputUsd: 4,
        tiers: [
          { overTokens: 200_000, inputUsd: 6, cachedInputUsd: null, cacheWriteUsd: null, outputUsd: 4 },
        ],
        source: 'litellm',
        startsAt: null,
        current: true,
      },
    ])
    at.later(day)
    const second = await at.import({ a: [1, 2], b: [3, 5, 6], c: [7, 8] })
    expect(outcomes(second)).toEqual([
      ['a', 'unchanged'],
      ['b', 'changed'],
      ['c', 'added'],
    ])
    expect(second.prices[1]).toMatchObject({
      outputUsd: 5,
      startsAt: at.home.clock.now,
      before: { inputUsd: 3, outputUsd: 4 },
    })
    expect(await at.cost('azure/a')).toBe(2)
    expect(await at.cost('openai/a')).toBe(1)
    expect(await at.cost('b', { inputTokens: 0, outputTokens: 1_000_000 })).toBe(5)
    const before = new Date(at.home.clock.now.getTime() - 1)
    expect(await at.cost('b', { inputTokens: 0, outputTokens: 1_000_000, at: before })).toBe(4)
    const third = await at.import({ a: [1, 2], b: [3, 5, 6], c: [7, 8] })
    expect(third).toMatchObject({ added: 0, changed: 0, removed: 0, unchanged: 3 })
    expect(await at.prices.list()).toHaveLength(5)
  })

  test('applies from the given time on, in the past too', async () => {
    await using at = await prepared()
    await at.import({ a: [1, 0] })
    const from = new Date(at.home.clock.now.getTime() - day)
    await at.import({ a: [2, 0], b: [3, 0] }, { at: from })
    expect((await at.prices.list()).map(each => [each.model, each.startsAt, each.inputUsd])).toEqual([
      ['a', null, 1],
      ['a', from, 2],
      ['b', from, 3],
    ])
    // The same time again corrects the price that begins then.
    await at.import({ a: [4, 0] }, { at: from })
    expect((await at.prices.list({ model: 'a' })).map(each => each.inputUsd)).toEqual([1, 4])
  })

  test('takes only models that match', async () => {
    await using at = await prepared()
    expect(
      outcomes(await at.import({ 'gpt-a': [1, 2], 'gpt-b': [1, 2], other: [1, 2] }, { model: 'gpt-*' })),
    ).toEqual([
      ['gpt-a', 'added'],
      ['gpt-b', 'added'],
    ])
  })

  test('a plan changes nothing, and leaves one audit row when it is carried out', async () => {
    await using at = await prepared()
    await at.import({ a: [1, 2] })
    const file = liteLlm({ a: [2, 2], b: [1, 1] })
    const plan = await at.prices.planImport({ file: bytes(file) })
    expect(plan).toMatchObject({ added: 1, changed: 1 })
    expect(await at.prices.list()).toHaveLength(1)
    expect(await at.prices.import({ file: bytes(file) })).toEqual(plan)
    const trail = await at.home.latchkey.audit.list({ action: 'price' })
    expect(trail).toHaveLength(2)
    expect(trail[0]).toMatchObject({
      action: 'price.import',
      target: { type: 'price', id: 'litellm', name: 'litellm' },
      before: { changed: [{ model: 'a', inputUsd: 1 }] },
      after: { added: 1, changed: [{ model: 'a', inputUsd: 2 }] },
    })
    // Nothing to change is nothing to note.
    await at.prices.import({ file: bytes(file) })
    expect(await at.home.latchkey.audit.list({ action: 'price' })).toHaveLength(2)
  })
})

describe('what somebody set', () => {
  test('stays, and so does what it applies to', async () => {
    await using at = await prepared()
    await at.prices.set('gpt-*', { inputUsd: 9, outputUsd: 0 })
    await at.prices.set('claude', { inputUsd: 8, outputUsd: 0 })
    const report = await at.import({ 'gpt-a': [1, 2], 'azure/gpt-a': [1, 2], claude: [1, 2], other: [1, 2] })
    expect(outcomes(report)).toEqual([
      ['gpt-a', 'kept'],
      ['azure/gpt-a', 'kept'],
      ['claude', 'kept'],
      ['other', 'added'],
    ])
    expect(report.kept).toBe(3)
    expect((await at.prices.list()).map(each => [each.model, each.source])).toEqual([
      ['claude', 'set'],
      ['gpt-*', 'set'],
      ['other', 'litellm'],
    ])
  })

  test('goes before what was imported earlier', async () => {
    await using at = await prepared()
    await at.import({ 'gpt-a': [1, 0] })
    expect(await at.cost('gpt-a')).toBe(1)
    await at.prices.set('gpt-*', { inputUsd: 9, outputUsd: 0 })
    expect(await at.cost('gpt-a')).toBe(9)
    await at.prices.remove('gpt-*')
    expect(await at.cost('gpt-a')).toBe(1)
  })

  test('for later stays while the list applies until then', async () => {
    await using at = await prepared()
    const from = new Date(at.home.clock.now.getTime() + day)
    await at.prices.set('a', { inputUsd: 9, outputUsd: 0, from })
    expect(await at.import({ a: [1, 0] })).toMatchObject({ changed: 0, added: 1 })
    expect(await at.cost('a')).toBe(1)
    at.later(day)
    expect(await at.cost('a')).toBe(9)
  })

  test('for all other models does not keep the list out', async () => {
    await using at = await prepared()
    await at.prices.set('*', { inputUsd: 9, outputUsd: 0 })
    expect(await at.import({ a: [1, 0] })).toMatchObject({ added: 1, kept: 0 })
    expect([await at.cost('a'), await at.cost('b')]).toEqual([1, 9])
  })
})

describe('an import of genai-prices', () => {
  test('has prices by the date that the list gives them', async () => {
    await using at = await prepared()
    const { prices: _, ...sums } = await at.prices.import({ model: 'gemini-3.6-flash' })
    expect(sums).toEqual({
      source: 'genai-prices',
      added: 2,
      changed: 0,
      removed: 0,
      unchanged: 0,
      kept: 0,
      inPart: 0,
      leftOut: 0,
    })
    expect(await at.prices.planImport({ model: 'deepseek-chat' })).toMatchObject({ added: 0, leftOut: 1 })
    expect(
      (await at.prices.list({ model: 'gemini-3.6-flash' })).map(each => [each.startsAt, each.inputUsd]),
    ).toEqual([
      [null, 0.75],
      [new Date('2027-01-01'), 1.5],
    ])
    expect(await at.cost('google/gemini-3.6-flash')).toBe(0.75)
    expect(await at.prices.import({ model: 'gemini-3.6-flash*' })).toMatchObject({
      added: 0,
      changed: 0,
      unchanged: 2,
    })
  })

  test('takes back a later price that the list no longer has', async () => {
    await using at = await prepared()
    await at.prices.import({ model: 'gemini-3.6-flash' })
    const report = await at.import({ 'gemini-3.6-flash*': [0.75, 3.75] })
    // LiteLLM has no price of cached input.
    expect(report.prices.map(({ outcome, startsAt }) => [outcome, startsAt])).toEqual([
      ['changed', at.home.clock.now],
      ['removed', new Date('2027-01-01')],
    ])
    expect((await at.prices.list()).map(each => each.source)).toEqual(['genai-prices', 'litellm'])
  })

  test('all of it fits, and the same again changes nothing', async () => {
    await using at = await prepared()
    const { added } = await at.prices.import()
    expect(added).toBeGreaterThan(2_000)
    // Whatever was counted as added is counted as unchanged.
    expect(await at.prices.import()).toMatchObject({ added: 0, changed: 0, removed: 0, unchanged: added })
    expect(await at.cost('claude-sonnet-4-5-20250929')).toBe(6)
    expect(await at.cost('claude-sonnet-4-5-20250929', { inputTokens: 100_000 })).toBe(0.3)
  })
})

test.each([
  ['no', /is not JSON \(line 1\)/],
  ['{}', /has no prices in the form of LiteLLM/],
  ['{"keys": []}', /has no prices in the form of LiteLLM/],
])('%s is refused', async (text, message) => {
  await using at = await prepared()
  using folder = temporaryFolder()
  const refused = await failure(at.prices.import({ file: folder.write('prices.json', text) }))
  expect(refused).toMatchObject({ code: 'invalid' })
  expect(refused.message).toMatch(message)
  expect(await failure(at.prices.import({ file: `${folder.path}/none.json` }))).toMatchObject({
    code: 'not_found',
  })
  expect(await failure(at.prices.import({ at: new Date(Number.NaN) }))).toMatchObject({ code: 'invalid' })
  expect(await at.prices.list()).toEqual([])
})

describe('the command line', () => {
  test('says what it would do, does it, and takes a file or stdin', async () => {
    await using at = await prepared()
    using folder = temporaryFolder()
    const { home } = at
    const options = { db: home.path, cwd: folder.path, now: home.clock.now }
    folder.write('prices.json', liteLlm({ 'gpt-x': [2.5, 10, 5], 'gpt-y': [1, 4] }))
    await at.prices.set('gpt-y', { inputUsd: 1, outputUsd: 3 })
    const dry = await run('usage price import --file prices.json --dry-run', options)
    expect(dry).toMatchObject({ code: 0, err: 'Dry run: nothing was changed.\n' })
    expect(dry.out).toBe(
      [
        'Would import from litellm: 1 added, 0 changed, 0 unchanged, 1 kept as set',
        '  added   gpt-x: $2.50 in and $10.00 out, over 200k $5.00 in and $10.00 out',
        '',
      ].join('\n'),
    )
    expect(await at.prices.list()).toHaveLength(1)
    const done = await run('usage price import --file prices.json --yes', options)
    expect(done).toMatchObject({ code: 0, err: '' })
    expect(done.out).toBe(
      [
        'added   gpt-x: $2.50 in and $10.00 out, over 200k $5.00 in and $10.00 out',
        'litellm: 1 added, 0 changed, 0 unchanged, 1 kept as set',
        '',
      ].join('\n'),
    )
    const piped = await run('usage price import --file - --json', {
      ...options,
      stdin: liteLlm({ 'gpt-z': [1, 2] }),
    })
    expect(piped.json<PriceImport>()).toMatchObject({ added: 1, source: 'litellm' })
    const both = await run('usage price import --from genai-prices --file prices.json', options)
    expect(both).toMatchObject({ code: 2 })
    const own = await run('usage price import --from genai-prices --model gpt-4o', options)
    expect(own.out).toStartWith('added   gpt-4o: $2.50 in ($1.25 cached) and $10.00 out\n')
  })
})
