/** What is to be confirmed by mail, found by the address. Identifiers are stored as hashes, as Better Auth's adapter makes them. */
import { holds, lowerAscii, oneOf, oneOfNames, or, type SQL } from '../../db/query.ts'
import { verifications } from '../../db/schema/accounts.ts'
import { hashSecret } from '../rules/secrets.ts'

/** What Better Auth puts before an address, for codes that are sent there. */
const purposes = ['', 'sign-in-otp-', 'email-verification-otp-', 'forget-password-otp-', 'change-email-otp-']

/**
 * Those of a user, at the addresses; other programs may have written identifiers as they are. They are compared as a whole,
 * because an address can be the end or the beginning of another.
 */
export function verificationsOf(userId: string, emails: readonly string[]): SQL | undefined {
  const { identifier } = verifications
  /** Before the new address of a user. */
  const toChange = `change-email-otp-${userId}:`
  const texts = emails.flatMap(email => [...purposes, toChange].map(purpose => purpose + lowerAscii(email)))
  return or(
    oneOfNames(identifier, texts),
    oneOf(identifier, texts.map(hashSecret)),
    holds(identifier, toChange),
  )
}
