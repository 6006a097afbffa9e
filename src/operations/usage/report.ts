/** Usage reports by group. A report by time is read period by period, so it streams at any length. */

import { LatchkeyError } from '../../contract/errors.ts'
import { periods, reportGroups, reportOrders } from '../../contract/views/words.ts'
import type { Period, ReportGroup, UsageRow } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, count, desc, eq, gte, inArray, lt, type SQL, sql, totalOf } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { projects, users } from '../../db/schema/people.ts'
import { usage } from '../../db/schema/usage.ts'
import { nextPeriod, startOfPeriod } from '../../system/calendar.ts'
import type { OperationContext } from '../context.ts'
import { requireWords } from '../rules/input.ts'
import { find } from '../select.ts'
import type { ReportOptions } from './input.ts'
import { between, namedSums, noCounts, shownCounts } from './sum.ts'

/** The most periods in a report. */
const mostPeriods = 100_000
const shortestMs = { hour: 3_600_000, day: 82_800_000, week: 601_200_000, month: 2_415_600_000 } as const

/**
 * Sums of the recorded buckets. Reports by time are in order of time; in others the largest groups come first. Imported
 * usage without times is in `key stats`, not here.
 *
 * @throws invalid, not_found, ambiguous
 */
export async function usageReport(
  context: OperationContext,
  options: ReportOptions = {},
): Promise<readonly UsageRow[]> {
  return Array.fromAsync(streamReport(context, options))
}

/** Streams the rows of `usageReport` from one snapshot. @throws invalid, not_found, ambiguous */
export async function* streamReport(
  context: OperationContext,
  options: ReportOptions = {},
): AsyncGenerator<UsageRow> {
  requireOptions(options)
  yield* context.store.stream(async function* ({ database }) {
    yield* readReport(await database(), options, context.now())
  })
}

/** The same, within the caller's snapshot. @throws invalid, not_found, ambiguous */
export async function* readReport(db: Database, options: ReportOptions, now: Date): AsyncGenerator<UsageRow> {
  requireOptions(options)
  yield* rowsOf(await planOf(db, options, now))
}

/** The times of the first and last usage in a report; undefined if there is none. */
export async function readUse(
  db: Database,
  options: ReportOptions,
  now: Date,
): Promise<{ readonly first: Date; readonly last: Date } | undefined> {
  const plan = await planOf(db, options, now)
  const inside = and(plan.filter, between(options.since, options.until))
  const first = await firstUse(plan, inside)
  const last = await firstUse(plan, inside, 'last')
  return first && last && { first, last }
}

/** The options, resolved. */
interface Plan {
  readonly db: Database
  readonly options: ReportOptions
  readonly now: Date
  readonly timeZone: string
  readonly period: Period | undefined
  /** The groups besides the time. */
  readonly others: readonly ReportGroup[]
  readonly filter: SQL | undefined
  readonly largest: (a: UsageRow, b: UsageRow) => number
}

async function planOf(db: Database, options: ReportOptions, now: Date): Promise<Plan> {
  const { by = [], timeZone = 'UTC', sort = 'tokens' } = options
  const key = options.key === undefined ? undefined : await find(db, 'key', options.key)
  const user = options.user === undefined ? undefined : await find(db, 'user', options.user)
  const project = options.project === undefined ? undefined : await find(db, 'project', options.project)
  const sizeOf = (row: UsageRow) => ({ tokens: row.tokens, requests: row.requests, cost: row.costUsd })[sort]
  return {
    db,
    options,
    now,
    timeZone,
    period: by.find(isPeriod),
    others: by.filter(group => !isPeriod(group)),
    filter: and(
      key && eq(usage.keyId, key.id),
      user && inArray(usage.keyId, db.select({ id: keys.id }).from(keys).where(eq(keys.userId, user.id))),
      project &&
        inArray(usage.keyId, db.select({ id: keys.id }).from(keys).where(eq(keys.projectId, project.id))),
      options.model === undefined ? undefined : eq(usage.model, options.model),
    ),
    largest: (a, b) =>
      sizeOf(b) - sizeOf(a) ||
      b.tokens - a.tokens ||
      b.requests - a.requests ||
      (nameOf(a) < nameOf(b) ? -1 : 1),
  }
}

