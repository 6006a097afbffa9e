/**
 * Merges old minutes into hours and old hours into days. Never changes a sum: a bucket is only replaced by one with the
 * same contents that covers its time. Works in small transactions with pauses, so that others can record meanwhile.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Compacted } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, count, eq, gt, gte, inArray, isNotNull, lt, or, sql } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { limits, reservations } from '../../db/schema/limits.ts'
import { countedEvents, countedFiles, denials, usage } from '../../db/schema/usage.ts'
import * as audit from '../audit.ts'
import type { OperationContext } from '../context.ts'
import * as rules from '../rules/input.ts'
import { type CompactOptions, compactOptions } from './input.ts'
import { startOf, summed } from './sum.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
type Width = typeof hourMs | typeof dayMs

/** Rows per transaction, roughly. */
const rowsAtOnce = 5_000
const reservationsKeptMs = dayMs
/** After this, an event id or a file counts again if it is repeated, and denials are forgotten. */
const countedKeptMs = 400 * dayMs
const longestPauseMs = 100

/**
 * A window that is longer than minutes are kept is then exact to the hour (or day) at its far end. An hour with a reset is
 * not compacted until it has left the limit's window. Also removes reservations that timed out a day ago, and denials,
 * event ids and files from 400 days ago.
 *
 * @throws invalid
 */
export async function compactUsage(
  context: OperationContext,
  options: CompactOptions = {},
): Promise<Compacted> {
  const { minutesForMs, hoursForMs } = rules.parse(compactOptions, options)
  if (minutesForMs < hourMs || hoursForMs < minutesForMs) {
    throw new LatchkeyError(
      'invalid',
      'keep minutes for at least an hour, and hours for at least as long as minutes',
      'for example: latchkey usage compact --minutes-for 7d --hours-for 400d',
    )
  }
  const now = context.now().getTime()
  const rowsBefore = await context.store.read(db => db.$count(usage))
  // Days first, so that these rows are not merged into hours before.
  const days = await fold(context, dayMs, now - hoursForMs)
  const hours = await fold(context, hourMs, now - minutesForMs)
  const report: Compacted = {
    rowsBefore,
    rowsAfter: rowsBefore - days.removed + days.added - hours.removed + hours.added,
    foldedIntoHours: hours.removed,
    foldedIntoDays: days.removed,
    reservationsRemoved: await purge(context, outdated.reservations, now - reservationsKeptMs),
    eventsForgotten: await purge(context, outdated.events, now - countedKeptMs),
    filesForgotten: await purge(context, outdated.files, now - countedKeptMs),
    denialsForgotten: await purge(context, outdated.denials, now - countedKeptMs - dayMs),
  }
  const { rowsBefore: _, rowsAfter: __, ...changes } = report
  if (Object.values(changes).some(count => count > 0)) {
    await context.store.write(db =>
      audit.record(context, db, {
        action: 'usage.compact',
        target: { type: 'database', id: 'usage', name: null },
        after: report,
      }),
    )
  }
  return report
}

interface Folded {
  removed: number
  added: number
}

/** A stretch of one key's time, of whole buckets of the new width. */
interface Stretch {
  readonly keyId: string
  readonly from: number
  readonly until: number
  /** Rows that it holds, about. */
  readonly rows: number
}

/** Merges buckets narrower than `width` that ended before `cutoff`. */
async function fold(context: OperationContext, width: Width, cutoff: number): Promise<Folded> {
  const until = Math.floor(cutoff / width) * width
  const total: Folded = { removed: 0, added: 0 }
  const narrow = and(lt(usage.widthMs, width), lt(usage.start, until))
  const keyIds = await context.store.read(db =>
    db.select({ id: usage.keyId }).from(usage).where(narrow).groupBy(usage.keyId),
  )
  let batch: Stretch[] = []
  let rows = 0
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const stretches = batch
    batch = []
    rows = 0
    await inTurn(context, async db => {
      for (const stretch of stretches) {
        const { removed, added } = await foldStretch(db, width, stretch)
        total.removed += removed
        total.added += added
      }
    })
  }
  for (const { id } of keyIds) {
    for (const stretch of await stretchesOf(context, id, width, until)) {
      batch.push(stretch)
      rows += stretch.rows
      if (rows >= rowsAtOnce) await flush()
    }
  }
  await flush()
  return total
}

/** The parts of one key's time to merge, each of limited size, without buckets that contain a reset. */
async function stretchesOf(
  context: OperationContext,
  keyId: string,
  width: Width,
  until: number,
): Promise<readonly Stretch[]> {
  const bucket = startOf(width).as('bucket')
  const { buckets, resets } = await context.store.read(async db => ({
    buckets: await db
      .select({ bucket, rows: count() })
      .from(usage)
      .where(and(eq(usage.keyId, keyId), lt(usage.widthMs, width), lt(usage.start, until)))
      .groupBy(sql`bucket`)
      .orderBy(sql`bucket`),
    resets: await resetsOf(db, keyId, context.now().getTime()),
  }))
  const stretches: Stretch[] = []
  let current: { from: number; until: number; rows: number } | undefined
  const end = (): void => {
    if (current) stretches.push({ keyId, ...current })
    current = undefined
  }
  for (const { bucket: from, rows } of buckets) {
    // Usage before and after a reset must not end up in one bucket.
    if (resets.some(at => at >= from && at < from + width)) {
      end()
      continue
    }
    current = { from: current?.from ?? from, until: from + width, rows: (current?.rows ?? 0) + rows }
    if (current.rows >= rowsAtOnce) end()
  }
  end()
  return stretches
}

