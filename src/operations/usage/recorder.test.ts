// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { LatchkeyError } from '../../contract/errors.ts'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { storeAt, type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { totals } from '../../testing/limits.ts'
import { createRecorder } from './recorder.ts'

const totalsOf = async (latchkey: Latchkey, key: string) => (await latchkey.keys.stats(key)).totals
const buckets = async ({ query }: TestLatchkey) =>
  (
    await query<object>(
      'SELECT requests, m.name FROM minutes b JOIN models m ON m.id = b.model ORDER BY start, m.name',
    )
  ).map(row => Object.values(row))

test('many requests become one row per key, minute and model, and each promise resolves', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id } = await latchkey.keys.create({ name: 'ci' })
  const recorder = await latchkey.usage.createRecorder({ flushEvery: 3_600_000, maxPending: 10_000 })
  const all = Array.from({ length: 100 }, (_, n) =>
    recorder.record(id, { inputTokens: 3, outputTokens: 2, costUsd: 0.000001, model: n % 2 ? 'a' : 'b' }),
  )
  expect(recorder.pending).toBe(100)
  expect(await totalsOf(latchkey, 'ci')).toMatchObject({ requests: 0 })
  await recorder.flush()
  expect((await Promise.allSettled(all)).every(each => each.status === 'fulfilled')).toBe(true)
  expect(await totalsOf(latchkey, 'ci')).toEqual(
    totals({
      requests: 100,
      inputTokens: 300,
      outputTokens: 200,
      tokens: 500,
      costUsd: 0.0001,
    }),
  )
  expect(await buckets(home)).toEqual([
    [50, 'a'],
    [50, 'b'],
  ])
  await recorder.close()
})

test('a promise resolves once its request can be read by another connection, after flushEvery', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, path } = home
  const { id } = await latchkey.keys.create({ name: 'ci' })
  const other = connectLatchkey({ path, access: 'read' })
  await using recorder = await latchkey.usage.createRecorder({ flushEvery: 30 })
  const begun = performance.now()
  await recorder.record(id, { inputTokens: 7 })
  expect(performance.now() - begun).toBeGreaterThan(25)
  expect(await totalsOf(other, 'ci')).toMatchObject({ tokens: 7 })
  await other.close()
})

test('maxPending flushes at once', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id } = await latchkey.keys.create({ name: 'ci' })
  const recorder = await latchkey.usage.createRecorder({ flushEvery: 3_600_000, maxPending: 10 })
  await Promise.all(Array.from({ length: 20 }, () => recorder.record(id, { inputTokens: 1 })))
  expect(recorder.pending).toBe(0)
  expect(await totalsOf(latchkey, 'ci')).toMatchObject({ requests: 20 })
})

test('close loses nothing and takes nothing more; closing the library closes its recorders', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id } = await latchkey.keys.create({ name: 'ci' })
  const first = await latchkey.usage.createRecorder({ flushEvery: 3_600_000 })
  const waiting = first.record(id, { inputTokens: 1 })
  await first.close()
  await waiting
  expect(await failure(first.record(id, { inputTokens: 1 }))).toMatchObject({ code: 'conflict' })
  await first.close()
  const second = await latchkey.usage.createRecorder({ flushEvery: 3_600_000 })
  const last = second.record(id, { inputTokens: 1 })
  await latchkey.close()
  await last
  expect(await totalsOf(home.dry, 'ci')).toMatchObject({ requests: 2 })
})

test('what a key that is gone was sent rejects, and only that', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const [kept, gone] = await latchkey.keys.createMany({ name: 'k' }, 2)
  const recorder = await latchkey.usage.createRecorder({ flushEvery: 3_600_000 })
  const good = recorder.record(kept!.id, { inputTokens: 1 })
  const bad = recorder.record(gone!.id, { inputTokens: 1 })
  await latchkey.keys.delete(gone!.id)
  const outcomes = Promise.all([good, failure(bad)])
  expect(await failure(recorder.flush())).toMatchObject({ code: 'not_found' })
  expect(await outcomes).toEqual([undefined, expect.objectContaining({ code: 'not_found' })])
  expect(await totalsOf(latchkey, kept!.name)).toMatchObject({ requests: 1 })
})

