// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { rolling } from '../../testing/limits.ts'
import type { Limited, NewLimit } from './input.ts'

const minute = 60_000
const hour = 60 * minute
const tokens = (amount: number, windowMs = hour) => rolling('tokens', amount, windowMs)
async function peopled(latchkey: Latchkey) {
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  const key = await latchkey.keys.create({ name: 'ci', user: 'alice', project: 'shop' })
  await latchkey.keys.create({ name: 'cd', user: 'alice', project: 'shop' })
  return key
}

test('a key is denied by the use of other keys of its user and of its project, and told whose limit it was', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { latchkey } = home
  const { secret } = await peopled(latchkey)
  await latchkey.users.update('alice', { limits: [tokens(100), tokens(1_000, 24 * hour)] })
  await latchkey.projects.update('shop', { limits: [tokens(60)] })
  await latchkey.usage.record('cd', { inputTokens: 50, at: new Date('2026-11-20T11:30:10Z') })
  await latchkey.usage.record('ci', { inputTokens: 10 })
  const verdict = await latchkey.keys.verify(secret!, { wanted: { tokens: 41 } })
  expect(verdict).toMatchObject({
    valid: false,
    code: 'limit_exceeded',
    retryAt: new Date('2026-11-20T12:31:00Z'),
  })
  expect(
    verdict.limits.map(({ subject, windowMs, used, exceeded }) => [
      subject.type,
      subject.name,
      windowMs,
      used,
      exceeded,
    ]),
  ).toEqual([
    ['user', 'alice', hour, 60, true],
    ['user', 'alice', 24 * hour, 60, false],
    ['project', 'shop', hour, 60, true],
  ])
  expect((await latchkey.keys.verify(secret!, { at: verdict.retryAt!, wanted: { tokens: 41 } })).valid).toBe(
    true,
  )
})

test('what a key used stays with the project that it belonged to, and none of it comes to another', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await peopled(latchkey)
  await latchkey.projects.create({ name: 'Site', owner: 'alice', limits: [tokens(100)] })
  await latchkey.limits.set({ project: 'shop' }, [tokens(100)])
  const used = async (project: string) => (await latchkey.limits.list({ project }))[0]?.used
  await latchkey.usage.record('ci', { inputTokens: 70 })
  await latchkey.keys.update('ci', { project: 'site' })
  await latchkey.usage.record('ci', { inputTokens: 5 })
  expect([await used('shop'), await used('site')]).toEqual([70, 5])
  // Nor does deleting a key free anything.
  await latchkey.keys.delete('ci')
  expect([await used('shop'), await used('site')]).toEqual([70, 5])
})

const subjects: readonly (readonly [string, Limited])[] = [
  ['key', { key: 'ci' }],
  ['user', { user: 'alice' }],
  ['project', { project: 'shop' }],
]

test.each(subjects)(
  'limits of a %s are added, changed and removed one by one, each audited',
  async (type, subject) => {
    await using home = await temporaryLatchkey()
    const { latchkey } = home
    await peopled(latchkey)
    const shown = (list: readonly { metric: string; amount: number; windowMs: number | null }[]) =>
      list.map(each => [each.metric, each.amount, each.windowMs])
    await latchkey.limits.set(subject, [tokens(100), tokens(7, minute)])
    expect(
      shown(
        await latchkey.limits.set(subject, [tokens(200), { metric: 'usd', amount: 0.5, windowMs: hour }]),
      ),
    ).toEqual([
      ['tokens', 7, minute],
      ['tokens', 200, hour],
      ['usd', 0.5, hour],
    ])
    expect(shown(await latchkey.limits.remove(subject, [{ metric: 'tokens', windowMs: minute }]))).toEqual([
      ['tokens', 200, hour],
      ['usd', 0.5, hour],
    ])
    const before = await latchkey.audit.list()
    const refused = latchkey.limits.remove(subject, [
      { metric: 'usd' },
      { metric: 'tokens', windowMs: minute },
    ])
    expect(await failure(refused)).toMatchObject({ code: 'not_found' })
    expect(shown(await latchkey.limits.list(subject))).toHaveLength(2)
    expect(await latchkey.audit.list()).toEqual(before)
    expect(before.slice(0, 3).map(entry => [entry.action, entry.target.type])).toEqual([
      [`${type}.limit-remove`, type],
      [`${type}.limit-add`, type],
      [`${type}.limit-add`, type],
    ])
    expect(before[0]).toMatchObject({ after: { limits: [tokens(200), { metric: 'usd' }] } })
    expect(await latchkey.limits.remove(subject, [{ metric: 'tokens' }, { metric: 'usd' }])).toEqual([])
  },
)

