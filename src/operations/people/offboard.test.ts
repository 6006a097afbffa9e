// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { getTableColumns } from 'drizzle-orm/utils'
import { connectLatchkey } from '../../index.ts'
import { schemaTables } from '../../testing/deleting.ts'
import { failure } from '../../testing/failure.ts'
import { onPostgres, temporaryLatchkey } from '../../testing/latchkey.ts'
import { heldOf } from './held.ts'
import type { Offboarding } from './input.ts'

async function home() {
  const made = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { users, projects, keys, chats, sessions, usage } = made.latchkey
  await users.create({
    username: 'alice',
    name: 'Alice Liddell',
    email: 'alice@wonder.example',
    password: 'correct horse',
    limits: [{ metric: 'tokens', amount: 9_000, windowMs: 3_600_000 }],
  })
  for (const username of ['bob', 'carol']) await users.create({ username })
  await projects.create({ name: 'Shop', owner: 'alice' })
  await projects.create({ name: 'Lab', owner: 'bob' })
  await projects.update('lab', { addMembers: [{ user: 'alice', role: 'viewer' }] })
  const { secret } = await keys.create({ name: 'alices', user: 'alice', metadata: { desk: 'of Liddell' } })
  await usage.record('alices', { model: 'gpt-x', inputTokens: 7, outputTokens: 2 })
  const chat = await chats.create({ user: 'alice', title: 'Rabbit hole' })
  await chats.append(chat.id, { role: 'user', content: 'Down I went' })
  const { token } = await sessions.create({ user: 'alice', ipAddress: '192.0.2.7' })
  return { ...made, secret: secret ?? '', token, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
}

const holds = { keys: 1, projects: 1, chats: 1, limits: 1, accounts: 1, sessions: 1, projectMemberships: 1 }

test('whatever the schema lets refer to a user is known to offboard, export and erase', async () => {
  if (onPostgres) return
  await using there = await temporaryLatchkey()
  const rows = await there.query(
    `SELECT t.name AS "table", f."from" AS "column" FROM sqlite_schema t, pragma_foreign_key_list(t.name) f
     WHERE t.type = 'table' AND f."table" = 'users' ORDER BY 1, 2`,
  )
  const known = heldOf.map(({ table, column }) => `${table}.${column}`).sort()
  expect(rows.map(row => `${Object(row).table}.${Object(row).column}`).sort()).toEqual(known)
})

test('offboarding first shows what there is, and changes nothing', async () => {
  await using there = await home()
  const { users, audit } = there.latchkey
  const before = await audit.list()
  expect(await users.offboard('alice')).toMatchObject({ action: 'none', to: null, holds })
  expect(await audit.list()).toEqual(before)
})

test('everything goes to somebody else, and whoever leaves is disabled and signed out', async () => {
  await using there = await home()
  const { users, keys, projects, chats, sessions, audit } = there.latchkey
  expect(await failure(users.offboard('alice', { to: 'alice' }))).toMatchObject({ code: 'conflict' })
  const dry = await there.dry.users.offboard('alice', { to: 'bob' })
  expect(dry).toMatchObject({ action: 'transferred', holds })
  expect(await users.offboard('alice', { to: 'bob' })).toMatchObject({ to: { username: 'bob' }, holds })
  expect((await keys.get('alices')).user).toMatchObject({ username: 'bob' })
  expect((await projects.get('shop')).owner).toMatchObject({ username: 'bob' })
  expect((await chats.list({ user: 'bob' })).total).toBe(1)
  expect((await projects.get('lab')).members).toEqual([])
  expect(await users.get('alice')).toMatchObject({ status: 'disabled', hasPassword: true })
  expect(await sessions.verify(there.token)).toMatchObject({ code: 'not_found' })
  expect((await keys.verify(there.secret)).code).toBe('valid')
  const trail = await audit.list({ action: 'user.offboard' })
  expect(trail.map(({ target }) => target.type).sort()).toEqual(['chat', 'key', 'project', 'user'])
  expect((await users.offboard('alice')).holds).toEqual({ limits: 1, accounts: 1 })
})

test('memberships pass to whoever gets everything, unless they are there already', async () => {
  await using there = await home()
  const { users, projects, organizations, teams } = there.latchkey
  await organizations.create({ name: 'Acme', owner: 'alice' })
  await organizations.create({ name: 'Guild', owner: 'alice' })
  await organizations.members.add('guild', 'bob', 'viewer')
  await organizations.members.add('guild', 'carol', 'owner')
  await teams.create({ name: 'Core', org: 'acme' })
  await teams.members.add('Core', 'alice')
  await projects.create({ name: 'Den', owner: 'carol' })
  await projects.members.add('den', 'alice', 'admin')
  await users.offboard('alice', { to: 'bob' })
  const roles = async (org: string) =>
    (await organizations.members.list(org)).members.map(({ user, role }) => [user.username, role])
  expect(await roles('acme')).toEqual([['bob', 'owner']])
  expect(await roles('guild')).toEqual([
    ['bob', 'viewer'],
    ['carol', 'owner'],
  ])
  expect((await teams.members.list('Core')).members.map(({ user }) => user.username)).toEqual(['bob'])
  expect((await projects.members.list('den')).members).toMatchObject([
    { user: { username: 'bob' }, role: 'admin' },
  ])
})

test('everything is deleted in one transaction, or nothing is', async () => {
  await using there = await home()
  const { users, keys, projects, audit } = there.latchkey
  await keys.create({ name: 'bobs', user: 'bob', project: 'shop' })
  expect(await failure(users.offboard('alice', { deleteAll: true }))).toMatchObject({ code: 'conflict' })
  expect(await failure(users.offboard('alice', { deleteAll: true, to: 'bob' }))).toMatchObject({
    code: 'invalid',
  })
  expect((await users.offboard('alice')).holds).toEqual(holds)
  await keys.delete('bobs')
  expect(await users.offboard('alice', { deleteAll: true })).toMatchObject({ action: 'deleted', holds })
  expect(await failure(users.get('alice'))).toMatchObject({ code: 'not_found' })
  expect((await keys.list()).length + (await projects.list()).length).toBe(1)
  const deleted = (await audit.list({ limit: 5 })).map(({ action }) => action).sort()
  expect(deleted).toEqual(['chat.delete', 'key.delete', 'project.delete', 'user.delete', 'user.offboard'])
})

test('the log says of all that goes with a user what it was, as if it were deleted alone', async () => {
  const told = async (go: (at: Awaited<ReturnType<typeof home>>) => Promise<unknown>) => {
    await using there = await home()
    await go(there)
    const rows = await there.latchkey.audit.list({ limit: 100 })
    const deleted = rows.filter(({ action }) => action.endsWith('.delete'))
    return new Map(deleted.map(({ action, before }) => [action, Object.keys(before ?? {})]))
  }
  const together = await told(({ latchkey }) => latchkey.users.offboard('alice', { deleteAll: true }))
  const alone = await told(async ({ latchkey: { users, keys, projects, chats } }) => {
    await keys.delete('alices')
    await chats.delete('Rabbit hole')
    await projects.delete('shop')
    await users.delete('alice')
  })
  expect(together.size).toBe(4)
  expect(together).toEqual(alone)
})

test('all that is kept about a person is exported, without a secret', async () => {
  await using there = await home()
  const { files, agents } = there.latchkey
  await files.put('shop', 'plan.md', 'Buy tea')
  await agents.addPhase('shop', { name: 'Steeping' })
  await agents.addFile('shop', 'pot.ts')
  for (const content of ['Warm the pot', 'Done']) await agents.addMessage('shop', { role: 'user', content })
  const rows = await Array.fromAsync(there.latchkey.users.export('alice'))
  const kinds = [...new Set(rows.map(({ of }) => of))].sort()
  expect(kinds).toEqual(
    [
      'accounts',
      'agent_files',
      'agent_messages',
      'agent_phases',
      'agent_states',
      'audit',
      'chats',
      'keys',
      'limits',
      'messages',
      'project_files',
      'project_members',
      'projects',
      'secrets',
      'sessions',
      'usage',
      'users',
    ].sort(),
  )
  const text = JSON.stringify(rows)
  for (const told of [
    'Alice Liddell',
    'alice@wonder.example',
    'Rabbit hole',
    'Down I went',
    '192.0.2.7',
    'of Liddell',
    'plan.md',
    'Steeping',
    'pot.ts',
    'Warm the pot',
  ])
    expect(text).toContain(told)
  expect(rows.find(({ of }) => of === 'usage')?.row).toMatchObject({
    ...{ month: '2026-11', model: 'gpt-x', requests: 1, inputTokens: 7, outputTokens: 2, tokens: 9 },
  })
  const hash = new Bun.CryptoHasher('sha256')
  for (const secret of ['argon2', there.token, there.secret, hash.update(there.secret).digest('hex')])
    expect(text).not.toContain(secret)
})

test('what a person did is exported, by whatever name, with what was said of their projects', async () => {
  await using there = await home()
  const { users, projects, organizations, invitations, files, as } = there.latchkey
  const { id } = await users.get('alice')
  await projects.update('shop', { state: 'generating' })
  await projects.members.setRole('lab', 'alice', 'admin')
  await as(id).files.put('shop', 'cup.ts', 'x')
  await as(id).projects.update('lab', { description: 'For tea' })
  await files.put('lab', 'plan.md', 'x')
  await using itself = new AsyncDisposableStack()
  const { path, clock } = there
  const named = connectLatchkey({ path, now: () => clock.now, actor: { name: 'alice', origin: 'terminal' } })
  itself.defer(() => named.close())
  await named.files.put('lab', 'cake.ts', 'x')
  await organizations.create({ name: 'Acme', owner: 'bob' })
  await invitations.create({ org: 'acme', email: 'Alice@wonder.example' })
  await invitations.create({ org: 'acme', email: 'dan@example.org' })
  const rows = await Array.fromAsync(users.export('alice'))
  const of = (name: string) => rows.filter(row => row.of === name).map(({ row }) => Object(row))
  expect(of('projects')).toMatchObject([{ slug: 'shop', state: 'generating' }])
  expect(of('file_history').map(({ path, actor }) => [path, actor])).toEqual([
    ['cup.ts', id],
    ['cake.ts', 'alice'],
  ])
  const done = of('audit').filter(({ actor }) => actor !== 'tester')
  expect(done.map(({ action, actor }) => `${action} ${actor}`)).toEqual([
    `project.file-put ${id}`,
    `project.update ${id}`,
    'project.file-put alice',
  ])
  expect(of('invitations').map(({ email }) => email)).toEqual(['alice@wonder.example'])
})

test('an export has every column of what it tells of, except those that let somebody in or are hashes', async () => {
  await using there = await home()
  const { files, agents, users } = there.latchkey
  await files.put('shop', 'plan.md', 'Buy tea')
  await agents.addPhase('shop', { name: 'Steeping' })
  await agents.addFile('shop', 'pot.ts')
  await agents.addMessage('shop', { role: 'user', content: 'Warm the pot' })
  const { id } = await users.get('alice')
  await there.latchkey.as(id).files.put('shop', 'cup.ts', 'x')
  const left = new Set<string>()
  for await (const { of, row } of users.export('alice')) {
    const told = Object.keys(Object(row))
    const table = schemaTables.get(of)
    if (table === undefined) continue
    for (const [field, { name }] of Object.entries(getTableColumns(table)))
      if (!told.includes(field)) left.add(`${of}.${name}`)
  }
  expect([...left].sort()).toEqual([
    'accounts.access_token',
    'accounts.id_token',
    'accounts.password',
    'accounts.refresh_token',
    'audit.hash',
    'audit.previous',
    'audit.salt',
    'secrets.hash',
    'sessions.token_hash',
  ])
})

test('a person is erased: nothing tells of them, what was used adds up, and the log is whole', async () => {
  await using there = await home()
  const { users, keys, usage, audit } = there.latchkey
  expect(await failure(users.erase('alice'))).toMatchObject({ code: 'conflict' })
  await users.offboard('alice', { to: 'carol' })
  await keys.update('alices', { user: 'alice' })
  const before = await usage.report()
  const trail = await audit.list({ limit: 1_000 })
  const { id } = await users.get('alice')
  expect(await users.erase('alice')).toMatchObject({ id, keys: 1 })
  expect(before).toMatchObject([{ inputTokens: 7, outputTokens: 2 }])
  expect(await usage.report()).toEqual(before)
  expect((await keys.verify(there.secret)).code).toBe('revoked')
  expect(await users.get(id)).toMatchObject({
    email: null,
    name: null,
    status: 'disabled',
    hasPassword: false,
  })
  const left = await audit.list({ limit: 1_000 })
  expect(left.slice(1).map(row => [row.id, row.action, row.target.id])).toEqual(
    trail.map(row => [row.id, row.action, row.target.id]),
  )
  expect(await audit.verify()).toMatchObject({ ok: true })
  const dump = JSON.stringify([
    await Promise.all(
      ['users', 'keys', 'audit', 'accounts', 'sessions', 'departed', 'imports', 'import_changes'].map(table =>
        there.query(`SELECT * FROM ${table}`),
      ),
    ),
  ])
  for (const told of ['Liddell', 'wonder.example', '"alice"', '\\"alice\\"', 'alices', '192.0.2.7'])
    expect(dump).not.toContain(told)
  expect(await there.query('SELECT id FROM erased')).toEqual([{ id }])
})

test.each<[string, Offboarding | null]>([
  ['offboarded', { disable: true }],
  ['offboarded, and what they own given away', { to: 'bob' }],
  ['offboarded and deleted', { deleteAll: true }],
  ['erased', null],
])('invitations that somebody made stay when they are %s, and no longer name them', async (_, how) => {
  await using there = await temporaryLatchkey()
  const { users, organizations, invitations, as } = there.latchkey
  await users.create({ username: 'bob' })
  const { id } = await users.create({ username: 'alice' })
  await organizations.create({ name: 'Acme', owner: 'bob' })
  await organizations.members.add('acme', 'alice', 'admin')
  const { token } = await as(id).invitations.create({ org: 'acme', email: 'dan@example.org' })
  await users.create({ username: 'dan', email: 'dan@example.org', emailVerified: true })
  expect((await users.offboard('alice')).holds).toMatchObject({ invitations: 1 })
  await (how === null ? users.erase('alice') : users.offboard('alice', how))
  const { invitations: left } = await invitations.list({ org: 'acme' })
  expect(left).toMatchObject([{ email: 'dan@example.org', status: 'pending', inviter: null }])
  expect(await there.query('SELECT inviter_id FROM invitations')).toEqual([{ inviter_id: null }])
  await invitations.accept(token, 'dan')
  expect((await organizations.members.list('acme')).members.map(({ user }) => user.username)).toContain('dan')
})

test('the last owner of an organization is neither offboarded nor erased', async () => {
  await using there = await home()
  const { users, organizations } = there.latchkey
  await organizations.create({ name: 'Rabbits', owner: 'carol' })
  // Who is there already keeps the role.
  await organizations.members.add('rabbits', 'bob', 'viewer')
  const refused = { code: 'conflict', message: 'carol is the last owner of rabbits' }
  for (const how of [{ disable: true }, { to: 'bob' }, { deleteAll: true }])
    expect(await failure(users.offboard('carol', how))).toMatchObject(refused)
  expect(await failure(users.erase('carol'))).toMatchObject(refused)
  await organizations.members.setRole('rabbits', 'bob', 'owner')
  expect(await users.offboard('carol', { disable: true })).toMatchObject({
    holds: { organizationMemberships: 1 },
  })
})

test('a ban that is over does not come back when somebody leaves', async () => {
  await using there = await temporaryLatchkey()
  const { users } = there.latchkey
  const reason = 'unpaid invoice'
  for (const username of ['over', 'gone', 'still']) await users.create({ username })
  const { id } = await users.get('gone')
  const start = there.clock.now
  const until = new Date(start.getTime() + 60_000)
  for (const username of ['over', 'gone']) await users.disable(username, { until, reason })
  await users.disable('still', { reason })
  const now = new Date(start.getTime() + 120_000)
  there.clock.now = now
  for (const username of ['over', 'still']) await users.offboard(username, { disable: true })
  await users.erase('gone')
  const shown = async (selector: string) => {
    const { disabledAt, disabledReason, disabledUntil } = await users.get(selector)
    return { disabledAt, disabledReason, disabledUntil }
  }
  expect(await shown('over')).toEqual({ disabledAt: now, disabledReason: null, disabledUntil: null })
  expect(await shown('still')).toEqual({ disabledAt: start, disabledReason: reason, disabledUntil: null })
  expect(await shown(id)).toEqual({ disabledAt: now, disabledReason: 'erased', disabledUntil: null })
})

test('who was erased does not leave again', async () => {
  await using there = await temporaryLatchkey()
  const { users, keys } = there.latchkey
  for (const username of ['zora', 'bob']) await users.create({ username, email: `${username}@example.org` })
  await keys.create({ name: 'ci', user: 'zora' })
  const { id } = await users.get('zora')
  await users.erase(id)
  const { username } = await users.get(id)
  const before = await there.dump()
  const calls = [
    () => users.erase(id),
    () => users.offboard(id, { to: 'bob' }),
    () => users.offboard(username, { disable: true }),
    () => users.offboard(id, { deleteAll: true }),
    () => users.delete(id),
  ]
  for (const call of calls) {
    expect(await failure(call())).toMatchObject({
      code: 'conflict',
      message: `${username} was erased, and stays only for what was used`,
    })
  }
  expect(await there.dump()).toBe(before)
  expect(await users.offboard(id)).toMatchObject({ action: 'none', holds: { keys: 1 } })
})
