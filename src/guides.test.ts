/** Each guide in docs/ is typed here, on files of its own. */
import { Database } from 'bun:sqlite'
import { afterAll, expect, test } from 'bun:test'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { firstLine } from './testing/lines.ts'
import { pageShell, root } from './testing/pages.ts'
import { requireTool } from './testing/tools.ts'

const { folder, path, blocks, bash: typed, close } = pageShell()
const environment = { PATH: path, HOME: folder.path, TZ: 'UTC' }
const bash = (script: string) => typed(script, environment)
afterAll(close)

/** What the systems that a guide takes over from have left. */
function leaveForeignData(home: string): void {
  const ccluster = new Database(join(home, 'ccluster.db'))
  ccluster.run(
    'CREATE TABLE users (id text PRIMARY KEY, username text, password_hash text, created_at text, updated_at text)',
  )
  ccluster.run(
    'CREATE TABLE api_keys (id text PRIMARY KEY, user_id text, key_hash text, key_prefix text, name text, created_at text, last_used_at text, revoked_at text)',
  )
  ccluster.run(
    "INSERT INTO users VALUES ('u1', 'grace', NULL, '2026-01-01T10:00:00Z', '2026-01-01T10:00:00Z')",
  )
  ccluster.close()
  const auth = new Database(join(home, 'auth.db'))
  auth.run('CREATE TABLE users (id text PRIMARY KEY, name text, email text, email_verified integer)')
  auth.run("INSERT INTO users VALUES ('u1', 'Ivy', 'ivy@example.org', 1)")
  auth.close()
  mkdirSync(join(home, 'dumps'))
  const henry = { id: 'u2', email: 'henry@example.org', created_at: 1_767_261_600_000 }
  writeFileSync(join(home, 'dumps', 'users.json'), JSON.stringify([henry]))
}

/** A guide is typed from its first line to its last in one shell, by somebody who has nothing but what it needs. */
test.each([
  ['docs/getting-started.md', ''],
  ['docs/quotas.md', ''],
  ['docs/import-ccluster-dokify.md', 'latchkey init'],
  ['docs/import-better-auth.md', 'latchkey init'],
  ['docs/monitoring.md', 'latchkey init'],
  ['docs/proxy.md', ''],
  ['docs/audit.md', 'latchkey init'],
  ['docs/chats.md', 'latchkey init'],
  ['docs/organizations.md', 'latchkey init'],
  ['docs/people.md', 'latchkey init'],
  ['docs/files.md', 'latchkey init'],
])(
  '%s works, from its first line to its last',
  async (page, before) => {
    const home = folder.file(`guide-${page.replace(/\W/g, '-')}`)
    mkdirSync(home)
    leaveForeignData(home)
    const script = ['set -x', before, ...blocks(page, 'sh')]
      .join('\n')
      .replaceAll(folder.file('backups'), join(home, 'backups'))
    const { code, err } = await typed(script, { ...environment, HOME: home }, home)
    expect(code, err).toBe(0)
  },
  120_000,
)

requireTool('promtool')('the alerts of docs/monitoring.md are rules that Prometheus takes', async () => {
  const [rules = ''] = blocks('docs/monitoring.md', 'yaml')
  const ran = Bun.spawnSync(['promtool', 'check', 'rules', folder.write('rules.yml', rules)], {
    stderr: 'pipe',
  })
  expect(ran.stderr.toString()).toBe('')
  expect(ran.stdout.toString()).toContain('5 rules found')
})

/** The backend of docs/embedding.md in a folder of its own, with a key that may chat and one that may not. */
async function backendHome(name: string) {
  const home = folder.file(name)
  mkdirSync(join(home, 'node_modules'), { recursive: true })
  symlinkSync(root, join(home, 'node_modules/latchkey'))
  for (const each of ['hono', 'elysia']) {
    symlinkSync(join(root, 'node_modules', each), join(home, 'node_modules', each))
  }
  const db = join(home, 'latchkey.db')
  await bash(`latchkey init --db ${db}`)
  const made = await bash(`latchkey key create ci --scope chat:write --limit tokens=100/5h --db ${db} --json`)
  const { secret, id } = JSON.parse(made.out)
  const unscoped = JSON.parse((await bash(`latchkey key create other --db ${db} --json`)).out).secret
  writeFileSync(join(home, 'backend.ts'), blocks('docs/embedding.md', 'ts').join('\n\n'))
  /** What the script prints, as JSON. */
  const use = (script: string) => {
    const ran = Bun.spawnSync([process.execPath, folder.write(`${name}/use.ts`, script)], {
      cwd: home,
      env: { ...environment, LATCHKEY_DB: db },
      stderr: 'pipe',
    })
    expect(ran.stderr.toString()).toBe('')
    return JSON.parse(ran.stdout.toString())
  }
  return { db, secret, id, unscoped, use }
}

