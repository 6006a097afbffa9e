/** `statusOf` as a condition of a query. */
import type { KeyStatus } from '../../contract/views.ts'
import { and, type Column, isNotNull, not, type SQL, sql } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { projects, users } from '../../db/schema/people.ts'
import { disabledAt } from '../people/status-condition.ts'

/** Keys that have the status now. */
export function hasStatus(status: KeyStatus, now: Date): SQL | undefined {
  if (status === 'revoked') return revoked
  if (status === 'expired') return and(not(revoked), expired(now))
  if (status === 'disabled') return and(not(revoked), not(expired(now)), disabled)
  const ofDisabled = belongsTo(keys.userId, sql`SELECT ${users.id} FROM ${users} WHERE ${disabledAt(now)}`)
  if (status === 'user_disabled') return and(worksByItself(now), ofDisabled)
  return and(worksByItself(now), not(ofDisabled), status === 'active' ? not(ofArchived) : ofArchived)
}

/** Keys that only their user or their project can stop. */
export const worksByItself = (now: Date): SQL | undefined =>
  and(not(revoked), not(expired(now)), not(disabled))

const revoked = isNotNull(keys.revokedAt)
const expired = (now: Date): SQL => sql`coalesce(${keys.expiresAt} <= ${now.getTime()}, FALSE)`
const disabled = isNotNull(keys.disabledAt)

/** False for a key that belongs to nobody. */
const belongsTo = (column: Column, ids: SQL): SQL => sql`coalesce(${column} IN (${ids}), FALSE)`

const ofArchived = belongsTo(
  keys.projectId,
  sql`SELECT ${projects.id} FROM ${projects} WHERE ${isNotNull(projects.archivedAt)}`,
)
