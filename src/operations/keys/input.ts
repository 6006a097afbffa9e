/** Inputs of the operations on keys. */
import * as v from 'valibot'
import { keySorts, keyStatuses } from '../../contract/views/words.ts'
import type { IssuedKey, KeySort, KeyStatus } from '../../contract/views.ts'
import { type CreateOptions, keySelector } from '../input.ts'
import { limitNames, limits, type Wanted } from '../limits/input.ts'
import * as rules from '../rules/input.ts'

const dayMs = 86_400_000

export const newKey = v.object({
  /** Unique, regardless of case. */
  name: rules.newKeyName,
  /** A user. */
  user: v.optional(v.string()),
  /** A project; its key prefix is used. */
  project: v.optional(v.string()),
  /** Replaces the model that a request asks for. */
  model: v.optional(rules.modelName),
  /** Names, or patterns with `*`; default any. */
  allowedModels: v.optional(rules.listOf(rules.modelName)),
  /** What it may do, such as `chat` or `files:*`; default nothing that needs a scope. */
  scopes: v.optional(rules.listOf(rules.scopeName), []),
  /** Its own limits. Those of what it belongs to apply too. */
  limits: v.optional(limits, []),
  /** When it stops working; default never. */
  expiresAt: v.optional(rules.instant),
  /** Any JSON. */
  metadata: v.optional(rules.metadata),
})
export type NewKey = rules.Input<typeof newKey>

/** What to do with new secrets. */
export interface Delivery {
  /**
   * Called with the new secrets before anything is stored, for example to write them to a file. If it throws, nothing is
   * stored. Not called in a dry run.
   */
  readonly deliver?: ((issued: readonly IssuedKey[]) => Promise<void>) | undefined
}

export interface NewKeyOptions extends Delivery, CreateOptions {}

export const keyChanges = v.object({
  /** Unique, regardless of case. */
  name: v.optional(rules.newKeyName),
  /** A user. */
  user: rules.clearable(v.string()),
  /** A project. */
  project: rules.clearable(v.string()),
  /** Replaces the model that a request asks for. */
  model: rules.clearable(rules.modelName),
  /** Names, or patterns with `*`; null: any. */
  allowedModels: rules.clearable(rules.listOf(rules.modelName)),
  /** What it may do, such as `chat` or `files:*`; null: nothing that needs a scope. */
  scopes: rules.clearable(rules.listOf(rules.scopeName)),
  /** When it stops working; null: never. */
  expiresAt: rules.clearable(rules.instant),
  /** Its own limits: each is added, or changes the amount of the one with the same metric and window. */
  limits: v.optional(limits),
  /** Limits to remove, if they exist: one window, or all of a metric. */
  removeLimits: v.optional(limitNames),
  /** Any JSON. */
  metadata: rules.clearable(rules.metadata),
})
/** Left out: unchanged. Null: cleared. */
export type KeyChanges = rules.Input<typeof keyChanges>

const status: rules.Rule<KeyStatus> = rules.among(keyStatuses)

const percent: rules.Rule<number> = v.pipe(
  v.number('must be a number'),
  v.minValue(0, 'must not be negative'),
  v.finite('must be finite'),
)

export const keyFilter = v.object({
  /** Keys with this status. */
  status: v.optional(status),
  /** Keys of this user. */
  user: v.optional(v.string()),
  /** Keys of this project. */
  project: v.optional(v.string()),
  /** Keys of projects that this organization owns. */
  org: v.optional(v.string()),
  /** Keys whose scopes grant this one, as `verify` decides. */
  scope: v.optional(rules.scopeName),
  /** Keys that can be used with this model: it is their own model, or they have none and it is allowed. */
  model: v.optional(rules.modelName),
  /** Active or disabled keys that expire within this many milliseconds. */
  expiresWithinMs: v.optional(rules.count),
  /** Keys last used at least this many milliseconds ago; if never used, created then. */
  unusedForMs: v.optional(rules.count),
  /** Keys that have used at least this percentage of one of their own limits. */
  overPercent: v.optional(percent),
  /** Part of a name. */
  search: v.optional(v.string()),
})
/** All given conditions must hold. */
export type KeyFilter = rules.Input<typeof keyFilter>

