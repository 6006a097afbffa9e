import { afterAll, afterEach, expect, test } from 'bun:test'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LatchkeyError } from '../../../../contract/errors.ts'
import { latestVersion } from '../../../../db/schema/version.ts'
import { Client } from '../../../../db/sqlite/client.ts'
import { migrateTo } from '../../../../db/sqlite/migrate.ts'
import { openWriter } from '../../../../db/sqlite/open.ts'
import type { Latchkey } from '../../../../index.ts'
import { type TemporaryFolder, temporaryFolder } from '../../../../testing/folder.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../../../testing/latchkey.ts'

let scene: TestLatchkey
const templates = new Map<Furnish, { readonly folder: TemporaryFolder; readonly made: Made }>()
afterEach(() => scene[Symbol.asyncDispose]())
afterAll(() => {
  for (const { folder } of templates.values()) folder.remove()
})

interface Made {
  readonly secret: string
  /** The id of the last backup. */
  readonly backup: string
}
type Furnish = (latchkey: Latchkey) => Promise<Made>

/** A scene of its own: a copy of the first that was furnished so. */
async function begin(furnish: Furnish = plain) {
  const template = templates.get(furnish) ?? (await newTemplate(furnish))
  scene = await temporaryLatchkey(undefined, template.folder.path)
  // What is made from now on is younger than what was copied.
  scene.clock.now = new Date(scene.clock.now.getTime() + 1)
  return { latchkey: scene.latchkey, dry: scene.dry, ...template.made }
}

async function newTemplate(furnish: Furnish) {
  await using home = await temporaryLatchkey()
  const made = await furnish(home.latchkey)
  await home.latchkey.close()
  const folder = temporaryFolder()
  cpSync(home.folder, folder.path, { recursive: true })
  templates.set(furnish, { folder, made })
  return { folder, made }
}

/**
 * alice owns the project shop; the keys ci (hers, in shop, with limits and use) and deploy (in shop). bob is a member
 * of shop. Then a backup.
 */
async function plain(latchkey: Latchkey): Promise<Made> {
  await latchkey.users.create({ username: 'alice', email: 'alice@example.org', password: 'correct horse' })
  await latchkey.users.create({ username: 'bob' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  await latchkey.projects.update('shop', { addMembers: [{ user: 'bob', role: 'viewer' }] })
  const limits = [{ metric: 'tokens', amount: 100, windowMs: 3_600_000 }] as const
  const ci = await latchkey.keys.create({ name: 'ci', user: 'alice', project: 'shop', limits })
  await latchkey.keys.create({ name: 'deploy', project: 'shop' })
  await latchkey.keys.create({ name: 'other' })
  await latchkey.usage.record('ci', { inputTokens: 60 })
  return { secret: ci.secret ?? '', backup: (await latchkey.backups.create()).id }
}

const soon = (): Date => new Date('2026-11-20T12:00:01Z')

const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: LatchkeyError) => error.code,
  )

/** Everything in the database but the audit trail, as text. */
function contents(): string {
  const client = new Client(scene.path, { readwrite: true })
  try {
    const tables = client
      .query(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name <> 'audit' ORDER BY name",
      )
      .values()
      .flat()
    return JSON.stringify(tables.map(name => client.query(`SELECT * FROM "${name}" ORDER BY 1, 2`).values()))
  } finally {
    client.close()
  }
}

test('a deleted key comes back with its secret, limits and use, and nothing else changes', async () => {
  const { latchkey, secret } = await begin()
  const before = contents()
  await latchkey.keys.delete('ci')
  expect((await latchkey.keys.verify(secret)).code).toBe('not_found')
  const restored = await latchkey.backups.restore({ latest: true, key: 'ci' })
  expect(restored).toMatchObject({
    changes: { keys: { added: ['ci'], changed: [] }, users: { added: [] }, projects: { added: [] } },
    safetyBackup: { reason: 'pre-restore' },
    movedAside: [],
  })
  expect(contents()).toBe(before)
  expect((await latchkey.keys.verify(secret, { wanted: { tokens: 41 } })).code).toBe('limit_exceeded')
  expect((await latchkey.keys.verify(secret, { wanted: { tokens: 40 } })).code).toBe('valid')
  expect((await latchkey.audit.list({ action: 'key.restore' }))[0]).toMatchObject({
    target: { type: 'key', name: 'ci' },
    after: { backup: restored.backup.id, safetyBackup: restored.safetyBackup?.id },
  })
})

test('a dry run says what would come back, and nothing does', async () => {
  const { latchkey, dry } = await begin()
  await latchkey.keys.delete('ci')
  const before = contents()
  const {
    changes,
    safetyBackup,
    rows,
    before: counts,
  } = await dry.backups.restore({ latest: true, key: 'ci' })
  expect(changes?.keys.added).toEqual(['ci'])
  expect(safetyBackup).toBeNull()
  expect([counts?.['keys'], rows['keys']]).toEqual([2, 3])
  expect(contents()).toBe(before)
})

