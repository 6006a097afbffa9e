/**
 * What a gateway asks for with every request, as statements compiled once per connection: whose a secret is, what
 * lies in a window, and adding to it. They answer on the snapshot or in the transaction of their caller. The sums are
 * made here and judged in `operations/limits`: no rule may live here, and a second engine brings its own.
 */

import type { Statement } from 'bun:sqlite'
import type { LimitedNoun } from '../../contract/nouns.ts'
import type { Metric } from '../../contract/views.ts'
import type { Database } from '../engine.ts'
import { type Client, clientOf } from './client.ts'
import { type KeyColumns, keyColumns, type ListedKey } from './key-rows.ts'
import type { Store } from './transaction.ts'

/** Whom a limit binds: one key, or all keys of a user or of a project. */
type SubjectType = LimitedNoun

/** The key of a secret, with what decides whether it works; `start` is that of this secret, which need not be the current one. */
export interface KeyOfSecret extends ListedKey {
  readonly endsAt: number | null
}

export interface StoredLimit {
  readonly id: string
  readonly metric: Metric
  readonly amount: number
  readonly windowMs: number
  readonly resetAt: number | null
  readonly resetUsed: number
}

/** Part of what is used, and when that moment has passed for good. */
export interface Piece {
  readonly start: number
  readonly end: number
  readonly amount: number
}

/** What was used and what is held back by reservations; usd in micro-dollars. */
export interface Used {
  readonly used: number
  readonly reserved: number
}

export interface UsageCounts {
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costMicros: number
}

export interface DenialRow {
  readonly keyId: string
  readonly start: number
  readonly code: string
  readonly count: number
  readonly lastAt: number
}

export interface RunningTotals {
  readonly name: string
  readonly requests: number
  readonly tokens: number
  readonly costMicros: number
}

export interface PriceRow {
  readonly model: string
  readonly startsAt: number
  readonly inputMicros: number
  readonly outputMicros: number
}

export interface ReservationRow {
  readonly id: string
  readonly keyId: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly requests: number
  readonly tokens: number
  readonly costMicros: number
}

type Values = (string | number | null)[]

