/** Sets and removes limits, within the caller's transaction. */
import { LatchkeyError } from '../../contract/errors.ts'
import { type LimitedNoun, nouns } from '../../contract/nouns.ts'
import type { Limit, LimitSubject } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, count, eq, inArray, isNotNull, isNull, oneOf, type SQL, sql } from '../../db/query.ts'
import { subjectFields } from '../../db/rows.ts'
import { limits } from '../../db/schema/limits.ts'
import { users } from '../../db/schema/people.ts'
import type { OperationContext } from '../context.ts'
import { column, tableOf } from '../nouns.ts'
import { isNamed, type LimitName } from './input.ts'
import { noteNoPrice } from './no-price.ts'
import { type LimitRow, limitRows, type Subject } from './rows.ts'
import { limitView, sortLimits } from './view.ts'

const columnOf = (type: LimitedNoun) => limits[subjectFields[type]]

const isOf = ({ type, id, member }: Subject): SQL | undefined =>
  and(eq(columnOf(type), id), member ? eq(limits.memberId, member.id) : isNull(limits.memberId))

/** Changes of limits, as checked. */
export interface CheckedChanges {
  readonly limits?: readonly Limit[] | undefined
  readonly removeLimits?: readonly LimitName[] | undefined
}

/** @throws invalid (a limit is both set and removed) */
export function requireOneMeaning({ limits = [], removeLimits = [] }: CheckedChanges): void {
  const both = limits.find(limit => removeLimits.some(name => isNamed(limit, name)))
  if (both === undefined) return
  throw new LatchkeyError(
    'invalid',
    `${both.metric} cannot be limited and unlimited at the same time`,
    `give either --limit ${both.metric}=… or --no-limit ${both.metric}; to remove one window: --no-limit ${both.metric}/7d`,
  )
}

/** Applies a change of limits. A limit that keeps its metric and window keeps its reset time. */
export async function changeLimits(
  context: OperationContext,
  db: Database,
  subject: Subject,
  { limits: wanted = [], removeLimits = [] }: CheckedChanges,
): Promise<void> {
  for (const name of removeLimits) await deleteLimits(db, subject, name)
  await putLimits(context, db, subject, wanted)
}

/** Adds limits, or changes the amount of those with the same metric, window and models. @throws invalid (for each end user of a user) */
export async function putLimits(
  context: OperationContext,
  db: Database,
  subject: Subject,
  list: readonly Limit[],
): Promise<void> {
  const { type, member = null } = subject
  if ((type === 'user' || member !== null) && list.some(limit => limit.each)) {
    throw new LatchkeyError(
      'invalid',
      'limits of a user cannot be for each end user',
      'set them on a key or a project: latchkey project limit set PROJECT tokens=50k/1d --each',
    )
  }
  await noteNoPrice(context, db, list)
  const same = [limits.metric, limits.period, limits.windowMs, limits.models, limits.each]
  for (const row of limitRows(subject, list, context.now())) {
    const set = { amount: row.amount, timeZone: row.timeZone }
    await db
      .insert(limits)
      .values(row)
      .onConflictDoUpdate(
        member === null
          ? {
              target: [columnOf(type), ...same],
              // The index of what can have members is of those without.
              ...(type === 'project' || type === 'org' ? { targetWhere: isNull(limits.memberId) } : {}),
              set,
            }
          : { target: [columnOf(type), limits.memberId, ...same], set },
      )
  }
}

/** Removes limits. @throws not_found (a name matches none) */
export async function dropLimits(
  db: Database,
  subject: LimitSubject,
  names: readonly LimitName[],
): Promise<void> {
  for (const name of names) {
    if ((await deleteLimits(db, subject, name)) > 0) continue
    const which = Object.values(name).length > 1 ? ' with that window' : ''
    throw new LatchkeyError(
      'not_found',
      `${nameOfSubject(subject)} has no limit on ${name.metric}${which}`,
      `see its limits with: ${listLine(subject)}`,
    )
  }
}

/** Returns how many were deleted. */
async function deleteLimits(db: Database, subject: Subject, name: LimitName): Promise<number> {
  const gone = (await limitsOf(db, subject)).filter(row => isNamed(limitView(row), name)).map(row => row.id)
  if (gone.length > 0) await db.delete(limits).where(inArray(limits.id, gone))
  return gone.length
}

/** The limits of one subject, sorted. */
export async function limitsOf(db: Database, subject: Subject): Promise<readonly LimitRow[]> {
  return sortLimits(await db.select().from(limits).where(isOf(subject)))
}

/** `shop`, or `bob in shop`. */
export const nameOfSubject = ({ name, member }: LimitSubject): string =>
  member === null ? name : `${member.username} in ${name}`

/** The command that lists its limits. */
export const listLine = ({ type, id, member }: LimitSubject): string =>
  `latchkey ${type} limit list ${id}${member === null ? '' : ` --member ${member.username}`}`

/** What limits of single users are about: each member of a project or organization, or each place of a user. By name. */
export async function memberSubjects(db: Database, subject: LimitSubject): Promise<readonly LimitSubject[]> {
  const { type, id, name } = subject
  if (type !== 'user') {
    const members = await db
      .selectDistinct({ id: users.id, username: users.username })
      .from(limits)
      .innerJoin(users, eq(users.id, limits.memberId))
      .where(eq(columnOf(type), id))
      .orderBy(users.username)
    return members.map(member => ({ ...subject, member }))
  }
  const member = { id, username: name }
  const places = async (type: 'project' | 'org') => {
    const [table, label] = [tableOf(type), column(type, nouns[type].label)]
    const found = await db
      .selectDistinct({ id: sql<string>`${table.id}`, name: sql<string>`${label}` })
      .from(limits)
      .innerJoin(table, eq(table.id, columnOf(type)))
      .where(eq(limits.memberId, id))
      .orderBy(label)
    return found.map((place): LimitSubject => ({ type, ...place, member }))
  }
  return [...(await places('project')), ...(await places('org'))]
}

/** How many limits of single members things have, by their ids. */
export async function memberLimitCounts(
  db: Database,
  type: 'project' | 'org',
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const of = columnOf(type)
  const counted = await db
    .select({ id: of, n: count() })
    .from(limits)
    .where(and(isNotNull(limits.memberId), oneOf(of, ids)))
    .groupBy(of)
  return new Map(counted.map(({ id, n }) => [id ?? '', n]))
}

const manySubjects = 500

/** The views of limits of many subjects, without those of one member, by subject id. */
export async function limitViews(
  db: Database,
  type: LimitedNoun,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Limit[]>> {
  const column = columnOf(type)
  const rows = await db
    .select()
    .from(limits)
    .where(and(isNull(limits.memberId), ids.length <= manySubjects ? inArray(column, [...ids]) : undefined))
    .orderBy(asc(limits.id))
  const bySubject = Map.groupBy(rows, row => row[subjectFields[type]] ?? '')
  return new Map([...bySubject].map(([id, list]) => [id, sortLimits(list).map(limitView)]))
}
