import { Database } from 'bun:sqlite'
import { afterEach, beforeEach, expect, test } from 'bun:test'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import { sqliteReader } from '../operations/file/foreign-database.ts'
import { failure } from '../testing/failure.ts'
import type { ForeignKey } from './foreign-data.ts'
import * as glmProxy from './glm-proxy.ts'
import { largestTextBytes, type SourceFile, withSource } from './source.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const sound = {
  key: 'pk_one_secret',
  name: 'One',
  model: 'glm-4.7',
  token_limit_per_5h: 100,
  expiry_date: '2026-12-31T23:59:59Z',
  created_at: '2026-01-18T00:00:00Z',
  last_used: '2026-01-17T19:52:01.337Z',
  total_lifetime_tokens: 902,
  usage_windows: [{ window_start: '2026-01-17T18:56:50.677Z', tokens_used: 902 }],
}
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const readGlmProxy = (input: SourceFile) => glmProxy.readGlmProxy({ ...input, sqlite: sqliteReader })
const readKeys = (...keys: unknown[]) => readGlmProxy({ file: 'apikeys.json', bytes: bytesOf({ keys }) })

const nothing = {
  users: [],
  projects: [],
  keys: [],
  listsKeys: true,
  problems: [],
  ignoredFields: [],
  leftBehind: [],
  notes: [],
}

test('a key is read with all that is known of it', async () => {
  expect(await readKeys(sound)).toEqual({
    ...nothing,
    keys: [
      {
        credential: { secret: 'pk_one_secret' },
        name: 'One',
        userId: null,
        model: 'glm-4.7',
        tokenLimit: 100,
        expiresAt: Date.UTC(2026, 11, 31, 23, 59, 59),
        revokedAt: null,
        createdAt: Date.UTC(2026, 0, 18),
        lastUsedAt: Date.UTC(2026, 0, 17, 19, 52, 1, 337),
        lifetime: { tokens: 902, requests: null, costMicros: null },
        split: null,
        windows: [{ start: Date.UTC(2026, 0, 17, 18, 56, 50, 677), tokens: 902, requests: 0, costMicros: 0 }],
      },
    ],
  })
})

const accepted: [field: string, value: unknown, read: keyof ForeignKey, expected: unknown][] = [
  ['expiry_date', '2026-03-01', 'expiresAt', Date.UTC(2026, 2, 1)],
  ['expiry_date', '2026-03-01T10:00:00+02:00', 'expiresAt', Date.UTC(2026, 2, 1, 8)],
  ['expiry_date', '2026-03-01T10:00:00-0130', 'expiresAt', Date.UTC(2026, 2, 1, 11, 30)],
  ['expiry_date', '2026-03-01T10:00:00.123456789Z', 'expiresAt', Date.UTC(2026, 2, 1, 10, 0, 0, 123)],
  ['expiry_date', '', 'expiresAt', null],
  ['expiry_date', null, 'expiresAt', null],
  ['expiry_date', undefined, 'expiresAt', null],
  ['last_used', '', 'lastUsedAt', null],
  ['created_at', undefined, 'createdAt', null],
  ['model', '', 'model', null],
  ['model', null, 'model', null],
  ['model', undefined, 'model', null],
  ['token_limit_per_5h', 0, 'tokenLimit', 0],
  ['total_lifetime_tokens', 10.2, 'lifetime', { tokens: 11, requests: null, costMicros: null }],
  ['total_requests', 3, 'lifetime', { tokens: 902, requests: 3, costMicros: null }],
  ['total_spend_usd', 0.0003, 'lifetime', { tokens: 902, requests: null, costMicros: 300 }],
  ['total_spend_usd', 0.00000001, 'lifetime', { tokens: 902, requests: null, costMicros: 1 }],
  ['usage_windows', null, 'windows', []],
  [
    'usage_windows',
    [
      { window_start: '2026-01-01T00:00:30Z', tokens_used: 1.5, requests: 2, spend_usd: 0.5 },
      { window_start: '2026-01-01T00:00:30.000Z', tokens_used: 1 },
    ],
    'windows',
    [{ start: Date.UTC(2026, 0, 1, 0, 0, 30), tokens: 3, requests: 2, costMicros: 500_000 }],
  ],
]

test.each(accepted)('%s may be %j', async (field, value, read, expected) => {
  const { keys, problems } = await readKeys({ ...sound, [field]: value })
  expect(problems).toEqual([])
  expect(keys[0]?.[read]).toEqual(expected as never)
})

