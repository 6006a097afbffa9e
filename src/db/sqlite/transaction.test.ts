import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { count } from '../query.ts'
import { users } from '../schema/people.ts'
import { Client } from './client.ts'
import { glance, tally } from './hot.ts'
import { Store } from './transaction.ts'

const row = (n: number) => ({
  id: `usr_${String(n).padStart(26, '0')}`,
  username: `user${n}`,
  role: 'member' as const,
  service: false,
  createdAt: 0,
  updatedAt: 0,
})

const open = (
  path: string,
  more: { access?: 'read' | 'write'; dryRun?: boolean; busyTimeoutMs?: number } = {},
) => new Store({ path, access: 'write', dryRun: false, busyTimeoutMs: 5_000, ...more })

const countUsers = (store: Store) =>
  store.read(async db => (await db.select({ n: count() }).from(users))[0]?.n)

test('an await followed by a throw leaves nothing', async () => {
  await using home = await temporaryLatchkey()
  const store = open(home.path)
  const failure = store.write(async db => {
    await db.insert(users).values(row(1))
    await Bun.sleep(20)
    await db.insert(users).values(row(2))
    throw new Error('too late')
  })
  expect(failure).rejects.toThrow('too late')
  await failure.catch(() => {})
  expect(await countUsers(store)).toBe(0)
  await store.close()
})

test('a write that starts while another waits sees all of it or nothing', async () => {
  await using home = await temporaryLatchkey()
  const first = open(home.path)
  const second = open(home.path)
  const slow = first.write(async db => {
    await db.insert(users).values(row(1))
    await Bun.sleep(50)
    throw new Error('no')
  })
  const seen = second.write(async db => (await db.select({ n: count() }).from(users))[0]?.n)
  await slow.catch(() => {})
  expect(await seen).toBe(0)
  await Promise.all([first.close(), second.close()])
})

test('a read sees one snapshot while others commit', async () => {
  await using home = await temporaryLatchkey()
  const store = open(home.path)
  const [before, after] = await store.read(async db => {
    const [a] = await db.select({ n: count() }).from(users)
    await store.write(async other => {
      await other.insert(users).values(row(1))
    })
    const [b] = await db.select({ n: count() }).from(users)
    return [a?.n, b?.n]
  })
  expect([before, after]).toEqual([0, 0])
  expect(await countUsers(store)).toBe(1)
  await store.close()
})

test('a dry run does the work and keeps nothing', async () => {
  await using home = await temporaryLatchkey()
  const store = open(home.path, { dryRun: true })
  const seen = await store.write(async db => {
    await db.insert(users).values(row(1))
    return (await db.select({ n: count() }).from(users))[0]?.n
  })
  expect(seen).toBe(1)
  expect(await countUsers(store)).toBe(0)
  await store.close()
})

test('1,000 operations started at once in one process lose and tear nothing', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'shared' })
  await Promise.all(
    Array.from({ length: 500 }, (_, n) => [
      latchkey.usage.record('shared', { inputTokens: 2, outputTokens: 1 }),
      latchkey.users.create({ username: `user${n}` }),
    ]).flat(),
  )
  const { totals, series } = await latchkey.keys.stats('shared')
  expect(totals).toMatchObject({ requests: 500, inputTokens: 1_000, outputTokens: 500, tokens: 1_500 })
  expect(series.at(-1)).toMatchObject({ requests: 500, tokens: 1_500 })
  expect(await latchkey.users.list()).toHaveLength(500)
  expect(await latchkey.audit.list({ action: 'user', limit: 1_000 })).toHaveLength(500)
})

test('8 processes that write at once lose and tear nothing', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'shared' })
  const writers = Array.from({ length: 8 }, () =>
    Bun.spawn(
      [process.execPath, join(import.meta.dir, '../../testing/writer.ts'), home.path, 'shared', '63'],
      {
        stderr: 'pipe',
        stdout: 'ignore',
      },
    ),
  )
  for (const writer of writers) {
    expect(await new Response(writer.stderr).text()).toBe('')
    expect(await writer.exited).toBe(0)
  }
  home.clock.now = new Date()
  const { totals, series } = await latchkey.keys.stats('shared', { days: 2 })
  expect(totals).toEqual({
    requests: 504,
    inputTokens: 1_512,
    outputTokens: 1_008,
    tokens: 2_520,
    costUsd: 0.000504,
  })
  expect(series.reduce((sum, day) => sum + day.tokens, 0)).toBe(2_520)
  expect(await latchkey.users.list()).toHaveLength(504)
  expect(await latchkey.audit.list({ action: 'user.create', limit: 1_000 })).toHaveLength(504)
})

test('a write waits for another process, and says busy when that takes too long', async () => {
  await using home = await temporaryLatchkey()
  const other = new Client(home.path)
  const store = open(home.path, { busyTimeoutMs: 600 })
  other.run('BEGIN IMMEDIATE')
  let ticks = 0
  const ticking = setInterval(() => ticks++, 5)
  const refused = await store.write(async () => {}).catch(error => error)
  clearInterval(ticking)
  expect(refused).toMatchObject({ code: 'busy', exit: 75 })
  expect(ticks).toBeGreaterThan(0)
  const patient = open(home.path)
  const written = patient.write(async db => {
    await db.insert(users).values(row(1))
  })
  await Bun.sleep(30)
  other.run('ROLLBACK')
  other.close()
  await written
  expect(await countUsers(patient)).toBe(1)
  await Promise.all([store.close(), patient.close()])
})

