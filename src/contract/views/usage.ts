/** What keys used, what that cost, and what was counted of it. */
import { as, choice, flag, integer, list, nullable, number, type Of, object, text, time } from '../shape.ts'
import { changed } from './changes.ts'
import { denial, key } from './keys.ts'
import { limitForecast } from './limits.ts'
import { keyRef, orgRef, projectRef, teamRef, userRef } from './refs.ts'
import {
  type Period,
  priceLists,
  priceOutcomes,
  priceSources,
  type ReportGroup,
  type ReportOrder,
  type ReportSubject,
} from './words.ts'

const counts = {
  requests: integer('Requests'),
  inputTokens: integer('Input tokens, those from and to a cache included'),
  cachedInputTokens: integer('Input tokens that were read from a cache; part of inputTokens'),
  cacheWriteTokens: integer('Input tokens that were written to a cache; part of inputTokens'),
  outputTokens: integer('Output tokens, those of reasoning included'),
  reasoningTokens: integer('Output tokens of reasoning; part of outputTokens'),
  otherTokens: integer('Tokens that are not known to be input or output'),
  tokens: integer('All tokens: input, output and other'),
  costUsd: number('Cost in dollars'),
  unpricedRequests: integer(
    'Requests that told no cost and whose model had no price: their cost is not known',
  ),
}

export const totals = object('Totals', counts)

export const usagePoint = object('UsagePoint', { start: time('Start of the day'), ...counts })

export const stats = object('Stats', {
  key: as(key, 'The key'),
  totals: as(totals, 'Total usage of all time'),
  limits: list(limitForecast, 'Every limit that applies to the key, whatever it belongs to'),
  series: list(usagePoint, 'Usage by day, oldest first, including empty days'),
  denials: list(denial, 'How often the key was denied on these days, the latest first'),
})

export const usageRow = object('UsageRow', {
  key: nullable(as(keyRef, 'The key, when grouped by key')),
  user: nullable(as(userRef, 'The user, when grouped by user and the key has one')),
  project: nullable(as(projectRef, 'The project, when grouped by project and the key has one')),
  model: nullable(text('The model, when grouped by model')),
  start: nullable(time('Start of the hour, day, week or month, when grouped by one')),
  ...counts,
  organization: nullable(
    as(orgRef, 'The organization that owned the project then, when grouped by org and one did'),
  ),
  team: nullable(
    as(
      teamRef,
      'A team of that organization that the user was in then, when grouped by team; what members of several used counts for each',
    ),
  ),
})

/** What GET /v1/self answers. */
export const self = object('Self', {
  key: as(
    object('OwnKey', {
      id: key.shapes.id,
      name: key.shapes.name,
      start: key.shapes.start,
      status: key.shapes.status,
      model: key.shapes.model,
      allowedModels: key.shapes.allowedModels,
      scopes: key.shapes.scopes,
      expiresAt: key.shapes.expiresAt,
    }),
    'The key that asks',
  ),
  limits: list(limitForecast, 'Every limit that applies to the key, whatever it belongs to'),
  usage: list(
    object('OwnUsage', {
      start: time('Start of the day in UTC'),
      model: nullable(text('The model; null when none was named')),
      ...counts,
    }),
    'What the key used by day and model, in the 14 days that end today, the oldest first',
  ),
})

export const recorded = object('Recorded', {
  key: as(keyRef, 'The key that was charged'),
  model: nullable(text('The model')),
  endUser: nullable(
    text(
      'The end user that it counts for; null without one, or if the key has the most end users that it may have',
    ),
  ),
  at: time('When the request was made'),
  ...counts,
})

const rates = {
  inputUsd: number('Dollars per million input tokens'),
  cachedInputUsd: nullable(
    number('Dollars per million input tokens that were read from a cache; null: as other input'),
  ),
  cacheWriteUsd: nullable(
    number('Dollars per million input tokens that were written to a cache; null: as other input'),
  ),
  outputUsd: number('Dollars per million output tokens'),
}

export const priceRates = object('PriceRates', {
  ...rates,
  tiers: list(
    object('PriceTier', {
      overTokens: integer('It prices all tokens of a request that has more input tokens than this'),
      ...rates,
    }),
    'Prices of long requests, the shorter first',
  ),
})

export const price = object('Price', {
  model: text('A name, or a pattern where * matches anything'),
  ...priceRates.shapes,
  source: choice(priceSources, 'set when somebody set it, otherwise the list that it was imported from'),
  startsAt: nullable(time('When it starts; null for always')),
  current: flag('Whether it is the current price'),
})

export const changedPrice = changed('ChangedPrice', price)

const importedPrice = object('ImportedPrice', {
  model: text('A name, or a pattern where * matches anything'),
  outcome: choice(priceOutcomes, 'What the import does with it; kept: somebody set the price that applies'),
  startsAt: nullable(time('When it starts; null for always')),
  ...priceRates.shapes,
  before: nullable(as(priceRates, 'The price that it replaces')),
})

