/** What keys used: series and their buckets, prices, and which events were counted. */
import {
  check,
  counters,
  fits,
  index,
  integer,
  isSound,
  primaryKey,
  sql,
  table,
  text,
  uniqueIndex,
} from './columns.ts'
import { keys } from './keys.ts'

/**
 * Whose usage it is: a row for each key with the user and project that it belonged to, the organization that owned the
 * project, and the teams there that the user was in. Refers to things that may be gone, so that their usage stays. What an
 * end user of a key used is counted twice: with all that the key used, and in a series of its own.
 */
export const series = table(
  'series',
  {
    id: integer('id').primaryKey(),
    keyId: text('key_id').notNull(),
    /** Empty for none, as the project. */
    userId: text('user_id').notNull().default(''),
    projectId: text('project_id').notNull().default(''),
    /** Whom a gateway served with the key; empty in the series that has all usage of the key. */
    endUser: text('end_user').notNull().default(''),
    /** The log that it holds the events of until it is merged into the series of 0, which all others are. */
    ingest: integer('ingest').notNull().default(0),
    /** 1 until that log is sealed: nothing of it counts yet. */
    pending: integer('pending').notNull().default(0),
    /** Empty for none. */
    organizationId: text('organization_id').notNull().default(''),
    /** Their ids in order, with blanks between them. */
    teamIds: text('team_ids').notNull().default(''),
  },
  t => [
    // All that is asked of a series is in the indexes.
    uniqueIndex('series_key').on(
      t.keyId,
      t.endUser,
      t.pending,
      t.userId,
      t.projectId,
      t.ingest,
      t.organizationId,
      t.teamIds,
    ),
    index('series_user').on(t.userId, t.endUser, t.pending),
    index('series_project').on(t.projectId, t.endUser, t.pending, t.userId),
    index('series_organization').on(t.organizationId, t.endUser, t.pending, t.userId, t.teamIds),
    check('series_pending', sql`${t.pending} = 0 OR (${t.pending} = 1 AND ${t.ingest} > 0)`),
  ],
)

/** Names of keys, users, projects, organizations and teams that were deleted after they had used something. */
export const departed = table(
  'departed',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
  },
  () => [],
)

/** Models, by small numbers for the buckets. The one without a name is that of requests that named none. */
export const models = table(
  'models',
  {
    id: integer('id').primaryKey(),
    name: text('name').notNull(),
  },
  t => [uniqueIndex('models_name').on(t.name)],
)

const bucket = {
  series: integer('series')
    .notNull()
    .references(() => series.id),
  /** Number of the minute, hour or day since 1970 in UTC. */
  start: integer('start').notNull(),
  model: integer('model')
    .notNull()
    .references(() => models.id),
}

export const minutes = table('minutes', { ...bucket, ...counters }, t => [
  primaryKey({ columns: [t.series, t.start, t.model] }),
  check('minutes_counts', isSound(t)),
])

export const hours = table('hours', { ...bucket, ...counters }, t => [
  primaryKey({ columns: [t.series, t.start, t.model] }),
  check('hours_counts', isSound(t)),
])

/** What a key ever used is the sum of its days and of what an earlier system says. */
export const days = table('days', { ...bucket, ...counters, lastAt: integer('last_at').notNull() }, t => [
  primaryKey({ columns: [t.series, t.start, t.model] }),
  check('days_counts', isSound(t)),
])

/** One row: since when usage is kept by the minute and by the hour. What was before is in the hours and days alone. */
export const retention = table(
  'retention',
  {
    single: integer('single').primaryKey(),
    minutesFrom: integer('minutes_from').notNull(),
    hoursFrom: integer('hours_from').notNull(),
  },
  t => [
    check('retention_single', sql`${t.single} = 1`),
    check(
      'retention_times',
      sql`${t.minutesFrom} % 3600000 = 0 AND ${t.hoursFrom} % 86400000 = 0 AND ${t.hoursFrom} <= ${t.minutesFrom}`,
    ),
  ],
)

/**
 * What an earlier system says a key had used in its life, less the buckets that came with it. Signed: such
 * systems' totals and windows need not add up.
 */
export const carriedUsage = table('carried_usage', {
  keyId: text('key_id')
    .primaryKey()
    .references(() => keys.id, { onDelete: 'cascade' }),
  requests: integer('requests').notNull(),
  inputTokens: integer('input_tokens').notNull(),
  outputTokens: integer('output_tokens').notNull(),
  otherTokens: integer('other_tokens').notNull(),
  costMicros: integer('cost_micros').notNull(),
  lastUsedAt: integer('last_used_at'),
})

/** What a model costs from a moment on, in micro-dollars per million tokens. */
export const prices = table(
  'prices',
  {
    model: text('model').notNull(),
    startsAt: integer('starts_at').notNull(),
    /** Applies to requests with more input tokens than this. */
    overTokens: integer('over_tokens').notNull().default(0),
    inputMicros: integer('input_micros').notNull(),
    /** Null: as other input. */
    cachedInputMicros: integer('cached_input_micros'),
    cacheWriteMicros: integer('cache_write_micros'),
    outputMicros: integer('output_micros').notNull(),
    /** Who says so: `set` when somebody set it, otherwise the list that it was imported from. */
    source: text('source').notNull().default('set'),
  },
  t => [
    primaryKey({ columns: [t.model, t.startsAt, t.overTokens] }),
    check(
      'prices_amounts',
      sql`${t.overTokens} >= 0 AND ${t.inputMicros} >= 0 AND coalesce(${t.cachedInputMicros}, 0) >= 0 AND coalesce(${t.cacheWriteMicros}, 0) >= 0 AND ${t.outputMicros} >= 0`,
    ),
  ],
)

/** Ids of events that were counted: the same id counts once. */
export const countedEvents = table(
  'counted_events',
  {
    id: text('id').primaryKey(),
    at: integer('at').notNull(),
    /** The log that told of it, if that was counted in steps; 0 for all others. It counts unless that is in `ingests`. */
    ingest: integer('ingest').notNull().default(0),
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

/**
 * Logs that are being counted in steps: nothing of one counts until it is sealed, which deletes its row. Of one whose process
 * ended, all that it stored is deleted.
 */
export const ingests = table('ingests', {
  /** Chosen at random, because event ids keep it. */
  id: integer('id').primaryKey(),
  /** When its events are counted, as they say. */
  at: integer('at').notNull(),
})

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
