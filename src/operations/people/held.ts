/** What is kept about a user, found from the catalogue of nouns: what they own, what they belong to, and what goes with them. */

import { type Noun, nounNames, nouns } from '../../contract/nouns.ts'
import type { Database } from '../../db/engine.ts'
import { oneOf, type SQL, sql } from '../../db/query.ts'
import { accounts } from '../../db/schema/accounts.ts'
import { word } from '../../db/words.ts'
import { owned, owners, stored } from '../nouns.ts'

/** Rows of a table that name a user in a column. */
export interface Held {
  readonly table: string
  readonly column: string
  /** What they are: things that the user owns, places among others, what is nobody's without the user, or what is for others. */
  readonly as: 'owned' | 'membership' | 'own' | 'made'
  /** Of things that are owned, and of what a membership is in. */
  readonly noun?: Noun
  /** The column that names what a membership is in. */
  readonly of?: string
}

/** Every table that can name a user. A test compares it with the schema. */
export const heldOf: readonly Held[] = [
  ...owned('user').map(([noun, column]): Held => ({ table: nouns[noun].plural, column, as: 'owned', noun })),
  ...nounNames.flatMap(noun =>
    stored[noun].parts.flatMap(({ table, by, members }) =>
      members === undefined ? [] : [{ table, column: members, as: 'membership' as const, noun, of: by }],
    ),
  ),
  ...[...stored.user.parts, ...stored.user.trails].map(
    ({ table, by }): Held => ({ table, column: by, as: 'own' }),
  ),
  ...stored.user.made.map(({ table, by }): Held => ({ table, column: by, as: 'made' })),
]

/** Those rows of a user. */
export const isOf = ({ table, column }: Pick<Held, 'table' | 'column'>, userId: string): SQL =>
  sql`${sql.identifier(table)}.${sql.identifier(column)} = ${userId}`

/** How many rows of each table name the user; those without any are left out. */
export async function countHeld(db: Database, userId: string): Promise<Readonly<Record<string, number>>> {
  const counts = new Map<string, number>()
  for (const held of heldOf) {
    const count = await db.$count(sql`${sql.identifier(held.table)}`, isOf(held, userId))
    const word = wordFor(held)
    if (count > 0) counts.set(word, count + (counts.get(word) ?? 0))
  }
  return Object.fromEntries(counts)
}

/** As people call the rows. */
const wordFor = ({ table, as }: Held): string =>
  (as === 'membership' ? table.replace(/_members$/, 'Memberships') : table).replace(
    /_(.)/g,
    (_, letter: string) => letter.toUpperCase(),
  )

/** Gives a user's memberships to somebody, except in what they own or are members of already, with a role of their own. */
export async function passMemberships(db: Database, fromId: string, toId: string): Promise<void> {
  for (const { table, column, noun, of } of heldOf) {
    if (noun === undefined || of === undefined) continue
    const [rows, member, place] = [table, column, of].map(name => sql.identifier(name))
    const things = sql.identifier(nouns[noun].plural)
    const theirs = owners(noun).flatMap(([by, owner]) =>
      owner === 'user'
        ? [sql` AND ${place} NOT IN (SELECT id FROM ${things} WHERE ${sql.identifier(by)} = ${toId})`]
        : [],
    )
    await db.run(
      sql`UPDATE ${rows} SET ${member} = ${toId} WHERE ${member} = ${fromId}
        AND ${place} NOT IN (SELECT ${place} FROM ${rows} WHERE ${member} = ${toId})${sql.join(theirs)}`,
    )
  }
}

/** Deletes the rows of some kinds that name the user. What the user made for others stays, and no longer says who made it. */
export async function dropHeld(
  db: Database,
  userId: string,
  kinds: readonly Held['as'][],
  but: readonly string[] = [],
) {
  for (const held of heldOf) {
    if (!kinds.includes(held.as) || but.includes(held.table)) continue
    const rows = sql.identifier(held.table)
    await db.run(
      held.as === 'made'
        ? sql`UPDATE ${rows} SET ${sql.identifier(held.column)} = NULL WHERE ${isOf(held, userId)}`
        : sql`DELETE FROM ${rows} WHERE ${isOf(held, userId)}`,
    )
  }
}

/** Where a user belongs and how they sign in. A restore of a deleted user gives nothing back that they had lost by then. */
export interface Ties {
  readonly memberships: readonly Membership[]
  readonly accounts: readonly {
    readonly issuer: string
    readonly accountId: string
    readonly updatedAt: Date
  }[]
}

interface Membership {
  /** What it is in, and its id. */
  readonly in: Noun
  readonly id: string
  /** Null in what has no roles. */
  readonly role: string | null
}

/** The ties of users, by their ids. */
export async function tiesOf(db: Database, userIds: readonly string[]): Promise<ReadonlyMap<string, Ties>> {
  const memberships: (Membership & { readonly user: string })[] = []
  for (const { table, column, noun, of, hasRole } of memberTables) {
    const [user, id] = [column, of].map(name => sql.identifier(name))
    const rows = await db
      .select({
        user: sql<string>`${user}`,
        id: sql<string>`${id}`,
        role: sql<string | null>`${hasRole ? sql.identifier('role') : sql`NULL`}`,
      })
      .from(sql`${sql.identifier(table)}`)
      .where(sql`${user} IN (SELECT value FROM ${word('items')}(${JSON.stringify(userIds)}))`)
      .orderBy(sql`${id}`)
    memberships.push(...rows.map(row => ({ ...row, in: noun })))
  }
  const ways = await db.select().from(accounts).where(oneOf(accounts.userId, userIds)).orderBy(accounts.id)
  return new Map(
    userIds.map(userId => [
      userId,
      {
        memberships: memberships.flatMap(({ user, ...each }) => (user === userId ? [each] : [])),
        accounts: ways
          .filter(way => way.userId === userId)
          .map(({ issuer, accountId, updatedAt }) => ({ issuer, accountId, updatedAt: new Date(updatedAt) })),
      },
    ]),
  )
}

/** The tables of memberships. */
export const memberTables = heldOf.flatMap(({ table, column, noun, of }) => {
  if (noun === undefined || of === undefined) return []
  const part = stored[noun].parts.find(each => each.table === table)
  return [{ table, column, noun, of, hasRole: part?.columns.includes('role') === true }]
})
