/**
 * The third side of a merge: what a source last said of a key. By it, a change in the source is told from a change
 * made here, and what was already counted is never counted again.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { ForeignCounts } from '../../formats/foreign-data.ts'
import { hashSecret } from '../rules/secrets.ts'
import type { IncomingKey, IncomingProject, IncomingUser } from './prepare.ts'

const counts = { tokens: v.number(), requests: v.number(), costMicros: v.number() }

const keySchema = v.object({
  name: v.nullable(v.string()),
  model: v.nullable(v.string()),
  tokenLimit: v.nullable(v.number()),
  /** Id of the owner in the source. */
  userId: v.optional(v.nullable(v.string()), null),
  revokedAt: v.optional(v.nullable(v.number()), null),
  expiresAt: v.nullable(v.number()),
  createdAt: v.nullable(v.number()),
  lastUsedAt: v.nullable(v.number()),
  /** What this source has added to the key's running totals. */
  counted: v.object({
    ...counts,
    /** How much of the tokens is known to have gone in and come out. */
    inputTokens: v.optional(v.number(), 0),
    outputTokens: v.optional(v.number(), 0),
  }),
  /** Every window ever seen, by start, with the model that it was booked under. */
  windows: v.array(v.object({ start: v.number(), model: v.string(), ...counts })),
})

const userSchema = v.object({
  username: v.string(),
  email: v.nullable(v.string()),
  name: v.nullable(v.string()),
  /** SHA-256 of the password's hash: enough to see that it changed. */
  password: v.nullable(v.string()),
  /** Was here before, under the same username or email address: never changed by an import. */
  linked: v.boolean(),
})

const projectSchema = v.object({ name: v.string(), slug: v.string(), ownerId: v.string() })

export type ImportedState = v.InferOutput<typeof keySchema>
export type ImportedUserState = v.InferOutput<typeof userSchema>
export type ImportedProjectState = v.InferOutput<typeof projectSchema>
export type BookedWindow = ImportedState['windows'][number]

const noSplit: Split = { inputTokens: 0, outputTokens: 0 }
export const noCounts: ForeignCounts = { tokens: 0, requests: 0, costMicros: 0 }

/** @throws corrupt when the stored text is not what was written */
export const keyState = (stored: unknown, id: string): ImportedState => read(keySchema, stored, id)
/** @throws corrupt */
export const userState = (stored: unknown, id: string): ImportedUserState => read(userSchema, stored, id)
/** @throws corrupt */
export const projectState = (stored: unknown, id: string): ImportedProjectState =>
  read(projectSchema, stored, id)

export function read<S extends v.GenericSchema>(schema: S, stored: unknown, id: string): v.InferOutput<S> {
  const result = v.safeParse(schema, stored)
  if (result.success) return result.output
  throw new LatchkeyError(
    'corrupt',
    `what was last imported for ${id} cannot be read`,
    'look for other damage with: latchkey migrate check, and get a good copy with: latchkey restore --latest',
  )
}

export const stateOfUser = (user: IncomingUser, linked: boolean): ImportedUserState => ({
  username: user.username,
  email: user.email,
  name: user.name,
  password: user.passwordHash === null ? null : hashSecret(user.passwordHash),
  linked,
})

export const stateOfProject = ({ name, slug, ownerId }: IncomingProject): ImportedProjectState => ({
  name,
  slug,
  ownerId,
})

export interface UsageMerge {
  readonly state: ImportedState
  /** What each window has grown, or shrunk, by; windows that stayed the same are left out. */
  readonly windows: readonly BookedWindow[]
  /** What the running totals move by; tokens include those of `split`. */
  readonly total: ForeignCounts
  readonly split: Split
}

/** Tokens that are known to have gone in and come out. */
interface Split {
  readonly inputTokens: number
  readonly outputTokens: number
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
  const before = previous?.counted ?? { ...noCounts, ...noSplit }
  const grown = moved.reduce<ForeignCounts>(add, before)
  const counted = {
    tokens: key.lifetime.tokens ?? grown.tokens,
    requests: key.lifetime.requests ?? grown.requests,
    costMicros: key.lifetime.costMicros ?? grown.costMicros,
    inputTokens: key.split?.inputTokens ?? before.inputTokens,
    outputTokens: key.split?.outputTokens ?? before.outputTokens,
  }
  const { name, model, tokenLimit, userId, revokedAt, expiresAt, createdAt, lastUsedAt } = key
  return {
    state: {
      name,
      model,
      tokenLimit,
      userId,
      revokedAt,
      expiresAt,
      createdAt,
      lastUsedAt,
      counted,
      windows: [...booked.values()].sort((a, b) => a.start - b.start),
    },
    windows: moved,
    total: subtract(counted, before),
    split: {
      inputTokens: counted.inputTokens - before.inputTokens,
      outputTokens: counted.outputTokens - before.outputTokens,
    },
  }
}

/** What is said again. */
export const unmoved = (state: ImportedState): UsageMerge => ({
  state,
  windows: [],
  total: noCounts,
  split: noSplit,
})

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