/** Reset times of all limits that apply to the key, as far as they still matter. */
async function resetsOf(db: Database, keyId: string, now: number): Promise<readonly number[]> {
  const rows = await db
    .select({ at: limits.resetAt })
    .from(limits)
    .innerJoin(
      keys,
      or(eq(limits.keyId, keys.id), eq(limits.userId, keys.userId), eq(limits.projectId, keys.projectId)),
    )
    .where(
      and(
        eq(keys.id, keyId),
        isNotNull(limits.resetAt),
        // The bucket that was current at the reset may reach into the window.
        gt(sql`${limits.resetAt} + ${limits.windowMs} + ${dayMs}`, now),
      ),
    )
  return rows.flatMap(row => (row.at === null ? [] : [row.at]))
}

async function foldStretch(db: Database, width: Width, { keyId, from, until }: Stretch): Promise<Folded> {
  const inside = and(
    eq(usage.keyId, keyId),
    gte(usage.start, from),
    lt(usage.start, until),
    lt(usage.widthMs, width),
  )
  const bucket = startOf(width).as('bucket')
  const sums = await db
    .select({ bucket, model: usage.model, rows: count(), ...summed })
    .from(usage)
    .where(inside)
    .groupBy(sql`bucket`, usage.model)
  await db.delete(usage).where(inside)
  let added = 0
  for (const part of inChunks(sums)) {
    // After a late record, a wider bucket may begin at the same time. Its contents are merged.
    const wider = await db
      .select({ start: usage.start, model: usage.model })
      .from(usage)
      .where(
        and(
          eq(usage.keyId, keyId),
          inArray(
            usage.start,
            part.map(row => row.bucket),
          ),
        ),
      )
    const there = new Set(wider.map(row => `${row.start} ${row.model}`))
    added += part.filter(row => !there.has(`${row.bucket} ${row.model}`)).length
    await db
      .insert(usage)
      .values(part.map(({ bucket: start, rows: _, ...row }) => ({ keyId, start, widthMs: width, ...row })))
      .onConflictDoUpdate({
        target: [usage.keyId, usage.start, usage.model],
        set: {
          widthMs: sql`CASE WHEN ${usage.widthMs} > excluded.width_ms THEN ${usage.widthMs} ELSE excluded.width_ms END`,
          requests: sql`${usage.requests} + excluded.requests`,
          inputTokens: sql`${usage.inputTokens} + excluded.input_tokens`,
          outputTokens: sql`${usage.outputTokens} + excluded.output_tokens`,
          otherTokens: sql`${usage.otherTokens} + excluded.other_tokens`,
          costMicros: sql`${usage.costMicros} + excluded.cost_micros`,
        },
      })
  }
  return { removed: sums.reduce((sum, { rows }) => sum + rows, 0), added }
}

/** Tables with rows to remove by time. They are indexed by time, or small. */
const outdated = {
  reservations: {
    table: reservations,
    id: reservations.id,
    at: reservations.expiresAt,
    idsAtOnce: rowsAtOnce,
  },
  events: { table: countedEvents, id: countedEvents.id, at: countedEvents.at, idsAtOnce: rowsAtOnce },
  files: { table: countedFiles, id: countedFiles.sha256, at: countedFiles.at, idsAtOnce: rowsAtOnce },
  // By key, because each has a few rows a day.
  denials: { table: denials, id: denials.keyId, at: denials.start, idsAtOnce: rowsAtOnce / 10 },
}

/** Removes all rows older than `before`, in parts. */
async function purge(
  context: OperationContext,
  { table, id, at, idsAtOnce }: (typeof outdated)[keyof typeof outdated],
  before: number,
): Promise<number> {
  const old = lt(at, before)
  const total = await context.store.read(db => db.$count(table, old))
  if (context.store.dryRun) return total
  for (let removed = 0; removed < total; ) {
    const some = await inTurn(context, async db => {
      const found = await db.selectDistinct({ id }).from(table).where(old).limit(idsAtOnce)
      const ids = found.map(row => row.id)
      if (ids.length > 0) await db.delete(table).where(and(inArray(id, ids), old))
      return ids.length
    })
    // Another process is purging too.
    if (some === 0) break
    removed += some
  }
  return total
}

/** One transaction, then a pause of the same length, so that others can get the lock. */
async function inTurn<T>(context: OperationContext, work: (db: Database) => Promise<T>): Promise<T> {
  let took = 0
  const result = await context.store.count(async db => {
    const started = performance.now()
    const outcome = await work(db)
    took = performance.now() - started
    return outcome
  })
  await sleep(Math.min(longestPauseMs, took))
  return result
}
