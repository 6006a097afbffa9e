/**
 * Teams: groups of members of one organization. A team grants nothing. Deleting one takes its members out of it, and an
 * invitation to it becomes one to the organization alone.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, CreatedTeam, Team, TeamMember } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, count, eq, oneOf, sql } from '../../db/query.ts'
import { teamMembers, teams } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { lineOf } from '../../text/shell-word.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import type { CreateOptions, TeamSelector } from '../input.ts'
import { limitViews } from '../limits/change.ts'
import { type Row, targetOf } from '../nouns.ts'
import { paged } from '../page.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { contains, find } from '../select.ts'
import { Thing } from '../thing.ts'
import { actingUser, authorize } from './access.ts'
import {
  type MemberPage,
  type NewTeam,
  newTeam,
  type TeamChanges,
  type TeamPage,
  teamChanges,
  teamFilter,
} from './input.ts'
import { membersOf } from './member-list.ts'
import { requireMember } from './members.ts'

/** @throws invalid, not_found for the organization, conflict (the name is taken there), denied */
export async function createTeam(
  context: OperationContext,
  input: NewTeam,
  options: CreateOptions = {},
): Promise<CreatedTeam> {
  const { name, org: selector } = rules.parse(newTeam, input)
  return context.store.write(async db => {
    const org = await find(db, 'org', selector)
    await authorize(context, db, 'team:write', { org })
    return team.create(context, db, { name, organizationId: org.id }, { ...options, same: () => [] })
  })
}

/** Oldest first. @throws invalid; not_found, ambiguous */
export const teamList = paged('teams', (context, given: TeamPage = {}) => {
  const { limit, org, member, search, after } = rules.parsePage(teamFilter, given)
  return {
    limit,
    open: async db => {
      const user = member === undefined ? undefined : await find(db, 'user', member)
      const within = org === undefined ? undefined : await find(db, 'org', org)
      const where = and(
        within && eq(teams.organizationId, within.id),
        user && sql`${teams.id} IN (SELECT team_id FROM team_members WHERE user_id = ${user.id})`,
        contains([teams.name], search),
      )
      const last = after === undefined ? undefined : selectorIn(after, within)
      return team.source(context, db, where, last)
    },
  }
})

const selectorIn = (team: string, org: Row<'org'> | undefined): TeamSelector =>
  org === undefined ? team : { team, org: org.id }

/** @throws not_found, ambiguous, invalid, conflict (the name is taken there), denied */
export async function updateTeam(
  context: OperationContext,
  selector: TeamSelector,
  input: TeamChanges,
): Promise<Changed<Team>> {
  const changes = rules.parseChanges(teamChanges, input)
  return team.change(context, selector, 'update', async (db, row) => {
    await authorize(context, db, 'team:write', { org: await find(db, 'org', row.organizationId) })
    return changes
  })
}

/** @throws not_found, ambiguous, denied */
export const deleteTeam = (context: OperationContext, selector: TeamSelector): Promise<Team> =>
  team.erase(context, selector, async (db, row) =>
    authorize(context, db, 'team:write', { org: await find(db, 'org', row.organizationId) }),
  )

/**
 * Adds a member of the organization to one of its teams.
 *
 * @throws not_found (also: not a member of the organization), ambiguous, conflict (is in the team already), denied
 */
export async function addTeamMember(
  context: OperationContext,
  selector: TeamSelector,
  userSelector: string,
): Promise<TeamMember> {
  return context.store.write(async db => {
    const row = await find(db, 'team', selector)
    const org = await find(db, 'org', row.organizationId)
    await authorize(context, db, 'team:write', { org })
    const user = await find(db, 'user', userSelector)
    await requireMember(db, org, user)
    return addToTeam(context, db, row, user)
  })
}

/** @throws conflict (is in the team already) */
export async function addToTeam(
  context: OperationContext,
  db: Database,
  row: Row<'team'>,
  user: Row<'user'>,
): Promise<TeamMember> {
  const now = context.now()
  const [made] = await db
    .insert(teamMembers)
    .values({ id: newId('tmm', now), teamId: row.id, userId: user.id, createdAt: now.getTime() })
    .onConflictDoNothing()
    .returning()
  if (made === undefined) {
    throw new LatchkeyError(
      'conflict',
      `${user.username} is in the team ${row.name} already`,
      `see its members with: ${lineOf('team member list', row.id)}`,
    )
  }
  const after = memberView(row, user, made.createdAt)
  const { user: added } = after
  await record(context, db, {
    action: 'team.member-add',
    target: targetOf('team', row),
    after: { user: added },
  })
  return after
}

/** Takes a user out of a team. Members may leave by themselves. @throws not_found, ambiguous, denied */
export async function removeTeamMember(
  context: OperationContext,
  selector: TeamSelector,
  userSelector: string,
): Promise<TeamMember> {
  return context.store.write(async db => {
    const row = await find(db, 'team', selector)
    const user = await find(db, 'user', userSelector)
    const actor = await actingUser(context, db)
    if (actor?.id !== user.id) {
      await authorize(context, db, 'team:write', { org: await find(db, 'org', row.organizationId) })
    }
    const [gone] = await db
      .delete(teamMembers)
      .where(and(eq(teamMembers.teamId, row.id), eq(teamMembers.userId, user.id)))
      .returning()
    if (gone === undefined) {
      throw new LatchkeyError(
        'not_found',
        `${user.username} is not in the team ${row.name}`,
        `see its members with: ${lineOf('team member list', row.id)}`,
      )
    }
    const before = memberView(row, user, gone.createdAt)
    await record(context, db, { action: 'team.member-remove', target: targetOf('team', row), before })
    return before
  })
}

/** In the order in which the users were created. @throws not_found, ambiguous, invalid */
export const teamMemberList = paged('members', (_, selector: TeamSelector, given: MemberPage = {}) => {
  const { limit, after } = rules.parse(rules.page, given)
  return {
    limit,
    open: async db => {
      const row = await find(db, 'team', selector)
      return membersOf(db, teamMembers, eq(teamMembers.teamId, row.id), after, (user, { createdAt }) =>
        memberView(row, user, createdAt),
      )
    },
  }
})

const memberView = (
  team: { readonly id: string; readonly name: string },
  user: { readonly id: string; readonly username: string },
  createdAt: number,
): TeamMember => ({
  team: { id: team.id, name: team.name },
  user: { id: user.id, username: user.username },
  createdAt: new Date(createdAt),
})

/** The views of rows, in the same order. */
export async function teamViews(db: Database, rows: readonly Row<'team'>[]): Promise<readonly Team[]> {
  const ids = rows.map(row => row.id)
  const about = await db
    .select({
      id: teams.id,
      slug: organizations.slug,
      members: sql<number>`(SELECT ${count()} FROM ${teamMembers} WHERE ${teamMembers.teamId} = ${teams.id})`,
    })
    .from(teams)
    .innerJoin(organizations, eq(organizations.id, teams.organizationId))
    .where(oneOf(teams.id, ids))
  const limitsOf = await limitViews(db, 'team', ids)
  const aboutEach = new Map(about.map(each => [each.id, each]))
  return rows.map(row => {
    const { slug = '', members = 0 } = aboutEach.get(row.id) ?? {}
    return {
      id: row.id,
      name: row.name,
      organization: { id: row.organizationId, slug },
      members,
      createdAt: new Date(row.createdAt),
      updatedAt: new Date(row.updatedAt),
      limits: limitsOf.get(row.id) ?? [],
    }
  })
}

export const team = new Thing('team', teamViews)
