/**
 * Which buckets make up a time, for every engine: days inside, hours at the edges, minutes at the edges of those. So a sum over
 * a year reads as many rows as one over two days. Knows no engine.
 */
import type { LimitPeriod } from '../contract/views.ts'
import { nextPeriod, startOfPeriod } from '../system/calendar.ts'
import type { StoredLimit } from './facts.ts'

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

/** Numbers of minutes, hours and days since 1970: each pair is a run from the first up to, not including, the second. */
export interface Spans {
  readonly minutes: readonly [number, number, number, number]
  readonly hours: readonly [number, number, number, number]
  readonly days: readonly [number, number]
  /** How exact the start is. */
  readonly edgeMs: number
}

/**
 * The buckets that end after `from` and begin before `until`. Where minutes are gone, an hour that is partly inside counts
 * whole, and so does a day where hours are gone: a sum is never too low.
 */
export function spansOf(from: number, until: number, { minutesFrom, hoursFrom }: Retention): Spans {
  let minute = Math.floor(from / minuteMs)
  let minuteEnd = Math.max(minute, Math.ceil(until / minuteMs))
  const edgeMs =
    minute * minuteMs >= minutesFrom
      ? minuteMs
      : Math.floor(from / hourMs) * hourMs >= hoursFrom
        ? hourMs
        : dayMs
  if (edgeMs > minuteMs) minute = Math.floor(from / edgeMs) * (edgeMs / minuteMs)
  const last = minuteEnd * minuteMs
  if (last <= minutesFrom) minuteEnd = Math.ceil(minuteEnd / 60) * 60
  if (last <= hoursFrom) minuteEnd = Math.ceil(minuteEnd / 1440) * 1440
  const minutes = split(minute, minuteEnd, 60)
  const hours = split(...minutes.inner, 24)
  return { minutes: minutes.edges, hours: hours.edges, days: hours.inner, edgeMs }
}

/** The whole wider units inside, and what is left on both sides of them. */
function split(from: number, until: number, size: number) {
  const first = Math.ceil(from / size)
  const end = Math.floor(until / size)
  return first < end
    ? ({ edges: [from, first * size, end * size, until], inner: [first, end] } as const)
    : ({ edges: [from, until, until, until], inner: [0, 0] } as const)
}

const everMs = -8.64e15

/** When the window of a limit begins that ends at a time: before a reset nothing counts. */
export function windowStart(limit: StoredLimit, at: number): number {
  const start = unresetStart(limit, at)
  const { resetAt } = limit
  return resetAt !== null && resetAt <= at && resetAt > start ? resetAt : start
}

function unresetStart({ period, windowMs, timeZone }: StoredLimit, at: number): number {
  if (period === 'rolling') return at - windowMs
  return period === 'total' ? everMs : calendarPeriod(period, timeZone, at).start
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

/** What the first bucket of a window held before a reset inside it. */
export function heldBefore(limit: StoredLimit, from: number, at: number, edgeMs: number): number {
  const { resetAt, resetMinute, resetHour, resetDay } = limit
  if (resetAt === null || resetAt > at || Math.floor(resetAt / edgeMs) !== Math.floor(from / edgeMs)) return 0
  return edgeMs === minuteMs ? resetMinute : edgeMs === hourMs ? resetHour : resetDay
}
