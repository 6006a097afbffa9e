/**
 * Large logs are counted in steps, so that nobody waits for long. What a log used is first put into series of its own,
 * which are pending: nothing of them counts. Sealing makes all of it count at once. Afterwards the series are merged into
 * those that the keys had before. If a process ends in between, the next one undoes what is not sealed, and merges what is.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../contract/errors.ts'
import type { BulkUsage, Database } from '../../db/engine.ts'
import { and, asc, eq, gt, gte, idsOf, inArray, isNull, lte, type SQL, sql } from '../../db/query.ts'
import { organizationOf, teamsOf } from '../../db/rows.ts'
import { keys } from '../../db/schema/keys.ts'
import { countedEvents, days, ingests, series } from '../../db/schema/usage.ts'
import { dayMs, type Width, widthMs, widths } from '../../db/spans.ts'
import { collecting } from '../collecting.ts'
import type { OperationContext } from '../context.ts'
import { bucketTables, counterColumns, eachCounter, listed } from './sum.ts'
import { dropBuckets, inTurn, rowsAtOnce } from './turns.ts'

/** A log that is being counted, as it is stored. */
type Ingest = typeof ingests.$inferSelect

/** A small piece of work, by whatever transaction is open. Returns how many rows it had. */
export type Part = (bulk: BulkUsage) => Promise<number>

/** Every event id keeps the number of its log: with the time of counting, this is enough, and three bytes. */
const mostNumbers = 2 ** 23 - 1
/** How long a transaction lasts, in milliseconds, before it ends after the part under way. */
const stepMs = 120
/** Whoever waits for the lock looks for it at least this often. */
const pauseMs = 25

/**
 * Counts a log whose parts `count` runs in transactions of their own.
 *
 * @param at when its events are counted
 * @param seal in the transaction that makes all of it count; false if it does not count after all
 * @returns null if it does not count
 * @throws conflict (a key in it was deleted, or the database restored), busy. Nothing of it counts then
 */
export async function countInSteps<T>(
  context: OperationContext,
  at: number,
  count: (run: (parts: Iterable<Part>) => Promise<void>) => Promise<T>,
  seal: (db: Database) => Promise<boolean>,
): Promise<T | null> {
  const { store } = context
  const ingest = { id: 1 + Math.floor(Math.random() * mostNumbers), at }
  await store.write(db => db.insert(ingests).values(ingest))
  let result: T
  try {
    result = await count(parts => runInSteps(context, ingest, parts))
    const isSealed = await store.write(async db => {
      await requireOwn(db, ingest)
      if (!(await seal(db))) return false
      await sealAll(db, ingest)
      return true
    })
    if (!isSealed) {
      await undo(context, ingest)
      return null
    }
  } catch (error) {
    // What cannot be undone now, such as on a full disk, counts as little, and the next one undoes it.
    await undo(context, ingest).catch(() => {})
    throw error
  }
  // All of it counts. What is not merged now, the next one merges.
  await mergeSealed(context).catch(() => {})
  return result
}

/** Undoes logs that were being counted when their process ended, and merges what is sealed. Only `alone`. */
export async function tidyUp(context: OperationContext): Promise<void> {
  const left = await context.store.read(async db => db.select().from(ingests))
  for (const ingest of left) await undo(context, ingest)
  await mergeSealed(context)
}

/** The same if no log is being counted in steps right now. */
export async function tidyUpIfAlone(context: OperationContext): Promise<void> {
  const { store } = context
  if (store.dryRun) return
  try {
    await store.alone('none', () => tidyUp(context))
  } catch (error) {
    if (!(error instanceof LatchkeyError) || error.code !== 'busy') throw error
  }
}

/** Once an event turned out to be of a log that is being counted: waits for that, or undoes it if its process ended. @throws busy */
export const outwait = (context: OperationContext): Promise<void> =>
  context.store.alone('usual', () => tidyUp(context))

