/**
 * Erases a person: names, addresses, content and ways to sign in. What stays is a disabled user without a name, so that what
 * was used still adds up, the audit log keeps its rows, and nothing refers to nobody. The id goes into a ledger, from which a
 * restore erases the person again.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { ErasedUser } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { eq, holdsText, inArray, or, type SQL, sql } from '../../db/query.ts'
import { erased, verifications } from '../../db/schema/accounts.ts'
import { audit } from '../../db/schema/audit.ts'
import { chats, messages } from '../../db/schema/chats.ts'
import { importChanges, imports } from '../../db/schema/imports.ts'
import { apiKeys, keys } from '../../db/schema/keys.ts'
import { invitations } from '../../db/schema/members.ts'
import { projects, users } from '../../db/schema/people.ts'
import { departed, series } from '../../db/schema/usage.ts'
import { many } from '../../text/quantity.ts'
import { lineOf } from '../../text/shell-word.ts'
import { eraseInAudit } from '../audit/erase.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import type { Row } from '../nouns.ts'
import { requireOtherOwner } from '../organizations/owners.ts'
import { find, sameText } from '../select.ts'
import { dropHeld } from './held.ts'
import { verificationsOf } from './verifications.ts'

/**
 * @throws not_found, ambiguous, conflict (the user still owns projects, or is the last owner of an organization)
 */
export function eraseUser(context: OperationContext, selector: string): Promise<ErasedUser> {
  return context.store.write(async db => {
    const user = await find(db, 'user', selector)
    const held = await db.$count(projects, eq(projects.ownerId, user.id))
    if (held > 0) {
      throw new LatchkeyError(
        'conflict',
        `${user.username} still owns ${many(held, 'project')}`,
        `give them to somebody first: ${lineOf('user offboard', user.username)} --to USER`,
      )
    }
    await requireOtherOwner(db, context.now(), user)
    const { event, counts } = await eraseRows(db, user, context.now())
    await record(context, db, event)
    return { id: user.id, ...counts }
  })
}

/**
 * Erases the rows of a user, in the transaction of the caller, who has to write the event into the audit log: without it, erased
 * rows there look damaged.
 */
export async function eraseRows(db: Database, user: Row<'user'>, now: Date) {
  const { id, username, email } = user
  const at = now.getTime()
  const named = nameless(sql`${id}`)
  const theirKeys = db.select({ id: keys.id }).from(keys).where(eq(keys.userId, id))
  const theirChats = db.select({ id: chats.id }).from(chats).where(eq(chats.userId, id))
  const texts = [id, ...[username, email ?? username].map(text => JSON.stringify(text))]
  const rows = await eraseInAudit(db, {
    actor: eq(audit.actor, username),
    details: or(
      eq(audit.targetId, id),
      inArray(audit.targetId, theirKeys),
      inArray(audit.targetId, theirChats),
      ...[audit.before, audit.after].flatMap(column => texts.map(text => holdsText(column, text))),
    ),
  })
  const counts = {
    keys: await db.$count(keys, eq(keys.userId, id)),
    chats: await db.$count(chats, eq(chats.userId, id)),
    messages: await db.$count(messages, inArray(messages.chatId, theirChats)),
  }
  await db
    .delete(importChanges)
    .where(or(eq(importChanges.targetId, id), inArray(importChanges.targetId, theirKeys)))
  for (const { id: importId, report } of await db.select().from(imports).where(namesIn(texts))) {
    const blank = (_: string, value: unknown) => (value === username || value === email ? 'erased' : value)
    const clean: unknown = JSON.parse(JSON.stringify(report, blank))
    await db.update(imports).set({ report: clean }).where(eq(imports.id, importId))
  }
  const used = db.select({ id: series.keyId }).from(series).where(eq(series.userId, id))
  await db
    .update(departed)
    .set({ name: nameless(sql`${departed.id}`) })
    .where(or(eq(departed.id, id), inArray(departed.id, used)))
  await db
    .update(keys)
    .set({
      name: nameless(sql`${keys.id}`),
      metadata: null,
      revokedAt: sql`coalesce(${keys.revokedAt}, ${at})`,
      revokedReason: 'its user was erased',
      updatedAt: at,
    })
    .where(eq(keys.userId, id))
  await db.delete(apiKeys).where(inArray(apiKeys.keyId, theirKeys))
  await db.delete(chats).where(eq(chats.userId, id))
  await dropHeld(db, id, ['membership', 'own', 'made'])
  if (email !== null) {
    await db.delete(verifications).where(verificationsOf(email))
    await db.delete(invitations).where(sameText(invitations.email, email))
  }
  await db
    .update(users)
    .set({
      username: named,
      email: null,
      emailVerified: false,
      name: null,
      image: null,
      additionalFields: null,
      disabledAt: user.disabledAt ?? at,
      disabledReason: 'erased',
      disabledUntil: null,
      updatedAt: at,
    })
    .where(eq(users.id, id))
  await db.insert(erased).values({ id, at }).onConflictDoNothing()
  const target = { type: 'user', id, name: null }
  return { counts, event: { action: 'user.erase', target, after: { ...counts, audit: rows } } as const }
}

/** A name that tells nothing, and that nothing else has. */
const nameless = (id: SQL): SQL => sql`'erased-' || substr(${id}, 15)`

const namesIn = (texts: readonly string[]): SQL | undefined =>
  or(...texts.slice(1).map(text => holdsText(imports.report, text)))
