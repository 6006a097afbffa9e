// Runs on PostgreSQL too.
/** Limits of organizations, of teams, and of one user in a project or an organization. */
import { expect, test } from 'bun:test'
import type { LimitState } from '../../contract/views.ts'
import type { Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { rolling } from '../../testing/limits.ts'
import { run } from '../../testing/run.ts'

const hour = 3_600_000
const tokens = (amount: number) => [rolling('tokens', amount, hour)]

/** Alice and bob in the organization acme, with the projects shop and blog, each with a key of both. */
async function scene() {
  const home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { users, organizations, teams, projects, keys } = home.latchkey
  for (const username of ['alice', 'bob']) await users.create({ username })
  await organizations.create({ name: 'Acme', owner: 'alice' })
  await organizations.create({ name: 'Other', owner: 'alice' })
  await organizations.members.add('acme', 'bob')
  await teams.create({ name: 'Backend', org: 'acme' })
  for (const name of ['Shop', 'Blog']) {
    await projects.create({ name, org: 'acme' })
    for (const user of ['alice', 'bob'])
      await keys.create({ name: `${user}-${name.toLowerCase()}`, user, project: name.toLowerCase() })
  }
  return home
}

const use = (latchkey: Latchkey, key: string, inputTokens: number) =>
  latchkey.usage.record(key, { inputTokens })

/** What would deny a request by a key. */
async function hits(latchkey: Latchkey, key: string): Promise<readonly string[]> {
  const { verdict } = await latchkey.usage.reserve(key, {})
  return verdict.limits
    .filter(limit => limit.exceeded)
    .map(({ subject: { type, name, member } }) => `${member ? `${member.username} in ` : ''}${type} ${name}`)
}

/** What is used of the limits of something. */
const usedOf = async (latchkey: Latchkey, limited: Parameters<Latchkey['limits']['list']>[0]) =>
  (await latchkey.limits.list(limited)).map(limit => limit.used)

test('limits of an organization, a team and a member bind together with all others, and say whose they are', async () => {
  await using home = await scene()
  const { latchkey } = home
  const { limits, teams } = latchkey
  await teams.members.add('Backend', 'bob')
  await limits.set({ org: 'acme' }, tokens(100))
  await limits.set({ org: 'acme', member: 'bob' }, tokens(60))
  await limits.set({ project: 'shop', member: 'bob' }, tokens(30))
  await limits.set({ team: 'Backend' }, tokens(40))
  await use(latchkey, 'bob-shop', 30)
  expect(await hits(latchkey, 'bob-shop')).toEqual(['bob in project shop'])
  expect(await hits(latchkey, 'bob-blog')).toEqual([])
  expect(await hits(latchkey, 'alice-shop')).toEqual([])
  await use(latchkey, 'bob-blog', 10)
  expect(await hits(latchkey, 'bob-blog')).toEqual(['team Backend'])
  await use(latchkey, 'bob-blog', 20)
  expect(await hits(latchkey, 'bob-blog')).toEqual(['bob in org acme', 'team Backend'])
  await use(latchkey, 'alice-blog', 40)
  expect(await hits(latchkey, 'alice-shop')).toEqual(['org acme'])
  expect(await hits(latchkey, 'bob-shop')).toEqual([
    'bob in project shop',
    'org acme',
    'bob in org acme',
    'team Backend',
  ])
  const explained = await latchkey.keys.explain('bob-shop')
  expect(explained.limits.map(({ subject, used }) => [subject.type, used])).toEqual([
    ['project', 30],
    ['org', 100],
    ['org', 60],
    ['team', 60],
  ])
  // Whom they do not bind has none of them.
  expect((await limits.list({ key: 'alice-shop' })).map(({ subject }) => subject.type)).toEqual(['org'])
  await latchkey.keys.create({ name: 'own', user: 'bob' })
  expect(await limits.list({ key: 'own' })).toEqual([])
})

test('what a reservation holds counts for the organization and the member until it is settled', async () => {
  await using home = await scene()
  const { latchkey } = home
  await latchkey.limits.set({ org: 'acme' }, tokens(100))
  await latchkey.limits.set({ org: 'acme', member: 'bob' }, tokens(80))
  const { reservation } = await latchkey.usage.reserve('bob-shop', { tokens: 80 })
  expect(await hits(latchkey, 'bob-blog')).toEqual(['bob in org acme'])
  expect((await latchkey.usage.reserve('alice-blog', { tokens: 21 })).reservation).toBeNull()
  // It is settled for whoever it was made for.
  await latchkey.projects.transfer('shop', { org: 'other' })
  await latchkey.usage.settle(reservation!.id, { inputTokens: 50 })
  expect(await usedOf(latchkey, { org: 'acme' })).toEqual([50])
  await latchkey.limits.reset({ org: 'acme', member: 'bob' })
  expect(await usedOf(latchkey, { org: 'acme', member: 'bob' })).toEqual([0])
  expect(await usedOf(latchkey, { org: 'acme' })).toEqual([50])
})

test('what was used stays with the organization that owned the project then, and with the team of then', async () => {
  await using home = await scene()
  const { latchkey } = home
  const { limits, teams, projects } = latchkey
  await teams.create({ name: 'Ops', org: 'other' })
  for (const org of ['acme', 'other']) await limits.set({ org }, tokens(1_000))
  for (const team of ['Backend', 'Ops']) await limits.set({ team }, tokens(1_000))
  const used = async () => [
    ...(await usedOf(latchkey, { org: 'acme' })),
    ...(await usedOf(latchkey, { org: 'other' })),
    ...(await usedOf(latchkey, { team: 'Backend' })),
    ...(await usedOf(latchkey, { team: 'Ops' })),
  ]
  await use(latchkey, 'bob-shop', 1)
  expect(await used()).toEqual([1, 0, 0, 0])
  await teams.members.add('Backend', 'bob')
  await use(latchkey, 'bob-shop', 2)
  expect(await used()).toEqual([3, 0, 2, 0])
  await projects.transfer('shop', { org: 'other' })
  await latchkey.organizations.members.add('other', 'bob')
  await teams.members.add('Ops', 'bob')
  await use(latchkey, 'bob-shop', 4)
  expect(await used()).toEqual([3, 4, 2, 4])
  await projects.transfer('shop', { user: 'alice' })
  await use(latchkey, 'bob-shop', 8)
  expect(await used()).toEqual([3, 4, 2, 4])
  await teams.members.remove('Backend', 'bob')
  expect(await used()).toEqual([3, 4, 2, 4])
  // The key has all of it, and the project too.
  expect((await latchkey.keys.stats('bob-shop')).totals.tokens).toBe(15)
  await latchkey.keys.delete('bob-shop')
  expect(await used()).toEqual([3, 4, 2, 4])
})

test('a log that is counted in steps counts for the organization and the team', async () => {
  await using home = await scene()
  const { latchkey } = home
  await latchkey.teams.members.add('Backend', 'bob')
  await latchkey.limits.set({ org: 'acme' }, tokens(1_000))
  await latchkey.limits.set({ team: 'Backend' }, tokens(1_000))
  await use(latchkey, 'bob-shop', 1)
  const at = '2026-11-20T12:00:00Z'
  const lines = ['bob-shop', 'bob-blog', 'alice-blog'].map((key, n) =>
    JSON.stringify({ id: `e${n}`, key, at, inputTokens: 10 }),
  )
  const chunks = new Blob([lines.join('\n')]).stream()
  expect(await latchkey.usage.ingest({ file: 'events.ndjson', chunks })).toMatchObject({ counted: 3 })
  expect(await usedOf(latchkey, { org: 'acme' })).toEqual([31])
  expect(await usedOf(latchkey, { team: 'Backend' })).toEqual([21])
})

test('who acts for a user needs limit:write there', async () => {
  await using home = await scene()
  const { latchkey } = home
  const { id } = await latchkey.users.get('bob')
  const bob = latchkey.as(id)
  const changes = [
    () => bob.limits.set({ org: 'acme' }, tokens(1)),
    () => bob.limits.set({ org: 'acme', member: 'bob' }, tokens(1)),
    () => bob.limits.set({ team: 'Backend' }, tokens(1)),
    () => bob.limits.set({ project: 'shop' }, tokens(1)),
    () => bob.projects.update('shop', { limits: tokens(2) }),
    () => bob.limits.remove({ project: 'shop' }, [{ metric: 'tokens' }]),
  ]
  for (const change of changes) expect(await failure(change())).toMatchObject({ code: 'denied' })
  await latchkey.organizations.members.setRole('acme', 'bob', 'admin')
  for (const change of changes) await change()
  // Not beyond the organization.
  for (const limited of [{ org: 'other' }, { user: 'bob' }])
    expect(await failure(bob.limits.set(limited, tokens(1)))).toMatchObject({ code: 'denied' })
})

test('they go with what they are of, and the name of what used something stays', async () => {
  await using home = await scene()
  const { latchkey } = home
  const { limits } = latchkey
  await limits.set({ org: 'acme', member: 'bob' }, tokens(1))
  await limits.set({ project: 'shop', member: 'bob' }, tokens(1))
  await limits.set({ team: 'Backend' }, tokens(1))
  await use(latchkey, 'bob-shop', 5)
  for (const key of ['bob-shop', 'bob-blog']) await latchkey.keys.delete(key)
  await latchkey.teams.delete('Backend')
  await latchkey.users.delete('bob')
  expect(await home.query('SELECT count(*) AS n FROM limits')).toMatchObject([{ n: 0 }])
})

test('a limit of one user is not for each end user', async () => {
  await using home = await scene()
  const each = [{ ...rolling('tokens', 1, hour), each: true }]
  for (const limited of [
    { org: 'acme', member: 'bob' },
    { project: 'shop', member: 'bob' },
  ])
    expect(await failure(home.latchkey.limits.set(limited, each))).toMatchObject({ code: 'invalid' })
  await home.latchkey.limits.set({ org: 'acme' }, each)
  expect((await home.latchkey.limits.list({ org: 'acme' })).map(limit => limit.each)).toEqual([true])
})

test.each([
  ['org', 'acme', ''],
  ['org', 'acme', ' --member bob'],
  ['team', 'Backend', ''],
  ['team', 'Backend', ' --org acme'],
  ['project', 'shop', ' --member bob'],
])('on the command line: %s %s%s', async (noun, name, more) => {
  await using home = await scene()
  const { path, folder, clock, latchkey } = home
  await latchkey.teams.members.add('Backend', 'bob')
  const type = (line: string) => run(line, { db: path, cwd: folder, now: clock.now })
  const listed = async () =>
    (await type(`${noun} limit list ${name}${more} --json`)).json<{ metric: string; used: number }[]>()
  expect((await type(`${noun} limit set ${name} tokens=10/1h requests=5/1h${more} --dry-run`)).code).toBe(0)
  expect(await listed()).toEqual([])
  const set = await type(`${noun} limit set ${name} tokens=10/1h requests=5/1h${more}`)
  expect([set.code, set.err]).toEqual([0, ''])
  await use(latchkey, 'bob-shop', 10)
  expect(await listed()).toMatchObject([{ metric: 'tokens', used: 10 }, { metric: 'requests' }])
  const explained = (await type('key explain bob-shop')).out
  const whose = more === ' --member bob' ? `bob in ${noun} ${name}` : `${noun} ${name}`
  expect(explained).toContain(`Hit: tokens/1h of ${whose}`)
  expect((await type(`${noun} reset ${name}${more}`)).code).toBe(0)
  expect(await listed()).toMatchObject([{ used: 0 }, {}])
  expect((await type(`${noun} limit remove ${name} requests${more}`)).code).toBe(0)
  expect(await listed()).toMatchObject([{ metric: 'tokens' }])
  const rows = await latchkey.audit.list({ action: noun })
  const actions = rows.map(row => row.action).filter(action => /limit|reset/.test(action))
  expect(actions.toSorted()).toEqual([`${noun}.limit-add`, `${noun}.limit-remove`, `${noun}.reset`])
})

test('what has limits shows what is used of them, and lists those of single members after its own', async () => {
  await using home = await scene()
  const { latchkey, path, folder, clock } = home
  await latchkey.teams.members.add('Backend', 'bob')
  for (const limited of [
    { user: 'bob' },
    { team: 'Backend' },
    ...(['bob', 'alice', undefined] as const).flatMap(member => [
      { org: 'acme', member },
      { project: 'shop', member },
    ]),
  ])
    await latchkey.limits.set(limited, tokens(100))
  await latchkey.limits.set({ org: 'acme', member: 'bob' }, [rolling('requests', 5, hour)])
  await use(latchkey, 'bob-shop', 30)
  const { users, organizations, teams, projects, limits } = latchkey
  expect(await users.get('bob')).toMatchObject({ limits: tokens(100) })
  expect(await teams.get('Backend')).toMatchObject({ limits: tokens(100) })
  expect(await organizations.get('acme')).toMatchObject({ limits: tokens(100), memberLimits: 3 })
  expect(await projects.get('shop')).toMatchObject({ limits: tokens(100), memberLimits: 2 })
  expect(await projects.get('blog')).toMatchObject({ limits: [], memberLimits: 0 })
  expect((await teams.list()).teams).toMatchObject([{ limits: tokens(100) }])
  expect((await organizations.list()).organizations).toMatchObject([
    { limits: tokens(100), memberLimits: 3 },
    { limits: [], memberLimits: 0 },
  ])
  const ofMembers = (await limits.listOfMembers({ org: 'acme' })).map(
    ({ metric, used, subject }) => `${subject.member?.username} ${metric} ${used}`,
  )
  expect(ofMembers).toEqual(['alice tokens 0', 'bob tokens 30', 'bob requests 1'])

  const type = async (line: string) => (await run(line, { db: path, cwd: folder, now: clock.now })).out
  const used = { limits: [{ metric: 'tokens', amount: 100, used: 30, remaining: 70 }] }
  await limits.set({ key: 'bob-shop' }, tokens(100))
  for (const shown of [
    'org show acme',
    'team show Backend',
    'project show shop',
    'user show bob',
    'key show bob-shop',
  ]) {
    expect(await type(shown)).toMatch(/^limits +tokens 30 of 100 \/ 1h, 70 left$/m)
    expect(JSON.parse(await type(`${shown} --json`))).toMatchObject(used)
  }
  expect(await type('org show acme')).toMatch(/^member limits +3$/m)
  const whose = async (line: string) =>
    JSON.parse(await type(line)).map(({ subject }: LimitState) => subject.member?.username ?? '-')
  expect(await whose('org limit list acme --json')).toEqual(['-', 'alice', 'bob', 'bob'])
  expect(await whose('project limit list shop --json')).toEqual(['-', 'alice', 'bob'])
  expect(await whose('project limit list shop --member bob --json')).toEqual(['bob'])
  expect(await type('project limit list shop')).toContain('bob in project shop')
  const ofBob = await type('user limit list bob')
  for (const text of ['user bob', 'bob in project shop', 'bob in org acme']) expect(ofBob).toContain(text)
  expect(await whose('user limit list alice --json')).toEqual(['alice', 'alice'])
  const told = async (line: string) => (await run(line, { db: path, cwd: folder, now: clock.now })).err
  expect(await told('project show shop')).toContain('latchkey project limit list prj_')
  expect(await told('project show blog')).toBe('')
})
