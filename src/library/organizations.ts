/** Organizations, teams, roles, invitations and access. Types only; `src/operations/organizations` has the rules. */
import type {
  AcceptedInvitation,
  AccessCheck,
  AccessGrant,
  Changed,
  CreatedInvitation,
  CreatedOrganization,
  CreatedRole,
  CreatedTeam,
  Invitation,
  Organization,
  OrganizationMember,
  RoleView,
  Team,
  TeamMember,
} from '../contract/views.ts'
import type { CreateOptions, RoleSelector, TeamSelector } from '../operations/input.ts'
import type {
  AccessList,
  AccessOn,
  AccessPage,
  InvitationList,
  InvitationPage,
  MemberPage,
  NewInvitation,
  NewOrganization,
  NewRole,
  NewTeam,
  OrganizationChanges,
  OrganizationList,
  OrganizationMemberList,
  OrganizationPage,
  RoleChanges,
  RoleList,
  RolePage,
  TeamChanges,
  TeamList,
  TeamMemberList,
  TeamPage,
} from '../operations/organizations/input.ts'

export type * from '../operations/organizations/input.ts'

/** Users who own projects together. An organization is selected by id, the first characters of the id, slug or name. */
export interface Organizations {
  /**
   * Creates an organization, with its first owner. Its slug is made from the name unless one is given.
   *
   * @throws invalid, not_found (the owner), conflict (the slug is taken, the owner is disabled or erased), denied
   * @example
   * const { slug } = await latchkey.organizations.create({ name: 'Data Guild', owner: 'alice' })
   */
  readonly create: (organization: NewOrganization, options?: CreateOptions) => Promise<CreatedOrganization>
  /**
   * A page of organizations, oldest first, and how many match.
   *
   * @throws invalid, not_found, ambiguous (the member, or the organization to start after)
   * @example
   * const { organizations, total } = await latchkey.organizations.list({ member: 'alice', limit: 20 })
   */
  readonly list: (page?: OrganizationPage) => Promise<OrganizationList>
  /**
   * Streams the organizations of `list` in constant memory; all unless there is a limit.
   *
   * @throws as `list`, when the first is read
   * @example
   * for await (const { slug } of latchkey.organizations.stream()) console.log(slug)
   */
  readonly stream: (page?: OrganizationPage) => AsyncIterable<Organization>
  /**
   * One organization.
   *
   * @throws not_found, ambiguous
   * @example
   * const { members } = await latchkey.organizations.get('acme')
   */
  readonly get: (organization: string) => Promise<Organization>
  /**
   * Changes an organization. A field that is left out stays; null clears it.
   *
   * @throws not_found, ambiguous, invalid, conflict (the slug is taken), denied
   * @example
   * await latchkey.organizations.update('acme', { name: 'Acme Ltd' })
   */
  readonly update: (organization: string, changes: OrganizationChanges) => Promise<Changed<Organization>>
  /**
   * Erases an organization that owns no projects, with its memberships, invitations, teams and roles. The users stay.
   *
   * @throws not_found, ambiguous, conflict (projects are left), denied
   * @example
   * await latchkey.organizations.create({ name: 'Short lived', owner: 'alice' })
   * await latchkey.organizations.delete('short-lived')
   */
  readonly delete: (organization: string) => Promise<Organization>
  /** Who belongs to an organization. */
  readonly members: OrganizationMembers
}

/** Members of organizations. The last owner who is not disabled cannot be demoted or removed. */
export interface OrganizationMembers {
  /**
   * Adds a user; the role is `member` unless another is given.
   *
   * @throws not_found, ambiguous, conflict (is a member already, was erased), denied
   * @example
   * await latchkey.users.create({ username: 'newcomer' })
   * await latchkey.organizations.members.add('acme', 'newcomer', 'viewer')
   */
  readonly add: (organization: string, user: string, role?: string) => Promise<OrganizationMember>
  /**
   * A page of members, in the order in which the users were created, and how many there are.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { members, total } = await latchkey.organizations.members.list('acme')
   */
  readonly list: (organization: string, page?: MemberPage) => Promise<OrganizationMemberList>
  /**
   * Streams the members of `list` in constant memory.
   *
   * @throws as `list`, when the first is read
   * @example
   * for await (const { user, role } of latchkey.organizations.members.stream('acme')) console.log(user.username, role)
   */
  readonly stream: (organization: string, page?: MemberPage) => AsyncIterable<OrganizationMember>
  /**
   * Gives a member another role in place of all that they had.
   *
   * @throws not_found, ambiguous, conflict (the last owner), denied
   * @example
   * await latchkey.users.create({ username: 'second' })
   * await latchkey.organizations.members.add('acme', 'second')
   * await latchkey.organizations.members.setRole('acme', 'second', 'owner')
   */
  readonly setRole: (organization: string, user: string, role: string) => Promise<Changed<OrganizationMember>>
  /**
   * Takes a user out of an organization and of its teams.
   *
   * @throws not_found, ambiguous, conflict (the last owner), denied
   * @example
   * await latchkey.users.create({ username: 'guest' })
   * await latchkey.organizations.members.add('acme', 'guest')
   * await latchkey.organizations.members.remove('acme', 'guest')
   */
  readonly remove: (organization: string, user: string) => Promise<OrganizationMember>
}

