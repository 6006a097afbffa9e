import { expect, test } from 'bun:test'
import type { Backup, HealthReport } from '../../contract/views.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { run } from '../../testing/run.ts'
import { splitWords } from '../../testing/words.ts'
import { repeating } from './next-step.ts'

test.each([
  [
    'see them with: latchkey key list, or: latchkey user list',
    ': latchkey --db x key list, or: latchkey --db x user',
  ],
  ['run latchkey migrate up', 'run latchkey --db x migrate up'],
  ['latchkey key list --help', 'latchkey key list --help'],
  ['write it into latchkey.toml', 'write it into latchkey.toml'],
  ['17 3 * * * /usr/bin/latchkey backup create', '/usr/bin/latchkey backup create'],
  ['latchkey doctor --db FILE', 'latchkey doctor --db FILE'],
])('%s', (text, expected) => {
  expect(repeating({ globals: { db: 'x' } })(text)).toContain(expected)
  expect(repeating({ globals: {} })(text)).toBe(text)
})

test('what an error says to type makes the database that was named, not the usual one', async () => {
  using folder = temporaryFolder()
  const path = folder.file("it's $& here", 'gate.db')
  const missing = await run(['key', 'list', '--db', path])
  expect(missing.code).toBe(78)
  const [, line = ''] = /with: latchkey (.*? init);/.exec(missing.err) ?? []
  const made = await run(splitWords(line))
  expect(made.out).toStartWith(`Created ${path}\n`)
  const [, next = ''] = /^Next: latchkey (.*)$/m.exec(made.out) ?? []
  expect((await run(splitWords(next))).code).toBe(0)
  expect((await run('user list -o name', { db: path })).out).toMatch(/^usr_/)
})

test.each([
  ['key verify --db "my keys.db"', '', `| latchkey key verify --db 'my keys.db'`],
  ['key show - --tz UTC', '', '| latchkey key show - --tz UTC'],
  ['key verify --no-input', undefined, ': latchkey key verify --no-input <'],
])('who gives %s no secret is told the very line to pipe it into', async (line, stdin, again) => {
  const given = stdin === undefined ? { tty: true } : { stdin }
  const ran = await run(splitWords(line), given)
  expect([ran.code, ran.out]).toEqual([2, ''])
  expect(ran.err).toContain(again)
})

test.each(['doctor', 'health'])('%s --json says to type the very line that its table does', async command => {
  using folder = temporaryFolder()
  const path = folder.file('gate.db')
  await run(['init', '--db', path])
  const words = [command, '--db', path, '--profile', 'prod']
  folder.write('latchkey.toml', '[profile.prod]\ntz = "UTC"\n')
  const told = await run([...words, '--json'], { cwd: folder.path })
  const [lines] = told
    .json<HealthReport>()
    .checks.flatMap(({ name, mend }) => (name === 'last_backup' ? [mend ?? ''] : []))
  expect(lines).toBe(`take one with: latchkey --db ${path} --profile prod backup create`)
  expect((await run(words, { cwd: folder.path, tty: true, columns: 500 })).out).toContain(lines ?? '?')
  // The command can be run as printed.
  const [, line = ''] = /latchkey (.*)$/.exec(lines ?? '') ?? []
  expect((await run(splitWords(line), { cwd: folder.path })).code).toBe(0)
  const mended = (await run([...words, '--json'], { cwd: folder.path })).json<HealthReport>()
  expect(mended.checks.find(({ name }) => name === 'last_backup')?.status).toBe('ok')
})

/** The first command line of this program in what a run said. */
const nextIn = (said: string): readonly string[] =>
  splitWords(/latchkey ((?:[^',;\n\\]|\\.|'[^']*')+)/.exec(said.replace(/^latchkey: /, ''))?.[1] ?? '')

test.each([
  ['team create "it\'s a $(x) team" --org acme', "it's a $(x) team"],
  ['team create Backend --org acme', 'Backend'],
  ['project file mv shop other.md "a \'b\'.md"', "a 'b'.md"],
  ['project file mv shop -- other.md -plan.md', '-plan.md'],
  [`project file rm shop "a 'b'.md" --yes --if-match ${'a'.repeat(64)}`, "a 'b'.md"],
  ['invitation accept --user bob', "o'neil@example.org"],
])('the next step means what it names, whatever the name is: %s', async (refused, name) => {
  using folder = temporaryFolder()
  const latchkey = (line: string | readonly string[], stdin = 'text') =>
    run(line, { db: folder.file('gate.db'), cwd: folder.path, stdin })
  for (const line of [
    'init --admin alice',
    'user create bob',
    'org create Acme --owner alice',
    'org create Other --owner alice',
    'project create Shop --owner alice',
    'team create "it\'s a $(x) team" --org acme',
    'team create Backend --org other',
    'team create Backend --org acme',
    'project file put shop other.md -',
    'project file put shop "a \'b\'.md" -',
    'project file put shop -- -plan.md -',
  ])
    expect(await latchkey(line)).toMatchObject({ code: 0 })
  const { out: token } = await latchkey(['invitation', 'create', 'acme', "o'neil@example.org"])
  const { code, err } = await latchkey(refused, token)
  expect(code).toBe(5)
  const followed = await latchkey(['--json', '--yes', ...nextIn(err)])
  expect([followed.code, followed.out]).toEqual([0, expect.stringContaining(JSON.stringify(name))])
})

test('the next step about backups is about the place that was named', async () => {
  using folder = temporaryFolder()
  const options = { db: folder.file('gate.db'), cwd: folder.path }
  const place = "it's $& here"
  await run('init --admin alice', options)
  const none = await run(['backup', 'list', '--from', place], options)
  expect(none.code).toBe(3)
  const made = await run([...nextIn(none.err), '--json'], options)
  expect(made.json<Backup>().location).toBe(folder.file(place))
  const missing = await run(['restore', 'bak_00000000', '--from', place, '--dry-run'], options)
  expect(missing.code).toBe(3)
  expect((await run([...nextIn(missing.err), '-q'], options)).out).toBe(`${made.json<Backup>().id}\n`)
  // The safety copy of a restore is with the database, wherever the backup was.
  for (const one of [[], ['--user', 'alice']]) {
    const restored = await run(['restore', '--latest', '--from', place, ...one, '--yes'], options)
    expect((await run([...nextIn(restored.out), '--yes'], options)).code).toBe(0)
  }
})
