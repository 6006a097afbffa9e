/** Takes what names a person out of the audit log. The rows, their order and the chain stay. */
import { type Chainable, erasing, type Link } from '../../db/chain.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, inArray, notInArray, type SQL } from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'

/** In place of an actor who was erased. */
export const erasedActor = 'erased'

/** Rows that tell of the log itself or of the whole database name nobody, and verifying needs them. */
const kept = [
  'audit.prune',
  'user.erase',
  'database.restore',
  'database.safety',
  'database.migrate',
  'database.init',
]

/**
 * Erases in rows that fit: of `actor` who made the change; of `details` the name of the target, and what was before and after.
 * The row `user.erase` that is written in the same transaction has to say which rows, as `after.audit`: `audit verify` takes no
 * other row for erased.
 *
 * @returns the numbers of the rows, such as `3,7-12`; empty for none
 */
export async function eraseInAudit(
  db: Database,
  { actor, details }: { readonly actor?: SQL | undefined; readonly details?: SQL | undefined },
): Promise<string> {
  // What it is to fit may look at the log itself, so all are found before the first is erased.
  const those = async (fits: SQL | undefined) =>
    fits === undefined ? [] : db.select({ seq: audit.seq }).from(audit).where(fits)
  const actors = new Set((await those(actor)).map(({ seq }) => seq))
  const inside = new Set(
    (await those(details && and(details, notInArray(audit.action, kept)))).map(({ seq }) => seq),
  )
  const found = [...actors.union(inside)].sort((a, b) => a - b)
  for (const some of inChunks(found)) {
    for (const row of await db.select().from(audit).where(inArray(audit.seq, some))) {
      const what = { actor: actors.has(row.seq), details: inside.has(row.seq) }
      await db.update(audit).set(erased(row, what)).where(eq(audit.seq, row.seq))
    }
  }
  const runs: [number, number][] = []
  for (const seq of found) {
    const run = runs.at(-1)
    if (run?.[1] === seq - 1) run[1] = seq
    else runs.push([seq, seq])
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}

const erased = (row: Chainable & Link, what: { readonly actor: boolean; readonly details: boolean }) => ({
  salt: erasing(row, what),
  ...(what.actor && { actor: erasedActor }),
  ...(what.details && { targetName: null, before: null, after: null }),
})
