/**
 * An overview of the usage in a period: the sum, the timeline, and the largest keys, users, projects and models. The
 * report operation reads everything from one snapshot, so the numbers agree.
 */

import { subjectOf } from '../../contract/views/usage.ts'
import { periods, reportSubjects } from '../../contract/views/words.ts'
import type { ReportGroup, Timeline, Totals, UsageOverview, UsageRow } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { noCounts } from '../../db/facts.ts'
import { nextPeriod } from '../../system/calendar.ts'
import type { OperationContext } from '../context.ts'
import type { ReportOptions } from './input.ts'
import { findOnly } from './names.ts'
import { parsed, readReport, readUse } from './report.ts'
import { shownCounts } from './sum.ts'

/** @throws invalid, not_found, ambiguous */
export function usageOverview(context: OperationContext, given: ReportOptions = {}): Promise<UsageOverview> {
  const options = parsed(given)
  return context.store.read(async db => {
    const now = context.now()
    const { by = [], top = null, fill, sort = 'tokens', timeZone = 'UTC', ...filter } = options
    const asked = { ...filter, sort, timeZone }
    const read = (more: ReportOptions) => Array.fromAsync(readReport(db, { ...asked, ...more }, now))
    const rows = await read({ by, fill, top: top ?? undefined })
    const [sum] = await read({})
    const use = await readUse(db, asked, now)
    const start = options.since ?? use?.first
    const end = options.until ?? (options.since === undefined ? use && new Date(use.last.getTime() + 1) : now)
    const range = start && end && end > start ? { start, end } : null
    const shares = await Promise.all(reportSubjects.map(async by => ({ by, rows: await read({ by: [by] }) })))
    return {
      generatedAt: now,
      timeZone,
      range,
      only: await namesOf(db, options),
      sort,
      totals: sum ? totalsOf(sum) : shownCounts(noCounts),
      timeline: range && use ? await timelineOf(range, now, asked, by, read) : null,
      shares: shares.filter(
        ({ by, rows }) => rows.length > 1 || rows.some(row => subjectOf(row, by) !== null),
      ),
      by,
      top,
      rows,
    }
  })
}

const totalsOf = ({
  key: _,
  user: __,
  project: ___,
  model,
  start,
  organization,
  team,
  ...totals
}: UsageRow): Totals => totals

/** The usual length of each, in milliseconds. */
const usualMs = { hour: 3_600_000, day: 86_400_000, week: 604_800_000, month: 2_629_800_000 } as const
/** More could not be told apart in a chart. */
const mostPeriods = 100

/** Uses the shortest period that gives a readable chart and is not shorter than the one asked for. */
async function timelineOf(
  { start, end }: NonNullable<UsageOverview['range']>,
  now: Date,
  { since, until, timeZone }: Pick<ReportOptions, 'since' | 'until'> & { readonly timeZone: string },
  by: readonly ReportGroup[],
  read: (more: ReportOptions) => Promise<readonly UsageRow[]>,
): Promise<Timeline> {
  const asked = periods.findIndex(period => by.includes(period))
  const period =
    periods
      .slice(Math.max(0, asked))
      .find(each => (end.getTime() - start.getTime()) / usualMs[each] <= mostPeriods) ?? 'month'
  const rows = await read({ by: [period], since: start, until: end, fill: true })
  const first = rows[0]?.start ?? start
  const lastEnd = nextPeriod(period, rows.at(-1)?.start ?? start, timeZone)
  return {
    period,
    rows,
    firstIsPart: since !== undefined && first < since,
    lastIsPart: lastEnd > (until !== undefined && until < now ? until : now),
  }
}

async function namesOf(db: Database, options: ReportOptions): Promise<UsageOverview['only']> {
  const { model } = options
  const names = Object.entries(await findOnly(db, options)).flatMap(([noun, found]) =>
    found === undefined ? [] : [[noun, found.name]],
  )
  return { ...Object.fromEntries(names), ...(model === undefined ? {} : { model }) }
}
