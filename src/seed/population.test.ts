// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { onPostgres, temporaryLatchkey } from '../testing/latchkey.ts'
import { run } from '../testing/run.ts'
import { population } from './population.ts'

const size = { users: 20, orgs: 3, projects: 6, keys: 30, chats: 40, days: 10, randomSeed: 42 }

test('the same seed gives the same rows, ids and times included, and another gives others', () => {
  expect([...population(size)]).toEqual([...population(size)])
  expect([...population({ ...size, randomSeed: 43 })]).not.toEqual([...population(size)])
  const ids = [...population(size)].flatMap(part => ('id' in part ? [part.id] : []))
  expect(new Set(ids).size).toBe(ids.length)
})

test('organizations have used something, because they are as old as their founder', () => {
  const parts = [...population({ ...size, users: 50, orgs: 5, projects: 20, keys: 200, days: 30 })]
  const projects = new Map(parts.flatMap(part => (part.is === 'project' ? [[part.id, part.owner]] : [])))
  const keys = new Map(
    parts.flatMap(part => (part.is === 'key' ? [[part.id, projects.get(part.project ?? '')]] : [])),
  )
  const owners = parts.flatMap(part => (part.is === 'usage' ? [keys.get(part.key)] : []))
  for (const org of parts.filter(part => part.is === 'org')) expect(owners).toContain(org.id)
})

const line = 'seed --users 20 --orgs 3 --projects 6 --keys 30 --chats 40 --days 10 --random-seed 42'

test('a seeded database holds what the command says, and is sound', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const type = (words: string) => run(words, { db: home.path, cwd: home.folder, now: () => home.clock.now })
  expect((await type(`${line} --dry-run`)).out).toMatch(
    /^Would make 20 users, 3 organizations with \d+ teams and \d+ invitations?, 6 projects, 30 keys with /,
  )
  expect(await latchkey.users.list()).toEqual([])
  const made = (await type(`${line} --json`)).json<Record<string, number>>()
  const parts = [...population(size)]
  const count = (kind: string) => parts.filter(({ is }) => is === kind).length
  expect(made).toMatchObject({
    randomSeed: 42,
    users: 20,
    organizations: 3,
    teams: count('team'),
    invitations: count('invitation'),
    projects: 6,
    keys: 30,
    chats: 40,
    messages: count('message'),
  })
  expect((await latchkey.users.list()).map(({ id }) => id).sort()).toEqual(
    parts.flatMap(part => (part.is === 'user' ? [part.id] : [])).sort(),
  )
  const projects = await latchkey.projects.list()
  expect(projects).toHaveLength(6)
  expect(projects.filter(({ organization }) => organization !== null)).not.toEqual([])
  const { organizations } = await latchkey.organizations.list()
  for (const { id } of organizations) {
    const { members, total } = await latchkey.organizations.members.list(id)
    expect(total).toBeGreaterThan(0)
    expect(members.filter(({ role }) => role === 'owner')).toHaveLength(1)
    expect(await latchkey.limits.list({ org: id })).toHaveLength(1)
  }
  expect((await latchkey.auth.check()).findings).toEqual([])
  expect((await latchkey.chats.list()).total).toBe(40)
  expect((await latchkey.inventory()).used.requests).toBe(made['requests'] ?? 0)
  expect((await latchkey.usage.check()).ok).toBe(true)
  expect((await latchkey.audit.list({ limit: 1 }))[0]).toMatchObject({ action: 'database.seed', after: made })
  expect((await latchkey.audit.verify()).ok).toBe(true)
  if (!onPostgres)
    expect((await latchkey.health()).checks.filter(({ status }) => status === 'failed')).toEqual([])
  // A key gets a secret that can be used when it is rotated.
  const [key] = await latchkey.keys.list()
  const { secret } = await latchkey.keys.rotate(key?.id ?? '')
  expect(await latchkey.keys.verify(secret ?? '')).toMatchObject({ valid: true })
})

test('a database that has data is refused, unless it is forced', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  const type = (words: string) => run(words, { db: home.path, cwd: home.folder, now: () => home.clock.now })
  const { code, err } = await type(line)
  expect([code, err]).toEqual([5, expect.stringContaining('the database already has 1 user')])
  expect(await home.latchkey.users.list()).toHaveLength(1)
  expect((await type(`${line} --force`)).code).toBe(0)
  expect(await home.latchkey.users.list()).toHaveLength(21)
  const again = await type(`${line} --force`)
  expect([again.code, again.err]).toEqual([5, expect.stringContaining('give another one: --random-seed 43')])
  // As it was called at first.
  const old = await type(`--tz UTC db ${line.replace('42', '43')} --dry-run --force`)
  expect([old.code, old.out]).toEqual([0, expect.stringContaining('Would make 20 users')])
  for (const help of ['help db seed', 'db seed --help', 'database help seed'])
    expect((await type(help)).out).toStartWith('Usage: latchkey seed [options]')
})
