/** Reads the usage of periods from as few buckets as make them up: days inside, hours at their edges, minutes at those. */
import type { ReportSubject } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import type { UsageCounts } from '../../db/facts.ts'
import { and, eq, type SQL, sql } from '../../db/query.ts'
import { models, series } from '../../db/schema/usage.ts'
import { dayMs, keptMs, type Retention, type Run, spansOf, type Width, widthMs } from '../../db/spans.ts'
import { bucketTables, counterColumns, counting, eachCounter, summed } from './sum.ts'

/** What is counted; everything if nothing is said. */
export interface Scope {
  /** A condition on the table `series`. */
  readonly of?: SQL | undefined
  /** Only this model. */
  readonly model?: string | undefined
  /** Of teams, only the one with this id. */
  readonly team?: string | undefined
}

/** What somebody used in a period. Null is what it is not grouped by, and an empty id is nobody's. */
export interface PeriodSums extends UsageCounts {
  /** The number of the period, from 0. */
  readonly period: number
  readonly key: string | null
  readonly user: string | null
  readonly project: string | null
  readonly org: string | null
  readonly team: string | null
  readonly model: number | null
}

/** Before and after all usage. */
export const everMs = { from: -8.64e15, until: 8.64e15 + dayMs } as const

/** The first bucket that begins at `at` or later; where the minutes or hours of that time are gone, a wider one. */
export function edgeAt(at: number, retention: Retention): number {
  const width = keptMs(at, retention)
  return Math.ceil(at / width) * width
}

/**
 * The sums of consecutive periods. A bucket counts in the period that it begins in; one that began before the first, and
 * reaches into it, in the first.
 *
 * @param edges where the periods begin, and where the last ends
 * @param by what they are grouped by besides
 * @param most stop after more rows
 */
export async function sumsOf(
  db: Database,
  edges: readonly number[],
  scope: Scope,
  by: readonly ReportSubject[],
  most = Number.POSITIVE_INFINITY,
): Promise<readonly PeriodSums[]> {
  const grouping = by.map(dimension => groupColumns[dimension])
  const columnOf = (dimension: ReportSubject) =>
    by.includes(dimension) ? groupColumns[dimension] : sql`NULL`
  const rows: PeriodSums[] = []
  for (const some of atOnce(runsOf(edges, await db.facts.retention()))) {
    const used = sql.join(
      some.map(run => bucketsOf(run, scope, by)),
      sql` UNION ALL `,
    )
    const found = db
      .select({
        period: sql<number>`period`,
        key: sql<string | null>`${columnOf('key')}`,
        user: sql<string | null>`${columnOf('user')}`,
        project: sql<string | null>`${columnOf('project')}`,
        org: sql<string | null>`${columnOf('org')}`,
        team: sql<string | null>`${columnOf('team')}`,
        model: sql<number | null>`${columnOf('model')}`,
        ...summed,
      })
      .from(sql`(${used}) AS used`)
      .groupBy(sql`period`, ...grouping)
    rows.push(...(await (most === Number.POSITIVE_INFINITY ? found : found.limit(most + 1))))
    if (rows.length > most) break
  }
  return by.includes('team') ? forEachTeam(rows, scope.team) : rows
}

/** What the members of several teams used counts for each of them, as it does in their limits. */
function forEachTeam(sums: readonly PeriodSums[], only: string | undefined): readonly PeriodSums[] {
  const each = sums.flatMap(sum =>
    (only ?? sum.team ?? '').split(' ').map((team): PeriodSums => ({ ...sum, team })),
  )
  const groups = Map.groupBy(each, ({ period, key, user, project, org, team, model }) =>
    JSON.stringify([period, key, user, project, org, team, model]),
  )
  return [...groups.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : { ...first, ...eachCounter(name => others.reduce((sum, row) => sum + row[name], first[name])) },
  )
}

const groupColumns: Readonly<Record<ReportSubject, SQL>> = {
  key: sql`key_id`,
  user: sql`user_id`,
  project: sql`project_id`,
  org: sql`organization_id`,
  team: sql`team_ids`,
  model: sql`model`,
}

/** Of one period, or of several of the same length. */
interface PeriodRun extends Run {
  /** The period of the first bucket. */
  readonly period: number
  /** After so many buckets the next period begins. */
  readonly length: number
}

