// Runs on PostgreSQL too.
/** Better Auth on Latchkey: its own suites for adapters, and a real server with the real client. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { betterAuth } from 'better-auth'
import { createAuthClient } from 'better-auth/client'
import { adminClient, organizationClient } from 'better-auth/client/plugins'
import { admin, organization, username } from 'better-auth/plugins'
import type { Where } from 'better-auth/types'
import { latchkeyAdapter } from './better-auth.ts'
import type { Latchkey } from './index.ts'
import { leftOut } from './testing/better-auth/left-out.ts'
import { failure } from './testing/failure.ts'
import { temporaryFolder } from './testing/folder.ts'
import { temporaryLatchkey } from './testing/latchkey.ts'
import { spawnLatchkey } from './testing/process.ts'

test('the suites that Better Auth publishes for adapters pass', async () => {
  const folder = temporaryFolder()
  const [config, report] = ['src/testing/better-auth/vitest.config.ts', folder.file('report.json')]
  const words = ['run', '--config', config, '--reporter=json', `--outputFile=${report}`]
  const child = Bun.spawn([process.execPath, '--bun', 'node_modules/.bin/vitest', ...words], {
    cwd: join(import.meta.dir, '..'),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  const { numPassedTests, testResults } = await Bun.file(report).json()
  folder.remove()
  const tests: readonly { readonly fullName: string; readonly status: string }[] =
    testResults[0].assertionResults
  const failed = tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)
  expect(failed, out).toEqual([])
  const skipped = tests.filter(({ status }) => status !== 'passed').length
  expect({ passed: numPassedTests, skipped }).toEqual({
    passed: 238 - 2 * Object.keys(leftOut).length,
    skipped: 2 * Object.keys(leftOut).length,
  })
})

const options = {
  secret: 'jv3Zk1Qm8sYb5TgXw9LrPc2NdHf7Ea4U',
  baseURL: 'http://127.0.0.1',
  logger: { disabled: true },
  plugins: [admin(), organization()],
}

/** A server on the database, with what it would have mailed. */
function serve(latchkey: Latchkey) {
  const mails: { readonly to: string; readonly id: string }[] = []
  const auth = betterAuth({
    database: latchkeyAdapter(latchkey),
    ...options,
    trustedOrigins: ['http://127.0.0.1'],
    rateLimit: { enabled: false },
    emailAndPassword: {
      enabled: true,
      sendResetPassword: async ({ user, token }) => {
        mails.push({ to: user.email, id: token })
      },
    },
    plugins: [
      admin(),
      organization({
        sendInvitationEmail: async ({ email, id }) => {
          mails.push({ to: email, id })
        },
      }),
    ],
  })
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: auth.handler })
  return { mails, url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) }
}

/** A browser: a client that keeps its cookies. */
function browser(url: string) {
  let cookie = ''
  return createAuthClient({
    baseURL: url,
    plugins: [adminClient(), organizationClient()],
    fetchOptions: {
      headers: { origin: 'http://127.0.0.1' },
      onRequest: context => {
        if (cookie !== '') context.headers.set('cookie', cookie)
      },
      onSuccess: ({ response }) => {
        const set = response.headers.getSetCookie().map(each => each.split(';')[0])
        if (set.length > 0) cookie = set.join('; ')
      },
    },
  })
}

async function home() {
  const made = await temporaryLatchkey(new Date().toISOString())
  const { latchkey } = made
  const server = serve(latchkey)
  return {
    ...made,
    ...server,
    cli: (...words: string[]) => spawnLatchkey(words, { db: made.path }),
    [Symbol.asyncDispose]: async () => {
      await server.stop()
      await made[Symbol.asyncDispose]()
    },
  }
}

const ada = { email: 'ada@example.com', password: 'a long enough word', name: 'Ada' }

test('who signed up is a user of Latchkey, and is out when the command line revokes the session', async () => {
  await using there = await home()
  const { latchkey, url, cli } = there
  const client = browser(url)
  expect((await client.signUp.email(ada)).error).toBeNull()
  expect(await latchkey.users.get('ada')).toMatchObject({ email: ada.email, hasPassword: true })
  expect((await client.getSession()).data?.user.email).toBe(ada.email)

  const { code } = await cli('session', 'revoke', '--user', 'ada', '--yes')
  expect(code).toBe(0)
  expect((await client.getSession()).data).toBeNull()
  expect((await client.signIn.email(ada)).data?.user.email).toBe(ada.email)
})