export const priceImport = object('PriceImport', {
  source: choice(priceLists, 'The list'),
  added: integer('Prices of models that had none'),
  changed: integer('Prices that replace another from their start on'),
  removed: integer('Imported prices that the list no longer has'),
  unchanged: integer('Prices that are those of the list already'),
  kept: integer('Models left out because somebody set the price that applies'),
  inPart: integer('Models in the list that cost something else than tokens too, which is left out'),
  leftOut: integer('Models in the list without a price by tokens'),
  prices: list(importedPrice, 'Each price, and what the import does with it'),
})
const endUsersLeftOut = integer(
  'End users whose usage counts only for the key, because it has the most end users that it may have',
)

export const ingestReport = object('IngestReport', {
  file: text('The file; stdin when read from stdin'),
  sha256: text('SHA-256 of its content, unpacked, in hex'),
  alreadyCounted: flag('Whether the same content was already counted, so nothing was done'),
  events: integer('Events in the file, including bad ones'),
  counted: integer('Events that were counted'),
  duplicates: integer('Events left out because one with the same id was counted'),
  bad: integer('Lines left out because they could not be counted'),
  unpriced: integer('Counted events without a cost whose model has no price; they cost nothing'),
  endUsersLeftOut,
  keys: integer('Keys that were charged'),
  problems: list(
    object('IngestProblem', {
      line: integer('Number of the line, from 1'),
      problem: text('What is wrong with it'),
    }),
    'The first bad lines',
  ),
})

/** What POST /v1/usage answers. */
export const usageReceipt = object('UsageReceipt', {
  events: integer('Events that were sent'),
  counted: integer('Events that were counted'),
  duplicates: integer('Events left out because one with the same id was counted'),
  endUsersLeftOut,
})

export const compacted = object('Compacted', {
  rowsBefore: integer('Buckets before'),
  rowsAfter: integer('Buckets after'),
  minutesDeleted: integer('Buckets of a minute that were deleted because of their age'),
  hoursDeleted: integer('Buckets of an hour that were deleted because of their age'),
  reservationsRemoved: integer('Expired reservations removed'),
  eventsForgotten: integer('Ids of counted events deleted because of their age'),
  filesForgotten: integer('Counted files deleted because of their age'),
  denialsForgotten: integer('Rows of denials (one per key, day and code) deleted because of their age'),
})

const runningTotals = object('RunningTotals', {
  requests: integer('Requests'),
  inputTokens: integer('Input tokens'),
  outputTokens: integer('Output tokens'),
  otherTokens: integer('Tokens not split into input and output'),
  costUsd: number('Cost in dollars'),
})

export const usageCheck = object('UsageCheck', {
  ok: flag('Whether the totals of all keys match the recorded usage, or do so now'),
  keys: integer('Keys that were checked'),
  repaired: flag('Whether differences were repaired'),
  differences: list(
    object('UsageDifference', {
      key: as(keyRef, 'The key'),
      total: as(runningTotals, 'All that its days and an earlier system say'),
      recorded: as(runningTotals, 'The same by the narrowest buckets that are kept'),
    }),
    'Keys whose totals differ from the recorded usage',
  ),
})

export type Totals = Of<typeof totals>
export type UsagePoint = Of<typeof usagePoint>
export type Stats = Of<typeof stats>
export type UsageRow = Of<typeof usageRow>
export type Recorded = Of<typeof recorded>
export type PriceRates = Of<typeof priceRates>
export type Price = Of<typeof price>
export type ImportedPrice = Of<typeof importedPrice>
export type PriceImport = Of<typeof priceImport>
export type ChangedPrice = Of<typeof changedPrice>
export type IngestReport = Of<typeof ingestReport>
export type Self = Of<typeof self>
export type UsageReceipt = Of<typeof usageReceipt>
export type Compacted = Of<typeof compacted>
export type UsageCheck = Of<typeof usageCheck>

/** Who or what a row is about, by one of its groups; null for nobody. */
export const subjectOf = (row: UsageRow, by: ReportSubject) => (by === 'org' ? row.organization : row[by])

/** What there is to say of the usage of a time, as an HTML report shows it. */
export interface UsageOverview {
  /** When it was read. */
  readonly generatedAt: Date
  /** The zone in which its periods begin. */
  readonly timeZone: string
  /** As asked for, or else from the first use to the last; null when nothing was used in all of time. */
  readonly range: { readonly start: Date; readonly end: Date } | null
  /** Names of what alone counts. */
  readonly only: { readonly [S in ReportSubject]?: string }
  /** What the largest is known by. */
  readonly sort: ReportOrder
  /** Sums of everything that fits. */
  readonly totals: Totals
  /** Null when nothing was used. */
  readonly timeline: Timeline | null
  /** A row for everything that was used, the largest first; by what does not tell rows apart there is no entry. */
  readonly shares: readonly {
    readonly by: ReportSubject
    readonly rows: readonly UsageRow[]
  }[]
  /** The report as it was asked for: its groups, whether they are all, and its rows. */
  readonly by: readonly ReportGroup[]
  /** How many groups were asked for; null for all. */
  readonly top: number | null
  /** The rows of the report. */
  readonly rows: readonly UsageRow[]
}

export interface Timeline {
  /** How long each of its periods is. */
  readonly period: Period
  /** One for each period, used or not. */
  readonly rows: readonly UsageRow[]
  /** Whether the first began before what was asked for. */
  readonly firstIsPart: boolean
  /** Whether the last goes on after what was asked for, or after now. */
  readonly lastIsPart: boolean
}
