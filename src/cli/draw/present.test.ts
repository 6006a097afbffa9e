import { describe, expect, test } from 'bun:test'
import {
  anything,
  flag,
  integer,
  list,
  mapOf,
  nullable,
  number,
  object,
  text,
  time,
} from '../../contract/shape.ts'
import { key } from '../../contract/views/keys.ts'
import { limit, limitState } from '../../contract/views/limits.ts'
import { userRef } from '../../contract/views/refs.ts'
import { totals } from '../../contract/views/usage.ts'
import { totals as counted, rolling } from '../../testing/limits.ts'
import { run } from '../../testing/run.ts'
import type { Tree } from '../declare/declaration.ts'
import { command, one, text as plainText, rows } from '../declare/define.ts'

const thing = object('Thing', {
  id: text('Id'),
  name: text('Name'),
  user: nullable(userRef),
  limits: list(limit, 'Limits'),
  totals,
  rows: mapOf(integer('Rows'), 'Rows'),
  createdAt: time('Created'),
  disabledAt: nullable(time('Disabled')),
  sizeBytes: integer('Size'),
  costUsd: number('Cost'),
  service: flag('Service'),
  metadata: nullable(anything('Anything')),
})

const first = {
  id: 'thg_1',
  name: 'a "quoted", name',
  user: { id: 'usr_1', username: 'alice', passwordHash: 'never' },
  limits: [rolling('tokens', 100_000, 18_000_000), rolling('usd', 20, 86_400_000)],
  totals: counted({ requests: 3, inputTokens: 10, outputTokens: 2, tokens: 12, costUsd: 0.5 }),
  rows: { users: 2, keys: 1000 },
  createdAt: new Date('2026-11-20T03:11:26.603Z'),
  disabledAt: null,
  sizeBytes: 2048,
  costUsd: 0.0004,
  service: false,
  metadata: { when: new Date(0), 'a b': [1, null] },
  passwordHash: 'never',
}
const two = { ...first, id: 'thg_2', name: '', user: null, limits: [], rows: {}, metadata: null }

const common = { effect: 'read', summary: 'Do it', examples: ['latchkey it'] as [string] } as const
const tree: Tree = {
  one: {
    summary: 'One',
    load: async () => ({
      default: command({ ...common, prints: one(thing), run: async () => first }),
    }),
  },
  two: {
    summary: 'Two',
    load: async () => ({
      default: command({
        ...common,
        options: {},
        prints: rows(thing, {
          columns: [
            { title: 'name', cell: row => row.name },
            { title: 'size', cell: (row, brush) => brush.bytes(row.sizeBytes), align: 'right', wide: true },
          ],
          empty: 'Nothing here.',
        }),
        run: async () => [first, two],
      }),
    }),
  },
  none: {
    summary: 'None',
    load: async () => ({
      default: command({
        ...common,
        prints: rows(thing, {
          columns: [{ title: 'name', cell: row => row.name }],
          empty: 'Nothing here.',
        }),
        run: async () => [],
      }),
    }),
  },
  said: {
    summary: 'Said',
    load: async () => ({
      default: command({
        ...common,
        prints: one(thing, { done: ({ name }, brush) => `Did ${brush.bold(name)}` }),
        notice: () => 'Mind the gap.',
        run: async () => first,
      }),
    }),
  },
  text: {
    summary: 'Text',
    load: async () => ({
      default: command({ ...common, prints: plainText, run: async () => 'as it\nstands\n' }),
    }),
  },
}
const present = (line: string, options: Parameters<typeof run>[1] = {}) => run(line, { tree, ...options })

const json = {
  id: 'thg_1',
  name: 'a "quoted", name',
  user: { id: 'usr_1', username: 'alice' },
  limits: [rolling('tokens', 100_000, 18_000_000), rolling('usd', 20, 86_400_000)],
  totals: counted({ requests: 3, inputTokens: 10, outputTokens: 2, tokens: 12, costUsd: 0.5 }),
  rows: { users: 2, keys: 1000 },
  createdAt: '2026-11-20T03:11:26.603Z',
  disabledAt: null,
  sizeBytes: 2048,
  costUsd: 0.0004,
  service: false,
  metadata: { when: '1970-01-01T00:00:00.000Z', 'a b': [1, null] },
}
const jsonTwo = { ...json, id: 'thg_2', name: '', user: null, limits: [], rows: {}, metadata: null }

