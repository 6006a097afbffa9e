/** Whether a user is disabled: always, or until a time. `status-condition.ts` does the same in SQL. */

interface Marks {
  readonly disabledAt: number | null
  readonly disabledUntil: number | null
}

export const isDisabled = ({ disabledAt, disabledUntil }: Marks, now: Date): boolean =>
  disabledAt !== null && !isOver(disabledUntil, now)

/** Whether what was for a time has ended at that moment. */
export const isOver = (until: number | null, at: Date): boolean => until !== null && until <= at.getTime()
