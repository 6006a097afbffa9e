/**
 * The price list of the package `@pydantic/genai-prices`, which is part of the program: nothing is fetched. It has prices by
 * provider, and rules for names. Here each becomes a price of a name or pattern.
 */

import type { MatchLogic, ModelInfo, ModelPrice, Provider } from '@pydantic/genai-prices'
import { type ListedPrice, listed, type PublishedPrices } from './price-list.ts'

export async function readGenaiPrices(): Promise<PublishedPrices> {
  // Most of a megabyte: only who imports prices loads it.
  const { waitForUpdate } = await import('@pydantic/genai-prices')
  return listOf((await waitForUpdate()) ?? [])
}

function listOf(providers: readonly Provider[]): PublishedPrices {
  const prices = new Map<string, readonly ListedPrice[]>()
  const inPart: string[] = []
  const leftOut: string[] = []
  for (const provider of providers) {
    for (const model of provider.models) {
      const wholeOf = (name: string) =>
        standsAlone(name, provider, providers) ? name : `${provider.id}/${name}`
      const times = timesOf(model)
      if (times === undefined) {
        leftOut.push(wholeOf(model.id))
        continue
      }
      if (times.some(({ price }) => hasMore(price))) inPart.push(wholeOf(model.id))
      for (const name of namesOf(model)) {
        const whole = wholeOf(name)
        // The rules of a provider are tried in their order.
        if (!prices.has(whole))
          prices.set(
            whole,
            times.flatMap(time => tiersOf(whole, time)),
          )
      }
    }
  }
  return { prices: [...prices.values()].flat(), inPart, leftOut }
}

interface TimedPrice {
  readonly startsAt: number
  readonly price: ModelPrice
}

/** Undefined if tokens have no price, or one that depends on the time of day. */
function timesOf({ prices }: ModelInfo): readonly TimedPrice[] | undefined {
  const times: TimedPrice[] = []
  for (const { constraint, prices: price } of Array.isArray(prices) ? prices : [{ prices }]) {
    if (constraint !== undefined && 'start_time' in constraint) return undefined
    if (price['input_mtok'] === undefined && price['output_mtok'] === undefined) return undefined
    times.push({ startsAt: constraint === undefined ? 0 : Date.parse(constraint.start_date), price })
  }
  return times
}

const classes = ['input_mtok', 'cache_read_mtok', 'cache_write_mtok', 'output_mtok'] as const

const hasMore = (price: ModelPrice): boolean =>
  Object.keys(price).some(name => !(classes as readonly string[]).includes(name))

function tiersOf(model: string, { startsAt, price }: TimedPrice): readonly ListedPrice[] {
  const starts = classes.flatMap(name => {
    const value = price[name]
    return typeof value === 'object' ? value.tiers.map(({ start }) => start) : []
  })
  return [...new Set([0, ...starts])].map(over =>
    listed(model, startsAt, over, {
      input: rateOver(price, 'input_mtok', over) ?? 0,
      cachedInput: rateOver(price, 'cache_read_mtok', over),
      cacheWrite: rateOver(price, 'cache_write_mtok', over),
      output: rateOver(price, 'output_mtok', over) ?? 0,
    }),
  )
}

function rateOver(price: ModelPrice, name: (typeof classes)[number], over: number): number | undefined {
  const value = price[name]
  if (typeof value !== 'object') return value
  return value.tiers.findLast(({ start }) => start <= over)?.price ?? value.base
}

/** The names that a model answers to, as names and patterns; the few other rules have no such form. */
function namesOf({ id, match }: ModelInfo): readonly string[] {
  const names = new Set([id, ...namesIn(match)])
  return [...names].filter(name => !names.has(`${name}*`))
}

function namesIn(match: MatchLogic): readonly string[] {
  if ('or' in match) return match.or.flatMap(namesIn)
  if ('equals' in match) return [match.equals]
  if ('starts_with' in match) return [`${match.starts_with}*`]
  if ('ends_with' in match) return [`*${match.ends_with}`]
  if ('contains' in match) return [`*${match.contains}*`]
  return 'regex' in match ? datedNames(match.regex) : []
}

/** `^gpt-6-sol-\d{4}-\d{2}-\d{2}$` or `^grok-4\.5-\d{8}$`: all dates of this century. */
function datedNames(regex: string): readonly string[] {
  const [, name] = /^\^([\w./\\-]+-)\\d\{(?:8\}|4\}-\\d\{2\}-\\d\{2\})\$$/.exec(regex) ?? []
  return name === undefined ? [] : [`${name.replaceAll('\\', '')}20*`]
}

/**
 * Whether a name means this provider without saying so. Others are resellers, whose price applies to `azure/gpt-4o` alone.
 * The rule of OpenAI leaves out its older names and embeddings.
 */
function standsAlone(name: string, provider: Provider, providers: readonly Provider[]): boolean {
  const owner = providers.find(
    ({ model_match }) => model_match !== undefined && isMatch(model_match, name.toLowerCase()),
  )
  return owner === undefined ? provider.id === 'openai' : owner === provider
}

function isMatch(match: MatchLogic, name: string): boolean {
  if ('or' in match) return match.or.some(each => isMatch(each, name))
  if ('and' in match) return match.and.every(each => isMatch(each, name))
  if ('equals' in match) return name === match.equals.toLowerCase()
  if ('starts_with' in match) return name.startsWith(match.starts_with.toLowerCase())
  if ('ends_with' in match) return name.endsWith(match.ends_with.toLowerCase())
  if ('contains' in match) return name.includes(match.contains.toLowerCase())
  return new RegExp(match.regex).test(name)
}
