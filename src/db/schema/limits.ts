/** What subjects may use within a window, and what requests under way hold of it. */
import { check, id, index, integer, isOne, sql, table, text, uniqueIndex } from './columns.ts'
import { keys } from './keys.ts'
import { projects, users } from './people.ts'

const limitId = id('lim', 'limits')
export const limits = table(
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
    check('limits_subject', isOne(t.keyId, t.userId, t.projectId)),
    check('limits_metric', sql`${t.metric} IN ('tokens', 'requests', 'usd')`),
    check('limits_amount', sql`${t.amount} >= 0`),
    // From one minute to 366 days.
    check('limits_window', sql`${t.windowMs} BETWEEN 60000 AND 31622400000`),
  ],
)

const reservationId = id('res', 'reservations')
/** What requests under way may still use: counts against limits until it is settled or its time is up. */
export const reservations = table(
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
