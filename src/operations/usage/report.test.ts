// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import type { UsageRow } from '../../contract/views.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'
import type { ReportOptions } from './input.ts'

/** Uses of keys at moments, each of so many tokens and half as many micro-dollars in reverse. */
async function scene(...uses: readonly (readonly [string, string, number, string?])[]) {
  const home = await temporaryLatchkey()
  for (const name of new Set(uses.map(([key]) => key))) await home.latchkey.keys.create({ name })
  for (const [key, at, inputTokens, model] of uses) {
    await home.latchkey.usage.record(key, {
      inputTokens,
      at: new Date(at),
      costUsd: (1_000 - inputTokens) / 1e6,
      model,
    })
  }
  const name = (row: UsageRow) => row.key?.name ?? row.model
  return {
    ...home,
    report: async (options: ReportOptions) =>
      (await home.latchkey.usage.report(options)).map(row => [
        row.start?.toISOString().slice(0, 16) ?? null,
        ...(options.by?.some(group => group === 'key' || group === 'model') ? [name(row)] : []),
        row.tokens,
      ]),
    [Symbol.asyncDispose]: home[Symbol.asyncDispose],
  }
}

test('weeks begin on Monday and months on the first, across years and in any zone', async () => {
  // 2025-12-29 is the Monday of a week of two years; 2026-01-05 the next.
  await using s = await scene(
    ['a', '2025-12-28T23:30:00Z', 1],
    ['a', '2025-12-29T00:00:00Z', 2],
    ['a', '2026-01-01T00:00:00Z', 4],
    ['a', '2026-01-04T23:59:00Z', 8],
    ['a', '2026-01-05T00:00:00Z', 16],
  )
  expect(await s.report({ by: ['week'] })).toEqual([
    ['2025-12-22T00:00', 1],
    ['2025-12-29T00:00', 14],
    ['2026-01-05T00:00', 16],
  ])
  expect(await s.report({ by: ['week'], timeZone: 'Europe/Berlin' })).toEqual([
    ['2025-12-28T23:00', 7],
    ['2026-01-04T23:00', 24],
  ])
  expect(await s.report({ by: ['month'] })).toEqual([
    ['2025-12-01T00:00', 3],
    ['2026-01-01T00:00', 28],
  ])
})

test('leap days, days without a midnight and months of a clock change have their own lengths', async () => {
  // In Beirut the clock goes from 00:00 to 01:00 on 2026-03-29: that day begins at 01:00, 22:00 UTC.
  await using s = await scene(
    ['a', '2026-03-28T21:59:00Z', 1],
    ['a', '2026-03-28T22:00:00Z', 2],
    ['a', '2026-03-29T20:59:00Z', 4],
    ['a', '2026-03-29T21:00:00Z', 8],
  )
  expect(await s.report({ by: ['day'], timeZone: 'Asia/Beirut' })).toEqual([
    ['2026-03-27T22:00', 1],
    ['2026-03-28T22:00', 6],
    ['2026-03-29T21:00', 8],
  ])
  await using leap = await scene(['a', '2024-02-28T12:00:00Z', 1], ['a', '2024-03-01T12:00:00Z', 2])
  expect(await leap.report({ by: ['day'] })).toEqual([
    ['2024-02-28T00:00', 1],
    ['2024-02-29T00:00', 0],
    ['2024-03-01T00:00', 2],
  ])
})

test('an hour that happens twice is two hours', async () => {
  await using s = await scene(['a', '2026-10-25T00:30:00Z', 1], ['a', '2026-10-25T01:30:00Z', 2])
  expect(await s.report({ by: ['hour'], timeZone: 'Europe/Berlin' })).toEqual([
    ['2026-10-25T00:00', 1],
    ['2026-10-25T01:00', 2],
  ])
})

test('hours go on where the clock moves by half an hour', async () => {
  await using s = await scene(['a', '2026-04-04T12:30:00Z', 1], ['a', '2026-04-04T18:30:00Z', 2])
  const rows = await s.report({ by: ['hour'], timeZone: 'Australia/Lord_Howe' })
  const starts = rows.map(([start]) => String(start))
  expect(starts).toEqual([...new Set(starts)].toSorted())
  expect(rows.reduce((sum, [, tokens]) => sum + Number(tokens), 0)).toBe(3)
})

