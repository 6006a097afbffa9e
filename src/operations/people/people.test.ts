// Runs on PostgreSQL too.
import { expect, spyOn, test } from 'bun:test'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

test('usernames and email addresses are unique whatever their case', async () => {
  await using home = await temporaryLatchkey()
  const { users } = home.latchkey
  await users.create({ username: 'alice', email: 'Alice@Example.org' })
  for (const input of [{ username: 'ALICE' }, { username: 'bob', email: 'alice@example.ORG' }]) {
    expect(await failure(users.create(input))).toMatchObject({ code: 'conflict', exit: 5 })
  }
  expect((await users.get('ALICE@example.org')).email).toBe('alice@example.org')
  expect((await users.update('alice', { username: 'Alice' })).username).toBe('Alice')
})

test.each([[''], ['a b'], ['usr_x'], ['me@here'], ['-rf'], ['x'.repeat(65)], ['a\nb']])(
  'the username %p is refused',
  async username => {
    await using home = await temporaryLatchkey()
    expect(await failure(home.latchkey.users.create({ username }))).toMatchObject({
      code: 'invalid',
      exit: 2,
    })
  },
)

test('a password is kept as argon2id, verifies, and goes away', async () => {
  await using home = await temporaryLatchkey()
  const { users, audit } = home.latchkey
  await users.create({ username: 'alice', password: 'correct horse' })
  expect(await users.verifyPassword('alice', 'correct horse')).toBe(true)
  expect(await users.verifyPassword('alice', 'wrong horse')).toBe(false)
  await users.disable('alice')
  expect(await users.verifyPassword('alice', 'correct horse')).toBe(false)
  await users.enable('alice')
  expect((await users.setPassword('alice', null)).hasPassword).toBe(false)
  expect(await users.verifyPassword('alice', '')).toBe(false)
  expect(await failure(users.setPassword('alice', 'short'))).toMatchObject({
    code: 'invalid',
    message: 'password must have at least 8 characters',
  })
  expect(JSON.stringify(await audit.list())).not.toContain('argon2')
})

test('a password is refused in the same time whoever is meant, and whether they may or exist at all', async () => {
  await using home = await temporaryLatchkey()
  const { users } = home.latchkey
  for (const username of ['alice', 'off']) await users.create({ username, password: 'correct horse' })
  await users.create({ username: 'none' })
  await users.disable('off')
  const hash = await Bun.password.hash('correct horse', 'argon2id')
  const costs = (text: string) => text.split('$').slice(0, 4)
  const verify = spyOn(Bun.password, 'verify')
  try {
    for (const [selector, password] of [
      ['alice', 'wrong horse'],
      ['off', 'correct horse'],
      ['none', 'correct horse'],
      ['nobody', 'correct horse'],
      ['usr_', 'correct horse'],
      ['', ''],
    ] as const) {
      verify.mockClear()
      expect(await users.verifyPassword(selector, password)).toBe(false)
      // One hash of the same costs is what takes the time.
      expect(verify.mock.calls.map(([, hashed]) => costs(hashed as string))).toEqual([costs(hash)])
    }
  } finally {
    verify.mockRestore()
  }
})

test.each(['\u200b', '\u3164', '\u2800', '\u00ad\u200d', '\u0301', '\u{e0041}'])(
  'a name of which nothing can be seen is refused: %j',
  async name => {
    await using home = await temporaryLatchkey()
    const { keys, users, projects } = home.latchkey
    await users.create({ username: 'alice' })
    for (const made of [
      keys.create({ name }),
      users.create({ username: 'bob', name }),
      projects.create({ name, owner: 'alice', slug: 'x' }),
    ]) {
      expect(await failure(made)).toMatchObject({
        code: 'invalid',
        message: 'name must contain a visible character',
      })
    }
  },
)

test('two ways to write the letters of a name are one name', async () => {
  await using home = await temporaryLatchkey()
  const { keys, users, projects, usage } = home.latchkey
  const [composed, apart] = ['Caf\u00e9', 'Cafe\u0301']
  const key = await keys.create({ name: apart })
  expect(key.name).toBe(composed)
  expect(await failure(keys.create({ name: composed }))).toMatchObject({ code: 'conflict' })
  for (const name of [composed, apart]) {
    expect((await keys.get(name)).id).toBe(key.id)
    expect(await keys.list({ search: name })).toHaveLength(1)
    expect((await usage.record(name, {})).key.id).toBe(key.id)
  }
  await users.create({ username: 'alice' })
  await projects.create({ name: apart, owner: 'alice' })
  expect((await projects.get(composed)).slug).toBe('cafe')
})

test('an address is found as it was given, whatever its letters', async () => {
  await using home = await temporaryLatchkey()
  const { keys, users, organizations } = home.latchkey
  // Decomposed, as a file system or a browser may hand it over.
  const given = 'E\u0301MILE@Example.org'
  const { id, email } = await users.create({ username: 'emile', email: given })
  expect(email).toBe('\u00e9mile@example.org')
  await organizations.create({ name: 'Acme', owner: 'emile' })
  for (const spelling of [given, given.normalize('NFC'), given.toLowerCase(), email ?? '']) {
    expect((await users.get(spelling)).id).toBe(id)
    expect((await users.list({ search: spelling.slice(0, 6) })).map(user => user.id)).toEqual([id])
    // It is the address of a member already.
    const invited = failure(home.latchkey.invitations.create({ org: 'acme', email: spelling }))
    expect(await invited).toMatchObject({ code: 'conflict' })
  }
  // Of names, letters beyond ASCII keep their case.
  for (const name of ['\u00c9va', '\u00e9va']) await keys.create({ name, user: 'emile' })
  expect((await keys.get('\u00c9va')).name).toBe('\u00c9va')
})

