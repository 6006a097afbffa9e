/**
 * Reads LiteLLM's `model_prices_and_context_window.json`: dollars per token by model, and tiers by the number of input tokens.
 * A tier prices the whole request, as LiteLLM does (docs/proxy/custom_model_cost_map).
 */

import { isRecord, type Row } from './fields.ts'
import { type ListedPrice, listed, type PublishedPrices, type Rates } from './price-list.ts'

/** Undefined if it is no such list. */
export function readLiteLlmPrices(document: unknown): PublishedPrices | undefined {
  if (!isRecord(document)) return undefined
  const prices: ListedPrice[] = []
  const inPart: string[] = []
  const leftOut: string[] = []
  for (const [model, entry] of Object.entries(document)) {
    if (notModels.has(model) || !isRecord(entry)) continue
    const tiers = tiersOf(entry)
    if (tiers === undefined) {
      leftOut.push(model)
      continue
    }
    if (Object.entries(entry).some(isOtherPrice)) inPart.push(model)
    for (const [overTokens, rates] of tiers) prices.push(listed(model, 0, overTokens, rates))
  }
  return prices.length === 0 ? undefined : { prices, inPart, leftOut }
}

/** An example, and rules for names. */
const notModels = new Set(['sample_spec', 'fallback_generalizations'])

/** By the input tokens that a request has more than. Undefined if tokens have no price, or one that changes with the hour. */
function tiersOf(entry: Row): ReadonlyMap<number, Rates> | undefined {
  const base = ratesOf(entry)
  const ranges = Array.isArray(entry['tiered_pricing']) ? entry['tiered_pricing'].filter(isRecord) : []
  if (Object.keys(entry).some(name => name.includes('off_peak'))) return undefined
  const tiers = new Map<number, Rates>()
  if (base !== undefined) tiers.set(0, base)
  for (const range of ranges) {
    const [from] = Array.isArray(range['range']) ? range['range'] : []
    const rates = ratesOf({ ...entry, ...range })
    if (rates !== undefined && Number.isSafeInteger(from) && from >= 0) tiers.set(from, rates)
  }
  for (const name of Object.keys(entry)) {
    const [, thousands] = longContext.exec(name) ?? []
    const rates = thousands === undefined ? undefined : ratesOf(entry, `_above_${thousands}k_tokens`)
    if (rates !== undefined) tiers.set(Number(thousands) * 1_000, rates)
  }
  return tiers.has(0) ? tiers : undefined
}

const longContext =
  /^(?:input_cost_per_token|output_cost_per_token|cache_read_input_token_cost|cache_creation_input_token_cost)_above_(\d+)k_tokens$/

/** A model that only reads has no price of output. Undefined if one is missing that must be there. */
function ratesOf(entry: Row, tier = ''): Rates | undefined {
  const rate = (name: string): number | undefined => {
    const value = entry[`${name}${tier}`] ?? entry[name]
    return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value * 1_000_000 : undefined
  }
  const input = rate('input_cost_per_token')
  const output = rate('output_cost_per_token') ?? (readsOnly.has(String(entry['mode'])) ? 0 : undefined)
  if (input === undefined || output === undefined) return undefined
  return {
    input,
    cachedInput: rate('cache_read_input_token_cost'),
    cacheWrite: rate('cache_creation_input_token_cost'),
    output,
  }
}

const readsOnly = new Set(['embedding', 'moderation', 'rerank'])

/** Whether it is a price of something other than plain tokens; those of faster and slower service do not count. */
const isOtherPrice = ([name, value]: readonly [string, unknown]): boolean =>
  /cost/.test(name) &&
  !/_(batches|flex|priority)$/.test(name) &&
  !/^((input|output)_cost_per_token|cache_(read|creation)_input_token_cost)(_above_\d+k_tokens)?$/.test(
    name,
  ) &&
  value !== 0 &&
  value !== null
