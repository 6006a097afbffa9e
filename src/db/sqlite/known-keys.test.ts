import { expect, spyOn, test } from 'bun:test'
import { renameSync, rmSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { codeOf } from '../../contract/failure.ts'
import { connectLatchkey } from '../../index.ts'
import { hashSecret } from '../../operations/rules/secrets.ts'
import { temporaryApp } from '../../testing/app.ts'
import { chances, histories } from '../../testing/chance.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { noCounts } from '../facts.ts'
import { Client } from './client.ts'
import { SqliteFacts } from './facts.ts'
import { KnownKeys } from './known-keys.ts'
import { openReader } from './open.ts'
import { SqliteStore } from './transaction.ts'
import type { SqliteUsage } from './usage-book.ts'

const hour = 3_600_000

test('a key is looked up again only after the database has changed', async () => {
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
  const keys = new KnownKeys(facts)
  const looks = spyOn(facts, 'keyAt')
  const asked = (hash: string) => {
    const before = looks.mock.calls.length
    const moment = { at: home.clock.now.getTime(), toleranceMs: 0, isPast: false, endUser: '' }
    const found = keys.known({ hash }, moment, () => false) ?? keys.keyAt({ hash }, moment, () => false)
    return [found?.name, looks.mock.calls.length - before]
  }
  expect(asked(freeHash)).toEqual(['free', 1])
  expect(asked(freeHash)).toEqual(['free', 0])
  for (const looks of [1, 0]) expect(asked(limitedHash)).toEqual(['limited', looks])
  for (let n = 0; n < 2; n++) expect(asked('nobody')).toEqual([undefined, 1])
  expect(asked(freeHash)).toEqual(['free', 0])
  await latchkey.keys.update(free, { name: 'renamed' })
  expect(asked(freeHash)).toEqual(['renamed', 1])
  expect(asked(freeHash)).toEqual(['renamed', 0])
  // It has a limit, and nothing that counts against it is stored yet.
  expect(asked(limitedHash)).toEqual(['limited', 1])
  await latchkey.keys.update('limited', { name: 'bound' })
  expect(asked(limitedHash)).toEqual(['bound', 1])
  await latchkey.keys.update(free, { name: 'again' })
  for (const looks of [1, 0]) expect(asked(otherHash)).toEqual(['other', looks])
  for (const looks of [1, 0]) expect(asked(freeHash)).toEqual(['again', looks])
  // One that is refused meanwhile is not taken for what it was either.
  await latchkey.keys.update(free, { expiresAt: new Date(home.clock.now.getTime() + hour) })
  expect(asked(freeHash)).toEqual(['again', 1])
  const later = { at: home.clock.now.getTime() + hour, toleranceMs: 0, isPast: false, endUser: '' }
  const known = () => keys.known({ hash: freeHash }, later, ({ expiresAt }) => expiresAt === later.at)
  expect(known()?.limits).toBe(null)
  await latchkey.keys.update(free, { expiresAt: null })
  expect(known()).toBe(undefined)
  await latchkey.limits.set({ key: free }, [{ ...limits[0], each: true }])
  // What each end user has used is looked up for them.
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

test('what was counted has used a key that is not looked up again, and what was undone has not', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, path, clock } = home
  const { id, secret } = await latchkey.keys.create({ name: 'ci' })
  const store = new SqliteStore({ path, access: 'write', dryRun: false, busyTimeoutMs: 5_000 })
  const charge = (usage: SqliteUsage, ms: number) =>
    usage.charge(
      id,
      { at: clock.now.getTime() + ms, model: '', endUser: '', counts: noCounts, isPriced: true },
      () => noCounts,
    )
  const lastUse = async () => {
    const moment = { at: clock.now.getTime(), toleranceMs: 0, isPast: false, endUser: '' }
    return (await store.latest.keyAt({ hash: hashSecret(secret!) }, moment))?.lastUsedAt
  }
  await store.tally('NORMAL', usage => charge(usage, 0))
  for (let n = 0; n < 2; n++) expect(await lastUse()).toBe(clock.now.getTime())
  const looks = spyOn(SqliteFacts.prototype, 'keyAt')
  await store.tally('NORMAL', usage => charge(usage, 500))
  expect([await lastUse(), looks.mock.calls.length]).toEqual([clock.now.getTime() + 500, 0])
  const undone = store.tally('NORMAL', usage => {
    charge(usage, 2_000)
    throw new Error('undo this')
  })
  const done = store.tally('NORMAL', usage => charge(usage, 1_000))
  expect((await Promise.allSettled([undone, done])).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
  ])
  expect(await lastUse()).toBe(clock.now.getTime() + 1_000)
  expect(looks).toHaveBeenCalledTimes(1)
  looks.mockRestore()
  await store.close()
})

