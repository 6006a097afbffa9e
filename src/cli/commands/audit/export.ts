import { exportedAuditEntry } from '../../../contract/views/audit.ts'
import { command, rows } from '../../declare/define.ts'
import { atMost } from '../thing.ts'
import { auditFilters } from './filters.ts'

export default command({
  effect: 'read',
  summary: 'Export changes with what chains them, oldest first',
  description:
    'Writes NDJSON, or CSV with -o csv. Rows are written as they are read, however many there are. docs/audit.md says how to check the chain of an export with other tools.',
  examples: [
    'latchkey audit export > audit.ndjson',
    'latchkey audit export --since 2026-01-01 --until 2026-02-01 -o csv > january.csv',
    'latchkey audit export --action key | jq -c .target',
  ],
  options: { ...auditFilters, limit: atMost('all') },
  run: async (ctx, filter) => (await ctx.operations()).audit.export(filter),
  prints: rows(exportedAuditEntry, { columns: [], empty: 'No changes.' }),
})