test('empty days are filled from since to until, or to now, or else from the first use to the last', async () => {
  await using s = await scene(['a', '2026-11-16T10:00:00Z', 1], ['a', '2026-11-18T10:00:00Z', 2])
  const days = async (options: ReportOptions) =>
    (await s.report({ by: ['day'], ...options })).map(
      ([start, tokens]) => `${String(start).slice(8, 10)} ${tokens}`,
    )
  const date = (day: number) => new Date(Date.UTC(2026, 10, day))
  expect(await days({})).toEqual(['16 1', '17 0', '18 2'])
  expect(await days({ since: date(15) })).toEqual(['15 0', '16 1', '17 0', '18 2', '19 0', '20 0'])
  expect(await days({ since: date(17), until: date(18) })).toEqual(['17 0'])
  expect(await days({ since: date(17), until: date(19) })).toEqual(['17 0', '18 2'])
  expect(await days({ until: date(18) })).toEqual(['16 1'])
  expect(await days({ fill: false })).toEqual(['16 1', '18 2'])
  expect(await days({ since: date(1), until: date(3) })).toEqual(['01 0', '02 0'])
  expect(await days({ since: date(1), until: date(3), fill: false })).toEqual([])
})

test('nothing recorded is no row, or rows of nothing when a range was asked for', async () => {
  await using s = await scene()
  expect(await s.report({})).toEqual([])
  expect(await s.report({ by: ['day'] })).toEqual([])
  expect(await s.report({ by: ['key', 'day'], fill: true })).toEqual([])
  const since = new Date('2026-11-20T11:00:00Z')
  expect(await s.report({ by: ['hour'], since })).toEqual([
    ['2026-11-20T11:00', 0],
    ['2026-11-20T12:00', 0],
  ])
})

test('of two groups every one that occurs is filled when asked for, and only then', async () => {
  await using s = await scene(
    ['a', '2026-11-16T10:00:00Z', 1],
    ['b', '2026-11-18T10:00:00Z', 2],
    ['a', '2026-11-18T11:00:00Z', 4],
  )
  expect(await s.report({ by: ['day', 'key'] })).toEqual([
    ['2026-11-16T00:00', 'a', 1],
    ['2026-11-18T00:00', 'a', 4],
    ['2026-11-18T00:00', 'b', 2],
  ])
  expect(await s.report({ by: ['key', 'day'], fill: true })).toEqual([
    ['2026-11-16T00:00', 'a', 1],
    ['2026-11-16T00:00', 'b', 0],
    ['2026-11-17T00:00', 'a', 0],
    ['2026-11-17T00:00', 'b', 0],
    ['2026-11-18T00:00', 'a', 4],
    ['2026-11-18T00:00', 'b', 2],
  ])
})

test('the top are the largest by tokens, requests or cost', async () => {
  await using s = await scene(
    ['a', '2026-11-18T10:00:00Z', 100],
    ['b', '2026-11-18T10:00:00Z', 30],
    ['b', '2026-11-19T10:00:00Z', 30],
    ['c', '2026-11-19T10:00:00Z', 1],
    ['c', '2026-11-19T10:01:00Z', 1],
    ['c', '2026-11-20T10:01:00Z', 1],
  )
  const names = async (options: ReportOptions) =>
    (await s.report({ by: ['key'], ...options })).map(row => row[1])
  expect(await names({})).toEqual(['a', 'b', 'c'])
  expect(await names({ top: 2 })).toEqual(['a', 'b'])
  expect(await names({ top: 2, sort: 'requests' })).toEqual(['c', 'b'])
  expect(await names({ top: 9, sort: 'cost' })).toEqual(['c', 'b', 'a'])
  // With a time: the largest of the other group over all of the time.
  expect(await s.report({ by: ['key', 'day'], top: 1, sort: 'requests' })).toEqual([
    ['2026-11-19T00:00', 'c', 2],
    ['2026-11-20T00:00', 'c', 1],
  ])
  // With a time alone: the largest days.
  expect(await s.report({ by: ['day'], top: 2 })).toEqual([
    ['2026-11-18T00:00', 130],
    ['2026-11-19T00:00', 32],
  ])
})

test('two groups and a time are three, and each sum is one of the two without the time', async () => {
  await using s = await scene(
    ['a', '2026-10-16T10:00:00Z', 1, 'x'],
    ['a', '2026-10-17T10:00:00Z', 2, 'y'],
    ['b', '2026-11-01T00:00:00Z', 4, 'x'],
    ['a', '2026-11-18T11:00:00Z', 8, 'x'],
  )
  const rows = async (options: ReportOptions) =>
    (await s.latchkey.usage.report(options)).map(
      ({ start, key, model, tokens }) =>
        `${start?.toISOString().slice(0, 7)} ${key?.name} ${model} ${tokens}`,
    )
  expect(await rows({ by: ['key', 'model', 'month'] })).toEqual([
    '2026-10 a y 2',
    '2026-10 a x 1',
    '2026-11 a x 8',
    '2026-11 b x 4',
  ])
  expect(await rows({ by: ['month', 'model', 'key'], top: 1 })).toEqual(['2026-10 a x 1', '2026-11 a x 8'])
  expect(
    await rows({ by: ['key', 'month', 'model'], fill: true, since: new Date('2026-10-01') }),
  ).toHaveLength(6)
})

