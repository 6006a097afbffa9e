/** Inputs of the operations on organizations, teams, roles, invitations and access. */
import * as v from 'valibot'
import { invitationStatuses } from '../../contract/views/words.ts'
import type {
  AccessGrant,
  Invitation,
  InvitationStatus,
  Organization,
  OrganizationMember,
  RoleView,
  Team,
  TeamMember,
} from '../../contract/views.ts'
import type { PageOf } from '../input.ts'
import * as rules from '../rules/input.ts'

export const newOrganization = v.object({
  /** Display name; need not be unique. */
  name: rules.displayName,
  /** The user who becomes its first owner. */
  owner: v.string(),
  /** Default: made from the name. */
  slug: v.optional(rules.orgSlug),
  /** URL of a picture. */
  logo: v.optional(rules.url),
})
export type NewOrganization = rules.Input<typeof newOrganization>

export const organizationChanges = v.object({
  /** Display name; need not be unique. */
  name: v.optional(rules.displayName),
  /** Unique. */
  slug: v.optional(rules.orgSlug),
  /** URL of a picture. */
  logo: rules.clearable(rules.url),
})
/** Left out: unchanged. Null: cleared. */
export type OrganizationChanges = rules.Input<typeof organizationChanges>

export const organizationFilter = v.object({
  /** Organizations with this user as a member. */
  member: v.optional(v.string()),
  /** Part of a slug or name. */
  search: v.optional(v.string()),
})
export type OrganizationPage = rules.Input<typeof organizationFilter> & rules.Part

export type OrganizationList = PageOf<'organizations', Organization>

/** Members are in the order in which the users were created, and selected as users are. */
export type MemberPage = rules.Part

export type OrganizationMemberList = PageOf<'members', OrganizationMember>

export const newTeam = v.object({
  /** Unique in its organization. */
  name: rules.teamName,
  /** An organization. */
  org: v.string(),
})
export type NewTeam = rules.Input<typeof newTeam>

export const teamChanges = v.object({
  /** Unique in its organization. */
  name: v.optional(rules.teamName),
})
export type TeamChanges = rules.Input<typeof teamChanges>

export const teamFilter = v.object({
  /** Teams of this organization. */
  org: v.optional(v.string()),
  /** Teams with this user as a member. */
  member: v.optional(v.string()),
  /** Part of a name. */
  search: v.optional(v.string()),
})
export type TeamPage = rules.Input<typeof teamFilter> & rules.Part

export type TeamList = PageOf<'teams', Team>

export type TeamMemberList = PageOf<'members', TeamMember>

const permissions = v.pipe(
  rules.listOf(rules.permission),
  v.minLength(1, 'must have at least one'),
  v.maxLength(100, 'must have at most 100'),
)

export const newRole = v.object({
  /** Unique in its organization, and different from those that all have. */
  name: rules.roleName,
  /** The only organization that has it. Default: all have it, and so have projects. */
  org: v.optional(v.string()),
  /** Such as `project:write`, `project:*` or `*`. */
  permissions,
})
export type NewRole = rules.Input<typeof newRole>

export const roleChanges = v.object({
  /** Only while nobody has it. */
  name: v.optional(rules.roleName),
  /** In place of all that it had. */
  permissions: v.optional(permissions),
})
export type RoleChanges = rules.Input<typeof roleChanges>

export const roleFilter = v.object({
  /** Roles that members of this organization can have. */
  org: v.optional(v.string()),
  /** Part of a name. */
  search: v.optional(v.string()),
})
export type RolePage = rules.Input<typeof roleFilter> & rules.Part

export type RoleList = PageOf<'roles', RoleView>

/** As elsewhere. */
export const usualInvitationMs = 48 * 3_600_000

export const newInvitation = v.object({
  /** An organization. */
  org: v.string(),
  /** Whoever has this email address can accept. */
  email: rules.email,
  /** Name of the role that they get; default member. */
  role: v.optional(rules.roleName, 'member'),
  /** A team of the organization that they join too. */
  team: v.optional(v.string()),
  /** How long it can be accepted, in milliseconds; default 48 hours, at most 366 days. */
  expiresInMs: v.optional(
    v.pipe(
      rules.count,
      v.minValue(60_000, 'must be at least a minute'),
      v.maxValue(366 * 86_400_000, 'must be at most 366 days'),
    ),
    usualInvitationMs,
  ),
})
export type NewInvitation = rules.Input<typeof newInvitation>

const status: rules.Rule<InvitationStatus> = rules.among(invitationStatuses)

export const invitationFilter = v.object({
  /** Invitations to this organization. */
  org: v.optional(v.string()),
  /** Invitations of this email address. */
  email: v.optional(v.string()),
  /** Invitations with this status. */
  status: v.optional(status),
})
export type InvitationPage = rules.Input<typeof invitationFilter> & rules.Part

export type InvitationList = PageOf<'invitations', Invitation>

export const accessOn = v.object({
  /** A project. */
  project: v.optional(v.string()),
  /** An organization. */
  org: v.optional(v.string()),
})
/** On what something is asked for: one of both, or neither for the whole database. */
export type AccessOn = rules.Input<typeof accessOn>

/** Each line is selected by the id of its organization or project. */
export type AccessPage = rules.Part

export type AccessList = PageOf<'grants', AccessGrant>
