/**
 * The facts that rules judge, each as one question to PostgreSQL. Which buckets make up a window depends on the limits, which
 * are not known before they are read. So a question about a key guesses that they are what they were the last time, asks for
 * their sums with the key, and asks again if they turn out to be others. No answer depends on the guess. No rule may live here.
 */
import { type LimitedNoun, limitedNouns } from '../../contract/nouns.ts'
import type { LimitSubject } from '../../contract/views.ts'
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
  type Query,
  retention,
  storedLimit,
  type Writing,
} from '../rows.ts'
import {
  countedUntil,
  keptMs,
  lessReset,
  minuteMs,
  periodEnd,
  type Retention,
  resetRuns,
  widths,
} from '../spans.ts'
import type { Parameter } from './connection.ts'
import { counting, countingPlaces, fitsIn, placesOf, type Question, questionOf } from './counts.ts'
import { messagesWith } from './message-words.ts'

/** A connection, or a pool of them. */
export interface Asked {
  readonly rows: <Row>(text: string, parameters?: readonly Parameter[]) => Promise<Row[]>
}

/** What was true the last time, shared by all connections of a store. */
export class Memory {
  readonly guesses = new Map<string, Guess>()
  prices: Prices = { version: '', rows: [], trail: '', seenAt: Number.NEGATIVE_INFINITY }

  /** The trail by which the prices are known to be those of before; null if they have to be looked at. */
  get trail(): string | null {
    const { trail, seenAt } = this.prices
    return performance.now() - seenAt < trustMs ? trail : null
  }

  /** The version was found to be the same when the trail was this. */
  pricesAreSame(version: string, trail: string): void {
    // Others may have found a newer one meanwhile.
    if (version !== this.prices.version) return
    this.prices = { ...this.prices, trail, seenAt: performance.now() }
  }
}

interface Prices {
  readonly version: string
  readonly rows: readonly PriceRow[]
  /** The newest row of the audit log then: whoever changes prices adds one. */
  readonly trail: string
  /** When they were last looked at, on the clock of `performance`. */
  readonly seenAt: number
}

/** Whoever changes a price by SQL leaves no trail, so the prices themselves are looked at this often. */
export const trustMs = 1_000

interface Guess {
  /** The answer that it was made from. */
  readonly of: KeyRow
  readonly bound: readonly BoundLimit[]
  readonly retention: Retention
}

const mostGuesses = 10_000

const none: readonly never[] = []

/** How drizzle's builder spells a part, with the number of its first place. */
export type Spell = (part: Parameters<Writing['part']>[0], first: number) => Query

interface KeyRow extends FoundKey {
  readonly keyLimits: string | null
  readonly userLimits: string | null
  readonly projectLimits: string | null
  readonly organizationLimits: string | null
  readonly teamLimits: string | null
  readonly minutesFrom: number
  readonly hoursFrom: number
  readonly room: boolean
  readonly booked: number[] | null
  readonly held: number[] | null
}

interface Counted {
  readonly booked: number
  readonly held: number
}

export class PostgresFacts implements Facts {
  readonly #asked: Asked
  readonly #mostEndUsers: number
  readonly #memory: Memory
  readonly #spell: Spell

  constructor(asked: Asked, mostEndUsers: number, memory: Memory, spell: Spell = unspelled) {
    this.#asked = asked
    this.#mostEndUsers = mostEndUsers
    this.#memory = memory
    this.#spell = spell
  }

