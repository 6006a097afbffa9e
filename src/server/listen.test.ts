/** Where a server listens, what starts it, and its messages about that. */
import { expect, spyOn, test } from 'bun:test'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import serve from '../cli/commands/serve.ts'
import { tree } from '../cli/commands/tree.ts'
import { readCommandLine } from '../cli/line/program.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { onTerminal, processEnvironment, program, runOrSpawn } from '../testing/process.ts'
import { serverHome, startServer } from '../testing/server.ts'
import { requirePresent, requireTool } from '../testing/tools.ts'
import { splitWords } from '../testing/words.ts'
import { type Answering, listenAtPath, listenOn } from './listen.ts'

const packaging = join(import.meta.dir, '../../packaging')

const saying = (text: string): Answering => ({ answer: async () => new Response(text), paths: [] })

test('a socket in the file system is for owner and group, replaces a dead one, and goes with the server', async () => {
  await using home = await serverHome()
  const path = join(home.folder, 'l.sock')
  for (const end of ['SIGKILL', 'SIGTERM'] as const) {
    const server = await startServer(home.path, ['--unix', path])
    expect(server.url).toBe(`unix:${path}`)
    expect(statSync(path).mode & 0o777).toBe(0o660)
    expect((await fetch('http://localhost/readyz', { unix: path })).status).toBe(200)
    const second = await runOrSpawn(['serve', '--json', '--unix', path], { db: home.path })
    expect(second).toMatchObject({ code: 5, err: expect.stringContaining('another program listens there') })
    server.kill(end)
    await server.finished
    expect(existsSync(path)).toBe(end === 'SIGKILL')
  }
  await Bun.write(path, 'mine')
  for (const words of [[], ['--dry-run']]) {
    const refused = await runOrSpawn(['serve', '--json', '--unix', path, ...words], { db: home.path })
    expect(refused).toMatchObject({ code: 5, err: expect.stringContaining('is not a socket') })
  }
  expect(await Bun.file(path).text()).toBe('mine')
})

test('of servers that find the same dead socket, one takes its place and the others are told', async () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'l.sock')
  const bound = 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])'
  expect(Bun.spawnSync(['python3', '-c', bound, path]).exitCode).toBe(0)
  const starting = ['a', 'b', 'c'].map(name => listenAtPath(path, saying(name)))
  const started = await Promise.allSettled(starting)
  const listening = started.flatMap((each, n) => (each.status === 'fulfilled' ? [{ n, ...each.value }] : []))
  expect(listening).toHaveLength(1)
  for (const each of started)
    if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'conflict' })
  const [{ n, stop }] = listening as [(typeof listening)[number]]
  const answer = await fetch('http://localhost/', { unix: path })
  expect(await answer.text()).toBe('abc'.charAt(n))
  await stop(Promise.resolve())
  expect(readdirSync(folder.path)).toEqual([])
})

test('a request may wait for the database as long on a socket in the file system as on a port', async () => {
  using folder = temporaryFolder()
  using serving = spyOn(Bun, 'serve')
  const port = await listenOn({ host: '127.0.0.1', port: 0 }, false, saying(''))
  const path = await listenAtPath(join(folder.path, 'l.sock'), saying(''))
  // To see it takes more than ten seconds: Bun closes a connection then on which nothing moves.
  for (const [options] of serving.mock.calls) expect(options).toMatchObject({ idleTimeout: 60 })
  expect(serving).toHaveBeenCalledTimes(2)
  for (const { stop } of [port, path]) await stop(Promise.resolve())
})

test('a server that stops leaves the socket of the one that has taken its path', async () => {
  await using home = await serverHome()
  const path = join(home.folder, 'l.sock')
  const first = await startServer(home.path, ['--unix', path])
  rmSync(path)
  const second = await startServer(home.path, ['--unix', path])
  first.kill('SIGTERM')
  await first.finished
  expect((await fetch('http://localhost/readyz', { unix: path })).status).toBe(200)
  second.kill('SIGTERM')
  await second.finished
  expect(readdirSync(home.folder).filter(name => !name.startsWith('latchkey.db'))).toEqual([])
})

