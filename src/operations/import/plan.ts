/** What an import will do to one user, project or key, and what the plans of all kinds share. */

import type { ImportedNoun } from '../../contract/nouns.ts'
import type { ImportItem } from '../../contract/views.ts'
import type { secrets } from '../../db/schema/keys.ts'
import type { Names } from './names.ts'
import type { Fields, LimitChange, Remembered } from './nouns.ts'
import type { UsageMove } from './state.ts'

/** The import and its time. */
export interface Stamp {
  readonly source: string
  readonly importId: string
  readonly now: Date
}

type Item = ImportItem & { readonly type: ImportedNoun }

/** The plan for one thing. Apply plans in the order of the source. */
export interface Plan {
  readonly item: Item
  /** Missing if nothing is written. */
  readonly write?: Write
}

export type Write = {
  readonly id: string
  /** Id in the source; for a key, the hash of its secret. */
  readonly foreignId: string
  /** Its current state in the source. */
  readonly state: unknown
  /** The new row, or the fields that change. */
  readonly fields: Fields
  /** What belongs to a key besides its row. */
  readonly key?: {
    /** The row of the secret of a new key. */
    readonly secret?: typeof secrets.$inferInsert
    /** Limits that it gets, or loses if the amount is null. */
    readonly limits: readonly LimitChange[]
    readonly move: UsageMove
    /** When it was last used in the source, as far as that is known. */
    readonly lastUse: number | null
  }
} & (
  | { readonly action: 'created' | 'linked' }
  /** `last` is its previous state in the source. */
  | { readonly action: 'updated'; readonly last: Remembered }
)

/** The user here that something in the source belongs to. */
export interface Owner {
  readonly id: string
  readonly username: string
  /** False if somebody may only say to be that user: the address was never verified in the source, and its user was here before. */
  readonly isTrusted: boolean
}

export const unverified =
  'its user has an email address that was never verified there, and that belongs to somebody here'

export const leave = (
  type: ImportedNoun,
  name: string,
  reason: string,
  outcome: ImportItem['outcome'] = 'unchanged',
): Plan => ({ item: { type, name, outcome, reason } })

export const sameAsLast = (type: ImportedNoun, name: string): Plan =>
  leave(type, name, 'unchanged in the source since the last import')

export const itemCreated = (type: ImportedNoun, name: string, reasons: readonly string[]): Item => ({
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
): Item {
  const fields = [...new Set(changed)]
  if (fields.length > 0) {
    const reason = sentence([`changed in the source: ${fields.join(', ')}`, ...reasons])
    return { type, name, outcome: 'updated', reason }
  }
  return { type, name, outcome: 'unchanged', reason: sentence(reasons) ?? 'it already matches the source' }
}

const sentence = (reasons: readonly string[]): string | null => reasons.join('; ') || null

/**
 * The fields to change here: those that the source changed since the last import. Other fields keep the values they have
 * here.
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

/** The unique name for a thing that the source renamed to `next`, and what to report about it. */
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

/** Reports that the name differs from the one in the source. */
export const taken = (field: string, wanted: string, name: string): readonly string[] =>
  wanted === name ? [] : [`the ${field} "${wanted}" was taken`]
