// Runs on PostgreSQL too.
/** Every list: pages follow each other, and any page of many things costs what the first of few does. */
import { expect, type Mock, spyOn, test } from 'bun:test'
import { Connection } from '../db/postgres/connection.ts'
import { Client } from '../db/sqlite/client.ts'
import type { Latchkey } from '../index.ts'
import { onPostgres, requireFile, type TestLatchkey, temporaryLatchkey } from '../testing/latchkey.ts'

interface Page {
  readonly limit: number
  readonly after?: never
}

/** Reads a page of a list, and tells where the next begins. */
interface List {
  readonly read: (latchkey: Latchkey, page: Page) => Promise<unknown>
  /** Left out: the id. */
  readonly place?: (view: never) => unknown
}

const ofUser = ({ user }: { readonly user: { readonly id: string } }) => user.id
const ofPosition = ({ position }: { readonly position: number }) => position

/** By the method, and what it selects. All but `all` select as many as there are. */
const lists: Readonly<Record<string, Readonly<Record<string, List>>>> = {
  'users.list': { all: { read: (l, page) => l.users.list(page) } },
  'sessions.list': {
    all: { read: (l, page) => l.sessions.list(page) },
    'of a user': { read: (l, page) => l.sessions.list({ ...page, user: 'alice' }) },
  },
  'accounts.list': {
    all: { read: (l, page) => l.accounts.list(page) },
    'of a user': { read: (l, page) => l.accounts.list({ ...page, user: 'alice' }) },
  },
  'organizations.list': {
    all: { read: (l, page) => l.organizations.list(page) },
    'with a member': { read: (l, page) => l.organizations.list({ ...page, member: 'alice' }) },
  },
  'organizations.members.list': {
    all: { read: (l, page) => l.organizations.members.list('acme', page), place: ofUser },
  },
  'teams.list': {
    all: { read: (l, page) => l.teams.list(page) },
    'of an organization': { read: (l, page) => l.teams.list({ ...page, org: 'acme' }) },
    'with a member': { read: (l, page) => l.teams.list({ ...page, member: 'alice' }) },
  },
  'teams.members.list': {
    all: { read: (l, page) => l.teams.members.list(ids.team, page), place: ofUser },
  },
  'roles.list': { all: { read: (l, page) => l.roles.list(page) } },
  'invitations.list': {
    all: { read: (l, page) => l.invitations.list(page) },
    'to an organization': { read: (l, page) => l.invitations.list({ ...page, org: 'acme' }) },
    'of an address': { read: (l, page) => l.invitations.list({ ...page, email: 'guest@example.org' }) },
  },
  'access.list': {
    all: {
      read: (l, page) => l.access.list('alice', page),
      place: ({ organization, project }: Record<'organization' | 'project', { id: string } | null>) =>
        (project ?? organization)?.id,
    },
  },
  'projects.list': {
    all: { read: (l, page) => l.projects.list(page) },
    'of a user': { read: (l, page) => l.projects.list({ ...page, owner: 'alice' }) },
    'of an organization': { read: (l, page) => l.projects.list({ ...page, org: 'acme' }) },
    'with a member': { read: (l, page) => l.projects.list({ ...page, member: 'alice' }) },
  },
  'projects.members.list': {
    all: { read: (l, page) => l.projects.members.list('shop', page), place: ofUser },
  },
  'files.list': {
    all: { read: (l, page) => l.files.list('shop', page), place: ({ path }: { path: string }) => path },
  },
  'files.history': { all: { read: (l, page) => l.files.history('shop', page) } },
  'agents.messages': {
    all: { read: (l, page) => l.agents.messages('shop', page), place: ofPosition },
    'the latest first': {
      read: (l, page) => l.agents.messages('shop', { ...page, descending: true }),
      place: ofPosition,
    },
  },
  'chats.list': {
    all: { read: (l, page) => l.chats.list(page) },
    'by change': { read: (l, page) => l.chats.list({ ...page, sort: 'updated' }) },
    'of a user': { read: (l, page) => l.chats.list({ ...page, user: 'alice' }) },
    'of a user by change': { read: (l, page) => l.chats.list({ ...page, user: 'alice', sort: 'updated' }) },
    'of a project': { read: (l, page) => l.chats.list({ ...page, project: 'shop' }) },
    'of a project by change': {
      read: (l, page) => l.chats.list({ ...page, project: 'shop', sort: 'updated' }),
    },
  },
  'chats.messages': {
    all: { read: (l, page) => l.chats.messages(ids.chat, page), place: ofPosition },
    'the latest first': {
      read: (l, page) => l.chats.messages(ids.chat, { ...page, descending: true }),
      place: ofPosition,
    },
  },
  'chats.search': {
    all: { read: (l, page) => l.chats.search('word', page) },
    'of a user': { read: (l, page) => l.chats.search('word', { ...page, user: 'alice' }) },
  },
  'keys.list': {
    all: { read: (l, page) => l.keys.list(page) },
    'of a user': { read: (l, page) => l.keys.list({ ...page, user: 'alice' }) },
    'of a project': { read: (l, page) => l.keys.list({ ...page, project: 'shop' }) },
  },
  'audit.list': { all: { read: (l, page) => l.audit.list(page) } },
}

