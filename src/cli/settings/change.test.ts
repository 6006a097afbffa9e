import { expect, test } from 'bun:test'
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { temporaryFolder } from '../../testing/folder.ts'
import { run } from '../../testing/run.ts'
import { withSetting } from './change.ts'

const before = `# What this machine runs
db = "old.db" # the big one
tz = 'UTC'

[backup.keep]
daily = 7

[profile.prod]
db = "prod.db"

[profile."two words"]
tz = "UTC"
`

test.each<[string, Parameters<typeof withSetting> extends [string, string, ...infer R] ? R : never, string]>([
  ['a value in its place', ['db', 'new.db'], before.replace('"old.db"', '"new.db"')],
  ['a value that has quotes', ['db', 'a "b"\\c.db'], before.replace('"old.db"', '"a \\"b\\"\\\\c.db"')],
  [
    'a new setting at the end of the top',
    ['output', 'json'],
    before.replace("tz = 'UTC'\n", 'tz = \'UTC\'\noutput = "json"\n'),
  ],
  ['nothing of a setting that goes', ['tz', null], before.replace("tz = 'UTC'\n", '')],
  ['a value of a profile', ['db', 'x.db', 'prod'], before.replace('"prod.db"', '"x.db"')],
  [
    'a new setting of a profile',
    ['tz', 'UTC', 'prod'],
    before.replace('"prod.db"\n', '"prod.db"\ntz = "UTC"\n'),
  ],
  [
    'a profile of an odd name',
    ['tz', 'Asia/Tokyo', 'two words'],
    before.replace('words"]\ntz = "UTC"', 'words"]\ntz = "Asia/Tokyo"'),
  ],
  ['a new profile', ['db', 'dev.db', 'dev'], `${before}\n[profile.dev]\ndb = "dev.db"\n`],
])('%s is all that changes', (_, change, after) => {
  expect(withSetting('f.toml', before, ...change)).toBe(after)
})

test('line ends, the comment behind a value and the one above a table stay', () => {
  const text = 'tz = "UTC" # zone\r\n\r\n# about prod\r\n[profile.prod]\r\n'
  expect(withSetting('f.toml', text, 'tz', 'Asia/Tokyo')).toBe(text.replace('UTC', 'Asia/Tokyo'))
  expect(withSetting('f.toml', text, 'db', 'x.db')).toBe(
    text.replace('# zone\r\n', '# zone\r\ndb = "x.db"\r\n'),
  )
})

test('a policy that is a table is left to a person', () => {
  for (const value of ['daily=3', null])
    expect(() => withSetting('f.toml', before, 'backup_keep', value)).toThrow('[backup.keep]')
})

test('an empty file gets what is set', () => {
  expect(withSetting('f.toml', '', 'db', 'x.db')).toBe('db = "x.db"\n')
  expect(withSetting('f.toml', '', 'db', 'x.db', 'prod')).toBe('[profile.prod]\ndb = "x.db"\n')
  expect(withSetting('f.toml', '', 'db', null)).toBe('')
})

test.each([
  ['a value over several lines', 'db = """\nold.db"""\n', 'db' as const],
  ['a table in one line', 'profile = { prod = { db = "x" } }\n', 'db' as const],
])('%s is left to a person', (name, text, setting) => {
  const profile = name.startsWith('a table') ? 'prod' : undefined
  expect(() => withSetting('f.toml', text, setting, 'new.db', profile)).toThrow(
    'cannot be changed without changing more',
  )
})

function home() {
  const folder = temporaryFolder()
  for (const name of ['home', 'here']) mkdirSync(folder.file(name))
  const env = { HOME: folder.file('home') }
  return {
    folder,
    env,
    here: folder.file('here/latchkey.toml'),
    user: folder.file('home/.config/latchkey/latchkey.toml'),
    run: (line: string, more = {}) => run(line, { env: { ...env, ...more }, cwd: folder.file('here') }),
    [Symbol.dispose]: () => folder.remove(),
  }
}

