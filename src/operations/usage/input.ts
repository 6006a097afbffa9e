/** Inputs of the operations on usage, and the interface of the recorder. */
import * as v from 'valibot'
import { reportGroups, reportOrders } from '../../contract/views/words.ts'
import type { ReportGroup, ReportOrder, UsageReceipt } from '../../contract/views.ts'
import type { RowSource } from '../../formats/rows.ts'
import { keySelector } from '../input.ts'
import * as rules from '../rules/input.ts'

/** What one request counts. Null is as left out: CSV cannot tell them apart. */
export const usageInput = v.object({
  /** The model that answered. */
  model: v.nullish(rules.modelName),
  /** Whom the request was for, as you know them. */
  endUser: v.nullish(rules.endUserId),
  /** Default 1. */
  requests: v.nullish(rules.count, 1),
  /** All tokens of the request; default 0. */
  inputTokens: v.nullish(rules.count, 0),
  /** Those that were read from a cache; part of inputTokens. */
  cachedInputTokens: v.nullish(rules.count, 0),
  /** Those that were written to a cache; part of inputTokens. */
  cacheWriteTokens: v.nullish(rules.count, 0),
  /** All tokens of the answer; default 0. */
  outputTokens: v.nullish(rules.count, 0),
  /** Those of reasoning; part of outputTokens. */
  reasoningTokens: v.nullish(rules.count, 0),
  /** Tokens that are not split into input and output; default 0. */
  otherTokens: v.nullish(rules.count, 0),
  /** Dollars, to the millionth; default the price of the model, if it has one. */
  costUsd: v.nullish(rules.dollars),
  /**
   * Instead of tokens: the usage that the provider returned, the whole response, or the chunks of a stream that have a usage.
   * OpenAI, Anthropic, Google, Ollama, and what answers like them. Its model counts unless `model` is given.
   */
  usage: v.optional(v.unknown()),
  /** When the request was made; default now. Up to five minutes ahead counts as now. Not before the year 2000. */
  at: v.optional(rules.useTime),
})
export type UsageInput = rules.Input<typeof usageInput>

const dayMs = 86_400_000

const timeout: rules.Rule<number> = v.pipe(
  v.number('must be a number of milliseconds'),
  v.integer('must be a whole number of milliseconds'),
  v.minValue(1, 'must be at least 1'),
  v.maxValue(dayMs, 'must be at most a day'),
)

export const reserveOptions = v.object({
  /** The most tokens that the request will use. */
  tokens: v.optional(rules.count, 0),
  /** Default 1. */
  requests: v.optional(rules.count, 1),
  /** Dollars. */
  usd: v.optional(rules.dollars, 0),
  /** The model that the request asks for. */
  model: v.optional(v.string()),
  /** The scope that the request needs. */
  scope: v.optional(v.string()),
  /** Whom the request is for. */
  endUser: v.optional(rules.endUserId),
  /** Milliseconds until it times out if it is neither settled nor released; default 10 minutes. */
  timeoutMs: v.optional(timeout, 600_000),
})
export type ReserveOptions = rules.Input<typeof reserveOptions>

const tier = v.object({
  /** Prices all tokens of requests with more input tokens than this. */
  overTokens: v.pipe(rules.count, v.minValue(1, 'must be at least 1')),
  /** Dollars per million input tokens. */
  inputUsd: rules.dollars,
  /** Dollars per million input tokens that were read from a cache; default as other input. */
  cachedInputUsd: v.optional(rules.dollars),
  /** Dollars per million input tokens that were written to a cache; default as other input. */
  cacheWriteUsd: v.optional(rules.dollars),
  /** Dollars per million output tokens. */
  outputUsd: rules.dollars,
})

const tiers = v.pipe(
  rules.listOf(tier),
  v.check(
    list => new Set(list.map(({ overTokens }) => overTokens)).size === list.length,
    'must each begin at another number of tokens',
  ),
)

export const newPrice = v.object({
  /** Dollars per million input tokens. */
  inputUsd: rules.dollars,
  /** Dollars per million input tokens that were read from a cache; default as other input. */
  cachedInputUsd: v.optional(rules.dollars),
  /** Dollars per million input tokens that were written to a cache; default as other input. */
  cacheWriteUsd: v.optional(rules.dollars),
  /** Dollars per million output tokens. */
  outputUsd: rules.dollars,
  /** Prices of long requests. */
  tiers: v.optional(tiers),
  /** When it begins. Default: always for the first price of a model, now for later ones. */
  from: v.optional(rules.instant),
})
export type NewPrice = rules.Input<typeof newPrice>

export const priceFilter = v.object({
  /** Prices of this model, as a name or by a pattern, or of models that match a pattern. */
  model: v.optional(v.string()),
})
export type PriceFilter = rules.Input<typeof priceFilter>