test('of a key that is still there the settings go back; credentials and use do not', async () => {
  const { latchkey, secret } = await begin()
  await latchkey.keys.update('ci', { model: 'gpt-y', limits: [] })
  const rotated = await latchkey.keys.rotate('ci')
  await latchkey.usage.record('ci', { inputTokens: 30 })
  const restored = await latchkey.backups.restore({ latest: true, key: 'ci' })
  expect(restored.changes?.keys).toEqual({ added: [], removed: [], changed: ['ci'] })
  const { key, totals } = await latchkey.keys.stats('ci')
  expect(key).toMatchObject({ model: null, limits: [{ amount: 100 }] })
  expect(totals.tokens).toBe(90)
  expect((await latchkey.keys.verify(secret)).code).toBe('rotated')
  expect((await latchkey.keys.verify(rotated.secret ?? '')).code).toBe('valid')
  expect((await latchkey.backups.restore({ latest: true, key: 'ci' })).changes?.keys.changed).toEqual([])
})

test('a deleted key comes back to what it used, before and after the backup', async () => {
  const { latchkey } = await begin()
  await latchkey.usage.record('ci', { inputTokens: 30 })
  await latchkey.keys.delete('ci')
  const report = () => latchkey.usage.report({ by: ['key', 'user'] })
  const before = await report()
  expect(before).toMatchObject([{ key: { name: 'ci' }, tokens: 90 }])
  await latchkey.backups.restore({ latest: true, key: 'ci' })
  expect(await report()).toEqual(before)
  const { key, totals } = await latchkey.keys.stats('ci')
  expect(totals.tokens).toBe(90)
  const [{ used = 0 } = {}] = await latchkey.limits.list({ key: 'ci' })
  expect([used, key.limits.length]).toEqual([90, 1])
  const departed = () => {
    using client = new Client(scene.path, { readonly: true })
    return client.query('SELECT name FROM departed').values()
  }
  expect(departed()).toEqual([])
  await latchkey.backups.restore({ undo: true })
  expect(departed()).toEqual([['ci']])
  expect(await report()).toEqual(before)
})

test('what went with a key that an earlier version deleted comes back with it', async () => {
  const { latchkey } = await begin()
  for (const model of ['gpt-x', 'gpt-y']) await latchkey.usage.record('ci', { inputTokens: 1, model })
  await latchkey.backups.create()
  const before = await latchkey.usage.report({ by: ['key', 'model', 'day'] })
  await latchkey.keys.delete('ci')
  using client = new Client(scene.path, { readwrite: true })
  for (const table of ['minutes', 'hours', 'days', 'series', 'models']) client.run(`DELETE FROM ${table}`)
  // A model has another number here than in the backup.
  await latchkey.usage.record('other', { model: 'gpt-y' })
  for (const table of ['minutes', 'hours', 'days', 'series']) client.run(`DELETE FROM ${table}`)
  await latchkey.backups.restore({ latest: true, key: 'ci' })
  expect(await latchkey.usage.report({ by: ['key', 'model', 'day'] })).toEqual(before)
  expect((await latchkey.keys.stats('ci')).totals.tokens).toBe(62)
  expect((await latchkey.usage.check()).ok).toBe(true)
})

test('of a backup of an older schema only that comes back which is missing here', async () => {
  const { latchkey, dry } = await begin()
  const toVersion = (version: number) => {
    using client = openWriter(scene.path)
    migrateTo(client, scene.path, version, { now: 0, programVersion: '0' })
  }
  // Limits had fewer columns then.
  toVersion(4)
  const { id } = await latchkey.backups.create()
  toVersion(latestVersion)
  const before = await latchkey.keys.get('ci')
  const changed = async () => {
    const { changes } = await dry.backups.restore({ backup: id })
    return Object.values(changes ?? {}).flatMap(({ added, removed, changed }) =>
      [added, removed, changed].flat(),
    )
  }
  expect(await changed()).toEqual([])
  await latchkey.keys.delete('ci')
  await latchkey.backups.restore({ backup: id, key: 'ci' })
  expect(await latchkey.keys.get('ci')).toEqual(before)
  // Passwords stood in another table then.
  await latchkey.users.setPassword('alice', 'another horse')
  expect(await changed()).toEqual(['alice'])
})

test('an imported key that comes back is counted once by the next import', async () => {
  const { latchkey } = await begin()
  const file = join(scene.folder, 'apikeys.json')
  const load = (tokens: number, used: readonly number[]) => {
    const usage_windows = used.map((tokens_used, n) => ({
      window_start: `2026-11-19T0${n}:00:00Z`,
      tokens_used,
    }))
    const entry = {
      key: 'pk_secret_of_one',
      name: 'One',
      token_limit_per_5h: 9,
      total_lifetime_tokens: tokens,
    }
    writeFileSync(file, JSON.stringify({ keys: [{ ...entry, usage_windows }] }))
    return latchkey.imports.glmProxy({ file })
  }
  const tokens = async () => (await latchkey.keys.stats('One')).totals.tokens
  await load(100, [60])
  await latchkey.backups.create()
  await load(150, [70, 20])
  await latchkey.usage.record('One', { inputTokens: 5 })
  await latchkey.keys.delete('One')
  await latchkey.backups.restore({ latest: true, key: 'One' })
  expect(await tokens()).toBe(155)
  expect(await load(150, [70, 20])).toMatchObject({ updated: 0, unchanged: 1 })
  await load(160, [70, 30])
  expect(await tokens()).toBe(165)
  expect(await latchkey.usage.report({ by: ['key'] })).toMatchObject([{ tokens: 105 }, { tokens: 60 }])
})

