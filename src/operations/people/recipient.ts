/**
 * Which users can be given something. What stays of an erased user is for what was used: nobody is that user again. A disabled
 * user keeps what is theirs, also keys, which answer `user_disabled`, but becomes the owner of nothing else.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Database } from '../../db/engine.ts'
import { eq } from '../../db/query.ts'
import { erased } from '../../db/schema/accounts.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { Row } from '../nouns.ts'
import { find } from '../select.ts'
import { isDisabled } from './status.ts'

/** Finds a user to give something to. @throws not_found, ambiguous, conflict (was erased) */
export async function findRecipient(db: Database, selector: string): Promise<Row<'user'>> {
  const user = await find(db, 'user', selector)
  await requireNotErased(db, user)
  return user
}

/** @throws conflict */
export async function requireNotErased(
  db: Database,
  { id, username }: { readonly id: string; readonly username: string },
): Promise<void> {
  const [gone] = await db.select({ at: erased.at }).from(erased).where(eq(erased.id, id)).limit(1)
  if (gone === undefined) return
  throw new LatchkeyError(
    'conflict',
    `${username} was erased, and stays only for what was used`,
    'create another user: latchkey user create USERNAME',
  )
}

/**
 * @param what `a project`
 * @throws conflict (disabled or erased)
 */
export async function requireMayOwn(db: Database, now: Date, user: Row<'user'>, what: string): Promise<void> {
  await requireNotErased(db, user)
  if (!isDisabled(user, now)) return
  throw new LatchkeyError(
    'conflict',
    `${user.username} is disabled, and cannot become the owner of ${what}`,
    `name another user (latchkey user list --status active), or: ${lineOf('user enable', user.username)}`,
  )
}
