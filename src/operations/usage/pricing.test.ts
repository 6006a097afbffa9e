/** What usage costs, by prices that somebody set and by those of a list. */
import { describe, expect, test } from 'bun:test'
import { calcPrice, type MatchLogic, type ModelInfo, waitForUpdate } from '@pydantic/genai-prices'
import { noCounts, type PriceRow, type UsageCounts } from '../../db/facts.ts'
import { readGenaiPrices } from '../../formats/genai-prices.ts'
import { PriceList } from './pricing.ts'

const price = (model: string, inputMicros: number, more: Partial<PriceRow> = {}): PriceRow => ({
  model,
  startsAt: 0,
  overTokens: 0,
  inputMicros,
  cachedInputMicros: null,
  cacheWriteMicros: null,
  outputMicros: 0,
  source: 'set',
  ...more,
})

const tokens = (inputTokens: number, more: Partial<UsageCounts> = {}): UsageCounts => ({
  ...noCounts,
  inputTokens,
  ...more,
})

const costs = (rows: readonly PriceRow[], model: string, at = 5) =>
  new PriceList(rows).costOf(model, at, tokens(1_000_000))

describe('classes of tokens', () => {
  const list = new PriceList([
    price('m', 3_000_000, {
      cachedInputMicros: 300_000,
      cacheWriteMicros: 3_750_000,
      outputMicros: 15_000_000,
    }),
    price('plain', 2_000_000, { outputMicros: 4_000_000 }),
    price('free-reads', 2_000_000, { cachedInputMicros: 0 }),
  ])
  const used = tokens(10_000, { cachedInputTokens: 6_000, cacheWriteTokens: 1_000, outputTokens: 500 })

  test('each has its price, and input is what is neither cached nor written to the cache', () => {
    expect(list.costOf('m', 0, used)).toBe(3_000 * 3 + 6_000 * 0.3 + 1_000 * 3.75 + 500 * 15)
  })
  test('without a price of its own, it costs as other input', () => {
    expect(list.costOf('plain', 0, used)).toBe(10_000 * 2 + 500 * 4)
  })
  test('a price of 0 is a price', () => {
    expect(list.costOf('free-reads', 0, used)).toBe(4_000 * 2)
  })
})

describe('tiers', () => {
  const list = new PriceList([
    price('m', 1_000_000, { outputMicros: 1_000_000 }),
    price('m', 3_000_000, { overTokens: 272_000, outputMicros: 4_000_000 }),
    price('m', 2_000_000, { overTokens: 128_000, outputMicros: 1_000_000 }),
    // From then on, there are none.
    price('m', 1_500_000, { startsAt: 10 }),
  ])
  test.each([
    [128_000, 1],
    [128_001, 2],
    [272_000, 2],
    [272_001, 3],
  ])('%d tokens of input cost %d dollars a million, all of them', (input, dollars) => {
    expect(list.costOf('m', 9, tokens(input))).toBe(input * dollars)
  })
  test('a tier prices the output too', () => {
    expect(list.costOf('m', 9, tokens(272_001, { outputTokens: 10 }))).toBe(272_001 * 3 + 40)
  })
  test('cached input counts towards a tier', () => {
    expect(list.costOf('m', 9, tokens(128_001, { cachedInputTokens: 128_000 }))).toBe(128_001 * 2)
  })
  test('a later price without tiers ends them', () => {
    expect(list.costOf('m', 10, tokens(272_001))).toBe(Math.round(272_001 * 1.5))
  })
})

