/**
 * Reads one field of a foreign row: text, a count, money, a time. What is wrong with it is told, never thrown, and
 * never with the value, which may be a secret.
 */

/** Takes the name of a field and what is wrong with it, which continues a sentence: `is not a date`. */
export type Report = (field: string, problem: string) => void

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function requiredText(value: unknown, field: string, report: Report): string {
  if (typeof value === 'string' && value.trim() !== '') return value
  if (value === undefined || value === null) report(field, 'is missing')
  else report(field, typeof value === 'string' ? 'is empty' : 'is not text')
  return ''
}

/** Trimmed; what is empty is none. */
export function optionalText(value: unknown, field: string, report: Report): string | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim()
  report(field, 'is not text')
  return null
}

export function wholeNumber(value: unknown, field: string, report: Report): number {
  const number = count(value, field, report)
  if (typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value)) {
    report(field, 'is not a whole number')
  }
  return number
}

export const optionalCount = (value: unknown, field: string, report: Report): number | null =>
  value === undefined || value === null ? null : count(value, field, report)

/** A part of a token counts as one: what was used is never counted short. */
export const count = (value: unknown, field: string, report: Report): number =>
  whole(value, field, report, Math.ceil)

/** Dollars, as micro-dollars. */
export const optionalMicros = (value: unknown, field: string, report: Report): number | null =>
  value === undefined || value === null ? null : whole(value, field, report, dollarsToMicros)

/** Rounded up as well, except for what binary fractions add: 0.0003 dollars are 300 micro-dollars, not 301. */
function dollarsToMicros(dollars: number): number {
  const micros = dollars * 1_000_000
  const nearest = Math.round(micros)
  return Math.abs(micros - nearest) <= Math.max(1e-6, nearest * Number.EPSILON * 4)
    ? nearest
    : Math.ceil(micros)
}

function whole(value: unknown, field: string, report: Report, round: (value: number) => number): number {
  if (value === undefined || value === null) report(field, 'is missing')
  else if (typeof value !== 'number') report(field, 'is not a number')
  else if (!Number.isFinite(value)) report(field, 'is not a finite number')
  else if (value < 0) report(field, 'is negative')
  else if (round(value) > Number.MAX_SAFE_INTEGER) report(field, 'is too large')
  // Adding 0 makes 0 of -0.
  else return round(value) + 0
  return 0
}

/** A number, also where a dump has it as text: CSV knows nothing else, and PostgreSQL writes decimals so. */
export const numeric = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value.trim()) ? Number(value) : value

export function optionalDate(value: unknown, field: string, report: Report): number | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'string' && goZeroTime.test(value)) return null
  return requiredDate(value, field, report)
}

/** What a program in Go writes of a time that was never set (package time, zero value of Time). */
const goZeroTime = /^0001-01-01T00:00:00(\.0+)?Z$/

const datePattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:?\d{2})?)?$/i

/** Checked by its parts: Date.parse takes the 30th of February for the 2nd of March, and no zone for the local one. */
export function requiredDate(value: unknown, field: string, report: Report): number {
  const problem = (text: string): number => {
    report(field, text)
    return 0
  }
  if (value === undefined || value === null) return problem('is missing')
  if (typeof value !== 'string') return problem('is not a date in text')
  const match = datePattern.exec(value.trim())
  if (!match) return problem('is not a date')
  const [, year, month, day, hour, minute, second, fraction, zone] = match
  if (hour !== undefined && zone === undefined)
    return problem('has no time zone: it must end with Z or an offset')
  const local = `${year}-${month}-${day}T${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}`
  const milliseconds = (fraction ?? '').slice(0, 3).padEnd(3, '0')
  const at = Date.parse(`${local}.${milliseconds}Z`)
  if (Number.isNaN(at) || new Date(at).toISOString() !== `${local}.${milliseconds}Z`)
    return problem('is not a date')
  const offset = offsetMs(zone ?? 'Z')
  return offset === null ? problem('has an impossible time zone') : at - offset
}

function offsetMs(zone: string): number | null {
  if (zone.toUpperCase() === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(-2))
  if (hours > 23 || minutes > 59) return null
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

/** The years 2000 to 2999: seconds in place of milliseconds, or microseconds, fall outside. */
const earliestMs = Date.UTC(2000, 0, 1)
const latestMs = Date.UTC(3000, 0, 1)

/** Milliseconds since 1970, UTC. */
export function optionalEpochMs(value: unknown, field: string, report: Report): number | null {
  if (value === undefined || value === null || value === '') return null
  const at = numeric(value)
  if (typeof at !== 'number' || !Number.isFinite(at)) {
    report(field, 'is not a time in milliseconds')
    return null
  }
  if (at >= earliestMs && at < latestMs) return Math.floor(at)
  report(field, 'is not a time in milliseconds: it lies outside of the years 2000 to 2999')
  return null
}
