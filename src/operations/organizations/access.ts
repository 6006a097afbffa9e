/**
 * Who may do what, and why. Permissions are `noun:verb`, granted by patterns in which `*` stands for anything:
 *
 * - a user with the role admin may do everything everywhere;
 * - the owner of a project may do everything on it;
 * - a member of a project has the permissions of the role there, on the project;
 * - a member of an organization has those of the roles there, on it and on its projects;
 * - a disabled user may do nothing. Teams grant nothing.
 *
 * An operator, who acts without being a user, is above all: the command line, and a library that does not say for whom it acts.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { AccessCheck, AccessGrant } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, eq, gt, isNull, lowerAscii, not, oneOf, oneOfNames, or, sql } from '../../db/query.ts'
import { organizationMembers, roles } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { projectMembers, projects } from '../../db/schema/people.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { OperationContext } from '../context.ts'
import type { Row } from '../nouns.ts'
import { paged } from '../page.ts'
import { isDisabled } from '../people/status.ts'
import { isWholeId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { matches } from '../rules/patterns.ts'
import { find } from '../select.ts'
import { type AccessOn, type AccessPage, accessOn } from './input.ts'
import { namesIn } from './role-names.ts'

/** What a permission is asked for on: one of both, or the whole database. */
export interface On {
  readonly project?: Row<'project'> | undefined
  readonly org?: Row<'org'> | undefined
}

/**
 * Refuses what the actor may not do. The one call in each operation that needs a permission.
 *
 * @throws denied, not_found (the acting user is gone)
 */
export async function authorize(
  context: OperationContext,
  db: Database,
  permission: string,
  on: On,
): Promise<void> {
  const actor = await actingUser(context, db)
  if (actor === undefined) return
  const found = await checkOn(db, context.now(), actor, permission, on)
  if (found.allowed) return
  throw denied(actor, `${permission} on ${placeOf(on)}`)
}

/** Refuses to grant, change or take away roles with permissions that the actor does not have there. @throws denied */
export async function requireMayGrant(
  context: OperationContext,
  db: Database,
  roles: readonly Pick<Row<'role'>, 'permissions'>[],
  on: On,
): Promise<void> {
  const actor = await actingUser(context, db)
  if (actor === undefined) return
  const own = (await grantsOn(db, actor, on)).flatMap(grant => grant.permissions)
  const above = roles.flatMap(role => role.permissions).find(asked => !covers(own, asked))
  if (above !== undefined) throw denied(actor, `what they may not do themselves: ${above} on ${placeOf(on)}`)
}

/** Refuses to take somebody with these roles out of a place; members may leave by themselves. @throws denied */
export async function requireMayRemove(
  context: OperationContext,
  db: Database,
  user: Row<'user'>,
  held: string,
  on: On,
): Promise<void> {
  const actor = await actingUser(context, db)
  if (actor?.id === user.id) return
  await authorize(context, db, 'member:write', on)
  await requireMayGrant(context, db, await rolesHeld(db, held, organizationOf(on)), on)
}

/** The user for whom the operation acts; undefined for an operator. @throws not_found, invalid (not named by the whole id) */
export async function actingUser(
  { actor }: OperationContext,
  db: Database,
): Promise<Row<'user'> | undefined> {
  if (actor.user === undefined) return undefined
  if (isWholeId(actor.user, 'usr')) return find(db, 'user', actor.user)
  throw new LatchkeyError(
    'invalid',
    'a user who acts is named by the whole id, because the audit log keeps it',
    'get it first: const { id } = await latchkey.users.get(username)',
  )
}

/** Whether patterns grant a permission, or all that another pattern grants: a `*` in it is only met by a `*`. */
export const covers = (patterns: readonly string[], permission: string): boolean =>
  patterns.some(pattern => matches(pattern, permission))

const denied = ({ username }: Row<'user'>, what: string): LatchkeyError =>
  new LatchkeyError(
    'denied',
    `${username} may not do this: ${what}`,
    `see what they may do with: ${lineOf('access list', username)}`,
  )

const placeOf = ({ project, org }: On): string =>
  project ? `the project ${project.slug}` : org ? `the organization ${org.slug}` : 'the whole database'

/**
 * Whether a user may do something, and what grants it.
 *
 * @throws not_found, ambiguous, invalid (the permission, or both a project and an organization)
 */
export function checkAccess(
  context: OperationContext,
  selector: string,
  permission: string,
  on: AccessOn = {},
): Promise<AccessCheck> {
  const asked = rules.parse(askedPermission, { permission }).permission
  return context.store.read(async db =>
    checkOn(db, context.now(), await find(db, 'user', selector), asked, await placeIn(db, on)),
  )
}

const askedPermission = v.object({ permission: rules.permission })

