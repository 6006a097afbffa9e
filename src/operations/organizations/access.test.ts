// Runs on PostgreSQL too.
/** Who may do what: each case one line of a table. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { covers } from './access.ts'

let at: TestLatchkey
beforeAll(async () => {
  at = await temporaryLatchkey()
  await people(at.latchkey)
})
afterAll(() => at[Symbol.asyncDispose]())

/**
 * root is admin of all. Acme has an owner, an admin, a member, a viewer, an editor (its own role), one with two roles, one with a
 * role that no longer exists, and one who is disabled. Its project is shop, with two members of its own. solo owns blog.
 */
async function people({ users, organizations, projects, roles, teams }: Latchkey): Promise<void> {
  const names = [
    'owner',
    'admin',
    'member',
    'viewer',
    'editor',
    'both',
    'ghost',
    'off',
    'solo',
    'guest',
    'helper',
  ]
  for (const username of [...names, 'mate', 'stranger']) await users.create({ username: `u-${username}` })
  await users.create({ username: 'root-admin', role: 'admin' })
  // Older than Acme, with a role of the same name: whoever looks for the name alone finds this one first.
  await organizations.create({ name: 'Other', owner: 'u-stranger' })
  await organizations.create({ name: 'Acme', owner: 'u-owner' })
  await roles.create({ name: 'editor', org: 'other', permissions: ['org:delete'] })
  await roles.create({ name: 'editor', org: 'acme', permissions: ['project:write', 'file:*'] })
  await roles.create({ name: 'auditor', permissions: ['*:read'] })
  for (const role of ['admin', 'member', 'viewer', 'editor'])
    await organizations.members.add('acme', `u-${role}`, role)
  for (const user of ['u-both', 'u-ghost', 'u-off']) await organizations.members.add('acme', user)
  const ids = new Map((await users.list()).map(({ id, username }) => [username, id]))
  const setRole = (user: string, role: string) =>
    at.query(`UPDATE organization_members SET role = '${role}' WHERE user_id = '${ids.get(user)}'`)
  await setRole('u-both', 'Viewer, editor')
  await setRole('u-ghost', 'long-gone')
  await organizations.members.setRole('acme', 'u-off', 'owner')
  await users.disable('u-off')
  await projects.create({ name: 'Shop', org: 'acme' })
  await projects.create({ name: 'Blog', owner: 'u-solo' })
  await projects.members.add('shop', 'u-guest', 'viewer')
  await projects.members.add('shop', 'u-helper', 'editor')
  await projects.members.add('blog', 'u-mate', 'auditor')
  await teams.create({ name: 'Backend', org: 'acme' })
  await teams.members.add('Backend', 'u-viewer')
}

const acme = { org: 'acme' } as const
const shop = { project: 'shop' } as const
const blog = { project: 'blog' } as const
const other = { org: 'other' } as const
const everything = {} as const

