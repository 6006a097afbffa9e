// Runs on PostgreSQL too.
/** What somebody had lost before a deletion does not come back with a restore, and what they had by then does. */
import { expect, test } from 'bun:test'
import type { Latchkey } from '../../../../index.ts'
import { failure } from '../../../../testing/failure.ts'
import { temporaryLatchkey } from '../../../../testing/latchkey.ts'

/**
 * ann owns Acme and the projects site and shop. bob and cat are in Acme, its team Core and site. bob has a password, and the key k
 * in shop. A backup is taken then.
 */
async function home() {
  const at = await temporaryLatchkey()
  const { users, organizations, teams, projects, keys, chats, backups } = at.latchkey
  for (const username of ['ann', 'bob', 'cat', 'dan'])
    await users.create({ username, email: `${username}@example.org`, password: `old ${username} horse` })
  await organizations.create({ name: 'Acme', owner: 'ann' })
  await teams.create({ name: 'Core', org: 'acme' })
  for (const slug of ['site', 'shop']) await projects.create({ name: slug, slug, owner: 'ann' })
  for (const user of ['bob', 'cat']) {
    await organizations.members.add('acme', user, 'admin')
    await teams.members.add('Core', user)
    await projects.members.add('site', user, 'admin')
  }
  await keys.create({ name: 'k', user: 'bob', project: 'shop' })
  await chats.create({ title: 'Plans', user: 'bob', project: 'shop' })
  const { id: backup } = await backups.create()
  at.clock.now = new Date(at.clock.now.getTime() + 1)
  return { ...at, backup }
}

/** Who has what, of all that is there. */
async function state({ organizations, teams, projects, keys, chats, users }: Latchkey) {
  const rolesOf = (
    members: readonly { readonly user: { readonly username: string }; readonly role?: string }[],
  ) =>
    members
      .map(({ user, role }) => (role === undefined ? user.username : `${user.username} ${role}`))
      .toSorted()
  const found: Record<string, unknown> = {}
  for (const { slug } of (await organizations.list()).organizations)
    found[slug] = rolesOf((await organizations.members.list(slug)).members)
  for (const { id, name } of (await teams.list()).teams)
    found[name] = (await teams.members.list(id)).members.map(({ user }) => user.username).toSorted()
  for (const { slug, owner, organization, members } of await projects.list())
    found[slug] = [owner?.username ?? organization?.slug, ...rolesOf(members)]
  for (const { name, user, project } of await keys.list()) found[name] = [user?.username, project?.slug]
  for (const { title, user, project } of (await chats.list()).chats)
    found[title] = [user.username, project?.slug]
  found['old passwords'] = []
  for (const { username } of await users.list())
    if (await users.verifyPassword(username, `old ${username} horse`))
      found['old passwords'] = [...(found['old passwords'] as string[]), username]
  return found
}

const all = {
  acme: ['ann owner', 'bob admin', 'cat admin'],
  Core: ['bob', 'cat'],
  site: ['ann', 'bob admin', 'cat admin'],
  shop: ['ann'],
  k: ['bob', 'shop'],
  Plans: ['bob', 'shop'],
  'old passwords': ['ann', 'bob', 'cat', 'dan'],
}

type Work = (latchkey: Latchkey, backup: string) => Promise<unknown>

/** bob without his key and chat, and so that he can be deleted. */
const goBob: Work = async ({ keys, chats, users }) => {
  await keys.delete('k')
  await chats.delete('Plans')
  await users.delete('bob')
}
const goAcme: Work = ({ organizations }) => organizations.delete('acme')
const goSite: Work = ({ projects }) => projects.delete('site')

const sequences: Readonly<
  Record<string, readonly [Work, readonly object[], Partial<typeof all>, readonly string[]]>
