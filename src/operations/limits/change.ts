/** Setting and taking away the limits of a key, a user or a project, in the transaction of their caller. */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Limit, Metric } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, eq, inArray, notInArray } from '../../db/query.ts'
import { limits } from '../../db/schema/limits.ts'
import type { SubjectType } from '../../db/sqlite/hot.ts'
import { type LimitRow, limitRows, subjectColumns } from './rows.ts'
import { limitView, sortLimits } from './view.ts'

/** What becomes of limits in a change of their subject. */
export interface LimitChanges {
  /** Replace all limits on the metrics that they name; other metrics keep theirs. */
  readonly limits?: readonly Limit[] | undefined
  /** Metrics that become unlimited. */
  readonly removeLimits?: readonly Metric[] | undefined
}

const columnOf = (type: SubjectType) => limits[subjectColumns[type]]

/** A metric cannot be limited and unlimited at once. @throws invalid */
export function requireOneMeaning({ limits, removeLimits }: LimitChanges): void {
  const both = limits?.find(limit => removeLimits?.includes(limit.metric))
  if (both === undefined) return
  throw new LatchkeyError(
    'invalid',
    `${both.metric} is to be limited and unlimited at once`,
    `say either --limit ${both.metric}=… or --no-limit ${both.metric}`,
  )
}

/** Makes the limits as the change says. One that stays on its metric and window keeps its reset. */
export async function changeLimits(
  db: Database,
  type: SubjectType,
  id: string,
  changes: LimitChanges,
  now: Date,
): Promise<void> {
  const wanted = changes.limits ?? []
  const column = columnOf(type)
  for (const metric of new Set([...wanted.map(limit => limit.metric), ...(changes.removeLimits ?? [])])) {
    const windows = wanted.filter(limit => limit.metric === metric).map(limit => limit.windowMs)
    await db
      .delete(limits)
      .where(
        and(
          eq(column, id),
          eq(limits.metric, metric),
          windows.length === 0 ? undefined : notInArray(limits.windowMs, windows),
        ),
      )
  }
  await putLimits(db, type, id, wanted, now)
}

/** Adds limits, or gives the one that has the same metric and window another amount; all others stay. */
export async function putLimits(
  db: Database,
  type: SubjectType,
  id: string,
  list: readonly Limit[],
  now: Date,
): Promise<void> {
  for (const row of limitRows(id, list, now, type)) {
    await db
      .insert(limits)
      .values(row)
      .onConflictDoUpdate({
        target: [columnOf(type), limits.metric, limits.windowMs],
        set: { amount: row.amount },
      })
  }
}

/** A limit by its metric, or by its metric and window. */
export interface LimitName {
  readonly metric: Metric
  readonly windowMs?: number | undefined
}

/** Takes limits away. @throws not_found when one of the names fits none */
export async function dropLimits(
  db: Database,
  type: SubjectType,
  id: string,
  names: readonly LimitName[],
  subject: string,
): Promise<void> {
  for (const { metric, windowMs } of names) {
    const gone = await db
      .delete(limits)
      .where(
        and(
          eq(columnOf(type), id),
          eq(limits.metric, metric),
          windowMs === undefined ? undefined : eq(limits.windowMs, windowMs),
        ),
      )
      .returning()
    if (gone.length > 0) continue
    throw new LatchkeyError(
      'not_found',
      `${subject} has no limit on ${metric}${windowMs === undefined ? '' : ' with that window'}`,
      `see its limits with: latchkey ${type} limit list ${id}`,
    )
  }
}

/** The limits of one subject, in their order. */
export async function limitsOf(db: Database, type: SubjectType, id: string): Promise<readonly LimitRow[]> {
  return sortLimits(
    await db
      .select()
      .from(limits)
      .where(eq(columnOf(type), id)),
  )
}

const manySubjects = 500

/** The limits of many, as they are shown, by the id of their subject. */
export async function limitViews(
  db: Database,
  type: SubjectType,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Limit[]>> {
  const column = columnOf(type)
  const rows = await db
    .select()
    .from(limits)
    .where(ids.length <= manySubjects ? inArray(column, [...ids]) : undefined)
    .orderBy(asc(limits.id))
  const bySubject = Map.groupBy(rows, row => row[subjectColumns[type]] ?? '')
  return new Map([...bySubject].map(([id, list]) => [id, sortLimits(list).map(limitView)]))
}
