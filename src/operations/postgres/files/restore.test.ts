/** Restores into a database on a server, from backups of either engine, and of a server's backup into a file. */
import { afterAll, expect } from 'bun:test'
import { join } from 'node:path'
import { SQL } from 'bun'
import { connectLatchkey, type Latchkey } from '../../../index.ts'
import { failure } from '../../../testing/failure.ts'
import { temporaryFolder } from '../../../testing/folder.ts'
import { emptyDatabase, requirePostgres } from '../../../testing/postgres.ts'
import { serverScene } from '../../../testing/server-scene.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())

/** Keys, usage, a chat: rows in most tables. */
async function fillWith(latchkey: Latchkey): Promise<void> {
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ slug: 'api', name: 'API', owner: 'alice' })
  const key = await latchkey.keys.create({ name: 'ci', project: 'api', user: 'alice' })
  await latchkey.limits.set({ key: 'ci' }, [{ metric: 'requests', amount: 1000, windowMs: 3_600_000 }])
  for (const model of ['a', 'b']) await latchkey.usage.record(key.id, { model, inputTokens: 5, endUser: 'x' })
  const { id } = await latchkey.chats.create({ title: 'Hello', user: 'alice' })
  await latchkey.chats.append(id, { role: 'user', content: 'tab\there \\N' })
}

/** What a Latchkey shows of all that, without times of change. */
const stateOf = async (latchkey: Latchkey) => ({
  keys: await latchkey.keys.list(),
  users: await latchkey.users.list(),
  projects: await latchkey.projects.list(),
  limits: await latchkey.limits.list({ key: 'ci' }),
  report: await latchkey.usage.report({ by: ['key', 'model'] }),
  chats: await latchkey.chats.search('tab'),
})

requirePostgres()('a restore brings everything back, and an undo what was there before', async () => {
  await using it = await serverScene()
  const { latchkey } = it
  await fillWith(latchkey)
  const then = await stateOf(latchkey)
  const backup = await latchkey.backups.create()
  await latchkey.keys.delete('ci')
  await latchkey.users.create({ username: 'late' })
  const before = await latchkey.users.list()

  using plan = await latchkey.backups.planRestore({ latest: true })
  expect(plan.shown).toMatchObject({ id: backup.id, replaces: it.database.name, foreign: false })
  expect(plan.shown.revived).toMatchObject([{ key: { name: 'ci' }, because: 'missing' }])
  expect(await latchkey.users.list()).toEqual(before)
  const restored = await plan.restore()
  expect(restored).toMatchObject({
    path: it.database.url,
    changes: { keys: { added: ['ci'] }, users: { removed: ['late'] } },
    safetyBackup: { reason: 'pre-restore' },
    openBy: [],
  })
  expect(await stateOf(latchkey)).toEqual(then)
  expect((await latchkey.audit.list({ limit: 1 }))[0]).toMatchObject({ action: 'database.restore' })
  // New rows get numbers of their own.
  await latchkey.usage.record((await latchkey.keys.get('ci')).id, {
    model: 'new',
    inputTokens: 1,
    endUser: 'y',
  })
  await latchkey.chats.append((await latchkey.chats.list()).chats[0]!.id, { role: 'user', content: 'more' })

  const undone = await latchkey.backups.restore({ undo: true })
  expect(undone.backup.id).toBe(restored.safetyBackup!.id)
  expect(await latchkey.users.list()).toEqual(before)
  expect(await failure(latchkey.backups.restore({ latest: true, inPlace: true }))).toMatchObject({
    code: 'usage',
  })
})

requirePostgres()('a dry run finds out that no safety copy could be taken', async () => {
  await using it = await serverScene()
  const { latchkey } = it
  await fillWith(latchkey)
  const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'
  const plain = await latchkey.backups.create({ to: folder.file('plain') })
  await latchkey.backups.create({ recipients: [recipient] })
  const dry = connectLatchkey({ ...it.options, dryRun: true })
  for (const work of [
    ...[dry, latchkey].flatMap(({ backups }) => [
      () => backups.restore({ latest: true, from: folder.file('plain') }),
      () => backups.restore({ backup: plain.path, user: 'alice' }),
    ]),
    () => dry.migrations.migrate({ direction: 'down' }),
  ])
    expect(await failure(work())).toMatchObject({
      message: expect.stringMatching(/^the safety copy \(pre-\w+\) could not be taken: .* are encrypted/),
      hint: 'latchkey config set age_recipients_file FILE, then run the command again',
    })
  // A plan takes none.
  expect((await latchkey.migrations.plan({ direction: 'down' })).steps).toHaveLength(1)
  await dry.close()
})

requirePostgres()('revocations are kept, in the same transaction', async () => {
  await using it = await serverScene()
  const { latchkey } = it
  await fillWith(latchkey)
  await latchkey.backups.create()
  await latchkey.keys.revoke('ci', { reason: 'leaked' })
  const { revived } = await latchkey.backups.restore({ latest: true, keepRevocations: true })
  expect(revived).toMatchObject([{ because: 'revoked', ended: true }])
  expect(await latchkey.keys.get('ci')).toMatchObject({ status: 'revoked' })
})

