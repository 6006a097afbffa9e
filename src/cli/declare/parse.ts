/**
 * Parses amounts, limits and names on the command line; `times.ts` parses times. Every error says what to type instead.
 * Nothing is guessed: `5m ago`, `1M` and `10dd` are refused.
 */

import { LatchkeyError } from '../../contract/errors.ts'
import { keySorts, metrics, reportGroups, roles, windowRangeMs } from '../../contract/views/words.ts'
import type { KeySort, Limit, Metric, ReportGroup, Role } from '../../contract/views.ts'
import type { KeepPolicy, LimitName } from '../../index.ts'
import { didYouMean, nearest } from '../../text/nearest.ts'
import { nearestSetting, type SettingName, settingNames } from '../settings/file.ts'
import { type Parse, type ParseContext, quote, refuse } from './parser.ts'
import { duration, windowLength, windowMeant } from './times.ts'

const amountHint = 'write a whole number such as 5000, 100k, 1.5M or 1,000,000'
const dollarsHint = 'write dollars such as 20, 0.50 or 1,000'
const keepHint = 'write rules such as last=7,daily=7,weekly=4,monthly=12,within=30d'
const limitForm =
  'metric=amount/window, such as tokens=100k/5h, requests=1000/1d, usd=20/month or tokens=1M/1d@gpt-*'
const limitHint = `write ${limitForm}`

/** A whole number, 0 or more: `5000`, `1,000,000`, `1_000`, `100k`, `1.5M`, `2B`. */
export const amount: Parse<number> = raw => {
  const [, digits = '', fraction = '', suffix = ''] = /^([\d,_]+)(?:\.(\d+))?([a-zA-Z]?)$/.exec(raw) ?? []
  const whole = ungroup(digits)
  if (whole === undefined) throw refuse(`${quote(raw)} is not an amount`, amountHint)
  if (suffix === 'm') throw refuse(`${quote(raw)} is unclear: a million is written M`, amountHint)
  const zeros = { '': 0, k: 3, K: 3, M: 6, B: 9 }[suffix]
  if (zeros === undefined) throw refuse(`${quote(raw)} ends in ${suffix}, which is not k, M or B`, amountHint)
  if (fraction.length > zeros) throw refuse(`${quote(raw)} is not a whole number`, amountHint)
  const value = Number(whole + fraction.padEnd(zeros, '0'))
  if (!Number.isSafeInteger(value)) throw refuse(`${quote(raw)} is too large`, amountHint)
  return value
}

/** `127.0.0.1:8686`, `[::1]:8686`, `localhost:8686`, or only a port, for 127.0.0.1. */
export const hostPort: Parse<{ readonly host: string; readonly port: number }> = raw => {
  const hint = 'write an address and a port such as 127.0.0.1:8686, [::1]:8686 or 8686'
  const [, inBrackets, bare, digits] = /^(?:(?:\[([^[\]]+)\]|([^:[\]\s]+)):)?(\d{1,5})$/.exec(raw) ?? []
  if (digits === undefined) throw refuse(`${quote(raw)} is not an address with a port`, hint)
  const port = Number(digits)
  if (port > 65_535) throw refuse(`${quote(raw)} has a port above 65535`, hint)
  return { host: inBrackets ?? bare ?? '127.0.0.1', port }
}

/** A whole number of at least 1. */
export const count: Parse<number> = (raw, context) => integerAtLeast(1)(raw, context)

/** Parses whole numbers of at least `least`. */
export const integerAtLeast =
  (least: number): Parse<number> =>
  raw => {
    const value = /^\d+$/.test(raw) ? Number(raw) : Number.NaN
    if (Number.isSafeInteger(value) && value >= least) return value
    throw refuse(
      `${quote(raw)} is not a whole number of at least ${least}`,
      `write a number such as ${least + 9}`,
    )
  }

/** How many to keep: at least 1, or `all`. */
export const keepCount: Parse<number> = (raw, context) =>
  raw === 'all' ? Number.POSITIVE_INFINITY : count(raw, context)

/** `daily=7,weekly=4,within=30d`: which backups are kept. */
export const keepRules = (raw: string): KeepPolicy => {
  const names = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
  const context = { now: new Date(0), timeZone: 'UTC' }
  const policy: Partial<Record<(typeof names)[number] | 'withinMs', number>> = {}
  for (const part of raw.split(',')) {
    const [, word = '', value = ''] = /^\s*([^=\s]*)\s*=\s*(\S*)\s*$/.exec(part) ?? []
    const name = names.find(each => each === word)
    if (word === 'within') policy.withinMs = duration(value, context)
    else if (name !== undefined) policy[name] = keepCount(value, context)
    else
      throw refuse(
        `${quote(part.trim())} is not a rule for backups to keep${meaning(word, [...names, 'within'])}`,
        keepHint,
      )
  }
  return policy
}

