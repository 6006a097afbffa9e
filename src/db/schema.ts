/**
 * Every table. Times are integer UTC milliseconds, money integer micro-dollars, JSON is text. The constraints
 * here are the last line: a row that breaks a rule of the domain cannot exist, whoever writes it. No check may come out
 * as NULL: SQLite lets it pass, but the integrity_check of older versions calls it damage.
 */
import { type SQL, sql } from 'drizzle-orm'
import {
  type AnySQLiteColumn,
  check,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core'

const lower = (column: AnySQLiteColumn): SQL => sql`lower(${column})`
const id = (prefix: string, table: string) => ({
  column: text('id').primaryKey(),
  check: check(`${table}_id`, sql.raw(`"id" GLOB '${prefix}_*' AND length("id") = ${prefix.length + 27}`)),
})

const userId = id('usr', 'users')
export const users = sqliteTable(
  'users',
  {
    id: userId.column,
    username: text('username').notNull(),
    email: text('email'),
    name: text('name'),
    role: text('role', { enum: ['admin', 'member', 'viewer'] }).notNull(),
    service: integer('service', { mode: 'boolean' }).notNull(),
    passwordHash: text('password_hash'),
    disabledAt: integer('disabled_at'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  t => [
    userId.check,
    uniqueIndex('users_username').on(lower(t.username)),
    uniqueIndex('users_email').on(lower(t.email)),
    // A username is never an id or an email address, so that a selector cannot mean two things.
    check(
      'users_username_form',
      sql`length(${t.username}) BETWEEN 1 AND 64 AND ${t.username} NOT GLOB 'usr_*' AND ${t.username} NOT GLOB '*@*'`,
    ),
    check('users_email_form', sql`${t.email} IS NULL OR ${t.email} GLOB '?*@?*'`),
    check('users_role', sql`${t.role} IN ('admin', 'member', 'viewer')`),
    check('users_service', sql`${t.service} IN (0, 1)`),
  ],
)

const projectId = id('prj', 'projects')
export const projects = sqliteTable(
  'projects',
  {
    id: projectId.column,
    slug: text('slug').notNull(),
    name: text('name').notNull(),
    description: text('description'),
    keyPrefix: text('key_prefix'),
    ownerId: text('owner_id')
      .notNull()
      .references(() => users.id, { onDelete: 'restrict' }),
    archivedAt: integer('archived_at'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  t => [
    projectId.check,
    uniqueIndex('projects_slug').on(t.slug),
    index('projects_owner').on(t.ownerId),
    check(
      'projects_slug_form',
      sql`length(${t.slug}) BETWEEN 1 AND 64 AND ${t.slug} NOT GLOB '*[^a-z0-9-]*' AND ${t.slug} NOT GLOB 'prj_*'`,
    ),
    check('projects_name_form', sql`length(${t.name}) BETWEEN 1 AND 100`),
    check(
      'projects_key_prefix_form',
      sql`${t.keyPrefix} IS NULL OR length(${t.keyPrefix}) BETWEEN 2 AND 12 AND ${t.keyPrefix} NOT GLOB '*[^a-z0-9]*'`,
    ),
  ],
)

export const projectMembers = sqliteTable(
  'project_members',
  {
    projectId: text('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    role: text('role', { enum: ['admin', 'member', 'viewer'] }).notNull(),
    createdAt: integer('created_at').notNull(),
  },
  t => [
    primaryKey({ columns: [t.projectId, t.userId] }),
    index('project_members_user').on(t.userId),
    check('project_members_role', sql`${t.role} IN ('admin', 'member', 'viewer')`),
  ],
)

const keyId = id('key', 'keys')
export const keys = sqliteTable(
  'keys',
  {
    id: keyId.column,
    name: text('name').notNull(),
    userId: text('user_id').references(() => users.id, { onDelete: 'restrict' }),
    projectId: text('project_id').references(() => projects.id, { onDelete: 'restrict' }),
    model: text('model'),
    allowedModels: text('allowed_models', { mode: 'json' }).$type<readonly string[]>(),
    scopes: text('scopes', { mode: 'json' }).$type<readonly string[]>().notNull(),
    metadata: text('metadata', { mode: 'json' }).$type<unknown>(),
    expiresAt: integer('expires_at'),
    disabledAt: integer('disabled_at'),
    revokedAt: integer('revoked_at'),
    revokedReason: text('revoked_reason'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    // Running totals of everything ever recorded, moved in the transaction that moves the buckets.
    lastUsedAt: integer('last_used_at'),
    requests: integer('requests').notNull().default(0),
    inputTokens: integer('input_tokens').notNull().default(0),
    outputTokens: integer('output_tokens').notNull().default(0),
    otherTokens: integer('other_tokens').notNull().default(0),
    costMicros: integer('cost_micros').notNull().default(0),
  },
  t => [
    keyId.check,
    uniqueIndex('keys_name').on(lower(t.name)),
    index('keys_user').on(t.userId),
    index('keys_project').on(t.projectId),
    check(
      'keys_name_form',
      sql`length(${t.name}) BETWEEN 1 AND 100 AND ${t.name} NOT GLOB 'key_*' AND ${t.name} <> '-'`,
    ),
    check(
      'keys_allowed_models_json',
      sql`${t.allowedModels} IS NULL OR json_type(${t.allowedModels}) = 'array'`,
    ),
    check('keys_scopes_json', sql`json_type(${t.scopes}) = 'array'`),
    check('keys_metadata_json', sql`${t.metadata} IS NULL OR json_valid(${t.metadata})`),
    check('keys_revoked_reason', sql`${t.revokedReason} IS NULL OR ${t.revokedAt} IS NOT NULL`),
  ],
)

export const secrets = sqliteTable(
  'secrets',
  {
    /** SHA-256 of the whole secret, in lower-case hex. */
    hash: text('hash').primaryKey(),
    keyId: text('key_id')
      .notNull()
      .references(() => keys.id, { onDelete: 'cascade' }),
    start: text('start').notNull(),
    createdAt: integer('created_at').notNull(),
    /** Set when a rotation replaced it: from then on it answers `rotated`. */
    endsAt: integer('ends_at'),
    /** What the caller named the rotation that made it, so that a retry is not a second one. */
    requestId: text('request_id'),
  },
  t => [
    index('secrets_key').on(t.keyId),
    index('secrets_start').on(t.start),
    uniqueIndex('secrets_request').on(t.keyId, t.requestId),
    uniqueIndex('secrets_current').on(t.keyId).where(sql`${t.endsAt} IS NULL`),
    check('secrets_hash_form', sql`length(${t.hash}) = 64 AND ${t.hash} NOT GLOB '*[^0-9a-f]*'`),
  ],
)

const limitId = id('lim', 'limits')
export const limits = sqliteTable(
  'limits',
  {
    id: limitId.column,
    keyId: text('key_id').references(() => keys.id, { onDelete: 'cascade' }),
    userId: text('user_id').references(() => users.id, { onDelete: 'cascade' }),
    projectId: text('project_id').references(() => projects.id, { onDelete: 'cascade' }),
    metric: text('metric', { enum: ['tokens', 'requests', 'usd'] }).notNull(),
    /** Tokens, requests or micro-dollars. */
    amount: integer('amount').notNull(),
    windowMs: integer('window_ms').notNull(),
    /** Buckets that ended by then no longer count. */
    resetAt: integer('reset_at'),
    /** What the buckets under way at `resetAt` held then, which does not count either. */
    resetUsed: integer('reset_used').notNull().default(0),
  },
  t => [
    limitId.check,
    uniqueIndex('limits_key').on(t.keyId, t.metric, t.windowMs),
    uniqueIndex('limits_user').on(t.userId, t.metric, t.windowMs),
    uniqueIndex('limits_project').on(t.projectId, t.metric, t.windowMs),
    check(
      'limits_subject',
      sql`(${t.keyId} IS NOT NULL) + (${t.userId} IS NOT NULL) + (${t.projectId} IS NOT NULL) = 1`,
    ),
    check('limits_metric', sql`${t.metric} IN ('tokens', 'requests', 'usd')`),
    check('limits_amount', sql`${t.amount} >= 0`),
    // From one minute to 366 days.
    check('limits_window', sql`${t.windowMs} BETWEEN 60000 AND 31622400000`),
  ],
)

export const usage = sqliteTable(
  'usage',
  {
    keyId: text('key_id')
      .notNull()
      .references(() => keys.id, { onDelete: 'cascade' }),
    /** Start of the bucket. */
    start: integer('start').notNull(),
    /** Empty when the request named none. */
    model: text('model').notNull(),
    /** Length of the bucket: a minute when recorded, an hour or a day once compacted. */
    widthMs: integer('width_ms').notNull().default(60_000),
    requests: integer('requests').notNull().default(0),
    inputTokens: integer('input_tokens').notNull().default(0),
    outputTokens: integer('output_tokens').notNull().default(0),
    /** Tokens that came without a split, from an import. */
    otherTokens: integer('other_tokens').notNull().default(0),
    costMicros: integer('cost_micros').notNull().default(0),
  },
  t => [
    primaryKey({ columns: [t.keyId, t.start, t.model] }),
    index('usage_start').on(t.start),
    check('usage_width', sql`${t.widthMs} IN (60000, 3600000, 86400000)`),
    check('usage_start', sql`${t.start} % ${t.widthMs} = 0`),
    check(
      'usage_counts',
      sql`${t.requests} >= 0 AND ${t.inputTokens} >= 0 AND ${t.outputTokens} >= 0 AND ${t.otherTokens} >= 0 AND ${t.costMicros} >= 0`,
    ),
  ],
)

/**
 * What an earlier system says a key had used in its life, less the buckets that came with it. Signed: such
 * systems' totals and windows need not add up. Running total = carried + all buckets.
 */
export const carriedUsage = sqliteTable('carried_usage', {
  keyId: text('key_id')
    .primaryKey()
    .references(() => keys.id, { onDelete: 'cascade' }),
  requests: integer('requests').notNull(),
  tokens: integer('tokens').notNull(),
  costMicros: integer('cost_micros').notNull(),
})

const reservationId = id('res', 'reservations')
/** What requests under way may still use: counts against limits until it is settled or its time is up. */
export const reservations = sqliteTable(
  'reservations',
  {
    id: reservationId.column,
    keyId: text('key_id')
      .notNull()
      .references(() => keys.id, { onDelete: 'cascade' }),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    requests: integer('requests').notNull(),
    tokens: integer('tokens').notNull(),
    costMicros: integer('cost_micros').notNull(),
  },
  t => [
    reservationId.check,
    index('reservations_key').on(t.keyId, t.expiresAt),
    index('reservations_expiry').on(t.expiresAt),
    check('reservations_counts', sql`${t.requests} >= 0 AND ${t.tokens} >= 0 AND ${t.costMicros} >= 0`),
  ],
)

/** What a model costs from a moment on, in micro-dollars per million tokens. */
export const prices = sqliteTable(
  'prices',
  {
    model: text('model').notNull(),
    startsAt: integer('starts_at').notNull(),
    inputMicros: integer('input_micros').notNull(),
    outputMicros: integer('output_micros').notNull(),
  },
  t => [
    primaryKey({ columns: [t.model, t.startsAt] }),
    check('prices_amounts', sql`${t.inputMicros} >= 0 AND ${t.outputMicros} >= 0`),
  ],
)

/** Ids of events that were counted: the same id counts once. */
export const countedEvents = sqliteTable(
  'counted_events',
  {
    id: text('id').primaryKey(),
    at: integer('at').notNull(),
  },
  t => [
    index('counted_events_at').on(t.at),
    check('counted_events_id', sql`length(${t.id}) BETWEEN 1 AND 200`),
  ],
)

/** Files of events that were counted: the same file counts once. */
export const countedFiles = sqliteTable(
  'counted_files',
  {
    /** SHA-256 of its bytes, in lower-case hex. */
    sha256: text('sha256').primaryKey(),
    at: integer('at').notNull(),
    events: integer('events').notNull(),
  },
  t => [check('counted_files_hash', sql`length(${t.sha256}) = 64 AND ${t.sha256} NOT GLOB '*[^0-9a-f]*'`)],
)

const auditId = id('aud', 'audit')
export const audit = sqliteTable(
  'audit',
  {
    id: auditId.column,
    at: integer('at').notNull(),
    actor: text('actor').notNull(),
    origin: text('origin', { enum: ['terminal', 'cron', 'service', 'script', 'library'] }).notNull(),
    action: text('action').notNull(),
    targetType: text('target_type').notNull(),
    targetId: text('target_id').notNull(),
    targetName: text('target_name'),
    before: text('before', { mode: 'json' }).$type<unknown>(),
    after: text('after', { mode: 'json' }).$type<unknown>(),
  },
  t => [
    auditId.check,
    index('audit_at').on(t.at),
    index('audit_target').on(t.targetId),
    check('audit_origin', sql`${t.origin} IN ('terminal', 'cron', 'service', 'script', 'library')`),
    check(
      'audit_json',
      sql`(${t.before} IS NULL OR json_valid(${t.before})) AND (${t.after} IS NULL OR json_valid(${t.after}))`,
    ),
  ],
)

const importId = id('imp', 'imports')
export const imports = sqliteTable(
  'imports',
  {
    id: importId.column,
    source: text('source').notNull(),
    at: integer('at').notNull(),
    report: text('report', { mode: 'json' }).$type<unknown>().notNull(),
    undoneAt: integer('undone_at'),
  },
  t => [importId.check, check('imports_report_json', sql`json_valid(${t.report})`)],
)

/** What a source last said of a key: the third side when it is imported again. */
export const importedKeys = sqliteTable(
  'imported_keys',
  {
    source: text('source').notNull(),
    /** SHA-256 of the secret in the source. */
    hash: text('hash').notNull(),
    keyId: text('key_id')
      .notNull()
      .references(() => keys.id, { onDelete: 'cascade' }),
    importId: text('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'restrict' }),
    state: text('state', { mode: 'json' }).$type<unknown>().notNull(),
  },
  t => [
    primaryKey({ columns: [t.source, t.hash] }),
    index('imported_keys_key').on(t.keyId),
    index('imported_keys_import').on(t.importId),
    check('imported_keys_state_json', sql`json_valid(${t.state})`),
  ],
)

/** What a source last said of a user, and whom it became here: made by the import, or linked because it was here. */
export const importedUsers = sqliteTable(
  'imported_users',
  {
    source: text('source').notNull(),
    /** Id in the source. */
    foreignId: text('foreign_id').notNull(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    importId: text('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'restrict' }),
    state: text('state', { mode: 'json' }).$type<unknown>().notNull(),
  },
  t => [
    primaryKey({ columns: [t.source, t.foreignId] }),
    // Two people of one source never become one here.
    uniqueIndex('imported_users_user').on(t.userId, t.source),
    index('imported_users_import').on(t.importId),
    check('imported_users_state_json', sql`json_valid(${t.state})`),
  ],
)

/** What a source last said of a project, and which it became here. */
export const importedProjects = sqliteTable(
  'imported_projects',
  {
    source: text('source').notNull(),
    /** Id in the source. */
    foreignId: text('foreign_id').notNull(),
    projectId: text('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    importId: text('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'restrict' }),
    state: text('state', { mode: 'json' }).$type<unknown>().notNull(),
  },
  t => [
    primaryKey({ columns: [t.source, t.foreignId] }),
    uniqueIndex('imported_projects_project').on(t.projectId, t.source),
    index('imported_projects_import').on(t.importId),
    check('imported_projects_state_json', sql`json_valid(${t.state})`),
  ],
)

/**
 * What an import did to each key, user and project, so that it can be taken back. Points at what may have been
 * deleted since, so it has no foreign key.
 */
export const importChanges = sqliteTable(
  'import_changes',
  {
    importId: text('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'cascade' }),
    type: text('type', { enum: ['user', 'project', 'key'] }).notNull(),
    targetId: text('target_id').notNull(),
    action: text('action', { enum: ['created', 'updated', 'linked'] }).notNull(),
    /** As it was; null when the import made it. */
    before: text('before', { mode: 'json' }).$type<unknown>(),
    /** As the import left it: what differs from this was changed since. */
    after: text('after', { mode: 'json' }).$type<unknown>(),
  },
  t => [
    primaryKey({ columns: [t.importId, t.type, t.targetId] }),
    index('import_changes_target').on(t.targetId),
    check('import_changes_type', sql`${t.type} IN ('user', 'project', 'key')`),
    check('import_changes_action', sql`${t.action} IN ('created', 'updated', 'linked')`),
    check('import_changes_json', sql`json_valid(${t.before}) AND json_valid(${t.after})`),
  ],
)

/** Tables stored in the order of their primary key: lookups and window sums read one run of pages. */
export const clusteredTables: readonly string[] = [
  'usage',
  'secrets',
  'project_members',
  'imported_keys',
  'imported_users',
  'imported_projects',
  'import_changes',
  'prices',
  'counted_events',
  'counted_files',
]
