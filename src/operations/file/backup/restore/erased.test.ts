/** No backup brings back a person who was erased. */
import { expect, test } from 'bun:test'
import { rmSync, writeFileSync } from 'node:fs'
import { latestVersion } from '../../../../db/schema/version.ts'
import { migrateTo, stepsBetween } from '../../../../db/sqlite/migrate.ts'
import { openWriter } from '../../../../db/sqlite/open.ts'
import { connectLatchkey } from '../../../../index.ts'
import { schemaTables } from '../../../../testing/deleting.ts'
import { failure } from '../../../../testing/failure.ts'
import { temporaryLatchkey } from '../../../../testing/latchkey.ts'

test('a restore of an older backup erases again who was erased since', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { users, keys, chats, sessions, backups, usage, audit } = home.latchkey
  await users.create({ username: 'bob', password: 'correct horse' })
  const { id } = await users.create({
    username: 'alice',
    name: 'Alice Liddell',
    email: 'alice@wonder.example',
    password: 'correct horse',
  })
  const { secret } = await keys.create({ name: 'alices', user: 'alice' })
  await usage.record('alices', { inputTokens: 7 })
  const chat = await chats.create({ user: 'alice', title: 'Rabbit hole' })
  await chats.append(chat.id, { role: 'user', content: 'Down I went' })
  const { token } = await sessions.create({ user: 'bob' })
  await keys.create({ name: 'bobs', user: 'bob' })
  const { id: backup } = await backups.create()
  await keys.revoke('bobs')
  await users.erase('alice')
  for (const one of [{ user: id }, { chat: chat.id }, { key: 'alices' }])
    expect(await failure(backups.restore({ backup, ...one }))).toMatchObject({ code: 'conflict' })
  const { revived } = await backups.restorable({ backup })
  const restored = await backups.restore({ backup, inPlace: true })
  // The key of the erased person is revoked again, so it is not told.
  expect(revived).toMatchObject([{ key: { name: 'bobs' }, because: 'revoked' }])
  expect(restored.revived).toEqual(revived)
  expect(await users.list({ search: 'alice' })).toEqual([])
  expect(await users.get(id)).toMatchObject({
    email: null,
    name: null,
    status: 'disabled',
    hasPassword: false,
  })
  expect(await users.get('bob')).toMatchObject({ hasPassword: true })
  expect((await keys.verify(secret ?? '')).code).toBe('revoked')
  expect((await chats.list()).total).toBe(0)
  expect(await chats.search('went')).toEqual([])
  // Nobody is signed in again by a restore.
  expect(await sessions.verify(token)).toMatchObject({ code: 'not_found' })
  expect(await usage.report()).toMatchObject([{ inputTokens: 7 }])
  expect(await audit.verify()).toMatchObject({ ok: true })
  const dump = JSON.stringify(
    await Promise.all(
      ['users', 'keys', 'audit', 'departed'].map(table => home.query(`SELECT * FROM ${table}`)),
    ),
  )
  for (const told of ['Liddell', 'wonder.example', '"alice"', 'alices']) expect(dump).not.toContain(told)
  // The restored database knows it too, whatever is restored next.
  expect(await home.query('SELECT id FROM erased')).toEqual([{ id }])
  await backups.restore({ backup, inPlace: true })
  expect(await users.list({ search: 'alice' })).toEqual([])
})

