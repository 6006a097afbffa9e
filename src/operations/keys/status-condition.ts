/** `statusOf` as a condition of a query. */
import type { KeyStatus } from '../../contract/views.ts'
import { and, gt, isNotNull, isNull, lte, or, type SQL } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'

/** Keys that have the status at `now`, the present. */
export function hasStatus(status: KeyStatus, now: Date): SQL | undefined {
  const unexpired = or(isNull(keys.expiresAt), gt(keys.expiresAt, now.getTime()))
  switch (status) {
    case 'revoked':
      return isNotNull(keys.revokedAt)
    case 'expired':
      return and(isNull(keys.revokedAt), lte(keys.expiresAt, now.getTime()))
    case 'disabled':
      return and(isNull(keys.revokedAt), unexpired, isNotNull(keys.disabledAt))
    case 'active':
      return and(isNull(keys.revokedAt), unexpired, isNull(keys.disabledAt))
  }
}
