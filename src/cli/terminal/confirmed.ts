/** What is said where something was not confirmed. */
import { LatchkeyError } from '../../contract/errors.ts'

/** For who was not asked. To who has said no it would be no advice. */
export const withoutAsking = 'add --yes to confirm without being asked'

export const unconfirmed = (message: string, hint: string): LatchkeyError =>
  new LatchkeyError('not_confirmed', message, hint)
