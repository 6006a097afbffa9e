// Runs on PostgreSQL too.
/** The keys of Better Auth's api-key plugin are keys of Latchkey: whoever makes, changes or ends one does it for both. */
import { expect, test } from 'bun:test'
import { apiKey } from '@better-auth/api-key'
import { betterAuth } from 'better-auth'
import { admin, organization } from 'better-auth/plugins'
import { latchkeyAdapter } from './better-auth.ts'
import type { Latchkey } from './index.ts'
import { failure } from './testing/failure.ts'
import { temporaryLatchkey } from './testing/latchkey.ts'
import { spawnLatchkey } from './testing/process.ts'

function authOn(latchkey: Latchkey, options: Parameters<typeof apiKey>[0] = {}) {
  return betterAuth({
    database: latchkeyAdapter(latchkey),
    secret: 'jv3Zk1Qm8sYb5TgXw9LrPc2NdHf7Ea4U',
    baseURL: 'http://127.0.0.1',
    logger: { disabled: true },
    emailAndPassword: { enabled: true },
    plugins: [admin(), organization(), apiKey(options)],
  })
}

const usual = { rateLimit: { enabled: false }, enableMetadata: true, maximumNameLength: 100 }

/** With ada and grace, who have signed up. */
async function home(options: Parameters<typeof apiKey>[0] = {}) {
  const made = await temporaryLatchkey(new Date().toISOString())
  const auth = authOn(made.latchkey, { ...usual, ...options })
  const signUp = async (name: string) => {
    const body = { email: `${name}@example.com`, password: 'a long enough word', name }
    const { headers, response } = await auth.api.signUpEmail({ body, returnHeaders: true })
    const cookie = headers.getSetCookie().map(each => each.split(';')[0])
    return { id: response.user.id, headers: new Headers({ cookie: cookie.join('; ') }) }
  }
  const ada = await signUp('ada')
  const grace = await signUp('grace')
  return { ...made, auth, ada, grace }
}

type Home = Awaited<ReturnType<typeof home>>

const codeOf = async ({ auth }: Pick<Home, 'auth'>, key: string): Promise<unknown> => {
  const { valid, error } = await auth.api.verifyApiKey({ body: { key } })
  return valid ? 'valid' : error?.code
}

test('a key that the plugin makes is a key of Latchkey, of which only the hash is stored', async () => {
  await using there = await home()
  const { latchkey, auth, ada, path, dump } = there
  const permissions = { files: ['read', 'write'], 'chat-1': ['use'] }
  const metadata = { team: 'engines' }
  const made = await auth.api.createApiKey({
    body: { name: 'CI', userId: ada.id, prefix: 'acme_', expiresIn: 30 * 86_400, permissions, metadata },
  })
  const start = made.key.slice(0, 6)
  expect(made).toMatchObject({
    name: 'CI',
    prefix: 'acme_',
    start,
    referenceId: ada.id,
    permissions,
    metadata,
  })
  expect(await latchkey.keys.get('CI')).toMatchObject({
    id: made.id,
    start,
    status: 'active',
    user: { username: 'ada' },
    scopes: ['files:read', 'files:write', 'chat-1:use'],
    metadata,
  })
  expect((await latchkey.keys.get('CI')).expiresAt).toEqual(made.expiresAt)
  expect((await dump()).includes(made.key.slice(10))).toBe(false)
  expect(await latchkey.keys.verify(made.key, { scope: 'files:read' })).toMatchObject({ valid: true })
  expect(await latchkey.keys.verify(made.key, { scope: 'files:own' })).toMatchObject({
    code: 'insufficient_scope',
  })
  const verified = await spawnLatchkey(['key', 'verify', '-', '--json'], {
    db: path,
    stdin: made.key,
  })
  expect(verified.json()).toMatchObject({ valid: true, key: { name: 'CI' } })
  const [told] = await latchkey.audit.list({ action: 'key.create' })
  expect(told).toMatchObject({ target: { id: made.id, name: 'CI' }, after: { user: { username: 'ada' } } })
})

