/**
 * A population as rows, however large: what `latchkey seed` writes. The same numbers and the same seed always give the same rows,
 * ids and times included. It is made while it is read, in an order in which each row comes after those that it refers to.
 */
import type { SeedPart } from '../index.ts'
import { random, request } from './organisation.ts'

export interface Population {
  readonly users: number
  readonly orgs: number
  readonly projects: number
  readonly keys: number
  readonly chats: number
  /** In each chat; undefined for two to eight. */
  readonly messages?: number | undefined
  /** Over how many days it is spread, and over which keys used something. */
  readonly days: number
  readonly randomSeed: number
}

const day = 86_400_000

/** The first day of every population. */
const start = Date.UTC(2026, 0, 1)

export function* population(size: Population): Generator<SeedPart> {
  const { users, orgs, projects, keys, chats, messages, days, randomSeed } = size
  const below = random(randomSeed)
  const ids = new Ids(randomSeed)
  const moment = (from = start) => from + below(Math.max(1, start + days * day - from))
  const pick = <T>(list: readonly T[]): T | undefined => list[below(list.length)]
  const limit = (of: string, at: number, metric: 'tokens' | 'requests', amount: number): SeedPart => ({
    is: 'limit',
    id: ids.next('lim', at),
    at,
    of,
    metric,
    amount: amount * (1 + below(9)),
    windowMs: day,
  })

  /** Names of two seeds differ, so that both fit in one database. */
  const numbered = (n: number) => `${randomSeed}-${n + 1}`

  const people: Made[] = []
  for (let n = 0; n < users; n++) {
    const name = `${pick(firstNames)} ${pick(lastNames)}`
    const username = `${name.toLowerCase().replaceAll(' ', '.')}-${numbered(n)}`
    const at = moment()
    const id = ids.next('usr', at)
    people.push({ id, at })
    yield { is: 'user', id, at, username, name, email: `${username}@example.org`, isAdmin: n === 0 }
  }
  const companies: Made[] = []
  for (let n = 0; n < orgs && people.length > 0; n++) {
    const drawn = Array.from({ length: 3 + below(8) }, () => pick(people) ?? [])
    // Who was there first has founded it, and the others joined as soon as they were there, so that it has a past.
    const members = [...new Set(drawn.flat())].toSorted((one, other) => one.at - other.at)
    const at = members[0]?.at ?? start
    const org = ids.next('org', at)
    const made = (prefix: string, since = at) => ({ id: ids.next(prefix, since), at: since, org })
    const name = `${pick(lastNames)} ${pick(businesses)} ${numbered(n)}`
    companies.push({ id: org, at })
    yield { is: 'org', id: org, at, name, slug: slugOf(name) }
    for (const [place, { id: user, at: joined }] of members.entries()) {
      const role = (['owner', 'admin'] as const)[place] ?? (below(4) === 0 ? 'viewer' : 'member')
      yield { is: 'member', ...made('mem', joined), user, role }
    }
    yield limit(org, at, 'tokens', 1_000_000)
    const names = departments.slice(0, 1 + below(departments.length))
    const teams = names.map(department => ({ ...made('tea'), name: department }))
    for (const team of teams) {
      yield { is: 'team', ...team }
      const inTeam = members.filter(() => below(2) === 0)
      for (const { id: user, at: joined } of inTeam)
        yield { is: 'team-member', ...made('tmm', joined), team: team.id, user }
      if (below(2) === 0) yield limit(team.id, at, 'requests', 1_000)
    }
    for (let invited = below(4); invited > 0; invited--) {
      yield {
        is: 'invitation',
        ...made('inv'),
        team: below(2) === 0 ? (pick(teams)?.id ?? null) : null,
        email: `guest-${numbered(n)}-${invited}@example.org`,
        role: below(2) === 0 ? 'viewer' : 'member',
        inviter: members[0]?.id ?? '',
        status: pick(['pending', 'accepted', 'canceled'] as const) ?? 'pending',
        expiresAt: at + 2 * day,
      }
    }
  }
  const work: Made[] = []
  for (let n = 0; n < projects && people.length > 0; n++) {
    const owner = (below(3) === 0 ? pick(companies) : undefined) ?? pick(people)
    const at = moment(owner?.at)
    const id = ids.next('prj', at)
    const name = `${pick(adjectives)} ${pick(things)} ${numbered(n)}`
    work.push({ id, at })
    yield { is: 'project', id, at, name, slug: slugOf(name), owner: owner?.id ?? '' }
  }
  for (let n = 0; n < keys; n++) {
    const owner = below(10) === 0 ? undefined : pick(people)
    const project = below(2) === 0 ? pick(work) : undefined
    const at = moment(Math.max(owner?.at ?? start, project?.at ?? start))
    const id = ids.next('key', at)
    const name = `${pick(purposes)}-${numbered(n)}`
    yield { is: 'key', id, at, name, user: owner?.id ?? null, project: project?.id ?? null }
    if (below(5) === 0) yield limit(id, at, 'tokens', 100_000)
    for (let today = Math.ceil((at - start) / day); today < days; today++) {
      if (below(3) === 0) continue
      yield {
        is: 'usage',
        key: id,
        at: start + today * day + below(day),
        requests: 1 + below(40),
        ...request(below),
      }
    }
  }
  for (let n = 0; n < chats && people.length > 0; n++) {
    const user = pick(people)
    const at = moment(user?.at)
    const id = ids.next('cht', at)
    const count = messages ?? 2 + below(7)
    const title = `${pick(adjectives)} ${pick(things)}`
    const project = below(3) === 0 ? (pick(work)?.id ?? null) : null
    yield { is: 'chat', id, at, title, user: user?.id ?? '', project, updatedAt: at + (count - 1) * 1_000 }
    for (let position = 1; position <= count; position++) {
      const said = at + (position - 1) * 1_000
      const content = Array.from({ length: 4 + below(12) }, () => pick(words)).join(' ')
      const role = position % 2 === 1 ? 'user' : 'assistant'
      yield { is: 'message', id: ids.next('msg', said), at: said, chat: id, position, role, content }
    }
  }
}

