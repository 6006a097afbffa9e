/** Filters and orders of lists, as typed. */
import { expect, test } from 'bun:test'
import type { User } from '../../contract/views.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

async function home() {
  const home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  return {
    ...home,
    type: (line: string) => run(line, { db: home.path, cwd: home.folder, now: () => home.clock.now }),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

test('users are found by --status, which their JSON has; the earlier spelling is understood and not shown', async () => {
  await using at = await home()
  for (const username of ['alice', 'bob']) await at.latchkey.users.create({ username })
  await at.latchkey.users.disable('bob')
  const statuses = async (line: string) =>
    (await at.type(line)).json<User[]>().map(({ username, status }) => `${username} ${status}`)
  expect(await statuses('user list --json')).toEqual(['alice active', 'bob disabled'])
  expect(await statuses('user list --status active --json')).toEqual(['alice active'])
  expect(await statuses('user list --status disabled --json')).toEqual(['bob disabled'])
  expect(await statuses('user list --disabled --json')).toEqual(['bob disabled'])
  const help = (await at.type('user list --help')).out
  expect(help).toContain('--status')
  expect(help).not.toContain('--disabled')
  expect((await at.type('man user list')).out).not.toContain('disabled users')
  expect((await at.type('user list --status disbled')).err).toContain('disabled')
})

async function used() {
  const at = await home()
  const limits = [{ metric: 'tokens', amount: 1_000, windowMs: 18_000_000 }] as const
  for (const [name, inputTokens, costUsd] of [
    ['ci', 920, 0.5],
    ['batch', 40, 12],
    ['idle', 0, 0],
  ] as const) {
    await at.latchkey.keys.create({ name, limits: name === 'idle' ? [] : limits })
    at.clock.now = new Date(at.clock.now.getTime() + 60_000)
    if (inputTokens > 0) await at.latchkey.usage.record(name, { inputTokens, costUsd })
  }
  const lines = async (line: string) => (await at.type(line)).out.trimEnd().split('\n')
  const names = async (flags: string) => (await lines(`key list ${flags} -o csv --fields name`)).slice(1)
  return { ...at, lines, names }
}

test('amounts descend, all else ascends, and a sign says which way whatever it is', async () => {
  await using at = await used()
  for (const [sort, expected] of [
    ['tokens', ['ci', 'batch', 'idle']],
    ['cost', ['batch', 'ci', 'idle']],
    ['-cost', ['batch', 'ci', 'idle']],
    ['+cost', ['idle', 'ci', 'batch']],
    ['name', ['batch', 'ci', 'idle']],
    ['-name', ['idle', 'ci', 'batch']],
    ['+created', ['ci', 'batch', 'idle']],
  ] as const) {
    expect([sort, await at.names(`--sort ${sort}`)]).toEqual([sort, [...expected]])
  }
  expect(await at.names('--sort cost --limit 1 --after batch')).toEqual(['ci'])
  const error = (await at.type('key list --sort costs')).err
  expect(error).toContain('did you mean cost?')
})

test('a list shows the column that it is sorted by', async () => {
  await using at = await used()
  const column = async (sort: string, title: string) => {
    const [head, ...rows] = await at.lines(`key list --sort ${sort}`)
    expect(head).toMatch(new RegExp(`STATUS +${title} +USER`))
    return rows.map(row => /active +(\S+) /.exec(row)?.[1])
  }
  expect(await column('cost', 'COST')).toEqual(['$12.00', '$0.50', '$0.00'])
  expect(await column('tokens', 'TOKENS')).toEqual(['920', '40', '0'])
  expect((await at.lines('key list --sort created'))[0]).toContain('CREATED')
  for (const [sort, hidden] of [
    ['name', 'COST'],
    ['cost', 'TOKENS'],
    ['cost', 'CREATED'],
  ]) {
    expect((await at.lines(`key list --sort ${sort}`))[0]).not.toContain(hidden)
  }
  // The output for programs has not changed.
  expect(JSON.parse((await at.lines('key list --sort cost --json')).join('\n'))[0]).not.toHaveProperty(
    'standing',
  )
})

test('--over shows how full the fullest limit is, and which that is', async () => {
  await using at = await used()
  await at.latchkey.limits.set({ key: 'ci' }, [{ metric: 'usd', amount: 1, windowMs: 30 * 86_400_000 }])
  const [head, row, ...others] = await at.lines('key list --over 80%')
  expect(head).toContain('  FULLEST  ')
  expect(row).toMatch(/^ci .* 92% tokens\/5h /)
  expect(others).toEqual([])
  expect((await at.lines('key list --over 4'))[2]).toMatch(/^batch .* 4% tokens\/5h /)
  expect((await at.lines('key list'))[0]).not.toContain('FULLEST')
})
