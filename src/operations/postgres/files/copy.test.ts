/** `db copy`: a site moves from one engine to the other, whole or not at all, while a gateway goes on. */
import { afterAll, expect, setDefaultTimeout } from 'bun:test'
import { existsSync } from 'node:fs'
import { SQL } from 'bun'
import { connectLatchkey } from '../../../index.ts'
import { failure } from '../../../testing/failure.ts'
import { temporaryFolder } from '../../../testing/folder.ts'
import { rolling } from '../../../testing/limits.ts'
import {
  databaseFrom,
  emptyDatabase,
  requirePostgres,
  type TemporaryDatabase,
} from '../../../testing/postgres.ts'
import { startLatchkey } from '../../../testing/process.ts'
import { run } from '../../../testing/run.ts'
import { startServer } from '../../../testing/server.ts'
import { serverScene } from '../../../testing/server-scene.ts'

setDefaultTimeout(600_000)
const folder = temporaryFolder()
afterAll(() => folder.remove())

const actor = { name: 'tester', origin: 'script' } as const
const open = (path: string, dryRun = false) =>
  connectLatchkey({ path, actor, dryRun, env: { HOME: folder.path }, busyTimeoutMs: 60_000 })

/** Of files: every byte, and none. */
const contents = { all: Uint8Array.from({ length: 256 }, (_, byte) => byte), none: new Uint8Array() }

/** A database in a file, with some of everything. */
async function siteAt(path: string) {
  const latchkey = open(path)
  const now = new Date()
  await latchkey.initialize({ admin: 'root' })
  const { id, secret } = await latchkey.keys.create({ name: 'gateway', user: 'root', scopes: ['latchkey:*'] })
  await latchkey.keys.create({ name: 'old' })
  await latchkey.limits.set({ key: 'gateway' }, [
    { metric: 'requests', amount: 1_000_000, windowMs: 3_600_000 },
  ])
  for (const [at, model] of ['a', 'b', 'c'].entries())
    await latchkey.usage.record(id, { model, inputTokens: 2 ** 50 + at, endUser: `e${at}`, at: now })
  const chat = await latchkey.chats.create({ title: 'Hello', user: 'root' })
  await latchkey.chats.append(chat.id, { role: 'user', content: 'line\nline \\N' })
  await latchkey.projects.create({ name: 'Shop', owner: 'root' })
  for (const [name, bytes] of Object.entries(contents)) await latchkey.files.put('shop', name, bytes)
  await latchkey.organizations.create({ name: 'Acme', owner: 'root' })
  await latchkey.teams.create({ name: 'Core', org: 'acme' })
  await latchkey.teams.members.add('Core', 'root')
  await latchkey.projects.create({ name: 'Lab', org: 'acme' })
  await latchkey.keys.create({ name: 'roots', user: 'root', project: 'lab' })
  for (const limited of limitedIn) await latchkey.limits.set(limited, [rolling('tokens', 100, 3_600_000)])
  await latchkey.usage.record('roots', { inputTokens: 7, at: now })
  return { latchkey, secret: secret!, id }
}

/** What has limits besides keys. */
const limitedIn = [
  { org: 'acme' },
  { team: 'Core' },
  { org: 'acme', member: 'root' },
  { project: 'lab', member: 'root' },
]

const usedOf = async ({ limits, usage }: ReturnType<typeof open>) => [
  ...(await Promise.all(
    limitedIn.map(async limited => (await limits.list(limited)).map(({ used }) => used)),
  )),
  ...(await usage.report({ by: ['org', 'team'] })).map(({ team, tokens }) => [team?.name, tokens]),
]

async function contentsOf({ files }: ReturnType<typeof open>) {
  const read = async (name: string) => new Response((await files.open('shop', name)).content).bytes()
  return { all: await read('all'), none: await read('none') }
}