test('a key that Latchkey makes for a user is a key of the plugin', async () => {
  await using there = await home()
  const { latchkey, auth, ada, grace } = there
  const { id, secret, start } = await latchkey.keys.create({
    name: 'deploy',
    user: 'ada',
    scopes: ['files:read', 'chat'],
    metadata: { team: 'engines' },
  })
  const { valid, key } = await auth.api.verifyApiKey({
    body: { key: secret ?? '', permissions: { files: ['read'] } },
  })
  expect({ valid, key }).toMatchObject({
    valid: true,
    key: {
      id,
      name: 'deploy',
      start,
      configId: 'default',
      referenceId: ada.id,
      enabled: true,
      remaining: null,
      requestCount: 0,
      permissions: { files: ['read'], chat: ['*'] },
      metadata: { team: 'engines' },
    },
  })
  const listed = await auth.api.listApiKeys({ headers: ada.headers })
  expect(listed).toMatchObject({ total: 1, apiKeys: [{ id, name: 'deploy' }] })
  expect(await auth.api.listApiKeys({ headers: grace.headers })).toMatchObject({ total: 0 })
  const nobodys = await latchkey.keys.create({ name: 'nobody' })
  expect(await codeOf(there, nobodys.secret ?? '')).toBe('INVALID_API_KEY')

  const rotated = await latchkey.keys.rotate('deploy', { graceMs: 60_000 })
  expect(await codeOf(there, secret ?? '')).toBe('valid')
  expect(await codeOf(there, rotated.secret ?? '')).toBe('valid')
  there.clock.now = new Date(there.clock.now.getTime() + 60_000)
  expect(await codeOf(there, secret ?? '')).toBe('INVALID_API_KEY')
})

test('what either changes of a key is changed for both, with its row in the audit log', async () => {
  await using there = await home()
  const { latchkey, auth, ada } = there
  const { id: keyId } = await auth.api.createApiKey({ body: { name: 'CI', userId: ada.id } })
  const get = () => auth.api.getApiKey({ query: { id: keyId }, headers: ada.headers })
  there.clock.now = new Date(there.clock.now.getTime() + 1_000)
  const userId = ada.id
  const changed = await auth.api.updateApiKey({
    body: {
      keyId,
      userId,
      name: 'Build',
      enabled: false,
      permissions: { files: ['read'] },
      expiresIn: 90 * 86_400,
    },
  })
  expect(changed).toMatchObject({ name: 'Build', enabled: false, permissions: { files: ['read'] } })
  expect(await latchkey.keys.get('Build')).toMatchObject({
    status: 'disabled',
    scopes: ['files:read'],
  })
  const { expiresAt, updatedAt } = await latchkey.keys.get('Build')
  expect([expiresAt, updatedAt]).toEqual([changed.expiresAt, there.clock.now])
  await latchkey.keys.enable('Build')
  await latchkey.keys.update('Build', { name: 'builds', scopes: null, metadata: { a: 1 } })
  expect(await get()).toMatchObject({ name: 'builds', enabled: true, permissions: null, metadata: { a: 1 } })
  expect(await auth.api.deleteApiKey({ body: { keyId }, headers: ada.headers })).toEqual({ success: true })
  expect(await failure(latchkey.keys.get(keyId))).toMatchObject({ code: 'not_found' })
  const told = await latchkey.audit.list({ target: keyId })
  expect(told.map(({ action }) => action)).toEqual([
    'key.delete',
    'key.update',
    'key.enable',
    'key.disable',
    'key.create',
  ])
})