/** In the order of time. Periods that are one run each, of the same length, become one together. */
function runsOf(edges: readonly number[], retention: Retention): readonly PeriodRun[] {
  const runs: PeriodRun[] = []
  let isWhole = false
  for (const [period, end] of edges.slice(1).entries()) {
    const begin = edges[period] ?? end
    const from = period === 0 ? begin : edgeAt(begin, retention)
    const found = spansOf(from, edgeAt(end, retention), retention).runs.map(run => ({
      ...run,
      period,
      length: run.until - run.from,
    }))
    const [first, second] = found
    const last = runs.at(-1)
    if (first && !second && last && isWhole && continues(last, first))
      runs[runs.length - 1] = { ...last, until: first.until }
    else runs.push(...found)
    isWhole = found.length === 1
  }
  return runs
}

const continues = (run: PeriodRun, next: PeriodRun): boolean =>
  run.width === next.width &&
  run.until === next.from &&
  run.length === next.length &&
  run.period + (run.until - run.from) / run.length === next.period

/** SQLite takes 500 parts in one query. */
const mostRuns = 100

/** As many as one query takes; those of a period stay together. */
function atOnce(runs: readonly PeriodRun[]): readonly PeriodRun[][] {
  const parts: PeriodRun[][] = []
  for (const run of runs) {
    const last = parts.at(-1)
    if (last && (last.length < mostRuns || last.at(-1)?.period === run.period)) last.push(run)
    else parts.push([run])
  }
  return parts
}

function bucketsOf(run: PeriodRun, { of, model }: Scope, by: readonly ReportSubject[]): SQL {
  const { width, from, until, period, length } = run
  const number = length === until - from ? sql`${period}` : sql`${period} + (start - ${from}) / ${length}`
  const columns = [...by.map(dimension => groupColumns[dimension]), ...Object.values(counterColumns)]
  return sql`SELECT ${number} AS period, ${sql.join(columns, sql`, `)} FROM ${series} CROSS JOIN ${bucketTables[width]} AS bucket
    WHERE ${and(sql`bucket.series = ${series.id}`, counting, of, inside(from, until, model))}`
}

const inside = (from: number, until: number, model: string | undefined): SQL | undefined =>
  and(
    sql`start >= ${from} AND start < ${until}`,
    model === undefined
      ? undefined
      : sql`model = (SELECT ${models.id} FROM ${models} WHERE ${eq(models.name, model)})`,
  )

/** When the first, or the last, bucket begins in a time, as exactly as it is kept; null if there is none. */
export async function useIn(
  db: Database,
  from: number,
  until: number,
  scope: Scope,
  which: 'first' | 'last',
): Promise<number | null> {
  const retention = await db.facts.retention()
  const { runs } = spansOf(from, until, retention)
  for (const run of which === 'first' ? runs : runs.toReversed()) {
    const start = await edgeOf(db, run, scope, which)
    if (start !== null) return within(db, run.width, start, scope, which, retention)
  }
  return null
}

/** The same inside a bucket. */
async function within(
  db: Database,
  width: Width,
  start: number,
  scope: Scope,
  which: 'first' | 'last',
  retention: Retention,
): Promise<number> {
  const ms = widthMs[width]
  const at = start * ms
  if (ms <= keptMs(at, retention)) return at
  const narrower = width === 'days' ? 'hours' : 'minutes'
  const inOne = ms / widthMs[narrower]
  const run = { width: narrower, from: start * inOne, until: (start + 1) * inOne } as const
  const found = await edgeOf(db, run, scope, which)
  return found === null ? at : within(db, narrower, found, scope, which, retention)
}

/** One look into the index for each series. */
async function edgeOf(
  db: Database,
  { width, from, until }: Run,
  { of, model }: Scope,
  which: 'first' | 'last',
): Promise<number | null> {
  const edge = which === 'first' ? sql`min` : sql`max`
  const [row] = await db.select({ start: sql<number | null>`${edge}(start)` }).from(
    sql`(SELECT (
        SELECT ${edge}(start) FROM ${bucketTables[width]} AS bucket
        WHERE ${and(sql`bucket.series = ${series.id}`, inside(from, until, model))}
      ) AS start FROM ${series} WHERE ${and(counting, of)}) AS uses`,
  )
  return row?.start ?? null
}
