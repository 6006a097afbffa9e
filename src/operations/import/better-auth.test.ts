// Runs on PostgreSQL too.
/** Applications on the real Better Auth, in the layouts of its adapters, and what they are here. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { application, type Layout, passwordOf, populate } from '../../testing/better-auth/application.ts'
import { failure } from '../../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { temporaryMariadb } from '../../testing/mariadb.ts'
import { emptyDatabase, requirePostgres } from '../../testing/postgres.ts'
import { requireTool } from '../../testing/tools.ts'

/** An application with people, and a Latchkey whose time is that of the application. */
async function scene(layout: Layout) {
  const made = new AsyncDisposableStack()
  const home = made.use(await temporaryLatchkey(new Date().toISOString()))
  const servers = { postgres: emptyDatabase, mysql: () => temporaryMariadb(join(home.folder, 'mariadb')) }
  const file =
    layout in servers
      ? made.use(await servers[layout as keyof typeof servers]()).url
      : join(home.folder, 'auth.db')
  const app = made.use(await application(layout, file))
  const people = await populate(app, layout)
  home.clock.now = new Date()
  return { ...home, ...people, app, source: { file }, [Symbol.asyncDispose]: () => made.disposeAsync() }
}

const layouts: readonly Layout[] = ['kysely', 'drizzle', 'drizzle in seconds', 'postgres', 'mysql']

for (const layout of layouts) {
  const where =
    layout === 'postgres' ? requirePostgres() : layout === 'mysql' ? requireTool('mariadbd') : test
  where(`what Better Auth keeps works on here: ${layout}`, async () => {
    await using all = await scene(layout)
    const { latchkey, source, key, evil, ada } = all
    const report = await latchkey.imports.betterAuth(source)
    expect(report.items.map(({ type, name, outcome }) => `${type} ${name} ${outcome}`).sort()).toEqual([
      'account ada created',
      'invitation dan@example.org created',
      'key ci created',
      'key evil created',
      'member ada created',
      'member bob created',
      'org acme created',
      'session ada created',
      'session bob created',
      'session eve created',
      'team Acme created',
      'team Backend created',
      'team_member ada created',
      'team_member bob created',
      'user ada created',
      'user bob created',
      'user eve created',
    ])
    expect(report).toMatchObject({ created: 17, refused: 0, ignoredFields: [] })
    expect(report.notes).toContainEqual(
      expect.stringMatching(/^an account of another provider has tokens, which are stored as they are there/),
    )
    const { findings } = await latchkey.auth.check()
    const [github] = (await latchkey.accounts.list()).accounts.filter(({ provider }) => provider === 'github')
    expect(findings.filter(({ kind }) => kind === 'plain_token')).toMatchObject([
      { table: 'accounts', id: github?.id, mend: `latchkey account unlink ${github?.id}` },
    ])

    const verdict = await latchkey.keys.verify(key.key, { scope: 'files:write' })
    expect(verdict).toMatchObject({ valid: true, key: { name: 'ci', scopes: ['files:read', 'files:write'] } })
    expect(await latchkey.keys.verify(key.key, { scope: 'files:delete' })).toMatchObject({
      code: 'insufficient_scope',
    })
    expect(await latchkey.keys.verify(evil.key)).toMatchObject({ valid: false, code: 'user_disabled' })
    const ci = await latchkey.keys.get('ci')
    expect(ci).toMatchObject({ metadata: { plan: 'pro' }, start: key.start })
    // Seconds are told apart from milliseconds.
    const within = layout === 'drizzle in seconds' ? 1_000 : 1
    for (const [here, there] of [
      [ci.createdAt, key.createdAt],
      [ci.expiresAt, key.expiresAt],
      [(await latchkey.users.get('ada')).createdAt, ada.user.createdAt],
    ]) {
      expect(Math.abs(Number(here) - Number(there))).toBeLessThan(within)
    }
    expect(
      ci.limits.map(({ metric, amount, windowMs, period }) => [metric, amount, windowMs, period]),
    ).toEqual([
      ['requests', 7, 3_600_000, 'rolling'],
      ['requests', 50, null, 'total'],
    ])

    expect((await latchkey.users.checkPassword('ada', passwordOf('Ada'))).valid).toBe(true)
    expect(await latchkey.users.get('ada')).toMatchObject({ emailVerified: true, status: 'active' })
    expect(await latchkey.users.get('eve')).toMatchObject({ status: 'disabled', disabledReason: 'spam' })
    expect(await latchkey.sessions.verify(String(ada.token))).toMatchObject({ valid: true })
    expect(await latchkey.sessions.verify(String(all.eve.token))).toMatchObject({ code: 'user_disabled' })
    const { accounts } = await latchkey.accounts.list({ user: 'ada' })
    expect(accounts.map(({ provider, accountId }) => [provider, accountId])).toContainEqual([
      'github',
      '4711',
    ])
    const { members } = await latchkey.organizations.members.list('acme')
    expect(members.map(({ user, role }) => [user.username, role])).toEqual([
      ['ada', 'owner'],
      ['bob', 'member'],
    ])
    // Who has the link of an invitation accepts by its id.
    const { invitations } = await latchkey.invitations.list({ org: 'acme' })
    expect(invitations).toMatchObject([
      { id: all.invitation.id, email: 'dan@example.org', status: 'pending' },
    ])
    const stored = await all.dump()
    for (const secret of [key.key, String(ada.token)]) expect(stored).not.toContain(secret)
  })
}

