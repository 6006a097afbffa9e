/**
 * What an engine answers and is told, as plain data: rules judge it and know no engine, engines keep it and judge
 * nothing. Times are UTC milliseconds, money is micro-dollars.
 */
import type { LimitPeriod, LimitSubject, Metric } from '../contract/views.ts'

/** A key and whom it belongs to; JSON and times as they are stored. */
interface KeyColumns {
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
  readonly userDisabledUntil: number | null
  readonly slug: string | null
  readonly projectArchivedAt: number | null
}

export interface LimitOfKey {
  readonly keyId: string
  readonly metric: Metric
  readonly amount: number
  readonly period: LimitPeriod
  readonly windowMs: number
  readonly timeZone: string
  readonly models: string
  readonly each: number
}

/** A key by its id, or by the SHA-256 of one of its secrets in lower-case hex. */
export type KeyBy = { readonly id: string } | { readonly hash: string }

/** A key, and the secret that was asked about. */
export interface FoundKey extends ListedKey {
  /** When the secret that was asked about stops working; null of the current one. */
  readonly endsAt: number | null
  /** That owns its project. */
  readonly organizationId: string | null
  readonly organizationSlug: string | null
}

/** What is stored about a key at a moment. */
export interface KeyFacts extends FoundKey {
  /**
   * Of the key, then of its user, of its project, of the organization that owns that, and of the teams there that the user is
   * in; those of the user alone are among those of the project or organization.
   */
  readonly bound: readonly BoundLimit[]
  /** What counts against each of them; null if the key is refused anyway. */
  readonly limits: readonly LimitFacts[] | null
  /** False if what the end user uses cannot be counted for them: they are new, and the key has the most it may have. */
  readonly hasRoom: boolean
}

/** Whether a key is refused whatever counts against its limits, so that nothing need be added up. Awaits nothing. */
export type Refuses = (found: FoundKey) => boolean

/** Since when facts are asked for, how far ahead the clocks of others may be, and for whom. */
export interface Moment {
  readonly at: number
  /** What is dated up to so many milliseconds later counts; in the past, of reservations alone. */
  readonly toleranceMs: number
  /** Whether it is over: what was used later is known by now, and does not count. */
  readonly isPast: boolean
  /** Whom limits for each end user are asked for; empty for those who are not named. */
  readonly endUser: string
}

export interface StoredLimit {
  readonly id: string
  readonly metric: Metric
  readonly amount: number
  readonly period: LimitPeriod
  /** 0 unless it rolls. */
  readonly windowMs: number
  /** Empty unless it is a day, week or month. */
  readonly timeZone: string
  /** A pattern; empty for all models. */
  readonly models: string
  /** 1 when it binds each end user for themselves. */
  readonly each: number
  /** The one user that it binds there; null for all. */
  readonly memberId: string | null
  readonly resetAt: number | null
  readonly resetMinute: number
  readonly resetHour: number
  readonly resetDay: number
}

/** A limit, and whom it binds. */
export interface BoundLimit {
  readonly subject: LimitSubject
  readonly limit: StoredLimit
}

/** Whether it binds each end user for themselves. */
export const isForEach = ({ limit }: BoundLimit): boolean => limit.each === 1

/** With what of its metric is stored inside its window. */
export interface LimitFacts extends BoundLimit {
  /** The sum of all buckets that lie at least partly inside the window, less what they held before a reset. */
  readonly booked: number
  /** The sum of all reservations that are neither settled nor out of time. */
  readonly reserved: number
}

/** What the minute, hour and day under way hold of what a limit counts, with what clocks that are ahead have dated later. */
export interface Held {
  readonly resetMinute: number
  readonly resetHour: number
  readonly resetDay: number
}

/** When a limit has room again, and what counts against it then. */
export interface Freed {
  readonly at: number
  readonly used: number
}

export const tokenNames = [
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
  'otherTokens',
] as const

/** What callers say that a request used, beside its cost. */
export const toldNames = ['requests', ...tokenNames] as const

/** What is counted, in the order of the columns. */
export const counterNames = [...toldNames, 'costMicros', 'unpricedRequests'] as const

/** Cached and cache-write tokens are part of the input, reasoning tokens of the output. */
export type UsageCounts = { readonly [C in (typeof counterNames)[number]]: number }

export const noCounts: UsageCounts = {
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  otherTokens: 0,
  costMicros: 0,
  unpricedRequests: 0,
}

