/** Drizzle Studio, used as by its page in the browser. */
import { expect, test } from 'bun:test'
import { chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Studio } from '../../../contract/views.ts'
import { temporaryLatchkey } from '../../../testing/latchkey.ts'
import { firstLine } from '../../../testing/lines.ts'
import { program, spawnLatchkey } from '../../../testing/process.ts'
import { testEnvironment } from '../../../testing/run.ts'
import { requireRoot } from '../../../testing/tools.ts'

const tools = join(import.meta.dir, '../../../../node_modules/.bin')

test('shows a private copy on this machine alone, keeps nothing of what is done there, and is gone at the end', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.keys.create({ name: 'ci' })
  const child = Bun.spawn([...program, 'db', 'studio', '--port', '0', '--json'], {
    cwd: home.folder,
    env: { ...testEnvironment({ PATH: tools, TMPDIR: home.folder }, home.path) },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const said = await firstLine(child.stderr)
  const port = /\?port=(\d+)/.exec(said)?.[1]
  expect(port, said).toBeDefined()
  const ask = async (sql: string): Promise<unknown> => {
    const data = { sql, params: [], mode: 'array', method: 'values' }
    const body = JSON.stringify({ type: 'proxy', data })
    const headers = { 'content-type': 'application/json' }
    return (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body })).json()
  }
  expect(await ask('SELECT name FROM keys')).toEqual([['ci']])
  await ask('DELETE FROM keys')
  expect(await ask('SELECT name FROM keys')).toEqual([])
  const copies = readdirSync(home.folder).filter(name => name.startsWith('latchkey-studio-'))
  expect(copies).toHaveLength(1)
  expect(statSync(join(home.folder, copies[0]!)).mode & 0o777).toBe(0o700)

  child.kill('SIGTERM')
  const view: Studio = JSON.parse(await child.stdout.text())
  expect(view).toMatchObject({ signal: 'SIGTERM', address: `https://local.drizzle.studio?port=${port}` })
  expect(await child.exited).toBe(0)
  expect(readdirSync(home.folder).filter(name => name.startsWith('latchkey-studio-'))).toEqual([])
  expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
  expect((await home.latchkey.keys.list()).map(key => key.name)).toEqual(['ci'])
})

test.each(['SIGHUP', 'SIGKILL'] as const)('after %s neither the copy nor its server stays', async signal => {
  await using home = await temporaryLatchkey()
  const child = Bun.spawn([...program, 'db', 'studio', '--port', '0', '--json'], {
    cwd: home.folder,
    env: { ...testEnvironment({ PATH: `${tools}:${process.env['PATH']}`, TMPDIR: home.folder }, home.path) },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const port = /\?port=(\d+)/.exec(await firstLine(child.stderr))?.[1]
  const left = async () => ({
    copies: readdirSync(home.folder).filter(name => name.startsWith('latchkey-studio-')).length,
    answers: await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    ),
  })
  expect(await left()).toEqual({ copies: 1, answers: true })
  child.kill(signal)
  await child.exited
  while (Object.values(await left()).some(Boolean)) await Bun.sleep(50)
})

requireRoot()("another user's drizzle-kit in the folder here is not run", async () => {
  await using home = await temporaryLatchkey()
  const kit = join(home.folder, 'node_modules/.bin/drizzle-kit')
  mkdirSync(dirname(kit), { recursive: true })
  writeFileSync(kit, 'await Bun.write("ran", "")\n', { mode: 0o755 })
  chownSync(kit, 65_534, 65_534)
  const ran = await spawnLatchkey('db studio --port 0', { db: home.path, cwd: home.folder })
  expect(ran).toMatchObject({ code: 78, err: expect.stringContaining(`${kit} belongs to another user`) })
  expect(existsSync(join(home.folder, 'ran'))).toBe(false)
})

test('without drizzle-kit says what to install, and where a port is taken says how to have another', async () => {
  await using home = await temporaryLatchkey()
  const options = { db: home.path, cwd: home.folder }
  const bare = await spawnLatchkey('db studio --json', { ...options, env: { PATH: '/nonexistent' } })
  expect(bare.code).toBe(78)
  expect(JSON.parse(bare.err).error.hint).toContain('bun add --dev drizzle-kit @libsql/client')
  using other = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('x') })
  const taken = await spawnLatchkey(`db studio --port ${other.port} --json`, {
    ...options,
    env: { PATH: tools },
  })
  expect(taken.code).toBe(5)
  expect(JSON.parse(taken.err).error.hint).toBe('use a free one: latchkey db studio --port 0')
})