test('a second import changes nothing, and brings what changed since', async () => {
  await using all = await scene('kysely')
  const { latchkey, source, app, key } = all
  await latchkey.imports.betterAuth(source)
  const before = await all.dump()
  expect(await latchkey.imports.betterAuth(source)).toMatchObject({
    created: 0,
    updated: 0,
    refused: 0,
    gone: 0,
  })
  expect(await all.dump()).toBe(before)

  await app.run(`UPDATE member SET role = 'admin' WHERE role = 'member'`)
  await app.run(`UPDATE "user" SET banned = 0 WHERE email = 'eve@example.org'`)
  await app.run(`UPDATE apikey SET enabled = 0, remaining = 20 WHERE name = 'ci'`)
  await app.run(`DELETE FROM account WHERE "providerId" = 'github'`)
  await app.run(`DELETE FROM session WHERE token = '${all.bob.token}'`)
  const report = await latchkey.imports.betterAuth(source)
  expect(report.items.filter(({ outcome }) => outcome !== 'unchanged')).toEqual([
    { type: 'user', name: 'eve', outcome: 'updated', reason: 'changed in the source: ban' },
    { type: 'key', name: 'ci', outcome: 'updated', reason: 'changed in the source: disabled, limit' },
    {
      type: 'member',
      name: 'bob',
      outcome: 'updated',
      reason: 'of acme as admin; changed in the source: role',
    },
    { type: 'account', name: 'ada', outcome: 'gone', reason: 'no longer in better-auth, and still here' },
    { type: 'session', name: 'bob', outcome: 'revoked', reason: 'no longer in better-auth' },
  ])
  expect(await latchkey.users.get('eve')).toMatchObject({ status: 'active' })
  expect(await latchkey.keys.verify(key.key)).toMatchObject({ code: 'disabled' })
  expect(await latchkey.sessions.verify(String(all.bob.token))).toMatchObject({ code: 'not_found' })

  await latchkey.imports.undo(report.id!)
  expect(await latchkey.users.get('eve')).toMatchObject({ status: 'disabled' })
  expect(await latchkey.keys.verify(key.key)).toMatchObject({ valid: true })
  expect((await latchkey.organizations.members.list('acme')).members[1]).toMatchObject({ role: 'member' })
})

test('what was changed here stays, and what was deleted here does not come back', async () => {
  await using all = await scene('drizzle')
  const { latchkey, source } = all
  await latchkey.imports.betterAuth(source)
  await latchkey.organizations.members.setRole('acme', 'bob', 'viewer')
  await latchkey.teams.delete('Backend')
  const report = await latchkey.imports.betterAuth(source)
  expect(report).toMatchObject({ created: 0, updated: 0, gone: 0 })
  expect(report.items.filter(({ reason }) => reason?.includes('deleted here'))).toEqual([
    {
      type: 'team',
      name: 'Backend',
      outcome: 'unchanged',
      reason: 'of acme; deleted here since it was imported',
    },
    {
      type: 'team_member',
      name: 'bob',
      outcome: 'unchanged',
      reason: 'of a team; it belongs to something that was deleted here since',
    },
  ])
  expect((await latchkey.organizations.members.list('acme')).members[1]).toMatchObject({ role: 'viewer' })
})