test('a key that was revoked since stays revoked, and a changed password stays changed', async () => {
  const { latchkey } = await begin()
  await latchkey.keys.revoke('ci', { reason: 'leaked' })
  await latchkey.users.setPassword('alice', 'a better horse')
  await latchkey.backups.restore({ latest: true, key: 'ci' })
  await latchkey.backups.restore({ latest: true, user: 'alice' })
  expect((await latchkey.keys.get('ci')).status).toBe('revoked')
  expect(await latchkey.users.verifyPassword('alice', 'a better horse')).toBe(true)
})

test('a user comes back with the projects they own and their keys, a project with its members and keys', async () => {
  const { latchkey, secret } = await begin()
  const before = contents()
  for (const key of ['ci', 'deploy']) await latchkey.keys.delete(key)
  await latchkey.projects.delete('shop')
  await latchkey.users.delete('alice')
  expect(await code(latchkey.backups.restore({ latest: true, project: 'shop' }))).toBe('conflict')
  expect(await code(latchkey.backups.restore({ latest: true, key: 'ci' }))).toBe('conflict')
  const { changes } = await latchkey.backups.restore({ latest: true, user: 'alice' })
  expect(changes).toMatchObject({
    users: { added: ['alice'] },
    projects: { added: ['shop'] },
    keys: { added: ['ci', 'deploy'] },
  })
  expect(contents()).toBe(before)
  expect((await latchkey.keys.verify(secret)).code).toBe('valid')
  await latchkey.keys.delete('deploy')
  await latchkey.projects.update('shop', { name: 'Changed' })
  const project = await latchkey.backups.restore({ latest: true, project: 'shop' })
  expect(project.changes).toMatchObject({
    projects: { changed: ['shop'] },
    keys: { added: [], changed: [] },
  })
  expect(await latchkey.projects.get('shop')).toMatchObject({ name: 'Shop', members: [{ role: 'viewer' }] })
})

/** What is wide in a backup, and how it is narrowed since. Every column that says who gets in has a row. */
const narrowings: readonly [
  string,
  (latchkey: Latchkey) => Promise<unknown>,
  object,
  () => Promise<unknown>,
  unknown,
][] = [
  [
    'a disabled key',
    latchkey => latchkey.keys.disable('ci'),
    { key: 'ci' },
    async () => (await scene.latchkey.keys.get('ci')).status,
    'disabled',
  ],
  [
    'an earlier expiry',
    latchkey => latchkey.keys.update('ci', { expiresAt: new Date('2030-01-01T00:00:00Z') }),
    { key: 'ci' },
    async () => (await scene.latchkey.keys.get('ci')).expiresAt,
    new Date('2030-01-01T00:00:00Z'),
  ],
  [
    'fewer scopes',
    latchkey => latchkey.keys.update('ci', { scopes: ['chat:read', 'new:write'] }),
    { key: 'ci' },
    async () => (await scene.latchkey.keys.get('ci')).scopes,
    ['chat:read'],
  ],
  [
    'fewer models',
    latchkey => latchkey.keys.update('ci', { allowedModels: ['gpt-4*', 'o1'] }),
    { key: 'ci' },
    async () => (await scene.latchkey.keys.get('ci')).allowedModels,
    ['gpt-4*'],
  ],
  [
    'a key that went to an archived project',
    async latchkey => {
      await latchkey.projects.create({ name: 'Closed', owner: 'bob' })
      await latchkey.keys.update('ci', { project: 'closed' })
      await latchkey.projects.archive('closed')
    },
    { key: 'ci' },
    async () => (await scene.latchkey.keys.get('ci')).project?.slug,
    'closed',
  ],
  [
    'a disabled user',
    latchkey => latchkey.users.disable('alice'),
    { user: 'alice' },
    async () => (await scene.latchkey.users.get('alice')).disabledAt !== null,
    true,
  ],
  [
    'a lower role',
    latchkey => latchkey.users.update('alice', { role: 'viewer' }),
    { user: 'alice' },
    async () => (await scene.latchkey.users.get('alice')).role,
    'viewer',
  ],
  [
    'an archived project',
    latchkey => latchkey.projects.archive('shop'),
    { project: 'shop' },
    async () => (await scene.latchkey.projects.get('shop')).status,
    'archived',
  ],
  [
    'a member who was removed',
    latchkey => latchkey.projects.update('shop', { removeMembers: ['bob'] }),
    { project: 'shop' },
    async () => (await scene.latchkey.projects.get('shop')).members.map(each => each.user.username),
    ['carol'],
  ],
  [
    'a member whose role was lowered',
    latchkey => latchkey.projects.update('shop', { addMembers: [{ user: 'carol', role: 'viewer' }] }),
    { project: 'shop' },
    async () =>
      (await scene.latchkey.projects.get('shop')).members.find(each => each.user.username === 'carol')?.role,
    'viewer',
  ],
]

/** The backup is as wide as can be. */
async function wide(latchkey: Latchkey): Promise<Made> {
  const { secret } = await plain(latchkey)
  await latchkey.users.create({ username: 'carol' })
  await latchkey.users.update('alice', { role: 'admin' })
  await latchkey.projects.update('shop', { addMembers: [{ user: 'carol', role: 'admin' }] })
  await latchkey.keys.update('ci', { scopes: ['chat:*', 'files:read'], allowedModels: ['gpt-*'] })
  await latchkey.organizations.create({ name: 'Acme', owner: 'bob' })
  await latchkey.roles.create({ name: 'writer', org: 'acme', permissions: ['project:*'] })
  await latchkey.roles.create({ name: 'editor', permissions: ['project:*'] })
  return { secret, backup: (await latchkey.backups.create()).id }
}