async function runInSteps(context: OperationContext, ingest: Ingest, parts: Iterable<Part>): Promise<void> {
  const each = parts[Symbol.iterator]()
  const take = (): Part | null => {
    const next = each.next()
    return next.done === true ? null : next.value
  }
  const collect = collecting()
  for (let part = take(); part !== null; await sleep(pauseMs)) {
    let rows = 0
    part = await context.store.write(async db => {
      await requireOwn(db, ingest)
      const until = performance.now() + stepMs
      return db.bulk(async bulk => {
        let next = part
        while (next !== null && performance.now() < until) {
          rows += await next(bulk)
          next = take()
        }
        return next
      }, ingest.id)
    })
    // That takes long too, and nobody has to wait for it here.
    collect(rows)
  }
}

/** Another content of the file has other series by the same numbers. */
async function requireOwn(db: Database, { id, at }: Ingest): Promise<void> {
  const found = await db
    .select()
    .from(ingests)
    .where(and(eq(ingests.id, id), eq(ingests.at, at)))
  if (found.length > 0) return
  throw new LatchkeyError(
    'conflict',
    'the database was restored while the log was counted, so nothing was counted',
    'run it again',
  )
}

const pendingOf = ({ id }: Ingest) => and(eq(series.ingest, id), eq(series.pending, 1))

/** A key in a log was deleted since the log was read. */
export const keyDeleted = (): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    'a key in the log was deleted while the log was read, so nothing was counted',
    'run it again',
  )

const ofKeys = { organization: sql.raw(organizationOf('keys')), teams: sql.raw(teamsOf('keys')) }

/** The usage belongs to whoever has the keys now. Where a key had no series for that, this one is it from now on. */
async function sealAll(db: Database, ingest: Ingest): Promise<void> {
  const gone = await db
    .select({ id: series.id })
    .from(series)
    .leftJoin(keys, eq(keys.id, series.keyId))
    .where(and(pendingOf(ingest), isNull(keys.id)))
    .limit(1)
  if (gone.length > 0) throw keyDeleted()
  await db.run(sql`
    UPDATE series SET pending = 0, user_id = coalesce(keys.user_id, ''), project_id = coalesce(keys.project_id, ''),
      organization_id = ${ofKeys.organization}, team_ids = ${ofKeys.teams},
      ingest = CASE WHEN EXISTS (
        SELECT 1 FROM series AS former WHERE former.key_id = series.key_id AND former.end_user = series.end_user
          AND former.pending = 0 AND former.user_id = coalesce(keys.user_id, '')
          AND former.project_id = coalesce(keys.project_id, '') AND former.ingest = 0
          AND former.organization_id = ${ofKeys.organization} AND former.team_ids = ${ofKeys.teams}
      ) THEN series.ingest ELSE 0 END
    FROM keys WHERE ${and(eq(keys.id, series.keyId), pendingOf(ingest))}`)
  await db.delete(ingests).where(eq(ingests.id, ingest.id))
}

/** Last of all that it was there: so whoever is interrupted here is followed by another. */
async function undo(context: OperationContext, ingest: Ingest): Promise<void> {
  const { id, at } = ingest
  const noted = and(eq(countedEvents.at, at), eq(countedEvents.ingest, id))
  await inParts(context, async db => {
    const some = await db.select({ id: countedEvents.id }).from(countedEvents).where(noted).limit(rowsAtOnce)
    if (some.length > 0) await db.delete(countedEvents).where(inArray(countedEvents.id, idsOf(some)))
    return some.length
  })
  const isPending = sql`${series.ingest} = ${id} AND ${series.pending} = 1`
  for (const width of widths) await dropBuckets(context, bucketTables[width], isPending)
  await inParts(context, async db => {
    const some = await db.select({ id: series.id }).from(series).where(pendingOf(ingest)).limit(rowsAtOnce)
    if (some.length > 0) await db.delete(series).where(inArray(series.id, idsOf(some)))
    return some.length
  })
  await context.store.write(db => db.delete(ingests).where(and(eq(ingests.id, id), eq(ingests.at, at))))
}