export class HotPath {
  readonly #client: Client
  readonly #compiled = new Map<string, Statement<unknown, Values>>()
  readonly #sums: Readonly<Record<SubjectType, Partial<Record<Metric, Statement<Used, Values>>>>> = {
    key: {},
    user: {},
    project: {},
  }
  // One table at a time: as a join they take eight times as long.
  readonly #secret: Statement<{ keyId: string; start: string; endsAt: number | null }, [string]>
  readonly #key: Statement<KeyColumns, [string]>
  readonly #user: Statement<{ username: string; disabledAt: number | null }, [string]>
  readonly #project: Statement<{ slug: string; archivedAt: number | null }, [string]>
  readonly #limits: Readonly<Record<SubjectType, Statement<StoredLimit, [string]>>>
  readonly #addToBucket: Statement<unknown, Values>
  readonly #addToTotals: Statement<unknown, Values>
  readonly #totals: Statement<RunningTotals, [string]>

  constructor(client: Client) {
    this.#client = client
    this.#secret = client.keep('SELECT key_id AS keyId, start, ends_at AS endsAt FROM secrets WHERE hash = ?')
    this.#key = client.keep(`SELECT ${keyColumns} FROM keys WHERE id = ?`)
    this.#user = client.keep('SELECT username, disabled_at AS disabledAt FROM users WHERE id = ?')
    this.#project = client.keep('SELECT slug, archived_at AS archivedAt FROM projects WHERE id = ?')
    this.#limits = {
      key: client.keep(limitsOf('key_id')),
      user: client.keep(limitsOf('user_id')),
      project: client.keep(limitsOf('project_id')),
    }
    this.#addToBucket = client.keep(addToBucket)
    this.#addToTotals = client.keep(addToTotals)
    this.#totals = client.keep(
      'SELECT name, requests, input_tokens + output_tokens + other_tokens AS tokens, cost_micros AS costMicros FROM keys WHERE id = ?',
    )
  }

  /** @param hash SHA-256 in lower-case hex */
  findSecret(hash: string): KeyOfSecret | null {
    const secret = this.#secret.get(hash)
    if (secret === null) return null
    const key = this.#key.get(secret.keyId)
    return key === null ? null : this.#found(key, secret.start, secret.endsAt)
  }

  /** The same of a key, by its id, through its current secret. */
  findKey(id: string): KeyOfSecret | null {
    const key = this.#key.get(id)
    return key === null ? null : this.#found(key, this.currentStart(id), null)
  }

  #found(key: KeyColumns, start: string | null, endsAt: number | null): KeyOfSecret {
    const owner = key.ownerId === null ? null : this.#user.get(key.ownerId)
    const project = key.projectId === null ? null : this.#project.get(key.projectId)
    return {
      ...key,
      start,
      endsAt,
      username: owner === null ? null : owner.username,
      userDisabledAt: owner === null ? null : owner.disabledAt,
      slug: project === null ? null : project.slug,
      projectArchivedAt: project === null ? null : project.archivedAt,
    }
  }

  /** The display start of the current secret of a key. */
  currentStart(keyId: string): string | null {
    const row = this.#compile<{ start: string }>(
      'SELECT start FROM secrets WHERE key_id = ? AND ends_at IS NULL',
    ).get(keyId)
    return row?.start ?? null
  }

  limitsOf(type: SubjectType, id: string): readonly StoredLimit[] {
    return this.#limits[type].all(id)
  }

  /**
   * The sum of all buckets that end after `from` and begin by `at`, and of the reservations that live at `at`; one
   * made by a clock that is ahead by at most `toleranceMs` counts.
   */
  used(type: SubjectType, id: string, metric: Metric, from: number, at: number, toleranceMs: number): Used {
    let sum = this.#sums[type][metric]
    if (sum === undefined) {
      sum = this.#client.keep<Used, Values>(usedSql(type, metric))
      this.#sums[type][metric] = sum
    }
    const row = sum.get(
      id,
      from,
      at,
      bucketStart(from, minuteMs),
      bucketStart(from, hourMs),
      bucketStart(from, dayMs),
      at + toleranceMs,
    )
    return row ?? nothing
  }

  /** The sum of the buckets that hold the moment `at` and end after `from`. */
  holding(type: SubjectType, id: string, metric: Metric, at: number, from: number): number {
    const row = this.#compile<{ amount: number }>(
      `SELECT total(${counted[metric]}) AS amount FROM ${usageOf[type]} ${holdingMoment}`,
    ).get(id, from, bucketStart(at, minuteMs), bucketStart(at, hourMs), bucketStart(at, dayMs))
    return row?.amount ?? 0
  }

  /** The buckets that `holding` sums. */
  bucketsHolding(type: SubjectType, id: string, metric: Metric, at: number, from: number): readonly Piece[] {
    return this.#compile<Piece>(
      `SELECT ${piece(metric)} FROM ${usageOf[type]} ${holdingMoment} ORDER BY u.start`,
    ).all(id, from, bucketStart(at, minuteMs), bucketStart(at, hourMs), bucketStart(at, dayMs))
  }

  /** The buckets that begin after `after` and by `at`, in the order of their starts; read as they are taken. */
  bucketsFrom(
    type: SubjectType,
    id: string,
    metric: Metric,
    after: number,
    at: number,
  ): IterableIterator<Piece> {
    return this.#compile<Piece>(
      `SELECT ${piece(metric)} FROM ${usageOf[type]} AND u.start > ?2 AND u.start <= ?3 ORDER BY u.start`,
    ).iterate(id, after, at)
  }

  /** The reservations that `used` sums; each ends when its time is up. */
  reservations(
    type: SubjectType,
    id: string,
    metric: Metric,
    at: number,
    toleranceMs: number,
  ): readonly Piece[] {
    return this.#compile<Piece>(
      `SELECT r.created_at AS start, r.expires_at AS end, ${reserved[metric]} AS amount FROM ${reservationsOf[type]}`,
    ).all(id, at, at + toleranceMs)
  }

  /** Adds to the bucket of the minute that holds `at`. */
  addToBucket(keyId: string, at: number, model: string, counts: UsageCounts): void {
    const { requests, inputTokens, outputTokens, costMicros } = counts
    this.#addToBucket.run(
      keyId,
      bucketStart(at, minuteMs),
      model,
      requests,
      inputTokens,
      outputTokens,
      costMicros,
    )
  }

  /** Adds to the running total of a key, whose last use never moves backwards. */
  addToTotals(keyId: string, at: number, counts: UsageCounts): void {
    const { requests, inputTokens, outputTokens, costMicros } = counts
    this.#addToTotals.run(requests, inputTokens, outputTokens, costMicros, at, at, keyId)
  }

  /** All that a key ever used, and its name; null without such a key. */
  totalsOf(keyId: string): RunningTotals | null {
    return this.#totals.get(keyId)
  }

  /** Whether the id of an event was noted as counted. */
  hasEvent(id: string): boolean {
    return this.#compile('SELECT 1 FROM counted_events WHERE id = ?').get(id) !== null
  }

  /** Notes the id of an event as counted at `at`; false when it already was. */
  noteEvent(id: string, at: number): boolean {
    return this.#compile(noteEvent).run(id, at).changes > 0
  }

  /** Adds to how often a key was denied on a day; of a key that is gone, nothing. */
  addDenial({ keyId, start, code, count, lastAt }: DenialRow): void {
    this.#compile(
      `INSERT INTO denials (key_id, start, code, count, last_at)
       SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM keys WHERE id = ?1)
       ON CONFLICT (key_id, start, code) DO UPDATE SET
         count = count + excluded.count, last_at = max(last_at, excluded.last_at)`,
    ).run(keyId, start, code, count, lastAt)
  }

  /** Every price of every model. */
  prices(): readonly PriceRow[] {
    return this.#compile<PriceRow>(
      'SELECT model, starts_at AS startsAt, input_micros AS inputMicros, output_micros AS outputMicros FROM prices',
    ).all()
  }

  /** Moves whenever another connection has changed the database; what this one changes does not move it. */
  dataVersion(): number {
    return this.#compile<{ data_version: number }>('PRAGMA data_version').get()?.data_version ?? 0
  }

  addReservation(row: ReservationRow): void {
    this.#compile(
      'INSERT INTO reservations (id, key_id, created_at, expires_at, requests, tokens, cost_micros) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(row.id, row.keyId, row.createdAt, row.expiresAt, row.requests, row.tokens, row.costMicros)
  }

  /** Takes a reservation away and returns it, or null when there is none. */
  takeReservation(id: string): ReservationRow | null {
    return this.#compile<ReservationRow>(
      'DELETE FROM reservations WHERE id = ? RETURNING id, key_id AS keyId, created_at AS createdAt, expires_at AS expiresAt, requests, tokens, cost_micros AS costMicros',
    ).get(id)
  }

  #compile<Row>(sql: string): Statement<Row, Values> {
    let statement = this.#compiled.get(sql)
    if (statement === undefined) {
      statement = this.#client.keep<unknown, Values>(sql)
      this.#compiled.set(sql, statement)
    }
    return statement as Statement<Row, Values>
  }
}

