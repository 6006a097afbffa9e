/** Who owns a project, and who is a member: what is written, and who may write it. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq } from '../../db/query.ts'
import { projectMembers } from '../../db/schema/people.ts'
import { lineOf, shellLine } from '../../text/shell-word.ts'
import type { OperationContext } from '../context.ts'
import type { Row } from '../nouns.ts'
import { authorize, requireMayGrant, requireMayRemove, rolesHeld } from '../organizations/access.ts'
import { roleFor } from '../organizations/members.ts'
import { ownerRole } from '../organizations/owners.ts'
import { parse } from '../rules/input.ts'
import { find } from '../select.ts'
import { type ProjectOwner, projectOwner } from './input.ts'
import { requireMayOwn } from './recipient.ts'

interface Owner {
  readonly columns: { readonly ownerId: string | null; readonly organizationId: string | null }
  readonly user?: Row<'user'>
  readonly org?: Row<'org'>
}

/**
 * The columns of a new owner, and who that is.
 *
 * @throws not_found, ambiguous, invalid, denied (a user gives a project to an organization in which they may not make one)
 */
export async function ownerFor(context: OperationContext, db: Database, given: ProjectOwner): Promise<Owner> {
  const { user, org } = parse(projectOwner, given)
  if ((user === undefined) === (org === undefined)) {
    throw new LatchkeyError(
      'invalid',
      'a project belongs to one user or to one organization',
      'give either a user or an organization',
    )
  }
  if (user !== undefined) {
    const found = await find(db, 'user', user)
    return { columns: { ownerId: found.id, organizationId: null }, user: found }
  }
  const found = await find(db, 'org', org ?? '')
  await authorize(context, db, 'project:write', { org: found })
  return { columns: { ownerId: null, organizationId: found.id }, org: found }
}

/**
 * The columns of another owner of a project.
 *
 * @throws as `ownerFor`, and conflict (who is disabled or erased, and does not own it already)
 */
export async function newOwnerFor(
  context: OperationContext,
  db: Database,
  row: Row<'project'>,
  to: ProjectOwner,
): Promise<Owner['columns']> {
  const { columns, user } = await ownerFor(context, db, to)
  if (user !== undefined && user.id !== row.ownerId) await requireMayOwn(db, context.now(), user, 'a project')
  return columns
}

/**
 * Writes a membership, new or not, with a role that is not above that of the actor.
 *
 * @throws not_found (the role), invalid (owner is no role in a project), denied
 */
export async function putMember(
  context: OperationContext,
  db: Database,
  row: Row<'project'>,
  user: Row<'user'>,
  roleName: string,
): Promise<void> {
  const org = row.organizationId === null ? undefined : await find(db, 'org', row.organizationId)
  const role = await roleFor(db, org, roleName)
  if (role.name === ownerRole) {
    throw new LatchkeyError(
      'invalid',
      'a project has one owner, and no members with the role owner',
      `give it to them with: ${shellLine(['project', 'transfer', row.slug, '--to', user.username])}`,
    )
  }
  const held = (await membership(db, row, user))?.role ?? ''
  const old = await rolesHeld(db, held, row.organizationId)
  await requireMayGrant(context, db, [...old, role], { project: row })
  await db
    .insert(projectMembers)
    .values({ projectId: row.id, userId: user.id, role: role.name, createdAt: context.now().getTime() })
    .onConflictDoUpdate({
      target: [projectMembers.projectId, projectMembers.userId],
      set: { role: role.name },
    })
}

/** @throws not_found (is not a member), denied */
export async function dropMember(
  context: OperationContext,
  db: Database,
  row: Row<'project'>,
  user: Row<'user'>,
): Promise<void> {
  const member = await requireProjectMember(db, row, user)
  await requireMayRemove(context, db, user, member.role, { project: row })
  await db
    .delete(projectMembers)
    .where(and(eq(projectMembers.projectId, row.id), eq(projectMembers.userId, user.id)))
}

/** @throws not_found */
export async function requireProjectMember(db: Database, row: Row<'project'>, user: Row<'user'>) {
  const member = await membership(db, row, user)
  if (member !== undefined) return member
  throw new LatchkeyError(
    'not_found',
    `${user.username} is not a member of ${row.slug}`,
    `see the members with: ${lineOf('project member list', row.slug)}`,
  )
}

export async function membership(db: Database, row: Row<'project'>, user: Row<'user'>) {
  const [found] = await db
    .select()
    .from(projectMembers)
    .where(and(eq(projectMembers.projectId, row.id), eq(projectMembers.userId, user.id)))
    .limit(1)
  return found
}