test.each([{ disable: true }, { to: 'ada' }])(
  'whoever was offboarded here with %j is not put back by the next import',
  async how => {
    await using all = await scene('drizzle')
    const { latchkey, source } = all
    await latchkey.imports.betterAuth(source)
    const places = 'organization_members team_members sessions'.split(' ')
    const { id } = await latchkey.users.get('bob')
    const theirs = async () => {
      const counts = places.map(table => all.query(`SELECT * FROM ${table} WHERE user_id = '${id}'`))
      return (await Promise.all(counts)).map(rows => rows.length)
    }
    expect(await theirs()).toEqual([1, 1, 1])
    await latchkey.users.offboard('bob', how)
    expect(await theirs()).toEqual([0, 0, 0])
    const report = await latchkey.imports.betterAuth(source)
    expect(report).toMatchObject({ created: 0, updated: 0 })
    expect(report.items.filter(({ name }) => name === 'bob').map(({ type }) => type)).toContain('session')
    expect(await theirs()).toEqual([0, 0, 0])
    expect(await latchkey.users.get('bob')).toMatchObject({ status: 'disabled' })
  },
)

test('undoing removes all of it', async () => {
  await using all = await scene('kysely')
  const { latchkey, source } = all
  const tables =
    'users accounts sessions organizations organization_members teams team_members invitations keys imported_rows imported_users imported_keys'
  const counts = () => countsOf(all, tables.split(' '))
  const before = await counts()
  const { id } = await latchkey.imports.betterAuth(source)
  expect(await counts()).not.toEqual(before)
  expect(await all.dry.imports.undo(id!)).toMatchObject({ removed: 17, kept: 0 })
  expect(await latchkey.imports.undo(id!)).toMatchObject({ removed: 17, kept: 0, gone: 0 })
  expect(await counts()).toEqual(before)
  expect(await latchkey.audit.verify()).toMatchObject({ ok: true })
  expect(await latchkey.imports.betterAuth(source)).toMatchObject({ created: 17 })
})

test('what an undone import brought comes back from a backup as it was when it went', async () => {
  await using all = await scene('kysely')
  const { latchkey, source } = all
  const { users, accounts, organizations, teams, backups, imports } = latchkey
  const { id } = await imports.betterAuth(source)
  const inTeam = async () => {
    const { teams: found } = await teams.list()
    const { id: team = '' } = found.find(({ name }) => name === 'Backend') ?? {}
    return (await teams.members.list(team)).members.map(({ user }) => user.username)
  }
  const state = async () => ({
    accounts: (await accounts.list()).accounts.map(each => each.id),
    passwords: (await users.list()).map(({ username, hasPassword }) => [username, hasPassword]),
    members: (await organizations.members.list('acme')).members,
    team: await inTeam(),
  })
  const before = await state()
  const { id: backup } = await backups.create()
  const usernames = before.passwords.map(([username]) => String(username))
  await imports.undo(id!)
  const stays: string[] = []
  for (const user of usernames) stays.push(...(await backups.restore({ backup, user })).stays)
  stays.push(...(await backups.restore({ backup, org: 'acme' })).stays)
  expect(await state()).toEqual(before)
  expect(stays).toEqual([])
})

async function countsOf({ query }: Pick<TestLatchkey, 'query'>, tables: readonly string[]) {
  const counts: Record<string, unknown> = {}
  for (const table of tables) [counts[table]] = await query(`SELECT count(*) AS n FROM ${table}`)
  return counts
}

test('an organization that got other members or projects is kept, with its own', async () => {
  await using all = await scene('kysely')
  const { latchkey, source } = all
  await latchkey.users.create({ username: 'zoe' })
  const { id } = await latchkey.imports.betterAuth(source)
  await latchkey.organizations.members.add('acme', 'zoe')
  const undone = await latchkey.imports.undo(id!, { keepChanged: true })
  expect(
    undone.items
      .filter(({ outcome }) => outcome === 'kept')
      .map(({ type, name, reason }) => `${type} ${name}: ${reason}`)
      .sort(),
  ).toEqual([
    'account ada: its user stays',
    'invitation dan@example.org: its organization stays',
    'member ada: its user stays',
    'member bob: its user stays',
    'org acme: a member belongs to it',
    'session ada: its user stays',
    'session bob: its user stays',
    'team Acme: a member belongs to it',
    'team Backend: a member belongs to it',
    'team_member ada: its user stays',
    'team_member bob: its user stays',
    'user ada: an organization belongs to it',
    'user bob: a membership belongs to it',
  ])
  expect((await latchkey.organizations.members.list('acme')).members).toMatchObject([
    { user: { username: 'zoe' } },
    { user: { username: 'ada' }, role: 'owner' },
    { user: { username: 'bob' }, role: 'member' },
  ])
})

