/** What comes back beside what others have, own or lack by now. */
// Runs on PostgreSQL too.
import { afterEach, expect, test } from 'bun:test'
import { failure } from '../../../../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../../../testing/latchkey.ts'
import { splitWords } from '../../../../testing/words.ts'

let scene: TestLatchkey
afterEach(() => scene[Symbol.asyncDispose]())

/** ann and bob, and what `furnish` makes; then a backup. */
async function begin(furnish: () => Promise<unknown>): Promise<string> {
  scene = await temporaryLatchkey()
  for (const username of ['ann', 'bob'])
    await scene.latchkey.users.create({ username, email: `${username}@example.org` })
  await furnish()
  return (await scene.latchkey.backups.create()).id
}

const withAccount = (id: string, user: string, at: string) =>
  scene.query(
    `INSERT INTO accounts (id, user_id, issuer, provider_id, account_id, created_at, updated_at)
     SELECT '${id}', id, 'https://${at}', '${at}', 'g1', 1, 1 FROM users WHERE username = '${user}'`,
  )

test('an account that somebody else has by now stays with them, and is told of', async () => {
  const backup = await begin(async () => {
    await withAccount('acc_1', 'bob', 'github.com')
    await withAccount('acc_2', 'bob', 'gitlab.com')
  })
  const { latchkey, dry } = scene
  await latchkey.users.delete('bob')
  await withAccount('acc_3', 'ann', 'github.com')
  const stays = ['user bob: accounts']
  expect(await dry.backups.restore({ backup, user: 'bob' })).toMatchObject({ stays })
  expect(await latchkey.backups.restore({ backup, user: 'bob' })).toMatchObject({ stays })
  const accounts = await scene.query(
    'SELECT a.id, u.username FROM accounts a JOIN users u ON u.id = a.user_id ORDER BY a.id',
  )
  expect(accounts).toEqual([
    { id: 'acc_2', username: 'bob' },
    { id: 'acc_3', username: 'ann' },
  ])
})

test('an invitation whose id or token another has by now is left out and told of', async () => {
  const backup = await begin(async () => {
    await scene.latchkey.organizations.create({ name: 'Acme', owner: 'ann' })
    await scene.latchkey.organizations.create({ name: 'Guild', owner: 'ann' })
    for (const email of ['x@example.org', 'y@example.org', 'z@example.org'])
      await scene.latchkey.invitations.create({ org: 'acme', email })
  })
  const { latchkey, query } = scene
  const columns = 'email, role, status, token_hash, expires_at, created_at'
  const rows = await query<Record<string, string>>(`SELECT id, ${columns} FROM invitations ORDER BY email`)
  await latchkey.organizations.delete('acme')
  const insert = (id = '', token = '') =>
    query(
      `INSERT INTO invitations (id, organization_id, ${columns})
       SELECT '${id}', id, 'w@example.org', 'member', 'pending', '${token}', 1, 1 FROM organizations`,
    )
  await insert(rows[0]?.['id'], 'f'.repeat(64))
  await insert('inv_other', rows[1]?.['token_hash'])
  const { stays } = await latchkey.backups.restore({ backup, org: 'acme' })
  expect(stays).toEqual(['org acme: invitations'])
  const { invitations } = await latchkey.invitations.list({ org: 'acme' })
  expect(invitations.map(({ email }) => email)).toEqual(['z@example.org'])
})

test('an invitation to a team comes back with both, and so does its undo', async () => {
  await begin(async () => {
    const { organizations, teams, invitations } = scene.latchkey
    await organizations.create({ name: 'Acme', owner: 'ann' })
    await organizations.members.add('acme', 'bob', 'admin')
    await teams.create({ name: 'Core', org: 'acme' })
    await invitations.create({ org: 'acme', email: 'x@example.org', team: 'core' })
    await invitations.create({ org: 'acme', email: 'y@example.org' })
  })
  const { latchkey, query } = scene
  await query("UPDATE invitations SET inviter_id = (SELECT id FROM users WHERE username = 'bob')")
  const list = () => query('SELECT * FROM invitations ORDER BY email')
  const then = await list()
  const backup = (await latchkey.backups.create()).id
  await latchkey.organizations.delete('acme')
  await latchkey.backups.restore({ backup, org: 'acme' })
  expect(await list()).toEqual(then)
  expect(then.map(row => (row as { team_id: string | null }).team_id)).toEqual([expect.any(String), null])
  await latchkey.backups.restore({ undo: true })
  expect(await list()).toEqual([])
  await latchkey.backups.restore({ undo: true })
  expect(await list()).toEqual(then)
  // Whoever invited them is gone: the invitations are not.
  await latchkey.organizations.delete('acme')
  await latchkey.users.delete('bob')
  await latchkey.backups.restore({ backup, org: 'acme' })
  expect(await list()).toEqual(then.map(row => ({ ...(row as object), inviter_id: null })))
})

test.each<[string, () => Promise<unknown>]>([
  ['left', () => scene.latchkey.organizations.members.remove('acme', 'ann')],
  ['was lowered', () => scene.latchkey.organizations.members.setRole('acme', 'ann', 'viewer')],
  [
    'was erased',
    async () => {
      await scene.latchkey.organizations.members.remove('acme', 'ann')
      await scene.latchkey.users.erase('ann')
    },
  ],
])('an organization whose owner %s comes back, and says how to give it one', async (_, leave) => {
  const backup = await begin(() => scene.latchkey.organizations.create({ name: 'Acme', owner: 'ann' }))
  const { latchkey } = scene
  const { members } = latchkey.organizations
  await members.add('acme', 'bob', 'owner')
  await leave()
  await latchkey.organizations.delete('acme')
  const { stays } = await latchkey.backups.restore({ backup, org: 'acme' })
  expect(stays.at(-1)).toBe(
    'org acme: no owner who may sign in; add one with: latchkey org member add acme USER --role owner',
  )
  await members.add('acme', 'bob', 'owner')
  // What is here keeps its owner.
  await latchkey.backups.create()
  expect((await latchkey.backups.restore({ latest: true, org: 'acme' })).stays).toEqual([])
})

