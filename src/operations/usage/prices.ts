/** Prices of models over time, as somebody sets them. `pricing.ts` has what usage costs by them. */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { priceSources } from '../../contract/views/words.ts'
import type { ChangedPrice, Price, PriceRates, PriceSource } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import type { PriceRow } from '../../db/facts.ts'
import { and, asc, eq } from '../../db/query.ts'
import { prices } from '../../db/schema/usage.ts'
import * as audit from '../audit.ts'
import type { OperationContext } from '../context.ts'
import * as rules from '../rules/input.ts'
import { toDollars, toMicros } from '../rules/money.ts'
import { matches } from '../rules/patterns.ts'
import {
  type NewPrice,
  newPrice,
  type PriceFilter,
  priceFilter,
  type RemovePrices,
  removedPrices,
} from './input.ts'
import { type Period, periodsOf, startOf } from './pricing.ts'

/** `startsAt` of a price without a beginning. */
const always = 0

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
    const now = context.now().getTime()
    const stored = periodsOf(await rowsOf(db, price.model))
    const inForce = inForceAt(stored, now)
    const tiers = [{ overTokens: 0, ...price }, ...(price.tiers ?? [])].map(
      ({ overTokens, inputUsd, cachedInputUsd, cacheWriteUsd, outputUsd }) => ({
        model: price.model,
        overTokens,
        inputMicros: toMicros(inputUsd),
        cachedInputMicros: cachedInputUsd === undefined ? null : toMicros(cachedInputUsd),
        cacheWriteMicros: cacheWriteUsd === undefined ? null : toMicros(cacheWriteUsd),
        outputMicros: toMicros(outputUsd),
        source: 'set',
      }),
    )
    const startingAt = (startsAt: number): Period => tiers.map(tier => ({ ...tier, startsAt }))
    // The same price again, without a date, means the current one.
    const from =
      inForce && isSame(inForce, startingAt(always)) ? startOf(inForce) : stored.length === 0 ? always : now
    const period = startingAt(price.from?.getTime() ?? from)
    const before = stored.find(each => startOf(each) === startOf(period))
    const after = [...stored.filter(each => each !== before), period]
    const view = priceView(period, after, now)
    const old = before && auditedPrice(before)
    const fields = audit.differingFields(old ?? {}, auditedPrice(period))
    if (fields.length === 0) return { ...view, changed: false, before: {} }
    await removePeriod(db, period)
    await db.insert(prices).values([...period])
    // The action says who says so, unless that changes.
    const { source, ...rates } = auditedPrice(period)
    await audit.record(context, db, {
      action: 'price.set',
      target: targetOf(price.model),
      ...(old && { before: old }),
      after: old ? { ...rates, source } : rates,
    })
    const differing = Object.entries(old ?? {}).filter(([field]) => fields.includes(field))
    return { ...view, changed: true, before: Object.fromEntries(differing) }
  })
}

/**
 * Removes the price that begins at a time, or all prices of the model. Recorded usage keeps its cost.
 *
 * @throws not_found, invalid
 */
export function removePrices(
  context: OperationContext,
  model: string,
  options: RemovePrices = {},
): Promise<readonly Price[]> {
  const { from } = rules.parse(removedPrices, options)
  return context.store.write(async db => {
    const stored = periodsOf(await rowsOf(db, model))
    const removed = from === undefined ? stored : stored.filter(each => startOf(each) === from.getTime())
    if (removed.length === 0) {
      const which = from === undefined ? '' : ` that begins at ${from.toISOString()}`
      throw new LatchkeyError(
        'not_found',
        `${JSON.stringify(model.slice(0, 200))} has no price${which}`,
        'see them with: latchkey usage price list',
      )
    }
    for (const period of removed) {
      await removePeriod(db, period)
      await audit.record(context, db, {
        action: 'price.remove',
        target: targetOf(model),
        before: auditedPrice(period),
      })
    }
    return removed.map(period => priceView(period, removed, context.now().getTime()))
  })
}

/** By model, the oldest first. @throws invalid */
export function listPrices(context: OperationContext, filter: PriceFilter = {}): Promise<readonly Price[]> {
  const { model } = rules.parseFilter(priceFilter, filter)
  return context.store.read(async db => {
    const rows = await db.select().from(prices).orderBy(asc(prices.model), asc(prices.startsAt))
    const now = context.now().getTime()
    return [...Map.groupBy(rows, row => row.model)]
      .filter(([name]) => model === undefined || matches(model, name) || matches(name, model))
      .flatMap(([, own]) => {
        const periods = periodsOf(own)
        return periods.map(period => priceView(period, periods, now))
      })
  })
}

const sourceOf = ([first]: Period): PriceSource => priceSources.find(each => each === first?.source) ?? 'set'

export const inForceAt = (ofModel: readonly Period[], at: number): Period | undefined =>
  ofModel.findLast(each => startOf(each) <= at)

/** Whether two prices differ in nothing but when they start and who says so. */
export const isSame = (a: Period, b: Period): boolean =>
  JSON.stringify(ratesOf(a)) === JSON.stringify(ratesOf(b))

/** Removes the price that starts then, with its tiers. */
export async function removePeriod(db: Database, [first]: Period): Promise<void> {
  if (first === undefined) return
  await db.delete(prices).where(and(eq(prices.model, first.model), eq(prices.startsAt, first.startsAt)))
}

const rowsOf = (db: Database, model: string): Promise<readonly PriceRow[]> =>
  db.select().from(prices).where(eq(prices.model, model))

const targetOf = (model: string) => ({ type: 'price', id: model, name: model })

/** Dollars per million tokens, by class and tier. */
export function ratesOf(period: Period): PriceRates {
  const [base, ...tiers] = period.map(tier => ({
    overTokens: tier.overTokens,
    inputUsd: toDollars(tier.inputMicros),
    cachedInputUsd: dollarsOrNull(tier.cachedInputMicros),
    cacheWriteUsd: dollarsOrNull(tier.cacheWriteMicros),
    outputUsd: toDollars(tier.outputMicros),
  }))
  if (base === undefined) throw new Error('a price without a row')
  const { overTokens: _, ...rates } = base
  return { ...rates, tiers }
}

/** Null for always. */
export function shownStart(period: Period): Date | null {
  const startsAt = startOf(period)
  return startsAt === always ? null : new Date(startsAt)
}

const auditedPrice = (period: Period) => ({
  ...ratesOf(period),
  source: sourceOf(period),
  startsAt: shownStart(period),
})

const dollarsOrNull = (micros: number | null): number | null => (micros === null ? null : toDollars(micros))

const priceView = (period: Period, ofModel: readonly Period[], now: number): Price => ({
  model: period[0]?.model ?? '',
  ...auditedPrice(period),
  current: inForceAt(ofModel, now) === period,
})
