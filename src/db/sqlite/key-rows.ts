/**
 * Keys as rows, in plain SQL, so that the most frequent requests of scripts and gateways do not load the query builder.
 * Contains no rules.
 */
import type { SQL } from 'drizzle-orm/sql/sql'
import type { KeyQuery } from '../engine.ts'
import type { Query } from './client.ts'

const keyColumns = `
  keys.id AS id, keys.name AS name, keys.user_id AS ownerId, keys.project_id AS projectId, keys.model AS model,
  keys.allowed_models AS allowedModels, keys.scopes AS scopes, keys.metadata AS metadata, keys.expires_at AS expiresAt,
  keys.disabled_at AS disabledAt, keys.revoked_at AS revokedAt, keys.revoked_reason AS revokedReason,
  keys.created_at AS createdAt, keys.updated_at AS updatedAt, users.username AS username,
  users.disabled_at AS userDisabledAt, projects.slug AS slug, projects.archived_at AS projectArchivedAt`

const owners = `
  LEFT JOIN users ON users.id = keys.user_id
  LEFT JOIN projects ON projects.id = keys.project_id`

const current = 'LEFT JOIN secrets ON secrets.key_id = keys.id AND secrets.ends_at IS NULL'

/** The last use of a key: of the latest day of its series, or what an earlier system says. */
export const lastUse = (keyId: string): string => `(SELECT max(at) FROM (
  SELECT (SELECT max(last_at) FROM days WHERE series = s.id AND start = (SELECT max(start) FROM days WHERE series = s.id)) AS at
  FROM series s WHERE s.key_id = ${keyId} AND s.end_user = '' AND s.pending = 0
  UNION ALL SELECT last_used_at FROM carried_usage WHERE key_id = ${keyId}))`

/** A key by its id, as a listing shows it. */
export const foundById = `
  SELECT ${keyColumns}, ${lastUse('keys.id')} AS lastUsedAt, secrets.start AS start, NULL AS endsAt
  FROM keys ${owners} ${current} WHERE keys.id = +?`

/**
 * A key by the hash of one of its secrets. One in its grace shows the start of the one that replaced it.
 *
 * SQLite compiles a join again for each value of a parameter that it compares with a column, which takes four times as long as
 * to run it. It does not look behind a plus.
 */
export const foundByHash = `
  SELECT ${keyColumns}, ${lastUse('keys.id')} AS lastUsedAt, secrets.ends_at AS endsAt,
    CASE WHEN secrets.ends_at IS NULL THEN secrets.start
      ELSE (SELECT start FROM secrets WHERE key_id = keys.id AND ends_at IS NULL) END AS start
  FROM secrets JOIN keys ON keys.id = secrets.key_id ${owners} WHERE secrets.hash = +?`

/** What a limit is, without its reset. */
export const limitColumns =
  'metric, amount, period, window_ms AS windowMs, time_zone AS timeZone, models, each'

/** SQL that drizzle built, as text. */
export type Render = (part: SQL) => Query

/** Rows of `ListedKey`. */
export function listedKeys({ id, where, order, limit }: KeyQuery, render: Render): Query {
  const condition = id === undefined ? where && render(where) : { sql: 'keys.id = ?', params: [id] }
  const sorting = order && render(order)
  return {
    sql: `
      SELECT ${keyColumns}, ${lastUse('keys.id')} AS lastUsedAt, secrets.start AS start
      FROM keys ${owners} ${current}
      ${condition === undefined ? '' : `WHERE ${condition.sql}`}
      ORDER BY ${sorting?.sql ?? 'keys.id'}
      ${limit === undefined ? '' : 'LIMIT ?'}`,
    params: [
      ...(condition?.params ?? []),
      ...(sorting?.params ?? []),
      ...(limit === undefined ? [] : [limit]),
    ],
  }
}

/** Rows of `LimitOfKey`: the keys' own limits. */
export const limitsOfKeys = (ids: readonly string[]): Query => ({
  sql: `
    SELECT key_id AS keyId, ${limitColumns}
    FROM limits WHERE key_id IN (SELECT value FROM json_each(?))`,
  params: [JSON.stringify(ids)],
})
