// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { organization } from 'better-auth/plugins'
import { latchkeyAdapter } from '../../better-auth.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

async function home() {
  const made = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { users, projects, organizations } = made.latchkey
  for (const username of ['alice', 'bob', 'carol']) await users.create({ username })
  await projects.create({ name: 'Shop', owner: 'alice' })
  await organizations.create({ name: 'Acme', owner: 'alice' })
  return made
}

test('a disabled user becomes the owner of nothing, until the time is over', async () => {
  await using there = await home()
  const { users, projects, organizations } = there.latchkey
  const asked = {
    'a project': [
      () => projects.create({ name: 'Lab', owner: 'bob' }),
      () => projects.transfer('shop', { user: 'bob' }),
      () => projects.update('shop', { owner: 'bob' }),
    ],
    'an organization': [() => organizations.create({ name: 'Guild', owner: 'bob' })],
    'what carol has': [() => users.offboard('carol', { to: 'bob' })],
  }
  await users.disable('bob', { until: new Date('2026-11-21T12:00:00Z') })
  const before = await there.dump()
  for (const [what, calls] of Object.entries(asked)) {
    for (const call of calls) {
      expect(await failure(call())).toMatchObject({
        code: 'conflict',
        message: `bob is disabled, and cannot become the owner of ${what}`,
        hint: 'name another user (latchkey user list --status active), or: latchkey user enable bob',
      })
    }
  }
  expect(await there.dump()).toBe(before)
  there.clock.now = new Date('2026-11-21T12:00:00Z')
  for (const call of Object.values(asked).flat()) await call()
})

test('a disabled user does not become the owner of an organization that is there', async () => {
  await using there = await home()
  const { users, organizations, invitations } = there.latchkey
  for (const name of ['Guild', 'Club', 'Union']) await organizations.create({ name, owner: 'alice' })
  await organizations.members.add('guild', 'bob', 'admin')
  const { email } = await users.update('bob', { email: 'bob@example.org' })
  const { token } = await invitations.create({ org: 'club', email: email ?? '', role: 'owner' })
  const { id: userId } = await users.get('bob')
  const { id: organizationId } = await organizations.get('union')
  const plugins = [organization()]
  const adapter = latchkeyAdapter(there.latchkey)({ plugins, secret: 'jv3Zk1Qm8sYb5TgXw9LrPc2NdHf7Ea4U' })
  const data = { organizationId, userId, role: 'member,owner', createdAt: new Date() }
  const where = [{ field: 'userId', value: userId }] as never
  const calls = [
    () => adapter.update({ model: 'member', where, update: { role: 'owner' } }),
    () => organizations.members.add('acme', 'bob', 'owner'),
    () => organizations.members.setRole('guild', 'bob', 'owner'),
    () => invitations.accept(token, 'bob'),
    () => adapter.create({ model: 'member', data }),
  ]
  await users.disable('bob')
  const before = await there.dump()
  for (const call of calls) {
    expect(await failure(call())).toMatchObject({
      code: 'conflict',
      message: 'bob is disabled, and cannot become the owner of an organization',
    })
  }
  expect(await there.dump()).toBe(before)
  await organizations.members.setRole('guild', 'bob', 'viewer')
  await users.enable('bob')
  for (const call of calls) await call()
  // Who is an owner already becomes none.
  await users.disable('bob')
  expect(await organizations.members.setRole('acme', 'bob', 'owner')).toMatchObject({ changed: false })
})

test('what a disabled user owns already is not new, and their keys answer user_disabled', async () => {
  await using there = await home()
  const { users, projects, organizations, keys } = there.latchkey
  await users.create({ username: 'dave' })
  await organizations.members.add('acme', 'dave', 'owner')
  await users.disable('alice')
  const again = { ifNotExists: true }
  expect(await projects.create({ name: 'Shop', owner: 'alice' }, again)).toMatchObject({ created: false })
  expect(await projects.transfer('shop', { user: 'alice' })).toMatchObject({ changed: false })
  expect(await projects.update('shop', { owner: 'alice', name: 'Shop' })).toMatchObject({ changed: false })
  expect(await organizations.create({ name: 'Acme', owner: 'alice' }, again)).toMatchObject({
    created: false,
  })
  expect(await keys.create({ name: 'later', user: 'alice' })).toMatchObject({ status: 'user_disabled' })
})

test('nobody is an erased user again', async () => {
  await using there = await home()
  const { users, projects, organizations, keys, chats, sessions, limits } = there.latchkey
  await projects.create({ name: 'Lab', owner: 'carol' })
  const key = await keys.create({ name: 'ci' })
  const { id } = await users.get('bob')
  await users.erase(id)
  const { username } = await users.get(id)
  const adapter = latchkeyAdapter(there.latchkey)({ secret: 'jv3Zk1Qm8sYb5TgXw9LrPc2NdHf7Ea4U' })
  const times = { createdAt: new Date(), updatedAt: new Date() }
  const tokens = [{ metric: 'tokens', amount: 1, windowMs: 60_000 }] as const
  const calls = [
    () => users.enable(id),
    () => users.disable(username, { until: new Date('2026-11-20T12:00:01Z') }),
    () => users.update(id, { email: 'bob@example.org' }),
    () => users.setPassword(id, 'correct horse'),
    () => users.generatePassword(id),
    () => users.offboard('carol', { to: id }),
    () => sessions.create({ user: id }),
    () => keys.create({ name: 'other', user: id }),
    () => keys.update(key.id, { user: id }),
    () => keys.changeMatching({ search: 'ci' }, { verb: 'update', changes: { user: id } }),
    () => chats.create({ user: id, title: 'Back' }),
    () => projects.create({ name: 'Den', owner: id }),
    () => projects.transfer('lab', { user: id }),
    () => projects.update('lab', { owner: id }),
    () => projects.update('lab', { addMembers: [{ user: id, role: 'member' }] }),
    () => projects.members.add('lab', id),
    () => organizations.create({ name: 'Guild', owner: id }),
    () => organizations.members.add('acme', id),
    () => limits.set({ user: id }, tokens),
    () => limits.set({ project: 'lab', member: id }, tokens),
    () =>
      adapter.create({ model: 'account', data: { userId: id, providerId: 'x', accountId: '1', ...times } }),
  ]
  const before = await there.dump()
  for (const call of calls) {
    expect(await failure(call()), String(call)).toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/^(erased-|usr_)\w+ was erased, and stays only for what was used$/),
      hint: 'create another user: latchkey user create USERNAME',
    })
  }
  expect(await there.dump()).toBe(before)
})

test('a key of an erased user is not imported', async () => {
  await using there = await home()
  const { users, keys } = there.latchkey
  const { id } = await users.get('bob')
  await users.erase(id)
  const row = JSON.stringify({ name: 'old', secret: 'sk-0123456789abcdef', user: id })
  const chunks = new Blob([`${row}\n`]).stream()
  expect(await failure(keys.import({ file: 'keys.ndjson', chunks }))).toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('line 1 has a user who cannot have it: erased-'),
  })
})