/** `80%` or `80` as the number 80; between 0 and 100. */
export const percent: Parse<number> = raw => {
  const value = /^\d+(\.\d+)?%?$/.test(raw) ? Number(raw.replace('%', '')) : Number.NaN
  if (value >= 0 && value <= 100) return value
  throw refuse(`${quote(raw)} is not a percentage from 0 to 100`, 'write a percentage such as 80 or 80%')
}

/** Dollars with at most six decimals (whole micro-dollars): `20`, `$0.50`, `1,000`. */
export const dollars: Parse<number> = raw => {
  const [, digits = '', fraction = ''] = /^\$?([\d,_]+)(?:\.(\d+))?$/.exec(raw) ?? []
  const whole = ungroup(digits)
  if (whole === undefined) throw refuse(`${quote(raw)} is not an amount of dollars`, dollarsHint)
  if (fraction.length > 6) throw refuse(`${quote(raw)} has more than six decimals`, dollarsHint)
  if (!Number.isSafeInteger(Number(whole + fraction.padEnd(6, '0')))) {
    throw refuse(`${quote(raw)} is too large`, dollarsHint)
  }
  return Number(`${whole}.${fraction || '0'}`)
}

/** One of a few words. */
export const oneOf =
  <const T extends string>(choices: readonly T[]): Parse<T> =>
  raw => {
    const found = choices.find(choice => choice === raw)
    if (found !== undefined) return found
    throw refuse(`${quote(raw)} is not allowed${meaning(raw, choices)}`, `write one of ${choices.join(', ')}`)
  }

/** `name=value`. The value becomes a number if it looks like one. */
export const parameter: Parse<readonly [string, string | number | bigint]> = raw => {
  const [, name, value = ''] = /^(\w+)=([\s\S]*)$/.exec(raw) ?? []
  if (name === undefined)
    throw refuse(`${quote(raw)} is not name=value`, 'write name=value, such as least=1000')
  return [name, /^-?\d+(\.\d+)?$/.test(value) ? exactly(value) : value]
}

/** Integers that are too large for a number but valid in SQLite stay exact. */
function exactly(digits: string): number | bigint {
  const number = Number(digits)
  if (!Number.isInteger(number) || Number.isSafeInteger(number) || digits.includes('.')) return number
  const whole = BigInt(digits)
  return BigInt.asIntN(64, whole) === whole ? whole : number
}

/** The name of a setting. Dashes are accepted for underscores. */
export const settingName: Parse<SettingName> = raw => {
  const found = settingNames.find(name => name === raw.replaceAll('-', '_'))
  if (found !== undefined) return found
  throw refuse(
    `${quote(raw)} is not a setting${didYouMean(nearestSetting(raw))}`,
    `write one of ${settingNames.join(', ')}`,
  )
}

/** The name of a metric. */
export const metric: Parse<Metric> = raw => {
  const found = metrics.find(name => name === raw)
  if (found !== undefined) return found
  throw refuse(`${quote(raw)} is not a metric${meaning(raw, metrics)}`, `write one of ${metrics.join(', ')}`)
}

/** `tokens=100k/5h@gpt-*`, `usd=100/month`, `usd=5/total`, `parallel=4`: at most so much within a window, of some models. */
export const limit: Parse<Limit> = (raw, context) => {
  const [, name, most, length, models = null] = /^([^=/@]*)=([^/@]*)(?:\/([^@]*))?(?:@(.*))?$/.exec(raw) ?? []
  if (name === undefined || most === undefined) {
    throw refuse(`limit ${quote(raw)} has no amount`, limitHint)
  }
  const counted = within(raw, limitHint, () => metric(name, context))
  if (length === undefined && counted !== 'parallel') {
    throw refuse(`limit ${quote(raw)} has no window`, limitHint)
  }
  if (models === '') throw refuse(`limit ${quote(raw)} names no models behind the @`, limitHint)
  const atMost = within(raw, limitHint, () => (counted === 'usd' ? dollars : amount)(most, context))
  return {
    metric: counted,
    amount: atMost,
    ...windowOf(raw, counted, length, window => `${name}=${most}/${window}`, context),
    models,
    each: false,
  }
}

/** The same, for each end user. */
export const eachLimit: Parse<Limit> = (raw, context) => ({ ...limit(raw, context), each: true })

type Window = Pick<Limit, 'period' | 'windowMs' | 'timeZone'>

