/**
 * The status of a key, derived and never stored. `status-condition.ts` says the same in SQL, and a property test holds
 * the two together; nothing else may judge these columns.
 */
import type { KeyStatus } from '../../contract/views.ts'

/** What decides: the key's own dates, and those of whom it belongs to. */
export interface KeyMarks {
  readonly revokedAt: number | null
  readonly expiresAt: number | null
  readonly disabledAt: number | null
  readonly userDisabledAt: number | null
  readonly projectArchivedAt: number | null
}

/**
 * revoked > expired > disabled > user_disabled > project_archived > active. A key is expired from the very millisecond
 * of its expiry.
 *
 * @param at as if it were then
 * @param now the present, where that is another moment
 */
export function statusOf(key: KeyMarks, at: Date, now: Date = at): KeyStatus {
  if (isShut(key.revokedAt, at, now)) return 'revoked'
  if (key.expiresAt !== null && key.expiresAt <= at.getTime()) return 'expired'
  if (isShut(key.disabledAt, at, now)) return 'disabled'
  if (isShut(key.userDisabledAt, at, now)) return 'user_disabled'
  return isShut(key.projectArchivedAt, at, now) ? 'project_archived' : 'active'
}

/**
 * Whether what was shut out is shut out at `at`: not before it was, as far as its date can be true. What is dated after
 * the present was dated by a clock that was ahead, and must not come back to life when that clock is set right.
 */
const isShut = (since: number | null, at: Date, now: Date): boolean =>
  since !== null && (since <= at.getTime() || since > now.getTime())

/** A secret with its key, and whom the key belongs to. */
export interface SecretMarks extends KeyMarks {
  /** When a rotation ends the secret; null for the current one. */
  readonly endsAt: number | null
}

/** Why a secret works for no request at all; null when it works. Moments as for `statusOf`. */
export function refusalOf(
  secret: SecretMarks,
  at: Date,
  now: Date = at,
): 'rotated' | Exclude<KeyStatus, 'active'> | null {
  if (secret.endsAt !== null && secret.endsAt <= at.getTime()) return 'rotated'
  const status = statusOf(secret, at, now)
  return status === 'active' ? null : status
}
