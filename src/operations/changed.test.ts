// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import type { Latchkey } from '../index.ts'
import { failure } from '../testing/failure.ts'
import { temporaryLatchkey } from '../testing/latchkey.ts'
import { rolling } from '../testing/limits.ts'

const hour = 3_600_000
const tokens = (amount: number, windowMs = hour) => rolling('tokens', amount, windowMs)
const usd = (amount: number, windowMs: number) => rolling('usd', amount, windowMs)

async function furnished() {
  const home = await temporaryLatchkey()
  const { users, projects, keys } = home.latchkey
  await users.create({ username: 'alice', password: 'correct horse' })
  await users.create({ username: 'bob' })
  await projects.create({ name: 'Shop', owner: 'alice' })
  await keys.create({ name: 'ci', user: 'alice', metadata: { a: 1 } })
  await keys.create({ name: 'cd', user: 'alice' })
  return home
}

/** Each changes something the first time, and nothing the second. */
const changes: Readonly<Record<string, (l: Latchkey) => Promise<{ readonly changed: boolean }>>> = {
  'key name': l => l.keys.update('ci', { name: 'ci', model: 'm' }),
  'key owner': l => l.keys.update('ci', { user: 'bob', project: 'shop' }),
  'key scopes': l => l.keys.update('ci', { scopes: ['a:b'], allowedModels: ['m*'], metadata: { b: [1] } }),
  'key expiry': l => l.keys.update('ci', { expiresAt: new Date('2027-01-01') }),
  'key limits': l => l.keys.update('ci', { limits: [tokens(5), usd(3, hour)] }),
  'key without limit': async l => {
    await l.keys.update('cd', { limits: [tokens(9)] }).catch(() => {})
    return l.keys.update('ci', {
      removeLimits: [{ metric: 'tokens', windowMs: hour }],
      limits: [usd(7, hour)],
    })
  },
  'key disable': l => l.keys.disable('ci'),
  'key enable': async l => l.keys.enable('ci'),
  'key revoke': l => l.keys.revoke('ci', { reason: 'left' }),
  'many keys': async l => {
    const change = { verb: 'update', changes: { model: 'm2' } } as const
    const all = await l.keys.changeMatching({ search: 'c' }, change)
    return { changed: all.some(key => key.changed) }
  },
  'user fields': l => l.users.update('alice', { name: 'Alice', email: 'a@example.org', role: 'admin' }),
  'user limits': l => l.users.update('alice', { limits: [tokens(5)] }),
  'user disable': l => l.users.disable('alice'),
  'user enable': l => l.users.enable('alice'),
  'no password': l => l.users.setPassword('alice', null),
  'project fields': l => l.projects.update('shop', { description: 'Shoes', owner: 'bob', keyPrefix: 'shop' }),
  'project members': l => l.projects.update('shop', { addMembers: [{ user: 'alice', role: 'viewer' }] }),
  'project archive': l => l.projects.archive('shop'),
  'project unarchive': l => l.projects.unarchive('shop'),
  price: l => l.usage.prices.set('m', { inputUsd: 1, outputUsd: 2 }),
  'price from': l => l.usage.prices.set('m', { inputUsd: 3, outputUsd: 2, from: new Date('2027-01-01') }),
  limit: async l => {
    const limits = await l.limits.set({ user: 'bob' }, [tokens(7), usd(1, hour)])
    return { changed: limits.some(limit => limit.changed) }
  },
}

test('a change that changes nothing leaves no audit row, moves no updatedAt, and says so', async () => {
  await using home = await furnished()
  const { latchkey, clock } = home
  const everything = async () => [
    await latchkey.keys.list(),
    await latchkey.users.list(),
    await latchkey.projects.list(),
    await latchkey.usage.prices.list(),
    await latchkey.audit.list({ limit: 10_000 }),
  ]
  for (const [name, change] of Object.entries(changes)) {
    clock.now = new Date(clock.now.getTime() + 1_000)
    expect([name, (await change(latchkey)).changed]).toEqual([name, true])
    const before = await everything()
    clock.now = new Date(clock.now.getTime() + 1_000)
    if (name === 'key without limit') continue
    expect([name, (await change(latchkey)).changed]).toEqual([name, false])
    expect(await everything()).toEqual(before)
  }
})

test('of many keys, those that were so already have no audit row', async () => {
  await using home = await furnished()
  const { keys, audit } = home.latchkey
  await keys.update('cd', { model: 'm' })
  const rows = (await audit.list()).length
  const changed = await keys.changeMatching({ user: 'alice' }, { verb: 'update', changes: { model: 'm' } })
  expect(changed.map(key => [key.name, key.changed, key.before])).toEqual([
    ['ci', true, { model: null }],
    ['cd', false, {}],
  ])
  expect(await audit.list()).toHaveLength(rows + 1)
})

test('a new password is a change, though no view shows it', async () => {
  await using home = await furnished()
  const { users, audit } = home.latchkey
  expect(await users.setPassword('alice', 'battery staple')).toMatchObject({ changed: true, before: {} })
  expect(await audit.list({ action: 'user.passwd' })).toHaveLength(1)
})

