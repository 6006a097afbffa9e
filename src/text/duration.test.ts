import { expect, test } from 'bun:test'
import { durationText, inOneUnit } from './duration.ts'

test.each([
  [0, '0s', '0d'],
  [3_600_000, '1h', '1h'],
  [5_400_000, '1h30m', '90m'],
  [90_061_001, '1d1h1m1s1ms', '90061001ms'],
])('%p ms is %s, and in one unit %s', (milliseconds, text, one) => {
  expect([durationText(milliseconds), inOneUnit(milliseconds)]).toEqual([text, one])
})
