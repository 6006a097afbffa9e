/**
 * The facts that rules judge, as statements compiled once per connection, on the snapshot or in the transaction of their
 * caller. No rule may live here.
 */
import type { Statement } from 'bun:sqlite'
import type { LimitedNoun } from '../../contract/nouns.ts'
import { usualMostEndUsers } from '../../contract/views/words.ts'
import type { LimitSubject, Metric } from '../../contract/views.ts'
import type { Facts, KeyQuery } from '../engine.ts'
import type {
  BoundLimit,
  Freed,
  Held,
  KeyBy,
  KeyColumns,
  KeyFacts,
  LimitFacts,
  LimitOfKey,
  ListedKey,
  MessageSearch,
  Moment,
  PriceRow,
  Refuses,
  StoredLimit,
  UsageCounts,
} from '../facts.ts'
import {
  keyColumns,
  lastUse,
  lifeOf,
  limitsOfKeys,
  listedKeys,
  prices,
  retention,
  storedLimit,
  type Writing,
} from '../rows.ts'
import {
  dayMs,
  heldBefore,
  hourMs,
  keptMs,
  minuteMs,
  periodEnd,
  type Retention,
  type Run,
  spansOf,
  type Width,
  windowStart,
} from '../spans.ts'
import type { Client } from './client.ts'
import { messagesWith } from './message-words.ts'

type Values = (string | number | null)[]

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** What counts against a limit: some series, or none, and of the reservations those in a column of it. */
interface Scope {
  readonly limit: StoredLimit
  readonly series: readonly number[]
  /** Of which reservations are held, as a column. */
  readonly held: 'series' | 'end_user_series'
  /** The models that its pattern matches; null for all. */
  readonly models: readonly number[] | null
  readonly retention: Retention
}

export class SqliteFacts implements Facts {
  readonly client: Client
  /** Set as soon as there is a builder that conditions could come from. */
  part: Writing['part'] = unrendered
  readonly #mostEndUsers: number
  readonly #dataVersion: (client: Client) => number
  readonly #compiled = new Map<string, Statement<unknown, Values>>()
  readonly #sums = new Map<string, Statement<Amount, Values>>()
  #found: Found | undefined
  #retention: Statement<Retention, []> | undefined
  #prices: { version: number; readonly rows: readonly PriceRow[] } | undefined
  #askedForPrices = false

  /**
   * @param mostEndUsers how many end users a key may have
   * @param dataVersion moves whenever the database has changed, by whomever
   */
  constructor(client: Client, mostEndUsers = usualMostEndUsers, dataVersion = versionInSnapshot) {
    this.client = client
    this.#mostEndUsers = mostEndUsers
    this.#dataVersion = dataVersion
  }

