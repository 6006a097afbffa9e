/**
 * Erases a person: names, addresses, content and ways to sign in. What stays is a disabled user without a name, so that what
 * was used still adds up, the audit log keeps its rows, and nothing refers to nobody. The id goes into a ledger, from which a
 * restore erases the person again.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { ErasedUser } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { eq, inArray, oneOf, type SQL, sql } from '../../db/query.ts'
import { erased, verifications } from '../../db/schema/accounts.ts'
import { chats, messages } from '../../db/schema/chats.ts'
import { fileHistory } from '../../db/schema/content.ts'
import { importedRows } from '../../db/schema/imports.ts'
import { apiKeys, keys, secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { invitations } from '../../db/schema/members.ts'
import { projects, users } from '../../db/schema/people.ts'
import { departed } from '../../db/schema/usage.ts'
import { many } from '../../text/quantity.ts'
import { lineOf } from '../../text/shell-word.ts'
import { erasedActor, eraseInAudit } from '../audit/erase.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import type { Row } from '../nouns.ts'
import { requireOtherOwner } from '../organizations/owners.ts'
import { find } from '../select.ts'
import { eraseInImports } from './erase-in-imports.ts'
import { dropHeld } from './held.ts'
import { requireNotErased } from './recipient.ts'
import { isDisabled } from './status.ts'
import { calledIn, isCalled, tellingOf, toConfirm, tracesOf, writtenBy } from './traces.ts'

/**
 * @throws not_found, ambiguous, conflict (the user still owns projects, is the last owner of an organization, or
 *   was erased already)
 */
export function eraseUser(context: OperationContext, selector: string): Promise<ErasedUser> {
  return context.store.write(async db => {
    const user = await find(db, 'user', selector)
    await requireNotErased(db, user)
    const held = await db.$count(projects, eq(projects.ownerId, user.id))
    if (held > 0) {
      throw new LatchkeyError(
        'conflict',
        `${user.username} still owns ${many(held, 'project')}`,
        `give them to somebody first: ${lineOf('user offboard', user.username)} --to USER`,
      )
    }
    await requireOtherOwner(db, context.now(), user)
    const { event, counts } = await eraseRows(context, db, user)
    await record(context, db, event)
    return { id: user.id, ...counts }
  })
}

/**
 * Erases the rows of a user, in the transaction of the caller, who has to write the event into the audit log: without it, erased
 * rows there look damaged.
 */
export async function eraseRows(
  context: Pick<OperationContext, 'now' | 'actor'>,
  db: Database,
  user: Row<'user'>,
) {
  const { id } = user
  const now = context.now()
  const at = now.getTime()
  const named = nameless(sql`${id}`)
  const theirKeys = db.select({ id: keys.id }).from(keys).where(eq(keys.userId, id))
  const theirChats = db.select({ id: chats.id }).from(chats).where(eq(chats.userId, id))
  const traces = await tracesOf(db, user)
  await eraseInImports(db, traces)
  const rows = await eraseInAudit(db, { actor: writtenBy(traces), details: tellingOf(traces) })
  await db
    .update(fileHistory)
    .set({ actor: erasedActor })
    .where(calledIn(fileHistory.actor, fileHistory.at, traces.usernames))
  const counts = {
    keys: await db.$count(keys, eq(keys.userId, id)),
    chats: await db.$count(chats, eq(chats.userId, id)),
    messages: await db.$count(messages, inArray(messages.chatId, theirChats)),
  }
  await db
    .update(departed)
    .set({ name: nameless(sql`${departed.id}`) })
    .where(oneOf(departed.id, [id, ...traces.keys]))
  await db
    .update(keys)
    .set({
      name: nameless(sql`${keys.id}`),
      model: null,
      allowedModels: null,
      scopes: [],
      metadata: null,
      revokedAt: sql`coalesce(${keys.revokedAt}, ${at})`,
      revokedReason: 'its user was erased',
      updatedAt: at,
    })
    .where(eq(keys.userId, id))
  await db.update(secrets).set({ requestId: null }).where(inArray(secrets.keyId, theirKeys))
  await db.delete(limits).where(inArray(limits.keyId, theirKeys))
  await db.delete(apiKeys).where(inArray(apiKeys.keyId, theirKeys))
  await db.delete(chats).where(eq(chats.userId, id))
  await dropHeld(db, id, ['membership', 'own', 'made'])
  await db.delete(verifications).where(toConfirm(traces))
  const toThem = calledIn(invitations.email, invitations.createdAt, traces.emails)
  const invited = db.select({ id: invitations.id }).from(invitations).where(toThem)
  await db.update(importedRows).set({ before: null }).where(inArray(importedRows.targetId, invited))
  await db.delete(invitations).where(toThem)
  await db
    .update(users)
    .set({
      username: named,
      email: null,
      emailVerified: false,
      name: null,
      image: null,
      additionalFields: null,
      disabledAt: isDisabled(user, now) ? user.disabledAt : at,
      disabledReason: 'erased',
      disabledUntil: null,
      updatedAt: at,
    })
    .where(eq(users.id, id))
  await db.insert(erased).values({ id, at }).onConflictDoNothing()
  const target = { type: 'user', id, name: null }
  const actor = isCalled(traces, context.actor.name) ? erasedActor : undefined
  const after = { ...counts, audit: rows }
  return { counts, event: { action: 'user.erase', target, after, actor } as const }
}

/** A name that tells nothing, and that nothing else has. */
const nameless = (id: SQL): SQL => sql`'erased-' || substr(${id}, 15)`
