/**
 * Reads the fields of a foreign row: text, counts, money, times. Problems are reported, not thrown, and never quote the
 * value, which may be a secret.
 */

import { parseJson } from './json-text.ts'

/** Takes a field name and a problem that continues a sentence: `is not a date`. */
export type Report = (field: string, problem: string) => void

export type Row = Readonly<Record<string, unknown>>

export const isRecord = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A field with a problem is read as a placeholder: empty text, 0, or null if it is optional. */
export class Fields {
  /** The first problem, such as `its price is negative`. */
  problem: string | undefined
  readonly #row: Row
  readonly #report: Report

  /** @param report told of every problem */
  constructor(row: Row, report: Report = () => {}) {
    this.#row = row
    this.#report = (field, problem) => {
      this.problem ??= `its ${field} ${problem}`
      report(field, problem)
    }
  }

  text(field: string): string {
    const value = this.#row[field]
    if (typeof value === 'string' && value.trim() !== '') return value
    if (isAbsent(value)) this.#report(field, 'is missing')
    else this.#report(field, typeof value === 'string' ? 'is empty' : 'is not text')
    return ''
  }

  /** Trimmed; empty text is null. */
  optionalText(field: string): string | null {
    const value = this.#row[field]
    if (isAbsent(value)) return null
    if (typeof value === 'string') return value.trim() || null
    this.#report(field, 'is not text')
    return null
  }

  wholeNumber(field: string): number {
    const value = this.#row[field]
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0 && !Number.isInteger(value)) {
      this.#report(field, 'is not a whole number')
    }
    return this.count(field)
  }

  /** Rounds up, so that usage is never undercounted. */
  count(field: string): number {
    return this.#whole(field, Math.ceil)
  }

  optionalCount(field: string): number | null {
    return isAbsent(this.#row[field]) ? null : this.count(field)
  }

  /** Dollars, as micro-dollars. */
  optionalMicros(field: string): number | null {
    return isAbsent(this.#row[field]) ? null : this.#whole(field, dollarsToMicros)
  }

  #whole(field: string, round: (value: number) => number): number {
    const value = this.#row[field]
    if (isAbsent(value)) this.#report(field, 'is missing')
    else if (typeof value !== 'number') this.#report(field, 'is not a number')
    else if (!Number.isFinite(value)) this.#report(field, 'is not a finite number')
    else if (value < 0) this.#report(field, 'is negative')
    else if (round(value) > Number.MAX_SAFE_INTEGER) this.#report(field, 'is too large')
    // Adding 0 turns -0 into 0.
    else return round(value) + 0
    return 0
  }

  optionalDate(field: string): number | null {
    const value = this.#row[field]
    const isUnset = isAbsent(value) || value === '' || (typeof value === 'string' && goZeroTime.test(value))
    return isUnset ? null : this.date(field)
  }

  date(field: string): number {
    const at = dateOf(this.#row[field])
    if (typeof at === 'number') return at
    this.#report(field, at)
    return 0
  }

  /** As `date`, of something that somebody used. */
  useDate(field: string): number {
    const at = dateOf(this.#row[field])
    if (typeof at === 'number' && at >= earliestMs) return at
    this.#report(field, typeof at === 'number' ? 'is before the year 2000' : at)
    return 0
  }

  /** Milliseconds since 1970, UTC. */
  optionalEpochMs(field: string): number | null {
    const value = this.#row[field]
    if (isAbsent(value) || value === '') return null
    const at = numeric(value)
    if (typeof at !== 'number' || !Number.isFinite(at)) this.#report(field, 'is not a time in milliseconds')
    else if (at >= earliestMs && at < latestMs) return Math.floor(at)
    else this.#report(field, 'is not a time in milliseconds: it is not in the years 2000 to 2999')
    return null
  }

  /** As `instant`; null if it is absent or empty. */
  optionalInstant(field: string): number | null {
    const value = this.#row[field]
    return isAbsent(value) || value === '' ? null : this.instant(field)
  }

  /** UTC milliseconds, in any of the forms that databases have. */
  instant(field: string): number {
    const at = instantOf(this.#row[field])
    if (typeof at === 'number') return at
    this.#report(field, at)
    return 0
  }

  /** True or false in any of the forms that databases have; false if it is absent. */
  flag(field: string): boolean {
    const value = this.#row[field]
    if (isAbsent(value)) return false
    const text = String(value).toLowerCase()
    if (['1', 'true', 't'].includes(text)) return true
    if (!['0', 'false', 'f', ''].includes(text)) this.#report(field, 'is neither true nor false')
    return false
  }

  /** What a JSON text holds; a value that is no text is taken as it is. Null if it is absent or empty. */
  json(field: string): unknown {
    const value = this.#row[field]
    if (isAbsent(value) || value === '') return null
    if (typeof value !== 'string') return value
    const parsed = parseJson(value)
    if (parsed.ok) return parsed.value
    this.#report(field, 'is not JSON')
    return null
  }
}

/**
 * UTC milliseconds, or what is wrong: from a `Date`, a date in text, or a number of seconds, milliseconds or microseconds, which are
 * told apart by their size.
 */
function instantOf(value: unknown): number | string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'is not a date' : value.getTime()
  const at = typeof value === 'bigint' ? Number(value) : numeric(value)
  if (typeof at === 'number') return Number.isFinite(at) ? Math.floor(inMilliseconds(at)) : 'is not a date'
  const text = typeof at === 'string' ? at.trim() : at
  // SQLite's CURRENT_TIMESTAMP has no zone and is UTC.
  return dateOf(typeof text === 'string' && zoneless.test(text) ? `${text}Z` : text)
}

const zoneless = /^\d{4}-\d{2}-\d{2}[T ][\d:.]+$/

/** Seconds have ten digits until the year 2286, milliseconds thirteen, microseconds sixteen. */
function inMilliseconds(at: number): number {
  const size = Math.abs(at)
  if (size < 1e11) return at * 1000
  return size < 1e14 ? at : at / 1000
}

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null

/** Rounds up too, except for binary rounding errors: 0.0003 dollars are 300 micro-dollars, not 301. */
function dollarsToMicros(dollars: number): number {
  const micros = dollars * 1_000_000
  const nearest = Math.round(micros)
  return Math.abs(micros - nearest) <= Math.max(1e-6, nearest * Number.EPSILON * 4)
    ? nearest
    : Math.ceil(micros)
}

/** A number, even if it is text, as in CSV and in PostgreSQL's decimals. */
export const numeric = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value.trim()) ? Number(value) : value

/** How Go writes a time that was never set (the zero value of time.Time). */
const goZeroTime = /^0001-01-01T00:00:00(\.0+)?Z$/

const datePattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:?\d{2})?)?$/i

/**
 * UTC milliseconds, or what is wrong. The parts are checked because Date.parse reads 30 February as 2 March, and a missing
 * zone as the local one.
 */
function dateOf(value: unknown): number | string {
  if (isAbsent(value)) return 'is missing'
  if (typeof value !== 'string') return 'is not a date in text'
  const match = datePattern.exec(value.trim())
  if (!match) return 'is not a date'
  const [, year, month, day, hour, minute, second, fraction, zone = 'Z'] = match
  if (hour !== undefined && match[8] === undefined) {
    return 'has no time zone: it must end with Z or an offset'
  }
  const milliseconds = (fraction ?? '').slice(0, 3).padEnd(3, '0')
  const text = `${year}-${month}-${day}T${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}.${milliseconds}Z`
  const at = Date.parse(text)
  if (Number.isNaN(at) || new Date(at).toISOString() !== text) return 'is not a date'
  if (zone.toUpperCase() === 'Z') return at
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(-2))
  if (hours > 23 || minutes > 59) return 'has an impossible time zone'
  return at - (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

/** Seconds or microseconds instead of milliseconds are out of range. */
const earliestMs = Date.UTC(2000, 0, 1)
const latestMs = Date.UTC(3000, 0, 1)