const window = sound.usage_windows[0]
test.each<[field: string, value: unknown, where: string, problem: string]>([
  ['key', undefined, 'key', 'is missing'],
  ['key', ' ', 'key', 'is empty'],
  ['key', 7, 'key', 'is not text'],
  ['name', '', 'name', 'is empty'],
  ['model', 7, 'model', 'is not text'],
  ['token_limit_per_5h', undefined, 'token_limit_per_5h', 'is missing'],
  ['token_limit_per_5h', 1.5, 'token_limit_per_5h', 'is not a whole number'],
  ['token_limit_per_5h', -1, 'token_limit_per_5h', 'is negative'],
  ['token_limit_per_5h', '100', 'token_limit_per_5h', 'is not a number'],
  ['expiry_date', 'not-a-date', 'expiry_date', 'is not a date'],
  ['expiry_date', '2026-02-30', 'expiry_date', 'is not a date'],
  ['expiry_date', '2026-01-01T25:00:00Z', 'expiry_date', 'is not a date'],
  ['expiry_date', '2026-01-01T10:00:00', 'expiry_date', 'has no time zone: it must end with Z or an offset'],
  ['expiry_date', '2026-01-01T10:00:00+99:00', 'expiry_date', 'has an impossible time zone'],
  ['created_at', 1768694400, 'created_at', 'is not a date in text'],
  ['last_used', 'yesterday', 'last_used', 'is not a date'],
  ['total_lifetime_tokens', -1, 'total_lifetime_tokens', 'is negative'],
  ['total_lifetime_tokens', 2 ** 60, 'total_lifetime_tokens', 'is too large'],
  ['total_requests', true, 'total_requests', 'is not a number'],
  ['total_spend_usd', -0.1, 'total_spend_usd', 'is negative'],
  ['usage_windows', {}, 'usage_windows', 'is not a list'],
  ['usage_windows', [7], 'usage_windows[0]', 'is not an object'],
  ['usage_windows', [window, { tokens_used: 1 }], 'usage_windows[1].window_start', 'is missing'],
  [
    'usage_windows',
    [{ window_start: '0001-01-01T00:00:00Z', tokens_used: 1 }],
    'usage_windows[0].window_start',
    'is before the year 2000',
  ],
  ['usage_windows', [{ ...window, tokens_used: undefined }], 'usage_windows[0].tokens_used', 'is missing'],
  ['usage_windows', [{ ...window, tokens_used: -1 }], 'usage_windows[0].tokens_used', 'is negative'],
  [
    'usage_windows',
    Array.from({ length: 3 }, () => ({ ...window, tokens_used: 2 ** 52 })),
    'usage_windows',
    'add up to a number that is too large',
  ],
])('%s as %j is a problem of %s: it %s', async (field, value, where, problem) => {
  const { problems } = await readKeys(sound, { ...sound, [field]: value })
  expect(problems).toEqual([{ type: 'key', index: 1, field: where, problem }])
})

test('a number too large for a double is not finite', async () => {
  const text = JSON.stringify({ keys: [sound] }).replace('902', '1e999')
  const { problems } = await readGlmProxy({ file: 'a.json', bytes: new TextEncoder().encode(text) })
  expect(problems).toEqual([
    { type: 'key', index: 0, field: 'total_lifetime_tokens', problem: 'is not a finite number' },
  ])
})

test('an entry that is not an object is one problem', async () => {
  expect((await readKeys(null)).problems).toEqual([
    { type: 'key', index: 0, field: 'entry', problem: 'is not an object' },
  ])
})

test('fields without a home are named once each, in order', async () => {
  const key = {
    ...sound,
    glmkey: 'other-secret',
    upstream_key: 'x',
    rolling_window_cache: { buckets: [] },
    usage_windows: [{ ...window, cached_tokens: 5 }],
  }
  const source = { version: 2, keys: [key, key] }
  const { ignoredFields } = await readGlmProxy({ file: 'a.json', bytes: bytesOf(source) })
  expect(ignoredFields).toEqual([
    'glmkey',
    'rolling_window_cache',
    'upstream_key',
    'usage_windows.cached_tokens',
    'version',
  ])
})

test('an empty list is sound, and a byte order mark does not matter', async () => {
  const bytes = new TextEncoder().encode('\ufeff{"keys": []}')
  expect(await readGlmProxy({ file: 'a.json', bytes })).toEqual(nothing)
})

test.each<[what: string, bytes: Uint8Array, message: RegExp]>([
  ['no object', bytesOf([sound]), /not an object with a list named keys/],
  ['no list of keys', bytesOf({ keys: { a: sound } }), /not an object with a list named keys/],
  ['nothing', new Uint8Array(), /is empty/],
  ['no text', Uint8Array.of(0xff, 0xfe, 0x00), /neither a SQLite database nor text/],
  ['cut off', bytesOf({ keys: [sound] }).subarray(0, 40), /line 1, column \d+/],
])('a file that is %s is refused', async (_, bytes, message) => {
  const error = await failure(readGlmProxy({ file: 'a.json', bytes }))
  expect(error.code).toBe('invalid')
  expect(error.message).toMatch(message)
})