test.each(narrowings)(
  '%s stays so when the thing is brought back',
  async (_, narrow, subject, look, expected) => {
    const { latchkey, backup } = await begin(wide)
    await narrow(latchkey)
    const { stays } = await latchkey.backups.restore({ backup, ...subject })
    expect(await look()).toEqual(expected)
    expect(stays).toHaveLength(1)
    expect((await latchkey.backups.restore({ backup, ...subject })).stays).toEqual(stays)
  },
)

test('what was narrower in the backup is narrower again', async () => {
  const { latchkey, backup } = await begin(wide)
  await latchkey.keys.update('ci', { scopes: ['chat:*', 'files:*', 'users:*'], allowedModels: null })
  const { stays } = await latchkey.backups.restore({ backup, key: 'ci' })
  expect(await latchkey.keys.get('ci')).toMatchObject({
    scopes: ['chat:*', 'files:read'],
    allowedModels: ['gpt-*'],
  })
  expect(stays).toEqual([])
})

test.each<[string, (latchkey: Latchkey) => Promise<unknown>, string]>([
  ['revoked', latchkey => latchkey.keys.revoke('ci'), 'revoked'],
  ['disabled', latchkey => latchkey.keys.disable('ci'), 'disabled'],
  ['rotated', latchkey => latchkey.keys.rotate('ci'), 'rotated'],
  ['cut short', latchkey => latchkey.keys.update('ci', { expiresAt: soon() }), 'expired'],
])('a key that was %s before it was deleted comes back so', async (_, narrow, expected) => {
  const { latchkey, secret, backup } = await begin(wide)
  await narrow(latchkey)
  if (expected === 'expired') scene.clock.now = soon()
  await latchkey.keys.delete('ci')
  const { stays } = await latchkey.backups.restore({ backup, key: 'ci' })
  expect((await latchkey.keys.verify(secret)).code).toBe(expected as never)
  expect(stays).toHaveLength(1)
})

/** Every way in which a user and a project can be restricted, and what they are then. */
const shutBefore: readonly [string, (latchkey: Latchkey) => Promise<unknown>, object][] = [
  [
    'a user disabled for good',
    ({ users }) => users.disable('carol', { reason: 'unpaid' }),
    { status: 'disabled', disabledReason: 'unpaid', disabledUntil: null },
  ],
  [
    'a user disabled for a time',
    ({ users }) => users.disable('carol', { until: soon(), reason: 'unpaid' }),
    { status: 'disabled', disabledReason: 'unpaid', disabledUntil: soon() },
  ],
  ['a user with a lower role', ({ users }) => users.update('carol', { role: 'viewer' }), { role: 'viewer' }],
]

test.each(shutBefore)('%s before the deletion comes back so', async (_, narrow, expected) => {
  const { latchkey, backup } = await begin(wide)
  await narrow(latchkey)
  await latchkey.users.delete('carol')
  const { stays } = await latchkey.backups.restore({ backup, user: 'carol' })
  expect(await latchkey.users.get('carol')).toMatchObject(expected)
  expect(stays).toHaveLength(1)
})

test('a user who was disabled until a time before the deletion is active from then on', async () => {
  const { latchkey, backup } = await begin(wide)
  await latchkey.users.disable('carol', { until: soon() })
  await latchkey.users.delete('carol')
  await latchkey.backups.restore({ backup, user: 'carol' })
  scene.clock.now = soon()
  expect(await latchkey.users.get('carol')).toMatchObject({ status: 'active', disabledUntil: null })
})

/** Ways to delete alice with all that is hers. */
const leavings: readonly [string, (latchkey: Latchkey) => Promise<unknown>][] = [
  ['together', ({ users }) => users.offboard('alice', { deleteAll: true })],
  [
    'one after the other',
    async ({ keys, projects, users }) => {
      await keys.delete('ci')
      await projects.delete('shop')
      await users.delete('alice')
    },
  ],
  [
    'by a filter',
    async ({ keys, projects, users }) => {
      await keys.changeMatching({ user: 'alice' }, { verb: 'delete' })
      await projects.delete('shop')
      await users.delete('alice')
    },
  ],
]

test.each(leavings)('what a user had, deleted %s, comes back as restricted as it was', async (_, leave) => {
  const { latchkey, secret, backup } = await begin(wide)
  await latchkey.keys.delete('deploy')
  await latchkey.keys.revoke('ci', { reason: 'leaked' })
  await latchkey.users.update('alice', { role: 'viewer' })
  await latchkey.projects.archive('shop')
  await latchkey.projects.update('shop', {
    removeMembers: ['bob'],
    addMembers: [{ user: 'carol', role: 'viewer' }],
  })
  await leave(latchkey)
  const { stays } = await latchkey.backups.restore({ backup, user: 'alice' })
  expect((await latchkey.keys.verify(secret)).code).toBe('revoked')
  expect(await latchkey.keys.get('ci')).toMatchObject({
    revokedReason: 'leaked',
    scopes: ['chat:*', 'files:read'],
  })
  expect(await latchkey.users.get('alice')).toMatchObject({ role: 'viewer', status: 'active' })
  expect(await latchkey.projects.get('shop')).toMatchObject({
    status: 'archived',
    members: [{ user: { username: 'carol' }, role: 'viewer' }],
  })
  expect(stays).toEqual(['user alice: role', 'project shop: archived, members', 'key ci: revoked'])
})

