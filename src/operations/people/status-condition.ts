/** `isDisabled` as a condition on the table `users`. */
import { and, gt, isNotNull, isNull, or, type SQL } from '../../db/query.ts'
import { users } from '../../db/schema/people.ts'

export const disabledAt = (now: Date): SQL | undefined =>
  and(isNotNull(users.disabledAt), or(isNull(users.disabledUntil), gt(users.disabledUntil, now.getTime())))