describe('names with a provider in front', () => {
  test('cost as the name behind it', () => {
    expect(costs([price('gpt-4o', 1)], 'openai/gpt-4o')).toBe(1)
    expect(costs([price('gpt-4o', 1)], 'openrouter/openai/gpt-4o')).toBe(1)
    expect(costs([price('gpt-*', 1)], 'openai/gpt-4o')).toBe(1)
  })
  test('have a price of their own if there is one', () => {
    expect(costs([price('gpt-4o', 1), price('azure/gpt-4o', 2)], 'azure/gpt-4o')).toBe(2)
    expect(costs([price('gpt-4o', 1), price('azure/*', 2)], 'azure/gpt-4o')).toBe(2)
  })
  test('are not looked for the other way round', () => {
    expect(costs([price('openai/gpt-4o', 1)], 'gpt-4o')).toBeUndefined()
  })
  test('do not cost as another model', () => {
    expect(costs([price('gpt-4o', 1)], 'gpt-4o/tuned')).toBeUndefined()
  })
})

describe('what somebody set', () => {
  const imported = { source: 'genai-prices' }
  test('goes before what was imported, even as a pattern or without the provider', () => {
    expect(costs([price('gpt-*', 1), price('gpt-4o', 2, imported)], 'gpt-4o')).toBe(1)
    expect(costs([price('gpt-4o', 1), price('azure/gpt-4o', 2, imported)], 'azure/gpt-4o')).toBe(1)
  })
  test('applies from its time on', () => {
    const rows = [price('gpt-4o', 1, { startsAt: 10 }), price('gpt-4o', 2, imported)]
    expect([costs(rows, 'gpt-4o', 9), costs(rows, 'gpt-4o', 10)]).toEqual([2, 1])
  })
  test('for all other models comes last', () => {
    expect(costs([price('*', 1), price('gpt-4o', 2, imported)], 'gpt-4o')).toBe(2)
    expect(costs([price('*', 1), price('gpt-4o', 2)], 'openai/gpt-4o')).toBe(2)
    expect(costs([price('*', 1)], '')).toBe(1)
  })
})

test('genai-prices: every name in it costs here what it costs there', async () => {
  const { prices } = await readGenaiPrices()
  const list = new PriceList(prices.map(each => ({ ...each, source: 'genai-prices' })))
  const when = new Date('2026-11-20T12:00:00Z')
  const used = {
    input_tokens: 300_000,
    cache_read_tokens: 70_000,
    cache_write_tokens: 5_000,
    output_tokens: 900,
  }
  let compared = 0
  const differences: string[] = []
  for (const provider of (await waitForUpdate()) ?? []) {
    for (const model of provider.models) {
      for (const name of new Set([model.id, ...examples(model.match)])) {
        const there = calcPrice(used, name, { providerId: provider.id, timestamp: when })
        if (there === null || !isPlain(there.model_price) || changesByTheHour(model)) continue
        const here = list.costOf(`${provider.id}/${name}`, when.getTime(), {
          inputTokens: used.input_tokens,
          cachedInputTokens: used.cache_read_tokens,
          cacheWriteTokens: used.cache_write_tokens,
          outputTokens: used.output_tokens,
        })
        compared++
        if (Math.abs((here ?? Number.NaN) - there.total_price * 1e6) <= 1) continue
        differences.push(
          `${provider.id}/${name}: ${here} instead of ${there.total_price * 1e6} (${there.model.id})`,
        )
      }
    }
  }
  expect(differences).toEqual([])
  expect(compared).toBeGreaterThan(1_000)
})

const changesByTheHour = ({ prices }: ModelInfo): boolean =>
  Array.isArray(prices) && prices.some(({ constraint }) => constraint?.type === 'time_of_date')

/** Names that a rule accepts. */
function examples(match: MatchLogic): readonly string[] {
  if ('or' in match) return match.or.flatMap(examples)
  if ('equals' in match) return [match.equals]
  if ('starts_with' in match) return [match.starts_with]
  return 'contains' in match ? [match.contains] : 'ends_with' in match ? [match.ends_with] : []
}

/** Tokens alone have a price, and always the same one. */
const isPlain = (modelPrice: object): boolean =>
  'input_mtok' in modelPrice &&
  Object.keys(modelPrice).every(key => /^(input|output|cache_read|cache_write)_mtok$/.test(key))
