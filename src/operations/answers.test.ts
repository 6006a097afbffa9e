// Runs on PostgreSQL too.
/** An engine inside the process has its answers at once. No operation may depend on it: here they all come later. */
import { expect, test } from 'bun:test'
import { setImmediate } from 'node:timers/promises'
import type { Database, Store } from '../db/engine.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { storeAt, temporaryLatchkey } from '../testing/latchkey.ts'
import type { OperationContext } from './context.ts'
import { explainKey } from './keys/explain.ts'
import { exportKeys } from './keys/export.ts'
import { listKeys, streamKeys } from './keys/list.ts'
import { keyStanding } from './keys/standing.ts'
import { keyStats } from './keys/stats.ts'
import { verifySecret } from './keys/verify.ts'
import { listLimits } from './limits/manage.ts'
import { ingestUsage } from './usage/ingest.ts'
import { createRecorder } from './usage/recorder.ts'
import { reserve } from './usage/reserve.ts'

/** The same functions, each of whose answers comes later. */
const later = <T extends object>(target: T): T =>
  new Proxy(target, {
    get: (of, name) => {
      const answer: unknown = Reflect.get(of, name)
      if (typeof answer !== 'function') return answer
      return async (...asked: unknown[]) => {
        await setImmediate()
        return answer.apply(of, asked)
      }
    },
  })

const laterIn = (db: Database): Database =>
  Object.assign(Object.create(db) as Database, {
    facts: later(db.facts),
    bulk: (work: Parameters<Database['bulk']>[0], ingest?: number) =>
      db.bulk(bulk => work({ ...bulk, noteEvents: later(bulk).noteEvents }), ingest),
  })

const waiting = (store: Store): Store => ({
  dryRun: store.dryRun,
  isWritable: store.isWritable,
  open: () => store.open(),
  read: work => store.read(db => work(laterIn(db))),
  write: work => store.write(db => work(laterIn(db))),
  stream: work =>
    store.stream(({ facts, keys, database }) =>
      work({
        facts: later(facts),
        keys: async function* (query) {
          for await (const batch of keys(query)) {
            await setImmediate()
            yield batch
          }
        },
        database: async () => laterIn(await database()),
      }),
    ),
  latest: later(store.latest),
  usage: store.usage,
  size: () => store.size(),
  alone: (patience, work) => store.alone(patience, work),
  beforeClose: work => store.beforeClose(work),
  close: () => store.close(),
})

async function scene() {
  const home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { latchkey, path, clock } = home
  const hour = 3_600_000
  await latchkey.users.create({
    username: 'ann',
    limits: [{ metric: 'requests', amount: 50, windowMs: hour }],
  })
  const limits = [{ metric: 'tokens', amount: 100, windowMs: hour }] as const
  const { id, secret } = await latchkey.keys.create({ name: 'ci', user: 'ann', limits })
  await latchkey.keys.create({ name: 'idle' })
  await latchkey.usage.prices.set('gpt-*', { inputUsd: 2, outputUsd: 4 })
  await latchkey.usage.record('ci', { inputTokens: 90, at: new Date('2026-11-20T11:20:00Z') })
  await latchkey.usage.record('ci', { inputTokens: 30 })
  const store = await storeAt(path)
  const actor = { name: 'test', origin: 'library' } as const
  const context: OperationContext = { store, now: () => clock.now, actor }
  const slow: OperationContext = { ...context, store: waiting(store) }
  const dispose = async () => {
    await store.close()
    await home[Symbol.asyncDispose]()
  }
  return { home, context, slow, id, secret: secret ?? '', [Symbol.asyncDispose]: dispose }
}

const questions: readonly (readonly [
  string,
  (context: OperationContext, secret: string, id: string) => Promise<unknown>,
])[] = [
  ['a verdict with when to come back', (context, secret) => verifySecret(context, secret)],
  ['a verdict on nobody', context => verifySecret(context, 'nobody-has-this-secret')],
  ['a reservation that is denied', (context, secret) => reserve(context, { secret }, { tokens: 5 })],
  ['an explanation', context => explainKey(context, 'ci')],
  ['statistics', context => keyStats(context, 'ci')],
  ['limits', context => listLimits(context, { key: 'ci' })],
  ['how full keys are', (context, _, id) => keyStanding(context, [id])],
  ['a list', context => listKeys(context, { sort: 'tokens', user: 'ann' })],
  ['keys that are nearly used up', context => listKeys(context, { overPercent: 80 })],
  ['a stream', context => Array.fromAsync(streamKeys(context, { sort: 'name' }))],
  ['an export', context => Array.fromAsync(exportKeys(context))],
]

test.each(questions)('%s is the same from an engine that answers later', async (_, ask) => {
  await using made = await scene()
  const { context, slow, secret, id } = made
  expect<unknown>(await ask(slow, secret, id)).toEqual(await ask(context, secret, id))
})

test('what a recorder takes while it waits for a price is in the next flush', async () => {
  await using made = await scene()
  const recorder = await createRecorder(made.slow)
  const written = recorder.record(made.id, { model: 'gpt-x', inputTokens: 1_000_000 })
  await recorder.flush()
  expect(await Promise.race([written.then(() => 'written'), Bun.sleep(100)])).toBe('written')
  const last = recorder.record(made.id, { model: 'gpt-x', outputTokens: 1_000_000 })
  await recorder.close()
  await last
  expect((await made.home.latchkey.keys.stats('ci')).totals.costUsd).toBe(6)
})

test('a log is counted once by an engine that answers later', async () => {
  await using made = await scene()
  using folder = temporaryFolder()
  const event = JSON.stringify({
    id: 'a',
    key: 'ci',
    model: 'gpt-x',
    inputTokens: 1_000_000,
    at: made.home.clock.now,
  })
  const log = (name: string, ...lines: string[]) => ({ file: folder.write(name, lines.join('\n')) })
  expect(await ingestUsage(made.slow, log('a.ndjson', event, event))).toMatchObject({
    counted: 1,
    duplicates: 1,
  })
  expect(await ingestUsage(made.slow, log('b.ndjson', event))).toMatchObject({ counted: 0, duplicates: 1 })
  expect((await made.home.latchkey.keys.stats('ci')).totals.costUsd).toBe(2)
})
