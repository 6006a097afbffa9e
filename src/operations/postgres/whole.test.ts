/** What works on a whole database on a server: making it, migrating it, and what its health says. */
import { afterAll, expect } from 'bun:test'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { Connection } from '../../db/postgres/connection.ts'
import { migrateTo } from '../../db/postgres/migrate.ts'
import { targetOf } from '../../db/postgres/url.ts'
import { latestVersion } from '../../db/schema/version.ts'
import { connectLatchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { emptyDatabase, requirePostgres, temporaryServer } from '../../testing/postgres.ts'
import { serverPrograms } from '../../testing/postgres-cluster.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())

const actor = { name: 'tester', origin: 'script' } as const
/** A Latchkey that `await using` closes. */
function at(path: string, now?: () => Date) {
  const latchkey = connectLatchkey({ path, actor, now, env: { HOME: folder.path } })
  return Object.assign(latchkey, { [Symbol.asyncDispose]: latchkey.close })
}
const connect = (url: string) =>
  Connection.open(targetOf(url), { prepare: false, patient: false, deadlineMs: 60_000 })

requirePostgres()(
  'init makes the tables once, with an identity, an audit row and the first user',
  async () => {
    await using database = await emptyDatabase()
    const secret = database.url.replace('postgres@', 'postgres:s3cret@')
    const latchkeys = [1, 2, 3, 4].map(() => at(secret))
    const ran = await Promise.allSettled(latchkeys.map(each => each.initialize({ admin: 'root' })))
    expect(ran.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await failure(latchkeys[0]!.initialize())).toMatchObject({ code: 'conflict' })
    const [latchkey] = latchkeys
    expect(latchkey?.path).toBe(database.url)
    expect((await latchkey!.users.list()).map(({ username }) => username)).toEqual(['root'])
    const audit = await latchkey!.audit.list()
    expect(audit.map(({ action }) => action)).toEqual(['user.create', 'database.init'])
    expect(audit.at(-1)).toMatchObject({ actor: 'tester', target: { type: 'database', id: database.name } })
    expect(JSON.stringify(audit)).not.toContain('s3cret')
    expect(await latchkey!.migrations.history()).toMatchObject([
      { event: 'init', from: 0, to: latestVersion, actor: 'tester' },
    ])
    const connection = await connect(database.url)
    const [identity] = await connection.values('SELECT id FROM identity')
    expect(identity).toEqual([audit.at(-1)?.id.replace('aud_', 'dbs_')])
    connection.close()
    for (const each of latchkeys) await each.close()
  },
)

requirePostgres()('migrate up brings an older database to the schema of this program', async () => {
  await using database = await emptyDatabase()
  const connection = await connect(database.url)
  const older = { now: 0, programVersion: 'older', on: 'empty', dryRun: false, waitMs: 60_000 } as const
  await migrateTo(connection, latestVersion - 1, { ...older, inside: async () => {} })
  connection.close()
  await using latchkey = at(database.url)
  expect(await failure(latchkey.keys.list())).toMatchObject({
    code: 'schema_older',
    hint: expect.stringContaining('migrate up'),
  })
  expect(await latchkey.health()).toMatchObject({ status: 'failed' })
  const plan = await latchkey.migrations.plan()
  expect(plan.steps.map(({ version }) => version)).toEqual([latestVersion])
  const run = await latchkey.migrations.migrate({ direction: 'up' })
  expect(run).toMatchObject({ from: latestVersion - 1, to: latestVersion })
  expect(await latchkey.backups.list()).toMatchObject([{ id: run.backup, reason: 'pre-migrate' }])
  expect(await latchkey.keys.list()).toEqual([])
  expect((await latchkey.audit.list({ limit: 1 }))[0]).toMatchObject({ action: 'database.migrate' })
})

requirePostgres()('migrate down takes the rows along, and a backup brings back what it loses', async () => {
  await using database = await emptyDatabase()
  const first = at(database.url)
  await first.initialize({ admin: 'root' })
  const key = await first.keys.create({ name: 'ci', user: 'root' })
  await first.usage.record(key.id, { model: 'm', inputTokens: 7 })
  const plan = await first.migrations.plan({ direction: 'down' })
  expect(plan).toMatchObject({ from: latestVersion, to: latestVersion - 1, steps: [{ direction: 'down' }] })
  const before = await first.keys.list()
  expect(await failure(first.migrations.migrate({ direction: 'down' }))).toMatchObject({ code: 'busy' })
  await first.close()
  const second = at(database.url)
  const down = await second.migrations.migrate({ direction: 'down' })
  expect(down).toMatchObject({ from: latestVersion, to: latestVersion - 1, lost: plan.lost })
  expect(await second.migrations.state()).toMatchObject({ current: latestVersion - 1 })
  expect(await failure(second.keys.list())).toMatchObject({ code: 'schema_older' })
  expect(await failure(second.migrations.migrate({ direction: 'down', to: 1 }))).toMatchObject({
    code: 'usage',
  })
  const up = await second.migrations.migrate({ direction: 'up' })
  expect(await second.migrations.history()).toMatchObject([
    { event: 'up', from: latestVersion - 1, to: latestVersion, steps: up.steps, backup: up.backup },
    { event: 'down', from: latestVersion, to: latestVersion - 1, steps: down.steps, backup: down.backup },
    { event: 'init', from: 0, to: latestVersion },
  ])
  expect(await second.keys.list()).toEqual(before)
  expect(await second.usage.check()).toMatchObject({ ok: true })
  const restored = await second.backups.restore({ backup: down.backup! })
  expect(restored.schemaVersion).toBe(latestVersion)
  expect(await second.keys.list()).toEqual(before)
  await second.close()
})

/** What differs from `ok` and `skipped`. */
async function findings(path: string, now?: () => Date): Promise<Readonly<Record<string, string>>> {
  await using latchkey = at(path, now)
  const { checks } = await latchkey.diagnose()
  const found = checks.filter(
    ({ name, status }) =>
      !['last_backup', 'schedule'].includes(name) && (status === 'failed' || status === 'warning'),
  )
  return Object.fromEntries(found.map(({ name, status, problem }) => [name, `${status}: ${problem}`]))
}

requirePostgres()('doctor looks at the schedule and the newest backup, as it does for a file', async () => {
  await using database = await emptyDatabase()
  await using latchkey = at(database.url)
  await latchkey.initialize()
  const found = async () => {
    const { checks } = await latchkey.diagnose()
    return checks.slice(-3).map(({ name, status }) => `${name} ${status}`)
  }
  expect(await found()).toEqual(['age_files ok', 'schedule warning', 'backup_bytes skipped'])
  const { path } = await latchkey.backups.create({ reason: 'schedule' })
  expect(await found()).toEqual(['age_files ok', 'schedule ok', 'backup_bytes ok'])
  appendFileSync(path, 'more')
  expect(await found()).toEqual(['age_files ok', 'schedule ok', 'backup_bytes failed'])
})

requirePostgres()('doctor finds what is wrong with the server, the role and the clock', async () => {
  await using server = await temporaryServer({ durable: false, settings: { max_connections: '20' } })
  const admin = await connect(server.url('postgres'))
  for (const name of ['good', 'ascii']) {
    const encoding = name === 'ascii' ? "SQL_ASCII LOCALE_PROVIDER libc LOCALE 'C'" : 'UTF8'
    await admin.run(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING ${encoding}`)
  }
  const good = server.url('good')
  expect(await findings(good)).toMatchObject({ reachable: expect.stringContaining('nothing of Latchkey') })
  for (const name of ['good', 'ascii']) {
    await using latchkey = at(server.url(name))
    await latchkey.initialize()
  }
  expect(await findings(good)).toEqual({})
  expect(await findings(server.url('ascii'))).toMatchObject({ locale: expect.stringContaining('SQL_ASCII') })
  const early = await findings(good, () => new Date(Date.now() - 60_000))
  expect(early).toEqual({ clock: expect.stringMatching(/^warning: .* differ by (59|60|61)\.\d s$/) })
  expect(await findings(`${good}?pool=30`)).toEqual({
    connections: expect.stringContaining('failed: the server takes 17 connections'),
  })
  expect(await findings(`${good}?pool=11`)).toEqual({
    connections: expect.stringContaining('warning'),
  })
  await admin.run("CREATE ROLE reader LOGIN PASSWORD 'pw'")
  const owner = await connect(good)
  await owner.run('GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader')
  expect(await findings(server.url('good', 'reader:pw'))).toEqual({
    writable: expect.stringContaining('may not change all tables'),
  })
  await admin.run('ALTER DATABASE good SET default_transaction_read_only = on')
  expect(await findings(good)).toEqual({ writable: expect.stringContaining('only read by default') })
  for (const connection of [owner, admin]) connection.close()
  await server.stop('immediate')
  expect(await findings(good)).toEqual({ reachable: expect.stringContaining('cannot be reached') })
})

requirePostgres()('doctor finds who is behind, what nobody frees, and what has no price', async () => {
  await using server = await temporaryServer({ durable: false })
  using folder = temporaryFolder()
  const url = server.url('postgres')
  await using latchkey = at(url)
  await latchkey.initialize()
  expect(await findings(url)).toEqual({})
  const near = `postgres://postgres@127.1:${server.port}/postgres?sslmode=disable`
  expect(await findings(near)).toEqual({ tls: expect.stringContaining('warning: passwords and keys cross') })

  const admin = await connect(url)
  const writeLog = async () => {
    for (let segments = 0; segments < 5; segments++) {
      await admin.run("SELECT pg_logical_emit_message(false, 'test', 'test')")
      await admin.run('SELECT pg_switch_wal()')
    }
  }
  await admin.run("SELECT pg_create_physical_replication_slot('left', true)")
  await writeLog()
  expect(await findings(url)).toEqual({
    replication: expect.stringMatching(/^warning: nobody reads the replication slot left, .* keeps \d\d MiB/),
  })
  await admin.run("SELECT pg_drop_replication_slot('left')")
  const standby = Bun.spawn(
    [join(serverPrograms ?? '', 'pg_receivewal'), '--status-interval=1', '-D', folder.path, '-d', url],
    {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
    },
  )
  const follows = 'SELECT FROM pg_stat_replication WHERE write_lsn IS NOT NULL'
  while ((await admin.run(follows)) === 0) await Bun.sleep(50)
  expect(await findings(url)).toEqual({})
  standby.kill('SIGSTOP')
  await writeLog()
  expect(await findings(url)).toEqual({
    replication: expect.stringMatching(/^warning: the standby pg_receivewal is \d\d MiB of the log behind/),
  })
  standby.kill('SIGKILL')
  while ((await admin.run('SELECT FROM pg_stat_replication')) > 0) await Bun.sleep(50)

  await admin.run('CREATE TABLE junk (a int) WITH (autovacuum_enabled = off)')
  await admin.run('INSERT INTO junk SELECT generate_series(1, 60000)')
  await admin.run('DELETE FROM junk')
  await admin.run('SELECT pg_stat_force_next_flush()')
  expect(await findings(url)).toEqual({
    bloat: expect.stringContaining('warning: the table junk holds 60000 deleted rows for 0'),
  })
  await admin.run('DROP TABLE junk')

  const dollars = { metric: 'usd', amount: 5, windowMs: 3_600_000 } as const
  const { id } = await latchkey.keys.create({ name: 'ci', limits: [dollars] })
  await latchkey.usage.record(id, { model: 'gpt-x', inputTokens: 5 })
  expect(await findings(url)).toEqual({ prices: expect.stringContaining('warning: gpt-x had no price') })
  expect((await latchkey.inventory()).sizeBytes).toBeGreaterThan(1_000_000)
  admin.close()
})
