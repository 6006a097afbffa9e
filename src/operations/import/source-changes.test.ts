// Runs on PostgreSQL too.
/** What becomes of rows here when a source on Better Auth changes: it has only what a test needs, and no keys that make ids unique. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '../../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'

const at = '2026-11-01T00:00:00.000Z'
const columns = {
  user: 'id name email emailVerified image banned banReason createdAt updatedAt',
  session: 'id userId token expiresAt userAgent createdAt updatedAt',
  account: 'id userId accountId providerId createdAt updatedAt',
  organization: 'id name slug createdAt',
  organizationRole: 'id organizationId role permission createdAt',
  member: 'id organizationId userId role createdAt',
  team: 'id name organizationId createdAt',
  teamMember: 'id teamId userId createdAt',
  apikey:
    'id name start key userId enabled permissions metadata remaining refillAmount refillInterval lastRefillAt createdAt',
}
type Rows = Readonly<Partial<Record<keyof typeof columns, readonly Readonly<Record<string, unknown>>[]>>>

const users = ['ada', 'bob', 'cyd'].map(id => ({
  id,
  name: id,
  email: `${id}@example.org`,
  emailVerified: 1,
  createdAt: at,
}))

/** Imports a source with these rows. */
async function load({ latchkey, folder }: TestLatchkey, rows: Rows) {
  const file = join(folder, 'auth.db')
  rmSync(file, { force: true })
  const db = new Database(file)
  for (const [table, names] of Object.entries(columns)) {
    db.run(`CREATE TABLE "${table}" (${names.replaceAll(' ', ', ')})`)
    const all: Rows = { user: users, ...rows }
    for (const row of all[table as keyof Rows] ?? []) {
      const values = names.split(' ').map(name => (row[name] ?? null) as string)
      db.run(`INSERT INTO "${table}" VALUES (${values.map(() => '?').join(', ')})`, values)
    }
  }
  db.close()
  return latchkey.imports.betterAuth({ file })
}

const session = { id: 's1', userId: 'cyd', token: 'token-of-cyd', expiresAt: '2027-01-01T00:00:00Z' }

test('the last session that ended in a source ends here', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await load(home, { session: [session] })
  expect(await latchkey.sessions.verify(session.token)).toMatchObject({ valid: true })
  const { items } = await load(home, {})
  expect(items).toContainEqual({
    type: 'session',
    name: 'cyd',
    outcome: 'revoked',
    reason: 'no longer in better-auth',
  })
  expect(await latchkey.sessions.verify(session.token)).toMatchObject({ code: 'not_found' })
})

test.each([
  [0, 'is before the year 2000'],
  ['1999-12-31T23:59:59Z', 'is before the year 2000'],
  ['2999-01-01T00:00:00Z', 'is in the future'],
])('usage of a time that cannot be is not recorded: %j %s', async (lastRefillAt, problem) => {
  await using home = await temporaryLatchkey()
  const key = { id: 'k1', name: 'ci', userId: 'bob', key: hashOf('zq_secret'), remaining: 3, lastRefillAt }
  const before = await home.dump()
  const refused = await failure(
    load(home, { apikey: [{ ...key, refillAmount: 10, refillInterval: 86_400_000 }] }),
  )
  expect(refused).toMatchObject({
    code: 'invalid',
    message: expect.stringContaining(`the time of its usage ${problem}; nothing was imported`),
  })
  expect(await home.dump()).toBe(before)
})

const hashOf = (secret: string) => new Bun.CryptoHasher('sha256').update(secret).digest('base64url')

const secret = 'zq_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef'

test('a secret of a key is stored nowhere, in whatever text of its source it is', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { secret: own = '' } = await latchkey.keys.create({ name: 'own' })
  const key = (name: string, more: object) => ({
    id: name,
    name,
    userId: 'bob',
    key: hashOf(name === 'ci' ? secret : `zq_${name}`),
    ...more,
  })
  const { items } = await load(home, {
    user: [
      {
        ...users[0],
        image: `https://example.org/i.png?a=1&k=${secret}`,
        banned: 1,
        banReason: `sent ${own}`,
      },
      users[1]!,
      { ...users[2], name: `Cyd (${secret})` },
    ],
    apikey: [
      key('ci', { metadata: JSON.stringify({ was: [secret], plan: 'pro' }) }),
      key('files', { permissions: JSON.stringify({ [secret]: ['read'] }) }),
    ],
    account: [{ id: 'a1', userId: 'bob', providerId: 'github', accountId: secret }],
  })
  expect(items.map(({ type, name, outcome, reason }) => [type, name, outcome, reason])).toEqual([
    [
      'user',
      'ada',
      'created',
      'no password in the source; its image holds a secret, and is left out; its banReason holds a secret, and is left out; is banned there, and so disabled here',
    ],
    ['user', 'bob', 'created', 'no password in the source'],
    [
      'user',
      'user 3',
      'refused',
      'its name holds a secret, and secrets are never stored: change it there first',
    ],
    ['key', 'ci', 'created', 'its metadata holds a secret, and is left out'],
    [
      'key',
      'files',
      'refused',
      'its permission holds a secret, and secrets are never stored: change it there first',
    ],
    ['account', 'account 1', 'refused', 'it holds a secret, and secrets are never stored'],
  ])
  expect(await latchkey.keys.verify(secret)).toMatchObject({ valid: true })
  const stored = await home.dump()
  for (const each of [secret, own]) expect(stored).not.toContain(each)
})