requirePostgres()(
  'one thing comes back while requests are counted, with its usage, and goes again',
  async () => {
    await using it = await serverScene()
    const { latchkey } = it
    await fillWith(latchkey)
    const busy = await latchkey.keys.create({ name: 'busy' })
    const key = await latchkey.keys.get('ci')
    await latchkey.backups.create()
    await latchkey.keys.delete('ci')
    let [stop, recorded] = [false, 0]
    const writer = (async () => {
      while (!stop) {
        await latchkey.usage.record(busy.id, { model: 'm', inputTokens: 1 })
        recorded++
      }
    })()
    const dry = connectLatchkey({ ...it.options, dryRun: true })
    expect(await dry.backups.restore({ latest: true, key: 'ci' })).toMatchObject({ only: 'key ci' })
    await dry.close()
    expect(await latchkey.keys.list()).toHaveLength(1)
    const restored = await latchkey.backups.restore({ latest: true, key: 'ci' })
    expect(restored).toMatchObject({
      only: 'key ci',
      changes: { keys: { added: ['ci'] } },
      path: it.database.url,
    })
    expect(await latchkey.keys.get('ci')).toMatchObject({ id: key.id, name: 'ci' })
    const rows = await latchkey.usage.report({ by: ['key'] })
    expect(rows.find(row => JSON.stringify(row).includes(key.id))).toMatchObject({ requests: 2 })
    await latchkey.backups.restore({ undo: true })
    expect((await latchkey.keys.list()).map(({ name }) => name)).toEqual(['busy'])
    stop = true
    await writer
    expect(await latchkey.keys.stats('busy')).toMatchObject({ totals: { requests: recorded } })
    expect(await latchkey.usage.check()).toMatchObject({ differences: [] })
  },
)

requirePostgres()('what was narrowed since stays narrow when one thing comes back', async () => {
  await using it = await serverScene()
  const { latchkey } = it
  await fillWith(latchkey)
  await latchkey.keys.update('ci', { metadata: { a: 1 } })
  await latchkey.backups.create()
  await latchkey.keys.disable('ci')
  await latchkey.keys.update('ci', { metadata: { a: 2 } })
  const { stays } = await latchkey.backups.restore({ latest: true, key: 'ci' })
  expect(stays).toEqual(['key ci: disabled'])
  expect(await latchkey.keys.get('ci')).toMatchObject({ status: 'disabled', metadata: { a: 1 } })
})

requirePostgres()('a user deleted with all that they had comes back with no more than that', async () => {
  await using it = await serverScene()
  const { latchkey } = it
  const { users, organizations, projects, keys, chats } = latchkey
  await fillWith(latchkey)
  await users.update('alice', { role: 'admin' })
  await users.setPassword('alice', 'correct horse')
  await users.create({ username: 'bob' })
  for (const name of ['Acme', 'Guild']) {
    await organizations.create({ name, owner: 'bob' })
    await organizations.members.add(name, 'alice', 'admin')
  }
  await latchkey.backups.create()
  await keys.revoke('ci')
  await projects.archive('api')
  await users.update('alice', { role: 'viewer' })
  await users.disable('alice', { until: new Date('2999-01-01T00:00:00Z') })
  await users.setPassword('alice', 'a better horse')
  await organizations.members.setRole('acme', 'alice', 'viewer')
  await organizations.members.remove('guild', 'alice')
  await users.offboard('alice', { deleteAll: true })
  const { stays } = await latchkey.backups.restore({ latest: true, user: 'alice' })
  expect(stays).toEqual([
    'user alice: disabled, role, memberships, password',
    'project api: archived',
    'key ci: revoked',
  ])
  expect(await users.get('alice')).toMatchObject({
    role: 'viewer',
    disabledUntil: new Date('2999-01-01T00:00:00Z'),
    hasPassword: false,
  })
  expect(await keys.get('ci')).toMatchObject({ status: 'revoked' })
  expect(await projects.get('api')).toMatchObject({ status: 'archived' })
  expect((await chats.list({ user: 'alice' })).total).toBe(1)
  const rolesIn = async (org: string) =>
    (await organizations.members.list(org)).members.map(({ user, role }) => [user.username, role])
  expect((await rolesIn('acme')).sort()).toEqual([
    ['alice', 'viewer'],
    ['bob', 'owner'],
  ])
  expect(await rolesIn('guild')).toEqual([['bob', 'owner']])
})