/** One transaction after another, each of which tells how many rows it had, until one had less than it could. */
async function inParts(context: OperationContext, work: (db: Database) => Promise<number>): Promise<void> {
  while ((await inTurn(context, work)) === rowsAtOnce);
}

/** Moves what sealed logs used into the series that their keys had before. No sum changes at any time. */
async function mergeSealed({ store }: OperationContext): Promise<void> {
  if (await store.read(async db => (await db.$count(series, sealed)) === 0)) return
  for (let from: number | null = 0; from !== null; ) {
    // The seal was a transaction too: whoever waits gets the lock first.
    await sleep(pauseMs)
    from = await store.write(db => mergeSome(db, from ?? 0))
  }
}

const sealed = and(gt(series.ingest, 0), eq(series.pending, 0))

/** Merges some series, the first of them with this number or a greater one. Returns where to go on; null after the last. */
async function mergeSome(db: Database, from: number): Promise<number | null> {
  const until = performance.now() + stepMs
  const found = await db
    .select({ id: series.id, rows: sql<number>`${rowsOf('minutes')} + ${rowsOf('hours')}` })
    .from(series)
    .where(and(sealed, gte(series.id, from)))
    .orderBy(asc(series.id))
    .limit(mostMerged)
  let [last] = found
  if (last === undefined) return null
  const first = last.id
  let rows = 0
  for (const each of found) {
    rows += each.rows
    if (rows > rowsMerged) break
    last = each
  }
  const some = and(sealed, gte(series.id, first), lte(series.id, last.id))
  await db
    .update(series)
    .set({ ingest: 0 })
    .where(sql`${some} AND NOT EXISTS (SELECT 1 FROM series AS former WHERE ${isFormer})`)
  if (last.rows > rowsMerged) {
    const used = await db.selectDistinct({ start: days.start }).from(days).where(eq(days.series, last.id))
    for (const { start } of used) {
      for (const width of widths) {
        const inDay = dayMs / widthMs[width]
        await move(db, width, some, sql`AND start >= ${start * inDay} AND start < ${(start + 1) * inDay}`)
      }
      if (performance.now() >= until) return first
    }
  }
  for (const width of widths) await move(db, width, some)
  await db.delete(series).where(some)
  return last.id + 1
}

/** Series at most, and minutes and hours in them, that one transaction merges. A series with more is merged by the day. */
const mostMerged = 1_000
const rowsMerged = 10_000

const rowsOf = (table: 'minutes' | 'hours') =>
  sql.raw(`(SELECT count(*) FROM ${table} AS part WHERE part.series = series.id)`)

const isFormer = sql`former.key_id = series.key_id AND former.end_user = series.end_user AND former.pending = 0
  AND former.user_id = series.user_id AND former.project_id = series.project_id AND former.ingest = 0
  AND former.organization_id = series.organization_id AND former.team_ids = series.team_ids`

/** Moves the buckets of some series, or those of a time, into the series before. */
async function move(db: Database, width: Width, some: SQL | undefined, when = sql``): Promise<void> {
  const table = bucketTables[width]
  const columns = listed(counterColumns)
  const sums = listed(
    eachCounter(
      name =>
        sql`${counterColumns[name]} = ${table}.${counterColumns[name]} + excluded.${counterColumns[name]}`,
    ),
  )
  const last = width === 'days' ? sql`, last_at` : sql``
  const later = sql`, last_at = CASE WHEN excluded.last_at > ${days}.last_at THEN excluded.last_at ELSE ${days}.last_at END`
  await db.run(sql`INSERT INTO ${table} (series, start, model, ${columns}${last})
    SELECT former.id, start, model, ${columns}${last}
    FROM ${series} CROSS JOIN series AS former CROSS JOIN ${table} AS bucket
    WHERE ${some} AND ${isFormer} AND bucket.series = ${series.id} ${when}
    ON CONFLICT (series, start, model) DO UPDATE SET ${sums}${width === 'days' ? later : sql``}`)
  await db.run(
    sql`DELETE FROM ${table} WHERE series IN (SELECT ${series.id} FROM ${series} WHERE ${some}) ${when}`,
  )
}
