/** Everything that writes, all at once, on PostgreSQL: where two wait for each other, one of them would fail. */
import { expect } from 'bun:test'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { chances } from '../../testing/chance.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { latchkeyDatabase, requirePostgres } from '../../testing/postgres.ts'

const seconds = Number(process.env['LATCHKEY_SECONDS'] ?? 5)

requirePostgres()(
  'records, recorders, logs, reservations, compaction and administration together: nobody waits in a circle, and all adds up',
  async () => {
    await using stack = new AsyncDisposableStack()
    const { url } = stack.use(await latchkeyDatabase())
    const folder = stack.use(temporaryFolder())
    const open = (): Latchkey => {
      const latchkey = connectLatchkey({
        path: url,
        busyTimeoutMs: 60_000,
        actor: { name: 't', origin: 'script' },
      })
      stack.defer(() => latchkey.close())
      return latchkey
    }
    const [first, second, third] = [open(), open(), open()] as const
    await first.users.create({ username: 'ann' })
    await first.projects.create({
      name: 'p',
      owner: 'ann',
      limits: [{ metric: 'tokens', amount: 1e12, windowMs: 3_600_000 }],
    })
    const keys = await first.keys.createMany({ name: 'k', project: 'p' }, 8)
    const ids = keys.map(({ id }) => id)
    const models = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    let counted = 0
    const done: Record<string, number> = {}
    const failures: unknown[] = []
    const until = performance.now() + seconds * 1000
    const repeat = async (
      name: string,
      seed: number,
      work: (draw: ReturnType<typeof chances>) => Promise<void>,
    ) => {
      const draw = chances(seed)
      while (performance.now() < until) {
        try {
          await work(draw)
          done[name] = (done[name] ?? 0) + 1
        } catch (error) {
          failures.push(name, error)
        }
      }
    }
    const recorders = await Promise.all(
      [first, second].map(each => each.usage.createRecorder({ flushEvery: 20 })),
    )
    for (const recorder of recorders) stack.defer(() => recorder.close())
    let file = 0
    await Promise.all([
      ...[first, second, third].map((latchkey, n) =>
        repeat('record', n, async draw => {
          await latchkey.usage.record(draw.pick(ids), {
            model: draw.pick(models),
            endUser: draw.pick(['x', 'y', 'z']),
            inputTokens: 1,
          })
          counted++
        }),
      ),
      ...recorders.map((recorder, n) =>
        repeat('recorder', 10 + n, async draw => {
          const some = Array.from({ length: 20 }, () =>
            recorder.record(draw.pick(ids), {
              model: draw.pick(models),
              endUser: draw.pick(['x', 'y']),
              inputTokens: 1,
            }),
          )
          await Promise.all(some)
          counted += some.length
        }),
      ),
      ...[first, third].map((latchkey, n) =>
        repeat('reserve', 20 + n, async draw => {
          const { reservation } = await latchkey.usage.reserve(draw.pick(ids), {
            tokens: 5,
            model: draw.pick(models),
          })
          if (reservation === null) throw new Error('there was room')
          await latchkey.usage.settle(reservation.id, { inputTokens: 1, model: draw.pick(models) })
          counted++
        }),
      ),
      repeat('ingest', 30, async draw => {
        const events = Array.from({ length: 300 }, () => ({
          id: crypto.randomUUID(),
          key: draw.pick(ids),
          model: draw.pick(models),
          inputTokens: 1,
          at: new Date(Date.now() - draw.whole(0, 200) * 3_600_000),
        }))
        const path = folder.write(`${file++}.ndjson`, events.map(each => JSON.stringify(each)).join('\n'))
        const report = await second.usage.ingest({ file: path })
        counted += report.counted
      }),
      repeat('compact', 40, async () => {
        await third.usage.compact({ minutesForMs: 3_600_000, hoursForMs: 48 * 3_600_000 })
      }),
      repeat('administration', 50, async draw => {
        const { id } = await third.keys.create({ name: crypto.randomUUID(), project: 'p' })
        await third.usage.record(id, { inputTokens: 1, model: draw.pick(models) })
        counted++
        await third.limits.set({ key: draw.pick(ids) }, [
          { metric: 'requests', amount: 1e9, windowMs: draw.pick([60_000, 3_600_000]) },
        ])
        await third.limits.reset({ project: 'p' })
        await third.usage.check({ repair: true })
        await third.keys.delete(id)
      }),
    ])
    for (const recorder of recorders) await recorder.flush()
    expect(failures).toEqual([])
    for (const name of ['record', 'recorder', 'reserve', 'ingest', 'compact', 'administration'])
      expect(done[name], name).toBeGreaterThan(0)
    const total = (await first.usage.report({ by: [] }))[0]?.tokens ?? 0
    expect(total).toBe(counted)
    expect(await first.usage.check()).toMatchObject({ ok: true })
  },
)
