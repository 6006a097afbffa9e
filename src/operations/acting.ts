/** Doing something for a user instead of as an operator. */
import { LatchkeyError } from '../contract/errors.ts'
import type { Actor } from './input.ts'
import { isWholeId } from './rules/ids.ts'

/** The actor, who is named by the id in the audit log: an operator is never named so. @throws invalid (not an id) */
export function actingFor({ origin }: Actor, user: string): Actor {
  if (isWholeId(user, 'usr')) return { name: user, origin, user }
  throw new LatchkeyError(
    'invalid',
    'a user who acts is named by the whole id, because the audit log keeps it',
    'get it first: const { id } = await latchkey.users.get(username)',
  )
}
