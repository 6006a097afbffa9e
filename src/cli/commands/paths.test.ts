import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, symlinkSync } from 'node:fs'
import { connectLatchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { type TemporaryFolder, temporaryFolder } from '../../testing/folder.ts'
import { run } from '../../testing/run.ts'
import { splitWords } from '../../testing/words.ts'
import { namedNouns } from '../reference/commands.ts'
import { tree } from './tree.ts'

setDefaultTimeout(600_000)

let folder: TemporaryFolder
let nowhere: TemporaryFolder
let db: string
beforeAll(async () => {
  folder = temporaryFolder()
  db = folder.file('latchkey.db')
  for (const line of ['init --admin alice', 'key create ci', 'backup create']) await run(line, { db })
  nowhere = temporaryFolder()
  symlinkSync('loop', nowhere.file('loop'))
})
afterAll(() => {
  folder.remove()
  nowhere.remove()
})

const strange = ['user@host:/x', 'b2:bucket', 'gs://bucket/x', 'S3://bucket', 'file:///x', '']

/** What else a command needs before it uses the path. */
const bases: Readonly<Record<string, string>> = {
  restore: 'restore --latest --yes',
  'user create': 'user create bob',
  'user passwd': 'user passwd alice',
  'key create': 'key create new',
  'key rotate': 'key rotate ci',
  'usage record': 'usage record ci',
  'backup schedule': 'backup schedule --cron @daily --print',
  'backup prune': 'backup prune --keep-last 1 --yes',
  'completion install': 'completion install bash',
  'project file get': 'project file get shop a.md',
  'project file put': 'project file put shop a.md',
  'user check-password': 'user check-password alice',
}

/** Every option and argument that takes a path. */
const uses = (await namedNouns(tree)).flatMap(noun =>
  noun.commands.flatMap(({ path, declaration: { args, options } }) => {
    const base = splitWords(bases[path] ?? path)
    return [
      ...Object.entries(options)
        .filter(([, { placeholder }]) => ['file', 'folder', 'path', 'place'].includes(placeholder))
        .map(([name, { placeholder }]) => {
          const flag = `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
          const line = (typed: string) => [...base, flag, typed]
          return { label: `${path} ${flag}`, isPlace: placeholder === 'place', line }
        }),
      ...Object.keys(args)
        .filter(name => /^(file|source)$/.test(name))
        .map(name => {
          const line = (typed: string) => [...base, typed]
          return { label: `${path} ${name.toUpperCase()}`, isPlace: false, line }
        }),
    ]
  }),
)

test.each(uses)(
  '$label takes no address of another machine or service for a path',
  async ({ line, isPlace }) => {
    const before = readdirSync(folder.path, { recursive: true })
    for (const typed of isPlace ? strange : [...strange, 's3://bucket/x']) {
      const ran = await run(line(typed), { db, cwd: folder.path })
      expect([typed, ran.code, ran.err]).toEqual([typed, 2, expect.stringMatching(/path|address|empty/)])
    }
    expect(readdirSync(folder.path, { recursive: true })).toEqual(before)
  },
)

test('those are all there are', () => {
  expect(uses.length).toBeGreaterThan(25)
})

/** A link to itself, a name below it, and names that no file system accepts. */
const impossible = (): readonly string[] => {
  const loop = nowhere.file('loop')
  return [loop, `${loop}/x`, nowhere.file('n'.repeat(300)), `${nowhere.path}${'/deep'.repeat(1_000)}`]
}

test.each(uses)('$label says what is wrong with a path that leads nowhere', async ({ line }) => {
  const before = readdirSync(folder.path, { recursive: true })
  for (const typed of impossible()) {
    // It may ignore a path that it does not need.
    const { code, err } = await run([...line(typed), '--dry-run'], { db, cwd: folder.path })
    const said = [typed.slice(nowhere.path.length, 200), code, err]
    expect(said).toEqual([said[0], expect.any(Number), expect.not.stringMatching(/LATCHKEY_DEBUG/)])
    expect(said).toEqual([said[0], expect.any(Number), expect.not.stringMatching(/^latchkey: E[A-Z]+:/)])
    // Uses exactly the named file.
    expect(err).not.toMatch(/latchkey\.db (leads|cannot)/)
  }
  expect(readdirSync(folder.path, { recursive: true })).toEqual(before)
  expect(readdirSync(nowhere.path)).toEqual(['loop'])
})

test('instead of an address something is named that would be taken there', async () => {
  const cwd = folder.path
  const onServer = 'try: name a file, or postgres://user@host/database\n'
  for (const [line, env, hint] of [
    ['key list --db mysql://a/b', {}, onServer],
    ['key list --db s3://a/b', {}, onServer],
    ['key list', { LATCHKEY_DB: 'mysql://a/b' }, onServer],
    ['config set db mysql://a/b', {}, onServer],
    ['db copy mysql://a/b x.db', {}, onServer],
    [
      'key list --db host:/x',
      {},
      'try: name a file, or postgres://user@host/database; for what is really called so, write ./host:/x\n',
    ],
    ['backup list --from mysql://a/b', {}, 'try: name a folder on this machine or s3://bucket/prefix\n'],
    ['restore --latest --to mysql://a/b --yes', {}, 'try: name a file or a folder on this machine\n'],
  ] as const) {
    const { err } = await run(line, { ...('LATCHKEY_DB' in env ? {} : { db }), cwd, env })
    expect({ line, err }).toEqual({ line, err: expect.stringContaining(hint) })
  }
  expect(() => connectLatchkey({ path: 's3://a/b' })).toThrow('address of a bucket')
})

test('what is really called so is written with ./', async () => {
  const options = { db, cwd: folder.path }
  for (const line of [
    'backup create --to ./b2:bucket',
    'backup list --from ./b2:bucket',
    'restore --latest --from ./b2:bucket --to ./c:new.db',
    'key create colon --out ./s3:secret',
  ]) {
    const { code, err } = await run(`${line} --yes`.replace(/(list|create)(.*) --yes/, '$1$2'), options)
    expect([line, code, err]).toEqual([line, 0, expect.any(String)])
  }
  expect(readdirSync(folder.path)).toContain('b2:bucket')
  const hint = (await run('backup create --to b2:bucket', options)).err
  expect(hint).toContain('write ./b2:bucket')
})

test.each([
  ['db', 'b2:x.db'],
  ['db', 's3://bucket/x.db'],
  ['backup_dir', 'user@host:/x'],
  ['age_recipients_file', 's3://bucket/recipients'],
  ['age_identity_file', 'scp:x'],
])('the setting %s is refused as %s, wherever it stands', async (name, value) => {
  const env = { [`LATCHKEY_${name.toUpperCase()}`]: value, XDG_CONFIG_HOME: folder.file('config') }
  expect(await run('backup list', { env })).toMatchObject({
    code: 78,
    err: expect.stringContaining(`(from LATCHKEY_${name.toUpperCase()})`),
  })
  const set = await run(['config', 'set', name, value], { env: { XDG_CONFIG_HOME: folder.file('config') } })
  expect(set.code).toBeGreaterThan(0)
  using settings = temporaryFolder()
  settings.write('latchkey.toml', `${name} = "${value}"\n`)
  const ran = await run('backup list', { cwd: settings.path })
  expect(ran).toMatchObject({ code: 78, err: expect.stringContaining('latchkey.toml') })
})

test('the library takes them no more than the command line', async () => {
  expect(() => connectLatchkey({ path: 'b2:x.db' })).toThrow("nothing here goes by 'b2:'")
  expect(() => connectLatchkey({ path: db, backupDir: 'user@host:/x' })).toThrow('is no path')
  const { backups } = connectLatchkey({ path: db })
  const from = 'user@host:/x'
  for (const work of [
    () => backups.create({ to: from }),
    () => backups.list({ from }),
    () => backups.verify({ from }),
    () => backups.get({ backup: `${from}/y.db` }),
    () => backups.restore({ latest: true, to: from }),
    () => backups.restore({ latest: true, from }),
  ]) {
    expect((await failure(work())).message).toContain("nothing here goes by 'user@host:'")
  }
})

test.each([
  ['/dev/null', 'is not a file'],
  ['/dev/tty', 'is not a file'],
  ['/', 'is a folder'],
])('a restore to %s is refused at once, naming nobody who has it open', async (to, said) => {
  for (const more of ['--yes', '--dry-run', '--in-place --yes']) {
    const { code, err } = await run(`restore --latest --to ${to} ${more}`, { db })
    expect(code).toBe(2)
    expect(err).toContain(said)
    expect(err).not.toContain('process')
  }
})