test('a password that either sets is the password of both', async () => {
  await using there = await home()
  const { latchkey, mails, url } = there
  const client = browser(url)
  await client.signUp.email(ada)
  expect((await client.requestPasswordReset({ email: ada.email })).error).toBeNull()
  expect(mails).toMatchObject([{ to: ada.email }])
  expect(await there.dump()).not.toContain(mails[0]?.id ?? '')
  const reset = await client.resetPassword({ newPassword: 'another long word', token: mails[0]?.id ?? '' })
  expect(reset.error).toBeNull()
  expect((await client.signIn.email(ada)).error?.status).toBe(401)
  expect((await client.signIn.email({ ...ada, password: 'another long word' })).error).toBeNull()
  expect(await latchkey.users.checkPassword('ada', 'another long word')).toMatchObject({ valid: true })
})

test('a ban ends the sessions and the keys of a user at once, whoever sets it', async () => {
  await using there = await home()
  const { latchkey, url } = there
  const [client, boss] = [browser(url), browser(url)]
  await client.signUp.email(ada)
  await boss.signUp.email({ ...ada, email: 'boss@example.com', name: 'Boss' })
  await latchkey.users.update('boss', { role: 'admin' })
  const { secret } = await latchkey.keys.create({ name: 'ci', user: 'ada' })
  const { id } = await latchkey.users.get('ada')

  expect((await boss.admin.banUser({ userId: id, banReason: 'spam' })).error).toBeNull()
  expect((await client.getSession()).data).toBeNull()
  expect(await latchkey.keys.verify(secret ?? '')).toMatchObject({ valid: false, code: 'user_disabled' })
  expect(await latchkey.users.get('ada')).toMatchObject({ status: 'disabled', disabledReason: 'spam' })
  expect((await client.signIn.email(ada)).error?.status).toBe(403)

  await latchkey.users.enable('ada')
  expect((await client.signIn.email(ada)).error).toBeNull()
  await latchkey.users.disable('ada')
  expect((await client.getSession()).data).toBeNull()
})

test('organizations and invitations are those of Latchkey', async () => {
  await using there = await home()
  const { latchkey, mails, url } = there
  const [client, guest] = [browser(url), browser(url)]
  await client.signUp.email(ada)
  await guest.signUp.email({ ...ada, email: 'grace@example.com', name: 'Grace' })
  const made = await client.organization.create({ name: 'Engines', slug: 'engines' })
  expect(made.error).toBeNull()
  const invited = await client.organization.inviteMember({ email: 'grace@example.com', role: 'member' })
  expect(invited.error).toBeNull()
  expect(mails).toMatchObject([{ to: 'grace@example.com' }])
  const accepted = await guest.organization.acceptInvitation({ invitationId: mails[0]?.id ?? '' })
  expect(accepted.error).toBeNull()
  expect(await latchkey.organizations.get('engines')).toMatchObject({ name: 'Engines' })
})

test('the rules of Latchkey hold for what Better Auth does, and the audit log tells of it', async () => {
  await using there = await temporaryLatchkey(new Date().toISOString())
  const { users, keys, organizations, audit } = there.latchkey
  const adapter = latchkeyAdapter(there.latchkey)({ plugins: [admin(), organization()] })
  const ada = await users.create({ username: 'ada', email: 'ada@example.com' })
  await users.create({ username: 'grace', email: 'grace@example.com' })
  await organizations.create({ name: 'Engines', owner: 'ada' })
  await keys.create({ name: 'ci', user: 'ada' })
  const isAda = [{ field: 'id', value: ada.id }]
  const isMember = [{ field: 'userId', value: ada.id }]
  const demote = () => adapter.update({ model: 'member', where: isMember, update: { role: 'member' } })
  const lastOwner = { code: 'conflict', message: 'ada is the last owner of engines' }

  expect(await failure(demote())).toMatchObject(lastOwner)
  expect(await failure(adapter.delete({ model: 'member', where: isMember }))).toMatchObject(lastOwner)
  const banned = { banned: true, updatedAt: new Date() }
  expect(await failure(adapter.update({ model: 'user', where: isAda, update: banned }))).toMatchObject(
    lastOwner,
  )

  await organizations.members.add('engines', 'grace', 'owner')
  await demote()
  await adapter.delete({ model: 'member', where: isMember })
  const owns = { code: 'conflict', message: 'ada still has 1 key' }
  expect(await failure(adapter.delete({ model: 'user', where: isAda }))).toMatchObject(owns)
  await keys.delete('ci')
  await adapter.update({ model: 'user', where: isAda, update: banned })
  await adapter.delete({ model: 'user', where: isAda })
  expect(await failure(users.get('ada'))).toMatchObject({ code: 'not_found' })
  const told = (await audit.list({ limit: 6 })).map(({ action }) => action)
  expect(told).toEqual([
    'user.delete',
    'user.disable',
    'key.delete',
    'org.member-remove',
    'org.member-role',
    'org.member-add',
  ])
})

