import { expect, spyOn, test } from 'bun:test'
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { requireTool } from '../../testing/tools.ts'
import { count } from '../query.ts'
import { users } from '../schema/people.ts'
import { prices } from '../schema/usage.ts'
import { Client } from './client.ts'
import { SqliteStore } from './transaction.ts'

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
) => new SqliteStore({ path, access: 'write', dryRun: false, busyTimeoutMs: 5_000, ...more })

const countUsers = (store: SqliteStore) =>
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

test('work that awaits nothing sees a transaction of this process once it is committed', async () => {
  await using home = await temporaryLatchkey()
  const store = open(home.path)
  await store.write(async db => {
    await db.insert(users).values(row(1))
    expect(countNow(store)).toBe(0)
  })
  expect(countNow(store)).toBe(1)
  await store.close()
})

test('prices that this process has changed itself are those in force', async () => {
  await using home = await temporaryLatchkey()
  const store = open(home.path)
  store.open()
  for (let known = 0; known < 3; known++) {
    expect(await store.latest.prices()).toHaveLength(known)
    const price = { model: `gpt-${known}`, startsAt: 0, inputMicros: 1, outputMicros: 1 }
    await store.write(async db => db.insert(prices).values(price))
  }
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

test('400 operations started at once in one process lose and tear nothing', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'shared' })
  await Promise.all(
    Array.from({ length: 200 }, (_, n) => [
      latchkey.usage.record('shared', { inputTokens: 2, outputTokens: 1 }),
      latchkey.users.create({ username: `user${n}` }),
    ]).flat(),
  )
  const { totals, series } = await latchkey.keys.stats('shared')
  expect(totals).toMatchObject({ requests: 200, inputTokens: 400, outputTokens: 200, tokens: 600 })
  expect(series.at(-1)).toMatchObject({ requests: 200, tokens: 600 })
  expect(await latchkey.users.list()).toHaveLength(200)
  expect(await latchkey.audit.list({ action: 'user', limit: 1_000 })).toHaveLength(200)
})

test('8 processes that write at once lose and tear nothing', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'shared' })
  const writers = Array.from({ length: 8 }, () =>
    Bun.spawn(
      [process.execPath, join(import.meta.dir, '../../testing/writer.ts'), home.path, 'shared', '25'],
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
    requests: 200,
    inputTokens: 600,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 400,
    reasoningTokens: 0,
    otherTokens: 0,
    tokens: 1_000,
    costUsd: 0.0002,
    unpricedRequests: 0,
  })
  expect(series.reduce((sum, day) => sum + day.tokens, 0)).toBe(1_000)
  expect(await latchkey.users.list()).toHaveLength(200)
  expect(await latchkey.audit.list({ action: 'user.create', limit: 1_000 })).toHaveLength(200)
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
    // Frames in the WAL while nobody has the database open, as after a power loss.
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
  const level = () =>
    store.tally('NORMAL', ({ client }) => Object.values(client.query('PRAGMA synchronous').get() ?? {}))
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
  endUser: '',
  model: '',
  createdAt: 0,
  expiresAt: 1,
  requests: 1,
  tokens: 0,
  costMicros: 0,
})
const held = (store: SqliteStore, key: string) =>
  store.glance(
    ({ client }) =>
      client
        .query<{ n: number }, string>(
          'SELECT count(*) AS n FROM reservations r JOIN series s ON s.id = r.series WHERE s.key_id = ?',
        )
        .get(key)?.n,
  )

test('a tally is one transaction: a throw leaves nothing, a dry run neither', async () => {
  await using home = await temporaryLatchkey()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  const store = open(home.path)
  for (const warm of [false, true]) {
    const failed = store.tally('NORMAL', usage => {
      usage.addReservation(reservation(1, id))
      throw new Error('too late')
    })
    expect(await failed.catch(error => error.message), `warm: ${warm}`).toBe('too late')
    expect(held(store, id)).toBe(0)
  }
  const dry = open(home.path, { dryRun: true })
  for (let n = 0; n < 2; n++) await dry.tally('FULL', usage => usage.addReservation(reservation(1, id)))
  expect(held(store, id)).toBe(0)
  await store.tally('FULL', usage => usage.addReservation(reservation(1, id)))
  expect(held(store, id)).toBe(1)
  await Promise.all([store.close(), dry.close()])
})