/** As `checkAccess`, for who goes on only if it is allowed. @throws denied, not_found, ambiguous, invalid */
export async function requireAccess(
  context: OperationContext,
  selector: string,
  permission: string,
  on: AccessOn = {},
): Promise<AccessCheck> {
  const check = await checkAccess(context, selector, permission, on)
  if (check.allowed) return check
  return context.store.read(async db => {
    throw denied(await find(db, 'user', selector), `${permission} on ${placeOf(await placeIn(db, on))}`)
  })
}

/** @throws not_found, ambiguous, invalid (both are given) */
async function placeIn(db: Database, on: AccessOn): Promise<On> {
  const { project, org } = rules.parse(accessOn, on)
  if (project !== undefined && org !== undefined) {
    throw new LatchkeyError(
      'invalid',
      'a permission is asked for on a project or on an organization, not on both',
      'leave one out; a project is looked at together with its organization',
    )
  }
  return {
    project: project === undefined ? undefined : await find(db, 'project', project),
    org: org === undefined ? undefined : await find(db, 'org', org),
  }
}

async function checkOn(
  db: Database,
  now: Date,
  user: Row<'user'>,
  permission: string,
  { project, org }: On,
): Promise<AccessCheck> {
  const isOff = isDisabled(user, now)
  const grants = isOff ? [] : await grantsOn(db, user, { project, org })
  const grant = grants.find(({ permissions }) => covers(permissions, permission)) ?? null
  return {
    allowed: grant !== null,
    code: isOff ? 'user_disabled' : grant === null ? 'not_granted' : 'granted',
    user: { id: user.id, username: user.username },
    permission,
    organization: org ? { id: org.id, slug: org.slug } : null,
    project: project ? { id: project.id, slug: project.slug } : null,
    grant,
  }
}

/** All that a user has in one place, the strongest first. */
async function grantsOn(
  db: Database,
  user: Row<'user'>,
  { project, org }: On,
): Promise<readonly AccessGrant[]> {
  const organizationId = organizationOf({ project, org })
  return [
    ...everywhere(user),
    ...(project === undefined ? [] : await inProject(db, user, project)),
    ...(organizationId === null ? [] : await inOrganization(db, user, organizationId)),
  ]
}

const organizationOf = ({ project, org }: On): string | null => org?.id ?? project?.organizationId ?? null

const everywhere = ({ role }: Row<'user'>): readonly AccessGrant[] =>
  role === 'admin' ? [{ source: 'user', role, organization: null, project: null, permissions: ['*'] }] : []

async function inProject(
  db: Database,
  user: Row<'user'>,
  project: Row<'project'>,
): Promise<readonly AccessGrant[]> {
  if (project.ownerId === user.id) return [asOwner(project)]
  const [member] = await db
    .select({ role: projectMembers.role })
    .from(projectMembers)
    .where(and(eq(projectMembers.projectId, project.id), eq(projectMembers.userId, user.id)))
  if (member === undefined) return []
  return asMember(await rolesHeld(db, member.role, project.organizationId), { project })
}

async function inOrganization(db: Database, user: Row<'user'>, id: string): Promise<readonly AccessGrant[]> {
  const [member] = await db
    .select({ role: organizationMembers.role, slug: organizations.slug })
    .from(organizationMembers)
    .innerJoin(organizations, eq(organizations.id, organizationMembers.organizationId))
    .where(and(eq(organizationMembers.organizationId, id), eq(organizationMembers.userId, user.id)))
  if (member === undefined) return []
  return asMember(await rolesHeld(db, member.role, id), { org: { id, slug: member.slug } })
}

interface Place {
  readonly id: string
  readonly slug: string
}

const asOwner = ({ id, slug }: Place): AccessGrant => ({
  source: 'owner',
  role: null,
  organization: null,
  project: { id, slug },
  permissions: ['*'],
})

const asMember = (
  held: readonly Row<'role'>[],
  { org, project }: { readonly org?: Place; readonly project?: Place },
): readonly AccessGrant[] =>
  held.map(({ name, permissions }) => ({
    source: project ? 'project_role' : 'organization_role',
    role: name,
    organization: org ? { id: org.id, slug: org.slug } : null,
    project: project ? { id: project.id, slug: project.slug } : null,
    permissions,
  }))

/** The roles behind the names of a membership. A name without a role grants nothing. */
export const rolesHeld = async (
  db: Database,
  text: string,
  organizationId: string | null,
): Promise<readonly Row<'role'>[]> => (await rolesOf(db, [text], [organizationId]))(text, organizationId)

/** Finds the roles behind the names of many memberships at once. */
async function rolesOf(db: Database, texts: readonly string[], organizationIds: readonly (string | null)[]) {
  const names = [...new Set(texts.flatMap(namesIn))]
  const ids = organizationIds.flatMap(id => id ?? [])
  const isThere = or(isNull(roles.organizationId), oneOf(roles.organizationId, ids))
  const there = await db
    .select()
    .from(roles)
    .where(and(oneOfNames(roles.name, names), isThere))
  return (text: string, organizationId: string | null): readonly Row<'role'>[] => {
    const isHere = (role: Row<'role'>) =>
      role.organizationId === null || role.organizationId === organizationId
    return namesIn(text).flatMap(
      name => there.find(role => lowerAscii(role.name) === name && isHere(role)) ?? [],
    )
  }
}