/** The sum of two sets of counts. */
export const addCounts = (a: UsageCounts, b: UsageCounts): UsageCounts => ({
  requests: a.requests + b.requests,
  inputTokens: a.inputTokens + b.inputTokens,
  cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
  cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  otherTokens: a.otherTokens + b.otherTokens,
  costMicros: a.costMicros + b.costMicros,
  unpricedRequests: a.unpricedRequests + b.unpricedRequests,
})

/** Those that were split and those that were not. */
export const tokensOf = (counts: Pick<UsageCounts, 'inputTokens' | 'outputTokens' | 'otherTokens'>): number =>
  counts.inputTokens + counts.outputTokens + counts.otherTokens

/** What one request used. */
export interface Usage {
  /** Empty for none. */
  readonly model: string
  readonly at: number
  /** Whom the request was for; empty for nobody in particular. */
  readonly endUser: string
  /** Its cost is set by the price of the model if `isPriced` is false. */
  readonly counts: UsageCounts
  /** Whether it told its cost. */
  readonly isPriced: boolean
}

/** The counts of usage with its cost, by the prices in force if it tells none. Awaits nothing. */
export type Pricing = (usage: Usage, prices: readonly PriceRow[]) => UsageCounts

export interface PriceRow {
  readonly model: string
  readonly startsAt: number
  /** Of requests with more input tokens. */
  readonly overTokens: number
  readonly inputMicros: number
  /** Null: as other input. */
  readonly cachedInputMicros: number | null
  readonly cacheWriteMicros: number | null
  readonly outputMicros: number
  readonly source: string
}

/** What became of usage; without room for it, it was not counted. */
export interface Charged {
  /** Name of the key. */
  readonly name: string
  readonly counts: UsageCounts
  /** Whom it was counted for besides the key; empty without an end user, or room for them. */
  readonly endUser: string
  /** What there would be too much of; null when it was counted. */
  readonly overflow: Overflow | null
}

export type Overflow = 'requests' | 'tokens' | 'dollars'

/** What a key can be charged in its life: what a number of JSON holds exactly. A total past it would stop whatever adds up. */
const mostCounted = Number.MAX_SAFE_INTEGER

/** What there would be too much of; null when there is room. */
export function overflowOf(totals: UsageCounts, counts: UsageCounts): Overflow | null {
  if (totals.requests + counts.requests > mostCounted) return 'requests'
  if (tokensOf(totals) + tokensOf(counts) > mostCounted) return 'tokens'
  return totals.costMicros + counts.costMicros > mostCounted ? 'dollars' : null
}

/** Of more, the life of a key is summed before it is counted. It takes two million times as much to fill it unnoticed. */
export const plenty = 2 ** 32

/** Whether counts are so large that the life of a key might not have room for them. */
export const isHuge = ({
  requests,
  inputTokens,
  outputTokens,
  otherTokens,
  costMicros,
}: UsageCounts): boolean =>
  requests > plenty ||
  inputTokens > plenty ||
  outputTokens > plenty ||
  otherTokens > plenty ||
  costMicros > plenty

/** What is counted for one key. */
export interface Entry {
  /** The same id counts once, whoever tells of it; null counts always. */
  readonly id: string | null
  readonly keyId: string
  readonly endUser: string
  /** The sum of its buckets. */
  readonly counts: UsageCounts
  readonly buckets: readonly Bucket[]
}

/** What was used of a model within the minute of `at`, which is the last use in it. */
export interface Bucket {
  readonly at: number
  readonly model: string
  readonly counts: UsageCounts
}

/**
 * How many entries of a group were new, and how many end users their keys had no room for; or the first for which there is no
 * key, or no room, or which a log holds that is not sealed yet, and then none was counted.
 */
export type Entered =
  | { readonly counted: number; readonly endUsersLeftOut: number }
  | { readonly refused: number; readonly full: Full | null }
  | { readonly held: number }

/** A key that has no room for some usage. */
export interface Full {
  readonly name: string
  readonly overflow: Overflow
}

export interface ReservationRow {
  readonly id: string
  readonly keyId: string
  readonly endUser: string
  /** That the request asks for; empty for none. */
  readonly model: string
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

/** Which messages. What is left out holds for all. */
export interface MessageSearch {
  /** All of them stand in the message. */
  readonly words: readonly SoughtWords[]
  readonly chatId?: string | undefined
  readonly userId?: string | undefined
  readonly projectId?: string | undefined
  /** Only those that came before the one with this number. */
  readonly before?: number | undefined
  readonly limit: number
}

/** One word, or several that follow each other. Case and accents do not matter. */
export interface SoughtWords {
  readonly text: string
  /** Whether the last word may go on. */
  readonly isStart: boolean
}
