/**
 * Keys as rows, in SQL: what scripts and gateways ask for most does not wait for a query builder to be loaded. No rule may
 * live here, and a second engine brings its own.
 */
import type { Metric } from '../../contract/views.ts'
import type { Query } from './client.ts'

/** A key and whom it belongs to; JSON and times as they are stored. */
export interface KeyColumns {
  readonly id: string
  readonly name: string
  readonly ownerId: string | null
  readonly projectId: string | null
  readonly model: string | null
  readonly allowedModels: string | null
  readonly scopes: string
  readonly metadata: string | null
  readonly expiresAt: number | null
  readonly disabledAt: number | null
  readonly revokedAt: number | null
  readonly revokedReason: string | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly lastUsedAt: number | null
}

/** With what a listing shows besides: names, and how its secret begins. */
export interface ListedKey extends KeyColumns {
  readonly start: string | null
  readonly username: string | null
  readonly userDisabledAt: number | null
  readonly slug: string | null
  readonly projectArchivedAt: number | null
}

export const keyColumns = `
  keys.id AS id, keys.name AS name, keys.user_id AS ownerId, keys.project_id AS projectId, keys.model AS model,
  keys.allowed_models AS allowedModels, keys.scopes AS scopes, keys.metadata AS metadata, keys.expires_at AS expiresAt,
  keys.disabled_at AS disabledAt, keys.revoked_at AS revokedAt, keys.revoked_reason AS revokedReason,
  keys.created_at AS createdAt, keys.updated_at AS updatedAt, keys.last_used_at AS lastUsedAt`

/** Which keys, in which order, and how many at most; left out: all of them, oldest first. */
export interface KeyQuery {
  /** A condition on the table `keys`. */
  readonly where?: Query | undefined
  readonly order?: Query | undefined
  readonly limit?: number | undefined
}

/** Rows of `ListedKey`. */
export function listedKeys({ where, order, limit }: KeyQuery): Query {
  return {
    sql: `
      SELECT ${keyColumns}, secrets.start AS start, users.username AS username,
        users.disabled_at AS userDisabledAt, projects.slug AS slug, projects.archived_at AS projectArchivedAt
      FROM keys
      LEFT JOIN users ON users.id = keys.user_id
      LEFT JOIN projects ON projects.id = keys.project_id
      LEFT JOIN secrets ON secrets.key_id = keys.id AND secrets.ends_at IS NULL
      ${where === undefined ? '' : `WHERE ${where.sql}`}
      ORDER BY ${order?.sql ?? 'keys.id'}
      ${limit === undefined ? '' : 'LIMIT ?'}`,
    params: [...(where?.params ?? []), ...(order?.params ?? []), ...(limit === undefined ? [] : [limit])],
  }
}

export interface LimitOfKey {
  readonly keyId: string
  readonly metric: Metric
  readonly amount: number
  readonly windowMs: number
}

/** Rows of `LimitOfKey`: the limits of these keys themselves. */
export const limitsOfKeys = (ids: readonly string[]): Query => ({
  sql: `
    SELECT key_id AS keyId, metric, amount, window_ms AS windowMs
    FROM limits WHERE key_id IN (SELECT value FROM json_each(?))`,
  params: [JSON.stringify(ids)],
})
