/**
 * Organizations: users who own projects together. Deleting one deletes its members' memberships, its invitations, teams and
 * roles; it is refused while it owns projects. Its members stay, and so does what was used.
 */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, CreatedOrganization, Organization } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, count, eq, oneOf, sql } from '../../db/query.ts'
import { organizationMembers, teams } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { projects } from '../../db/schema/people.ts'
import { many } from '../../text/quantity.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { OperationContext } from '../context.ts'
import type { CreateOptions } from '../input.ts'
import { limitViews, memberLimitCounts } from '../limits/change.ts'
import type { Row } from '../nouns.ts'
import { paged } from '../page.ts'
import { requireMayOwn } from '../people/recipient.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { slugFor } from '../rules/slug.ts'
import { contains, find } from '../select.ts'
import { Thing } from '../thing.ts'
import { actingUser, authorize } from './access.ts'
import {
  type NewOrganization,
  newOrganization,
  type OrganizationChanges,
  type OrganizationPage,
  organizationChanges,
  organizationFilter,
} from './input.ts'
import { ownerRole } from './owners.ts'

/**
 * Creates one, with its first owner. A user can only create one of their own.
 *
 * @throws invalid, not_found for the owner, conflict (the slug is taken, the owner is disabled or erased), denied
 */
export async function createOrganization(
  context: OperationContext,
  input: NewOrganization,
  options: CreateOptions = {},
): Promise<CreatedOrganization> {
  const fields = rules.parse(newOrganization, input)
  const { name, logo = null } = fields
  const slug = fields.slug ?? slugFor('org', name, rules.orgSlug)
  return context.store.write(async db => {
    const owner = await find(db, 'user', fields.owner)
    const actor = await actingUser(context, db)
    if (actor !== undefined && actor.id !== owner.id) await authorize(context, db, 'org:write', {})
    const given = { slug, name, logo }
    return organization.create(context, db, given, {
      ...options,
      ifTaken: 'choose another with --slug',
      also: async row => {
        const at = context.now()
        await requireMayOwn(db, at, owner, 'an organization')
        const membership = { id: newId('mem', at), organizationId: row.id, userId: owner.id }
        await db
          .insert(organizationMembers)
          .values({ ...membership, role: ownerRole, createdAt: at.getTime() })
      },
      same: there => [
        ['name', there.name, fields.name],
        ['logo', there.logo, fields.logo],
      ],
    })
  })
}

/** Oldest first. @throws invalid; not_found, ambiguous for the member or the `after` organization */
export const organizationList = paged('organizations', (context, given: OrganizationPage = {}) => {
  const { limit, member, search, after } = rules.parsePage(organizationFilter, given)
  return {
    limit,
    open: async db => {
      const user = member === undefined ? undefined : await find(db, 'user', member)
      const where = and(
        user &&
          sql`${organizations.id} IN (SELECT organization_id FROM organization_members WHERE user_id = ${user.id})`,
        contains([organizations.slug, organizations.name], search),
      )
      return organization.source(context, db, where, after)
    },
  }
})

/** @throws not_found, ambiguous, invalid, conflict (the slug is taken), denied */
export async function updateOrganization(
  context: OperationContext,
  selector: string,
  input: OrganizationChanges,
): Promise<Changed<Organization>> {
  const changes = rules.parseChanges(organizationChanges, input)
  return organization.change(context, selector, 'update', async (db, org) => {
    await authorize(context, db, 'org:write', { org })
    return changes
  })
}

/** Deletes one that owns no projects. @throws not_found, ambiguous, conflict (it still owns projects), denied */
export function deleteOrganization(context: OperationContext, selector: string): Promise<Organization> {
  return organization.erase(context, selector, async (db, org) => {
    await authorize(context, db, 'org:delete', { org })
    await requireNoProjects(db, org)
  })
}

/** @throws conflict */
export async function requireNoProjects(db: Database, org: Row<'org'>): Promise<void> {
  const [owned] = await db.select({ n: count() }).from(projects).where(eq(projects.organizationId, org.id))
  if (!owned || owned.n === 0) return
  throw new LatchkeyError(
    'conflict',
    `${org.slug} still owns ${many(owned.n, 'project')}`,
    `see them with: ${lineOf('project list --org', org.slug)}; transfer or delete them first`,
  )
}

/** The views of rows, in the same order. */
export async function organizationViews(
  db: Database,
  rows: readonly Row<'org'>[],
): Promise<readonly Organization[]> {
  const ids = rows.map(row => row.id)
  const countsOf = async (table: typeof organizationMembers | typeof teams | typeof projects) => {
    const counted = await db
      .select({ id: table.organizationId, n: count() })
      .from(table)
      .where(oneOf(table.organizationId, ids))
      .groupBy(table.organizationId)
    return new Map(counted.map(({ id, n }) => [id, n]))
  }
  const [members, groups, owned] = [
    await countsOf(organizationMembers),
    await countsOf(teams),
    await countsOf(projects),
  ]
  const limitsOf = await limitViews(db, 'org', ids)
  const memberLimits = await memberLimitCounts(db, 'org', ids)
  return rows.map(row => ({
    id: row.id,
    slug: row.slug,
    name: row.name,
    logo: row.logo,
    members: members.get(row.id) ?? 0,
    teams: groups.get(row.id) ?? 0,
    projects: owned.get(row.id) ?? 0,
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    limits: limitsOf.get(row.id) ?? [],
    memberLimits: memberLimits.get(row.id) ?? 0,
  }))
}

export const organization = new Thing('org', organizationViews)