test('the backend of docs/chats.md writes into a chat that a command made', async () => {
  const { use } = await backendHome('chats')
  const home = folder.file('chats')
  const [commands = ''] = blocks('docs/chats.md', 'sh')
  expect(await bash(`export LATCHKEY_DB=${home}/latchkey.db\n${commands}`)).toMatchObject({ code: 0 })
  expect(use(blocks('docs/chats.md', 'ts').join('\n'))).toEqual({ total: 2, said: ['2 assistant', '1 user'] })
})

test('the backend of docs/people.md signs in a user whom a command made', async () => {
  const { use, db } = await backendHome('people')
  const [commands = ''] = blocks('docs/people.md', 'sh')
  expect(await bash(`export LATCHKEY_DB=${db}\n${commands}`)).toMatchObject({ code: 0 })
  expect(use(blocks('docs/people.md', 'ts').join('\n'))).toEqual({
    valid: true,
    device: 'Firefox on Linux',
    user: 'alice',
  })
})

test('whoever signs up at the example of docs/better-auth.md is a user of Latchkey', async () => {
  const { db, use } = await backendHome('better-auth')
  symlinkSync(join(root, 'node_modules/better-auth'), folder.file('better-auth/node_modules/better-auth'))
  const [example = ''] = blocks('docs/better-auth.md', 'typescript')
  folder.write('better-auth/auth.ts', example.replace('/var/lib/gateway/latchkey.db', db))
  const signedUp = use(
    `Object.assign(process.env, { BETTER_AUTH_SECRET: crypto.randomUUID(), BETTER_AUTH_URL: 'http://localhost' })
     const { auth } = await import('./auth.ts')
     const body = { name: 'Ada', email: 'ada@example.org', password: 'correct horse battery staple' }
     const { user } = await auth.api.signUpEmail({ body })
     console.log(JSON.stringify(user.id))`,
  )
  const [user] = JSON.parse((await bash(`latchkey user list --db ${db} --json`)).out)
  expect(user).toMatchObject({ id: signedUp, username: 'ada', email: 'ada@example.org' })
})

test('the backend of docs/organizations.md acts for users', async () => {
  const { use } = await backendHome('organizations')
  const home = folder.file('organizations')
  const commands = blocks('docs/organizations.md', 'sh').join('\n')
  const made = await bash(`cd ${home}\nexport LATCHKEY_DB=${home}/latchkey.db\n${commands}`)
  expect(made).toMatchObject({ code: 0 })
  expect(use(blocks('docs/organizations.md', 'ts').join('\n'))).toEqual({ refused: 'denied', allowed: true })
})

test('the backend of docs/files.md writes files of a project', async () => {
  const { use } = await backendHome('files')
  const home = folder.file('files')
  const commands = 'latchkey user create alice; latchkey project create Shop --owner alice'
  expect(await bash(`export LATCHKEY_DB=${home}/latchkey.db\n${commands}`)).toMatchObject({ code: 0 })
  const said = use(blocks('docs/files.md', 'ts').join('\n'))
  expect(said).toEqual({ text: '# A better plan', mediaType: 'text/markdown', position: 2 })
})

requireTool('chromium')('the chat app of docs/embedding.md is one, in a browser', async () => {
  const { db } = await backendHome('app')
  const [app = ''] = blocks('docs/embedding.md', 'typescript')
  writeFileSync(folder.file('app', 'chat.ts'), `${app}\nconsole.log(server.url.href)\n`)
  for (const name of ['alice', 'bob']) await bash(`latchkey user create ${name} --db ${db}`)
  const others = await bash(`latchkey chat create --user bob --title Secret --db ${db} --json`)
  const child = Bun.spawn([process.execPath, 'chat.ts'], {
    cwd: folder.file('app'),
    env: { ...environment, LATCHKEY_DB: db, PORT: '0' },
    stderr: 'inherit',
  })
  const { chromium } = await import('playwright-core')
  const executablePath = Bun.which('chromium') ?? ''
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const url = (await firstLine(child.stdout)).trim()
    const page = await browser.newPage()
    const items = (list: string) => page.locator(`#${list} li`).allTextContents()
    const send = async (text: string, count: number) => {
      await page.fill('#text', text)
      await page.press('#text', 'Enter')
      await page.waitForFunction(`document.querySelectorAll('#messages li').length === ${count}`)
    }
    await page.goto(url)
    await send('Where is the old town?', 2)
    await send('<img src=x onerror="document.title = 1">', 4)
    await page.click('#new')
    await page.waitForFunction("document.querySelectorAll('#chats li').length === 2")
    expect(await items('chats')).toEqual(['New Chat', 'Where is the old town?'])
    expect(await items('messages')).toEqual([])
    await page.reload()
    await page.click('#chats li:nth-child(2)')
    await page.waitForFunction("document.querySelectorAll('#messages li').length === 4")
    expect(await items('messages')).toEqual([
      'user: Where is the old town?',
      'assistant: You said: Where is the old town?',
      'user: <img src=x onerror="document.title = 1">',
      'assistant: You said: <img src=x onerror="document.title = 1">',
    ])
    expect(await page.title()).toBe('Chat')
    await page.fill('#search', 'town')
    await page.press('#search', 'Enter')
    await page.waitForFunction("document.querySelectorAll('#messages li').length === 2")
    expect((await items('messages'))[0]).toContain('Where is the old town?')
    const { id } = JSON.parse(others.out)
    expect((await fetch(new URL(`/chats/${id}`, url))).status).toBe(404)
  } finally {
    await browser.close()
    child.kill()
    await child.exited
  }
})

