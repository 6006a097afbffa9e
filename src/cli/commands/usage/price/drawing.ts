/** What models cost: columns, sentences, and what an import did. Draws; decides nothing. */

import type { ImportedPrice, Price, PriceImport, PriceRates } from '../../../../contract/views.ts'
import { many, typed } from '../../../../text/quantity.ts'
import type { Brush } from '../../../declare/brush.ts'
import type { Column } from '../../../declare/column.ts'

const rateColumns: readonly Column<PriceRates>[] = [
  { title: 'input', cell: (price, brush) => brush.dollars(price.inputUsd), align: 'point' },
  {
    title: 'cached',
    cell: (price, brush) => dollarsOrBlank(price.cachedInputUsd, brush),
    align: 'point',
    hideEmpty: true,
  },
  {
    title: 'cache write',
    cell: (price, brush) => dollarsOrBlank(price.cacheWriteUsd, brush),
    align: 'point',
    hideEmpty: true,
  },
  { title: 'output', cell: (price, brush) => brush.dollars(price.outputUsd), align: 'point' },
  {
    title: 'long requests',
    cell: (price, brush) => price.tiers.map(tier => tierText(tier, brush)).join('; '),
    importance: 'low',
    hideEmpty: true,
  },
]

export const priceColumns: readonly Column<Price>[] = [
  { title: 'model', cell: price => price.model, whole: true },
  ...rateColumns,
  { title: 'from', cell: (price, brush) => brush.time(price.startsAt, 'always') },
  { title: 'source', cell: price => price.source },
  { title: 'in force', cell: (price, brush) => (price.current ? brush.good('now') : ''), hideEmpty: true },
]

/** What an import changes. */
export const importColumns: readonly Column<ImportedPrice>[] = [
  { title: '', cell: (price, brush) => paint(brush)[price.outcome](price.outcome) },
  { title: 'model', cell: price => price.model, whole: true },
  ...rateColumns,
  { title: 'from', cell: (price, brush) => brush.time(price.startsAt, 'always') },
  {
    title: 'before',
    cell: ({ before }, brush) =>
      before === null ? '' : `${brush.dollars(before.inputUsd)} in, ${brush.dollars(before.outputUsd)} out`,
    hideEmpty: true,
  },
]

/** `gpt-x costs $2.50 in and $10.00 out per million tokens from 2026-12-01 00:00` */
export const priceText = (price: Price, brush: Brush): string =>
  `${price.model} costs ${ratesText(price, brush)} per million tokens${fromText(price, brush)}`

const fromText = ({ startsAt }: { readonly startsAt: Date | null }, brush: Brush): string =>
  startsAt === null ? '' : ` from ${brush.time(startsAt)}`

/** `$3.00 in ($0.30 cached, $3.75 cache write) and $15.00 out` */
function ratesText(price: PriceRates, brush: Brush): string {
  const parts = [
    ...(price.cachedInputUsd === null ? [] : [`${brush.dollars(price.cachedInputUsd)} cached`]),
    ...(price.cacheWriteUsd === null ? [] : [`${brush.dollars(price.cacheWriteUsd)} cache write`]),
  ]
  const input = `${brush.dollars(price.inputUsd)} in${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`
  const tiers = price.tiers.map(tier => `, ${tierText(tier, brush)}`).join('')
  return `${input} and ${brush.dollars(price.outputUsd)} out${tiers}`
}

const tierText = (tier: PriceRates['tiers'][number], brush: Brush): string =>
  `over ${typed(tier.overTokens)} ${ratesText({ ...tier, tiers: [] }, brush)}`

const dollarsOrBlank = (dollars: number | null, brush: Brush): string =>
  dollars === null ? '' : brush.dollars(dollars)

/** Prices that an import changes. */
export const changesOf = ({ prices }: PriceImport): readonly ImportedPrice[] =>
  prices.filter(({ outcome }) => outcome !== 'unchanged' && outcome !== 'kept')

/** As many as somebody reads who did not ask for them. */
const mostLines = 20

export function importLines(report: PriceImport, brush: Brush): string {
  const changes = changesOf(report)
  const more = changes.length - mostLines
  return [
    ...changes.slice(0, mostLines).map(price => changeLine(price, brush)),
    ...(more > 0 ? [`and ${brush.count(more)} more`] : []),
    `${report.source}: ${sumText(report, brush)}`,
    ...asides(report, brush),
  ].join('\n')
}

/** The same of a dry run, with all that differs, as it goes on behind "Would". */
export const importPlanLines = (report: PriceImport, brush: Brush): string =>
  [
    `import from ${report.source}: ${sumText(report, brush)}`,
    ...changesOf(report).map(price => `  ${changeLine(price, brush)}`),
    ...asides(report, brush),
  ].join('\n')

/** `changed   gpt-x: $2.50 in and $10.00 out from 2026-12-01 00:00, before $5.00 in and $15.00 out` */
function changeLine(price: ImportedPrice, brush: Brush): string {
  const outcome = paint(brush)[price.outcome](price.outcome.padEnd(7))
  const before = price.before === null ? '' : `, before ${ratesText(price.before, brush)}`
  return `${outcome} ${price.model}: ${ratesText(price, brush)}${fromText(price, brush)}${before}`
}

const sumText = ({ added, changed, removed, unchanged, kept }: PriceImport, brush: Brush): string =>
  [
    `${brush.count(added)} added, ${brush.count(changed)} changed`,
    ...(removed === 0 ? [] : [`${brush.count(removed)} removed`]),
    `${brush.count(unchanged)} unchanged`,
    ...(kept === 0 ? [] : [`${brush.count(kept)} kept as set`]),
  ].join(', ')

/** `Left out: other prices of 3 models, such as images or searches; 2 models without a price by tokens` */
function asides({ inPart, leftOut }: PriceImport, brush: Brush): readonly string[] {
  const parts = [
    ...(inPart === 0 ? [] : [`other prices of ${many(inPart, 'model')}, such as images or searches`]),
    ...(leftOut === 0 ? [] : [`${many(leftOut, 'model')} without a price by tokens`]),
  ]
  return parts.length === 0 ? [] : [brush.dim(`Left out: ${parts.join('; ')}`)]
}

const paint = (brush: Brush) => ({
  added: brush.good,
  changed: brush.warn,
  removed: brush.bad,
  unchanged: brush.dim,
  kept: brush.dim,
})