async function* rowsOf(plan: Plan): AsyncGenerator<UsageRow> {
  const { options, period, others, largest } = plan
  const { since, until, top } = options
  if (period === undefined) {
    yield* (await sums(plan, between(since, until), null)).toSorted(largest).slice(0, top)
    return
  }
  const fill = options.fill ?? others.length === 0
  if (others.length === 0) {
    if (top === undefined) yield* periodRows(plan, period, fill, undefined)
    else {
      const all = await Array.fromAsync(periodRows(plan, period, false, undefined))
      yield* all.toSorted(largest).slice(0, top)
    }
    return
  }
  const groups =
    fill || top !== undefined
      ? (await sums(plan, between(since, until), null)).toSorted(largest).slice(0, top)
      : undefined
  yield* periodRows(plan, period, fill, groups)
}

/** If `groups` is given, only those are included; with `fill` each has a row in every period. */
async function* periodRows(
  plan: Plan,
  period: Period,
  fill: boolean,
  groups: readonly UsageRow[] | undefined,
): AsyncGenerator<UsageRow> {
  const { since, until } = plan.options
  const range = await rangeOf(plan, period, fill)
  if (range === undefined) return
  const wanted = groups && new Set(groups.map(groupOf))
  let used: Date | undefined = range.first
  for (let start = range.first; start < range.end; ) {
    const next = nextPeriod(period, start, plan.timeZone)
    const isFirst = start === range.first
    // A bucket that began before `since` and reaches into the report belongs to the first period.
    const inside = isFirst
      ? between(since ?? start, earlier(next, until))
      : and(gte(usage.start, start.getTime()), lt(usage.start, earlier(next, until).getTime()))
    const rows = used && used < next ? await sums(plan, inside, start) : []
    const shown = wanted ? rows.filter(row => wanted.has(groupOf(row))) : rows
    yield* shown.toSorted(plan.largest)
    if (fill) {
      const there = new Set(shown.map(groupOf))
      for (const group of groups ?? [emptyRow]) {
        if (!there.has(groupOf(group))) yield { ...group, start, ...shownCounts(noCounts) }
      }
    }
    start = next
    if (rows.length > 0 || (used && used >= next)) continue
    // Nothing here, so skip to the next usage.
    used = await firstUse(plan, and(plan.filter, gte(usage.start, next.getTime())))
    if (fill) continue
    if (used === undefined) return
    start = startOfPeriod(period, used, plan.timeZone)
  }
}

const earlier = (a: Date, b: Date | undefined): Date => (b !== undefined && b < a ? b : a)

/** The first and last period; undefined if there is nothing to show. */
async function rangeOf(
  plan: Plan,
  period: Period,
  fill: boolean,
): Promise<{ readonly first: Date; readonly end: Date } | undefined> {
  const { since, until } = plan.options
  if (since !== undefined && until !== undefined && until <= since) return undefined
  const inside = and(plan.filter, between(since, until))
  const firstUsed = await firstUse(plan, inside)
  const lastUsed = await firstUse(plan, inside, 'last')
  const ends = fill && since !== undefined ? (until ?? new Date(plan.now.getTime() + 1)) : undefined
  const first = since ?? firstUsed
  const end = ends ?? (lastUsed && new Date(lastUsed.getTime() + 1))
  if (first === undefined || end === undefined) return undefined
  if (fill && (end.getTime() - first.getTime()) / shortestMs[period] > mostPeriods) throw tooMany(period)
  const from = !fill && firstUsed !== undefined && firstUsed > first ? firstUsed : first
  return {
    first: startOfPeriod(period, from, plan.timeZone),
    // A bucket that began before `since` is shown in its own period.
    end: end <= from ? new Date(from.getTime() + 1) : end,
  }
}

async function firstUse(
  { db }: Plan,
  inside: SQL | undefined,
  which: 'first' | 'last' = 'first',
): Promise<Date | undefined> {
  const [row] = await db
    .select({ start: usage.start })
    .from(usage)
    .where(inside)
    .orderBy(which === 'first' ? asc(usage.start) : desc(usage.start))
    .limit(1)
  return row && new Date(row.start)
}

