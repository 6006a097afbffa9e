/** Whether a user is disabled, as a rule and as a condition of a query: always, or until a time. */
import { and, gt, isNotNull, isNull, or, type SQL } from '../../db/query.ts'
import { users } from '../../db/schema/people.ts'

interface Marks {
  readonly disabledAt: number | null
  readonly disabledUntil: number | null
}

export const isDisabled = ({ disabledAt, disabledUntil }: Marks, now: Date): boolean =>
  disabledAt !== null && !isOver(disabledUntil, now)

/** Whether what was for a time has ended at that moment. */
export const isOver = (until: number | null, at: Date): boolean => until !== null && until <= at.getTime()

/** `isDisabled` of the table `users`. */
export const disabledAt = (now: Date): SQL | undefined =>
  and(isNotNull(users.disabledAt), or(isNull(users.disabledUntil), gt(users.disabledUntil, now.getTime())))
