/** Prices of models over time. They give the cost of a request that does not state its own. */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { ChangedPrice, Price } from '../../contract/views.ts'
import { type PriceRow, type Pricing, tokensOf, type UsageCounts } from '../../db/facts.ts'
import { and, asc, eq } from '../../db/query.ts'
import { prices } from '../../db/schema/usage.ts'
import * as audit from '../audit.ts'
import type { OperationContext } from '../context.ts'
import * as rules from '../rules/input.ts'
import { toDollars, toMicros } from '../rules/money.ts'
import { matches } from '../rules/patterns.ts'
import { type NewPrice, newPrice, type PriceFilter, type RemovePrices } from './input.ts'

/** `startsAt` of a price without a beginning. */
const always = 0
const tokensPerPrice = 1_000_000

const priceOfModel = v.object({ model: rules.modelName, ...newPrice.entries })

/**
 * Sets the price of a model from a time on, or corrects the price that begins at exactly that time. Recorded usage keeps
 * its cost.
 *
 * @param model a name, or a pattern in which `*` stands for any characters
 * @throws invalid
 */
export function setPrice(context: OperationContext, model: string, input: NewPrice): Promise<ChangedPrice> {
  const price = rules.parse(priceOfModel, { ...input, model })
  return context.store.write(async db => {
    const rows = await db.select().from(prices).where(eq(prices.model, price.model))
    const now = context.now().getTime()
    const inForce = priceAt(rows, now)
    const isSame =
      inForce?.inputMicros === toMicros(price.inputUsd) && inForce.outputMicros === toMicros(price.outputUsd)
    // The same price again, without a date, means the current one.
    const from = isSame ? inForce.startsAt : rows.length === 0 ? always : now
    const row: PriceRow = {
      model: price.model,
      startsAt: price.from?.getTime() ?? from,
      overTokens: 0,
      inputMicros: toMicros(price.inputUsd),
      cachedInputMicros: null,
      cacheWriteMicros: null,
      outputMicros: toMicros(price.outputUsd),
      source: 'set',
    }
    const before = rows.find(each => each.startsAt === row.startsAt)
    const { inputMicros, outputMicros } = row
    await db
      .insert(prices)
      .values(row)
      .onConflictDoUpdate({
        target: [prices.model, prices.startsAt, prices.overTokens],
        set: { inputMicros, outputMicros },
      })
    const after = [...rows.filter(each => each !== before), row]
    const view = priceView(row, after, now)
    const old = before && auditedPrice(before)
    const fields = audit.differingFields(old ?? {}, auditedPrice(row))
    if (fields.length === 0) return { ...view, changed: false, before: {} }
    await audit.record(context, db, {
      action: 'price.set',
      target: targetOf(row),
      ...(old && { before: old }),
      after: auditedPrice(row),
    })
    const differing = Object.entries(old ?? {}).filter(([field]) => fields.includes(field))
    return { ...view, changed: true, before: Object.fromEntries(differing) }
  })
}

/**
 * Removes the price that begins at a time, or all prices of the model. Recorded usage keeps its cost.
 *
 * @throws not_found
 */
export function removePrices(
  context: OperationContext,
  model: string,
  options: RemovePrices = {},
): Promise<readonly Price[]> {
  return context.store.write(async db => {
    const rows = await db
      .select()
      .from(prices)
      .where(
        and(
          eq(prices.model, model),
          options.from === undefined ? undefined : eq(prices.startsAt, options.from.getTime()),
        ),
      )
      .orderBy(asc(prices.startsAt))
    if (rows.length === 0) {
      const which = options.from === undefined ? '' : ` that begins at ${options.from.toISOString()}`
      throw new LatchkeyError(
        'not_found',
        `${JSON.stringify(model.slice(0, 200))} has no price${which}`,
        'see them with: latchkey usage price list',
      )
    }
    for (const row of rows) {
      await db.delete(prices).where(and(eq(prices.model, row.model), eq(prices.startsAt, row.startsAt)))
      await audit.record(context, db, {
        action: 'price.remove',
        target: targetOf(row),
        before: auditedPrice(row),
      })
    }
    return rows.map(row => priceView(row, rows, context.now().getTime()))
  })
}