  async keyAt(by: KeyBy, moment: Moment, refuses?: Refuses): Promise<KeyFacts | null> {
    const [key, text] = 'hash' in by ? [by.hash, keyQuestions.secret] : [by.id, keyQuestions.id]
    const { guesses } = this.#memory
    for (;;) {
      const guess = guesses.get(key)
      const questions = guess?.bound.map(bound => questionOf(bound, moment, guess.retention)) ?? []
      const sums = questions.length > 0
      const [row] = await this.#asked.rows<KeyRow>(sums ? text.withSums : text.alone, [
        key,
        moment.endUser,
        this.#mostEndUsers,
        ...(sums ? placesOf(questions, moment) : []),
      ])
      if (row === undefined) return null
      const isRight = guess !== undefined && asksTheSame(guess.of, row)
      const bound = isRight ? guess.bound : boundOf(row)
      const { minutesFrom, hoursFrom, room, booked, held } = row
      const hasRoom = room || !bound.some(isForEach)
      // The row itself, because to copy it takes longer than all else that is done with it.
      const facts = (limits: KeyFacts['limits']) => Object.assign(row, { bound, hasRoom, limits })
      if (refuses?.(row)) return facts(null)
      if (bound.length === 0) return facts(none)
      if (isRight) {
        return facts(
          questions.map(({ bound: { subject, limit }, less }, n) => ({
            subject,
            limit,
            booked: lessReset(booked?.[n] ?? 0, less),
            reserved: held?.[n] ?? 0,
          })),
        )
      }
      if (guesses.size >= mostGuesses) guesses.clear()
      guesses.set(key, { of: row, bound, retention: { minutesFrom, hoursFrom } })
    }
  }

  async limitsAt(subjects: readonly LimitSubject[], moment: Moment): Promise<readonly LimitFacts[]> {
    const bound: BoundLimit[] = []
    for (const type of limitedNouns) {
      const some = subjects.filter(subject => subject.type === type)
      if (some.length === 0) continue
      const column = limitedBy[type]
      const rows = await this.#asked.rows<StoredLimit & { of: string }>(
        `SELECT ${column} AS of, ${storedLimit} FROM limits WHERE ${column} = ANY($1::text[]) ORDER BY ${limitOrder}`,
        [some.map(({ id }) => id)],
      )
      const own = Map.groupBy(rows, ({ of, memberId }) => `${of} ${memberId ?? ''}`)
      for (const subject of some) {
        const its = own.get(`${subject.id} ${subject.member?.id ?? ''}`) ?? []
        for (const { of: _, ...limit } of its) bound.push({ subject, limit })
      }
    }
    const retention = await this.retention()
    const inOrder = subjects.flatMap(subject => bound.filter(each => each.subject === subject))
    const questions = inOrder.map(each => questionOf(each, moment, retention))
    const counted = await this.#counted(questions, moment)
    return questions.map(limitFacts(counted))
  }

  async frees(bound: BoundLimit, moment: Moment, downTo: number): Promise<Freed | null> {
    const { at: now } = moment
    const retention = await this.retention()
    const askAt = (ats: readonly number[]) =>
      this.#counted(
        ats.map(at => questionOf(bound, moment, retention, at)),
        moment,
      )
    const usedAt = async (ats: readonly number[]) =>
      (await askAt(ats)).map(({ booked, held }) => booked + held)
    const [used = 0] = await usedAt([now])
    if (used <= downTo) return { at: now, used }
    // What counts never grows by itself. Between two reservations that run out, only buckets leave the window.
    const expiries = await this.#expiries(questionOf(bound, moment, retention), moment)
    const first = await firstWhere(0, expiries.length, async indexes =>
      (await usedAt(indexes.map(index => expiries[index] ?? now))).map(amount => amount <= downTo),
    )
    const [before] = await askAt([expiries[first - 1] ?? now])
    const most = downTo - (before?.held ?? 0)
    const isBelow = async (ats: readonly number[]) => (await askAt(ats)).map(({ booked }) => booked <= most)
    const left = await this.#bookedBelow(bound, moment, most, retention, isBelow)
    const expiry = expiries[first]
    const at = left !== null && (expiry === undefined || left < expiry) ? left : expiry
    if (at === undefined) return null
    const [usedThen = 0] = await usedAt([at])
    return { at, used: usedThen }
  }

  async heldAt(bound: BoundLimit, moment: Moment): Promise<Held> {
    const retention = await this.retention()
    // What each of many end users had used would not fit in a number, so the bucket of the reset counts whole for them.
    const questions = widths.map(
      (width): Question => ({
        bound,
        endUser: '',
        less: 0,
        at: moment.at,
        runs: resetRuns(bound.limit, moment, width, retention),
      }),
    )
    const counted = bound.limit.metric === 'parallel' ? [] : await this.#counted(questions, moment)
    const [minute, hour, day] = counted
    return { resetMinute: minute?.booked ?? 0, resetHour: hour?.booked ?? 0, resetDay: day?.booked ?? 0 }
  }

  async lifeOf(keyId: string): Promise<{ readonly name: string; readonly counts: UsageCounts } | null> {
    const [row] = await this.#asked.rows<UsageCounts & { name: string }>(life, [keyId])
    if (row === undefined) return null
    const { name, ...counts } = row
    return { name, counts }
  }

  async retention(): Promise<Retention> {
    const [row] = await this.#asked.rows<Retention>(retention)
    return row ?? { minutesFrom: 0, hoursFrom: 0 }
  }

  /** The rows come only if they are others than the last time. */
  async prices(): Promise<readonly PriceRow[]> {
    const memory = this.#memory
    const known = memory.prices
    const rows = await this.#asked.rows<PriceRow & PriceState & { isRow: boolean }>(newPrices, [
      known.version,
      memory.trail,
    ])
    const [{ version = known.version, trail = '' } = {}] = rows
    if (version === null) return known.rows
    if (version === known.version) {
      memory.pricesAreSame(version, trail)
      return known.rows
    }
    const found = rows.flatMap(({ version: _, trail: __, isRow, ...row }) => (isRow ? [row] : []))
    memory.prices = { version, rows: found, trail, seenAt: performance.now() }
    return found
  }

  listedKeys(query: KeyQuery): Promise<readonly ListedKey[]> {
    const { sql, params } = this.listed(query)
    return this.#asked.rows(sql, params as Parameter[])
  }

  /** The query for keys, as text. */
  listed(query: KeyQuery): Query {
    let places = 0
    return listedKeys(query, {
      part: part => {
        const spelled = this.#spell(part, places + 1)
        places += spelled.params.length
        return spelled
      },
      place: () => `$${++places}`,
    })
  }

  limitsOfKeys(ids: readonly string[]): Promise<readonly LimitOfKey[]> {
    return this.#asked.rows(ofKeys, [ids])
  }

  async messagesWith(search: MessageSearch): Promise<readonly number[]> {
    const { sql, params } = messagesWith(search)
    const rows = await this.#asked.rows<{ number: number }>(sql, params as Parameter[])
    return rows.map(({ number }) => number)
  }

  async #counted(questions: readonly Question[], moment: Moment): Promise<readonly Counted[]> {
    if (questions.length === 0) return []
    const rows = await this.#asked.rows<Counted>(countQuestion, placesOf(questions, moment))
    return rows.map(({ booked, held }, n) => ({ booked: lessReset(booked, questions[n]?.less ?? 0), held }))
  }

  /** When the reservations that count now run out, in order. */
  async #expiries(question: Question, moment: Moment): Promise<readonly number[]> {
    const rows = await this.#asked.rows<{ at: number }>(expiryQuestion, placesOf([question], moment))
    return rows.map(({ at }) => at)
  }

  /** When the buckets in the window sum up to at most `most`, if nothing is added; null if never. */
  async #bookedBelow(
    { limit }: BoundLimit,
    moment: Moment,
    most: number,
    retention: Retention,
    isBelow: (ats: readonly number[]) => Promise<readonly boolean[]>,
  ): Promise<number | null> {
    const { at: now } = moment
    const { period, windowMs, timeZone } = limit
    const [isNow] = await isBelow([now])
    if (isNow) return now
    if (most < 0 || period === 'total') return null
    if (period !== 'rolling') {
      // Where hours are gone, a day of UTC counts whole in each period it touches: three if one is a short day.
      const first = periodEnd(period, timeZone, now)
      const second = periodEnd(period, timeZone, first)
      const [byFirst, bySecond] = await isBelow([first, second])
      return byFirst ? first : bySecond ? second : periodEnd(period, timeZone, second)
    }
    const atMinute = (minute: number): number => minute * minuteMs + windowMs
    // When the last bucket that counts and its window are over, all has left.
    const last = countedUntil(limit, moment)
    const edgeMs = keptMs(last, retention)
    const minute = await firstWhere(
      Math.floor((now - windowMs) / minuteMs) + 1,
      (Math.floor(last / edgeMs) + 1) * (edgeMs / minuteMs),
      minutes => isBelow(minutes.map(atMinute)),
    )
    return atMinute(minute)
  }
}