/** `Store.glance`, on the hot path. */
export const glance = <T>(store: Store, work: (hot: HotPath) => T): T =>
  store.glance(client => work(hotPathOn(client)))

/** `Store.tally`, on the hot path. */
export const tally = <T>(
  store: Store,
  synchronous: 'FULL' | 'NORMAL',
  work: (hot: HotPath) => T,
): Promise<T> => store.tally(synchronous, client => work(hotPathOn(client)))

/** The hot path on the connection of a transaction. */
export function hotPathOf(db: Database): HotPath {
  return hotPathOn(clientOf(db))
}

/** The hot path of a connection. */
function hotPathOn(client: Client): HotPath {
  let hot = hotPaths.get(client)
  if (hot === undefined) {
    hot = new HotPath(client)
    hotPaths.set(client, hot)
  }
  return hot
}

const hotPaths = new WeakMap<Client, HotPath>()

const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 86_400_000
const nothing: Used = { used: 0, reserved: 0 }

/** Id, when. */
export const noteEvent = 'INSERT INTO counted_events (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING'

/** Buckets begin at whole multiples of their width: the only start from which one of that width can hold `at`. */
const bucketStart = (at: number, widthMs: number): number => Math.floor(at / widthMs) * widthMs

const counted: Readonly<Record<Metric, string>> = {
  tokens: 'u.input_tokens + u.output_tokens + u.other_tokens',
  requests: 'u.requests',
  usd: 'u.cost_micros',
}

