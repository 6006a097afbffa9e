/** Tables at the widths of real terminals, with hostile content. */

import { describe, expect, test } from 'bun:test'
import type { Key, UsageRow } from '../../contract/views.ts'
import { totals } from '../../testing/limits.ts'
import { keyColumns } from '../commands/key/filters.ts'
import { tree } from '../commands/tree.ts'
import { reportColumns } from '../commands/usage/drawing.ts'
import type { Column } from '../declare/column.ts'
import type { Declaration } from '../declare/declaration.ts'
import { namedNouns } from '../reference/commands.ts'
import { isToken, widthOf } from '../terminal/width.ts'
import { type BrushOptions, createBrush, drawTable } from './table.ts'

const now = new Date('2026-11-20T12:00:00Z')
const onScreen = (width: number, options: Partial<BrushOptions> = {}) =>
  createBrush({
    color: false,
    width,
    unicode: true,
    pictures: true,
    relative: true,
    timeZone: 'UTC',
    now,
    ...options,
  })

const key = (name: string, more: Partial<Key> = {}) =>
  ({
    name,
    start: 'lk_pDbErT',
    status: 'active',
    user: { id: 'usr_1', username: 'alice' },
    project: null,
    expiresAt: null,
    lastUsedAt: null,
    ...more,
  }) as Key
const keys = [
  key('ci', {
    project: { id: 'prj_1', slug: 'research-and-development' },
    expiresAt: new Date('2027-02-18T12:00:00Z'),
    lastUsedAt: new Date('2026-11-20T11:40:00Z'),
  }),
  key('日本語の名前のとても長いキー', { status: 'expired', expiresAt: new Date('2026-11-17T11:00:00Z') }),
  key('family 👨‍👩‍👧 laptop', { status: 'revoked', user: null }),
  key('שלום עולם', { lastUsedAt: new Date('2026-11-20T12:00:00Z') }),
]

const keyPages: readonly (readonly [number, readonly string[]])[] = [
  [
    40,
    [
      'name       ci',
      'start      lk_pDbErT',
      'status     active',
      'user       alice',
      'project    research-and-development',
      'expires    in 90 days',
      'last used  20 min ago',
      '',
      'name       日本語の名前のとても長いキー',
      'start      lk_pDbErT',
      'status     expired',
      'user       alice',
      'expires    3 days ago',
      'last used  never',
      '',
      'name       family 👨‍👩‍👧 laptop',
      'start      lk_pDbErT',
      'status     revoked',
      'expires    never',
      'last used  never',
      '',
      'name       שלום עולם',
      'start      lk_pDbErT',
      'status     active',
      'user       alice',
      'expires    never',
      'last used  now',
    ],
  ],
  [
    80,
    [
      'NAME                          STATUS   USER   PROJECT     EXPIRES     LAST USED',
      'ci                            active   alice  research-…  in 90 days  20 min ago',
      '日本語の名前のとても長いキー  expired  alice              3 days ago  never',
      'family 👨‍👩‍👧 laptop              revoked                     never       never',
      'שלום עולם                     active   alice              never       now',
    ],
  ],
  [
    100,
    [
      'NAME                          START      STATUS   USER   PROJECT              EXPIRES     LAST USED',
      'ci                            lk_pDbErT  active   alice  research-and-devel…  in 90 days  20 min ago',
      '日本語の名前のとても長いキー  lk_pDbErT  expired  alice                       3 days ago  never',
      'family 👨‍👩‍👧 laptop              lk_pDbErT  revoked                              never       never',
      'שלום עולם                     lk_pDbErT  active   alice                       never       now',
    ],
  ],
  [
    200,
    [
      'NAME                          START      STATUS   USER   PROJECT                   EXPIRES     LAST USED',
      'ci                            lk_pDbErT  active   alice  research-and-development  in 90 days  20 min ago',
      '日本語の名前のとても長いキー  lk_pDbErT  expired  alice                            3 days ago  never',
      'family 👨‍👩‍👧 laptop              lk_pDbErT  revoked                                   never       never',
      'שלום עולם                     lk_pDbErT  active   alice                            never       now',
    ],
  ],
]