const unspelled: Spell = () => {
  throw new Error('a condition without the query builder')
}

const limitFacts =
  (counted: readonly Counted[]) =>
  ({ bound }: Question, n: number): LimitFacts => ({
    ...bound,
    booked: counted[n]?.booked ?? 0,
    reserved: counted[n]?.held ?? 0,
  })

/** So many are asked about at once: three questions for a year of minutes. */
const probes = 64

/** The first number from `from` up to `until` for which it is true; `until` if for none. Once true, it must stay so. */
async function firstWhere(
  from: number,
  until: number,
  areTrue: (numbers: readonly number[]) => Promise<readonly boolean[]>,
): Promise<number> {
  let [low, high] = [from, until]
  while (low < high) {
    const step = Math.ceil((high - low) / probes)
    const numbers = Array.from({ length: Math.ceil((high - low) / step) }, (_, n) => low + n * step)
    const first = (await areTrue(numbers)).indexOf(true)
    if (first < 0) low = (numbers.at(-1) ?? low) + 1
    else {
      high = numbers[first] ?? high
      if (first > 0) low = (numbers[first - 1] ?? low) + 1
    }
  }
  return low
}

/** Of a subject, as its unique index has them. */
const limitOrder = 'metric, period, window_ms, models, each'

const limitsAsJson = (of: string): string =>
  `(SELECT json_agg(l)::text FROM (SELECT ${storedLimit} FROM limits WHERE ${of} ORDER BY member_id, ${limitOrder}) l)`

