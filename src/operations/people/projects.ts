/** Projects: what keys are used for. The verdict on an archived project's keys is `project_archived`. */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, CreatedProject, Project } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, count, eq, inArray, isNotNull, isNull, oneOf, type SQL } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { projectMembers, projects, users } from '../../db/schema/people.ts'
import { many } from '../../text/quantity.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { OperationContext } from '../context.ts'
import { shownLimits } from '../existing.ts'
import type { CreateOptions } from '../input.ts'
import { changeLimits, limitViews, memberLimitCounts, requireOneMeaning } from '../limits/change.ts'
import type { Row } from '../nouns.ts'
import { actingUser, authorize } from '../organizations/access.ts'
import { listed } from '../page.ts'
import * as rules from '../rules/input.ts'
import { dateOrNull } from '../rules/instant.ts'
import { slugFor } from '../rules/slug.ts'
import { contains, find, refsOf } from '../select.ts'
import { Thing } from '../thing.ts'
import {
  type NewProject,
  newProject,
  type ProjectChanges,
  type ProjectPage,
  projectChanges,
  projectFilter,
} from './input.ts'
import { dropMember, newOwnerFor, ownerFor, putMember } from './membership.ts'
import { findRecipient, requireMayOwn } from './recipient.ts'

/**
 * Creates a project of a user or an organization. Users only create their own, and those of organizations where they may.
 *
 * @throws invalid, not_found for the owner, conflict (the slug is taken, the owner is disabled or erased), denied
 */
export async function createProject(
  context: OperationContext,
  input: NewProject,
  options: CreateOptions = {},
): Promise<CreatedProject> {
  const fields = rules.parse(newProject, input)
  const slug = fields.slug ?? slugFor('project', fields.name, rules.slug)
  const { name, description = null, keyPrefix = null, limits } = fields
  return context.store.write(async db => {
    const owner = await ownerFor(context, db, { user: fields.owner, org: fields.org })
    const actor = await actingUser(context, db)
    if (owner.user !== undefined && actor !== undefined && actor.id !== owner.user.id)
      await authorize(context, db, 'project:write', {})
    const given = { slug, name, description, keyPrefix, ...owner.columns }
    return project.create(context, db, given, {
      ...options,
      ifTaken: 'choose another with --slug',
      also: async row => {
        if (owner.user !== undefined) await requireMayOwn(db, context.now(), owner.user, 'a project')
        if (limits.length > 0) await authorize(context, db, 'limit:write', { project: row })
        await changeLimits(context, db, { type: 'project', id: row.id }, { limits })
      },
      same: there => [
        ['name', there.name, fields.name],
        ['owner', there.owner?.username ?? null, owner.user?.username],
        ['organization', there.organization?.slug ?? null, owner.org?.slug],
        ['description', there.description, fields.description],
        ['key prefix', there.keyPrefix, fields.keyPrefix],
        ['limits', shownLimits(there.limits), input.limits && shownLimits(limits)],
      ],
    })
  })
}

/** Oldest first. @throws invalid; not_found, ambiguous for the owner, the member or the project to begin after */
export const projectList = listed((context, given: ProjectPage = {}) => {
  const { limit, after, ...filter } = rules.parsePage(projectFilter, given)
  return {
    limit,
    open: async db => {
      const where = and(
        filter.owner === undefined ? undefined : eq(projects.ownerId, await userId(db, filter.owner)),
        filter.org === undefined
          ? undefined
          : eq(projects.organizationId, (await find(db, 'org', filter.org)).id),
        filter.member === undefined ? undefined : hasMember(db, await userId(db, filter.member)),
        filter.status &&
          (filter.status === 'archived' ? isNotNull(projects.archivedAt) : isNull(projects.archivedAt)),
        contains([projects.slug, projects.name, projects.description], filter.search),
      )
      return project.source(context, db, where, after)
    },
  }
})

/** @throws not_found, ambiguous */
const userId = async (db: Database, selector: string): Promise<string> =>
  (await find(db, 'user', selector)).id

const hasMember = (db: Database, id: string): SQL =>
  inArray(
    projects.id,
    db.select({ id: projectMembers.projectId }).from(projectMembers).where(eq(projectMembers.userId, id)),
  )

