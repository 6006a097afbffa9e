import { expect, test } from 'bun:test'
import { toCostMicros, toDollars, toMicros } from './money.ts'

test.each([
  [0, 0],
  [0.000001, 1],
  [0.0000001, 1],
  [0.00000051, 1],
  [0.0000014, 2],
  [0.0000019, 2],
  [1.0000001, 1_000_001],
  [1.0000011, 1_000_002],
  // Products of binary fractions: a million times these is a little more than whole.
  [0.000123, 123],
  [0.000246, 246],
  [0.000497, 497],
  // And of these a little less.
  [8.2, 8_200_000],
  [4.35, 4_350_000],
])('a cost of %p dollars is %p micro-dollars: a part of one counts whole', (dollars, micros) => {
  expect(toCostMicros(dollars)).toBe(micros)
})

test('amounts of limits are the nearest micro-dollar, and come back as they were given', () => {
  for (const dollars of [0.000001, 0.1, 4.35, 20, 999_999.999999]) {
    expect(toDollars(toMicros(dollars))).toBe(dollars)
  }
  expect(toMicros(0.0000014)).toBe(1)
})
