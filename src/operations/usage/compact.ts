/**
 * Deletes old minutes, and old hours: what they held is in hours and days too, so no sum changes. First it is said since when
 * they are kept, so that nobody looks for what is being deleted. Works in small transactions with pauses, so that others can
 * record meanwhile.
 */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Compacted } from '../../contract/views.ts'
import { and, inArray, lt, sql } from '../../db/query.ts'
import { reservations } from '../../db/schema/limits.ts'
import {
  countedEvents,
  countedFiles,
  days,
  denials,
  hours,
  minutes,
  retention,
} from '../../db/schema/usage.ts'
import { dayMs, hourMs, minuteMs, type Retention } from '../../db/spans.ts'
import * as audit from '../audit.ts'
import type { OperationContext } from '../context.ts'
import * as rules from '../rules/input.ts'
import { type CompactOptions, compactOptions } from './input.ts'
import { tidyUpIfAlone } from './steps.ts'
import { dropBuckets, inTurn, rowsAtOnce } from './turns.ts'

const reservationsKeptMs = dayMs
/** After this, an event id or a file counts again if it is repeated, and denials are forgotten. */
const countedKeptMs = 400 * dayMs

/**
 * A window that is longer than minutes are kept is then exact to the hour (or day) at its far end. Also removes reservations
 * that timed out a day ago, and denials, event ids and files from 400 days ago. First tidies up after a log that was being counted
 * when its process ended.
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
  await tidyUpIfAlone(context)
  const now = context.now().getTime()
  const rowsBefore = await context.store.read(
    async db => (await db.$count(minutes)) + (await db.$count(hours)) + (await db.$count(days)),
  )
  const { minutesFrom, hoursFrom } = await keepFrom(context, {
    minutesFrom: Math.floor((now - minutesForMs) / hourMs) * hourMs,
    hoursFrom: Math.floor((now - hoursForMs) / dayMs) * dayMs,
  })
  const minutesDeleted = await drop(context, minutes, minutesFrom / minuteMs)
  const hoursDeleted = await drop(context, hours, hoursFrom / hourMs)
  const report: Compacted = {
    rowsBefore,
    rowsAfter: rowsBefore - minutesDeleted - hoursDeleted,
    minutesDeleted,
    hoursDeleted,
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

/** From when on usage is kept from now on: what was deleted once does not come back. */
async function keepFrom({ store }: OperationContext, wanted: Retention): Promise<Retention> {
  const later = ({ minutesFrom, hoursFrom }: Retention): Retention => ({
    minutesFrom: Math.max(minutesFrom, wanted.minutesFrom),
    hoursFrom: Math.max(hoursFrom, wanted.hoursFrom),
  })
  if (store.dryRun) return store.read(async db => later(await db.facts.retention()))
  return store.write(async db => {
    const kept = later(await db.facts.retention())
    await db.update(retention).set(kept)
    return kept
  })
}

/** Deletes the buckets that begin before a number, of one series after another. */
async function drop(
  context: OperationContext,
  table: typeof minutes | typeof hours,
  before: number,
): Promise<number> {
  if (context.store.dryRun) return context.store.read(db => db.$count(table, lt(table.start, before)))
  return dropBuckets(context, table, sql`old.start < ${before}`)
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
