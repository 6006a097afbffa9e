/** Parses durations and moments. Nothing is guessed: unclear text is refused. */

import { durationText } from '../../text/duration.ts'
import { didYouMean, nearest } from '../../text/nearest.ts'
import { type Parse, type ParseContext, quote, refuse } from './parser.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
/** A year has 365 days, as in Prometheus, so that a duration has one length. */
const unitMs: Readonly<Record<string, number>> = {
  y: 365 * day,
  w: 7 * day,
  d: day,
  h: hour,
  m: minute,
  s: second,
}
const longest = 36_525 * day

const durationForms = 'duration such as 90s, 5m, 5h, 30d, 2w, 1y or 1h30m'
const durationHint = `write a ${durationForms}`
const momentHint = 'write a date such as 2026-12-31, 2026-12-31T10:00, 2026-12-31T10:00:00Z, or now'
const aheadHint =
  'write a duration such as 90d or 1h30m, or a date such as 2026-12-31 or 2026-12-31T10:00:00Z'
const agoHint = `${aheadHint}, a month such as 2026-10, or a word such as today, yesterday or last-month`

/** `90s`, `5m`, `5h`, `30d`, `2w`, `1y`, `1h30m` in milliseconds; always more than 0. */
export const duration: Parse<number> = (raw, context) => {
  const milliseconds = durationOrZero(raw, context)
  if (milliseconds === 0)
    throw refuse(`${quote(raw)} is too short: it must be longer than zero`, durationHint)
  return milliseconds
}

/** A duration that may also be `0` or `0s`. */
export const durationOrZero: Parse<number> = raw => {
  if (raw === '0') return 0
  const problem = durationProblem(raw)
  if (problem !== undefined) {
    const instead = durationMeant(raw)
    const hint = instead === undefined ? durationHint : `write ${instead}, or another ${durationForms}`
    throw refuse(`${quote(raw)} is not a duration: ${problem}`, hint)
  }
  let total = 0
  for (const [, digits, unit] of raw.matchAll(/(\d+)([ywdhms])/g))
    total += Number(digits) * (unitMs[unit ?? ''] ?? 0)
  if (total > longest) throw refuse(`${quote(raw)} is longer than 100 years`, durationHint)
  return total
}

/** Milliseconds as the shortest text that `duration` parses, to the second: `5h`, `1h30m`, `30d`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 0) return `-${formatDuration(-milliseconds)}`
  const step = milliseconds < second ? 1 : second
  return durationText(Math.round(milliseconds / step) * step)
}

/** The length of a window: a duration, or the name of a unit with a fixed length, as in `usd=5/day`. */
export const windowLength: Parse<number> = (raw, context) =>
  duration(['minute', 'hour', 'year'].includes(raw) ? (windowMeant(raw) ?? raw) : raw, context)

/** A suggestion for an invalid window length: `30d` for `month`. */
export const windowMeant = (raw: string): string | undefined =>
  durationMeant(/^[a-z]+$/i.test(raw) ? `1${raw}` : raw)

/**
 * RFC 3339 with a zone, a local date and time in the zone of the context, a date (its first moment there), or `now`. If
 * an hour happens twice, the first is used. If it is skipped, it is refused.
 */
export const moment: Parse<Date> = (raw, context) => readMoment(raw, context, momentHint)

/** A moment, or a duration from now. */
export const when: Parse<Date> = (raw, context) => {
  if (!looksLikeDuration(raw)) return readMoment(raw, context, aheadHint)
  return new Date(context.now.getTime() + duration(raw, context))
}

/** The same, or `never`. */
export const whenIfEver: Parse<Date | null> = (raw, context) => {
  if (raw === 'never') return null
  if (!looksLikeDuration(raw)) return readMoment(raw, context, `${aheadHint}, or never`)
  return when(raw, context)
}

/**
 * A moment, a duration ago, or the start of a month (`2026-10`) or of a named period (`today`, `yesterday`,
 * `last-month`) in the zone of the context.
 */
export const since: Parse<Date> = (raw, context) => {
  const began = startOfNamed(raw, context)
  if (began !== undefined) return began
  if (looksLikeDuration(raw)) return new Date(context.now.getTime() - duration(raw, context))
  const guess = /^[a-z]+-?[a-z]+$/i.test(raw) ? didYouMean(nearest(raw, momentWords)) : ''
  return readMoment(raw, context, agoHint, guess)
}

const days: readonly string[] = ['yesterday', 'today', 'tomorrow']
const whichOnes: readonly string[] = ['last', 'this', 'next']
const starts: Readonly<Record<string, (today: Temporal.ZonedDateTime) => Temporal.ZonedDateTime>> = {
  week: today => today.subtract({ days: today.dayOfWeek - 1 }),
  month: today => today.with({ day: 1 }),
  year: today => today.with({ month: 1, day: 1 }),
}
const momentWords = [
  'now',
  ...days,
  ...whichOnes.flatMap(which => Object.keys(starts).map(span => `${which}-${span}`)),
]

