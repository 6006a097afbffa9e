/**
 * What is counted with every request. Recording is one statement that is right by itself and takes no lock but those of its
 * rows: minutes before hours before days, each in the order of their keys, so that no two wait for each other. What it needs
 * and does not find, such as a series or a model, is made first, in a statement of its own. No rule may live here.
 */
import type { UsageBook } from '../engine.ts'
import {
  addCounts,
  type Charged,
  counterNames,
  type DenialRow,
  type Entered,
  type Entry,
  isHuge,
  type KeyBy,
  type KeyFacts,
  type Moment,
  noCounts,
  overflowOf,
  type Pricing,
  type Refuses,
  type ReservationRow,
  type Usage,
  type UsageCounts,
} from '../facts.ts'
import { counterColumns, isFilling, reservedFor } from '../rows.ts'
import { bucketAt, type Width, widths } from '../spans.ts'
import { Accounts, type Missing } from './accounts.ts'
import { addTo, heldEvents, noteEvents, UsageRows } from './buckets.ts'
import type { Connection, Parameter } from './connection.ts'
import { sqlState } from './errors.ts'
import { type Memory, type PostgresFacts, priceState } from './facts.ts'
import { lockSubject } from './locks.ts'
import type { Pool } from './pool.ts'
import { beginning, beginWriting, isOwn, makeModel, makeSeries, type Turn, whole } from './series.ts'

export interface BookOptions {
  /** Roll back instead of committing, each call alone. */
  readonly dryRun: boolean
  /** How many end users a key may have. */
  readonly mostEndUsers: number
  readonly factsOn: (connection: Connection) => PostgresFacts
  readonly memory: Memory
}

/** What is to be counted, and what became of it. */
interface Counting {
  readonly keyId: string
  readonly name: string
  readonly endUser: string
  /** 0 if something was missing, or the life of the key has to be summed first. */
  readonly counted: number
  readonly isFilling: boolean
  /** Whether the prices are those that its cost was set by. */
  readonly isPriced: boolean
  /** As of these prices; null if they were not looked at. */
  readonly trail: string | null
}

/** `look` counts nothing; `sure` does not ask whether so much was counted that there may be no room. */
const [usual, sure, look] = [0, 1, 2]

export class PostgresUsage implements UsageBook {
  readonly #pool: Pool
  readonly #options: BookOptions
  /** The last reservation of each key that has one under way. */
  readonly #lines = new Map<string, Promise<void>>()
  #accounts = new WeakMap<Connection, Accounts>()

  constructor(pool: Pool, options: BookOptions) {
    this.#pool = pool
    this.#options = options
  }

  charge(keyId: string, usage: Usage, pricing: Pricing): Promise<Charged | null> {
    return this.#countAtOnce(charging, keyId, usage, pricing)
  }

  async settle(reservationId: string, usage: Usage, pricing: Pricing) {
    const charged = await this.#countAtOnce(settling, reservationId, { ...usage, endUser: '' }, pricing)
    return charged && { keyId: charged.keyId, charged }
  }

