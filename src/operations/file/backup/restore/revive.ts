/**
 * Finds the secrets that do not work now but would work again after a restore, because they were revoked, rotated,
 * disabled, expired or deleted since. They are shown before the question, and ended in the restored database on request.
 */
import type { RevivedSecret } from '../../../../contract/views.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { openPrivate } from '../../../../db/sqlite/copy.ts'
import { refusalOf, type SecretMarks } from '../../../keys/status.ts'
import { ifReadable } from './live.ts'

/** A secret that works in the copy, and why it does not work now. */
export interface Revived extends OfKey {
  readonly because: RevivedSecret['because']
  /** The secret in the current database; null if it is not there. */
  readonly now: Secret | null
}

interface Secret extends OfKey, SecretMarks {
  readonly revokedReason: string | null
}

interface OfKey {
  readonly hash: string
  readonly keyId: string
  readonly name: string
  readonly start: string
  readonly userId: string | null
  readonly projectId: string | null
}

const secretsWhere = (condition: string): string => `
  SELECT s.hash, s.key_id AS keyId, k.name, s.start, s.ends_at AS endsAt, k.revoked_at AS revokedAt,
    k.revoked_reason AS revokedReason, k.expires_at AS expiresAt, k.disabled_at AS disabledAt, k.user_id AS userId,
    k.project_id AS projectId, u.disabled_at AS userDisabledAt, u.disabled_until AS userDisabledUntil, p.archived_at AS projectArchivedAt
  FROM secrets s JOIN keys k ON k.id = s.key_id
  LEFT JOIN users u ON u.id = k.user_id LEFT JOIN projects p ON p.id = k.project_id
  WHERE ${condition}`

/**
 * Sorted by the name of their key.
 *
 * @returns undefined if the database cannot be read
 */
export const revivedBy = (path: string, copy: string, at: Date): readonly Revived[] | undefined =>
  ifReadable(path, live => compare(live, copy, at))

function compare(live: Client, copy: string, at: Date): readonly Revived[] {
  using then = openPrivate(copy)
  const found: Revived[] = []
  for (const secret of then.query(`${secretsWhere('true')} ORDER BY lower(k.name), s.created_at`).iterate()) {
    const revived = whatRevives(secret as Secret, live, at)
    if (revived) found.push(revived)
  }
  return found
}

function whatRevives(secret: Secret, live: Client, at: Date): Revived | undefined {
  if (refusalOf(secret, at) !== null) return undefined
  const now = live.query(secretsWhere('s.hash = ?')).get(secret.hash) as Secret | null
  const because = now === null ? 'missing' : refusalOf(now, at)
  if (because === null) return undefined
  const { hash, keyId, name, start, userId, projectId } = secret
  return { hash, keyId, name, start, userId, projectId, because, now }
}

/** Ends them in the copy, within the caller's transaction, for the same reason as now. */
export function endRevived(copy: Client, revived: readonly Revived[], at: Date): void {
  for (const each of revived) end(copy, each, at.getTime())
}

function end(copy: Client, { hash, keyId, userId, projectId, because, now }: Revived, at: number): void {
  const setKey = (column: string, value: string | number | null) =>
    copy.query(`UPDATE keys SET "${column}" = ?, updated_at = ? WHERE id = ?`).run(value, at, keyId)
  if (now === null || because === 'missing') {
    setKey('revoked_at', at)
    setKey('revoked_reason', 'it no longer existed when a backup was restored')
  } else if (because === 'rotated') {
    copy.query('UPDATE secrets SET ends_at = ? WHERE hash = ?').run(now.endsAt, hash)
  } else if (because === 'revoked') {
    setKey('revoked_at', now.revokedAt)
    setKey('revoked_reason', now.revokedReason)
  } else if (because === 'expired') {
    setKey('expires_at', now.expiresAt)
  } else if (because === 'user_disabled' && userId !== null && userId === now.userId) {
    copy
      .query('UPDATE users SET disabled_at = ?, disabled_until = ?, updated_at = ? WHERE id = ?')
      .run(now.userDisabledAt, now.userDisabledUntil, at, userId)
  } else if (because === 'project_archived' && projectId !== null && projectId === now.projectId) {
    copy
      .query('UPDATE projects SET archived_at = ?, updated_at = ? WHERE id = ?')
      .run(now.projectArchivedAt, at, projectId)
  } else {
    // Also for a key that had another owner when it was disabled.
    setKey('disabled_at', now.disabledAt ?? now.userDisabledAt ?? now.projectArchivedAt ?? at)
  }
}

export const revivedView = (
  revived: readonly Revived[] | undefined,
  ended: boolean,
): readonly RevivedSecret[] | null =>
  revived?.map(({ keyId, name, start, because }) => ({ key: { id: keyId, name }, start, because, ended })) ??
  null
