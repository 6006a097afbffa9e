import { expect, test } from 'bun:test'
import { relativeTime } from './relative.ts'

const now = new Date('2026-11-20T12:00:00Z')

test.each([
  ['2026-11-20T12:00:00.999Z', 'now'],
  ['2026-11-20T11:59:59.500Z', 'now'],
  ['2026-11-20T11:59:59Z', '1 s ago'],
  ['2026-11-20T11:58:01Z', '119 s ago'],
  ['2026-11-20T11:58:00Z', '2 min ago'],
  ['2026-11-20T10:00:01Z', '119 min ago'],
  ['2026-11-20T10:00:00Z', '2 h ago'],
  ['2026-11-18T12:00:01Z', '47 h ago'],
  ['2026-11-18T12:00:00Z', '2 days ago'],
  ['2026-11-17T00:00:00Z', '3 days ago'],
  ['2026-09-22T00:00:00Z', '59 days ago'],
  ['2026-09-01T00:00:00Z', '80 days ago'],
  ['2026-07-01T00:00:00Z', '4 months ago'],
  ['2024-12-20T00:00:00Z', '23 months ago'],
  ['2024-11-19T00:00:00Z', '2 years ago'],
  ['1970-01-01T00:00:00Z', '56 years ago'],
  ['2026-11-20T12:00:30Z', 'in 30 s'],
  ['2026-11-20T14:59:59Z', 'in 2 h'],
  ['2026-11-21T11:59:59.600Z', 'in 24 h'],
  ['2027-02-18T12:00:00Z', 'in 90 days'],
  // Less than two weeks, so it does not say two weeks.
  ['2026-12-04T11:59:59Z', 'in 13 days'],
  ['2027-11-20T12:00:00Z', 'in 11 months'],
  ['9999-12-31T00:00:00Z', 'in 7973 years'],
])('%p is %p', (moment, said) => {
  expect(relativeTime(new Date(moment), now)).toBe(said)
})
