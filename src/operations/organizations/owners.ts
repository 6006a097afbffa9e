/**
 * The rule of the last owner: an organization that has an owner who is not disabled never loses the last one. Each operation
 * that could take one away asks here, in its transaction; writers wait for each other, so what it sees is what it changes.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, eq, not, oneOf, type SQL, type SQLWrapper, sql } from '../../db/query.ts'
import { organizationMembers } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { users } from '../../db/schema/people.ts'
import { word } from '../../db/words.ts'
import { series } from '../../text/series.ts'
import { lineOf } from '../../text/shell-word.ts'
import { disabledAt } from '../people/status-condition.ts'
import { hasRole } from './role-names.ts'

/** The role that nobody stands above. */
export const ownerRole = 'owner'

/** Whether a membership has the role among its own, by the column that holds them. */
const isOwnerIn = (role: SQLWrapper): SQL => hasRole(role, ownerRole)

/**
 * Refuses to take an owner away from an organization that would have none left: one that leaves, is demoted, disabled, erased
 * or deleted.
 *
 * @param organizationId the only organization that is concerned; left out: all of the user
 * @throws conflict
 */
export async function requireOtherOwner(
  db: Database,
  now: Date,
  user: { readonly id: string; readonly username: string },
  organizationId?: string,
): Promise<void> {
  const others = ownersBut(db, now, sql`other.user_id = ${user.id}`)
  const left = await db
    .select({ slug: organizations.slug })
    .from(organizationMembers)
    .innerJoin(organizations, eq(organizations.id, organizationMembers.organizationId))
    .where(
      and(
        eq(organizationMembers.userId, user.id),
        isOwnerIn(organizationMembers.role),
        organizationId === undefined ? undefined : eq(organizations.id, organizationId),
        sql`NOT EXISTS ${others}`,
      ),
    )
    .orderBy(asc(organizations.id))
    .limit(4)
  const [first] = left
  if (first === undefined) return
  const named = left.slice(0, 3).map(({ slug }) => slug)
  throw new LatchkeyError(
    'conflict',
    `${user.username} is the last owner of ${series(left.length > 3 ? [...named, 'others'] : named, 'and')}`,
    `make somebody else an owner first: ${lineOf('org member role', first.slug, 'USER', ownerRole)}`,
  )
}

/**
 * Refuses to take several owners away at once from an organization that would have none left.
 *
 * @param by the column of memberships that names them: their own ids, or those of users
 * @throws conflict
 */
export async function requireOwnersWithout(
  db: Database,
  now: Date,
  by: 'id' | 'userId',
  ids: readonly string[],
): Promise<void> {
  const column = organizationMembers[by]
  const others = ownersBut(
    db,
    now,
    sql`other.${sql.identifier(column.name)} IN (SELECT value FROM ${word('items')}(${JSON.stringify(ids)}))`,
  )
  const lost = await db
    .selectDistinct({ id: organizations.id, slug: organizations.slug })
    .from(organizationMembers)
    .innerJoin(organizations, eq(organizations.id, organizationMembers.organizationId))
    .where(and(oneOf(column, ids), isOwnerIn(organizationMembers.role), sql`NOT EXISTS ${others}`))
    .orderBy(asc(organizations.id))
    .limit(1)
  requireOwnersKept([], lost)
}

/** Memberships of owners who are not disabled, in the organization of the query around it. @param gone those that go */
function ownersBut(db: Database, now: Date, gone: SQL) {
  const shut = disabledAt(now)
  return db
    .select({ one: sql`1` })
    .from(sql`organization_members AS other`)
    .innerJoin(users, sql`${users.id} = other.user_id`)
    .where(
      and(
        sql`other.organization_id = ${organizations.id}`,
        not(gone),
        isOwnerIn(sql`other.role`),
        shut && not(shut),
      ),
    )
}

/** The users who own an organization, alone or with others. @param without memberships that do not count */
export const ownersOfOrganizations = (db: Database, without: readonly string[]) =>
  db
    .selectDistinct({ id: organizationMembers.userId })
    .from(organizationMembers)
    .where(and(isOwnerIn(organizationMembers.role), not(oneOf(organizationMembers.id, without))))

/** The organizations without an owner who is not disabled: work that changes many rows at once compares before and after. */
export const ownerless = (db: Database, now: Date) =>
  db
    .select({ id: organizations.id, slug: organizations.slug })
    .from(organizations)
    .where(sql`NOT EXISTS ${ownersBut(db, now, sql`1 = 0`)}`)
    .orderBy(asc(organizations.id))

/** @throws conflict (an organization has lost its last owner) */
export function requireOwnersKept(
  before: readonly { readonly id: string }[],
  after: readonly { readonly id: string; readonly slug: string }[],
): void {
  const known = new Set(before.map(({ id }) => id))
  const lost = after.find(({ id }) => !known.has(id))
  if (lost === undefined) return
  throw new LatchkeyError(
    'conflict',
    `the organization ${lost.slug} would have no owner; nothing was changed`,
    `make somebody else an owner first: ${lineOf('org member role', lost.slug, 'USER', ownerRole)}`,
  )
}