test('a bucket that holds the first moment counts whole, in the first period', async () => {
  await using s = await scene(['a', '2026-11-18T09:59:10Z', 1], ['a', '2026-11-18T10:00:00Z', 2])
  const since = new Date('2026-11-18T09:59:30Z')
  expect(await s.report({ since })).toEqual([[null, 3]])
  expect(await s.report({ by: ['hour'], since, fill: false })).toEqual([
    ['2026-11-18T09:00', 1],
    ['2026-11-18T10:00', 2],
  ])
})

test('every grouping by time adds up to the same sum', async () => {
  const uses = Array.from({ length: 60 }, (_, n) => {
    // Six weeks, in which most of these clocks change.
    const at = new Date(Date.UTC(2026, 1, 20) + ((n * 7_919 * 3_600_000) % (42 * 86_400_000)))
    return [`k${n % 3}`, at.toISOString(), n, `m${n % 2}`] as const
  })
  await using s = await scene(...uses)
  const sum = async (options: ReportOptions) =>
    (await s.latchkey.usage.report(options)).reduce((total, row) => total + row.tokens, 0)
  const since = new Date('2026-02-25T04:05:06Z')
  const until = new Date('2026-03-31T10:11:12Z')
  for (const range of [{}, { since }, { until }, { since, until }]) {
    const expected = await sum(range)
    for (const timeZone of ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns']) {
      for (const period of ['hour', 'day', 'week', 'month'] as const) {
        for (const by of [[period], [period, 'key'], ['model', period]] as const) {
          for (const fill of period === 'hour' ? [false] : [false, true]) {
            expect(await sum({ ...range, by, timeZone, fill })).toBe(expected)
          }
        }
      }
    }
  }
}, 600_000)

test('a stream may be left early, and the store used meanwhile', async () => {
  await using s = await scene(['a', '2026-11-16T10:00:00Z', 1], ['a', '2026-11-18T10:00:00Z', 2])
  for await (const row of s.latchkey.usage.streamReport({ by: ['day'] })) {
    await s.latchkey.usage.record('a', { inputTokens: 1 })
    expect(row.tokens).toBe(1)
    break
  }
  expect(await s.report({})).toEqual([[null, 4]])
})

test.each<[ReportOptions]>([
  [{ by: ['hour', 'week'] }],
  [{ by: ['key', 'key'] }],
  [{ by: ['key', 'user', 'model'] }],
  [{ by: ['key', 'user', 'model', 'month'] }],
  [{ top: 0 }],
  [{ top: 1.5 }],
  [{ sort: 'size' as never }],
  [{ by: ['hour'], since: new Date('1990-01-01') }],
  [{ since: new Date('2026-11-20'), until: new Date('2026-11-01') }],
  [{ since: new Date('2026-11-20'), until: new Date('2026-11-20') }],
])('%p is refused', async options => {
  await using s = await scene(['a', '2026-11-16T10:00:00Z', 1])
  expect(await failure(s.report(options))).toMatchObject({ code: 'invalid' })
})

test('a terminal shows the number first and then a bar, a pipe no bar', async () => {
  await using s = await scene(['a', '2026-11-16T00:00:00Z', 100], ['a', '2026-11-18T10:00:00Z', 50])
  const options = { db: s.path, cwd: s.folder, now: s.clock.now, env: { LATCHKEY_TZ: 'UTC' } }
  const drawn = await run('usage report --by day', { ...options, tty: true, columns: 100 })
  const lines = Bun.stripANSI(drawn.out).trimEnd().split('\n')
  expect(lines[1]).toMatch(/^2026-11-16 .* 100 {2}█{24}$/)
  expect(lines[2]).toMatch(/^2026-11-17 .* \$0\.00 +0$/)
  expect(lines[3]).toMatch(/^2026-11-18 .* 50 {2}█{12}$/)
  expect((await run('usage report --by day', options)).out).not.toContain('█')
  const hours = await run('usage report --by hour', options)
  expect(hours.out).toContain('2026-11-16 00:00 ')
  const csv = await run('usage report --by day,key --fill -o csv --fields start,key,tokens', options)
  expect(csv.out.split('\n').slice(0, 3)).toEqual([
    'start,key,tokens',
    '2026-11-16T00:00:00.000Z,a,100',
    '2026-11-17T00:00:00.000Z,a,0',
  ])
  expect((await run('usage report --by week --json', options)).json<unknown[]>()).toHaveLength(1)
})

