// Runs on PostgreSQL too.
/** What becomes of rows here when a source on Better Auth changes: it has only what a test needs, and no keys that make ids unique. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '../../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'

const at = '2026-11-01T00:00:00.000Z'
const columns = {
  user: 'id name email emailVerified image banned banReason createdAt updatedAt',
  session: 'id userId token expiresAt userAgent createdAt updatedAt',
  account: 'id userId accountId providerId createdAt updatedAt',
  organization: 'id name slug createdAt',
  organizationRole: 'id organizationId role permission createdAt',
  member: 'id organizationId userId role createdAt',
  team: 'id name organizationId createdAt',
  teamMember: 'id teamId userId createdAt',
  apikey:
    'id name start key userId enabled permissions metadata remaining refillAmount refillInterval lastRefillAt createdAt',
}
type Rows = Readonly<Partial<Record<keyof typeof columns, readonly Readonly<Record<string, unknown>>[]>>>

const users = ['ada', 'bob', 'cyd'].map(id => ({
  id,
  name: id,
  email: `${id}@example.org`,
  emailVerified: 1,
  createdAt: at,
}))

/** Imports a source with these rows. */
async function load({ latchkey, folder }: TestLatchkey, rows: Rows) {
  const file = join(folder, 'auth.db')
  rmSync(file, { force: true })
  const db = new Database(file)
  for (const [table, names] of Object.entries(columns)) {
    db.run(`CREATE TABLE "${table}" (${names.replaceAll(' ', ', ')})`)
    const all: Rows = { user: users, ...rows }
    for (const row of all[table as keyof Rows] ?? []) {
      const values = names.split(' ').map(name => (row[name] ?? null) as string)
      db.run(`INSERT INTO "${table}" VALUES (${values.map(() => '?').join(', ')})`, values)
    }
  }
  db.close()
  return latchkey.imports.betterAuth({ file })
}

const session = { id: 's1', userId: 'cyd', token: 'token-of-cyd', expiresAt: '2027-01-01T00:00:00Z' }

test('the last session that ended in a source ends here', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await load(home, { session: [session] })
  expect(await latchkey.sessions.verify(session.token)).toMatchObject({ valid: true })
  const { items } = await load(home, {})
  expect(items).toContainEqual({
    type: 'session',
    name: 'cyd',
    outcome: 'revoked',
    reason: 'no longer in better-auth',
  })
  expect(await latchkey.sessions.verify(session.token)).toMatchObject({ code: 'not_found' })
})

test.each([
  [0, 'is before the year 2000'],
  ['1999-12-31T23:59:59Z', 'is before the year 2000'],
  ['2999-01-01T00:00:00Z', 'is in the future'],
])('usage of a time that cannot be is not recorded: %j %s', async (lastRefillAt, problem) => {
  await using home = await temporaryLatchkey()
  const key = { id: 'k1', name: 'ci', userId: 'bob', key: hashOf('zq_secret'), remaining: 3, lastRefillAt }
  const before = await home.dump()
  const refused = await failure(
    load(home, { apikey: [{ ...key, refillAmount: 10, refillInterval: 86_400_000 }] }),
  )
  expect(refused).toMatchObject({
    code: 'invalid',
    message: expect.stringContaining(`the time of its usage ${problem}; nothing was imported`),
  })
  expect(await home.dump()).toBe(before)
})

const hashOf = (secret: string) => new Bun.CryptoHasher('sha256').update(secret).digest('base64url')

const secret = 'zq_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef'

test('a secret of a key is stored nowhere, in whatever text of its source it is', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { secret: own = '' } = await latchkey.keys.create({ name: 'own' })
  const key = (name: string, more: object) => ({
    id: name,
    name,
    userId: 'bob',
    key: hashOf(name === 'ci' ? secret : `zq_${name}`),
    ...more,
  })
  const { items } = await load(home, {
    user: [
      {
        ...users[0],
        image: `https://example.org/i.png?a=1&k=${secret}`,
        banned: 1,
        banReason: `sent ${own}`,
      },
      users[1]!,
      { ...users[2], name: `Cyd (${secret})` },
    ],
    apikey: [
      key('ci', { metadata: JSON.stringify({ was: [secret], plan: 'pro' }) }),
      key('files', { permissions: JSON.stringify({ [secret]: ['read'] }) }),
    ],
    account: [{ id: 'a1', userId: 'bob', providerId: 'github', accountId: secret }],
  })
  expect(items.map(({ type, name, outcome, reason }) => [type, name, outcome, reason])).toEqual([
    [
      'user',
      'ada',
      'created',
      'no password in the source; its image holds a secret, and is left out; its banReason holds a secret, and is left out; is banned there, and so disabled here',
    ],
    ['user', 'bob', 'created', 'no password in the source'],
    [
      'user',
      'user 3',
      'refused',
      'its name holds a secret, and secrets are never stored: change it there first',
    ],
    ['key', 'ci', 'created', 'its metadata holds a secret, and is left out'],
    [
      'key',
      'files',
      'refused',
      'its permission holds a secret, and secrets are never stored: change it there first',
    ],
    ['account', 'account 1', 'refused', 'it holds a secret, and secrets are never stored'],
  ])
  expect(await latchkey.keys.verify(secret)).toMatchObject({ valid: true })
  const stored = await home.dump()
  for (const each of [secret, own]) expect(stored).not.toContain(each)
})