/** The sum of each group, in no order. Buckets are summed by key before names are joined. */
async function sums(
  { db, others, filter }: Plan,
  inside: SQL | undefined,
  start: Date | null,
): Promise<readonly UsageRow[]> {
  const has = (group: ReportGroup): boolean => others.includes(group)
  const named = has('key') || has('user') || has('project')
  const byKey = db
    .select({
      keyId: orNull(named ? usage.keyId : null).as('key'),
      model: orNull(has('model') ? usage.model : null).as('its_model'),
      buckets: count().as('buckets'),
      ...namedSums(),
    })
    .from(usage)
    .where(and(inside, filter))
    .groupBy(...(named ? [usage.keyId] : []), ...(has('model') ? [usage.model] : []))
    .as('by_key')
  const dimensions = {
    keyId: has('key') ? keys.id : null,
    keyName: has('key') ? keys.name : null,
    userId: has('user') ? users.id : null,
    username: has('user') ? users.username : null,
    projectId: has('project') ? projects.id : null,
    slug: has('project') ? projects.slug : null,
    model: has('model') ? byKey.model : null,
  }
  const grouping = Object.values(dimensions).flatMap(column => (column === null ? [] : [sql`${column}`]))
  const rows = await db
    .select({
      keyId: orNull(dimensions.keyId),
      keyName: orNull(dimensions.keyName),
      userId: orNull(dimensions.userId),
      username: orNull(dimensions.username),
      projectId: orNull(dimensions.projectId),
      slug: orNull(dimensions.slug),
      model: orNull(dimensions.model),
      buckets: totalOf(byKey.buckets),
      requests: totalOf(byKey.requests),
      inputTokens: totalOf(byKey.inputTokens),
      outputTokens: totalOf(byKey.outputTokens),
      otherTokens: totalOf(byKey.otherTokens),
      costMicros: totalOf(byKey.costMicros),
    })
    .from(byKey)
    .leftJoin(keys, eq(byKey.keyId, keys.id))
    .leftJoin(users, eq(keys.userId, users.id))
    .leftJoin(projects, eq(keys.projectId, projects.id))
    .groupBy(...grouping)
  return (
    rows
      // An aggregate without groups always returns one row.
      .filter(row => row.buckets > 0)
      .map(row => ({
        key: row.keyId === null || row.keyName === null ? null : { id: row.keyId, name: row.keyName },
        user:
          row.userId === null || row.username === null ? null : { id: row.userId, username: row.username },
        project: row.projectId === null || row.slug === null ? null : { id: row.projectId, slug: row.slug },
        model: row.model === '' ? null : row.model,
        start,
        ...shownCounts(row),
      }))
  )
}

const orNull = (column: unknown) => sql<string | null>`${column ?? null}`

const emptyRow: UsageRow = {
  key: null,
  user: null,
  project: null,
  model: null,
  start: null,
  ...shownCounts(noCounts),
}

const groupOf = ({ key, user, project, model }: UsageRow): string =>
  JSON.stringify([key?.id, user?.id, project?.id, model])

const nameOf = (row: UsageRow): string =>
  [row.key?.name, row.user?.username, row.project?.slug, row.model].filter(Boolean).join(' ')

const isPeriod = (group: ReportGroup): group is Period => periods.some(period => period === group)

/** @throws invalid */
function requireOptions({
  by = [],
  top,
  sort,
  since,
  until,
  key,
  user,
  project,
  model,
}: ReportOptions): void {
  requireWords({ key, user, project, model })
  const unknown = by.find(group => !reportGroups.includes(group))
  if (
    unknown !== undefined ||
    by.filter(isPeriod).length > 1 ||
    by.filter(group => !isPeriod(group)).length > 2 ||
    new Set(by).size < by.length
  ) {
    throw new LatchkeyError(
      'invalid',
      unknown === undefined
        ? 'a report is grouped by at most two different things, and a time'
        : `there is no grouping by ${unknown}`,
      `choose from ${reportGroups.join(', ')}; for example: latchkey usage report --by user,model,month`,
    )
  }
  if (sort !== undefined && !reportOrders.includes(sort)) {
    throw new LatchkeyError(
      'invalid',
      `a report is not sorted by ${sort}`,
      `choose from ${reportOrders.join(', ')}`,
    )
  }
  if (since !== undefined && until !== undefined && since >= until) {
    throw new LatchkeyError(
      'invalid',
      `a report from ${since.toISOString()} until ${until.toISOString()} covers no time`,
      'until is exclusive; for a whole month: --since 2026-10 --until 2026-11',
    )
  }
  if (top !== undefined && !(Number.isSafeInteger(top) && top >= 1)) {
    throw new LatchkeyError('invalid', 'top must be a whole number of at least 1', 'for example: --top 10')
  }
}

const tooMany = (period: Period): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `the report has more than ${mostPeriods.toLocaleString('en-US')} ${period}s`,
    'choose a later --since, or a longer period: --by month',
  )