test('set writes into the file of the user, or with --here into this folder; get and unset follow', async () => {
  using at = home()
  at.folder.write('here/latchkey.toml', 'output = "table"\n')
  expect((await at.run('config set output csv')).err).toContain('wins in this folder')
  await at.run('config unset output')
  await at.run('config unset output --here')
  expect(await at.run('config set tz Europe/Berlin')).toMatchObject({ code: 0, err: '' })
  expect(statSync(at.user).mode & 0o777).toBe(0o600)
  expect((await at.run('config get tz')).out).toBe('Europe/Berlin\n')
  await at.run('config set tz Asia/Tokyo --here')
  expect((await at.run('config get tz --json')).json()).toEqual({
    name: 'tz',
    value: 'Asia/Tokyo',
    source: at.here,
  })
  await at.run('config unset tz --here')
  expect((await at.run('config get tz')).out).toBe('Europe/Berlin\n')
  expect((await at.run('config set backup-dir /srv/b --dry-run')).code).toBe(0)
  expect(readFileSync(at.user, 'utf8')).toBe('tz = "Europe/Berlin"\n')
})

test('whether anything had to be changed is said', async () => {
  using at = home()
  for (const [line, changed, said] of [
    ['config set tz UTC', true, 'Set tz to UTC in '],
    ['config set tz UTC', false, 'Unchanged: tz is already UTC in '],
    ['config unset tz', true, 'Removed tz from '],
    ['config unset tz', false, 'Unchanged: tz is not set in '],
  ] as const) {
    const text = () => (existsSync(at.user) ? readFileSync(at.user, 'utf8') : '')
    const before = text()
    expect((await at.run(`${line} --dry-run`)).out).toBe(
      changed
        ? `Would ${line.includes('unset') ? 'remove tz from' : 'set tz to UTC in'} ${at.user}\n`
        : 'Would change nothing\n',
    )
    expect((await at.run(`${line} --dry-run --json`)).json()).toMatchObject({ changed, dryRun: true })
    expect(text()).toBe(before)
    expect((await at.run(line)).out).toBe(`${said}${at.user}\n`)
    // It had to be changed once.
    if (changed) await Bun.write(at.user, before)
    expect((await at.run(`${line} --json`)).json()).toMatchObject({ changed })
  }
})

test('a bad value is wrong usage, wherever it was typed, and no flag is blamed that is not there', async () => {
  using at = home()
  for (const [name, value] of [
    ['backup_keep', 'foo'],
    ['tz', 'Mars'],
    ['unpriced', 'perhaps'],
    ['max_end_users', '0'],
    ['output', 'jsn'],
    ['db', 'mysql://a/b'],
    ['backup_dir', 'mysql://a/b'],
    ['age_recipients_file', 's3://a/b'],
  ] as const) {
    const { code, err } = await at.run(`config set ${name} ${value}`)
    expect({ name, code, err }).toEqual({ name, code: 2, err: expect.stringContaining(`'${value}'`) })
    expect(err).not.toContain('from flag')
    const variable = `LATCHKEY_${name.toUpperCase()}`
    const other = await at.run('key list', { [variable]: value })
    expect({ name, code: other.code, err: other.err }).toEqual({
      name,
      code: 78,
      err: expect.stringContaining(`from ${variable}`),
    })
  }
})

test('a path is read from where it was typed', async () => {
  using at = home()
  for (const [typed, stored] of [
    ['keys/to.txt', at.folder.file('here/keys/to.txt')],
    ['~/to.txt', '~/to.txt'],
    ['/etc/to.txt', '/etc/to.txt'],
  ] as const) {
    expect((await at.run(`config set age_recipients_file ${typed} --json`)).json()).toMatchObject({
      value: stored,
    })
    expect(readFileSync(at.user, 'utf8')).toBe(`age_recipients_file = "${stored}"\n`)
  }
  for (const [name, value] of [
    ['db', 'postgres://a@b/c'],
    ['backup_dir', 's3://b/c'],
    ['tz', 'UTC'],
  ] as const)
    expect((await at.run(`config set ${name} ${value} --json`)).json()).toMatchObject({ value })
  expect((await at.run('config set db x.db --here --json')).json()).toMatchObject({ value: 'x.db' })
  expect((await at.run('config get db')).out).toBe(`${at.folder.file('here/x.db')}\n`)
})

