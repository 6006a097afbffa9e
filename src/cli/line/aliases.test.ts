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
  ['create apikey ci', 'latchkey key create'],
  ['rotate ci', 'latchkey key rotate'],
  ['verify', 'latchkey key verify, or latchkey backup verify'],
  ['version', 'latchkey --version'],
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

test('what follows the = of an unknown option is not repeated', async () => {
  expect((await run('key verify --secret=lk_hidden')).err).not.toContain('hidden')
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
  ['kyes limit add ci', 'latchkey key limit --help'],
  ['key lst', 'latchkey key list'],
  ['key limti', 'latchkey key limit --help'],
  ['key limit ad ci', 'latchkey key limit add'],
  ['key stats-of lk_0123456789', 'latchkey key --help'],
])('%s is told the words that it was meant as: %s', async (line, hint) => {
  const ran = await run(line)
  expect([ran.code, ran.out]).toEqual([2, ''])
  expect(ran.err).toEndWith(`\ntry: ${hint}\n`)
})