  release(reservationId: string): Promise<boolean> {
    return this.#tell(
      async ({ connection }) =>
        (await connection.run('DELETE FROM reservations WHERE id = $1', [reservationId])) > 0,
    )
  }

  async addDenials(rows: readonly DenialRow[]): Promise<void> {
    if (rows.length === 0) return
    const lists = [
      rows.map(({ keyId }) => keyId),
      rows.map(({ start }) => start),
      rows.map(({ code }) => code),
      rows.map(({ count }) => count),
      rows.map(({ lastAt }) => lastAt),
    ]
    await this.#tell(({ connection }) => connection.run(addDenials, lists))
  }

  reserve<D extends { readonly hold: ReservationRow | null }>(
    key: KeyBy,
    moment: () => Moment,
    refuses: Refuses,
    decide: (found: KeyFacts | null) => D,
  ): Promise<D> {
    // Of the same key one at a time: the others would hold connections while they wait for its lock.
    return this.#inLine('hash' in key ? key.hash : key.id, () =>
      this.#tell(async turn => {
        for (let endUser: string | undefined; ; ) {
          const { decision, held } = await beginning(turn, async (inside, begun) => {
            const decision = decide(await this.#lockedFacts(inside, begun, key, moment, refuses))
            const { hold } = decision
            const row = hold === null || endUser === undefined ? hold : { ...hold, endUser }
            // Not awaited, so that COMMIT is sent with it. If it fails, COMMIT undoes everything, and it tells why.
            const held = row === null ? null : inside.connection.run(holding, heldValues(row))
            held?.catch(() => {})
            return { decision, held }
          })
          if (held === null || decision.hold === null || (await held) > 0) return decision
          // Nothing is held, and nobody is kept from anything: what was missing is made, and all is looked at again.
          const { keyId, model } = decision.hold
          await makeModel(turn, model)
          endUser = await makeSeries(
            turn,
            keyId,
            endUser ?? decision.hold.endUser,
            this.#options.mostEndUsers,
          )
        }
      }),
    )
  }

  async enter(groups: readonly (readonly Entry[])[], at: number): Promise<readonly Entered[]> {
    for (;;) {
      const entered = await this.#tell(async turn => {
        const accounts = this.#accountsOn(turn)
        const entering = (isLast: boolean) =>
          beginning(turn, (inside, begun) => this.#enter(inside, begun, groups, accounts, at, isLast))
        try {
          return await entering(false)
        } catch (error) {
          if (error instanceof HeldMeanwhile) return null
          if (!(error instanceof NotThere)) throw error
          await this.#make(turn, error.missing)
          return await entering(true).catch(orHeld)
        }
      })
      if (entered !== null) return entered
    }
  }

  #inLine<T>(name: string, work: () => Promise<T>): Promise<T> {
    const run = (this.#lines.get(name) ?? Promise.resolve()).then(work)
    const settled = run.then(
      () => {},
      () => {},
    )
    this.#lines.set(name, settled)
    void settled.then(() => {
      if (this.#lines.get(name) === settled) this.#lines.delete(name)
    })
    return run
  }

  /** The facts of a key while nobody else can be granted anything of what limits it. */
  async #lockedFacts(
    { connection }: Turn,
    begun: Promise<unknown>,
    key: KeyBy,
    moment: () => Moment,
    refuses: Refuses,
  ): Promise<KeyFacts | null> {
    const facts = this.#options.factsOn(connection)
    // All are sent before the first answer: the server takes the locks before it looks.
    const soon = moment()
    const [locks, early] = await Promise.all([
      lockAll(connection, key),
      facts.keyAt(key, soon, refuses),
      begun,
    ])
    const locked = new Set(locks.map(({ id }) => id))
    for (let found = early, asked = soon; ; found = await facts.keyAt(key, asked, refuses)) {
      const last = asked
      asked = moment()
      // While the locks were waited for, others may have used something in a minute that was not asked about.
      if (bucketAt('minutes', last.at) !== bucketAt('minutes', asked.at)) continue
      const others = (found?.bound ?? []).filter(({ subject }) => !locked.has(subject.id))
      if (others.length === 0) return found
      // The key was moved, or limited, while the locks were waited for.
      for (const { subject } of others) {
        await connection.run(lockSubject, [subject.id])
        locked.add(subject.id)
      }
    }
  }

  /** What refers to a series that was forgotten meanwhile finds another one the next time. */
  async #tell<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const once = (connection: Connection): Promise<T> =>
      this.#options.dryRun
        ? connection.inTransaction(beginWriting, () => work({ connection, isWhole: true }), 'ROLLBACK')
        : work({ connection, isWhole: false })
    try {
      return await this.#pool.tell(once)
    } catch (error) {
      if (sqlState(error) !== '23503') throw error
      this.#accounts = new WeakMap()
      return await this.#pool.tell(once)
    }
  }

  /** Null without such a key or reservation. */
  async #countAtOnce(
    statement: string,
    id: string,
    usage: Usage,
    pricing: Pricing,
  ): Promise<ChargedKey | null> {
    const { memory, dryRun } = this.#options
    const { prices } = memory
    const counts = usage.isPriced ? usage.counts : pricing(usage, prices.rows)
    if (!dryRun && !isHuge(counts)) {
      const values = valuesOf(id, usage, usual, counts, memory)
      try {
        const [row] = await this.#pool.rows<Counting>(statement, values, 'writes')
        if (row === undefined) return null
        const { keyId, name, endUser, counted, trail } = row
        if (counted > 0) {
          if (trail !== null) memory.pricesAreSame(prices.version, trail)
          return { keyId, name, counts, endUser, overflow: null }
        }
      } catch (error) {
        // A series that was forgotten meanwhile is missing now.
        if (sqlState(error) !== '23503') throw error
      }
    }
    return this.#tell(turn => this.#count(turn, statement, id, usage, pricing))
  }

  /** The same where something may have to be made or looked at before. */
  async #count(
    turn: Turn,
    statement: string,
    id: string,
    usage: Usage,
    pricing: Pricing,
    isLocked = false,
  ): Promise<ChargedKey | null> {
    const { model, isPriced } = usage
    const { memory, factsOn } = this.#options
    let { endUser } = usage
    let isSure = false
    for (;;) {
      const { prices } = memory
      const counts = isPriced ? usage.counts : pricing(usage, prices.rows)
      const how = isSure ? sure : isHuge(counts) ? look : usual
      const values = valuesOf(id, { ...usage, endUser }, how, counts, memory)
      const [row] = await turn.connection.rows<Counting>(statement, values)
      if (row === undefined) return null
      if (row.isPriced && row.trail !== null) memory.pricesAreSame(prices.version, row.trail)
      if (!row.isPriced) {
        await factsOn(turn.connection).prices()
        continue
      }
      const { keyId, name, counted } = row
      if (counted > 0) return { keyId, name, counts, endUser: row.endUser, overflow: null }
      if (how !== sure && (how === look || row.isFilling)) {
        if (!isLocked) {
          return whole(turn, async inside => {
            await inside.connection.run(lockSubject, [keyId])
            return this.#count(inside, statement, id, { ...usage, endUser }, pricing, true)
          })
        }
        const life = await factsOn(turn.connection).lifeOf(keyId)
        const overflow = overflowOf(life?.counts ?? noCounts, counts)
        const whose = statement === settling ? row.endUser : ''
        if (overflow !== null) return { keyId, name, counts, endUser: whose, overflow }
        isSure = true
        continue
      }
      await makeModel(turn, model)
      if (statement === charging) endUser = await makeSeries(turn, keyId, endUser, this.#options.mostEndUsers)
    }
  }

  /** What was found before on the connection of the turn. */
  #accountsOn({ connection }: Turn): Accounts {
    // What a dry run makes it undoes, and behind a pooler a connection outlives a crash of the server.
    const isKept = !this.#options.dryRun && !connection.isPooled
    const known = isKept ? this.#accounts.get(connection) : undefined
    if (known !== undefined) return known
    const accounts = new Accounts()
    if (isKept) this.#accounts.set(connection, accounts)
    return accounts
  }

  async #make(turn: Turn, { series, models }: Missing): Promise<void> {
    for (const name of models) await makeModel(turn, name)
    for (const [id, whom] of series) await makeSeries(turn, id, whom, this.#options.mostEndUsers)
  }

  /** @param isLast whether what is missing was made, as far as there is room for it */
  async #enter(
    { connection }: Turn,
    begun: Promise<unknown>,
    groups: readonly (readonly Entry[])[],
    accounts: Accounts,
    now: number,
    isLast: boolean,
  ): Promise<readonly Entered[]> {
    const entries = groups.flat()
    const told = idsOf(entries)
    const [missing, held] = await Promise.all([
      accounts.lookUp(connection, entries),
      told.length === 0 ? [] : connection.rows<{ id: string }>(heldEvents, [told, 0]),
      connection.run('SET LOCAL synchronous_commit = on'),
      begun,
    ])
    if (!isLast && missing.series.length + missing.models.length > 0) throw new NotThere(missing)
    const isHeld = new Set(held.map(({ id }) => id))
    const heldIn = groups.map((group): Entered | undefined => {
      if (isHeld.size === 0) return undefined
      const index = group.findIndex(({ id }) => id !== null && isHeld.has(id))
      return index < 0 ? undefined : { held: index }
    })
    const refusals = await this.#refusalsOf(connection, groups, heldIn, accounts)
    const ids = idsOf(groups.filter((_, index) => refusals[index] === undefined).flat()).sort()
    const noted = ids.length === 0 ? [] : await connection.rows<{ id: string }>(noteEvents, [ids, now, 0])
    const isNew = new Set(noted.map(({ id }) => id))
    // While it was noted, a log may have come to hold it.
    if (isNew.size < ids.length && (await connection.run(heldEvents, [ids, 0])) > 0) throw new HeldMeanwhile()
    const rows = new UsageRows()
    const results = groups.map((group, index) => {
      const refusal = refusals[index]
      if (refusal !== undefined) return refusal
      let counted = 0
      const leftOut = new Set<string>()
      for (const { id, keyId, endUser, buckets } of group) {
        // The same id may be there twice.
        if (id !== null && !isNew.delete(id)) continue
        counted++
        const account = accounts.keys.get(keyId)
        const all = account?.series ?? undefined
        const own = endUser === '' ? undefined : account?.endUsers.get(endUser)
        if (endUser !== '' && own === undefined) leftOut.add(`${keyId} ${endUser}`)
        for (const { at, model, counts } of buckets) {
          const which = accounts.models.get(model) ?? 0
          if (all !== undefined) rows.add(all, at, which, counts)
          if (own !== undefined) rows.add(own, at, which, counts)
        }
      }
      return { counted, endUsersLeftOut: leftOut.size }
    })
    await rows.send(connection)
    return results
  }

  /** For each group why it is not counted; undefined if it is. */
  async #refusalsOf(
    connection: Connection,
    groups: readonly (readonly Entry[])[],
    heldIn: readonly (Entered | undefined)[],
    { keys }: Accounts,
  ): Promise<readonly (Entered | undefined)[]> {
    const suspects = new Set<string>()
    for (const group of groups) {
      for (const { keyId, counts } of group)
        if (keys.get(keyId)?.isFilling || isHuge(counts)) suspects.add(keyId)
    }
    const lives = new Map<string, UsageCounts>()
    for (const keyId of [...suspects].sort()) {
      await connection.run(lockSubject, [keyId])
      lives.set(keyId, (await this.#options.factsOn(connection).lifeOf(keyId))?.counts ?? noCounts)
    }
    const ids = suspects.size === 0 ? [] : idsOf(groups.flat().filter(({ keyId }) => suspects.has(keyId)))
    const known = ids.length === 0 ? [] : await connection.rows<{ id: string }>(knownEvents, [ids])
    const isKnown = new Set(known.map(({ id }) => id))
    return groups.map((group, n) => {
      if (heldIn[n] !== undefined) return heldIn[n]
      if (suspects.size === 0) {
        const gone = group.findIndex(({ keyId }) => !keys.has(keyId))
        return gone < 0 ? undefined : { refused: gone, full: null }
      }
      const grown = new Map(lives)
      for (const [index, { id, keyId, counts }] of group.entries()) {
        const name = keys.get(keyId)?.name
        if (name === undefined) return { refused: index, full: null }
        const life = grown.get(keyId)
        if (life === undefined) continue
        const overflow = overflowOf(life, counts)
        if (overflow === null) grown.set(keyId, addCounts(life, counts))
        // What was counted before is not counted again.
        else if (id === null || !isKnown.has(id)) return { refused: index, full: { name, overflow } }
      }
      for (const [keyId, life] of grown) lives.set(keyId, life)
      return undefined
    })
  }
}

interface ChargedKey extends Charged {
  readonly keyId: string
}

/** For the places of `holding`. */
const heldValues = (row: ReservationRow): Parameter[] => [
  row.keyId,
  row.endUser,
  row.model,
  row.id,
  row.createdAt,
  row.expiresAt,
  row.requests,
  row.tokens,
  row.costMicros,
]

/** For the places of `counting`. */
function valuesOf(
  id: string,
  { model, at, endUser, isPriced }: Usage,
  how: number,
  counts: UsageCounts,
  { prices, trail }: Memory,
): Parameter[] {
  const values: Parameter[] = [id, endUser, model, how]
  for (const width of widths) values.push(bucketAt(width, at))
  values.push(at)
  for (const counter of counterNames) values.push(counts[counter])
  if (isPriced) values.push(null, null)
  else values.push(prices.version, trail)
  return values
}

const idsOf = (entries: readonly Entry[]): string[] => entries.flatMap(({ id }) => (id === null ? [] : [id]))

/** Something to count for has to be made first. */
class NotThere extends Error {
  readonly missing: Missing

  constructor(missing: Missing) {
    super()
    this.missing = missing
  }
}

/** What was to be counted is in a log that is not sealed, and nothing of it is counted. */
class HeldMeanwhile extends Error {}

function orHeld(error: unknown): null {
  if (error instanceof HeldMeanwhile) return null
  throw error
}

/**
 * Locks whatever limits bind: the key, then its user, its project, the organization of that and the teams there, in the order of
 * their ids. It is a statement before the one that adds up.
 */
const lockAll = (connection: Connection, by: KeyBy): Promise<readonly { readonly id: string }[]> =>
  'hash' in by ? connection.rows(lockBySecret, [by.hash]) : connection.rows(lockById, [by.id])

/** In the order of its parts. A subquery with an order is done in it. */
const lockText = (condition: string): string => {
  const ofAll = '(member_id IS NULL OR member_id = keys.user_id)'
  const project = 'JOIN projects p ON p.id = keys.project_id'
  const parts = [
    ['keys.id', '', 'key_id = keys.id'],
    ['keys.user_id', '', 'user_id = keys.user_id'],
    ['keys.project_id', '', `project_id = keys.project_id AND ${ofAll}`],
    ['p.organization_id', project, `organization_id = p.organization_id AND ${ofAll}`],
    [
      't.id',
      `${project} JOIN team_members m ON m.user_id = keys.user_id
        JOIN teams t ON t.id = m.team_id AND t.organization_id = p.organization_id`,
      'team_id = t.id',
    ],
  ]
  return parts
    .map(
      ([id, joined, limited]) => `
      SELECT id, pg_advisory_xact_lock(hashtextextended(id, 0))::text FROM (
        SELECT ${id} AS id FROM keys ${joined}
        WHERE ${condition} AND EXISTS (SELECT FROM limits WHERE ${limited}) ORDER BY 1) s`,
    )
    .join(' UNION ALL ')
}

const lockById = lockText('keys.id = $1')
const lockBySecret = lockText('keys.id = (SELECT key_id FROM secrets WHERE hash = $1)')

/** $1 the key, $2 the end user, $3 the model. */
const chargedKey = `
  SELECT keys.id AS "keyId", keys.name AS name, s.id AS series, o.id AS "endUserSeries", m.id AS model, $2::text AS "endUser"
  FROM keys
  LEFT JOIN series s ON ${isOwn('s', "''")}
  LEFT JOIN series o ON $2 <> '' AND ${isOwn('o', '$2')}
  LEFT JOIN models m ON m.name = $3
  WHERE keys.id = $1`

const isComplete = `k.series IS NOT NULL AND k.model IS NOT NULL AND (k."endUserSeries" IS NOT NULL OR $2 = '')`

/**
 * $4 how, $5 to $7 the buckets, $8 when, then the counters, and the version of the prices that their cost was set by with the
 * trail by which they are known, or NULL.
 * Each width waits for the one before.
 */
function counting(found: string, ready: (condition: string) => string): string {
  const counters = counterColumns.map((_, index) => `$${index + 9}::bigint`).join(', ')
  const add = (width: Width, start: number, before: string, last = '') =>
    addTo(
      width,
      `SELECT whose.id, $${start}::bigint, whose.model, ${counters}${last} FROM whose WHERE ${before} ORDER BY whose.id`,
    )
  const filling = `EXISTS (SELECT FROM days WHERE days.series = k.series AND days.start = $7::bigint AND (${isFilling}))`
  const version = `$${counterColumns.length + 9}::text`
  const trail = `$${counterColumns.length + 10}::text`
  return `
    WITH k AS (${found}),
    ${priceState(trail, `${version} IS NOT NULL`)},
    priced AS MATERIALIZED (
      SELECT version IS NULL OR version = ${version} AS yes, CASE WHEN version IS NOT NULL THEN trail END AS trail FROM state),
    ready AS (${ready(`coalesce((SELECT yes FROM priced), true) AND ($4::int = ${sure} OR ($4::int = ${usual} AND NOT ${filling}))`)}),
    whose AS (SELECT series AS id, model FROM ready UNION ALL SELECT own, model FROM ready WHERE own IS NOT NULL),
    m AS (${add('minutes', 5, 'true')} RETURNING 1),
    h AS (${add('hours', 6, '(SELECT count(*) FROM m) > 0')} RETURNING 1),
    d AS (${add('days', 7, '(SELECT count(*) FROM h) > 0', ', $8::bigint')} RETURNING 1)
    SELECT k."keyId", k.name, k."endUser", (SELECT count(*) FROM d) AS counted, ${filling} AS "isFilling", coalesce((SELECT yes FROM priced), true) AS "isPriced", (SELECT trail FROM priced) AS trail FROM k`
}

const charging = counting(
  chargedKey,
  isSure => `
    SELECT k.series AS series, k."endUserSeries" AS own, k.model AS model FROM k WHERE ${isComplete} AND ${isSure}`,
)

const settling = counting(
  `SELECT r.*, m.id AS model FROM (${reservedFor('$1')}) r LEFT JOIN models m ON m.name = $3 WHERE $2 = ''`,
  isSure => `
    DELETE FROM reservations r USING k WHERE r.id = $1 AND k.model IS NOT NULL AND ${isSure}
    RETURNING r.series AS series, r.end_user_series AS own, k.model AS model`,
)

const holding = `
  WITH k AS (${chargedKey})
  INSERT INTO reservations (id, series, end_user_series, model, created_at, expires_at, requests, tokens, cost_micros)
  SELECT $4::text, k.series, k."endUserSeries", k.model, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint
  FROM k WHERE ${isComplete}`

/** Of a key that is gone, nothing. */
const addDenials = `
  INSERT INTO denials AS d (key_id, start, code, count, last_at)
  SELECT k.id, r.start, r.code, r.count, r.last_at
  FROM (SELECT id FROM keys WHERE id = ANY($1::text[]) ORDER BY id FOR KEY SHARE) k
  JOIN (
    SELECT key_id, start, code, sum(count)::bigint AS count, max(last_at) AS last_at
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[]) AS u (key_id, start, code, count, last_at)
    GROUP BY key_id, start, code
  ) r ON r.key_id = k.id
  ORDER BY k.id, r.start, r.code
  ON CONFLICT (key_id, start, code) DO UPDATE SET
    count = d.count + excluded.count, last_at = greatest(d.last_at, excluded.last_at)`

const knownEvents = 'SELECT id FROM counted_events WHERE id = ANY($1::text[])'
