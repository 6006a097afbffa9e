// Runs on PostgreSQL too.
/** Undoing an import after what it made was put to use here. */
import { expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '../../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'

async function importUsers(
  { latchkey, folder }: TestLatchkey,
  users: readonly object[],
  projects: readonly object[] = [],
) {
  const dump = join(folder, 'dump')
  mkdirSync(dump, { recursive: true })
  for (const [name, rows] of Object.entries({ users, projects }))
    writeFileSync(join(dump, `${name}.json`), JSON.stringify(rows))
  return latchkey.imports.dokify({ file: dump })
}

const outcomes = (items: readonly { name: string; outcome: string; reason: string | null }[]) =>
  items.map(({ name, outcome, reason }) => [name, outcome, reason])

test('two users get each other’s names back', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const [ada, eve] = [
    { id: '1', email: 'ada@example.org' },
    { id: '2', email: 'eve@example.org' },
  ]
  await importUsers(home, [ada, eve])
  const before = await latchkey.users.list()
  // The first takes a third name, which sets its own free for the other.
  const { id } = await importUsers(home, [
    { ...ada, email: 'zoe@example.org' },
    { ...eve, email: 'ada@example.org' },
  ])
  expect((await latchkey.users.list()).map(user => user.username)).toEqual(['zoe', 'ada'])
  expect(await latchkey.imports.undo(id!)).toMatchObject({ reverted: 2, kept: 0 })
  expect(await latchkey.users.list()).toEqual(before)
})

test('a user who owns something here stays, and so does whoever had the name before', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const ada = { id: '1', email: 'ada@example.org' }
  await importUsers(home, [ada])
  const { id } = await importUsers(home, [
    { ...ada, email: 'eve@example.org' },
    { id: '2', email: 'ada@example.com' },
  ])
  await latchkey.keys.create({ name: 'local', user: 'ada' })
  const refused = await failure(latchkey.imports.undo(id!))
  expect(refused.code).toBe('conflict')
  expect(refused.message).toContain('user ada (local belongs to it)')
  const { items } = await latchkey.imports.undo(id!, { keepChanged: true })
  expect(outcomes(items).toSorted()).toEqual([
    ['ada', 'kept', 'local belongs to it'],
    ['eve', 'kept', 'its earlier username is taken now'],
  ])
  expect((await latchkey.users.list()).map(user => user.username)).toEqual(['eve', 'ada'])
})

/** What may be put beside an imported user or project here, and what is said of it. */
const since: Readonly<
  Record<string, readonly [told: string, add: (home: TestLatchkey, ada: string) => Promise<unknown>]>
> = {
  'a session': [
    'user ada (a session belongs to it)',
    ({ latchkey }) => latchkey.sessions.create({ user: 'ada' }),
  ],
  'a way to sign in': [
    'user ada (an account belongs to it)',
    ({ query }, ada) =>
      query(
        `INSERT INTO accounts (id, user_id, issuer, provider_id, account_id, created_at, updated_at) VALUES ('a1', '${ada}', 'provider:github', 'github', '42', 1, 1)`,
      ),
  ],
  'a membership in an organization': [
    'user ada (a membership belongs to it)',
    ({ latchkey }) => latchkey.organizations.members.add('acme', 'ada'),
  ],
  'a membership in a team': [
    'user ada (a membership belongs to it)',
    async ({ latchkey, query }) => {
      await latchkey.organizations.members.add('acme', 'ada')
      await latchkey.teams.members.add('Crew', 'ada')
      // As another program may leave it.
      await query("DELETE FROM organization_members WHERE role = 'member'")
    },
  ],
  'the state of an agent': [
    'project shop (the state of its agent belongs to it)',
    ({ latchkey }) => latchkey.agents.addMessage('shop', { role: 'user', content: 'hello' }),
  ],
}

test.each(Object.entries(since))(
  'an undo takes nothing along that came since: %s',
  async (_, [told, add]) => {
    await using home = await temporaryLatchkey()
    const { latchkey } = home
    await latchkey.users.create({ username: 'zoe' })
    await latchkey.organizations.create({ name: 'Acme', owner: 'zoe' })
    await latchkey.teams.create({ name: 'Crew', org: 'acme' })
    const { id } = await importUsers(
      home,
      [{ id: '1', email: 'ada@example.org' }],
      [{ id: '2', owner_user_id: '1', name: 'Shop' }],
    )
    await add(home, (await latchkey.users.get('ada')).id)
    const before = await home.dump()
    const refused = await failure(latchkey.imports.undo(id!))
    expect(refused).toMatchObject({ code: 'conflict', message: expect.stringContaining(told) })
    expect(await home.dump()).toBe(before)
  },
)
