/** What operations on usage take, and the recorder that takes it for as long as a gateway runs. */
import * as v from 'valibot'
import type { ReportGroup, ReportOrder, UsageReceipt } from '../../contract/views.ts'
import type { RowSource } from '../../formats/rows.ts'
import type { KeySelector } from '../input.ts'
import * as rules from '../rules/input.ts'

export const usageInput = v.object({
  /** The model that answered. */
  model: v.optional(rules.modelName),
  /** Default 1. */
  requests: v.optional(rules.count),
  /** Tokens of the request; default 0. */
  inputTokens: v.optional(rules.count),
  /** Tokens of the answer; default 0. */
  outputTokens: v.optional(rules.count),
  /** Dollars, kept to the millionth; left out: by the price of the model, if it has one. */
  costUsd: v.optional(rules.dollars),
  /** When the request was made; default now, and up to five minutes ahead is taken for now. */
  at: v.optional(rules.instant),
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
  /** Most that the request will use. */
  tokens: v.optional(rules.count, 0),
  /** Default 1. */
  requests: v.optional(rules.count, 1),
  /** Dollars. */
  usd: v.optional(rules.dollars, 0),
  /** The model that the request asks for. */
  model: v.optional(v.string()),
  /** What the request needs the key to be allowed to do. */
  scope: v.optional(v.string()),
  /** Milliseconds until it no longer counts if it is neither settled nor released; default 10 minutes. */
  timeoutMs: v.optional(timeout, 600_000),
})
export type ReserveOptions = rules.Input<typeof reserveOptions>

export const newPrice = v.object({
  /** Dollars per million tokens of requests. */
  inputUsd: rules.dollars,
  /** Dollars per million tokens of answers. */
  outputUsd: rules.dollars,
  /** Since when it holds. Default: always for the first price of a model, now for the next ones. */
  from: v.optional(rules.instant),
})
export type NewPrice = rules.Input<typeof newPrice>

export interface PriceFilter {
  /** Prices of this model. */
  readonly model?: string | undefined
}

export interface RemovePrices {
  /** Only the price that begins then; left out: all of the model. */
  readonly from?: Date | undefined
}

export const compactOptions = v.object({
  /** How long use is kept by the minute, in milliseconds; default 7 days, at least 1 hour. */
  minutesForMs: v.optional(rules.count, 7 * dayMs),
  /** How long use is kept by the hour; default 400 days, which is longer than the longest window of a limit. */
  hoursForMs: v.optional(rules.count, 400 * dayMs),
})
export type CompactOptions = rules.Input<typeof compactOptions>

/** A log; packed when its name ends in .gz or .zst. */
export interface IngestOptions extends RowSource {
  /** Count the good lines of a log that has bad ones. */
  readonly skipBad?: boolean | undefined
}

export interface CheckOptions {
  /** Set the totals to what was recorded. */
  readonly repair?: boolean | undefined
}

export interface ReportOptions {
  /** At most two of key, user, project and model, and one of hour, day, week and month; none is one row with the sum of all. */
  readonly by?: readonly ReportGroup[] | undefined
  /** First moment that counts; a bucket that holds it counts whole. */
  readonly since?: Date | undefined
  /** First moment that no longer counts. */
  readonly until?: Date | undefined
  /** Only this key. */
  readonly key?: KeySelector | undefined
  /** Only keys of this user. */
  readonly user?: string | undefined
  /** Only keys of this project. */
  readonly project?: string | undefined
  /** Only this model. */
  readonly model?: string | undefined
  /** IANA name; where hours, days, weeks (ISO 8601: from Monday) and months begin. Default UTC. */
  readonly timeZone?: string | undefined
  /**
   * Rows for periods in which nothing was used, from `since` to `until` (or now), or else from the first to the last
   * use; of two groups, for every one that occurs. Default: when grouped by a time alone.
   */
  readonly fill?: boolean | undefined
  /** Only the largest groups: with a time and another, the largest of the other; with a time alone, periods. */
  readonly top?: number | undefined
  /** What is largest; default tokens. */
  readonly sort?: ReportOrder | undefined
}

export interface RecorderOptions {
  /** Longest that a request waits, in milliseconds; default 1,000. */
  readonly flushEvery?: number | undefined
  /** Flushes as soon as so many requests wait; default 1,000. */
  readonly maxPending?: number | undefined
  /**
   * Longest that a flush tries again while another process holds the database, in milliseconds; default 60,000. A
   * backup, an ingest or a migration may hold it for longer than one write waits.
   */
  readonly patience?: number | undefined
}

export interface Recorder extends AsyncDisposable {
  /** Requests that wait. */
  readonly pending: number
  /**
   * Takes what a request used. The promise resolves when it is on disk, power loss included; it rejects when it was
   * not counted, and then never will be.
   *
   * @param keyId the whole id, as in a verdict
   */
  readonly record: (keyId: string, usage: UsageInput) => Promise<void>
  /**
   * Takes events as logs hold them, `{id?, key, model?, requests?, inputTokens?, outputTokens?, costUsd?, at?}`: all of
   * them or none, and each id once, whoever tells of it, a log or another process. Without `at` it was now. The promise
   * resolves when they are on disk, power loss included; sending the same again after it was rejected is safe for
   * events with an id.
   *
   * @throws invalid, not_found, ambiguous; conflict when a key was deleted meanwhile; busy, disk_full
   */
  readonly ingest: (events: readonly unknown[]) => Promise<UsageReceipt>
  /** Writes what waits now. */
  readonly flush: () => Promise<void>
  /** Writes what waits and takes nothing more. Rejects when something could not be written. */
  readonly close: () => Promise<void>
}
