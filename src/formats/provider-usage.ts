/**
 * Reads the usage that a provider of models returned: as it stands in a response, the whole response, the last chunk of a
 * stream, or several chunks. Never quotes it: a whole response holds what was asked and answered.
 */

import { isRecord, type Row } from './fields.ts'

export interface ProviderUsage {
  /** The model that answered, if it is named. */
  readonly model: string | undefined
  /** All of them. */
  readonly inputTokens: number
  /** Part of the input. */
  readonly cachedInputTokens: number
  /** Part of the input. */
  readonly cacheWriteTokens: number
  /** All of them. */
  readonly outputTokens: number
  /** Part of the output. */
  readonly reasoningTokens: number
  /** Neither input nor output, as far as is known. */
  readonly otherTokens: number
}

/**
 * The usage, or what is wrong with it, to continue a sentence about an event. Whether parts are greater than their wholes
 * is not checked.
 */
export function readProviderUsage(value: unknown): ProviderUsage | string {
  const chunks: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (!chunks.every(isRecord)) return 'has a usage that is neither an object nor a list of chunks'
  const told = merged(chunks)
  const shape = shapes.find(({ known }) => known.some(name => at(told, name) !== undefined))
  if (shape === undefined) {
    return 'has a usage without counts of tokens, such as prompt_tokens, input_tokens, usageMetadata or eval_count'
  }
  const missing = shape.needed.find(name => at(told, name) === undefined)
  if (missing !== undefined) {
    return `has a usage without ${missing}; of a stream, send every chunk that has a usage`
  }
  const { input, cached, cacheWrite, output, reasoning, total } = shape
  const unsound = [...input, ...cached, ...cacheWrite, ...output, ...reasoning, ...total].find(
    name => !isCount(at(told, name) ?? 0),
  )
  if (unsound !== undefined) return `has a usage whose ${unsound} is not a whole number`
  const inputTokens = sum(told, input)
  const outputTokens = sum(told, output)
  const reasoningTokens = first(told, reasoning)
  const rest = Math.max(0, first(told, total) - inputTokens - outputTokens)
  // xAI counts reasoning beside the output, and only its total shows that.
  const isBeside = rest > 0 && rest === reasoningTokens
  const model = told['model'] ?? told['modelVersion']
  return {
    model: typeof model === 'string' ? model : undefined,
    inputTokens,
    cachedInputTokens: first(told, cached),
    cacheWriteTokens: first(told, cacheWrite),
    outputTokens: outputTokens + (isBeside ? rest : 0),
    reasoningTokens,
    // Google's answer in OpenAI's form has the tokens of thoughts in its total alone.
    otherTokens: isBeside ? 0 : rest,
  }
}

/** How a provider names its counts. A dot leads into an object. */
interface Shape {
  /** Any of them shows that it is this one. */
  readonly known: readonly string[]
  readonly needed: readonly string[]
  /** Added up. */
  readonly input: readonly string[]
  /** The first that is there, as of all below but the output. */
  readonly cached: readonly string[]
  readonly cacheWrite: readonly string[]
  /** Added up. */
  readonly output: readonly string[]
  readonly reasoning: readonly string[]
  readonly total: readonly string[]
}

const shapes: readonly Shape[] = [
  {
    // OpenAI's chat completions and embeddings, and whoever answers like it: vLLM, llama.cpp, Mistral, DeepSeek, xAI, …
    known: ['prompt_tokens', 'completion_tokens'],
    needed: ['prompt_tokens'],
    input: ['prompt_tokens'],
    cached: [
      'prompt_tokens_details.cached_tokens',
      'prompt_cache_hit_tokens',
      'cached_tokens',
      'cache_read_input_tokens',
      'timings.cache_n',
    ],
    cacheWrite: [
      'prompt_tokens_details.cache_write_tokens',
      'prompt_tokens_details.cache_creation_tokens',
      'cache_creation_input_tokens',
    ],
    output: ['completion_tokens'],
    reasoning: ['completion_tokens_details.reasoning_tokens', 'reasoning_tokens'],
    total: ['total_tokens'],
  },
  {
    // OpenAI's responses, and Anthropic's messages, whose input tokens are those that the cache had no part in.
    known: ['input_tokens', 'output_tokens'],
    needed: ['input_tokens', 'output_tokens'],
    input: ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'],
    cached: ['input_tokens_details.cached_tokens', 'cache_read_input_tokens'],
    cacheWrite: ['input_tokens_details.cache_write_tokens', 'cache_creation_input_tokens'],
    output: ['output_tokens'],
    reasoning: ['output_tokens_details.reasoning_tokens', 'output_tokens_details.thinking_tokens'],
    total: ['total_tokens'],
  },
  {
    // Google's Gemini. Its prompt holds the cached content, and its candidates no thoughts.
    known: ['promptTokenCount', 'totalTokenCount'],
    needed: ['promptTokenCount'],
    input: ['promptTokenCount', 'toolUsePromptTokenCount'],
    cached: ['cachedContentTokenCount'],
    cacheWrite: [],
    output: ['candidatesTokenCount', 'responseTokenCount', 'thoughtsTokenCount'],
    reasoning: ['thoughtsTokenCount'],
    total: ['totalTokenCount'],
  },
  {
    // Ollama, which leaves out counts that are 0.
    known: ['eval_count', 'prompt_eval_count'],
    needed: [],
    input: ['prompt_eval_count'],
    cached: [],
    cacheWrite: [],
    output: ['eval_count'],
    reasoning: [],
    total: [],
  },
  {
    // llama.cpp's own completions. Its tokens_cached are those that are in the cache afterwards.
    known: ['tokens_evaluated', 'tokens_predicted'],
    needed: ['tokens_evaluated', 'tokens_predicted'],
    input: ['tokens_evaluated'],
    cached: ['timings.cache_n'],
    cacheWrite: [],
    output: ['tokens_predicted'],
    reasoning: [],
    total: [],
  },
]

/**
 * What chunks tell, one over the other, as counts in a stream go up: their fields and those of their usage. Streams of
 * Anthropic and of OpenAI's responses have these within a message or response.
 */
function merged(chunks: readonly Row[]): Row {
  const told: Record<string, unknown> = {}
  for (const chunk of chunks) {
    for (const place of [chunk, chunk['message'], chunk['response']].filter(isRecord)) {
      for (const part of [place, place['usage'], place['usageMetadata']].filter(isRecord)) {
        for (const [name, value] of Object.entries(part)) if (value !== null) told[name] = value
      }
    }
  }
  return told
}

/** Undefined if there is none. */
function at(told: Row, path: string): unknown {
  const [name = '', inner] = path.split('.')
  const value = told[name]
  if (inner === undefined) return value
  return isRecord(value) ? (value[inner] ?? undefined) : undefined
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const number = (value: unknown): number => (isCount(value) ? value : 0)

const sum = (told: Row, names: readonly string[]): number =>
  names.reduce((all, name) => all + number(at(told, name)), 0)

const first = (told: Row, names: readonly string[]): number =>
  number(names.map(name => at(told, name)).find(value => value !== undefined))
