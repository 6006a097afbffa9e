// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import type { Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

async function home() {
  const made = await temporaryLatchkey()
  const { users, organizations } = made.latchkey
  for (const username of ['alice', 'bob', 'carol', 'dave'])
    await users.create({ username, email: `${username}@example.org` })
  await organizations.create({ name: 'Acme', owner: 'alice' })
  return made
}

const codeOf = async (work: Promise<unknown>): Promise<string> => (await failure(work)).code

/** The library as a user has it. */
const acting = async (latchkey: Latchkey, user: string) => latchkey.as((await latchkey.users.get(user)).id)

test('an organization has an owner from its beginning, and a slug of its own', async () => {
  await using at = await home()
  const { organizations } = at.latchkey
  expect(await organizations.get('Acme')).toMatchObject({ slug: 'acme', members: 1, teams: 0, projects: 0 })
  expect((await organizations.members.list('acme')).members).toMatchObject([
    { user: { username: 'alice' }, role: 'owner' },
  ])
  expect(await codeOf(organizations.create({ name: 'ACME', owner: 'bob' }))).toBe('conflict')
  expect(await codeOf(organizations.create({ name: 'org', slug: 'org_x', owner: 'bob' }))).toBe('invalid')
  await at.latchkey.users.disable('dave')
  expect(await codeOf(organizations.create({ name: 'Off', owner: 'dave' }))).toBe('conflict')
})

test.each([
  ['会社', 'no slug can be made from the name "会社"'],
  ['Create', 'slug must not be a word that the command line uses'],
])('a name that makes no slug asks for one: %s', async (name, message) => {
  await using at = await home()
  const { organizations, projects } = at.latchkey
  for (const [noun, made] of [
    ['org', organizations.create({ name, owner: 'bob' })],
    ['project', projects.create({ name, owner: 'bob' })],
  ] as const) {
    const hint = `give one: latchkey ${noun} create NAME --slug my-${noun} --owner USER`
    expect(await failure(made)).toMatchObject({ code: 'invalid', message, hint })
  }
})

test('a time that is wrong is named as it is typed', async () => {
  await using at = await home()
  const short = at.latchkey.invitations.create({ org: 'acme', email: 'bob@example.org', expiresInMs: 1_000 })
  expect(await failure(short)).toMatchObject({
    message: 'expires must be at least a minute',
    hint: 'change the expires and run the command again; --help shows examples',
  })
})

test('what is wrong in a list is quoted, unless it is a secret', async () => {
  await using at = await home()
  const { roles, keys } = at.latchkey
  const { secret } = await keys.create({ name: 'ci' })
  const refused = [
    roles.create({ name: 'x', permissions: ['a:b', 'no good'] }),
    keys.update('ci', { allowedModels: ['gpt x'] }),
    keys.update('ci', { scopes: [String(secret)] }),
  ].map(async work => (await failure(work)).message)
  expect(await Promise.all(refused)).toEqual([
    'permissions: "no good" must look like project:write, project:* or *',
    'allowed models: "gpt x" must not contain white space',
    'scopes must not contain a secret, because it would be stored as plain text',
  ])
})

test('one that owns projects is not deleted; what else belongs to it goes with it, and its members stay', async () => {
  await using at = await home()
  const { organizations, projects, teams, roles, invitations, users } = at.latchkey
  await projects.create({ name: 'Shop', org: 'acme' })
  await teams.create({ name: 'Backend', org: 'acme' })
  await teams.members.add('Backend', 'alice')
  await roles.create({ name: 'editor', org: 'acme', permissions: ['project:write'] })
  await invitations.create({ org: 'acme', email: 'new@example.org' })
  expect(await failure(organizations.delete('acme'))).toMatchObject({
    code: 'conflict',
    message: 'acme still owns 1 project',
  })
  await projects.transfer('shop', { user: 'bob' })
  await organizations.delete('acme')
  for (const table of ['organization_members', 'teams', 'team_members', 'invitations'])
    expect([table, await at.query(`SELECT 1 FROM ${table}`)]).toEqual([table, []])
  expect((await roles.list()).roles.map(({ name }) => name)).toEqual(['owner', 'admin', 'member', 'viewer'])
  expect((await users.list()).map(({ username }) => username)).toContain('alice')
})