const sort: rules.Rule<KeySort> = rules.among(keySorts)

export const paging = v.object({
  /** Default: by creation. "Never" comes last in both directions. */
  sort: v.optional(sort),
  /** Default: descending for amounts, ascending for everything else. */
  descending: v.optional(v.boolean()),
  /** At most this many. */
  limit: v.optional(rules.pageSize),
  /** Only keys after this one in the given order. Keys created or deleted meanwhile do not shift pages. */
  after: v.optional(keySelector),
})
export type KeyPage = KeyFilter & rules.Input<typeof paging>

export const revokeOptions = v.object({
  /** Why; stored with the key and in the audit log. */
  reason: v.optional(rules.reason),
})
export type RevokeOptions = rules.Input<typeof revokeOptions>

const verb: rules.Rule<BulkChange['verb']> = rules.among(['revoke', 'disable', 'enable', 'delete', 'update'])

/** Of every change of many keys; what else it takes is checked by its verb. */
export const bulkChange = v.object({
  /** What is done to each of them. */
  verb,
})

export type BulkChange =
  | ({ readonly verb: 'revoke' } & RevokeOptions)
  | { readonly verb: 'disable' | 'enable' | 'delete' }
  /** Everything except the name, which is unique. */
  | { readonly verb: 'update'; readonly changes: Omit<KeyChanges, 'name'> }

export const expectation = v.object({
  /** How many keys must match. */
  count: v.optional(rules.count),
  /** Exactly these keys, in any order. */
  ids: v.optional(rules.listOf(v.string())),
})
/** What the caller expects to match. Anything else is a conflict, and nothing changes. */
export type Expectation = rules.Input<typeof expectation>

const grace: rules.Rule<number> = v.pipe(
  v.number('must be a number of milliseconds'),
  v.check(ms => Number.isInteger(ms) && ms >= 0 && ms <= 366 * dayMs, 'must be from 0 to 366 days'),
)

export const rotateOptions = v.object({
  /** The grace period of the old secrets, in milliseconds; default 0. */
  graceMs: v.optional(grace, 0),
  /**
   * The caller's own name for this rotation, unique for the key. If it is used again, nothing is rotated and the answer is
   * the same, without the secret.
   */
  requestId: v.optional(rules.requestId),
})
export interface RotateOptions extends Delivery, rules.Input<typeof rotateOptions> {}

/** Checked by `verify` itself, which gateways call for every request. */
export interface VerifyOptions {
  /** The model that the request asks for. */
  readonly model?: string | undefined
  /** The scope that the request needs. */
  readonly scope?: string | undefined
  /** Whom the request is for: limits for each end user bind only requests that name one. */
  readonly endUser?: string | undefined
  /** How much the request will use, if known. A limit with less left denies it. */
  readonly wanted?: Wanted | undefined
  /** The time to answer for; default now. */
  readonly at?: Date | undefined
}

const days: rules.Rule<number> = v.pipe(
  v.number('must be a number'),
  v.check(n => Number.isInteger(n) && n >= 1 && n <= 366, 'must be from 1 to 366'),
)

export const statsOptions = v.object({
  /** The time to answer for; default now. */
  at: v.optional(rules.instant),
  /** Days in the series, including that of `at`; default 14. */
  days: v.optional(days, 14),
  /** IANA time zone in which days begin; default UTC. */
  timeZone: v.optional(rules.timeZone, 'UTC'),
})
export type StatsOptions = rules.Input<typeof statsOptions>

export const activityOptions = v.object({
  /** Days, including today; default 14. */
  days: v.optional(days, 14),
  /** IANA time zone in which days begin; default UTC. */
  timeZone: v.optional(rules.timeZone, 'UTC'),
})
export type ActivityOptions = rules.Input<typeof activityOptions>

export const keyImportOptions = v.object({
  /** Import the good rows even if others are bad; by default none is imported then. */
  skipBad: v.optional(v.boolean(), false),
})
export type KeyImportOptions = rules.Input<typeof keyImportOptions>
