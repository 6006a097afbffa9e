/** Streams the audit log with its chain. */
import type { ExportedAuditEntry } from '../../contract/views.ts'
import { audit } from '../../db/schema/audit.ts'
import { conditionOf, entryOf } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { type AuditFilter, auditFilter } from '../input.ts'
import { inOrder, streamOf } from '../page.ts'
import { parseFilter } from '../rules/input.ts'

/** Oldest first, from one snapshot, in constant memory; all unless there is a limit. @throws invalid, once the first is read */
export const exportAudit = (
  context: OperationContext,
  given: AuditFilter = {},
): AsyncGenerator<ExportedAuditEntry> => {
  const { limit, ...filter } = parseFilter(auditFilter, given)
  return streamOf(context, {
    limit,
    open: async db =>
      inOrder(db, audit, {
        by: audit.seq,
        where: await conditionOf(db, filter),
        after: undefined,
        views: rows => rows.map(row => ({ ...entryOf(row), previous: row.previous, salt: row.salt })),
        keyOf: ({ seq }) => seq,
      }),
  })
}
