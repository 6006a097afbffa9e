import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ImportReport } from '../../contract/views.ts'
import { latestVersion } from '../../db/schema/version.ts'
import { Client } from '../../db/sqlite/client.ts'
import { migrateTo } from '../../db/sqlite/migrate.ts'
import { SqliteStore } from '../../db/sqlite/transaction.ts'
import { histories } from '../../testing/chance.ts'
import { failure } from '../../testing/failure.ts'
import type { ImportContext } from '../context.ts'
import { hashSecret, mintSecret } from '../rules/secrets.ts'
import { recordUsage } from '../usage/record.ts'
import { importGlmProxy } from './pipeline.ts'
import { undoImport } from './undo.ts'

const start = new Date('2026-02-01T12:00:00.000Z')
let folder: string
let path: string
let now: Date
let context: ImportContext
/** A second connection, to look at what is really in the file. */
let client: Client
/** What each test begins with. */
let empty: Buffer | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
  path = join(folder, 'latchkey.db')
  now = start
  empty ??= emptyDatabase()
  writeFileSync(path, empty)
  client = new Client(path, { readwrite: true })
  client.run('PRAGMA foreign_keys = ON')
  context = contextOf(false)
})
afterEach(async () => {
  await context.store.close()
  client.close()
  rmSync(folder, { recursive: true, force: true })
})

/** All tables, and not even an audit row in them. */
function emptyDatabase(): Buffer {
  const made = join(folder, 'empty.db')
  using writer = new Client(made)
  writer.run('PRAGMA journal_mode = WAL')
  migrateTo(writer, made, latestVersion, { now: start.getTime(), programVersion: 'test' })
  writer.run('PRAGMA wal_checkpoint(TRUNCATE)')
  return readFileSync(made)
}

const contextOf = (dryRun: boolean): ImportContext => ({
  path,
  store: new SqliteStore({ path, access: 'write', dryRun, busyTimeoutMs: 5_000 }),
  now: () => now,
  actor: { name: 'tester', origin: 'script' },
  foreign: { tablesAt: () => Promise.reject(new Error('a file was given')) },
})

interface SourceKey {
  key: string
  name: string
  token_limit_per_5h: number
  [field: string]: unknown
}

const entry = (fields: Partial<SourceKey> = {}): SourceKey => ({
  key: 'pk_one_secret_1234',
  name: 'One',
  model: 'glm-4.7',
  token_limit_per_5h: 100_000,
  expiry_date: '2026-12-31T23:59:59Z',
  created_at: '2026-01-18T00:00:00Z',
  last_used: '2026-01-20T00:00:00Z',
  total_lifetime_tokens: 100,
  usage_windows: [{ window_start: '2026-01-20T00:00:30Z', tokens_used: 60 }],
  ...fields,
})

/** As data of JSON: a field that is undefined is left out. */
const load = (keys: readonly object[], into = context): Promise<ImportReport> =>
  importGlmProxy(into, { file: 'apikeys.json', bytes: new TextEncoder().encode(JSON.stringify({ keys })) })

type Row = Record<string, unknown>
const all = (sql: string): Row[] => client.query(sql).all() as Row[]
const tables = [
  'keys',
  'secrets',
  'limits',
  'series',
  'minutes',
  'hours',
  'days',
  'departed',
  'carried_usage',
  'imports',
  'imported_keys',
  'audit',
]
const dump = (): string => JSON.stringify(tables.map(table => all(`SELECT * FROM ${table}`)))
const outcomes = (report: ImportReport) => report.items.map(item => [item.name, item.outcome, item.reason])
const sumOf = (columns: string): string =>
  `(SELECT coalesce(sum(${columns}), 0) FROM series JOIN days ON series = id WHERE key_id = keys.id) +
   coalesce((SELECT ${columns} FROM carried_usage WHERE key_id = keys.id), 0)`
const totals = () =>
  all(
    `SELECT name, ${sumOf('input_tokens + output_tokens + other_tokens')} AS tokens, ${sumOf('requests')} AS requests,
       ${sumOf('cost_micros')} AS cost FROM keys ORDER BY id`,
  )
const lastUse = () =>
  all(
    `SELECT max(coalesce((SELECT max(last_at) FROM series JOIN days ON series = id WHERE key_id = keys.id), -1),
       coalesce((SELECT last_used_at FROM carried_usage WHERE key_id = keys.id), -1)) AS at FROM keys`,
  )
const buckets = (table: string) =>
  all(
    `SELECT key_id AS key, ${table}.start AS start, name AS model, other_tokens AS other, input_tokens AS input, ${table}.requests AS requests
     FROM ${table} JOIN series ON series.id = series JOIN models ON models.id = model ORDER BY 1, 2, 3`,
  )