const more = {
  user: {
    additionalFields: { nick: { type: 'string', required: false }, tags: { type: 'json', required: false } },
  },
} as const

/** An adapter, with rows of each model that it can change. */
async function rowsToChange() {
  const there = await temporaryLatchkey(new Date().toISOString())
  const { latchkey } = there
  const plugins = [admin(), username(), organization({ teams: { enabled: true } })]
  const adapter = latchkeyAdapter(latchkey)({ ...options, ...more, plugins })
  const { id: userId } = await latchkey.users.create({ username: 'ada', email: 'ada@example.com' })
  const org = await latchkey.organizations.create({ name: 'Engines', owner: 'ada' })
  const team = await latchkey.teams.create({ name: 'Crew', org: 'engines' })
  const { secret } = await latchkey.keys.create({ name: 'ci' })
  const [createdAt, expiresAt] = [there.clock.now, new Date(there.clock.now.getTime() + 1_000)]
  const times = { createdAt, updatedAt: createdAt }
  const made = { ...times, userId, providerId: 'github', accountId: '4711' }
  const account: { id: string } = await adapter.create({ model: 'account', data: made })
  const session: { id: string } = await adapter.create({
    model: 'session',
    data: { ...times, userId, token: 'token', expiresAt },
  })
  const ids = { user: userId, organization: org.id, team: team.id, account: account.id, session: session.id }
  const change = (model: keyof typeof ids, update: Record<string, unknown>) =>
    adapter.update<Record<string, unknown>>({ model, where: [{ field: 'id', value: ids[model] }], update })
  return Object.assign(there, { adapter, change, secret: secret ?? '', times, organizationId: org.id })
}
type Changing = Awaited<ReturnType<typeof rowsToChange>>

const unstored: Readonly<Record<string, (at: Changing) => Promise<unknown>>> = {
  'name of user': ({ change, secret }) => change('user', { name: `my key ${secret}` }),
  'name of new user': ({ adapter, secret, times }) =>
    adapter.create({ model: 'user', data: { ...times, name: secret, email: 'eve@example.com' } }),
  'ban reason of user': ({ change, secret }) => change('user', { banReason: `used ${secret}` }),
  'email of user': ({ change, secret }) => change('user', { email: `${secret}@example.com` }),
  'image of user': ({ change, secret }) => change('user', { image: `https://example.com/${secret}` }),
  'nick of user': ({ change, secret }) => change('user', { nick: secret }),
  'tags of user': ({ change, secret }) => change('user', { tags: { a: [secret] } }),
  'user agent of session': ({ change, secret }) => change('session', { userAgent: `curl ${secret}` }),
  'scope of account': ({ change, secret }) => change('account', { scope: secret }),
  'metadata of organization': ({ change, secret }) => change('organization', { metadata: { token: secret } }),
  'logo of organization': ({ change, secret }) =>
    change('organization', { logo: `https://example.com/?key=${secret}` }),
  'name of team': ({ change, secret }) => change('team', { name: secret }),
  'role of invitation': ({ adapter, secret, times: { createdAt }, organizationId }) =>
    adapter.create({
      model: 'invitation',
      data: {
        createdAt,
        expiresAt: createdAt,
        organizationId,
        email: 'x@example.com',
        role: secret,
        status: 'pending',
      },
    }),
  'name of user with a NUL': ({ change }) => change('user', { name: 'a\0b' }),
  'nick of user with a NUL': ({ change }) => change('user', { nick: 'a\0b' }),
  'name of organization with an escape': ({ change }) => change('organization', { name: '\u001b[2J' }),
  'image of user that is a script': ({ change }) => change('user', { image: 'javascript:alert(1)' }),
  'username of user that is a command': ({ change }) => change('user', { username: 'list' }),
}

test.each(Object.entries(unstored))('what Latchkey stores nowhere is refused: %s', async (what, work) => {
  await using at = await rowsToChange()
  const before = await at.dump()
  const refused = await failure(work(at))
  expect(refused).toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(new RegExp(`^${what.split(' of ')[0]} must `)),
    hint: 'nothing was stored; send another value',
  })
  expect(JSON.stringify({ ...refused })).not.toContain(at.secret)
  expect(await at.dump()).toBe(before)
})