/** @throws not_found, ambiguous, invalid, conflict */
export async function updateProject(
  context: OperationContext,
  selector: string,
  input: ProjectChanges,
): Promise<Changed<Project>> {
  const {
    owner,
    addMembers = [],
    removeMembers = [],
    limits,
    removeLimits,
    ...fields
  } = rules.parseChanges(projectChanges, input)
  requireOneMeaning({ limits, removeLimits })
  return project.change(context, selector, 'update', async (db, row) => {
    await authorize(context, db, 'project:write', { project: row })
    for (const member of addMembers) {
      await authorize(context, db, 'member:write', { project: row })
      await putMember(context, db, row, await findRecipient(db, member.user), member.role)
    }
    for (const selector of removeMembers) await dropMember(context, db, row, await find(db, 'user', selector))
    if (limits !== undefined || removeLimits !== undefined)
      await authorize(context, db, 'limit:write', { project: row })
    await changeLimits(context, db, { type: 'project', id: row.id }, { limits, removeLimits })
    if (owner === undefined) return fields
    await authorize(context, db, 'project:transfer', { project: row })
    return { ...fields, ...(await newOwnerFor(context, db, row, { user: owner })) }
  })
}

/** The verdict on its keys is `project_archived` until it is unarchived. @throws not_found, ambiguous */
export function archiveProject(context: OperationContext, selector: string): Promise<Changed<Project>> {
  return project.change(context, selector, 'archive', async (db, row) => {
    await authorize(context, db, 'project:write', { project: row })
    return { archivedAt: row.archivedAt ?? context.now().getTime() }
  })
}

/** @throws not_found, ambiguous */
export function unarchiveProject(context: OperationContext, selector: string): Promise<Changed<Project>> {
  return project.change(context, selector, 'unarchive', async (db, row) => {
    await authorize(context, db, 'project:write', { project: row })
    return { archivedAt: null }
  })
}

/**
 * Deletes a project that has no keys.
 *
 * @throws not_found, ambiguous, conflict (it still has keys)
 */
export function deleteProject(context: OperationContext, selector: string): Promise<Project> {
  return project.erase(context, selector, async (db, row) => {
    await authorize(context, db, 'project:delete', { project: row })
    const { id, slug } = row
    const [held] = await db.select({ n: count() }).from(keys).where(eq(keys.projectId, id))
    if (!held || held.n === 0) return
    throw new LatchkeyError(
      'conflict',
      `${slug} still has ${many(held.n, 'key')}`,
      `see them with: ${lineOf('key list --project', slug)}; delete or move them, or use: ${lineOf('project archive', slug)}`,
    )
  })
}

/** The views of rows, in the same order. */
export async function projectViews(
  db: Database,
  rows: readonly Row<'project'>[],
): Promise<readonly Project[]> {
  const ids = rows.map(row => row.id)
  const ownerIds = rows.flatMap(row => row.ownerId ?? [])
  const owners = await refsOf(db, 'user', ownerIds)
  const organizationIds = rows.flatMap(row => row.organizationId ?? [])
  const organizations = await refsOf(db, 'org', organizationIds)
  const members = await db
    .select({
      projectId: projectMembers.projectId,
      id: users.id,
      username: users.username,
      role: projectMembers.role,
    })
    .from(projectMembers)
    .innerJoin(users, eq(projectMembers.userId, users.id))
    .where(oneOf(projectMembers.projectId, ids))
    .orderBy(users.username)
  const limitsOf = await limitViews(db, 'project', ids)
  const memberLimits = await memberLimitCounts(db, 'project', ids)
  const membersOf = Map.groupBy(members, ({ projectId }) => projectId)
  return rows.map(row => ({
    id: row.id,
    slug: row.slug,
    name: row.name,
    description: row.description,
    status: row.archivedAt === null ? 'active' : 'archived',
    keyPrefix: row.keyPrefix,
    owner: owners.get(row.ownerId ?? '') ?? null,
    members: (membersOf.get(row.id) ?? []).map(({ id, username, role }) => ({
      user: { id, username },
      role,
    })),
    limits: limitsOf.get(row.id) ?? [],
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    archivedAt: dateOrNull(row.archivedAt),
    organization: organizations.get(row.organizationId ?? '') ?? null,
    state: row.state,
    previewUrl: row.previewUrl,
    sandboxId: row.sandboxId,
    memberLimits: memberLimits.get(row.id) ?? 0,
  }))
}

export const project = new Thing('project', projectViews)