requirePostgres()('a copy there and back is the same, row by row', async () => {
  await using target = await emptyDatabase()
  // How a role or a database spells bytes is no matter.
  {
    await using admin = new SQL(target.url, { max: 1, tls: false })
    await admin.unsafe(`ALTER DATABASE ${target.name} SET bytea_output = 'escape'`)
  }
  const [path, back] = [folder.file('there.db'), folder.file('back.db')]
  const { latchkey } = await siteAt(path)
  const dry = open(path, true)
  const trial = await dry.database.transfer({ from: path, to: target.url })
  await dry.close()
  expect(await failure(open(target.url).keys.list())).toMatchObject({ code: 'database_missing' })
  const there = await latchkey.database.transfer({ from: path, to: target.url })
  expect(there.tables).toEqual(trial.tables)
  expect(there.rows).toBeGreaterThan(20)
  const server = open(target.url)
  expect(await server.keys.list()).toEqual(await latchkey.keys.list())
  expect(await server.chats.search('line')).toEqual(await latchkey.chats.search('line'))
  expect(await contentsOf(server)).toEqual(contents)
  expect(await usedOf(server)).toEqual(await usedOf(latchkey))
  expect(await usedOf(server)).toContainEqual(['Core', 7])
  expect((await server.audit.list({ limit: 1 }))[0]).toMatchObject({ action: 'database.copy' })
  const again = await server.database.transfer({ from: target.url, to: back })
  await server.close()
  const hashes = ({ tables }: typeof there) =>
    tables.filter(({ name }) => name !== 'audit').map(({ name, sha256 }) => `${name} ${sha256}`)
  expect(hashes(again)).toEqual(hashes(there))
  const file = open(back)
  expect(await contentsOf(file)).toEqual(contents)
  expect(await file.keys.list()).toEqual(await latchkey.keys.list())
  expect(await file.migrations.check()).toMatchObject({ ok: true })
  expect(await failure(file.database.transfer({ from: path, to: back }))).toMatchObject({ code: 'conflict' })
  expect(await failure(file.database.transfer({ from: path, to: target.url }))).toMatchObject({
    code: 'conflict',
  })
  await file.close()
  await latchkey.close()
})

requirePostgres()('the rest brings over what changed, and nothing over a copy that was used', async () => {
  await using target = await emptyDatabase()
  const path = folder.file('rest.db')
  const { latchkey, id } = await siteAt(path)
  const ends = { from: path, to: target.url }
  await latchkey.database.transfer(ends)
  await latchkey.keys.rotate('gateway', { graceMs: 60_000 })
  await latchkey.keys.delete('old')
  await latchkey.keys.create({ name: 'old' })
  await latchkey.users.update('root', { name: 'R' })
  await latchkey.files.put('shop', 'late', 'late')
  await latchkey.usage.record(id, { model: 'a', inputTokens: 5, endUser: 'late' })
  const rest = await latchkey.database.transfer({ ...ends, rest: true })
  expect(rest.tables.filter(({ changed }) => changed > 0).map(({ name }) => name)).toContain('secrets')
  expect(rest.tables.reduce((sum, { changed }) => sum + changed, 0)).toBeLessThan(40)
  const second = await latchkey.database.transfer({ ...ends, rest: true })
  expect(second.tables.every(({ changed }) => changed === 0)).toBe(true)
  const server = open(target.url)
  expect(await server.keys.list()).toEqual(await latchkey.keys.list())
  expect(await server.usage.report({ by: ['model'] })).toEqual(await latchkey.usage.report({ by: ['model'] }))
  await server.usage.record(id, { model: 'a', inputTokens: 1 })
  await server.close()
  expect(await failure(latchkey.database.transfer({ ...ends, rest: true }))).toMatchObject({
    code: 'conflict',
  })
  expect(await failure(latchkey.database.transfer({ from: target.url, to: path, rest: true }))).toMatchObject(
    {
      code: 'usage',
    },
  )
  await latchkey.close()
})

