/** What usage costs by the prices of models: pure. */
import { type PriceRow, type Pricing, tokensOf, type UsageCounts } from '../../db/facts.ts'
import { matches } from '../rules/patterns.ts'

const tokensPerPrice = 1_000_000

/** Tokens that have prices of their own. */
type PricedTokens = Pick<
  UsageCounts,
  'inputTokens' | 'cachedInputTokens' | 'cacheWriteTokens' | 'outputTokens'
>

/** The price of a model from a time on: a row for each tier, that for the fewest tokens first. */
export type Period = readonly PriceRow[]

/** Those of one model, the oldest first. */
export const periodsOf = (ofModel: readonly PriceRow[]): readonly Period[] =>
  [...Map.groupBy(ofModel, row => row.startsAt)]
    .toSorted(([a], [b]) => a - b)
    .map(([, tiers]) => tiers.toSorted((a, b) => a.overTokens - b.overTokens))

/** 0 for a price without a beginning. */
export const startOf = ([first]: Period): number => first?.startsAt ?? 0

/** Whether somebody set it. */
export const isSet = (period: Period): boolean => period.some(({ source }) => source === 'set')

/** The prices of one snapshot, for looking up many costs. */
export class PriceList {
  readonly #rows: ReadonlyMap<string, readonly PriceRow[]>
  /** The longest first. */
  readonly #patterns: readonly string[]
  /** A cache: a file of events names few models. */
  readonly #found = new Map<string, readonly Period[]>()

  constructor(rows: readonly PriceRow[]) {
    this.#rows = Map.groupBy(rows, row => row.model)
    this.#patterns = [...this.#rows.keys()]
      .filter(model => model.includes('*') && model !== anyModel)
      .toSorted((a, b) => literals(b) - literals(a) || (a < b ? -1 : 1))
  }

  /**
   * The cost in micro-dollars by the price at `at` (milliseconds); undefined if there is none. What somebody set goes before
   * what was imported. Within each, the price of the model itself goes before the longest matching pattern, and both before
   * those of the name without the provider in front: `openai/gpt-4o` costs as `gpt-4o` if nothing else is known of it. The
   * pattern `*` comes last.
   */
  costOf(model: string, at: number, tokens: PricedTokens): number | undefined {
    const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens } = tokens
    const tiers = this.#candidates(model).find(period => startOf(period) <= at)
    // Of the whole request, by all of its input.
    const price = tiers?.findLast(({ overTokens }) => overTokens === 0 || inputTokens > overTokens)
    if (price === undefined) return undefined
    const { inputMicros, outputMicros } = price
    return Math.round(
      ((inputTokens - cachedInputTokens - cacheWriteTokens) * inputMicros +
        cachedInputTokens * (price.cachedInputMicros ?? inputMicros) +
        cacheWriteTokens * (price.cacheWriteMicros ?? inputMicros) +
        outputTokens * outputMicros) /
        tokensPerPrice,
    )
  }

  /** Whether requests for a model have a price then. */
  has(model: string, at: number): boolean {
    return this.#candidates(model).some(period => startOf(period) <= at)
  }

  /** Every price that may apply, in order of precedence. */
  #candidates(model: string): readonly Period[] {
    const known = this.#found.get(model)
    if (known) return known
    const named = namesOf(model)
      .flatMap(name => [name, ...this.#patterns.filter(pattern => matches(pattern, name))])
      .flatMap(name => (name === anyModel ? [] : this.#periodsOf(name)))
    const found = [
      ...named.filter(isSet),
      ...named.filter(period => !isSet(period)),
      ...this.#periodsOf(anyModel),
    ]
    if (this.#found.size >= mostFound) this.#found.clear()
    this.#found.set(model, found)
    return found
  }

  /** The latest first. */
  #periodsOf(model: string): readonly Period[] {
    return periodsOf(this.#rows.get(model) ?? []).toReversed()
  }
}

/** The price of models that nothing else applies to. */
export const anyModel = '*'
const mostFound = 1_000
const literals = (pattern: string): number => pattern.replaceAll('*', '').length

/** `openrouter/openai/gpt-4o`, `openai/gpt-4o`, `gpt-4o`: no more, because clients make names up. */
function namesOf(model: string): readonly string[] {
  const parts = model.split('/')
  return [0, 1, 2]
    .map(index => parts.slice(index).join('/'))
    .filter((name, index) => index === 0 || name !== '')
}

const lists = new WeakMap<readonly PriceRow[], PriceList>()

/** A cached list of these prices. */
export function priceList(rows: readonly PriceRow[]): PriceList {
  const known = lists.get(rows)
  if (known !== undefined) return known
  const list = new PriceList(rows)
  lists.set(rows, list)
  return list
}

/** With their cost; requests that used tokens of a model without a price are counted as such. */
export function withCost(list: PriceList, model: string, at: number, counts: UsageCounts): UsageCounts {
  const costMicros = list.costOf(model, at, counts)
  if (costMicros !== undefined) return { ...counts, costMicros }
  return tokensOf(counts) === 0 ? counts : { ...counts, unpricedRequests: counts.requests }
}

export const priced: Pricing = ({ model, at, counts }, rows) => withCost(priceList(rows), model, at, counts)
