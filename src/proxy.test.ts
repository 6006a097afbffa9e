/** The recipes of docs/proxy.md, with the real proxies, before a stand-in for Ollama that streams. */
import { expect, test } from 'bun:test'
import { connect, createServer } from 'node:net'
import { connectLatchkey } from './index.ts'
import { type TemporaryFolder, temporaryFolder } from './testing/folder.ts'
import { nextLine } from './testing/lines.ts'
import { blocksOf } from './testing/pages.ts'
import { serverHome, startServer } from './testing/server.ts'
import { requireTool } from './testing/tools.ts'

interface Proxy {
  readonly tool: string
  /** The language of its recipe. */
  readonly language: string
  /** Paths of its own, which nobody else may ask for. */
  readonly hidden: readonly string[]
  /** Writes the whole configuration; gives the command that runs it in the foreground. */
  readonly command: (folder: TemporaryFolder, recipe: string) => readonly string[]
}

const nginx: Proxy = {
  tool: 'nginx',
  language: 'nginx',
  hidden: ['/_latchkey'],
  command: (folder, recipe) => {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map(name => `${name}_temp_path ${folder.file(name)};`)
      .join('\n')
    const conf = folder.write(
      'nginx.conf',
      `daemon off; master_process off; pid ${folder.file('nginx.pid')}; error_log stderr info;
       events {}
       http { access_log ${folder.file('access.log')}; ${paths}\n${recipe} }`,
    )
    return ['nginx', '-e', 'stderr', '-c', conf]
  },
}

const caddy: Proxy = {
  tool: 'caddy',
  language: 'caddyfile',
  hidden: [],
  command: (folder, recipe) => {
    const options = recipe.replace('{', '{\n\tadmin off\n\tauto_https off')
    const file = folder.write('Caddyfile', `${options}\n`)
    return ['caddy', 'run', '--adapter', 'caddyfile', '--config', file]
  },
}

const freePort = () =>
  new Promise<number>(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

/** Answers a line at a time; the second one when it is told to. Remembers all that it was sent. */
function startModelServer() {
  const received: string[] = []
  let release = Promise.withResolvers<void>()
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async request => {
      received.push(JSON.stringify([request.method, request.url, [...request.headers], await request.text()]))
      const held = release.promise
      // Caddy 2.6 cuts a response that begins before it knows that it has sent all of the request. No model is that fast.
      await Bun.sleep(20)
      return new Response(
        (async function* () {
          yield '{"response":"Hel","done":false}\n'
          await held
          yield '{"response":"lo","done":true}\n'
        })() as unknown as ReadableStream,
        { headers: { 'content-type': 'application/x-ndjson' } },
      )
    },
  })
  return {
    port: server.port,
    received,
    release: () => {
      release.resolve()
      release = Promise.withResolvers()
    },
    stop: () => server.stop(true),
  }
}

async function startProxy({ command, language, tool }: Proxy, latchkey: string, ollama: number) {
  const folder = temporaryFolder()
  const [recipe = ''] = blocksOf('docs/proxy.md', language)
  const port = await freePort()
  const filled = recipe
    .replaceAll('127.0.0.1:8686', new URL(latchkey).host)
    .replaceAll('127.0.0.1:11434', `127.0.0.1:${ollama}`)
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
  const log = folder.file('proxy.log')
  const child = Bun.spawn([...command(folder, filled)], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder.path,
      XDG_DATA_HOME: folder.path,
      XDG_CONFIG_HOME: folder.path,
    },
    stdin: 'ignore',
    stdout: Bun.file(folder.file('out.log')),
    stderr: Bun.file(log),
  })
  const url = `http://127.0.0.1:${port}`
  const logs = async () => {
    const access = Bun.file(folder.file('access.log'))
    return (await Bun.file(log).text()) + ((await access.exists()) ? await access.text() : '')
  }
  while (
    !(await fetch(`${url}/`).then(
      () => true,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`${tool} did not start: ${await logs()}`)
    await Bun.sleep(20)
  }
  return {
    url,
    logs,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await child.exited
      folder[Symbol.dispose]()
    },
  }
}

