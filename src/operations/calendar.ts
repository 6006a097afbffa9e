/** Hours and days as people in a time zone count them: a day may have 23 or 25 hours. */

/** Start of the day in which `moment` lies. */
export function startOfDay(moment: Date, timeZone: string): Date {
  return dateOf(zoned(moment, timeZone).startOfDay())
}

/** Start of the hour in which `moment` lies: zones differ by half and quarter hours. */
export function startOfHour(moment: Date, timeZone: string): Date {
  return dateOf(zoned(moment, timeZone).round({ smallestUnit: 'hour', roundingMode: 'floor' }))
}

/** Start of the day that is `days` later (or earlier, when negative). */
export function addDays(day: Date, days: number, timeZone: string): Date {
  return dateOf(zoned(day, timeZone).add({ days }).startOfDay())
}

const zoned = (moment: Date, timeZone: string) =>
  Temporal.Instant.fromEpochMilliseconds(moment.getTime()).toZonedDateTimeISO(timeZone)

const dateOf = (moment: Temporal.ZonedDateTime): Date => new Date(moment.epochMilliseconds)