const ofTeamsAsJson = `(SELECT json_agg(l)::text FROM (
  SELECT teams.id AS "teamId", teams.name AS team, ${storedLimit}
  FROM team_members JOIN teams ON teams.id = team_members.team_id JOIN limits ON limits.team_id = teams.id
  WHERE team_members.user_id = k."ownerId" AND teams.organization_id = k."organizationId"
  ORDER BY teams.id, ${limitOrder}) l)`

/** $1 the hash or the id, $2 the end user, $3 how many of them a key may have, then those of `counting`. */
const keyText = (found: string, sums: boolean): string => `
  ${sums ? `WITH ${counting(4)}` : ''}
  SELECT k.*,
    ${limitsAsJson('key_id = k.id')} AS "keyLimits",
    ${limitsAsJson('user_id = k."ownerId"')} AS "userLimits",
    ${limitsAsJson('project_id = k."projectId" AND (member_id IS NULL OR member_id = k."ownerId")')} AS "projectLimits",
    ${limitsAsJson('organization_id = k."organizationId" AND (member_id IS NULL OR member_id = k."ownerId")')} AS "organizationLimits",
    ${ofTeamsAsJson} AS "teamLimits",
    coalesce((SELECT minutes_from FROM retention), 0) AS "minutesFrom",
    coalesce((SELECT hours_from FROM retention), 0) AS "hoursFrom",
    $2 = '' OR EXISTS (SELECT FROM series WHERE key_id = k.id AND end_user = $2)
      OR (SELECT count(DISTINCT end_user) FROM series WHERE key_id = k.id AND end_user > '') < $3::int AS room
    ${sums ? ', (SELECT array_agg(booked ORDER BY n) FROM counted) AS booked, (SELECT array_agg(held ORDER BY n) FROM counted) AS held' : ''}
  FROM (${found}) k`

const question = (found: string) => ({ alone: keyText(found, false), withSums: keyText(found, true) })

const keyQuestions = { secret: question(foundByHash('$1')), id: question(foundById('$1')) } as const

