// Runs on PostgreSQL too.
/** An organization never loses its last owner who is not disabled, whatever takes them away. */
import { expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { onPostgres, type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'

async function home(...owners: readonly string[]): Promise<TestLatchkey> {
  const made = await temporaryLatchkey()
  const { users, organizations } = made.latchkey
  for (const username of ['alice', 'bob', 'carol'])
    await users.create({ username, email: `${username}@example.org` })
  await organizations.create({ name: 'Acme', owner: 'alice' })
  for (const owner of owners) await organizations.members.add('acme', owner, 'owner')
  return made
}

const ownersOf = async ({ organizations, users }: Latchkey): Promise<readonly string[]> => {
  const { members } = await organizations.members.list('acme')
  const active = new Set((await users.list({ status: 'active' })).map(({ id }) => id))
  return members
    .filter(({ user, role }) => active.has(user.id) && role.split(',').includes('owner'))
    .map(({ user }) => user.username)
}

/** Every way to take an owner away. */
const paths: Readonly<Record<string, (latchkey: Latchkey, user: string) => Promise<unknown>>> = {
  'is removed': ({ organizations }, user) => organizations.members.remove('acme', user),
  'is demoted': ({ organizations }, user) => organizations.members.setRole('acme', user, 'admin'),
  'leaves by themselves': async (latchkey, user) => {
    const { id } = await latchkey.users.get(user)
    return latchkey.as(id).organizations.members.remove('acme', user)
  },
  'demotes themselves': async (latchkey, user) => {
    const { id } = await latchkey.users.get(user)
    return latchkey.as(id).organizations.members.setRole('acme', user, 'member')
  },
  'is disabled': ({ users }, user) => users.disable(user),
  'is deleted': ({ users }, user) => users.delete(user),
}

test.each(Object.keys(paths))('the last owner stays, though one %s', async path => {
  await using at = await home()
  const before = await at.latchkey.audit.list()
  for (const latchkey of [at.dry, at.latchkey])
    expect(await failure(paths[path]!(latchkey, 'alice'))).toMatchObject({
      code: 'conflict',
      message: 'alice is the last owner of acme',
    })
  expect(await ownersOf(at.latchkey)).toEqual(['alice'])
  expect(await at.latchkey.audit.list()).toEqual(before)
})

test.each(Object.keys(paths))('an owner goes when another is left: one who %s', async path => {
  await using at = await home('bob')
  await paths[path]!(at.latchkey, 'alice')
  expect(await ownersOf(at.latchkey)).toEqual(['bob'])
})

test.each(Object.keys(paths))('a disabled owner is no other owner for one who %s', async path => {
  await using at = await home('bob')
  await at.latchkey.users.disable('bob')
  expect(await failure(paths[path]!(at.latchkey, 'alice'))).toMatchObject({ code: 'conflict' })
  expect(await ownersOf(at.latchkey)).toEqual(['alice'])
})

const pairs = Object.keys(paths).flatMap((one, n) =>
  Object.keys(paths)
    .slice(n)
    .map(other => [one, other] as const),
)

test.each(pairs)('of two owners at the same time, one stays: one %s, the other %s', async (one, other) => {
  await using at = await home('bob')
  await using second = await another(at)
  const ended = await Promise.allSettled([
    paths[one]!(at.latchkey, 'alice'),
    paths[other]!(second.latchkey, 'bob'),
  ])
  expect(ended.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await ownersOf(at.latchkey)).toHaveLength(1)
})

test('two owners who remove each other at the same time do not both go', async () => {
  await using at = await home('bob')
  await using second = await another(at)
  const [alice, bob] = await Promise.all(['alice', 'bob'].map(user => at.latchkey.users.get(user)))
  const ended = await Promise.allSettled([
    at.latchkey.as(alice!.id).organizations.members.remove('acme', 'bob'),
    second.latchkey.as(bob!.id).organizations.members.remove('acme', 'alice'),
  ])
  expect(ended.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await ownersOf(at.latchkey)).toHaveLength(1)
})

const written = ['admin, owner', 'admin ,  owner ', 'Owner', 'OWNER,admin']

test.each(written)('an owner is one however other programs write it: "%s"', async role => {
  await using at = await home('bob')
  const { id } = await at.latchkey.users.get('alice')
  await at.query(`UPDATE organization_members SET role = '${role}' WHERE user_id = '${id}'`)
  await at.latchkey.organizations.members.remove('acme', 'bob')
  for (const path of Object.values(paths))
    expect(await failure(path(at.latchkey, 'alice'))).toMatchObject({
      code: 'conflict',
      message: 'alice is the last owner of acme',
    })
})

test.each(['co-owner', 'ow ner', 'owners', '%'])('who is only called alike is no owner: "%s"', async role => {
  await using at = await home('bob')
  const { id } = await at.latchkey.users.get('bob')
  await at.query(`UPDATE organization_members SET role = '${role}' WHERE user_id = '${id}'`)
  expect(await failure(at.latchkey.users.disable('alice'))).toMatchObject({ code: 'conflict' })
})

test('undoing an import keeps users who own an organization', async () => {
  await using at = await home()
  const { imports, organizations, users } = at.latchkey
  const dump = join(at.folder, 'dump')
  mkdirSync(dump)
  writeFileSync(join(dump, 'users.json'), JSON.stringify([{ id: '1', email: 'grace@example.org' }]))
  const { id } = await imports.dokify({ file: dump })
  await organizations.members.add('acme', 'grace', 'owner')
  await organizations.members.remove('acme', 'alice')
  expect(await failure(imports.undo(id!))).toMatchObject({ code: 'conflict' })
  const { items } = await imports.undo(id!, { keepChanged: true })
  expect(items).toMatchObject([{ name: 'grace', outcome: 'kept', reason: 'an organization belongs to it' }])
  expect(await ownersOf(at.latchkey)).toEqual(['grace'])
  expect(await users.get('grace')).toMatchObject({ username: 'grace' })
})

if (!onPostgres) {
  test('bringing back one thing leaves every organization an owner', async () => {
    await using at = await home('bob')
    const { users, organizations, backups } = at.latchkey
    await users.disable('bob')
    await backups.create()
    await users.enable('bob')
    await organizations.members.remove('acme', 'alice')
    await at.latchkey.close()
    const later = connectLatchkey({ path: at.path, now: () => new Date(at.clock.now.getTime() + 1) })
    // In the backup the user is disabled.
    expect(await failure(later.backups.restore({ latest: true, user: 'bob' }))).toMatchObject({
      code: 'conflict',
      message: 'the organization acme would have no owner; nothing was changed',
    })
    expect(await ownersOf(later)).toEqual(['bob'])
    await later.close()
  })

  test('an organization that comes back has no member who had left it, and none with a higher role', async () => {
    await using at = await home('bob')
    const { organizations, backups } = at.latchkey
    await organizations.members.add('acme', 'carol', 'admin')
    await backups.create()
    at.clock.now = new Date(at.clock.now.getTime() + 1)
    await organizations.members.remove('acme', 'bob')
    await organizations.members.setRole('acme', 'carol', 'viewer')
    await organizations.delete('acme')
    await at.latchkey.close()
    const later = connectLatchkey({ path: at.path, now: () => at.clock.now })
    expect(await later.backups.restore({ latest: true, org: 'acme' })).toMatchObject({
      stays: ['org acme: members'],
    })
    const { members } = await later.organizations.members.list('acme')
    expect(members.map(({ user, role }) => [user.username, role])).toEqual([
      ['alice', 'owner'],
      ['carol', 'viewer'],
    ])
    await later.close()
  })

  test('no invitation opens again with an organization that comes back, if it was cancelled or accepted', async () => {
    await using at = await home('bob')
    const { organizations, invitations, users, backups } = at.latchkey
    await users.update('carol', { email: 'carol@example.org' })
    const invite = (email: string) => invitations.create({ org: 'acme', email })
    const [open, ended, used] = [
      await invite('a@example.org'),
      await invite('b@example.org'),
      await invite('carol@example.org'),
    ]
    await backups.create()
    at.clock.now = new Date(at.clock.now.getTime() + 1)
    await invitations.cancel(ended.id)
    await invitations.accept(used.token, 'carol')
    await organizations.members.remove('acme', 'carol')
    await organizations.delete('acme')
    const { stays } = await at.latchkey.backups.restore({ latest: true, org: 'acme' })
    expect(stays).toEqual(['org acme: invitations'])
    const status = async (id: string) => (await invitations.get(id)).status
    expect([await status(open.id), await status(ended.id), await status(used.id)]).toEqual([
      'pending',
      'canceled',
      'canceled',
    ])
    expect(await failure(invitations.accept(used.token, 'carol'))).toMatchObject({ code: 'conflict' })
  })
}

/** A second program on the same database. */
async function another({ path, clock }: TestLatchkey) {
  const latchkey = connectLatchkey({ path, now: () => clock.now })
  return { latchkey, [Symbol.asyncDispose]: () => latchkey.close() }
}
