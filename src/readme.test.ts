/** What README.md and docs/ tell people to type is typed here, on files of its own. */
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryFolder } from './testing/folder.ts'
import { requireTool } from './testing/tools.ts'

const root = join(import.meta.dir, '..')
const folder = temporaryFolder()
const bin = folder.file('bin')
const work = folder.file('work')
let secret = ''

const environment = () => ({
  PATH: `${bin}:${process.env['PATH']}`,
  HOME: folder.path,
  LATCHKEY_DB: folder.file('latchkey.db'),
  TZ: 'UTC',
  secret,
})

/** The blocks of one language in a page, with the paths of a real machine led into the temporary folder. */
const blocks = (page: string, language: string): readonly string[] =>
  [
    ...readFileSync(join(root, page), 'utf8').matchAll(
      new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'gm'),
    ),
  ].map(([, block = '']) => block.replaceAll('/var/backups/latchkey', folder.file('backups')).trim())

function bash(script: string, env: Record<string, string | undefined> = environment()) {
  const ran = Bun.spawnSync(['bash', '-euo', 'pipefail', '-c', script], { cwd: work, env, stdin: 'ignore' })
  return { code: ran.exitCode, out: ran.stdout.toString(), err: ran.stderr.toString() }
}

beforeAll(() => {
  mkdirSync(bin)
  mkdirSync(join(work, 'data'), { recursive: true })
  writeFileSync(
    join(bin, 'latchkey'),
    `#!/bin/sh\nexec "${process.execPath}" "${root}/bin/latchkey.ts" "$@"\n`,
  )
  chmodSync(join(bin, 'latchkey'), 0o755)
  writeFileSync(join(work, 'app.log'), 'GET /v1 200\n')
  const key = {
    key: 'pk_of_an_old_gateway_1',
    name: 'Old gateway',
    model: 'glm-4.7',
    token_limit_per_5h: 100_000,
    expiry_date: '2099-12-31T23:59:59Z',
    created_at: '2026-01-18T00:00:00Z',
    last_used: '2026-01-18T00:00:00Z',
    total_lifetime_tokens: 902,
    usage_windows: [{ window_start: '2026-01-17T18:56:50.677Z', tokens_used: 902 }],
  }
  writeFileSync(join(work, 'data/apikeys.json'), JSON.stringify({ keys: [key] }))
  const schema = `
    CREATE TABLE api_keys (key text PRIMARY KEY, name text, model text, token_limit_per_5h integer, expiry_date text,
      created_at text, last_used text, total_lifetime_tokens integer);
    CREATE TABLE usage_windows (id integer PRIMARY KEY, api_key text, window_start text, tokens_used integer);`
  const made = Bun.spawnSync(
    [
      process.execPath,
      '-e',
      `const { Database } = require('bun:sqlite'); new Database('data/sqlite.db').run(${JSON.stringify(schema)})`,
    ],
    { cwd: work },
  )
  expect(made.exitCode).toBe(0)
})

afterAll(() => folder.remove())

// The first two set up and test, the third installs: each needs a machine of its own.
const readme = blocks('README.md', 'sh').slice(3)

test('the README has blocks to run', () => {
  expect(readme.length).toBeGreaterThan(5)
})

test('the commands of the README work, from the first to the last', () => {
  for (const block of readme) {
    const ran = bash(block)
    expect(ran, block).toMatchObject({ code: 0 })
    if (secret === '') {
      secret = bash(
        'latchkey key create reader --json | jq -r .secret 2>/dev/null || latchkey key rotate reader -o csv --fields secret | tail -1',
      ).out.trim()
      expect(secret).toMatch(/^lk_\w{36}$/)
    }
  }
}, 600_000)

test.each(['docs/import-glm-proxy.md', 'docs/backup.md', 'docs/server.md'])(
  'the commands of %s work',
  page => {
    for (const block of blocks(page, 'sh')) expect(bash(block), block).toMatchObject({ code: 0 })
  },
  120_000,
)

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
  mkdirSync(join(home, 'dumps'))
  const henry = { id: 'u2', email: 'henry@example.org', created_at: 1_767_261_600_000 }
  writeFileSync(join(home, 'dumps', 'users.json'), JSON.stringify([henry]))
}

