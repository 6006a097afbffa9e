/** What a row of the audit trail says was changed. Draws; decides nothing. */
import type { AuditEntry } from '../../../contract/views.ts'
import type { Brush } from '../../declare/brush.ts'
import { reference } from '../../draw/columns.ts'

/** The fields that an audit row tells of: `status active → revoked`. */
export function auditChange(entry: AuditEntry, brush: Brush): string {
  const arrow = brush.unicode ? '→' : '->'
  const before = Object(entry.before ?? {})
  const after = Object(entry.after ?? {})
  if (entry.before === null || entry.after === null) return ''
  return Object.keys(after)
    .map(field => `${field} ${short(before[field])} ${arrow} ${short(after[field])}`)
    .join(', ')
}

function short(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (typeof value === 'object' && ('username' in value || 'slug' in value)) return reference(value as never)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
