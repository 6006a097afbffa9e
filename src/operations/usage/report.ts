/** Usage reports by group. A report by time is read some periods at a time, so it streams at any length. */

import { LatchkeyError } from '../../contract/errors.ts'
import { periods, reportGroups } from '../../contract/views/words.ts'
import type { Period, ReportGroup, ReportSubject, UsageRow } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { noCounts } from '../../db/facts.ts'
import { and, eq, holds } from '../../db/query.ts'
import { series } from '../../db/schema/usage.ts'
import { nextPeriod, startOfPeriod } from '../../system/calendar.ts'
import type { OperationContext } from '../context.ts'
import { parseFilter } from '../rules/input.ts'
import { edgeAt, everMs, type Scope, sumsOf, useIn } from './buckets.ts'
import { type ReportOptions, reportOptions } from './input.ts'
import { findOnly, Names } from './names.ts'
import { shownCounts } from './sum.ts'

/** The most periods in a report. */
const mostPeriods = 100_000
const shortestMs = { hour: 3_600_000, day: 82_800_000, week: 601_200_000, month: 2_415_600_000 } as const

/**
 * Sums of the recorded buckets, of whoever owned a key at the time; what was deleted since stays. Reports by time are in order
 * of time; in others the largest groups come first. Where minutes are gone, an hour counts in the period that it begins in,
 * and so does a day where hours are gone. Imported usage without times is in `key stats`, not here.
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
  given: ReportOptions = {},
): AsyncGenerator<UsageRow> {
  const options = parsed(given)
  yield* context.store.stream(async function* ({ database }) {
    yield* readReport(await database(), options, context.now())
  })
}

/** The same, within the caller's snapshot. @throws invalid, not_found, ambiguous */
export async function* readReport(db: Database, options: ReportOptions, now: Date): AsyncGenerator<UsageRow> {
  requireSense(options)
  yield* rowsOf(await planOf(db, options, now))
}

/** The times of the first and last usage in a report; undefined if there is none. */
export async function readUse(
  db: Database,
  options: ReportOptions,
  now: Date,
): Promise<{ readonly first: Date; readonly last: Date } | undefined> {
  const { scope } = await planOf(db, options, now)
  const [from, until] = [options.since?.getTime() ?? everMs.from, options.until?.getTime() ?? everMs.until]
  const first = await useIn(db, from, until, scope, 'first')
  const last = await useIn(db, from, until, scope, 'last')
  return first === null || last === null ? undefined : { first: new Date(first), last: new Date(last) }
}

/** The options, resolved. */
interface Plan {
  readonly db: Database
  readonly options: ReportOptions
  readonly now: Date
  readonly timeZone: string
  readonly period: Period | undefined
  /** The groups besides the time. */
  readonly others: readonly ReportSubject[]
  readonly scope: Scope
  readonly largest: (a: UsageRow, b: UsageRow) => number
  readonly names: Names
}

async function planOf(db: Database, options: ReportOptions, now: Date): Promise<Plan> {
  const { by = [], timeZone = 'UTC', sort = 'tokens', model } = options
  const { key, user, project, org, team } = await findOnly(db, options)
  const sizeOf = (row: UsageRow) => ({ tokens: row.tokens, requests: row.requests, cost: row.costUsd })[sort]
  const of = and(
    key && eq(series.keyId, key.id),
    user && eq(series.userId, user.id),
    project && eq(series.projectId, project.id),
    org && eq(series.organizationId, org.id),
    team && holds(series.teamIds, team.id),
  )
  return {
    db,
    options,
    now,
    timeZone,
    period: by.find(isPeriod),
    others: by.filter(isSubject),
    scope: { of, model, team: team?.id },
    largest: (a, b) =>
      sizeOf(b) - sizeOf(a) ||
      b.tokens - a.tokens ||
      b.requests - a.requests ||
      (nameOf(a) < nameOf(b) ? -1 : 1),
    names: new Names(db),
  }
}

