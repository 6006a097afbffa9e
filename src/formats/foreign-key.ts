/** What a foreign system says of its keys, in one form whatever the system. Must never be written anywhere as it is: it holds secrets. */

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

export interface ForeignKey {
  /** In clear. */
  readonly secret: string
  readonly name: string
  readonly model: string | null
  /** Most tokens in any five hours; 0 allows nothing. */
  readonly tokenLimit: number
  /** Times are UTC milliseconds; null where the source names none. */
  readonly expiresAt: number | null
  readonly createdAt: number | null
  readonly lastUsedAt: number | null
  /** All that was ever used; null where the source does not count it. */
  readonly lifetime: { readonly [C in keyof ForeignCounts]: number | null }
  /** In the order of the source, each start once. */
  readonly windows: readonly ForeignWindow[]
}

/** Something in the source that cannot be read. Never holds a value of the source, which may be a secret. */
export interface Problem {
  /** Position of the key in the source, from 0. */
  readonly key: number
  /** As the source spells it. */
  readonly field: string
  /** Continues a sentence: `is not a date`. */
  readonly problem: string
}

/** The field of a problem that is none of one field: the entry cannot be read at all. */
export const wholeEntry = 'entry'

export interface ForeignKeys {
  /** Every key of the source, in its order; a field with a problem holds a placeholder. */
  readonly keys: readonly ForeignKey[]
  readonly problems: readonly Problem[]
  /** Sorted, each once. */
  readonly ignoredFields: readonly string[]
}
