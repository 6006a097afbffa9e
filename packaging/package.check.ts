/**
 * `bun run test:package`: packs what npm would publish, installs it into an empty folder, and uses it as strangers do.
 * Takes npm and its registry, so it is no part of the usual tests.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { publint } from 'publint'
import { temporaryFolder } from '../src/testing/folder.ts'
import { layTraps } from '../src/testing/traps.ts'

const root = join(import.meta.dir, '..')
const bunFolder = dirname(process.execPath)

async function run(
  words: readonly string[],
  cwd: string,
  path = process.env['PATH'] ?? '',
  env: Readonly<Record<string, string | undefined>> = { LATCHKEY_DB: join(cwd, 'data.db') },
) {
  const child = Bun.spawn([...words], {
    cwd,
    env: { ...process.env, PATH: path, CI: 'true', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, out, err }
}

/** Without any Bun, as on a machine that has npm alone. */
const withoutBun = (process.env['PATH'] ?? '')
  .split(':')
  .filter(folder => Bun.which('bun', { PATH: folder }) === null)
  .join(':')

const packing = temporaryFolder()
let tarball = ''

beforeAll(async () => {
  const packed = await run(['npm', 'pack', '--pack-destination', packing.path], root)
  expect(packed.code, packed.err).toBe(0)
  tarball = packing.file(readdirSync(packing.path).find(name => name.endsWith('.tgz')) ?? '')
})
afterAll(() => packing.remove())

/** A clone as somebody gets it: what git would commit, installed by the line of the README. */
async function clone(path: string): Promise<void> {
  const { out } = await run(['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'], root)
  for (const name of out.split('\0')) if (name !== '') cpSync(join(root, name), join(path, name))
}

/** The blocks of shell commands in a page, from the first to the last. */
const shellBlocks = (page: string): readonly string[] =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(
    ([, block = '']) => block,
  )

test('however it was installed and is started, it takes nothing from the folder it is started in', async () => {
  using folder = temporaryFolder()
  const [home, bin, foreign, checkout] = ['home', 'bin', 'foreign', 'checkout'].map(name => folder.file(name))
  for (const each of [home, bin, foreign, checkout]) mkdirSync(each ?? '')
  for (const name of ['bun', 'bunx']) symlinkSync(process.execPath, join(bin ?? '', name))
  const env = { HOME: home, LATCHKEY_DB: undefined, npm_config_prefix: folder.file('npm') }
  const path = `${folder.file('npm/bin')}:${bin}:${withoutBun}`
  const install = async (words: readonly string[], cwd = home ?? '') => {
    const ran = await run(words, cwd, path, env)
    expect(ran.code, ran.err).toBe(0)
  }
  const { sprung } = layTraps(foreign ?? '')
  const start = async (...words: readonly string[]) => {
    const ran = await run([...words, 'config', 'get', 'db'], foreign ?? '', path, env)
    expect(sprung(), words.join(' ')).toBe('')
    expect(ran, words.join(' ')).toMatchObject({
      code: 0,
      out: join(home ?? '', '.local/share/latchkey/latchkey.db\n'),
    })
  }

  await install(['npm', 'install', '--global', '--no-audit', '--no-fund', 'bun@1.4.5', tarball])
  await start('latchkey')
  await install(['npm', 'uninstall', '--global', 'latchkey'])
  await start('npx', '--yes', '--package', tarball, 'latchkey')
  await start('bunx', '--package', tarball, 'latchkey')
  await start('bunx', '--bun', '--package', tarball, 'latchkey')
  await install(['bun', 'add', '--global', tarball])
  await start(join(home ?? '', '.bun/bin/latchkey'))

  await clone(checkout ?? '')
  const [, , fromClone = ''] = shellBlocks('README.md')
  await install(['bash', '-euc', fromClone], checkout)
  await start('latchkey')
  await start(join(checkout ?? '', 'bin/latchkey.ts'))
})

test('what docs/embedding.md says to type installs the library beside a backend', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('gateway'))
  await clone(folder.file('latchkey'))
  const script = shellBlocks('docs/embedding.md').join('\n')
  const path = `${bunFolder}:${process.env['PATH']}`
  const installed = await run(['bash', '-euxc', script], folder.path, path, { HOME: folder.path })
  expect(installed.code, installed.err).toBe(0)
  writeFileSync(
    folder.file('gateway/keys.ts'),
    "import { openLatchkey } from 'latchkey'\n" +
      "const latchkey = await openLatchkey({ path: 'gateway.db' })\n" +
      'console.log((await latchkey.keys.list()).length)\nawait latchkey.close()\n',
  )
  const used = await run([process.execPath, 'keys.ts'], folder.file('gateway'))
  expect(used, used.err).toMatchObject({ code: 0, out: '0\n' })
})

