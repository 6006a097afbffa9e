/** Imports prices from a list that others publish. Never touches what somebody set, nor what that applies to. */

import { LatchkeyError } from '../../contract/errors.ts'
import type { ImportedPrice, PriceImport } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { PriceRow } from '../../db/facts.ts'
import { prices } from '../../db/schema/usage.ts'
import { readGenaiPrices } from '../../formats/genai-prices.ts'
import { parseJson } from '../../formats/json-text.ts'
import { readLiteLlmPrices } from '../../formats/litellm-prices.ts'
import type { PublishedPrices } from '../../formats/price-list.ts'
import { unpacked } from '../../formats/unpack.ts'
import * as audit from '../audit.ts'
import type { OperationContext } from '../context.ts'
import * as rules from '../rules/input.ts'
import { matches } from '../rules/patterns.ts'
import { type PriceImportOptions, priceImportOptions } from './input.ts'
import { inForceAt, isSame, ratesOf, removePeriod, shownStart } from './prices.ts'
import { anyModel, isSet, type Period, PriceList, periodsOf, startOf } from './pricing.ts'

/**
 * Imports the prices of genai-prices, or of a file of LiteLLM. A price that differs applies from `at` on, one that the list
 * dates later from then on, and the first of a model always. Recorded usage keeps its cost.
 *
 * @throws invalid (no such list); not_found, permission for the file
 */
export async function importPrices(
  context: OperationContext,
  options: PriceImportOptions = {},
): Promise<PriceImport> {
  const list = await readList(options)
  return context.store.write(async db => {
    const plan = planOf(await db.select().from(prices), list, options, context.now())
    const { report, removed, written } = plan
    for (const period of removed) await removePeriod(db, period)
    for (const some of inChunks(written.flat())) await db.insert(prices).values(some)
    if (removed.length + written.length === 0) return report
    const { source, added } = report
    const differing = report.prices.filter(({ outcome }) => outcome === 'changed')
    await audit.record(context, db, {
      action: 'price.import',
      target: { type: 'price', id: source, name: source },
      before: { changed: differing.map(({ model, before }) => ({ model, ...before })) },
      after: {
        changed: differing.map(({ outcome: _, before: __, ...price }) => price),
        added,
        removed: report.removed,
      },
    })
    return report
  })
}

/** What an import would do. @throws as `importPrices` */
export async function planPriceImport(
  context: OperationContext,
  options: PriceImportOptions = {},
): Promise<PriceImport> {
  const list = await readList(options)
  return context.store.read(
    async db => planOf(await db.select().from(prices), list, options, context.now()).report,
  )
}

interface SourcedList extends PublishedPrices {
  readonly source: PriceImport['source']
}

/** Without a file, the list that is part of the program. */
async function readList({ file }: PriceImportOptions): Promise<SourcedList> {
  if (file === undefined) return { source: 'genai-prices', ...(await readGenaiPrices()) }
  const [name, given] = typeof file === 'string' ? [file] : ['stdin', file]
  const { chunks } = unpacked(name, given, undefined)
  const parsed = parseJson(Buffer.concat(await Array.fromAsync(chunks)).toString())
  const list = parsed.ok ? readLiteLlmPrices(parsed.value) : undefined
  if (list !== undefined) return { source: 'litellm', ...list }
  const place = parsed.ok || parsed.place === null ? '' : ` (line ${parsed.place.line})`
  throw new LatchkeyError(
    'invalid',
    parsed.ok ? `${name} has no prices in the form of LiteLLM` : `${name} is not JSON${place}`,
    'give the file model_prices_and_context_window.json of LiteLLM',
  )
}

interface Plan {
  readonly report: PriceImport
  /** Imported prices that are replaced, or that the list no longer has. */
  readonly removed: readonly Period[]
  readonly written: readonly Period[]
}