test.each(['clean', 'crashed'])('reading a %s database changes no byte and leaves no file', async state => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  if (state === 'crashed') {
    // Frames in the WAL and nobody who has the database open, as after a loss of power.
    const files = ['', '-wal'].map(suffix => [suffix, readFileSync(home.path + suffix)] as const)
    await home.latchkey.close()
    for (const [suffix, bytes] of files) await Bun.write(home.path + suffix, bytes)
    rmSync(`${home.path}-shm`, { force: true })
  } else {
    await home.latchkey.close()
  }
  const fingerprint = () =>
    readdirSync(home.folder)
      .filter(file => !file.endsWith('-shm'))
      .map(file => [
        file,
        statSync(join(home.folder, file)).mtimeMs,
        Bun.hash(readFileSync(join(home.folder, file))),
      ])
  const before = fingerprint()
  const store = open(home.path, { access: 'read' })
  expect(await countUsers(store)).toBe(1)
  await store.close()
  expect(fingerprint()).toEqual(before)
  if (state === 'clean') expect(existsSync(`${home.path}-shm`)).toBe(false)
})

test('usage is counted with less syncing than administration', async () => {
  await using home = await temporaryLatchkey()
  const store = open(home.path)
  const level = async () => Object.values(Object(await store.count(async db => db.get('PRAGMA synchronous'))))
  const full = async () => Object.values(Object(await store.write(async db => db.get('PRAGMA synchronous'))))
  expect(await level()).toEqual([1])
  expect(await full()).toEqual([2])
  expect(await level()).toEqual([1])
  await store.close()
})

test('what SQLite refuses comes out as an error with a code, never as the query and its values', async () => {
  await using home = await temporaryLatchkey()
  const store = open(home.path)
  const bad = await store
    .write(async db => {
      await db.insert(users).values({ ...row(1), role: 'king' as 'admin', name: 'very private' })
    })
    .catch(error => error)
  expect(bad).toBeInstanceOf(Error)
  expect(bad.message).not.toContain('very private')
  await store.close()
})

const reservation = (n: number, keyId: string) => ({
  id: `res_${String(n).padStart(26, '0')}`,
  keyId,
  createdAt: 0,
  expiresAt: 1,
  requests: 1,
  tokens: 0,
  costMicros: 0,
})
const held = (store: Store, key: string) =>
  glance(store, hot => hot.reservations('key', key, 'requests', 0, 0).length)

test('a tally is one transaction: a throw leaves nothing, a dry run neither', async () => {
  await using home = await temporaryLatchkey()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  const store = open(home.path)
  for (const warm of [false, true]) {
    const failed = tally(store, 'NORMAL', hot => {
      hot.addReservation(reservation(1, id))
      throw new Error('too late')
    })
    expect(await failed.catch(error => error.message), `warm: ${warm}`).toBe('too late')
    expect(held(store, id)).toBe(0)
  }
  const dry = open(home.path, { dryRun: true })
  for (let n = 0; n < 2; n++) await tally(dry, 'FULL', hot => hot.addReservation(reservation(1, id)))
  expect(held(store, id)).toBe(0)
  await tally(store, 'FULL', hot => hot.addReservation(reservation(1, id)))
  expect(held(store, id)).toBe(1)
  await Promise.all([store.close(), dry.close()])
})

test('a tally stands in line behind a write that awaits, a glance sees what was there before it', async () => {
  await using home = await temporaryLatchkey()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  const store = open(home.path)
  await tally(store, 'NORMAL', () => {})
  const order: string[] = []
  const slow = store.write(async db => {
    await db.insert(users).values(row(1))
    await Bun.sleep(30)
    order.push('write')
  })
  await Bun.sleep(5)
  const tallied = tally(store, 'NORMAL', hot => {
    hot.addReservation(reservation(1, id))
    order.push('tally')
  })
  expect(held(store, id)).toBe(0)
  order.push('glance')
  await Promise.all([slow, tallied])
  expect(order).toEqual(['glance', 'write', 'tally'])
  expect(held(store, id)).toBe(1)
  await store.close()
})

test('a tally waits for another process, and gives up when told to', async () => {
  await using home = await temporaryLatchkey()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  const patient = open(home.path)
  const hasty = open(home.path, { busyTimeoutMs: 10 })
  for (const store of [patient, hasty]) await tally(store, 'NORMAL', () => {})
  const other = new Client(home.path, { readwrite: true })
  other.run('BEGIN IMMEDIATE')
  expect(await tally(hasty, 'NORMAL', () => {}).catch(error => error)).toMatchObject({ code: 'busy' })
  const waiting = tally(patient, 'NORMAL', hot => hot.addReservation(reservation(1, id)))
  await Bun.sleep(20)
  other.run('COMMIT')
  other.close()
  await waiting
  expect(held(patient, id)).toBe(1)
  await Promise.all([patient.close(), hasty.close()])
})