describe('json', () => {
  test('one thing is an object of exactly the fields on the shape', async () => {
    const { out, code } = await present('one --json')
    expect(out).toBe(`${JSON.stringify(json, null, 2)}\n`)
    expect(code).toBe(0)
  })

  test('a list is an array, empty or not', async () => {
    expect((await present('two --json')).out).toBe(`${JSON.stringify([json, jsonTwo], null, 2)}\n`)
    expect(await present('none --json')).toMatchObject({ out: '[]\n', err: '', code: 0 })
  })

  test('fields are picked in the order given', async () => {
    const { out } = await present('one --json --fields createdAt,id')
    expect(out).toBe('{\n  "createdAt": "2026-11-20T03:11:26.603Z",\n  "id": "thg_1"\n}\n')
  })

  test('ndjson is a line per thing', async () => {
    expect((await present('two -o ndjson')).out).toBe(`${JSON.stringify(json)}\n${JSON.stringify(jsonTwo)}\n`)
    expect((await present('one -o ndjson --fields id')).out).toBe('{"id":"thg_1"}\n')
    expect((await present('none -o ndjson')).out).toBe('')
  })

  test('no human text joins it', async () => {
    expect((await present('said --json')).err).toBe('')
  })
})

test('csv names references, flattens objects, keeps lists as JSON', async () => {
  const head =
    'id,name,user,limits,totals.requests,totals.inputTokens,totals.cachedInputTokens,totals.cacheWriteTokens,' +
    'totals.outputTokens,totals.reasoningTokens,totals.otherTokens,totals.tokens,totals.costUsd,' +
    'totals.unpricedRequests,rows,createdAt,disabledAt,sizeBytes,costUsd,service,metadata'
  const first =
    'thg_1,"a ""quoted"", name",alice,"[{""metric"":""tokens"",""amount"":100000,""period"":""rolling"",' +
    '""windowMs"":18000000,""timeZone"":null,""models"":null,""each"":false},{""metric"":""usd"",""amount"":20,' +
    '""period"":""rolling"",""windowMs"":86400000,""timeZone"":null,""models"":null,""each"":false}]",' +
    '3,10,0,0,2,0,0,12,0.5,0,"{""users"":2,""keys"":1000}",' +
    '2026-11-20T03:11:26.603Z,,2048,0.0004,false,"{""when"":""1970-01-01T00:00:00.000Z"",""a b"":[1,null]}"'
  const second = 'thg_2,"",,[],3,10,0,0,2,0,0,12,0.5,0,{},2026-11-20T03:11:26.603Z,,2048,0.0004,false,'
  expect((await present('two -o csv')).out).toBe(`${head}\n${first}\n${second}\n`)
  expect((await present('none -o csv')).out).toBe(`${head}\n`)
  expect((await present('two -o csv --fields user,id')).out).toBe('user,id\nalice,thg_1\n,thg_2\n')
})

test('yaml reads back as the same value', async () => {
  expect(Bun.YAML.parse((await present('two -o yaml')).out)).toEqual([json, jsonTwo])
  expect(Bun.YAML.parse((await present('one -o yaml')).out)).toEqual(json)
  expect((await present('none -o yaml')).out).toBe('[]\n')
})

test('-q prints ids', async () => {
  expect((await present('two -q')).out).toBe('thg_1\nthg_2\n')
  expect((await present('one -o name')).out).toBe('thg_1\n')
})

