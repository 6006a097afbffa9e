/** Projects: what keys are used for. The verdict on an archived project's keys is `project_archived`. */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, CreatedProject, Project } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, count, eq, inArray, isNotNull, isNull, oneOf, type SQL } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { projectMembers, projects, users } from '../../db/schema/people.ts'
import type { OperationContext } from '../context.ts'
import { shownLimits } from '../existing.ts'
import type { CreateOptions } from '../input.ts'
import { changeLimits, limitViews, requireOneMeaning } from '../limits/change.ts'
import type { Row } from '../nouns.ts'
import * as rules from '../rules/input.ts'
import { slugOf } from '../rules/slug.ts'
import { contains, find } from '../select.ts'
import { Thing } from '../thing.ts'
import {
  type NewProject,
  newProject,
  type ProjectChanges,
  type ProjectFilter,
  projectChanges,
} from './input.ts'

/** @throws invalid, not_found for the owner, conflict (the slug is taken) */
export async function createProject(
  context: OperationContext,
  input: NewProject,
  options: CreateOptions = {},
): Promise<CreatedProject> {
  const fields = rules.parse(newProject, input)
  const slug = fields.slug ?? slugFor(fields.name)
  const { name, description = null, keyPrefix = null, limits } = fields
  return context.store.write(async db => {
    const owner = await find(db, 'user', fields.owner)
    const given = { slug, name, description, keyPrefix, ownerId: owner.id }
    return project.create(context, db, given, {
      ...options,
      ifTaken: 'choose another with --slug',
      also: row => changeLimits(context, db, 'project', row.id, { limits }),
      same: there => [
        ['name', there.name, fields.name],
        ['owner', there.owner.username, owner.username],
        ['description', there.description, fields.description],
        ['key prefix', there.keyPrefix, fields.keyPrefix],
        ['limits', shownLimits(there.limits), input.limits && shownLimits(limits)],
      ],
    })
  })
}

/** Oldest first. @throws invalid, not_found for the owner or member */
export const listProjects = (
  context: OperationContext,
  filter: ProjectFilter = {},
): Promise<readonly Project[]> =>
  project.list(context, filter, async db => [
    filter.owner === undefined ? undefined : eq(projects.ownerId, await userId(db, filter.owner)),
    filter.member === undefined ? undefined : hasMember(db, await userId(db, filter.member)),
    filter.status &&
      (filter.status === 'archived' ? isNotNull(projects.archivedAt) : isNull(projects.archivedAt)),
    contains([projects.slug, projects.name, projects.description], filter.search),
  ])

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
    for (const member of addMembers) {
      const added = { projectId: row.id, userId: await userId(db, member.user), role: member.role }
      await db
        .insert(projectMembers)
        .values({ ...added, createdAt: context.now().getTime() })
        .onConflictDoUpdate({
          target: [projectMembers.projectId, projectMembers.userId],
          set: { role: member.role },
        })
    }
    for (const selector of removeMembers) {
      const user = await find(db, 'user', selector)
      const removed = await db
        .delete(projectMembers)
        .where(and(eq(projectMembers.projectId, row.id), eq(projectMembers.userId, user.id)))
        .returning()
      if (removed.length === 0) {
        throw new LatchkeyError(
          'not_found',
          `${user.username} is not a member of ${row.slug}`,
          `see the members with: latchkey project show ${row.slug}`,
        )
      }
    }
    await changeLimits(context, db, 'project', row.id, { limits, removeLimits })
    return { ...fields, ownerId: owner === undefined ? undefined : await userId(db, owner) }
  })
}

/** The verdict on its keys is `project_archived` until it is unarchived. @throws not_found, ambiguous */
export function archiveProject(context: OperationContext, selector: string): Promise<Changed<Project>> {
  return project.change(context, selector, 'archive', async (_, row) => ({
    archivedAt: row.archivedAt ?? context.now().getTime(),
  }))
}

/** @throws not_found, ambiguous */
export function unarchiveProject(context: OperationContext, selector: string): Promise<Changed<Project>> {
  return project.change(context, selector, 'unarchive', async () => ({ archivedAt: null }))
}

/**
 * Deletes a project that has no keys.
 *
 * @throws not_found, ambiguous, conflict (it still has keys)
 */
export function deleteProject(context: OperationContext, selector: string): Promise<Project> {
  return project.erase(context, selector, async (db, { id, slug }) => {
    const [held] = await db.select({ n: count() }).from(keys).where(eq(keys.projectId, id))
    if (!held || held.n === 0) return
    throw new LatchkeyError(
      'conflict',
      `${slug} still has ${held.n} ${held.n === 1 ? 'key' : 'keys'}`,
      `see them with: latchkey key list --project ${slug}; delete or move them, or use: latchkey project archive ${slug}`,
    )
  })
}

/** The views of rows, in the same order. */
export async function projectViews(
  db: Database,
  rows: readonly Row<'project'>[],
): Promise<readonly Project[]> {
  const ids = rows.map(row => row.id)
  const owners = await db
    .select({ id: users.id, username: users.username })
    .from(users)
    .where(
      oneOf(
        users.id,
        rows.flatMap(row => row.ownerId ?? []),
      ),
    )
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
  const ownerOf = new Map(owners.map(owner => [owner.id, owner]))
  const membersOf = Map.groupBy(members, ({ projectId }) => projectId)
  return rows.map(row => ({
    id: row.id,
    slug: row.slug,
    name: row.name,
    description: row.description,
    status: row.archivedAt === null ? 'active' : 'archived',
    keyPrefix: row.keyPrefix,
    owner: ownerOf.get(row.ownerId ?? '') ?? { id: row.ownerId ?? '', username: '' },
    members: (membersOf.get(row.id) ?? []).map(({ id, username, role }) => ({
      user: { id, username },
      role,
    })),
    limits: limitsOf.get(row.id) ?? [],
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    archivedAt: row.archivedAt === null ? null : new Date(row.archivedAt),
  }))
}

/** @throws invalid */
function slugFor(name: string): string {
  const slug = slugOf(name)
  if (slug !== '') return rules.parse(v.object({ slug: rules.slug }), { slug }).slug
  throw new LatchkeyError(
    'invalid',
    `no slug can be made from the name "${name}"`,
    'give one: latchkey project create NAME --slug my-project --owner USER',
  )
}

export const project = new Thing('project', projectViews)
