/** What is to be confirmed by mail, found by the address. Identifiers are stored as hashes, as Better Auth's adapter makes them. */
import { holdsText, lowerAscii, oneOf, or, type SQL } from '../../db/query.ts'
import { verifications } from '../../db/schema/accounts.ts'
import { hashSecret } from '../rules/secrets.ts'

/** What Better Auth puts before an address, for codes that are sent there. */
const purposes = ['', 'sign-in-otp-', 'email-verification-otp-', 'forget-password-otp-', 'change-email-otp-']

/** Those of an address; other programs may have written identifiers as they are. */
export const verificationsOf = (email: string): SQL | undefined =>
  or(
    holdsText(verifications.identifier, email),
    oneOf(
      verifications.identifier,
      purposes.map(purpose => hashSecret(purpose + lowerAscii(email))),
    ),
  )