/** Few by what they are. */
const unpaged: Readonly<Record<string, string>> = {
  'backups.list': 'files in a folder, or objects in a bucket',
  'imports.list': 'one for each import',
  'migrations.history': 'one for each migration',
  'limits.list': 'those of one thing',
  'usage.prices.list': 'one for each model and day of a change',
}

const ids = { team: id('tea', 1), chat: id('cht', 1) } as const

function id(prefix: string, n: number): string {
  return `${prefix}_${String(n).padStart(26, '0')}`
}

const cases = Object.entries(lists).flatMap(([method, some]) =>
  Object.entries(some).map(([selects, list]) => [`${method}, ${selects}`, list] as const),
)

const limit = 4

test('every list of the library has its line', async () => {
  await using at = await temporaryLatchkey()
  const found = listsIn(at.latchkey).filter(name => !Object.hasOwn(unpaged, name))
  expect(found.toSorted()).toEqual(Object.keys(lists).toSorted())
})

function listsIn(group: object, path = ''): readonly string[] {
  return Object.entries(group).flatMap(([name, value]) => {
    if (typeof value === 'object' && value !== null) return listsIn(value, `${path}${name}.`)
    return ['list', 'messages', 'history', 'search'].includes(name) ? [path + name] : []
  })
}

test('a page takes as many statements among many things as among few, and in the middle as at the beginning', async () => {
  const countsAmong = async (n: number) => {
    await using at = await filled(n)
    const counts: Record<string, unknown> = {}
    for (const [name, { read, place = idOf }] of cases) {
      const first = viewsIn(await read(at.latchkey, { limit }))
      const after = place(first.at(-1) as never)
      const next = viewsIn(await read(at.latchkey, { limit, after: after as never }))
      // Pages follow each other.
      const places = [...first, ...next].map(view => place(view as never))
      expect([name, new Set(places).size, places.length]).toEqual([name, limit * 2, limit * 2])
      counts[name] = {
        first: (await statementsOf(() => read(at.latchkey, { limit }))).length,
        next: (await statementsOf(() => read(at.latchkey, { limit, after: after as never }))).length,
      }
    }
    return counts
  }
  const few = await countsAmong(10)
  expect(await countsAmong(300)).toEqual(few)
  // What the page begins after, the page with what it refers to, and how many there are.
  for (const [name, { first, next }] of Object.entries(few) as [string, Record<'first' | 'next', number>][])
    expect([name, first <= 9 && next - first <= 2]).toEqual([name, true])
})

requireFile()('a page in the middle reads its own rows, in their order', async () => {
  await using at = await filled(300)
  const wrong: string[] = []
  for (const [name, { read, place = idOf }] of cases) {
    const first = viewsIn(await read(at.latchkey, { limit: 100 }))
    const after = place(first.at(-1) as never) as never
    for (const sql of await statementsOf(() => read(at.latchkey, { limit, after }))) {
      // How many there are is counted in an index, and of nothing there is nothing.
      if (/^select count\(\*\)|where false$/i.test(sql)) continue
      const plan = await at.query<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      for (const { detail } of plan)
        if (isWalk(detail) || (/ limit \?/i.test(sql) && detail.includes('TEMP B-TREE')))
          wrong.push(`${name}: ${detail}: ${sql}`)
    }
  }
  expect(wrong).toEqual([])
})

/** Whether all rows of a table are read: not those of a list in JSON, or those that an index of words finds. */
const isWalk = (detail: string): boolean => /^SCAN (?!json_each|\w+ VIRTUAL TABLE)/.test(detail)

const idOf = (view: { readonly id: string }) => view.id

/** A page is a list, or has one. */
const viewsIn = (page: unknown): readonly object[] =>
  Array.isArray(page) ? page : (Object.values(Object(page)).find(Array.isArray) ?? [])

