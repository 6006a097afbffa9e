/**
 * What counts against limits, as one question however many are asked about: the sums of their buckets and of their
 * reservations. Which buckets make up a window is decided before, by `spans.ts`. No rule may live here.
 */
import { type LimitedNoun, limitedNouns } from '../../contract/nouns.ts'
import type { Metric } from '../../contract/views.ts'
import type { BoundLimit, Moment } from '../facts.ts'
import { limitedBy } from '../rows.ts'
import { type Retention, type Run, type Width, widths, windowOf } from '../spans.ts'
import type { Parameter } from './connection.ts'

/** One sum of buckets, and one of reservations. */
export interface Question {
  readonly bound: BoundLimit
  /** Of whom; empty for all that the subject used. */
  readonly endUser: string
  readonly runs: readonly Run[]
  /** What a reset took away. */
  readonly less: number
  /** Reservations count that live then. */
  readonly at: number
}

/** What counts of the limit at `at`, as of a moment. */
export function questionOf(
  bound: BoundLimit,
  moment: Moment,
  retention: Retention,
  at = moment.at,
): Question {
  const { limit } = bound
  const { endUser } = moment
  const whose = { bound, endUser: limit.each === 1 ? endUser : '', at }
  // Of nobody in particular nothing counts against what binds each end user.
  if ((limit.each === 1 && endUser === '') || limit.metric === 'parallel')
    return { ...whose, runs: [], less: 0 }
  return { ...whose, ...windowOf(limit, at, moment, retention) }
}

const metrics: readonly Metric[] = ['tokens', 'requests', 'usd', 'parallel']

/** The values of the places of `counting`, in their order. */
export function placesOf(questions: readonly Question[], { at, toleranceMs }: Moment): Parameter[] {
  const runs = questions.flatMap(({ runs }) => runs)
  return [
    questions.map(({ bound }) => bound.subject.id),
    questions.map(({ bound }) => limitedNouns.indexOf(bound.subject.type)),
    questions.map(({ bound, endUser }) => (bound.limit.each === 1 && endUser === '' ? nobody : endUser)),
    questions.map(({ bound }) => metrics.indexOf(bound.limit.metric)),
    questions.map(({ bound }) => likeOf(bound.limit.models)),
    questions.map(question => question.at),
    questions.flatMap(({ runs }, index) => runs.map(() => index + 1)),
    runs.map(({ width }) => widths.indexOf(width)),
    runs.map(({ from }) => from),
    runs.map(({ until }) => until),
    questions.map(({ bound }) => bound.subject.member?.id ?? ''),
    at + toleranceMs,
  ]
}

/** No end user is called so, because a name has no line break. */
const nobody = '\n'

const likeOf = (pattern: string): string => pattern.replace(/[%_\\]/g, '\\$&').replaceAll('*', '%')

/** How many places `counting` has. */
export const countingPlaces = 12

const seriesOf = (noun: LimitedNoun, type: number): string => `
  SELECT q.n, q.metric, q.pattern, q.end_user, q.at, s.id FROM q ${
    noun === 'team'
      ? 'JOIN teams t ON t.id = q.subject JOIN series s ON s.organization_id = t.organization_id AND strpos(s.team_ids, t.id) > 0'
      : `JOIN series s ON s.${limitedBy[noun]} = q.subject AND (q.member = '' OR s.user_id = q.member)`
  } AND s.end_user = q.end_user AND s.pending = 0 WHERE q.type = ${type}`

/** Whether the model of a row is one that the question is about. */
export const fitsIn = (model: string): string =>
  `(whose.pattern = '' OR EXISTS (SELECT FROM models m WHERE m.id = ${model} AND m.name LIKE whose.pattern))`

const bookedIn = (table: Width, width: number): string => `
  SELECT whose.n, CASE whose.metric WHEN 0 THEN b.input_tokens + b.output_tokens + b.other_tokens
    WHEN 1 THEN b.requests ELSE b.cost_micros END AS amount
  FROM run JOIN whose ON whose.n = run.n
  JOIN ${table} b ON b.series = whose.id AND b.start >= run.first AND b.start < run.until
  WHERE run.width = ${width} AND ${fitsIn('b.model')}`

const heldIn = (column: string, isNamed: string, latest: string): string => `
  SELECT whose.n, CASE whose.metric WHEN 0 THEN r.tokens WHEN 1 THEN r.requests WHEN 2 THEN r.cost_micros ELSE 1 END AS amount
  FROM whose JOIN reservations r ON r.${column} = whose.id AND r.expires_at > whose.at AND r.created_at <= ${latest}
  WHERE whose.end_user ${isNamed} '' AND ${fitsIn('r.model')}`

/** Tables for a WITH, the last of which, `counted`, has a row for each question in its order. @param first its first place */
export function counting(first: number): string {
  const place = (index: number, type: string) => `$${first + index}::${type}`
  const latest = place(11, 'bigint')
  return `
    q AS (
      SELECT * FROM unnest(${place(0, 'text[]')}, ${place(1, 'int[]')}, ${place(2, 'text[]')}, ${place(3, 'int[]')},
        ${place(4, 'text[]')}, ${place(5, 'bigint[]')}, ${place(10, 'text[]')})
        WITH ORDINALITY AS q (subject, type, end_user, metric, pattern, at, member, n)),
    run AS (
      SELECT * FROM unnest(${place(6, 'int[]')}, ${place(7, 'int[]')}, ${place(8, 'bigint[]')}, ${place(9, 'bigint[]')})
        AS run (n, width, first, until)),
    whose AS MATERIALIZED (${limitedNouns.map(seriesOf).join(' UNION ALL ')}),
    booked AS (
      SELECT n, latchkey_total(amount) AS amount FROM (${widths.map(bookedIn).join(' UNION ALL ')}) b GROUP BY n),
    held AS (
      SELECT n, latchkey_total(amount) AS amount FROM (
        ${heldIn('series', '=', latest)} UNION ALL ${heldIn('end_user_series', '<>', latest)}) r GROUP BY n),
    counted AS (
      SELECT q.n, coalesce(booked.amount, 0) AS booked, coalesce(held.amount, 0) AS held
      FROM q LEFT JOIN booked ON booked.n = q.n LEFT JOIN held ON held.n = q.n)`
}
