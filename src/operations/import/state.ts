/**
 * The third side of a merge: what a source last said of a key. By it, a change in the source is told from a change
 * made here, and what was already counted is never counted again.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { ForeignCounts } from '../../formats/foreign-key.ts'
import type { IncomingKey } from './prepare.ts'

const counts = { tokens: v.number(), requests: v.number(), costMicros: v.number() }

const schema = v.object({
  name: v.string(),
  model: v.nullable(v.string()),
  tokenLimit: v.number(),
  expiresAt: v.nullable(v.number()),
  createdAt: v.nullable(v.number()),
  lastUsedAt: v.nullable(v.number()),
  /** What this source has added to the key's running totals. */
  counted: v.object(counts),
  /** Every window ever seen, by start, with the model that it was booked under. */
  windows: v.array(v.object({ start: v.number(), model: v.string(), ...counts })),
})

export type ImportedState = v.InferOutput<typeof schema>
export type BookedWindow = ImportedState['windows'][number]

export const noCounts: ForeignCounts = { tokens: 0, requests: 0, costMicros: 0 }

/** @throws corrupt when the stored text is not what was written */
export function stateOf(stored: unknown, keyId: string): ImportedState {
  const result = v.safeParse(schema, stored)
  if (result.success) return result.output
  throw new LatchkeyError(
    'corrupt',
    `what was last imported for ${keyId} cannot be read`,
    'look for other damage with: latchkey migrate check, and get a good copy with: latchkey restore --latest',
  )
}

export interface UsageMerge {
  readonly state: ImportedState
  /** What each window has grown, or shrunk, by; windows that stayed the same are left out. */
  readonly windows: readonly BookedWindow[]
  /** What the running totals move by. */
  readonly total: ForeignCounts
}

/**
 * What a source now says, against what it said before (null: nothing). A window that is gone from the source stays
 * counted; so does everything where the source keeps no count of a lifetime.
 */
export function mergeUsage(previous: ImportedState | null, key: IncomingKey): UsageMerge {
  const booked = new Map(previous?.windows.map(window => [window.start, window]))
  const moved: BookedWindow[] = []
  for (const window of key.windows) {
    const old = booked.get(window.start) ?? { ...noCounts, model: key.model ?? '' }
    const change = subtract(window, old)
    if (!isNothing(change)) moved.push({ start: window.start, model: old.model, ...change })
    booked.set(window.start, { ...window, model: old.model })
  }
  const before = previous?.counted ?? noCounts
  const grown = moved.reduce(add, before)
  const counted = {
    tokens: key.lifetime.tokens ?? grown.tokens,
    requests: key.lifetime.requests ?? grown.requests,
    costMicros: key.lifetime.costMicros ?? grown.costMicros,
  }
  const { name, model, tokenLimit, expiresAt, createdAt, lastUsedAt } = key
  return {
    state: {
      name,
      model,
      tokenLimit,
      expiresAt,
      createdAt,
      lastUsedAt,
      counted,
      windows: [...booked.values()].sort((a, b) => a.start - b.start),
    },
    windows: moved,
    total: subtract(counted, before),
  }
}

export const add = (a: ForeignCounts, b: ForeignCounts): ForeignCounts => ({
  tokens: a.tokens + b.tokens,
  requests: a.requests + b.requests,
  costMicros: a.costMicros + b.costMicros,
})

export const subtract = (a: ForeignCounts, b: ForeignCounts): ForeignCounts => ({
  tokens: a.tokens - b.tokens,
  requests: a.requests - b.requests,
  costMicros: a.costMicros - b.costMicros,
})

export const isNothing = (counts: ForeignCounts): boolean =>
  counts.tokens === 0 && counts.requests === 0 && counts.costMicros === 0