const acme = { id: 'o1', name: 'Acme', slug: 'acme', createdAt: at }
const other = { id: 'o2', name: 'Beta', slug: 'beta', createdAt: at }
const owners = [
  { id: 'm1', organizationId: 'o1', userId: 'ada', role: 'owner', createdAt: at },
  { id: 'm2', organizationId: 'o2', userId: 'ada', role: 'owner', createdAt: at },
]
const bob = { id: 'm3', organizationId: 'o1', userId: 'bob', role: 'member', createdAt: at }
const editor = { id: 'r1', organizationId: 'o1', role: 'editor', permission: '{"project":["write"]}' }
const all = { organization: [acme, other], member: [...owners, bob] }

/** What an undo would keep, and why. */
async function keptBy({ latchkey, dump }: TestLatchkey, id: string | null) {
  const before = await dump()
  const refused = await failure(latchkey.imports.undo(id ?? ''))
  expect(refused.code).toBe('conflict')
  expect(await dump()).toBe(before)
  const { items } = await latchkey.imports.undo(id ?? '', { keepChanged: true })
  return items
    .filter(({ outcome }) => outcome === 'kept')
    .map(({ type, name, reason }) => `${type} ${name}: ${reason}`)
}

test.each<[who: string, give: (home: TestLatchkey) => Promise<unknown>]>([
  ['a member', ({ latchkey }) => latchkey.organizations.members.setRole('acme', 'bob', 'Editor')],
  [
    'a member of a project',
    async ({ latchkey }) => {
      await latchkey.projects.create({ name: 'Lab', org: 'acme' })
      await latchkey.projects.members.add('lab', 'bob', 'editor')
    },
  ],
  [
    'an invitation',
    ({ latchkey }) => latchkey.invitations.create({ org: 'acme', email: 'fay@example.org', role: 'editor' }),
  ],
])('an undo keeps a role that %s has', async (who, give) => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await load(home, all)
  const { id } = await load(home, { ...all, organizationRole: [editor] })
  await give(home)
  expect(await keptBy(home, id)).toEqual([`role editor: ${who} has it`])
  expect(await latchkey.roles.get({ role: 'editor', org: 'acme' })).toMatchObject({
    permissions: ['project:write'],
  })
})

test('an undo keeps the new name of a role that somebody has by it, and removes one that only goes with its members', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await load(home, { ...all, organizationRole: [editor] })
  const { id } = await load(home, { ...all, organizationRole: [{ ...editor, role: 'writer' }] })
  await latchkey.organizations.members.setRole('acme', 'bob', 'writer')
  expect(await keptBy(home, id)).toEqual(['role writer: a member has it'])

  const cyd = { id: 'm4', organizationId: 'o1', userId: 'cyd', role: 'reader', createdAt: at }
  const roles = [
    { ...editor, role: 'writer' },
    { ...editor, id: 'r2', role: 'reader' },
  ]
  const next = await load(home, { ...all, member: [...all.member, cyd], organizationRole: roles })
  expect(await latchkey.imports.undo(next.id!)).toMatchObject({ removed: 2, kept: 0 })
})

test('an undo keeps a new slug or name whose earlier one is taken', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await load(home, { ...all, organizationRole: [editor] })
  const renamed = [{ ...acme, slug: 'acme-inc' }, other]
  const { id } = await load(home, {
    ...all,
    organization: renamed,
    organizationRole: [{ ...editor, role: 'writer' }],
  })
  await latchkey.organizations.create({ name: 'Other', slug: 'acme', owner: 'ada' })
  await latchkey.roles.create({ name: 'editor', permissions: ['chat:read'], org: 'acme-inc' })
  expect(await keptBy(home, id)).toEqual([
    'org acme-inc: its earlier slug is taken now',
    'role writer: its earlier name is taken now',
  ])
  expect((await latchkey.organizations.list()).organizations.map(({ slug }) => slug)).toEqual([
    'acme-inc',
    'beta',
    'acme',
  ])
})

