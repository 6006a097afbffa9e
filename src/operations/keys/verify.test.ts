// Runs on PostgreSQL too.
/** What a verdict costs: whoever sends a dead secret again and again must not cost more than one that works. */
import { expect, test } from 'bun:test'
import type { Store } from '../../db/engine.ts'
import type { KeyFacts } from '../../db/facts.ts'
import { storeAt, temporaryLatchkey } from '../../testing/latchkey.ts'
import { reserve } from '../usage/reserve.ts'
import { verifySecret } from './verify.ts'

type Home = Awaited<ReturnType<typeof temporaryLatchkey>>

/** What the engine of this store answers about keys from now on. */
function listen({ latest, usage }: Store): readonly (KeyFacts | null)[] {
  const heard: (KeyFacts | null)[] = []
  const keyAt = latest.keyAt.bind(latest)
  const reserve = usage.reserve.bind(usage)
  Object.assign(latest, {
    keyAt: async (...asked: Parameters<typeof keyAt>) => {
      heard.push(await keyAt(...asked))
      return heard.at(-1)
    },
  })
  Object.assign(usage, {
    reserve: ((key, moment, refuses, decide) =>
      reserve(key, moment, refuses, found => {
        heard.push(found)
        return decide(found)
      })) satisfies typeof reserve,
  })
  return heard
}

test.each<[string, (home: Home) => unknown, boolean]>([
  // Used before: on PostgreSQL a reservation that is the first use of a key is decided twice.
  ['valid', home => home.latchkey.usage.record('ci', { inputTokens: 1 }), true],
  ['limit_exceeded', home => home.latchkey.usage.record('ci', { inputTokens: 100 }), true],
  ['revoked', home => home.latchkey.keys.revoke('ci'), false],
  ['disabled', home => home.latchkey.keys.disable('ci'), false],
  ['user_disabled', home => home.latchkey.users.disable('ann'), false],
  ['project_archived', home => home.latchkey.projects.archive('shop'), false],
  ['rotated', home => home.latchkey.keys.rotate('ci'), false],
  [
    'expired',
    home => {
      home.clock.now = new Date('2026-11-21T12:00:00Z')
    },
    false,
  ],
])('of a key that is %s, usage is added up only if it matters', async (code, make, isSummed) => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { latchkey, path, clock } = home
  await latchkey.users.create({ username: 'ann' })
  await latchkey.projects.create({ name: 'Shop', owner: 'ann' })
  const { secret } = await latchkey.keys.create({
    name: 'ci',
    user: 'ann',
    project: 'shop',
    expiresAt: new Date('2026-11-21T12:00:00Z'),
    limits: [{ metric: 'tokens', amount: 100, windowMs: 3_600_000 }],
  })
  await make(home)
  const store = await storeAt(path)
  try {
    const heard = listen(store)
    const context = { store, now: () => clock.now, actor: { name: 'test', origin: 'library' } } as const
    expect((await verifySecret(context, secret!)).code).toBe(code as 'valid')
    expect((await reserve(context, { secret: secret! }, { tokens: 1 })).verdict.code).toBe(code as 'valid')
    expect(heard.map(found => found?.bound.length)).toEqual([1, 1])
    expect(heard.map(found => found?.limits?.length)).toEqual(isSummed ? [1, 1] : [undefined, undefined])
  } finally {
    await store.close()
  }
})
