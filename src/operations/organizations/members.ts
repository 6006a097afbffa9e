/** Members of organizations: one membership for each user, with the names of one or more roles. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { AuditAction, Changed, OrganizationMember } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, isNull, or, sql } from '../../db/query.ts'
import { organizationMembers, roles } from '../../db/schema/members.ts'
import { lineOf } from '../../text/shell-word.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { type Row, targetOf } from '../nouns.ts'
import { paged } from '../page.ts'
import { findRecipient, requireMayOwn } from '../people/recipient.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { find, findAmong } from '../select.ts'
import { authorize, requireMayGrant, requireMayRemove, rolesHeld } from './access.ts'
import type { MemberPage } from './input.ts'
import { membersOf } from './member-list.ts'
import { ownerRole, requireOtherOwner } from './owners.ts'
import { namesIn } from './role-names.ts'

/** Adds a user to an organization. @throws not_found, ambiguous, conflict (is a member already, was erased, is
 *   disabled and would be an owner), denied */
export async function addMember(
  context: OperationContext,
  orgSelector: string,
  userSelector: string,
  roleName = 'member',
): Promise<OrganizationMember> {
  return context.store.write(async db => {
    const org = await find(db, 'org', orgSelector)
    const user = await findRecipient(db, userSelector)
    await authorize(context, db, 'member:write', { org })
    return join(context, db, org, user, roleName, 'org.member-add')
  })
}

/** Makes a user a member, whoever asked for it. @throws conflict, not_found (the role), denied */
export async function join(
  context: OperationContext,
  db: Database,
  org: Row<'org'>,
  user: Row<'user'>,
  roleName: string,
  action: AuditAction,
): Promise<OrganizationMember> {
  const role = await roleFor(db, org, roleName)
  if (action === 'org.member-add') await requireMayGrant(context, db, [role], { org })
  if ((await membership(db, org.id, user.id)) !== undefined) throw memberAlready(user, org, role.name)
  const now = context.now()
  if (role.name === ownerRole) await requireMayOwn(db, now, user, 'an organization')
  const row = { id: newId('mem', now), organizationId: org.id, userId: user.id, role: role.name }
  const [made] = await db
    .insert(organizationMembers)
    .values({ ...row, createdAt: now.getTime() })
    .returning()
  if (!made) throw new Error('the member was written, but not returned')
  const after = viewOf(org, user, made)
  await record(context, db, { action, target: targetOf('org', org), after })
  return after
}

/** The error for somebody who cannot become a member again. */
export const memberAlready = (
  { username }: Pick<Row<'user'>, 'username'>,
  { slug }: Row<'org'>,
  role: string,
): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${username} is a member of ${slug} already`,
    `change the role with: ${lineOf('org member role', slug, username, role)}`,
  )

/**
 * Gives a member another role in place of all that they had.
 *
 * @throws not_found, ambiguous, conflict (the last owner, or would be an owner while disabled), denied
 */
export async function setMemberRole(
  context: OperationContext,
  orgSelector: string,
  userSelector: string,
  roleName: string,
): Promise<Changed<OrganizationMember>> {
  return context.store.write(async db => {
    const { org, user, member } = await memberIn(db, orgSelector, userSelector)
    await authorize(context, db, 'member:write', { org })
    const role = await roleFor(db, org, roleName)
    const held = await rolesHeld(db, member.role, org.id)
    await requireMayGrant(context, db, [...held, role], { org })
    if (role.name !== ownerRole) await requireOtherOwner(db, context.now(), user, org.id)
    const before = viewOf(org, user, member)
    if (before.role === role.name) return { ...before, changed: false, before: {} }
    const isNew = role.name === ownerRole && !namesIn(member.role).includes(ownerRole)
    if (isNew) await requireMayOwn(db, context.now(), user, 'an organization')
    await db.update(organizationMembers).set({ role: role.name }).where(eq(organizationMembers.id, member.id))
    const after = { user: before.user, role: role.name, previousRole: before.role }
    await record(context, db, { action: 'org.member-role', target: targetOf('org', org), after })
    return { ...before, role: role.name, changed: true, before: { role: before.role } }
  })
}

/**
 * Takes a user out of an organization and of its teams. Members may leave by themselves.
 *
 * @throws not_found, ambiguous, conflict (the last owner), denied
 */
export async function removeMember(
  context: OperationContext,
  orgSelector: string,
  userSelector: string,
): Promise<OrganizationMember> {
  return context.store.write(async db => {
    const { org, user, member } = await memberIn(db, orgSelector, userSelector)
    await requireMayRemove(context, db, user, member.role, { org })
    await requireOtherOwner(db, context.now(), user, org.id)
    await db.delete(organizationMembers).where(eq(organizationMembers.id, member.id))
    await db.run(
      sql`DELETE FROM team_members WHERE user_id = ${user.id} AND team_id IN (SELECT id FROM teams WHERE organization_id = ${org.id})`,
    )
    const before = viewOf(org, user, member)
    await record(context, db, { action: 'org.member-remove', target: targetOf('org', org), before })
    return before
  })
}

/** In the order in which the users were created. @throws not_found, ambiguous, invalid */
export const memberList = paged('members', (_, orgSelector: string, given: MemberPage = {}) => {
  const { limit, after } = rules.parse(rules.page, given)
  return {
    limit,
    open: async db => {
      const org = await find(db, 'org', orgSelector)
      const isHere = eq(organizationMembers.organizationId, org.id)
      return membersOf(db, organizationMembers, isHere, after, (user, member) => viewOf(org, user, member))
    },
  }
})

/** @throws not_found, ambiguous */
async function memberIn(db: Database, orgSelector: string, userSelector: string) {
  const org = await find(db, 'org', orgSelector)
  const user = await find(db, 'user', userSelector)
  return { org, user, member: await requireMember(db, org, user) }
}

/** @throws not_found */
export async function requireMember(
  db: Database,
  org: Row<'org'>,
  user: Row<'user'>,
): Promise<typeof organizationMembers.$inferSelect> {
  const member = await membership(db, org.id, user.id)
  if (member !== undefined) return member
  throw new LatchkeyError(
    'not_found',
    `${user.username} is not a member of ${org.slug}`,
    `see the members with: ${lineOf('org member list', org.slug)}`,
  )
}

async function membership(db: Database, organizationId: string, userId: string) {
  const [found] = await db
    .select()
    .from(organizationMembers)
    .where(
      and(eq(organizationMembers.organizationId, organizationId), eq(organizationMembers.userId, userId)),
    )
    .limit(1)
  return found
}

/** A role that members of the organization can have, by its name or id. @throws not_found, ambiguous, invalid */
export async function roleFor(db: Database, org: Row<'org'> | undefined, name: string): Promise<Row<'role'>> {
  rules.requireWords({ role: name })
  const isThere = or(isNull(roles.organizationId), org && eq(roles.organizationId, org.id))
  return findAmong(db, 'role', name, isThere)
}

const viewOf = (
  org: { readonly id: string; readonly slug: string },
  user: { readonly id: string; readonly username: string },
  { role, createdAt }: typeof organizationMembers.$inferSelect,
): OrganizationMember => ({
  organization: { id: org.id, slug: org.slug },
  user: { id: user.id, username: user.username },
  role: namesIn(role).join(','),
  createdAt: new Date(createdAt),
})
