/** Durations, dates and named times in whole command lines. */
import { expect, test } from 'bun:test'
import type { Key, Restored } from '../../contract/views.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

async function home() {
  const home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  return {
    ...home,
    type: (line: string) => run(line, { db: home.path, cwd: home.folder, now: () => home.clock.now }),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

test('a key that expires never has no expiry, and one that had loses it', async () => {
  await using at = await home()
  const expiry = async (line: string) => (await at.type(`${line} --json`)).json<Key>().expiresAt
  expect(await expiry('key create ci --expires never')).toBeNull()
  expect(String(await expiry('key update ci --expires 1y'))).toBe('2027-11-20T12:00:00.000Z')
  expect(await expiry('key update ci --expires never')).toBeNull()
})

test('five dollars a day are a limit, and a month is answered with its days', async () => {
  await using at = await home()
  const { limits } = (await at.type('key create ci --limit usd=5/day --json')).json<Key>()
  expect(limits).toMatchObject([{ metric: 'usd', amount: 5, period: 'day', windowMs: null, timeZone: 'UTC' }])
  const month = (await at.type('key update ci --limit usd=5/month --tz Europe/Berlin --json')).json<Key>()
  expect(month.limits).toMatchObject([{ period: 'day' }, { period: 'month', timeZone: 'Europe/Berlin' }])
  const expiry = await at.type('key update ci --expires 3mo')
  expect(expiry).toMatchObject({ code: 2, out: '' })
  expect(expiry.err).toContain('try: write 90d')
})

test('restore --at takes how long ago: the newest backup of then, not of now', async () => {
  await using at = await home()
  const taken: string[] = []
  for (const hour of [6, 9, 11]) {
    at.clock.now = new Date(`2026-11-20T${hour.toString().padStart(2, '0')}:00:00Z`)
    taken.push((await at.type('backup create --json')).json<{ id: string }>().id)
  }
  at.clock.now = new Date('2026-11-20T12:00:00Z')
  for (const [when, expected] of [
    ['2h', taken[1]],
    ['2026-11-20T06:30:00Z', taken[0]],
    ['now', taken[2]],
  ]) {
    const restored = await at.type(`restore --at ${when} --dry-run --json`)
    expect([when, restored.json<Restored>().backup.id]).toEqual([when, expected])
  }
  expect(await at.type('restore --at 1d --dry-run')).toMatchObject({ code: 3, out: '' })
})

test.each(['@daily', 'daily', '@DAILY'])('a schedule of %s is one that cron understands', async times => {
  await using at = await home()
  const { out } = await run(['backup', 'schedule', '--cron', times, '--print', '--crontab'], {
    db: at.path,
    cwd: at.folder,
  })
  expect(out).toStartWith('@daily cd ')
})
