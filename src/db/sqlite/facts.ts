/**
 * The facts that rules judge, as statements compiled once per connection, on the snapshot or in the transaction of their
 * caller. No rule may live here.
 */
import type { Statement } from 'bun:sqlite'
import type { LimitedNoun } from '../../contract/nouns.ts'
import type { LimitSubject, Metric } from '../../contract/views.ts'
import type { Facts, KeyQuery } from '../engine.ts'
import {
  type BoundLimit,
  type KeyBy,
  type KeyColumns,
  type KeyFacts,
  type LimitFacts,
  type LimitOfKey,
  type ListedKey,
  type Moment,
  type Piece,
  type PriceRow,
  type Refuses,
  type RunningTotals,
  type StoredLimit,
  windowAt,
} from '../facts.ts'
import type { Client } from './client.ts'
import { keyColumns, limitsOfKeys, listedKeys, type Render } from './key-rows.ts'

/** What was used and what is held back by reservations. */
interface Used {
  readonly used: number
  readonly reserved: number
}

interface Bucket {
  readonly start: number
  readonly end: number
  readonly amount: number
}

type Values = (string | number | null)[]

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export class SqliteFacts implements Facts {
  readonly client: Client
  /** Set as soon as there is a builder that conditions could come from. */
  render: Render = unrendered
  readonly #dataVersion: (client: Client) => number
  readonly #compiled = new Map<string, Statement<unknown, Values>>()
  readonly #sums: Readonly<Record<LimitedNoun, Partial<Record<Metric, Statement<Used, Values>>>>> = {
    key: {},
    user: {},
    project: {},
  }
  #found: Found | undefined
  #prices: { version: number; readonly rows: readonly PriceRow[] } | undefined
  #askedForPrices = false

  /** @param dataVersion moves whenever the database has changed, by whomever */
  constructor(client: Client, dataVersion = versionInSnapshot) {
    this.client = client
    this.#dataVersion = dataVersion
  }

  keyAt(by: KeyBy, moment: Moment, refuses?: Refuses): KeyFacts | null {
    this.#found ??= compileFound(this.client)
    const { secret, key, user, project } = this.#found
    const asked = 'hash' in by ? secret.get(by.hash) : { keyId: by.id, start: null, endsAt: null }
    const columns = asked && key.get(asked.keyId)
    if (!columns) return null
    const { id, name, ownerId, projectId } = columns
    const owner = ownerId === null ? null : user.get(ownerId)
    const inProject = projectId === null ? null : project.get(projectId)
    const username = owner === null ? null : owner.username
    const slug = inProject === null ? null : inProject.slug
    const bound: BoundLimit[] = []
    this.#bind(bound, { type: 'key', id, name })
    if (ownerId !== null) this.#bind(bound, { type: 'user', id: ownerId, name: username ?? '' })
    if (projectId !== null) this.#bind(bound, { type: 'project', id: projectId, name: slug ?? '' })
    const found: Writable<KeyFacts> = {
      ...columns,
      // A secret in its grace shows the start of the one that replaced it.
      start: asked.start === null || asked.endsAt !== null ? this.#currentStart(id) : asked.start,
      username,
      userDisabledAt: owner === null ? null : owner.disabledAt,
      slug,
      projectArchivedAt: inProject === null ? null : inProject.archivedAt,
      endsAt: asked.endsAt,
      bound,
      limits: null,
    }
    if (!refuses?.(found)) found.limits = this.#sum(bound, moment)
    return found
  }

  limitsAt(subjects: readonly LimitSubject[], moment: Moment): readonly LimitFacts[] {
    const bound: BoundLimit[] = []
    for (const subject of subjects) this.#bind(bound, subject)
    return this.#sum(bound, moment)
  }

  /** The facts of a limit, as they are now. */
  limitAt({ subject, limit }: BoundLimit, moment: Moment): LimitFacts {
    const { type, id } = subject
    const { metric } = limit
    const { from, reset } = windowAt(limit, moment.at)
    const { used, reserved } = this.#used(type, id, metric, from, moment)
    // Without anything to forgive, nothing has to be looked up for it.
    const underWay = reset === null ? 0 : this.#holding(type, id, metric, reset, from)
    return { subject, limit, booked: used, underWay, reserved }
  }

  freeing(facts: LimitFacts, moment: Moment, downTo: number) {
    return { facts, pieces: this.#pieces(facts, moment, downTo) }
  }

  totalsOf(keyId: string): RunningTotals | null {
    return this.#compile<RunningTotals>(totalsOf).get(keyId)
  }

  prices(): readonly PriceRow[] {
    const version = this.#dataVersion(this.client)
    if (this.#prices?.version !== version)
      this.#prices = { version, rows: this.#compile<PriceRow>(prices).all() }
    this.#askedForPrices = true
    return this.#prices.rows
  }

  /** A transaction that changes no prices has begun. */
  begun(): void {
    this.#askedForPrices = false
  }

  /** It is committed, which moved the version: the prices that it was told are still those in force. */
  committed(): void {
    if (this.#askedForPrices && this.#prices) this.#prices.version = this.#dataVersion(this.client)
  }

  /** The keys of a query in its order, so many at a time. */
  keys(query: KeyQuery, size: number): Iterable<readonly ListedKey[]> {
    return this.client.batches<ListedKey>(listedKeys(query, this.render), size)
  }

  listedKeys(query: KeyQuery): readonly ListedKey[] {
    return [...this.client.rows<ListedKey>(listedKeys(query, this.render))]
  }

  limitsOfKeys(ids: readonly string[]): readonly LimitOfKey[] {
    return [...this.client.rows<LimitOfKey>(limitsOfKeys(ids))]
  }

  #bind(bound: BoundLimit[], subject: LimitSubject): void {
    this.#found ??= compileFound(this.client)
    for (const limit of this.#found.limits[subject.type].all(subject.id)) bound.push({ subject, limit })
  }

  #sum(bound: readonly BoundLimit[], moment: Moment): readonly LimitFacts[] {
    return bound.map(each => this.limitAt(each, moment))
  }

  /** The display start of the current secret of a key. */
  #currentStart(keyId: string): string | null {
    const row = this.#compile<{ start: string }>(
      'SELECT start FROM secrets WHERE key_id = ? AND ends_at IS NULL',
    ).get(keyId)
    return row?.start ?? null
  }

  /**
   * The sum of all buckets that end after `from` and begin by the moment, and of the reservations that live then; one
   * made by a clock that is ahead within the tolerance counts.
   */
  #used(type: LimitedNoun, id: string, metric: Metric, from: number, { at, toleranceMs }: Moment): Used {
    let sum = this.#sums[type][metric]
    if (sum === undefined) {
      sum = this.client.keep<Used, Values>(usedSql(type, metric))
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
  #holding(type: LimitedNoun, id: string, metric: Metric, at: number, from: number): number {
    const row = this.#compile<{ amount: number }>(
      `SELECT total(${counted[metric]}) AS amount FROM ${usageOf[type]} ${holdingMoment}`,
    ).get(id, from, bucketStart(at, minuteMs), bucketStart(at, hourMs), bucketStart(at, dayMs))
    return row?.amount ?? 0
  }

  *#pieces(facts: LimitFacts, moment: Moment, downTo: number): Generator<Piece> {
    let left = facts.booked + facts.reserved
    for (const piece of this.#inOrder(facts, moment)) {
      if (left <= downTo) return
      yield piece
      left -= piece.amount
    }
  }

  /**
   * Buckets and reservations in the order in which they stop counting. Buckets are read in the order of their starts:
   * one that began later than another ended must also end later, so few ever wait.
   */
  *#inOrder({ subject, limit }: LimitFacts, { at, toleranceMs }: Moment): Generator<Piece> {
    const { metric, windowMs } = limit
    const { type, id } = subject
    const { from, reset } = windowAt(limit, at)
    const ofBucket = ({ start, end, amount }: Bucket): Piece => ({
      at: end + windowMs,
      amount,
      kind: reset !== null && start <= reset && reset < end ? 'under way' : 'booked',
    })
    const held = this.#compile<{ end: number; amount: number }>(
      `SELECT r.expires_at AS end, ${reserved[metric]} AS amount FROM ${reservationsOf[type]}`,
    ).all(id, at, at + toleranceMs)
    const holding = this.#compile<Bucket>(
      `SELECT ${bucket(metric)} FROM ${usageOf[type]} ${holdingMoment} ORDER BY u.start`,
    ).all(id, from, bucketStart(from, minuteMs), bucketStart(from, hourMs), bucketStart(from, dayMs))
    const later = this.#compile<Bucket>(
      `SELECT ${bucket(metric)} FROM ${usageOf[type]} AND u.start > ?2 AND u.start <= ?3 ORDER BY u.start`,
    ).iterate(id, from, at)
    const waiting = [
      ...held.map(({ end, amount }): Piece => ({ at: end, amount, kind: 'reserved' })),
      ...holding.map(ofBucket),
    ].toSorted((a, b) => a.at - b.at)
    let first = 0
    for (const bucket of later) {
      const earliest = bucket.start + windowMs
      for (let next = waiting[first]; next !== undefined && next.at <= earliest; next = waiting[++first]) {
        yield next
      }
      if (first > 1_000) {
        waiting.splice(0, first)
        first = 0
      }
      const last = ofBucket(bucket)
      let place = waiting.length
      while (place > first && (waiting[place - 1]?.at ?? 0) > last.at) place--
      waiting.splice(place, 0, last)
    }
    for (let next = waiting[first]; next !== undefined; next = waiting[++first]) yield next
  }

  #compile<Row>(sql: string): Statement<Row, Values> {
    let statement = this.#compiled.get(sql)
    if (statement === undefined) {
      statement = this.client.keep<unknown, Values>(sql)
      this.#compiled.set(sql, statement)
    }
    return statement as Statement<Row, Values>
  }
}

