import { expect, spyOn, test } from 'bun:test'
import { temporaryApp } from '../../testing/app.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { SqliteFacts } from './facts.ts'
import { openReader } from './open.ts'
import { UnlimitedKeys } from './unlimited-keys.ts'

const hour = 3_600_000

test('a key without limits is looked up again only after the database has changed', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id: free } = await latchkey.keys.create({ name: 'free' })
  const limits = [{ metric: 'requests', amount: 5, windowMs: hour }] as const
  await latchkey.keys.create({ name: 'limited', limits })
  await latchkey.keys.create({ name: 'other' })
  const client = openReader(home.path)
  const hashes = client.query<{ hash: string }, []>('SELECT hash FROM secrets ORDER BY key_id').all()
  const [freeHash = '', limitedHash = '', otherHash = ''] = hashes.map(({ hash }) => hash)
  const facts = new SqliteFacts(client)
  const keys = new UnlimitedKeys(facts)
  const looks = spyOn(facts, 'keyAt')
  const asked = (hash: string) => {
    const before = looks.mock.calls.length
    const moment = { at: home.clock.now.getTime(), toleranceMs: 0, endUser: '' }
    const found = keys.known({ hash }) ?? keys.keyAt({ hash }, moment, () => false)
    return [found?.name, looks.mock.calls.length - before]
  }
  expect(asked(freeHash)).toEqual(['free', 1])
  expect(asked(freeHash)).toEqual(['free', 0])
  for (let n = 0; n < 2; n++) expect(asked(limitedHash)).toEqual(['limited', 1])
  for (let n = 0; n < 2; n++) expect(asked('nobody')).toEqual([undefined, 1])
  expect(asked(freeHash)).toEqual(['free', 0])
  await latchkey.keys.update(free, { name: 'renamed' })
  expect(asked(freeHash)).toEqual(['renamed', 1])
  expect(asked(freeHash)).toEqual(['renamed', 0])
  await latchkey.keys.update(free, { name: 'again' })
  for (const looks of [1, 0]) expect(asked(otherHash)).toEqual(['other', looks])
  for (const looks of [1, 0]) expect(asked(freeHash)).toEqual(['again', looks])
  await latchkey.limits.set({ key: free }, limits)
  for (let n = 0; n < 2; n++) expect(asked(freeHash)).toEqual(['again', 1])
  client.close()
})

test('a gateway is let in no longer from the first request after its key ended, by whatever', async () => {
  await using home = await temporaryApp()
  const { latchkey, clock } = home
  const scopes = ['latchkey:verify']
  const status = async (secret: string | null) =>
    (await home.ask('/v1/verify', { method: 'POST' }, { authorization: `Bearer ${secret}` })).status
  await latchkey.users.create({ username: 'alice' })
  const owned = await latchkey.keys.create({ name: 'owned', user: 'alice', scopes })
  const made = async (name: string) => (await latchkey.keys.create({ name, scopes })).secret
  const revoked = await made('revoked')
  const narrowed = await made('narrowed')
  const rotated = await made('rotated')
  const deleted = await made('deleted')
  const ends: readonly (readonly [string | null, () => Promise<unknown>, number])[] = [
    [owned.secret, () => latchkey.users.disable('alice'), 401],
    [revoked, () => latchkey.keys.revoke('revoked'), 401],
    [narrowed, () => latchkey.keys.update('narrowed', { scopes: ['chat:*'] }), 403],
    [rotated, () => latchkey.keys.rotate('rotated'), 401],
    [deleted, () => latchkey.keys.delete('deleted'), 401],
  ]
  for (const [secret, end, refused] of ends) {
    // 415: let in, and then there is no body.
    for (let n = 0; n < 2; n++) expect(await status(secret)).toBe(415)
    await end()
    expect(await status(secret)).toBe(refused)
  }
  const expiresAt = new Date(clock.now.getTime() + hour)
  const { secret: short } = await latchkey.keys.create({ name: 'short', scopes, expiresAt })
  const before = await made('before')
  await latchkey.keys.rotate('before', { graceMs: hour })
  for (const secret of [short, before, before, short]) expect(await status(secret)).toBe(415)
  // Nothing in the database changes.
  clock.now = expiresAt
  for (const secret of [short, before]) expect(await status(secret)).toBe(401)
})

test('a Latchkey lets in no key that it has ended itself', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { secret } = await latchkey.keys.create({ name: 'free' })
  const code = async () => (await latchkey.keys.verify(secret ?? '')).code
  for (let n = 0; n < 2; n++) expect(await code()).toBe('valid')
  await latchkey.keys.revoke('free')
  expect(await code()).toBe('revoked')
})