test.each(leavings)(
  'what a user had, deleted %s, comes back as it was if nothing restricted it',
  async (_, leave) => {
    const { latchkey, backup } = await begin(wide)
    await latchkey.keys.delete('deploy')
    const before = contents()
    await leave(latchkey)
    expect(await latchkey.backups.restore({ backup, user: 'alice' })).toMatchObject({ stays: [] })
    await latchkey.keys.delete('deploy')
    expect(contents()).toBe(before)
  },
)

/** Bob owns Acme and Shop. Alice is in both, and in a team, and signs in with a password and elsewhere. */
async function tied(latchkey: Latchkey): Promise<Made> {
  const { users, organizations, projects, teams, backups } = latchkey
  await users.create({ username: 'bob' })
  await users.create({ username: 'alice', password: 'correct horse' })
  await organizations.create({ name: 'Acme', owner: 'bob' })
  await organizations.members.add('acme', 'alice', 'owner')
  await projects.create({ name: 'Shop', owner: 'bob' })
  await projects.members.add('shop', 'alice', 'admin')
  await teams.create({ name: 'Core', org: 'acme' })
  await teams.members.add('Core', 'alice')
  return { secret: '', backup: (await backups.create()).id }
}

/** What a user loses, what is left of it, and what is told of it when the user comes back. */
const losses: readonly [string, (latchkey: Latchkey) => Promise<unknown>, object, readonly string[]][] = [
  ['nothing', async () => {}, {}, []],
  [
    'the place in an organization',
    ({ organizations }) => organizations.members.remove('acme', 'alice'),
    { org: undefined, team: [] },
    ['memberships'],
  ],
  [
    'a role in an organization',
    ({ organizations }) => organizations.members.setRole('acme', 'alice', 'viewer'),
    { org: 'viewer' },
    ['memberships'],
  ],
  [
    'the place in a project',
    ({ projects }) => projects.members.remove('shop', 'alice'),
    { project: undefined },
    ['memberships'],
  ],
  [
    'a role in a project',
    ({ projects }) => projects.update('shop', { addMembers: [{ user: 'alice', role: 'viewer' }] }),
    { project: 'viewer' },
    ['memberships'],
  ],
  [
    'the place in a team',
    ({ teams }) => teams.members.remove('Core', 'alice'),
    { team: [] },
    ['memberships'],
  ],
  [
    'every place, when they left',
    ({ users }) => users.offboard('alice', { disable: true }),
    { org: undefined, project: undefined, team: [] },
    ['disabled', 'memberships'],
  ],
  [
    'the old password',
    ({ users }) => users.setPassword('alice', 'a better horse'),
    { password: false },
    ['password'],
  ],
  [
    'every way to sign in',
    async ({ accounts }) => {
      const { accounts: found } = await accounts.list({ user: 'alice' })
      for (const { id } of found) await accounts.unlink(id, { evenLast: true })
    },
    { password: false },
    ['password'],
  ],
  [
    'what nobody knows any more',
    async () => {
      await scene.latchkey.users.delete('alice')
      await scene.query(
        "UPDATE audit SET before = json_remove(before, '$.memberships', '$.accounts') WHERE action = 'user.delete'",
      )
    },
    { org: undefined, project: undefined, team: [], password: false },
    ['memberships', 'password'],
  ],
]

test.each(losses)(
  'a user who had lost %s before the deletion does not get it back',
  async (_, lose, left, told) => {
    const { latchkey, backup } = await begin(tied)
    await lose(latchkey)
    await latchkey.users.delete('alice').catch(() => undefined)
    const { stays } = await latchkey.backups.restore({ backup, user: 'alice' })
    const { organizations, projects, teams, users } = latchkey
    const roleIn = (
      members: readonly { readonly user: { readonly username: string }; readonly role: string }[],
    ) => members.find(({ user }) => user.username === 'alice')?.role
    expect({
      org: roleIn((await organizations.members.list('acme')).members),
      project: roleIn((await projects.get('shop')).members),
      team: (await teams.members.list('Core')).members.map(({ user }) => user.username),
      password: await users.verifyPassword('alice', 'correct horse'),
    }).toEqual({ org: 'owner', project: 'admin', team: ['alice'], password: told[0] !== 'disabled', ...left })
    expect(stays).toEqual(told.length === 0 ? [] : [`user alice: ${told.join(', ')}`])
  },
)

test('a user who was promoted before the deletion has the role of the backup again', async () => {
  const { latchkey } = await begin(tied)
  await latchkey.organizations.members.setRole('acme', 'alice', 'viewer')
  const { id: backup } = await latchkey.backups.create()
  scene.clock.now = soon()
  await latchkey.organizations.members.setRole('acme', 'alice', 'owner')
  await latchkey.projects.members.remove('shop', 'alice')
  await latchkey.projects.members.add('shop', 'alice', 'admin')
  await latchkey.users.offboard('alice', { deleteAll: true })
  expect(await latchkey.backups.restore({ backup, user: 'alice' })).toMatchObject({ stays: [] })
  const { members } = await latchkey.organizations.members.list('acme')
  expect(members.map(({ user, role }) => [user.username, role])).toEqual([
    ['bob', 'owner'],
    ['alice', 'viewer'],
  ])
  expect((await latchkey.projects.get('shop')).members).toMatchObject([{ role: 'admin' }])
})

