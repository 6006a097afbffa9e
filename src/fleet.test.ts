/** packaging/compose.yaml without containers: its commands, variables and health checks, as processes of this machine. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectLatchkey } from './index.ts'
import { temporaryFolder } from './testing/folder.ts'
import { root } from './testing/pages.ts'
import { requirePostgres, temporaryServer } from './testing/postgres.ts'
import { freePort, serverPrograms } from './testing/postgres-cluster.ts'
import { launcher } from './testing/process.ts'
import { type RunningServer, startServer } from './testing/server.ts'
import { inCi, requirement } from './testing/tools.ts'

setDefaultTimeout(600_000)

interface Service {
  readonly image: string
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly volumes?: readonly string[]
}

const { services } = Bun.YAML.parse(readFileSync(join(root, 'packaging/compose.yaml'), 'utf8')) as {
  readonly services: Readonly<Record<string, Service>>
}
const service = (name: string): Service => services[name] ?? { image: '' }

test('all images but that of Latchkey have a version, and every server has a name of its own', () => {
  expect(Object.values(services).map(({ image }) => image)).toEqual([
    expect.stringMatching(/^postgres:\d+$/),
    'latchkey',
    'latchkey',
    'latchkey',
    expect.stringMatching(/^nginx:\d+\.\d+$/),
  ])
  for (const name of ['one', 'two']) expect(service(name).command?.slice(-2)).toEqual(['--instance', name])
  expect(service('balancer').volumes).toEqual(['./balancer.conf:/etc/nginx/nginx.conf:ro'])
})

const requireFleet = () =>
  Bun.which('nginx') === null ? requirement('nginx is not installed', inCi) : requirePostgres()

requireFleet()('two servers behind nginx see a revocation at once, and one serves on for both', async () => {
  await using database = await temporaryServer({ durable: false })
  using folder = temporaryFolder()
  const programs = folder.write('latchkey', launcher)
  Bun.spawnSync(['chmod', '755', programs])
  const env = {
    PATH: `${folder.path}:${serverPrograms}:${process.env['PATH']}`,
    HOME: folder.path,
    PGPORT: String(database.port),
    PGHOST: '127.0.0.1',
  }
  const ran = (words: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const { exitCode, stderr } = Bun.spawnSync([...words], { env: { ...env, ...more }, stderr: 'pipe' })
    return [exitCode, exitCode === 0 ? '' : stderr.toString()]
  }
  // What the image of PostgreSQL does with its variables.
  const { POSTGRES_USER: user, POSTGRES_DB: name } = service('postgres').environment ?? {}
  const psql = ['psql', '-U', 'postgres', '-c']
  expect(ran([...psql, `CREATE ROLE ${user} LOGIN PASSWORD 'pw'`])).toEqual([0, ''])
  expect(ran([...psql, `CREATE DATABASE ${name} OWNER ${user}`])).toEqual([0, ''])
  expect(ran(service('postgres').healthcheck?.test.slice(1) ?? [])).toEqual([0, ''])

  const url = (service('one').environment?.['LATCHKEY_DB'] ?? '').replace(
    '@postgres/',
    `@127.0.0.1:${database.port}/`,
  )
  const variables = { LATCHKEY_DB: url, PGPASSWORD: 'pw' }
  const init = service('init')
  expect(init.environment).toEqual(service('one').environment)
  // The first time it creates the tables, the second time it finds them.
  for (const _ of [1, 2]) expect(ran(init.entrypoint ?? [], variables)).toEqual([0, ''])
  const path = url.replace('latchkey@', 'latchkey:pw@')
  const latchkey = connectLatchkey({ path })
  const { secret: gateway } = await latchkey.keys.create({ name: 'gateway', scopes: ['latchkey:*'] })
  const { id, secret } = await latchkey.keys.create({ name: 'ci' })

  const servers: RunningServer[] = []
  for (const each of ['one', 'two']) {
    const [, ...words] = service(each).command ?? []
    const listen = words.indexOf('--listen')
    expect(words[listen + 1]).toBe('0.0.0.0:8686')
    servers.push(await startServer(path, words.toSpliced(listen, 2)))
  }
  for (const { url } of servers) {
    const check = service('one').healthcheck?.test.slice(1) ?? []
    expect(ran(check.map(word => word.replace('127.0.0.1/8686', `127.0.0.1/${new URL(url).port}`)))).toEqual([
      0,
      '',
    ])
  }

  const port = await freePort()
  const conf = readFileSync(join(root, 'packaging/balancer.conf'), 'utf8')
    .replace('one:8686', new URL(servers[0]!.url).host)
    .replace('two:8686', new URL(servers[1]!.url).host)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
    .replace(
      'http {',
      ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].reduce(
        (text, each) => `${text} ${each}_temp_path ${folder.file(each)};`,
        'http { access_log off;',
      ),
    )
  const file = folder.write(
    'nginx.conf',
    `daemon off; master_process off; pid ${folder.file('nginx.pid')};\n${conf}`,
  )
  const nginx = Bun.spawn(['nginx', '-e', folder.file('error.log'), '-c', file], { stdin: 'ignore' })
  const balancer = `http://127.0.0.1:${port}`
  while (!(await fetch(`${balancer}/readyz`).catch(() => null))?.ok) await Bun.sleep(20)

  const ask = async (base: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${gateway}`, 'content-type': 'application/json' }
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(`${base}${path}`, { headers, ...init })
    return { status: answer.status, text: await answer.text() }
  }
  const verdict = async (base: string) =>
    JSON.parse((await ask(base, '/v1/verify', { secret })).text)['code'] as string
  for (let n = 0; n < 10; n++) expect(await verdict(balancer)).toBe('valid')
  for (const [index, each] of ['one', 'two'].entries()) {
    const { text } = await ask(servers[index]!.url, '/metrics')
    const samples = text.split('\n').filter(line => line.startsWith('latchkey_'))
    expect(samples.filter(line => !line.includes(`instance="${each}"`))).toEqual([])
    expect(text).toMatch(/^latchkey_verdicts_total\{instance="\w+",code="valid"\} [1-9]/m)
    expect(text).toMatch(/^latchkey_database_size_bytes\{instance="\w+"\} [1-9]\d{6}/m)
    expect(text).not.toContain('latchkey_database_wal_size_bytes')
  }

  await latchkey.keys.revoke(id)
  for (const base of [servers[0]!.url, servers[1]!.url, balancer]) expect(await verdict(base)).toBe('revoked')

  servers[0]!.kill('SIGKILL')
  for (let n = 0; n < 40; n++) {
    expect((await ask(balancer, '/v1/verify', { secret: gateway })).status).toBe(200)
    expect((await ask(balancer, '/readyz')).status).toBe(200)
  }
  nginx.kill()
  servers[1]!.kill('SIGTERM')
  await Promise.all([...servers.map(each => each.finished), nginx.exited, latchkey.close()])
})