  keyAt(by: KeyBy, moment: Moment, refuses?: Refuses): KeyFacts | null {
    this.#found ??= compileFound(this.client)
    const { secret, key, user, project, lastUse } = this.#found
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
      lastUsedAt: lastUse.get(id)?.at ?? null,
      // A secret in its grace shows the start of the one that replaced it.
      start: asked.start === null || asked.endsAt !== null ? this.#currentStart(id) : asked.start,
      username,
      userDisabledAt: owner === null ? null : owner.disabledAt,
      slug,
      projectArchivedAt: inProject === null ? null : inProject.archivedAt,
      endsAt: asked.endsAt,
      bound,
      limits: null,
      hasRoom: !bound.some(({ limit }) => limit.each === 1) || this.hasRoom(id, moment.endUser),
    }
    if (!refuses?.(found)) found.limits = this.#count(bound, moment)
    return found
  }

  limitsAt(subjects: readonly LimitSubject[], moment: Moment): readonly LimitFacts[] {
    const bound: BoundLimit[] = []
    for (const subject of subjects) this.#bind(bound, subject)
    return this.#count(bound, moment)
  }

  /** The facts of a limit, as they are now. */
  limitAt({ subject, limit }: BoundLimit, moment: Moment): LimitFacts {
    const scope = this.#scopeOf({ subject, limit }, moment)
    const { at } = moment
    return {
      subject,
      limit,
      booked: this.#booked(scope, at, at),
      reserved: this.#reserved(scope, at, moment),
    }
  }

  frees(bound: BoundLimit, moment: Moment, downTo: number): Freed | null {
    const { at: now } = moment
    const scope = this.#scopeOf(bound, moment)
    const usedAt = (at: number) => this.#booked(scope, at, now) + this.#reserved(scope, at, moment)
    const isFree = (at: number) => usedAt(at) <= downTo
    const used = usedAt(now)
    if (used <= downTo) return { at: now, used }
    // What counts never grows by itself. Between two reservations that run out, only buckets leave the window.
    const expiries = this.#expiries(scope, moment)
    const first = firstWhere(0, expiries.length, index => isFree(expiries[index] ?? now))
    const reserved = this.#reserved(scope, expiries[first - 1] ?? now, moment)
    const left = this.#bookedBelow(scope, now, downTo - reserved)
    const expiry = expiries[first]
    const at = left !== null && (expiry === undefined || left < expiry) ? left : expiry
    return at === undefined ? null : { at, used: usedAt(at) }
  }

  heldAt(bound: BoundLimit, at: number): Held {
    // What each of many end users had used would not fit in a number, so the bucket of the reset counts whole for them.
    const scope = this.#scopeOf(bound, { at, endUser: '' })
    const held = (width: Width, widthMs: number): number => {
      const from = Math.floor(at / widthMs)
      return this.#sum(scope, [{ width, from, until: from + 1 }])
    }
    return {
      resetMinute: held('minutes', minuteMs),
      resetHour: held('hours', hourMs),
      resetDay: held('days', dayMs),
    }
  }

  lifeOf(keyId: string): { readonly name: string; readonly counts: UsageCounts } | null {
    const row = this.#compile<UsageCounts & { name: string }>(life).get(keyId)
    if (row === null) return null
    const { name, ...counts } = row
    return { name, counts }
  }

  /** Whether what an end user of a key uses can be counted for them; true without one. */
  hasRoom(keyId: string, endUser: string): boolean {
    if (endUser === '') return true
    const known = 'SELECT 1 FROM series WHERE key_id = ? AND end_user = ?'
    if (this.#compile(known).get(keyId, endUser) !== null) return true
    const count = `SELECT count(*) AS amount FROM (SELECT DISTINCT end_user FROM series WHERE key_id = ? AND end_user > '')`
    return (this.#compile<Amount>(count).get(keyId)?.amount ?? 0) < this.#mostEndUsers
  }

  retention(): Retention {
    this.#retention ??= this.client.keep(retention)
    return this.#retention.get() ?? { minutesFrom: 0, hoursFrom: 0 }
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
    return this.client.batches<ListedKey>(listedKeys(query, { part: this.part, place }), size)
  }

  listedKeys(query: KeyQuery): readonly ListedKey[] {
    return [...this.client.rows<ListedKey>(listedKeys(query, { part: this.part, place }))]
  }

  limitsOfKeys(ids: readonly string[]): readonly LimitOfKey[] {
    const sql = limitsOfKeys('IN (SELECT value FROM json_each(?))')
    return [...this.client.rows<LimitOfKey>({ sql, params: [JSON.stringify(ids)] })]
  }

  messagesWith(search: MessageSearch): readonly number[] {
    return Array.from(this.client.rows<{ readonly number: number }>(messagesWith(search)), row => row.number)
  }

  #bind(bound: BoundLimit[], subject: LimitSubject): void {
    this.#found ??= compileFound(this.client)
    for (const limit of this.#found.limits[subject.type].all(subject.id)) bound.push({ subject, limit })
  }

  #count(bound: readonly BoundLimit[], moment: Moment): readonly LimitFacts[] {
    return bound.map(each => this.limitAt(each, moment))
  }

  /** The display start of the current secret of a key. */
  #currentStart(keyId: string): string | null {
    const row = this.#compile<{ start: string }>(
      'SELECT start FROM secrets WHERE key_id = ? AND ends_at IS NULL',
    ).get(keyId)
    return row?.start ?? null
  }

  #scopeOf({ subject, limit: stored }: BoundLimit, { at, endUser }: Pick<Moment, 'at' | 'endUser'>): Scope {
    this.#found ??= compileFound(this.client)
    const isResetLater = stored.resetAt !== null && stored.resetAt > at
    const limit = isResetLater ? { ...stored, resetAt: null } : stored
    const isEach = limit.each === 1
    // The series without an end user has the usage of all of them.
    const held = isEach ? 'end_user_series' : 'series'
    const retention = this.retention()
    if (isEach && endUser === '') return { limit, series: [], held, models: null, retention }
    const series = this.#found.series[subject.type].values(subject.id, isEach ? endUser : '')
    const models =
      limit.models === '' ? null : (this.#compile(modelsLike('?1')).values(limit.models).flat() as number[])
    return { limit, series: series.flat() as number[], held, models, retention }
  }

  /** The sum of the window that ends at `at`, as far as it is stored by `until`. */
  #booked(scope: Scope, at: number, until: number): number {
    const { limit } = scope
    if (scope.series.length === 0 || limit.metric === 'parallel') return 0
    const from = windowStart(limit, at)
    const { runs, edgeMs } = spansOf(from, until + 1, scope.retention)
    return this.#sum(scope, runs) - heldBefore(limit, from, edgeMs)
  }

  /** The sum of runs of buckets. */
  #sum({ limit, series, models }: Scope, runs: readonly Run[]): number {
    const [first, second] = series
    if (first === undefined || runs.length === 0 || models?.length === 0) return 0
    const isOne = second === undefined
    const wanted = models === null ? [] : padded(models)
    let name = `${limit.metric} ${isOne} ${wanted.length}`
    const values: (string | number)[] = [isOne ? first : JSON.stringify(series)]
    for (const { width, from, until } of runs) {
      name += ` ${width}`
      values.push(from, until)
    }
    let statement = this.#sums.get(name)
    if (statement === undefined) {
      statement = this.client.keep(sumOf(limit, runs, isOne, wanted.length))
      this.#sums.set(name, statement)
    }
    return statement.get(...values, ...wanted)?.amount ?? 0
  }

  /** The sum of the reservations that live at `at`; one made by a clock that is ahead within the tolerance counts. */
  #reserved({ limit, series, held }: Scope, at: number, moment: Moment): number {
    const [first, second] = series
    if (first === undefined) return 0
    const sql = `SELECT total(${reserved[limit.metric]}) AS amount FROM reservations ${reservedOf(limit, held, second === undefined)}`
    const ids = second === undefined ? first : JSON.stringify(series)
    const latest = moment.at + moment.toleranceMs
    return this.#compile<Amount>(sql).get(ids, at, latest, ...patternOf(limit))?.amount ?? 0
  }

  /** When the reservations that count now run out, in order. */
  #expiries({ limit, series, held }: Scope, { at, toleranceMs }: Moment): readonly number[] {
    if (series.length === 0) return []
    const sql = `SELECT DISTINCT expires_at FROM reservations ${reservedOf(limit, held, false)} ORDER BY expires_at`
    return this.#compile(sql)
      .values(JSON.stringify(series), at, at + toleranceMs, ...patternOf(limit))
      .flat() as number[]
  }

  /** When the buckets in the window sum up to at most `most`, if nothing is added; null if never. */
  #bookedBelow(scope: Scope, now: number, most: number): number | null {
    const { period, windowMs, timeZone } = scope.limit
    if (this.#booked(scope, now, now) <= most) return now
    if (most < 0 || period === 'total') return null
    if (period !== 'rolling') {
      let end = periodEnd(period, timeZone, now)
      // Where hours are gone, a day of UTC counts whole in each period it touches: three if one is a short day.
      for (let touched = 1; touched < 3 && this.#booked(scope, end, now) > most; touched++) {
        end = periodEnd(period, timeZone, end)
      }
      return end
    }
    const atMinute = (minute: number): number => minute * minuteMs + windowMs
    // When the bucket that is under way and its window are over, all has left.
    const edgeMs = keptMs(now, scope.retention)
    const minute = firstWhere(
      Math.floor((now - windowMs) / minuteMs) + 1,
      (Math.floor(now / edgeMs) + 1) * (edgeMs / minuteMs),
      minute => this.#booked(scope, atMinute(minute), now) <= most,
    )
    return atMinute(minute)
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

const place = (): string => '?'

const life = lifeOf('total', place())

const unrendered: Writing['part'] = () => {
  throw new Error('a condition without the query builder')
}

/** One table at a time: as a join they take eight times as long. */
interface Found {
  readonly secret: Statement<{ keyId: string; start: string; endsAt: number | null }, [string]>
  readonly key: Statement<Omit<KeyColumns, 'lastUsedAt'>, [string]>
  readonly user: Statement<{ username: string; disabledAt: number | null }, [string]>
  readonly project: Statement<{ slug: string; archivedAt: number | null }, [string]>
  readonly lastUse: Statement<{ at: number | null }, [string]>
  readonly series: Readonly<Record<LimitedNoun, Statement<[number], [string, string]>>>
  readonly limits: Readonly<Record<LimitedNoun, Statement<StoredLimit, [string]>>>
}

const compileFound = (client: Client): Found => ({
  secret: client.keep('SELECT key_id AS keyId, start, ends_at AS endsAt FROM secrets WHERE hash = ?'),
  key: client.keep(`SELECT ${keyColumns} FROM keys WHERE id = ?`),
  user: client.keep('SELECT username, disabled_at AS disabledAt FROM users WHERE id = ?'),
  project: client.keep('SELECT slug, archived_at AS archivedAt FROM projects WHERE id = ?'),
  lastUse: client.keep(`SELECT ${lastUse('?1')} AS at`),
  series: {
    key: client.keep(seriesOf('key_id')),
    user: client.keep(seriesOf('user_id')),
    project: client.keep(seriesOf('project_id')),
  },
  limits: {
    key: client.keep(limitsOf('key_id')),
    user: client.keep(limitsOf('user_id')),
    project: client.keep(limitsOf('project_id')),
  },
})

interface Amount {
  readonly amount: number
}

/** The first number from `from` up to `until` for which it is true; `until` if for none. Once true, it must stay so. */
function firstWhere(from: number, until: number, isTrue: (n: number) => boolean): number {
  let [low, high] = [from, until]
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    if (isTrue(middle)) high = middle
    else low = middle + 1
  }
  return low
}