test('a flush that fails rejects its own promises, and nothing of it is counted later', async () => {
  await using home = await temporaryLatchkey()
  const { path } = home
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  const latchkey = connectLatchkey({ path, busyTimeoutMs: 50 })
  const recorder = await latchkey.usage.createRecorder({ flushEvery: 3_600_000, patience: 100 })
  const before = recorder.record(id, { inputTokens: 1 })
  await recorder.flush()
  await before
  const blocker = await home.hold()
  // With what they cost, because an engine that looks up prices later would flush them together.
  const lost = recorder.record(id, { inputTokens: 10, costUsd: 0 })
  const flushed = recorder.flush()
  const later = recorder.record(id, { inputTokens: 100, costUsd: 0 })
  expect(await Promise.all([failure(lost), failure(flushed)])).toMatchObject([
    { code: 'busy' },
    { code: 'busy' },
  ])
  await blocker[Symbol.asyncDispose]()
  await recorder.close()
  await later
  await latchkey.close()
  expect(await totalsOf(home.latchkey, 'ci')).toMatchObject({ requests: 2, tokens: 101 })
})

test('a flush outlasts another process that holds the database for longer than one write waits', async () => {
  await using home = await temporaryLatchkey()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  const latchkey = connectLatchkey({ path: home.path, busyTimeoutMs: 10 })
  const recorder = await latchkey.usage.createRecorder()
  const blocker = await home.hold()
  const patient = recorder.record(id, { inputTokens: 10 })
  const closed = recorder.close()
  // One that is not patient fails meanwhile, so that the flush has failed at least once.
  expect(await failure(latchkey.usage.record(id, { inputTokens: 100 }))).toMatchObject({ code: 'busy' })
  await blocker[Symbol.asyncDispose]()
  await patient
  await closed
  await latchkey.close()
  expect(await totalsOf(home.latchkey, 'ci')).toMatchObject({ requests: 1, tokens: 10 })
})

test('a request that cannot be right rejects by itself', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const { id } = await latchkey.keys.create({ name: 'ci' })
  const recorder = await latchkey.usage.createRecorder()
  for (const wrong of [
    { inputTokens: -1 },
    { inputTokens: 0.5 },
    { costUsd: Number.NaN },
    { model: 'two words' },
    { at: new Date(clock.now.getTime() + 600_000) },
    { at: new Date(Number.NaN) },
  ]) {
    expect(await failure(recorder.record(id, wrong))).toMatchObject({ code: 'invalid' })
    expect(await failure(latchkey.usage.record(id, wrong))).toMatchObject({ code: 'invalid' })
  }
  expect(recorder.pending).toBe(0)
  for (const wrong of [{ flushEvery: 0 }, { maxPending: Number.NaN }]) {
    expect(await failure(latchkey.usage.createRecorder(wrong))).toMatchObject({ code: 'invalid' })
  }
})

test('prices fill in what a request cost, whichever way it is recorded', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id } = await latchkey.keys.create({ name: 'ci' })
  await latchkey.usage.prices.set('gpt-*', { inputUsd: 2, outputUsd: 10 })
  const usage = { model: 'gpt-x', inputTokens: 1_000, outputTokens: 100 }
  expect(await latchkey.usage.record(id, usage)).toMatchObject({ costUsd: 0.003 })
  const recorder = await latchkey.usage.createRecorder()
  const recorded = recorder.record(id, usage)
  await recorder.close()
  await recorded
  const { reservation } = await latchkey.usage.reserve(id)
  expect(await latchkey.usage.settle(reservation!.id, usage)).toMatchObject({ costUsd: 0.003 })
  await latchkey.usage.prices.set('gpt-*', { inputUsd: 4, outputUsd: 20, from: new Date(0) })
  expect(await latchkey.usage.record(id, usage)).toMatchObject({ costUsd: 0.006 })
  expect(await latchkey.usage.record(id, { ...usage, costUsd: 0 })).toMatchObject({ costUsd: 0 })
  expect(await totalsOf(latchkey, 'ci')).toMatchObject({ requests: 5, costUsd: 0.015 })
})

test('an event with an id counts once, whether it is sent again, recorded by another or ingested from a log', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock, path } = home
  await latchkey.keys.create({ name: 'ci' })
  await latchkey.usage.prices.set('gpt-x', { inputUsd: 1_000_000, outputUsd: 0 })
  const event = (id: string | null) => ({ id, key: 'CI', model: 'gpt-x', inputTokens: 2 })
  const other = connectLatchkey({ path, now: () => clock.now })
  const recorders = await Promise.all(
    [latchkey, other].map(each => each.usage.createRecorder({ flushEvery: 1 })),
  )
  const receipts = await Promise.all(
    recorders.flatMap(recorder => [
      recorder.ingest([event('a'), event('b'), event('a')]),
      recorder.ingest([event('b'), event(null)]),
    ]),
  )
  expect(receipts.map(({ events }) => events)).toEqual([3, 2, 3, 2])
  expect(receipts.reduce((sum, { counted }) => sum + counted, 0)).toBe(4)
  expect(receipts.every(({ events, counted, duplicates }) => events === counted + duplicates)).toBe(true)
  const line = JSON.stringify({ ...event('b'), at: clock.now })
  const log = { file: 'log', chunks: new Blob([line]).stream() }
  expect(await latchkey.usage.ingest(log)).toMatchObject({ counted: 0, duplicates: 1 })
  expect(await totalsOf(latchkey, 'ci')).toMatchObject({ requests: 4, inputTokens: 8, costUsd: 8 })
  expect(await latchkey.usage.check()).toMatchObject({ ok: true })
  await other.close()
})