/** User, permission, place, and the role or source that grants it; null if nothing does. */
const cases: readonly (readonly [string, string, object, string | null])[] = [
  ['root-admin', 'org:delete', acme, 'admin'],
  ['root-admin', 'project:transfer', shop, 'admin'],
  ['root-admin', 'project:delete', blog, 'admin'],
  ['root-admin', 'anything:at-all', everything, 'admin'],
  ['root-admin', '*', everything, 'admin'],
  ['u-owner', 'org:delete', acme, 'owner'],
  ['u-owner', 'org:write', acme, 'owner'],
  ['u-owner', '*', acme, 'owner'],
  ['u-owner', 'project:delete', shop, 'owner'],
  ['u-owner', 'project:transfer', shop, 'owner'],
  ['u-owner', 'org:read', other, null],
  ['u-owner', 'project:read', blog, null],
  ['u-owner', 'org:write', everything, null],
  ['u-owner', 'project:write', everything, null],
  ['u-admin', 'org:read', acme, 'admin'],
  ['u-admin', 'org:write', acme, 'admin'],
  ['u-admin', 'org:delete', acme, null],
  ['u-admin', '*', acme, null],
  ['u-admin', 'member:write', acme, 'admin'],
  ['u-admin', 'member:*', acme, 'admin'],
  ['u-admin', 'invitation:write', acme, 'admin'],
  ['u-admin', 'team:write', acme, 'admin'],
  ['u-admin', 'role:write', acme, 'admin'],
  ['u-admin', 'project:write', shop, 'admin'],
  ['u-admin', 'project:delete', shop, 'admin'],
  ['u-admin', 'project:transfer', shop, 'admin'],
  ['u-admin', 'member:write', shop, 'admin'],
  ['u-admin', 'project:write', blog, null],
  ['u-admin', 'org:write', other, null],
  ['u-admin', 'org:read', everything, null],
  ['u-member', 'org:read', acme, 'member'],
  ['u-member', 'org:write', acme, null],
  ['u-member', 'member:read', acme, 'member'],
  ['u-member', 'member:write', acme, null],
  ['u-member', 'invitation:write', acme, null],
  ['u-member', 'invitation:read', acme, null],
  ['u-member', 'team:read', acme, 'member'],
  ['u-member', 'team:write', acme, null],
  ['u-member', 'role:write', acme, null],
  ['u-member', 'project:read', shop, 'member'],
  ['u-member', 'project:write', shop, 'member'],
  ['u-member', 'project:delete', shop, null],
  ['u-member', 'project:transfer', shop, null],
  ['u-member', 'member:write', shop, null],
  ['u-member', 'file:write', shop, 'member'],
  ['u-member', 'chat:read', shop, 'member'],
  ['u-member', 'key:write', shop, null],
  ['u-member', 'project:*', shop, null],
  ['u-member', 'project:read', blog, null],
  ['u-viewer', 'org:read', acme, 'viewer'],
  ['u-viewer', 'org:write', acme, null],
  ['u-viewer', 'project:read', shop, 'viewer'],
  ['u-viewer', 'project:write', shop, null],
  ['u-viewer', 'file:read', shop, 'viewer'],
  ['u-viewer', 'file:write', shop, null],
  ['u-viewer', 'team:write', acme, null],
  ['u-viewer', 'usage:read', shop, 'viewer'],
  ['u-editor', 'project:write', shop, 'editor'],
  ['u-editor', 'project:read', shop, null],
  ['u-editor', 'file:delete', shop, 'editor'],
  ['u-editor', 'file:*', shop, 'editor'],
  ['u-editor', 'org:delete', acme, null],
  ['u-editor', 'project:write', acme, 'editor'],
  ['u-both', 'org:read', acme, 'viewer'],
  ['u-both', 'file:write', shop, 'editor'],
  ['u-both', 'project:delete', shop, null],
  ['u-ghost', 'org:read', acme, null],
  ['u-ghost', 'project:read', shop, null],
  ['u-off', 'org:read', acme, 'disabled'],
  ['u-off', 'project:write', shop, 'disabled'],
  ['u-off', 'org:read', everything, 'disabled'],
  ['u-solo', 'project:read', blog, 'owned'],
  ['u-solo', 'project:delete', blog, 'owned'],
  ['u-solo', 'project:transfer', blog, 'owned'],
  ['u-solo', '*', blog, 'owned'],
  ['u-solo', 'project:read', shop, null],
  ['u-solo', 'project:read', everything, null],
  ['u-guest', 'project:read', shop, 'viewer'],
  ['u-guest', 'project:write', shop, null],
  ['u-guest', 'org:read', acme, null],
  ['u-helper', 'project:write', shop, 'editor'],
  ['u-helper', 'project:write', acme, null],
  ['u-helper', 'project:read', shop, null],
  ['u-mate', 'project:read', blog, 'auditor'],
  ['u-mate', 'anything:read', blog, 'auditor'],
  ['u-mate', 'project:write', blog, null],
  ['u-mate', 'project:read', shop, null],
  ['u-stranger', 'org:read', acme, null],
  ['u-stranger', 'project:read', shop, null],
  ['u-stranger', 'org:delete', other, 'owner'],
]

