/** What README.md and the pages that go on from it tell people to type is typed here, on files of its own. */
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { exitMeanings } from './contract/errors.ts'
import { firstLine } from './testing/lines.ts'
import { pageShell, root } from './testing/pages.ts'

const { folder, work, path, blocks, bash: typed, close } = pageShell()
let secret = ''

const environment = () => ({
  PATH: path,
  HOME: folder.path,
  LATCHKEY_DB: folder.file('latchkey.db'),
  TZ: 'UTC',
  secret,
})
const bash = (script: string) => typed(script, environment())

beforeAll(() => {
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
  new Database(join(work, 'data/sqlite.db')).run(schema)
})

afterAll(close)

// The first two set up and test, the third installs: each needs a machine of its own.
const readme = blocks('README.md', 'sh').slice(3)

test('the README has blocks to run', () => {
  expect(readme.length).toBeGreaterThan(5)
})

test('the commands of the README work, from the first to the last', async () => {
  for (const block of readme) {
    const ran = await bash(block)
    expect(ran, block).toMatchObject({ code: 0 })
    if (secret === '') {
      const made = await bash(
        'latchkey key create reader --json | jq -r .secret 2>/dev/null || latchkey key rotate reader -o csv --fields secret | tail -1',
      )
      secret = made.out.trim()
      expect(secret).toMatch(/^lk_\w{36}$/)
    }
  }
}, 600_000)

test.each(['docs/import-glm-proxy.md', 'docs/backup.md', 'docs/server.md'])(
  'the commands of %s work',
  async page => {
    for (const block of blocks(page, 'sh')) expect(await bash(block), block).toMatchObject({ code: 0 })
  },
  120_000,
)

test('the line for cron takes a backup, in the bare environment that cron gives', () => {
  const [crontab = ''] = blocks('README.md', 'crontab')
  const [path = '', job = ''] = crontab.split('\n')
  expect(path).toMatch(/^PATH=/)
  const [, schedule = '', command = ''] = /^(\S+ \S+ \S+ \S+ \S+) (.*)$/.exec(job) ?? []
  expect(schedule).toBe('17 3 * * *')
  const { HOME, LATCHKEY_DB } = environment()
  const ran = Bun.spawnSync(['/bin/sh', '-c', command], {
    cwd: folder.path,
    env: { HOME, LATCHKEY_DB, SHELL: '/bin/sh', PATH: `${folder.file('real')}:${path.slice(5)}` },
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
    const [url = ''] = /http\S+/.exec(await firstLine(gateway.stdout)) ?? []
    const ask = (bearer: string) => fetch(url, { headers: { authorization: `Bearer ${bearer}` } })
    const limited = JSON.parse((await bash('latchkey key create limited --limit tokens=12/5h --json')).out)
    const first = await ask(limited.secret)
    expect([first.status, await first.json()]).toEqual([200, { text: 'Hello' }])
    const second = await ask(limited.secret)
    expect([second.status, await second.json()]).toMatchObject([429, { code: 'limit_exceeded' }])
    expect((await ask('pk_nobody')).status).toBe(401)
    expect((await ask('')).status).toBe(401)
    const { totals } = JSON.parse((await bash('latchkey key stats limited --json')).out)
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

test('the README has every exit code, in the words of the program', () => {
  const rows = [...page('README.md').matchAll(/^\| (\d+) +\| (.*?) +\|$/gm)]
  expect(Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning]))).toEqual({ ...exitMeanings })
})

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

test('every file that a page says where to find is there', () => {
  const folders = 'src|docs|packaging|bench|drizzle|faults|mutations'
  const named = pages.flatMap(name =>
    [...page(name).matchAll(new RegExp(`\`((?:${folders})/[\\w./-]+\\.\\w+)\``, 'g'))].map(
      ([, file = '']) => ({
        name,
        file,
      }),
    ),
  )
  expect(named.length).toBeGreaterThan(50)
  const patterns = named.filter(({ file }) => !file.includes('NNNN'))
  expect(patterns.filter(({ file }) => !existsSync(join(root, file)))).toEqual([])
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