/** Begins the snapshot if nothing else has. */
const versionInSnapshot = (client: Client): number =>
  (client.query('PRAGMA data_version').get() as { data_version: number }).data_version

const unrendered: Render = () => {
  throw new Error('a condition without the query builder')
}

/** One table at a time: as a join they take eight times as long. */
interface Found {
  readonly secret: Statement<{ keyId: string; start: string; endsAt: number | null }, [string]>
  readonly key: Statement<KeyColumns, [string]>
  readonly user: Statement<{ username: string; disabledAt: number | null }, [string]>
  readonly project: Statement<{ slug: string; archivedAt: number | null }, [string]>
  readonly limits: Readonly<Record<LimitedNoun, Statement<StoredLimit, [string]>>>
}

const compileFound = (client: Client): Found => ({
  secret: client.keep('SELECT key_id AS keyId, start, ends_at AS endsAt FROM secrets WHERE hash = ?'),
  key: client.keep(`SELECT ${keyColumns} FROM keys WHERE id = ?`),
  user: client.keep('SELECT username, disabled_at AS disabledAt FROM users WHERE id = ?'),
  project: client.keep('SELECT slug, archived_at AS archivedAt FROM projects WHERE id = ?'),
  limits: {
    key: client.keep(limitsOf('key_id')),
    user: client.keep(limitsOf('user_id')),
    project: client.keep(limitsOf('project_id')),
  },
})