test('the package works by npx without Bun, by bunx, as a library, and its types are those of strict TypeScript', async () => {
  using folder = temporaryFolder()
  const home = folder.file('home')
  mkdirSync(home)
  writeFileSync(join(home, 'package.json'), '{"name": "stranger", "type": "module", "private": true}')
  const tools = ['typescript@7.0.2', '@types/bun@1.4.4']
  const installed = await run(
    ['npm', 'install', '--no-audit', '--no-fund', tarball, ...tools],
    home,
    withoutBun,
  )
  expect(installed.code, installed.err).toBe(0)
  const pkgDir = join(home, 'node_modules/latchkey')
  expect(readdirSync(pkgDir)).not.toContain('faults')
  expect((await publint({ pkgDir, pack: false, strict: true })).messages).toEqual([])

  expect(await run(['npx', '--no-install', 'latchkey', 'init'], home, withoutBun)).toMatchObject({ code: 0 })
  const created = await run(
    ['npx', '--no-install', 'latchkey', 'key', 'create', 'ci', '--json'],
    home,
    withoutBun,
  )
  expect(created.code, created.err).toBe(0)
  expect(await run(['npx', '--no-install', 'latchkey', 'backup', 'create'], home, withoutBun)).toMatchObject({
    code: 0,
  })
  const listed = await run(
    [process.execPath, 'x', '--no-install', 'latchkey', 'key', 'list', '-q'],
    home,
    `${bunFolder}:${withoutBun}`,
  )
  expect(listed).toMatchObject({ code: 0, out: `${JSON.parse(created.out).id}\n` })

  writeFileSync(
    join(home, 'gateway.ts'),
    `import { openLatchkey, LatchkeyError, type Verdict } from 'latchkey'
const latchkey = await openLatchkey({ path: 'data.db' })
const verdict: Verdict = await latchkey.keys.verify(process.argv[2] ?? '', { model: 'gpt-x' })
console.log(verdict.code, verdict.key?.name)
try {
  await latchkey.keys.get('nobody')
} catch (error) {
  if (error instanceof LatchkeyError) console.log(error.code)
}
await latchkey.close()
`,
  )
  // As strict as can be, and the types of packages are checked too.
  const strictest = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    target: 'esnext',
    types: ['bun'],
    noEmit: true,
    skipLibCheck: false,
  }
  const projects = [
    { module: 'preserve', moduleResolution: 'bundler', lib: ['esnext'] },
    { module: 'nodenext', moduleResolution: 'nodenext' },
  ]
  for (const project of projects) {
    const compilerOptions = { ...strictest, ...project }
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['gateway.ts'] }))
    const checked = await run([join(home, 'node_modules/.bin/tsc')], home)
    expect(checked.code, checked.out).toBe(0)
  }
  const used = await run([process.execPath, 'gateway.ts', JSON.parse(created.out).secret], home)
  expect(used, used.err).toMatchObject({ code: 0, out: 'valid ci\nnot_found\n' })
})

test('what the Dockerfile copies before it installs is enough to install', async () => {
  using folder = temporaryFolder()
  const steps = readFileSync(join(root, 'packaging/Dockerfile'), 'utf8').split('\n')
  const install = steps.findIndex(step => step.startsWith('RUN bun install'))
  expect(install).toBeGreaterThan(0)
  for (const step of steps.slice(0, install)) {
    const [, words = ''] = /^COPY (.*) \S+$/.exec(step) ?? []
    for (const name of words.split(' ').filter(word => word !== '')) {
      cpSync(join(root, name), join(folder.path, name), { recursive: true })
    }
  }
  const command = steps[install]?.replace('RUN bun', process.execPath).split(' ') ?? []
  const ran = Bun.spawnSync(command, { cwd: folder.path, stderr: 'pipe' })
  expect(ran.stderr.toString()).not.toContain('error')
  expect(ran.exitCode).toBe(0)
  const patched = readFileSync(join(folder.path, 'node_modules/commander/lib/command.js'), 'utf8')
  expect(patched).toContain('getBuiltinModule')
})