const reserved: Readonly<Record<Metric, string>> = {
  tokens: 'r.tokens',
  requests: 'r.requests',
  usd: 'r.cost_micros',
}

/** CROSS JOIN: SQLite then takes the keys first and reads one run of pages for each. */
const usageOf: Readonly<Record<SubjectType, string>> = {
  key: 'usage u WHERE u.key_id = ?1',
  user: 'keys k CROSS JOIN usage u ON u.key_id = k.id WHERE k.user_id = ?1',
  project: 'keys k CROSS JOIN usage u ON u.key_id = k.id WHERE k.project_id = ?1',
}

const reservationsOf: Readonly<Record<SubjectType, string>> = {
  key: 'reservations r WHERE r.key_id = ?1 AND r.expires_at > ?2 AND r.created_at <= ?3',
  user: 'keys k CROSS JOIN reservations r ON r.key_id = k.id WHERE k.user_id = ?1 AND r.expires_at > ?2 AND r.created_at <= ?3',
  project:
    'keys k CROSS JOIN reservations r ON r.key_id = k.id WHERE k.project_id = ?1 AND r.expires_at > ?2 AND r.created_at <= ?3',
}

const holdingMoment = 'AND u.start IN (?3, ?4, ?5) AND u.start + u.width_ms > ?2'

const piece = (metric: Metric): string =>
  `u.start AS start, u.start + u.width_ms AS end, ${counted[metric]} AS amount`

/**
 * ?1 subject, ?2 from, ?3 at, ?4 ?5 ?6 starts of the minute, hour and day that hold `from`, ?7 latest clock. The run of
 * pages from that minute on holds all but the wider buckets that began before it.
 */
const usedSql = (type: SubjectType, metric: Metric): string => `
  SELECT
    (SELECT total(${counted[metric]}) FROM ${usageOf[type]} AND u.start >= ?4 AND u.start <= ?3)
    + (SELECT total(${counted[metric]}) FROM ${usageOf[type]}
       AND u.start = ?5 AND ?5 < ?4 AND u.start + u.width_ms > ?2)
    + (SELECT total(${counted[metric]}) FROM ${usageOf[type]}
       AND u.start = ?6 AND ?6 < ?5 AND u.start + u.width_ms > ?2) AS used,
    (SELECT total(${reserved[metric]})
     FROM ${reservationsOf[type].replace('?3', '?7').replace('?2', '?3')}) AS reserved`

const limitsOf = (column: string): string => `
  SELECT id, metric, amount, window_ms AS windowMs, reset_at AS resetAt, reset_used AS resetUsed
  FROM limits WHERE ${column} = ?`

/** Key, start, model, requests, input tokens, output tokens, micro-dollars. */
export const addToBucket = `
  INSERT INTO usage (key_id, start, model, requests, input_tokens, output_tokens, cost_micros)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (key_id, start, model) DO UPDATE SET
    requests = requests + excluded.requests,
    input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    cost_micros = cost_micros + excluded.cost_micros`

/** Requests, input tokens, output tokens, micro-dollars, when (twice), key; the last use never moves backwards. */
export const addToTotals = `
  UPDATE keys SET
    requests = requests + ?,
    input_tokens = input_tokens + ?,
    output_tokens = output_tokens + ?,
    cost_micros = cost_micros + ?,
    last_used_at = max(coalesce(last_used_at, ?), ?)
  WHERE id = ?`
