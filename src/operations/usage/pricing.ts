/** What usage costs by the prices of models: pure. */
import { type PriceRow, type Pricing, tokensOf, type UsageCounts } from '../../db/facts.ts'
import { matches } from '../rules/patterns.ts'

const tokensPerPrice = 1_000_000

/** Tokens that have prices of their own. */
type PricedTokens = Pick<
  UsageCounts,
  'inputTokens' | 'cachedInputTokens' | 'cacheWriteTokens' | 'outputTokens'
>

/** The prices of a model from a time on. */
interface Period {
  readonly startsAt: number
  /** Whether somebody set it. */
  readonly isSet: boolean
  /** The one for the most tokens first. */
  readonly tiers: readonly PriceRow[]
}

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
    const tiers = this.#candidates(model).find(({ startsAt }) => startsAt <= at)?.tiers
    // Of the whole request, by all of its input.
    const price = tiers?.find(({ overTokens }) => overTokens === 0 || inputTokens > overTokens)
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
    return this.#candidates(model).some(({ startsAt }) => startsAt <= at)
  }

  /** Every price that may apply, in order of precedence. */
  #candidates(model: string): readonly Period[] {
    const known = this.#found.get(model)
    if (known) return known
    const named = namesOf(model)
      .flatMap(name => [name, ...this.#patterns.filter(pattern => matches(pattern, name))])
      .flatMap(name => (name === anyModel ? [] : this.#periodsOf(name)))
    const found = [
      ...named.filter(({ isSet }) => isSet),
      ...named.filter(({ isSet }) => !isSet),
      ...this.#periodsOf(anyModel),
    ]
    if (this.#found.size >= mostFound) this.#found.clear()
    this.#found.set(model, found)
    return found
  }

  /** The latest first. */
  #periodsOf(model: string): readonly Period[] {
    return [...Map.groupBy(this.#rows.get(model) ?? [], row => row.startsAt)]
      .toSorted(([a], [b]) => b - a)
      .map(([startsAt, rows]) => ({
        startsAt,
        isSet: rows.some(({ source }) => source === 'set'),
        tiers: rows.toSorted((a, b) => b.overTokens - a.overTokens),
      }))
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