/** The statements that a read takes. */
async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const spies = (
    onPostgres
      ? (['rows', 'values', 'run'] as const).map(each => spyOn(Connection.prototype, each))
      : [spyOn(Client.prototype, 'prepare')]
  ) as Mock<(sql: string) => unknown>[]
  try {
    await work()
    return spies
      .flatMap(spy => spy.mock.calls.map(([sql]) => sql))
      .filter(sql => !/^(BEGIN|COMMIT|SET)/.test(sql))
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** A database with so many of everything, all of alice, of acme or of the shop. */
async function filled(n: number): Promise<TestLatchkey> {
  const at = await temporaryLatchkey()
  const { latchkey } = at
  const alice = (await latchkey.users.create({ username: 'alice' })).id
  const acme = (await latchkey.organizations.create({ name: 'Acme', owner: 'alice' })).id
  const shop = (await latchkey.projects.create({ name: 'Shop', owner: 'alice' })).id
  const times = { created_at: 1, updated_at: 1 }
  const numbers = Array.from({ length: n }, (_, i) => i + 1)
  const put = async (table: string, rows: readonly object[]) => {
    const [some = {}] = rows
    const values = rows.map(row => `(${Object.values(row).map(literal).join(', ')})`)
    await at.query(`INSERT INTO ${table} (${Object.keys(some).join(', ')}) VALUES ${values.join(', ')}`)
  }
  const all = (table: string, row: (i: number) => object) => put(table, numbers.map(row))
  const user = { role: 'member', service: 0, ...times }
  await all('users', i => ({ id: id('usr', i), username: `u${i}`, ...user }))
  await all('sessions', i => ({
    ...{ id: id('ses', i), user_id: alice, token_hash: String(i).padStart(64, '0'), expires_at: 9e15 },
    ...times,
  }))
  await all('accounts', i => ({
    ...{ id: id('acc', i), user_id: alice, issuer: 'x', provider_id: 'x', account_id: `${i}`, ...times },
  }))
  await all('organizations', i => ({ id: id('org', i), slug: `o${i}`, name: 'O', ...times }))
  const member = { role: 'member', created_at: 1 }
  await all('organization_members', i => ({
    ...{ id: id('mem', i), organization_id: id('org', i), user_id: alice, ...member },
  }))
  await all('organization_members', i => ({
    ...{ id: id('mem', n + i), organization_id: acme, user_id: id('usr', i), ...member },
  }))
  await all('teams', i => ({ id: id('tea', i), organization_id: acme, name: `T${i}`, ...times }))
  const inTeam = (i: number, team: number, user_id: string) => ({
    ...{ id: id('tmm', i), team_id: id('tea', team), user_id, created_at: 1 },
  })
  await all('team_members', i => inTeam(i, i, alice))
  await all('team_members', i => inTeam(n + i, 1, id('usr', i)))
  await all('roles', i => ({
    ...{ id: id('rol', 100 + i), organization_id: acme, name: `r${i}`, permissions: '["x:y"]', ...times },
  }))
  await all('invitations', i => ({
    ...{ id: id('inv', i), organization_id: acme, email: 'guest@example.org', role: 'member' },
    ...{ status: 'canceled', expires_at: 1, created_at: 1 },
  }))
  await all('projects', i => ({ id: id('prj', i), slug: `p${i}`, name: 'P', owner_id: alice, ...times }))
  await all('projects', i => ({
    ...{ id: id('prj', n + i), slug: `q${i}`, name: 'Q', organization_id: acme, ...times },
  }))
  await all('project_members', i => ({ project_id: id('prj', n + i), user_id: alice, ...member }))
  await all('project_members', i => ({ project_id: shop, user_id: id('usr', i), ...member }))
  await latchkey.files.putMany(
    'shop',
    numbers.map(i => ({ path: `f${String(i).padStart(5, '0')}`, content: 'x' })),
  )
  await latchkey.agents.set('shop', { currentState: 'busy' })
  const said = { role: 'user', content: 'word' }
  await all('agent_messages', i => ({ project_id: shop, position: i, ...said, at: 1 }))
  const chat = { user_id: alice, project_id: shop, title: 'Talk' }
  await all('chats', i => ({ id: id('cht', i), ...chat, created_at: i, updated_at: i % 7 }))
  await all('messages', i => ({
    ...{ id: id('msg', i), chat_id: ids.chat, position: i, ...said, content: '"word"', created_at: 1 },
  }))
  await latchkey.keys.createMany({ name: 'k', user: 'alice', project: 'shop' }, n)
  return at
}

const literal = (value: unknown): string => (typeof value === 'number' ? String(value) : `'${value}'`)