test('an update sets the window that it names and shows how it was', async () => {
  await using home = await furnished()
  const { keys } = home.latchkey
  const day = 24 * hour
  await keys.update('ci', { limits: [usd(50, 7 * day), usd(5, day), tokens(1)] })
  expect(await keys.update('ci', { limits: [usd(100, 30 * day)] })).toMatchObject({
    limits: [tokens(1), usd(5, day), usd(50, 7 * day), usd(100, 30 * day)],
    before: { limits: [tokens(1), usd(5, day), usd(50, 7 * day)] },
  })
  const one = { limits: [usd(90, 30 * day)], removeLimits: [{ metric: 'usd' as const, windowMs: 7 * day }] }
  expect((await keys.update('ci', one)).limits).toEqual([tokens(1), usd(5, day), usd(90, 30 * day)])
  expect((await keys.update('ci', { removeLimits: ['usd'] })).limits).toEqual([tokens(1)])
  const both = { limits: [usd(1, day)], removeLimits: [{ metric: 'usd' as const, windowMs: day }] }
  expect(await failure(keys.update('ci', both))).toMatchObject({ code: 'invalid' })
})

test('what exists is accepted when it is as was asked for, and otherwise told apart', async () => {
  await using home = await furnished()
  const { latchkey, clock } = home
  const { users, projects, keys, audit } = latchkey
  const day = 24 * hour
  const expiring = () => new Date(clock.now.getTime() + 90 * day)
  const asked = { user: 'alice', scopes: ['b', 'a'], limits: [usd(3, day), tokens(5)] }
  const makers: readonly ((more: object) => Promise<{ readonly created: boolean }>)[] = [
    more => keys.create({ name: 'New', ...asked, expiresAt: expiring(), ...more }, { ifNotExists: true }),
    more =>
      users.create(
        { username: 'Carol', email: 'c@example.org', password: 'correct horse', ...more },
        { ifNotExists: true },
      ),
    more =>
      projects.create({ name: 'Lab', owner: 'alice', limits: [tokens(5)], ...more }, { ifNotExists: true }),
  ]
  for (const make of makers) expect((await make({})).created).toBe(true)
  const rows = await audit.list()
  clock.now = new Date(clock.now.getTime() + 5 * day)
  for (const make of makers) expect((await make({})).created).toBe(false)
  expect(await makers[0]!({ name: 'new', scopes: ['a', 'b'], user: undefined })).toMatchObject({
    created: false,
    secret: null,
    name: 'New',
  })
  const different = [
    [0, { user: 'bob' }, 'user alice, not bob'],
    [0, { limits: [tokens(6)] }, 'limits tokens=5/1h usd=3/1d, not tokens=6/1h'],
    [0, { limits: [] }, 'limits tokens=5/1h usd=3/1d, not none'],
    [0, { scopes: ['a'], model: 'm' }, 'model none, not m; scopes a b, not a'],
    [
      0,
      { expiresAt: new Date('2027-01-01') },
      'expires 2027-02-18T12:00:00.000Z, not 2027-01-01T00:00:00.000Z',
    ],
    [1, { role: 'admin' }, 'role member, not admin'],
    [1, { password: 'another one' }, 'password another, not the one given'],
    [2, { owner: 'bob' }, 'owner alice, not bob'],
    [2, { limits: [tokens(6)] }, 'limits tokens=5/1h, not tokens=6/1h'],
    [2, { limits: [tokens(5, 1.5 * hour)] }, 'limits tokens=5/1h, not tokens=5/1h30m'],
    [2, { limits: [tokens(5, hour + 1)] }, 'limits tokens=5/1h, not tokens=5/1h1ms'],
  ] as const
  for (const [maker, more, told] of different) {
    const error = await failure(makers[maker]!(more))
    expect(error).toMatchObject({ code: 'conflict' })
    expect(error.message).toContain(`exists, but differs: ${told}`)
    expect(error.hint).toStartWith('change it with: latchkey ')
  }
  expect(await audit.list()).toEqual(rows)
})

test('of several keys, those that are missing are made, and delivered alone', async () => {
  await using home = await furnished()
  const { keys } = home.latchkey
  await keys.createMany({ name: 'k' }, 2)
  const delivered: string[] = []
  const options = {
    ifNotExists: true,
    deliver: async (issued: readonly { readonly name: string }[]) => {
      delivered.push(...issued.map(key => key.name))
    },
  }
  const all = await keys.createMany({ name: 'k' }, 4, options)
  expect(all.map(key => [key.name, key.created, key.secret !== null])).toEqual([
    ['k-1', false, false],
    ['k-2', false, false],
    ['k-3', true, true],
    ['k-4', true, true],
  ])
  expect(delivered).toEqual(['k-3', 'k-4'])
})

test('a key that no longer works is no key to accept, and a taken name is no reason to rotate', async () => {
  await using home = await furnished()
  const { keys } = home.latchkey
  const taken = await failure(keys.create({ name: 'ci' }))
  expect(taken).toMatchObject({ code: 'conflict' })
  expect(taken.hint).not.toContain('rotate')
  expect(taken.hint).toContain('--if-not-exists')
  await keys.revoke('ci')
  const revoked = await failure(keys.create({ name: 'ci' }, { ifNotExists: true }))
  expect(revoked.message).toContain('exists, and is revoked')
})
