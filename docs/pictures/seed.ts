/** Makes the database that the pictures show, with a backup, in the current folder. */

import { connectLatchkey } from '../../src/index.ts'
import { now } from './fixed.ts'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const clock = { now: new Date(now.getTime() - 60 * day) }
const before = (ms: number): Date => {
  clock.now = new Date(now.getTime() - ms)
  return clock.now
}

const latchkey = connectLatchkey({
  path: 'latchkey.db',
  now: () => clock.now,
  actor: { name: 'alice', origin: 'service' },
})
await latchkey.initialize()
await latchkey.users.create({ username: 'alice', email: 'alice@example.org' })
await latchkey.users.create({ username: 'bob' })
await latchkey.projects.create({ name: 'Shop', owner: 'alice' })

/** What a request of each key takes on average. */
const keys = [
  {
    name: 'ci',
    user: 'alice',
    model: 'gpt-x',
    tokens: 33_000,
    limits: [
      { metric: 'tokens', amount: 100_000, windowMs: 5 * hour },
      { metric: 'usd', amount: 20, windowMs: 30 * day },
    ],
  },
  {
    name: 'mobile',
    user: 'bob',
    model: 'gpt-x-mini',
    tokens: 21_000,
    limits: [{ metric: 'requests', amount: 5_000, windowMs: day }],
  },
  { name: 'nightly', user: 'alice', model: 'gpt-x', tokens: 9_000, limits: [] },
] as const
for (const { name, user, limits } of keys) {
  await latchkey.keys.create({ name, user, project: 'shop', limits, expiresAt: new Date('2027-03-01') })
}

for (let hours = 24 * 21; hours > 0; hours -= 3) {
  const at = before(hours * hour)
  for (const [n, { name, model, tokens }] of keys.entries()) {
    // Fewer at night and at the weekend, and never twice the same.
    const busy = Math.max(0.1, Math.sin(((at.getUTCHours() - 5 + n) / 24) * 2 * Math.PI) + 0.4)
    const weekend = [0, 6].includes(at.getUTCDay()) ? 0.35 : 1
    const used = Math.round(tokens * busy * weekend * (0.7 + ((hours * 7_919) % 61) / 100))
    await latchkey.usage.record(name, {
      model,
      requests: Math.ceil(used / 900),
      inputTokens: Math.round(used * 0.8),
      outputTokens: Math.round(used * 0.2),
      costUsd: Math.round(used * 6.2) / 1_000_000,
      at,
    })
  }
}

before(8 * hour + 43 * minute)
await latchkey.backups.create()
before(2 * hour)
await latchkey.keys.revoke('nightly', { reason: 'leaked' })
before(1 * hour)
await latchkey.keys.delete('mobile')
await latchkey.close()
