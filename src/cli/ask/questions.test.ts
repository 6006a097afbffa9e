/** Wizards and pickers on a real pseudo-terminal, and runs where nobody can answer. */

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import { connectLatchkey } from '../../index.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { type Drawn, onTerminal, processEnvironment, program, type Typed } from '../../testing/process.ts'
import { run } from '../../testing/run.ts'
import { shellLine, shellWord } from '../../text/shell-word.ts'
import { tree } from '../commands/tree.ts'
import { subjectOfArgument } from '../declare/subjects.ts'
import { namedCommands } from '../line/walk.ts'
import type { Choice } from '../terminal/prompt.ts'

const enter = '\r'
const down = '\x1b[B'

/** Replaces what differs between runs. */
const recorded = ({ lines }: Drawn, folder: string): readonly string[] =>
  lines
    .map(line => line.trimEnd())
    .join('\n')
    .replaceAll(folder, '/data')
    .replaceAll(/\b(key|usr|prj|bak)_[0-9a-z]{26}/g, '$1_…')
    .replaceAll(/\blk_\w{36}/g, 'lk_…')
    .split('\n')

/** Runs the complete line that a wizard prints, as if pasted into a shell. */
async function repeat({ screen }: Drawn, db: string, stdin = ''): Promise<void> {
  const [, line = ''] = /The same without questions.*:\r?\n {2}(.*)\r?\n/.exec(screen) ?? []
  const script = `latchkey() { ${program.map(shellWord).join(' ')} "$@"; }; ${line}`
  const child = Bun.spawn(['sh', '-c', script], {
    env: processEnvironment({ db }),
    stdin: new Blob([stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  expect([await child.stderr.text(), await child.exited]).toEqual([expect.not.stringContaining('?'), 0])
}

test.each([false, true])('invitation accept: the token is given on stdin (refused: %p)', async isRefused => {
  await using home = await temporaryLatchkey(new Date().toISOString())
  const { users, organizations, invitations } = home.latchkey
  await users.create({ username: 'alice', email: 'alice@example.org' })
  await users.create({ username: 'bob', email: 'bob@example.org' })
  await organizations.create({ name: 'Acme', owner: 'alice' })
  const { token } = await invitations.create({ org: 'acme', email: 'bob@example.org' })
  const drawn = await onTerminal(
    'invitation accept',
    [
      { when: /Who accepts it/, keys: 'bo' },
      { when: /❯ bob/, keys: enter },
      { when: /Token \(not shown/, keys: `${isRefused ? 'inv_wrong' : token}${enter}` },
    ],
    { db: home.path },
  )
  expect(drawn.code).toBe(isRefused ? 3 : 0)
  expect(drawn.screen).not.toContain(token)
  expect(drawn.screen.replaceAll('\r', '')).toContain(
    'The same without questions, the secret on stdin:\n  latchkey invitation accept --user bob\n',
  )
  const other = await invitations.create({ org: 'acme', email: 'carol@example.org' })
  await users.update('bob', { email: 'carol@example.org' })
  if (isRefused) await repeat(drawn, home.path, other.token)
})

/** The created thing without fields that are always different. */
const same = async <T extends object>(made: Promise<T>): Promise<T> =>
  JSON.parse(
    JSON.stringify(await made, (field, value) =>
      ['id', 'start', 'createdAt', 'updatedAt'].includes(field) ? null : value,
    ),
    (field, value) => (field === 'expiresAt' && value ? new Date(value) : value),
  )

test('init: where, and who comes first', async () => {
  using folder = temporaryFolder()
  const typed: Typed[] = [
    { when: /Database file/, keys: enter },
    { when: /first user/, keys: `al ice${enter}` },
    { when: /may contain/, keys: `${'\x7f'.repeat(4)}ice${enter}` },
  ]
  const drawn = await onTerminal('init', typed, { env: { XDG_DATA_HOME: folder.path }, cwd: folder.path })
  // The terminal folds the path anywhere, because it is too long for a line.
  expect(recorded(drawn, folder.path).join('')).toMatch(
    /^✔ Database file \[--db\] .*✔ Also create a first user, with the role admin \[--admin, Enter for none\] aliceCreated .*latchkey\.db.* and user.* alice.*Next: latchkey key create ci --user aliceThe same without questions: {2}latchkey init --admin alice$/,
  )
  expect(drawn.code).toBe(0)
  const users = await run('user list --fields username,role --json', {
    db: join(folder.path, 'latchkey', 'latchkey.db'),
  })
  expect(users.json()).toEqual([{ username: 'alice', role: 'admin' }])
  await repeat(drawn, folder.file('again.db'))
  const again = await run('user list --fields username,role --json', { db: folder.file('again.db') })
  expect(again.json()).toEqual(users.json())
})

test('user create: a person with a password', async () => {
  await using home = await temporaryLatchkey()
  const drawn = await onTerminal(
    'user create',
    [
      { when: /Unique username/, keys: `bob${enter}` },
      { when: /email/, keys: `bob${enter}` },
      { when: /is not an email/, keys: `@example.org${enter}` },
      { when: /Display name/, keys: `Bob's${enter}` },
      { when: /Role/, keys: `${down}${enter}` },
      { when: /Ask for a password/, keys: `y${enter}` },
      { when: /Password for bob/, keys: `correct horse${enter}` },
      { when: /again/, keys: `correct horse${enter}` },
    ],
    { db: home.path },
  )
  expect(recorded(drawn, home.folder)).toEqual([
    '✔ Unique username bob',
    '✔ Unique email address [--email, Enter for none] bob@example.org',
    "✔ Display name [--name, Enter for none] Bob's",
    '✔ Role, for your backend to interpret (default: member) [--role] viewer',
    '✔ Ask for a password at the terminal? Yes',
    '✔ Password for bob *************',
    '✔ Password for bob (again) *************',
    'Created user bob (usr_…)',
    'The same without questions, the password on stdin:',
    "  latchkey user create bob --email bob@example.org --name 'Bob'\\''s' --role view",
    'er --password-file -',
  ])
  expect(drawn.code).toBe(0)
  expect(await home.latchkey.users.verifyPassword('bob', 'correct horse')).toBe(true)
  await using other = await temporaryLatchkey()
  await repeat(drawn, other.path, 'correct horse')
  expect(await other.latchkey.users.verifyPassword('bob', 'correct horse')).toBe(true)
  expect(await same(home.latchkey.users.get('bob'))).toEqual(await same(other.latchkey.users.get('bob')))
})

test('key create: each answer is tried out before it is taken', async () => {
  await using home = await temporaryLatchkey()
  const { users, projects, keys } = home.latchkey
  for (const username of ['alice', 'bob']) await users.create({ username })
  await projects.create({ name: 'Shop', owner: 'alice' })
  await keys.create({ name: 'ci' })
  const drawn = await onTerminal(
    'key create',
    [
      { when: /Unique name/, keys: `ci${enter}` },
      { when: /already exists|is taken/, keys: `-2${enter}` },
      { when: /Owner of the key/, keys: 'bo' },
      { when: /❯ bob {2}member/, keys: enter },
      { when: /Project of the key/, keys: enter },
      { when: /When the key stops/, keys: `90x${enter}` },
      { when: /not a duration/, keys: `\x7fd${enter}` },
      { when: /Limit, such/, keys: `tokens=100k/5h${enter}` },
      { when: /Another one/, keys: enter },
    ],
    { db: home.path },
  )
  expect(recorded(drawn, home.folder)).toEqual([
    '✔ Unique name, such as what the key is for ci-2',
    '✔ Owner of the key [--user, Enter for none] bob',
    '✔ Project of the key; sets the prefix of the secret [--project, Enter for none]',
    '(none)',
    '✔ When the key stops working (default: never) [--expires] 90d',
    '✔ Limit, such as tokens=100k/5h [--limit, Enter for none] tokens=100k/5h',
    '✔ Another one [Enter to continue]',
    'Created key ci-2 (key_…)',
    'lk_…',
    'Copy it now: it cannot be shown again.',
    'The same without questions:',
    '  latchkey key create ci-2 --user bob --expires 90d --limit tokens=100k/5h',
  ])
  expect(await keys.get('ci-2')).toMatchObject({ user: { username: 'bob' }, project: null })
  await using other = await temporaryLatchkey()
  await other.latchkey.users.create({ username: 'bob' })
  await repeat(drawn, other.path)
  const [one, two] = [await same(keys.get('ci-2')), await same(other.latchkey.keys.get('ci-2'))]
  // Both end 90 days after their creation, by the system clock.
  const { expiresAt: first, ...rest } = one
  const { expiresAt: second, ...others } = two
  expect(rest).toEqual(others)
  expect(Number(second) - Number(first)).toBeLessThan(120_000)
})

test('project create: whose it is, is picked', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  const drawn = await onTerminal(
    'project create',
    [
      { when: /Display name/, keys: `Data team${enter}` },
      { when: /Who owns it[\s\S]*❯ alice/, keys: enter },
      { when: /What it is for/, keys: `Reports${enter}` },
      { when: /Limit on all/, keys: enter },
    ],
    { db: home.path },
  )
  expect(recorded(drawn, home.folder)).toEqual([
    '✔ Display name Data team',
    '✔ Who owns it [--owner] alice',
    '✔ What it is for [--description, Enter for none] Reports',
    '✔ Limit on all its keys together [--limit, Enter for none]',
    'Created project data-team (prj_…)',
    'The same without questions:',
    "  latchkey project create 'Data team' --owner alice --description Reports",
  ])
  expect(drawn.code).toBe(0)
  await using other = await temporaryLatchkey()
  await other.latchkey.users.create({ username: 'alice' })
  await repeat(drawn, other.path)
  expect(await same(home.latchkey.projects.get('data-team'))).toEqual(
    await same(other.latchkey.projects.get('data-team')),
  )
})

test('a key is picked by a part of its name, and erased once its name is typed', async () => {
  await using home = await temporaryLatchkey()
  for (const name of ['ci', 'deploy', 'nightly']) await home.latchkey.keys.create({ name })
  const pick = [
    { when: /Which key/, keys: 'plo' },
    { when: /❯ deploy {2}active/, keys: enter },
  ]
  const wrong = await onTerminal('key delete', [...pick, { when: /Type deploy/, keys: `deplo${enter}` }], {
    db: home.path,
  })
  expect(wrong.code).toBe(6)
  const right = await onTerminal('key delete', [...pick, { when: /Type deploy/, keys: `deploy${enter}` }], {
    db: home.path,
  })
  expect(recorded(right, home.folder)).toEqual([
    '✔ Which key? deploy',
    '✔ Erase key deploy (key_…) with its limits',
    'Database /data/latchkey.db',
    'Type deploy to continue: deploy',
    'Deleted key deploy (key_…)',
    'The same without questions:',
    '  latchkey key delete deploy --yes',
  ])
  expect((await home.latchkey.keys.list()).map(key => key.name)).toEqual(['ci', 'nightly'])
  await using other = await temporaryLatchkey()
  for (const name of ['ci', 'deploy']) await other.latchkey.keys.create({ name })
  await repeat(right, other.path)
  expect((await other.latchkey.keys.list()).map(key => key.name)).toEqual(['ci'])
})

test('user passwd: the line for a script takes the password from stdin', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  const drawn = await onTerminal(
    'user passwd',
    [
      { when: /Which user/, keys: enter },
      { when: /New password/, keys: `first try${enter}` },
      { when: /again/, keys: `first try${enter}` },
    ],
    { db: home.path },
  )
  expect(recorded(drawn, home.folder)).toContain('  latchkey user passwd alice --password-file -')
  await repeat(drawn, home.path, 'second try')
  expect(await home.latchkey.users.verifyPassword('alice', 'second try')).toBe(true)
})

/** Irreversible actions need more than y. */
test.each([
  ['key revoke ci', 'ci'],
  ['key delete ci', 'ci'],
  ['user delete bob', 'bob'],
  ['project delete shop', 'shop'],
  ['backup prune --keep-last 1', '1'],
  ['restore --latest', 'latchkey.db'],
])('%s: %s is typed, and y changes nothing', async (line, typed) => {
  await using home = await temporaryLatchkey()
  const { users, projects, keys, backups } = home.latchkey
  for (const username of ['alice', 'bob']) await users.create({ username })
  await projects.create({ name: 'Shop', owner: 'alice' })
  await keys.create({ name: 'ci' })
  for (let each = 0; each < 2; each++) await backups.create()
  await keys.create({ name: 'new' })
  await home.latchkey.close()
  const state = async () => {
    const latchkey = connectLatchkey({ path: home.path, access: 'read' })
    const { users, projects, keys, backups } = latchkey
    const lists = [await users.list(), await projects.list(), await keys.list(), await backups.list()]
    await latchkey.close()
    return lists
  }
  const before = await state()
  const asked: string[] = []
  const answering = (answer: string) => ({
    text: async (message: string) => {
      asked.push(message)
      return answer
    },
  })
  const at = { tty: true, db: home.path, cwd: home.folder }
  expect(await run(line, { ...at, prompts: answering('y') })).toMatchObject({ code: 6, out: '' })
  expect(await state()).toEqual(before)
  expect((await run(line, { ...at, prompts: answering(typed) })).code).toBe(0)
  expect(await state()).not.toEqual(before)
  expect(asked[1]).toEndWith(`\nType ${typed} to continue:`)
})

test('where a restore replaces nothing, y is enough', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.backups.create()
  const asked: string[] = []
  const confirm = async (message: string) => asked.push(message) > 0
  const to = join(home.folder, 'other.db')
  const ran = await run(`restore --latest --to ${to}`, { tty: true, db: home.path, prompts: { confirm } })
  expect({ code: ran.code, asked }).toEqual({
    code: 0,
    asked: [expect.stringMatching(/^Restore .*other\.db from .*, taken \d{4}-\d\d-\d\d \d\d:\d\d \(/)],
  })
})

test.each([
  ['Ctrl-C', '\x03', 130],
  ['Ctrl-D', '\x04', 6],
])('%s leaves the terminal as it was, and nothing done', async (_, keys, code) => {
  await using home = await temporaryLatchkey()
  await home.latchkey.keys.create({ name: 'ci' })
  const script = 'stty -a > before; "$@"; code=$?; stty -a > after; cmp before after && exit $code'
  const drawn = await onTerminal('key revoke', [{ when: /Which key/, keys }], {
    db: home.path,
    cwd: home.folder,
    wrap: command => ['sh', '-c', script, 'sh', ...command],
  })
  expect(drawn.code).toBe(code)
  // The cursor is hidden while a list is drawn, and shown again afterwards.
  expect(drawn.screen.lastIndexOf('\x1b[?25h')).toBeGreaterThanOrEqual(drawn.screen.lastIndexOf('\x1b[?25l'))
  expect(await home.latchkey.keys.get('ci')).toMatchObject({ status: 'active' })
})

test.each([
  ['off a terminal', {}, ''],
  ['with --no-input', { tty: true }, ' --no-input'],
  ['in CI', { tty: true, env: { CI: 'true' } }, ''],
])('%s nothing is asked', async (_, options, flag) => {
  await using home = await temporaryLatchkey()
  for (const line of ['key create', 'user create', 'key show', 'key revoke --yes', 'restore --yes']) {
    const { code, err } = await run(line + flag, { ...options, db: home.path })
    expect({ line, code, asked: err.includes('?') }).toEqual({ line, code: 2, asked: false })
  }
})

test.each(['"$@" </dev/null', '"$@" 2>said', 'CI=1 "$@"', '"$@" --no-input'])(
  'at a terminal, %s alone keeps everything from being asked',
  async redirected => {
    await using home = await temporaryLatchkey()
    await home.latchkey.users.create({ username: 'alice' })
    await home.latchkey.keys.create({ name: 'ci' })
    for (const [line, code] of [
      ['key create', 2],
      ['key show', 2],
      ['key delete ci', 6],
      ['user passwd alice', 2],
    ] as const) {
      const drawn = await onTerminal(line, [], {
        db: home.path,
        cwd: home.folder,
        wrap: command => ['sh', '-c', `${redirected}; echo "code=$?"`, 'sh', ...command],
      })
      const shown = drawn.lines.join('\n')
      expect([line, shown.replaceAll(/latchkey: .*|try: .*/g, '').trim()]).toEqual([line, `code=${code}`])
    }
    expect(await home.latchkey.keys.get('ci')).toMatchObject({ status: 'active' })
  },
)

test('what was given is not asked for, and a command that lacks nothing asks nothing', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  const asked: string[] = []
  const prompts = {
    text: async (message: string) => {
      asked.push(message)
      return asked.length === 1 ? 'ci' : ''
    },
    search: async (message: string) => {
      asked.push(message)
      return ''
    },
  }
  const ran = await run('key create --user alice --expires 9d', { tty: true, db: home.path, prompts })
  expect(asked.map(message => message.split(' ').slice(0, 2).join(' '))).toEqual([
    'Unique name,',
    'Limit, such',
  ])
  expect(ran.err).toContain('latchkey key create --user alice --expires 9d ci\n')
  expect(ran.code).toBe(0)
  expect((await run('key create plain', { tty: true, db: home.path })).code).toBe(0)
})

test('an answer like an option stands behind the end of the options', async () => {
  await using home = await temporaryLatchkey()
  const prompts = { text: async () => '-x.ndjson' }
  const { code, err } = await run('usage ingest', { tty: true, db: home.path, cwd: home.folder, prompts })
  expect(err).toContain('latchkey usage ingest -- -x.ndjson\n')
  expect(code).toBe(3)
})

/** Arguments that a command cannot do without, as `project file get: document`, with what they name. */
const needed = (await Promise.all(Object.keys(tree).map(noun => namedCommands(tree, noun))))
  .flat()
  .flatMap(({ words, declaration }) =>
    Object.entries(declaration.args).flatMap(([name, declared]) => {
      const isNeeded = declared.unless !== undefined || ['one', 'many'].includes(declared.kind)
      const subject = declared.isNew ? undefined : subjectOfArgument(name, declared)
      return isNeeded ? [[`${words.join(' ')}: ${name}`, subject] as const] : []
    }),
  )

test('what can be listed is picked: only names of new things and other texts are typed', () => {
  const typed = needed.flatMap(([argument, subject]) => (subject === undefined ? [argument] : []))
  expect(typed.toSorted()).toEqual([
    'access check: permission',
    'chat rename: title',
    'chat search: words',
    'db copy: from',
    'db copy: to',
    'db query: sql',
    'invitation create: email',
    'key create: name',
    'key limit set: limits',
    'org create: name',
    'org limit set: limits',
    'project create: name',
    'project file mv: to',
    'project file put: document',
    'project limit set: limits',
    'project state file add: document',
    'project state message add: content',
    'project state phase add: name',
    'role create: name',
    'team create: name',
    'team limit set: limits',
    'usage price set: model',
    'user create: username',
    'user limit set: limits',
  ])
  const files = needed.flatMap(([argument, subject]) => (subject === 'file' ? [argument.split(': ')[1]] : []))
  expect([...new Set(files)].toSorted()).toEqual(['file', 'folder', 'source'])
})

/** Runs a command without its last argument. Returns the question, and what it offers at first and by what is typed. */
async function offers(line: string, typed: string, db: string) {
  const offered: string[][] = []
  let asked = ''
  const search = async (message: string, find: (typed: string) => Promise<readonly Choice[]>) => {
    asked = message
    for (const each of ['', typed, 'zz'])
      offered.push((await find(each)).map(({ value, name = value }) => name).toSorted())
    throw new LatchkeyError('interrupted', 'enough', 'nothing')
  }
  const { code, err } = await run(line, { tty: true, db, prompts: { search } })
  return { code, err, asked, offered }
}

test('who gets something is picked from those who are not disabled, and any user to look at', async () => {
  await using home = await temporaryLatchkey()
  const { users, projects } = home.latchkey
  for (const username of ['alice', 'bob', 'gone']) await users.create({ username })
  await projects.create({ name: 'Shop', owner: 'alice' })
  await users.disable('bob')
  await users.erase('gone')
  const offered = async (line: string) => (await offers(line, 'b', home.path)).offered[0]
  for (const line of ['project create Lab', 'project transfer shop', 'org create Acme', 'chat create'])
    expect([line, await offered(line)]).toEqual([line, ['alice']])
  expect(await offered('user enable')).toEqual(['alice', 'bob', expect.stringMatching(/^erased-/)])
})

test('what belongs to what was named before is picked: files, phases, limits, invitations, changes, prices', async () => {
  await using home = await temporaryLatchkey(new Date().toISOString())
  const { users, projects, organizations, invitations, agents, files, keys, limits, usage } = home.latchkey
  const named = new Set(needed.map(([, subject]) => subject))
  await users.create({ username: 'alice' })
  const none = async (line: string) => (await run(line, { tty: true, db: home.path, prompts: {} })).err
  await projects.create({ name: 'Shop', owner: 'alice' })
  await projects.create({ name: 'Other', owner: 'alice' })
  expect(await none('project file rm shop')).toContain('try: write one with: latchkey project file put')
  expect(await none('invitation cancel')).toContain('try: make one with: latchkey invitation create')
  await organizations.create({ name: 'Acme', owner: 'alice' })
  await keys.create({ name: 'ci' })
  for (const path of ['plan.md', 'src/cart.ts', 'src/page.ts']) await files.put('shop', path, 'x')
  await files.put('other', 'secret.md', 'x')
  for (const name of ['Layout', 'Cart']) await agents.addPhase('shop', { name })
  for (const email of ['bob@example.org', 'dan@example.org']) await invitations.create({ org: 'acme', email })
  const windows = [
    { metric: 'tokens', amount: 1, windowMs: 5 * 3_600_000 },
    { metric: 'usd', amount: 2, period: 'month' },
    { metric: 'parallel', amount: 3 },
  ] as const
  await limits.set({ key: 'ci' }, windows)
  // They bind the key too, but are removed elsewhere, or otherwise.
  await keys.update('ci', { user: 'alice' })
  await limits.set({ user: 'alice' }, [{ metric: 'requests', amount: 9, windowMs: 3_600_000 }])
  await limits.set({ key: 'ci' }, [{ metric: 'requests', amount: 9, period: 'week', each: true }])
  await limits.set({ project: 'shop', member: 'alice' }, [{ metric: 'requests', amount: 9, period: 'day' }])
  for (const model of ['gpt-x', 'glm-5']) await usage.prices.set(model, { inputUsd: 1, outputUsd: 2 })
  const paths = ['plan.md', 'src/cart.ts', 'src/page.ts']
  for (const [line, subject, typed, all, some] of [
    ['project file get shop', 'document', 'src', paths, paths.slice(1)],
    ['project file rm shop', 'document', 'plan', paths, ['plan.md']],
    ['project file mv shop', 'document', 'cart', paths, ['src/cart.ts']],
    ['project state phase complete shop', 'phase', 'la', ['Cart', 'Layout'], ['Layout']],
    ['invitation cancel', 'invitation', 'bob', ['bob@example.org', 'dan@example.org'], ['bob@example.org']],
    ['key limit remove ci', 'limit', 'tok', ['parallel', 'tokens/5h', 'usd/month'], ['tokens/5h']],
    ['key limit remove ci --each', 'limit', 'req', ['requests/week'], ['requests/week']],
    ['project limit remove shop --member alice', 'limit', 'day', ['requests/day'], ['requests/day']],
    ['usage price remove', 'model', 'gpt', ['glm-5', 'gpt-x'], ['gpt-x']],
  ] as const) {
    expect(named).toContain(subject)
    expect([line, await offers(line, typed, home.path)]).toEqual([
      line,
      { code: 130, err: expect.any(String), asked: `Which ${subject}?`, offered: [[...all], [...some], []] },
    ])
  }
  // An id is found by its beginning, as it can be typed, and not by letters that it has anywhere.
  const { id } = (await invitations.list({ status: 'pending' })).invitations[0]!
  expect((await offers('invitation cancel', id, home.path)).offered[1]).toHaveLength(1)
  expect((await offers('invitation cancel', id.slice(5), home.path)).offered[1]).toEqual([])
  const changes = await offers('audit show', 'price', home.path)
  expect([changes.asked, changes.offered[1]]).toEqual(['Which change?', ['price.set', 'price.set']])
  // The project may be an answer itself, and a choice is the answer of the command.
  const answers = ['shop', 'src/cart.ts']
  const search = async () => answers.shift() ?? ''
  const gotten = await run('project file rm --yes', { tty: true, db: home.path, prompts: { search } })
  expect([gotten.code, gotten.err]).toEqual([
    0,
    expect.stringContaining('project file rm --yes shop src/cart.ts'),
  ])
  expect((await files.list('shop')).files.map(({ path }) => path)).toEqual(['plan.md', 'src/page.ts'])
})

const named = (await Promise.all(Object.keys(tree).map(noun => namedCommands(tree, noun))))
  .flat()
  .filter(({ words }) => words.at(-1) !== 'create')
  .flatMap(({ words, declaration }) =>
    Object.keys(declaration.args)
      .slice(0, 1)
      .filter(name => ['key', 'user', 'project'].includes(name))
      .map(name => [words.join(' '), name] as const),
  )

test('there are commands that name a key, a user or a project', () => {
  expect(new Set(named.map(([, name]) => name)).size).toBe(3)
  expect(named.length).toBeGreaterThan(30)
})

describe('of three of each', () => {
  let home: TestLatchkey
  beforeAll(async () => {
    home = await temporaryLatchkey()
    const { users, projects, keys } = home.latchkey
    for (const each of ['alpha', 'beta', 'alpine']) {
      await users.create({ username: each })
      await projects.create({ name: each, owner: each })
      await keys.create({ name: each })
    }
  })
  afterAll(() => home[Symbol.asyncDispose]())

  test.each(named)(
    '%s without its %s offers those there are, fewer with every letter',
    async (line, name) => {
      const offered: (readonly string[])[] = []
      const search = async (message: string, find: (typed: string) => Promise<readonly Choice[]>) => {
        expect(message).toBe(`Which ${name}?`)
        for (const typed of ['', 'al', 'alpi', 'zz'])
          offered.push((await find(typed)).map(({ value }) => value).toSorted())
        throw new LatchkeyError('interrupted', 'enough', 'nothing')
      }
      const ran = await run(line, { tty: true, db: home.path, prompts: { search } })
      expect(offered).toEqual([['alpha', 'alpine', 'beta'], ['alpha', 'alpine'], ['alpine'], []])
      expect(ran).toMatchObject({ code: 130, out: '' })
    },
  )
})

test('~/ in the name of a file is the home of who types it', async () => {
  using folder = temporaryFolder()
  folder.write('log.ndjson', '')
  const env = { HOME: folder.path }
  const answers = ['~/gate.db', '', '~/log.ndjson']
  const at = { tty: true, env, cwd: folder.file('.'), prompts: { text: async () => answers.shift() ?? '' } }
  const made = await run('init', at)
  expect(made).toMatchObject({ code: 0, out: expect.stringContaining(`Created ${folder.file('gate.db')}\n`) })
  const counted = await run(['usage', 'ingest', '--db', folder.file('gate.db')], at)
  expect(counted).toMatchObject({ code: 0, out: expect.stringContaining(folder.file('log.ndjson')) })
  expect(existsSync(folder.file('~'))).toBe(false)
})

test('where there is nothing to choose, it says how to have it', async () => {
  await using home = await temporaryLatchkey()
  for (const [line, hint] of [
    ['key show', 'latchkey key create'],
    ['user disable', 'latchkey user create'],
    ['restore', 'latchkey backup create'],
  ] as const) {
    const { code, err } = await run(line, { tty: true, db: home.path })
    expect({ code, said: err.includes(hint) }).toEqual({ code: 3, said: true })
  }
})

test.each([
  [['key', 'show', 'ci'], 'latchkey key show ci'],
  [['a b', "it's", '*', ''], `latchkey 'a b' 'it'\\''s' '*' ''`],
])('%j is pasted as %s', (argv, line) => {
  expect(shellLine(argv)).toBe(line)
})
