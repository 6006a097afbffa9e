/**
 * An organisation as data: its people, their projects and keys, and the usage of the keys. Used by the tutorial, tests,
 * faults and benchmarks. The same size always gives the same data. Knows no database.
 */

const hour = 3_600_000
const day = 24 * hour

export interface Organisation {
  readonly users: readonly { readonly username: string; readonly email: string }[]
  readonly projects: readonly { readonly name: string; readonly owner: string }[]
  readonly keys: readonly SeedKey[]
  /** Oldest first. */
  readonly usage: readonly (Request & { readonly key: string; readonly daysAgo: number })[]
}

export interface SeedKey {
  readonly name: string
  /** Username; undefined if it belongs to nobody. */
  readonly user?: string
  /** Slug. */
  readonly project?: string
  readonly expiresInDays?: number
  readonly limits: readonly Limit[]
}

interface Limit {
  readonly metric: 'tokens' | 'requests' | 'usd'
  readonly amount: number
  readonly windowMs: number
}

/** The usage of one request, or of as many as it says. */
interface Request {
  readonly model: string
  readonly requests?: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
}

/** Part of every organisation: the first person, a project of theirs, its key, and a key without an owner. */
export const founders = {
  user: { username: 'alice', email: 'alice@example.org' },
  project: { name: 'Shop', owner: 'alice' },
  key: {
    name: 'ci',
    user: 'alice',
    project: 'shop',
    expiresInDays: 90,
    limits: [
      { metric: 'tokens', amount: 100_000, windowMs: 5 * hour },
      { metric: 'usd', amount: 20, windowMs: 30 * day },
    ],
  },
  nightly: { name: 'nightly', limits: [{ metric: 'requests', amount: 50, windowMs: day }] },
  usage: [
    { daysAgo: 5, key: 'ci', model: 'gpt-x', inputTokens: 1_200, outputTokens: 300, costUsd: 0.02 },
    { daysAgo: 4, key: 'ci', model: 'gpt-x', inputTokens: 8_000, outputTokens: 2_500, costUsd: 0.11 },
    { daysAgo: 3, key: 'nightly', model: 'gpt-x', inputTokens: 400, outputTokens: 90, costUsd: 0.01 },
    { daysAgo: 2, key: 'ci', model: 'gpt-x', inputTokens: 21_000, outputTokens: 4_000, costUsd: 0.31 },
    { daysAgo: 0, key: 'ci', model: 'gpt-x', inputTokens: 52_000, outputTokens: 9_000, costUsd: 0.74 },
  ],
} as const satisfies {
  readonly user: Organisation['users'][number]
  readonly project: Organisation['projects'][number]
  readonly key: SeedKey
  readonly nightly: SeedKey
  readonly usage: Organisation['usage']
}

/** @param size how many people; every third after the first has a project, and each has up to three keys */
export function organisation(size: number): Organisation {
  const below = random(1)
  const users = Array.from({ length: size }, (_, n) => person(n))
  const projects = [
    founders.project,
    ...users
      .slice(1)
      .flatMap(({ username }, n) => (n % 3 === 0 ? [{ name: projectName(n), owner: username }] : [])),
  ]
  const keys: SeedKey[] = [founders.key, founders.nightly]
  for (const { username } of users.slice(1)) {
    const { owner, name = '' } = projects.find(project => project.owner === username) ?? {}
    for (const purpose of purposes.slice(0, 1 + below(purposes.length))) {
      keys.push({
        name: `${username}-${purpose}`,
        user: username,
        ...(owner === undefined ? {} : { project: name.toLowerCase().replaceAll(' ', '-') }),
        limits: plans[below(plans.length)] ?? [],
      })
    }
  }
  const later = keys
    .slice(2)
    .flatMap(({ name }) =>
      Array.from({ length: below(8) }, () => ({ ...request(below), key: name, daysAgo: below(30) })),
    )
  return { users, projects, keys, usage: [...founders.usage, ...later].sort((a, b) => b.daysAgo - a.daysAgo) }
}

/** A key for each of many customers, which differ only in the number in the name. */
export const customerKey: SeedKey = {
  name: 'customer',
  limits: [{ metric: 'tokens', amount: 1_000_000_000, windowMs: 5 * hour }],
}

/** Many small requests and few large ones. @param below as `random` makes it */
export function request(below: (limit: number) => number): Request {
  const inputTokens = 1 + below(below(below(60_000) + 1) + 1)
  const outputTokens = 1 + below(2_000)
  const model = models[below(models.length)] ?? ''
  return { model, inputTokens, outputTokens, costUsd: (inputTokens * 3 + outputTokens * 15) / 1_000_000 }
}

/** Whole numbers from 0 to below a limit, the same for the same seed (a linear congruential generator, of Numerical Recipes). */
export function random(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return limit => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy']
const subjects = ['Search', 'Billing', 'Mobile', 'Support', 'Research']
const purposes = ['laptop', 'batch', 'agent']
const models = ['gpt-x', 'gpt-x-mini', 'claude-y']
const plans: readonly (readonly Limit[])[] = [
  founders.key.limits,
  [{ metric: 'requests', amount: 5_000, windowMs: day }],
  [],
]

const numbered = (list: readonly string[], n: number, between: string): string =>
  `${list[n % list.length]}${n < list.length ? '' : `${between}${Math.floor(n / list.length) + 1}`}`

function person(n: number): Organisation['users'][number] {
  const username = numbered(names, n, '-')
  return { username, email: `${username}@example.org` }
}

const projectName = (n: number): string => numbered(subjects, n / 3, ' ')