requirePostgres()(
  'a gateway goes on during a copy and moves to it: every request is counted once',
  async () => {
    await using target = await emptyDatabase()
    const path = folder.file('moving.db')
    const { latchkey, secret } = await siteAt(path)
    await latchkey.close()
    let gateway = await startServer(path)
    let stop = false
    let acknowledged = 0
    const client = async (lane: number) => {
      for (let n = 0; !stop; n++) {
        const body = JSON.stringify({ id: `${lane}-${n}`, key: 'gateway', model: 'm', inputTokens: 1 })
        // Whoever got no answer asks again.
        for (;;) {
          const answer = await fetch(`${gateway.url}/v1/usage`, {
            method: 'POST',
            headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
            body,
          }).catch(() => undefined)
          await answer?.body?.cancel()
          if (answer?.ok) break
          await Bun.sleep(20)
        }
        acknowledged++
      }
    }
    const clients = [0, 1, 2, 3].map(client)
    const untilMore = async (more: number) => {
      const from = acknowledged
      while (acknowledged < from + more) await Bun.sleep(10)
    }
    await untilMore(50)
    const copied = await run(['db', 'copy', path, target.url])
    expect(copied.code, copied.err).toBe(0)
    await untilMore(50)
    gateway.kill('SIGTERM')
    expect((await gateway.finished).code).toBe(0)
    const rest = await run(['db', 'copy', path, target.url, '--rest', '--json'])
    expect(rest.code, rest.err).toBe(0)
    gateway = await startServer(target.url)
    await untilMore(50)
    stop = true
    await Promise.all(clients)
    gateway.kill('SIGTERM')
    await gateway.finished
    const server = open(target.url)
    const [row] = (await server.usage.report({ by: ['model'] })).filter(({ model }) => model === 'm')
    expect(row).toMatchObject({ requests: acknowledged })
    expect(await server.usage.check()).toMatchObject({ ok: true })
    await server.close()
  },
)

/** What a server does, one after the other, in a copy or a restore. */
const moments = ['TRUNCATE%', 'COPY%FROM STDIN%', 'ALTER TABLE%ADD%']

requirePostgres()(
  'whoever is killed in a copy or a restore leaves all of the one state or of the other',
  async () => {
    await using it = await serverScene()
    await it.latchkey.keys.create({ name: 'ci' })
    const { path } = await it.latchkey.backups.create()
    await it.latchkey.keys.rotate('ci')
    await it.sql`INSERT INTO counted_events (id, at, ingest) SELECT 'e' || n, n, 0 FROM generate_series(1, 30000) n`
    await it.latchkey.close()
    await it.sql.close()
    const [before, restored] = [
      { events: 30_000, secrets: 2 },
      { events: 0, secrets: 1 },
    ]
    for (const moment of moments) {
      await using source = await databaseFrom(it.database.name)
      await using target = await emptyDatabase()
      await using subject = await databaseFrom(it.database.name)
      const restore = ['restore', path, '--yes', '--db', subject.url]
      await Promise.all([
        killedAt(moment, subject, restore, it.folder),
        killedAt(moment, target, ['db', 'copy', source.url, target.url], it.folder),
      ])
      expect<unknown[]>([before, restored]).toContainEqual(await stateOf(subject))
      expect<unknown[]>([null, before]).toContainEqual(await stateOf(target))
    }
    expect(existsSync(path)).toBe(true)
  },
)

/** Kills the program once the server is seen to do `moment` in the database, unless it ends before. */
async function killedAt(
  moment: string,
  database: TemporaryDatabase,
  words: readonly string[],
  home: string,
): Promise<void> {
  await using sql = new SQL(database.url, { max: 1, tls: false })
  const running = startLatchkey(words, { env: { HOME: home } })
  let hasEnded = false
  const finished = running.finished.then(() => {
    hasEnded = true
  })
  for (let seen: unknown[] = []; !hasEnded && seen.length === 0; )
    seen = await sql`SELECT FROM pg_stat_activity WHERE datname = ${database.name} AND query LIKE ${moment}`
  running.kill('SIGKILL')
  await finished
}

/** Null if there is no table. A server may still be at work for whoever was killed: this waits until it has noticed. */
async function stateOf({ url }: TemporaryDatabase): Promise<unknown> {
  const latchkey = open(url)
  const problem = await latchkey.keys.get('ci').then(
    () => null,
    ({ code }) => code,
  )
  await latchkey.close()
  if (problem === 'database_missing') return null
  expect(problem).toBeNull()
  await using sql = new SQL(url, { max: 1, tls: false })
  const [row] =
    await sql`SELECT (SELECT count(*)::int FROM counted_events) AS events, (SELECT count(*)::int FROM secrets) AS secrets`
  return { ...row }
}