test('the servers of docs/embedding.md answer as one: with Bun alone, with Hono and with Elysia', async () => {
  const { secret, id, unscoped, use } = await backendHome('servers')
  const seen = use(
    `import { answer, elysia, hono, recordUse, stop } from './backend.ts'
     const server = Bun.serve({ port: 0, fetch: answer })
     const servers = [
       (init: RequestInit) => fetch(server.url, init),
       (init: RequestInit) => hono.request('/v1/whoami', init),
       (init: RequestInit) => elysia.handle(new Request('http://localhost/v1/whoami', init)),
     ]
     const names = ['www-authenticate', 'retry-after', 'ratelimit', 'ratelimit-policy']
     const ask = async (headers: HeadersInit) => {
       const seen: unknown[] = []
       for (const each of servers) {
         const answer = await each({ headers })
         const { key, error } = await answer.json()
         seen.push([answer.status, key ?? error.code, ...names.map(name => answer.headers.get(name))])
       }
       return seen
     }
     const seen = [await ask({}), await ask({ 'x-api-key': ${JSON.stringify(unscoped)} })]
     seen.push(await ask({ authorization: ${JSON.stringify(`Bearer ${secret}`)} }))
     await recordUse(${JSON.stringify(id)}, 'gpt-x', 100, 0)
     seen.push(await ask({ 'x-api-key': ${JSON.stringify(secret)} }))
     await server.stop(true)
     await stop()
     console.log(JSON.stringify(seen))`,
  )
  const challenge = 'Bearer realm="latchkey"'
  const policy = '"key-tokens-5h";q=100;qu="tokens";w=18000'
  const expected = [
    [401, 'denied', challenge, null, null, null],
    [403, 'denied', `${challenge}, error="insufficient_scope", scope="chat:write"`, null, null, null],
    [200, id, null, null, '"key-tokens-5h";r=100', policy],
    [429, 'denied', null, expect.stringMatching(/^1[78]\d{3}$/), expect.stringContaining('r=0;t=1'), policy],
  ]
  expect(seen).toEqual(expected.map(each => [each, each, each]))
}, 600_000)

test('the backend of docs/embedding.md lets in, counts, reserves and stops', async () => {
  const { db, secret, id, unscoped, use } = await backendHome('embedding')
  const seen = use(
    `import { admit, keyExists, recordSoon, recordUse, stop, withReservation } from './backend.ts'
     const secret = ${JSON.stringify(secret)}
     const seen: unknown[] = [(await admit(secret, 'gpt-x')).status, (await admit('lk_nobody', 'gpt-x')).status]
     seen.push((await admit(${JSON.stringify(unscoped)}, 'gpt-x')).status)
     await recordUse(${JSON.stringify(id)}, 'gpt-x', 30, 8)
     const work = async () => ({ inputTokens: 20, outputTokens: 5, text: 'Hello' })
     seen.push(await withReservation(secret, 'gpt-x', 50, work), await withReservation(secret, 'gpt-x', 50, work))
     await recordSoon(${JSON.stringify(id)}, 'gpt-x', 60, 0)
     const late = await admit(secret, 'gpt-x')
     seen.push(late.status, Number(late.headers?.['retry-after']) > 17_000)
     seen.push(await keyExists('ci'), await keyExists('nobody'))
     await stop()
     console.log(JSON.stringify(seen))`,
  )
  expect(seen).toEqual([
    200,
    401,
    403,
    { inputTokens: 20, outputTokens: 5, text: 'Hello' },
    null,
    429,
    true,
    true,
    false,
  ])
  expect(JSON.parse((await bash(`latchkey key stats ci --db ${db} --json`)).out).totals.tokens).toBe(123)
}, 600_000)
