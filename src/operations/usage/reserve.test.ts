// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import type { Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { startGateway } from '../../testing/process.ts'

const minute = 60_000
const hour = 60 * minute
const requests = (amount: number) => [{ metric: 'requests' as const, amount, windowMs: hour }]
const tokens = (amount: number, windowMs = hour) => [{ metric: 'tokens' as const, amount, windowMs }]
const leftOf = async (latchkey: Latchkey, key = 'ci') =>
  (await latchkey.keys.stats(key)).limits.map(limit => [limit.subject.type, limit.used, limit.reserved])

test('200 reservations at once on a limit for 100: exactly 100 are granted', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { secret } = await latchkey.keys.create({ name: 'ci', limits: requests(100) })
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => latchkey.usage.reserve({ secret: secret! })),
  )
  const granted = answers.filter(({ reservation }) => reservation !== null)
  expect(granted).toHaveLength(100)
  for (const { reservation, verdict } of answers) expect(verdict.valid).toBe(reservation !== null)
  expect(await leftOf(latchkey)).toEqual([['key', 100, 100]])
})

test.each([
  ['a key', undefined, requests(100)],
  ['an end user whom nobody has heard of', 'new', requests(100).map(limit => ({ ...limit, each: true }))],
  ['parallel requests', undefined, [{ metric: 'parallel' as const, amount: 100 }]],
])('so they are from four processes at once, on a limit of %s', async (_, endUser, limits) => {
  await using home = await temporaryLatchkey()
  const { id } = await home.latchkey.keys.create({ name: 'ci', limits })
  const gateways = Array.from({ length: 4 }, () =>
    startGateway('reserve', home.path, { key: id, count: 50, endUser }),
  )
  const finished = await Promise.all(gateways.map(each => each.finished))
  expect(finished.map(({ code, err }) => [code, err])).toEqual(Array.from({ length: 4 }, () => [0, '']))
  const granted = finished.map(each => each.json<{ granted: number }>().granted)
  expect(granted.reduce((sum, n) => sum + n)).toBe(100)
})

test('what is reserved is replaced by what was used, once', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'ci', limits: tokens(100) })
  const { reservation } = await latchkey.usage.reserve('ci', { tokens: 80 })
  expect(await leftOf(latchkey)).toEqual([['key', 80, 80]])
  expect((await latchkey.usage.reserve('ci', { tokens: 21 })).verdict).toMatchObject({
    code: 'limit_exceeded',
    retryAt: reservation!.expiresAt,
  })
  expect(await latchkey.usage.settle(reservation!.id, { inputTokens: 30, model: 'gpt-x' })).toMatchObject({
    key: { name: 'ci' },
    model: 'gpt-x',
    inputTokens: 30,
    requests: 1,
  })
  expect(await leftOf(latchkey)).toEqual([['key', 30, 0]])
  for (const again of [
    () => latchkey.usage.settle(reservation!.id, { inputTokens: 30 }),
    () => latchkey.usage.release(reservation!.id),
  ]) {
    expect(await failure(again())).toMatchObject({ code: 'not_found' })
  }
  expect(await leftOf(latchkey)).toEqual([['key', 30, 0]])
})

test('one that is settled by two at once is counted once', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'ci', limits: tokens(100) })
  const { reservation } = await latchkey.usage.reserve('ci', { tokens: 80 })
  const settled = await Promise.allSettled(
    Array.from({ length: 5 }, () => latchkey.usage.settle(reservation!.id, { inputTokens: 7 })),
  )
  expect(settled.filter(each => each.status === 'fulfilled')).toHaveLength(1)
  expect((await latchkey.keys.stats('ci')).totals).toMatchObject({ tokens: 7, requests: 1 })
})

test('a reservation binds the limits of the user and of the project too, and says whose was hit', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.users.create({ username: 'alice', limits: tokens(100) })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice', limits: tokens(60) })
  await latchkey.keys.create({ name: 'ci', user: 'alice', project: 'shop' })
  await latchkey.keys.create({ name: 'cd', user: 'alice', project: 'shop' })
  await latchkey.keys.create({ name: 'own', user: 'alice' })
  expect((await latchkey.usage.reserve('ci', { tokens: 50 })).reservation).not.toBeNull()
  const hit = async (key: string, wanted: number) => {
    const { verdict } = await latchkey.usage.reserve(key, { tokens: wanted })
    return verdict.limits.filter(limit => limit.exceeded).map(limit => limit.subject)
  }
  expect(await hit('cd', 11)).toEqual([
    { type: 'project', id: expect.any(String), name: 'shop', member: null },
  ])
  expect(await hit('own', 51)).toEqual([
    { type: 'user', id: expect.any(String), name: 'alice', member: null },
  ])
  expect(await hit('cd', 51)).toMatchObject([{ type: 'user' }, { type: 'project' }])
  expect(await hit('own', 50)).toEqual([])
})

test('it counts until its time is up, and may be settled late', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const start = clock.now.getTime()
  await latchkey.keys.create({ name: 'ci', limits: tokens(100, 5 * minute) })
  const { reservation } = await latchkey.usage.reserve('ci', { tokens: 80, timeoutMs: 2 * minute })
  expect(reservation!.expiresAt).toEqual(new Date(start + 2 * minute))
  clock.now = new Date(start + 2 * minute - 1)
  expect(await leftOf(latchkey)).toEqual([['key', 80, 80]])
  clock.now = new Date(start + 2 * minute)
  expect(await leftOf(latchkey)).toEqual([['key', 0, 0]])
  await latchkey.usage.settle(reservation!.id, { inputTokens: 33 })
  expect(await leftOf(latchkey)).toEqual([['key', 33, 0]])
})