/** Invitations to organizations, by email address. One is selected by its id or the first characters of it. */
export interface Invitations {
  /**
   * Invites somebody. The token is only returned now; it works for 48 hours unless another time is given.
   *
   * @throws invalid, not_found, ambiguous, conflict (is invited already), denied
   * @example
   * const { token } = await latchkey.invitations.create({ org: 'acme', email: 'new@example.org' })
   */
  readonly create: (invitation: NewInvitation) => Promise<CreatedInvitation>
  /**
   * A page of invitations, oldest first, and how many match.
   *
   * @throws invalid, not_found, ambiguous (the organization)
   * @example
   * const { invitations } = await latchkey.invitations.list({ org: 'acme', status: 'pending' })
   */
  readonly list: (page?: InvitationPage) => Promise<InvitationList>
  /**
   * Streams the invitations of `list` in constant memory.
   *
   * @throws as `list`, when the first is read
   * @example
   * for await (const { email, status } of latchkey.invitations.stream()) console.log(email, status)
   */
  readonly stream: (page?: InvitationPage) => AsyncIterable<Invitation>
  /**
   * One invitation.
   *
   * @throws not_found, ambiguous
   * @example
   * const { id } = await latchkey.invitations.create({ org: 'acme', email: 'eve@example.org' })
   * const { status } = await latchkey.invitations.get(id)
   */
  readonly get: (invitation: string) => Promise<Invitation>
  /**
   * Makes a user a member by the token. The user must have the email address that was invited.
   *
   * @throws not_found (no invitation has the token), conflict (it is not pending, or is another's), denied
   * @example
   * await latchkey.users.create({ username: 'dan', email: 'dan@example.org' })
   * const { token } = await latchkey.invitations.create({ org: 'acme', email: 'dan@example.org' })
   * const { member } = await latchkey.invitations.accept(token, 'dan')
   */
  readonly accept: (token: string, user: string) => Promise<AcceptedInvitation>
  /**
   * Ends a pending invitation: its token no longer works.
   *
   * @throws not_found, ambiguous, conflict (it is not pending), denied
   * @example
   * const { id } = await latchkey.invitations.create({ org: 'acme', email: 'mistake@example.org' })
   * await latchkey.invitations.cancel(id)
   */
  readonly cancel: (invitation: string) => Promise<Invitation>
}

/** Groups of members of one organization. A team is selected by id or name, and by its organization if others share the name. */
export interface Teams {
  /**
   * Creates a team.
   *
   * @throws invalid, not_found (the organization), conflict (the name is taken there), denied
   * @example
   * const team = await latchkey.teams.create({ name: 'Research', org: 'acme' })
   */
  readonly create: (team: NewTeam, options?: CreateOptions) => Promise<CreatedTeam>
  /**
   * A page of teams, oldest first, and how many match.
   *
   * @throws invalid, not_found, ambiguous
   * @example
   * const { teams } = await latchkey.teams.list({ org: 'acme' })
   */
  readonly list: (page?: TeamPage) => Promise<TeamList>
  /**
   * Streams the teams of `list` in constant memory.
   *
   * @throws as `list`, when the first is read
   * @example
   * for await (const { name } of latchkey.teams.stream()) console.log(name)
   */
  readonly stream: (page?: TeamPage) => AsyncIterable<Team>
  /**
   * One team.
   *
   * @throws not_found, ambiguous
   * @example
   * await latchkey.teams.create({ name: 'Support', org: 'acme' })
   * const { members } = await latchkey.teams.get({ team: 'Support', org: 'acme' })
   */
  readonly get: (team: TeamSelector) => Promise<Team>
  /**
   * Renames a team.
   *
   * @throws not_found, ambiguous, invalid, conflict (the name is taken there), denied
   * @example
   * const { id } = await latchkey.teams.create({ name: 'Ops', org: 'acme' })
   * await latchkey.teams.update(id, { name: 'Operations' })
   */
  readonly update: (team: TeamSelector, changes: TeamChanges) => Promise<Changed<Team>>
  /**
   * Erases a team. Its members stay in the organization.
   *
   * @throws not_found, ambiguous, denied
   * @example
   * const { id } = await latchkey.teams.create({ name: 'Past', org: 'acme' })
   * await latchkey.teams.delete(id)
   */
  readonly delete: (team: TeamSelector) => Promise<Team>
  /** Who is in a team. */
  readonly members: TeamMembers
}

