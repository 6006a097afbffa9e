/** A user leaves: all that the user owns or belongs to is shown, and disabled, given to somebody else, or deleted, in one transaction. */
import { LatchkeyError } from '../../contract/errors.ts'
import { labelOf, type Noun, nouns } from '../../contract/nouns.ts'
import type { Offboarded } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { eq, inArray, type SQL, sql } from '../../db/query.ts'
import { users } from '../../db/schema/people.ts'
import { many } from '../../text/quantity.ts'
import { lineOf } from '../../text/shell-word.ts'
import { type Event, recordAll } from '../audit.ts'
import { chat } from '../chats/chats.ts'
import type { OperationContext } from '../context.ts'
import { key } from '../keys/change.ts'
import { depth, owned, tableOf, targetOf } from '../nouns.ts'
import { requireOtherOwner } from '../organizations/owners.ts'
import { batchSize } from '../page.ts'
import { parse } from '../rules/input.ts'
import { find } from '../select.ts'
import { countHeld, dropHeld, passMemberships } from './held.ts'
import { type Offboarding, offboarding } from './input.ts'
import { project } from './projects.ts'
import { requireMayOwn, requireNotErased } from './recipient.ts'
import { isDisabled } from './status.ts'
import { user as userThing } from './users.ts'

/**
 * Shows what a user owns or belongs to, or with options ends it. Sessions end in each case; memberships go to the new owner, if
 * there is one.
 *
 * @throws not_found, ambiguous, invalid (options that exclude each other), conflict (somebody else's things depend on what would be
 *   deleted, the user is the last owner of an organization, the user was erased, or the new owner is disabled, erased or the
 *   same)
 */
export function offboardUser(
  context: OperationContext,
  selector: string,
  options: Offboarding = {},
): Promise<Offboarded> {
  const { to, disable, deleteAll } = parse(offboarding, options)
  if (deleteAll && (disable || to !== undefined)) {
    throw new LatchkeyError(
      'invalid',
      'what is deleted can be neither disabled nor given away',
      'give one of them: latchkey user offboard alice --to bob',
    )
  }
  const look = async (db: Database) => {
    const user = await find(db, 'user', selector)
    const ref = { id: user.id, username: user.username }
    return { user, ref, holds: await countHeld(db, user.id) }
  }
  if (!disable && !deleteAll && to === undefined) {
    return context.store.read(async db => {
      const { ref, holds } = await look(db)
      return { user: ref, action: 'none', to: null, holds }
    })
  }
  return context.store.write(async db => {
    const { user, ref, holds } = await look(db)
    await requireNotErased(db, user)
    const now = context.now()
    const heir = to === undefined ? undefined : await find(db, 'user', to)
    if (heir) {
      if (heir.id === user.id) throw sameHeir(heir.username)
      await requireMayOwn(db, now, heir, `what ${user.username} has`)
      for (const [noun, column] of owned('user')) await give(context, db, noun, column, user, heir)
      await passMemberships(db, user.id, heir.id)
    }
    await requireOtherOwner(db, now, user)
    const action = deleteAll ? 'deleted' : heir ? 'transferred' : 'disabled'
    const told: Event = {
      action: 'user.offboard',
      target: targetOf('user', user),
      after: { action, to: heir?.username ?? null, ...holds },
    }
    await recordAll(context, db, [told])
    if (deleteAll) {
      const goes = owned('user').toSorted(([a], [b]) => depth(b) - depth(a))
      for (const [noun, column] of goes) await deleteAllOf(context, db, noun, column, user)
      await userThing.eraseRows(context, db, [user])
    } else {
      await dropHeld(db, user.id, ['membership'])
      await dropHeld(db, user.id, ['own', 'made'], ['limits', 'accounts', 'imported_users', 'imported_rows'])
      const at = now.getTime()
      const since = isDisabled(user, now) ? {} : { disabledAt: at, disabledReason: null }
      const shut = { ...since, disabledUntil: null, updatedAt: at }
      await db.update(users).set(shut).where(eq(users.id, user.id))
    }
    return { user: ref, action, to: heir ? { id: heir.id, username: heir.username } : null, holds }
  })
}

interface Person {
  readonly id: string
  readonly username: string
}

type OwnedRow = { readonly id: string }

interface Erasing {
  eraseRows(context: OperationContext, db: Database, rows: readonly OwnedRow[]): Promise<unknown>
}

/** What a user can own. */
const things: Partial<Readonly<Record<Noun, Erasing>>> = { key, project, chat }

/** The next of the things that a user owns. */
const nextOf = async (db: Database, noun: Noun, isTheirs: SQL): Promise<readonly OwnedRow[]> =>
  (await db
    .select()
    .from(tableOf(noun))
    .where(isTheirs)
    .orderBy(tableOf(noun).id)
    .limit(batchSize)) as object[] as readonly OwnedRow[]

const ownedBy = (noun: Noun, column: string, userId: string): SQL =>
  sql`${sql.identifier(nouns[noun].plural)}.${sql.identifier(column)} = ${userId}`

async function give(
  context: OperationContext,
  db: Database,
  noun: Noun,
  column: string,
  from: Person,
  to: Person,
): Promise<void> {
  const at = context.now().getTime()
  for (;;) {
    const rows = await nextOf(db, noun, ownedBy(noun, column, from.id))
    const ids = rows.map(({ id }) => id)
    if (ids.length > 0) {
      await db.run(
        sql`UPDATE ${sql.identifier(nouns[noun].plural)} SET ${sql.identifier(column)} = ${to.id}, updated_at = ${at}
          WHERE ${inArray(tableOf(noun).id, ids)}`,
      )
    }
    const events = rows.map(
      (row): Event => ({
        action: 'user.offboard',
        target: targetOf(noun, row),
        before: { owner: { id: from.id, username: from.username } },
        after: { owner: { id: to.id, username: to.username } },
      }),
    )
    await recordAll(context, db, events)
    if (rows.length < batchSize) return
  }
}

/** @throws conflict (something of somebody else belongs to one of them, which would lose it) */
async function deleteAllOf(
  context: OperationContext,
  db: Database,
  noun: Noun,
  column: string,
  user: Person,
): Promise<void> {
  const thing = things[noun]
  if (thing === undefined) throw new Error(`nothing deletes a ${noun} of a user`)
  for (;;) {
    const rows = await nextOf(db, noun, ownedBy(noun, column, user.id))
    for (const row of rows) {
      const label = labelOf(noun, row)
      for (const [other, by] of owned(noun)) {
        const count = await db.$count(sql`${sql.identifier(nouns[other].plural)}`, ownedBy(other, by, row.id))
        if (count > 0) throw needed(`${noun} ${label}`, many(count, other, nouns[other].plural), user)
      }
    }
    await thing.eraseRows(context, db, rows)
    if (rows.length < batchSize) return
  }
}

const sameHeir = (username: string): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${username} cannot be given what is theirs`,
    'name another user: latchkey user list --status active',
  )

const needed = (what: string, by: string, { username }: Person): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `the ${what} still has ${by}; nothing was changed`,
    `give everything to somebody instead: ${lineOf('user offboard', username)} --to USER`,
  )
