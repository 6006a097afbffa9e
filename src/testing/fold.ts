/** Folds buckets into wider ones, by hand: what any compaction does, for tests of all that must not notice. */
import type { Client } from '../db/client.ts'

export interface Fold {
  /** Width of the buckets that are folded, and of those that they become. */
  readonly from: number
  readonly to: number
  /** Wider buckets that end by then. */
  readonly before: number
  /** Only this key. */
  readonly key?: string
  /** Leaves the wider bucket that holds this moment alone: that of a reset. */
  readonly except?: number | undefined
}

interface Row {
  readonly key: string
  readonly start: number
  readonly model: string
}

/** In the transaction of the caller. Returns how many wider buckets it made. */
export function fold(client: Client, { from, to, before, key, except }: Fold): number {
  const rows = client
    .query(
      `SELECT DISTINCT key_id AS key, start - start % ?2 AS start, model FROM usage
       WHERE width_ms = ?1 AND start - start % ?2 + ?2 <= ?3 AND (?4 IS NULL OR key_id = ?4)`,
    )
    .all(from, to, before, key ?? null) as Row[]
  const wider = rows.filter(({ start }) => except === undefined || except < start || except >= start + to)
  for (const row of wider) {
    const taken = client
      .query(
        `DELETE FROM usage WHERE key_id = ? AND model = ? AND width_ms = ? AND start >= ? AND start < ?
         RETURNING requests, input_tokens, output_tokens, other_tokens, cost_micros`,
      )
      .values(row.key, row.model, from, row.start, row.start + to) as number[][]
    const sums = taken.reduce((sum, each) => sum.map((n, index) => n + (each[index] ?? 0)))
    client
      .query(
        `INSERT INTO usage (key_id, start, model, width_ms, requests, input_tokens, output_tokens, other_tokens, cost_micros)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET width_ms = excluded.width_ms, requests = requests + excluded.requests,
           input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
           other_tokens = other_tokens + excluded.other_tokens, cost_micros = cost_micros + excluded.cost_micros`,
      )
      .run(row.key, row.start, row.model, to, ...sums)
  }
  return wider.length
}
