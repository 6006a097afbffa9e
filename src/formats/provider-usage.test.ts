/** Usage as providers return it: the examples are those of their documentation. */
import { describe, expect, test } from 'bun:test'
import { type ProviderUsage, readProviderUsage } from './provider-usage.ts'

const nothing: ProviderUsage = {
  model: undefined,
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  otherTokens: 0,
}

const returned: Readonly<Record<string, readonly [unknown, Partial<ProviderUsage>]>> = {
  'OpenAI, a chat completion': [
    {
      id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
      object: 'chat.completion',
      model: 'gpt-4.1-2025-04-14',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello!' }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 1486,
        completion_tokens: 651,
        total_tokens: 2137,
        prompt_tokens_details: { cached_tokens: 1408, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 512, audio_tokens: 0, accepted_prediction_tokens: 0 },
      },
    },
    {
      model: 'gpt-4.1-2025-04-14',
      inputTokens: 1486,
      cachedInputTokens: 1408,
      outputTokens: 651,
      reasoningTokens: 512,
    },
  ],
  'OpenAI, the usage alone': [
    { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 },
    { inputTokens: 19, outputTokens: 10 },
  ],
  'OpenAI, the last chunk of a stream': [
    {
      object: 'chat.completion.chunk',
      model: 'gpt-4o-mini',
      choices: [],
      usage: { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21, prompt_tokens_details: null },
    },
    { model: 'gpt-4o-mini', inputTokens: 9, outputTokens: 12 },
  ],
  'OpenAI, every chunk of a stream': [
    [
      { model: 'gpt-4o-mini', choices: [{ index: 0, delta: { content: 'Hi' } }], usage: null },
      { model: 'gpt-4o-mini', choices: [], usage: { prompt_tokens: 9, completion_tokens: 12 } },
    ],
    { model: 'gpt-4o-mini', inputTokens: 9, outputTokens: 12 },
  ],
  'OpenAI, embeddings': [
    {
      object: 'list',
      model: 'text-embedding-ada-002',
      data: [],
      usage: { prompt_tokens: 8, total_tokens: 8 },
    },
    { model: 'text-embedding-ada-002', inputTokens: 8 },
  ],
  'OpenAI, a response': [
    {
      object: 'response',
      model: 'gpt-5',
      usage: {
        input_tokens: 328,
        input_tokens_details: { cached_tokens: 128, cache_write_tokens: 64 },
        output_tokens: 52,
        output_tokens_details: { reasoning_tokens: 12 },
        total_tokens: 380,
      },
    },
    {
      model: 'gpt-5',
      inputTokens: 328,
      cachedInputTokens: 128,
      cacheWriteTokens: 64,
      outputTokens: 52,
      reasoningTokens: 12,
    },
  ],
  'OpenAI, the last event of a streamed response': [
    {
      type: 'response.completed',
      response: { model: 'gpt-5', usage: { input_tokens: 37, output_tokens: 11, total_tokens: 48 } },
    },
    { model: 'gpt-5', inputTokens: 37, outputTokens: 11 },
  ],
  'Anthropic, a message': [
    {
      type: 'message',
      model: 'claude-sonnet-4-5-20250929',
      content: [{ type: 'text', text: 'Hi!' }],
      usage: {
        input_tokens: 2095,
        cache_creation_input_tokens: 2051,
        cache_read_input_tokens: 1000,
        cache_creation: { ephemeral_5m_input_tokens: 2051, ephemeral_1h_input_tokens: 0 },
        output_tokens: 503,
        output_tokens_details: { thinking_tokens: 100 },
        service_tier: 'standard',
      },
    },
    {
      model: 'claude-sonnet-4-5-20250929',
      inputTokens: 2095 + 2051 + 1000,
      cachedInputTokens: 1000,
      cacheWriteTokens: 2051,
      outputTokens: 503,
      reasoningTokens: 100,
    },
  ],
  'Anthropic, the first and last event of a stream': [
    [
      {
        type: 'message_start',
        message: {
          model: 'claude-opus-4-1',
          usage: { input_tokens: 25, cache_read_input_tokens: 75, output_tokens: 1 },
        },
      },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 15 } },
    ],
    { model: 'claude-opus-4-1', inputTokens: 100, cachedInputTokens: 75, outputTokens: 15 },
  ],
  'Anthropic, a last event that has all counts': [
    {
      type: 'message_delta',
      usage: {
        input_tokens: 472,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 28,
        output_tokens: 89,
      },
    },
    { inputTokens: 500, cachedInputTokens: 28, outputTokens: 89 },
  ],
  'Google, with thoughts, tools and a cache': [
    {
      candidates: [{ content: { parts: [{ text: 'Hi' }] } }],
      modelVersion: 'gemini-2.5-pro',
      usageMetadata: {
        promptTokenCount: 758,
        cachedContentTokenCount: 500,
        candidatesTokenCount: 102,
        toolUsePromptTokenCount: 40,
        thoughtsTokenCount: 865,
        totalTokenCount: 1765,
      },
    },
    {
      model: 'gemini-2.5-pro',
      inputTokens: 798,
      cachedInputTokens: 500,
      outputTokens: 967,
      reasoningTokens: 865,
    },
  ],
  'Google, an answer that was only thought about': [
    { usageMetadata: { promptTokenCount: 10, thoughtsTokenCount: 90, totalTokenCount: 100 } },
    { inputTokens: 10, outputTokens: 90, reasoningTokens: 90 },
  ],
  'Google, as OpenAI answers': [
    { usage: { completion_tokens: 102, prompt_tokens: 758, total_tokens: 1725 } },
    { inputTokens: 758, outputTokens: 102, otherTokens: 865 },
  ],
  'xAI, with reasoning beside the output': [
    {
      prompt_tokens: 32,
      completion_tokens: 9,
      total_tokens: 135,
      prompt_tokens_details: { cached_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 94 },
    },
    { inputTokens: 32, cachedInputTokens: 6, outputTokens: 103, reasoningTokens: 94 },
  ],
  'DeepSeek, with cache hits': [
    {
      prompt_tokens: 100,
      completion_tokens: 20,
      total_tokens: 120,
      prompt_cache_hit_tokens: 64,
      prompt_cache_miss_tokens: 36,
    },
    { inputTokens: 100, cachedInputTokens: 64, outputTokens: 20 },
  ],
  'Ollama, the last chunk of a generation': [
    {
      model: 'gemma3',
      created_at: '2025-10-17T23:14:07.414671Z',
      response: 'Hello! How can I help you today?',
      done: true,
      done_reason: 'stop',
      total_duration: 174560334,
      load_duration: 101397084,
      prompt_eval_count: 11,
      prompt_eval_duration: 13074791,
      eval_count: 18,
      eval_duration: 52479709,
    },
    { model: 'gemma3', inputTokens: 11, outputTokens: 18 },
  ],
  'Ollama, a chat whose prompt was kept': [
    { model: 'llama3.2', message: { role: 'assistant', content: '' }, done: true, eval_count: 290 },
    { model: 'llama3.2', outputTokens: 290 },
  ],
  'vLLM, without details': [
    {
      model: 'Qwen/Qwen3-8B',
      usage: {
        prompt_tokens: 34,
        total_tokens: 50,
        completion_tokens: 16,
        prompt_tokens_details: null,
      },
    },
    { model: 'Qwen/Qwen3-8B', inputTokens: 34, outputTokens: 16 },
  ],
  'llama.cpp, as OpenAI answers': [
    {
      model: 'gpt-oss-20b',
      usage: { completion_tokens: 48, prompt_tokens: 280, total_tokens: 328 },
      timings: { cache_n: 236, prompt_n: 44, prompt_ms: 30.958, predicted_n: 48 },
    },
    { model: 'gpt-oss-20b', inputTokens: 280, cachedInputTokens: 236, outputTokens: 48 },
  ],
  'llama.cpp, its own completion': [
    {
      content: ' The LoRaWAN Specification',
      stop: true,
      model: 'llama-2-7b.Q4_K_M.gguf',
      tokens_predicted: 20,
      tokens_evaluated: 6,
      tokens_cached: 25,
      timings: { prompt_n: 6, predicted_n: 20 },
    },
    { model: 'llama-2-7b.Q4_K_M.gguf', inputTokens: 6, outputTokens: 20 },
  ],
}

