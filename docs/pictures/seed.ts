/** Makes the database that the pictures show, with a backup, in the current folder. */

import './fixed.ts'

import { connectLatchkey } from '../../src/index.ts'
import { founders } from '../../src/seed/organisation.ts'
import { plant } from '../../src/seed/plant.ts'
import { now } from './fixed.ts'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const clock = { now }
const before = (ms: number): Date => {
  clock.now = new Date(now.getTime() - ms)
  return clock.now
}

const latchkey = connectLatchkey({
  path: 'latchkey.db',
  now: () => clock.now,
  actor: { name: 'alice', origin: 'service' },
})

const shared = { project: 'shop', expiresInDays: 160 }
const keys = [
  { ...founders.key, ...shared },
  {
    name: 'mobile',
    user: 'bob',
    limits: [{ metric: 'requests', amount: 5_000, windowMs: day }],
    ...shared,
  },
  { name: 'nightly', user: 'alice', limits: [], ...shared },
] as const

/** What a request of each key takes on average, and of which model. */
const habits = { ci: ['gpt-x', 33_000], mobile: ['gpt-x-mini', 21_000], nightly: ['gpt-x', 9_000] } as const

const usage = Array.from({ length: 8 * 21 }, (_, n) => 24 * 21 - 3 * n).flatMap(hours => {
  const at = new Date(now.getTime() - hours * hour)
  return keys.map(({ name }, n) => {
    const [model, tokens] = habits[name]
    // Fewer at night and at the weekend, and never twice the same.
    const busy = Math.max(0.1, Math.sin(((at.getUTCHours() - 5 + n) / 24) * 2 * Math.PI) + 0.4)
    const weekend = [0, 6].includes(at.getUTCDay()) ? 0.35 : 1
    const used = Math.round(tokens * busy * weekend * (0.7 + ((hours * 7_919) % 61) / 100))
    return {
      key: name,
      daysAgo: hours / 24,
      model,
      requests: Math.ceil(used / 900),
      inputTokens: Math.round(used * 0.8),
      outputTokens: Math.round(used * 0.2),
      costUsd: Math.round(used * 6.2) / 1_000_000,
    }
  })
})

before(60 * day)
await latchkey.initialize()
const users = [founders.user, { username: 'bob', email: 'bob@example.org' }]
await plant(latchkey, { users, projects: [founders.project], keys, usage: [] }, clock.now)
await plant(latchkey, { users: [], projects: [], keys: [], usage }, before(0))
before(8 * hour + 43 * minute)
await latchkey.backups.create()
before(2 * hour)
await latchkey.keys.revoke('nightly', { reason: 'leaked' })
before(1 * hour)
await latchkey.keys.delete('mobile')
await latchkey.close()
