import { expect, test } from 'bun:test'
import { commitsInLog } from '../../testing/commits.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { noCounts } from '../facts.ts'
import { sql } from '../query.ts'
import { Client } from './client.ts'
import { SqliteStore } from './transaction.ts'
import type { SqliteUsage } from './usage-book.ts'

async function atHome(more: { dryRun?: boolean; busyTimeoutMs?: number } = {}) {
  const home = await temporaryLatchkey()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  const store = new SqliteStore({
    path: home.path,
    access: 'write',
    dryRun: false,
    busyTimeoutMs: 5_000,
    ...more,
  })
  let begun = commitsInLog(home.path)
  return {
    ...home,
    store,
    hold: (n: number, keyId = id) => ({
      id: `res_${String(n).padStart(26, '0')}`,
      keyId,
      endUser: '',
      model: '',
      createdAt: 0,
      expiresAt: 1,
      requests: 1,
      tokens: 0,
      costMicros: 0,
    }),
    held: () =>
      store.glance(({ client }) =>
        client.query<{ id: string }, []>('SELECT id FROM reservations ORDER BY id').all(),
      ).length,
    /** Transactions since the last call. */
    commits: () => {
      const before = begun
      begun = commitsInLog(home.path)
      return begun - before
    },
    [Symbol.asyncDispose]: async () => {
      await store.close()
      await home[Symbol.asyncDispose]()
    },
  }
}

const codes = (settled: readonly PromiseSettledResult<unknown>[]): readonly unknown[] =>
  settled.map(each => (each.status === 'fulfilled' ? each.value : (each.reason.code ?? each.reason.message)))

test('what arrives together shares one transaction, and what fails in it is undone alone', async () => {
  await using home = await atHome()
  const { store, hold, held, commits } = home
  const all = Array.from({ length: 64 }, (_, n) =>
    store.tally('NORMAL', usage => {
      usage.addReservation(hold(n))
      if (n === 20) throw new Error('bad')
      // Refused by SQLite itself: the key is not there.
      if (n === 40) usage.addReservation(hold(1_000, 'key_nobody'))
      return n
    }),
  )
  const settled = codes(await Promise.allSettled(all))
  expect([settled[20], settled[40]]).toEqual(['bad', expect.any(String)])
  expect(settled.filter(each => typeof each === 'number')).toHaveLength(62)
  expect(held()).toBe(62)
  expect(commits()).toBe(1)
})

test('usage recorded at once through the library is one transaction, and each bad record fails alone', async () => {
  await using home = await atHome()
  const { latchkey, commits } = home
  const { id } = await latchkey.keys.get('ci')
  await latchkey.usage.record(id, {})
  commits()
  const inputs = Array.from({ length: 64 }, (_, n) => (n === 7 ? { inputTokens: -1 } : { inputTokens: n }))
  const all = inputs.map((input, n) =>
    latchkey.usage.record(
      n === 9 ? id.replace(/.{4}$/, 'zzzz') : id,
      n === 11 ? { inputTokens: 2 ** 53 - 1 } : input,
    ),
  )
  const settled = codes(await Promise.allSettled(all))
  expect([settled[7], settled[9], settled[11]]).toEqual(['invalid', 'not_found', 'invalid'])
  const counted = inputs.map((_, n) => n).filter(n => ![7, 9, 11].includes(n))
  expect((await latchkey.keys.stats(id)).totals).toMatchObject({
    requests: 1 + counted.length,
    inputTokens: counted.reduce((sum, n) => sum + n, 0),
  })
  expect(commits()).toBe(1)
})

test('a lone caller waits for nobody, and calls are done in their order', async () => {
  await using home = await atHome()
  const { store, hold, commits } = home
  await store.tally('NORMAL', () => {})
  const order: string[] = []
  setImmediate(() => order.push('the next turn of the event loop'))
  await store.tally('NORMAL', usage => usage.addReservation(hold(1)))
  order.push('one')
  await Promise.all(
    ['two', 'three', 'four'].map(name => store.tally('NORMAL', () => {}).then(() => order.push(name))),
  )
  expect(order).toEqual(['one', 'two', 'three', 'four'])
  await store.tally('NORMAL', usage => usage.addReservation(hold(2)))
  expect(commits()).toBe(2)
})

test('one caller who needs it on disk has it on disk for all', async () => {
  await using home = await atHome()
  const level = (durability: 'FULL' | 'NORMAL') =>
    home.store.tally(durability, usage => usage.client.query('PRAGMA synchronous').values()[0]?.[0])
  expect(await Promise.all([level('NORMAL'), level('NORMAL')])).toEqual([1, 1])
  expect(await Promise.all([level('NORMAL'), level('FULL'), level('NORMAL')])).toEqual([2, 2, 2])
  expect(await level('NORMAL')).toBe(1)
})

test('what arrives while another process writes shares the transaction after it', async () => {
  await using home = await atHome()
  const { store, hold, held, commits } = home
  await store.tally('NORMAL', () => {})
  const other = new Client(home.path, { readwrite: true })
  other.run('BEGIN IMMEDIATE')
  let told = 0
  const waiting: Promise<unknown>[] = []
  for (let n = 0; n < 20; n++) {
    waiting.push(store.tally('FULL', usage => usage.addReservation(hold(n))).then(() => told++))
    await Bun.sleep(1)
  }
  expect([told, held()]).toEqual([0, 0])
  other.run('COMMIT')
  other.close()
  await Promise.all(waiting)
  expect(held()).toBe(20)
  expect(commits()).toBe(1)
})

