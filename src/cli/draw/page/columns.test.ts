import { expect, test } from 'bun:test'
import { columnChart, niceTicks } from './columns.ts'

test.each<[number, readonly number[]]>([
  [0, [0, 1]],
  [Number.NaN, [0, 1]],
  [1, [0, 0.25, 0.5, 0.75, 1]],
  [3, [0, 1, 2, 3]],
  [4, [0, 1, 2, 3, 4]],
  [7, [0, 2, 4, 6, 8]],
  [0.000_4, [0, 0.0001, 0.0002, 0.0003, 0.0004]],
  [1_291_589, [0, 500_000, 1_000_000, 1_500_000]],
  [9.9e15, [0, 2.5e15, 5e15, 7.5e15, 1e16]],
])('the scale for %p', (most, ticks) => {
  expect(niceTicks(most)).toEqual(ticks)
})

const chart = (sizes: readonly number[]) =>
  columnChart({
    title: '<t>',
    description: 'd',
    bars: sizes.map((size, n) => ({ size, title: `${n}`, label: `<${n}`, isPart: n === 1 })),
    scale: String,
  }).toString()

test('heights are in proportion, something is never drawn as nothing, and nothing as nothing', () => {
  const heights = [...chart([100, 50, 0.001, 0]).matchAll(/<rect[^>]* height="([\d.]+)"/g)]
  expect(heights.map(([, height]) => Number(height))).toEqual([164, 82, 1, 0])
})

test('a bar is at its place in percent, a part of one is marked, and text is escaped', () => {
  const drawn = chart([1, 1, 1, 1])
  expect(drawn).toContain('<rect x="2.5%" width="20%"')
  expect(drawn).toContain('<rect class="part" x="27.5%"')
  expect(drawn).toContain('&lt;3</text>')
  expect(drawn).toContain('<title id="columns-title">&lt;t&gt;</title>')
})

test('of many labels ten at most are shown, half of them where it is narrow', () => {
  const drawn = chart(Array.from({ length: 95 }, () => 1))
  const labels = [...drawn.matchAll(/<text([^>]*)>&lt;(\d+)</g)]
  expect(labels.length).toBeLessThanOrEqual(10)
  expect(labels.filter(([, attributes = '']) => attributes.includes('more'))).toHaveLength(5)
})
