/**
 * The facts that rules judge, as statements compiled once per connection, on the snapshot or in the transaction of their
 * caller. No rule may live here.
 */
import type { Statement } from 'bun:sqlite'
import type { LimitedNoun } from '../../contract/nouns.ts'
import { usualMostEndUsers } from '../../contract/views/words.ts'
import type { LimitSubject, Metric } from '../../contract/views.ts'
import type { Facts, KeyQuery } from '../engine.ts'
import {
  type BoundLimit,
  type FoundKey,
  type Freed,
  type Held,
  isForEach,
  type KeyBy,
  type KeyFacts,
  type LimitFacts,
  type LimitOfKey,
  type ListedKey,
  type MessageSearch,
  type Moment,
  type PriceRow,
  type Refuses,
  type StoredLimit,
  type UsageCounts,
} from '../facts.ts'
import {
  foundByHash,
  foundById,
  lifeOf,
  limitedBy,
  limitsOfKeys,
  listedKeys,
  prices,
  retention,
  storedLimit,
  type Writing,
} from '../rows.ts'
import {
  bucketAt,
  countedUntil,
  keptMs,
  lessReset,
  minuteMs,
  periodEnd,
  type Retention,
  type Run,
  resetRuns,
  type Width,
  widths,
  windowOf,
} from '../spans.ts'
import type { ArrayStatement, Client } from './client.ts'
import { messagesWith } from './message-words.ts'
import type { PastDays } from './past-days.ts'

type Values = (string | number | null)[]

/** A key and what binds it, as `KeyFacts`. */
export type BoundKey = Omit<KeyFacts, 'limits'>

/** What counts against a limit: some series, or none, and of the reservations those in a column of it. */
export interface Scope extends BoundLimit {
  readonly series: readonly number[]
  /** Of which reservations are held, as a column. */
  readonly held: 'series' | 'end_user_series'
  /** The models that its pattern matches; null for all. */
  readonly models: readonly number[] | null
  readonly retention: Retention
  /** What sums it up, by the widths of the runs. */
  readonly summing: Map<number, ArrayStatement<Used>>
}

export class SqliteFacts implements Facts {
  readonly client: Client
  /** Set as soon as there is a builder that conditions could come from. */
  part: Writing['part'] = unrendered
  /** Set where nothing but snapshots is read: within a transaction, what it changed would be missed. */
  pastDays: PastDays | undefined
  /** How many sums were read. */
  sums = 0
  readonly #mostEndUsers: number
  readonly #dataVersion: (client: Client) => number
  readonly #compiled = new Map<string, Statement<unknown, Values>>()
  readonly #summing = new Map<string, Scope['summing']>()
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

  /** @param tell is told what was found of a key that is not refused */
  keyAt(
    by: KeyBy,
    moment: Moment,
    refuses?: Refuses,
    tell?: (key: BoundKey, scopes: readonly Scope[]) => void,
  ): KeyFacts | null {
    this.#found ??= compileFound(this.client)
    const row = 'hash' in by ? this.#found.byHash.get(by.hash) : this.#found.byId.get(by.id)
    if (row === null) return null
    const bound = this.#bind(row)
    const hasRoom = !bound.some(isForEach) || this.hasRoom(row.id, moment.endUser)
    const key = { ...row, bound, hasRoom }
    if (refuses?.(key)) return { ...key, limits: null }
    const scopes = this.#scopesOf(bound, moment)
    tell?.(key, scopes)
    return { ...key, limits: this.count(scopes, moment) }
  }

