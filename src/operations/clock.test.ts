import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { connectLatchkey, type Latchkey } from '../index.ts'
import { temporaryFolder } from '../testing/folder.ts'

const hour = 3_600_000
const limit = { metric: 'tokens', amount: 100, windowMs: hour } as const

/** In this order, on what those before have left. */
const operations: Readonly<Record<string, (latchkey: Latchkey) => Promise<unknown>>> = {
  initialize: l => l.initialize(),
  'users.create': l => l.users.create({ username: 'alice', password: 'correct horse', limits: [limit] }),
  'users.update': l => l.users.update('alice', { name: 'Alice', limits: [{ ...limit, amount: 7 }] }),
  'users.verifyPassword': l => l.users.verifyPassword('alice', 'correct horse'),
  'users.setPassword': l => l.users.setPassword('alice', 'battery staple'),
  'users.disable': l => l.users.disable('alice'),
  'users.enable': l => l.users.enable('alice'),
  'users.list': l => l.users.list(),
  'projects.create': l => l.projects.create({ name: 'Shop', owner: 'alice' }),
  'projects.update': l =>
    l.projects.update('shop', { addMembers: [{ user: 'alice', role: 'admin' }], limits: [limit] }),
  'projects.archive': l => l.projects.archive('shop'),
  'projects.unarchive': l => l.projects.unarchive('shop'),
  'keys.create': l => l.keys.create({ name: 'ci', project: 'shop', expiresAt: new Date('2099-01-01') }),
  'keys.createMany': l => l.keys.createMany({ name: 'many', limits: [limit] }, 3),
  'keys.update': l => l.keys.update('ci', { expiresAt: new Date('2098-01-01'), limits: [limit] }),
  'keys.rotate': l => l.keys.rotate('ci', { graceMs: hour }),
  'keys.disable': l => l.keys.disable('ci'),
  'keys.enable': l => l.keys.enable('ci'),
  'keys.changeMatching': l => l.keys.changeMatching({ search: 'many' }, { verb: 'disable' }),
  'keys.list': l => l.keys.list({ status: 'active', expiresWithinMs: 99 * 365 * 24 * hour }),
  'keys.stats': l => l.keys.stats('ci'),
  'keys.standing': async l => l.keys.standing([(await l.keys.get('ci')).id]),
  'keys.activity': async l => l.keys.activity([(await l.keys.get('ci')).id]),
  'limits.set': l => l.limits.set({ key: 'ci' }, [{ ...limit, amount: 3 }]),
  'limits.list': l => l.limits.list({ key: 'ci' }),
  'limits.reset': l => l.limits.reset({ key: 'ci' }),
  'limits.remove': l => l.limits.remove({ key: 'ci' }, [{ metric: 'tokens' }]),
  'usage.prices.set': l => l.usage.prices.set('m', { inputUsd: 1, outputUsd: 2 }),
  'usage.prices.list': l => l.usage.prices.list(),
  'usage.record': l => l.usage.record('ci', { model: 'm', inputTokens: 1 }),
  'usage.reserve': l => l.usage.reserve('ci', { tokens: 1 }),
  'usage.report': l => l.usage.report(),
  'usage.overview': l => l.usage.overview(),
  'usage.compact': l => l.usage.compact(),
  'usage.prices.remove': l => l.usage.prices.remove('m'),
  'keys.revoke': l => l.keys.revoke('ci'),
  'keys.delete': l => l.keys.delete('ci'),
  inventory: l => l.inventory(),
  'backups.create': l => l.backups.create(),
  'backups.status': l => l.backups.status(),
  health: l => l.health(),
}

/** A moment is never seen twice by an operation that asks twice. */
function ticking() {
  let time = Date.parse('2026-11-20T12:00:00Z')
  const clock = { reads: 0, now: () => new Date(++time) }
  return {
    clock,
    now: () => {
      clock.reads++
      return clock.now()
    },
  }
}

test('an operation reads the clock once', async () => {
  using folder = temporaryFolder()
  const { clock, now } = ticking()
  const latchkey = connectLatchkey({ path: join(folder.path, 'latchkey.db'), now })
  const often: Record<string, number> = {}
  for (const [name, run] of Object.entries(operations)) {
    clock.reads = 0
    await run(latchkey)
    const calls = ['keys.activity', 'keys.standing'].includes(name) ? 2 : 1
    if (clock.reads > calls) often[name] = clock.reads
  }
  await latchkey.close()
  expect(often).toEqual({})
})

test('what was just shut out or let in says so itself', async () => {
  using folder = temporaryFolder()
  const { now } = ticking()
  const latchkey = connectLatchkey({ path: join(folder.path, 'latchkey.db'), now })
  await latchkey.initialize()
  await latchkey.keys.create({ name: 'ci' })
  const { keys } = latchkey
  expect((await keys.disable('ci')).status).toBe('disabled')
  expect((await keys.enable('ci')).status).toBe('active')
  const [disabled] = await keys.changeMatching({ search: 'ci' }, { verb: 'disable' })
  expect(disabled?.status).toBe('disabled')
  const revoked = await keys.revoke('ci')
  expect(revoked).toMatchObject({ status: 'revoked', updatedAt: revoked.revokedAt })
  const [row] = await latchkey.audit.list({ action: 'key.revoke' })
  expect(row?.at).toEqual(revoked.updatedAt)
  await latchkey.close()
})
