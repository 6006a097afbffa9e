/** Long work on buckets in small transactions, with pauses, so that others can record meanwhile. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../db/engine.ts'
import { type SQL, sql } from '../../db/query.ts'
import { series } from '../../db/schema/usage.ts'
import type { OperationContext } from '../context.ts'
import type { BucketTable } from './sum.ts'

/** Rows per transaction. */
export const rowsAtOnce = 5_000
const longestPauseMs = 100

/** One transaction, then a pause of the same length, so that others can get the lock. */
export async function inTurn<T>({ store }: OperationContext, work: (db: Database) => Promise<T>): Promise<T> {
  let took = 0
  const result = await store.write(async db => {
    const started = performance.now()
    const outcome = await work(db)
    took = performance.now() - started
    return outcome
  })
  await sleep(Math.min(longestPauseMs, took))
  return result
}

/** Deletes buckets, of one series after another. @param which as a condition on `old`, the table, and on `series` */
export async function dropBuckets(
  context: OperationContext,
  table: BucketTable,
  which: SQL,
): Promise<number> {
  for (let [removed, from] = [0, 0]; ; ) {
    const some = await inTurn(context, db =>
      db
        .delete(table)
        .where(
          sql`(${table.series}, ${table.start}, ${table.model}) IN (
            SELECT old.series, old.start, old.model FROM ${series} CROSS JOIN ${table} AS old
            WHERE old.series = ${series.id} AND ${series.id} >= ${from} AND ${which}
            ORDER BY ${series.id} LIMIT ${rowsAtOnce})`,
        )
        .returning({ series: table.series }),
    )
    removed += some.length
    if (some.length < rowsAtOnce) return removed
    from = some.reduce((last, row) => Math.max(last, row.series), from)
  }
}
