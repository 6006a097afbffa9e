/** What operations on keys take. */
import * as v from 'valibot'
import { keySorts, keyStatuses } from '../../contract/views/words.ts'
import type { IssuedKey, KeySort, KeyStatus } from '../../contract/views.ts'
import type { CreateOptions, KeySelector } from '../input.ts'
import { limitNames, limits, type Wanted } from '../limits/input.ts'
import * as rules from '../rules/input.ts'

export const newKey = v.object({
  /** Unique, whatever its case. */
  name: rules.newKeyName,
  /** A user. */
  user: v.optional(v.string()),
  /** A project; its key prefix is used. */
  project: v.optional(v.string()),
  /** Replaces whatever model a request asks for. */
  model: v.optional(rules.modelName),
  /** Names, or patterns with `*`; left out: any. */
  allowedModels: v.optional(rules.listOf(rules.modelName)),
  /** What it may do, such as `chat` or `files:*`; left out: nothing that asks for a scope. */
  scopes: v.optional(rules.listOf(rules.scopeName), []),
  /** Of its own; those of its user and project bind it as well. */
  limits: v.optional(limits, []),
  /** When it stops working; left out: never. */
  expiresAt: v.optional(rules.instant),
  /** Any JSON. */
  metadata: v.optional(rules.metadata),
})
export type NewKey = rules.Input<typeof newKey>

/** What else is to happen while secrets are made. */
export interface Delivery {
  /**
   * Is given the new secrets before anything is kept: if it throws, nothing is. For a file that holds them, say. Not
   * called in a dry run.
   */
  readonly deliver?: ((issued: readonly IssuedKey[]) => Promise<void>) | undefined
}

export interface NewKeyOptions extends Delivery, CreateOptions {}

export const keyChanges = v.object({
  /** Unique, whatever its case. */
  name: v.optional(rules.newKeyName),
  /** A user. */
  user: rules.clearable(v.string()),
  /** A project. */
  project: rules.clearable(v.string()),
  /** Replaces whatever model a request asks for. */
  model: rules.clearable(rules.modelName),
  /** Names, or patterns with `*`; null: any. */
  allowedModels: rules.clearable(rules.listOf(rules.modelName)),
  /** What it may do, such as `chat` or `files:*`; null: nothing that asks for a scope. */
  scopes: rules.clearable(rules.listOf(rules.scopeName)),
  /** When it stops working; null: never. */
  expiresAt: rules.clearable(rules.instant),
  /** Limits of its own: each is added, or changes the amount of the one with its metric and window. */
  limits: v.optional(limits),
  /** Limits to remove, where they are there: one window, or all of a metric. */
  removeLimits: v.optional(limitNames),
  /** Any JSON. */
  metadata: rules.clearable(rules.metadata),
})
/** Left out: unchanged. Null: cleared. */
export type KeyChanges = rules.Input<typeof keyChanges>

const status: rules.Rule<KeyStatus> = v.picklist(keyStatuses, `must be one of ${keyStatuses.join(', ')}`)

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
  /** Keys whose scopes grant this one, as `verify` decides. */
  scope: v.optional(rules.scopeName),
  /** Keys that a request can reach this model with: their override, or allowed for want of one. */
  model: v.optional(rules.modelName),
  /** Active or disabled keys whose expiry lies at most so many milliseconds ahead. */
  expiresWithinMs: v.optional(rules.count),
  /** Keys that were last used, or for want of a use created, at least so many milliseconds ago. */
  unusedForMs: v.optional(rules.count),
  /** Keys of which at least one limit of their own is used up to this percentage or beyond. */
  overPercent: v.optional(percent),
  /** Part of a name. */
  search: v.optional(v.string()),
})
/** Every condition that is given must hold. */
export type KeyFilter = rules.Input<typeof keyFilter>

const sort: rules.Rule<KeySort> = v.picklist(keySorts, `must be one of ${keySorts.join(', ')}`)

const pageSize: rules.Rule<number> = v.pipe(rules.count, v.minValue(1, 'must be at least 1'))

/** A selector, which is judged where it is looked for. */
const selector = v.custom<KeySelector>(() => true)

export const paging = v.object({
  /** Default: the order in which they were made here. What is never comes last, in both directions. */
  sort: v.optional(sort),
  /** Default: amounts descend, all else ascends. */
  descending: v.optional(v.boolean()),
  /** At most this many. */
  limit: v.optional(pageSize),
  /** Only what comes after this key in the order asked for; keys made or erased meanwhile move no page. */
  after: v.optional(selector),
})
export type KeyPage = KeyFilter & rules.Input<typeof paging>

export const revokeOptions = v.object({
  /** Why; kept with the key and in the audit trail. */
  reason: v.optional(rules.reason),
})
export type RevokeOptions = rules.Input<typeof revokeOptions>

export type BulkChange =
  | ({ readonly verb: 'revoke' } & RevokeOptions)
  | { readonly verb: 'disable' | 'enable' | 'delete' }
  /** Everything but the name, which is unique. */
  | { readonly verb: 'update'; readonly changes: Omit<KeyChanges, 'name'> }

/** What the caller takes to be matched; anything else is a conflict, and nothing changes. */
export interface Expectation {
  /** How many keys must fit. */
  readonly count?: number | undefined
  /** Exactly these keys, in any order. */
  readonly ids?: readonly string[] | undefined
}

export interface RotateOptions extends Delivery {
  /** How long the old secrets go on working, in milliseconds; default 0. */
  readonly graceMs?: number | undefined
  /**
   * The caller's own name for this rotation, unique for the key. Asked again under the same name, nothing is rotated:
   * the answer is the same, without the secret.
   */
  readonly requestId?: string | undefined
}

export interface VerifyOptions {
  /** The model that the request asks for. */
  readonly model?: string | undefined
  /** What the request needs the key to be allowed to do. */
  readonly scope?: string | undefined
  /** How much the request will use, as far as it is known; a limit with less left denies it. */
  readonly wanted?: Wanted | undefined
  /** As if it were then; default now. */
  readonly at?: Date | undefined
}

export interface StatsOptions {
  /** As if it were then; default now. */
  readonly at?: Date | undefined
  /** Days in the series, the one of `at` included; default 14. */
  readonly days?: number | undefined
  /** IANA name; where days begin. Default UTC. */
  readonly timeZone?: string | undefined
}

export interface ActivityOptions {
  /** Days, the one of now included; default 14. */
  readonly days?: number | undefined
  /** IANA name; where days begin. Default UTC. */
  readonly timeZone?: string | undefined
}

export interface KeyImportOptions {
  /** Import the good rows when others are bad; default: none at all. */
  readonly skipBad?: boolean | undefined
}