test('a shared snapshot ends with its file, and with its Latchkey', async () => {
  await using home = await temporaryLatchkey()
  await using elsewhere = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({ name: 'ci' })
  await home.latchkey.close()
  await elsewhere.latchkey.close()
  const shared = connectLatchkey({ path: home.path, verdictsByTurn: true })
  const code = async () => (await shared.keys.verify(secret!)).code
  expect(await code()).toBe('valid')
  for (const sidecar of ['-wal', '-shm']) rmSync(home.path + sidecar, { force: true })
  renameSync(elsewhere.path, home.path)
  // For so long where the path leads is not looked up again.
  Bun.sleepSync(5)
  expect(await code()).toBe('not_found')
  await shared.close()
  await setImmediate()
})

test('whoever waits holds no snapshot, which would keep the log from being emptied', async () => {
  await using home = await temporaryLatchkey()
  const { id, secret } = await home.latchkey.keys.create({ name: 'ci' })
  const shared = connectLatchkey({ path: home.path, verdictsByTurn: true })
  const other = new Client(home.path, { readwrite: true })
  const emptied = () => other.query('PRAGMA wal_checkpoint(TRUNCATE)').values()[0]
  const change = () => other.run('UPDATE keys SET name = ? WHERE id = ?', ['renamed', id])
  await shared.keys.verify(secret!)
  await setImmediate()
  await shared.keys.verify(secret!)
  change()
  expect(emptied()).toEqual([1, expect.any(Number), expect.any(Number)])
  await setImmediate()
  expect(emptied()).toEqual([0, 0, 0])
  other.close()
  await shared.close()
})

test('a verdict after a change of the same Latchkey is from after it, however little time has passed', async () => {
  await using home = await temporaryLatchkey()
  const { id, secret } = await home.latchkey.keys.create({ name: 'ci' })
  const shared = connectLatchkey({ path: home.path, verdictsByTurn: true })
  const code = async () => (await shared.keys.verify(secret!)).code
  /** With verdicts at each turn of the queue. */
  const meanwhile = async (change: Promise<unknown>) => {
    for (let n = 0; n < 60; n++) {
      shared.keys.verify(secret!)
      await null
    }
    await change
  }
  await meanwhile(shared.keys.disable(id))
  await meanwhile(shared.keys.enable(id))
  const clock = spyOn(performance, 'now').mockReturnValue(performance.now())
  for (let n = 0; n < 3; n++) {
    await meanwhile(shared.keys.disable(id))
    expect(await code()).toBe('disabled')
    await meanwhile(shared.keys.enable(id))
    expect(await code()).toBe('valid')
  }
  clock.mockRestore()
  await shared.close()
})

test('in a turn that takes long, what somebody else changes counts too', async () => {
  await using home = await temporaryLatchkey()
  const { id, secret } = await home.latchkey.keys.create({ name: 'ci' })
  const shared = connectLatchkey({ path: home.path, now: () => home.clock.now, verdictsByTurn: true })
  const code = async () => (await shared.keys.verify(secret!)).code
  await code()
  await setImmediate()
  let isOver = false
  setImmediate().then(() => {
    isOver = true
  })
  expect(await code()).toBe('valid')
  const other = new Client(home.path, { readwrite: true })
  other.run('UPDATE keys SET revoked_at = ? WHERE id = ?', [home.clock.now.getTime(), id])
  other.close()
  Bun.sleepSync(2)
  expect([await code(), isOver]).toEqual(['revoked', false])
  await shared.close()
})

test('of more than 5,000 keys not all are known', async () => {
  await using home = await temporaryLatchkey()
  const made = await home.latchkey.keys.createMany({ name: 'ci' }, 5_001)
  const [first, ...others] = made.map(({ secret }) => secret!)
  const verify = async (secret: string) => (await home.latchkey.keys.verify(secret)).code
  const looks = spyOn(SqliteFacts.prototype, 'keyAt')
  for (let n = 0; n < 2; n++) expect(await verify(first!)).toBe('valid')
  expect(looks).toHaveBeenCalledTimes(1)
  for (const secret of others) await verify(secret)
  expect(looks).toHaveBeenCalledTimes(5_001)
  await verify(first!)
  expect(looks).toHaveBeenCalledTimes(5_002)
  looks.mockRestore()
})

const refused = (error: unknown) => expect(codeOf(error)).toMatch(/^(not_found|conflict|invalid)$/)

