/**
 * The users, projects, keys, chats, documents and other rows of a foreign system, in a common form. Contains secrets: never write it
 * anywhere as it is.
 */

import type { ImportedNoun, ImportedRow } from '../contract/nouns.ts'
import type { Limit, Role } from '../contract/views.ts'

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
  /** The username in the source; null if that is the email address. */
  readonly username: string | null
  readonly email: string | null
  readonly name: string | null
  /** The bcrypt, argon2 or scrypt hash in the source; null if there is no password. */
  readonly passwordHash: string | null
  /** UTC milliseconds; null if unknown. */
  readonly createdAt: number | null
  /** What not every system knows of a user. */
  readonly more?: MoreOfUser
}

export interface MoreOfUser {
  readonly emailVerified: boolean
  readonly image: string | null
  readonly role: Role
  readonly banned: boolean
  readonly disabledReason: string | null
  /** UTC milliseconds; null: for good. */
  readonly disabledUntil: number | null
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

/** A plain secret, or its SHA-256 in lower-case hex and its first characters if the source stores only these. */
type ForeignSecret = { readonly secret: string } | { readonly hash: string; readonly start: string }

export interface ForeignKey {
  readonly credential: ForeignSecret
  /** Null if it has none. */
  readonly name: string | null
  /** Id of the owner in the source; null if keys have none. */
  readonly userId: string | null
  readonly model: string | null
  /** The most tokens in five hours; 0 allows nothing, null anything. */
  readonly tokenLimit: number | null
  /** Times are UTC milliseconds; null if unknown. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  readonly createdAt: number | null
  readonly lastUsedAt: number | null
  /** All-time usage; null if the source does not count it. Tokens include those in `split`. */
  readonly lifetime: { readonly [C in keyof ForeignCounts]: number | null }
  /** How many of the lifetime's tokens are known to be input and output. */
  readonly split: { readonly inputTokens: number; readonly outputTokens: number } | null
  /** In the order of the source, each start once. */
  readonly windows: readonly ForeignWindow[]
  /** What not every system knows of a key. */
  readonly more?: MoreOfKey
}

export interface MoreOfKey {
  readonly enabled: boolean
  readonly scopes: readonly string[]
  readonly metadata: unknown
  /** On requests, in a rolling window or in all. */
  readonly limits: readonly ForeignLimit[]
  /** What is different here, one part of a sentence each. */
  readonly remarks: readonly string[]
  /** Why it cannot be imported; null if it can. */
  readonly refusal: string | null
}

export type ForeignLimit = Pick<Limit, 'metric' | 'period' | 'windowMs' | 'amount'>

/** A row that is no noun of every system: an organization, a part of one, or a way of a user to sign in. */
export interface ForeignRow {
  readonly type: ImportedRow
  /** In the source. */
  readonly id: string
  /** What it refers to, by ids in the source; null if it says nothing. */
  readonly refs: Readonly<Partial<Record<'user' | 'org' | 'team' | 'inviter', string | null>>>
  /** Columns by their names in the schema. */
  readonly fields: Readonly<Record<string, unknown>>
  /** Why it cannot be read; undefined if it can. Never contains a value of the source. */
  readonly problem: string | undefined
}

export interface ForeignChat {
  /** In the source. */
  readonly id: string
  /** Id in the source; null if it has none. */
  readonly userId: string | null
  readonly title: string
  readonly sessionId: string | null
  readonly createdAt: number | null
  readonly updatedAt: number | null
  /** In their order. */
  readonly messages: readonly ForeignMessage[]
  /** Why it cannot be read; undefined if it can. Never contains a value of the source. */
  readonly problem: string | undefined
}

export interface ForeignMessage {
  readonly role: string
  readonly content: unknown
  readonly metadata: unknown
  readonly createdAt: number | null
}

/** A document of a project. */
export interface ForeignDocument {
  /** In the source. */
  readonly id: string
  /** Id in the source. */
  readonly projectId: string
  readonly path: string
  readonly content: string
  /** Why it cannot be read; undefined if it can. Never contains a value of the source. */
  readonly problem: string | undefined
}

/** Something in the source that cannot be read. Never contains a value of the source, which may be a secret. */
export interface Problem {
  readonly type: ImportedNoun | ImportedRow
  /** Position among those of its type in the source, from 0. */
  readonly index: number
  /** As the source spells it. */
  readonly field: string
  /** Continues a sentence: `is not a date`. */
  readonly problem: string
}

/** The field name of a problem with the whole entry. */
export const wholeEntry = 'entry'

/** Everything in a source, in its order. A field with a problem has a placeholder. */
export interface ForeignData {
  readonly users: readonly ForeignUser[]
  readonly projects: readonly ForeignProject[]
  readonly keys: readonly ForeignKey[]
  /** Left out by systems without chats. */
  readonly chats?: readonly ForeignChat[]
  /** Left out by systems without documents. */
  readonly documents?: readonly ForeignDocument[]
  /** Left out by systems that never have any. */
  readonly others?: readonly ForeignRow[]
  /** Whether `keys` is complete. A copy without the table of keys is not. */
  readonly listsKeys: boolean
  readonly problems: readonly Problem[]
  /** Sorted, each once. */
  readonly ignoredFields: readonly string[]
  /** Data that is not imported, with the number of rows. */
  readonly leftBehind: readonly { readonly name: string; readonly rows: number }[]
  /** Notes on the source as a whole, one sentence each. */
  readonly notes: readonly string[]
}