/** Each hour is the sum of its minutes, and each day of its hours, as far as they are kept. */
function expectSums(): void {
  const counts = ['requests', 'other_tokens', 'input_tokens', 'output_tokens', 'cost_micros']
  const sums = (table: string, size: number, edge: string) => `
    SELECT series, start / ${size} AS start, model, ${counts.map(name => `sum(${name}) AS ${name}`)} FROM ${table}
    WHERE start / ${size} * ${size} * ${table === 'minutes' ? 60_000 : table === 'hours' ? 3_600_000 : 86_400_000} >= (SELECT ${edge} FROM retention)
    GROUP BY 1, 2, 3`
  expect(all(sums('minutes', 60, 'minutes_from'))).toEqual(all(sums('hours', 1, 'minutes_from')))
  expect(all(sums('hours', 24, 'hours_from'))).toEqual(all(sums('days', 1, 'hours_from')))
  for (const table of ['minutes', 'hours', 'days'])
    expect(all(`SELECT 1 FROM ${table} WHERE (${counts}) = (0, 0, 0, 0, 0)`)).toEqual([])
  expect(
    all(`SELECT 1 FROM carried_usage WHERE (${counts}) = (0, 0, 0, 0, 0) AND last_used_at IS NULL`),
  ).toEqual([])
}

/** What is stored of all usage, as far as it is read. */
const usage = (): string =>
  JSON.stringify([
    all(`SELECT * FROM minutes WHERE start * 60000 >= (SELECT minutes_from FROM retention)`),
    all(`SELECT * FROM hours WHERE start * 3600000 >= (SELECT hours_from FROM retention)`),
    all('SELECT * FROM days'),
    all('SELECT * FROM carried_usage ORDER BY key_id'),
  ])

