/**
 * Invitations to organizations: who has the token, and the email address, becomes a member. The token is shown once, and its
 * hash is stored. Those that were not accepted in time are `expired`; they stay, as accepted ones do, until the organization goes.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { AcceptedInvitation, CreatedInvitation, Invitation } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, gt, idsOf, lte, oneOf, type SQL } from '../../db/query.ts'
import { invitations, organizationMembers, teams } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { users } from '../../db/schema/people.ts'
import { lineOf } from '../../text/shell-word.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { type Row, targetOf } from '../nouns.ts'
import { inOrder, paged } from '../page.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { hasChecksum, hashSecret, mintSecret } from '../rules/secrets.ts'
import { byId, find, oneById, sameText } from '../select.ts'
import { actingUser, authorize, requireMayGrant } from './access.ts'
import { type InvitationPage, invitationFilter, type NewInvitation, newInvitation } from './input.ts'
import { join, memberAlready, roleFor } from './members.ts'
import { addToTeam } from './teams.ts'

type Invited = typeof invitations.$inferSelect

/** What its tokens begin with. */
const tokenPrefix = 'inv'

/**
 * Invites somebody by their email address. The token is returned once.
 *
 * @throws invalid, not_found, ambiguous, conflict (is a member, or invited already), denied
 */
export async function createInvitation(
  context: OperationContext,
  input: NewInvitation,
): Promise<CreatedInvitation> {
  const fields = rules.parse(newInvitation, input)
  return context.store.write(async db => {
    const org = await find(db, 'org', fields.org)
    await authorize(context, db, 'invitation:write', { org })
    const role = await roleFor(db, org, fields.role)
    await requireMayGrant(context, db, [role], { org })
    const team =
      fields.team === undefined ? undefined : await find(db, 'team', { team: fields.team, org: org.id })
    await requireNoMember(db, org, fields.email, role.name)
    const now = context.now()
    const pending = and(
      eq(invitations.organizationId, org.id),
      sameText(invitations.email, fields.email),
      hasStatus('pending', now),
    )
    const [open] = await db.select({ id: invitations.id }).from(invitations).where(pending).limit(1)
    if (open !== undefined) {
      throw new LatchkeyError(
        'conflict',
        `${fields.email} is invited to ${org.slug} already (${open.id})`,
        `invite them again after: ${lineOf('invitation cancel', open.id)}`,
      )
    }
    const token = mintSecret(tokenPrefix)
    const inviter = await actingUser(context, db)
    const [made] = await db
      .insert(invitations)
      .values({
        id: newId('inv', now),
        organizationId: org.id,
        email: fields.email,
        role: role.name,
        teamId: team?.id ?? null,
        status: 'pending',
        tokenHash: hashSecret(token),
        inviterId: inviter?.id ?? null,
        expiresAt: now.getTime() + fields.expiresInMs,
        createdAt: now.getTime(),
      })
      .returning()
    const [after] = await invitationViews(db, made ? [made] : [], now)
    if (!after) throw new Error('the invitation was written, but not returned')
    await record(context, db, { action: 'org.invite', target: targetOf('org', org), after })
    return { ...after, token }
  })
}

/** An invitation that nobody could accept. @throws conflict */
async function requireNoMember(db: Database, org: Row<'org'>, email: string, role: string): Promise<void> {
  const [user] = await db
    .select({ username: users.username })
    .from(organizationMembers)
    .innerJoin(users, eq(users.id, organizationMembers.userId))
    .where(and(eq(organizationMembers.organizationId, org.id), sameText(users.email, email)))
    .limit(1)
  if (user !== undefined) throw memberAlready(user, org, role)
}

/**
 * Makes a user a member by the token of an invitation. The user must have the email address that was invited.
 *
 * @throws not_found (no invitation has the token; the user), conflict (it is not pending, or is another's), denied
 */
export async function acceptInvitation(
  context: OperationContext,
  token: string,
  userSelector: string,
): Promise<AcceptedInvitation> {
  return context.store.write(async db => {
    const row = hasChecksum(token) ? await byToken(db, token) : undefined
    if (row === undefined) {
      throw new LatchkeyError(
        'not_found',
        'no invitation has that token',
        'check that the whole token was given, or see the invitations with: latchkey invitation list',
      )
    }
    const user = await find(db, 'user', userSelector)
    const actor = await actingUser(context, db)
    if (actor !== undefined && actor.id !== user.id) await authorize(context, db, 'member:write', {})
    const invitation = await requirePending(db, row, context.now())
    if (user.email?.toLowerCase() !== row.email.toLowerCase()) {
      throw new LatchkeyError(
        'conflict',
        `the invitation is for ${row.email}, which is not the email address of ${user.username}`,
        `change it first with: ${lineOf(`user update ${user.username} --email`, row.email)}`,
      )
    }
    const org = await find(db, 'org', row.organizationId)
    const member = await join(context, db, org, user, row.role, 'org.invitation-accept')
    await db.update(invitations).set({ status: 'accepted' }).where(eq(invitations.id, row.id))
    if (row.teamId !== null) await addToTeam(context, db, await find(db, 'team', row.teamId), user)
    return { invitation: { ...invitation, status: 'accepted' as const }, member }
  })
}

