/**
 * `bun run test:package`: packs what npm would publish, installs it into an empty folder, and uses it as strangers do.
 * Takes npm and its registry, so it is no part of the usual tests.
 */
import { expect, test } from 'bun:test'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { publint } from 'publint'
import { temporaryFolder } from '../src/testing/folder.ts'

const root = join(import.meta.dir, '..')
const bunFolder = dirname(process.execPath)

async function run(words: readonly string[], cwd: string, path = process.env['PATH'] ?? '') {
  const child = Bun.spawn([...words], {
    cwd,
    env: { ...process.env, PATH: path, LATCHKEY_DB: join(cwd, 'data.db'), CI: 'true' },
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

test('the package works by npx without Bun, by bunx, as a library, and its types are those of strict TypeScript', async () => {
  using folder = temporaryFolder()
  const packed = await run(['npm', 'pack', '--pack-destination', folder.path], root)
  expect(packed.code, packed.err).toBe(0)
  const tarball = folder.file(readdirSync(folder.path).find(name => name.endsWith('.tgz')) ?? '')

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
  const options = {
    strict: true,
    target: 'esnext',
    module: 'preserve',
    moduleResolution: 'bundler',
    types: ['bun'],
    noEmit: true,
    skipLibCheck: true,
  }
  writeFileSync(
    join(home, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['gateway.ts'] }),
  )
  const checked = await run([join(home, 'node_modules/.bin/tsc')], home)
  expect(checked.code, checked.out).toBe(0)
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