export const priceImportOptions = v.object({
  /** From when on prices that differ apply. Default: now; always for the first price of a model. */
  at: v.optional(rules.instant),
  /** Only models that match this pattern, and patterns that match this model. */
  model: v.optional(rules.modelName),
})
export interface PriceImportOptions extends rules.Input<typeof priceImportOptions> {
  /** LiteLLM's model_prices_and_context_window.json, by its path or content; default the list of genai-prices. */
  readonly file?: string | AsyncIterable<Uint8Array> | undefined
}

export const removedPrices = v.object({
  /** Only the price that begins at this time; default all of the model. */
  from: v.optional(rules.instant),
})
export type RemovePrices = rules.Input<typeof removedPrices>

export const compactOptions = v.object({
  /** How long usage is kept by the minute, in milliseconds; default 7 days, at least 1 hour. */
  minutesForMs: v.optional(rules.count, 7 * dayMs),
  /** How long usage is kept by the hour, in milliseconds; default 400 days, longer than the longest window of a limit. */
  hoursForMs: v.optional(rules.count, 400 * dayMs),
})
export type CompactOptions = rules.Input<typeof compactOptions>

export const ingestOptions = v.object({
  /** Count the good lines even if there are bad ones. */
  skipBad: v.optional(v.boolean(), false),
})
/** A log; compressed if its name ends in .gz or .zst. */
export interface IngestOptions extends RowSource, rules.Input<typeof ingestOptions> {}

export const checkOptions = v.object({
  /** Set wrong totals to the recorded usage. */
  repair: v.optional(v.boolean(), false),
})
export type CheckOptions = rules.Input<typeof checkOptions>

const group: rules.Rule<ReportGroup> = rules.among(reportGroups)
const order: rules.Rule<ReportOrder> = rules.among(reportOrders)

export const reportOptions = v.object({
  /**
   * At most two of key, user, project, org, team and model, and one of hour, day, week and month; none gives one row with the
   * sum. By team, what members of several teams used counts for each of them.
   */
  by: v.optional(rules.listOf(group)),
  /** Start of the report. The bucket that contains it counts whole. */
  since: v.optional(rules.instant),
  /** End of the report, exclusive. */
  until: v.optional(rules.instant),
  /** Only this key. */
  key: v.optional(keySelector),
  /** Only keys of this user. */
  user: v.optional(v.string()),
  /** Only keys of this project. */
  project: v.optional(v.string()),
  /** Only what was used while this organization owned the project. */
  org: v.optional(v.string()),
  /** Only what members of this team used in projects of its organization; one of `org`, if that is given too. */
  team: v.optional(v.string()),
  /** Only this model. */
  model: v.optional(v.string()),
  /** IANA time zone in which hours, days, weeks (from Monday) and months begin; default UTC. */
  timeZone: v.optional(rules.timeZone),
  /**
   * Include periods without usage, from `since` to `until` (or now), else from the first to the last usage; with another
   * group, for every group that occurs. Default: only when grouped by time alone.
   */
  fill: v.optional(v.boolean()),
  /** Only the largest groups. With a time and another group, the largest of the other; with a time alone, the largest periods. */
  top: v.optional(rules.pageSize),
  /** What to sort by; default tokens. */
  sort: v.optional(order),
})
export type ReportOptions = rules.Input<typeof reportOptions>

export interface RecorderOptions {
  /** The longest that usage waits to be written, in milliseconds; default 1,000. */
  readonly flushEvery?: number | undefined
  /** Flush once this many requests wait; default 1,000. */
  readonly maxPending?: number | undefined
  /**
   * The longest that a flush retries while another process locks the database, in milliseconds; default 60,000. An ingest
   * or a migration may hold the lock for longer than one write waits.
   */
  readonly patience?: number | undefined
}

export interface Recorder extends AsyncDisposable {
  /** Requests that wait. */
  readonly pending: number
  /**
   * Records what a request used. The promise resolves once it is on disk, safe even from power loss. If it rejects, the
   * usage was not counted and never will be.
   *
   * @param keyId the whole id, as in a verdict
   */
  readonly record: (keyId: string, usage: UsageInput) => Promise<void>
  /**
   * Records events as in logs, `{id?, key, model?, usage?, inputTokens?, outputTokens?, costUsd?, at?, …}`: all or none.
   * Each id counts once, across logs and processes. The default for `at` is now. The promise resolves once they are on disk,
   * safe even from power loss. After a rejection, events with an id can be sent again safely.
   *
   * @throws invalid, not_found, ambiguous, conflict (a key was deleted meanwhile), busy, disk_full
   */
  readonly ingest: (events: readonly unknown[]) => Promise<UsageReceipt>
  /** Writes everything that waits. */
  readonly flush: () => Promise<void>
  /** Writes everything that waits and accepts nothing more. Rejects if something could not be written. */
  readonly close: () => Promise<void>
}
