/**
 * What is counted with every request, as statements compiled once per connection, in the transaction of the caller. No rule
 * may live here.
 */
import type { Statement } from 'bun:sqlite'
import {
  addTo,
  type Charged,
  type DenialRow,
  type Entered,
  type Entry,
  type KeyBy,
  type KeyFacts,
  type Moment,
  overflowOf,
  type Pricing,
  type Refuses,
  type ReservationRow,
  type RunningTotals,
  type Usage,
  type UsageCounts,
} from '../facts.ts'
import type { Client } from './client.ts'
import { bucketStart, minuteMs, type SqliteFacts, totalsOf } from './facts.ts'

type Values = (string | number | null)[]

export class SqliteUsage {
  readonly client: Client
  readonly #facts: SqliteFacts
  readonly #addToBucket: Statement<unknown, Values>
  readonly #addToTotals: Statement<unknown, Values>
  readonly #totals: Statement<RunningTotals, [string]>

  constructor(facts: SqliteFacts) {
    this.#facts = facts
    this.client = facts.client
    this.#addToBucket = this.client.keep(addToBucket)
    this.#addToTotals = this.client.keep(addToTotals)
    this.#totals = this.client.keep(totalsOf)
  }

  charge(keyId: string, usage: Usage, pricing: Pricing): Charged | null {
    const totals = this.#totals.get(keyId)
    if (totals === null) return null
    const { model, at, requests, inputTokens, outputTokens } = usage
    const costMicros = usage.costMicros ?? pricing(usage, this.#facts.prices())
    const counts = { requests, inputTokens, outputTokens, costMicros }
    const isCounted = overflowOf(totals, counts) === null
    if (isCounted) {
      this.#charge(keyId, at, counts)
      this.#book(keyId, at, model, counts)
    }
    return { totals, counts, isCounted }
  }

  enter(groups: readonly (readonly Entry[])[], at: number): readonly Entered[] {
    return groups.map(group => this.#refusalOf(group) ?? { counted: this.#enterAll(group, at) })
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
    this.client
      .prepare<unknown, Values>(
        'INSERT INTO reservations (id, key_id, created_at, expires_at, requests, tokens, cost_micros) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(row.id, row.keyId, row.createdAt, row.expiresAt, row.requests, row.tokens, row.costMicros)
  }

  settle(id: string, usage: Usage, pricing: Pricing) {
    const row = this.client
      .prepare<{ keyId: string }, Values>('SELECT key_id AS keyId FROM reservations WHERE id = ?')
      .get(id)
    if (row === null) return null
    const charged = this.charge(row.keyId, usage, pricing)
    if (charged?.isCounted) this.release(id)
    return { keyId: row.keyId, charged }
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

  #refusalOf(group: readonly Entry[]): Entered | null {
    const after = new Map<string, RunningTotals>()
    for (const [index, { id, keyId, counts }] of group.entries()) {
      const totals = after.get(keyId) ?? this.#totals.get(keyId)
      if (totals === null) return { refused: index, totals }
      if (overflowOf(totals, counts) === null) after.set(keyId, addTo(totals, counts))
      // What was counted before is not counted again.
      else if (id === null || !this.#hasEvent(id)) return { refused: index, totals }
    }
    return null
  }

  #enterAll(group: readonly Entry[], now: number): number {
    let entered = 0
    for (const { id, keyId, at, counts, buckets } of group) {
      if (id !== null && !this.#noteEvent(id, now)) continue
      this.#charge(keyId, at, counts)
      for (const bucket of buckets) this.#book(keyId, bucket.at, bucket.model, bucket.counts)
      entered++
    }
    return entered
  }

  #charge(keyId: string, at: number, { requests, inputTokens, outputTokens, costMicros }: UsageCounts): void {
    this.#addToTotals.run(requests, inputTokens, outputTokens, costMicros, at, at, keyId)
  }

  #book(
    keyId: string,
    at: number,
    model: string,
    { requests, inputTokens, outputTokens, costMicros }: UsageCounts,
  ): void {
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

  #hasEvent(id: string): boolean {
    return this.client.prepare('SELECT 1 FROM counted_events WHERE id = ?').get(id) !== null
  }

  #noteEvent(id: string, at: number): boolean {
    return this.client.prepare<unknown, Values>(noteEvent).run(id, at).changes > 0
  }
}

/** Id, when. */
export const noteEvent = 'INSERT INTO counted_events (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING'

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
