import { expect, test } from 'bun:test'
import { constants, existsSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { tree } from '../cli/commands/tree.ts'
import { readCommandLine } from '../cli/line/program.ts'
import { Client } from '../db/sqlite/client.ts'
import { connectLatchkey } from '../index.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { type TestLatchkey, temporaryLatchkey } from '../testing/latchkey.ts'
import { onTerminal, program, spawnLatchkey } from '../testing/process.ts'
import { testEnvironment } from '../testing/run.ts'
import { startServer } from '../testing/server.ts'
import { requirePresent, requireTool } from '../testing/tools.ts'
import { splitWords } from '../testing/words.ts'

const packaging = join(import.meta.dir, '../../packaging')

/** A database with the keys `gateway`, which may do everything, and `ci`. */
async function prepared(): Promise<TestLatchkey & { readonly gateway: string; readonly ci: string }> {
  const home = await temporaryLatchkey(new Date().toISOString())
  const { secret: gateway } = await home.latchkey.keys.create({ name: 'gateway', scopes: ['latchkey:*'] })
  const { secret: ci } = await home.latchkey.keys.create({ name: 'ci' })
  await home.latchkey.close()
  return { ...home, gateway: gateway!, ci: ci! }
}

const posting = (gateway: string, body: unknown) => ({
  method: 'POST',
  headers: { authorization: `Bearer ${gateway}`, 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

test('whatever was asked when SIGTERM came is answered, and all usage that was acknowledged is on disk', async () => {
  await using home = await prepared()
  const server = await startServer(home.path)
  const acknowledged: string[] = []
  let answered = 0
  let verdicts = 0
  let stop = false
  const lane = async (number: number): Promise<void> => {
    for (let n = 0; !stop; n++) {
      const id = `${number}-${n}`
      const isUsage = (number + n) % 2 === 0
      const body = isUsage ? { id, key: 'ci', inputTokens: 3, outputTokens: 4 } : { secret: home.ci }
      const path = isUsage ? '/v1/usage' : '/v1/verify'
      const answer = await fetch(server.url + path, posting(home.gateway, body)).catch(() => undefined)
      // Nobody listens any more.
      if (answer === undefined) return
      const json = (await answer.json()) as { counted?: number; valid?: boolean }
      answered++
      if (json.counted === 1) acknowledged.push(id)
      if (json.valid === true) verdicts++
    }
  }
  const lanes = Array.from({ length: 200 }, (_, number) => lane(number))
  while (answered < 400) await Bun.sleep(5)
  server.kill('SIGTERM')
  const { code, json } = await server.finished
  stop = true
  await Promise.all(lanes)
  expect(code).toBe(0)
  expect(json()).toMatchObject({ signal: 'SIGTERM', requests: answered, addresses: [server.url] })
  expect(acknowledged.length + verdicts).toBe(answered)
  const after = connectLatchkey({ path: home.path, access: 'read' })
  expect((await after.keys.stats('ci')).totals).toMatchObject({
    requests: acknowledged.length,
    inputTokens: 3 * acknowledged.length,
  })
  await after.close()
  const events = server.log().map(({ event }) => event)
  expect(events.filter(event => event === 'request')).toHaveLength(answered)
  expect(events).toContain('stopping')
})

test('usage that was answered survives SIGKILL', async () => {
  await using home = await prepared()
  const server = await startServer(home.path)
  let acknowledged = 0
  let begun = 0
  const lane = async (): Promise<void> => {
    for (;;) {
      const body = { id: String(begun++), key: 'ci', inputTokens: 1 }
      const answer = await fetch(`${server.url}/v1/usage`, posting(home.gateway, body)).catch(() => undefined)
      if (answer?.status !== 200) return
      acknowledged++
    }
  }
  const lanes = Array.from({ length: 50 }, lane)
  while (acknowledged < 100) await Bun.sleep(5)
  server.kill('SIGKILL')
  await Promise.all(lanes)
  const after = connectLatchkey({ path: home.path, access: 'read' })
  const { requests } = (await after.keys.stats('ci')).totals
  await after.close()
  expect(requests).toBeGreaterThanOrEqual(acknowledged)
  expect(requests).toBeLessThanOrEqual(begun)
})

/** What a server answers to bytes on a connection, until it closes it; each part is sent once the one before has an answer. */
async function exchange(url: string, parts: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let got = ''
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.on('error', () => {})
  for (const part of parts) {
    const more = new Promise(resolve => {
      socket.once('data', resolve)
      socket.once('close', resolve)
    })
    const read = (chunk: Buffer): void => {
      got += chunk
    }
    socket.on('data', read)
    socket.write(part)
    await more
    socket.off('data', read)
  }
  socket.on('data', chunk => {
    got += chunk
  })
  await closed
  return got
}

const smuggled = 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'

test.each([
  ['without a trailer', ['0\r\n\r\n'], 200, 1],
  ['and another request behind it', ['0\r\n\r\n', smuggled], 200, 1],
  ['with a trailer', ['0\r\nx-sum: 1\r\n\r\n'], 400, 0],
  ['with a trailer that is a request', [`0\r\n${smuggled}`], 400, 0],
  ['with a trailer that comes late', ['0\r\n', `x-sum: 1\r\n\r\n${smuggled}`], 200, 1],
  ['with a request for a trailer that comes late', ['0\r\n', smuggled], 200, 1],
] as const)(
  'a body in chunks %s gets one answer and ends its connection',
  async (_, end, status, counted) => {
    await using home = await prepared()
    const server = await startServer(home.path)
    const event = JSON.stringify({ id: 'a', key: 'ci', inputTokens: 1 })
    const [last, ...later] = end
    const body = `${event.length.toString(16)}\r\n${event}\r\n${last}`
    const head = `POST /v1/usage HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${home.gateway}\r\ncontent-type: application/json\r\n`
    const got = await exchange(server.url, [`${head}transfer-encoding: chunked\r\n\r\n${body}`, ...later])
    expect(got.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`])
    expect(got.toLowerCase()).toContain('connection: close')
    server.kill('SIGTERM')
    await server.finished
    const requests = server.log().filter(({ event }) => event === 'request')
    expect(requests.map(({ route, status }) => [route, status])).toEqual([['/v1/usage', status]])
    const after = connectLatchkey({ path: home.path, access: 'read' })
    expect((await after.keys.stats('ci')).totals.requests).toBe(counted)
    await after.close()
  },
)

test('Ctrl-C stops it as gracefully, and exits as the shell expects', async () => {
  await using home = await prepared()
  const server = await startServer(home.path)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  server.kill('SIGINT')
  const { code, json } = await server.finished
  expect([code, json<{ signal: string }>().signal]).toEqual([130, 'SIGINT'])
})

test('a request that is under way is finished, and a second signal does not wait for it', async () => {
  await using home = await prepared()
  for (const impatient of [false, true]) {
    const server = await startServer(home.path)
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    let got = ''
    socket.on('data', chunk => {
      got += chunk
    })
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.on('error', () => {})
    const body = JSON.stringify({ secret: home.ci })
    socket.write(
      `POST /v1/verify HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${home.gateway}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
    )
    await Bun.sleep(100)
    server.kill('SIGTERM')
    while (!server.log().some(({ event }) => event === 'stopping')) await Bun.sleep(10)
    if (impatient) {
      server.kill('SIGTERM')
      expect(await server.finished).toMatchObject({ signal: 'SIGTERM', out: '' })
      socket.destroy()
      continue
    }
    socket.write(body.slice(9))
    expect(await server.finished).toMatchObject({ code: 0, signal: null })
    await closed
    expect(got).toStartWith('HTTP/1.1 200 OK\r\n')
    expect(got).toContain('"valid":true')
  }
})

test('a socket in the file system is for owner and group, replaces a dead one, and goes with the server', async () => {
  await using home = await prepared()
  const path = join(home.folder, 'l.sock')
  for (const end of ['SIGKILL', 'SIGTERM'] as const) {
    const server = await startServer(home.path, ['--unix', path])
    expect(server.url).toBe(`unix:${path}`)
    expect(statSync(path).mode & 0o777).toBe(0o660)
    expect((await fetch('http://localhost/readyz', { unix: path })).status).toBe(200)
    const second = await spawnLatchkey(['serve', '--json', '--unix', path], { db: home.path })
    expect(second).toMatchObject({ code: 5, err: expect.stringContaining('somebody listens there') })
    server.kill(end)
    await server.finished
    expect(existsSync(path)).toBe(end === 'SIGKILL')
  }
  await Bun.write(path, 'mine')
  for (const words of [[], ['--dry-run']]) {
    const refused = await spawnLatchkey(['serve', '--json', '--unix', path, ...words], { db: home.path })
    expect(refused).toMatchObject({ code: 5, err: expect.stringContaining('is not a socket') })
  }
  expect(await Bun.file(path).text()).toBe('mine')
})

test('a server that stops leaves the socket of the one that has taken its path', async () => {
  await using home = await prepared()
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
  await using home = await prepared()
  const server = await startServer(home.path)
  const port = new URL(server.url).port
  for (const [words, exit, code, said] of [
    [`--listen 127.0.0.1:${port}`, 5, 'conflict', `sport = :${port}`],
    ['--listen 0.0.0.0:0', 2, 'usage', '--allow-remote'],
    ['--listen [::]:0', 2, 'usage', '--allow-remote'],
    ['--listen example.org:80', 2, 'usage', '--allow-remote'],
    ['--listen 127.0.0.1', 2, 'usage', '127.0.0.1:8686'],
    ['--listen 127.0.0.1:65536', 2, 'usage', '65535'],
    // No resolver is asked for a name with an empty part, nor for an address.
    ['--listen a..b:80 --allow-remote', 2, 'usage', 'no address'],
    ['--listen [fe80::1%nowhere]:0 --allow-remote', 2, 'usage', 'no address'],
    [`--unix ${home.folder}/none/l.sock`, 2, 'usage', 'mkdir'],
    [`--unix /tmp/${'x'.repeat(120)}`, 2, 'usage', 'too long'],
  ] as const) {
    const { out, err, code: exited } = await spawnLatchkey(`serve --json ${words}`, { db: home.path })
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
    await using home = await prepared()
    const words = ['serve', '--json', '--listen', 'nohost.invalid:80', '--allow-remote']
    const child = Bun.spawn([...unshare, ...program, ...words], {
      env: {
        PATH: process.env['PATH'],
        RES_OPTIONS: 'timeout:1 attempts:1',
        ...testEnvironment({}, home.path),
      },
      stderr: 'pipe',
    })
    const err = await child.stderr.text()
    expect([await child.exited, JSON.parse(err)]).toEqual([
      2,
      { error: expect.objectContaining({ code: 'usage', message: expect.stringContaining('not resolved') }) },
    ])
  },
)

test('--allow-remote listens where it is told', async () => {
  await using home = await prepared()
  const ran = await spawnLatchkey('serve --json --listen 0.0.0.0:0 --allow-remote --dry-run', {
    db: home.path,
  })
  expect(ran).toMatchObject({ code: 0, err: 'Dry run: nothing was changed.\n' })
  expect(ran.json()).toMatchObject({ addresses: [expect.stringMatching(/^http:\/\/0\.0\.0\.0:\d+$/)] })
})

test('a log that nobody reads holds up no answer', async () => {
  await using home = await prepared()
  const child = Bun.spawn([...program, 'serve', '--listen', '127.0.0.1:0'], {
    env: { PATH: process.env['PATH'], ...testEnvironment({}, home.path) },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const reader = child.stderr.getReader()
  const { value } = await reader.read()
  const url = JSON.parse(new TextDecoder().decode(value)).address
  // A line has a hundred characters: more than any pipe holds.
  const some = async () => {
    for (let n = 0; n < 60; n++) expect((await fetch(`${url}/healthz`)).status).toBe(200)
  }
  await Promise.all(Array.from({ length: 50 }, some))
  child.kill('SIGTERM')
  for (;;) if ((await reader.read()).done) break
  expect(await child.exited).toBe(0)
})

test('a log that nobody reads holds up no end', async () => {
  await using home = await prepared()
  const child = Bun.spawn([...program, 'serve', '--json', '--listen', '127.0.0.1:0'], {
    env: { PATH: process.env['PATH'], ...testEnvironment({}, home.path) },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const reader = child.stderr.getReader()
  const { address } = JSON.parse(new TextDecoder().decode((await reader.read()).value))
  for (let n = 0; n < 3_000; n++) expect((await fetch(`${address}/healthz`)).status).toBe(200)
  child.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  expect(JSON.parse(await child.stdout.text())).toMatchObject({ requests: 3_000 })
})

test.each(['blocks', 'does not block'])(
  'results that nobody reads hold up no end where stdout %s',
  async how => {
    await using home = await prepared()
    const fifo = join(home.folder, 'stdout')
    expect((await Bun.$`mkfifo ${fifo}`).exitCode).toBe(0)
    const full = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
    expect(() => {
      for (;;) writeSync(full, 'x')
    }).toThrow('EAGAIN')
    const stdout = how === 'blocks' ? openSync(fifo, constants.O_WRONLY) : full
    const child = Bun.spawn([...program, 'serve', '--listen', '127.0.0.1:0'], {
      env: { PATH: process.env['PATH'], ...testEnvironment({}, home.path) },
      stdin: 'ignore',
      stdout,
      stderr: 'pipe',
    })
    await child.stderr.getReader().read()
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
  },
)

test('clients that do not send what they have begun hold up no stop', async () => {
  await using home = await prepared()
  const server = await startServer(home.path)
  const { hostname, port } = new URL(server.url)
  const unread = `authorization: Bearer ${home.gateway}\r\ncontent-length: 5000\r\n\r\nx`
  const dripping = [
    'GET /healthz HTTP/1.1\r\nhost: x\r\nx',
    'POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\nx',
    `POST /v1/reservations/res_1/release HTTP/1.1\r\nhost: x\r\n${unread}`,
  ].map(begun => {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(begun)
    const drip = setInterval(() => socket.write('x'), 100)
    socket.once('close', () => clearInterval(drip))
    return socket
  })
  while (server.log().filter(({ event }) => event === 'request').length < 2) await Bun.sleep(10)
  server.kill('SIGTERM')
  // A client that is let go on keeps its connection for a minute.
  const ended = await Promise.race([server.finished, Bun.sleep(30_000)])
  for (const socket of dripping) socket.destroy()
  expect(ended).toMatchObject({ code: 0, signal: null })
})

test('whatever a client calls itself, it is answered', async () => {
  await using home = await prepared()
  const server = await startServer(home.path)
  const { hostname, port } = new URL(server.url)
  for (const [head, status] of [
    ['GET /healthz HTTP/1.1\r\nhost: [[', 200],
    ['GET /healthz HTTP/1.1\r\nhost: a b', 200],
    ['GET /healthz?secret=x HTTP/1.1\r\nhost: x', 200],
    ['GET //healthz HTTP/1.1\r\nhost: x', 404],
    ['GET /%zz HTTP/1.1\r\nhost: x', 404],
  ] as const) {
    const socket = connect(Number(port), hostname)
    socket.write(`${head}\r\nconnection: close\r\n\r\n`)
    const text = await new Response(Readable.toWeb(socket) as ReadableStream).text()
    expect([head, text.slice(0, 12)]).toEqual([head, `HTTP/1.1 ${status}`])
  }
  server.kill('SIGTERM')
  await server.finished
})

const terminalTest = requireTool('setsid')

terminalTest('on a terminal it says where it listens, and Ctrl-C ends it with what it has done', async () => {
  await using home = await prepared()
  const typed = [{ when: /Ctrl-C stops it/, keys: '\x03' }]
  // Ctrl-C is a signal on a terminal that controls the process.
  const wrap = (command: readonly string[]) => ['setsid', '--ctty', '--wait', ...command]
  const { code, lines } = await onTerminal('serve --listen 127.0.0.1:0', typed, { db: home.path, wrap })
  expect(code).toBe(130)
  expect(lines[0]).toMatch(/^Listening on http:\/\/127\.0\.0\.1:\d+; Ctrl-C stops it$/)
  expect(lines.at(-1)).toMatch(/^Stopped by SIGINT after \d+m?s: 0 requests answered$/)
})

test('while another process writes, verdicts are given and usage waits', async () => {
  await using home = await prepared()
  const server = await startServer(home.path)
  const writer = new Client(home.path, { readwrite: true })
  writer.run('BEGIN IMMEDIATE')
  let counted: unknown
  const usage = fetch(`${server.url}/v1/usage`, posting(home.gateway, { key: 'ci' }))
    .then(answer => answer.json())
    .then(receipt => {
      counted = receipt
    })
  for (let n = 0; n < 5; n++) {
    const answer = await fetch(`${server.url}/v1/verify`, posting(home.gateway, { secret: home.ci }))
    expect(await answer.json()).toMatchObject({ valid: true })
  }
  expect(counted).toBeUndefined()
  writer.run('COMMIT')
  writer.close()
  await usage
  expect(counted).toEqual({ events: 1, counted: 1, duplicates: 0 })
  server.kill('SIGTERM')
  await server.finished
})

requireTool('systemd-analyze')('systemd takes the units, all that they say included', async () => {
  using folder = temporaryFolder()
  const units = [...new Bun.Glob('*.{service,timer}').scanSync(packaging)]
  expect(units).toHaveLength(3)
  for (const name of units) {
    const unit = await Bun.file(join(packaging, name)).text()
    // It is not installed where tests run, and neither are its pages.
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
  expect(invocation).toMatchObject({ kind: 'run', declaration: { name: 'serve' } })
  const given = invocation.kind === 'run' && invocation.input({ now: new Date(), timeZone: 'UTC' })
  expect(given).toMatchObject({ listen: { host: '127.0.0.1', port: 8686 } })
})

test('a database that goes while it serves makes it not ready, and one that comes makes it ready again', async () => {
  await using home = await prepared()
  await home.dry.close()
  const aside = connectLatchkey({ path: home.path })
  await aside.backups.create()
  await aside.close()
  const server = await startServer(home.path)
  const status = async (path: string, init?: RequestInit) => (await fetch(server.url + path, init)).status
  expect(await status('/readyz')).toBe(200)
  for (const suffix of ['', '-wal', '-shm']) rmSync(home.path + suffix, { force: true })
  expect(await status('/readyz')).toBe(503)
  expect(await status('/v1/verify', posting(home.gateway, { secret: home.ci }))).toBe(503)
  expect(await spawnLatchkey('restore --latest --yes --json', { db: home.path })).toMatchObject({ code: 0 })
  expect(await status('/readyz')).toBe(200)
  expect(await status('/v1/verify', posting(home.gateway, { secret: home.ci }))).toBe(200)
  const counted = await fetch(`${server.url}/v1/usage`, posting(home.gateway, { key: 'ci', inputTokens: 9 }))
  expect(await counted.json()).toMatchObject({ counted: 1 })
  server.kill('SIGTERM')
  expect(await server.finished).toMatchObject({ code: 0 })
  const stats = await spawnLatchkey('key stats ci --json', { db: home.path })
  expect(stats.json()).toMatchObject({ totals: { inputTokens: 9 } })
})

test('with fewer descriptors than clients, everyone who asks is answered, and the log says so once', async () => {
  await using home = await prepared()
  const few = ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh']
  const server = await startServer(home.path, [], few)
  const { hostname, port } = new URL(server.url)
  const clients = Array.from({ length: 150 }, () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.once('data', data => resolve(String(data).slice(0, 12)))
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
    // It keeps its connection, as gateways do.
    return { socket, answer: promise }
  })
  const answers = await Promise.all(clients.map(client => client.answer))
  expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 200']))
  expect(server.log().filter(({ event }) => event === 'failure')).toEqual([
    expect.objectContaining({ message: expect.stringContaining('no file descriptor is left') }),
  ])
  for (const { socket } of clients) socket.destroy()
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  server.kill('SIGTERM')
  expect((await server.finished).code).toBe(0)
})