/**
 * All that is granted to a user: what is granted everywhere, then in organizations, then in projects. A user has one membership
 * in each, so that the id of either is the key of the list.
 *
 * @throws not_found, ambiguous, invalid
 */
export const accessList = paged('grants', (context, selector: string, given: AccessPage = {}) => {
  const { limit, after } = rules.parse(rules.page, given)
  return {
    limit,
    open: async db => {
      const user = await find(db, 'user', selector)
      const isOff = isDisabled(user, context.now())
      return {
        after,
        read: async (last: string | undefined, size: number) =>
          isOff ? [] : grantsAfter(db, user, last, size),
        keyOf: (grant: AccessGrant) => grant.project?.id ?? grant.organization?.id ?? '',
        total: async () => (isOff ? 0 : countGrants(db, user)),
      }
    },
  }
})

async function countGrants(db: Database, user: Row<'user'>): Promise<number> {
  const ofUser = eq(projectMembers.userId, user.id)
  const isTheirs = sql`${projectMembers.projectId} IN (SELECT id FROM projects WHERE owner_id = ${user.id})`
  return (
    everywhere(user).length +
    (await db.$count(organizationMembers, eq(organizationMembers.userId, user.id))) +
    (await db.$count(projects, eq(projects.ownerId, user.id))) +
    (await db.$count(projectMembers, and(ofUser, not(isTheirs))))
  )
}

async function grantsAfter(
  db: Database,
  user: Row<'user'>,
  last: string | undefined,
  size: number,
): Promise<readonly AccessGrant[]> {
  const isInProjects = last?.startsWith('prj_') ?? false
  const memberships = isInProjects ? [] : await organizationsAfter(db, user, last ?? '', size)
  const [first, left] = [last === undefined ? everywhere(user) : [], size - memberships.length]
  const from = isInProjects ? (last ?? '') : ''
  const owned = await ownProjectsAfter(db, user, from, left)
  const shared = await sharedProjectsAfter(db, user, from, left)
  const rolesIn = await rolesOf(
    db,
    [...memberships, ...shared].map(({ role }) => role),
    [...memberships.map(({ org }) => org.id), ...shared.map(({ project }) => project.organizationId)],
  )
  const inProjects = [
    ...owned.map(project => ({ id: project.id, grants: [asOwner(project)] })),
    ...shared
      .filter(({ project }) => project.ownerId !== user.id)
      .map(({ project, role }) => ({
        id: project.id,
        grants: asMember(rolesIn(role, project.organizationId), { project }),
      })),
  ].toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const grants = [
    ...first,
    ...memberships.flatMap(({ org, role }) => merged(asMember(rolesIn(role, org.id), { org }))),
    ...inProjects.slice(0, left).flatMap(({ grants }) => merged(grants)),
  ]
  // A role that is gone grants nothing, and the page has room for what comes after it.
  const end = left === 0 ? memberships.at(-1)?.org.id : inProjects[left - 1]?.id
  if (grants.length >= size || end === undefined) return grants.slice(0, size)
  return [...grants, ...(await grantsAfter(db, user, end, size - grants.length))]
}

const organizationsAfter = (db: Database, { id }: Row<'user'>, last: string, size: number) =>
  db
    .select({ role: organizationMembers.role, org: { id: organizations.id, slug: organizations.slug } })
    .from(organizationMembers)
    .innerJoin(organizations, eq(organizations.id, organizationMembers.organizationId))
    .where(and(eq(organizationMembers.userId, id), gt(organizationMembers.organizationId, last)))
    .orderBy(asc(organizationMembers.organizationId))
    .limit(size)

const ownProjectsAfter = (db: Database, { id }: Row<'user'>, last: string, size: number) =>
  db
    .select({ id: projects.id, slug: projects.slug })
    .from(projects)
    .where(and(eq(projects.ownerId, id), gt(projects.id, last)))
    .orderBy(asc(projects.id))
    .limit(size)

const sharedProjectsAfter = (db: Database, { id }: Row<'user'>, last: string, size: number) =>
  db
    .select({ role: projectMembers.role, project: projects })
    .from(projectMembers)
    .innerJoin(projects, eq(projects.id, projectMembers.projectId))
    .where(and(eq(projectMembers.userId, id), gt(projectMembers.projectId, last)))
    .orderBy(asc(projectMembers.projectId))
    .limit(size)

/** Several roles in one place as one line. */
function merged(grants: readonly AccessGrant[]): readonly AccessGrant[] {
  const [first] = grants
  if (first === undefined) return []
  const permissions = [...new Set(grants.flatMap(grant => grant.permissions))]
  const role = first.role === null ? null : grants.map(grant => grant.role).join(',')
  return [{ ...first, role, permissions }]
}