/** The first moment of a named period or a month; undefined for anything else. */
function startOfNamed(raw: string, { now, timeZone }: ParseContext): Date | undefined {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(raw))
    return at(Temporal.PlainDate.from(`${raw}-01`).toZonedDateTime(timeZone))
  const today = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(timeZone)
  if (days.includes(raw)) return at(today.add({ days: days.indexOf(raw) - 1 }).startOfDay())
  if (!momentWords.includes(raw)) return undefined
  const [which = '', span = ''] = raw.split('-')
  const first = starts[span]?.(today)
  return first && at(first.add({ [`${span}s`]: whichOnes.indexOf(which) - 1 }).startOfDay())
}

/** A cron expression with five fields, or a word of crontab(5) such as `@daily`, in any case. */
export const cronTimes: Parse<string> = raw => {
  const word = raw.trim().toLowerCase().replace('@', '')
  return cronWords.includes(word) ? `@${word}` : raw.trim()
}

const cronWords = ['hourly', 'daily', 'midnight', 'weekly', 'monthly', 'yearly', 'annually']

function durationProblem(raw: string): string | undefined {
  if (raw.trim() === '') return 'it is empty'
  if (/^[-+]/.test(raw)) return 'it must have no sign'
  if (/ago$/i.test(raw)) return 'leave out "ago"'
  if (/[.,]\d/.test(raw)) return 'write parts as smaller units, 1h30m for an hour and a half'
  if (/^\d+$/.test(raw)) return 'its unit is missing (s, m, h, d, w or y)'
  if (/\dM/.test(raw)) return 'M could be minutes or months: write m for minutes, 30d for a month'
  if (/\dmo/i.test(raw) || /^mo/i.test(raw)) return 'months differ in length'
  const parts = [...raw.matchAll(/(\d+)([a-zA-Z]+)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== raw)
    return 'it must be numbers with units'
  const units = parts.map(([, , unit]) => unit ?? '')
  const unknown = units.find(unit => unitMs[unit] === undefined)
  if (unknown !== undefined) return `${unknown} is not a unit (s, m, h, d, w or y)`
  const order = units.map(unit => 'ywdhms'.indexOf(unit))
  const ordered = order.every((place, index) => index === 0 || place > (order[index - 1] ?? -1))
  return ordered ? undefined : 'units go from large to small, each at most once'
}

/** Units as people write them. A month has the usual number of days. */
const spelledUnits: Readonly<Record<string, string>> = {
  s: 's sec second',
  m: 'min minute',
  h: 'h hr hour',
  d: 'd day',
  w: 'w wk week',
  y: 'y yr year',
  month: 'mo mon month',
}

/** A suggestion: `90d` for `3mo`, `5m` for `5 minutes`. */
function durationMeant(raw: string): string | undefined {
  const words = raw.replaceAll(/\s|^[-+]|ago$/gi, '')
  const meant = words.replaceAll(/(\d+)([a-zA-Z]+)/g, (part, digits: string, word: string) => {
    if (unitMs[word] !== undefined) return part
    const singular = word.toLowerCase().replace(/(?<=..)s$/, '')
    const unit = Object.keys(spelledUnits).find(name => spelledUnits[name]?.split(' ').includes(singular))
    if (unit === undefined || word === 'M') return part
    return unit === 'month' ? `${Number(digits) * 30}d` : `${digits}${unit}`
  })
  return meant !== raw && durationProblem(meant) === undefined ? meant : undefined
}

/** Digits followed by letters, such as `5m`, `10dd` or `5m ago`. An error about them should mention durations. */
const looksLikeDuration = (raw: string): boolean => /^[-+]?[\d.]+ ?([a-su-zA-SU-Z]|$)/.test(raw)

const rfc3339 = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d:\d\d)?)?$/

function readMoment(raw: string, { now, timeZone }: ParseContext, hint: string, guess = ''): Date {
  if (raw === 'now') return now
  const [, date, clock, seconds = '00', fraction = '', zone] = rfc3339.exec(raw) ?? []
  if (date === undefined) throw refuse(`${quote(raw)} is not a date${guess}`, hint)
  try {
    if (clock === undefined) return at(Temporal.PlainDate.from(date).toZonedDateTime(timeZone))
    if (clock > '23:59' || seconds > '59') throw new RangeError('no such time')
    const local = Temporal.PlainDateTime.from(
      `${date}T${clock}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}`,
    )
    if (zone === undefined) return localMoment(raw, local, timeZone)
    const offset = zone.toUpperCase() === 'Z' ? '+00:00' : zone
    return at(local.toZonedDateTime(offset))
  } catch (error) {
    if (error instanceof RangeError) throw refuse(`${quote(raw)} does not exist in the calendar`, hint)
    throw error
  }
}

function localMoment(raw: string, local: Temporal.PlainDateTime, timeZone: string): Date {
  const first = local.toZonedDateTime(timeZone, { disambiguation: 'earlier' })
  if (first.toPlainDateTime().equals(local)) return at(first)
  throw refuse(
    `${quote(raw)} does not exist in ${timeZone}: the clocks skip that hour`,
    'write another time, or give the offset: 2026-12-31T10:00:00+02:00',
  )
}

const at = (zoned: Temporal.ZonedDateTime): Date => new Date(zoned.epochMilliseconds)
