/** Price lists that others publish, in a common form. */
import { expect, test } from 'bun:test'
import { readGenaiPrices } from './genai-prices.ts'
import { readLiteLlmPrices } from './litellm-prices.ts'

test('LiteLLM: token prices by class and tier; the rest is counted', () => {
  // Entries as the file has them, shortened.
  const list = readLiteLlmPrices({
    sample_spec: {
      input_cost_per_token: 0.0,
      output_cost_per_token: 0.0,
      mode: 'one of: chat, embedding, …',
    },
    fallback_generalizations: { rules: [] },
    '1024-x-1024/dall-e-2': {
      input_cost_per_pixel: 1.9e-8,
      litellm_provider: 'openai',
      mode: 'image_generation',
    },
    'azure/gpt-4o': {
      cache_read_input_token_cost: 1.25e-6,
      input_cost_per_token: 2.5e-6,
      litellm_provider: 'azure',
      mode: 'chat',
      output_cost_per_token: 1e-5,
    },
    'claude-sonnet-4-5': {
      cache_creation_input_token_cost: 3.75e-6,
      cache_creation_input_token_cost_above_1hr: 6e-6,
      cache_creation_input_token_cost_above_200k_tokens: 7.5e-6,
      cache_creation_input_token_cost_above_1hr_above_200k_tokens: 1.2e-5,
      cache_read_input_token_cost: 3e-7,
      cache_read_input_token_cost_above_200k_tokens: 6e-7,
      input_cost_per_token: 3e-6,
      input_cost_per_token_above_200k_tokens: 6e-6,
      litellm_provider: 'anthropic',
      mode: 'chat',
      output_cost_per_token: 1.5e-5,
      output_cost_per_token_above_200k_tokens: 2.25e-5,
      search_context_cost_per_query: { search_context_size_low: 0.01 },
    },
    'gemini-2.5-pro': {
      input_cost_per_token: 1.25e-6,
      input_cost_per_token_above_200k_tokens: 2.5e-6,
      input_cost_per_token_above_200k_tokens_priority: 4.5e-6,
      mode: 'chat',
      output_cost_per_token: 1e-5,
      output_cost_per_token_batches: 5e-6,
    },
    'text-embedding-3-small': { input_cost_per_token: 2e-8, mode: 'embedding' },
    'dashscope/qwen3-max': {
      mode: 'chat',
      tiered_pricing: [
        { input_cost_per_token: 1.2e-6, output_cost_per_token: 6e-6, range: [0, 32000] },
        { input_cost_per_token: 2.4e-6, output_cost_per_token: 1.2e-5, range: [32000, 128000] },
      ],
    },
    'deepseek/deepseek-chat': {
      input_cost_per_token: 2.7e-7,
      input_cost_per_token_off_peak: 1.35e-7,
      output_cost_per_token: 1.1e-6,
      mode: 'chat',
    },
    'whisper-1': {
      input_cost_per_second: 0.0001,
      output_cost_per_second: 0.0001,
      mode: 'audio_transcription',
    },
    'half/chat': { input_cost_per_token: 1e-6, mode: 'chat' },
  })
  expect(list).toEqual({
    inPart: ['claude-sonnet-4-5'],
    leftOut: ['1024-x-1024/dall-e-2', 'deepseek/deepseek-chat', 'whisper-1', 'half/chat'],
    prices: [
      ['azure/gpt-4o', 0, 2_500_000, 1_250_000, null, 10_000_000],
      ['claude-sonnet-4-5', 0, 3_000_000, 300_000, 3_750_000, 15_000_000],
      ['claude-sonnet-4-5', 200_000, 6_000_000, 600_000, 7_500_000, 22_500_000],
      ['gemini-2.5-pro', 0, 1_250_000, null, null, 10_000_000],
      ['gemini-2.5-pro', 200_000, 2_500_000, null, null, 10_000_000],
      ['text-embedding-3-small', 0, 20_000, null, null, 0],
      ['dashscope/qwen3-max', 0, 1_200_000, null, null, 6_000_000],
      ['dashscope/qwen3-max', 32_000, 2_400_000, null, null, 12_000_000],
    ].map(([model, overTokens, inputMicros, cachedInputMicros, cacheWriteMicros, outputMicros]) => ({
      model,
      startsAt: 0,
      overTokens,
      inputMicros,
      cachedInputMicros,
      cacheWriteMicros,
      outputMicros,
    })) as never,
  })
})

test.each([[null], [[]], [{}], [{ keys: [] }], ['gpt-4o']])('%p is no list of LiteLLM', document => {
  expect(readLiteLlmPrices(document)).toBeUndefined()
})

test('genai-prices: models by name and pattern, later prices with their date, resellers with their name', async () => {
  const { prices, inPart, leftOut } = await readGenaiPrices()
  const of = (model: string) =>
    prices
      .filter(each => each.model === model)
      .map(each => [
        each.startsAt,
        each.overTokens,
        each.inputMicros,
        each.cachedInputMicros,
        each.cacheWriteMicros,
        each.outputMicros,
      ])
  expect(of('gpt-4o')).toEqual([[0, 0, 2_500_000, 1_250_000, null, 10_000_000]])
  expect(of('claude-sonnet-4-5*')).toEqual([
    [0, 0, 3_000_000, 300_000, 3_750_000, 15_000_000],
    [0, 200_000, 6_000_000, 600_000, 7_500_000, 22_500_000],
  ])
  expect(of('o3')).toEqual([
    [0, 0, 10_000_000, 500_000, null, 40_000_000],
    [Date.UTC(2025, 5, 10), 0, 2_000_000, 500_000, null, 8_000_000],
  ])
  expect(of('claude-opus-5-20*')).toEqual(of('claude-opus-5'))
  expect(of('text-embedding-3-small')).toEqual([[0, 0, 20_000, null, null, 0]])
  // The price of one reseller is not that of the model.
  expect(of('openrouter/openai/gpt-4o')).toHaveLength(1)
  expect(of('llama-3.3-70b-versatile')).toEqual([])
  expect(of('groq/llama-3.3-70b-versatile')).toHaveLength(1)
  // By the hour, by the page, and not at all.
  expect(of('deepseek-chat')).toEqual([])
  expect(of('mistral-ocr-latest')).toEqual([])
  expect(of('whisper-1')).toEqual([])
  expect(inPart).toContain('claude-opus-5')
  expect(leftOut).toContain('deepseek-chat')
  expect(leftOut).toContain('whisper-1')
  const keys = prices.map(({ model, startsAt, overTokens }) => `${model} ${startsAt} ${overTokens}`)
  expect(new Set(keys).size).toBe(keys.length)
})