const counted: Readonly<Record<Metric, string>> = {
  tokens: 'input_tokens + output_tokens + other_tokens',
  requests: 'requests',
  usd: 'cost_micros',
  parallel: '0',
}

const reserved: Readonly<Record<Metric, string>> = {
  tokens: 'tokens',
  requests: 'requests',
  usd: 'cost_micros',
  parallel: '1',
}

/** All series of a key, user or project; or those of one end user. */
const seriesOf = (column: string): string =>
  `SELECT id FROM series WHERE ${column} = ? AND end_user = ? AND pending = 0`

const patternOf = ({ models }: StoredLimit): readonly string[] => (models === '' ? [] : [models])

/** GLOB knows two more special characters, which stand for themselves in a class of their own. */
const modelsLike = (parameter: string): string =>
  `SELECT id FROM models WHERE name GLOB replace(replace(${parameter}, '[', '[[]'), '?', '[?]')`

/** As many as a power of two, with the last one repeated, so that few statements do for any number of models. */
function padded(models: readonly number[]): readonly number[] {
  const size = 2 ** Math.ceil(Math.log2(models.length))
  return Array.from({ length: size }, (_, n) => models[Math.min(n, models.length - 1)] ?? 0)
}

/** ?1 the series, from ?2 on the runs, each up to the number behind it, then so many models; 0 for all models. */
function sumOf(limit: StoredLimit, runs: readonly Run[], isOne: boolean, wanted: number): string {
  const first = runs.length * 2 + 2
  const places = Array.from({ length: wanted }, (_, n) => `?${first + n}`)
  const models = wanted === 0 ? '' : `AND model IN (${places.join(', ')})`
  const sums = runs.map(({ width }, index) => {
    const start = index * 2 + 2
    return `(SELECT total(${counted[limit.metric]}) FROM ${width} WHERE series ${among(isOne)} AND start >= ?${start} AND start < ?${start + 1} ${models})`
  })
  return `SELECT ${sums.join(' + ')} AS amount`
}

const among = (isOne: boolean): string => (isOne ? '= ?1' : 'IN (SELECT value FROM json_each(?1))')

/** ?1 the series, ?2 when, ?3 the latest clock, ?4 the pattern. */
const reservedOf = (limit: StoredLimit, held: Scope['held'], isOne: boolean): string =>
  `WHERE ${held} ${among(isOne)} AND expires_at > ?2 AND created_at <= ?3 ${limit.models === '' ? '' : `AND model IN (${modelsLike('?4')})`}`

const limitsOf = (column: string): string => `SELECT ${storedLimit} FROM limits WHERE ${column} = ?`
