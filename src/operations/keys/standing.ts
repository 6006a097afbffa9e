/** Total usage of keys, and how full their own limits are. Only reads. */

import { fractionUsed } from '../../contract/views/limits.ts'
import type { KeyStanding } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import { noCounts } from '../../db/facts.ts'
import { inArray } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import type { OperationContext } from '../context.ts'
import { limitStates } from '../limits/window.ts'
import { shownCounts, totalsOf } from '../usage/sum.ts'

/** By id. Deleted keys are missing. */
export function keyStanding(
  context: OperationContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, KeyStanding>> {
  return context.store.read(async db => {
    const now = context.now()
    const found = new Map<string, KeyStanding>()
    for (const some of inChunks(ids)) {
      const rows = await db
        .select({ id: keys.id, name: keys.name })
        .from(keys)
        .where(inArray(keys.id, [...some]))
      const totals = await totalsOf(db, some)
      for (const row of rows) {
        const subject = { type: 'key', id: row.id, name: row.name, member: null } as const
        const states = await limitStates(db.facts, subject, now)
        // How full a limit for each end user is depends on whom.
        const [fullest = null] = states
          .filter(state => !state.each)
          .toSorted((a, b) => fractionUsed(b) - fractionUsed(a))
        const { tokens, costUsd } = shownCounts(totals.get(row.id) ?? noCounts)
        found.set(row.id, { tokens, costUsd, fullest })
      }
    }
    return found
  })
}