/** Sends these lines as they are, which `fetch` would not; gives the status. */
function sendRaw(url: string, headers: readonly string[]): Promise<number> {
  const { hostname, port, host } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.on('error', reject)
  socket.on('data', bytes => {
    answer += bytes
    if (answer.includes('\r\n\r\n')) socket.destroy()
  })
  socket.on('close', () => resolve(Number(answer.split(' ')[1])))
  socket.write(['GET /api/tags HTTP/1.1', `Host: ${host}`, ...headers, '', ''].join('\r\n'))
  return promise
}

for (const proxy of [nginx, caddy]) {
  requireTool(proxy.tool)(
    `no header of a client passes for one of Latchkey behind ${proxy.tool}`,
    async () => {
      await using home = await serverHome()
      const admin = connectLatchkey({ path: home.path })
      const alice = await admin.users.create({ username: 'alice' })
      const site = await admin.projects.create({ name: 'site', owner: 'alice' })
      const windowed = (['tokens', 'requests', 'usd'] as const).map(
        metric => ({ metric, amount: 1000, windowMs: 3_600_000 }) as const,
      )
      const limits = [...windowed, { metric: 'parallel', amount: 1000 }] as const
      const owned = await admin.keys.create({ name: 'owned', user: 'alice', project: 'site', limits })
      const plain = await admin.keys.create({ name: 'plain' })
      const server = await startServer(home.path)
      const model = startModelServer()
      await using front = await startProxy(proxy, server.url, model.port!)

      // The names are those that Latchkey itself answers with.
      const bearer = (key: typeof owned) => `Authorization: Bearer ${key.secret}`
      const authorized = await fetch(`${server.url}/v1/authorize`, {
        headers: { authorization: `Bearer ${owned.secret}` },
      })
      const names = [...authorized.headers.keys()].filter(name => /^(x-latchkey|ratelimit)/.test(name))
      expect(names).toHaveLength(9)
      // The recipe for Traefik, which is not run here, names them all too.
      for (const name of names) expect(blocksOf('docs/proxy.md', 'yaml').join().toLowerCase()).toContain(name)
      const spellings = names.flatMap(name => [name, name.replaceAll('-', '_'), name.replace('-', '_')])
      const forged = spellings.map(name => `${name}: forged`)

      for (const [key, ids] of [
        [owned, { key: owned.id, user: alice.id, project: site.id }],
        [plain, { key: plain.id }],
      ] as const) {
        for (const lines of [
          forged,
          [`Connection: close, ${names.join(', ')}`],
          [...forged, ...names.map(name => `Connection: ${name}`)],
          [...forged, `Connection: ${spellings.join()}`],
        ]) {
          expect(await sendRaw(front.url, [bearer(key), ...lines])).toBe(200)
          model.release()
          const [, , headers] = JSON.parse(model.received.at(-1)!) as [string, string, [string, string][]]
          const arrived = headers.filter(([name, value]) => /latchkey|ratelimit/i.test(name) && value !== '')
          expect(Object.fromEntries(arrived)).toEqual(
            Object.fromEntries(Object.entries(ids).map(([name, id]) => [`x-latchkey-${name}`, id])),
          )
        }
      }

      // Nor does a secret pass that way.
      for (const line of [`X-Api-Key: ${owned.secret}`, bearer(owned)])
        await sendRaw(front.url, [line, 'Connection: Authorization, X-Api-Key'])
      expect(model.received.join()).not.toContain(owned.secret!.slice(3))
      server.kill('SIGTERM')
      await server.finished
      model.stop()
      await admin.close()
    },
  )

  requireTool(proxy.tool)(
    `${proxy.tool} lets in whom Latchkey lets in, and keeps their key to itself`,
    async () => {
      await using home = await serverHome()
      const admin = connectLatchkey({ path: home.path })
      const alice = await admin.users.create({ username: 'alice' })
      const limits = [{ metric: 'requests', amount: 2, windowMs: 3_600_000 }] as const
      const key = await admin.keys.create({ name: 'laptop', user: 'alice', limits })
      const other = await admin.keys.create({ name: 'plain', allowedModels: ['gpt-x'], model: 'llama' })
      const secret = key.secret!
      const server = await startServer(home.path)
      const model = startModelServer()
      await using front = await startProxy(proxy, server.url, model.port!)
      const ask = (headers: Record<string, string>, path = '/api/generate?count=0&scope=x') =>
        fetch(front.url + path, {
          method: 'POST',
          headers: {
            ...headers,
            'x-latchkey-user': 'root',
            'x-latchkey-key': 'forged',
            ratelimit: '"forged";r=9',
          },
          body: '{"model":"llama"}',
        })

      // Whoever has no key, or none that works.
      for (const headers of [{}, { authorization: 'Bearer lk_nobody' }]) {
        const refused = await ask(headers)
        expect([refused.status, refused.headers.get('www-authenticate')?.slice(0, 23)]).toEqual([
          401,
          'Bearer realm="latchkey"',
        ])
      }
      expect((await ask({ 'x-api-key': other.secret! })).status).toBe(403)
      for (const path of proxy.hidden) {
        const hidden = await fetch(front.url + path, { headers: { 'x-api-key': secret } })
        expect([path, hidden.status]).toEqual([path, 404])
      }
      expect(model.received).toEqual([])

      // What is let in streams: the first part is there while the second is held back.
      const answer = await ask({ authorization: `Bearer ${secret}` })
      expect([
        answer.status,
        answer.headers.get('ratelimit'),
        answer.headers.get('ratelimit-policy'),
      ]).toEqual([200, '"key-requests-1h";r=1', '"key-requests-1h";q=2;w=3600'])
      const reader = answer.body!.getReader()
      expect(await nextLine(reader)).toBe('{"response":"Hel","done":false}\n')
      model.release()
      expect(await nextLine(reader)).toBe('{"response":"lo","done":true}\n')
      await reader.read()

      const second = await ask({ 'x-api-key': secret })
      model.release()
      expect([second.status, second.headers.get('ratelimit')]).toEqual([200, '"key-requests-1h";r=0'])
      await second.text()
      const third = await ask({ 'x-api-key': secret })
      expect([third.status, third.headers.get('ratelimit')?.slice(0, 23)]).toEqual([
        429,
        '"key-requests-1h";r=0;t',
      ])
      expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(3_500)
      expect(await third.text()).toContain('limit_exceeded')

      // The model server has seen whose request it is, what was asked, and no secret.
      expect(model.received).toHaveLength(2)
      for (const received of model.received) {
        const [method, url, headers, body] = JSON.parse(received)
        expect([method, new URL(url).pathname, body]).toEqual(['POST', '/api/generate', '{"model":"llama"}'])
        const sent = Object.fromEntries(headers)
        expect(sent).toMatchObject({ 'x-latchkey-key': key.id, 'x-latchkey-user': alice.id })
        expect(Object.keys(sent)).not.toContain('authorization')
        expect(sent['x-latchkey-project'] ?? '').toBe('')
        expect(received).not.toContain(secret.slice(3))
      }
      expect((await admin.keys.stats('laptop')).totals.requests).toBe(2)

      // A key without a user has none, whatever the client claims.
      await admin.keys.update('laptop', { user: null, removeLimits: [{ metric: 'requests' }] })
      const plain = await ask({ 'x-api-key': secret })
      model.release()
      await plain.text()
      expect(plain.headers.get('ratelimit')).toBeNull()
      expect(model.received.at(-1)).toContain(key.id)
      for (const word of ['root', '"forged"]', secret, '{http'])
        expect(model.received.at(-1)).not.toContain(word)

      // Without Latchkey nobody gets in.
      server.kill('SIGTERM')
      const served = await server.finished
      const closed = await ask({ 'x-api-key': secret })
      expect(closed.status).toBeGreaterThanOrEqual(500)
      expect(model.received).toHaveLength(3)
      for (const written of [served.err, await front.logs()]) expect(written).not.toContain(secret.slice(3))
      model.stop()
      await admin.close()
    },
  )
}

test('every recipe has the ports that the others have', () => {
  for (const language of ['nginx', 'caddyfile', 'yaml']) {
    const [recipe] = blocksOf('docs/proxy.md', language)
    expect(recipe).toContain('127.0.0.1:8686')
    expect(recipe).toContain('127.0.0.1:11434')
  }
})
