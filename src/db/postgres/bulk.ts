/** For counting millions of events: rows are sent many at a time. No rule may live here. */
import type { BulkUsage, Noted } from '../engine.ts'
import { type Width, widths } from '../spans.ts'
import { BucketRows, bucketRows, heldEvents, noteEvents } from './buckets.ts'
import type { Connection } from './connection.ts'
import { modelOf, pendingSeriesOf, seriesOf } from './series.ts'

/**
 * Runs `work` in the transaction of the connection.
 *
 * @param ingest the log that it counts for; 0 for none, and then nobody else counts until the transaction ends
 */
export async function withBulkUsage<T>(
  connection: Connection,
  mostEndUsers: number,
  work: (bulk: BulkUsage) => Promise<T>,
  ingest = 0,
): Promise<T> {
  if (ingest === 0) await connection.run(lockBuckets)
  const turn = { connection, isWhole: true }
  const rows = bucketRows()
  let sent: Promise<unknown> = Promise.resolve()
  const send = (width: Width): void => {
    const some = rows[width]
    rows[width] = new BucketRows(width)
    const sending = some.send(connection)
    // Whoever asks or ends waits for all of them, and hears of the first that failed.
    sent = Promise.all([sent, sending])
    sent.catch(() => {})
  }
  const result = await work({
    seriesOf: async (keyId, endUser) => {
      await sent
      return ingest === 0
        ? seriesOf(turn, keyId, endUser, mostEndUsers)
        : pendingSeriesOf(turn, keyId, endUser, mostEndUsers, ingest)
    },
    modelOf: async name => {
      await sent
      return modelOf(turn, name)
    },
    add: (width, series, start, model, counts, offset, lastAt) => {
      rows[width].add(series, start, model, counts, offset, lastAt)
      if (rows[width].size >= rowsAtOnce) send(width)
    },
    noteEvents: async (ids, at) => {
      await sent
      const noted = await connection.rows<{ id: string }>(noteEvents, [ids, at, ingest])
      const isNew = new Set(noted.map(({ id }) => id))
      const held =
        isNew.size === ids.length ? [] : await connection.rows<{ id: string }>(heldEvents, [ids, ingest])
      const isHeld = new Set(held.map(({ id }) => id))
      return ids.map((id): Noted => (isNew.delete(id) ? 'new' : isHeld.has(id) ? 'held' : 'counted'))
    },
  })
  for (const width of widths) send(width)
  await sent
  return result
}

const rowsAtOnce = 5_000

/** In the order in which recording takes them. */
const lockBuckets = 'LOCK TABLE minutes, hours, days IN SHARE ROW EXCLUSIVE MODE'