test('broken JSON is refused with its place and without its text', async () => {
  const text = '{"keys": [\n  {"key": pk_very_secret}\n]}'
  const error = await failure(readGlmProxy({ file: 'a.json', bytes: new TextEncoder().encode(text) }))
  expect(error.message).toContain('line 2, column 11')
  expect(JSON.stringify([error.message, error.hint, String(error.cause)])).not.toContain('secret')
})

test('what is no file is refused without waiting for it', async () => {
  const fifo = join(folder, 'fifo')
  Bun.spawnSync(['mkfifo', fifo])
  symlinkSync('loop', join(folder, 'loop'))
  mkdirSync(join(folder, 'sub'))
  for (const [path, code] of [
    [fifo, 'invalid'],
    ['/dev/null', 'invalid'],
    [join(folder, 'sub'), 'invalid'],
    [join(folder, 'none.json'), 'not_found'],
    [join(folder, 'loop'), 'not_found'],
    [join(folder, 'sub/none/none.json'), 'not_found'],
  ] as const) {
    expect((await failure(readGlmProxy({ file: path }))).code, path).toBe(code)
  }
})

test('a text beyond the largest size is refused without being read', async () => {
  const path = join(folder, 'large.json')
  writeFileSync(path, '{')
  truncateSync(path, largestTextBytes + 1)
  const before = process.memoryUsage().rss
  expect((await failure(readGlmProxy({ file: path }))).message).toContain('larger than 256 MiB')
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
})

const tables = `CREATE TABLE api_keys (key text PRIMARY KEY NOT NULL, name text NOT NULL, model text,
  token_limit_per_5h integer NOT NULL, expiry_date text NOT NULL, created_at text NOT NULL, last_used text NOT NULL,
  total_lifetime_tokens integer DEFAULT 0 NOT NULL);
CREATE TABLE usage_windows (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, api_key text NOT NULL,
  window_start text NOT NULL, tokens_used integer DEFAULT 0 NOT NULL)`

function makeDatabase(path: string, sql: string): Database {
  const client = new Database(path)
  client.run('PRAGMA journal_mode = WAL')
  client.run('PRAGMA wal_autocheckpoint = 0')
  for (const statement of sql.split(';')) client.run(statement)
  return client
}

const oneKey = `INSERT INTO api_keys VALUES ('pk_one_secret', 'One', NULL, 100, '', '2026-01-18', '', 5);
INSERT INTO usage_windows (api_key, window_start, tokens_used) VALUES ('pk_one_secret', '2026-01-18T01:00:00Z', 5)`

function contents(where: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(where).map(name => [
      name,
      new Bun.SHA256().update(readFileSync(join(where, name))).digest('hex'),
    ]),
  )
}

test('a database is recognised by its content, with what is only in its log, and left as it was', async () => {
  const path = join(folder, 'named.json')
  const client = makeDatabase(path, `${tables};${oneKey}`)
  symlinkSync(path, join(folder, 'link.txt'))
  expect(statSync(path).size).toBeLessThan(statSync(`${path}-wal`).size)
  const before = contents(folder)
  for (const file of [path, join(folder, 'link.txt')]) {
    const { keys, problems } = await readGlmProxy({ file })
    expect(problems).toEqual([])
    expect(keys.map(key => [key.credential, key.lifetime.tokens, key.windows.length])).toEqual([
      [{ secret: 'pk_one_secret' }, 5, 1],
    ])
  }
  expect(contents(folder)).toEqual(before)
  client.close()
})

test('a database is recognised in bytes that came from elsewhere', async () => {
  const path = join(folder, 'a.db')
  makeDatabase(path, `${tables};${oneKey}`).close()
  const { keys } = await readGlmProxy({ file: '-', bytes: readFileSync(path) })
  expect(keys.map(key => key.name)).toEqual(['One'])
})

test('the transactions before a torn one are read', async () => {
  const path = join(folder, 'a.db')
  const client = makeDatabase(path, tables)
  client.run("INSERT INTO api_keys VALUES ('pk_whole', 'Whole', NULL, 1, '', '', '', 0)")
  const whole = statSync(`${path}-wal`).size
  client.run("INSERT INTO api_keys VALUES ('pk_torn', 'Torn', NULL, 1, '', '', '', 0)")
  const torn = join(folder, 'torn.db')
  writeFileSync(torn, readFileSync(path))
  writeFileSync(`${torn}-wal`, readFileSync(`${path}-wal`).subarray(0, whole + 100))
  client.close()
  expect((await readGlmProxy({ file: torn })).keys.map(key => key.name)).toEqual(['Whole'])
})

