/** The key commands as typed. */
import { expect, test } from 'bun:test'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Key } from '../../../contract/views.ts'
import { temporaryLatchkey } from '../../../testing/latchkey.ts'
import { onTerminal } from '../../../testing/process.ts'
import { type RunOptions, run } from '../../../testing/run.ts'

const day = 86_400_000

async function home() {
  const home = await temporaryLatchkey()
  const key = (line: string | readonly string[], options: RunOptions = {}) =>
    run(typeof line === 'string' ? `key ${line}` : ['key', ...line], {
      db: home.path,
      cwd: home.folder,
      now: home.clock.now,
      ...options,
    })
  return {
    ...home,
    key,
    file: (name: string) => join(home.folder, name),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

/** Each nullable field: how to set it, how to clear it, and its values then. */
const setters: readonly (readonly [keyof Key, readonly string[], string, unknown, unknown])[] = [
  ['user', ['--user', 'bob'], '--no-user', { username: 'bob' }, null],
  ['project', ['--project', 'site'], '--no-project', { slug: 'site' }, null],
  ['model', ['--model', 'm2'], '--no-model', 'm2', null],
  ['allowedModels', ['--allow-model', 'a*', '--allow-model', 'b'], '--no-allow-model', ['a*', 'b'], null],
  ['scopes', ['--scope', 'x:y', '--scope', 'z'], '--no-scope', ['x:y', 'z'], []],
  ['expiresAt', ['--expires', '2027-05-01T00:00:00Z'], '--no-expires', '2027-05-01T00:00:00.000Z', null],
  ['metadata', ['--metadata', '{"a":[1]}'], '--no-metadata', { a: [1] }, null],
]

test.each(setters)(
  'key update: a %s that is given, one that is cleared and one not named are three things',
  async (field, set, clear, value, none) => {
    await using at = await home()
    const { users, projects, keys } = at.latchkey
    for (const username of ['alice', 'bob']) await users.create({ username })
    for (const name of ['Shop', 'Site']) await projects.create({ name, owner: 'alice' })
    await keys.create({
      name: 'full',
      user: 'alice',
      project: 'shop',
      model: 'glm-4.7',
      allowedModels: ['glm-*'],
      scopes: ['chat:write'],
      expiresAt: new Date('2027-01-01T00:00:00Z'),
      metadata: { team: 'core' },
      limits: [{ metric: 'tokens', amount: 100, windowMs: day }],
    })
    const shown = async () => (await at.key('show full --json')).json<Record<string, unknown>>()
    const { [field]: was, ...rest } = await shown()
    expect(was).not.toEqual(none)
    const update = async (words: readonly string[]) => {
      const { code, err } = await at.key(['update', 'full', ...words])
      expect([code, err]).toEqual([0, ''])
      return shown()
    }
    const same = (after: Record<string, unknown>) => {
      const { [field]: _, updatedAt: __, ...others } = after
      const { updatedAt: ___, ...before } = rest
      expect(others).toEqual(before)
    }
    const untouched = await update(['--name', 'full'])
    expect(untouched[field]).toEqual(was)
    const after = await update(set)
    expect(after[field]).toEqual(
      typeof value === 'object' && !Array.isArray(value) ? expect.objectContaining(value as object) : value,
    )
    same(after)
    const cleared = await update([clear])
    expect(cleared[field]).toEqual(none)
    same(cleared)
  },
)

test('key update: a limit of 0, no limit and one not named are three things', async () => {
  await using at = await home()
  await at.key('create ci --limit tokens=100/5h --limit usd=20/30d')
  const limits = async (words: string) => {
    await at.key(`update ci ${words}`)
    return (await at.key('show ci --json')).json<Key>().limits.map(limit => `${limit.metric}=${limit.amount}`)
  }
  expect(await limits('--model x')).toEqual(['tokens=100', 'usd=20'])
  expect(await limits('--limit tokens=0/5h')).toEqual(['tokens=0', 'usd=20'])
  expect(await limits('--no-limit tokens')).toEqual(['usd=20'])
})

test.each(['disable', 'enable', 'revoke', 'update --scope a:b', 'delete'])(
  'key %s --all-matching asks for the number of keys, and does nothing without it',
  async verb => {
    await using at = await home()
    await at.key('create k --count 3')
    await at.key('disable k-1')
    if (verb === 'enable') for (const n of [2, 3]) await at.key(`disable k-${n}`)
    const count = verb === 'disable' ? 2 : 3
    const line = `${verb} --search k- --all-matching`
    const state = async () => JSON.stringify(await at.latchkey.keys.list())
    const before = await state()
    expect(await at.key(line)).toMatchObject({ code: 6, out: '' })
    const asked: string[] = []
    const answering = (answer: string) => ({
      tty: true,
      prompts: {
        text: async (message: string) => {
          asked.push(message)
          return answer
        },
      },
    })
    const declined = await at.key(line, answering('y'))
    expect(declined).toMatchObject({ code: 6, out: '' })
    expect(declined.err).toContain('k-3')
    expect(asked[0]).toContain(`these ${count} keys`)
    expect(await state()).toBe(before)
    expect(await at.key(`${line} --dry-run --json`)).toMatchObject({ code: 0 })
    expect(await state()).toBe(before)
    expect(await at.key(`${line} --expect-count 4 --yes`)).toMatchObject({ code: 5, out: '' })
    expect(await state()).toBe(before)
    expect((await at.key(line, answering(String(count)))).code).toBe(0)
    expect(await state()).not.toBe(before)
  },
)

test('a list that was narrowed to nothing does not say that there is nothing', async () => {
  await using home = await temporaryLatchkey()
  const options = { db: home.path }
  expect((await run('key list', options)).err).toStartWith('No keys. Create one with: ')
  await home.latchkey.keys.create({ name: 'ci' })
  const disabled = await run('key list --status disabled', options)
  expect(disabled).toMatchObject({
    code: 0,
    out: '',
    err: 'No keys match. List all with: latchkey key list\n',
  })
})

test('what changed between the list and the answer is not changed along', async () => {
  await using at = await home()
  await at.key('create k --count 2')
  const { code, err } = await at.key('revoke --search k- --all-matching', {
    tty: true,
    prompts: {
      text: async () => {
        await at.latchkey.keys.create({ name: 'k-new' })
        await at.latchkey.keys.delete('k-1')
        return '2'
      },
    },
  })
  expect([code, err.includes('changed since they were listed')]).toEqual([5, true])
  expect(await at.latchkey.keys.list({ status: 'revoked' })).toEqual([])
})

test('several changed keys are an array, none an empty one, and recent use is warned of', async () => {
  await using at = await home()
  await at.key('create k --count 2')
  await at.latchkey.usage.record('k-2', { inputTokens: 1, at: new Date(at.clock.now.getTime() - 6 * day) })
  const off = await at.key('disable --search k- --all-matching --yes --json')
  expect(off.json<Key[]>().map(key => key.status)).toEqual(['disabled', 'disabled'])
  expect(off.err).toBe('Used within the last 7 days: 1 of 2 (k-2)\n')
  expect(await at.key('disable --search k- --all-matching --yes --json')).toMatchObject({
    out: '[]\n',
    code: 0,
  })
  const one = await at.key('enable k-2 --json')
  expect(one.json<Key>().status).toBe('active')
  const two = await at.key('update --search k- --all-matching --where-user nobody --yes')
  expect([two.code, two.out]).toEqual([3, ''])
})

test.each([
  ['revoke', "missing required argument 'key'\ntry: name a key, or add --all-matching"],
  ['revoke --yes', "missing required argument 'key'"],
  ['disable --user alice', 'filters need --all-matching'],
  ['revoke ci --all-matching --yes', 'exclude each other'],
  ['disable ci --search x', 'exclude each other'],
  ['delete --all-matching --yes', 'every key would match'],
  ['list --sort color', 'is not a sort order'],
  ['create x --raw --out y', 'exclude each other'],
  ['create x --raw --json', 'only the secret'],
  ['create x --out -', 'a new file, not -'],
  ['create x --out none/y', 'there is no folder'],
])('key %s is refused as usage', async (line, words) => {
  await using at = await home()
  await at.key('create ci')
  const { code, out, err } = await at.key(line)
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain(words)
  expect(await at.latchkey.keys.list()).toHaveLength(1)
})

test('what looks like a filter but is what keys get is told apart, and no number of keys is asked for', async () => {
  await using at = await home()
  const { users, keys } = at.latchkey
  for (const username of ['u1', 'u2']) await users.create({ username })
  for (const name of ['a', 'b']) await keys.create({ name, user: 'u1' })
  const update = (line: string, tty = false) => at.key(`update ${line} --all-matching`, { tty })
  for (const [line, what, filters] of [
    ['--user u2 --limit tokens=9k/1d', '--user is', '--where-user u2'],
    ['--user u2 --yes', '--user is', '--where-user u2'],
    ['--user u2 --dry-run', '--user is', '--where-user u2'],
    [
      '--project shop --scope a --scope b --yes',
      '--project and --scope are',
      '--where-project shop --where-scope a',
    ],
    ["--model 'gpt x' --no-user --yes", '--model is', "--where-model 'gpt x'"],
  ] as const)
    for (const tty of [false, true])
      expect(await update(line, tty)).toEqual(
        expect.objectContaining({
          code: 2,
          err: `latchkey: without a filter, every key would match; here ${what} what the keys get\ntry: to choose keys: ${filters}\n`,
        }),
      )
  expect((await update('--no-user --limit tokens=9k/1d --yes')).err).toContain('--expect-count')
  expect((await keys.list()).map(({ user, limits }) => [user?.username, limits.length])).toEqual([
    ['u1', 0],
    ['u1', 0],
  ])
  // Whoever counts them, or chooses some, means it.
  expect((await update('--user u2 --where-user u1 --expect-count 2 --yes')).code).toBe(0)
  expect((await update('--user u1 --expect-count 2 --yes')).code).toBe(0)
})

test('a command to paste runs nothing that stands in a name', async () => {
  await using at = await home()
  const { err } = await at.key(['create', "$(touch x) ; 'y'"])
  expect(err).toContain("latchkey key update '$(touch x) ; '\\''y'\\''' --user USER")
})

test('--raw prints the secret alone, --out nothing but the path of a new file', async () => {
  await using at = await home()
  const raw = await at.key('create a --raw')
  expect((await at.latchkey.keys.verify(raw.out.trimEnd())).key?.name).toBe('a')
  expect(raw.err).toMatch(/^Created key a \(key_\w+\)\nIt has no owner, no limit and no expiry\. Set them/)
  expect((await at.key('create bound --expires 9d --raw')).err).toMatch(/^Created key bound \(key_\w+\)\n$/)
  expect((await at.key('create r --raw --count 3')).out.trimEnd().split('\n')).toHaveLength(3)

  const out = await at.key('create b --out secret.txt')
  expect([out.code, out.out]).toEqual([0, `${at.file('secret.txt')}\n`])
  expect(statSync(at.file('secret.txt')).mode & 0o777).toBe(0o600)
  const secret = readFileSync(at.file('secret.txt'), 'utf8')
  expect((await at.latchkey.keys.verify(secret.trimEnd())).key?.name).toBe('b')
  const rotated = await at.key('rotate b --out next.txt --json')
  expect(rotated.json<object>()).toMatchObject({ secret: null, secretFile: at.file('next.txt') })
  expect((await at.latchkey.keys.verify(readFileSync(at.file('next.txt'), 'utf8').trimEnd())).valid).toBe(
    true,
  )

  const many = await at.key('create c --count 2 --out many.ndjson -q')
  const lines = readFileSync(at.file('many.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.map(line => Object.keys(line))).toEqual([
    ['id', 'name', 'secret'],
    ['id', 'name', 'secret'],
  ])
  expect(many.out).toBe(`${lines.map(line => line.id).join('\n')}\n`)
  expect((await at.latchkey.keys.verify(lines[1].secret)).key?.name).toBe('c-2')
})

test('a file that is there is never written over, and no key is made then', async () => {
  await using at = await home()
  await at.key('create ci')
  writeFileSync(at.file('here'), 'mine')
  for (const line of ['create x --out here', 'create x --out here --dry-run', 'rotate ci --out here']) {
    expect(await at.key(line)).toMatchObject({ code: 5, out: '' })
  }
  expect(readFileSync(at.file('here'), 'utf8')).toBe('mine')
  expect(await at.latchkey.keys.list()).toHaveLength(1)
  expect(await at.latchkey.audit.list({ action: 'key.rotate' })).toEqual([])
})

test('a command that fails, runs dry or repeats itself leaves no file', async () => {
  await using at = await home()
  await at.key('create ci')
  await at.key('rotate ci --request-id x')
  for (const [line, code] of [
    ['create ci --out f', 5],
    ['create x --user nobody --out f', 3],
    ['rotate nothing --out f', 3],
    ['create x --out f --dry-run', 0],
    ['rotate ci --request-id x --out f', 0],
  ] as const) {
    expect([line, (await at.key(line)).code]).toEqual([line, code])
    expect(existsSync(at.file('f'))).toBe(false)
  }
})

test('a script may create the same key twice, and delivers its secret once', async () => {
  await using at = await home()
  const line = 'create x --limit tokens=5/1h --expires 90d --if-not-exists'
  expect((await at.key(`${line} --out x.txt`)).code).toBe(0)
  const secret = readFileSync(at.file('x.txt'), 'utf8')
  at.clock.now = new Date(at.clock.now.getTime() + day)
  const again = await at.key(`${line} --out x.txt`)
  expect(again).toMatchObject({ code: 0, out: '' })
  expect(again.err).toMatch(/^Unchanged: key x \(key_\w+\) already exists\n$/)
  expect(readFileSync(at.file('x.txt'), 'utf8')).toBe(secret)
  expect(await at.key(`${line} --raw`)).toMatchObject({ code: 0, out: '' })
  expect((await at.key(`${line} --json`)).json<object>()).toMatchObject({ created: false, secret: null })
  expect((await at.key(`${line} --scope a:b`)).code).toBe(5)
})

test('a file that cannot be kept makes no key', async () => {
  await using at = await home()
  const folder = at.file('leaving')
  mkdirSync(folder)
  // The folder disappears while the key is being created.
  const now = () => {
    rmSync(folder, { recursive: true, force: true })
    return at.clock.now
  }
  expect(await at.key('create x --out leaving/f', { now })).toMatchObject({ code: 2, out: '' })
  expect(existsSync(folder)).toBe(false)
  expect(await at.latchkey.keys.list()).toEqual([])
})

test.skipIf(process.getuid?.() === 0)('a folder that may not be written to makes no key', async () => {
  await using at = await home()
  mkdirSync(at.file('closed'), { mode: 0o500 })
  expect((await at.key('create x --out closed/f')).code).toBe(78)
  expect(await at.latchkey.keys.list()).toEqual([])
})

test('lists stream in every format that programs read, and agree with each other', async () => {
  await using at = await home()
  await at.latchkey.keys.createMany(
    { name: 'k', limits: [{ metric: 'usd', amount: 0.5, windowMs: day }], metadata: { a: 'é"' } },
    2_500,
  )
  const json = await at.key('list --json')
  const rows = json.json<Key[]>()
  expect(rows).toHaveLength(2_500)
  expect(json.out).toBe(`${JSON.stringify(rows, null, 2)}\n`)
  expect((await at.key('list -o ndjson')).out).toBe(rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  expect((await at.key('list -q')).out).toBe(rows.map(row => `${row.id}\n`).join(''))
  expect((await at.key('list -o csv --fields name')).out).toBe(
    `name\n${rows.map(row => `${row.name}\n`).join('')}`,
  )
  expect(Bun.YAML.parse((await at.key('list -o yaml --limit 3')).out)).toEqual(rows.slice(0, 3))
  expect((await at.key('list --search nothing --json')).out).toBe('[]\n')
  expect((await at.key('list --user nobody --json')).out).toBe('')
  const page = await at.key('list --sort -name --limit 2 --after k-999 -o csv --fields name')
  expect(page.out).toBe('name\nk-998\nk-997\n')
})

test('a wide list shows the tokens of 14 days, and no other format holds them', async () => {
  await using at = await home()
  await at.key('create ci')
  await at.latchkey.usage.record('ci', { inputTokens: 5 })
  expect((await at.key('list -o wide', { tty: true })).out).toContain('▁▁▁▁▁▁▁▁▁▁▁▁▁█')
  expect((await at.key('list -o wide --chart always')).out).toContain('▁▁▁▁▁▁▁▁▁▁▁▁▁█')
  expect((await at.key('list -o wide')).out).not.toContain('14 DAYS')
  expect(Object.keys((await at.key('list --json')).json<object[]>()[0]!)).not.toContain('activity')
})

test('a reader that leaves early ends a list without a fuss', async () => {
  await using at = await home()
  await at.latchkey.keys.createMany({ name: 'k' }, 3_000)
  const child = Bun.spawn(
    [
      'sh',
      '-c',
      '"$0" "$1" key list -o ndjson | head -1',
      process.execPath,
      join(import.meta.dir, '../../../../bin/latchkey.ts'),
    ],
    {
      env: { ...process.env, HOME: at.folder, LATCHKEY_DB: at.path },
      stdout: 'pipe',
      stderr: 'pipe',
    },
  )
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()])
  expect([out.split('\n').length, err]).toEqual([2, ''])
})

test('key identify exits 4 for a live secret, 0 for others, and never shows one', async () => {
  await using at = await home()
  const { secret } = (await at.key('create ci --json')).json<{ secret: string }>()
  const live = await at.key('identify', { stdin: `key="${secret}"` })
  expect(live.code).toBe(4)
  expect(live.err).toMatch(/latchkey key revoke key_\w+ --reason leaked/)
  const command = /key revoke (key_\w+) --reason leaked/.exec(live.err)!
  expect((await at.key(`revoke ${command[1]} --reason leaked --yes`)).code).toBe(0)
  const dead = await at.key('identify --json', { stdin: new Uint8Array([0, 255, ...Buffer.from(secret), 7]) })
  expect([dead.code, dead.json<object[]>()]).toMatchObject([
    0,
    [{ status: 'revoked', live: false, revoke: null }],
  ])
  for (const text of [live.out, live.err, dead.out, dead.err]) expect(text).not.toContain(secret.slice(9))
  const typed = await at.key(['identify', secret])
  expect([typed.code, typed.out]).toEqual([2, ''])
  expect(typed.err).not.toContain(secret.slice(9))
})

test('key identify looks through a file, and says when there is none', async () => {
  await using at = await home()
  const { secret } = (await at.key('create ci --json')).json<{ secret: string }>()
  writeFileSync(at.file('app.log'), `GET / ${secret}\n`)
  const found = await at.key('identify app.log --json')
  expect([found.code, found.json()]).toMatchObject([4, [{ live: true, line: 1 }]])
  expect(await at.key('identify - --json', { stdin: 'nothing' })).toMatchObject({ code: 0, out: '[]\n' })
  expect((await at.key('identify gone.log')).code).toBe(3)
  expect((await at.key('identify .')).code).toBe(2)
})

test('key import tells each bad row on a line of its own', async () => {
  await using at = await home()
  writeFileSync(at.file('keys.ndjson'), '{"name":"a"}\n{"hash":"x"}\nno\n')
  const { code, err } = await at.key('import keys.ndjson')
  expect(code).toBe(2)
  const [first, ...rest] = err.split('\n')
  expect(first).toMatch(/^latchkey: 3 rows of .*keys.ndjson cannot be imported, so nothing was imported:$/)
  expect(rest).toEqual([
    '  line 1 has neither a hash nor a secret',
    expect.stringMatching(/^ {2}line 2 /),
    expect.stringMatching(/^ {2}line 3 /),
    'try: correct them, or import the other rows with --skip-bad',
    '',
  ])
})

test('a secret is taken as it was pasted', async () => {
  await using at = await home()
  const { secret, id } = (await at.key('create ci --json')).json<{ secret: string; id: string }>()
  for (const stdin of [`Bearer ${secret}`, `  ${secret}  \n`, `Authorization: Bearer ${secret}\r\n`]) {
    expect(await at.key('verify -', { stdin })).toMatchObject({ code: 0 })
    expect((await at.key('show - --json', { stdin })).json()).toMatchObject({ id })
    expect((await at.key('stats - --json', { stdin })).json()).toMatchObject({ key: { id } })
  }
})

test('text can be pasted at a terminal, until Ctrl-D', async () => {
  await using at = await home()
  const { secret } = (await at.key('create ci --json')).json<{ secret: string }>()
  const { code, screen } = await onTerminal('key identify', [{ when: /Paste/, keys: `${secret}\r\x04` }], {
    db: at.path,
  })
  expect(code).toBe(4)
  expect(screen).toContain('fits')
})

test('an import that leaves rows out exits 8, one that is refused 2', async () => {
  await using at = await home()
  const stdin = '{"name":"a","secret":"sk-a"}\n{"name":"b"}\n'
  expect(await at.key('import -', { stdin })).toMatchObject({ code: 2, out: '' })
  expect(await at.key('import - --skip-bad --json', { stdin })).toMatchObject({ code: 8 })
  expect((await at.latchkey.keys.list()).map(key => key.name)).toEqual(['a'])
  expect((await at.key('import none.csv')).code).toBe(3)
})

test.each([
  'key identify S',
  'S',
  'key S',
  'key show ci S',
  'key create x --expires S',
  'key list --sort S',
  'key import S',
  'key create x --out S/y',
  'key list --user S',
  'key list --S',
])('%s does not repeat the secret S that was typed by mistake', async line => {
  await using at = await home()
  const { secret } = (await at.key('create ci --json')).json<{ secret: string }>()
  const { code, out, err } = await run(line.replace('S', secret), { db: at.path })
  expect(code).not.toBe(0)
  expect(out + err).not.toContain(secret.slice(9, 20))
})