const narrow = keyColumns.filter(column => !column.wide)

test.each(keyPages)('keys in %p columns', async (width, lines) => {
  expect((await drawTable(narrow, keys, await onScreen(width))).split('\n')).toEqual([...lines])
})

test('a name that is typed next is never cut: what else is known of the key makes room', async () => {
  for (const [length, lost] of [
    [12, []],
    [22, ['START']],
    [34, ['START', 'PROJECT']],
    [60, []],
  ] as const) {
    const long = { ...keys[0]!, name: 'n'.repeat(length) }
    const drawn = await drawTable(narrow, [long], await onScreen(80))
    expect(drawn).toContain(long.name)
    for (const line of drawn.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(80)
    const titles = ['NAME', 'START', 'STATUS', 'USER', 'PROJECT', 'EXPIRES', 'LAST USED']
    // If even that is too wide, there are complete cards.
    const shown = length === 60 ? titles.map(title => title.toLowerCase()) : titles
    expect(shown.filter(title => !drawn.includes(title))).toEqual([...lost])
  }
})

test('every column that names what other commands take is whole', async () => {
  const nouns = await namedNouns(tree)
  const cut = nouns.flatMap(({ commands }) =>
    commands.flatMap(({ path, declaration }) =>
      columnsOf(declaration)
        .filter(column => 'cell' in column && column.whole !== true && column.wide !== true)
        .filter(column => 'title' in column && describing[`${path} ${column.title}`] !== false)
        .filter(column => 'title' in column && /^(name|username|slug|key|model|page)$/.test(column.title))
        .map(column => `${path} ${'title' in column ? column.title : ''}`),
    ),
  )
  expect(cut).toEqual([])
})

/** The columns; for a report, those of a report by key. */
const columnsOf = ({ prints: { columns = [] } }: Declaration): readonly Column<unknown>[] =>
  typeof columns === 'function' ? columns({ by: ['key'] }) : columns

/** The descriptive columns. */
const describing: Readonly<Record<string, boolean>> = {
  'user list name': false,
  'project list name': false,
  'org list name': false,
}

const usage = [100_000, 50_000, 1, 0].map(
  tokens => totals({ requests: tokens, inputTokens: tokens, tokens, costUsd: tokens / 1e6 }) as UsageRow,
)
const bars: readonly (readonly [number, Partial<BrushOptions>, readonly string[]])[] = [
  [
    80,
    {},
    [
      'REQUESTS    INPUT  OUTPUT       COST   TOKENS',
      ' 100,000  100,000       0  $0.10      100,000  ████████████████████████',
      '  50,000   50,000       0  $0.05       50,000  ████████████',
      '       1        1       0  $0.000001        1  ▏',
      '       0        0       0  $0.00            0',
    ],
  ],
  [
    52,
    {},
    [
      'REQUESTS    INPUT  OUTPUT       COST   TOKENS',
      ' 100,000  100,000       0  $0.10      100,000  █████',
      '  50,000   50,000       0  $0.05       50,000  ██▌',
      '       1        1       0  $0.000001        1  ▏',
      '       0        0       0  $0.00            0',
    ],
  ],
  // Too narrow for a bar, and then for the table.
  [
    50,
    {},
    ['REQUESTS    INPUT  OUTPUT       COST   TOKENS', ' 100,000  100,000       0  $0.10      100,000'],
  ],
  // Spare columns are left out first.
  [40, {}, ['REQUESTS       COST   TOKENS', ' 100,000  $0.10      100,000  ██████████']],
  [
    27,
    {},
    ['requests  100,000', 'input     100,000', 'output    0', 'cost      $0.10', 'tokens    100,000', ''],
  ],
  [
    80,
    { unicode: false },
    [
      'REQUESTS    INPUT  OUTPUT       COST   TOKENS',
      ' 100,000  100,000       0  $0.10      100,000  ########################',
      '  50,000   50,000       0  $0.05       50,000  ############',
      '       1        1       0  $0.000001        1  #',
    ],
  ],
  // As in a pipe with --chart always.
  [
    Number.POSITIVE_INFINITY,
    {},
    [
      'REQUESTS    INPUT  OUTPUT       COST   TOKENS',
      ' 100,000  100,000       0  $0.10      100,000  ████████████████████████',
    ],
  ],
  [
    80,
    { pictures: false },
    ['REQUESTS    INPUT  OUTPUT       COST   TOKENS', ' 100,000  100,000       0  $0.10      100,000'],
  ],
]

const amounts = reportColumns([])

test.each(bars)('usage in %p columns with %j', async (width, options, lines) => {
  const drawn = await drawTable(amounts, usage, await onScreen(width, options))
  expect(drawn.split('\n').slice(0, lines.length)).toEqual([...lines])
})

describe('whatever the content', () => {
  interface Row {
    readonly id: string
    readonly name: string
    readonly note: string
    readonly count: number
    readonly at: Date | null
  }
  const columns: readonly Column<Row>[] = [
    { title: 'name', cell: ({ name }, { bad }) => bad(name), importance: 'high' },
    { title: 'note', cell: ({ note }) => note, importance: 'low' },
    { title: 'when', time: ({ at }) => at },
    { title: 'count', cell: ({ count }, brush) => brush.count(count), align: 'right' },
    { bar: ({ count }) => count },
    { title: 'id', cell: ({ id }) => id, hideEmpty: true },
  ]
  const pieces = [
    ...[
      'a',
      'Wort ',
      'key',
      ' ',
      '.',
      '日本',
      '한글',
      'กำ',
      'שלום ',
      'مرحبا',
      '🙂',
      '👨‍👩‍👧',
      '❤️',
      '🇩🇪',
      '👍🏽',
    ],
    ...['e\u0301', '\u200d', '\ufe0f', '\u20e3', '\u0301', '\u200b', '\u202e', '\u2067', '\ufeff', '\ud800'],
    ...[
      '\n',
      '\t',
      '\r',
      '\0',
      '\x07',
      '\x9b31m',
      '\x1b[31m',
      '\x1b[2J',
      '\x1b]8;;http://x\x07',
      '\ue000',
      '\ue001',
    ],
  ]
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647
    return seed % below
  }
  const text = (most: number) =>
    Array.from({ length: random(most) }, () => pieces[random(pieces.length)]).join('')
  const someRow = (): Row => ({
    id: random(4) === 0 ? 'key_01jdq3v8k2f0a9b7c6d5e4f3g2' : '',
    name: text(12),
    note: text(40),
    count: random(1_000_000_000),
    at: random(3) === 0 ? null : new Date(random(2_000_000_000) * 1000),
  })

  test('no line is wider than the terminal, none breaks, and no control character but our own colour is in it', async () => {
    for (let round = 0; round < 400; round++) {
      const width = 20 + random(181)
      const brush = await onScreen(width, { color: true, unicode: random(2) === 0 })
      const rows = Array.from({ length: 1 + random(3) }, someRow)
      const drawn = await drawTable(columns, rows, brush)
      const lines = drawn.split('\n')
      for (const line of lines) {
        const isFit = widthOf(line) <= width || isToken(line)
        expect([width, line, isFit]).toEqual([width, line, true])
      }
      expect(drawn.replaceAll(/\n|\p{Cc}\[(?:1|2|22|31|39)m/gu, '')).not.toMatch(
        /[\p{Cc}\u200b\u202e\u2067\ufeff]/u,
      )
      expect(drawn.isWellFormed()).toBe(true)
      const isTable = lines[0]?.includes('NAME')
      if (isTable) expect(lines).toHaveLength(rows.length + 1)
      for (const { count, id } of rows) {
        expect(drawn).toContain(brush.count(count))
        expect(drawn).toContain(id)
      }
    }
  })

  test('without a width nothing is cut', async () => {
    for (let round = 0; round < 100; round++) {
      const row = { ...someRow(), name: `${'n'.repeat(random(300))}end`, note: `${'日'.repeat(300)}end` }
      const drawn = await drawTable(columns, [row], await onScreen(Number.POSITIVE_INFINITY))
      expect(drawn).toContain(row.name)
      expect(drawn).toContain(row.note)
    }
  })
})