test('the plugin calls keys of several users by the same name, and Latchkey tells them apart', async () => {
  await using there = await home()
  const { latchkey, auth, ada, grace } = there
  const make = (userId: string, name?: string) =>
    auth.api.createApiKey({ body: { userId, ...(name && { name }) } })
  const names = async ({ headers }: Home['ada']) =>
    (await auth.api.listApiKeys({ headers, query: { sortBy: 'name' } })).apiKeys.map(({ name }) => name)
  await make(ada.id, 'CI')
  const hers = await make(grace.id, 'ci')
  await make(grace.id, 'ci')
  await make(grace.id)
  await make(grace.id, 'list')
  expect(await names(ada)).toEqual(['CI'])
  expect(new Set(await names(grace))).toEqual(new Set([null, 'ci', 'ci', 'list']))
  const all = (await latchkey.keys.list({ user: 'grace' })).map(({ name }) => name)
  expect(all).toEqual(['ci-grace', expect.stringMatching(/^ci-[a-z0-9]{10}$/), 'api-key', 'api-list'])

  await latchkey.keys.update('ci-grace', { name: 'hers' })
  expect(await names(grace)).toContain('hers')
  await auth.api.updateApiKey({ body: { keyId: hers.id, userId: grace.id, name: 'CI' } })
  expect(await latchkey.keys.get(hers.id)).toMatchObject({ name: 'CI-grace' })
  const { secret } = await latchkey.keys.create({ name: 'own' })
  const holding = { code: 'invalid', message: expect.stringContaining('must not contain a secret') }
  expect(await failure(make(ada.id, secret ?? ''))).toMatchObject(holding)
})

test('a key ends for the plugin at once when Latchkey ends it, and when its user is banned', async () => {
  await using there = await home({ enableSessionForAPIKeys: true })
  const { latchkey, auth, ada, path } = there
  const made = await auth.api.createApiKey({ body: { name: 'CI', userId: ada.id } })
  const session = () => auth.api.getSession({ headers: new Headers({ 'x-api-key': made.key }) })
  const code = () => codeOf(there, made.key)
  expect(await code()).toBe('valid')
  expect((await session())?.user.id).toBe(ada.id)

  await latchkey.users.disable('ada', { reason: 'spam' })
  expect(await code()).toBe('KEY_DISABLED')
  expect(await session().catch(({ body }) => body)).toMatchObject({ code: 'KEY_DISABLED' })
  expect(await auth.api.getSession({ headers: ada.headers })).toBeNull()
  await latchkey.users.enable('ada')
  expect(await code()).toBe('valid')

  await auth.$context.then(({ adapter }) =>
    adapter.update({ model: 'user', where: [{ field: 'id', value: ada.id }], update: { banned: true } }),
  )
  expect(await code()).toBe('KEY_DISABLED')
  expect(await latchkey.keys.verify(made.key)).toMatchObject({ code: 'user_disabled' })
  await latchkey.users.enable('ada')

  await latchkey.projects.create({ slug: 'web', name: 'Web', owner: 'ada' })
  await latchkey.keys.update('CI', { project: 'web' })
  await latchkey.projects.archive('web')
  expect(await code()).toBe('KEY_DISABLED')
  await latchkey.keys.update('CI', { project: null })
  expect(await code()).toBe('valid')

  const { code: exit } = await spawnLatchkey(['key', 'revoke', 'CI', '--yes'], { db: path })
  expect(exit).toBe(0)
  expect(await code()).toBe('INVALID_API_KEY')
  expect(await auth.api.listApiKeys({ headers: (await signIn(there)).headers })).toMatchObject({ total: 0 })
})

/** Sessions of a banned user are over, so that she signs in again. */
async function signIn({ auth }: Home) {
  const body = { email: 'ada@example.com', password: 'a long enough word' }
  const { headers } = await auth.api.signInEmail({ body, returnHeaders: true })
  const cookie = headers.getSetCookie().map(each => each.split(';')[0])
  return { headers: new Headers({ cookie: cookie.join('; ') }) }
}

test('a key that has expired or is used up is kept, and the plugin finds it by its secret alone', async () => {
  await using there = await home()
  const { latchkey, auth, ada, query } = there
  const old = await auth.api.createApiKey({ body: { name: 'old', userId: ada.id, expiresIn: 2 * 86_400 } })
  const used = await auth.api.createApiKey({ body: { name: 'used', userId: ada.id, remaining: 1 } })
  expect(await codeOf(there, used.key)).toBe('valid')
  await query(`UPDATE keys SET expires_at = ${Date.now() - 60_000} WHERE id = '${old.id}'`)
  const before = await there.dump()
  for (const _ of [1, 2]) {
    expect(await codeOf(there, old.key)).toBe('KEY_EXPIRED')
    expect(await codeOf(there, used.key)).toBe('USAGE_EXCEEDED')
  }
  expect(await auth.api.deleteAllExpiredApiKeys()).toEqual({ success: true, error: null })
  expect(await auth.api.listApiKeys({ headers: ada.headers })).toMatchObject({ total: 0 })
  expect((await there.dump()) === before).toBe(true)
  expect(await latchkey.keys.get('old')).toMatchObject({ status: 'expired' })

  await latchkey.keys.update('old', { expiresAt: null })
  expect(await codeOf(there, old.key)).toBe('valid')
})