test('the table has enough cases', () => expect(cases.length).toBeGreaterThanOrEqual(80))

test.each(cases)('%s, %s on %j: %s', async (user, permission, on, by) => {
  const check = await at.latchkey.access.check(user, permission, on)
  const isOff = by === 'disabled'
  const allowed = by !== null && !isOff
  expect(check).toMatchObject({
    allowed,
    code: isOff ? 'user_disabled' : allowed ? 'granted' : 'not_granted',
    permission,
  })
  if (!allowed) expect(check.grant).toBeNull()
  else expect(check.grant).toMatchObject(by === 'owned' ? { source: 'owner', role: null } : { role: by })
  const asked = at.latchkey.access.authorize(user, permission, on)
  if (allowed) expect(await asked).toEqual(check)
  else expect(await failure(asked)).toMatchObject({ code: 'denied', exit: 4 })
})

test.each([
  [['*'], '*', true],
  [['*'], 'a:b', true],
  [['a:*'], 'a:b', true],
  [['a:*'], 'a:*', true],
  [['a:*'], '*', false],
  [['a:b'], 'a:*', false],
  [['*:read'], 'a:read', true],
  [['*:read'], 'a:*', false],
  [['a:b', 'a:c'], 'a:c', true],
  [[], 'a:b', false],
] as const)('%j covers %s: %s', (patterns, permission, isCovered) => {
  expect(covers(patterns, permission)).toBe(isCovered)
})

test('the list has a line for each place, page by page', async () => {
  const { access } = at.latchkey
  expect((await access.list('root-admin')).grants).toMatchObject([{ source: 'user', permissions: ['*'] }])
  expect((await access.list('u-off')).grants).toEqual([])
  const both = await access.list('u-both')
  expect(both).toMatchObject({ total: 1, grants: [{ role: 'viewer,editor' }] })
  const { organizations, projects } = at.latchkey
  await organizations.members.add('other', 'u-owner')
  for (const name of ['One', 'Two']) await projects.create({ name, owner: 'u-owner' })
  const all = await access.list('u-owner')
  expect(all.total).toBe(4)
  expect(all.grants.map(({ organization, project }) => project?.slug ?? organization?.slug)).toEqual([
    'other',
    'acme',
    'one',
    'two',
  ])
  const paged: unknown[] = []
  let after: string | undefined
  for (let page = 0; page < all.total; page++) {
    const { grants } = await access.list('u-owner', { limit: 1, ...(after !== undefined && { after }) })
    paged.push(...grants)
    after = grants[0]?.project?.id ?? grants[0]?.organization?.id
  }
  expect(paged).toEqual([...all.grants])
  expect(await Array.fromAsync(access.stream('u-owner'))).toEqual([...all.grants])
})

test('roles of one name in two organizations grant each what it says there', async () => {
  await using at = await temporaryLatchkey()
  const { users, organizations, roles, access } = at.latchkey
  for (const username of ['alice', 'bob']) await users.create({ username })
  for (const [name, permission] of [
    ['Acme', 'project:read'],
    ['Guild', 'project:write'],
  ] as const) {
    await organizations.create({ name, owner: 'alice' })
    await roles.create({ name: 'helper', org: name.toLowerCase(), permissions: [permission] })
    await organizations.members.add(name.toLowerCase(), 'bob', 'helper')
  }
  const { grants } = await access.list('bob')
  expect(grants.map(({ organization, permissions }) => [organization?.slug, permissions])).toEqual([
    ['acme', ['project:read']],
    ['guild', ['project:write']],
  ])
})