test('a user is a member once, and leaves the teams with the organization', async () => {
  await using at = await home()
  const { organizations, teams } = at.latchkey
  await organizations.members.add('acme', 'bob', 'viewer')
  expect(await codeOf(organizations.members.add('acme', 'bob'))).toBe('conflict')
  expect(await codeOf(organizations.members.add('acme', 'carol', 'vewer'))).toBe('not_found')
  await teams.create({ name: 'Backend', org: 'acme' })
  expect(await codeOf(teams.members.add('Backend', 'carol'))).toBe('not_found')
  await teams.members.add('Backend', 'bob')
  expect(await codeOf(teams.members.add('Backend', 'bob'))).toBe('conflict')
  await organizations.members.remove('acme', 'bob')
  expect((await teams.members.list('Backend')).total).toBe(0)
  expect(await codeOf(organizations.members.remove('acme', 'bob'))).toBe('not_found')
})

test('members change by their own words in the audit log', async () => {
  await using at = await home()
  const { organizations, audit } = at.latchkey
  await organizations.members.add('acme', 'bob')
  await organizations.members.setRole('acme', 'bob', 'admin')
  expect(await organizations.members.setRole('acme', 'bob', 'admin')).toMatchObject({ changed: false })
  await organizations.members.remove('acme', 'bob')
  const rows = await audit.list({ target: 'acme' })
  expect(rows.map(({ action }) => action)).toEqual([
    'org.member-remove',
    'org.member-role',
    'org.member-add',
    'org.create',
  ])
  expect(rows[1]?.after).toMatchObject({ user: { username: 'bob' }, role: 'admin', previousRole: 'member' })
})

test('an invitation is accepted once, in time, by who was invited', async () => {
  await using at = await home()
  const { invitations, organizations, teams } = at.latchkey
  await teams.create({ name: 'Backend', org: 'acme' })
  const made = await invitations.create({
    org: 'acme',
    email: 'BOB@example.org',
    role: 'admin',
    team: 'Backend',
  })
  expect(made).toMatchObject({ email: 'bob@example.org', status: 'pending', inviter: null })
  expect(made.expiresAt.getTime() - made.createdAt.getTime()).toBe(48 * 3_600_000)
  const kept = JSON.stringify([
    await at.query('SELECT * FROM invitations'),
    await at.query('SELECT * FROM audit'),
  ])
  expect(kept).not.toContain(made.token)
  expect(await codeOf(invitations.create({ org: 'acme', email: 'bob@example.org' }))).toBe('conflict')
  expect(await codeOf(invitations.accept(made.token, 'carol'))).toBe('conflict')
  const other = `${made.token.slice(0, -1)}${made.token.endsWith('x') ? 'y' : 'x'}`
  expect(await codeOf(invitations.accept(other, 'bob'))).toBe('not_found')
  const { member, invitation } = await invitations.accept(made.token, 'bob')
  expect(member).toMatchObject({ user: { username: 'bob' }, role: 'admin' })
  expect(invitation.status).toBe('accepted')
  expect((await teams.members.list('Backend')).members).toMatchObject([{ user: { username: 'bob' } }])
  expect(await failure(invitations.accept(made.token, 'bob'))).toMatchObject({
    message: 'the invitation of bob@example.org to acme is accepted',
    hint: 'see the members with: latchkey org member list acme',
  })
  // Nobody could accept it.
  expect(await failure(invitations.create({ org: 'acme', email: 'Bob@example.org' }))).toMatchObject({
    code: 'conflict',
    message: 'bob is a member of acme already',
  })
  expect((await organizations.members.list('acme')).total).toBe(2)
})

