/**
 * The last state of a user, project or key in its source. It tells changes in the source from changes made here, and
 * keeps usage from being counted twice.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { limitPeriods, metrics, roles } from '../../contract/views/words.ts'
import type { ForeignCounts, ForeignKey } from '../../formats/foreign-data.ts'

const counts = { tokens: v.number(), requests: v.number(), costMicros: v.number() }
const windows = v.array(v.object({ start: v.number(), model: v.string(), ...counts }))

export const keyState = v.object({
  name: v.nullable(v.string()),
  model: v.nullable(v.string()),
  tokenLimit: v.nullable(v.number()),
  /** Id of the owner in the source. */
  userId: v.optional(v.nullable(v.string()), null),
  revokedAt: v.optional(v.nullable(v.number()), null),
  expiresAt: v.nullable(v.number()),
  createdAt: v.nullable(v.number()),
  lastUsedAt: v.nullable(v.number()),
  /** What this source added to all that the key used. */
  counted: v.object({
    ...counts,
    /** How many of the tokens are known to be input and output. */
    inputTokens: v.optional(v.number(), 0),
    outputTokens: v.optional(v.number(), 0),
  }),
  /** Every window seen so far, by start, with the model its usage was recorded under. */
  windows,
  more: v.optional(
    v.object({
      enabled: v.boolean(),
      scopes: v.array(v.string()),
      metadata: v.optional(v.unknown()),
      limits: v.array(
        v.object({
          metric: v.picklist(metrics),
          period: v.picklist(limitPeriods),
          windowMs: v.nullable(v.number()),
          amount: v.number(),
        }),
      ),
    }),
  ),
})

export const userState = v.object({
  username: v.string(),
  email: v.nullable(v.string()),
  name: v.nullable(v.string()),
  /** SHA-256 of the password's hash, to notice changes. */
  password: v.nullable(v.string()),
  /** Whether the user existed before, with the same username or email address. Imports never change it then. */
  linked: v.boolean(),
  more: v.optional(
    v.object({
      emailVerified: v.boolean(),
      image: v.nullable(v.string()),
      role: v.picklist(roles),
      banned: v.boolean(),
      disabledReason: v.nullable(v.string()),
      disabledUntil: v.nullable(v.number()),
    }),
  ),
})

export const projectState = v.object({ name: v.string(), slug: v.string(), ownerId: v.string() })

/** By how much the buckets of a key, and all that it used, change. Tokens include those of `split`. */
export const usageMove = v.object({
  windows,
  total: v.object(counts),
  split: v.object({ inputTokens: v.number(), outputTokens: v.number() }),
})

export type KeyState = v.InferOutput<typeof keyState>
export type UserState = v.InferOutput<typeof userState>
export type UsageMove = v.InferOutput<typeof usageMove>
export type BookedWindow = UsageMove['windows'][number]

/** @throws corrupt */
export function read<S extends v.GenericSchema>(schema: S, stored: unknown, id: string): v.InferOutput<S> {
  const result = v.safeParse(schema, stored)
  if (result.success) return result.output
  throw new LatchkeyError(
    'corrupt',
    `the stored import state of ${id} is damaged`,
    'look for other damage with: latchkey migrate check, and go back to a good copy with: latchkey restore --latest',
  )
}

export const noCounts: ForeignCounts = { tokens: 0, requests: 0, costMicros: 0 }
const noSplit: UsageMove['split'] = { inputTokens: 0, outputTokens: 0 }

/**
 * Compares the usage a source reports with what it reported before (null: nothing). A window that the source has dropped
 * stays counted; so does everything if the source has no lifetime count.
 */
export function mergeUsage(
  previous: KeyState | null,
  key: Omit<ForeignKey, 'credential'>,
): { readonly state: KeyState; readonly move: UsageMove } {
  const booked = new Map(previous?.windows.map(window => [window.start, window]))
  const moved: BookedWindow[] = []
  for (const window of key.windows) {
    const old = booked.get(window.start) ?? { ...noCounts, model: key.model ?? '' }
    const change = subtract(window, old)
    if (!isNothing(change)) moved.push({ start: window.start, model: old.model, ...change })
    booked.set(window.start, { ...window, model: old.model })
  }
  const before = previous?.counted ?? { ...noCounts, ...noSplit }
  const grown = sum([before, ...moved])
  const counted = {
    tokens: key.lifetime.tokens ?? grown.tokens,
    requests: key.lifetime.requests ?? grown.requests,
    costMicros: key.lifetime.costMicros ?? grown.costMicros,
    inputTokens: key.split?.inputTokens ?? before.inputTokens,
    outputTokens: key.split?.outputTokens ?? before.outputTokens,
  }
  const state = { ...key, counted, windows: [...booked.values()].sort((a, b) => a.start - b.start) }
  return {
    state: v.parse(keyState, state),
    move: {
      windows: moved,
      total: subtract(counted, before),
      split: {
        inputTokens: counted.inputTokens - before.inputTokens,
        outputTokens: counted.outputTokens - before.outputTokens,
      },
    },
  }
}

/** The part of a change that is in no window. */
export function carriedIn({ windows, total, split }: UsageMove) {
  const { tokens, requests, costMicros } = subtract(total, sum(windows))
  return { requests, ...split, otherTokens: tokens - split.inputTokens - split.outputTokens, costMicros }
}

/** The state after a change that it does not know of. */
export function movedBy(state: KeyState, { windows, total, split }: UsageMove): KeyState {
  const booked = new Map(state.windows.map(window => [window.start, window]))
  for (const { start, model, ...counts } of windows)
    booked.set(start, { start, model, ...sum([booked.get(start) ?? noCounts, counts]) })
  const { inputTokens, outputTokens } = state.counted
  return {
    ...state,
    counted: {
      ...sum([state.counted, total]),
      inputTokens: inputTokens + split.inputTokens,
      outputTokens: outputTokens + split.outputTokens,
    },
    windows: [...booked.values()].sort((a, b) => a.start - b.start),
  }
}

/** The opposite change. */
export const reversed = ({ windows, total, split }: UsageMove): UsageMove => ({
  windows: windows.map(window => ({ ...window, ...subtract(noCounts, window) })),
  total: subtract(noCounts, total),
  split: { inputTokens: -split.inputTokens, outputTokens: -split.outputTokens },
})

export const subtract = (a: ForeignCounts, b: ForeignCounts): ForeignCounts => ({
  tokens: a.tokens - b.tokens,
  requests: a.requests - b.requests,
  costMicros: a.costMicros - b.costMicros,
})

const sum = (all: readonly ForeignCounts[]): ForeignCounts =>
  all.reduce(
    (a, b) => ({
      tokens: a.tokens + b.tokens,
      requests: a.requests + b.requests,
      costMicros: a.costMicros + b.costMicros,
    }),
    noCounts,
  )

export const isNothing = ({ tokens, requests, costMicros }: ForeignCounts): boolean =>
  tokens === 0 && requests === 0 && costMicros === 0