describe('a first import', () => {
  test('brings the key, its secret, limit, usage and what is not in its windows', async () => {
    const report = await load([
      entry({
        usage_windows: [
          { window_start: '2026-01-20T00:00:30Z', tokens_used: 40 },
          { window_start: '2026-01-20T00:00:45.5Z', tokens_used: 20 },
        ],
      }),
    ])
    expect(report).toEqual({
      id: expect.stringMatching(/^imp_/),
      source: 'glm-proxy',
      created: 1,
      updated: 0,
      unchanged: 0,
      refused: 0,
      gone: 0,
      revoked: 0,
      items: [{ type: 'key', name: 'One', outcome: 'created', reason: null }],
      ignoredFields: [],
      leftBehind: [],
      notes: [],
    })
    const [key] = all('SELECT * FROM keys')
    expect(key).toMatchObject({
      name: 'One',
      user_id: null,
      project_id: null,
      model: 'glm-4.7',
      allowed_models: null,
      scopes: '[]',
      expires_at: Date.UTC(2026, 11, 31, 23, 59, 59),
      created_at: Date.UTC(2026, 0, 18),
      updated_at: start.getTime(),
    })
    const keyId = key?.['id']
    expect(all('SELECT hash, key_id, start, ends_at FROM secrets')).toEqual([
      { hash: hashSecret('pk_one_secret_1234'), key_id: keyId, start: 'pk_one', ends_at: null },
    ])
    expect(all('SELECT key_id, metric, amount, period, window_ms FROM limits')).toEqual([
      { key_id: keyId, metric: 'tokens', amount: 100_000, period: 'rolling', window_ms: 18_000_000 },
    ])
    const bucket = { key: keyId, model: 'glm-4.7', other: 60, input: 0, requests: 0 }
    const day = Date.UTC(2026, 0, 20) / 86_400_000
    expect(buckets('minutes')).toEqual([{ ...bucket, start: day * 1440 }])
    expect(buckets('hours')).toEqual([{ ...bucket, start: day * 24 }])
    expect(buckets('days')).toEqual([{ ...bucket, start: day }])
    expect(all('SELECT * FROM carried_usage')).toEqual([
      {
        key_id: keyId,
        requests: 0,
        input_tokens: 0,
        output_tokens: 0,
        other_tokens: 40,
        cost_micros: 0,
        last_used_at: Date.UTC(2026, 0, 20),
      },
    ])
    expect(lastUse()).toEqual([{ at: Date.UTC(2026, 0, 20) }])
    const [stored] = all('SELECT * FROM imports')
    expect<object>({ ...stored, report: JSON.parse(stored?.['report'] as string) }).toEqual({
      id: report.id,
      source: 'glm-proxy',
      at: start.getTime(),
      report,
      undone_at: null,
    })
    const audit = all('SELECT action, target_type, target_id, target_name, after FROM audit ORDER BY id')
    expect(audit).toEqual([
      {
        action: 'key.import',
        target_type: 'key',
        target_id: keyId,
        target_name: 'One',
        after: expect.any(String),
      },
      {
        action: 'import.glm-proxy',
        target_type: 'import',
        target_id: report.id,
        target_name: null,
        after: '{"created":1,"updated":0,"unchanged":0,"refused":0,"gone":0,"revoked":0}',
      },
    ])
    expect(JSON.parse(audit[0]?.['after'] as string)).toMatchObject({
      name: 'One',
      start: 'pk_one',
      tokens: 100,
    })
    expectSums()
  })

  test('stores no secret anywhere in the database', async () => {
    await load([entry(), entry({ key: 'pk_two_secret_1234', glmkey: 'upstream_secret' })])
    client.run('PRAGMA wal_checkpoint(TRUNCATE)')
    const bytes = readFileSync(path).toString('latin1')
    for (const secret of ['one_secret', 'two_secret', 'upstream_secret']) expect(bytes).not.toContain(secret)
  })

  test('of nothing is done with nothing', async () => {
    const before = dump()
    expect(await load([])).toMatchObject({ created: 0, items: [], id: null })
    expect(dump()).toBe(before)
  })

  test('keeps requests and dollars that the source counts, and sums the windows where it does not', async () => {
    const usage_windows = [{ window_start: '2026-01-20', tokens_used: 5, requests: 2, spend_usd: 0.25 }]
    await load([
      entry({ usage_windows, total_requests: 7, total_spend_usd: 1.5 }),
      entry({ usage_windows, key: 'pk_b', name: 'B', total_lifetime_tokens: undefined }),
    ])
    expect(totals()).toEqual([
      { name: 'One', tokens: 100, requests: 7, cost: 1_500_000 },
      { name: 'B', tokens: 5, requests: 2, cost: 250_000 },
    ])
    expect(all('SELECT other_tokens, requests, cost_micros FROM carried_usage ORDER BY key_id')).toEqual([
      { other_tokens: 95, requests: 5, cost_micros: 1_250_000 },
      { other_tokens: 0, requests: 0, cost_micros: 0 },
    ])
    expectSums()
  })

  test('carries less than nothing when the windows hold more than the lifetime', async () => {
    await load([entry({ total_lifetime_tokens: 10 })])
    expect(all('SELECT other_tokens FROM carried_usage')).toEqual([{ other_tokens: -50 }])
    expect(totals()).toMatchObject([{ tokens: 10 }])
    expectSums()
  })

  test('in a dry run reports the same and keeps nothing', async () => {
    const before = dump()
    const dry = contextOf(true)
    const rehearsed = await load([entry()], dry)
    await dry.store.close()
    expect(dump()).toBe(before)
    const { id: _, ...expected } = await load([entry()])
    expect(rehearsed).toMatchObject(expected)
  })

  test.each<[string, Partial<SourceKey>, number]>([
    [
      'the earliest window',
      { last_used: '2026-01-21', usage_windows: [{ window_start: '2026-01-20', tokens_used: 1 }] },
      Date.UTC(2026, 0, 20),
    ],
    ['the last use', { last_used: '2026-01-19', usage_windows: [] }, Date.UTC(2026, 0, 19)],
    ['the import', { last_used: '', usage_windows: [] }, start.getTime()],
  ])('dates a key of unknown age by %s', async (_, fields, expected) => {
    await load([entry({ created_at: '', ...fields })])
    expect(all('SELECT created_at FROM keys')).toEqual([{ created_at: expected }])
  })

  test('takes a time that a program in Go never set for none', async () => {
    const unset = '0001-01-01T00:00:00Z'
    const unused = { expiry_date: unset, last_used: unset, usage_windows: [], total_lifetime_tokens: 0 }
    await load([entry(unused)])
    expect(all('SELECT expires_at FROM keys')).toEqual([{ expires_at: null }])
    expect(all('SELECT * FROM carried_usage')).toEqual([])
  })

  test('of a source that does not tell the last use takes the latest window for it', async () => {
    const usage_windows = ['2026-01-20T10:00:00Z', '2026-01-20T15:00:00Z'].map(window_start => ({
      window_start,
      tokens_used: 1,
    }))
    await load([entry({ last_used: '', usage_windows })])
    expect(lastUse()).toEqual([{ at: Date.UTC(2026, 0, 20, 15) }])
  })

  test('says which keys never expire', async () => {
    expect(outcomes(await load([entry({ expiry_date: '' })]))).toEqual([
      ['One', 'created', 'no expiry in the source'],
    ])
  })

  test('numbers names that are taken, whatever their case', async () => {
    const names = ['Test', 'test', 'TEST ', 'test (2)', 'y'.repeat(100), 'Y'.repeat(100)]
    const report = await load(names.map((name, n) => entry({ key: `pk_${n}_abcdefgh`, name })))
    expect(outcomes(report)).toEqual([
      ['Test', 'created', null],
      ['test (2)', 'created', 'the name "test" was taken'],
      ['TEST (3)', 'created', 'the name "TEST" was taken'],
      ['test (2) (2)', 'created', 'the name "test (2)" was taken'],
      ['y'.repeat(100), 'created', null],
      [`${'Y'.repeat(96)} (2)`, 'created', `the name "${'Y'.repeat(100)}" was taken`],
    ])
  })

  test('refuses only the keys that have no place here', async () => {
    const damaged = `${mintSecret('lk').slice(0, -1)}!`
    const report = await load([
      entry(),
      entry({ key: damaged, name: 'Typo' }),
      entry({ key: `pk_${'x'.repeat(512)}`, name: 'Long' }),
      entry({ key: 'pk with space', name: 'Spaced' }),
      entry({ key: 'pk_name_is_secret', name: 'pk_name_is_secret' }),
      entry({ key: 'pk_inside_name', name: 'key pk_inside_name' }),
      entry({ key: 'pk_x', name: 'pk_x' }),
      entry({ key: 'pk_named_elsewhere', name: 'pk_x ' }),
      entry({ key: mintSecret('lk'), name: 'Ours' }),
    ])
    expect(report).toMatchObject({ created: 2, refused: 7 })
    expect(report.items.map(item => [item.name, item.outcome])).toEqual([
      ['One', 'created'],
      ['Typo', 'refused'],
      ['Long', 'refused'],
      ['Spaced', 'refused'],
      ['key 5', 'refused'],
      ['key 6', 'refused'],
      ['key 7', 'refused'],
      ['key 8', 'refused'],
      ['Ours', 'created'],
    ])
    for (const item of report.items) if (item.outcome === 'refused') expect(item.reason).toMatch(/secret/)
    expect(JSON.stringify(report)).not.toContain('pk_')
  })

  test('leaves a key alone whose secret is here already', async () => {
    await load([entry()])
    client.run('DELETE FROM imported_keys')
    const before = dump()
    const report = await load([entry({ token_limit_per_5h: 1 })])
    expect(report).toMatchObject({
      unchanged: 1,
      items: [{ reason: expect.stringContaining('did not come from') }],
    })
    expect(dump()).toBe(before)
  })

  test('of the own database is refused', async () => {
    await load([entry()])
    for (const file of [path, `${path}-wal`]) {
      expect((await failure(importGlmProxy(context, { file }))).message).toContain('you are importing into')
    }
  })
})

