/** Who belongs to organizations and teams, with which roles, and who is invited. */
import {
  anyId,
  check,
  fits,
  id,
  index,
  integer,
  isJson,
  isList,
  lower,
  sql,
  table,
  text,
  uniqueIndex,
} from './columns.ts'
import { organizations } from './organizations.ts'
import { users } from './people.ts'

const inOrganization = () =>
  text('organization_id')
    .notNull()
    .references(() => organizations.id, { onDelete: 'cascade' })

const memberId = id('mem', 'organization_members')
export const organizationMembers = table(
  'organization_members',
  {
    id: memberId.column,
    organizationId: inOrganization(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** Names of roles, with commas between them. */
    role: text('role').notNull(),
    createdAt: integer('created_at').notNull(),
  },
  t => [
    memberId.check,
    uniqueIndex('organization_members_pair').on(t.organizationId, t.userId),
    index('organization_members_role').on(t.organizationId, t.role),
    index('organization_members_user').on(t.userId, t.organizationId),
    check('organization_members_role_form', sql`length(${t.role}) > 0`),
  ],
)

const teamId = id('tea', 'teams')
export const teams = table(
  'teams',
  {
    id: teamId.column,
    organizationId: inOrganization(),
    name: text('name').notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  t => [
    teamId.check,
    // Other programs may give two teams of an organization the same name.
    index('teams_name').on(t.organizationId, lower(t.name)),
    index('teams_name_text').on(lower(t.name)),
    index('teams_organization').on(t.organizationId, t.id),
    check('teams_name_form', sql`length(${t.name}) BETWEEN 1 AND 200 AND ${t.name} NOT ${fits('tea_*')}`),
  ],
)

const teamMemberId = id('tmm', 'team_members')
export const teamMembers = table(
  'team_members',
  {
    id: teamMemberId.column,
    teamId: text('team_id')
      .notNull()
      .references(() => teams.id, { onDelete: 'cascade' }),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    createdAt: integer('created_at').notNull(),
  },
  t => [
    teamMemberId.check,
    uniqueIndex('team_members_pair').on(t.teamId, t.userId),
    index('team_members_user').on(t.userId, t.teamId),
  ],
)

const roleId = id('rol', 'roles')
/** The four that every database has are put in by the migration `organizations`. */
export const roles = table(
  'roles',
  {
    id: roleId.column,
    /** Null: of all organizations and projects. */
    organizationId: text('organization_id').references(() => organizations.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    /** Patterns such as `project:write`, `project:*` or `*`. */
    permissions: text('permissions', { mode: 'json' }).$type<readonly string[]>().notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  t => [
    roleId.check,
    uniqueIndex('roles_name').on(t.organizationId, lower(t.name)),
    index('roles_name_text').on(lower(t.name)),
    uniqueIndex('roles_name_of_all').on(lower(t.name)).where(sql`${t.organizationId} IS NULL`),
    check(
      'roles_name_form',
      sql`length(${t.name}) BETWEEN 1 AND 100 AND ${t.name} NOT ${fits('rol_*')} AND ${t.name} NOT ${fits('*,*')}`,
    ),
    check(
      'roles_permissions_json',
      sql`CASE WHEN ${isJson(t.permissions)} THEN ${isList(t.permissions)} ELSE 1 = 0 END`,
    ),
  ],
)

const invitationId = anyId('invitations')
export const invitations = table(
  'invitations',
  {
    id: invitationId.column,
    organizationId: inOrganization(),
    email: text('email').notNull(),
    role: text('role').notNull(),
    teamId: text('team_id').references(() => teams.id, { onDelete: 'set null' }),
    /** `expired` is never stored: it follows from the time. */
    status: text('status', { enum: ['pending', 'accepted', 'rejected', 'canceled'] }).notNull(),
    /** SHA-256 of the token in lower-case hex; null where another program made it, which accepts by the id. */
    tokenHash: text('token_hash'),
    inviterId: text('inviter_id').references(() => users.id, { onDelete: 'set null' }),
    expiresAt: integer('expires_at').notNull(),
    createdAt: integer('created_at').notNull(),
  },
  t => [
    invitationId.check,
    uniqueIndex('invitations_token').on(t.tokenHash),
    index('invitations_organization').on(t.organizationId, t.id),
    index('invitations_email').on(lower(t.email), t.id),
    index('invitations_team').on(t.teamId),
    index('invitations_inviter').on(t.inviterId),
    check('invitations_status', sql`${t.status} IN ('pending', 'accepted', 'rejected', 'canceled')`),
    check('invitations_email_form', sql`${t.email} ${fits('?*@?*')}`),
    check('invitations_role_form', sql`length(${t.role}) > 0`),
    check(
      'invitations_token_form',
      sql`${t.tokenHash} IS NULL OR length(${t.tokenHash}) = 64 AND ${t.tokenHash} NOT ${fits('*[^0-9a-f]*')}`,
    ),
  ],
)