test.each<[what: string, sql: string, named: string]>([
  ['table', 'CREATE TABLE other (a)', 'no table api_keys'],
  ['second table', tables.replace('TABLE usage_windows', 'TABLE windows'), 'no table usage_windows'],
  ['column', tables.replace('expiry_date', 'expires'), 'table api_keys has no column expiry_date'],
  [
    'column of a window',
    tables.replace('tokens_used', 'used'),
    'table usage_windows has no column tokens_used',
  ],
])('a database that lacks a %s is refused, naming it', async (_, sql, named) => {
  const path = join(folder, 'a.db')
  makeDatabase(path, sql).close()
  const error = await failure(readGlmProxy({ file: path }))
  expect(error.code).toBe('invalid')
  expect(error.message).toContain(named)
})

test('a damaged database is corrupt', async () => {
  const path = join(folder, 'a.db')
  makeDatabase(path, `${tables};${oneKey}`).close()
  const bytes = readFileSync(path)
  for (const broken of [
    bytes.subarray(0, 100),
    bytes.subarray(0, 5000),
    Buffer.from(bytes).fill(0x55, 4096, 8192),
  ]) {
    writeFileSync(path, broken)
    expect((await failure(readGlmProxy({ file: path }))).code).toBe('corrupt')
  }
})

test('a database is refused for wrong values as a file is, and windows of deleted keys are told of', async () => {
  const path = join(folder, 'a.db')
  makeDatabase(
    path,
    `${tables};${oneKey};UPDATE api_keys SET created_at = 'not-a-date', total_lifetime_tokens = 'many';
    INSERT INTO usage_windows (api_key, window_start) VALUES ('pk_gone', '2026-01-18T01:00:00Z')`,
  ).close()
  const { problems, ignoredFields } = await readGlmProxy({ file: path })
  expect(problems.map(({ field }) => field)).toEqual(['created_at', 'total_lifetime_tokens'])
  expect(ignoredFields).toEqual(['usage_windows of deleted keys'])
})

test('the private copy is readable for nobody else, and gone afterwards', async () => {
  const path = join(folder, 'a.db')
  makeDatabase(path, tables).close()
  chmodSync(path, 0o644)
  let copy = ''
  await withSource({ file: path, sqlite: sqliteReader }, source => {
    if (source.kind !== 'sqlite') throw new Error('no database')
    copy = source.path
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    expect(statSync(join(copy, '..')).mode & 0o777).toBe(0o700)
  })
  expect(existsSync(join(copy, '..'))).toBe(false)
})

test('a file that is written to meanwhile is never read half old and half new', async () => {
  const path = join(folder, 'apikeys.json')
  // Two names far apart, which the writer changes together: only a reader that was overtaken sees two letters.
  const text = [1, 2]
    .map(n => JSON.stringify({ ...sound, key: `pk_${n}`, name: 'a' }))
    .join(`,${' '.repeat(4e6)}`)
  writeFileSync(path, `{"keys": [${text}]}`)
  const places = [text.indexOf('"a"'), text.lastIndexOf('"a"')].map(at => at + '{"keys": ['.length + 1)
  const script = `import { openSync, writeSync } from 'node:fs'
    const file = openSync(${JSON.stringify(path)}, 'r+')
    for (let n = 1; ; n++) {
      for (const at of ${JSON.stringify(places)}) writeSync(file, 'ab'[n % 2], at)
      await Bun.sleep(Math.random() * 100)
    }`
  const writer = Bun.spawn([process.execPath, '-e', script])
  const seen = new Set<string>()
  try {
    for (let n = 0; n < 20; n++) {
      const result = await readGlmProxy({ file: path }).catch((error: unknown) => error)
      if (result instanceof LatchkeyError) seen.add(result.code)
      else seen.add((result as { keys: ForeignKey[] }).keys.map(key => key.name).join(''))
    }
  } finally {
    writer.kill('SIGKILL')
    await writer.exited
  }
  expect([...seen].filter(each => !['aa', 'bb', 'busy'].includes(each))).toEqual([])
})

test('a file that is written to without a pause is busy', async () => {
  const path = join(folder, 'apikeys.json')
  writeFileSync(path, '{"keys": []}')
  const script = `import { utimesSync } from 'node:fs'; for (;;) utimesSync(${JSON.stringify(path)}, new Date(), new Date())`
  const writer = Bun.spawn([process.execPath, '-e', script])
  // A writer that has to wait for a processor is without a pause only together with this one.
  const touching = setInterval(() => utimesSync(path, new Date(), new Date()), 1)
  try {
    await Bun.sleep(300)
    expect((await failure(readGlmProxy({ file: path }))).code).toBe('busy')
  } finally {
    clearInterval(touching)
    writer.kill('SIGKILL')
    await writer.exited
  }
})