async function* rowsOf(plan: Plan): AsyncGenerator<UsageRow> {
  const { options, period, others, largest } = plan
  const { top } = options
  if (period === undefined) {
    yield* (await wholeSums(plan)).toSorted(largest).slice(0, top)
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
    fill || top !== undefined ? (await wholeSums(plan)).toSorted(largest).slice(0, top) : undefined
  yield* periodRows(plan, period, fill, groups)
}

/** All of the time, as one period. */
async function wholeSums({ db, options, scope, others, names }: Plan): Promise<readonly UsageRow[]> {
  const { since, until } = options
  const edges = [since?.getTime() ?? everMs.from, until?.getTime() ?? everMs.until]
  return names.rows(await sumsOf(db, edges, scope, others), null)
}

/** Rows that are held at once, about, and periods that are read at once, at most. */
const rowsAtOnce = 20_000
const mostAtOnce = 1_024

/** If `groups` is given, only those are included; with `fill` each has a row in every period. */
async function* periodRows(
  plan: Plan,
  period: Period,
  fill: boolean,
  groups: readonly UsageRow[] | undefined,
): AsyncGenerator<UsageRow> {
  const { db, options, timeZone, scope, others, names } = plan
  const since = options.since?.getTime() ?? everMs.from
  const until = options.until?.getTime() ?? everMs.until
  const range = await rangeOf(plan, period, fill)
  if (range === undefined) return
  const retention = await db.facts.retention()
  const wanted = groups && new Set(groups.map(groupOf))
  let used: number | null = range.first.getTime()
  // Of models there are few rows in each; of keys there may be any number.
  let size = others.length === 0 ? mostAtOnce : others.every(each => each === 'model') ? 64 : 1
  for (let start = range.first; start < range.end; ) {
    const starts = [start]
    let next = nextPeriod(period, start, timeZone)
    while (next < range.end && starts.length < size) {
      starts.push(next)
      next = nextPeriod(period, next, timeZone)
    }
    const end = Math.min(until, next.getTime())
    // What began before the report, and reaches into it, belongs to its first period.
    const begin =
      start === range.first ? Math.max(since, start.getTime()) : edgeAt(start.getTime(), retention)
    const edges = [begin, ...starts.slice(1).map(at => at.getTime()), end]
    const isUsed = used !== null && used < end
    const most = starts.length === 1 ? undefined : rowsAtOnce
    const sums = isUsed ? await sumsOf(db, edges, scope, others, most) : []
    if (most !== undefined && sums.length > most) {
      size = Math.ceil(starts.length / 8)
      continue
    }
    if (sums.length * 4 < rowsAtOnce) size = Math.min(mostAtOnce, size * 2)
    const byPeriod = Map.groupBy(sums, sum => sum.period)
    for (const [index, start] of starts.entries()) {
      const rows = await names.rows(byPeriod.get(index) ?? [], start)
      const shown = wanted ? rows.filter(row => wanted.has(groupOf(row))) : rows
      yield* shown.toSorted(plan.largest)
      if (!fill) continue
      const there = new Set(shown.map(groupOf))
      for (const group of groups ?? [emptyRow]) {
        if (!there.has(groupOf(group))) yield { ...group, start, ...shownCounts(noCounts) }
      }
    }
    start = next
    if (!isUsed || sums.length > 0) continue
    // Nothing here, so skip to the next usage.
    used = await useIn(db, edgeAt(end, retention), until, scope, 'first')
    if (fill) continue
    if (used === null) return
    start = startOfPeriod(period, new Date(used), timeZone)
  }
}

/** The first and last period; undefined if there is nothing to show. */
async function rangeOf(
  plan: Plan,
  period: Period,
  fill: boolean,
): Promise<{ readonly first: Date; readonly end: Date } | undefined> {
  const { since, until } = plan.options
  if (since !== undefined && until !== undefined && until <= since) return undefined
  const use = await readUse(plan.db, plan.options, plan.now)
  const ends = fill && since !== undefined ? (until ?? new Date(plan.now.getTime() + 1)) : undefined
  const first = since ?? use?.first
  const end = ends ?? (use && new Date(use.last.getTime() + 1))
  if (first === undefined || end === undefined) return undefined
  if (fill && (end.getTime() - first.getTime()) / shortestMs[period] > mostPeriods) throw tooMany(period)
  const from = !fill && use !== undefined && use.first > first ? use.first : first
  return {
    first: startOfPeriod(period, from, plan.timeZone),
    // A bucket that began before `since` is shown in its own period.
    end: end <= from ? new Date(from.getTime() + 1) : end,
  }
}

const emptyRow: UsageRow = {
  key: null,
  user: null,
  project: null,
  model: null,
  start: null,
  ...shownCounts(noCounts),
  organization: null,
  team: null,
}

const groupOf = ({ key, user, project, organization, team, model }: UsageRow): string =>
  JSON.stringify([key?.id, user?.id, project?.id, organization?.id, team?.id, model])

const nameOf = ({ key, user, project, organization, team, model }: UsageRow): string =>
  [key?.name, user?.username, project?.slug, organization?.slug, team?.name, model].filter(Boolean).join(' ')

const isPeriod = (group: ReportGroup): group is Period => periods.some(period => period === group)

const isSubject = (group: ReportGroup): group is ReportSubject => !isPeriod(group)

/** @throws invalid */
export function parsed(given: ReportOptions): ReportOptions {
  const options = parseFilter(reportOptions, given)
  requireSense(options)
  return options
}

/** @throws invalid */
function requireSense({ by = [], since, until }: ReportOptions): void {
  if (by.filter(isPeriod).length > 1 || by.filter(isSubject).length > 2 || new Set(by).size < by.length) {
    throw new LatchkeyError(
      'invalid',
      'a report is grouped by at most two different things, and a time',
      `choose from ${reportGroups.join(', ')}; for example: latchkey usage report --by user,model,month`,
    )
  }
  if (since !== undefined && until !== undefined && since >= until) {
    throw new LatchkeyError(
      'invalid',
      `a report from ${since.toISOString()} until ${until.toISOString()} covers no time`,
      'until is exclusive; for a whole month: --since 2026-10 --until 2026-11',
    )
  }
}

const tooMany = (period: Period): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `the report has more than ${mostPeriods.toLocaleString('en-US')} ${period}s`,
    'choose a later --since, or a longer period: --by month',
  )
