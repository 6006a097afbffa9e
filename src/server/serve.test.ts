import { expect, test } from 'bun:test'
import { constants, openSync, rmSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Client } from '../db/sqlite/client.ts'
import { connectLatchkey } from '../index.ts'
import { firstLine, nextLine } from '../testing/lines.ts'
import { processEnvironment, program, runOrSpawn } from '../testing/process.ts'
import { serverHome as prepared, startServer } from '../testing/server.ts'

const crlf = Buffer.from('\r\n')

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

/** The answers of a server to bytes on a connection until it closes. Each part is sent after the answer to the previous one. */
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

test.concurrent.each([
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

test('a request with a stray line break behind it is refused once, and nothing was done', async () => {
  await using home = await prepared()
  const server = await startServer(home.path)
  const latchkey = connectLatchkey({ path: home.path })
  const { secret } = await latchkey.keys.create({
    name: 'held',
    limits: [{ metric: 'parallel', amount: 2, period: 'total' }],
  })
  const statuses = async (method: string, path: string, body: unknown, key: string, end: string) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const type =
      body === undefined ? '' : `content-type: application/json\r\ncontent-length: ${text.length}\r\n`
    const head = `${method} ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n${type}`
    // Without one, the connection is closed by what is asked for.
    const last = end === '' ? 'connection: close\r\n' : ''
    const got = await exchange(server.url, [`${head}${last}\r\n${text}${end}`])
    return got.match(/HTTP\/1\.1 \d+/g)
  }
  const { reservation } = await latchkey.usage.reserve('ci')
  const { id } = reservation!
  const asked = [
    ['POST', '/v1/reservations', { secret }, home.gateway, 200],
    ['POST', `/v1/reservations/${id}/settle`, { inputTokens: 1 }, home.gateway, 200],
    ['GET', '/v1/authorize?count=1', undefined, secret!, 204],
  ] as const
  const used = async () => {
    const { limits } = await latchkey.keys.stats('held')
    const counted = await Promise.all(['held', 'ci'].map(name => latchkey.keys.stats(name)))
    return [limits[0]?.used, ...counted.map(({ totals }) => totals.requests)]
  }
  for (const [method, path, body, key] of asked)
    expect(await statuses(method, path, body, key, '\r\n'), path).toEqual(['HTTP/1.1 400'])
  expect(await statuses('POST', `/v1/reservations/${id}/release`, {}, home.gateway, '\r\n')).toEqual([
    'HTTP/1.1 400',
  ])
  expect(await used()).toEqual([0, 0, 0])
  for (const [method, path, body, key, status] of asked)
    expect(await statuses(method, path, body, key, ''), path).toEqual([`HTTP/1.1 ${status}`])
  expect(await used()).toEqual([1, 1, 1])
  await latchkey.close()
  server.kill('SIGTERM')
  await server.finished
})

test.each([
  ['with a length', `content-length: ${smuggled.length}\r\n\r\n${smuggled}`, [204, 200]],
  [
    'in chunks',
    `transfer-encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
    [204],
  ],
] as const)('a body %s that a proxy sends to be authorized is no request', async (_, rest, statuses) => {
  await using home = await prepared()
  const server = await startServer(home.path)
  const head = `POST /v1/authorize HTTP/1.1\r\nhost: x\r\nx-api-key: ${home.ci}\r\n`
  const next = 'GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
  const got = await exchange(server.url, [head + rest, next])
  expect<unknown>(got.match(/HTTP\/1\.1 \d+/g)).toEqual(statuses.map(status => `HTTP/1.1 ${status}`))
  server.kill('SIGTERM')
  await server.finished
  const requests = server.log().filter(({ event }) => event === 'request')
  expect(requests.map(({ route }) => route)).toEqual(['/v1/authorize', '/readyz'].slice(0, statuses.length))
})

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

test('a log that nobody reads holds up no answer', async () => {
  await using home = await prepared()
  const child = Bun.spawn([...program, 'serve', '--listen', '127.0.0.1:0'], {
    env: processEnvironment({ db: home.path }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const reader = child.stderr.getReader()
  const url = JSON.parse(await nextLine(reader)).address
  // A line has a hundred characters, so this is more than a pipe holds.
  const some = async () => {
    for (let n = 0; n < 60; n++) expect((await fetch(`${url}/healthz`)).status).toBe(200)
  }
  await Promise.all(Array.from({ length: 50 }, some))
  child.kill('SIGTERM')
  for (;;) if ((await reader.read()).done) break
  expect(await child.exited).toBe(0)
})

test.concurrent('a log that nobody reads holds up no end', async () => {
  await using home = await prepared()
  const child = Bun.spawn([...program, 'serve', '--json', '--listen', '127.0.0.1:0'], {
    env: processEnvironment({ db: home.path }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const { address } = JSON.parse(await firstLine(child.stderr))
  for (let n = 0; n < 3_000; n++) expect((await fetch(`${address}/healthz`)).status).toBe(200)
  child.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  expect(JSON.parse(await child.stdout.text())).toMatchObject({ requests: 3_000 })
})

test.concurrent.each(['blocks', 'does not block'])(
  'results that nobody reads hold up no end where stdout %s',
  async how => {
    await using home = await prepared()
    const fifo = join(home.folder, 'stdout')
    expect((await Bun.$`mkfifo ${fifo}`).exitCode).toBe(0)
    const full = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
    for (const some of ['x'.repeat(4_096), 'x'])
      expect(() => {
        for (;;) writeSync(full, some)
      }).toThrow('EAGAIN')
    const stdout = how === 'blocks' ? openSync(fifo, constants.O_WRONLY) : full
    const child = Bun.spawn([...program, 'serve', '--listen', '127.0.0.1:0'], {
      env: processEnvironment({ db: home.path }),
      stdin: 'ignore',
      stdout,
      stderr: 'pipe',
    })
    await firstLine(child.stderr)
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
  },
)

test.concurrent('clients that do not send what they have begun hold up no stop', async () => {
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
  // If it were not cut off, a client would keep its connection for a minute.
  const ended = await Promise.race([server.finished, Bun.sleep(30_000)])
  for (const socket of dripping) socket.destroy()
  expect(ended).toMatchObject({ code: 0, signal: null })
})

test.concurrent('a body that does not arrive is refused after ten seconds, and others meanwhile are not', async () => {
  await using home = await prepared()
  const server = await startServer(home.path)
  const { hostname, port } = new URL(server.url)
  const head = `POST /v1/verify HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${home.gateway}\r\ncontent-type: application/json\r\n`
  const slow = ['content-length: 500\r\n\r\n{', 'transfer-encoding: chunked\r\n\r\n1\r\n{\r\n'].map(begun => {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(head + begun)
    const drip = setInterval(() => socket.write('1\r\n \r\n'), 1_000)
    socket.once('close', () => clearInterval(drip))
    return new Response(Readable.toWeb(socket) as ReadableStream).text()
  })
  for (let n = 0; n < 3; n++) {
    await Bun.sleep(1_000)
    const answer = await fetch(`${server.url}/v1/verify`, posting(home.gateway, { secret: home.ci }))
    expect(await answer.json()).toMatchObject({ valid: true })
  }
  for (const text of await Promise.all(slow)) {
    expect(text).toStartWith('HTTP/1.1 408 ')
    expect(text.toLowerCase()).toContain('connection: close')
  }
  server.kill('SIGTERM')
  await server.finished
})

test('whatever a client calls itself, it is answered', async () => {
  await using home = await prepared()
  const server = await startServer(home.path)
  const { hostname, port } = new URL(server.url)
  for (const [head, status] of [
    ['GET /healthz HTTP/1.1\r\nhost: [[', 200],
    ['GET /healthz HTTP/1.1\r\nhost: a b', 200],
    ['GET /healthz?secret=x HTTP/1.1\r\nhost: x', 200],
    ['GET http://x/healthz HTTP/1.1\r\nhost: x', 200],
    ['GET //healthz HTTP/1.1\r\nhost: x', 404],
    ['GET /healthz/ HTTP/1.1\r\nhost: x', 404],
    ['GET /healthz;x HTTP/1.1\r\nhost: x', 404],
    ['GET /HEALTHZ HTTP/1.1\r\nhost: x', 404],
    ['GET /%68ealthz HTTP/1.1\r\nhost: x', 404],
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

test('a name is what was sent, in pieces too, and bytes that are no text are no name', async () => {
  await using home = await prepared()
  const latchkey = connectLatchkey({ path: home.path })
  const limits = [{ metric: 'tokens', amount: 9, windowMs: 3_600_000, each: true }] as const
  const { secret } = await latchkey.keys.create({ name: 'shared', limits })
  await latchkey.close()
  const server = await startServer(home.path)
  const head = `host: x\r\nconnection: close\r\nauthorization: Bearer ${home.gateway}\r\ncontent-type: application/json\r\n`
  const chunk = (part: Buffer) => Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, crlf])
  const post = async (path: string, body: readonly Buffer[], isChunked = false) => {
    const framing = isChunked ? 'transfer-encoding: chunked' : `content-length: ${Buffer.concat(body).length}`
    const parts = isChunked ? [...body.map(chunk), Buffer.from('0\r\n\r\n')] : body
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname).setNoDelay()
    for (const part of [Buffer.from(`POST ${path} HTTP/1.1\r\n${head}${framing}\r\n\r\n`), ...parts]) {
      socket.write(part)
      await Bun.sleep(5)
    }
    const text = await new Response(Readable.toWeb(socket) as ReadableStream).text()
    return { status: Number(text.slice(9, 12)), json: JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) }
  }
  const begun = Buffer.from(`{"secret":"${secret}","endUser":"`)
  const end = Buffer.from('"}')
  const name = Buffer.from('é😀')
  for (const [sent, endUser] of [
    [[name], 'é😀'],
    [[name.subarray(0, 1), name.subarray(1, 4), name.subarray(4)], 'é😀'],
    [[Buffer.from('\\ufffd')], '\ufffd'],
  ] as const) {
    for (const isChunked of [false, true]) {
      const { status, json } = await post('/v1/verify', [begun, ...sent, end], isChunked)
      expect([status, json.limits?.[0]?.endUser]).toEqual([200, endUser])
    }
  }
  const bom = Buffer.from([0xef, 0xbb, 0xbf])
  expect(await post('/v1/verify', [bom, begun, name, end])).toMatchObject({ status: 200 })
  for (const path of ['/v1/verify', '/v1/reservations']) {
    for (const sent of ['\xff', '\xf0\x9f\x98', '\xed\xa0\x80', '\xef\xbf\xbd', '\xc3']) {
      for (const isChunked of [false, true]) {
        const { status, json } = await post(path, [begun, Buffer.from(sent, 'latin1'), end], isChunked)
        expect([path, sent, status]).toEqual([path, sent, 400])
        expect(json.error.message).toContain('is not UTF-8')
      }
    }
  }
  // What a model has answered may be in an event.
  const answered = Buffer.from(
    '{"key":"ci","usage":{"text":"\ufffd","prompt_tokens":1,"completion_tokens":2}}',
  )
  expect(await post('/v1/usage', [answered])).toMatchObject({ status: 200, json: { counted: 1 } })
  server.kill('SIGTERM')
  await server.finished
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
  expect(counted).toEqual({ events: 1, counted: 1, duplicates: 0, endUsersLeftOut: 0 })
  server.kill('SIGTERM')
  await server.finished
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
  expect(await runOrSpawn('restore --latest --yes --json', { db: home.path })).toMatchObject({ code: 0 })
  expect(await status('/readyz')).toBe(200)
  expect(await status('/v1/verify', posting(home.gateway, { secret: home.ci }))).toBe(200)
  const counted = await fetch(`${server.url}/v1/usage`, posting(home.gateway, { key: 'ci', inputTokens: 9 }))
  expect(await counted.json()).toMatchObject({ counted: 1 })
  server.kill('SIGTERM')
  expect(await server.finished).toMatchObject({ code: 0 })
  const stats = await runOrSpawn('key stats ci --json', { db: home.path })
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
    expect.objectContaining({ message: expect.stringContaining('no file descriptors left') }),
  ])
  for (const { socket } of clients) socket.destroy()
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  server.kill('SIGTERM')
  expect((await server.finished).code).toBe(0)
})