test('what is stored unreadably may be a secret, and applications keep their texts as they are', async () => {
  await using at = await rowsToChange()
  const { change, secret } = at
  await change('account', { accessToken: secret })
  await change('session', { token: secret })
  expect(await at.dump()).not.toContain(secret)
  const texts = { name: '', image: 'data:image/png;base64,AAAA', banReason: 'two\nlines', nick: ' x\ty ' }
  expect(await change('user', { ...texts, username: ' Countess ' })).toMatchObject({
    ...texts,
    username: 'countess',
  })
  expect(await change('user', { image: '/pictures/ada.png' })).toMatchObject({ image: '/pictures/ada.png' })
  const places = { slug: 'Org Slug ü', metadata: { about: 'two\nlines' } }
  expect(await change('organization', places)).toMatchObject({ slug: 'Org Slug ü' })
})

test('who is deleted by Better Auth comes back from a backup with no more than they had', async () => {
  await using there = await temporaryLatchkey(new Date().toISOString())
  const { users, organizations, roles, backups } = there.latchkey
  const plugins = [admin(), organization({ dynamicAccessControl: { enabled: true } })]
  const adapter = latchkeyAdapter(there.latchkey)({ plugins })
  const { id } = await users.create({ username: 'ada', email: ada.email, password: ada.password })
  await users.create({ username: 'grace' })
  await organizations.create({ name: 'Engines', owner: 'grace' })
  await organizations.members.add('engines', 'ada', 'admin')
  const { id: role } = await roles.create({ name: 'editor', org: 'engines', permissions: ['a:*', 'b:*'] })
  await backups.create()
  const ofAda = [{ field: 'userId', value: id }]
  await roles.update(role, { permissions: ['a:*'] })
  await adapter.delete({ model: 'organizationRole', where: [{ field: 'id', value: role }] })
  await adapter.update({ model: 'member', where: ofAda, update: { role: 'viewer' } })
  await adapter.update({ model: 'account', where: ofAda, update: { password: 'another' } })
  await adapter.delete({ model: 'user', where: [{ field: 'id', value: id }] })
  expect(await backups.restore({ latest: true, user: 'ada' })).toMatchObject({
    stays: ['user ada: memberships, password'],
  })
  expect((await organizations.members.list('engines')).members).toMatchObject([
    { user: { username: 'ada' }, role: 'viewer' },
    { role: 'owner' },
  ])
  expect(await users.get('ada')).toMatchObject({ hasPassword: false, status: 'active' })
  expect(await backups.restore({ latest: true, role })).toMatchObject({ stays: ['role editor: permissions'] })
  expect(await roles.get(role)).toMatchObject({ permissions: ['a:*'] })
})

test('added fields are found and sorted by what they are, and nothing comes before anything', async () => {
  await using at = await temporaryLatchkey(new Date().toISOString())
  const added = {
    age: { type: 'number', required: false },
    nick: { type: 'string', required: false },
  } as const
  const adapter = latchkeyAdapter(at.latchkey)({ ...options, user: { additionalFields: added } })
  const people = {
    ann: { age: 9, nick: 'b' },
    ben: { age: 10 },
    cid: { nick: null },
    dot: { age: 100, nick: 'C' },
    eve: { age: -1.5, nick: '\u00e4' },
    flo: { age: 10, nick: '9' },
    gus: { nick: '10' },
  }
  const times = { createdAt: at.clock.now, updatedAt: at.clock.now }
  for (const [name, fields] of Object.entries(people))
    await adapter.create({ model: 'user', data: { name, email: `${name}@example.com`, ...times, ...fields } })
  await at.latchkey.users.disable('ben', { reason: 'spam' })
  type Finding = Omit<Parameters<typeof adapter.findMany>[0], 'model'>
  const found = async (finding: Finding) =>
    (await adapter.findMany<{ name: string }>({ model: 'user', ...finding }))
      .map(({ name }) => name)
      .join(' ')
  const sorted = (field: string, direction: 'asc' | 'desc') => found({ sortBy: { field, direction } })
  expect(await sorted('age', 'asc')).toBe('cid gus eve ann ben flo dot')
  expect(await sorted('age', 'desc')).toBe('dot ben flo ann eve cid gus')
  expect(await sorted('nick', 'asc')).toBe('ben cid gus flo dot ann eve')
  expect(await sorted('nick', 'desc')).toBe('eve ann dot flo gus ben cid')
  expect(await sorted('banReason', 'asc')).toBe('ann cid dot eve flo gus ben')
  expect(await sorted('banReason', 'desc')).toBe('ben ann cid dot eve flo gus')
  expect(await sorted('createdAt', 'desc')).toBe('ann ben cid dot eve flo gus')

  const where = async (field: string, operator: 'in' | 'not_in' | 'gt' | 'lte' | 'eq', value: unknown) =>
    found({ where: [{ field, operator, value } as Where], sortBy: { field: 'name', direction: 'asc' } })
  expect(await where('age', 'in', [9, 10])).toBe('ann ben flo')
  expect(await where('age', 'not_in', [9, 10])).toBe('dot eve')
  expect(await where('age', 'gt', 9)).toBe('ben dot flo')
  expect(await where('nick', 'lte', 'C')).toBe('dot flo gus')
  expect(await where('nick', 'in', ['10', 'b'])).toBe('ann gus')
  // Another program may have stored something else there.
  await at.query(`UPDATE users SET additional_fields = '{"age":"old"}' WHERE username = 'cid'`)
  expect(await sorted('age', 'asc')).toBe('gus eve ann ben flo dot cid')
  expect(await where('age', 'eq', 100)).toBe('dot')
})