test('whoever waited too long for another process is told so, and the others wait on', async () => {
  await using home = await atHome({ busyTimeoutMs: 1_000 })
  const { store, hold, held } = home
  await store.tally('NORMAL', () => {})
  const other = new Client(home.path, { readwrite: true })
  other.run('BEGIN IMMEDIATE')
  const first = store.tally('NORMAL', usage => usage.addReservation(hold(1))).catch(error => error.code)
  await Bun.sleep(800)
  const second = store.tally('NORMAL', usage => usage.addReservation(hold(2))).catch(error => error.code)
  expect(await first).toBe('busy')
  other.run('COMMIT')
  other.close()
  expect(await second).toBeUndefined()
  expect(held()).toBe(1)
})

test.each([
  ['cannot be committed', (client: Client) => client.run('PRAGMA defer_foreign_keys = ON')],
  ['SQLite gives up', (client: Client) => client.run('ROLLBACK')],
])('nobody is told of success when the whole transaction %s', async (_, spoil) => {
  await using home = await atHome()
  const { store, hold, held, commits } = home
  const all = Array.from({ length: 3 }, (_, n) =>
    store.tally('FULL', usage => {
      usage.addReservation(hold(n))
      if (n !== 1) return
      spoil(usage.client)
      usage.client.run(
        "INSERT INTO denials (key_id, start, code, count, last_at) VALUES ('key_nobody', 0, 'revoked', 1, 0)",
      )
    }),
  )
  const settled = await Promise.allSettled(all)
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect([held(), commits()]).toEqual([0, 0])
  await store.tally('NORMAL', usage => usage.addReservation(hold(1)))
  expect(held()).toBe(1)
})

test('in a dry run nobody sees what the others did', async () => {
  await using home = await atHome({ dryRun: true })
  const { store, hold, commits } = home
  const all = Array.from({ length: 3 }, (_, n) =>
    store.tally('FULL', usage => {
      usage.addReservation(hold(n))
      return usage.client.query('SELECT count(*) FROM reservations').values()[0]?.[0]
    }),
  )
  expect(await Promise.all(all)).toEqual([1, 1, 1])
  expect(commits()).toBe(0)
})

// --- What transactions looked up before --------------------------------------------------------------------------

const oneRequest = {
  model: 'gpt-x',
  at: 0,
  endUser: '',
  counts: { ...noCounts, requests: 1 },
  isPriced: true,
}

async function counting(more: { dryRun?: boolean } = {}) {
  const home = await atHome(more)
  const { id } = await home.latchkey.keys.get('ci')
  const count = (usage: SqliteUsage, model = 'gpt-x') =>
    usage.charge(id, { ...oneRequest, model }, ({ counts }) => counts)
  return {
    ...home,
    id,
    count,
    record: () => home.store.tally('NORMAL', usage => count(usage)),
    used: () =>
      home.store.glance(({ client }) =>
        client
          .query(
            `SELECT s.user_id AS user, m.name AS model, d.requests AS requests
             FROM days d JOIN series s ON s.id = d.series JOIN models m ON m.id = d.model ORDER BY s.id, m.id`,
          )
          .all(),
      ),
  }
}

test('a series and a model that were undone are added again', async () => {
  await using home = await counting()
  const { store, record, count, used } = home
  const bad = (usage: SqliteUsage) => {
    count(usage)
    throw new Error('bad')
  }
  const alone = store.tally('NORMAL', bad)
  expect(codes(await Promise.allSettled([alone]))).toEqual(['bad'])
  const together = [store.tally('NORMAL', bad), store.tally('NORMAL', usage => count(usage, 'gpt-y')?.name)]
  expect(codes(await Promise.allSettled(together))).toEqual(['bad', 'ci'])
  await record()
  expect(used()).toEqual([
    { user: '', model: 'gpt-y', requests: 1 },
    { user: '', model: 'gpt-x', requests: 1 },
  ])
})

test('in a dry run each adds its own', async () => {
  await using home = await counting({ dryRun: true })
  for (let n = 0; n < 2; n++) expect(await home.record()).toMatchObject({ name: 'ci' })
  expect(home.used()).toEqual([])
})

test.each(['another process', 'this one'])(
  'usage after a key was moved by %s belongs to its new owner, and after it was deleted to nobody',
  async by => {
    await using home = await counting()
    const { id, record, used } = home
    const { id: user } = await home.latchkey.users.create({ username: 'alice' })
    await record()
    const move = async (statement: string) => {
      if (by === 'another process') {
        using other = new Client(home.path, { readwrite: true })
        other.run(statement)
      } else await home.store.write(async db => void (await db.run(sql.raw(statement))))
    }
    await move(`UPDATE keys SET user_id = '${user}' WHERE id = '${id}'`)
    await record()
    await record()
    expect(used()).toEqual([
      { user: '', model: 'gpt-x', requests: 1 },
      { user, model: 'gpt-x', requests: 2 },
    ])
    await move(`DELETE FROM keys WHERE id = '${id}'`)
    expect(await record()).toBeNull()
  },
)
