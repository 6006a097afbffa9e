/** What an import will do to one user, project or key, and how each kind's plan words and merges it. */

import type { ImportedNoun } from '../../contract/nouns.ts'
import type { ImportItem } from '../../contract/views.ts'
import type { secrets } from '../../db/schema/keys.ts'
import type { Names } from './names.ts'
import type { Fields, Remembered } from './nouns.ts'
import type { UsageMove } from './state.ts'

/** Which import it is, and when. */
export interface Stamp {
  readonly source: string
  readonly importId: string
  readonly now: Date
}

/** Plans must be applied in the order of the source. */
export interface Plan {
  readonly item: ImportItem
  /** Left out when nothing is written. */
  readonly write?: Write
}

export type Write = {
  readonly id: string
  /** Id in the source; of a key, the hash of its secret. */
  readonly foreignId: string
  /** What the source says of it now. */
  readonly state: unknown
  /** The new row, or the fields that change. */
  readonly fields: Fields
  /** What a key has besides its row. */
  readonly key?: {
    /** The row of the secret of a new key. */
    readonly secret?: typeof secrets.$inferInsert
    /** The new token limit; null: none, or the same as before. */
    readonly tokenLimit: number | null
    readonly move: UsageMove
  }
} & (
  | { readonly action: 'created' | 'linked' }
  /** `last` is what the source said before. */
  | { readonly action: 'updated'; readonly last: Remembered }
)

/** Who something of the source belongs to here. */
export interface Owner {
  readonly id: string
  readonly username: string
}

export const leave = (
  type: ImportedNoun,
  name: string,
  reason: string,
  outcome: ImportItem['outcome'] = 'unchanged',
): Plan => ({ item: { type, name, outcome, reason } })

export const sameAsLast = (type: ImportedNoun, name: string): Plan =>
  leave(type, name, 'nothing has changed in the source since it was last imported')

export const itemCreated = (type: ImportedNoun, name: string, reasons: readonly string[]): ImportItem => ({
  type,
  name,
  outcome: 'created',
  reason: sentence(reasons),
})

/** @param changed names of the fields that change, for people */
export function itemUpdated(
  type: ImportedNoun,
  name: string,
  changed: Iterable<string>,
  reasons: readonly string[],
): ImportItem {
  const fields = [...new Set(changed)]
  if (fields.length > 0) {
    const reason = sentence([`changed in the source: ${fields.join(', ')}`, ...reasons])
    return { type, name, outcome: 'updated', reason }
  }
  return { type, name, outcome: 'unchanged', reason: sentence(reasons) ?? 'it already matches the source' }
}

const sentence = (reasons: readonly string[]): string | null => reasons.join('; ') || null

/**
 * The fields to change here: those that the source changed since the last import. Fields that it did not change keep
 * whatever was made of them here.
 */
export function changedFields<F extends string>(
  fields: readonly F[],
  next: { readonly [_ in F]: unknown },
  last: { readonly [_ in F]: unknown },
  row: { readonly [_ in F]: unknown },
): Record<string, unknown> {
  const changed = fields.filter(field => next[field] !== last[field] && next[field] !== row[field])
  return Object.fromEntries(changed.map(field => [field, next[field]]))
}

/** The unique name that a thing gets when the source calls it `next`, and what there is to say about it. */
export function rename(
  field: 'name' | 'slug',
  names: Names,
  next: string,
  last: string | null,
  current: string,
): readonly [name: string, reasons: readonly string[]] {
  if (next === last || next === current) return [current, []]
  names.free(current)
  const name = names.take(next)
  return [name, taken(field, next, name)]
}

/** Says that another name was given than the source has. */
export const taken = (field: string, wanted: string, name: string): readonly string[] =>
  wanted === name ? [] : [`the ${field} "${wanted}" was taken`]
