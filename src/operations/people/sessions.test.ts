// Runs on PostgreSQL too.
import { afterEach, expect, spyOn, test } from 'bun:test'
import { Client } from '../../db/sqlite/client.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { deviceOf } from '../rules/device.ts'

const spies: { mockRestore(): void }[] = []
afterEach(() => {
  for (const spy of spies.splice(0)) spy.mockRestore()
})

/** How many statements a read takes on SQLite. */
async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const spy = spyOn(Client.prototype, 'prepare')
  spies.push(spy)
  await work()
  const { length } = spy.mock.calls
  spy.mockRestore()
  return length
}

const day = 86_400_000
const at = Date.parse('2026-11-20T12:00:00Z')

async function home() {
  const made = await temporaryLatchkey('2026-11-20T12:00:00Z')
  for (const username of ['alice', 'bob']) await made.latchkey.users.create({ username })
  return made
}

test('a session is valid by its token for seven days, and not a millisecond longer', async () => {
  await using there = await home()
  const { sessions, audit } = there.latchkey
  const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
  const { token, ...made } = await sessions.create({ user: 'alice', userAgent, ipAddress: '192.0.2.7' })
  expect(token).toMatch(/^[0-9A-Za-z]{32}$/)
  expect(made).toMatchObject({
    user: { username: 'alice' },
    status: 'valid',
    device: 'Firefox on Linux',
    ipAddress: '192.0.2.7',
    expiresAt: new Date(at + 7 * day),
  })
  const before = await audit.list()
  there.clock.now = new Date(at + 7 * day - 1)
  expect(await sessions.verify(token)).toMatchObject({ valid: true, code: 'valid', session: { id: made.id } })
  there.clock.now = new Date(at + 7 * day)
  expect(await sessions.verify(token)).toMatchObject({ valid: false, code: 'expired' })
  expect(await sessions.verify(`${token}x`)).toEqual({ valid: false, code: 'not_found', session: null })
  // The stored hash is no token.
  const [row] = await there.query('SELECT token_hash FROM sessions')
  expect(await sessions.verify(Object(row).token_hash)).toMatchObject({ code: 'not_found' })
  expect(await audit.list()).toEqual(before)
  expect(await failure(sessions.extend({ token }))).toMatchObject({ code: 'conflict' })
})

test('a token is nowhere but in the answer', async () => {
  await using there = await home()
  const { sessions, audit } = there.latchkey
  const { token } = await sessions.create({ user: 'alice' })
  await sessions.extend({ token })
  const rows = await there.query('SELECT * FROM sessions')
  await sessions.revoke({ token })
  const trail = await audit.list()
  expect(trail.map(({ action }) => action).slice(0, 3)).toEqual([
    'user.session-revoke',
    'user.session-extend',
    'user.session-create',
  ])
  expect(JSON.stringify([rows, trail])).not.toContain(token)
  expect(await sessions.verify(token)).toMatchObject({ code: 'not_found' })
})

test('the sessions of a disabled user stop at once, and no new one begins', async () => {
  await using there = await home()
  const { sessions, users } = there.latchkey
  const { token } = await sessions.create({ user: 'alice' })
  await users.disable('alice', { until: new Date(at + day) })
  expect(await sessions.verify(token)).toMatchObject({ valid: false, code: 'user_disabled' })
  expect(await failure(sessions.create({ user: 'alice' }))).toMatchObject({ code: 'conflict' })
  expect(await failure(sessions.extend({ token }))).toMatchObject({ code: 'conflict' })
  there.clock.now = new Date(at + day)
  expect(await sessions.verify(token)).toMatchObject({ valid: true })
})

test('extending counts from now, and never shortens', async () => {
  await using there = await home()
  const { sessions } = there.latchkey
  const { token } = await sessions.create({ user: 'alice', forMs: 10 * day })
  expect((await sessions.extend({ token })).expiresAt).toEqual(new Date(at + 10 * day))
  there.clock.now = new Date(at + 5 * day)
  expect((await sessions.extend({ token })).expiresAt).toEqual(new Date(at + 12 * day))
  expect((await sessions.extend({ token }, { forMs: 30 * day })).expiresAt).toEqual(new Date(at + 35 * day))
})

test('many sessions end at once: of a user, expired ones, or all; and never all by mistake', async () => {
  await using there = await home()
  const { sessions } = there.latchkey
  for (const user of ['alice', 'alice', 'bob']) await sessions.create({ user })
  await sessions.create({ user: 'bob', forMs: day })
  there.clock.now = new Date(at + day)
  for (const none of [{}, { user: undefined }, { user: ' ' }])
    expect(await failure(sessions.revokeMatching(none))).toMatchObject({ code: 'invalid' })
  expect(await sessions.revokeMatching({ expired: true })).toEqual({ sessions: 1 })
  expect(await sessions.revokeMatching({ user: 'alice' })).toEqual({ sessions: 2 })
  expect((await sessions.list()).total).toBe(1)
  expect(await there.dry.sessions.revokeMatching({ all: true })).toEqual({ sessions: 1 })
  expect(await sessions.revokeMatching({ all: true })).toEqual({ sessions: 1 })
  expect(await there.latchkey.audit.list({ action: 'user.session-revoke' })).toHaveLength(4)
})