> = {
  'nothing is lost, whatever goes first': [
    async (...given) => {
      await goBob(...given)
      await goSite(...given)
      await goAcme(...given)
    },
    [{ project: 'site' }, { org: 'acme' }, { user: 'bob' }],
    {},
    [],
  ],
  'nothing is lost, whatever goes last': [
    async (...given) => {
      await goSite(...given)
      await goAcme(...given)
      await goBob(...given)
    },
    [{ user: 'bob' }, { org: 'acme' }, { project: 'site' }],
    {},
    [],
  ],
  'a user is deleted, brought back, loses everything, and an undo takes them away': [
    async (latchkey, backup) => {
      await goBob(latchkey, backup)
      await latchkey.backups.restore({ backup, user: 'bob' })
      await latchkey.organizations.members.remove('acme', 'bob')
      await latchkey.projects.members.remove('site', 'bob')
      await latchkey.users.setPassword('bob', 'a better horse')
      await latchkey.backups.restore({ undo: true })
    },
    [{ user: 'bob' }],
    {
      acme: ['ann owner', 'cat admin'],
      Core: ['cat'],
      site: ['ann', 'cat admin'],
      'old passwords': ['ann', 'cat', 'dan'],
    },
    ['user bob: memberships, password'],
  ],
  'a user is brought back, and an undo takes them away with all that they had': [
    async (latchkey, backup) => {
      await goBob(latchkey, backup)
      await latchkey.organizations.members.remove('acme', 'cat')
      await latchkey.backups.restore({ backup, user: 'bob' })
      await latchkey.backups.restore({ undo: true })
    },
    [{ user: 'bob' }],
    { acme: ['ann owner', 'bob admin'], Core: ['bob'] },
    [],
  ],
  'a member is offboarded, and the organization deleted': [
    async (latchkey, backup) => {
      await latchkey.users.offboard('cat', { disable: true })
      await latchkey.users.enable('cat')
      await goAcme(latchkey, backup)
      await goSite(latchkey, backup)
    },
    [{ org: 'acme' }, { project: 'site' }],
    { acme: ['ann owner', 'bob admin'], Core: ['bob'], site: ['ann', 'bob admin'] },
    ['org acme: members', 'team Core: members', 'project site: members'],
  ],
  'a member is offboarded after the organization was deleted': [
    async (latchkey, backup) => {
      await goAcme(latchkey, backup)
      await latchkey.users.offboard('cat', { to: 'dan' })
      await latchkey.users.enable('cat')
    },
    [{ org: 'acme' }],
    { acme: ['ann owner', 'bob admin'], Core: ['bob'], site: ['ann', 'bob admin', 'dan admin'] },
    ['org acme: members', 'team Core: members'],
  ],
  'a member leaves an organization that came back, and it is deleted again': [
    async (latchkey, backup) => {
      await goAcme(latchkey, backup)
      await latchkey.backups.restore({ backup, org: 'acme' })
      await latchkey.organizations.members.remove('acme', 'cat')
      await goAcme(latchkey, backup)
    },
    [{ org: 'acme' }],
    { acme: ['ann owner', 'bob admin'], Core: ['bob'] },
    ['org acme: members', 'team Core: members'],
  ],
  'a member is removed and added again, and another lowered and raised again': [
    async (latchkey, backup) => {
      const { members } = latchkey.organizations
      await members.remove('acme', 'bob')
      await members.add('acme', 'bob', 'admin')
      await members.setRole('acme', 'cat', 'viewer')
      await members.setRole('acme', 'cat', 'admin')
      await goAcme(latchkey, backup)
    },
    [{ org: 'acme' }],
    { Core: ['cat'] },
    ['team Core: members'],
  ],
  'members leave a team, or its organization, and all of it is deleted': [
    async (latchkey, backup) => {
      await latchkey.organizations.members.remove('acme', 'bob')
      await latchkey.teams.members.remove('Core', 'cat')
      await goAcme(latchkey, backup)
    },
    [{ org: 'acme' }],
    { acme: ['ann owner', 'cat admin'], Core: [] },
    ['org acme: members', 'team Core: members'],
  ],
  'a member leaves a team that is deleted then': [
    async ({ teams }) => {
      await teams.members.remove('Core', 'cat')
      await teams.delete('Core')
    },
    [{ team: 'Core' }],
    { Core: ['bob'] },
    ['team Core: members'],
  ],
  'a member leaves the organization of a deleted team': [
    async ({ teams, organizations }) => {
      await teams.delete('Core')
      await organizations.members.remove('acme', 'cat')
    },
    [{ team: 'Core' }],
    { acme: ['ann owner', 'bob admin'], Core: ['bob'] },
    ['team Core: members'],
  ],
  'a member is removed from a project that came back, and it is deleted again': [
    async (latchkey, backup) => {
      await goSite(latchkey, backup)
      await latchkey.backups.restore({ backup, project: 'site' })
      await latchkey.projects.members.remove('site', 'cat')
      await latchkey.projects.members.remove('site', 'bob')
      await latchkey.projects.members.add('site', 'bob', 'admin')
      await goSite(latchkey, backup)
    },
    [{ project: 'site' }],
    { site: ['ann', 'bob admin'] },
    ['project site: members'],
  ],
  'a project is brought back, loses a member, and an undo takes it away': [
    async (latchkey, backup) => {
      await goSite(latchkey, backup)
      await latchkey.backups.restore({ backup, project: 'site' })
      await latchkey.projects.members.remove('site', 'cat')
      await latchkey.backups.restore({ undo: true })
    },
    [{ project: 'site' }],
    { site: ['ann', 'bob admin'] },
    ['project site: members'],
  ],
  'an organization is brought back, loses members, and an undo takes it away': [
    async (latchkey, backup) => {
      await goAcme(latchkey, backup)
      await latchkey.backups.restore({ backup, org: 'acme' })
      await latchkey.organizations.members.remove('acme', 'cat')
      await latchkey.teams.members.remove('Core', 'bob')
      await latchkey.backups.restore({ undo: true })
    },
    [{ org: 'acme' }],
    { acme: ['ann owner', 'bob admin'], Core: [] },
    ['org acme: members', 'team Core: members'],
  ],
  'a project and a key are given away and deleted': [
    async (latchkey, backup) => {
      await latchkey.projects.transfer('site', { user: 'dan' })
      await latchkey.keys.update('k', { user: 'cat', project: 'site' })
      await latchkey.keys.delete('k')
      await goSite(latchkey, backup)
    },
    [{ project: 'site' }, { key: 'k' }],
    { site: ['dan', 'bob admin', 'cat admin'], k: ['cat', 'site'] },
    ['project site: owner', 'key k: user, project'],
  ],
  'a project is given to an organization and deleted': [
    async (latchkey, backup) => {
      await latchkey.projects.transfer('site', { org: 'acme' })
      await goSite(latchkey, backup)
    },
    [{ project: 'site' }],
    { site: ['acme', 'bob admin', 'cat admin'] },
    ['project site: owner'],
  ],
  'everything of a user is given away when they leave, and deleted': [
    async (latchkey, backup) => {
      await latchkey.users.offboard('bob', { to: 'dan' })
      await latchkey.keys.delete('k')
      await latchkey.chats.delete('Plans')
      await latchkey.users.delete('bob')
      await goSite(latchkey, backup)
    },
    [{ user: 'bob' }, { key: 'k' }, { chat: 'Plans' }, { project: 'site' }],
    {
      k: ['dan', 'shop'],
      Plans: ['dan', 'shop'],
      acme: ['ann owner', 'cat admin', 'dan admin'],
      Core: ['cat', 'dan'],
      site: ['ann', 'cat admin'],
      'old passwords': ['ann', 'cat', 'dan'],
    },
    ['user bob: disabled, memberships', 'key k: user', 'chat Plans: user', 'project site: members'],
  ],
  'a chat loses its project, and is deleted': [
    async ({ keys, projects, chats }) => {
      await keys.delete('k')
      await projects.delete('shop')
      await chats.delete('Plans')
    },
    [{ project: 'shop' }],
    {},
    [],
  ],
}

