import { describe, expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'
import { bar, sparkline } from './chart.ts'

describe('bar', () => {
  test.each([
    [0, '    '],
    [1, '████'],
    [0.5, '██  '],
    [0.25, '█   '],
    [1 / 32, '▏   '],
    [0.3, '█▎  '],
    // Only 0 is empty, and only 1 is full.
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

const blocks = /[█▉▊▋▌▍▎▏]/
const hashes = /##/

test.each<[string, RegExp | undefined, { tty: boolean; env?: Record<string, string> }]>([
  ['', blocks, { tty: true }],
  ['', undefined, { tty: false }],
  [' --chart auto', undefined, { tty: false }],
  [' --chart always', blocks, { tty: false }],
  [' --chart never', undefined, { tty: true }],
  ['', hashes, { tty: true, env: { LANG: 'C' } }],
  ['', hashes, { tty: true, env: { TERM: 'dumb' } }],
  [' --chart always', hashes, { tty: false, env: { LC_ALL: 'POSIX' } }],
])(
  'key stats, usage report and backup list%s draw %p with %j, the number first',
  async (flag, drawn, options) => {
    await using home = await temporaryLatchkey()
    const { keys, usage, backups } = home.latchkey
    await keys.create({ name: 'ci', limits: [{ metric: 'tokens', amount: 100, windowMs: 18_000_000 }] })
    await usage.record('ci', { inputTokens: 60 })
    await backups.create()
    for (const line of ['key stats ci', 'usage report --by day', 'backup list']) {
      const { out } = await run(line + flag, { db: home.path, now: home.clock.now, columns: 100, ...options })
      const text = Bun.stripANSI(out)
      for (const picture of [blocks, hashes])
        expect([line, picture.test(text)]).toEqual([line, picture === drawn])
      for (const each of text.split('\n').filter(each => drawn?.test(each)))
        expect(each).toMatch(/\d[^█▉▊▋▌▍▎▏#]*[█▉▊▋▌▍▎▏#]/)
    }
  },
)
