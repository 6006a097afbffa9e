/** Errors for actions that were not confirmed. */
import { LatchkeyError } from '../../contract/errors.ts'

/** The hint if nobody could be asked. Someone who said no needs none. */
export const withoutAsking = 'add --yes to confirm without being asked'

export const unconfirmed = (message: string, hint: string): LatchkeyError =>
  new LatchkeyError('not_confirmed', message, hint)
