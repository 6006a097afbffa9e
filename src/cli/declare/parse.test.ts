import { describe, expect, test } from 'bun:test'
import { LatchkeyError } from '../../contract/errors.ts'
import { rolling } from '../../testing/limits.ts'
import * as parse from './parse.ts'
import type { Parse, ParseContext } from './parser.ts'
import * as times from './times.ts'

const now = new Date('2026-11-20T12:00:00Z')
const context: ParseContext = { now, timeZone: 'Europe/Berlin' }
const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

function refusal(read: Parse<unknown>, raw: string, timeZone = context.timeZone): LatchkeyError {
  try {
    const value = read(raw, { now, timeZone })
    throw new Error(`'${raw}' was read as ${String(value)}`)
  } catch (error) {
    if (error instanceof LatchkeyError) return error
    throw error
  }
}

describe('duration', () => {
  test.each([
    ['90s', 90 * second],
    ['5m', 5 * minute],
    ['5h', 5 * hour],
    ['30d', 30 * day],
    ['2w', 14 * day],
    ['1y', 365 * day],
    ['1y6w', 407 * day],
    ['1h30m', 90 * minute],
    ['1w2d3h4m5s', 9 * day + 3 * hour + 4 * minute + 5 * second],
    ['007m', 7 * minute],
  ])('reads %s', (raw, expected) => {
    expect(times.duration(raw, context)).toBe(expected)
  })

  test.each([
    ['', 'it is empty'],
    ['   ', 'it is empty'],
    ['90', 'its unit is missing'],
    ['1M', 'M could be minutes or months'],
    ['1h30M', 'M could be minutes or months'],
    ['10dd', 'dd is not a unit'],
    ['5min', 'min is not a unit'],
    ['3mo', 'months differ in length'],
    ['3Y', 'Y is not a unit'],
    ['1h1y', 'units go from large to small'],
    ['5m ago', 'leave out "ago"'],
    ['1.5h', 'write parts as smaller units'],
    ['1,5h', 'write parts as smaller units'],
    ['-5m', 'it must have no sign'],
    ['+5m', 'it must have no sign'],
    ['30m1h', 'units go from large to small'],
    ['1h1h', 'each at most once'],
    ['1h 30m', 'it must be numbers with units'],
    ['h', 'it must be numbers with units'],
    ['PT5M', 'M could be minutes or months'],
    ['0', 'must be longer than zero'],
    ['0s', 'must be longer than zero'],
    ['0h0m', 'must be longer than zero'],
    ['99999w', 'longer than 100 years'],
    ['99999999999999999999999999s', 'longer than 100 years'],
  ])('refuses %p and says why', (raw, why) => {
    const error = refusal(times.duration, raw)
    expect(error.message).toContain(why)
    expect(error.hint).toContain('1h30m')
    expect(error.exit).toBe(2)
  })

  test.each([
    ['3mo', '90d'],
    ['12 months', '360d'],
    ['1y3mo', '1y90d'],
    ['5min', '5m'],
    ['2hours', '2h'],
    ['3 days', '3d'],
    ['1h 30m', '1h30m'],
    ['10D', '10d'],
    ['-5m', '5m'],
    ['5m ago', '5m'],
  ])('what to write instead of %p is %s', (raw, instead) => {
    expect(refusal(times.duration, raw).hint).toStartWith(`write ${instead}, or another duration `)
  })

  test.each(['1M', '10dd', '90', '1h1h', 'PT5M', '1.5h', ''])('of %p nothing is guessed', raw => {
    expect(refusal(times.duration, raw).hint).toStartWith('write a duration such as ')
  })

  test('a grace period may be 0', () => {
    expect(['0', '0s', '24h'].map(raw => times.durationOrZero(raw, context))).toEqual([0, 0, day])
    expect(refusal(times.durationOrZero, '-1s').code).toBe('usage')
  })

  test.each([
    [0, '0s'],
    [250, '250ms'],
    [90 * second, '1m30s'],
    [5 * hour, '5h'],
    [90 * minute, '1h30m'],
    [30 * day, '30d'],
    [-5 * minute, '-5m'],
    [day + second, '1d1s'],
  ])('%p ms is written as %s', (milliseconds, text) => {
    expect(times.formatDuration(milliseconds)).toBe(text)
  })

  test('what is written is read back', () => {
    for (let ms = second; ms < 400 * day; ms = Math.ceil((ms * 1.7) / second) * second) {
      expect(times.duration(times.formatDuration(ms), context)).toBe(ms)
    }
  })
})