const allTime: Window = { period: 'total', windowMs: null, timeZone: null }

function windowOf(
  raw: string,
  counted: Metric,
  length: string | undefined,
  written: (window: string) => string,
  context: ParseContext,
): Window {
  if (counted === 'parallel') {
    if (length === undefined) return allTime
    throw refuse(
      `limit ${quote(raw)} has a window: parallel counts what is under way now`,
      'write parallel=4',
    )
  }
  if (length === undefined || length === 'total') return allTime
  if (length === 'day' || length === 'week' || length === 'month') {
    return { period: length, windowMs: null, timeZone: context.timeZone }
  }
  const meant = windowMeant(length)
  const hint = meant === undefined ? limitHint : `write ${written(meant)}; a limit is ${limitForm}`
  const windowMs = within(raw, hint, () => windowLength(length, context))
  const [shortestMs, longestMs] = windowRangeMs
  if (windowMs < shortestMs || windowMs > longestMs) {
    throw refuse(`limit ${quote(raw)} has a window of ${length}: it must be between 1m and 366d`, limitHint)
  }
  return { period: 'rolling', windowMs, timeZone: null }
}

/**
 * `tokens/5h@gpt-*`: the limit with that metric, window and models, for all end users together; `tokens`: all limits on it,
 * those for each end user too.
 */
export const limitName: Parse<LimitName> = (raw, context) => {
  const [, name = '', length, models = null] = /^([^/@]*)(?:\/([^@]*))?(?:@(.*))?$/.exec(raw) ?? []
  const counted = metric(name, context)
  if (length === undefined && models === null) return { metric: counted }
  const { period, windowMs } = windowOf(raw, counted, length, window => `${name}/${window}`, context)
  return { metric: counted, period, windowMs, models, each: false }
}

/** The same, of those for each end user. */
export const eachLimitName: Parse<LimitName> = (raw, context) => ({ ...limitName(raw, context), each: true })

/** `a,b` as a list of words. */
export const list: Parse<readonly string[]> = raw => {
  const words = raw.split(',').map(word => word.trim())
  if (!words.includes('')) return words
  throw refuse(`${quote(raw)} contains an empty name`, 'write names with commas between: a,b')
}

/** `key,day`: the groups of a report. */
export const groups: Parse<readonly ReportGroup[]> = (raw, context) =>
  list(raw, context).map(word => {
    const group = reportGroups.find(name => name === word)
    if (group !== undefined) return group
    throw refuse(
      `${quote(word)} is not something to group by${meaning(word, reportGroups)}`,
      `choose from ${reportGroups.join(', ')}`,
    )
  })

/** JSON text as its value. */
export const json: Parse<unknown> = raw => {
  try {
    return JSON.parse(raw)
  } catch {
    throw refuse(`${quote(raw)} is not JSON`, `write JSON, quoted for the shell: '{"team":"search"}'`)
  }
}

/** The order of keys: `cost` in its usual direction, `-name` descending, `+cost` ascending. */
export const keySort: Parse<{ readonly sort: KeySort; readonly descending: boolean | undefined }> = raw => {
  const named = raw.replace(/^[-+]/, '')
  const sort = keySorts.find(name => name === named)
  if (sort !== undefined) return { sort, descending: raw === named ? undefined : raw.startsWith('-') }
  throw refuse(
    `${quote(named)} is not a sort order${meaning(named, keySorts)}`,
    `choose from ${keySorts.join(', ')}, optionally with - before it to descend or + to ascend`,
  )
}

/** `bob=viewer`: a user and their role in a project. */
export const member: Parse<{ readonly user: string; readonly role: Role }> = raw => {
  const [, user, named = ''] = /^(.+)=([^=]*)$/.exec(raw) ?? []
  if (user === undefined) throw refuse(`${quote(raw)} has no role`, 'write user=role, such as bob=viewer')
  const role = roles.find(name => name === named)
  if (role !== undefined) return { user, role }
  throw refuse(`${quote(named)} is not a role${meaning(named, roles)}`, `write one of ${roles.join(', ')}`)
}

function within<T>(raw: string, hint: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof LatchkeyError) throw refuse(`limit ${quote(raw)}: ${error.message}`, hint)
    throw error
  }
}

/** Digits without thousands separators; undefined if these are in the wrong places. */
function ungroup(digits: string): string | undefined {
  const grouped = /^\d+$|^\d{1,3}(,\d{3})+$|^\d{1,3}(_\d{3})+$/.test(digits)
  return grouped ? digits.replaceAll(/[,_]/g, '') : undefined
}

const meaning = (raw: string, known: readonly string[]): string => didYouMean(nearest(raw, known))
