import { expect, test } from 'bun:test'
import { connectLatchkey } from '../../index.ts'
import { chances } from '../../testing/chance.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const day = 86_400_000

test('a verdict about a year knows each use, also on past days, by whomever it was counted', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, path, clock } = home
  const now = clock.now.getTime()
  const { id: user } = await latchkey.users.create({ username: 'alice' })
  const limits = [{ metric: 'tokens', amount: 1_000_000, windowMs: 366 * day }] as const
  const { id, secret } = await latchkey.keys.create({ name: 'ci', user, limits })
  await latchkey.limits.set({ user }, [{ metric: 'requests', amount: 1_000_000, period: 'total' }])
  const other = connectLatchkey({ path })
  const recorder = await latchkey.usage.createRecorder({ maxPending: 1 })
  const counted = { tokens: 0, requests: 0 }
  const { whole, pick } = chances(7)
  const counts: Readonly<Record<string, (at: Date) => Promise<unknown>>> = {
    record: at => latchkey.usage.record(id, { inputTokens: 1, at }),
    'another process': at => other.usage.record(id, { inputTokens: 1, at }),
    ingest: at => recorder.ingest([{ key: id, inputTokens: 1, at: at.toISOString() }]),
    reservation: async at => {
      const { reservation } = await latchkey.usage.reserve(id, { tokens: 1 })
      await latchkey.usage.settle(reservation?.id ?? '', { inputTokens: 1, at })
    },
  }
  for (let step = 0; step < 200; step++) {
    const name = pick(Object.keys(counts))
    await counts[name]?.(whole(0, 2) === 0 ? new Date(now - day * whole(1, 300)) : clock.now)
    counted.tokens++
    counted.requests++
    // What somebody else counted is then followed by what this connection counts.
    if (whole(0, 1) === 0) continue
    const at = whole(0, 9) === 0 ? new Date(now + day) : undefined
    const verdict = await latchkey.keys.verify(secret ?? '', { at })
    const used = Object.fromEntries(verdict.limits.map(limit => [limit.metric, limit.used]))
    expect(used, `step ${step}, ${name}, at ${at}`).toEqual(counted)
  }
  await other.close()
})