test('slugs and names of roles that were swapped in a source are swapped here, and back', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const viewer = { ...editor, id: 'r2', role: 'reader' }
  await load(home, { ...all, organizationRole: [editor, viewer] })
  const before = await home.query('SELECT id, slug FROM organizations ORDER BY id')
  const roles = await home.query('SELECT id, name FROM roles ORDER BY id')
  const { id } = await load(home, {
    ...all,
    organization: [
      { ...acme, slug: 'beta' },
      { ...other, slug: 'acme' },
    ],
    organizationRole: [
      { ...editor, role: 'reader' },
      { ...viewer, role: 'editor' },
    ],
  })
  expect(await home.query('SELECT id, name FROM roles ORDER BY id')).not.toEqual(roles)
  expect(await home.query('SELECT id, slug FROM organizations ORDER BY id')).not.toEqual(before)
  expect(await latchkey.imports.undo(id!)).toMatchObject({ reverted: 4, kept: 0 })
  expect(await home.query('SELECT id, slug FROM organizations ORDER BY id')).toEqual(before)
  expect(await home.query('SELECT id, name FROM roles ORDER BY id')).toEqual(roles)
})

test('an undo keeps the members of a team that stays, and a team that somebody is invited to', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  for (const { id } of users.slice(0, 2))
    await latchkey.users.create({ username: id, email: `${id}@example.org` })
  const team = { id: 't1', name: 'Core', organizationId: 'o1', createdAt: at }
  const { id } = await load(home, {
    ...all,
    team: [team, { ...team, id: 't2', name: 'Second', organizationId: 'o2' }],
    teamMember: [{ id: 'tm1', teamId: 't1', userId: 'bob', createdAt: at }],
  })
  await latchkey.projects.create({ name: 'Shared', org: 'acme' })
  await latchkey.invitations.create({ org: 'beta', email: 'fay@example.org', team: 'Second' })
  expect(await keptBy(home, id)).toEqual([
    'org acme: a project belongs to it',
    'org beta: an invitation belongs to it',
    'member ada: its organization stays',
    'member ada: its organization stays',
    'member bob: its organization stays',
    'team Core: its organization stays',
    'team Second: an invitation belongs to it',
    'team_member bob: its team stays',
  ])
  expect((await latchkey.teams.members.list('Core')).members).toMatchObject([{ user: { username: 'bob' } }])
})

test.each<[what: string, rows: Rows]>([
  ['org 2 ("beta")', { ...all, organization: [acme, { ...other, id: 'o1' }] }],
  ['member 3', { ...all, member: [...owners, { ...bob, id: 'm1' }] }],
  ['session 2', { session: [session, { ...session, token: 'another' }] }],
])('an id that two rows of a source have is told of by name: %s', async (what, rows) => {
  await using home = await temporaryLatchkey()
  const before = await home.dump()
  const refused = await failure(load(home, rows))
  expect(refused.code).toBe('invalid')
  expect(refused.message.replace(/ in .*auth\.db: /, ': ')).toBe(
    `${what}: id is the same as that of ${what.split(' ')[0]} 1; nothing was imported`,
  )
  expect(await home.dump()).toBe(before)
})

test('an undo says that it brings no session back', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await load(home, { session: [session] })
  const { id } = await load(home, {})
  expect(await latchkey.imports.undo(id!)).toMatchObject({
    gone: 1,
    items: [
      { type: 'session', name: 'cyd', outcome: 'gone', reason: 'ended by the import, and not brought back' },
    ],
  })
  expect(await latchkey.sessions.verify(session.token)).toMatchObject({ code: 'not_found' })
})

test('a role whose new name is taken here is refused, and an import of the rest is not', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await load(home, { ...all, organizationRole: [editor] })
  await latchkey.roles.create({ name: 'writer', permissions: ['chat:read'], org: 'acme' })
  const renamed = { ...all, organization: [{ ...acme, slug: 'acme-inc' }, other] }
  const { items } = await load(home, { ...renamed, organizationRole: [{ ...editor, role: 'Writer' }] })
  expect(items.filter(({ outcome }) => outcome !== 'unchanged')).toMatchObject([
    { type: 'org', name: 'acme-inc', outcome: 'updated' },
    { type: 'role', name: 'writer', outcome: 'refused', reason: 'its new name is taken here' },
  ])
  expect(await latchkey.roles.get({ role: 'editor', org: 'acme-inc' })).toMatchObject({
    permissions: ['project:write'],
  })
})
