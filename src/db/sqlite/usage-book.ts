/**
 * What is counted with every request, as statements compiled once per connection, in the transaction of the caller. No rule
 * may live here.
 */
import type { Statement } from 'bun:sqlite'
import type { NoSeries } from '../engine.ts'
import {
  addCounts,
  type Bucket,
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
import { counterColumns, isFilling, organizationOf, type ReservedFor, reservedFor, teamsOf } from '../rows.ts'
import { dayMs, hourMs, minuteMs, type Width } from '../spans.ts'
import type { ArrayStatement, Client } from './client.ts'
import type { Counted } from './counted.ts'
import type { SqliteFacts } from './facts.ts'

type Values = (string | number | null)[]

/** A key as usage needs it, and its series, if it has used anything as it belongs now. */
interface ChargedKey {
  readonly name: string
  readonly series: number | null
}

export class SqliteUsage {
  /** Told of each transaction that is committed. */
  onCounted: ((counted: Counted) => void) | undefined
  readonly client: Client
  readonly #facts: SqliteFacts
  readonly #key: Statement<ChargedKey, [string, string]>
  readonly #model: Statement<{ id: number }, [string]>
  readonly #filling: Statement<unknown, [number, number]>
  readonly #minutes: ArrayStatement<unknown>
  readonly #hours: ArrayStatement<unknown>
  readonly #days: ArrayStatement<unknown>
  readonly #ingest: Statement<unknown, []>
  #lookups: Lookups | undefined
  /** Of the transaction, as in `Counted`. */
  #before = Number.NaN
  #firstDay = Number.POSITIVE_INFINITY
  #hasNewSeries = false
  readonly #lastUses = new Map<string, number>()
  /** Whether a log is counted in steps. */
  #isAnyHeld: boolean | undefined

  constructor(facts: SqliteFacts) {
    this.#facts = facts
    this.client = facts.client
    this.#key = this.client.keep(chargedKey)
    this.#filling = this.client.keep(fillingDay)
    this.#model = this.client.keep('SELECT id FROM models WHERE name = ?')
    this.#minutes = this.client.keepForArrays(addTo('minutes'))
    this.#hours = this.client.keepForArrays(addTo('hours'))
    this.#days = this.client.keepForArrays(addTo('days'))
    this.#ingest = this.client.keep('SELECT 1 FROM ingests LIMIT 1')
  }

  /** A transaction has begun that does nothing but count. */
  begun(): void {
    this.#facts.begun()
    this.#before = this.client.changeCounter()
    this.#firstDay = Number.POSITIVE_INFINITY
    this.#hasNewSeries = false
    this.#isAnyHeld = undefined
    if (this.#lastUses.size > 0) this.#lastUses.clear()
    this.#lookups ??= new Lookups()
    this.#lookups.begun(this.#before)
  }

  /** It is committed. */
  committed(): void {
    this.#facts.committed()
    const after = this.client.changeCounter()
    this.#lookups?.committed(after)
    this.onCounted?.({
      before: this.#before,
      after,
      firstDay: this.#firstDay,
      hasNewSeries: this.#hasNewSeries,
      lastUses: this.#lastUses,
    })
  }

  /** It, or a part of it, is undone. */
  undone(): void {
    this.#hasNewSeries = true
    this.#lookups?.forget()
  }

  charge(keyId: string, usage: Usage, pricing: Pricing): Charged | null {
    const key = this.#keyOf(keyId, '')
    if (key === null) return null
    const counts = usage.isPriced ? usage.counts : pricing(usage, this.#facts.prices())
    const overflow = this.#overflow(keyId, key.series, usage.at, counts)
    if (overflow === null) {
      const { at, model, endUser } = usage
      const series = key.series ?? this.#addSeries(keyId, key, '')
      this.#use(keyId, at)
      this.#book(series, { at, model, counts })
      const own = this.#endUserSeries(keyId, endUser)
      if (own !== null) this.#book(own, { at, model, counts })
      return { name: key.name, counts, endUser: own === null ? '' : endUser, overflow }
    }
    return { name: key.name, counts, endUser: '', overflow }
  }

  enter(groups: readonly (readonly Entry[])[], at: number): readonly Entered[] {
    this.#isAnyHeld ??= this.#ingest.get() !== null
    const isAnyHeld = this.#isAnyHeld
    return groups.map(
      group =>
        (isAnyHeld ? this.#heldIn(group) : null) ?? this.#refusalOf(group) ?? this.#enterAll(group, at),
    )
  }

  reserve<D extends { readonly hold: ReservationRow | null }>(
    key: KeyBy,
    moment: () => Moment,
    refuses: Refuses,
    decide: (found: KeyFacts | null) => D,
  ): D {
    const decision = decide(this.#facts.keyAt(key, moment(), refuses))
    if (decision.hold !== null) this.addReservation(decision.hold)
    return decision
  }

  addReservation(row: ReservationRow): void {
    const { id, keyId, endUser, model, createdAt, expiresAt, requests, tokens, costMicros } = row
    this.client
      .prepare<unknown, Values>(
        `INSERT INTO reservations
           (id, series, end_user_series, model, created_at, expires_at, requests, tokens, cost_micros)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        id,
        this.seriesOf(keyId),
        this.#endUserSeries(keyId, endUser),
        this.modelOf(model),
        createdAt,
        expiresAt,
        requests,
        tokens,
        costMicros,
      )
  }

  /** Charges the series that the reservation was made for, even if its key was moved or deleted since. */
  settle(id: string, usage: Usage, pricing: Pricing) {
    const row = this.client.prepare<ReservedFor, Values>(reserved).get(id)
    if (row === null) return null
    const { keyId, name, series, endUserSeries, endUser } = row
    const counts = usage.isPriced ? usage.counts : pricing(usage, this.#facts.prices())
    const overflow = this.#overflow(keyId, series, usage.at, counts)
    if (overflow === null) {
      const bucket = { at: usage.at, model: usage.model, counts }
      this.#use(keyId, usage.at)
      this.#book(series, bucket)
      if (endUserSeries !== null) this.#book(endUserSeries, bucket)
      this.release(id)
    }
    return { keyId, charged: { name, counts, endUser, overflow } }
  }

  release(id: string): boolean {
    return this.client.prepare<unknown, Values>('DELETE FROM reservations WHERE id = ?').run(id).changes > 0
  }

  addDenials(rows: readonly DenialRow[]): void {
    const add = this.client.prepare<unknown, Values>(
      `INSERT INTO denials (key_id, start, code, count, last_at)
       SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM keys WHERE id = ?1)
       ON CONFLICT (key_id, start, code) DO UPDATE SET
         count = count + excluded.count, last_at = max(last_at, excluded.last_at)`,
    )
    for (const { keyId, start, code, count, lastAt } of rows) add.run(keyId, start, code, count, lastAt)
  }

  /** The series of a key, or of an end user of it, as it belongs now. */
  findSeries(keyId: string, endUser: string): number | NoSeries {
    const key = this.#keyOf(keyId, endUser)
    if (key === null) return 'no key'
    if (key.series !== null) return key.series
    return this.#facts.hasRoom(keyId, endUser) ? this.#addSeries(keyId, key, endUser) : 'no room'
  }

  /** The same of all end users of a key that is there. */
  seriesOf(keyId: string): number {
    const series = this.findSeries(keyId, '')
    if (typeof series === 'string') throw new Error('usage of a key that does not exist')
    return series
  }

  /** Null without an end user, or room for them. */
  #endUserSeries(keyId: string, endUser: string): number | null {
    const series = endUser === '' ? null : this.findSeries(keyId, endUser)
    return typeof series === 'string' ? null : series
  }

  modelOf(name: string): number {
    const before = this.#lookups?.models.get(name)
    if (before !== undefined) return before
    const known = this.#model.get(name)
    const id = known?.id ?? this.#added('INSERT INTO models (name) VALUES (?)', name)
    this.#lookups?.models.set(name, id)
    return id
  }

  #keyOf(keyId: string, endUser: string): ChargedKey | null {
    const name = seriesName(keyId, endUser)
    const known = this.#lookups?.keys.get(name)
    if (known !== undefined) return known
    const key = this.#key.get(keyId, endUser)
    if (key !== null && key.series !== null) this.#lookups?.keys.set(name, key)
    return key
  }

  #addSeries(keyId: string, key: ChargedKey, endUser: string): number {
    const series = this.#added(addSeries, keyId, endUser)
    this.#lookups?.keys.set(seriesName(keyId, endUser), { ...key, series })
    return series
  }

  #added(sql: string, ...values: string[]): number {
    this.#hasNewSeries = true
    return Number(this.client.prepare<unknown, string[]>(sql).run(...values).lastInsertRowid)
  }

  /** Only huge counts may have no room, or any where so much was counted on that day. */
  #overflow(keyId: string, series: number | null, at: number, counts: UsageCounts) {
    if (!isHuge(counts) && !this.#isFilling(series, at)) return null
    return overflowOf(this.#facts.lifeOf(keyId)?.counts ?? noCounts, counts)
  }

  #isFilling(series: number | null, at: number): boolean {
    return series !== null && this.#filling.get(series, Math.floor(at / dayMs)) !== null
  }

  #heldIn(group: readonly Entry[]): Entered | null {
    const held = this.client.prepare<unknown, Values>(heldEvent)
    const index = group.findIndex(({ id }) => id !== null && held.get(id, 0) !== null)
    return index < 0 ? null : { held: index }
  }

  #refusalOf(group: readonly Entry[]): Entered | null {
    const lives = new Map<string, UsageCounts>()
    for (const [index, { id, keyId, counts, buckets }] of group.entries()) {
      const key = this.#keyOf(keyId, '')
      if (key === null) return { refused: index, full: null }
      const isFilling = this.#isFilling(key.series, buckets[0]?.at ?? 0)
      if (!lives.has(keyId) && !isHuge(counts) && !isFilling) continue
      const life = lives.get(keyId) ?? this.#facts.lifeOf(keyId)?.counts ?? noCounts
      const overflow = overflowOf(life, counts)
      if (overflow === null) lives.set(keyId, addCounts(life, counts))
      // What was counted before is not counted again.
      else if (id === null || !this.#hasEvent(id))
        return { refused: index, full: { name: key.name, overflow } }
    }
    return null
  }

  #enterAll(group: readonly Entry[], now: number): Entered {
    let counted = 0
    const leftOut = new Set<string>()
    for (const { id, keyId, endUser, buckets } of group) {
      if (id !== null && !this.#noteEvent(id, now)) continue
      const series = this.seriesOf(keyId)
      for (const bucket of buckets) {
        this.#use(keyId, bucket.at)
        this.#book(series, bucket)
      }
      const own = this.#endUserSeries(keyId, endUser)
      if (own !== null) for (const bucket of buckets) this.#book(own, bucket)
      else if (endUser !== '') leftOut.add(`${keyId} ${endUser}`)
      counted++
    }
    return { counted, endUsersLeftOut: leftOut.size }
  }

  #use(keyId: string, at: number): void {
    if (this.onCounted) this.#lastUses.set(keyId, Math.max(at, this.#lastUses.get(keyId) ?? at))
  }

  #book(series: number, { at, model: name, counts }: Bucket): void {
    const model = this.modelOf(name)
    const values = [series, Math.floor(at / minuteMs), model]
    for (const counter of counterNames) values.push(counts[counter])
    this.#minutes.run(values)
    values[1] = Math.floor(at / hourMs)
    this.#hours.run(values)
    const day = Math.floor(at / dayMs)
    values[1] = day
    this.#firstDay = Math.min(this.#firstDay, day)
    values.push(at)
    this.#days.run(values)
  }

  #hasEvent(id: string): boolean {
    return this.client.prepare('SELECT 1 FROM counted_events WHERE id = ?').get(id) !== null
  }

  #noteEvent(id: string, at: number): boolean {
    return this.client.prepare<unknown, Values>(noteEvent).run(id, at, 0).changes > 0
  }
}

/** Ids have no spaces. */
const seriesName = (keyId: string, endUser: string): string =>
  endUser === '' ? keyId : `${keyId} ${endUser}`

/**
 * What transactions that count have looked up or added. It holds until somebody else changes the database, in this process
 * or another, or until it is undone.
 */
class Lookups {
  readonly keys = new Map<string, ChargedKey>()
  readonly models = new Map<string, number>()
  /** As of the last commit that counted. */
  #version = Number.NaN

  begun(version: number): void {
    const isFull = this.keys.size > mostLookups || this.models.size > mostLookups
    if (isFull || version !== this.#version) this.forget()
  }

  committed(version: number): void {
    this.#version = version
  }

  forget(): void {
    this.keys.clear()
    this.models.clear()
  }
}

const mostLookups = 10_000

/** Series, number of the day: whether so much was counted on it that the life of the key has to be summed. */
const fillingDay = `SELECT 1 FROM days WHERE series = ? AND start = ? AND (${isFilling})`

/** Key, end user. As a join it takes ten times as long. */
const chargedKey = `
  SELECT k.name AS name,
    (SELECT s.id FROM series s WHERE s.key_id = k.id AND s.end_user = ?2 AND s.pending = 0
       AND s.user_id = coalesce(k.user_id, '') AND s.project_id = coalesce(k.project_id, '') AND s.ingest = 0
       AND s.organization_id = ${organizationOf('k')} AND s.team_ids = ${teamsOf('k')}) AS series
  FROM keys k WHERE k.id = ?1`

/** Key, end user. */
const addSeries = `
  INSERT INTO series (key_id, end_user, user_id, project_id, organization_id, team_ids)
  SELECT k.id, ?2, coalesce(k.user_id, ''), coalesce(k.project_id, ''), ${organizationOf('k')}, ${teamsOf('k')}
  FROM keys k WHERE k.id = ?1`

const reserved = reservedFor('+?')

/** Id, when, the log that is counted in steps or 0. */
export const noteEvent = 'INSERT INTO counted_events (id, at, ingest) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'

/** Id, own log: whether another log has the event that is not sealed yet. */
export const heldEvent = `
  SELECT 1 FROM counted_events e JOIN ingests i ON i.id = e.ingest AND i.at = e.at WHERE e.id = ? AND e.ingest <> ?`

/** Series, start, model, the counters in their order, when it was used last (which only days keep). */
export function addTo(table: Width): string {
  const columns = ['series', 'start', 'model', ...counterColumns]
  const places = columns.map((_, index) => `?${index + 1}`)
  const sums = counterColumns.map(column => `${column} = ${column} + excluded.${column}`)
  const last = `?${columns.length + 1}`
  if (table === 'days') {
    columns.push('last_at')
    places.push(last)
    sums.push('last_at = max(last_at, excluded.last_at)')
  }
  return `
    INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places.join(', ')})
    ON CONFLICT (series, start, model) DO UPDATE SET ${sums.join(', ')}`
}
