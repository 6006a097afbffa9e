/**
 * What a foreign system says of its users, projects and keys, in one form whatever the system. Must never be written
 * anywhere as it is: it holds secrets.
 */

import type { ImportedNoun } from '../contract/nouns.ts'

/** Tokens, requests and micro-dollars, all whole. */
export interface ForeignCounts {
  readonly tokens: number
  readonly requests: number
  readonly costMicros: number
}

export interface ForeignWindow extends ForeignCounts {
  /** UTC milliseconds. */
  readonly start: number
}

export interface ForeignUser {
  /** In the source. */
  readonly id: string
  /** What the source knows the user by; null where that is the email address. */
  readonly username: string | null
  readonly email: string | null
  readonly name: string | null
  /** bcrypt or argon2, as it is in the source; null when there is no password. */
  readonly passwordHash: string | null
  /** UTC milliseconds; null where the source names none. */
  readonly createdAt: number | null
}

export interface ForeignProject {
  /** In the source. */
  readonly id: string
  /** Id in the source. */
  readonly ownerId: string
  readonly name: string
  readonly slug: string
  readonly createdAt: number | null
}

/** A secret in clear or, where the source keeps only that, its SHA-256 in lower-case hex and its first characters. */
type ForeignSecret = { readonly secret: string } | { readonly hash: string; readonly start: string }

export interface ForeignKey {
  readonly credential: ForeignSecret
  /** Null where the source lets keys go without one. */
  readonly name: string | null
  /** Id of the owner in the source; null where keys have none. */
  readonly userId: string | null
  readonly model: string | null
  /** Most tokens in any five hours; 0 allows nothing, null anything. */
  readonly tokenLimit: number | null
  /** Times are UTC milliseconds; null where the source names none. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  readonly createdAt: number | null
  readonly lastUsedAt: number | null
  /** All that was ever used; null where the source does not count it. Tokens include what `split` has. */
  readonly lifetime: { readonly [C in keyof ForeignCounts]: number | null }
  /** How much of the lifetime's tokens is known to have gone in and come out. */
  readonly split: { readonly inputTokens: number; readonly outputTokens: number } | null
  /** In the order of the source, each start once. */
  readonly windows: readonly ForeignWindow[]
}

/** Something in the source that cannot be read. Never holds a value of the source, which may be a secret. */
export interface Problem {
  readonly type: ImportedNoun
  /** Position of the user, project or key in the source, from 0. */
  readonly index: number
  /** As the source spells it. */
  readonly field: string
  /** Continues a sentence: `is not a date`. */
  readonly problem: string
}

/** The field of a problem that is none of one field: the entry cannot be read at all. */
export const wholeEntry = 'entry'

/** Everything of a source, in its order; a field with a problem holds a placeholder. */
export interface ForeignData {
  readonly users: readonly ForeignUser[]
  readonly projects: readonly ForeignProject[]
  readonly keys: readonly ForeignKey[]
  /** Whether `keys` are all that there are: a copy without their table does not say. */
  readonly listsKeys: boolean
  readonly problems: readonly Problem[]
  /** Sorted, each once. */
  readonly ignoredFields: readonly string[]
  /** What has no home here at all, with how much of it there is. */
  readonly leftBehind: readonly { readonly name: string; readonly rows: number }[]
  /** What is to be known of the source as a whole, a sentence each. */
  readonly notes: readonly string[]
}
