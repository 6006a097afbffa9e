// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { periods } from '../../contract/views/words.ts'
import type { Period } from '../../contract/views.ts'
import { random } from '../../seed/organisation.ts'
import { nextPeriod, startOfPeriod } from '../../system/calendar.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
/** Between two changes of the clock. */
const now = new Date('2026-11-20T12:34:56Z')

test('whatever is kept, each bucket counts once: in the period that it begins in, or in the first', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, usage } = home.latchkey
  const made = await keys.createMany({ name: 'k' }, 3)
  const next = random(11)
  const uses = Array.from({ length: 900 }, () => ({
    key: made[next(3)]!.name,
    at: now.getTime() - next(70 * day),
    tokens: 1 + next(50),
  }))
  const { ingest } = await usage.createRecorder()
  await ingest(
    uses.map(({ key, at, tokens }) => ({ key, inputTokens: tokens, at: new Date(at).toISOString() })),
  )
  const kept = { minutesFrom: 0, hoursFrom: 0 }
  const widthAt = (at: number) => (at >= kept.minutesFrom ? minute : at >= kept.hoursFrom ? hour : day)
  const expected = (period: Period, timeZone: string, since: number, until: number): string[] => {
    const sums = new Map<string, number>()
    for (const { key, at, tokens } of uses) {
      const width = widthAt(at)
      const start = Math.floor(at / width) * width
      if (start >= until || start + width <= since) continue
      const first = startOfPeriod(period, new Date(Math.max(start, since)), timeZone)
      const name = `${first.toISOString()} ${key}`
      sums.set(name, (sums.get(name) ?? 0) + tokens)
    }
    return [...sums].map(([name, tokens]) => `${name} ${tokens}`).toSorted()
  }
  const zones = ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Asia/Kathmandu', 'America/St_Johns']
  const compare = async (): Promise<void> => {
    for (const period of periods) {
      for (const timeZone of zones) {
        for (const [since, until] of [
          [now.getTime() - 80 * day, now.getTime() + day],
          [now.getTime() - next(70 * day), now.getTime() - next(5 * day)],
          [now.getTime() - 40 * day + next(day), now.getTime() - 20 * day + next(day)],
        ] as const) {
          if (since >= until) continue
          const range = { since: new Date(since), until: new Date(until) }
          const rows = await usage.report({ by: ['key', period], timeZone, ...range })
          const said = rows
            .map(row => `${row.start?.toISOString()} ${row.key?.name} ${row.tokens}`)
            .toSorted()
          expect({ period, timeZone, range, rows: said }).toEqual({
            period,
            timeZone,
            range,
            rows: [...expected(period, timeZone, since, until)],
          })
        }
      }
    }
  }
  await compare()
  await usage.compact({ minutesForMs: 10 * day, hoursForMs: 30 * day })
  kept.minutesFrom = Math.floor((now.getTime() - 10 * day) / hour) * hour
  kept.hoursFrom = Math.floor((now.getTime() - 30 * day) / day) * day
  await compare()
}, 600_000)

test('a year of days that begin at half past is one series of days', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, usage } = home.latchkey
  const { id } = await keys.create({ name: 'ci' })
  const timeZone = 'Asia/Kolkata'
  for (
    let start = new Date('2025-12-01T18:30:00Z');
    start < now;
    start = nextPeriod('day', start, timeZone)
  ) {
    if (start.getUTCDate() % 7 === 0)
      for (const offset of [0, 31 * minute, day - minute])
        await usage.record('ci', {
          inputTokens: 1,
          at: new Date(Math.min(start.getTime() + offset, now.getTime())),
        })
  }
  const { series, totals } = await keys.stats('ci', { days: 366, timeZone })
  const days = series.filter(point => point.tokens > 0)
  expect(new Set(days.map(point => point.tokens))).toEqual(new Set([3]))
  expect(days.length * 3).toBe(totals.tokens)
  const activity = (await keys.activity([id], { days: 366, timeZone })).get(id)
  expect(activity).toEqual(series.map(point => point.tokens))
})

test('usage is of whoever owned the key then, and keeps the names of what was deleted', async () => {
  await using home = await temporaryLatchkey(now.toISOString())
  const { keys, users, projects, usage } = home.latchkey
  const alice = await users.create({ username: 'alice' })
  await users.create({ username: 'bob' })
  const shop = await projects.create({ name: 'Shop', owner: 'bob' })
  const ci = await keys.create({ name: 'ci', user: 'alice', project: 'shop' })
  await usage.record('ci', { inputTokens: 3 })
  await keys.update('ci', { user: 'bob', project: null })
  await usage.record('ci', { inputTokens: 4 })
  const byUser = async () =>
    (await usage.report({ by: ['user', 'project'] })).map(row => [
      row.user?.username,
      row.project?.slug,
      row.tokens,
    ])
  const both = [
    ['bob', undefined, 4],
    ['alice', 'shop', 3],
  ]
  expect(await byUser()).toEqual(both)
  await keys.delete('ci')
  await projects.delete('shop')
  await users.delete('alice')
  expect(await byUser()).toEqual(both)
  const sum = async (only: object) => (await usage.report(only))[0]?.tokens
  expect(await sum({ key: ci.id })).toBe(7)
  expect(await sum({ user: alice.id.toUpperCase() })).toBe(3)
  expect(await sum({ project: shop.id })).toBe(3)
  expect((await usage.overview({ user: alice.id })).only).toEqual({ user: 'alice' })
  expect(await failure(usage.report({ user: 'alice' }))).toMatchObject({ code: 'not_found' })
  expect(await failure(usage.report({ key: alice.id }))).toMatchObject({ code: 'not_found' })
})