/** Whether all is the same that a guess depends on. */
const asksTheSame = (a: KeyRow, b: KeyRow): boolean =>
  a.id === b.id &&
  a.name === b.name &&
  a.ownerId === b.ownerId &&
  a.username === b.username &&
  a.projectId === b.projectId &&
  a.slug === b.slug &&
  a.keyLimits === b.keyLimits &&
  a.userLimits === b.userLimits &&
  a.projectLimits === b.projectLimits &&
  a.organizationId === b.organizationId &&
  a.organizationSlug === b.organizationSlug &&
  a.organizationLimits === b.organizationLimits &&
  a.teamLimits === b.teamLimits &&
  a.minutesFrom === b.minutesFrom &&
  a.hoursFrom === b.hoursFrom

function boundOf(row: KeyRow): readonly BoundLimit[] {
  if (!row.keyLimits && !row.userLimits && !row.projectLimits && !row.organizationLimits && !row.teamLimits)
    return none
  const user = row.ownerId === null ? null : { id: row.ownerId, username: row.username ?? '' }
  const of = (
    type: LimitedNoun,
    id: string | null,
    name: string | null,
    limits: string | null,
  ): readonly BoundLimit[] => {
    if (id === null || limits === null) return []
    return JSON.parse(limits).map((limit: StoredLimit) => ({
      subject: { type, id, name: name ?? '', member: limit.memberId === null ? null : user },
      limit,
    }))
  }
  const ofTeams: readonly (StoredLimit & { teamId: string; team: string })[] = JSON.parse(
    row.teamLimits ?? '[]',
  )
  return [
    ...of('key', row.id, row.name, row.keyLimits),
    ...of('user', row.ownerId, row.username, row.userLimits),
    ...of('project', row.projectId, row.slug, row.projectLimits),
    ...of('org', row.organizationId, row.organizationSlug, row.organizationLimits),
    ...ofTeams.map(({ teamId, team, ...limit }) => ({
      subject: { type: 'team' as const, id: teamId, name: team, member: null },
      limit,
    })),
  ]
}

const countQuestion = `WITH ${counting(1)} SELECT booked, held FROM counted ORDER BY n`

const expiryQuestion = `
  WITH ${counting(1)}
  SELECT DISTINCT r.expires_at AS at FROM whose JOIN reservations r
    ON CASE WHEN whose.end_user = '' THEN r.series ELSE r.end_user_series END = whose.id
  WHERE r.expires_at > whose.at AND r.created_at <= $${countingPlaces} AND ${fitsIn('r.model')} ORDER BY 1`

const life = lifeOf('latchkey_total', '$1')

const ofKeys = limitsOfKeys('= ANY($1::text[])')

interface PriceState {
  readonly trail: string
  /** Null if it was not looked at. */
  readonly version: string | null
}

/** The newest row of the audit log. */
export const newestTrail = "SELECT coalesce((SELECT id FROM audit ORDER BY seq DESC LIMIT 1), '') AS trail"

/**
 * Tables for a WITH, the last of which, `state`, has the trail, and the version of the prices unless the trail is that of the
 * place `known`. The number of a transaction stays with the rows that it wrote, so others stand for others.
 */
export const priceState = (known: string, condition = 'true'): string => `
  newest AS MATERIALIZED (${newestTrail} WHERE ${condition}),
  state AS MATERIALIZED (
    SELECT trail, CASE WHEN trail = ${known} THEN NULL ELSE (
      SELECT count(*) || ' ' || coalesce(sum(hashtextextended(ctid::text || xmin::text, 0)), 0) FROM prices) END AS version
    FROM newest)`

/** Without OFFSET the server would read all prices, and then leave them out. */
const newPrices = `
  WITH ${priceState('$2::text')}
  SELECT state.trail, state.version, p.model IS NOT NULL AS "isRow", p.*
  FROM state LEFT JOIN LATERAL (SELECT * FROM (${prices}) p WHERE state.version <> $1 OFFSET 0) p ON true`