/** Deletions of which the log no longer tells everything, and what the thing is then. */
const untold: readonly [
  string,
  string,
  (latchkey: Latchkey) => Promise<unknown>,
  object,
  () => Promise<object>,
  object,
][] = [
  [
    'a key',
    'scopes',
    ({ keys }) => keys.delete('ci'),
    { key: 'ci' },
    () => scene.latchkey.keys.get('ci'),
    { status: 'disabled', revokedAt: null },
  ],
  [
    'a user',
    'disabledAt',
    ({ users }) => users.delete('carol'),
    { user: 'carol' },
    () => scene.latchkey.users.get('carol'),
    { status: 'disabled', disabledUntil: null, role: 'viewer' },
  ],
  [
    'a project',
    'archivedAt',
    async ({ keys, projects }) => {
      for (const key of ['ci', 'deploy']) await keys.delete(key)
      await projects.delete('shop')
    },
    { project: 'shop' },
    () => scene.latchkey.projects.get('shop'),
    { status: 'archived', members: [{ user: { username: 'bob' } }, { user: { username: 'carol' } }] },
  ],
  [
    'a project without its members',
    'members',
    async ({ keys, projects }) => {
      for (const key of ['ci', 'deploy']) await keys.delete(key)
      await projects.delete('shop')
    },
    { project: 'shop' },
    () => scene.latchkey.projects.get('shop'),
    { status: 'active', members: [] },
  ],
  [
    'a role',
    'permissions',
    ({ roles }) => roles.delete('editor'),
    { role: 'editor' },
    () => scene.latchkey.roles.get('editor'),
    { permissions: [] },
  ],
]

test.each(untold)(
  '%s comes back shut if the log does not tell all of its deletion (%s)',
  async (_, field, go, subject, look, expected) => {
    const { latchkey, backup } = await begin(wide)
    await go(latchkey)
    await scene.query(
      `UPDATE audit SET before = json_remove(before, '$.${field}') WHERE action LIKE '%.delete'`,
    )
    const { stays } = await latchkey.backups.restore({ backup, ...subject })
    expect(await look()).toMatchObject(expected)
    expect(stays).toHaveLength(1)
  },
)

test('a key comes back shut if the log no longer tells of it, because it was erased with a person', async () => {
  const { latchkey, backup } = await begin(wide)
  await latchkey.users.create({ username: 'dave' })
  await latchkey.keys.update('ci', { user: 'dave', scopes: ['chat:read'] })
  await latchkey.keys.delete('ci')
  await latchkey.users.erase('dave')
  await latchkey.backups.restore({ backup, key: 'ci' })
  expect((await latchkey.keys.get('ci')).status).toBe('disabled')
})

test('a key that had gone to an archived project before it was deleted comes back there', async () => {
  const { latchkey, secret, backup } = await begin(wide)
  await latchkey.projects.create({ name: 'Closed', owner: 'bob' })
  await latchkey.keys.update('ci', { project: 'closed' })
  await latchkey.projects.archive('closed')
  await latchkey.keys.delete('ci')
  const { stays } = await latchkey.backups.restore({ backup, key: 'ci' })
  expect(stays).toEqual(['key ci: project'])
  expect((await latchkey.keys.verify(secret)).code).toBe('project_archived')
})

test('a role that was narrowed before its organization was deleted comes back so', async () => {
  const { latchkey, backup } = await begin(wide)
  await latchkey.roles.update({ role: 'writer', org: 'acme' }, { permissions: ['project:read'] })
  await latchkey.organizations.delete('acme')
  const { stays } = await latchkey.backups.restore({ backup, org: 'acme' })
  expect(await latchkey.roles.get({ role: 'writer', org: 'acme' })).toMatchObject({
    permissions: ['project:read'],
  })
  expect(stays).toEqual(['role writer: permissions'])
})

test('an undo brings back as revoked what was revoked and deleted since', async () => {
  const { latchkey, secret, backup } = await begin()
  await latchkey.keys.update('ci', { model: 'gpt-y' })
  await latchkey.backups.restore({ backup, key: 'ci' })
  await latchkey.keys.revoke('ci')
  await latchkey.keys.delete('ci')
  expect(await latchkey.backups.restore({ undo: true })).toMatchObject({ stays: ['key ci: revoked'] })
  expect((await latchkey.keys.verify(secret)).code).toBe('revoked')
})

test('an undo brings nothing back of a person who was erased since', async () => {
  const { latchkey, backup } = await begin(talking)
  for (const key of ['ci', 'deploy']) await latchkey.keys.delete(key)
  await latchkey.chats.delete('Holiday')
  await latchkey.projects.delete('shop')
  const { changes } = await latchkey.backups.restore({ backup, project: 'shop' })
  expect(changes?.chats.added).toEqual(['Holiday'])
  await latchkey.backups.restore({ undo: true })
  await latchkey.users.erase('bob')
  const before = contents()
  expect(await code(latchkey.backups.restore({ undo: true }))).toBe('conflict')
  expect(contents()).toBe(before)
})

