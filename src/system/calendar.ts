/** Hours and days in a time zone, where a day may have 23 or 25 hours. */
import { LatchkeyError } from '../contract/errors.ts'
import type { Period } from '../contract/views.ts'

/** Start of the hour, day, ISO 8601 week (from Monday) or month that contains `moment`. */
export function startOfPeriod(period: Period, moment: Date, timeZone: string): Date {
  if (period === 'hour') return startOfHour(moment, timeZone)
  const day = zoned(moment, timeZone).startOfDay()
  if (period === 'week') return dateOf(day.subtract({ days: day.dayOfWeek - 1 }).startOfDay())
  return dateOf(period === 'day' ? day : day.with({ day: 1 }).startOfDay())
}

/** Start of the period after the one that starts at `start`; always later. */
export function nextPeriod(period: Period, start: Date, timeZone: string): Date {
  if (period !== 'hour')
    return dateOf(
      zoned(start, timeZone)
        .add({ [`${period}s`]: 1 })
        .startOfDay(),
    )
  const next = startOfHour(new Date(start.getTime() + hourMs), timeZone)
  // If the clock goes back by half an hour, the next hour would begin before this one.
  return next > start ? next : new Date(start.getTime() + hourMs)
}

const hourMs = 3_600_000

/** Start of the day that contains `moment`. */
export function startOfDay(moment: Date, timeZone: string): Date {
  return dateOf(zoned(moment, timeZone).startOfDay())
}

/** Start of the hour that contains `moment`. Zones can differ by half and quarter hours. */
function startOfHour(moment: Date, timeZone: string): Date {
  return dateOf(zoned(moment, timeZone).round({ smallestUnit: 'hour', roundingMode: 'floor' }))
}

/** Start of the day that is `days` later (or earlier, when negative). */
export function addDays(day: Date, days: number, timeZone: string): Date {
  return dateOf(zoned(day, timeZone).add({ days }).startOfDay())
}

/** @throws invalid (unknown zone or invalid date) */
function zoned(moment: Date, timeZone: string): Temporal.ZonedDateTime {
  try {
    return Temporal.Instant.fromEpochMilliseconds(moment.getTime()).toZonedDateTimeISO(timeZone)
  } catch (cause) {
    const what = Number.isNaN(moment.getTime())
      ? 'the date is not valid'
      : `there is no time zone ${timeZone}`
    throw new LatchkeyError('invalid', what, 'give a zone such as Europe/Berlin or UTC, and a valid date', {
      cause,
    })
  }
}

const dateOf = (moment: Temporal.ZonedDateTime): Date => new Date(moment.epochMilliseconds)

/** Whether there is such a zone. */
export function isTimeZone(name: string): boolean {
  try {
    Temporal.Now.zonedDateTimeISO(name)
    return true
  } catch {
    return false
  }
}