test('of a user and of a project: given, cleared and not named are three things', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const usd = rolling('usd', 5, hour)
  await latchkey.users.create({ username: 'alice', limits: [tokens(1), usd] })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice', limits: [tokens(1), usd] })
  for (const update of [
    (changes: Parameters<typeof latchkey.users.update>[1]) => latchkey.users.update('alice', changes),
    (changes: Parameters<typeof latchkey.projects.update>[1]) => latchkey.projects.update('shop', changes),
  ] as const) {
    expect((await update({ name: 'Other' } as never)).limits).toEqual([tokens(1), usd])
    expect((await update({ limits: [tokens(0, minute)] })).limits).toEqual([
      tokens(0, minute),
      tokens(1),
      usd,
    ])
    expect((await update({ removeLimits: [{ metric: 'tokens', windowMs: hour }] })).limits).toEqual([
      tokens(0, minute),
      usd,
    ])
    expect((await update({ removeLimits: ['tokens'] })).limits).toEqual([usd])
    expect(await failure(update({ limits: [usd], removeLimits: ['usd'] }))).toBeInstanceOf(LatchkeyError)
  }
  expect((await latchkey.users.list())[0]).toMatchObject({ limits: [usd] })
  expect((await latchkey.projects.list())[0]).toMatchObject({ limits: [usd] })
})

test.each(subjects)(
  'a reset of a %s begins its windows anew and leaves history as it was',
  async (type, subject) => {
    await using home = await temporaryLatchkey('2026-11-20T12:00:30Z')
    const { latchkey, clock } = home
    const { secret } = await peopled(latchkey)
    await latchkey.limits.set(subject, [tokens(100), { metric: 'requests', amount: 5, windowMs: hour }])
    await latchkey.usage.record('ci', { inputTokens: 60, at: new Date('2026-11-20T11:50:00Z') })
    await latchkey.usage.record('ci', { inputTokens: 40 })
    expect((await latchkey.keys.verify(secret!)).code).toBe('limit_exceeded')
    const used = async () => (await latchkey.limits.list(subject)).map(limit => limit.used)
    const totals = async () => (await latchkey.keys.stats('ci')).totals
    const before = await totals()
    expect((await home.dry.limits.reset(subject)).map(limit => limit.used)).toEqual([0, 0])
    expect(await used()).toEqual([100, 2])
    await latchkey.limits.reset(subject, { metric: 'tokens' })
    expect(await used()).toEqual([0, 2])
    expect(await totals()).toEqual(before)
    expect((await latchkey.audit.list({ action: `${type}.reset` }))[0]).toMatchObject({
      before: { limits: [{ used: 100 }] },
      after: { limits: [{ used: 0 }] },
    })
    // The minute of the reset goes on counting.
    await latchkey.usage.record('ci', { inputTokens: 7 })
    expect(await used()).toEqual([7, 3])
    clock.now = new Date('2026-11-20T13:00:59.999Z')
    expect(await used()).toEqual([7, 2])
    clock.now = new Date('2026-11-20T13:01:00Z')
    expect(await used()).toEqual([0, 0])
  },
)

test('a limit keeps its reset when its amount changes, and there must be one to reset', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await peopled(latchkey)
  expect(await failure(latchkey.limits.reset({ key: 'ci' }))).toMatchObject({ code: 'conflict' })
  await latchkey.limits.set({ key: 'ci' }, [tokens(100)])
  expect(await failure(latchkey.limits.reset({ key: 'ci' }, { metric: 'usd' }))).toMatchObject({
    code: 'conflict',
  })
  await latchkey.usage.record('ci', { inputTokens: 60 })
  await latchkey.limits.reset({ key: 'ci' })
  await latchkey.keys.update('ci', { limits: [tokens(300)] })
  expect(await latchkey.limits.list({ key: 'ci' })).toMatchObject([{ amount: 300, used: 0 }])
})