async function byToken(db: Database, token: string): Promise<Invited | undefined> {
  const [row] = await db
    .select()
    .from(invitations)
    .where(eq(invitations.tokenHash, hashSecret(token)))
    .limit(1)
  return row
}

/** Ends a pending invitation. @throws not_found, ambiguous, conflict (it is not pending), denied */
export async function cancelInvitation(context: OperationContext, selector: string): Promise<Invitation> {
  return context.store.write(async db => {
    const row = await oneInvitation(db, selector)
    const org = await find(db, 'org', row.organizationId)
    await authorize(context, db, 'invitation:write', { org })
    const before = await requirePending(db, row, context.now())
    await db.update(invitations).set({ status: 'canceled' }).where(eq(invitations.id, row.id))
    await record(context, db, { action: 'org.invitation-cancel', target: targetOf('org', org), before })
    return { ...before, status: 'canceled' as const }
  })
}

/** @param selector an id, or the beginning of one. @throws not_found, ambiguous */
export const getInvitation = (context: OperationContext, selector: string): Promise<Invitation> =>
  context.store.read(async db => viewOf(db, await oneInvitation(db, selector), context.now()))

/** @throws not_found, ambiguous */
const oneInvitation = (db: Database, selector: string): Promise<Invited> =>
  oneById('invitation', byId(invitations.id, selector, 'inv'), isMeant =>
    db.select().from(invitations).where(isMeant).limit(2),
  )

/** @throws conflict */
async function requirePending(db: Database, row: Invited, now: Date): Promise<Invitation> {
  const view = await viewOf(db, row, now)
  if (view.status === 'pending') return view
  throw new LatchkeyError(
    'conflict',
    `the invitation of ${view.email} to ${view.organization.slug} is ${view.status}`,
    view.status === 'accepted'
      ? `see the members with: ${lineOf('org member list', view.organization.slug)}`
      : `invite them again with: ${lineOf('invitation create', view.organization.slug, view.email)}`,
  )
}

/** Oldest first. @throws not_found, ambiguous, invalid */
export const invitationList = paged('invitations', (context, given: InvitationPage = {}) => {
  const { limit, org, email, status, after } = rules.parsePage(invitationFilter, given)
  return {
    limit,
    open: async db =>
      inOrder(db, invitations, {
        by: invitations.id,
        where: and(
          org === undefined ? undefined : eq(invitations.organizationId, (await find(db, 'org', org)).id),
          email === undefined ? undefined : sameText(invitations.email, email),
          status && hasStatus(status, context.now()),
        ),
        after: after === undefined ? undefined : (await oneInvitation(db, after)).id,
        views: rows => invitationViews(db, rows, context.now()),
        keyOf: ({ id }) => id,
      }),
  }
})

/** The SQL twin of `statusOf`. */
const hasStatus = (status: Invitation['status'], now: Date): SQL | undefined =>
  status === 'expired'
    ? and(eq(invitations.status, 'pending'), lte(invitations.expiresAt, now.getTime()))
    : and(
        eq(invitations.status, status),
        status === 'pending' ? gt(invitations.expiresAt, now.getTime()) : undefined,
      )

const statusOf = ({ status, expiresAt }: Invited, now: Date): Invitation['status'] =>
  status === 'pending' && expiresAt <= now.getTime() ? 'expired' : status

async function viewOf(db: Database, row: Invited, now: Date): Promise<Invitation> {
  const [view] = await invitationViews(db, [row], now)
  if (!view) throw new Error('an invitation without a view')
  return view
}

async function invitationViews(
  db: Database,
  rows: readonly Invited[],
  now: Date,
): Promise<readonly Invitation[]> {
  const about = await db
    .select({ id: invitations.id, slug: organizations.slug, team: teams.name, username: users.username })
    .from(invitations)
    .innerJoin(organizations, eq(organizations.id, invitations.organizationId))
    .leftJoin(teams, eq(teams.id, invitations.teamId))
    .leftJoin(users, eq(users.id, invitations.inviterId))
    .where(oneOf(invitations.id, idsOf(rows)))
  const aboutEach = new Map(about.map(each => [each.id, each]))
  return rows.map(row => {
    const { slug = '', team = null, username = null } = aboutEach.get(row.id) ?? {}
    return {
      id: row.id,
      organization: { id: row.organizationId, slug },
      email: row.email,
      role: row.role,
      team: row.teamId === null || team === null ? null : { id: row.teamId, name: team },
      status: statusOf(row, now),
      inviter: row.inviterId === null || username === null ? null : { id: row.inviterId, username },
      expiresAt: new Date(row.expiresAt),
      createdAt: new Date(row.createdAt),
    }
  })
}