  limitsAt(subjects: readonly LimitSubject[], moment: Moment): readonly LimitFacts[] {
    this.#found ??= compileFound(this.client)
    const { limits } = this.#found
    const bound = subjects.flatMap(subject =>
      limits[subject.type]
        .all(subject.id, subject.member?.id ?? null)
        .flatMap(limit => (limit.memberId === (subject.member?.id ?? null) ? [{ subject, limit }] : [])),
    )
    return this.count(this.#scopesOf(bound, moment), moment)
  }

  frees(bound: BoundLimit, moment: Moment, downTo: number): Freed | null {
    const { at: now } = moment
    const scope = this.#scopeOf(bound, moment)
    const usedAt = (at: number): number => {
      const { booked, reserved } = this.#usedAt(scope, at, moment)
      return booked + reserved
    }
    const used = usedAt(now)
    if (used <= downTo) return { at: now, used }
    // What counts never grows by itself. Between two reservations that run out, only buckets leave the window.
    const expiries = this.#expiries(scope, moment)
    const first = firstWhere(0, expiries.length, index => usedAt(expiries[index] ?? now) <= downTo)
    const { reserved } = this.#usedAt(scope, expiries[first - 1] ?? now, moment)
    const left = this.#bookedBelow(scope, moment, downTo - reserved)
    const expiry = expiries[first]
    const at = left !== null && (expiry === undefined || left < expiry) ? left : expiry
    return at === undefined ? null : { at, used: usedAt(at) }
  }

  heldAt(bound: BoundLimit, moment: Moment): Held {
    // What each of many end users had used would not fit in a number, so the bucket of the reset counts whole for them.
    const scope = this.#scopeOf(bound, { endUser: '' })
    const held = (width: Width): number =>
      this.#sum(scope, resetRuns(bound.limit, moment, width, scope.retention), moment.at, moment).booked
    return { resetMinute: held('minutes'), resetHour: held('hours'), resetDay: held('days') }
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

  /** The keys of a query in its order, some at a time. */
  keys(query: KeyQuery): Iterable<readonly ListedKey[]> {
    return this.client.batches<ListedKey>(listedKeys(query, { part: this.part, place }), keysAtOnce)
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

  /** All limits of a key, in the order of `KeyFacts`. */
  #bind(row: FoundKey): readonly BoundLimit[] {
    this.#found ??= compileFound(this.client)
    const { limits, ofTeams } = this.#found
    const { id, name, ownerId, username, projectId, slug, organizationId, organizationSlug } = row
    const bound: BoundLimit[] = []
    const bind = (type: LimitedNoun, whose: string, named: string, user: LimitSubject['member'] = null) => {
      for (const limit of limits[type].all(whose, user?.id ?? null)) {
        const member = limit.memberId === null ? null : user
        bound.push({ subject: { type, id: whose, name: named, member }, limit })
      }
    }
    const user = ownerId === null ? null : { id: ownerId, username: username ?? '' }
    bind('key', id, name)
    if (user !== null) bind('user', user.id, user.username)
    if (projectId !== null) bind('project', projectId, slug ?? '', user)
    if (organizationId === null) return bound
    bind('org', organizationId, organizationSlug ?? '', user)
    for (const { teamId, team, ...limit } of user === null ? [] : ofTeams.all(user.id, organizationId))
      bound.push({ subject: { type: 'team', id: teamId, name: team, member: null }, limit })
    return bound
  }

  /** What counts against limits. */
  count(scopes: readonly Scope[], moment: Moment): readonly LimitFacts[] {
    return scopes.map(scope => {
      const { subject, limit } = scope
      const { booked, reserved } = this.#usedAt(scope, moment.at, moment)
      return { subject, limit, booked, reserved }
    })
  }

  #scopesOf(bound: readonly BoundLimit[], moment: Moment): readonly Scope[] {
    return bound.map(each => this.#scopeOf(each, moment))
  }

  #scopeOf({ subject, limit }: BoundLimit, { endUser }: Pick<Moment, 'endUser'>): Scope {
    this.#found ??= compileFound(this.client)
    const isEach = limit.each === 1
    // The series without an end user has the usage of all of them.
    const held = isEach ? 'end_user_series' : 'series'
    const retention = this.retention()
    if (isEach && endUser === '')
      return { subject, limit, series: [], held, models: null, retention, summing: new Map() }
    const { type, id, member } = subject
    const whom = isEach ? endUser : ''
    const series =
      member === null
        ? this.#found.series[type].values(id, whom)
        : this.#compile(`${seriesOf[type]} AND user_id = ?`).values(id, whom, member.id)
    const models =
      limit.models === '' ? null : padded(this.#compile(modelsLike).values(limit.models).flat() as number[])
    const summing = this.#summingOf(limit.metric, held, series.length === 1, models?.length ?? 0)
    return { subject, limit, series: series.flat() as number[], held, models, retention, summing }
  }

  #summingOf(metric: Metric, held: Scope['held'], isOne: boolean, models: number): Scope['summing'] {
    const name = `${metric} ${held} ${isOne} ${models}`
    const summing = this.#summing.get(name) ?? new Map()
    this.#summing.set(name, summing)
    return summing
  }

  /** What is stored now of the window that ends at `at`, and of the reservations that live then. */
  #usedAt(scope: Scope, at: number, moment: Moment): Used {
    if (scope.limit.metric === 'parallel') return this.#sum(scope, [], at, moment)
    const { runs, less } = windowOf(scope.limit, at, moment, scope.retention)
    const [past, others] = this.pastDays ? withoutPast(runs, bucketAt('days', moment.at)) : [undefined, runs]
    const { booked, reserved } = this.#sum(scope, others, at, moment)
    return { booked: lessReset(booked + (past ? this.#past(scope, past, at, moment) : 0), less), reserved }
  }

  #past(scope: Scope, days: Run, at: number, moment: Moment): number {
    const { limit, series, models } = scope
    const name = `${limit.metric} ${series.join()} ${models?.join()} ${days.from} ${days.until}`
    const add = () => this.#sum(scope, [days], at, moment).booked
    return this.pastDays?.sum(name, days.until, this.client.changeCounter(), add) ?? add()
  }

  /** The sum of runs of buckets, and that of the reservations that live at `at`. */
  #sum(scope: Scope, runs: readonly Run[], at: number, moment: Moment): Used {
    const { series, models, summing } = scope
    const [first, second] = series
    if (first === undefined || models?.length === 0) return nothing
    const isOne = second === undefined
    // Of a clock that is ahead within the tolerance, reservations count, in the past too.
    const values: (string | number)[] = [
      isOne ? first : JSON.stringify(series),
      at,
      moment.at + moment.toleranceMs,
    ]
    let form = 0
    for (const { width, from, until } of runs) {
      form = form * 4 + widths.indexOf(width) + 1
      values.push(from, until)
    }
    if (models !== null) values.push(...models)
    let statement = summing.get(form)
    if (statement === undefined) {
      statement = this.client.keepForArrays(sumOf(scope, runs, isOne))
      summing.set(form, statement)
    }
    this.sums++
    return statement.get(values) ?? nothing
  }

  /** When the reservations that count now run out, in order. */
  #expiries({ series, held, models }: Scope, { at, toleranceMs }: Moment): readonly number[] {
    const among = (list: string) => `IN (SELECT value FROM json_each(${list}))`
    return this.#compile(
      `SELECT DISTINCT expires_at FROM reservations WHERE ${held} ${among('?1')} AND expires_at > ?2 AND created_at <= ?3
         AND (?4 = 'null' OR model ${among('?4')}) ORDER BY expires_at`,
    )
      .values(JSON.stringify(series), at, at + toleranceMs, JSON.stringify(models))
      .flat() as number[]
  }

  /** When the buckets in the window sum up to at most `most`, if nothing is added; null if never. */
  #bookedBelow(scope: Scope, moment: Moment, most: number): number | null {
    const { at: now } = moment
    const { period, windowMs, timeZone } = scope.limit
    const isBelow = (at: number): boolean => this.#usedAt(scope, at, moment).booked <= most
    if (isBelow(now)) return now
    if (most < 0 || period === 'total') return null
    if (period !== 'rolling') {
      let end = periodEnd(period, timeZone, now)
      // Where hours are gone, a day of UTC counts whole in each period it touches: three if one is a short day.
      for (let touched = 1; touched < 3 && !isBelow(end); touched++) {
        end = periodEnd(period, timeZone, end)
      }
      return end
    }
    const atMinute = (minute: number): number => minute * minuteMs + windowMs
    // When the last bucket that counts and its window are over, all has left.
    const last = countedUntil(scope.limit, moment)
    const edgeMs = keptMs(last, scope.retention)
    const minute = firstWhere(
      Math.floor((now - windowMs) / minuteMs) + 1,
      (Math.floor(last / edgeMs) + 1) * (edgeMs / minuteMs),
      minute => isBelow(atMinute(minute)),
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

/** Begins the snapshot if nothing else has. Changes with the commits of this connection too. */
function versionInSnapshot(client: Client): number {
  client.query('PRAGMA data_version').get()
  return client.changeCounter()
}

const place = (): string => '?'

const life = lifeOf('total', '+?')

/** So few that they are gone before memory is collected. */
const keysAtOnce = 500

/** To add up fewer takes no longer than to look for the sum. */
const fewDays = 31

/** Many days before today, if there are, and all other runs: what is counted now leaves only those days as they are. */
function withoutPast(runs: readonly Run[], today: number): readonly [Run | undefined, readonly Run[]] {
  const many = runs.find(
    ({ width, from, until }) => width === 'days' && Math.min(until, today) - from > fewDays,
  )
  if (many === undefined) return [undefined, runs]
  const { until } = many
  const others = runs.flatMap(run => (run !== many ? run : until > today ? { ...run, from: today } : []))
  return [{ ...many, until: Math.min(until, today) }, others]
}

const unrendered: Writing['part'] = () => {
  throw new Error('a condition without the query builder')
}

interface Found {
  readonly byHash: Statement<FoundKey, [string]>
  readonly byId: Statement<FoundKey, [string]>
  readonly series: Readonly<Record<LimitedNoun, Statement<[number], [string, string]>>>
  /** Those of a noun, and of a user in it. */
  readonly limits: Readonly<Record<LimitedNoun, Statement<StoredLimit, [string, string | null]>>>
  readonly ofTeams: Statement<StoredLimit & { teamId: string; team: string }, [string, string]>
}

const ofEach = <T>(of: (noun: LimitedNoun) => T): Readonly<Record<LimitedNoun, T>> => ({
  key: of('key'),
  user: of('user'),
  project: of('project'),
  org: of('org'),
  team: of('team'),
})

const compileFound = (client: Client): Found => ({
  // SQLite compiles a join again for each value of a parameter that it compares with a column, which takes four times as long as
  // to run it. It does not look behind a plus.
  byHash: client.keep(foundByHash('+?')),
  byId: client.keep(foundById('+?')),
  series: ofEach(noun => client.keep(seriesOf[noun])),
  limits: ofEach(noun => client.keep(limitsOf(noun))),
  ofTeams: client.keep(limitsOfTeams),
})

interface Amount {
  readonly amount: number
}

type Used = Pick<LimitFacts, 'booked' | 'reserved'>

const nothing: Used = { booked: 0, reserved: 0 }

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

/** All series of what is limited; or those of one end user. */
const seriesOf = ofEach(noun =>
  noun === 'team'
    ? `SELECT id FROM series WHERE organization_id = (SELECT organization_id FROM teams WHERE id = ?1)
         AND end_user = ?2 AND pending = 0 AND instr(team_ids, ?1) > 0`
    : `SELECT id FROM series WHERE ${limitedBy[noun]} = ? AND end_user = ? AND pending = 0`,
)

/** GLOB knows two more special characters, which stand for themselves in a class of their own. */
const modelsLike = `SELECT id FROM models WHERE name GLOB replace(replace(?, '[', '[[]'), '?', '[?]')`

/** As many as a power of two, with the last one repeated, so that few statements do for any number of models. */
function padded(models: readonly number[]): readonly number[] {
  const size = 2 ** Math.ceil(Math.log2(models.length))
  return Array.from({ length: size }, (_, n) => models[Math.min(n, models.length - 1)] ?? 0)
}

/**
 * ?1 the series, ?2 when and ?3 the latest clock of reservations, from ?4 on the runs, each up to the number behind it, then so
 * many models; 0 for all models. What is reserved is in the same statement, because to run one takes as long as to find a row.
 */
function sumOf(
  { limit: { metric }, held, models: wanted }: Scope,
  runs: readonly Run[],
  isOne: boolean,
): string {
  const among = isOne ? '= ?1' : 'IN (SELECT value FROM json_each(?1))'
  const places = wanted?.map((_, n) => `?${runs.length * 2 + 4 + n}`)
  const models = places === undefined ? '' : `AND model IN (${places.join(', ')})`
  const sums = runs.map(({ width }, index) => {
    const start = index * 2 + 4
    return `(SELECT total(${counted[metric]}) FROM ${width} WHERE series ${among} AND start >= ?${start} AND start < ?${start + 1} ${models})`
  })
  return `
    SELECT ${sums.join(' + ') || 0} AS booked,
      (SELECT total(${reserved[metric]}) FROM reservations
       WHERE ${held} ${among} AND expires_at > ?2 AND created_at <= ?3 ${models}) AS reserved`
}

const limitsOf = (noun: LimitedNoun): string =>
  `SELECT ${storedLimit} FROM limits WHERE ${limitedBy[noun]} = ?1 AND (member_id IS NULL OR member_id = ?2)`

/** User, organization. */
const limitsOfTeams = `
  SELECT teams.id AS "teamId", teams.name AS team, ${storedLimit}
  FROM team_members CROSS JOIN teams CROSS JOIN limits
  WHERE team_members.user_id = +? AND teams.id = team_members.team_id AND teams.organization_id = +?
    AND limits.team_id = teams.id`
