import { afterEach, expect, test } from 'bun:test'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { failure } from '../../../testing/failure.ts'
import { temporaryLatchkey } from '../../../testing/latchkey.ts'
import { processEnvironment, program } from '../../../testing/process.ts'
import { type RunOptions, run } from '../../../testing/run.ts'
import { filesIn } from './folder.ts'

let made: Awaited<ReturnType<typeof temporaryLatchkey>> | undefined
afterEach(async () => {
  await made?.[Symbol.asyncDispose]()
  made = undefined
})

async function home() {
  made = await temporaryLatchkey()
  const { latchkey, path, folder } = made
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  const write = (name: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  const type = (line: string, options: RunOptions = {}) => run(line, { db: path, cwd: folder, ...options })
  return { ...made, write, type }
}

const binary = new Uint8Array([0, 27, 91, 50, 74, 255])

test('a file goes in from a file or from stdin, and comes out byte by byte', async () => {
  const { write, type, folder } = await home()
  write('plan.md', '# Plan\n')
  write('logo.bin', binary)
  expect((await type('project file put shop docs/plan.md plan.md')).out).toBe('Added docs/plan.md in shop\n')
  expect(await type('project file get shop docs/plan.md')).toMatchObject({
    code: 0,
    out: '# Plan\n',
    err: '',
  })
  expect((await type('project file put shop a -', { stdin: binary })).code).toBe(0)
  expect((await type('project file get shop a --out a.bin')).out).toBe('Wrote a (6 B)\n')
  expect(new Uint8Array(readFileSync(join(folder, 'a.bin')))).toEqual(binary)
  const { encoding, content } = (await type('project file get shop a --json')).json<Record<string, string>>()
  expect([encoding, content]).toEqual(['base64', Buffer.from(binary).toString('base64')])
  expect((await type('project file get shop docs/plan.md --json')).json()).toMatchObject({
    encoding: 'utf-8',
    content: '# Plan\n',
  })
  expect(await type('project file put shop x nothing')).toMatchObject({ code: 2 })
})

test('a terminal gets no bytes that are not text', async () => {
  const { latchkey, type } = await home()
  await latchkey.files.put('shop', 'a', binary)
  await latchkey.files.put('shop', 'b', 'text\twith ümlauts\n')
  const refused = await type('project file get shop a', { tty: true })
  expect(refused).toMatchObject({ code: 2, out: '' })
  expect(refused.err).toContain('--out FILE')
  expect(await type('project file get shop b', { tty: true })).toMatchObject({
    code: 0,
    out: 'text\twith ümlauts\n',
  })
})

test('a file that exists is replaced only by whoever said so', async () => {
  const { latchkey, type, write, folder } = await home()
  await latchkey.files.put('shop', 'a', 'new')
  write('a', 'old')
  const content = () => readFileSync(join(folder, 'a'), 'utf8')
  expect(await type('project file get shop a --out a')).toMatchObject({ code: 5 })
  const confirm = async (message: string) => {
    expect(message).toContain('a already exists. Replace it')
    return false
  }
  expect(await type('project file get shop a --out a', { tty: true, prompts: { confirm } })).toMatchObject({
    code: 6,
  })
  expect(content()).toBe('old')
  expect(
    await type('project file get shop a --out a', { tty: true, prompts: { confirm: async () => true } }),
  ).toMatchObject({ code: 0 })
  expect(content()).toBe('new')
  expect(await type('project file get shop a --out a --force')).toMatchObject({ code: 0 })
  expect(await type('project file get shop a --out b', { tty: true })).toMatchObject({ code: 0 })
})

test('a file that changed since it was read is a conflict', async () => {
  const { latchkey, type, write } = await home()
  const { sha256 } = await latchkey.files.put('shop', 'a', '1')
  write('b', '2')
  expect(await type(`project file put shop a b --if-match ${sha256}`)).toMatchObject({ code: 0 })
  for (const line of ['put shop a b', 'mv shop a c', 'rm shop a --yes'])
    expect(await type(`project file ${line} --if-match ${sha256} --json`)).toMatchObject({ code: 5 })
})

test('a folder is written as its patterns say, without following links', async () => {
  const { latchkey, type, write, folder } = await home()
  for (const name of [
    'a.md',
    'x.log',
    'keep.log',
    'deep/y.log',
    'deep/b.md',
    'cache/c',
    'build/d',
    'deep/build/e',
    'deep/cache',
  ])
    write(`site/${name}`, name)
  write('outside', 'secret')
  symlinkSync('../outside', join(folder, 'site/link'))
  symlinkSync('..', join(folder, 'site/up'))
  const line =
    "project file sync shop site --exclude '*.log' --exclude !keep.log --exclude cache/ --exclude /build"
  const dry = await type(`${line} --dry-run`)
  expect(dry.out).toContain('+ a.md\n+ deep/b.md\n+ deep/build/e\n+ deep/cache\n+ keep.log\n')
  expect((await latchkey.files.list('shop')).total).toBe(0)
  expect(await type(line)).toMatchObject({ code: 6 })
  expect((await type(`${line} --yes --json`)).json()).toMatchObject({
    added: ['a.md', 'deep/b.md', 'deep/build/e', 'deep/cache', 'keep.log'],
    changed: [],
    removed: [],
    unchanged: 0,
  })
  await latchkey.files.put('shop', 'other', 'x')
  write('site/a.md', 'changed')
  const confirm = async (message: string) => {
    expect(message).toContain('Change 2 files of shop')
    return true
  }
  const asked = await type(`${line} --delete`, { tty: true, prompts: { confirm } })
  expect(asked.err).toMatch(/~ +a\.md/)
  expect(asked.err).toContain('2 symbolic links and special files left out.')
  expect(asked.out).toContain('~ a.md\n- other\n0 files added, 1 changed, 1 removed, 4 unchanged in shop\n')
  expect(await type(`${line} --delete`, { tty: true })).toMatchObject({ code: 0 })
  expect((await type(`${line} --under public --yes --json`)).json()).toMatchObject({ unchanged: 0 })
  expect((await latchkey.files.list('shop', { under: 'public' })).total).toBe(5)
  expect(await type('project file sync shop nothing --yes')).toMatchObject({ code: 2 })
})

test('a link that takes the place of a listed file, or of its folder, is not followed', async () => {
  const { write, folder, type } = await home()
  write('secrets/b', 'secret')
  write('site/a', 'a')
  write('site/deep/b', 'b')
  const site = join(folder, 'site')
  const { files } = filesIn(site, { under: undefined, exclude: [] })
  const read = async (path: string) => files.find(file => file.path === path)?.read()
  expect(await read('deep/b')).toEqual(Buffer.from('b'))
  for (const [path, replaced, target] of [
    ['a', 'a', 'secrets/b'],
    ['deep/b', 'deep', 'secrets'],
  ] as const) {
    rmSync(join(site, replaced), { recursive: true })
    symlinkSync(join(folder, target), join(site, replaced))
    expect(await failure(read(path))).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('it is a symbolic link by now'),
      hint: 'run the command again',
    })
  }
  // The folder that is named may be a link, and so may the file of a put.
  symlinkSync('secrets', join(folder, 'named'))
  expect((await type('project file sync shop named --yes --json')).json()).toMatchObject({ added: ['b'] })
  expect(await type('project file put shop c named/b')).toMatchObject({ code: 0 })
})