export const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 86_400_000
const nothing: Used = { used: 0, reserved: 0 }

/** Buckets begin at whole multiples of their width: the only start from which one of that width can hold `at`. */
export const bucketStart = (at: number, widthMs: number): number => Math.floor(at / widthMs) * widthMs

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
const usageOf: Readonly<Record<LimitedNoun, string>> = {
  key: 'usage u WHERE u.key_id = ?1',
  user: 'keys k CROSS JOIN usage u ON u.key_id = k.id WHERE k.user_id = ?1',
  project: 'keys k CROSS JOIN usage u ON u.key_id = k.id WHERE k.project_id = ?1',
}

const reservationsOf: Readonly<Record<LimitedNoun, string>> = {
  key: 'reservations r WHERE r.key_id = ?1 AND r.expires_at > ?2 AND r.created_at <= ?3',
  user: 'keys k CROSS JOIN reservations r ON r.key_id = k.id WHERE k.user_id = ?1 AND r.expires_at > ?2 AND r.created_at <= ?3',
  project:
    'keys k CROSS JOIN reservations r ON r.key_id = k.id WHERE k.project_id = ?1 AND r.expires_at > ?2 AND r.created_at <= ?3',
}

const holdingMoment = 'AND u.start IN (?3, ?4, ?5) AND u.start + u.width_ms > ?2'

const bucket = (metric: Metric): string =>
  `u.start AS start, u.start + u.width_ms AS end, ${counted[metric]} AS amount`

/**
 * ?1 subject, ?2 from, ?3 at, ?4 ?5 ?6 starts of the minute, hour and day that hold `from`, ?7 latest clock. The run of
 * pages from that minute on holds all but the wider buckets that began before it.
 */
const usedSql = (type: LimitedNoun, metric: Metric): string => `
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

/** Rows of `RunningTotals`. */
export const totalsOf =
  'SELECT name, requests, input_tokens + output_tokens + other_tokens AS tokens, cost_micros AS costMicros FROM keys WHERE id = ?'

const prices =
  'SELECT model, starts_at AS startsAt, input_micros AS inputMicros, output_micros AS outputMicros FROM prices'
