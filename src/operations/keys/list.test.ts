// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import type { KeySort } from '../../contract/views.ts'
import type { KeyPage, Latchkey } from '../../index.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const hour = 3_600_000
const day = 24 * hour
const names = async (latchkey: Latchkey, page: KeyPage) =>
  (await latchkey.keys.list(page)).map(key => key.name)

/** Five keys that differ in everything that a filter looks at. */
async function fiveKeys() {
  const home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const { keys, users, organizations, projects, usage } = latchkey
  await users.create({ username: 'alice' })
  await organizations.create({ name: 'Acme', owner: 'alice' })
  await organizations.create({ name: 'Empty', owner: 'alice' })
  await projects.create({ name: 'Shop', org: 'acme' })
  const start = clock.now
  const later = (days: number) => {
    clock.now = new Date(start.getTime() + days * day)
  }
  const tokens = (amount: number) => [{ metric: 'tokens' as const, amount, windowMs: 5 * hour }]
  await keys.create({ name: 'b-old', user: 'alice', scopes: ['chat:*'], allowedModels: ['gpt-*'] })
  later(10)
  await keys.create({
    name: 'a-idle',
    project: 'shop',
    scopes: ['chat:read', 'files:write'],
    model: 'glm-4.7',
  })
  later(50)
  await keys.create({
    name: 'D-busy',
    user: 'alice',
    limits: tokens(100),
    expiresAt: new Date(start.getTime() + 70 * day),
  })
  await keys.create({
    name: 'c-full',
    limits: tokens(0),
    allowedModels: ['a[b]?', 'glm-*'],
    model: 'glm-4.7',
  })
  later(60)
  await keys.create({ name: 'e-new', limits: tokens(100), expiresAt: new Date(start.getTime() + 65 * day) })
  await usage.record('D-busy', { inputTokens: 80, costUsd: 1 })
  await usage.record('e-new', { inputTokens: 79, costUsd: 3 })
  await usage.record('b-old', { inputTokens: 500, at: new Date(start.getTime() + 20 * day) })
  return home
}

const filters: readonly (readonly [KeyPage, readonly string[]])[] = [
  [{}, ['b-old', 'a-idle', 'D-busy', 'c-full', 'e-new']],
  [{ user: 'alice' }, ['b-old', 'D-busy']],
  [{ project: 'shop' }, ['a-idle']],
  [{ org: 'acme' }, ['a-idle']],
  [{ org: 'empty' }, []],
  [{ user: 'alice', project: 'shop' }, []],
  [{ scope: 'chat:read' }, ['b-old', 'a-idle']],
  [{ scope: 'chat:write' }, ['b-old']],
  [{ scope: 'chat' }, []],
  [{ scope: 'chat:*' }, ['b-old']],
  [{ model: 'gpt-4o' }, ['b-old', 'D-busy', 'e-new']],
  [{ model: 'glm-4.7' }, ['a-idle', 'D-busy', 'c-full', 'e-new']],
  [{ model: 'a[b]?' }, ['D-busy', 'e-new']],
  [{ expiresWithinMs: 5 * day }, ['e-new']],
  [{ expiresWithinMs: 10 * day }, ['D-busy', 'e-new']],
  [{ unusedForMs: 40 * day }, ['b-old', 'a-idle']],
  [{ unusedForMs: 50 * day }, ['a-idle']],
  [{ unusedForMs: 0 }, ['b-old', 'a-idle', 'D-busy', 'c-full', 'e-new']],
  [{ overPercent: 80 }, ['D-busy', 'c-full']],
  [{ overPercent: 79 }, ['D-busy', 'c-full', 'e-new']],
  [{ overPercent: 100 }, ['c-full']],
  [{ overPercent: 80, user: 'alice' }, ['D-busy']],
  [{ search: 'B' }, ['b-old', 'D-busy']],
  [{ sort: 'name' }, ['a-idle', 'b-old', 'c-full', 'D-busy', 'e-new']],
  [{ sort: 'name', descending: true }, ['e-new', 'D-busy', 'c-full', 'b-old', 'a-idle']],
  [{ descending: true, limit: 2 }, ['e-new', 'c-full']],
  [{ sort: 'created', limit: 2 }, ['b-old', 'a-idle']],
  [{ sort: 'expires' }, ['e-new', 'D-busy', 'b-old', 'a-idle', 'c-full']],
  [{ sort: 'expires', descending: true }, ['D-busy', 'e-new', 'c-full', 'a-idle', 'b-old']],
  [{ sort: 'last-used' }, ['b-old', 'D-busy', 'e-new', 'a-idle', 'c-full']],
  [{ sort: 'tokens', descending: true, limit: 3 }, ['b-old', 'D-busy', 'e-new']],
  [{ sort: 'cost', descending: true, limit: 2 }, ['e-new', 'D-busy']],
  // Who sorts by an amount looks for the largest.
  [{ sort: 'tokens', limit: 3 }, ['b-old', 'D-busy', 'e-new']],
  [{ sort: 'cost', limit: 2 }, ['e-new', 'D-busy']],
]