test.each(Object.keys(sequences))('%s: a restore brings back what was there by then', async name => {
  await using at = await home()
  const { latchkey, backup } = at
  const [work, subjects, left, told] = sequences[name]!
  expect(await state(latchkey)).toEqual(all)
  await work(latchkey, backup)
  const stays: string[] = []
  for (const subject of subjects)
    stays.push(...(await latchkey.backups.restore({ backup, ...subject })).stays)
  expect(await state(latchkey)).toEqual({ ...all, ...left })
  expect(stays).toEqual([...told])
})

test('what a user had given away does not come back with them', async () => {
  await using at = await home()
  const { latchkey, backup } = at
  const { projects, keys, users, organizations, chats, backups } = latchkey
  await organizations.members.setRole('acme', 'bob', 'owner')
  await projects.transfer('site', { user: 'cat' })
  await projects.transfer('shop', { user: 'cat' })
  await keys.delete('k')
  await chats.delete('Plans')
  for (const slug of ['site', 'shop']) await projects.delete(slug)
  await users.delete('ann')
  const { changes } = await backups.restore({ backup, user: 'ann' })
  expect(changes).toMatchObject({ users: { added: ['ann'] }, projects: { added: [] }, keys: { added: [] } })
})

test('what belonged to somebody who is deleted does not go to who had it before', async () => {
  await using at = await home()
  const { latchkey, backup } = at
  await latchkey.users.create({ username: 'eve' })
  await latchkey.projects.transfer('site', { user: 'eve' })
  await latchkey.projects.delete('site')
  await latchkey.users.delete('eve')
  expect(await failure(latchkey.backups.restore({ backup, project: 'site' }))).toMatchObject({
    code: 'conflict',
  })
})

test.each([
  [
    'of whoever has another address by then',
    ({ users }: Latchkey) => users.update('dan', { email: 'dan@example.com' }),
  ],
  ['of whoever is deleted by then', ({ users }: Latchkey) => users.delete('dan')],
])('no accepted invitation opens again: %s', async (_, goes) => {
  await using at = await home()
  const { latchkey } = at
  const { invitations, organizations, backups } = latchkey
  const { id, token } = await invitations.create({ org: 'acme', email: 'dan@example.org' })
  const open = await invitations.create({ org: 'acme', email: 'eve@example.org' })
  const { id: backup } = await backups.create()
  await invitations.accept(token, 'dan')
  await organizations.members.remove('acme', 'dan')
  await goes(latchkey)
  await organizations.delete('acme')
  expect(await backups.restore({ backup, org: 'acme' })).toMatchObject({ stays: ['org acme: invitations'] })
  expect([(await invitations.get(id)).status, (await invitations.get(open.id)).status]).toEqual([
    'canceled',
    'pending',
  ])
})

test('an organization comes back with its members when one of them was erased', async () => {
  await using at = await home()
  const { latchkey, backup } = at
  await goAcme(latchkey, backup)
  await latchkey.users.erase('cat')
  await latchkey.backups.restore({ backup, org: 'acme' })
  expect(await state(latchkey)).toMatchObject({ acme: ['ann owner', 'bob admin'], Core: ['bob'] })
})
