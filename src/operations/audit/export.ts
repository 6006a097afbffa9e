/** Streams the audit log with its chain. */
import type { ExportedAuditEntry } from '../../contract/views.ts'
import { and, asc, gt } from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'
import { conditionOf, entryOf } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import type { AuditFilter } from '../input.ts'

const batchSize = 500

/** Oldest first, from one snapshot, in constant memory; all unless there is a limit. @throws invalid, once the first is read */
export async function* exportAudit(
  context: OperationContext,
  filter: AuditFilter = {},
): AsyncGenerator<ExportedAuditEntry> {
  for await (const entries of context.store.stream(async function* (snapshot) {
    const db = await snapshot.database()
    const where = await conditionOf(db, filter)
    let left = filter.limit ?? Number.POSITIVE_INFINITY
    for (let last = 0; left > 0; ) {
      const rows = await db
        .select()
        .from(audit)
        .where(and(where, gt(audit.seq, last)))
        .orderBy(asc(audit.seq))
        .limit(Math.min(left, batchSize))
      yield rows.map(row => ({ ...entryOf(row), previous: row.previous, salt: row.salt }))
      if (rows.length < batchSize) return
      left -= rows.length
      last = rows.at(-1)?.seq ?? last
    }
  }))
    yield* entries
}