test('what cannot be listened on is refused before anything is answered', async () => {
  await using home = await serverHome()
  const server = await startServer(home.path)
  const port = new URL(server.url).port
  for (const [words, exit, code, said] of [
    [`--listen 127.0.0.1:${port}`, 5, 'conflict', `sport = :${port}`],
    ['--listen 0.0.0.0:0', 2, 'usage', '--allow-remote'],
    ['--listen [::]:0', 2, 'usage', '--allow-remote'],
    ['--listen example.org:80', 2, 'usage', '--allow-remote'],
    ['--listen 127.0.0.1', 2, 'usage', '127.0.0.1:8686'],
    ['--listen 127.0.0.1:65536', 2, 'usage', '65535'],
    // Resolvers are not asked for addresses, or for a name with an empty part.
    ['--listen a..b:80 --allow-remote', 2, 'usage', 'not an address'],
    ['--listen [fe80::1%nowhere]:0 --allow-remote', 2, 'usage', 'not an address'],
    [`--unix ${home.folder}/none/l.sock`, 2, 'usage', 'mkdir'],
    [`--unix /tmp/${'x'.repeat(120)}`, 2, 'usage', 'too long'],
  ] as const) {
    const { out, err, code: exited } = await runOrSpawn(`serve --json ${words}`, { db: home.path })
    expect([words, exited, out]).toEqual([words, exit, ''])
    expect(JSON.parse(err)).toMatchObject({ error: { code } })
    expect(err).toContain(said)
  }
  server.kill('SIGTERM')
  await server.finished
})

const unshare = ['unshare', '--net', '--']
const canUnshare = Bun.which('unshare') !== null && Bun.spawnSync([...unshare, 'true']).success

requirePresent(canUnshare, 'a way to run without a network')(
  'a name that no resolver can be asked for is a matter of usage',
  async () => {
    await using home = await serverHome()
    const words = ['serve', '--json', '--listen', 'nohost.invalid:80', '--allow-remote']
    const child = Bun.spawn([...unshare, ...program, ...words], {
      env: processEnvironment({ db: home.path, env: { RES_OPTIONS: 'timeout:1 attempts:1' } }),
      stderr: 'pipe',
    })
    const err = await child.stderr.text()
    expect([await child.exited, JSON.parse(err)]).toEqual([
      2,
      {
        error: expect.objectContaining({
          code: 'usage',
          message: expect.stringContaining('cannot be resolved'),
        }),
      },
    ])
  },
)

test('--allow-remote listens where it is told', async () => {
  await using home = await serverHome()
  const ran = await runOrSpawn('serve --json --listen 0.0.0.0:0 --allow-remote --dry-run', {
    db: home.path,
  })
  expect(ran).toMatchObject({ code: 0, err: 'Dry run: nothing was changed.\n' })
  expect(ran.json()).toMatchObject({ addresses: [expect.stringMatching(/^http:\/\/0\.0\.0\.0:\d+$/)] })
})

requireTool('systemd-analyze')('systemd takes the units, all that they say included', async () => {
  using folder = temporaryFolder()
  const units = [...new Bun.Glob('*.{service,timer}').scanSync(packaging)]
  expect(units).toHaveLength(3)
  for (const name of units) {
    const unit = await Bun.file(join(packaging, name)).text()
    // It is not installed where tests run, and neither are its man pages.
    folder.write(name, unit.replaceAll('/usr/local/bin/latchkey', process.execPath))
  }
  const checked = Bun.spawnSync(
    ['systemd-analyze', 'verify', '--man=no', '--recursive-errors=yes', ...units],
    { cwd: folder.path, stderr: 'pipe' },
  )
  expect([checked.stderr.toString(), checked.exitCode]).toEqual(['', 0])
})

test('what the unit for systemd starts is a command line that is understood', async () => {
  const unit = await Bun.file(join(packaging, 'latchkey-serve.service')).text()
  const [, line = ''] = /^ExecStart=\S+\/latchkey (.+)$/m.exec(unit) ?? []
  const invocation = await readCommandLine(splitWords(line), tree, { version: '0', width: 80 })
  expect(invocation).toMatchObject({ kind: 'run', declaration: serve })
  const given = invocation.kind === 'run' && invocation.input({ now: new Date(), timeZone: 'UTC' })
  expect(given).toMatchObject({ listen: { host: '127.0.0.1', port: 8686 } })
})

test('on a terminal it says where it listens, and Ctrl-C ends it with what it has done', async () => {
  await using home = await serverHome()
  const typed = [{ when: /Ctrl-C stops it/, keys: '\x03' }]
  const { code, lines } = await onTerminal('serve --listen 127.0.0.1:0', typed, { db: home.path })
  expect(code).toBe(130)
  expect(lines[0]).toMatch(/^Listening on http:\/\/127\.0\.0\.1:\d+; Ctrl-C stops it$/)
  expect(lines.at(-1)).toMatch(/^Stopped by SIGINT after \d+m?s, 0 requests answered$/)
})