test('of events that are sent together one that is wrong has none counted', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id } = await latchkey.keys.create({ name: 'ci' })
  await using recorder = await latchkey.usage.createRecorder({ flushEvery: 1 })
  const good = { id: 'good', key: 'ci', inputTokens: 1 }
  for (const [bad, code, said] of [
    [{ key: 'nobody' }, 'not_found', 'event 2 names a key that does not exist'],
    [{ key: 'ci', inputTokens: -1 }, 'invalid', 'event 2 has a bad value'],
    [{ inputTokens: 1 }, 'invalid', 'event 2 names no key'],
    [{ key: 'ci', at: '2036-01-01T00:00:00Z' }, 'invalid', 'is in the future'],
    ['ci', 'invalid', 'event 2 is not an object'],
  ] as const) {
    expect(await failure(recorder.ingest([good, bad]))).toMatchObject({
      code,
      message: expect.stringContaining(said),
    })
  }
  const slow = await latchkey.usage.createRecorder({ flushEvery: 3_600_000 })
  const late = slow.ingest([good, { key: id }])
  const other = await latchkey.keys.create({ name: 'other' })
  const fine = slow.ingest([{ key: other.id }])
  while (slow.pending < 3) await Bun.sleep(1)
  await latchkey.keys.delete('ci')
  const settled = Promise.allSettled([late, fine])
  await slow.close()
  expect(await settled).toMatchObject([
    { status: 'rejected', reason: { code: 'conflict' } },
    { status: 'fulfilled', value: { counted: 1 } },
  ])
  // What was refused has left no trace of its id.
  await latchkey.keys.create({ name: 'ci' })
  expect(await recorder.ingest([good])).toMatchObject({ counted: 1, duplicates: 0 })
  expect(await recorder.ingest([])).toMatchObject({ events: 0 })
})

test('a flush that was rolled back at its end is written whole by the next attempt', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, path, clock } = home
  const { id } = await latchkey.keys.create({ name: 'ci' })
  const [store, trial] = [await storeAt(path), await storeAt(path, { dryRun: true })]
  const enter = store.usage.enter.bind(store.usage)
  let attempts = 0
  Object.assign(store.usage, {
    enter: async (...asked: Parameters<typeof enter>) => {
      if (++attempts > 1) return enter(...asked)
      await trial.usage.enter(...asked)
      throw new LatchkeyError('busy', 'another process was faster', 'run it again')
    },
  })
  const actor = { name: 'tester', origin: 'script' } as const
  const recorder = await createRecorder({ store, now: () => clock.now, actor }, { flushEvery: 3_600_000 })
  const written = recorder.record(id, { inputTokens: 3, model: 'a' })
  await recorder.close()
  await written
  await store.close()
  await trial.close()
  expect(attempts).toBe(2)
  expect(await totalsOf(latchkey, 'ci')).toMatchObject({ requests: 1, tokens: 3 })
  expect(await buckets(home)).toEqual([[1, 'a']])
})

test('a database that refuses at once is not asked again and again without a pause', async () => {
  await using home = await temporaryLatchkey()
  const store = await storeAt(home.path)
  let attempts = 0
  Object.assign(store.usage, {
    enter: async () => {
      attempts++
      throw new LatchkeyError('busy', 'the server is down', 'run it again')
    },
  })
  const actor = { name: 'tester', origin: 'script' } as const
  const context = { store, now: () => home.clock.now, actor }
  const recorder = await createRecorder(context, { flushEvery: 1, patience: 200 })
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  expect(await failure(recorder.record(id, { inputTokens: 1 }))).toMatchObject({ code: 'busy' })
  expect(attempts).toBeGreaterThan(1)
  expect(attempts).toBeLessThan(25)
  await recorder.close()
  await store.close()
})
