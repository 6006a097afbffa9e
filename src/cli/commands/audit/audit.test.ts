/** The audit log as a person reads it. */
import { expect, test } from 'bun:test'
import type { AuditEntry } from '../../../contract/views.ts'
import { temporaryLatchkey } from '../../../testing/latchkey.ts'
import { run } from '../../../testing/run.ts'

async function home() {
  const home = await temporaryLatchkey('2026-11-20T23:30:00Z')
  const { latchkey } = home
  await latchkey.users.create({ username: 'alice', email: 'alice@example.org' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  await latchkey.users.create({ username: 'bob' })
  await latchkey.keys.create({
    name: 'ci',
    user: 'alice',
    scopes: ['chat:read', 'chat:write'],
    limits: [
      { metric: 'tokens', amount: 100_000, windowMs: 18_000_000 },
      { metric: 'usd', amount: 20, windowMs: 30 * 86_400_000 },
    ],
  })
  const type = (line: string) => run(line, { db: home.path, cwd: home.folder, now: () => home.clock.now })
  return {
    ...home,
    type,
    /** The changes in the newest row of the log. */
    change: async (flags = '') => {
      const { out } = await type(`audit list --limit 1 -o csv --fields id ${flags}`)
      const [, id] = out.trim().split('\n')
      const lines = (await type(`audit show ${id} ${flags}`)).out.split('\n')
      const first = lines.findIndex(line => /^(change|was) /.test(line))
      return lines
        .slice(
          first,
          lines.findIndex(line => line.startsWith('id ')),
        )
        .map(line => line.slice(8))
    },
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

test('a stretch of time has its first moment, and not its last', async () => {
  await using at = await temporaryLatchkey('2026-11-20T10:00:00Z')
  const { users, audit } = at.latchkey
  for (const [username, minute] of [
    ['first', 0],
    ['second', 10],
    ['third', 20],
  ] as const) {
    at.clock.now = new Date(Date.UTC(2026, 10, 20, 10, minute))
    await users.create({ username })
  }
  const since = new Date('2026-11-20T10:00:00Z')
  const until = new Date('2026-11-20T10:10:00Z')
  const named = async (filter: object) =>
    (await audit.list({ action: 'user', ...filter })).map(({ target }) => target.name)
  expect(await named({ since, until })).toEqual(['first'])
  expect(await named({ since: until })).toEqual(['third', 'second'])
})

test.each<[string, readonly string[]]>([
  ['key update ci --limit tokens=500k/5h', ['tokens 100k/5h → 500k/5h']],
  ['key update ci --limit tokens=1.5M/1d --no-limit tokens/5h', ['tokens 100k/5h → 1.5M/1d']],
  ['key update ci --limit tokens=1.5M/1d', ['tokens none → 1.5M/1d']],
  ['key limit set ci requests=12345/1d', ['requests none → 12,345/1d']],
  ['key limit set ci usd=0.5/1d', ['usd none → 0.5/1d']],
  ['key limit remove ci usd/30d', ['usd 20/30d → none']],
  ['key update ci --no-user --expires 2026-12-31', ['user alice → none', 'expires never → 2026-12-31 00:00']],
  ['key update ci --allow-model gpt-* --allow-model glm', ['allowed models any → gpt-* glm']],
  ['key update ci --scope chat:read', ['scopes chat:read chat:write → chat:read']],
  ['key update ci --metadata \'{"team":"a"}\'', ['metadata none → {"team":"a"}']],
  ['key revoke ci --reason leaked --yes', ['status active → revoked', 'revoked reason none → leaked']],
  ['project update shop --add-member bob=viewer', ['member bob none → viewer']],
  ['project archive shop', ['status active → archived']],
  ['user update bob --email bob@example.org', ['email none → bob@example.org']],
  ['usage price set gpt-x --input 2.5 --output 10', ['input $2.50', 'output $10.00']],
])('%s is told as %p', async (line, expected) => {
  await using at = await home()
  expect(await at.type(line)).toMatchObject({ code: 0 })
  expect(await at.change()).toEqual([...expected])
})

test('of what is new the trail tells what it was given, of what was erased what it was', async () => {
  await using at = await home()
  const given = ['user alice', 'scopes chat:read chat:write', 'tokens 100k/5h', 'usd 20/30d']
  expect(await at.change()).toEqual(given)
  await at.latchkey.usage.record('ci', { inputTokens: 61_000 })
  await at.type('key reset ci --metric tokens')
  expect(await at.change()).toEqual(['tokens/5h used 61k → 0'])
  await at.type('key delete ci --yes')
  expect(await at.change()).toEqual(expect.arrayContaining(['name ci', 'status active', ...given]))
  const [, deleted] = (await at.type('audit list --limit 1')).out.trim().split('\n')
  expect(deleted).toEndWith('key.delete  ci')
  // Nobody in it has a limit yet, which need not be told.
  await at.type('project create Lab --owner alice')
  expect(await at.change()).toEqual(['owner alice', 'state idle'])
})

test('moments in a change are those of --tz', async () => {
  await using at = await home()
  await at.type('key update ci --expires 2026-12-31T20:00:00Z')
  expect(await at.change('--tz Asia/Tokyo')).toEqual(['expires never → 2027-01-01 05:00'])
  const { out } = await at.type('audit list --limit 1 --tz Asia/Tokyo')
  expect(out).toMatch(/\n2026-11-21 08:30 .* expires never → 2027-01-01 05:00\n$/)
})

test('an action that does not exist is refused with the nearest', async () => {
  await using at = await home()
  for (const [typed, meant] of [
    ['key.udpate', 'key.update'],
    ['kye', 'key'],
    ['rotate', 'key.rotate'],
    ['user.disabled', 'user.disable'],
  ]) {
    const { code, out, err } = await at.type(`audit list --action ${typed}`)
    expect([typed, code, out]).toEqual([typed, 2, ''])
    expect(err).toContain(`there is no action '${typed}' (did you mean ${meant}?)`)
    expect(err).toContain('try: choose from ')
  }
  expect((await at.type('audit list --action key.rotate')).err).toBe('No changes match.\n')
  expect((await at.type('audit list --action key -q')).out.trim().split('\n')).toHaveLength(1)
})

test('a change is shown by its id or the beginning of it', async () => {
  await using at = await home()
  const [entry] = (await at.type('audit list --action key.create --json')).json<AuditEntry[]>()
  const id = entry?.id ?? ''
  expect((await at.type(`audit show ${id} --json`)).json<AuditEntry>()).toEqual(entry as AuditEntry)
  expect((await at.type(`audit show ${id.slice(0, -2)}`)).out).toContain('key.create')
  expect(await at.type('audit show aud_000000')).toMatchObject({ code: 3, out: '' })
  expect(await at.type('audit show ci')).toMatchObject({ code: 3, out: '' })
  // All ids of this millisecond begin alike.
  expect(await at.type(`audit show ${id.slice(0, 12)}`)).toMatchObject({ code: 5, out: '' })
})