test('stats tell when something is free, half of what is used, and all of it', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { latchkey } = home
  await latchkey.keys.create({
    name: 'ci',
    limits: [tokens(100), { metric: 'usd', amount: 1, windowMs: hour }],
  })
  for (const [at, inputTokens] of [
    ['11:10', 12],
    ['11:20', 8],
    ['11:30', 50],
    ['11:40', 30],
  ] as const) {
    await latchkey.usage.record('ci', { inputTokens, at: new Date(`2026-11-20T${at}:00Z`) })
  }
  const { limits } = await latchkey.keys.stats('ci')
  expect(limits.map(limit => limit.frees)).toEqual([
    [
      { at: new Date('2026-11-20T12:11:00Z'), remaining: 12 },
      { at: new Date('2026-11-20T12:31:00Z'), remaining: 70 },
      { at: new Date('2026-11-20T12:41:00Z'), remaining: 100 },
    ],
    [],
  ])
})

test('set replaces exactly one limit: that with the same metric, window, models and end users', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await peopled(latchkey)
  const month = { metric: 'usd', amount: 5, period: 'month', timeZone: 'UTC' } as const
  const all = [
    tokens(1),
    { ...tokens(2), models: 'gpt-*' },
    { ...tokens(3), each: true },
    tokens(4, 2 * hour),
    { metric: 'tokens', amount: 5, period: 'day' },
    { metric: 'tokens', amount: 6, period: 'total' },
    month,
    { metric: 'parallel', amount: 8 },
  ] as const
  const set = async (limits: readonly NewLimit[]) =>
    (await latchkey.limits.set({ key: 'ci' }, limits)).map(limit => [limit.amount, limit.changed])
  await set(all)
  for (const limit of all) {
    const amounts = (await set([{ ...limit, amount: limit.amount + 10 }])).filter(([, changed]) => changed)
    expect(amounts).toEqual([[limit.amount + 10, true]])
  }
  expect(await latchkey.limits.list({ key: 'ci' })).toHaveLength(all.length)
  // A calendar window in another zone is the same limit, and a change.
  const moved = await latchkey.limits.set({ key: 'ci' }, [{ ...month, amount: 15, timeZone: 'Asia/Kolkata' }])
  expect(moved.filter(({ changed }) => changed)).toMatchObject([{ metric: 'usd', timeZone: 'Asia/Kolkata' }])
  expect(moved).toHaveLength(all.length)
})

test('0 allows nothing and none is no limit, wherever limits are given', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const none = [tokens(0)]
  await latchkey.users.create({ username: 'zero', limits: none })
  await latchkey.users.create({ username: 'free', limits: [] })
  await latchkey.projects.create({ name: 'Zero', owner: 'free', limits: none })
  for (const [name, given, code] of [
    ['own', { limits: none }, 'limit_exceeded'],
    ['each', { limits: [{ ...tokens(0), each: true }] }, 'limit_exceeded'],
    ['parallel', { limits: [{ metric: 'parallel', amount: 0 }] }, 'limit_exceeded'],
    ['total', { limits: [{ metric: 'usd', amount: 0, period: 'total' }] }, 'limit_exceeded'],
    ['user', { user: 'zero' }, 'limit_exceeded'],
    ['project', { project: 'zero' }, 'limit_exceeded'],
    ['free', { user: 'free', limits: [] }, 'valid'],
  ] as const) {
    const { secret } = await latchkey.keys.create({ name, ...given })
    const verdict = await latchkey.keys.verify(secret!, { endUser: 'ann' })
    expect([name, verdict.code, verdict.retryAt]).toEqual([name, code, null])
    await latchkey.keys.update(name, { limits: none })
    expect((await latchkey.keys.verify(secret!)).code).toBe('limit_exceeded')
  }
})

test('a time zone that does not exist, or a secret in a pattern, is refused with the limit', async () => {
  await using home = await temporaryLatchkey()
  const { keys, limits } = home.latchkey
  const { secret } = await keys.create({ name: 'ci' })
  const bad = [
    { period: 'day' as const, timeZone: 'Mars/Olympus' },
    { windowMs: hour, models: secret! },
    { windowMs: hour, models: 'gpt 4' },
    { windowMs: hour, models: 'gpt\n*' },
  ]
  for (const window of bad) {
    const refused = await failure(limits.set({ key: 'ci' }, [{ metric: 'tokens', amount: 1, ...window }]))
    expect(refused).toMatchObject({ code: 'invalid' })
    expect(refused.message).not.toContain(secret!)
  }
  expect(await limits.list({ key: 'ci' })).toEqual([])
  const kept = [{ metric: 'tokens' as const, amount: 1, period: 'week' as const, timeZone: 'Asia/Kolkata' }]
  expect(await limits.set({ key: 'ci' }, kept)).toMatchObject(kept)
})