describe('moment', () => {
  test.each([
    ['2026-11-20T03:11:26.603Z', 'UTC', '2026-11-20T03:11:26.603Z'],
    ['2026-11-20T03:11:26Z', 'Europe/Berlin', '2026-11-20T03:11:26.000Z'],
    ['2026-11-20T03:11Z', 'Europe/Berlin', '2026-11-20T03:11:00.000Z'],
    ['2026-11-20t03:11:26z', 'UTC', '2026-11-20T03:11:26.000Z'],
    ['2026-11-20T03:11:26.123456789Z', 'UTC', '2026-11-20T03:11:26.123Z'],
    ['2026-11-20T03:11:26+02:00', 'UTC', '2026-11-20T01:11:26.000Z'],
    ['2026-11-20T23:30:00-05:30', 'UTC', '2026-11-21T05:00:00.000Z'],
    ['2026-12-31', 'UTC', '2026-12-31T00:00:00.000Z'],
    ['2026-12-31', 'Europe/Berlin', '2026-12-30T23:00:00.000Z'],
    ['2026-12-31', 'America/New_York', '2026-12-31T05:00:00.000Z'],
    ['2026-12-31T10:00', 'Europe/Berlin', '2026-12-31T09:00:00.000Z'],
    ['2026-12-31 10:00:30', 'Europe/Berlin', '2026-12-31T09:00:30.000Z'],
    ['2026-07-01T10:00', 'Europe/Berlin', '2026-07-01T08:00:00.000Z'],
    ['2028-02-29', 'UTC', '2028-02-29T00:00:00.000Z'],
    ['now', 'UTC', '2026-11-20T12:00:00.000Z'],
    // On these days there is no midnight: the day begins at one o'clock.
    ['2024-09-08', 'America/Santiago', '2024-09-08T04:00:00.000Z'],
    // Clocks are set back: 02:30 happens twice, and the first is used.
    ['2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['2026-10-25T02:30+01:00', 'Europe/Berlin', '2026-10-25T01:30:00.000Z'],
    ['2026-03-29T01:59', 'Europe/Berlin', '2026-03-29T00:59:00.000Z'],
    ['2026-03-29T03:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
  ])('reads %s in %s', (raw, timeZone, expected) => {
    expect(times.moment(raw, { now, timeZone }).toISOString()).toBe(expected)
  })

  test.each([
    ['2026-02-30', 'does not exist in the calendar'],
    ['2026-02-29T10:00:00Z', 'does not exist in the calendar'],
    ['2026-13-01', 'does not exist in the calendar'],
    ['2026-12-31T24:00', 'does not exist in the calendar'],
    ['2026-12-31T12:75', 'does not exist in the calendar'],
    ['2026-12-31T12:00:60Z', 'does not exist in the calendar'],
    ['2026-12-31T12:00:00+25:00', 'does not exist in the calendar'],
    ['2026-03-29T02:30', 'the clocks skip that hour'],
    ['tomorrow', 'is not a date'],
    ['31.12.2026', 'is not a date'],
    ['2026-1-1', 'is not a date'],
    ['1797811200', 'is not a date'],
    ['', 'is not a date'],
    ['90d', 'is not a date'],
  ])('refuses %p: %s', (raw, why) => {
    const error = refusal(times.moment, raw)
    expect(error.message).toContain(why)
    expect(error.hint).toMatch(/write (a date such as|another time)/)
  })

  // 2026-11-20 is a Friday. In Berlin the day begins at 23:00 UTC, before the end of summer time at 22:00.
  test.each([
    ['now', '2026-11-20T12:00:00.000Z'],
    ['today', '2026-11-19T23:00:00.000Z'],
    ['yesterday', '2026-11-18T23:00:00.000Z'],
    ['tomorrow', '2026-11-20T23:00:00.000Z'],
    ['this-week', '2026-11-15T23:00:00.000Z'],
    ['last-week', '2026-11-08T23:00:00.000Z'],
    ['this-month', '2026-10-31T23:00:00.000Z'],
    ['last-month', '2026-09-30T22:00:00.000Z'],
    ['next-month', '2026-11-30T23:00:00.000Z'],
    ['last-year', '2024-12-31T23:00:00.000Z'],
    ['2026-10', '2026-09-30T22:00:00.000Z'],
    ['1y', '2025-11-20T12:00:00.000Z'],
  ])('since %s is %s', (raw, expected) => {
    expect(times.since(raw, context).toISOString()).toBe(expected)
  })

  test('months and words are the first moment of a day that begins after midnight', () => {
    // In Beirut the clock goes from 00:00 to 01:00 on 2026-03-29.
    const beirut = { now: new Date('2026-03-29T12:00:00Z'), timeZone: 'Asia/Beirut' }
    expect(times.since('today', beirut).toISOString()).toBe('2026-03-28T22:00:00.000Z')
    expect(times.since('2026-03', beirut).toISOString()).toBe('2026-02-28T22:00:00.000Z')
  })

  test.each([
    ['2026-13', "'2026-13' is not a date"],
    ['last-mont', 'did you mean last-month?'],
    ['lastmonth', 'did you mean last-month?'],
    ['yesterdya', 'did you mean yesterday?'],
    ['last-day', 'is not a date'],
    ['2026', 'its unit is missing'],
  ])('since %p is refused: %s', (raw, why) => {
    const error = refusal(times.since, raw)
    expect(error.message).toContain(why)
    expect(error.hint).toMatch(/yesterday|1h30m/)
  })

  test('what ends may end never', () => {
    expect(times.whenIfEver('never', context)).toBeNull()
    expect(times.whenIfEver('1y', context)).toEqual(new Date('2027-11-20T12:00:00Z'))
    expect(refusal(times.whenIfEver, 'nevre').hint).toContain('never')
    expect(refusal(times.when, 'never').code).toBe('usage')
  })

  test('when looks forward, since looks back, and both take dates', () => {
    expect(times.when('90d', context)).toEqual(new Date(now.getTime() + 90 * day))
    expect(times.since('1h30m', context)).toEqual(new Date(now.getTime() - 90 * minute))
    for (const read of [times.when, times.since]) {
      expect(read('2026-12-31T10:00:00Z', context)).toEqual(new Date('2026-12-31T10:00:00Z'))
      expect(read('now', context)).toEqual(now)
      expect(refusal(read, '10dd').message).toContain('is not a duration: dd is not a unit')
      expect(refusal(read, '5m ago').message).toContain('leave out "ago"')
      expect(refusal(read, '1M').message).toContain('M could be')
      expect(refusal(read, '0d').message).toContain('must be longer than zero')
      expect(refusal(read, 'soon').hint).toContain('90d or 1h30m, or a date such as 2026-12-31')
    }
  })
})

describe('numbers', () => {
  test.each([
    ['0', 0],
    ['5000', 5000],
    ['1,000,000', 1_000_000],
    ['1_000_000', 1_000_000],
    ['100k', 100_000],
    ['100K', 100_000],
    ['1.5M', 1_500_000],
    ['2B', 2_000_000_000],
  ])('the amount %s is %d', (raw, expected) => {
    expect(parse.amount(raw, context)).toBe(expected)
  })

  test.each([
    ['', 'not an amount'],
    ['-5', 'not an amount'],
    ['1,5', 'not an amount'],
    ['1,000_000', 'not an amount'],
    ['1e5', 'not an amount'],
    ['1.5', 'not a whole number'],
    ['1.2345k', 'not a whole number'],
    ['5m', 'a million is written M'],
    ['5G', 'ends in G'],
    ['9999999999B', 'too large'],
  ])('the amount %p is refused: %s', (raw, why) => {
    const error = refusal(parse.amount, raw)
    expect(error.message).toContain(why)
    expect(error.hint).toContain('100k')
  })

  test.each([
    ['20', 20],
    ['$20', 20],
    ['0.0004', 0.0004],
    ['0.000001', 0.000001],
    ['1,000.50', 1000.5],
    ['0', 0],
  ])('%s is %d dollars', (raw, expected) => {
    expect(parse.dollars(raw, context)).toBe(expected)
  })

  test.each(['0.0000001', '-1', '1.', '.5', '1e3', '99999999999', '20 USD', ''])('%p are no dollars', raw => {
    expect(refusal(parse.dollars, raw).hint).toContain('0.50')
  })

  test('counts, percentages and lower ends', () => {
    expect(parse.count('14', context)).toBe(14)
    for (const raw of ['0', '-1', '1.5', 'ten', '', '99999999999999999999']) {
      expect(refusal(parse.count, raw).message).toContain('at least 1')
    }
    expect(parse.integerAtLeast(0)('0', context)).toBe(0)
    expect(refusal(parse.integerAtLeast(5), '4').message).toContain('at least 5')
    expect(['0', '80', '80%', '99.9%'].map(raw => parse.percent(raw, context))).toEqual([0, 80, 80, 99.9])
    for (const raw of ['101', '-1', '%', '0.8.1', '']) expect(refusal(parse.percent, raw).code).toBe('usage')
  })
})

describe('limit', () => {
  test.each([
    ['tokens=100k/5h', rolling('tokens', 100_000, 5 * hour)],
    ['requests=1,000/1d', rolling('requests', 1000, day)],
    ['usd=20/30d', rolling('usd', 20, 30 * day)],
    ['usd=0.000001/1m', rolling('usd', 0.000001, minute)],
    ['tokens=0/366d', rolling('tokens', 0, 366 * day)],
    ['usd=5/1d', rolling('usd', 5, day)],
    ['usd=5/day', { ...rolling('usd', 5, 0), period: 'day', windowMs: null, timeZone: context.timeZone }],
    [
      'usd=100/month',
      { ...rolling('usd', 100, 0), period: 'month', windowMs: null, timeZone: context.timeZone },
    ],
    ['usd=5/total', { ...rolling('usd', 5, 0), period: 'total', windowMs: null }],
    ['parallel=4', { ...rolling('parallel', 4, 0), period: 'total', windowMs: null }],
    ['tokens=100k/5h@gpt-*', { ...rolling('tokens', 100_000, 5 * hour), models: 'gpt-*' }],
    ['requests=9/minute', rolling('requests', 9, minute)],
    ['tokens=1/year', rolling('tokens', 1, 365 * day)],
    ['tokens=1/90s', rolling('tokens', 1, 90 * second)],
  ] as const)('reads %s', (raw, expected) => {
    expect(parse.limit(raw, context)).toEqual({ ...expected })
  })

  test.each([
    ['tokens', 'has no amount'],
    ['tokens=100k', 'has no window'],
    ['token=1/5h', "'token' is not a metric (did you mean tokens?)"],
    ['=1/5h', "'' is not a metric"],
    ['tokens=1.5/5h', 'is not a whole number'],
    ['tokens=/5h', 'is not an amount'],
    ['usd=0.0000001/5h', 'six decimals'],
    ['tokens=1/', 'it is empty'],
    ['tokens=1/1M', 'M could be'],
    ['tokens=1/59s', 'between 1m and 366d'],
    ['tokens=1/367d', 'between 1m and 366d'],
    ['tokens=1/5h/2', 'is not a duration'],
  ])('refuses %s: %s', (raw, why) => {
    const error = refusal(parse.limit, raw)
    expect(error.message).toContain(why)
    expect(error.message).toContain(raw)
    expect(error.hint).toContain('tokens=100k/5h')
  })

  test.each([
    ['usd=5/1mo', 'usd=5/30d'],
    ['tokens=1M/3mo', 'tokens=1M/90d'],
    ['tokens=1M/5 hours', 'tokens=1M/5h'],
  ])('what to write instead of %s is %s', (raw, instead) => {
    expect(refusal(parse.limit, raw).hint).toStartWith(`write ${instead}; `)
  })

  test('a limit is named as it was written', () => {
    const all = {
      metric: 'tokens',
      period: 'rolling',
      windowMs: 5 * hour,
      models: null,
      each: false,
    } as const
    for (const [raw, expected] of [
      ['tokens/5h', all],
      ['tokens/5h@gpt-*', { ...all, models: 'gpt-*' }],
      ['tokens/day', { ...all, period: 'day', windowMs: null }],
      ['tokens/total', { ...all, period: 'total', windowMs: null }],
      ['parallel@gpt-*', { ...all, metric: 'parallel', period: 'total', windowMs: null, models: 'gpt-*' }],
    ] as const) {
      expect(parse.limitName(raw, context)).toEqual(expected)
      expect(parse.eachLimitName(raw, context)).toEqual({ ...expected, each: true })
    }
    // Every window, and for each end user too.
    expect(parse.limitName('tokens', context)).toEqual({ metric: 'tokens' })
    expect(parse.eachLimitName('tokens', context)).toEqual({ metric: 'tokens', each: true })
  })

  test('for each end user a limit reads the same', () => {
    expect(parse.eachLimit('tokens=50k/1d', context)).toEqual({
      ...rolling('tokens', 50_000, day),
      each: true,
    })
  })

  test('a metric by itself', () => {
    expect(parse.metric('usd', context)).toBe('usd')
    expect(refusal(parse.metric, 'USD').message).toContain('did you mean usd?')
  })
})

test.each([
  ['@daily', '@daily'],
  ['daily', '@daily'],
  [' @Hourly ', '@hourly'],
  ['17 3 * * *', '17 3 * * *'],
  ['@reboot', '@reboot'],
])('the times %p are %p in a crontab', (raw, expected) => {
  expect(times.cronTimes(raw, context)).toBe(expected)
})

test('lists, groups, members and JSON', () => {
  expect(parse.list('a, b', context)).toEqual(['a', 'b'])
  expect(refusal(parse.list, 'a,,b').code).toBe('usage')
  expect(parse.groups('key,day', context)).toEqual(['key', 'day'])
  expect(refusal(parse.groups, 'key,dya').message).toContain('did you mean day?')
  expect(parse.member('bob=viewer', context)).toEqual({ user: 'bob', role: 'viewer' })
  expect(refusal(parse.member, 'bob').message).toContain('has no role')
  expect(refusal(parse.member, 'bob=vewer').message).toContain('did you mean viewer?')
  expect(parse.json('{"a":[1]}', context)).toEqual({ a: [1] })
  expect(refusal(parse.json, '{a:1}').message).toContain('is not JSON')
})

test('an address with a port', () => {
  expect(parse.hostPort('127.0.0.1:8686', context)).toEqual({ host: '127.0.0.1', port: 8686 })
  expect(parse.hostPort('localhost:0', context)).toEqual({ host: 'localhost', port: 0 })
  expect(parse.hostPort('[::1]:80', context)).toEqual({ host: '::1', port: 80 })
  expect(parse.hostPort('9000', context)).toEqual({ host: '127.0.0.1', port: 9000 })
  for (const raw of [
    '',
    ':80',
    '127.0.0.1',
    '127.0.0.1:',
    '::1:80',
    'http://x:80',
    'a b:80',
    '1:65536',
    '[::1]80',
  ]) {
    expect([raw, refusal(parse.hostPort, raw).code]).toEqual([raw, 'usage'])
  }
})
