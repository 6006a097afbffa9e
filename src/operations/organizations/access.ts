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
import { and, asc, eq, gt, isNull, or, sql } from '../../db/query.ts'
import { organizationMembers, roles } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { projectMembers, projects } from '../../db/schema/people.ts'
import type { OperationContext } from '../context.ts'
import type { Row } from '../nouns.ts'
import { pageFrom, type Source, streamFrom } from '../page.ts'
import { isDisabled } from '../people/status.ts'
import { isWholeId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { matches } from '../rules/patterns.ts'
import { find } from '../select.ts'
import { type AccessList, type AccessOn, type AccessPage, accessPage } from './input.ts'
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

/** Refuses to grant, change or take away permissions that the actor does not have there. @throws denied */
export async function requireMayGrant(
  context: OperationContext,
  db: Database,
  permissions: readonly string[],
  on: On,
): Promise<void> {
  const actor = await actingUser(context, db)
  if (actor === undefined) return
  const own = (await grantsOn(db, actor, on)).flatMap(grant => grant.permissions)
  const above = permissions.find(asked => !covers(own, asked))
  if (above !== undefined) throw denied(actor, `what they may not do themselves: ${above} on ${placeOf(on)}`)
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
    `see what they may do with: latchkey access list ${username}`,
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
async function placeIn(db: Database, { project, org }: AccessOn): Promise<On> {
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
  const organizationId = org?.id ?? project?.organizationId ?? null
  return [
    ...everywhere(user),
    ...(project === undefined ? [] : await inProject(db, user, project)),
    ...(organizationId === null ? [] : await inOrganization(db, user, organizationId)),
  ]
}

const everywhere = ({ role }: Row<'user'>): readonly AccessGrant[] =>
  role === 'admin' ? [{ source: 'user', role, organization: null, project: null, permissions: ['*'] }] : []

async function inProject(
  db: Database,
  user: Row<'user'>,
  project: Row<'project'>,
): Promise<readonly AccessGrant[]> {
  const here = { organization: null, project: { id: project.id, slug: project.slug } }
  if (project.ownerId === user.id) return [{ source: 'owner', role: null, ...here, permissions: ['*'] }]
  const [member] = await db
    .select({ role: projectMembers.role })
    .from(projectMembers)
    .where(and(eq(projectMembers.projectId, project.id), eq(projectMembers.userId, user.id)))
  if (member === undefined) return []
  const held = await rolesHeld(db, member.role, project.organizationId)
  return held.map(({ name, permissions }) => ({ source: 'project_role', role: name, ...here, permissions }))
}

async function inOrganization(db: Database, user: Row<'user'>, id: string): Promise<readonly AccessGrant[]> {
  const [member] = await db
    .select({ role: organizationMembers.role, slug: organizations.slug })
    .from(organizationMembers)
    .innerJoin(organizations, eq(organizations.id, organizationMembers.organizationId))
    .where(and(eq(organizationMembers.organizationId, id), eq(organizationMembers.userId, user.id)))
  if (member === undefined) return []
  const organization = { id, slug: member.slug }
  const held = await rolesHeld(db, member.role, id)
  return held.map(({ name, permissions }) => ({
    source: 'organization_role',
    role: name,
    organization,
    project: null,
    permissions,
  }))
}

/** The roles behind the names of a membership. A name without a role grants nothing. */
export async function rolesHeld(
  db: Database,
  text: string,
  organizationId: string | null,
): Promise<readonly Row<'role'>[]> {
  const names = namesIn(text)
  const there = await db
    .select()
    .from(roles)
    .where(
      and(
        or(
          isNull(roles.organizationId),
          organizationId === null ? undefined : eq(roles.organizationId, organizationId),
        ),
        or(...names.map(name => sql`lower(${roles.name}) = ${name}`)),
      ),
    )
  return names.flatMap(name => there.find(role => role.name.toLowerCase() === name) ?? [])
}

/** All that is granted to a user, in organizations first and in projects then. @throws not_found, ambiguous, invalid */
export async function listAccess(
  context: OperationContext,
  selector: string,
  given: AccessPage = {},
): Promise<AccessList> {
  const page = rules.parse(accessPage, given)
  const { views, total } = await pageFrom(
    context,
    db => accessOf(db, context.now(), selector, page),
    page.limit,
  )
  return { grants: views, total }
}

/** Streams the same, in constant memory. */
export function streamAccess(
  context: OperationContext,
  selector: string,
  given: AccessPage = {},
): AsyncGenerator<AccessGrant> {
  const page = rules.parse(accessPage, given)
  return streamFrom(context, db => accessOf(db, context.now(), selector, page), page.limit)
}

/**
 * A user has one membership in an organization and one in a project, so that the id of either is the key of the list. What is
 * granted everywhere comes first, without one.
 */
async function accessOf(
  db: Database,
  now: Date,
  selector: string,
  { after }: AccessPage,
): Promise<Source<AccessGrant>> {
  const user = await find(db, 'user', selector)
  const isOff = isDisabled(user, now)
  const ofUser = eq(organizationMembers.userId, user.id)
  const hasProject = or(
    eq(projects.ownerId, user.id),
    sql`${projects.id} IN (SELECT project_id FROM project_members WHERE user_id = ${user.id})`,
  )
  const read = async (last: string | undefined, limit: number): Promise<readonly AccessGrant[]> => {
    const first = last === undefined ? everywhere(user) : []
    const isInProjects = last?.startsWith('prj_') ?? false
    const memberships = isInProjects
      ? []
      : await db
          .select({ id: organizationMembers.organizationId })
          .from(organizationMembers)
          .where(and(ofUser, last ? gt(organizationMembers.organizationId, last) : undefined))
          .orderBy(asc(organizationMembers.organizationId))
          .limit(limit)
    const owned = await db
      .select()
      .from(projects)
      .where(and(hasProject, last !== undefined && isInProjects ? gt(projects.id, last) : undefined))
      .orderBy(asc(projects.id))
      .limit(limit - memberships.length)
    const grants = [...first]
    for (const { id } of memberships) grants.push(...merged(await inOrganization(db, user, id)))
    for (const project of owned) grants.push(...merged(await inProject(db, user, project)))
    return grants.slice(0, limit)
  }
  return {
    after,
    read: isOff ? async () => [] : read,
    keyOf: grant => grant.project?.id ?? grant.organization?.id ?? '',
    total: async () =>
      isOff
        ? 0
        : everywhere(user).length +
          (await db.$count(organizationMembers, ofUser)) +
          (await db.$count(projects, hasProject)),
  }
}

/** Several roles in one place as one line. */
function merged(grants: readonly AccessGrant[]): readonly AccessGrant[] {
  const [first] = grants
  if (first === undefined) return []
  const permissions = [...new Set(grants.flatMap(grant => grant.permissions))]
  const role = first.role === null ? null : grants.map(grant => grant.role).join(',')
  return [{ ...first, role, permissions }]
}