requirePostgres()('backups go from one engine to the other and back', async () => {
  await using it = await serverScene()
  await using empty = await emptyDatabase()
  await fillWith(it.latchkey)
  const backup = await it.latchkey.backups.create()
  const path = join(it.folder, 'file.db')
  const file = connectLatchkey({ ...it.options, path, backupDir: it.backupDir })
  await file.backups.restore({ backup: backup.path })
  expect(await stateOf(file)).toEqual(await stateOf(it.latchkey))
  const second = await file.backups.create({ to: join(it.folder, 'second') })
  await file.close()
  const other = connectLatchkey({ ...it.options, path: empty.url })
  const restored = await other.backups.restore({ backup: second.path })
  expect(restored).toMatchObject({ safetyBackup: null, before: null })
  expect(await stateOf(other)).toEqual(await stateOf(it.latchkey))
  expect(await failure(other.backups.restore({ undo: true }))).toMatchObject({ code: 'not_found' })
  expect(await other.migrations.check()).toMatchObject({ ok: true })
  await other.close()
})

requirePostgres()(
  'what is committed until a restore is in the safety copy, and nothing after it is lost',
  async () => {
    await using it = await serverScene()
    const { latchkey } = it
    const key = await latchkey.keys.create({ name: 'ci' })
    await it.sql`INSERT INTO counted_events (id, at, ingest) SELECT 'e' || n, n, 0 FROM generate_series(1, 20000) n`
    await latchkey.backups.create()
    const gateway = connectLatchkey({ ...it.options, busyTimeoutMs: 60_000 })
    let [stop, recorded] = [false, 0]
    const writers = Array.from({ length: 4 }, async () => {
      while (!stop) {
        await gateway.usage.record(key.id, { model: 'm', inputTokens: 1 })
        recorded++
      }
    })
    const halt = async () => {
      stop = true
      await Promise.allSettled(writers)
      await gateway.close()
    }
    // Or what ends them with the database hides why the test failed.
    await using _ = { [Symbol.asyncDispose]: halt }
    while (recorded < 20) await Bun.sleep(5)
    const { safetyBackup } = await latchkey.backups.restore({ latest: true, waitMs: 60_000 })
    const later = recorded
    while (recorded < later + 20) await Bun.sleep(5)
    stop = true
    await Promise.all(writers)
    const requestsIn = async (where: string): Promise<number> => {
      const counted = connectLatchkey({ ...it.options, path: where })
      const { totals } = await counted.keys.stats('ci')
      await counted.close()
      return totals.requests
    }
    const path = join(it.folder, 'safety.db')
    await latchkey.backups.restore({ backup: safetyBackup!.path, to: path })
    expect((await requestsIn(path)) + (await requestsIn(it.database.url))).toBe(recorded)
  },
)

requirePostgres()('a deadlock with a writer does not reach who restores', async () => {
  await using it = await serverScene()
  await it.latchkey.keys.create({ name: 'ci' })
  const { path } = await it.latchkey.backups.create()
  // The server refuses whoever has waited so long when it finds one: the restore, as long as the other is seen to wait in time.
  await it.sql.unsafe(`ALTER DATABASE ${it.database.name} SET deadlock_timeout = '3s'`)
  await using other = new SQL(it.database.url, { max: 1, tls: false })
  await other.unsafe("SET deadlock_timeout = '30s'")
  await other.unsafe('BEGIN; LOCK TABLE users IN ROW EXCLUSIVE MODE')
  const restoring = connectLatchkey(it.options)
  const restored = restoring.backups.restore({ backup: path, waitMs: 60_000 })
  while ((await it.sql`SELECT FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass`).length === 0)
    await Bun.sleep(5)
  // If this is refused instead, the restore has nothing to wait for.
  await other.unsafe('LOCK TABLE audit IN ROW EXCLUSIVE MODE').catch(() => {})
  await other.unsafe('ROLLBACK')
  expect(await restored).toMatchObject({ backup: { path } })
  await restoring.close()
})

requirePostgres()('a restore that fails changes nothing', async () => {
  await using it = await serverScene()
  const { latchkey } = it
  await fillWith(latchkey)
  const backup = await latchkey.backups.create({ compression: 'none' })
  await latchkey.users.create({ username: 'late' })
  // A row that PostgreSQL refuses.
  const { Client } = await import('../../../db/sqlite/client.ts')
  const copy = connectLatchkey({ ...it.options, path: join(it.folder, 'nul.db') })
  await copy.backups.restore({ backup: backup.path })
  const client = new Client(join(it.folder, 'nul.db'), { readwrite: true })
  client.run("UPDATE users SET name = 'a' || char(0) || 'b'")
  client.close()
  const bad = await copy.backups.create()
  await copy.close()
  const before = await latchkey.users.list()
  expect(await failure(latchkey.backups.restore({ backup: bad.path }))).toMatchObject({ code: 'invalid' })
  expect(await latchkey.users.list()).toEqual(before)
  expect(await latchkey.keys.get('ci')).toMatchObject({ name: 'ci' })
  const indexes = await it.sql`SELECT count(*)::int AS n FROM pg_indexes WHERE schemaname = 'public'`
  expect(indexes[0].n).toBeGreaterThan(40)
})