test('a deleted key of a user or a project that is there stays deleted', async () => {
  const { latchkey, secret } = await begin()
  await latchkey.keys.delete('ci')
  for (const subject of [{ user: 'alice' }, { project: 'shop' }]) {
    const { changes } = await latchkey.backups.restore({ latest: true, ...subject })
    expect(changes?.keys.added).toEqual([])
  }
  expect((await latchkey.keys.verify(secret)).code).toBe('not_found')
})

test('an undo takes back what a return added or changed, and nothing else', async () => {
  const { latchkey, secret } = await begin()
  for (const key of ['ci', 'deploy']) await latchkey.keys.delete(key)
  await latchkey.projects.delete('shop')
  const before = contents()
  await latchkey.backups.restore({ latest: true, project: 'shop' })
  await latchkey.keys.create({ name: 'later' })
  await latchkey.usage.record('other', { inputTokens: 7 })
  expect(await latchkey.backups.restorable({ undo: true })).toMatchObject({ undoes: 'project shop' })
  const undone = await latchkey.backups.restore({ undo: true })
  expect(undone).toMatchObject({
    only: 'project shop',
    changes: { projects: { removed: ['shop'] }, keys: { removed: ['deploy', 'ci'] } },
  })
  expect((await latchkey.keys.verify(secret)).code).toBe('not_found')
  expect((await latchkey.keys.stats('other')).totals.tokens).toBe(7)
  expect((await latchkey.keys.list()).map(key => key.name)).toEqual(['other', 'later'])
  // And the undo can be undone.
  await latchkey.backups.restore({ undo: true })
  expect((await latchkey.keys.verify(secret)).key?.project?.slug).toBe('shop')
  await latchkey.backups.restore({ undo: true })
  await latchkey.keys.delete('later')
  expect(contents().includes('deploy')).toBe(before.includes('deploy'))
})

test('an undo puts settings back to the letter, unless they were changed since: then nothing widens', async () => {
  const { latchkey } = await begin()
  await latchkey.keys.update('ci', {
    scopes: ['chat:*'],
    limits: [{ metric: 'requests', amount: 3, windowMs: 60_000 }],
  })
  const before = await latchkey.keys.get('ci')
  await latchkey.backups.restore({ latest: true, key: 'ci' })
  expect((await latchkey.keys.get('ci')).limits).not.toEqual(before.limits)
  await latchkey.backups.restore({ undo: true })
  const after = await latchkey.keys.get('ci')
  expect({ ...after, updatedAt: null }).toEqual({ ...before, updatedAt: null })

  await latchkey.backups.restore({ latest: true, key: 'ci' })
  await latchkey.keys.disable('ci')
  await latchkey.backups.restore({ undo: true })
  expect(await latchkey.keys.get('ci')).toMatchObject({ status: 'disabled', limits: before.limits })
})

test('an undo that would take new keys along is refused', async () => {
  const { latchkey } = await begin()
  for (const key of ['ci', 'deploy']) await latchkey.keys.delete(key)
  await latchkey.projects.delete('shop')
  await latchkey.backups.restore({ latest: true, project: 'shop' })
  await latchkey.keys.create({ name: 'later', project: 'shop' })
  const before = contents()
  expect(await code(latchkey.backups.restore({ undo: true }))).toBe('conflict')
  expect(contents()).toBe(before)
})

test('members who are gone stay gone', async () => {
  const { latchkey } = await begin()
  for (const key of ['ci', 'deploy']) await latchkey.keys.delete(key)
  await latchkey.projects.delete('shop')
  await latchkey.users.delete('bob')
  await latchkey.backups.restore({ latest: true, project: 'shop' })
  expect(await latchkey.projects.get('shop')).toMatchObject({ members: [] })
})

test.each<[string, () => Promise<unknown>, object, string]>([
  [
    'a name that another key has by now',
    async () => {
      await scene.latchkey.keys.delete('ci')
      await scene.latchkey.keys.create({ name: 'CI' })
    },
    { key: 'ci' },
    'conflict',
  ],
  [
    'an address that another user has by now',
    async () => {
      await scene.latchkey.users.update('alice', { email: null })
      await scene.latchkey.users.create({ username: 'eve', email: 'alice@example.org' })
    },
    { user: 'alice' },
    'conflict',
  ],
  [
    'what is not in the backup',
    async () => scene.latchkey.keys.create({ name: 'new' }),
    { key: 'new' },
    'not_found',
  ],
  ['what nobody ever had', async () => {}, { project: 'nowhere' }, 'not_found'],
])('%s is refused, and nothing changes', async (_, spoil, subject, expected) => {
  const { latchkey } = await begin()
  await spoil()
  const before = contents()
  expect(await code(latchkey.backups.restore({ latest: true, ...subject }))).toBe(expected)
  expect(contents()).toBe(before)
})

/** bob has a chat with two messages, and alice one in her project. */
async function talking(latchkey: Latchkey): Promise<Made> {
  await plain(latchkey)
  const { chats, backups } = latchkey
  for (const [user, title] of [
    ['alice', 'Plans'],
    ['bob', 'Holiday'],
  ] as const) {
    await chats.create({ user, title, project: 'shop' })
    for (const content of [`${title} first`, `${title} second`])
      await chats.append(title, { role: 'user', content })
  }
  return { secret: '', backup: (await backups.create()).id }
}

