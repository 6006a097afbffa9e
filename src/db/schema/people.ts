/** Users, projects, and who belongs to which. */
import {
  check,
  fits,
  id,
  index,
  integer,
  isOne,
  lower,
  primaryKey,
  sql,
  table,
  text,
  uniqueIndex,
} from './columns.ts'
import { organizations } from './organizations.ts'

const userId = id('usr', 'users')
export const users = table(
  'users',
  {
    id: userId.column,
    username: text('username').notNull(),
    email: text('email'),
    name: text('name'),
    role: text('role', { enum: ['admin', 'member', 'viewer'] }).notNull(),
    service: integer('service', { mode: 'boolean' }).notNull(),
    disabledAt: integer('disabled_at'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    emailVerified: integer('email_verified', { mode: 'boolean' }).notNull().default(false),
    /** Address of a picture. */
    image: text('image'),
    disabledReason: text('disabled_reason'),
    /** From then on the user is active again. */
    disabledUntil: integer('disabled_until'),
    /** What other programs keep there besides, as a JSON object. */
    additionalFields: text('additional_fields', { mode: 'json' }).$type<object>(),
  },
  t => [
    userId.check,
    uniqueIndex('users_username').on(lower(t.username)),
    uniqueIndex('users_email').on(lower(t.email)),
    // A username is never an id or an email address, so that a selector cannot mean two things.
    check(
      'users_username_form',
      sql`length(${t.username}) BETWEEN 1 AND 64 AND ${t.username} NOT ${fits('usr_*')} AND ${t.username} NOT ${fits('*@*')}`,
    ),
    check('users_email_form', sql`${t.email} IS NULL OR ${t.email} ${fits('?*@?*')}`),
    check('users_role', sql`${t.role} IN ('admin', 'member', 'viewer')`),
    check('users_service', sql`${t.service} IN (0, 1)`),
    check('users_email_verified', sql`${t.emailVerified} IN (0, 1)`),
  ],
)

const projectId = id('prj', 'projects')
export const projects = table(
  'projects',
  {
    id: projectId.column,
    slug: text('slug').notNull(),
    name: text('name').notNull(),
    description: text('description'),
    keyPrefix: text('key_prefix'),
    /** The user that owns it, unless an organization does. */
    ownerId: text('owner_id').references(() => users.id, { onDelete: 'restrict' }),
    archivedAt: integer('archived_at'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    organizationId: text('organization_id').references(() => organizations.id, { onDelete: 'restrict' }),
    /** What the backend is doing with it. */
    state: text('state', { enum: ['idle', 'generating', 'complete', 'error'] })
      .notNull()
      .default('idle'),
    previewUrl: text('preview_url'),
    sandboxId: text('sandbox_id'),
  },
  t => [
    projectId.check,
    uniqueIndex('projects_slug').on(t.slug),
    // Selectors are compared regardless of case.
    index('projects_slug_text').on(lower(t.slug)),
    index('projects_name').on(lower(t.name)),
    index('projects_owner').on(t.ownerId, t.id),
    index('projects_organization').on(t.organizationId, t.id),
    check('projects_one_owner', isOne(t.ownerId, t.organizationId)),
    check('projects_state', sql`${t.state} IN ('idle', 'generating', 'complete', 'error')`),
    check(
      'projects_slug_form',
      sql`length(${t.slug}) BETWEEN 1 AND 64 AND ${t.slug} NOT ${fits('*[^a-z0-9-]*')} AND ${t.slug} NOT ${fits('prj_*')}`,
    ),
    check('projects_name_form', sql`length(${t.name}) BETWEEN 1 AND 100`),
    check(
      'projects_key_prefix_form',
      sql`${t.keyPrefix} IS NULL OR length(${t.keyPrefix}) BETWEEN 2 AND 12 AND ${t.keyPrefix} NOT ${fits('*[^a-z0-9]*')}`,
    ),
  ],
)

export const projectMembers = table(
  'project_members',
  {
    projectId: text('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** The name of a role. */
    role: text('role').notNull(),
    createdAt: integer('created_at').notNull(),
  },
  t => [
    primaryKey({ columns: [t.projectId, t.userId] }),
    index('project_members_user').on(t.userId, t.projectId),
    check('project_members_role_form', sql`length(${t.role}) > 0`),
  ],
)