describe('what a provider returned is read', () => {
  for (const [provider, [usage, expected]] of Object.entries(returned)) {
    test(provider, () => {
      expect(readProviderUsage(usage)).toEqual({ ...nothing, ...expected })
    })
  }
})

describe('what cannot be read is said, and never quoted', () => {
  const refused: readonly (readonly [unknown, string])[] = [
    ['lk_secret', 'has a usage that is neither an object nor a list of chunks'],
    [['lk_secret'], 'has a usage that is neither an object nor a list of chunks'],
    [
      { tokens: 5 },
      'has a usage without counts of tokens, such as prompt_tokens, input_tokens, usageMetadata or eval_count',
    ],
    [
      [],
      'has a usage without counts of tokens, such as prompt_tokens, input_tokens, usageMetadata or eval_count',
    ],
    [
      { type: 'message_delta', usage: { output_tokens: 15 } },
      'has a usage without input_tokens; of a stream, send every chunk that has a usage',
    ],
    [{ prompt_tokens: '12' }, 'has a usage whose prompt_tokens is not a whole number'],
    [{ prompt_tokens: 1.5 }, 'has a usage whose prompt_tokens is not a whole number'],
    [{ prompt_tokens: -1 }, 'has a usage whose prompt_tokens is not a whole number'],
    [
      { prompt_tokens: 5, prompt_tokens_details: { cached_tokens: -1 } },
      'has a usage whose prompt_tokens_details.cached_tokens is not a whole number',
    ],
  ]
  for (const [usage, problem] of refused) {
    test(JSON.stringify(usage), () => expect(readProviderUsage(usage)).toBe(problem))
  }
})