test('an invitation that is over or canceled is not accepted', async () => {
  await using at = await home()
  const { invitations } = at.latchkey
  const late = await invitations.create({ org: 'acme', email: 'bob@example.org', expiresInMs: 60_000 })
  const canceled = await invitations.create({ org: 'acme', email: 'carol@example.org' })
  await invitations.cancel(canceled.id)
  at.clock.now = new Date(at.clock.now.getTime() + 60_000)
  expect((await failure(invitations.accept(late.token, 'bob'))).message).toContain('is expired')
  expect((await failure(invitations.accept(canceled.token, 'carol'))).message).toContain('is canceled')
  expect(await codeOf(invitations.cancel(late.id))).toBe('conflict')
  for (const status of ['expired', 'canceled'] as const)
    expect((await invitations.list({ status })).total).toBe(1)
  expect((await invitations.list({ status: 'pending' })).total).toBe(0)
  // Who was invited in vain can be invited again.
  expect(await invitations.create({ org: 'acme', email: 'bob@example.org' })).toMatchObject({
    status: 'pending',
  })
})

test('a role goes though another with a name like it is in use', async () => {
  await using at = await home()
  const { roles, organizations } = at.latchkey
  for (const name of ['qa_1', 'qa-1']) await roles.create({ name, permissions: ['a:b'] })
  await organizations.members.add('acme', 'bob', 'qa-1')
  expect(await roles.update('qa_1', { name: 'qa_2' })).toMatchObject({ name: 'qa_2' })
  await roles.delete('qa_2')
  expect(await codeOf(roles.delete('qa-1'))).toBe('conflict')
})

test('a role with spaces in its name, as Better Auth has them, is in use', async () => {
  await using at = await home()
  const { roles, organizations } = at.latchkey
  await organizations.members.add('acme', 'bob', 'member')
  const { id } = await roles.create({ name: 'sales', permissions: ['a:b'] })
  await at.query(`UPDATE roles SET name = 'Sales Lead' WHERE id = '${id}'`)
  const { id: bob } = await at.latchkey.users.get('bob')
  await at.query(`UPDATE organization_members SET role = 'member, Sales lead' WHERE user_id = '${bob}'`)
  expect(await codeOf(roles.delete(id))).toBe('conflict')
})

test('built-in roles stay as they are, and no role goes that somebody has', async () => {
  await using at = await home()
  const { roles, organizations, projects } = at.latchkey
  for (const name of ['owner', 'admin', 'member', 'viewer']) {
    expect(await codeOf(roles.delete(name))).toBe('conflict')
    expect(await codeOf(roles.update(name, { permissions: ['*'] }))).toBe('conflict')
    expect(await codeOf(roles.create({ name, org: 'acme', permissions: ['*'] }))).toBe('conflict')
  }
  await roles.create({ name: 'editor', org: 'acme', permissions: ['project:write', 'project:write', 'a:b'] })
  expect(await roles.get('editor')).toMatchObject({ permissions: ['a:b', 'project:write'], builtIn: false })
  expect(await codeOf(roles.create({ name: 'editor', permissions: ['*'] }))).toBe('conflict')
  expect(await codeOf(roles.create({ name: 'bad', permissions: ['no permission'] }))).toBe('invalid')
  await organizations.members.add('acme', 'bob', 'editor')
  expect(await codeOf(roles.delete('editor'))).toBe('conflict')
  expect(await codeOf(roles.update('editor', { name: 'author' }))).toBe('conflict')
  await organizations.members.remove('acme', 'bob')
  await projects.create({ name: 'Shop', org: 'acme' })
  await projects.members.add('shop', 'bob', 'editor')
  expect(await codeOf(roles.delete('editor'))).toBe('conflict')
  await projects.members.remove('shop', 'bob')
  await roles.delete('editor')
})