test('a membership that a team relies on since is kept', async () => {
  await using all = await scene('kysely')
  const { latchkey, source, app } = all
  await latchkey.imports.betterAuth(source)
  await app.run(
    `INSERT INTO member (id, "organizationId", "userId", role, "createdAt") SELECT 'm9', o.id, u.id, 'member', o."createdAt" FROM organization o, "user" u WHERE u.email = 'eve@example.org'`,
  )
  const { id, items } = await latchkey.imports.betterAuth(source)
  expect(items).toContainEqual(expect.objectContaining({ type: 'member', name: 'eve', outcome: 'created' }))
  await latchkey.teams.members.add('Backend', 'eve')
  const refused = await failure(latchkey.imports.undo(id!))
  expect(refused.message).toContain('member eve (a membership in a team belongs to it)')
  await latchkey.teams.members.remove('Backend', 'eve')
  expect(await latchkey.imports.undo(id!)).toMatchObject({ removed: 1, kept: 0 })
})

test('no secret that a source has in its texts is stored, one of its own keys neither', async () => {
  await using all = await scene('kysely')
  const { latchkey, source, app, key, bob } = all
  const { secret } = await latchkey.keys.create({ name: 'live' })
  await app.run(
    `UPDATE organization SET metadata = '{"token":"${secret}"}', logo = 'https://x/?k=${key.key}'`,
  )
  await app.run(`UPDATE team SET name = 'T ${secret}' WHERE name = 'Backend'`)
  await app.run(`UPDATE session SET "userAgent" = 'curl ${key.key}' WHERE token = '${bob.token}'`)
  const report = await latchkey.imports.betterAuth(source)
  expect(
    report.items.flatMap(({ type, outcome, reason }) =>
      type === 'org' || outcome === 'refused' ? [`${type} ${outcome}: ${reason}`] : [],
    ),
  ).toEqual([
    'org created: its logo holds a secret, and is left out; its metadata holds a secret, and is left out',
    'team refused: it holds a secret, and secrets are never stored',
    'team_member refused: of a team; its team is not in the source, or was left out',
    'session refused: it holds a secret, and secrets are never stored',
  ])
  const stored = await all.dump()
  for (const each of [secret ?? '', key.key]) {
    expect(stored).not.toContain(each)
    expect(JSON.stringify(report)).not.toContain(each)
  }
  expect((await latchkey.organizations.get('acme')).logo).toBeNull()
})

test('nobody becomes somebody here by an address that was never verified', async () => {
  await using all = await scene('kysely')
  const { latchkey, source, key, evil } = all
  for (const username of ['ada', 'eve'])
    await latchkey.users.create({ username, email: `${username}@example.org` })
  const report = await latchkey.imports.betterAuth(source)
  const refused = report.items.filter(({ outcome }) => outcome === 'refused')
  expect(refused.map(({ type, name }) => `${type} ${name}`)).toEqual(['key evil', 'session eve'])
  expect(await latchkey.keys.verify(evil.key)).toMatchObject({ code: 'not_found' })
  expect(await latchkey.keys.verify(key.key)).toMatchObject({ valid: true })
  expect(await latchkey.users.get('eve')).toMatchObject({ status: 'active' })
})

test('an organization and a team that got limits here are kept, and what was used in one that goes keeps its name', async () => {
  await using all = await scene('kysely')
  const { latchkey, source } = all
  await latchkey.users.create({ username: 'zoe' })
  const first = await latchkey.imports.betterAuth(source)
  await latchkey.projects.create({ name: 'Lab', org: 'acme' })
  await latchkey.keys.create({ name: 'zoes', user: 'zoe', project: 'lab' })
  await latchkey.usage.record('zoes', { inputTokens: 5 })
  await latchkey.projects.transfer('lab', { user: 'zoe' })
  await latchkey.imports.undo(first.id!)
  const used = async () =>
    (await latchkey.usage.report({ by: ['org'] })).map(row => [row.organization?.slug, row.tokens])
  expect(await used()).toEqual([['acme', 5]])

  const { id } = await latchkey.imports.betterAuth(source)
  const limit = { metric: 'tokens', amount: 100, windowMs: 3_600_000 } as const
  await latchkey.limits.set({ org: 'acme' }, [limit])
  await latchkey.limits.set({ team: 'Backend' }, [limit])
  await latchkey.limits.set({ project: 'lab', member: 'eve' }, [limit])
  const { items } = await latchkey.imports.undo(id!, { keepChanged: true })
  const why = items.flatMap(({ type, name, reason }) =>
    reason === 'a limit belongs to it' ? [`${type} ${name}`] : [],
  )
  expect(why.toSorted()).toEqual(['org acme', 'team Backend', 'user eve'])
  expect(await latchkey.limits.list({ team: 'Backend' })).toHaveLength(1)
})
