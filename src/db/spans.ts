/**
 * Which buckets make up a time, for every engine: days inside, hours at the edges, minutes at the edges of those. So a sum over
 * a year reads as many rows as one over two days. Knows no engine.
 */
import type { LimitPeriod } from '../contract/views.ts'
import { nextPeriod, startOfPeriod } from '../system/calendar.ts'
import type { Moment, StoredLimit } from './facts.ts'

export const minuteMs = 60_000
export const hourMs = 3_600_000
export const dayMs = 86_400_000

/** Since when usage is kept by the minute and by the hour, in UTC milliseconds. */
export interface Retention {
  /** A whole hour. */
  readonly minutesFrom: number
  /** A whole day, not after `minutesFrom`. */
  readonly hoursFrom: number
}

/** The narrowest first. */
export const widths = ['minutes', 'hours', 'days'] as const

export type Width = (typeof widths)[number]

export const widthMs = { minutes: minuteMs, hours: hourMs, days: dayMs } as const

/** The number of the bucket that a time is in. */
export const bucketAt = (width: Width, at: number): number => Math.floor(at / widthMs[width])

/** Consecutive buckets by their numbers since 1970, the last exclusive. */
export interface Run {
  readonly width: Width
  readonly from: number
  readonly until: number
}

export interface Spans {
  /** In the order of time; none is empty. */
  readonly runs: readonly Run[]
  /** How exact the start is. */
  readonly edgeMs: number
}

/** How wide the narrowest bucket is that is kept of a time. */
export const keptMs = (at: number, { minutesFrom, hoursFrom }: Retention): number =>
  at >= minutesFrom ? minuteMs : at >= hoursFrom ? hourMs : dayMs

/**
 * The buckets that end after `from` and begin before `until`, which may be earlier. Where minutes are gone, an hour that is partly
 * inside counts whole, and so does a day where hours are gone: a sum is never too low.
 */
export function spansOf(from: number, until: number, retention: Retention): Spans {
  const edgeMs = keptMs(from, retention)
  const first = Math.floor(from / edgeMs) * (edgeMs / minuteMs)
  const { minutesFrom, hoursFrom } = retention
  let end = Math.ceil(until / minuteMs)
  const last = end * minuteMs
  if (last <= minutesFrom) end = Math.ceil(end / 60) * 60
  if (last <= hoursFrom) end = Math.ceil(end / 1440) * 1440
  const runs: Run[] = []
  addRuns(runs, 'minutes', first, end)
  return { runs, edgeMs }
}

/** The next width, and how many make one of it. */
const wider = {
  minutes: { next: 'hours', size: 60 },
  hours: { next: 'days', size: 24 },
  days: { next: undefined, size: 1 },
} as const

/** The whole wider buckets inside, and what is left on both sides of them. */
function addRuns(runs: Run[], width: Width, from: number, until: number): void {
  const { next, size } = wider[width]
  const first = Math.ceil(from / size)
  const end = Math.floor(until / size)
  if (next === undefined || first >= end) {
    if (from < until) runs.push({ width, from, until })
    return
  }
  addRuns(runs, width, from, first * size)
  addRuns(runs, next, first, end)
  addRuns(runs, width, end * size, until)
}

/** All times that a date can have; the last is the last of its day. */
const everMs = { from: -8.64e15, until: 8.64e15 - 1 } as const

/** A limit as it is at a time: a reset that comes later has not happened yet. */
const limitAsOf = (limit: StoredLimit, at: number): StoredLimit =>
  limit.resetAt !== null && limit.resetAt > at ? { ...limit, resetAt: null } : limit

/**
 * The buckets of the window that ends at `at`, as far as they count as of a moment, and how much in them a reset took away.
 */
export function windowOf(
  limit: StoredLimit,
  at: number,
  moment: Moment,
  retention: Retention,
): { readonly runs: readonly Run[]; readonly less: number } {
  const asOf = limitAsOf(limit, moment.at)
  const from = windowStart(asOf, at)
  const { runs, edgeMs } = spansOf(from, countedUntil(limit, moment) + 1, retention)
  return { runs, less: heldBefore(asOf, from, edgeMs) }
}

/**
 * The last time at which usage counts as of a moment. A clock that was set back, or is behind that of another gateway, would
 * otherwise give each limit a new budget. Of a total, all that is stored counts: no time passes out of it.
 */
export const countedUntil = ({ period }: StoredLimit, { at, toleranceMs, isPast }: Moment): number =>
  isPast ? at : period === 'total' ? everMs.until : at + toleranceMs

/** The buckets that a reset at a moment takes away, if the first one is so wide. */
export const resetRuns = (
  limit: StoredLimit,
  moment: Moment,
  width: Width,
  retention: Retention,
): readonly Run[] =>
  spansOf(bucketAt(width, moment.at) * widthMs[width], countedUntil(limit, moment) + 1, retention).runs

/** What counts of what is booked. Of a past moment, a reset may have taken away what is dated later, and was not added. */
export const lessReset = (booked: number, less: number): number => Math.max(0, booked - less)

/** When the window of a limit begins that ends at a time: before a reset nothing counts. */
export function windowStart(limit: StoredLimit, at: number): number {
  const start = unresetStart(limit, at)
  const { resetAt } = limit
  return resetAt !== null && resetAt > start ? resetAt : start
}

function unresetStart({ period, windowMs, timeZone }: StoredLimit, at: number): number {
  if (period === 'rolling') return at - windowMs
  return period === 'total' ? everMs.from : calendarPeriod(period, timeZone, at).start
}

/** When the calendar period of a limit ends that contains a time. */
export const periodEnd = (period: CalendarPeriod, timeZone: string, at: number): number =>
  calendarPeriod(period, timeZone, at).end

type CalendarPeriod = Exclude<LimitPeriod, 'rolling' | 'total'>

interface Stretch {
  readonly start: number
  readonly end: number
}

/** The last stretch of each period and zone: verdicts ask for the same one all day. */
const known = new Map<string, Stretch>()

function calendarPeriod(period: CalendarPeriod, timeZone: string, at: number): Stretch {
  const name = `${period} ${timeZone}`
  const last = known.get(name)
  if (last !== undefined && last.start <= at && at < last.end) return last
  const start = startOfPeriod(period, new Date(at), timeZone)
  const stretch = { start: start.getTime(), end: nextPeriod(period, start, timeZone).getTime() }
  known.set(name, stretch)
  return stretch
}

/** What a reset inside the first bucket of a window took away. */
export function heldBefore(limit: StoredLimit, from: number, edgeMs: number): number {
  const { resetAt, resetMinute, resetHour, resetDay } = limit
  if (resetAt === null || Math.floor(resetAt / edgeMs) !== Math.floor(from / edgeMs)) return 0
  return edgeMs === minuteMs ? resetMinute : edgeMs === hourMs ? resetHour : resetDay
}
