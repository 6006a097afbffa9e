/**
 * How users sign in: their passwords and outside accounts, their sessions, and what they were asked to confirm. Better Auth
 * uses the same rows. A restore brings no session back.
 */
import { anyId, check, fits, index, integer, sql, table, text, uniqueIndex } from './columns.ts'
import { users } from './people.ts'

const ofUser = {
  userId: text('user_id')
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' }),
}

/** What other programs keep there besides, as a JSON object. */
const more = { additionalFields: text('additional_fields', { mode: 'json' }).$type<object>() }

const times = { createdAt: integer('created_at').notNull(), updatedAt: integer('updated_at').notNull() }

const accountId = anyId('accounts')
/** A row for each way in. A password is one too: its account id is that of the user. */
export const accounts = table(
  'accounts',
  {
    id: accountId.column,
    ...ofUser,
    /** Who vouches for the account id. */
    issuer: text('issuer').notNull().default('local:credential'),
    providerId: text('provider_id').notNull().default('credential'),
    /** The user's id there. */
    accountId: text('account_id').notNull(),
    /** A hash, whose form tells the algorithm. */
    password: text('password'),
    accessToken: text('access_token'),
    refreshToken: text('refresh_token'),
    idToken: text('id_token'),
    accessTokenExpiresAt: integer('access_token_expires_at'),
    refreshTokenExpiresAt: integer('refresh_token_expires_at'),
    scope: text('scope'),
    ...times,
    ...more,
  },
  t => [
    accountId.check,
    uniqueIndex('accounts_issuer').on(t.issuer, t.accountId),
    index('accounts_user').on(t.userId, t.id),
    check(
      'accounts_own_password',
      sql`${t.issuer} <> 'local:credential' OR (${t.providerId} = 'credential' AND ${t.accountId} = ${t.userId})`,
    ),
  ],
)

const sessionId = anyId('sessions')
export const sessions = table(
  'sessions',
  {
    id: sessionId.column,
    ...ofUser,
    /** SHA-256 of the token, in lower-case hex. */
    tokenHash: text('token_hash').notNull(),
    expiresAt: integer('expires_at').notNull(),
    ipAddress: text('ip_address'),
    userAgent: text('user_agent'),
    /** The administrator who acts as the user. */
    impersonatedBy: text('impersonated_by'),
    activeOrganizationId: text('active_organization_id'),
    activeTeamId: text('active_team_id'),
    ...times,
    ...more,
  },
  t => [
    sessionId.check,
    uniqueIndex('sessions_token').on(t.tokenHash),
    index('sessions_user').on(t.userId, t.id),
    index('sessions_expiry').on(t.expiresAt),
    check(
      'sessions_token_form',
      sql`length(${t.tokenHash}) = 64 AND ${t.tokenHash} NOT ${fits('*[^0-9a-f]*')}`,
    ),
  ],
)

const verificationId = anyId('verifications')
/** What somebody has to confirm before a time, such as an email address. */
export const verifications = table(
  'verifications',
  {
    id: verificationId.column,
    identifier: text('identifier').notNull(),
    value: text('value').notNull(),
    expiresAt: integer('expires_at').notNull(),
    ...times,
  },
  t => [
    verificationId.check,
    index('verifications_identifier').on(t.identifier, t.id),
    index('verifications_expiry').on(t.expiresAt),
  ],
)

/** Users who were erased: no backup brings one back. */
export const erased = table(
  'erased',
  {
    id: text('id').primaryKey(),
    at: integer('at').notNull(),
  },
  t => [check('erased_id', sql`${t.id} ${fits('usr_*')} AND length(${t.id}) = 30`)],
)