describe('a source with mistakes', () => {
  test.each<[string, object[], string]>([
    [
      'a bad date',
      [entry(), entry({ key: 'pk_b', expiry_date: 'not-a-date' })],
      'key 2 ("One") in apikeys.json: expiry_date is not a date; nothing',
    ],
    [
      'a negative count',
      [entry({ total_lifetime_tokens: -1 })],
      'total_lifetime_tokens is negative; nothing',
    ],
    [
      'a secret twice',
      [entry(), entry({ name: 'Twin' })],
      'key 2 ("Twin") in apikeys.json: key is the same as that of key 1; nothing',
    ],
    ['no secret', [entry({ key: '' })], 'key 1 ("One") in apikeys.json: key is empty; nothing'],
    ['no name', [entry({ name: '' })], 'key 1 in apikeys.json: name is empty; nothing'],
    ['a name like an id', [entry({ name: 'key_1' })], 'name must not begin like an id (key_); nothing'],
    [
      'a name with control characters',
      [entry({ name: 'a\u0007b' })],
      'key 1 ("a?b") in apikeys.json: name must not contain',
    ],
    ['a name like a flag', [entry({ name: '-x' })], 'name must not begin with a dash'],
    ['a long name', [entry({ name: 'n'.repeat(101) })], 'name must be at most 100 characters'],
    ['a model of two words', [entry({ model: 'glm 4' })], 'model must not contain white space'],
    ['a limit beyond all measure', [entry({ token_limit_per_5h: 1e15 })], 'token_limit_per_5h is too large'],
    [
      'an entry that is none',
      [entry(), 7 as never],
      'key 2 in apikeys.json: entry is not an object; nothing',
    ],
    [
      'two mistakes',
      [entry({ last_used: 'x' }), entry({ key: 'pk_b', name: '' })],
      'and there is 1 more problem; nothing',
    ],
    [
      'many mistakes',
      [entry({ last_used: 'x', created_at: 'y', name: '', token_limit_per_5h: -1 })],
      'and there are 3 more problems; nothing',
    ],
  ])('such as %s is refused whole', async (_, keys, message) => {
    await load([entry({ key: 'pk_before', name: 'Before' })])
    const before = dump()
    const error = await failure(load([...keys, entry({ key: 'pk_sound', name: 'Sound' })]))
    expect(error.code).toBe('invalid')
    expect(error.message).toContain(message)
    expect(dump()).toBe(before)
  })

  test('is refused without a secret in the error', async () => {
    const key = 'pk_secret_as_a_name'
    const error = await failure(load([entry({ key, name: key, expiry_date: key })]))
    expect(JSON.stringify([error.message, error.hint, error.stack, String(error.cause)])).not.toContain(key)
  })
})