test('with what others bring back from a backup, nothing of a person who was erased comes back', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { latchkey, path, clock } = home
  const { users, projects, chats, organizations, teams, invitations, backups, audit } = latchkey
  await users.create({ username: 'bob' })
  const { id } = await users.create({ username: 'zora.old', email: 'zora.old@wonder.example' })
  for (const name of ['Acme', 'Guild']) await organizations.create({ name, owner: 'bob' })
  await invitations.create({ org: 'acme', email: 'zora.old@wonder.example' })
  await projects.create({ name: 'Shop', owner: 'bob' })
  const named = { name: 'zora.old', origin: 'terminal' } as const
  const itself = connectLatchkey({ path, now: () => clock.now, actor: named })
  await itself.files.put('shop', 'plan.md', 'x')
  await itself.close()
  await users.update(id, { username: 'zora', email: 'zora@wonder.example' })
  await invitations.create({ org: 'acme', email: 'zora@wonder.example' })
  await organizations.members.add('acme', 'zora', 'admin')
  await teams.create({ name: 'Core', org: 'acme' })
  await teams.members.add('Core', 'zora')
  await projects.members.add('shop', 'zora', 'member')
  await latchkey.as(id).invitations.create({ org: 'acme', email: 'dan@example.org' })
  const chat = await chats.create({ user: 'zora', title: 'Zora in court', project: 'shop' })
  const { id: backup } = await backups.create()
  clock.now = new Date(clock.now.getTime() + 60_000)
  await users.erase('zora')
  await organizations.delete('acme')
  await projects.update('shop', { name: 'Store' })
  await backups.restore({ backup, project: 'shop' })
  await backups.restore({ undo: true })
  await projects.delete('shop')
  await backups.restore({ backup, project: 'shop' })
  await backups.restore({ backup, org: 'acme' })
  const { members } = await organizations.members.list('acme')
  expect(members.map(({ user }) => user.username)).toEqual(['bob'])
  expect((await teams.members.list('Core')).members).toEqual([])
  expect((await invitations.list({ org: 'acme' })).invitations).toMatchObject([
    { email: 'dan@example.org', inviter: null },
  ])
  expect((await projects.get('shop')).members).toEqual([])
  expect(await home.query('SELECT path, actor FROM file_history')).toEqual([
    { path: 'plan.md', actor: 'erased' },
  ])
  expect((await chats.list()).total).toBe(0)
  expect(await failure(backups.restore({ backup, chat: chat.id }))).toMatchObject({ code: 'conflict' })
  expect(await audit.verify()).toMatchObject({ ok: true })
  for (const table of schemaTables.keys())
    expect(JSON.stringify(await home.query(`SELECT * FROM "${table}"`))).not.toMatch(/zora/i)
  // Free space of the file had their words until then.
  await latchkey.database.vacuum()
  expect(/zora/i.test(await home.dump())).toBe(false)
})

test.each<[string, (path: string) => void]>([
  ['is lost', path => rmSync(path)],
  ['is damaged', path => writeFileSync(path, Buffer.alloc(65_536, 7), { flag: 'r+' })],
])('where the database %s, its newer backups say who was erased', async (_, lose) => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { users, backups } = home.latchkey
  const { id } = await users.create({ username: 'alice', email: 'alice@wonder.example' })
  await users.create({ username: 'bob' })
  const { id: backup } = await backups.create()
  await users.erase('alice')
  await backups.create()
  await home.latchkey.close()
  for (const suffix of ['-wal', '-shm']) rmSync(`${home.path}${suffix}`, { force: true })
  lose(home.path)
  const latchkey = connectLatchkey({ path: home.path, actor: { name: 'tester', origin: 'script' } })
  await latchkey.backups.restore({ backup })
  expect(await latchkey.users.get(id)).toMatchObject({ email: null, status: 'disabled' })
  expect(await latchkey.users.list({ search: 'alice' })).toEqual([])
  expect(await latchkey.users.get('bob')).toMatchObject({ status: 'active' })
  expect(await home.query('SELECT id FROM erased')).toEqual([{ id }])
  await latchkey.close()
})

test.each([latestVersion, 12])(
  'a dry run counts what a restore leaves, from schema version %i',
  async version => {
    await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
    const { users, keys, chats, sessions, backups, audit } = home.latchkey
    const toVersion = (version: number) => {
      using client = openWriter(home.path)
      migrateTo(client, home.path, version, { now: 0, programVersion: '0' })
    }
    for (const username of ['alice', 'bob']) await users.create({ username, password: 'correct horse' })
    await keys.create({ name: 'ci', user: 'alice' })
    await chats.create({ user: 'alice', title: 'Rabbit hole' })
    for (const user of ['alice', 'bob']) await sessions.create({ user })
    toVersion(version)
    const { id: backup } = await backups.create()
    toVersion(latestVersion)
    await users.erase('alice')
    const before = await home.dump()
    const tried = await home.dry.backups.restore({ backup })
    expect(await home.dump()).toBe(before)
    const plan = await backups.planRestore({ backup, inPlace: true })
    const { rows } = await plan.restore()
    expect(tried.rows).toEqual(rows)
    expect(rows).toMatchObject({ users: 2, sessions: 0, chats: 0, accounts: 1 })
    // Tried and carried out, but written down once.
    const restores = await audit.list({ action: 'database.restore' })
    expect(restores).toMatchObject([
      { after: { steps: stepsBetween(version, latestVersion).map(({ name }) => name) } },
    ])
    expect(await audit.verify()).toMatchObject({ ok: true })
  },
)