test('a pipe or a device is refused and never waited for', async () => {
  const { folder, path } = await home()
  expect(Bun.spawnSync(['mkfifo', join(folder, 'pipe')]).exitCode).toBe(0)
  const put = (file: string) =>
    Bun.spawnSync([...program, 'project', 'file', 'put', 'shop', 'x', file], {
      env: processEnvironment({ db: path }),
      cwd: folder,
      timeout: 30_000,
    })
  for (const file of ['pipe', '/dev/null']) {
    const { exitCode, stderr } = put(file)
    expect([exitCode, stderr.toString()]).toEqual([2, expect.stringContaining('it is a pipe or a device')])
  }
  expect(put('.').stderr.toString()).toContain('it is a folder')
})

test('what changes after the difference was shown stops a sync', async () => {
  const { latchkey, type, write } = await home()
  write('site/a', 'a')
  const confirm = async () => {
    await latchkey.files.put('shop', 'a', 'a')
    return true
  }
  expect(await type('project file sync shop site', { tty: true, prompts: { confirm } })).toMatchObject({
    code: 5,
  })
})

test('paths are completed', async () => {
  const { latchkey, path } = await home()
  for (const name of ['docs/a', 'docs/b', 'site/c']) await latchkey.files.put('shop', name, name)
  const { completionRequest } = await import('../../line/walk.ts')
  const offered = await run([completionRequest, 'project', 'file', 'get', 'shop', 'docs/'], { db: path })
  expect(offered.out.split('\n').map(line => line.split('\t')[0])).toEqual(['docs/a', 'docs/b', ''])
})
