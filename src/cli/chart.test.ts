import { describe, expect, test } from 'bun:test'
import { bar, sparkline } from './chart.ts'

describe('bar', () => {
  test.each([
    [0, '    '],
    [1, '████'],
    [0.5, '██  '],
    [0.25, '█   '],
    [1 / 32, '▏   '],
    [0.3, '█▎  '],
    // Something is never nothing, and not quite all is never all.
    [0.000001, '▏   '],
    [0.999999, '███▉'],
    [-1, '    '],
    [7, '████'],
    [Number.NaN, '    '],
    [Number.POSITIVE_INFINITY, '████'],
  ])('%p fills four columns as %p', (fraction, drawn) => {
    expect(bar(fraction, 4)).toBe(drawn)
  })

  test.each([
    [0, '    '],
    [0.5, '##  '],
    [0.001, '#   '],
    [0.999, '### '],
    [1, '####'],
  ])('%p in plain characters is %p', (fraction, drawn) => {
    expect(bar(fraction, 4, false)).toBe(drawn)
  })
})

describe('sparkline', () => {
  test.each([
    [[], ''],
    [[0, 0, 0], '▁▁▁'],
    [[0, 1, 2, 4, 8], '▁▂▃▅█'],
    [[0, 0.0001, 1000], '▁▂█'],
    [[5], '█'],
    [[Number.NaN, -3, 1], '▁▁█'],
  ])('%p', (values, drawn) => {
    expect(sparkline(values)).toBe(drawn)
  })

  test('in plain characters', () => {
    expect(sparkline([0, 1, 4, 8], false)).toBe('_.=#')
  })
})