test('a user who still has keys or projects is not erased', async () => {
  await using home = await temporaryLatchkey()
  const { users, projects, keys } = home.latchkey
  await users.create({ username: 'alice' })
  await users.create({ username: 'bob' })
  await projects.create({ name: 'Shop', owner: 'alice' })
  await projects.update('shop', { addMembers: [{ user: 'bob', role: 'viewer' }] })
  await keys.create({ name: 'ci', user: 'bob' })
  expect(await failure(users.delete('alice'))).toMatchObject({ code: 'conflict' })
  expect(await failure(users.delete('bob'))).toMatchObject({ code: 'conflict' })
  await keys.delete('ci')
  await users.delete('bob')
  expect((await projects.get('shop')).members).toEqual([])
})

test.each([
  ['Shop', 'shop'],
  ['Über Café №1', 'uber-cafe-no1'],
  ['  The -- Data_Team ', 'the-data-team'],
])('the project %p gets the slug %p', async (name, slug) => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  expect((await home.latchkey.projects.create({ name, owner: 'alice' })).slug).toBe(slug)
})

test('a project name without a letter that a slug can have asks for one', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  const error = await failure(home.latchkey.projects.create({ name: '商店', owner: 'alice' }))
  expect(error).toMatchObject({ code: 'invalid' })
  expect(error.hint).toContain('--slug')
})

test('a taken slug names the option that gives another', async () => {
  await using home = await temporaryLatchkey()
  const { users, projects } = home.latchkey
  await users.create({ username: 'alice' })
  await projects.create({ name: 'Shop', owner: 'alice' })
  const error = await failure(projects.create({ name: 'Shop', owner: 'alice' }))
  expect(error).toMatchObject({ code: 'conflict' })
  expect(error.hint).toContain('--slug')
})

test('each project has its own owner, members and limits, listed alone or with others', async () => {
  await using home = await temporaryLatchkey()
  const { users, projects } = home.latchkey
  for (const username of ['alice', 'bob', 'carol']) await users.create({ username })
  for (const [name, owner] of [
    ['One', 'alice'],
    ['Two', 'bob'],
    ['Three', 'bob'],
  ] as const)
    await projects.create({ name, owner, limits: [{ metric: 'usd', amount: name.length, windowMs: 60_000 }] })
  await projects.update('one', { addMembers: [{ user: 'carol', role: 'admin' }] })
  await projects.update('two', { addMembers: [{ user: 'carol', role: 'viewer' }] })
  const all = await projects.list()
  expect(all).toEqual(await Promise.all(['one', 'two', 'three'].map(projects.get)))
  expect(await projects.list({ member: 'carol' })).toEqual(all.slice(0, 2))
  expect(await projects.list({ owner: 'bob' })).toEqual(all.slice(1))
  expect(all.map(({ members }) => members.map(({ role }) => role))).toEqual([['admin'], ['viewer'], []])
})

test('members join, change their role and leave in one change, or not at all', async () => {
  await using home = await temporaryLatchkey()
  const { users, projects } = home.latchkey
  for (const username of ['alice', 'bob', 'carol']) await users.create({ username })
  await projects.create({ name: 'Shop', owner: 'alice' })
  const members = (project: { members: readonly { user: { username: string }; role: string }[] }) =>
    project.members.map(member => `${member.user.username}=${member.role}`)
  const joined = await projects.update('shop', {
    addMembers: [
      { user: 'bob', role: 'viewer' },
      { user: 'carol', role: 'member' },
    ],
  })
  expect(members(joined)).toEqual(['bob=viewer', 'carol=member'])
  const error = await failure(
    projects.update('shop', { addMembers: [{ user: 'bob', role: 'admin' }], removeMembers: ['alice'] }),
  )
  expect(error).toMatchObject({ code: 'not_found' })
  const left = await projects.update('shop', {
    addMembers: [{ user: 'bob', role: 'admin' }],
    removeMembers: ['carol'],
  })
  expect(members(left)).toEqual(['bob=admin'])
})

test('an archived project comes back', async () => {
  await using home = await temporaryLatchkey()
  const { users, projects } = home.latchkey
  await users.create({ username: 'alice' })
  await projects.create({ name: 'Shop', owner: 'alice' })
  expect(await projects.archive('shop')).toMatchObject({ status: 'archived' })
  expect(await projects.list({ status: 'active' })).toEqual([])
  expect(await projects.unarchive('shop')).toMatchObject({ status: 'active', archivedAt: null })
})

test('a field that is not given is said to be missing', async () => {
  await using home = await temporaryLatchkey()
  const { projects } = home.latchkey
  const nameless = await failure(projects.create({ owner: 'alice' } as never))
  expect(nameless).toMatchObject({ code: 'invalid', message: 'name is missing' })
  const owner = await failure(projects.create({ name: 'shop' } as never))
  const message = 'a project belongs to one user or to one organization'
  expect(owner).toMatchObject({ code: 'invalid', message })
})

test('a change that names nothing is refused', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  expect(await failure(home.latchkey.users.update('alice', {}))).toMatchObject({ code: 'invalid' })
})

test('a slug cannot be taken away by naming another project after it', async () => {
  await using home = await temporaryLatchkey()
  const { users, projects } = home.latchkey
  await users.create({ username: 'alice' })
  const shop = await projects.create({ name: 'Shop', owner: 'alice' })
  await projects.create({ name: 'shop', slug: 'other', owner: 'alice' })
  expect((await projects.get('SHOP')).id).toBe(shop.id)
})