test('a project belongs to a user or an organization, and goes from one to the other', async () => {
  await using at = await home()
  const { projects, organizations } = at.latchkey
  expect(await codeOf(projects.create({ name: 'None' }))).toBe('invalid')
  expect(await codeOf(projects.create({ name: 'Both', owner: 'alice', org: 'acme' }))).toBe('invalid')
  await projects.create({ name: 'Shop', owner: 'alice' })
  const moved = await projects.transfer('shop', { org: 'acme' })
  expect(moved).toMatchObject({ owner: null, organization: { slug: 'acme' }, changed: true })
  expect(await projects.list({ org: 'acme' })).toHaveLength(1)
  expect((await organizations.get('acme')).projects).toBe(1)
  const back = await projects.transfer('shop', { user: 'bob' })
  expect(back).toMatchObject({ owner: { username: 'bob' }, organization: null })
  await projects.update('shop', { state: 'generating', previewUrl: 'https://x.example.org', sandboxId: 's1' })
  expect(await projects.get('shop')).toMatchObject({ state: 'generating', sandboxId: 's1', status: 'active' })
  expect(await codeOf(projects.members.add('shop', 'carol', 'owner'))).toBe('invalid')
})

test('a user who acts needs the permission, and grants nothing above their own', async () => {
  await using at = await home()
  const { organizations, projects, roles } = at.latchkey
  await organizations.members.add('acme', 'bob', 'admin')
  await organizations.members.add('acme', 'carol', 'member')
  const [alice, bob, carol] = [
    await acting(at.latchkey, 'alice'),
    await acting(at.latchkey, 'bob'),
    await acting(at.latchkey, 'carol'),
  ]
  await roles.create({ name: 'killer', org: 'acme', permissions: ['org:delete'] })
  await projects.create({ name: 'Shop', org: 'acme' })
  const refused: readonly (() => Promise<unknown>)[] = [
    () => carol.organizations.update('acme', { name: 'Mine' }),
    () => carol.organizations.members.add('acme', 'dave'),
    () => carol.organizations.members.setRole('acme', 'carol', 'admin'),
    () => carol.organizations.members.remove('acme', 'bob'),
    () => carol.invitations.create({ org: 'acme', email: 'x@example.org' }),
    () => carol.teams.create({ name: 'T', org: 'acme' }),
    () => carol.roles.create({ name: 'r', org: 'acme', permissions: ['a:b'] }),
    () => carol.roles.create({ name: 'r', permissions: ['a:b'] }),
    () => carol.projects.delete('shop'),
    () => carol.projects.transfer('shop', { user: 'carol' }),
    () => carol.projects.update('shop', { owner: 'carol' }),
    () => carol.projects.create({ name: 'Theirs', owner: 'alice' }),
    () => carol.organizations.create({ name: 'Theirs', owner: 'alice' }),
    () => bob.organizations.delete('acme'),
    () => bob.organizations.members.setRole('acme', 'alice', 'member'),
    () => bob.organizations.members.remove('acme', 'alice'),
    () => bob.organizations.members.setRole('acme', 'bob', 'owner'),
    () => bob.organizations.members.add('acme', 'dave', 'owner'),
    () => bob.organizations.members.add('acme', 'dave', 'killer'),
    () => bob.invitations.create({ org: 'acme', email: 'x@example.org', role: 'owner' }),
    () => bob.roles.create({ name: 'r', org: 'acme', permissions: ['*'] }),
    () => bob.roles.create({ name: 'r', org: 'acme', permissions: ['org:delete'] }),
    () => bob.roles.update('killer', { permissions: ['org:read'] }),
    () => bob.roles.delete('killer'),
    () => bob.projects.members.add('shop', 'dave', 'killer'),
  ]
  const before = await at.latchkey.audit.list({ limit: 1 })
  for (const [n, work] of refused.entries()) expect([n, await codeOf(work())]).toEqual([n, 'denied'])
  expect(await at.latchkey.audit.list({ limit: 1 })).toEqual(before)
  await bob.organizations.members.add('acme', 'dave', 'viewer')
  await bob.organizations.members.setRole('acme', 'dave', 'admin')
  await carol.projects.update('shop', { state: 'complete' })
  await carol.organizations.members.remove('acme', 'carol')
  await alice.organizations.members.add('acme', 'carol', 'owner')
  await carol.organizations.create({ name: 'Own', owner: 'carol' })
  const [row] = await at.latchkey.audit.list({ action: 'org.create' })
  expect(row).toMatchObject({ actor: (await at.latchkey.users.get('carol')).id })
  const named = at.latchkey.as('carol').organizations.update('acme', { name: 'Mine' })
  expect(await codeOf(named)).toBe('invalid')
})