/** By model, the oldest first. */
export function listPrices(context: OperationContext, filter: PriceFilter = {}): Promise<readonly Price[]> {
  return context.store.read(async db => {
    rules.requireWords(filter)
    const rows = await db
      .select()
      .from(prices)
      .where(filter.model === undefined ? undefined : eq(prices.model, filter.model))
      .orderBy(asc(prices.model), asc(prices.startsAt))
    const now = context.now().getTime()
    const byModel = Map.groupBy(rows, row => row.model)
    return rows.map(row => priceView(row, byModel.get(row.model) ?? [], now))
  })
}

const targetOf = ({ model }: PriceRow) => ({ type: 'price', id: model, name: model })

const shownStart = (row: PriceRow): Date | null => (row.startsAt === always ? null : new Date(row.startsAt))

const auditedPrice = (row: PriceRow) => ({
  inputUsd: toDollars(row.inputMicros),
  outputUsd: toDollars(row.outputMicros),
  startsAt: shownStart(row),
})

function priceView(row: PriceRow, ofModel: readonly PriceRow[], now: number): Price {
  return { model: row.model, ...auditedPrice(row), current: priceAt(ofModel, now)?.startsAt === row.startsAt }
}

/** The price that applies at a time. */
const priceAt = (ofModel: readonly PriceRow[], at: number): PriceRow | undefined =>
  ofModel
    .filter(each => each.startsAt <= at)
    .reduce<PriceRow | undefined>((a, b) => (a && a.startsAt > b.startsAt ? a : b), undefined)

/** The prices of one snapshot, for looking up many costs. */
export class PriceList {
  readonly #exact: ReadonlyMap<string, readonly PriceRow[]>
  readonly #patterns: readonly (readonly PriceRow[])[]
  /** A cache: a file of events names few models. */
  readonly #found = new Map<string, readonly PriceRow[]>()

  constructor(rows: readonly PriceRow[]) {
    const byModel = Map.groupBy(
      rows.toSorted((a, b) => b.startsAt - a.startsAt || b.overTokens - a.overTokens),
      row => row.model,
    )
    this.#exact = byModel
    this.#patterns = [...byModel]
      .filter(([model]) => model.includes('*'))
      .toSorted(([a], [b]) => literals(b) - literals(a) || (a < b ? -1 : 1))
      .map(([, ofModel]) => ofModel)
  }

  /**
   * The cost in micro-dollars by the price at `at` (milliseconds): the price of the model itself, or else of the longest
   * matching pattern. Undefined if there is none.
   */
  costOf(model: string, at: number, counts: UsageCounts): number | undefined {
    for (const row of this.#candidates(model)) {
      if (row.startsAt <= at && (row.overTokens === 0 || counts.inputTokens > row.overTokens))
        return cost(row, counts)
    }
    return undefined
  }

  /** Every price that may apply, in order of precedence. */
  #candidates(model: string): readonly PriceRow[] {
    const known = this.#found.get(model)
    if (known) return known
    const patterns = this.#patterns.filter(
      ([first]) => first && first.model !== model && matches(first.model, model),
    )
    const found = [...(this.#exact.get(model) ?? []), ...patterns.flat()]
    if (this.#found.size >= mostFound) this.#found.clear()
    this.#found.set(model, found)
    return found
  }
}

const mostFound = 1_000
const literals = (pattern: string): number => pattern.replaceAll('*', '').length

const lists = new WeakMap<readonly PriceRow[], PriceList>()

/** A cached list of these prices. */
export function priceList(rows: readonly PriceRow[]): PriceList {
  const known = lists.get(rows)
  if (known !== undefined) return known
  const list = new PriceList(rows)
  lists.set(rows, list)
  return list
}

function cost(
  row: PriceRow,
  { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens }: UsageCounts,
): number {
  const { inputMicros, cachedInputMicros, cacheWriteMicros, outputMicros } = row
  const micros =
    (inputTokens - cachedInputTokens - cacheWriteTokens) * inputMicros +
    cachedInputTokens * (cachedInputMicros ?? inputMicros) +
    cacheWriteTokens * (cacheWriteMicros ?? inputMicros) +
    outputTokens * outputMicros
  return Math.round(micros / tokensPerPrice)
}

/** With their cost; requests that used tokens of a model without a price are counted as such. */
export function withCost(list: PriceList, model: string, at: number, counts: UsageCounts): UsageCounts {
  const costMicros = list.costOf(model, at, counts)
  if (costMicros !== undefined) return { ...counts, costMicros }
  return tokensOf(counts) === 0 ? counts : { ...counts, unpricedRequests: counts.requests }
}

export const priced: Pricing = ({ model, at, counts }, rows) => withCost(priceList(rows), model, at, counts)
