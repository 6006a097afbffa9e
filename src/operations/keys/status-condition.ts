/** `statusOf` as a condition of a query. */
import type { KeyStatus } from '../../contract/views.ts'
import { and, type Column, isNotNull, not, type SQL, sql } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { projects, users } from '../../db/schema/people.ts'
import { disabledAt } from '../people/status-condition.ts'

/** Keys that have the status now. */
export function hasStatus(status: KeyStatus, now: Date): SQL | undefined {
  const revoked = isNotNull(keys.revokedAt)
  if (status === 'revoked') return revoked
  const expired = sql`coalesce(${keys.expiresAt} <= ${now.getTime()}, FALSE)`
  if (status === 'expired') return and(not(revoked), expired)
  // In order of precedence.
  const shut = {
    disabled: isNotNull(keys.disabledAt),
    user_disabled: belongsTo(keys.userId, sql`SELECT ${users.id} FROM ${users} WHERE ${disabledAt(now)}`),
    project_archived: belongsTo(
      keys.projectId,
      sql`SELECT ${projects.id} FROM ${projects} WHERE ${isNotNull(projects.archivedAt)}`,
    ),
  }
  const names = ['disabled', 'user_disabled', 'project_archived'] as const
  const before = status === 'active' ? names : names.slice(0, names.indexOf(status))
  return and(
    not(revoked),
    not(expired),
    ...before.map(name => not(shut[name])),
    status === 'active' ? undefined : shut[status],
  )
}

/** False for a key that belongs to nobody. */
const belongsTo = (column: Column, ids: SQL): SQL => sql`coalesce(${column} IN (${ids}), FALSE)`