test('several owners do not go at once, unless the whole organization does', async () => {
  await using there = await temporaryLatchkey(new Date().toISOString())
  const { users, organizations, projects } = there.latchkey
  const auth = betterAuth({ ...options, database: latchkeyAdapter(there.latchkey) })
  const { adapter } = await auth.$context
  const ada = await users.create({ username: 'ada', email: 'ada@example.com' })
  const grace = await users.create({ username: 'grace', email: 'grace@example.com' })
  const org = await organizations.create({ name: 'Engines', owner: 'ada' })
  await organizations.members.add('engines', 'grace', 'owner')
  const both = [ada.id, grace.id]
  const areOwners = [{ field: 'userId', value: both, operator: 'in' as const }]
  const areBoth = [{ field: 'id', value: both, operator: 'in' as const }]
  const inOrg = [{ field: 'organizationId', value: org.id }]
  const ownerless = {
    code: 'conflict',
    message: 'the organization engines would have no owner; nothing was changed',
  }
  for (const work of [
    () => adapter.deleteMany({ model: 'member', where: areOwners }),
    () => adapter.deleteMany({ model: 'member', where: [...inOrg, ...areOwners] }),
    () => adapter.updateMany({ model: 'member', where: inOrg, update: { role: 'member' } }),
    () => adapter.updateMany({ model: 'user', where: areBoth, update: { banned: true } }),
    () => adapter.deleteMany({ model: 'user', where: areBoth }),
  ])
    expect(await failure(work())).toMatchObject(ownerless)
  expect((await organizations.members.list('engines')).total).toBe(2)

  there.clock.now = new Date(there.clock.now.getTime() + 1_000)
  const isOrg = [{ field: 'id', value: org.id }]
  await adapter.update({ model: 'organization', where: isOrg, update: { name: 'Motors' } })
  const changedAt = there.clock.now
  const renamed = async () => {
    const { name, updatedAt } = await organizations.get('engines')
    return [name, updatedAt]
  }
  expect(await renamed()).toEqual(['Motors', changedAt])
  there.clock.now = new Date(changedAt.getTime() + 1_000)
  await adapter.update({ model: 'organization', where: isOrg, update: { name: 'Motors' } })
  expect(await renamed()).toEqual(['Motors', changedAt])

  // As its plugin deletes an organization.
  const deleteWhole = () =>
    adapter.transaction(async part => {
      await part.deleteMany({ model: 'member', where: inOrg })
      await part.delete({ model: 'organization', where: isOrg })
    })
  await projects.create({ slug: 'web', name: 'Web', org: 'engines' })
  const owns = { code: 'conflict', message: 'engines still owns 1 project' }
  expect(await failure(deleteWhole())).toMatchObject(owns)
  expect((await organizations.members.list('engines')).total).toBe(2)
  await projects.delete('web')
  await deleteWhole()
  expect(await failure(organizations.get('engines'))).toMatchObject({ code: 'not_found' })
})

