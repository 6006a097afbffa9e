/** Setting and taking away the limits of a key, a user or a project, in the transaction of their caller. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { LimitedNoun } from '../../contract/nouns.ts'
import type { Limit } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, eq, inArray } from '../../db/query.ts'
import { limits } from '../../db/schema/limits.ts'
import type { LimitChanges, LimitName } from './input.ts'
import { type LimitRow, limitRows, subjectColumns } from './rows.ts'
import { limitView, sortLimits } from './view.ts'

const columnOf = (type: LimitedNoun) => limits[subjectColumns[type]]

/** Nothing can be limited and unlimited at once. @throws invalid */
export function requireOneMeaning({ limits = [], removeLimits = [] }: LimitChanges): void {
  const both = limits.find(limit => removeLimits.some(name => isNamed(limit, name)))
  if (both === undefined) return
  throw new LatchkeyError(
    'invalid',
    `${both.metric} is to be limited and unlimited at once`,
    `say either --limit ${both.metric}=… or --no-limit ${both.metric}; one window goes with: --no-limit ${both.metric}/7d`,
  )
}

const isNamed = (limit: Limit, { metric, windowMs = limit.windowMs }: LimitName): boolean =>
  limit.metric === metric && limit.windowMs === windowMs

/** Makes the limits as the change says. One that stays on its metric and window keeps its reset. */
export async function changeLimits(
  db: Database,
  type: LimitedNoun,
  id: string,
  { limits: wanted = [], removeLimits = [] }: LimitChanges,
  now: Date,
): Promise<void> {
  for (const name of removeLimits) await deleteLimits(db, type, id, name)
  await putLimits(db, type, id, wanted, now)
}

/** Adds limits, or gives the one that has the same metric and window another amount; all others stay. */
export async function putLimits(
  db: Database,
  type: LimitedNoun,
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

/** Takes limits away. @throws not_found when one of the names fits none */
export async function dropLimits(
  db: Database,
  type: LimitedNoun,
  id: string,
  names: readonly LimitName[],
  subject: string,
): Promise<void> {
  for (const { metric, windowMs } of names) {
    if ((await deleteLimits(db, type, id, { metric, windowMs })) > 0) continue
    throw new LatchkeyError(
      'not_found',
      `${subject} has no limit on ${metric}${windowMs === undefined ? '' : ' with that window'}`,
      `see its limits with: latchkey ${type} limit list ${id}`,
    )
  }
}

/** How many there were of that name. */
async function deleteLimits(
  db: Database,
  type: LimitedNoun,
  id: string,
  { metric, windowMs }: LimitName,
): Promise<number> {
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
  return gone.length
}

/** The limits of one subject, in their order. */
export async function limitsOf(db: Database, type: LimitedNoun, id: string): Promise<readonly LimitRow[]> {
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
  type: LimitedNoun,
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