test('the mode of a file and a link to it stay', async () => {
  using at = home()
  const real = at.folder.write('real.toml', 'tz = "UTC"\n')
  chmodSync(real, 0o640)
  symlinkSync(real, at.here)
  await at.run('config set backup_dir b --here')
  expect(lstatSync(at.here).isSymbolicLink()).toBe(true)
  expect(statSync(real).mode & 0o777).toBe(0o640)
  expect(readFileSync(real, 'utf8')).toBe('tz = "UTC"\nbackup_dir = "b"\n')
})

test.each([
  ['config set databse x', 2, "'databse' is not a setting"],
  ['config set tz Mars', 2, 'is not a time zone'],
  ['config set output xml', 2, 'is not an output format'],
  ['config set backup_keep sometimes', 2, 'sometimes'],
])('%s is refused and writes nothing', async (line, code, message) => {
  using at = home()
  expect(await at.run(line)).toMatchObject({ code, err: expect.stringContaining(message) })
  expect((await at.run('config path --json')).json<{ exists: boolean }[]>().map(file => file.exists)).toEqual(
    [false, false],
  )
})

test('a profile lies over both files, is named by a flag or a variable, and an unknown one names those there are', async () => {
  using at = home()
  at.folder.write('here/latchkey.toml', 'db = "here.db"\ntz = "UTC"\n')
  await at.run('config set db /srv/prod.db --profile prod')
  const db = async (line: string, env = {}) => (await at.run(`config get db ${line}`, env)).out.trim()
  expect(await db('')).toBe(at.folder.file('here/here.db'))
  expect(await db('--profile prod')).toBe('/srv/prod.db')
  expect(await db('', { LATCHKEY_PROFILE: 'prod' })).toBe('/srv/prod.db')
  expect(await db('', { LATCHKEY_PROFILE: 'prod', LATCHKEY_DB: '/env.db' })).toBe('/env.db')
  // A flag wins over the environment.
  expect(await db('--profile prod', { LATCHKEY_DB: '/env.db' })).toBe('/srv/prod.db')
  const wrong = await at.run('key list --profile prd')
  expect(wrong).toMatchObject({ code: 78, err: expect.stringContaining('did you mean --profile prod?') })
})

test('validate names what is wrong with its line, and so does everything else; mending works nevertheless', async () => {
  using at = home()
  at.folder.write('here/latchkey.toml', '# mine\n\n[profile.prod]\nbackup_dri = "x"\n')
  const checked = await at.run('config validate --json')
  expect(checked.code).toBe(78)
  expect(checked.json()).toMatchObject([
    { path: at.here, ok: false, problem: expect.stringContaining('latchkey.toml:4: unknown setting') },
    { path: at.user, ok: true, exists: false },
  ])
  // The problem is the answer, so it is never cut.
  const shown = await run('config validate', {
    tty: true,
    columns: 60,
    cwd: at.folder.file('here'),
    env: at.env,
  })
  expect(Bun.stripANSI(shown.out).replaceAll(/\s+/g, ' ')).toContain('write backup_dir instead')
  expect((await at.run('key list')).code).toBe(78)
  expect((await at.run('config path')).code).toBe(0)
  at.folder.write('here/latchkey.toml', 'tz = "Mars"\n')
  expect(await at.run('config set tz UTC --here')).toMatchObject({ code: 0 })
  expect(await at.run('config validate')).toMatchObject({ code: 0 })
})
