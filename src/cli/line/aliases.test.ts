import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'
import { tree } from '../commands/tree.ts'
import { nounAliases, verbAliases } from './aliases.ts'
import { follow } from './walk.ts'

test('words that people try lead to the command', async () => {
  await using home = await temporaryLatchkey()
  const at = (line: string) => run(line, { db: home.path })
  await at('users new alice')
  await at('projects add Shop --owner alice')
  await at('keys new ci --user alice')
  for (const [typed, meant] of [
    ['keys ls', 'key list'],
    ['key info ci', 'key show ci'],
    ['users ls --json', 'user list --json'],
    ['key limit ls ci', 'key limit list ci'],
    ['help keys ls', 'help key list'],
    ['backups ls', 'backup list'],
    ['status', 'health'],
    ['config ls', 'config show'],
    ['usage list --by key', 'usage report --by key'],
    ['key describe ci', 'key show ci'],
    ['key quota ls ci', 'key limit list ci'],
    ['migration status', 'migrate status'],
    ['logs ls --fields action --json', 'audit list --fields action --json'],
  ] as const) {
    const [one, other] = [await at(typed), await at(meant)]
    expect([one.code, one.out, one.err], typed).toEqual([other.code, other.out, other.err])
  }
  expect((await at('key rm ci --yes')).code).toBe(0)
  expect((await at('keys ls -q')).out).toBe('')
})

test('an alias never stands in the way of a name', async () => {
  const nouns = Object.keys(tree)
  for (const noun of nouns) {
    for (const word of nounAliases(noun, nouns)) expect(nouns).not.toContain(word)
    const { at } = await follow(tree, [noun])
    if ('run' in at) continue
    const verbs = at.map(entry => entry.name)
    const all = verbs.flatMap(verb => [verb, ...verbAliases(verb, verbs)])
    expect(new Set(all).size, `${noun}: ${all}`).toBe(all.length)
  }
})

test.each([
  ['list keys', 'latchkey key list'],
  ['create apikey ci', 'latchkey key create ci'],
  ['rotate jane', 'latchkey key rotate jane'],
  ['rotate jane --grace 24h', 'latchkey key rotate jane --grace 24h'],
  ['rotate "jane doe" --grace=24h', "latchkey key rotate 'jane doe' --grace=24h"],
  ['--db a.db rotate jane', 'latchkey key rotate --db a.db jane'],
  // A part of a line may do something else than the whole line.
  ['rotate jane --bogus', 'latchkey key rotate'],
  ['disable bob', 'latchkey user disable bob, or latchkey key disable bob'],
  ['verify', 'latchkey key verify, or latchkey backup verify, or latchkey audit verify'],
  ['db backup', 'latchkey backup --help'],
  ['db restore', 'latchkey restore --help'],
])('%s, the words in another order, is told what to type', async (line, hint) => {
  const ran = await run(line)
  expect([ran.code, ran.out]).toEqual([2, ''])
  expect(ran.err).toEndWith(`\ntry: ${hint}\n`)
})

test.each([
  ['key list --format=json', '--output'],
  ['key delete ci --force', '--yes'],
  ['key revoke ci -n', '--dry-run'],
  ['key list -n 5', '--limit'],
  ['usage report --from 7d', '--since'],
  ['user passwd bob --password hunter2', '--password-file'],
  ['-v', '--version'],
])('%s, as other tools have it, is told what it is called here', async (line, option) => {
  const ran = await run(line)
  expect(ran.code).toBe(2)
  expect(ran.err).toContain(`(did you mean ${option}?)`)
})

test.each(['key list -v', 'key list --role admin', 'completion install --shell zsh', 'backup burn'])(
  '%s is far from everything, and nothing is guessed',
  async line => {
    const ran = await run(line)
    expect(ran.code).toBe(2)
    expect(ran.err).toMatch(/^latchkey: unknown (option|command) '[-\w]+'\ntry: latchkey [a-z ]+ --help\n$/)
  },
)