test('an import after which the usage of a key would not add up is taken back whole', async () => {
  await load([entry()])
  client.run(
    `CREATE TRIGGER more AFTER UPDATE ON carried_usage
     BEGIN UPDATE carried_usage SET other_tokens = other_tokens + 1 WHERE key_id = new.key_id; END`,
  )
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  const before = dump()
  await expect(load([entry({ total_lifetime_tokens: 150 })])).rejects.toThrow('would no longer add up')
  await load([entry()])
  expect(dump()).toBe(before)
})

describe('a second import', () => {
  test('of the same source changes nothing', async () => {
    await load([entry(), entry({ key: 'pk_b', name: 'one', model: '', expiry_date: '' })])
    const before = dump()
    now = new Date(start.getTime() + 3_600_000)
    const report = await load([entry({ key: 'pk_b', name: 'one', model: null, expiry_date: null }), entry()])
    expect(report).toMatchObject({ created: 0, updated: 0, unchanged: 2, id: null })
    expect(dump()).toBe(before)
  })

  test('applies what the source changed and keeps what was changed here', async () => {
    await load([entry()])
    client.run("UPDATE keys SET name = 'Local', expires_at = 5, revoked_at = 7")
    client.run('DELETE FROM limits')
    now = new Date(start.getTime() + 3_600_000)
    const first = await load([entry({ model: 'glm-5' })])
    expect(outcomes(first)).toEqual([['Local', 'updated', 'changed in the source: model']])
    expect(all('SELECT name, model, expires_at, revoked_at, updated_at FROM keys')).toEqual([
      { name: 'Local', model: 'glm-5', expires_at: 5, revoked_at: 7, updated_at: now.getTime() },
    ])
    expect(all('SELECT * FROM limits')).toEqual([])
    const second = await load([entry({ model: null, name: 'Two', expiry_date: '', token_limit_per_5h: 0 })])
    expect(outcomes(second)).toEqual([
      ['Two', 'updated', 'changed in the source: name, model, expiry, limit; no expiry in the source'],
    ])
    expect(all('SELECT name, model, expires_at FROM keys')).toEqual([
      { name: 'Two', model: null, expires_at: null },
    ])
    expect(all('SELECT amount FROM limits')).toEqual([{ amount: 0 }])
    const [audit] = all(
      `SELECT before, after FROM audit WHERE action = 'key.import' ORDER BY id DESC LIMIT 1`,
    )
    expect(JSON.parse(audit?.['before'] as string)).toMatchObject({
      name: 'Local',
      model: 'glm-5',
      limits: [],
    })
    expect(JSON.parse(audit?.['after'] as string)).toMatchObject({ name: 'Two', model: null })
    expectSums()
  })

  test('keeps the model that was set here when the source changes something else', async () => {
    await load([entry()])
    client.run("UPDATE keys SET model = 'local'")
    await load([entry({ total_lifetime_tokens: 101 })])
    expect(all('SELECT model, updated_at FROM keys')).toEqual([
      { model: 'local', updated_at: start.getTime() },
    ])
  })

  test('corrects a window under the model that it was booked under', async () => {
    const window = { window_start: '2026-01-20T00:00:30Z', tokens_used: 60 }
    await load([entry({ usage_windows: [window] })])
    await load([entry({ model: 'glm-5', usage_windows: [{ ...window, tokens_used: 50 }] })])
    await load([entry({ model: 'glm-5', usage_windows: [{ ...window, tokens_used: 45 }] })])
    expect(buckets('days')).toMatchObject([{ model: 'glm-4.7', other: 45 }])
    expectSums()
  })

  test('remembers a change of the source that was made here too', async () => {
    await load([entry()])
    client.run('UPDATE limits SET amount = 5')
    expect(outcomes(await load([entry({ token_limit_per_5h: 5 })]))).toEqual([
      ['One', 'unchanged', 'it already matches the source'],
    ])
    client.run('UPDATE limits SET amount = 6')
    await load([entry({ token_limit_per_5h: 5 })])
    expect(all('SELECT amount FROM limits')).toEqual([{ amount: 6 }])
  })

  test('gives a renamed key the next free name, and its own name back', async () => {
    const other = entry({ key: 'pk_other', name: 'Other' })
    await load([entry(), other])
    const report = await load([entry({ name: 'OTHER' }), other])
    expect(report.items[0]).toEqual({
      type: 'key',
      name: 'OTHER (2)',
      outcome: 'updated',
      reason: 'changed in the source: name; the name "OTHER" was taken',
    })
    expect((await load([entry({ name: 'other (2)' }), other])).items[0]?.name).toBe('other (2)')
  })

  test('lets keys swap their names in one import without a clash', async () => {
    const [a, b] = [entry(), entry({ key: 'pk_other', name: 'Other' })]
    await load([a, b])
    const report = await load([
      { ...a, name: 'Other' },
      { ...b, name: 'One' },
    ])
    expect(report.items.map(item => item.name)).toEqual(['Other (2)', 'One'])
  })

  test('counts what the source counted since, on top of what was counted here', async () => {
    await load([entry()])
    const keyId = all('SELECT id FROM keys')[0]?.['id'] as string
    await recordUsage(context, keyId, {
      model: 'glm-4.7',
      inputTokens: 3,
      outputTokens: 4,
      costUsd: 0.1,
      at: new Date('2026-01-20T00:00:10Z'),
    })
    const grown = entry({
      total_lifetime_tokens: 170,
      last_used: '2026-01-21T00:00:00Z',
      usage_windows: [
        { window_start: '2026-01-20T00:00:30Z', tokens_used: 80 },
        { window_start: '2026-01-21T00:00:00Z', tokens_used: 30 },
      ],
    })
    expect(outcomes(await load([grown]))).toEqual([
      ['One', 'updated', 'changed in the source: last use, usage'],
    ])
    expect(buckets('minutes')).toMatchObject([
      { start: Date.UTC(2026, 0, 20) / 60_000, other: 80, input: 3 },
      { start: Date.UTC(2026, 0, 21) / 60_000, other: 30, input: 0 },
    ])
    expect(all('SELECT other_tokens FROM carried_usage')).toEqual([{ other_tokens: 60 }])
    expect(totals()).toEqual([{ name: 'One', tokens: 177, requests: 1, cost: 100_000 }])
    expectSums()
    // A window that the source has let go stays counted, and is not counted again when it returns.
    await load([{ ...grown, usage_windows: [] }])
    await load([grown])
    expect(all('SELECT sum(other_tokens) AS n FROM hours')).toEqual([{ n: 110 }])
    expect(totals()).toMatchObject([{ tokens: 177 }])
    expectSums()
  })

  test('takes back what the source took back, wherever it was folded into, and never what was counted here', async () => {
    const usage_windows = [
      { window_start: '2026-01-20T05:30:00Z', tokens_used: 60 },
      { window_start: '2026-01-20T05:40:00Z', tokens_used: 40 },
    ]
    await load([entry({ usage_windows })])
    const keyId = all('SELECT id FROM keys')[0]?.['id'] as string
    await recordUsage(context, keyId, {
      model: 'glm-4.7',
      inputTokens: 9,
      at: new Date('2026-01-20T05:30:00Z'),
    })
    forget('minutes', '2026-01-21')
    const shrunk = usage_windows.map(window => ({ ...window, tokens_used: 0 }))
    await load([entry({ usage_windows: shrunk, total_lifetime_tokens: 50 })])
    for (const table of ['hours', 'days'])
      expect(buckets(table)).toMatchObject([{ other: 0, input: 9, requests: 1 }])
    expect(totals()).toMatchObject([{ tokens: 59 }])
    expectSums()
  })

  test('makes up in what is carried for buckets that are gone', async () => {
    await load([entry()])
    for (const table of ['minutes', 'hours', 'days']) client.run(`DELETE FROM ${table}`)
    client.run('UPDATE carried_usage SET other_tokens = 100')
    await load([entry({ usage_windows: [{ window_start: '2026-01-20T00:00:30Z', tokens_used: 0 }] })])
    expect(all('SELECT other_tokens FROM carried_usage')).toEqual([{ other_tokens: 100 }])
    expectSums()
  })

  test('takes back from the user who had the key when it was used, and adds to the one who has it now', async () => {
    const usage_windows = [{ window_start: '2026-01-20T05:30:00Z', tokens_used: 60 }]
    await load([entry({ usage_windows })])
    client.run(
      "INSERT INTO users (id, username, role, service, created_at, updated_at) VALUES ('usr_' || hex(randomblob(13)), 'eve', 'member', 0, 0, 0)",
    )
    client.run('UPDATE keys SET user_id = (SELECT id FROM users)')
    const more = { window_start: '2026-01-21T05:30:00Z', tokens_used: 7 }
    await load([entry({ usage_windows: [{ ...usage_windows[0], tokens_used: 50 }, more] })])
    for (const table of ['minutes', 'hours', 'days'])
      expect(
        all(
          `SELECT user_id <> '' AS owned, other_tokens FROM ${table} JOIN series ON id = series ORDER BY 1`,
        ),
      ).toEqual([
        { owned: 0, other_tokens: 50 },
        { owned: 1, other_tokens: 7 },
      ])
    expectSums()
  })

  test('never moves the last use back behind one made here', async () => {
    await load([entry()])
    const keyId = all('SELECT id FROM keys')[0]?.['id'] as string
    await recordUsage(context, keyId, { at: new Date('2026-01-30T00:00:00Z') })
    const report = await load([entry({ last_used: '2026-01-25T00:00:00Z' })])
    expect(outcomes(report)).toEqual([['One', 'unchanged', 'it already matches the source']])
    expect(lastUse()).toEqual([{ at: Date.UTC(2026, 0, 30) }])
  })

  test('keeps what was known when the source stops or starts counting requests', async () => {
    const usage_windows = [{ window_start: '2026-01-20', tokens_used: 5, requests: 2 }]
    await load([entry({ usage_windows, total_requests: 10 })])
    await load([entry({ usage_windows: [{ ...usage_windows[0], requests: 3 }] })])
    expect(totals()).toMatchObject([{ requests: 11 }])
    await load([entry({ usage_windows: [{ ...usage_windows[0], requests: 3 }], total_requests: 12 })])
    expect(totals()).toMatchObject([{ requests: 12 }])
    expectSums()
  })

  test('finds the key again after its secret was rotated', async () => {
    await load([entry()])
    client.run('UPDATE secrets SET ends_at = 1')
    const report = await load([entry({ total_lifetime_tokens: 101 })])
    expect(report).toMatchObject({ created: 0, updated: 1 })
    expect(totals()).toMatchObject([{ tokens: 101 }])
  })

  test('leaves a key away that was deleted here, until the import that made it is taken back', async () => {
    const { id } = await load([entry(), entry({ key: 'pk_two', name: 'Two' })])
    client.run("DELETE FROM keys WHERE name = 'Two'")
    const report = await load([entry(), entry({ key: 'pk_two', name: 'Two', total_lifetime_tokens: 5 })])
    expect(report).toMatchObject({ created: 0, updated: 0, unchanged: 2 })
    expect(report.items.find(item => item.name === 'Two')?.reason).toContain('deleted here')
    await undoImport(context, id!)
    expect(await load([entry(), entry({ key: 'pk_two', name: 'Two' })])).toMatchObject({ created: 2 })
  })

  test('fails rather than misread what it remembers', async () => {
    await load([entry()])
    client.run(`UPDATE imported_keys SET state = '{"counted":{}}'`)
    const before = dump()
    expect((await failure(load([entry({ name: 'Two' })]))).code).toBe('corrupt')
    expect(dump()).toBe(before)
  })
})

