/** What a cron job prints: nothing if all is well, ids if it asked for them, and problems. */
import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

async function home() {
  const home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  await home.latchkey.keys.create({ name: 'ci', user: 'alice' })
  const at = (line: string, stdin = '') =>
    run(line, { db: home.path, cwd: home.folder, now: home.clock.now, stdin })
  return { ...home, at, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() }
}

test.each([
  'backup create',
  'backup status',
  'key list',
  'key list --user alice',
  'key export',
  'key disable ci',
  'key rotate ci --out new-secret',
  'user create bob',
  'user list --search nobody',
  'key delete --search nobody --all-matching --expect-count 0 --yes',
  'config set tz UTC --here',
  'completion bash',
  'usage report',
  'backup create --dry-run',
])('%s --quiet says nothing', async line => {
  await using latchkey = await home()
  await latchkey.latchkey.backups.create()
  expect(await latchkey.at(`${line} --quiet`)).toMatchObject({ code: 0, out: '', err: '' })
})

test('it is silent only on success', async () => {
  await using latchkey = await home()
  const stale = await latchkey.at('backup status --quiet')
  expect(stale.code).toBe(1)
  expect(stale.out).toContain('stale')
  const denied = await latchkey.at('key verify - --quiet', 'nothing')
  expect(denied.code).toBe(4)
  expect(denied.out).toContain('not_found')
  const missing = await latchkey.at('key show nobody --quiet')
  expect([missing.code, missing.out]).toEqual([3, ''])
  expect(missing.err).toContain('no key matches')
})

test('ids are printed by -q, with or without --quiet, and by nothing else', async () => {
  await using latchkey = await home()
  const { id } = await latchkey.latchkey.keys.get('ci')
  expect(await latchkey.at('key list -q')).toMatchObject({ code: 0, out: `${id}\n`, err: '' })
  expect(await latchkey.at('key list -q --quiet')).toMatchObject({ code: 0, out: `${id}\n`, err: '' })
  expect(await latchkey.at('key list -o name --quiet')).toMatchObject({ code: 0, out: `${id}\n`, err: '' })
  expect((await latchkey.at('backup create --quiet -q')).out).toMatch(/^bak_\w{26}\n$/)
  // Without -q there is a message about missing things.
  expect((await latchkey.at('key list -q --search nobody --quiet')).err).toBe('')
})

test('a format and silence exclude each other, and no secret is lost in it', async () => {
  await using latchkey = await home()
  for (const line of [
    'key list --json --quiet',
    'key list -o csv --quiet',
    'key create new --quiet',
    'key rotate ci --quiet',
  ])
    expect(await latchkey.at(line), line).toMatchObject({ code: 2, out: '' })
  expect(await latchkey.latchkey.keys.list()).toHaveLength(1)
  await latchkey.latchkey.organizations.create({ name: 'Acme', owner: 'alice' })
  for (const [line, hint] of [
    ['key create new --quiet', 'leave out --quiet, or write the secret to a new file with --out FILE'],
    ['user passwd alice --generate --quiet', 'leave out --quiet'],
    ['invitation create acme bob@example.org --quiet', 'leave out --quiet'],
  ] as const) {
    const { err } = await latchkey.at(line)
    expect(err).toEndWith(`try: ${hint}\n`)
  }
  expect((await latchkey.latchkey.invitations.list()).invitations).toEqual([])
})

test('the fields of an invitation may leave out all but its token', async () => {
  await using latchkey = await home()
  await latchkey.latchkey.organizations.create({ name: 'Acme', owner: 'alice' })
  const line = 'invitation create acme bob@example.org --json --fields'
  expect((await latchkey.at(`${line} id,email`)).err).toContain('or add token to --fields')
  expect(JSON.parse((await latchkey.at(`${line} id,token`)).out)).toEqual({
    id: expect.stringMatching(/^inv_/),
    token: expect.any(String),
  })
})
