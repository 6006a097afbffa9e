import { expect, test } from 'bun:test'
import { chances } from '../testing/chance.ts'
import type { StoredLimit } from './facts.ts'
import {
  dayMs,
  heldBefore,
  hourMs,
  minuteMs,
  periodEnd,
  type Retention,
  type Spans,
  spansOf,
  windowStart,
} from './spans.ts'

const everything: Retention = { minutesFrom: -8.64e15, hoursFrom: -8.64e15 }

const sizes = { minutes: 1, hours: 60, days: 1_440 } as const

/** Every minute that the buckets of some spans hold, in their order. */
function minutesIn({ runs }: Spans): readonly number[] {
  const found: number[] = []
  for (const { width, from, until } of runs) {
    const size = sizes[width]
    for (let minute = from * size; minute < until * size; minute++) found.push(minute + 0)
  }
  return found
}

/** How many buckets of a width there are. */
const countOf = ({ runs }: Spans, width: keyof typeof sizes): number =>
  runs.filter(run => run.width === width).reduce((sum, { from, until }) => sum + until - from, 0)

test('a time is made up of buckets without a gap, and of few of them', () => {
  const chance = chances(1)
  for (let round = 0; round < 300; round++) {
    const from = chance.whole(-3 * dayMs, 3 * dayMs)
    const until = from + chance.whole(1, chance.pick([hourMs, dayMs, 5 * dayMs]))
    const spans = spansOf(from, until, everything)
    const first = Math.floor(from / minuteMs)
    const end = Math.ceil(until / minuteMs)
    expect(minutesIn(spans)).toEqual(Array.from({ length: end - first }, (_, index) => first + index + 0))
    expect(countOf(spans, 'minutes')).toBeLessThan(120)
    expect(countOf(spans, 'hours')).toBeLessThan(48)
    expect(spans.edgeMs).toBe(minuteMs)
  }
})

test('where minutes or hours are gone, the bucket that holds an edge counts whole, and none that is gone is asked for', () => {
  const chance = chances(2)
  for (let round = 0; round < 300; round++) {
    const hoursFrom = chance.whole(-2, 2) * dayMs
    const minutesFrom = hoursFrom + chance.whole(0, 40) * hourMs
    const from = chance.whole(-3 * dayMs, 3 * dayMs)
    const until = from + chance.whole(1, 4 * dayMs)
    const spans = spansOf(from, until, { minutesFrom, hoursFrom })
    const widthAt = (at: number) => (at >= minutesFrom ? minuteMs : at >= hoursFrom ? hourMs : dayMs)
    const first = Math.floor(from / widthAt(from)) * widthAt(from)
    const end = Math.ceil(until / widthAt(until - 1)) * widthAt(until - 1)
    const expected = Array.from(
      { length: (end - first) / minuteMs },
      (_, index) => first / minuteMs + index + 0,
    )
    expect(minutesIn(spans)).toEqual(expected)
    expect(spans.edgeMs).toBe(widthAt(from))
    const since = { minutes: minutesFrom, hours: hoursFrom, days: Number.NEGATIVE_INFINITY }
    for (const { width, from: start, until: stop } of spans.runs) {
      expect(start).toBeLessThan(stop)
      expect(start * sizes[width] * minuteMs).toBeGreaterThanOrEqual(since[width])
    }
  }
})

test('of a time that begins after all that is stored, only a bucket counts that holds both ends', () => {
  const retention = { minutesFrom: 4 * dayMs, hoursFrom: 2 * dayMs }
  const minutesOf = (from: number, until: number) => minutesIn(spansOf(from, until, retention)).length
  const atFour = dayMs + 4 * hourMs
  // The day before is over, and what is used on the day of the beginning comes after all that is stored.
  expect(minutesOf(atFour, dayMs)).toBe(0)
  expect(minutesOf(atFour, dayMs + minuteMs)).toBe(1_440)
  const [inHour, inMinute] = [3 * dayMs + hourMs / 2, 5 * dayMs + minuteMs / 2]
  expect(minutesOf(inHour, 3 * dayMs)).toBe(0)
  expect(minutesOf(inHour, 3 * dayMs + minuteMs)).toBe(60)
  expect(minutesOf(inMinute, 5 * dayMs)).toBe(0)
  expect(minutesOf(inMinute, 5 * dayMs + 1)).toBe(1)
})

const limit: StoredLimit = {
  id: 'lim_1',
  metric: 'tokens',
  amount: 1,
  period: 'rolling',
  windowMs: 5 * hourMs,
  timeZone: '',
  models: '',
  each: 0,
  memberId: null,
  resetAt: null,
  resetMinute: 1,
  resetHour: 2,
  resetDay: 3,
}

test('a calendar window begins with its day, week or month in its zone, and is as long as the clocks make it', () => {
  const berlin = { ...limit, windowMs: 0, timeZone: 'Europe/Berlin' }
  const at = Date.parse('2026-10-25T12:00:00Z')
  const starts = (['day', 'week', 'month'] as const).map(period =>
    new Date(windowStart({ ...berlin, period }, at)).toISOString(),
  )
  expect(starts).toEqual(['2026-10-24T22:00:00.000Z', '2026-10-18T22:00:00.000Z', '2026-09-30T22:00:00.000Z'])
  const start = windowStart({ ...berlin, period: 'day' }, at)
  expect((periodEnd('day', 'Europe/Berlin', at) - start) / hourMs).toBe(25)
  // The clocks go back within the day: its last moment belongs to it, the next one does not.
  expect(windowStart({ ...berlin, period: 'day' }, start + 25 * hourMs - 1)).toBe(start)
  expect(windowStart({ ...berlin, period: 'day' }, start + 25 * hourMs)).toBe(start + 25 * hourMs)
})

test('a reset takes away what the first bucket held before it, by how exact the window is', () => {
  const resetAt = 10 * dayMs + 5 * hourMs + 30 * minuteMs + 30_000
  const reset = { ...limit, resetAt }
  const at = resetAt + hourMs
  expect(windowStart(reset, at)).toBe(resetAt)
  expect([minuteMs, hourMs, dayMs].map(edge => heldBefore(reset, resetAt, edge))).toEqual([1, 2, 3])
  // A minute later, the minute is over, and the hour is not.
  const from = resetAt + minuteMs
  expect([minuteMs, hourMs, dayMs].map(edge => heldBefore(reset, from, edge))).toEqual([0, 2, 3])
})