test('an import that fails on its last key leaves nothing of the others', async () => {
  client.run(
    `CREATE TRIGGER fail BEFORE INSERT ON keys WHEN new.name = 'Last' BEGIN SELECT raise(ABORT, 'no'); END`,
  )
  const before = dump()
  await expect(load([entry(), entry({ key: 'pk_b', name: 'Last' })])).rejects.toThrow()
  expect(dump()).toBe(before)
})

test('two imports at once of one source count it once', async () => {
  const reports = await Promise.all([load([entry()]), load([entry()])])
  expect(reports.map(report => report.created).sort()).toEqual([0, 1])
  expect(totals()).toMatchObject([{ tokens: 100 }])
})

describe('random sources, imported as they grow', () => {
  const seeds = Array.from({ length: Math.ceil(histories / 20) }, (_, n) => n + 1)
  test.each(seeds)('keep every sum (seed %d)', async seed => {
    const random = mulberry32(seed)
    const upTo = (most: number): number => Math.floor(random() * (most + 1))
    const one = <T>(list: readonly T[]): T => list[upTo(list.length - 1)]!
    let keys: SourceKey[] = []
    const local = new Map<string, number>()
    for (let step = 0; step < 12; step++) {
      for (let n = upTo(2); n > 0; n--) {
        keys.push(
          entry({
            key: `pk_${seed}_${step}_${n}_secret`,
            name: one(['A', 'a', 'B', 'C']),
            total_lifetime_tokens: upTo(500),
            usage_windows: [],
          }),
        )
      }
      keys = keys.map(key => ({
        ...key,
        ...(upTo(3) === 0 ? { name: one(['A', 'b', 'D']) } : {}),
        ...(upTo(3) === 0 ? { model: one(['glm-4.7', 'glm-5', '', null]) } : {}),
        total_lifetime_tokens: Math.max(0, (key['total_lifetime_tokens'] as number) + upTo(300) - 50),
        total_requests: one([undefined, upTo(50)]),
        total_spend_usd: one([undefined, upTo(1_000_000) / 1e6]),
        usage_windows: [
          ...(key['usage_windows'] as { tokens_used: number }[])
            .filter(() => upTo(4) > 0)
            .map(window => ({ ...window, tokens_used: Math.max(0, window.tokens_used + upTo(40) - 10) })),
          ...Array.from({ length: upTo(2) }, () => ({
            window_start: new Date(Date.UTC(2026, 0, 20) + upTo(600) * 20_000).toISOString(),
            tokens_used: upTo(1000) / 10,
            requests: upTo(4),
            spend_usd: upTo(1000) / 1e6,
          })),
        ],
      }))
      const earlier = usage()
      const { id } = await load(keys)
      if (all(`SELECT 1 FROM imports WHERE id = '${id}'`).length > 0) await undoImport(context, id!)
      expect(usage()).toBe(earlier)
      const report = await load(keys)
      expect(report.created + report.updated + report.unchanged).toBe(keys.length)
      expectSums()
      for (const { key, total_lifetime_tokens } of keys) {
        const [row] = all(
          `SELECT keys.id, ${sumOf('other_tokens')} AS brought, ${sumOf('input_tokens')} AS local FROM keys JOIN secrets ON secrets.key_id = keys.id
           WHERE secrets.hash = '${hashSecret(key)}'`,
        )
        expect(row).toMatchObject({ brought: total_lifetime_tokens, local: local.get(key) ?? 0 })
        if (upTo(2) > 0) continue
        const inputTokens = upTo(20)
        const at = new Date(Date.UTC(2026, 0, 20) + upTo(600) * 20_000)
        await recordUsage(context, row?.['id'] as string, { model: 'glm-4.7', inputTokens, at })
        local.set(key, (local.get(key) ?? 0) + inputTokens)
      }
      if (step === 3) forget('minutes', '2026-01-21')
      if (step === 7) forget('hours', '2026-01-21')
      expectSums()
      const before = dump()
      await load(keys.toReversed())
      expect(dump()).toBe(before)
    }
  })
})