test('a tally stands in line behind a write that awaits, a glance sees what was there before it', async () => {
  await using home = await temporaryLatchkey()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  const store = open(home.path)
  await store.tally('NORMAL', () => {})
  const order: string[] = []
  const slow = store.write(async db => {
    await db.insert(users).values(row(1))
    await Bun.sleep(30)
    order.push('write')
  })
  await Bun.sleep(5)
  const tallied = store.tally('NORMAL', usage => {
    usage.addReservation(reservation(1, id))
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
  for (const store of [patient, hasty]) await store.tally('NORMAL', () => {})
  const other = new Client(home.path, { readwrite: true })
  other.run('BEGIN IMMEDIATE')
  expect(await hasty.tally('NORMAL', () => {}).catch(error => error)).toMatchObject({ code: 'busy' })
  const waiting = patient.tally('NORMAL', usage => usage.addReservation(reservation(1, id)))
  await Bun.sleep(20)
  other.run('COMMIT')
  other.close()
  await waiting
  expect(held(patient, id)).toBe(1)
  await Promise.all([patient.close(), hasty.close()])
})

// --- A file that is moved, removed or replaced -------------------------------------------------------------------

/** Everything that begins a transaction, with what it saw or changed in its file. */
const transactions: readonly (readonly [string, (latchkey: Latchkey) => Promise<unknown>])[] = [
  ['a read', async latchkey => latchkey.users.get('there')],
  ['a write', async latchkey => latchkey.users.update('there', { name: 'x' })],
  ['a verdict', async latchkey => requireValid(await latchkey.keys.verify(secretOf('there')))],
  ['usage', async latchkey => latchkey.usage.record('there', { inputTokens: 1, outputTokens: 1 })],
  ['a reservation', async latchkey => latchkey.usage.reserve('there', { tokens: 1 })],
  [
    'a stream',
    async latchkey => requireOne(await Array.fromAsync(latchkey.keys.stream({ search: 'there' }))),
  ],
]

const secrets = new Map<string, string>()
const secretOf = (name: string): string => secrets.get(name) ?? ''
const requireValid = ({ valid }: { readonly valid: boolean }): void => {
  if (!valid) throw new Error('denied')
}
const requireOne = ({ length }: readonly unknown[]): void => {
  if (length !== 1) throw new Error(`${length} keys`)
}

/** With a user and a key of the same name. */
async function fill({ latchkey }: TestLatchkey, name: string): Promise<void> {
  await latchkey.users.create({ username: name })
  const { secret } = await latchkey.keys.create({ name })
  secrets.set(name, secret ?? '')
}

/** A long-lived Latchkey with all its connections open, and another database that will replace its file. */
async function aboutToBeReplaced() {
  const home = await temporaryLatchkey()
  await fill(home, 'here')
  const other = await temporaryLatchkey()
  await fill(other, 'there')
  await other.latchkey.close()
  await home.latchkey.close()
  let replaced = 0
  const latchkey = connectLatchkey({ path: home.path, onReplaced: () => replaced++ })
  await latchkey.users.get('here')
  await latchkey.keys.verify(secretOf('here'))
  await latchkey.usage.record('here', { inputTokens: 1, outputTokens: 1 })
  return {
    latchkey,
    path: home.path,
    otherPath: other.path,
    replaced: () => replaced,
    /** By renaming a file, as most programs do. */
    replace: () => {
      copyFileSync(other.path, `${home.path}.new`)
      for (const suffix of ['-wal', '-shm']) rmSync(home.path + suffix, { force: true })
      renameSync(`${home.path}.new`, home.path)
      letLooksPass()
    },
    [Symbol.asyncDispose]: async () => {
      await latchkey.close()
      await other[Symbol.asyncDispose]()
      await home[Symbol.asyncDispose]()
    },
  }
}

test.each(transactions)('%s goes to the file that took the place of the one before', async (_, work) => {
  await using scene = await aboutToBeReplaced()
  scene.replace()
  await work(scene.latchkey)
  expect(scene.replaced()).toBe(1)
  // All the others too, on new connections.
  for (const [, each] of transactions) await each(scene.latchkey)
  expect(scene.replaced()).toBe(1)
  await scene.latchkey.close()
  const seen = connectLatchkey({ path: scene.path, access: 'read' })
  expect(await seen.database.check()).toMatchObject({ ok: true })
  expect((await seen.users.list()).map(({ username }) => username)).toEqual(['there'])
  await seen.close()
})

test.each(['its name', 'a link'])(
  'usage goes to the file that took the place a moment ago, which is opened by %s',
  async by => {
    await using scene = await aboutToBeReplaced()
    const path = by === 'a link' ? `${scene.path}.link` : scene.path
    if (by === 'a link') symlinkSync(scene.path, path)
    const store = new SqliteStore({ path, access: 'write', dryRun: false, busyTimeoutMs: 5_000 })
    const usersThere = () =>
      store.tally('NORMAL', ({ client }) => client.query('SELECT username FROM users').values().flat())
    expect(await usersThere()).toEqual(['here'])
    const next = `${scene.path}.next`
    copyFileSync(scene.otherPath, next)
    // The time for which the last look holds for reads begins now, and does not pass.
    const clock = spyOn(performance, 'now').mockReturnValue(performance.now())
    await usersThere()
    if (by === 'a link') {
      symlinkSync(next, `${path}.new`)
      renameSync(`${path}.new`, path)
    } else {
      for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
      renameSync(next, path)
    }
    expect(await usersThere()).toEqual(['there'])
    clock.mockRestore()
    await store.close()
  },
)

test.each(transactions)('%s fails while there is no file, and goes on when it is back', async (_, work) => {
  await using scene = await aboutToBeReplaced()
  await fill({ ...scene, latchkey: scene.latchkey } as never, 'there')
  renameSync(scene.path, `${scene.path}.away`)
  letLooksPass()
  for (let n = 0; n < 2; n++) {
    const failure = await work(scene.latchkey).catch((error: unknown) => error)
    expect<unknown>(failure).toMatchObject({ code: 'database_missing', exit: 78 })
  }
  renameSync(`${scene.path}.away`, scene.path)
  await work(scene.latchkey)
  expect(scene.replaced()).toBe(0)
})

test('a write that was under way when the file was replaced is in neither, and says so', async () => {
  await using scene = await aboutToBeReplaced()
  const store = open(scene.path)
  const failed = store.write(async db => {
    await db.insert(users).values(row(1))
    scene.replace()
    // Another read noticed it meanwhile.
    await scene.latchkey.users.list()
    expect(countNow(store)).toBe(1)
  })
  expect(await failed.catch(error => error)).toMatchObject({ code: 'busy', exit: 75 })
  expect(await countUsers(store)).toBe(1)
  await store.close()
})

/** A check of the path is reused for a moment. */
const letLooksPass = (): void => Bun.sleepSync(2)

/** Users in the file at the path. */
const countNow = (store: SqliteStore): number =>
  store.glance(({ client }) => (client.query('SELECT count(*) AS n FROM users').get() as { n: number }).n)

test('a read that was under way when the file was replaced ends on the one that it began on', async () => {
  await using scene = await aboutToBeReplaced()
  const store = open(scene.path)
  const names = async (db: Parameters<Parameters<SqliteStore['read']>[0]>[0]) =>
    (await db.select({ name: users.username }).from(users)).map(({ name }) => name)
  const seen = await store.read(async db => {
    const before = await names(db)
    scene.replace()
    expect(countNow(store)).toBe(1)
    return [before, await names(db)]
  })
  expect(seen).toEqual([['here'], ['here']])
  expect(await store.read(names)).toEqual(['there'])
  await store.close()
})

test('a file that was put beside the log of the one before is not opened', async () => {
  await using scene = await aboutToBeReplaced()
  const before = readFileSync(scene.path)
  writeFileSync(`${scene.path}.new`, before)
  renameSync(`${scene.path}.new`, scene.path)
  const failure = await scene.latchkey.users.list().catch((error: unknown) => error)
  expect<unknown>(failure).toMatchObject({
    code: 'corrupt',
    message: expect.stringContaining('was replaced'),
  })
  expect(readFileSync(scene.path).equals(before)).toBe(true)
  for (const suffix of ['-wal', '-shm']) rmSync(scene.path + suffix)
  expect(await scene.latchkey.users.list()).toHaveLength(1)
})

test('a symbolic link that leads elsewhere by now is followed', async () => {
  await using scene = await aboutToBeReplaced()
  await using other = await temporaryLatchkey()
  await fill(other, 'there')
  const link = `${scene.path}.link`
  symlinkSync(scene.path, link)
  const latchkey = connectLatchkey({ path: link })
  expect(await latchkey.users.list()).toHaveLength(1)
  rmSync(link)
  symlinkSync(other.path, link)
  letLooksPass()
  for (const [, work] of transactions) await work(latchkey)
  await latchkey.close()
})

requireTool('strace')('a transaction looks at most once where the path leads', async () => {
  await using home = await temporaryLatchkey()
  const log = join(home.folder, 'calls')
  const script = `
    import { SqliteStore } from ${JSON.stringify(join(import.meta.dir, 'transaction.ts'))}
    const path = ${JSON.stringify(home.path)}
    const store = new SqliteStore({ path, access: 'write', dryRun: false, busyTimeoutMs: 0 })
    const step = async () => {
      store.glance(() => {})
      await store.tally('NORMAL', () => {})
      await store.read(async () => {})
    }
    await step()
    await step()
    await Bun.file('/nonexistent/begin').exists()
    for (let n = 0; n < 50; n++) await step()
    await Bun.file('/nonexistent/end').exists()
    process.exit()`
  const traced = ['strace', '-f', '--seccomp-bpf', '-e', 'trace=stat,lstat,statx,newfstatat', '-o', log]
  const { exitCode } = Bun.spawnSync([...traced, process.execPath, '-e', script], { stderr: 'inherit' })
  expect(exitCode).toBe(0)
  const calls = readFileSync(log, 'utf8')
  const between = calls.slice(calls.indexOf('/nonexistent/begin'), calls.indexOf('/nonexistent/end'))
  const looks = between.split('\n').filter(line => line.includes(`"${home.path}"`))
  // Each write and each read checks the path. Fast reads share checks.
  expect(looks.length).toBeGreaterThanOrEqual(100)
  expect(looks.length).toBeLessThanOrEqual(150)
})
