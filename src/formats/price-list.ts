/** Prices that others publish, in a common form. */

/** What a model costs from a time on, in micro-dollars per million tokens. */
export interface ListedPrice {
  /** A name, or a pattern in which `*` stands for any characters. */
  readonly model: string
  /** UTC milliseconds; 0 for always. */
  readonly startsAt: number
  /** Applies to requests with more input tokens than this. */
  readonly overTokens: number
  readonly inputMicros: number
  /** Null: as other input. */
  readonly cachedInputMicros: number | null
  /** Null: as other input. */
  readonly cacheWriteMicros: number | null
  readonly outputMicros: number
}

export interface PublishedPrices {
  /** Each model, time and tier once. A tier is there for each time of its model, or for none. */
  readonly prices: readonly ListedPrice[]
  /** Models in `prices` that cost something else too, such as images, searches or seconds. */
  readonly inPart: readonly string[]
  /** Models without a price that can be expressed. */
  readonly leftOut: readonly string[]
}

/** Dollars per million tokens. */
export interface Rates {
  readonly input: number
  readonly cachedInput: number | undefined
  readonly cacheWrite: number | undefined
  readonly output: number
}

export const listed = (
  model: string,
  startsAt: number,
  overTokens: number,
  { input, cachedInput, cacheWrite, output }: Rates,
): ListedPrice => ({
  model,
  startsAt,
  overTokens,
  inputMicros: micros(input),
  cachedInputMicros: cachedInput === undefined ? null : micros(cachedInput),
  cacheWriteMicros: cacheWrite === undefined ? null : micros(cacheWrite),
  outputMicros: micros(output),
})

const micros = (dollars: number): number => Math.round(dollars * 1_000_000)