test('what was sent by mail cannot be read in the database, and its hash confirms nothing', async () => {
  await using there = await temporaryLatchkey(new Date().toISOString())
  const { latchkey } = there
  const { email } = ada
  await latchkey.users.create({ username: 'ada', email })
  const on = (given: object) => latchkeyAdapter(latchkey)({ ...options, ...given })
  const adapter = on({})
  const times = { expiresAt: new Date(Date.now() + 300_000), createdAt: new Date(), updatedAt: new Date() }
  const data = { identifier: `sign-in-otp-${email}`, value: '482913:0', ...times }
  const by = (identifier: string) => ({
    model: 'verification',
    where: [{ field: 'identifier', value: identifier }],
  })
  expect(await adapter.create({ model: 'verification', data })).toMatchObject(data)
  expect(await adapter.findMany(by(data.identifier))).toMatchObject([data])
  const [row] = await there.query<{ identifier: string; value: string }>('SELECT * FROM verifications')
  expect(row?.identifier).toMatch(/^[0-9a-f]{64}$/)
  expect(row?.value).toStartWith('sealed:')
  for (const text of [data.identifier, data.value]) expect(await there.dump()).not.toContain(text)
  expect(await adapter.findMany(by(row?.identifier ?? ''))).toEqual([])
  const changed = await adapter.update({ ...by(data.identifier), update: { value: '482913:1' } })
  expect(changed).toMatchObject({ ...data, value: '482913:1', updatedAt: expect.any(Date) })
  // Another secret does not read it.
  expect(await on({ secret: 'Qw7Rt2Yu9Io4Pa1Sd6Fg3Hj8Kl5Zx0Cv' }).findOne(by(data.identifier))).toMatchObject(
    {
      identifier: data.identifier,
      value: null,
    },
  )
  const exported = await Array.fromAsync(latchkey.users.export('ada'))
  expect(exported.filter(({ of }) => of === 'verifications')).toHaveLength(1)
  expect(await adapter.deleteMany(by(data.identifier))).toBe(1)
  await adapter.create({ model: 'verification', data })
  await latchkey.users.erase('ada')
  expect(await there.query('SELECT id FROM verifications')).toEqual([])
})

test('tokens of outside accounts are stored encrypted, and those who know the secret read them', async () => {
  await using there = await temporaryLatchkey(new Date().toISOString())
  const { latchkey } = there
  const { id: userId } = await latchkey.users.create({ username: 'ada', email: 'ada@example.com' })
  const [old, current] = [options.secret, 'Qw7Rt2Yu9Io4Pa1Sd6Fg3Hj8Kl5Zx0Cv']
  const on = (given: object) => latchkeyAdapter(latchkey)({ ...options, ...given })
  const tokens = {
    accessToken: 'gho_access-6b1f',
    refreshToken: 'ghr_refresh-91c0',
    idToken: 'eyJ.id-77aa.x',
  }
  const times = { createdAt: new Date(), updatedAt: new Date() }
  const account = {
    userId,
    providerId: 'github',
    accountId: '42',
    issuer: 'provider:github',
    ...tokens,
    ...times,
  }
  const where = [{ field: 'userId', value: userId }]
  const stored = (given = {}) => on(given).findOne<object>({ model: 'account', where })
  const nothing = on({ secret: '' }).create({ model: 'account', data: account })
  expect(await failure(nothing)).toMatchObject({ code: 'config' })
  expect(await latchkey.accounts.list()).toMatchObject({ total: 0 })

  expect(await on({}).create({ model: 'account', data: account })).toMatchObject(tokens)
  expect(await stored()).toMatchObject(tokens)
  expect(await latchkey.auth.check()).toMatchObject({ ok: true })
  expect(await latchkey.accounts.list()).toMatchObject({ accounts: [{ hasTokens: true }] })
  const exported = JSON.stringify(await Array.fromAsync(latchkey.users.export('ada')))
  const dump = await there.dump()
  for (const token of Object.values(tokens))
    expect([dump.includes(token), exported.includes(token)]).toEqual([false, false])

  const lost = { accessToken: null, refreshToken: null, idToken: null, accountId: '42' }
  expect(await stored({ secret: current })).toMatchObject(lost)
  const secrets = [
    { version: 2, value: current },
    { version: 1, value: old },
  ]
  const rotated = on({ secret: undefined, secrets })
  const update = { accessToken: 'gho_next-04d2' }
  expect(await rotated.update({ model: 'account', where, update })).toMatchObject({ ...tokens, ...update })
  expect(await stored({ secret: current })).toMatchObject({ ...lost, ...update })
  const byToken = [{ field: 'accessToken', value: update.accessToken }]
  expect(await failure(on({}).findOne({ model: 'account', where: byToken }))).toMatchObject({
    code: 'invalid',
  })
})
