// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { connectLatchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'

const hour = 3_600_000
const tokens = (amount: number, windowMs = hour) => ({ metric: 'tokens' as const, amount, windowMs })

async function denying() {
  const home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { users, keys, usage } = home.latchkey
  await users.create({ username: 'alice', limits: [tokens(100)] })
  const { id, secret } = await keys.create({
    name: 'ci',
    user: 'alice',
    scopes: ['chat:*'],
    allowedModels: ['gpt-*'],
    limits: [tokens(1_000, 24 * hour)],
  })
  await usage.record('ci', { inputTokens: 70, at: new Date('2026-11-20T11:30:10Z') })
  return { ...home, id, secret: secret!, [Symbol.asyncDispose]: home[Symbol.asyncDispose] }
}

const requests = [
  {},
  { model: 'gpt-x', scope: 'chat:write' },
  { model: 'other' },
  { scope: 'admin' },
  { wanted: { tokens: 30 } },
  { wanted: { tokens: 31 } },
  { wanted: { tokens: 31 }, at: new Date('2026-11-20T12:31:00Z') },
  { wanted: { tokens: 101 } },
  { at: new Date('2026-11-19T12:00:00Z') },
] as const

test('an explanation is the verdict that the secret gets, whatever is asked', async () => {
  await using home = await denying()
  const { keys, users } = home.latchkey
  const compare = async () => {
    for (const request of requests) {
      const { limits, ...verdict } = await keys.verify(home.secret, request)
      const { limits: all, denials, model, ...explained } = await keys.explain('ci', request)
      expect(explained as object).toEqual(verdict)
      // A verdict that is about no limit looks at none.
      if (limits.length > 0) expect(all.map(({ frees, ...limit }) => limit as object)).toEqual([...limits])
      expect(all.map(limit => limit.subject.type)).toEqual(['key', 'user'])
    }
  }
  await compare()
  await users.disable('alice')
  await compare()
  await keys.revoke('ci')
  await compare()
  expect(await failure(keys.explain('nobody'))).toMatchObject({ code: 'not_found' })
  expect(await failure(keys.explain('ci', { wanted: { tokens: -1 } }))).toMatchObject({ code: 'invalid' })
})

test('every limit that binds tells when it frees, also when something else denies', async () => {
  await using home = await denying()
  const { keys } = home.latchkey
  const explained = await keys.explain('ci', { model: 'other', wanted: { tokens: 31 } })
  expect(explained).toMatchObject({ valid: false, code: 'model_not_allowed', model: 'other' })
  expect(explained.limits.map(limit => [limit.subject.name, limit.exceeded, limit.frees])).toEqual([
    ['ci', false, [{ at: new Date('2026-11-21T11:31:00Z'), remaining: 1_000 }]],
    ['alice', true, [{ at: new Date('2026-11-20T12:31:00Z'), remaining: 100 }]],
  ])
})

const kept = ({ query }: TestLatchkey) =>
  query('SELECT key_id, start, code, count, last_at FROM denials ORDER BY start, code')

test('denials are counted by key, day and code: in memory at first, and written when the library closes', async () => {
  await using home = await denying()
  const { clock, path, id, secret } = home
  const day = Date.UTC(2026, 10, 20)
  const latchkey = connectLatchkey({ path, now: () => clock.now })
  await latchkey.keys.verify(secret)
  await latchkey.keys.verify(secret, { wanted: { tokens: 31 } })
  clock.now = new Date(clock.now.getTime() + 1_000)
  await latchkey.usage.reserve({ secret }, { tokens: 31 })
  await latchkey.keys.verify(secret, { model: 'other' })
  // About another moment, and about no key.
  await latchkey.keys.verify(secret, { model: 'other', at: clock.now })
  await latchkey.keys.verify('pk_unknown')
  await latchkey.keys.explain('ci', { model: 'other' })
  expect(await kept(home)).toEqual([])
  await latchkey.close()
  const first = [
    { key_id: id, start: day, code: 'limit_exceeded', count: 2, last_at: clock.now.getTime() },
    { key_id: id, start: day, code: 'model_not_allowed', count: 1, last_at: clock.now.getTime() },
  ]
  expect(await kept(home)).toEqual(first)

  clock.now = new Date('2026-11-21T00:00:00Z')
  const another = connectLatchkey({ path, now: () => clock.now })
  await another.keys.verify(secret, { model: 'other' })
  await another.close()
  expect(await kept(home)).toEqual([
    ...first,
    { key_id: id, start: day + 24 * hour, code: 'model_not_allowed', count: 1, last_at: clock.now.getTime() },
  ])
  const denials = [
    { code: 'model_not_allowed', count: 2, lastAt: clock.now },
    { code: 'limit_exceeded', count: 2, lastAt: new Date('2026-11-20T12:00:31Z') },
  ] as const
  const { keys } = home.latchkey
  expect((await keys.explain('ci')).denials).toEqual(denials)
  expect((await keys.stats('ci')).denials).toEqual(denials)
  expect((await keys.stats('ci', { days: 1 })).denials).toEqual([{ ...denials[0], count: 1 }])
  expect((await home.latchkey.inventory()).denials).toMatchObject({
    limit_exceeded: 2,
    model_not_allowed: 2,
    revoked: 0,
  })
  await keys.delete('ci')
  expect(await kept(home)).toEqual([])
})

test('a verdict that reads only, runs dry or finds its key deleted writes no denial', async () => {
  await using home = await denying()
  const { path, secret, clock } = home
  for (const options of [{ access: 'read' as const }, { dryRun: true }]) {
    const latchkey = connectLatchkey({ path, now: () => clock.now, ...options })
    expect((await latchkey.keys.verify(secret, { model: 'other' })).valid).toBe(false)
    await latchkey.close()
  }
  const late = connectLatchkey({ path, now: () => clock.now })
  await late.keys.verify(secret, { model: 'other' })
  await home.latchkey.keys.delete('ci')
  await late.close()
  expect(await kept(home)).toEqual([])
})