test('a table ends in a total, says what a blank would not, and has points below points', async () => {
  await using s = await scene()
  for (const name of ['ci', 'orphan']) await s.latchkey.keys.create({ name })
  await s.latchkey.users.create({ username: 'alice' })
  await s.latchkey.keys.update('ci', { user: 'alice' })
  const record = (key: string, inputTokens: number, costUsd: number, model?: string) =>
    s.latchkey.usage.record(key, { inputTokens, costUsd, model, at: new Date('2026-11-18T10:00:00Z') })
  await record('ci', 1_000, 1_234.5, 'gpt-x')
  await record('orphan', 30, 0.000004)
  await record('orphan', 2, 20)
  const report = async (line: string) =>
    (await run(`usage report ${line}`, { db: s.path, now: s.clock.now, env: { LATCHKEY_TZ: 'UTC' } })).out
  expect(await report('--by user,model,month')).toBe(
    [
      'MONTH    USER       MODEL       REQUESTS  INPUT  OUTPUT       COST  TOKENS',
      '2026-11  alice      gpt-x              1  1,000       0  $1,234.50   1,000',
      '2026-11  (no user)  (no model)         2     32       0     $20.00      32',
      'TOTAL                                  3  1,032       0  $1,254.50   1,032',
      '',
    ].join('\n'),
  )
  await record('ci', 5, 0.0004, 'tiny')
  expect((await report('--by model --sort cost')).split('\n').slice(1, 4)).toEqual([
    'gpt-x              1  1,000       0   1,000  $1,234.50',
    '(no model)         2     32       0      32     $20.00',
    'tiny               1      5       0       5      $0.0004',
  ])
  // Where that is too wide, input and output are left out before a name is cut or rows become cards.
  const narrow = { db: s.path, now: s.clock.now, tty: true, columns: 64, env: { LATCHKEY_TZ: 'UTC' } }
  const screen = Bun.stripANSI((await run('usage report --by user,model,month', narrow)).out).split('\n')
  expect(screen[0]).toBe('MONTH    USER       MODEL       REQUESTS         COST  TOKENS')
  expect(screen.at(-2)).toBe('TOTAL                                  4  $1,254.50     1,037')
  // One row adds up to nothing new, the largest alone are not all, and programs add up by themselves.
  expect(await report('')).not.toContain('TOTAL')
  expect(await report('--by key --top 1')).not.toContain('TOTAL')
  expect(await report('--by model --top 2')).toContain('\nTOTAL SHOWN ')
  expect(await report('--by model -o csv')).not.toMatch(/total$/im)
  expect(JSON.parse(await report('--by user --json'))).toHaveLength(2)
})

test.each([
  ['tokens', ['ci', 'big']],
  ['requests', ['ci', 'big']],
  ['cost', ['big', 'ci']],
])('--sort %s draws bars of that, beside its column', async (sort, [first, second]) => {
  await using s = await scene()
  for (const name of ['ci', 'big']) await s.latchkey.keys.create({ name })
  await s.latchkey.usage.record('ci', { requests: 4, inputTokens: 100, costUsd: 1 })
  await s.latchkey.usage.record('big', { requests: 1, inputTokens: 50, costUsd: 2 })
  const options = { db: s.path, now: s.clock.now, tty: true, columns: 100 }
  const lines = Bun.stripANSI((await run(`usage report --by key --sort ${sort}`, options)).out).split('\n')
  expect(lines[0]).toEndWith(sort.toUpperCase())
  expect(lines[1]).toMatch(new RegExp(`^${first} .* {2}█{24}$`))
  const share = sort === 'requests' ? 6 : 12
  expect(lines[2]).toMatch(new RegExp(`^${second} .* {2}█{${share}}$`))
  expect(lines[3]).toMatch(/^TOTAL .*\d$/)
})

test('words and months bound a report where the zone of the reader says', async () => {
  await using s = await scene(
    ['a', '2026-09-30T21:00:00Z', 1],
    ['a', '2026-09-30T22:00:00Z', 2],
    ['a', '2026-10-31T22:59:00Z', 4],
    ['a', '2026-10-31T23:00:00Z', 8],
    ['a', '2026-11-19T22:00:00Z', 16],
    ['a', '2026-11-19T23:30:00Z', 32],
  )
  const sum = async (bounds: string) => {
    const line = `usage report ${bounds} --tz Europe/Berlin --json`
    const [row] = (await run(line, { db: s.path, now: s.clock.now })).json<UsageRow[]>()
    return row?.tokens ?? 0
  }
  expect(await sum('--since 2026-10')).toBe(62)
  expect(await sum('--since 2026-10 --until 2026-11')).toBe(6)
  expect(await sum('--since last-month --until this-month')).toBe(6)
  expect(await sum('--since today')).toBe(32)
  expect(await sum('--since yesterday --until today')).toBe(16)
  const nothing = await run('usage report --since 2026-10 --until 2026-10', { db: s.path, now: s.clock.now })
  expect(nothing.code).toBe(2)
  expect(nothing.err).toContain('--since 2026-10 --until 2026-11')
})