test('lists of users, sessions and accounts have pages, and take as many statements whatever there is', async () => {
  await using there = await home()
  const { sessions, accounts, users } = there.latchkey
  await sessions.create({ user: 'alice' })
  await users.setPassword('alice', 'correct horse')
  await statements()
  const few = await statements()
  await there.query(`INSERT INTO users (id, username, role, service, created_at, updated_at)
    WITH RECURSIVE counted (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM counted WHERE n < 2199)
    SELECT 'usr_0000000000000000000000' || n, 'u' || n, 'member', 0, 0, 0 FROM counted`)
  await there.query(`INSERT INTO sessions (id, user_id, token_hash, expires_at, created_at, updated_at)
    SELECT 'ses_' || substr(id, 5), id, substr(id, 5) || '00000000000000000000000000000000000000', ${at + day}, 0, 0
    FROM users WHERE username LIKE 'u%'`)
  await there.query(`INSERT INTO accounts (id, user_id, issuer, provider_id, account_id, access_token, created_at, updated_at)
    SELECT 'acc_' || substr(id, 5), id, 'https://github.com', 'github', username, 'gho_secret', 0, 0
    FROM users WHERE username LIKE 'u%'`)
  expect(await statements()).toEqual(few)
  interface Listing {
    readonly stream: (page?: object) => AsyncIterable<{ readonly id: string }>
    readonly list: (page: object) => Promise<readonly { readonly id: string }[]>
  }
  const listings: readonly Listing[] = [
    { stream: users.stream, list: users.list },
    { stream: sessions.stream, list: async page => (await sessions.list(page)).sessions },
    { stream: accounts.stream, list: async page => (await accounts.list(page)).accounts },
  ]
  for (const { stream, list } of listings) {
    const all = await Array.fromAsync(stream(), ({ id }) => id)
    expect(all.length).toBeGreaterThan(1_200)
    expect(all).toEqual([...new Set(all)].sort())
    const paged: string[] = []
    for (;;) {
      const page = await list({ limit: 400, after: paged.at(-1) })
      paged.push(...page.map(({ id }) => id))
      if (page.length < 400) break
    }
    expect(paged).toEqual(all)
    expect(await Array.fromAsync(stream({ limit: 501 }), ({ id }) => id)).toEqual(all.slice(0, 501))
  }
  expect((await sessions.list({ limit: 1 })).total).toBe(1_201)
  expect(JSON.stringify(await Array.fromAsync(accounts.stream()))).not.toContain('gho_secret')

  async function statements(): Promise<readonly number[]> {
    const counts: number[] = []
    for (const work of [
      () => users.list({ limit: 50 }),
      () => sessions.list({ limit: 50 }),
      () => accounts.list({ limit: 50 }),
    ])
      counts.push(await statementsOf(work))
    return counts
  }
})

test('the last way to sign in is not unlinked, unless that is said', async () => {
  await using there = await home()
  const { accounts, users } = there.latchkey
  await users.setPassword('alice', 'correct horse')
  const {
    accounts: [password],
  } = await accounts.list({ user: 'alice' })
  expect(password).toMatchObject({ provider: 'credential', hasPassword: true, hasTokens: false })
  const unlink = (options = {}) => accounts.unlink(password?.id ?? '', options)
  expect(await failure(unlink())).toMatchObject({ code: 'conflict' })
  await there.query(`INSERT INTO accounts (id, user_id, issuer, provider_id, account_id, refresh_token, created_at, updated_at)
    SELECT 'acc_00000000000000000000000000', id, 'https://github.com', 'github', '7', 'ghr_secret', 0, 0
    FROM users WHERE username = 'alice'`)
  await unlink()
  expect((await users.get('alice')).hasPassword).toBe(false)
  const left = 'acc_00000000000000000000000000'
  expect(await accounts.get(left)).toMatchObject({ hasTokens: true })
  expect(await failure(accounts.unlink(left))).toMatchObject({ code: 'conflict' })
  await accounts.unlink(left, { evenLast: true })
  expect((await accounts.list()).total).toBe(0)
  expect(JSON.stringify(await there.latchkey.audit.list())).not.toContain('ghr_secret')
})

test.each([
  [null, null],
  ['', null],
  ['curl/8.5.0', 'curl'],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36',
    'Chrome on Windows',
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
    'Edge on Windows',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15',
    'Safari on macOS',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
  ],
  ['Mozilla/5.0 (something else)', 'unknown'],
])('the device of %j is %j', (userAgent, device) => {
  expect(deviceOf(userAgent)).toBe(device)
})
