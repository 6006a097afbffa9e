/** What subjects may use within a window, and what requests under way hold of it. */
import { check, id, index, integer, isOne, sql, table, text, uniqueIndex } from './columns.ts'
import { keys } from './keys.ts'
import { teams } from './members.ts'
import { organizations } from './organizations.ts'
import { projects, users } from './people.ts'
import { models, series } from './usage.ts'

const limitId = id('lim', 'limits')
export const limits = table(
  'limits',
  {
    id: limitId.column,
    keyId: text('key_id').references(() => keys.id, { onDelete: 'cascade' }),
    userId: text('user_id').references(() => users.id, { onDelete: 'cascade' }),
    projectId: text('project_id').references(() => projects.id, { onDelete: 'cascade' }),
    metric: text('metric', { enum: ['tokens', 'requests', 'usd', 'parallel'] }).notNull(),
    /** Tokens, requests, micro-dollars, or reservations that are open at the same time. */
    amount: integer('amount').notNull(),
    /** `rolling`: the time that ends now; a calendar day, week or month; or all time. */
    period: text('period', { enum: ['rolling', 'day', 'week', 'month', 'total'] })
      .notNull()
      .default('rolling'),
    /** Length of a rolling window; 0 for others. */
    windowMs: integer('window_ms').notNull(),
    /** In which a calendar period begins; empty for others. */
    timeZone: text('time_zone').notNull().default(''),
    /** A pattern for the models that it binds; empty for all. */
    models: text('models').notNull().default(''),
    /** 1 when it binds each end user for themselves. */
    each: integer('each').notNull().default(0),
    /** Usage from before no longer counts. */
    resetAt: integer('reset_at'),
    /** What the minute, hour and day under way held at the reset, which does not count either. */
    resetMinute: integer('reset_minute').notNull().default(0),
    resetHour: integer('reset_hour').notNull().default(0),
    resetDay: integer('reset_day').notNull().default(0),
    organizationId: text('organization_id').references(() => organizations.id, { onDelete: 'cascade' }),
    teamId: text('team_id').references(() => teams.id, { onDelete: 'cascade' }),
    /** The one user that it binds in the project or the organization; null for all of it together. */
    memberId: text('member_id').references(() => users.id, { onDelete: 'cascade' }),
  },
  t => [
    limitId.check,
    uniqueIndex('limits_key').on(t.keyId, t.metric, t.period, t.windowMs, t.models, t.each),
    uniqueIndex('limits_user').on(t.userId, t.metric, t.period, t.windowMs, t.models, t.each),
    uniqueIndex('limits_project')
      .on(t.projectId, t.metric, t.period, t.windowMs, t.models, t.each)
      .where(sql`${t.memberId} IS NULL`),
    uniqueIndex('limits_organization')
      .on(t.organizationId, t.metric, t.period, t.windowMs, t.models, t.each)
      .where(sql`${t.memberId} IS NULL`),
    uniqueIndex('limits_team').on(t.teamId, t.metric, t.period, t.windowMs, t.models, t.each),
    // Two rows without a member are never the same here.
    uniqueIndex('limits_project_member').on(
      t.projectId,
      t.memberId,
      t.metric,
      t.period,
      t.windowMs,
      t.models,
      t.each,
    ),
    uniqueIndex('limits_organization_member').on(
      t.organizationId,
      t.memberId,
      t.metric,
      t.period,
      t.windowMs,
      t.models,
      t.each,
    ),
    index('limits_member').on(t.memberId),
    check('limits_subject', isOne(t.keyId, t.userId, t.projectId, t.organizationId, t.teamId)),
    check(
      'limits_member',
      sql`${t.memberId} IS NULL OR ${t.projectId} IS NOT NULL OR ${t.organizationId} IS NOT NULL`,
    ),
    check('limits_metric', sql`${t.metric} IN ('tokens', 'requests', 'usd', 'parallel')`),
    check('limits_amount', sql`${t.amount} >= 0`),
    check('limits_period', sql`${t.period} IN ('rolling', 'day', 'week', 'month', 'total')`),
    // From one minute to 366 days.
    check(
      'limits_window',
      sql`CASE ${t.period} WHEN 'rolling' THEN ${t.windowMs} BETWEEN 60000 AND 31622400000 ELSE ${t.windowMs} = 0 END`,
    ),
    check('limits_zone', sql`(${t.period} IN ('day', 'week', 'month')) = (${t.timeZone} <> '')`),
    check('limits_parallel', sql`${t.metric} <> 'parallel' OR ${t.period} = 'total'`),
    check(
      'limits_each',
      sql`${t.each} = 0 OR (${t.each} = 1 AND ${t.userId} IS NULL AND ${t.memberId} IS NULL)`,
    ),
  ],
)

const reservationId = id('res', 'reservations')
/** What requests under way may still use: counts against limits until it is settled or its time is up. */
export const reservations = table(
  'reservations',
  {
    id: reservationId.column,
    series: integer('series')
      .notNull()
      .references(() => series.id),
    /** The series of the end user that it is for, if any. */
    endUserSeries: integer('end_user_series').references(() => series.id),
    /** That the request asks for. */
    model: integer('model')
      .notNull()
      .references(() => models.id),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    requests: integer('requests').notNull(),
    tokens: integer('tokens').notNull(),
    costMicros: integer('cost_micros').notNull(),
  },
  t => [
    reservationId.check,
    index('reservations_series').on(t.series, t.expiresAt),
    index('reservations_end_user').on(t.endUserSeries, t.expiresAt),
    index('reservations_expiry').on(t.expiresAt),
    check('reservations_counts', sql`${t.requests} >= 0 AND ${t.tokens} >= 0 AND ${t.costMicros} >= 0`),
  ],
)
