// Runs on PostgreSQL too.
/** Lists against a model in plain JavaScript: whatever the database holds and whatever is asked for. */
import { expect, test } from 'bun:test'
import { keySorts, keyStatuses } from '../../contract/views/words.ts'
import type { Key } from '../../contract/views.ts'
import type { KeyPage, Latchkey } from '../../index.ts'
import { histories } from '../../testing/chance.ts'
import { onPostgres, temporaryLatchkey } from '../../testing/latchkey.ts'
import { matches } from '../rules/patterns.ts'

const hour = 3_600_000
const day = 24 * hour

/** Numbers that look random and are the same every time (mulberry32). */
function generator(seed: number) {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (most: number): number => Math.floor(next() * most)
  return {
    below,
    one: <T>(all: readonly T[]): T => all[below(all.length)]!,
    maybe: <T>(likely: number, make: () => T): T | undefined => (next() < likely ? make() : undefined),
  }
}

const parts = [
  "'",
  '"',
  '%',
  '_',
  '\\',
  '\\%',
  '🔑',
  'é',
  'e\u0301',
  'É',
  'a',
  'A',
  'B',
  '--',
  ';',
  '\u{10ffff}',
  '\uffee',
  ' ',
  '*',
  '[',
  'ß',
  'İ',
  '$(x)',
]
const models = ['gpt-4o', 'gpt-*', '*', 'a[b]?', 'glm-4.7', 'GPT-4o', '*o', "o'x", 'ü*']
const scopes = ['chat:*', 'chat:read', 'files:write', 'chat']

interface Counted {
  tokens: number
  cost: number
}

async function randomHome(seed: number) {
  const home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const random = generator(seed)
  const start = clock.now.getTime()
  for (const username of ['alice', 'bob']) await latchkey.users.create({ username })
  for (const name of ['Shop', 'Lab']) await latchkey.projects.create({ name, owner: 'alice' })
  const counted = new Map<string, Counted>()
  let made = 0
  const create = async (): Promise<void> => {
    const name = `${Array.from({ length: 1 + random.below(4) }, () => random.one(parts)).join('')}${made++}`
    clock.now = new Date(start + random.below(3) * day)
    const { id } = await latchkey.keys.create({
      name: name.replace(/^[\s-]+/, 'x'),
      user: random.maybe(0.5, () => random.one(['alice', 'bob'])),
      project: random.maybe(0.5, () => random.one(['shop', 'lab'])),
      model: random.maybe(0.3, () => random.one(models.filter(model => !model.includes('*')))),
      allowedModels: random.maybe(0.5, () => [random.one(models), random.one(models)]),
      scopes: random.maybe(0.5, () => [random.one(scopes)]),
      expiresAt: random.maybe(0.6, () => new Date(start + (4 + random.below(4)) * day)),
      limits: random.maybe(0.5, () => [
        { metric: random.one(['tokens', 'requests'] as const), amount: random.below(5), windowMs: day },
        { metric: 'usd' as const, amount: random.below(3), windowMs: 30 * day },
      ]),
    })
    counted.set(id, { tokens: 0, cost: 0 })
    if (random.below(2) === 0) {
      const [inputTokens, outputTokens, costUsd] = [random.below(3), random.below(3), random.below(3)]
      await latchkey.usage.record(id, {
        inputTokens,
        outputTokens,
        costUsd,
        at: new Date(clock.now.getTime() - random.below(3) * hour),
      })
      counted.set(id, { tokens: inputTokens + outputTokens, cost: costUsd })
    }
    if (random.below(5) === 0) await latchkey.keys.disable(id)
    if (random.below(6) === 0) await latchkey.keys.revoke(id)
  }
  for (let n = 0; n < 40; n++) await create()
  clock.now = new Date(start + (3 + random.below(3)) * day)
  const over = async (): Promise<ReadonlyMap<string, number>> => {
    const shares = new Map<string, number>()
    for (const { id } of await latchkey.keys.list()) {
      const { limits } = await latchkey.keys.stats(id)
      const own = limits.filter(limit => limit.subject === undefined || limit.subject.type === 'key')
      shares.set(
        id,
        Math.max(
          -1,
          ...own.map(({ used, amount }) => (amount === 0 ? Number.POSITIVE_INFINITY : (used * 100) / amount)),
        ),
      )
    }
    return shares
  }
  return { ...home, random, create, counted, over, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() }
}

const ascii = (text: string): string => text.replace(/[A-Z]/g, letter => letter.toLowerCase())