test('what may be a secret is not repeated', async () => {
  for (const line of [
    'key verify --secret=lk_hidden',
    'verify hidden',
    'key vrify hidden',
    'key verify - hidden',
    'key list hidden',
    'rotate sk-hiddenhiddenhidden',
  ])
    expect((await run(line)).err, line).not.toContain('hidden')
})

test('a new secret is not what renew says', async () => {
  expect(await run('key renew ci')).toMatchObject({ code: 2, out: '' })
  const { at } = await follow(tree, ['key'])
  const verbs = 'run' in at ? [] : at.map(entry => entry.name)
  expect(verbs.flatMap(verb => verbAliases(verb, verbs))).not.toContain('renew')
})

test('no verb, nor help, is a name that can be given', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  await home.latchkey.keys.create({ name: 'ci' })
  await home.latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  const lines: Readonly<Record<string, readonly string[]>> = {
    key: ['key create', 'key update ci --name'],
    user: ['user create', 'user update alice --username'],
    project: [
      'project create --owner alice',
      'project create Other --owner alice --slug',
      'project update shop --slug',
    ],
  }
  for (const [noun, all] of Object.entries(lines)) {
    const { at } = await follow(tree, [noun])
    const verbs = 'run' in at ? [] : at.map(entry => entry.name)
    expect(verbs.length).toBeGreaterThan(5)
    for (const word of [...verbs, 'help', 'Help', 'version']) {
      for (const line of all) {
        const ran = await run(`${line} ${word}`, { db: home.path })
        expect([line, word, ran.code, ran.out]).toEqual([line, word, 2, ''])
        if (!line.endsWith('--slug') || word === word.toLowerCase())
          expect(ran.err).toContain('must not be a word that the command line uses')
      }
    }
  }
})

test.each(['help key list', 'key help list', 'key list --help'])('%s is help', async line => {
  const ran = await run(line)
  expect([ran.code, ran.err]).toEqual([0, ''])
  expect(ran.out).toStartWith('Usage: latchkey key list')
})

test.each([
  ['kyes list', 'did you mean keys?'],
  ['key stauts', 'did you mean stats?'],
  ['import glm x.json', 'did you mean glm-proxy?'],
  ['config set output jsn', 'did you mean json?'],
  ['key list --limt 3', 'did you mean --limit?'],
  ['key list -o jsno', 'did you mean json?'],
  ['key list --status activ', 'did you mean active?'],
  ['config get databse', 'did you mean db?'],
])('%s is told what was probably meant, with what to type', async (line, guess) => {
  const ran = await run(line)
  expect([ran.code, ran.out]).toEqual([2, ''])
  expect(ran.err).toContain(guess)
  expect(ran.err).toMatch(/\ntry: (latchkey .*|(write|give) one of .*)\n$/)
})

test.each([
  ['doctr', 'latchkey doctor'],
  ['bakup ls', 'latchkey backup list'],
  ['bakup', 'latchkey backup --help'],
  ['ky lst', 'latchkey key list'],
  ['key list -o jsn', 'latchkey key list --help'],
  ['kyes limit set ci tokens=1/5h', 'latchkey key limit set ci tokens=1/5h'],
  ["key lst --search 'a b'", "latchkey key list --search 'a b'"],
  ['config st tz UTC --here', 'latchkey config set tz UTC --here'],
  ['key lst', 'latchkey key list'],
  ['key limti', 'latchkey key limit --help'],
  ['key limit ad ci tokens=1/5h', 'latchkey key limit set ci tokens=1/5h'],
  ['key stats-of lk_0123456789', 'latchkey key --help'],
])('%s is told the words that it was meant as: %s', async (line, hint) => {
  const ran = await run(line)
  expect([ran.code, ran.out]).toEqual([2, ''])
  expect(ran.err).toEndWith(`\ntry: ${hint}\n`)
})
