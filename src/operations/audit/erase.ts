/** Takes what names a person out of the audit log. The rows, their order and the chain stay. */
import { type Chainable, erasing, type Link } from '../../db/chain.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, eq, gt, or, type SQL, sql } from '../../db/query.ts'
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

const batchSize = 500

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
  const runs: [number, number][] = []
  const fits = (condition: SQL | undefined): SQL => condition ?? sql`1 = 0`
  for (let last = 0; ; ) {
    const rows = await db
      .select({
        row: audit,
        actor: sql<number>`CASE WHEN ${fits(actor)} THEN 1 ELSE 0 END`,
        details: sql<number>`CASE WHEN ${fits(details)} THEN 1 ELSE 0 END`,
      })
      .from(audit)
      .where(and(gt(audit.seq, last), or(fits(actor), fits(details))))
      .orderBy(asc(audit.seq))
      .limit(batchSize)
    for (const { row, ...which } of rows) {
      const what = { actor: which.actor === 1, details: which.details === 1 && !kept.includes(row.action) }
      if (!what.actor && !what.details) continue
      await db.update(audit).set(erased(row, what)).where(eq(audit.seq, row.seq))
      const run = runs.at(-1)
      if (run?.[1] === row.seq - 1) run[1] = row.seq
      else runs.push([row.seq, row.seq])
    }
    if (rows.length < batchSize) break
    last = rows.at(-1)?.row.seq ?? last
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}

const erased = (row: Chainable & Link, what: { readonly actor: boolean; readonly details: boolean }) => ({
  salt: erasing(row, what),
  ...(what.actor && { actor: erasedActor }),
  ...(what.details && { targetName: null, before: null, after: null }),
})