test('a deleted chat comes back with what was said in it, though others were said since, and is found', async () => {
  const { latchkey } = await begin(talking)
  const { chats, backups } = latchkey
  const before = await Array.fromAsync(chats.export('Plans'))
  await chats.delete('Plans')
  await chats.append('Holiday', { role: 'user', content: 'said since' })
  const { id } = await chats.create({ user: 'bob', title: 'Other' })
  for (let n = 0; n < 9; n++) await chats.append(id, { role: 'user', content: 'said since' })
  expect(await backups.restore({ latest: true, chat: 'plans' })).toMatchObject({
    only: 'chat Plans',
    changes: { chats: { added: ['Plans'], removed: [], changed: [] } },
  })
  expect(await Array.fromAsync(chats.export('Plans'))).toEqual(before)
  expect(await chats.search('plans')).toHaveLength(2)
  expect(await chats.search('since')).toHaveLength(10)
  await backups.restore({ undo: true })
  expect(await code(chats.get('Plans'))).toBe('not_found')
  expect(await chats.search('plans')).toEqual([])
})

test('a chat that is still there gets its old title, and keeps what was said since', async () => {
  const { latchkey } = await begin(talking)
  const { chats, backups } = latchkey
  await chats.append('Holiday', { role: 'user', content: 'said since' })
  await chats.rename('Holiday', 'Summer')
  const whole = await backups.restore({ latest: true, chat: (await chats.get('Summer')).id })
  expect(whole.changes?.chats).toEqual({ added: [], removed: [], changed: ['Holiday'] })
  expect((await chats.messages('Holiday')).total).toBe(3)
})

test('a user comes back with their chats, and is not taken away again with newer ones', async () => {
  const { latchkey } = await begin(talking)
  const { chats, users, backups } = latchkey
  const before = await chats.list({ user: 'bob' })
  await chats.prune({ user: 'bob' })
  await users.delete('bob')
  const { changes } = await backups.restore({ latest: true, user: 'bob' })
  expect(changes).toMatchObject({ users: { added: ['bob'] }, chats: { added: ['Holiday'] } })
  expect(await chats.list({ user: 'bob' })).toEqual(before)
  expect((await chats.messages('Holiday')).messages.map(({ content }) => content)).toEqual([
    'Holiday first',
    'Holiday second',
  ])
  await chats.create({ user: 'bob', title: 'Newer' })
  expect(await code(backups.restore({ undo: true }))).toBe('conflict')
  expect((await chats.list({ user: 'bob' })).total).toBe(2)
  await chats.delete('Newer')
  await backups.restore({ undo: true })
  expect(await code(users.get('bob'))).toBe('not_found')
  expect((await chats.list()).total).toBe(1)
})

/** The project shop with a file and a state, then a backup. */
async function written(latchkey: Latchkey): Promise<Made> {
  const made = await plain(latchkey)
  await latchkey.projects.delete('shop').catch(() => undefined)
  await latchkey.projects.create({ name: 'Site', owner: 'alice' })
  await latchkey.files.put('site', 'docs/plan.md', '# Plan')
  await latchkey.files.put('site', 'same.md', 'same')
  await latchkey.agents.addPhase('site', { name: 'Layout' })
  await latchkey.agents.addMessage('site', { role: 'user', content: 'Blue, please' })
  return { ...made, backup: (await latchkey.backups.create()).id }
}

const fileText = async (latchkey: Latchkey, path: string) =>
  new Response((await latchkey.files.open('site', path)).content).text()

test('a deleted project comes back with its files and the state of its agent', async () => {
  const { latchkey } = await begin(written)
  const history = await latchkey.files.history('site')
  await latchkey.projects.delete('site')
  await latchkey.database.optimize()
  const [rows] = await scene.query('SELECT count(*) AS n FROM file_contents')
  expect(rows).toEqual({ n: 0 })
  const restored = await latchkey.backups.restore({ latest: true, project: 'site' })
  expect(restored.changes?.projects.added).toEqual(['site'])
  expect(await fileText(latchkey, 'docs/plan.md')).toBe('# Plan')
  expect(await latchkey.files.history('site')).toEqual(history)
  expect(await latchkey.agents.get('site')).toMatchObject({ phases: [{ name: 'Layout' }], messages: 1 })
})

test('a project that is still there gets its files back', async () => {
  const { latchkey } = await begin(written)
  await latchkey.files.put('site', 'docs/plan.md', '# Worse')
  await latchkey.files.remove('site', 'same.md')
  await latchkey.files.put('site', 'new.md', 'new')
  await latchkey.agents.addMessage('site', { role: 'assistant', content: 'It is' })
  await latchkey.database.optimize()
  const restored = await latchkey.backups.restore({ latest: true, project: 'site' })
  expect(restored.changes?.projects.changed).toEqual(['site'])
  expect((await latchkey.files.list('site')).files.map(({ path }) => path)).toEqual([
    'docs/plan.md',
    'same.md',
  ])
  expect([await fileText(latchkey, 'docs/plan.md'), await fileText(latchkey, 'same.md')]).toEqual([
    '# Plan',
    'same',
  ])
  expect((await latchkey.agents.get('site')).messages).toBe(2)
})
