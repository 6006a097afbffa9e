/** Parses exact times, for all who read one from a file or a request. Never guesses a time zone and never corrects an impossible date. */

/** RFC 3339, with or without seconds. */
const pattern = /^\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$/

/** UTC milliseconds of a date and time with its zone; undefined for anything else. */
export function readInstant(text: string): number | undefined {
  if (!pattern.test(text)) return undefined
  try {
    // Refuses 30 February, which Date turns into 2 March.
    return Temporal.Instant.from(text).epochMilliseconds
  } catch {
    return undefined
  }
}
