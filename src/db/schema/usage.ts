/** What keys used: buckets, prices, and which events were counted. */
import { check, counters, fits, index, integer, primaryKey, sql, table, text } from './columns.ts'
import { keys } from './keys.ts'

export const usage = table(
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
    ...counters,
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
export const carriedUsage = table('carried_usage', {
  keyId: text('key_id')
    .primaryKey()
    .references(() => keys.id, { onDelete: 'cascade' }),
  requests: integer('requests').notNull(),
  tokens: integer('tokens').notNull(),
  costMicros: integer('cost_micros').notNull(),
})

/** What a model costs from a moment on, in micro-dollars per million tokens. */
export const prices = table(
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
export const countedEvents = table(
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
export const countedFiles = table(
  'counted_files',
  {
    /** SHA-256 of its bytes, in lower-case hex. */
    sha256: text('sha256').primaryKey(),
    at: integer('at').notNull(),
    events: integer('events').notNull(),
  },
  t => [
    check('counted_files_hash', sql`length(${t.sha256}) = 64 AND ${t.sha256} NOT ${fits('*[^0-9a-f]*')}`),
  ],
)

/** How often a key was denied, and why: a row per day and code. */
export const denials = table(
  'denials',
  {
    keyId: text('key_id')
      .notNull()
      .references(() => keys.id, { onDelete: 'cascade' }),
    /** Start of the day. */
    start: integer('start').notNull(),
    /** The code of the verdict. */
    code: text('code').notNull(),
    count: integer('count').notNull(),
    lastAt: integer('last_at').notNull(),
  },
  t => [primaryKey({ columns: [t.keyId, t.start, t.code] }), check('denials_count', sql`${t.count} > 0`)],
)
