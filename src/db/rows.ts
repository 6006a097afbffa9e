/**
 * What is stored, as rows, in plain SQL that all engines understand, so that the most frequent requests of scripts and gateways
 * do not load the query builder. Contains no rules.
 */
import type { SQL } from 'drizzle-orm/sql/sql'
import type { LimitedNoun } from '../contract/nouns.ts'
import type { KeyQuery } from './engine.ts'
import { counterNames, plenty } from './facts.ts'

/** A query or a part of one, with the values of its places. */
export interface Query {
  readonly sql: string
  readonly params: readonly unknown[]
}

/** How an engine writes a query that is text: a condition that drizzle built, and the next place for a value. */
export interface Writing {
  readonly part: (part: SQL) => Query
  readonly place: () => string
}

const keyColumns = `
  keys.id AS id, keys.name AS name, keys.user_id AS "ownerId", keys.project_id AS "projectId", keys.model AS model,
  keys.allowed_models AS "allowedModels", keys.scopes AS scopes, keys.metadata AS metadata, keys.expires_at AS "expiresAt",
  keys.disabled_at AS "disabledAt", keys.revoked_at AS "revokedAt", keys.revoked_reason AS "revokedReason",
  keys.created_at AS "createdAt", keys.updated_at AS "updatedAt", users.username AS username,
  users.disabled_at AS "userDisabledAt", users.disabled_until AS "userDisabledUntil", projects.slug AS slug, projects.archived_at AS "projectArchivedAt"`

const owners = `
  LEFT JOIN users ON users.id = keys.user_id
  LEFT JOIN projects ON projects.id = keys.project_id`

const currentSecret = 'LEFT JOIN secrets ON secrets.key_id = keys.id AND secrets.ends_at IS NULL'

/** The last use of the key in `keys`: of the latest day of its series, or what an earlier system says. */
export const lastUse = `(SELECT max(at) FROM (
  SELECT (SELECT max(last_at) FROM days WHERE series = s.id AND start = (SELECT max(start) FROM days WHERE series = s.id)) AS at
  FROM series s WHERE s.key_id = keys.id AND s.end_user = '' AND s.pending = 0
  UNION ALL SELECT last_used_at FROM carried_usage WHERE key_id = keys.id) AS uses)`

const owningOrganization = `projects.organization_id AS "organizationId",
    (SELECT organizations.slug FROM organizations WHERE organizations.id = projects.organization_id) AS "organizationSlug"`

/** The row of `FoundKey` by an id. */
export const foundById = (place: string): string => `
  SELECT ${keyColumns}, ${lastUse} AS "lastUsedAt", secrets.start AS start, NULL AS "endsAt",
    ${owningOrganization}
  FROM keys ${owners} ${currentSecret} WHERE keys.id = ${place}`

/** The same by the hash of a secret. One in its grace shows the start of the one that replaced it. */
export const foundByHash = (place: string): string => `
  SELECT ${keyColumns}, ${lastUse} AS "lastUsedAt", secrets.ends_at AS "endsAt",
    ${owningOrganization},
    CASE WHEN secrets.ends_at IS NULL THEN secrets.start
      ELSE (SELECT start FROM secrets WHERE key_id = keys.id AND ends_at IS NULL) END AS start
  FROM secrets JOIN keys ON keys.id = secrets.key_id ${owners} WHERE secrets.hash = ${place}`

/** What a limit is, without its reset. */
const limitColumns = 'metric, amount, period, window_ms AS "windowMs", time_zone AS "timeZone", models, each'

/** Rows of `ListedKey`. */
export function listedKeys({ id, where, order, limit }: KeyQuery, { part, place }: Writing): Query {
  const condition = id === undefined ? where && part(where) : { sql: `keys.id = ${place()}`, params: [id] }
  const sorting = order && part(order)
  return {
    sql: `
      SELECT ${keyColumns}, ${lastUse} AS "lastUsedAt", secrets.start AS start
      FROM keys ${owners} ${currentSecret}
      ${condition === undefined ? '' : `WHERE ${condition.sql}`}
      ORDER BY ${sorting?.sql ?? 'keys.id'}
      ${limit === undefined ? '' : `LIMIT ${place()}`}`,
    params: [
      ...(condition?.params ?? []),
      ...(sorting?.params ?? []),
      ...(limit === undefined ? [] : [limit]),
    ],
  }
}