test.each([
  ['a Latchkey that knows a key', false],
  ['one whose verdicts of a turn share a snapshot', true],
])('%s answers as one that has never heard of it, whatever anybody did', async (_, verdictsByTurn) => {
  for (let seed = 1; seed <= Math.ceil(histories / 4); seed++) {
    await using home = await temporaryLatchkey()
    const { latchkey, path, clock } = home
    const now = () => clock.now
    const { pick, whole } = chances(seed)
    for (const username of ['alice', 'bob', 'carol']) await latchkey.users.create({ username })
    await latchkey.organizations.create({ name: 'Acme', owner: 'carol' })
    for (const name of ['Shop', 'Other']) await latchkey.projects.create({ name, org: 'acme' })
    const secrets: string[] = []
    const made = ['plain', 'owned', 'deployed']
    const all = [...made, 'idle']
    for (const [n, name] of all.entries()) {
      const belongs = [{}, { user: 'alice' }, { user: 'alice', project: 'shop' }, {}][n]
      secrets.push((await latchkey.keys.create({ name, ...belongs })).secret!)
    }
    const knowing = connectLatchkey({ path, now, verdictsByTurn })
    const other = connectLatchkey({ path, now })
    const recorder = await knowing.usage.createRecorder({ maxPending: 1 })
    const held: string[] = []
    const at = () => new Date(clock.now.getTime() - pick([0, 0, hour, 30 * 24 * hour]))
    const limits = () =>
      pick([
        [{ metric: 'tokens', amount: pick([0, 50, 500]), windowMs: pick([hour, 24 * hour, 60 * 24 * hour]) }],
        [{ metric: 'requests', amount: pick([3, 30]), period: 'day', models: 'gpt-*' }],
        [{ metric: 'parallel', amount: 2 }],
        [{ metric: 'tokens', amount: 100, windowMs: hour, each: true }],
      ] as const)
    let last = knowing
    const who = () => {
      last = pick([knowing, knowing, other])
      return last
    }
    const use = () => ({
      model: pick(['gpt-a', 'gpt-b', `gpt-${whole(0, 99)}`]),
      inputTokens: whole(1, 9),
      at: at(),
    })
    const steps: readonly (() => Promise<unknown>)[] = [
      ...Array.from({ length: 6 }, () => async () => who().usage.record(pick(made), use())),
      async () => recorder.ingest([{ key: pick(made), ...use(), at: at().toISOString() }]),
      async () => {
        const { reservation } = await who().usage.reserve(pick(made), { tokens: 5, timeoutMs: hour / 4 })
        if (reservation) held.push(reservation.id)
      },
      async () => who().usage.settle(held.pop() ?? 'none', use()),
      async () => who().usage.release(held.pop() ?? 'none'),
      async () =>
        who().limits.set(
          pick([{ key: pick(all) }, { user: 'alice' }, { project: 'shop' }, { org: 'acme' }]),
          limits(),
        ),
      async () => who().limits.reset({ key: pick(all) }),
      async () =>
        who().keys.update(
          pick(all),
          pick([{ user: 'bob' }, { user: 'alice' }, { project: 'other' }, { scopes: ['chat:*'] }]),
        ),
      async () => (pick([true, false]) ? who().users.disable('alice') : who().users.enable('alice')),
      async () => (pick([true, false]) ? who().keys.disable(pick(all)) : who().keys.enable(pick(all))),
      async () =>
        who().keys.update(pick(all), { expiresAt: pick([null, new Date(clock.now.getTime() + hour / 2)]) }),
      async () => secrets.push((await who().keys.rotate(pick(all), { graceMs: hour })).secret!),
      async () => {
        clock.now = new Date(clock.now.getTime() + pick([1, 60_000, hour, 25 * hour]))
      },
    ]
    for (let step = 0; step < 60; step++) {
      last = knowing
      // Some refuse, such as to settle what is not reserved. Meanwhile verdicts are asked for.
      // At each turn of the queue.
      const meanwhile = async () => {
        for (let n = 0; n < 24; n++) {
          knowing.keys.verify(pick(secrets))
          await null
        }
      }
      await Promise.all([pick(steps)().catch(refused), meanwhile()])
      if (verdictsByTurn && last === other) await setImmediate()
      const secret = pick(secrets)
      const options = pick([
        { model: 'gpt-a' },
        {},
        { at: new Date(clock.now.getTime() - hour) },
        { endUser: 'eva', model: 'gpt-b' },
      ])
      const stranger = connectLatchkey({ path, now, access: 'read' })
      const found = await stranger.keys.verify(secret, options)
      await stranger.close()
      expect(await knowing.keys.verify(secret, options), `seed ${seed}, step ${step}`).toEqual(found)
    }
    await recorder.close()
    await knowing.close()
    await other.close()
  }
})
