import { expect, test } from 'bun:test'
import type { Column } from '../declare/column.ts'
import { type BrushOptions, createBrush, drawTable } from './table.ts'

const brush = (options: Partial<BrushOptions> = {}) =>
  createBrush({
    color: false,
    width: undefined,
    unicode: true,
    pictures: false,
    relative: false,
    timeZone: 'Europe/Berlin',
    now: new Date(),
    ...options,
  })

interface Row {
  readonly id: string
  readonly name: string
  readonly used: number
}

const columns: readonly Column<Row>[] = [
  { title: 'id', cell: row => row.id },
  { title: 'name', cell: (row, { bad }) => bad(row.name) },
  { title: 'used', cell: (row, { count }) => count(row.used), align: 'right' },
  { title: 'note', cell: () => '', hideEmpty: true },
]
const rows: readonly Row[] = [
  { id: 'key_01jdq3v8k2f0a9b7c6d5e4f3g2', name: 'a rather long name that does not fit', used: 5 },
  { id: 'key_01jdq3v8k2f0a9b7c6d5e4f3g3', name: '日本語の名前', used: 12_345 },
]

test('a table has aligned columns, no borders, no trailing blanks and no empty column it may leave out', async () => {
  expect(await drawTable(columns, rows, await brush())).toBe(
    [
      'ID                              NAME                                    USED',
      'key_01jdq3v8k2f0a9b7c6d5e4f3g2  a rather long name that does not fit       5',
      'key_01jdq3v8k2f0a9b7c6d5e4f3g3  日本語の名前                          12,345',
    ].join('\n'),
  )
})

test('on a narrow terminal names are cut, ids are not', async () => {
  const drawn = await drawTable(columns, rows, await brush({ width: 56 }))
  expect(drawn.split('\n')).toEqual([
    'ID                              NAME                USED',
    'key_01jdq3v8k2f0a9b7c6d5e4f3g2  a rather long n…       5',
    'key_01jdq3v8k2f0a9b7c6d5e4f3g3  日本語の名前      12,345',
  ])
  const ascii = await drawTable(columns, rows, await brush({ width: 56, unicode: false }))
  expect(ascii).toContain('a rather long n~')
})

test('a secret is whole however narrow the terminal', async () => {
  const secret = `lk_${'aB3'.repeat(12)}`
  const drawn = await drawTable([{ title: 'secret', cell: () => secret }], [{}], await brush({ width: 20 }))
  expect(drawn).toContain(secret)
})

test('colour is cut with its text and never left open', async () => {
  const colored = await drawTable(columns, rows, await brush({ color: true, width: 56 }))
  expect(colored).toContain('\x1b[31m')
  expect(Bun.stripANSI(colored)).toBe(await drawTable(columns, rows, await brush({ width: 56 })))
})

test('a cell stays on its line and cannot steer the terminal', async () => {
  const row = { id: 'x', name: 'a\nb\x1b[2J\x07', used: 0 }
  expect(await drawTable(columns, [row], await brush())).toContain('a\\nb\\x1b[2J\\x07')
})

test('thousands of rows take no longer than their number', async () => {
  const many = Array.from({ length: 2000 }, (_, used) => ({ id: 'x', name: 'y', used }))
  const drawn = await drawTable(columns, many, await brush())
  expect(drawn.split('\n')).toHaveLength(2001)
  expect(new Set(drawn.split('\n').map(line => line.length)).size).toBe(1)
})

test('each of many rows stands as it would alone, whatever the widths of the others', async () => {
  const many = Array.from({ length: 300 }, (_, n) => ({
    id: 'x'.repeat(n % 83),
    name: 'é'.repeat(n % 7),
    used: n ** 3,
  }))
  const [, ...lines] = (await drawTable(columns, many, await brush())).split('\n')
  expect(lines.map(line => line.split(/ +/).filter(cell => cell !== ''))).toEqual(
    many.map(({ id, name, used }) => [id, name, used.toLocaleString('en')].filter(cell => cell !== '')),
  )
  expect(new Set(lines.map(line => line.length)).size).toBe(1)
})

test('the brush speaks of quantities', async () => {
  const { time, count, bytes, dollars, duration } = await brush()
  expect(time(new Date('2026-11-20T03:11:26Z'))).toBe('2026-11-20 04:11')
  expect([time(null), time(null, '-')]).toEqual(['never', '-'])
  expect(count(1_234_567)).toBe('1,234,567')
  expect([0, 1023, 1024, 1_234_567, 5 * 1024 ** 4].map(bytes)).toEqual([
    '0 B',
    '1,023 B',
    '1 KiB',
    '1.2 MiB',
    '5 TiB',
  ])
  expect([0, 0.0004, 1.25, 1234.5, -3].map(dollars)).toEqual([
    '$0.00',
    '$0.0004',
    '$1.25',
    '$1,234.50',
    '-$3.00',
  ])
  expect(duration(5_400_000)).toBe('1h30m')
})