/** Rows of `LimitOfKey`: the keys' own limits. @param among whether a key is one of the ids */
export const limitsOfKeys = (among: string): string =>
  `SELECT key_id AS "keyId", ${limitColumns} FROM limits WHERE key_id ${among}`

/** The columns of `StoredLimit`, of the table `limits`. */
export const storedLimit = `
  limits.id AS id, ${limitColumns}, member_id AS "memberId", reset_at AS "resetAt", reset_minute AS "resetMinute", reset_hour AS "resetHour", reset_day AS "resetDay"`

/** The field of each noun that has limits, in `limits`; in `series` too, but for teams. */
export const subjectFields = {
  key: 'keyId',
  user: 'userId',
  project: 'projectId',
  org: 'organizationId',
  team: 'teamId',
} as const satisfies Readonly<Record<LimitedNoun, string>>

/** Its column. */
export const limitedBy = Object.fromEntries(
  Object.entries(subjectFields).map(([noun, field]) => [noun, columnOf(field)]),
) as Readonly<Record<LimitedNoun, string>>

/** The organization that owns the project of a key, as a series has it. */
export const organizationOf = (key: string): string =>
  inProject(key, `(SELECT organization_id FROM projects WHERE projects.id = ${key}.project_id)`)

/** The teams of that organization which the user of a key is in, as a series has them. */
export const teamsOf = (key: string): string =>
  inProject(
    key,
    `(SELECT string_agg(m.team_id, ' ' ORDER BY m.team_id) FROM projects p CROSS JOIN team_members m CROSS JOIN teams t
     WHERE p.id = ${key}.project_id AND p.organization_id IS NOT NULL AND m.user_id = ${key}.user_id
       AND t.id = m.team_id AND t.organization_id = p.organization_id)`,
  )

/** For a key of no project, engines would begin the query all the same, with every request. */
const inProject = (key: string, query: string): string =>
  `CASE WHEN ${key}.project_id IS NULL THEN '' ELSE coalesce(${query}, '') END`

/** The row of `Retention`. */
export const retention = 'SELECT minutes_from AS "minutesFrom", hours_from AS "hoursFrom" FROM retention'

/** Rows of `PriceRow`. */
export const prices = `
  SELECT model, starts_at AS "startsAt", over_tokens AS "overTokens", input_micros AS "inputMicros",
    cached_input_micros AS "cachedInputMicros", cache_write_micros AS "cacheWriteMicros", output_micros AS "outputMicros", source
  FROM prices`

/** The columns of the counters, in their order. */
export const counterColumns: readonly string[] = counterNames.map(columnOf)

const carriedColumns = ['requests', 'input_tokens', 'output_tokens', 'other_tokens', 'cost_micros']

/** All that the days of a key and an earlier system say. @param total the word of the engine */
export const lifeOf = (total: string, place: string): string => `
  SELECT k.name AS name, ${counterNames
    .map((name, index) => {
      const column = counterColumns[index] ?? ''
      const carried = carriedColumns.includes(column) ? `+ coalesce(max(c.${column}), 0)` : ''
      return `${total}(d.${column}) ${carried} AS "${name}"`
    })
    .join(', ')}
  FROM keys k
  LEFT JOIN carried_usage c ON c.key_id = k.id
  LEFT JOIN series s ON s.key_id = k.id AND s.end_user = '' AND s.pending = 0
  LEFT JOIN days d ON d.series = s.id
  WHERE k.id = ${place} GROUP BY k.id`

/** What a reservation was made for, even if its key was moved or deleted since. */
export interface ReservedFor {
  readonly keyId: string
  readonly name: string
  readonly series: number
  readonly endUserSeries: number | null
  readonly endUser: string
}

/** The row of `ReservedFor`. */
export const reservedFor = (place: string): string => `
  SELECT s.key_id AS "keyId", coalesce(k.name, d.name, '') AS name, r.series AS series, r.end_user_series AS "endUserSeries",
    coalesce((SELECT end_user FROM series WHERE id = r.end_user_series), '') AS "endUser"
  FROM reservations r JOIN series s ON s.id = r.series
  LEFT JOIN keys k ON k.id = s.key_id LEFT JOIN departed d ON d.id = s.key_id
  WHERE r.id = ${place}`

/** Whether so much was counted of a row of days that the life of its key has to be summed. */
export const isFilling: string = carriedColumns.map(column => `${column} > ${plenty}`).join(' OR ')

/** The column of a field, as the tables call it. */
function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
