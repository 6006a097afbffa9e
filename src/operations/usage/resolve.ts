/** Finds the keys that a log names, many at a time, because a log can name thousands. */

import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, inArray, isNull, lowerAscii, sql } from '../../db/query.ts'
import { keys, secrets } from '../../db/schema/keys.ts'
import { quotedSelector } from '../rules/quotes.ts'

/** The id of the key, or what is wrong, to continue a sentence about the line. */
export type Resolved =
  | { readonly id: string }
  | { readonly problem: string; readonly code: 'not_found' | 'ambiguous' }

/**
 * Finds keys by whole id, name or start of the current secret. A whole secret is not accepted: in a log it is a leak, and
 * it is never quoted.
 */
export async function resolveKeys(
  db: Database,
  selectors: readonly string[],
): Promise<ReadonlyMap<string, Resolved>> {
  const found = new Map<string, Resolved>()
  for (const part of inChunks(selectors)) {
    const folded = part.map(selector => lowerAscii(selector.normalize('NFC')))
    const byId = await db.select({ id: keys.id }).from(keys).where(inArray(keys.id, folded))
    const byName = await db
      .select({ id: keys.id, name: sql<string>`lower(${keys.name})` })
      .from(keys)
      .where(inArray(sql`lower(${keys.name})`, folded))
    const byStart = await db
      .select({ id: secrets.keyId, start: secrets.start })
      .from(secrets)
      .where(and(inArray(secrets.start, part), isNull(secrets.endsAt)))
    const ids = new Set(byId.map(row => row.id))
    const names = new Map(byName.map(row => [row.name, row.id]))
    const starts = Map.groupBy(byStart, row => row.start)
    for (const [index, selector] of part.entries()) {
      const text = folded[index] ?? ''
      const name = names.get(text)
      found.set(
        selector,
        outcome(selector, [
          ...(ids.has(text) ? [text] : []),
          ...(name === undefined ? [] : [name]),
          ...(starts.get(selector) ?? []).map(row => row.id),
        ]),
      )
    }
  }
  return found
}

function outcome(selector: string, ids: readonly string[]): Resolved {
  const [id, ...others] = new Set(ids)
  const quoted = quotedSelector(selector, 'key')
  if (id === undefined) return { code: 'not_found', problem: `names a key that does not exist: ${quoted}` }
  if (others.length === 0) return { id }
  return { code: 'ambiguous', problem: `matches ${others.length + 1} keys: ${quoted}` }
}