describe('for people', () => {
  test('rows are a table, wide columns on demand', async () => {
    expect((await present('two')).out).toBe('NAME\na "quoted", name\n\n')
    expect((await present('two -o wide')).out).toContain('NAME               SIZE')
    expect((await present('two --fields user,sizeBytes')).out).toBe(
      'USER    SIZE\nalice  2 KiB\n-      2 KiB\n',
    )
  })

  test('no rows are a remark on stderr and nothing on stdout', async () => {
    expect(await present('none')).toMatchObject({ out: '', err: 'Nothing here.\n', code: 0 })
  })

  test('one thing is a sentence, or a card of all its fields', async () => {
    expect(await present('said')).toMatchObject({ out: 'Did a "quoted", name\n', err: 'Mind the gap.\n' })
    expect((await present('said -o wide')).out).toBe((await present('one')).out)
    expect((await present('one --tz Europe/Berlin')).out).toBe(
      `${[
        'id        thg_1',
        'name      a "quoted", name',
        'user      alice',
        'limits    tokens 100,000 / 5h',
        '          usd $20.00 / 1d',
        'totals',
        '  requests             3',
        '  input tokens         10',
        '  cached input tokens  0',
        '  cache write tokens   0',
        '  output tokens        2',
        '  reasoning tokens     0',
        '  other tokens         0',
        '  tokens               12',
        '  cost                 $0.50',
        '  unpriced requests    0',
        'rows',
        '  users  2',
        '  keys   1,000',
        'created   2026-11-20 04:11',
        'disabled  -',
        'size      2 KiB',
        'cost      $0.0004',
        'service   no',
        'metadata  {"when":"1970-01-01T00:00:00.000Z","a b":[1,null]}',
      ].join('\n')}\n`,
    )
    expect((await present('one --fields name,id')).out).toBe('name  a "quoted", name\nid    thg_1\n')
  })

  test('colour needs a terminal, or somebody who insists', async () => {
    const plain = await present('said')
    expect((await present('said', { tty: true })).out).toBe('Did \x1b[1ma "quoted", name\x1b[22m\n')
    expect((await present('said', { env: { FORCE_COLOR: '1' } })).out).toContain('\x1b[1m')
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      expect((await present('said', { tty: true, env })).out).toBe(plain.out)
    }
    expect((await present('said --no-color', { tty: true })).out).toBe(plain.out)
  })

  test('text is printed as it stands', async () => {
    expect((await present('text')).out).toBe('as it\nstands\n')
    expect((await present('text', { env: { LATCHKEY_OUTPUT: 'json' } })).out).toBe('as it\nstands\n')
  })
})

describe('wrong usage, before anything runs', () => {
  test.each([
    ['one --fields nam', "there is no field 'nam' (did you mean name?)", 'choose from id, name, user'],
    ['one --fields ,', '--fields is empty', '--fields id,name'],
    ['one -q --fields id', '-q prints only ids and does not go with --fields', '-o csv --fields'],
    ['text --json', 'prints plain text only', 'leave out -o'],
    ['text --fields id', 'prints plain text only', 'leave out -o'],
    ['one --json -o csv', '--json and -o csv exclude each other', 'give only one'],
    ['one -q --json', '--json and -q exclude each other', 'give only one'],
  ])('%s', async (line, message, hint) => {
    const { code, out, err } = await present(line)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
    expect(err).toContain(hint)
  })

  test('saying the same twice is fine', async () => {
    expect((await present('one --json -o json')).code).toBe(0)
  })
})

test('a setting decides the format, a flag wins', async () => {
  const env = { LATCHKEY_OUTPUT: 'name' }
  expect((await present('two', { env })).out).toBe('thg_1\nthg_2\n')
  expect((await present('two -o csv --fields id', { env })).out).toBe('id\nthg_1\nthg_2\n')
})

test('a limit as it stands tells what is left and when there is more', async () => {
  const state = {
    ...rolling('tokens', 100, 60_000),
    subject: { type: 'key' as const, id: 'key_1', name: 'ci', member: null },
    endUser: null,
    used: 100,
    reserved: 0,
    remaining: 0,
    exceeded: true,
    retryAt: new Date('2026-11-20T03:11:00Z'),
  }
  const shape = object('Now', { limits: list(limitState, 'Limits'), key: nullable(key) })
  const now = command({
    ...common,
    prints: one(shape),
    run: async () => ({ limits: [state], key: null }),
  })
  const { out } = await present('now', {
    tree: { now: { summary: 'Now', load: async () => ({ default: now }) } },
  })
  expect(out).toBe('limits  tokens 100 of 100 / 1m, 0 left, retry 2026-11-20 03:11\nkey     -\n')
})