/** A key and a chat of bob in a project of ann: all of them deleted. */
async function shared(): Promise<string> {
  const backup = await begin(async () => {
    const { projects, keys, chats } = scene.latchkey
    await projects.create({ name: 'Site', owner: 'ann' })
    await keys.create({ name: 'k1', user: 'bob', project: 'site' })
    await keys.create({ name: 'k2', user: 'bob' })
    await chats.create({ user: 'bob', title: 'Talk', project: 'site' })
  })
  const { chats, keys, users, projects } = scene.latchkey
  for (const chat of (await chats.list()).chats) await chats.delete(chat.id)
  for (const key of ['k1', 'k2']) await keys.delete(key)
  await users.delete('bob')
  await projects.delete('site')
  return backup
}

test.each<[string, { user: string } | { project: string }, { user: string } | { project: string }, string]>([
  ['user', { user: 'bob' }, { project: 'site' }, 'project site'],
  ['project', { project: 'site' }, { user: 'bob' }, 'user bob'],
])('what belonged to two comes back with the second of them, the %s first', async (_, one, other, waited) => {
  const backup = await shared()
  const { latchkey } = scene
  const first = await latchkey.backups.restore({ backup, ...one })
  expect(first.stays).toEqual(
    ['key k1', 'chat Talk'].map(each => `${each}: deleted until the ${waited} is back`),
  )
  const second = await latchkey.backups.restore({ backup, ...other })
  expect(second.stays).toEqual([])
  expect(second.changes).toMatchObject({ chats: { added: ['Talk'] } })
  expect((await latchkey.keys.list()).map(({ name }) => name).sort()).toEqual(['k1', 'k2'])
  expect(await latchkey.keys.get('k1')).toMatchObject({
    user: { username: 'bob' },
    project: { slug: 'site' },
  })
  await latchkey.backups.restore({ undo: true })
  await latchkey.backups.restore({ undo: true })
  expect(await latchkey.keys.get('k1')).toMatchObject({
    user: { username: 'bob' },
    project: { slug: 'site' },
  })
})

test('what a thing belonged to is brought back by the line that the refusal gives, wherever the backup is', async () => {
  await shared()
  const { latchkey } = scene
  const [backup] = await latchkey.backups.list()
  const { code, hint } = await failure(latchkey.backups.restore({ backup: backup?.path ?? '', key: 'k1' }))
  expect(code).toBe('conflict')
  const [line] = /latchkey restore .*$/.exec(hint) ?? []
  const [, , path, option, name] = splitWords(line ?? '')
  expect([option, name]).toEqual(['--user', 'bob'])
  const { changes } = await latchkey.backups.restore({ backup: path ?? '', user: name ?? '' })
  expect(changes?.users.added).toEqual(['bob'])
})

test('what an erased person had given away before comes back to whoever had got it', async () => {
  const backup = await begin(async () => {
    const { projects, keys, users } = scene.latchkey
    await users.create({ username: 'cat' })
    await projects.create({ name: 'Shop', owner: 'bob' })
    await projects.create({ name: 'Site', owner: 'cat' })
    await projects.create({ name: 'Lab', owner: 'bob' })
    await keys.create({ name: 'k3', user: 'bob', project: 'site' })
    await keys.create({ name: 'k4', user: 'bob', metadata: { a: 1 } })
    await keys.create({ name: 'k5', user: 'bob' })
    await keys.create({ name: 'k6', user: 'bob', project: 'site' })
  })
  const { users, keys, projects, backups } = scene.latchkey
  // Somebody whom the backup does not have.
  await users.create({ username: 'dan' })
  await keys.update('k5', { user: 'dan' })
  await keys.delete('k6')
  await users.offboard('bob', { to: 'cat' })
  await users.erase('bob')
  await keys.update('k4', { metadata: { a: 2 } })
  for (const key of ['k3', 'k5']) await keys.delete(key)
  for (const project of ['site', 'lab']) await projects.delete(project)
  const ownerOf = async (key: string) => {
    const { user, status } = await keys.get(key)
    return [user?.username, status]
  }
  await projects.update('shop', { name: 'Store' })
  await backups.restore({ backup, project: 'shop' })
  expect(await projects.get('shop')).toMatchObject({ name: 'Shop', owner: { username: 'cat' } })
  await backups.restore({ backup, project: 'lab' })
  expect(await projects.get('lab')).toMatchObject({ owner: { username: 'cat' } })
  await backups.restore({ backup, key: 'k4' })
  expect(await keys.get('k4')).toMatchObject({ metadata: { a: 1 } })
  await backups.restore({ backup, project: 'site' })
  await backups.restore({ backup, key: 'k5' })
  for (const [key, owner] of [
    ['k3', 'cat'],
    ['k4', 'cat'],
    ['k5', 'dan'],
  ] as const)
    expect(await ownerOf(key)).toEqual([owner, 'active'])
  // What was still theirs is erased with them.
  expect(await failure(backups.restore({ backup, key: 'k6' }))).toMatchObject({ code: 'conflict' })
  const erased = (await keys.list({ project: 'site' })).find(({ name }) => name.startsWith('erased-'))
  expect(erased).toMatchObject({ status: 'revoked' })
  expect(await failure(backups.restore({ backup, key: erased?.id ?? '' }))).toMatchObject({
    code: 'conflict',
  })
})