test('files of a project and the state of its agent are changed by those who may', async () => {
  await using at = await home()
  const { organizations, projects, audit } = at.latchkey
  await projects.create({ name: 'Shop', org: 'acme' })
  await organizations.members.add('acme', 'bob', 'member')
  await organizations.members.add('acme', 'carol', 'viewer')
  const changes = ({ files, agents }: Awaited<ReturnType<typeof acting>>): (() => Promise<unknown>)[] => [
    () => files.put('shop', 'a.md', 'text'),
    () => files.putMany('shop', [{ path: 'b.md', content: 'text' }]),
    () => files.move('shop', 'a.md', 'c.md'),
    () => files.remove('shop', 'c.md'),
    () => files.sync('shop', [], { delete: true }),
    () => files.removeAll('shop'),
    () => agents.set('shop', { currentState: 'busy' }),
    () => agents.addPhase('shop', { name: 'first' }),
    () => agents.completePhase('shop', 'first'),
    () => agents.addFile('shop', 'a.md'),
    () => agents.addMessage('shop', { role: 'user', content: 'hello' }),
    () => agents.reset('shop'),
  ]
  const [bob, carol] = [await acting(at.latchkey, 'bob'), await acting(at.latchkey, 'carol')]
  const before = await audit.list({ limit: 100 })
  for (const [n, work] of changes(carol).entries()) expect([n, await codeOf(work())]).toEqual([n, 'denied'])
  expect(await audit.list({ limit: 100 })).toEqual(before)
  for (const work of changes(bob)) await work()
  const { id } = await at.latchkey.users.get('bob')
  const told = (await audit.list({ limit: 100 })).slice(0, -before.length)
  expect(new Set(told.map(({ actor }) => actor))).toEqual(new Set([id]))
  expect((await carol.files.list('shop')).total).toBe(0)
})

test('lists come page by page, each thing once, with few statements', async () => {
  await using at = await home()
  const { organizations, teams, roles, invitations, users } = at.latchkey
  for (let n = 0; n < 7; n++) {
    await users.create({ username: `u${n}`, email: `u${n}@example.org` })
    await organizations.create({ name: `Org ${n}`, owner: 'alice' })
    await organizations.members.add('acme', `u${n}`)
    await teams.create({ name: `T${n}`, org: 'acme' })
    await roles.create({ name: `r${n}`, permissions: ['a:b'] })
    await invitations.create({ org: 'acme', email: `i${n}@example.org` })
  }
  const pages = {
    organizations: async (after?: string) => {
      const { organizations: some, total } = await organizations.list({ limit: 3, ...(after && { after }) })
      return { ids: some.map(({ id }) => id), total }
    },
    members: async (after?: string) => {
      const { members, total } = await organizations.members.list('acme', {
        limit: 3,
        ...(after && { after }),
      })
      return { ids: members.map(({ user }) => user.id), total }
    },
    teams: async (after?: string) => {
      const { teams: some, total } = await teams.list({ org: 'acme', limit: 3, ...(after && { after }) })
      return { ids: some.map(({ id }) => id), total }
    },
    roles: async (after?: string) => {
      const { roles: some, total } = await roles.list({ limit: 3, ...(after && { after }) })
      return { ids: some.map(({ id }) => id), total }
    },
    invitations: async (after?: string) => {
      const { invitations: some, total } = await invitations.list({ limit: 3, ...(after && { after }) })
      return { ids: some.map(({ id }) => id), total }
    },
  }
  for (const [name, page] of Object.entries(pages)) {
    const found: string[] = []
    let { ids, total } = await page()
    while (ids.length > 0) {
      found.push(...ids)
      ids = (await page(ids.at(-1))).ids
    }
    expect([name, found.length, new Set(found).size]).toEqual([name, total, total])
    expect([name, found]).toEqual([name, found.toSorted()])
  }
})
