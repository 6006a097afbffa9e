// Runs on PostgreSQL too.
/** Reports by organization and team, and of one of them alone. */
import { expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { UsageRow } from '../../contract/views.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { rolling } from '../../testing/limits.ts'
import { run } from '../../testing/run.ts'
import type { ReportOptions } from './input.ts'

/** Bob is in two teams of acme, carol in one, alice in none. Each used something in the shop of acme; bob also elsewhere. */
async function scene() {
  const home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { latchkey } = home
  const { users, organizations, teams, projects, keys, usage } = latchkey
  for (const username of ['alice', 'bob', 'carol']) await users.create({ username })
  for (const name of ['Acme', 'Other']) {
    await organizations.create({ name, owner: 'alice' })
    for (const username of ['bob', 'carol']) await organizations.members.add(name.toLowerCase(), username)
    await teams.create({ name: 'Backend', org: name })
  }
  await teams.create({ name: 'Ops', org: 'acme' })
  for (const team of ['Backend', 'Ops']) await teams.members.add({ team, org: 'acme' }, 'bob')
  await teams.members.add({ team: 'Backend', org: 'other' }, 'bob')
  await teams.members.add('Ops', 'carol')
  await projects.create({ name: 'Shop', org: 'acme' })
  await projects.create({ name: 'Lab', org: 'other' })
  await projects.create({ name: 'Blog', owner: 'bob' })
  const uses = [
    ['alice', 'shop', 1],
    ['bob', 'shop', 2],
    ['carol', 'shop', 4],
    ['bob', 'lab', 8],
    ['bob', 'blog', 16],
  ] as const
  for (const [user, project, inputTokens] of uses) {
    await keys.create({ name: `${user}-${project}`, user, project })
    await usage.record(`${user}-${project}`, {
      inputTokens,
      costUsd: 0,
      at: new Date('2026-11-18T10:00:00Z'),
    })
  }
  const label = ({ organization, team, user, start }: UsageRow) =>
    [start?.toISOString().slice(0, 10), organization?.slug, team?.name, user?.username]
      .filter(Boolean)
      .join(' ') || '-'
  return {
    ...home,
    report: async (options: ReportOptions) =>
      (await usage.report(options)).map(row => [label(row), row.tokens] as const),
    [Symbol.asyncDispose]: home[Symbol.asyncDispose],
  }
}

test('by organization, usage is of the one that owned the project then, and each counts once', async () => {
  await using s = await scene()
  expect(await s.report({ by: ['org'] })).toEqual([
    ['-', 16],
    ['other', 8],
    ['acme', 7],
  ])
  await s.latchkey.projects.transfer('shop', { org: 'other' })
  await s.latchkey.usage.record('alice-shop', { inputTokens: 32 })
  expect(await s.report({ by: ['org', 'day'], fill: false })).toEqual([
    ['2026-11-18', 16],
    ['2026-11-18 other', 8],
    ['2026-11-18 acme', 7],
    ['2026-11-20 other', 32],
  ])
  expect(await s.report({ org: 'acme' })).toEqual([['-', 7]])
  expect(await s.report({ org: 'other', by: ['user'] })).toEqual([
    ['alice', 32],
    ['bob', 8],
  ])
  expect(await failure(s.report({ org: 'nobody' }))).toMatchObject({ code: 'not_found' })
  expect(await failure(s.report({ org: ' ' }))).toMatchObject({ code: 'invalid' })
})

test('by team, what members of several used counts for each, as in their limits', async () => {
  await using s = await scene()
  const { latchkey, report } = s
  expect(await report({ by: ['org', 'team'] })).toEqual([
    ['-', 16],
    ['other Backend', 8],
    ['acme Ops', 6],
    ['acme Backend', 2],
    ['acme', 1],
  ])
  for (const [team, used] of [
    [{ team: 'Ops', org: 'acme' }, 6],
    [{ team: 'Backend', org: 'acme' }, 2],
  ] as const) {
    await latchkey.limits.set({ team }, [rolling('tokens', 100, 72 * 3_600_000)])
    expect((await latchkey.limits.list({ team })).map(limit => limit.used)).toEqual([used])
  }
  // Of one team alone, no row is of another that its members are in too.
  expect(await report({ team: 'Ops', by: ['team', 'user'] })).toEqual([
    ['Ops carol', 4],
    ['Ops bob', 2],
  ])
  expect(await report({ org: 'acme', team: 'Backend' })).toEqual([['-', 2]])
  expect(await failure(report({ team: 'Backend' }))).toMatchObject({ code: 'ambiguous' })
  expect(await report({ by: ['team', 'day'], org: 'acme', top: 1, fill: true })).toEqual([
    ['2026-11-18 Ops', 6],
  ])
  expect(await report({ by: ['team', 'month'], org: 'acme' })).toEqual([
    ['2026-11-01 Ops', 6],
    ['2026-11-01 Backend', 2],
    ['2026-11-01', 1],
  ])
})

test('what was deleted since keeps its name, and is selected by its id', async () => {
  await using s = await scene()
  const { latchkey, report } = s
  const acme = await latchkey.organizations.get('acme')
  const ops = await latchkey.teams.get('Ops')
  await latchkey.teams.delete('Ops')
  expect(await report({ by: ['team'], org: 'acme' })).toEqual([
    ['Ops', 6],
    ['Backend', 2],
    ['-', 1],
  ])
  await latchkey.projects.transfer('shop', { org: 'other' })
  await latchkey.organizations.delete('acme')
  const after = [
    ['acme Ops', 6],
    ['acme Backend', 2],
    ['acme', 1],
  ] as const
  expect(await report({ by: ['org', 'team'], org: acme.id })).toEqual([...after])
  expect(await report({ team: ops.id })).toEqual([['-', 6]])
  expect((await latchkey.usage.overview({ org: acme.id, team: ops.id })).only).toEqual({
    org: 'acme',
    team: 'Ops',
  })
  expect(await failure(report({ org: 'acme' }))).toMatchObject({ code: 'not_found' })
})

test('on the command line: a column each, no total of teams, and what is said of them', async () => {
  await using s = await scene()
  const options = { db: s.path, cwd: s.folder, now: s.clock.now, env: { LATCHKEY_TZ: 'UTC' } }
  const type = (line: string) => run(`usage report ${line}`, options)
  expect((await type('--by org')).out).toBe(
    [
      'ORG       REQUESTS  INPUT  OUTPUT   COST  TOKENS',
      '(no org)         1     16       0  $0.00      16',
      'other            1      8       0  $0.00       8',
      'acme             3      7       0  $0.00       7',
      'TOTAL            5     31       0  $0.00      31',
      '',
    ].join('\n'),
  )
  const teams = await type('--by team,org --org acme')
  expect(teams.out).not.toContain('TOTAL')
  expect(teams.out.split('\n').map(line => line.slice(0, 16))).toEqual([
    'ORG   TEAM      ',
    'acme  Ops       ',
    'acme  Backend   ',
    'acme  (no team) ',
    '',
  ])
  expect(teams.err).toContain('rows may add up to more than was used')
  expect(teams.err).not.toContain('Several teams have one name')
  expect((await type('--by team')).err).toContain('Several teams have one name: --by org tells them apart.')
  expect((await type('--by user --team Ops --json')).json<UsageRow[]>()).toMatchObject([
    { user: { username: 'carol' }, organization: null, team: null },
    { user: { username: 'bob' } },
  ])
  expect((await type('--by org,team -o csv --fields organization,team,tokens')).out.split('\n')[1]).toBe(
    ',,16',
  )
  expect((await type('--team Backend')).code).not.toBe(0)
  expect((await type('--by team --org acme --html page.html')).code).toBe(0)
  const page = await readFile(join(s.folder, 'page.html'), 'utf8')
  for (const text of ['only org <bdi>acme</bdi>', 'Teams by tokens', 'counts for each of them'])
    expect(page).toContain(text)
})
