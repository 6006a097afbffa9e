/** Organizations, their members, invitations, teams and roles, and who may do what. */
import { as, choice, extend, flag, integer, list, nullable, type Of, object, text, time } from '../shape.ts'
import { changed, created, stamps } from './changes.ts'
import { limit, withUse } from './limits.ts'
import { orgRef, projectRef, teamRef, userRef } from './refs.ts'
import { accessCodes, accessSources, invitationStatuses } from './words.ts'

export const organization = object('Organization', {
  id: text('org_ and a time-sorted id'),
  slug: text('Unique slug'),
  name: text('Display name'),
  logo: nullable(text('URL of a picture')),
  members: integer('How many members it has'),
  teams: integer('How many teams it has'),
  projects: integer('How many projects it owns'),
  ...stamps,
  limits: list(limit, 'Limits on all keys of its projects together'),
  memberLimits: integer('How many limits of single members it has'),
})

export const organizationMember = object('OrganizationMember', {
  organization: as(orgRef, 'The organization'),
  user: as(userRef, 'The member'),
  role: text('Name of the role there; several are separated by commas'),
  createdAt: time('Since when'),
})

export const invitation = object('Invitation', {
  id: text('inv_ and a time-sorted id'),
  organization: as(orgRef, 'Where to'),
  email: text('Who is invited'),
  role: text('Name of the role that they get'),
  team: nullable(as(teamRef, 'The team that they join too')),
  status: choice(invitationStatuses, 'Whether it can still be accepted'),
  inviter: nullable(as(userRef, 'Who invited them; null if an operator did')),
  expiresAt: time('Until when it can be accepted'),
  createdAt: time('When it was made'),
})

export const team = object('Team', {
  id: text('tea_ and a time-sorted id'),
  name: text('Name, unique in its organization'),
  organization: as(orgRef, 'The organization that it is part of'),
  members: integer('How many members it has'),
  ...stamps,
  limits: list(limit, 'Limits on what its members use in projects of the organization, together'),
})

export const teamMember = object('TeamMember', {
  team: as(teamRef, 'The team'),
  user: as(userRef, 'The member'),
  createdAt: time('Since when'),
})

export const role = object('Role', {
  id: text('rol_ and a time-sorted id'),
  name: text('Name, unique in its organization'),
  organization: nullable(as(orgRef, 'The only organization that has it; null: all have it')),
  permissions: list(text('Such as project:write, project:* or *'), 'What it permits'),
  builtIn: flag('Whether every database has it, and nobody can change it'),
  ...stamps,
})

export const accessGrant = object('AccessGrant', {
  source: choice(accessSources, 'What grants it'),
  role: nullable(text('The role; null for the owner of a project')),
  organization: nullable(as(orgRef, 'The organization that the role is in')),
  project: nullable(as(projectRef, 'The project that the role is in, or that is owned')),
  permissions: list(text('Such as project:write, project:* or *'), 'What it permits'),
})

export const accessCheck = object('AccessCheck', {
  allowed: flag('Whether the user may do it'),
  code: choice(accessCodes, 'Why, or why not'),
  user: as(userRef, 'Who'),
  permission: text('What'),
  organization: nullable(as(orgRef, 'On which organization')),
  project: nullable(as(projectRef, 'On which project')),
  grant: nullable(as(accessGrant, 'What grants it; null if nothing does')),
})

export const organizationDetails = withUse('OrganizationDetails', organization)
export const teamDetails = withUse('TeamDetails', team)
export const createdOrganization = created('CreatedOrganization', organization)
export const changedOrganization = changed('ChangedOrganization', organization)
export const changedMember = changed('ChangedMember', organizationMember)
export const createdInvitation = extend('CreatedInvitation', invitation, {
  token: text('Accepts the invitation; shown only now'),
})
export const acceptedInvitation = object('AcceptedInvitation', {
  invitation: as(invitation, 'The invitation'),
  member: as(organizationMember, 'The membership that it became'),
})
export const createdTeam = created('CreatedTeam', team)
export const changedTeam = changed('ChangedTeam', team)
export const createdRole = created('CreatedRole', role)
export const changedRole = changed('ChangedRole', role)

export type Organization = Of<typeof organization>
export type OrganizationDetails = Of<typeof organizationDetails>
export type CreatedOrganization = Of<typeof createdOrganization>
export type OrganizationMember = Of<typeof organizationMember>
export type Invitation = Of<typeof invitation>
export type CreatedInvitation = Of<typeof createdInvitation>
export type AcceptedInvitation = Of<typeof acceptedInvitation>
export type Team = Of<typeof team>
export type TeamDetails = Of<typeof teamDetails>
export type CreatedTeam = Of<typeof createdTeam>
export type TeamMember = Of<typeof teamMember>
export type RoleView = Of<typeof role>
export type CreatedRole = Of<typeof createdRole>
export type AccessGrant = Of<typeof accessGrant>
export type AccessCheck = Of<typeof accessCheck>
