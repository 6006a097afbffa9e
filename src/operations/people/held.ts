/** What is kept about a user, found from the catalogue of nouns: what they own, what they belong to, and what goes with them. */

import { type Noun, nounNames, nouns } from '../../contract/nouns.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, oneOf, type SQL, sql } from '../../db/query.ts'
import { accounts } from '../../db/schema/accounts.ts'
import { invitations } from '../../db/schema/members.ts'
import { word } from '../../db/words.ts'
import { owned, owners, stored, tableOf } from '../nouns.ts'

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

/**
 * What ties people to a thing, by the name of the list: who belongs to it, and pending invitations; of a user, where they belong
 * and how they sign in. The audit row of a deletion tells it, so that a restore gives nothing back that was lost before.
 */
type Ties = Readonly<Record<string, readonly object[]>>

/** The ties of things, by their ids. */
export async function tiesOf(
  db: Database,
  noun: Noun,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Ties>> {
  const found: TieRow[] = []
  for (const query of tieQueries(db, noun, ids)) found.push(...(await query))
  return tiesIn(found)
}

/** One tie as a query finds it. */
export interface TieRow {
  /** The id of the thing. */
  readonly of: string
  readonly list: string
  readonly updatedAt?: number
}

/** @param found what the queries of `tieQueries` found */
export const tiesIn = (found: readonly TieRow[]): ReadonlyMap<string, Ties> =>
  new Map(
    [...Map.groupBy(found, ({ of }) => of)].map(([id, rows]) => [
      id,
      Object.fromEntries(
        [...Map.groupBy(rows, ({ list }) => list)].map(([list, some]) => [
          list,
          some.map(({ of: _, list: __, updatedAt, ...tie }) =>
            updatedAt === undefined ? tie : { ...tie, updatedAt: new Date(updatedAt) },
          ),
        ]),
      ),
    ]),
  )

/**
 * Queries for the ties of things.
 *
 * @param besides what a view of the thing tells too, and is left out
 */
export function tieQueries(
  db: Database,
  noun: Noun,
  ids: readonly string[],
  besides: 'view' | 'nothing' = 'view',
) {
  const among = (id: SQL) => sql`${id} IN (SELECT value FROM ${word('items')}(${JSON.stringify(ids)}))`
  const memberships = memberTables.flatMap(({ table, column, noun: place, of, hasRole, isShown }) => {
    const [user, id] = [sql`${sql.identifier(column)}`, sql`${sql.identifier(of)}`]
    const { goesWith, belongsTo } = stored[place]
    const isTold = isShown && besides === 'view'
    const own = noun === 'user' ? user : noun === place && !isTold ? id : undefined
    const places = tableOf(place)
    const whole =
      goesWith !== null && belongsTo[goesWith] === noun ? sql`${sql.identifier(goesWith)}` : undefined
    const thing = own ?? (whole && sql`(SELECT ${whole} FROM ${places} WHERE ${places.id} = ${id})`)
    if (thing === undefined) return []
    const ofThings =
      own || !whole ? among(thing) : sql`${id} IN (SELECT ${places.id} FROM ${places} WHERE ${among(whole)})`
    const tie = {
      of: sql<string>`${thing}`.as('of'),
      list: sql<string>`'memberships'`.as('list'),
      in: sql<Noun>`${sql.raw(`'${place}'`)}`.as('in'),
      id: sql<string>`${id}`.as('id'),
      user: sql<string>`${user}`.as('user'),
      role: sql<string | null>`${hasRole ? sql.identifier('role') : sql`NULL`}`.as('role'),
    }
    const rows = db.select(tie).from(sql`${sql.identifier(table)}`)
    return [rows.where(ofThings).orderBy(id, user)]
  })
  const ways = {
    of: sql<string>`${accounts.userId}`.as('of'),
    list: sql<string>`'accounts'`.as('list'),
    issuer: sql<string>`${accounts.issuer}`.as('issuer'),
    accountId: sql<string>`${accounts.accountId}`.as('accountId'),
    updatedAt: sql<number>`${accounts.updatedAt}`.as('updatedAt'),
  }
  const open = {
    of: sql<string>`${invitations.organizationId}`.as('of'),
    list: sql<string>`'invitations'`.as('list'),
    id: sql<string>`${invitations.id}`.as('id'),
  }
  return [
    ...memberships,
    ...(noun === 'user'
      ? [db.select(ways).from(accounts).where(oneOf(accounts.userId, ids)).orderBy(accounts.id)]
      : []),
    ...(noun === 'org'
      ? [
          db
            .select(open)
            .from(invitations)
            .where(and(oneOf(invitations.organizationId, ids), eq(invitations.status, 'pending')))
            .orderBy(invitations.id),
        ]
      : []),
  ]
}

/** The tables of memberships. */
export const memberTables = heldOf.flatMap(({ table, column, noun, of }) => {
  if (noun === undefined || of === undefined) return []
  const part = stored[noun].parts.find(each => each.table === table)
  // The view of a thing shows its settings.
  return [
    {
      table,
      column,
      noun,
      of,
      hasRole: part?.columns.includes('role') === true,
      isShown: part?.isSetting === true,
    },
  ]
})
