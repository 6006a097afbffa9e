// Runs on PostgreSQL too.
/** Limits of organizations, teams and single members, when what they are about is brought back, moves or goes. */
import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Limited } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { rolling } from '../../testing/limits.ts'

const tokens = (amount: number) => [rolling('tokens', amount, 3_600_000)]

/** Bob works with a key of the project shop of acme, and is in its team. Each thing has limits, and so has bob in two of them. */
async function scene() {
  const home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { latchkey } = home
  const { users, organizations, teams, projects, keys, limits } = latchkey
  for (const username of ['alice', 'bob']) await users.create({ username })
  await organizations.create({ name: 'Acme', owner: 'alice' })
  await organizations.create({ name: 'Other', owner: 'alice' })
  await organizations.members.add('acme', 'bob')
  await teams.create({ name: 'Backend', org: 'acme' })
  await teams.members.add('Backend', 'bob')
  await projects.create({ name: 'Shop', org: 'acme' })
  await keys.create({ name: 'bobs', user: 'bob', project: 'shop' })
  await limits.set({ org: 'acme' }, tokens(100))
  await limits.set({ project: 'shop' }, tokens(90))
  await limits.set({ team: 'Backend' }, tokens(80))
  await limits.set({ org: 'acme', member: 'bob' }, tokens(70))
  await limits.set({ project: 'shop', member: 'bob' }, tokens(60))
  await latchkey.usage.record('bobs', { inputTokens: 5 })
  /** All limits there are, as `bob in project shop 60`, with what is used of them. */
  const all = async () => {
    const own: Limited[] = [
      ...(await organizations.list()).organizations.map(({ id }) => ({ org: id })),
      ...(await teams.list()).teams.map(({ id }) => ({ team: id })),
      ...(await projects.list()).map(({ id }) => ({ project: id })),
    ]
    const found = await Promise.all(own.map(limited => limits.list(limited)))
    const single = await Promise.all(
      own.flatMap(of => ('project' in of || 'org' in of ? [limits.listOfMembers(of)] : [])),
    )
    const texts = [...found, ...single]
      .flat()
      .map(({ subject: { type, name, member }, amount, used }) =>
        [...(member ? [member.username, 'in'] : []), type, name, `${used}/${amount}`].join(' '),
      )
    const [{ n } = { n: -1 }] = await home.query<{ n: number }>('SELECT count(*) AS n FROM limits')
    return [...texts.toSorted(), `${n} rows`]
  }
  return { ...home, all, [Symbol.asyncDispose]: home[Symbol.asyncDispose] }
}

const everything = [
  'bob in org acme 5/70',
  'bob in project shop 5/60',
  'org acme 5/100',
  'project shop 5/90',
  'team Backend 5/80',
  '5 rows',
]

test('a project, a user and an organization come back with the limits that went with them', async () => {
  await using s = await scene()
  const { latchkey, all } = s
  const { backups, keys, projects, users, organizations } = latchkey
  expect(await all()).toEqual(everything)
  const { id: backup } = await backups.create()
  await keys.delete('bobs')
  await projects.delete('shop')
  expect(await all()).toEqual(['bob in org acme 5/70', 'org acme 5/100', 'team Backend 5/80', '3 rows'])
  await backups.restore({ backup, project: 'shop' })
  expect(await all()).toEqual(everything)

  await keys.delete('bobs')
  await users.delete('bob')
  expect(await all()).toEqual(['org acme 5/100', 'project shop 5/90', 'team Backend 5/80', '3 rows'])
  await backups.restore({ backup, user: 'bob' })
  expect(await all()).toEqual(everything)
  expect((await latchkey.teams.members.list('Backend')).total).toBe(1)

  await keys.delete('bobs')
  await projects.delete('shop')
  await organizations.delete('acme')
  expect(await all()).toEqual(['0 rows'])
  s.clock.now = new Date(s.clock.now.getTime() + 60_000)
  await backups.restore({ backup, org: 'acme' })
  expect(await all()).toEqual(everything)
  // An undo takes away what came back, and nothing of it is left.
  await backups.restore({ undo: true })
  expect(await all()).toEqual(['0 rows'])
  const [used] = await latchkey.usage.report({ by: ['org', 'team'] })
  expect([used?.organization?.slug, used?.team?.name]).toEqual(['acme', 'Backend'])
})