/** As SQLite has it: by code point. */
function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' || typeof b === 'number') return Number(a) - Number(b)
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function model(
  all: readonly Key[],
  page: KeyPage,
  now: number,
  counted: ReadonlyMap<string, Counted>,
  shares: ReadonlyMap<string, number>,
): readonly string[] {
  const value = (key: Key): string | number | null => {
    const counts = counted.get(key.id)!
    switch (page.sort) {
      case 'name':
        return ascii(key.name)
      case 'created':
        return key.createdAt.getTime()
      case 'expires':
        return key.expiresAt?.getTime() ?? null
      case 'last-used':
        return key.lastUsedAt?.getTime() ?? null
      case 'tokens':
        return counts.tokens
      case 'cost':
        return counts.cost
      default:
        return key.id
    }
  }
  const way = (page.descending ?? (page.sort === 'tokens' || page.sort === 'cost')) ? -1 : 1
  const order = (a: Key, b: Key): number => {
    const [one, other] = [value(a), value(b)]
    if (one === null || other === null) {
      if (one !== null) return -1
      if (other !== null) return 1
      return way * compare(a.id, b.id)
    }
    return way * (compare(one, other) || compare(a.id, b.id))
  }
  const fits = (key: Key): boolean => {
    const { status, user, project, scope, model, expiresWithinMs, unusedForMs, overPercent, search } = page
    const expires = key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY
    return (
      (status === undefined || key.status === status) &&
      (user === undefined || key.user?.username === user) &&
      (project === undefined || key.project?.slug === project) &&
      (scope === undefined || key.scopes.some(pattern => matches(pattern, scope))) &&
      (model === undefined ||
        ((key.model === null || key.model === model) &&
          (key.allowedModels === null || key.allowedModels.some(pattern => matches(pattern, model))))) &&
      (expiresWithinMs === undefined ||
        (key.revokedAt === null && expires > now && expires <= now + expiresWithinMs)) &&
      (unusedForMs === undefined || (key.lastUsedAt ?? key.createdAt).getTime() <= now - unusedForMs) &&
      (overPercent === undefined || (shares.get(key.id) ?? -1) >= overPercent) &&
      (search === undefined || ascii(key.name).includes(ascii(search.normalize('NFC'))))
    )
  }
  const sorted = all.toSorted(order)
  const from = page.after === undefined ? 0 : sorted.findIndex(key => key.id === page.after) + 1
  return sorted
    .slice(from)
    .filter(fits)
    .slice(0, page.limit)
    .map(key => key.id)
}

const idsOf = async (keys: AsyncIterable<Key>): Promise<string[]> =>
  (await Array.fromAsync(keys)).map(key => key.id)

test.each([1, 2, 3])(
  'any list of keys is the list that plain JavaScript makes, with seed %p',
  async seed => {
    await using home = await randomHome(seed)
    const { latchkey, random, clock, counted } = home
    const all = await latchkey.keys.list()
    const shares = await home.over()
    const searches = [
      ...parts.filter(part => part.trim() !== ''),
      'a%',
      // PostgreSQL refuses NUL.
      ...(onPostgres ? [] : ['\0', 'a\0']),
      'a'.repeat(100_000),
      '%%',
      '\\',
      '_',
      '1',
    ]
    for (let n = 0; n < histories / 2; n++) {
      const rare = n % 3 === 0 ? 0.5 : 0.15
      const page: KeyPage = {
        status: random.maybe(rare, () => random.one(keyStatuses)),
        user: random.maybe(rare, () => random.one(['alice', 'bob'])),
        project: random.maybe(rare, () => random.one(['shop', 'lab'])),
        scope: random.maybe(rare, () => random.one(scopes)),
        model: random.maybe(rare, () => random.one([...models, 'gpt-', "o'x", 'üx'])),
        expiresWithinMs: random.maybe(rare, () => random.below(5) * day),
        unusedForMs: random.maybe(rare, () => random.below(6) * day),
        overPercent: random.maybe(rare, () => random.one([0, 50, 100, 33.3])),
        search: random.maybe(0.3, () => random.one(searches)),
        sort: random.maybe(0.8, () => random.one(keySorts)),
        descending: random.maybe(0.5, () => random.below(2) === 0),
        limit: random.maybe(0.5, () => 1 + random.below(20)),
        after: random.maybe(0.5, () => random.one(all).id),
      }
      const expected = model(all, page, clock.now.getTime(), counted, shares)
      expect([page, (await latchkey.keys.list(page)).map(key => key.id)]).toEqual([page, [...expected]])
      expect([page, await idsOf(latchkey.keys.stream(page))]).toEqual([page, [...expected]])
      const { sort, descending, limit, after, ...filter } = page
      if (n % 5 === 0)
        expect([filter, await idsOf(latchkey.keys.export(filter))]).toEqual([
          filter,
          [...model(all, filter, clock.now.getTime(), counted, shares)],
        ])
    }
  },
  60_000,
)

test.each([4, 5])(
  'pages neither skip nor repeat while keys come, go and change their names, with seed %p',
  async seed => {
    await using home = await randomHome(seed)
    const { latchkey, random, create, clock } = home
    for (const sort of [undefined, ...keySorts]) {
      const descending = random.below(2) === 0
      const there = new Set((await latchkey.keys.list()).map(key => key.id))
      const seen: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await latchkey.keys.list({ sort, descending, limit: 7, after })
        seen.push(...page.map(key => key.id))
        after = page.at(-1)?.id
        if (after === undefined) break
        const now = clock.now
        await create()
        clock.now = now
        const others = [...there].filter(id => !seen.includes(id))
        if (others.length > 0) {
          const gone = random.one(others)
          await latchkey.keys.delete(gone)
          there.delete(gone)
        }
        const met = seen.slice(0, -1).filter(id => there.has(id))
        if (met.length > 0) await changeCase(latchkey, random.one(met))
      }
      expect(new Set(seen).size).toBe(seen.length)
      expect([...there].filter(id => !seen.includes(id))).toEqual([])
    }
  },
  60_000,
)

/** The same name in another case has the same place. */
async function changeCase(latchkey: Latchkey, id: string): Promise<void> {
  const { name } = await latchkey.keys.get(id)
  const other = ascii(name) === name ? name.replace(/[a-z]/g, letter => letter.toUpperCase()) : ascii(name)
  await latchkey.keys.update(id, { name: other })
}