test('every filter finds what it says, in the order asked for', async () => {
  await using home = await fiveKeys()
  for (const [page, expected] of filters) {
    expect([page, await names(home.latchkey, page)]).toEqual([page, [...expected]])
  }
})

test('a filter by scope or model agrees with the verdict', async () => {
  await using home = await temporaryLatchkey()
  const { keys } = home.latchkey
  const patterns = ['a*b', '*', 'a:b', 'a:*', '*b', 'x.y', 'a-b', 'a?b', 'a[x]b', '[ab]', 'a]b', 'a*b*c']
  const asked = ['a', 'ab', 'a:b', 'a:bb', 'axb', 'a?b', 'a[x]b', '[ab]', 'a]b', 'abc', 'x.y', 'xy', 'A:B']
  const made = await Promise.all(
    patterns.map((pattern, n) => keys.create({ name: `k${n}`, allowedModels: [pattern] })),
  )
  for (const model of asked) {
    const allowed = []
    for (const { name, secret } of made) {
      if ((await keys.verify(secret!, { model })).valid) allowed.push(name)
    }
    expect([model, (await names(home.latchkey, { model })).toSorted()]).toEqual([model, allowed.toSorted()])
  }
})

const sorts: readonly (KeySort | undefined)[] = [
  undefined,
  'name',
  'created',
  'expires',
  'last-used',
  'tokens',
  'cost',
]

test.each(sorts)('pages sorted by %p hold every key once, whatever is made meanwhile', async sort => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  for (let n = 0; n < 12; n++) {
    // Ties in everything, and things that never were.
    const expiresAt = n % 3 === 0 ? undefined : new Date(clock.now.getTime() + (n % 4) * day + day)
    await latchkey.keys.create({ name: `k${(n * 7) % 12}`, expiresAt })
    if (n % 2 === 0) await latchkey.usage.record(`k${(n * 7) % 12}`, { inputTokens: n % 4, costUsd: n % 3 })
  }
  for (const descending of [false, true]) {
    const all = await names(latchkey, { sort, descending })
    const paged: string[] = []
    for (let after: string | undefined; ; after = paged.at(-1)) {
      const page = await names(latchkey, { sort, descending, limit: 5, after })
      paged.push(...page)
      if (page.length < 5) break
      await latchkey.keys.create({ name: `${descending ? 'zzz' : '000'}-${paged.length}` })
    }
    expect(paged.filter(name => name.startsWith('k'))).toEqual(all.filter(name => name.startsWith('k')))
    expect(new Set(paged).size).toBe(paged.length)
  }
})

test('a stream has what a list has, and other operations go on meanwhile', async () => {
  await using home = await temporaryLatchkey()
  const { keys } = home.latchkey
  await keys.createMany({ name: 'k', limits: [{ metric: 'usd', amount: 1, windowMs: hour }] }, 2_100)
  const listed = await keys.list({ sort: 'name', descending: true })
  const streamed = []
  for await (const key of keys.stream({ sort: 'name', descending: true })) {
    if (streamed.length === 10) {
      await keys.delete('k-1')
      await keys.create({ name: 'k-0' })
    }
    streamed.push(key)
  }
  expect(streamed).toEqual([...listed])
  expect((await keys.list()).length).toBe(2_100)
  for await (const key of keys.stream({ limit: 1 })) expect(key.name).toBe('k-2')
})

test('a stream that is left early leaves the database free', async () => {
  await using home = await temporaryLatchkey()
  const { keys } = home.latchkey
  await keys.createMany({ name: 'k' }, 20)
  for await (const key of keys.stream()) if (key.name === 'k-3') break
  await keys.delete('k-3')
  expect(await keys.list()).toHaveLength(19)
})

test('tokens by day begin and end where the days of the zone do', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { keys, usage } = home.latchkey
  const { id } = await keys.create({ name: 'ci' })
  const idle = await keys.create({ name: 'idle' })
  for (const [at, inputTokens] of [
    ['2026-11-20T11:59:00Z', 1],
    ['2026-11-19T23:30:00Z', 20],
    ['2026-11-06T23:30:00Z', 300],
    ['2026-11-06T22:30:00Z', 4_000],
  ] as const) {
    await usage.record('ci', { inputTokens, at: new Date(at) })
  }
  const utc = await keys.activity([id, idle.id])
  expect([...utc.keys()]).toEqual([id])
  expect(utc.get(id)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 1])
  const berlin = await keys.activity([id], { timeZone: 'Europe/Berlin' })
  expect(berlin.get(id)).toEqual([300, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 21])
})

test.each([
  [{ limit: 0 }],
  [{ limit: 1.5 }],
  [{ overPercent: -1 }],
  [{ unusedForMs: -1 }],
  [{ status: 'gone' as never }],
  [{ sort: 'color' as never }],
])('%p is refused', async page => {
  await using home = await temporaryLatchkey()
  const { keys } = home.latchkey
  expect(await keys.list(page).catch(error => error)).toMatchObject({ code: 'invalid' })
  expect(await Array.fromAsync(keys.stream(page)).catch(error => error)).toMatchObject({ code: 'invalid' })
})