test('who comes back later than the project has the limits in it again', async () => {
  await using s = await scene()
  const { latchkey, all } = s
  const { backups, keys, projects, users } = latchkey
  await keys.delete('bobs')
  const { id: backup } = await backups.create()
  await projects.delete('shop')
  await users.delete('bob')
  await backups.restore({ backup, project: 'shop' })
  // Nobody is bound who is not there.
  expect(await all()).toEqual(['org acme 5/100', 'project shop 5/90', 'team Backend 5/80', '3 rows'])
  await backups.restore({ backup, user: 'bob' })
  expect(await all()).toEqual(everything)
})

test('of what is still there, the limits are again those of the backup', async () => {
  await using s = await scene()
  const { latchkey, all } = s
  const { backups, limits } = latchkey
  const { id: backup } = await backups.create()
  for (const limited of [
    { org: 'acme' },
    { team: 'Backend' },
    { project: 'shop' },
    { org: 'acme', member: 'bob' },
    { project: 'shop', member: 'bob' },
  ]) {
    await limits.set(limited, tokens(1))
    await limits.set(limited, [rolling('requests', 3, 3_600_000)])
  }
  await limits.set({ project: 'shop', member: 'alice' }, tokens(2))
  await limits.remove({ org: 'acme', member: 'bob' }, [{ metric: 'tokens' }])
  for (const one of [{ org: 'acme' }, { team: 'Backend' }, { project: 'shop' }]) {
    const { changes } = await backups.restore({ backup, ...one })
    expect(Object.values(changes ?? {}).flatMap(each => each.changed)).toHaveLength(1)
  }
  expect(await all()).toEqual(everything)
  expect((await backups.restore({ backup, project: 'shop' })).changes?.projects.changed).toEqual([])
})

test('a transfer keeps the limits of the project and of its members, and binds by those of the new owner', async () => {
  await using s = await scene()
  const { latchkey, all } = s
  await latchkey.limits.set({ org: 'other' }, tokens(50))
  await latchkey.projects.transfer('shop', { org: 'other' })
  const after = [...everything.slice(0, 3), 'org other 0/50', ...everything.slice(3, 5), '6 rows']
  expect(await all()).toEqual(after)
  const bound = await latchkey.limits.list({ key: 'bobs' })
  expect(bound.map(({ subject, amount }) => [subject.type, amount])).toEqual([
    ['project', 90],
    ['project', 60],
    ['org', 50],
  ])
  await latchkey.projects.transfer('shop', { user: 'alice' })
  expect(await all()).toEqual(after)
})

test('the limits of who leaves stay with them until they are deleted or erased', async () => {
  await using s = await scene()
  const { latchkey, all } = s
  const { users, limits, keys } = latchkey
  const exported = await Array.fromAsync(users.export('bob'))
  expect(exported.filter(({ of }) => of === 'limits').map(({ row }) => Object(row).amount)).toEqual([70, 60])
  expect((await users.offboard('bob')).holds).toMatchObject({ limits: 2 })
  await users.offboard('bob', { to: 'alice' })
  expect(await all()).toEqual(everything)
  // The key is alice's now, and she has no share of her own.
  expect((await limits.list({ key: 'bobs' })).map(({ subject }) => subject.member)).not.toContain('bob')
  await limits.set({ user: 'bob' }, tokens(10))
  await users.erase('bob')
  expect(await all()).toEqual([...everything.slice(2, 5), '3 rows'])
  await keys.delete('bobs')
  await limits.set({ org: 'acme', member: 'alice' }, tokens(7))
  expect(await failure(users.offboard('alice', { deleteAll: true }))).toMatchObject({ code: 'conflict' })
  expect((await all()).at(-1)).toBe('4 rows')
})

test('an import that is undone leaves who has limits here', async () => {
  await using s = await scene()
  const { latchkey, folder } = s
  writeFileSync(join(folder, 'users.json'), JSON.stringify([{ id: '1', email: 'ada@example.org' }]))
  const { id } = await latchkey.imports.dokify({ file: folder })
  await latchkey.limits.set({ org: 'acme', member: 'ada' }, tokens(7))
  expect(await failure(latchkey.imports.undo(id!))).toMatchObject({ code: 'conflict' })
  const { items } = await latchkey.imports.undo(id!, { keepChanged: true })
  expect(items).toMatchObject([{ name: 'ada', outcome: 'kept', reason: 'a limit belongs to it' }])
})