/** Members of teams. */
export interface TeamMembers {
  /**
   * Adds a member of the organization.
   *
   * @throws not_found (also: not a member of the organization), ambiguous, conflict (is in the team already), denied
   * @example
   * const { id } = await latchkey.teams.create({ name: 'Joining', org: 'acme' })
   * await latchkey.teams.members.add(id, 'alice')
   */
  readonly add: (team: TeamSelector, user: string) => Promise<TeamMember>
  /**
   * A page of members, in the order in which the users were created, and how many there are.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { id } = await latchkey.teams.create({ name: 'Listed', org: 'acme' })
   * const { members } = await latchkey.teams.members.list(id)
   */
  readonly list: (team: TeamSelector, page?: MemberPage) => Promise<TeamMemberList>
  /**
   * Streams the members of `list` in constant memory.
   *
   * @throws as `list`, when the first is read
   * @example
   * const { id } = await latchkey.teams.create({ name: 'Streamed', org: 'acme' })
   * for await (const { user } of latchkey.teams.members.stream(id)) console.log(user.username)
   */
  readonly stream: (team: TeamSelector, page?: MemberPage) => AsyncIterable<TeamMember>
  /**
   * Takes a user out of a team.
   *
   * @throws not_found, ambiguous, denied
   * @example
   * const { id } = await latchkey.teams.create({ name: 'Leaving', org: 'acme' })
   * await latchkey.teams.members.add(id, 'alice')
   * await latchkey.teams.members.remove(id, 'alice')
   */
  readonly remove: (team: TeamSelector, user: string) => Promise<TeamMember>
}

/** Names for permissions. `owner`, `admin`, `member` and `viewer` are built in. */
export interface Roles {
  /**
   * Creates a role: of one organization, or of all.
   *
   * @throws invalid, not_found (the organization), conflict (the name is taken), denied
   * @example
   * const role = await latchkey.roles.create({ name: 'writer', permissions: ['project:read', 'project:write'] })
   */
  readonly create: (role: NewRole, options?: CreateOptions) => Promise<CreatedRole>
  /**
   * A page of roles, oldest first, and how many match.
   *
   * @throws invalid, not_found, ambiguous
   * @example
   * const { roles } = await latchkey.roles.list({ org: 'acme' })
   */
  readonly list: (page?: RolePage) => Promise<RoleList>
  /**
   * Streams the roles of `list` in constant memory.
   *
   * @throws as `list`, when the first is read
   * @example
   * for await (const { name, permissions } of latchkey.roles.stream()) console.log(name, permissions)
   */
  readonly stream: (page?: RolePage) => AsyncIterable<RoleView>
  /**
   * One role.
   *
   * @throws not_found, ambiguous
   * @example
   * const { permissions } = await latchkey.roles.get('viewer')
   */
  readonly get: (role: RoleSelector) => Promise<RoleView>
  /**
   * Changes a role. The permissions take the place of all that it had.
   *
   * @throws not_found, ambiguous, invalid, conflict (built in, or renamed while somebody has it), denied
   * @example
   * const { id } = await latchkey.roles.create({ name: 'reader', permissions: ['project:read'] })
   * await latchkey.roles.update(id, { permissions: ['project:read', 'file:read'] })
   */
  readonly update: (role: RoleSelector, changes: RoleChanges) => Promise<Changed<RoleView>>
  /**
   * Erases a role that nobody has.
   *
   * @throws not_found, ambiguous, conflict (built in, or somebody has it), denied
   * @example
   * const { id } = await latchkey.roles.create({ name: 'unused', permissions: ['project:read'] })
   * await latchkey.roles.delete(id)
   */
  readonly delete: (role: RoleSelector) => Promise<RoleView>
}

/** Who may do what. */
export interface Access {
  /**
   * Whether a user may do something on a project, an organization or, without either, everywhere; and what grants it.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { allowed, grant } = await latchkey.access.check('alice', 'project:write', { project: 'shop' })
   */
  readonly check: (user: string, permission: string, on?: AccessOn) => Promise<AccessCheck>
  /**
   * As `check`, for a backend that goes on only if it is allowed.
   *
   * @throws denied, not_found, ambiguous, invalid
   * @example
   * await latchkey.access.authorize('alice', 'project:write', { project: 'shop' })
   */
  readonly authorize: (user: string, permission: string, on?: AccessOn) => Promise<AccessCheck>
  /**
   * A page of all that is granted to a user, in organizations first, and how many there are.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { grants } = await latchkey.access.list('alice')
   */
  readonly list: (user: string, page?: AccessPage) => Promise<AccessList>
  /**
   * Streams the grants of `list` in constant memory.
   *
   * @throws as `list`, when the first is read
   * @example
   * for await (const { role, permissions } of latchkey.access.stream('alice')) console.log(role, permissions)
   */
  readonly stream: (user: string, page?: AccessPage) => AsyncIterable<AccessGrant>
}
