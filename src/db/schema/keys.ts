/** Keys and their secrets. */
import {
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
import { projects, users } from './people.ts'

const keyId = id('key', 'keys')
export const keys = table(
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
  },
  t => [
    keyId.check,
    uniqueIndex('keys_name').on(lower(t.name)),
    index('keys_user').on(t.userId, t.id),
    index('keys_project').on(t.projectId, t.id),
    check(
      'keys_name_form',
      sql`length(${t.name}) BETWEEN 1 AND 100 AND ${t.name} NOT ${fits('key_*')} AND ${t.name} <> '-'`,
    ),
    check('keys_allowed_models_json', sql`${t.allowedModels} IS NULL OR ${isList(t.allowedModels)}`),
    check('keys_scopes_json', isList(t.scopes)),
    check('keys_metadata_json', sql`${t.metadata} IS NULL OR ${isJson(t.metadata)}`),
    check('keys_revoked_reason', sql`${t.revokedReason} IS NULL OR ${t.revokedAt} IS NOT NULL`),
  ],
)

export const secrets = table(
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
    check('secrets_hash_form', sql`length(${t.hash}) = 64 AND ${t.hash} NOT ${fits('*[^0-9a-f]*')}`),
  ],
)

/**
 * What Better Auth's api-key plugin keeps of a key besides: what it calls the key, and what it counts when it verifies one. A key
 * that it has not touched has no row.
 */
export const apiKeys = table(
  'api_keys',
  {
    keyId: text('key_id')
      .primaryKey()
      .references(() => keys.id, { onDelete: 'cascade' }),
    /** What it calls the key, while the name of the key is `alias_of`: its names are not unique. */
    alias: text('alias'),
    aliasOf: text('alias_of'),
    /** Which of its configurations the key belongs to. */
    configId: text('config_id').notNull().default('default'),
    prefix: text('prefix'),
    rateLimitEnabled: integer('rate_limit_enabled', { mode: 'boolean' }).notNull(),
    /** In milliseconds. */
    rateLimitTimeWindow: integer('rate_limit_time_window'),
    rateLimitMax: integer('rate_limit_max'),
    /** Within the window. */
    requestCount: integer('request_count').notNull().default(0),
    lastRequest: integer('last_request'),
    /** How often it still verifies the key; null: any number of times. */
    remaining: integer('remaining'),
    /** In milliseconds. */
    refillInterval: integer('refill_interval'),
    refillAmount: integer('refill_amount'),
    lastRefillAt: integer('last_refill_at'),
  },
  t => [check('api_keys_rate_limit_enabled', sql`${t.rateLimitEnabled} IN (0, 1)`)],
)