function planOf(
  stored: readonly PriceRow[],
  list: SourcedList,
  options: PriceImportOptions,
  now: Date,
): Plan {
  const { at, model: pattern } = rules.parse(priceImportOptions, options)
  const from = (at ?? now).getTime()
  const isAsked = (model: string) =>
    pattern === undefined || matches(pattern, model) || matches(model, pattern)
  const byModel = Map.groupBy(stored, row => row.model)
  // The price for all other models is not meant for those of the list.
  const set = new PriceList(stored.filter(({ source, model }) => source === 'set' && model !== anyModel))
  const removed: Period[] = []
  const written: Period[] = []
  const items: ImportedPrice[] = []
  for (const [model, rows] of Map.groupBy(list.prices, row => row.model)) {
    if (!isAsked(model)) continue
    const own = periodsOf(byModel.get(model) ?? [])
    const published = periodsOf(rows.map(row => ({ ...row, source: list.source })))
    const current = inForceAt(published, from)
    if (set.has(model, from)) {
      if (current) items.push(itemOf('kept', current))
      continue
    }
    // The first price of a model applies always.
    const wanted = own.length === 0 && at === undefined ? published : startingAt(from, published)
    const plan = planModel(own, wanted, from)
    items.push(...alike(own, published, from).map(each => itemOf('unchanged', each)), ...plan.items)
    removed.push(...plan.removed)
    written.push(...plan.written)
  }
  const count = (outcome: ImportedPrice['outcome']) => items.filter(item => item.outcome === outcome).length
  return {
    removed,
    written,
    report: {
      source: list.source,
      added: count('added'),
      changed: count('changed'),
      removed: count('removed'),
      unchanged: count('unchanged'),
      kept: count('kept'),
      inPart: list.inPart.filter(isAsked).length,
      leftOut: list.leftOut.filter(isAsked).length,
      prices: items,
    },
  }
}

/** The stored prices that the list has too. The one in force may have started at another time than there. */
const alike = (own: readonly Period[], published: readonly Period[], from: number): readonly Period[] =>
  published
    .map(each => {
      const sameStart = own.filter(stored => startOf(stored) === startOf(each))
      const current = each === inForceAt(published, from) ? inForceAt(own, from) : undefined
      return [...sameStart, current].find(stored => stored && isSame(stored, each))
    })
    .filter(each => each !== undefined)

/** What the prices of one model become. Those from before `from`, and those that somebody set, stay. */
function planModel(own: readonly Period[], wanted: readonly Period[], from: number) {
  const items: ImportedPrice[] = []
  const written: Period[] = []
  const needed = new Set<Period>()
  let last = own.findLast(each => startOf(each) < from)
  for (const period of wanted) {
    if (last && isSame(last, period)) continue
    const there = own.find(each => startOf(each) === startOf(period))
    if (there && (isSet(there) || isSame(there, period))) needed.add(there)
    else {
      written.push(period)
      const before = own.length === 0 ? undefined : (there ?? last)
      items.push(itemOf(before ? 'changed' : 'added', period, before))
    }
    last = period
  }
  const removed = own.filter(each => startOf(each) >= from && !isSet(each) && !needed.has(each))
  const replaced = new Set(written.map(startOf))
  for (const each of removed) if (!replaced.has(startOf(each))) items.push(itemOf('removed', each))
  return { items, written, removed }
}

/** The price in force then, from then on, and those that come later. */
const startingAt = (from: number, published: readonly Period[]): readonly Period[] => [
  ...published
    .filter(each => each === inForceAt(published, from))
    .map(each => each.map(tier => ({ ...tier, startsAt: from }))),
  ...published.filter(each => startOf(each) > from),
]

const itemOf = (outcome: ImportedPrice['outcome'], period: Period, before?: Period): ImportedPrice => ({
  model: period[0]?.model ?? '',
  outcome,
  startsAt: shownStart(period),
  ...ratesOf(period),
  before: before === undefined ? null : ratesOf(before),
})