test('the plugin counts what it verifies, and none of it is a change of the key', async () => {
  await using there = await home({ rateLimit: { enabled: true, maxRequests: 3, timeWindow: 60_000 } })
  const { latchkey, auth, ada } = there
  const limited = await auth.api.createApiKey({ body: { name: 'limited', userId: ada.id } })
  const [refillAmount, refillInterval] = [5, 3_600_000]
  const counted = await auth.api.createApiKey({
    body: { userId: ada.id, name: 'counted', refillAmount, refillInterval, rateLimitEnabled: false },
  })
  await auth.api.updateApiKey({ body: { keyId: counted.id, userId: ada.id, remaining: 2 } })
  const before = await latchkey.keys.get('limited')
  const told = await latchkey.audit.list({ limit: 100 })
  there.clock.now = new Date(there.clock.now.getTime() + 1_000)
  const codes = async ({ key }: { readonly key: string }) => {
    const all = Array.from({ length: 6 }, () => codeOf(there, key))
    return (await Promise.all(all)).map(String).sort()
  }
  const [over, out] = [Array(3).fill('RATE_LIMITED'), Array(4).fill('USAGE_EXCEEDED')]
  expect(await codes(limited)).toEqual([...over, 'valid', 'valid', 'valid'])
  expect(await codes(counted)).toEqual([...out, 'valid', 'valid'])
  const get = (id: string) => auth.api.getApiKey({ query: { id }, headers: ada.headers })
  const window = { rateLimitEnabled: true, rateLimitMax: 3, rateLimitTimeWindow: 60_000, requestCount: 3 }
  expect(await get(limited.id)).toMatchObject({ ...window, lastRequest: expect.any(Date) })
  expect(await get(counted.id)).toMatchObject({ remaining: 0, refillAmount, refillInterval })
  expect(await latchkey.keys.get('limited')).toEqual(before)
  expect(await latchkey.audit.list({ limit: 100 })).toEqual(told)
})

test('a key belongs to a user, and is never stored as it is', async () => {
  await using there = await temporaryLatchkey(new Date().toISOString())
  const { users, organizations, keys } = there.latchkey
  const { id: userId } = await users.create({ username: 'ada', email: 'ada@example.com' })
  const { id: organizationId } = await organizations.create({ name: 'Engines', owner: 'ada' })
  const shared = authOn(there.latchkey, { references: 'organization' })
  expect(await failure(shared.api.createApiKey({ body: { userId, organizationId } }))).toMatchObject({
    code: 'invalid',
    message: 'a key belongs to a user or a project in Latchkey, not to an organization',
  })
  // The second could be a hash: 32 bytes in base64url.
  for (const key of ['k'.repeat(64), 'k'.repeat(43)]) {
    const plain = authOn(there.latchkey, { disableKeyHashing: true, customKeyGenerator: () => key })
    expect(await failure(plain.api.createApiKey({ body: { userId } }))).toMatchObject({ code: 'invalid' })
  }
  expect(await keys.list()).toEqual([])
})

test('what the plugin keeps of a key goes with it, is exported with its user, and is erased with them', async () => {
  await using there = await home()
  const { latchkey, auth, ada, query } = there
  const { id } = await auth.api.createApiKey({ body: { name: 'my secret lair', userId: ada.id } })
  const rows = await Array.fromAsync(latchkey.users.export('ada'))
  expect(rows.filter(({ of }) => of === 'api_keys')).toMatchObject([
    { row: { keyId: id, alias: 'my secret lair' } },
  ])
  await latchkey.users.erase('ada')
  expect(await query('SELECT * FROM api_keys')).toEqual([])
  expect(JSON.stringify(await latchkey.audit.list({ limit: 100 }))).not.toContain('lair')
})
