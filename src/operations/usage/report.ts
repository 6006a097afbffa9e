/** Who used what, grouped as asked. */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { LatchkeyError } from '../../contract/errors.ts'
import { type ReportGroup, reportGroups, type UsageRow } from '../../contract/views.ts'
import { keys, projects, usage, users } from '../../db/schema.ts'
import { startOfDay, startOfHour } from '../calendar.ts'
import type { OperationContext } from '../context.ts'
import { findKey, findProject, findUser, type KeySelector } from '../select.ts'
import { addCounts, between, type Counts, noCounts, quarterHour, shownCounts, summed } from './sum.ts'

export interface ReportOptions {
  /** At most two, of which at most one of hour and day; none is one row with the sum of all. */
  readonly by?: readonly ReportGroup[] | undefined
  /** First moment that counts; a bucket that holds it counts whole. */
  readonly since?: Date | undefined
  /** First moment that no longer counts. */
  readonly until?: Date | undefined
  readonly key?: KeySelector | undefined
  readonly user?: string | undefined
  readonly project?: string | undefined
  readonly model?: string | undefined
  /** IANA name; where hours and days begin. Default UTC. */
  readonly timeZone?: string | undefined
}

/**
 * Sums of the recorded buckets. With hour or day the rows are in order of time, otherwise the most tokens come
 * first. What an import carried over without a time is in `key stats`, not here.
 *
 * @throws invalid, not_found, ambiguous
 */
export function usageReport(
  context: OperationContext,
  options: ReportOptions = {},
): Promise<readonly UsageRow[]> {
  const { by = [], timeZone = 'UTC' } = options
  requireGroups(by)
  const has = (group: ReportGroup): boolean => by.includes(group)
  const startOf = has('hour') ? startOfHour : has('day') ? startOfDay : undefined
  const dimensions = {
    keyId: has('key') ? keys.id : null,
    keyName: has('key') ? keys.name : null,
    userId: has('user') ? users.id : null,
    username: has('user') ? users.username : null,
    projectId: has('project') ? projects.id : null,
    slug: has('project') ? projects.slug : null,
    model: has('model') ? usage.model : null,
    quarter: startOf ? quarterHour : null,
  }
  const grouping: SQL[] = Object.values(dimensions).flatMap(column =>
    column === null ? [] : [sql`${column}`],
  )
  return context.store.read(async db => {
    const key = options.key === undefined ? undefined : await findKey(db, options.key)
    const user = options.user === undefined ? undefined : await findUser(db, options.user)
    const project = options.project === undefined ? undefined : await findProject(db, options.project)
    const rows = await db
      .select({
        keyId: orNull<string>(dimensions.keyId),
        keyName: orNull<string>(dimensions.keyName),
        userId: orNull<string>(dimensions.userId),
        username: orNull<string>(dimensions.username),
        projectId: orNull<string>(dimensions.projectId),
        slug: orNull<string>(dimensions.slug),
        model: orNull<string>(dimensions.model),
        quarter: orNull<number>(dimensions.quarter),
        ...summed,
      })
      .from(usage)
      .innerJoin(keys, eq(usage.keyId, keys.id))
      .leftJoin(users, eq(keys.userId, users.id))
      .leftJoin(projects, eq(keys.projectId, projects.id))
      .where(
        and(
          between(options.since, options.until),
          key && eq(usage.keyId, key.id),
          user && eq(keys.userId, user.id),
          project && eq(keys.projectId, project.id),
          options.model === undefined ? undefined : eq(usage.model, options.model),
        ),
      )
      .groupBy(...grouping)
    const groups = new Map<string, { row: (typeof rows)[number]; start: Date | null; counts: Counts }>()
    for (const row of rows) {
      // An aggregate without groups has one row even when there is nothing to sum.
      if (row.requests === null) continue
      const start = startOf && row.quarter !== null ? startOf(new Date(row.quarter), timeZone) : null
      const name = JSON.stringify([row.keyId, row.userId, row.projectId, row.model, start])
      const group = groups.get(name) ?? { row, start, counts: noCounts }
      groups.set(name, { ...group, counts: addCounts(group.counts, row) })
    }
    return [...groups.values()]
      .map(
        ({ row, start, counts }): UsageRow => ({
          key: row.keyId === null || row.keyName === null ? null : { id: row.keyId, name: row.keyName },
          user:
            row.userId === null || row.username === null ? null : { id: row.userId, username: row.username },
          project: row.projectId === null || row.slug === null ? null : { id: row.projectId, slug: row.slug },
          model: row.model === '' ? null : row.model,
          start,
          ...shownCounts(counts),
        }),
      )
      .toSorted(byTimeThenTokens)
  })
}

function requireGroups(by: readonly ReportGroup[]): void {
  const times = by.filter(group => group === 'hour' || group === 'day')
  const unknown = by.find(group => !reportGroups.includes(group))
  if (unknown === undefined && by.length <= 2 && times.length <= 1 && new Set(by).size === by.length) return
  throw new LatchkeyError(
    'invalid',
    unknown === undefined
      ? 'a report is grouped by at most two different things, one of them a time'
      : `there is no grouping by ${unknown}`,
    `choose from ${reportGroups.join(', ')}; for example: latchkey usage report --by key,day`,
  )
}

const orNull = <T>(column: unknown) => sql<T | null>`${column ?? null}`

const nameOf = (row: UsageRow): string =>
  row.key?.name ?? row.user?.username ?? row.project?.slug ?? row.model ?? ''

function byTimeThenTokens(a: UsageRow, b: UsageRow): number {
  return (
    (a.start?.getTime() ?? 0) - (b.start?.getTime() ?? 0) ||
    b.tokens - a.tokens ||
    b.requests - a.requests ||
    (nameOf(a) < nameOf(b) ? -1 : 1)
  )
}