/** What compaction does. */
function forget(table: 'minutes' | 'hours', before: string): void {
  client.run(`UPDATE retention SET ${table}_from = ${Date.parse(before)}`)
  client.run(`DELETE FROM ${table}`)
}

/** Small seeded generator (Tommy Ettinger, public domain), so that a failure can be seen again. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const real = join(import.meta.dir, '../../../../shared/real')
const present = existsSync(real)

describe.skipIf(!present)(
  `files that glm-proxy wrote${present ? '' : ' (skipped: ../shared/real is not here)'}`,
  () => {
    const importFile = (name: string) => importGlmProxy(context, { file: join(real, name) })

    test('a key used before it was created has all of its tokens', async () => {
      expect(await importFile('glm-proxy.used-before-created.json')).toMatchObject({
        created: 1,
        ignoredFields: [],
      })
      expect(totals()).toMatchObject([{ name: 'Example Test Key', tokens: 902 }])
      expect(all('SELECT created_at FROM keys')).toEqual([{ created_at: Date.parse('2026-01-18T00:00:00Z') }])
      expect(lastUse()).toEqual([{ at: Date.parse('2026-01-17T19:52:01.337Z') }])
      expect(buckets('minutes')).toMatchObject([
        { start: Date.parse('2026-01-17T18:56:00Z') / 60_000, other: 902 },
      ])
      const before = dump()
      expect(await importFile('glm-proxy.used-before-created.json')).toMatchObject({ unchanged: 1 })
      expect(dump()).toBe(before)
    })

    test('both keys of a list come over, one with a very short secret', async () => {
      expect(await importFile('glm-proxy.two-keys.json')).toMatchObject({ created: 2 })
      expect(all('SELECT start FROM secrets ORDER BY start')).toEqual([
        { start: 'pk' },
        { start: 'pk_test_ben' },
      ])
    })

    test('an empty list is no mistake', async () => {
      expect(await importFile('glm-proxy.empty.json')).toMatchObject({ created: 0, items: [] })
    })

    test('a database with a live log has two keys, and is only read', async () => {
      const originals = ['sqlite.db', 'sqlite.db-wal'].map(name => join(real, 'glm-proxy-sqlite', name))
      const before = originals.map(file => hashSecret(readFileSync(file, 'latin1')))
      expect(await importFile('glm-proxy-sqlite/sqlite.db')).toMatchObject({ created: 2 })
      expect(totals().map(row => row['tokens'])).toEqual([125_000, 250_000])
      expect(originals.map(file => hashSecret(readFileSync(file, 'latin1')))).toEqual(before)
      expect(existsSync(`${originals[0]}-shm`)).toBe(false)
      expect(await importFile('glm-proxy-sqlite/sqlite.db')).toMatchObject({ created: 0, unchanged: 2 })
    })
  },
)

test('thousands of keys are imported in one go', async () => {
  // More values than a statement takes, and more windows.
  const keys = Array.from({ length: 2_500 }, (_, n) =>
    entry({
      key: `pk_many_secrets_${n}`,
      name: 'Same',
      usage_windows: [0, 1, 2].map(h => ({
        window_start: new Date(Date.UTC(2026, 0, 20, h)).toISOString(),
        tokens_used: n,
      })),
    }),
  )
  const file = join(folder, 'many.json')
  writeFileSync(file, JSON.stringify({ keys }))
  expect(await importGlmProxy(context, { file })).toMatchObject({ created: 2_500 })
  expect(await importGlmProxy(context, { file })).toMatchObject({ unchanged: 2_500 })
  expectSums()
}, 600_000)