test('one that was made by a clock a little ahead counts before its time', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const start = clock.now.getTime()
  await latchkey.keys.create({ name: 'ci', limits: tokens(100, 5 * minute) })
  clock.now = new Date(start + 3 * minute)
  await latchkey.usage.reserve('ci', { tokens: 80 })
  clock.now = new Date(start)
  expect(await leftOf(latchkey)).toEqual([['key', 80, 80]])
})

test('what is released counts no more', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'ci', limits: [...tokens(100), ...requests(1)] })
  const { reservation } = await latchkey.usage.reserve('ci', { tokens: 80 })
  await latchkey.usage.release(reservation!.id)
  expect(await leftOf(latchkey)).toEqual([
    ['key', 0, 0],
    ['key', 0, 0],
  ])
})

test('what a key had reserved that is deleted meanwhile is settled all the same', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.users.create({ username: 'alice', limits: tokens(100) })
  await latchkey.keys.create({ name: 'ci', user: 'alice' })
  const { reservation } = await latchkey.usage.reserve('ci', { tokens: 80 })
  await latchkey.keys.delete('ci')
  expect(await latchkey.usage.settle(reservation!.id, { inputTokens: 30 })).toMatchObject({
    key: { name: 'ci' },
    inputTokens: 30,
  })
  expect(await latchkey.limits.list({ user: 'alice' })).toMatchObject([{ used: 30, reserved: 0 }])
})

test('a failed settling leaves the reservation', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'ci', limits: tokens(100) })
  const { reservation } = await latchkey.usage.reserve('ci', { tokens: 80 })
  expect(await failure(latchkey.usage.settle(reservation!.id, { inputTokens: -1 }))).toMatchObject({
    code: 'invalid',
  })
  await home.dry.usage.settle(reservation!.id, { inputTokens: 5 })
  expect(await leftOf(latchkey)).toEqual([['key', 80, 80]])
})

test('a secret that does not work is a verdict, a key that is not there an error', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { secret } = await latchkey.keys.create({ name: 'ci', scopes: ['chat:*'], allowedModels: ['gpt-*'] })
  const code = async (...given: Parameters<typeof latchkey.usage.reserve>) => {
    const { reservation, verdict } = await latchkey.usage.reserve(...given)
    return [reservation === null, verdict.code]
  }
  expect(await code({ secret: 'lk_nonsense' })).toEqual([true, 'malformed'])
  expect(await code({ secret: 'sk-foreign-but-unknown' })).toEqual([true, 'not_found'])
  expect(await code({ secret: secret! }, { scope: 'admin' })).toEqual([true, 'insufficient_scope'])
  expect(await code({ secret: secret! }, { model: 'glm' })).toEqual([true, 'model_not_allowed'])
  expect(await code('ci', { scope: 'chat:write', model: 'gpt-x' })).toEqual([false, 'valid'])
  await latchkey.keys.revoke('ci')
  expect(await code('ci')).toEqual([true, 'revoked'])
  expect(await failure(latchkey.usage.reserve('nobody'))).toMatchObject({ code: 'not_found' })
  for (const wrong of [{ tokens: -1 }, { requests: 0.5 }, { usd: Number.NaN }, { timeoutMs: 0 }]) {
    expect(await failure(latchkey.usage.reserve('ci', wrong))).toMatchObject({ code: 'invalid' })
  }
})

test('of four parallel requests the fifth is denied until one of them ends, and told when that is at the latest', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { latchkey, clock } = home
  const { secret } = await latchkey.keys.create({ name: 'ci', limits: [{ metric: 'parallel', amount: 4 }] })
  const reserve = (timeoutMs: number) => latchkey.usage.reserve('ci', { timeoutMs })
  const held = await Promise.all([3, 2, 5, 4].map(n => reserve(n * minute)))
  const fifth = await reserve(minute)
  expect(fifth).toMatchObject({
    reservation: null,
    verdict: { code: 'limit_exceeded', retryAt: new Date('2026-11-20T12:02:30Z') },
  })
  // Nothing holds what is only verified, but it is told that there is no room.
  expect((await latchkey.keys.verify(secret!)).code).toBe('limit_exceeded')
  await latchkey.usage.settle(held[0]!.reservation!.id, {})
  expect((await latchkey.keys.verify(secret!)).code).toBe('valid')
  expect((await reserve(minute)).verdict.code).toBe('valid')
  expect((await reserve(minute)).verdict.code).toBe('limit_exceeded')
  clock.now = new Date('2026-11-20T12:02:30Z')
  expect((await latchkey.keys.verify(secret!)).limits).toMatchObject([{ used: 2, remaining: 2 }])
})

test('a request that one limit denies is charged to none', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const parallel = { metric: 'parallel' as const, amount: 9 }
  await latchkey.keys.create({ name: 'ci', limits: [...tokens(100), ...requests(9), parallel] })
  expect((await latchkey.usage.reserve('ci', { tokens: 101 })).verdict.code).toBe('limit_exceeded')
  expect((await latchkey.limits.list({ key: 'ci' })).map(limit => limit.used)).toEqual([0, 0, 0])
})
