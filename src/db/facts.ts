/**
 * What an engine answers and is told, as plain data: rules judge it and know no engine, engines keep it and judge
 * nothing. Times are UTC milliseconds, money is micro-dollars.
 */
import type { LimitSubject, Metric } from '../contract/views.ts'

/** A key and whom it belongs to; JSON and times as they are stored. */
export interface KeyColumns {
  readonly id: string
  readonly name: string
  readonly ownerId: string | null
  readonly projectId: string | null
  readonly model: string | null
  readonly allowedModels: string | null
  readonly scopes: string
  readonly metadata: string | null
  readonly expiresAt: number | null
  readonly disabledAt: number | null
  readonly revokedAt: number | null
  readonly revokedReason: string | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly lastUsedAt: number | null
}

/** With what a listing shows besides: names, and how its current secret begins. */
export interface ListedKey extends KeyColumns {
  readonly start: string | null
  readonly username: string | null
  readonly userDisabledAt: number | null
  readonly slug: string | null
  readonly projectArchivedAt: number | null
}

export interface LimitOfKey {
  readonly keyId: string
  readonly metric: Metric
  readonly amount: number
  readonly windowMs: number
}

/** A key by its id, or by the SHA-256 of one of its secrets in lower-case hex. */
export type KeyBy = { readonly id: string } | { readonly hash: string }

/** A key, and the secret that was asked about. */
interface FoundKey extends ListedKey {
  /** When the secret that was asked about stops working; null of the current one. */
  readonly endsAt: number | null
}

/** What is stored about a key at a moment. */
export interface KeyFacts extends FoundKey {
  /** Of the key, then of its user, then of its project. */
  readonly bound: readonly BoundLimit[]
  /** What counts against each of them; null if the key is refused anyway. */
  readonly limits: readonly LimitFacts[] | null
}

/** Whether a key is refused whatever counts against its limits, so that nothing need be added up. Awaits nothing. */
export type Refuses = (found: FoundKey) => boolean

/** Since when facts are asked for, and how far ahead the clocks of others may be. */
export interface Moment {
  readonly at: number
  /** A reservation that is dated up to so many milliseconds later counts. */
  readonly toleranceMs: number
}

export interface StoredLimit {
  readonly id: string
  readonly metric: Metric
  readonly amount: number
  readonly windowMs: number
  readonly resetAt: number | null
  readonly resetUsed: number
}

/** A limit, and whom it binds. */
export interface BoundLimit {
  readonly subject: LimitSubject
  readonly limit: StoredLimit
}

/** With what of its metric is stored inside its window. */
export interface LimitFacts extends BoundLimit {
  /** The sum of all buckets that lie at least partly inside the window; those under way at a reset whole. */
  readonly booked: number
  /** What of that is in buckets that were under way at the reset. 0 where the reset has nothing to forgive. */
  readonly underWay: number
  /** The sum of all reservations that are neither settled nor out of time. */
  readonly reserved: number
}

/** What a limit sums at a moment: buckets that end after `from`; `reset` is the reset inside that has something to forgive. */
export interface Window {
  readonly from: number
  readonly reset: number | null
}

/** The one definition of a limit's window, for every engine. */
export function windowAt({ windowMs, resetAt, resetUsed }: StoredLimit, at: number): Window {
  const reset = resetAt !== null && resetAt <= at ? resetAt : null
  return {
    from: reset === null ? at - windowMs : Math.max(at - windowMs, reset),
    reset: resetUsed > 0 ? reset : null,
  }
}

/** Part of what counts against a limit. */
export interface Piece {
  /** From when on it no longer counts. */
  readonly at: number
  readonly amount: number
  /** `under way`: in a bucket that was, at the reset. */
  readonly kind: 'booked' | 'under way' | 'reserved'
}

/** A limit, and its pieces in the order in which they stop counting. */
export interface Freeing {
  readonly facts: LimitFacts
  readonly pieces: Iterable<Piece>
}

export interface UsageCounts {
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costMicros: number
}

/** What one request used. */
export interface Usage {
  /** Empty for none. */
  readonly model: string
  readonly at: number
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Undefined: by the price of the model. */
  readonly costMicros: number | undefined
}

/** What usage that tells no cost has cost, by the prices in force. Awaits nothing. */
export type Pricing = (usage: Omit<Usage, 'requests' | 'costMicros'>, prices: readonly PriceRow[]) => number

export interface PriceRow {
  readonly model: string
  readonly startsAt: number
  readonly inputMicros: number
  readonly outputMicros: number
}

/** What became of usage; without room for it, it was not counted. */
export interface Charged {
  /** As they were before. */
  readonly totals: RunningTotals
  readonly counts: UsageCounts
  readonly isCounted: boolean
}

/** All that a key ever used, and its name. */
export interface RunningTotals {
  readonly name: string
  readonly requests: number
  readonly tokens: number
  readonly costMicros: number
}

/** What a key can be charged in its life: what a number of JSON holds exactly. A total past it would stop whatever adds up. */
const mostCounted = Number.MAX_SAFE_INTEGER

/** What there would be too much of; null when there is room. */
export function overflowOf(
  totals: RunningTotals,
  counts: UsageCounts,
): 'requests' | 'tokens' | 'dollars' | null {
  const { requests, inputTokens, outputTokens, costMicros } = counts
  if (totals.requests + requests > mostCounted) return 'requests'
  if (totals.tokens + inputTokens + outputTokens > mostCounted) return 'tokens'
  return totals.costMicros + costMicros > mostCounted ? 'dollars' : null
}

/** The totals with some more. */
export const addTo = (totals: RunningTotals, counts: UsageCounts): RunningTotals => ({
  name: totals.name,
  requests: totals.requests + counts.requests,
  tokens: totals.tokens + counts.inputTokens + counts.outputTokens,
  costMicros: totals.costMicros + counts.costMicros,
})

/** What is counted for one key. */
export interface Entry {
  /** The same id counts once, whoever tells of it; null counts always. */
  readonly id: string | null
  readonly keyId: string
  /** The latest of its buckets. */
  readonly at: number
  /** The sum of its buckets. */
  readonly counts: UsageCounts
  readonly buckets: readonly Bucket[]
}

/** What was used of a model within the minute of `at`. */
export interface Bucket {
  readonly at: number
  readonly model: string
  readonly counts: UsageCounts
}

/** How many entries of a group were new; or the first for which there is no key, or no room, and then none was counted. */
export type Entered =
  | { readonly counted: number }
  | { readonly refused: number; readonly totals: RunningTotals | null }

export interface ReservationRow {
  readonly id: string
  readonly keyId: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly requests: number
  readonly tokens: number
  readonly costMicros: number
}

export interface DenialRow {
  readonly keyId: string
  readonly start: number
  readonly code: string
  readonly count: number
  readonly lastAt: number
}
