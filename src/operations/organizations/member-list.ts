/** Lists of members, whatever they are members of. */
import type { UserRef } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, eq, gt, type SQL } from '../../db/query.ts'
import type { organizationMembers, teamMembers } from '../../db/schema/members.ts'
import { type projectMembers, users } from '../../db/schema/people.ts'
import type { Counted } from '../page.ts'
import { find } from '../select.ts'

type Memberships = typeof organizationMembers | typeof teamMembers | typeof projectMembers

/**
 * Members in the order in which the users were created.
 *
 * @param isHere whose members
 * @param after the user that the list begins after
 * @throws not_found, ambiguous for that user
 */
export async function membersOf<T extends Memberships, View extends { readonly user: UserRef }>(
  db: Database,
  table: T,
  isHere: SQL,
  after: string | undefined,
  viewOf: (user: UserRef, member: T['$inferSelect']) => View,
): Promise<Counted<View>> {
  return {
    after: after === undefined ? undefined : (await find(db, 'user', after)).id,
    read: async (last, limit) => {
      const rows = await db
        .select({ user: { id: users.id, username: users.username }, member: table as Memberships })
        .from(table as Memberships)
        .innerJoin(users, eq(users.id, table.userId))
        .where(and(isHere, last === undefined ? undefined : gt(table.userId, last)))
        .orderBy(asc(table.userId))
        .limit(limit)
      return rows.map(({ user, member }) => viewOf(user, member))
    },
    keyOf: view => view.user.id,
    total: () => db.$count(table, isHere),
  }
}
