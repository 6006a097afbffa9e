/**
 * Derives the status of a key, which is never stored. `status-condition.ts` does the same in SQL, and a property test
 * compares the two. No other code may interpret these columns.
 */
import type { KeyStatus } from '../../contract/views.ts'
import { isOver } from '../people/status.ts'

/** The dates that decide: those of the key, its user and its project. */
export interface KeyMarks {
  readonly revokedAt: number | null
  readonly expiresAt: number | null
  readonly disabledAt: number | null
  readonly userDisabledAt: number | null
  /** When the user is active again; null if that does not come by itself. */
  readonly userDisabledUntil: number | null
  readonly projectArchivedAt: number | null
}

/**
 * revoked > expired > disabled > user_disabled > project_archived > active. A key is expired from the exact millisecond of
 * its expiry.
 *
 * @param at the time to answer for
 * @param now the current time, if different
 */
export function statusOf(key: KeyMarks, at: Date, now: Date = at): KeyStatus {
  if (isShut(key.revokedAt, at, now)) return 'revoked'
  if (key.expiresAt !== null && key.expiresAt <= at.getTime()) return 'expired'
  if (isShut(key.disabledAt, at, now)) return 'disabled'
  if (isShut(key.userDisabledAt, at, now) && !isOver(key.userDisabledUntil, at)) return 'user_disabled'
  return isShut(key.projectArchivedAt, at, now) ? 'project_archived' : 'active'
}

/**
 * Whether something disabled at `since` is disabled at `at`. A date after `now` comes from a clock that was ahead, and the
 * key must not work again when that clock is corrected.
 */
const isShut = (since: number | null, at: Date, now: Date): boolean =>
  since !== null && (since <= at.getTime() || since > now.getTime())

/** The dates of a secret and its key. */
export interface SecretMarks extends KeyMarks {
  /** When the secret ends because of a rotation; null for the current one. */
  readonly endsAt: number | null
}

/** Why a secret does not work at all; null if it works. Times as for `statusOf`. */
export function refusalOf(
  secret: SecretMarks,
  at: Date,
  now: Date = at,
): 'rotated' | Exclude<KeyStatus, 'active'> | null {
  if (secret.endsAt !== null && secret.endsAt <= at.getTime()) return 'rotated'
  const status = statusOf(secret, at, now)
  return status === 'active' ? null : status
}