const slugOf = (name: string): string => name.toLowerCase().replaceAll(' ', '-')

interface Made {
  readonly id: string
  /** When it was created. */
  readonly at: number
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** Ids in the form of all others, a UUIDv7: the time, then in place of chance the seed and a number. */
class Ids {
  readonly #seed: bigint
  #made = 0n

  constructor(seed: number) {
    this.#seed = BigInt(seed >>> 0)
  }

  next(prefix: string, at: number): string {
    this.#made++
    let rest =
      (BigInt(at) << 80n) | (7n << 76n) | (2n << 62n) | (this.#seed << 30n) | (this.#made & 0x3fffffffn)
    const digits: string[] = []
    for (let place = 25; place >= 0; place--) {
      digits[place] = alphabet[Number(rest & 31n)] ?? ''
      rest >>= 5n
    }
    return [prefix, '_', ...digits].join('')
  }
}

const firstNames = [
  'Alice',
  'Bob',
  'Carol',
  'Dave',
  'Erin',
  'Frank',
  'Grace',
  'Heidi',
  'Ivan',
  'Judy',
  'Ken',
  'Lea',
  'Mona',
  'Nils',
]
const lastNames = [
  'Adler',
  'Brook',
  'Cole',
  'Dorn',
  'Ember',
  'Frost',
  'Grove',
  'Hill',
  'Iris',
  'Jarvis',
  'Kern',
  'Lake',
]
const adjectives = [
  'Quiet',
  'Bright',
  'Early',
  'Plain',
  'Swift',
  'Green',
  'Northern',
  'Open',
  'Second',
  'Small',
]
const things = [
  'Atlas',
  'Billing',
  'Search',
  'Invoices',
  'Support',
  'Garden',
  'Holiday',
  'Research',
  'Mobile',
  'Reports',
]
const businesses = ['Labs', 'Studio', 'Systems', 'Works', 'Partners', 'Software']
const departments = ['Backend', 'Support', 'Research']
const purposes = ['laptop', 'batch', 'agent', 'ci', 'nightly', 'server']
const words =
  'the model answers a question about an invoice that was paid last week please list every project and its owner then draft a short reply with two options compare both plans summarise this text translate it check the numbers again thank you that works'.split(
    ' ',
  )