/** A guide is typed from its first line to its last in one shell, by somebody who has nothing but what it needs. */
test.each([
  ['docs/getting-started.md', ''],
  ['docs/quotas.md', ''],
  ['docs/import-ccluster-dokify.md', 'latchkey init'],
  ['docs/monitoring.md', 'latchkey init'],
])(
  '%s works, from its first line to its last',
  (page, before) => {
    const home = folder.file(`guide-${page.replace(/\W/g, '-')}`)
    mkdirSync(home)
    leaveForeignData(home)
    const script = [before, ...blocks(page, 'sh')]
      .join('\n')
      .replaceAll(folder.file('backups'), join(home, 'backups'))
    const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: home, TZ: 'UTC' }
    const ran = Bun.spawnSync(['bash', '-euxo', 'pipefail', '-c', script], {
      cwd: home,
      env,
      stdin: 'ignore',
    })
    const err = ran.stderr.toString()
    expect({ code: ran.exitCode, err }, err).toMatchObject({ code: 0 })
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

test('the backend of docs/embedding.md lets in, counts, reserves and stops', async () => {
  const home = folder.file('embedding')
  mkdirSync(join(home, 'node_modules'), { recursive: true })
  symlinkSync(root, join(home, 'node_modules/latchkey'))
  const db = join(home, 'latchkey.db')
  bash(`latchkey init --db ${db}`)
  const made = bash(`latchkey key create ci --scope chat:write --limit tokens=100/5h --db ${db} --json`)
  const { secret, id } = JSON.parse(made.out)
  const unscoped = JSON.parse(bash(`latchkey key create other --db ${db} --json`).out).secret
  writeFileSync(join(home, 'backend.ts'), blocks('docs/embedding.md', 'ts').join('\n\n'))
  const script = folder.write(
    'embedding/use.ts',
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
  const ran = Bun.spawnSync([process.execPath, script], {
    cwd: home,
    env: { ...environment(), LATCHKEY_DB: db },
    stderr: 'pipe',
  })
  expect(ran.stderr.toString()).toBe('')
  expect(JSON.parse(ran.stdout.toString())).toEqual([
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
  expect(JSON.parse(bash(`latchkey key stats ci --db ${db} --json`).out).totals.tokens).toBe(123)
}, 600_000)

test('the line for cron takes a backup, in the bare environment that cron gives', () => {
  const [crontab = ''] = blocks('README.md', 'crontab')
  const [path = '', job = ''] = crontab.split('\n')
  expect(path).toMatch(/^PATH=/)
  const [, schedule = '', command = ''] = /^(\S+ \S+ \S+ \S+ \S+) (.*)$/.exec(job) ?? []
  expect(schedule).toBe('17 3 * * *')
  const { HOME, LATCHKEY_DB } = environment()
  const ran = Bun.spawnSync(['/bin/sh', '-c', command], {
    cwd: folder.path,
    env: { HOME, LATCHKEY_DB, SHELL: '/bin/sh', PATH: `${bin}:${path.slice(5)}` },
    stdin: 'ignore',
  })
  expect(ran.stderr.toString()).toBe('')
  // Cron sends a letter for every word that is said.
  expect(ran.stdout.toString()).toBe('')
  expect(ran.exitCode).toBe(0)
})

test('the gateway of the README lets a key through, counts it, and turns others away', async () => {
  const [example = ''] = blocks('README.md', 'ts')
  mkdirSync(folder.file('gateway/node_modules'), { recursive: true })
  symlinkSync(root, folder.file('gateway/node_modules/latchkey'))
  const gateway = Bun.spawn([process.execPath, folder.write('gateway/gateway.ts', example)], {
    cwd: folder.file('gateway'),
    env: { ...environment(), PORT: '0' },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  try {
    const { value } = await gateway.stdout.getReader().read()
    const [url = ''] = /http\S+/.exec(new TextDecoder().decode(value)) ?? []
    const ask = (bearer: string) => fetch(url, { headers: { authorization: `Bearer ${bearer}` } })
    const limited = JSON.parse(bash('latchkey key create limited --limit tokens=12/5h --json').out)
    const first = await ask(limited.secret)
    expect([first.status, await first.json()]).toEqual([200, { text: 'Hello' }])
    const second = await ask(limited.secret)
    expect([second.status, await second.json()]).toMatchObject([429, { code: 'limit_exceeded' }])
    expect((await ask('pk_nobody')).status).toBe(401)
    expect((await ask('')).status).toBe(401)
    const { totals } = JSON.parse(bash('latchkey key stats limited --json').out)
    expect(totals).toMatchObject({ requests: 1, tokens: 12, costUsd: 0.0004 })
  } finally {
    gateway.kill()
  }
}, 600_000)

const page = (name: string): string => readFileSync(join(root, name), 'utf8')
const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]

test('every link from page to page leads to a file and a heading that are there', () => {
  /** As GitHub makes them: https://github.com/gjtorikian/html-pipeline, toc_filter. */
  const anchors = (text: string) =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(
      ([, heading = '']) =>
        `#${heading
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\s_-]/gu, '')
          .replaceAll(' ', '-')}`,
    )
  const dead = pages.flatMap(name =>
    [...page(name).matchAll(/\]\((?!\w+:)([^)#]*)(#[^)]*)?\)/g)]
      .filter(([, path = '', anchor]) => {
        const target = path === '' ? name : join(dirname(name), path)
        if (!existsSync(join(root, target))) return true
        return anchor !== undefined && !anchors(page(target)).includes(anchor)
      })
      .map(([link]) => `${name}: ${link}`),
  )
  expect(dead).toEqual([])
})

describe('the glossary', () => {
  const glossary = page('docs/glossary.md')
  const terms = [...glossary.matchAll(/^- \*\*(.+?)\*\*/gm)].map(([, term = '']) => term)
  const written = pages.filter(name => !['docs/glossary.md', 'docs/cli.md', 'docs/json.md'].includes(name))

  test('is in order, and has only terms that other pages use', () => {
    expect(terms.length).toBeGreaterThan(30)
    expect(terms).toEqual(terms.toSorted())
    const text = written.map(page).join('\n').toLowerCase().replace(/\s+/g, ' ')
    expect(terms.filter(term => !new RegExp(`\\b${term}`).test(text))).toEqual([])
  })

  test.each(['safety backup', 'audit trail', 'anew', 'whom', 'as it stands', 'is to be'])(
    'no page says "%s"',
    words => {
      const said = new RegExp(`\\b${words.replace(' ', '\\s+')}\\b`, 'i')
      expect(written.filter(name => said.test(page(name)))).toEqual([])
    },
  )
})
