import { expect, test } from 'bun:test'
import { connect } from 'node:net'
import { temporaryApp } from '../testing/app.ts'
import { commitsInLog } from '../testing/commits.ts'
import { type RunningServer, serverHome, startServer } from '../testing/server.ts'

test('64 requests for usage that arrive together are one transaction, and a bad one fails alone', async () => {
  await using home = await temporaryApp()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  await home.post('/v1/usage', { key: id })
  const before = commitsInLog(home.path)
  const bad: Readonly<Record<number, unknown>> = {
    20: { key: id.replace(/.{4}$/, 'zzzz') },
    21: { key: id, inputTokens: -1 },
    22: { key: id, inputTokens: Number.MAX_SAFE_INTEGER },
  }
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, n) =>
      home.post('/v1/usage', bad[n] ?? { id: `${n}`, key: n % 3 === 0 ? 'ci' : id, inputTokens: 1 }),
    ),
  )
  expect([20, 21, 22].map(n => answers[n]?.status)).toEqual([404, 400, 400])
  for (const [n, { status, json }] of answers.entries()) {
    if (bad[n] === undefined)
      expect([status, json]).toEqual([200, { events: 1, counted: 1, duplicates: 0, endUsersLeftOut: 0 }])
  }
  expect(commitsInLog(home.path) - before).toBe(1)
  expect((await home.latchkey.keys.stats(id)).totals).toMatchObject({ requests: 62, inputTokens: 61 })
})

test('reservations, their ends and counted requests share transactions too', async () => {
  await using home = await temporaryApp()
  const { id, secret } = await home.latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'requests', amount: 100, windowMs: 3_600_000 }],
  })
  await home.post('/v1/usage', { key: id })
  let before = commitsInLog(home.path)
  const commits = () => {
    const since = before
    before = commitsInLog(home.path)
    return before - since
  }
  const held = await Promise.all(Array.from({ length: 20 }, () => home.post('/v1/reservations', { secret })))
  const ids = held.map(({ json }) => json.reservation?.id ?? '')
  expect(new Set(ids).size).toBe(20)
  expect(commits()).toBe(1)
  const ends = ids.map((each, n) =>
    n % 2 === 0
      ? home.post(`/v1/reservations/${each}/settle`, {})
      : home.ask(`/v1/reservations/${each}/release`, { method: 'POST' }),
  )
  const missing = home.post('/v1/reservations/res_00000000000000000000000000/settle', {})
  expect((await Promise.all(ends)).map(({ status }) => status)).toEqual(
    ids.map((_, n) => (n % 2 === 0 ? 200 : 204)),
  )
  expect((await missing).status).toBe(404)
  // Releases have no body to read, and are heard before the others.
  expect(commits()).toBeLessThanOrEqual(2)
  const own = { authorization: `Bearer ${secret}` }
  const counted = await Promise.all(
    Array.from({ length: 100 }, () => home.ask('/v1/authorize?count=1', {}, own)),
  )
  // 1 and 10 were used before.
  expect(counted.filter(({ status }) => status === 204)).toHaveLength(89)
  expect(counted.filter(({ status }) => status === 429)).toHaveLength(11)
  // They are held, then counted.
  expect(commits()).toBe(2)
})

/** Requests that lie in the sockets of a server when it goes on. */
async function atOnce(server: RunningServer, requests: readonly string[]): Promise<readonly string[]> {
  const { hostname, port } = new URL(server.url)
  const clients = await Promise.all(
    requests.map(async () => {
      const socket = connect(Number(port), hostname)
      const ask = async (text: string): Promise<string> => {
        const answer = new Promise<Buffer>(resolve => socket.once('data', resolve))
        socket.write(text)
        return String(await answer)
      }
      await ask('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
      return { socket, ask }
    }),
  )
  process.kill(server.pid, 'SIGSTOP')
  const answers = clients.map(({ ask }, n) => ask(requests[n] ?? ''))
  await Bun.sleep(50)
  process.kill(server.pid, 'SIGCONT')
  const all = await Promise.all(answers)
  for (const { socket } of clients) socket.destroy()
  return all
}

test.each([
  ['usage', '/v1/usage', 200],
  ['reservations', '/v1/reservations', 200],
  ['counted requests', '/v1/authorize?count=1', 204],
])('%s from many connections share transactions', async (_, path, status) => {
  await using home = await serverHome()
  const server = await startServer(home.path)
  const body = JSON.stringify(path === '/v1/usage' ? { key: 'ci' } : { secret: home.ci })
  const request = `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${home.gateway}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  await atOnce(server, [request])
  const before = commitsInLog(home.path)
  const answers = await atOnce(server, Array(32).fill(request))
  expect(answers.map(answer => answer.slice(9, 12))).toEqual(Array(32).fill(String(status)))
  // One, if they all came in one turn of its event loop; a counted request is held, then counted.
  expect(commitsInLog(home.path) - before).toBeLessThanOrEqual(8)
  server.kill('SIGTERM')
  await server.finished
})

test('usage waits for no other, whatever the clock says', async () => {
  await using home = await temporaryApp()
  const { id } = await home.latchkey.keys.create({ name: 'ci' })
  await home.post('/v1/usage', { key: id })
  const real = globalThis.setTimeout
  const asked: unknown[] = []
  globalThis.setTimeout = ((work: () => void, ms?: number) => {
    asked.push(ms)
    return real(work, ms)
  }) as typeof setTimeout
  try {
    expect((await home.post('/v1/usage', { key: id })).status).toBe(200)
  } finally {
    globalThis.setTimeout = real
  }
  expect(asked).toEqual([])
})
