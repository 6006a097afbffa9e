// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Latchkey } from '../../index.ts'
import { kills } from '../../testing/chance.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { totals } from '../../testing/limits.ts'
import { spawnLatchkey, startGateway, startLatchkey } from '../../testing/process.ts'
import { run } from '../../testing/run.ts'

type Loose = Readonly<Record<string, unknown>>
const at = '2026-11-20T10:00:00Z'
const ndjson = (...events: readonly Loose[]) => `${events.map(event => JSON.stringify(event)).join('\n')}\n`

async function scene() {
  const home = await temporaryLatchkey()
  const folder = temporaryFolder()
  const { keys } = home.latchkey
  const ci = await keys.create({ name: 'ci' })
  await keys.create({ name: 'web' })
  return {
    ...home,
    ...home.latchkey,
    ci,
    write: folder.write,
    ingest: (content: string | Uint8Array, name = 'events.ndjson', options = {}) =>
      home.latchkey.usage.ingest({ file: folder.write(name, content), ...options }),
    totals: (name: string) => totalsOf(home.latchkey, name),
    [Symbol.asyncDispose]: async () => {
      folder.remove()
      await home[Symbol.asyncDispose]()
    },
  }
}

const totalsOf = async (latchkey: Latchkey, name: string) => (await latchkey.keys.stats(name)).totals

test('events are counted by key, model and minute, totals and buckets alike', async () => {
  await using s = await scene()
  const report = await s.ingest(
    ndjson(
      { key: 'ci', model: 'gpt-x', inputTokens: 10, outputTokens: 2, costUsd: 0.0004, at },
      { key: s.ci.id, model: 'gpt-x', inputTokens: 1, at: '2026-11-20T10:00:59.999Z' },
      { key: s.ci.start, model: 'gpt-y', requests: 3, at: '2026-11-20T11:01:00+01:00' },
      { key: 'WEB', inputTokens: 7, at: '2026-11-19T23:59:59Z', extra: null },
    ),
  )
  expect(report).toMatchObject({ events: 4, counted: 4, duplicates: 0, bad: 0, keys: 2, unpriced: 2 })
  expect(report).toMatchObject({ alreadyCounted: false, problems: [] })
  expect(await s.totals('ci')).toEqual(
    totals({
      requests: 5,
      inputTokens: 11,
      outputTokens: 2,
      tokens: 13,
      costUsd: 0.0004,
      unpricedRequests: 1,
    }),
  )
  const rows = await s.usage.report({ by: ['model'], key: 'ci' })
  expect([...rows].map(row => [row.model, row.requests, row.tokens])).toEqual([
    ['gpt-x', 2, 13],
    ['gpt-y', 3, 0],
  ])
  expect((await s.keys.get('ci')).lastUsedAt).toEqual(new Date('2026-11-20T10:01:00Z'))
  expect((await s.usage.check()).ok).toBe(true)
})

test('a cost that an event tells goes before the price of its model, 0 included', async () => {
  await using s = await scene()
  await s.usage.prices.set('gpt-x', { inputUsd: 5, outputUsd: 5 })
  const use = { key: 'ci', model: 'gpt-x', inputTokens: 100, at }
  await s.ingest(
    ndjson({ ...use, costUsd: 2 }, { ...use, id: 'a', costUsd: 3 }, { ...use, id: 'b', costUsd: 0 }),
  )
  expect((await s.totals('ci')).costUsd).toBe(5)
  await s.ingest(ndjson({ ...use, id: 'c' }, use), 'more.ndjson')
  expect((await s.totals('ci')).costUsd).toBe(5.001)
})

test('last used never moves backwards', async () => {
  await using s = await scene()
  await s.usage.record('ci', { at: new Date('2026-11-20T11:00:00Z') })
  await s.ingest(ndjson({ key: 'ci', at }))
  expect((await s.keys.get('ci')).lastUsedAt).toEqual(new Date('2026-11-20T11:00:00Z'))
})

test('the same content counts once: under another name, on stdin, packed, and with a bad line by now', async () => {
  await using s = await scene()
  const content = ndjson({ key: 'ci', inputTokens: 1, at }, { key: 'web', inputTokens: 1, at })
  const first = await s.ingest(content)
  expect(first).toMatchObject({ counted: 2, alreadyCounted: false })
  await s.keys.delete('web')
  const chunks = async function* () {
    yield Buffer.from(content)
  }
  for (const again of [
    await s.ingest(content, 'again.jsonl'),
    await s.usage.ingest({ file: 'stdin', chunks: chunks() }),
    await s.ingest(gzipSync(content), 'events.ndjson.gz'),
    await s.ingest(zstdCompressSync(content), 'events.ndjson.zst'),
  ]) {
    expect(again).toMatchObject({ counted: 0, bad: 0, alreadyCounted: true, sha256: first.sha256 })
  }
  expect((await s.totals('ci')).requests).toBe(1)
})

test('the same id counts once: in one file, in another, and beside events without one', async () => {
  await using s = await scene()
  const event = { id: 'evt-1', key: 'ci', inputTokens: 1, at }
  expect(await s.ingest(ndjson(event, event, { ...event, id: 'ümlaut 2' }, { key: 'ci', at }))).toMatchObject(
    {
      events: 4,
      counted: 3,
      duplicates: 1,
    },
  )
  const other = ndjson({ ...event, key: 'web' }, { ...event, id: 'evt-3' })
  expect(await s.ingest(other)).toMatchObject({ counted: 1, duplicates: 1, keys: 1 })
  expect((await s.totals('ci')).requests).toBe(4)
  expect((await s.totals('web')).requests).toBe(0)
  expect((await s.usage.check()).ok).toBe(true)
})

test('CSV reads as NDJSON does', async () => {
  await using s = await scene()
  const csv = [
    'id,key,model,inputTokens,outputTokens,costUsd,at',
    `a,ci,gpt-x,10,2,0.0004,${at}`,
    `,ci,,1,,,${at}`,
    `b,"ci","gpt ""x""",1,1,0,${at}`,
  ].join('\r\n')
  const error = await failure(s.ingest(csv, 'events.csv'))
  expect(error.message).toContain('line 4 has a bad value: model must not contain white space')
  expect(await s.ingest(csv, 'events.csv', { skipBad: true })).toMatchObject({ counted: 2, bad: 1 })
  expect(await s.totals('ci')).toEqual(
    totals({
      requests: 2,
      inputTokens: 11,
      outputTokens: 2,
      tokens: 13,
      costUsd: 0.0004,
      unpricedRequests: 1,
    }),
  )
})

const secret = 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789'
const refused: readonly (readonly [string, string | Loose])[] = [
  ['is not JSON (column 8)', '{"key":,}'],
  ['is not a JSON object', '[1]'],
  ['names no key', { at }],
  ['names no key', { key: null, at }],
  ['has a bad value: key must be text', { key: 7, at }],
  ['has an unknown field: prompt_tokens (did you mean inputTokens?)', { key: 'ci', at, prompt_tokens: 10 }],
  ['has an unknown field: cost (did you mean costUsd?)', { key: 'ci', at, id: 'a', cost: 0.1 }],
  ['has an unknown field: latency', { key: 'ci', at, latency: 0 }],
  ['has an unknown field: one with an odd name', { key: 'ci', at, [`lk_${'x'.repeat(36)}`]: true }],
  ['names a key that does not exist: "nobody"', { key: 'nobody', at }],
  ['names a key that does not exist: "sk-proj-…"', { key: secret, at }],
  ['does not say when: at is missing', { key: 'ci' }],
  ['has a bad value: at must be a date and time', { key: 'ci', at: 'yesterday' }],
  ['has a bad value: at must be a date and time', { key: 'ci', at: '2026-11-20T10:00:00' }],
  ['has a bad value: at must be a date and time', { key: 'ci', at: '2026-02-30T10:00:00Z' }],
  ['has a bad value: at must be a date and time', { key: 'ci', at: '2026-11-20T24:00:00Z' }],
  ['has a bad value: at must be a date and time', { key: 'ci', at: '2026-11-20T10:00:6xZ' }],
  ['has a bad value: at must be text', { key: 'ci', at: 1_700_000_000 }],
  ['has a bad value: at is before the year 2000', { key: 'ci', at: '1970-01-20T10:00:00Z' }],
  ['has a bad value: at is in the future', { key: 'ci', at: '2026-11-20T12:05:00.001Z' }],
  ['has a bad value: input tokens must not be negative', { key: 'ci', at, inputTokens: -1 }],
  ['has a bad value: output tokens must be a whole number', { key: 'ci', at, outputTokens: 1.5 }],
  ['has a bad value: requests must be a number', { key: 'ci', at, requests: 'many' }],
  ['has a bad value: cost usd must not be negative', { key: 'ci', at, costUsd: -0.1 }],
  ['has a bad value: model must not be empty', { key: 'ci', at, model: '' }],
  ['has a bad value: id must not be empty', { key: 'ci', at, id: '' }],
  ['has a bad value: id must be at most 200 characters', { key: 'ci', at, id: 'x'.repeat(201) }],
  ['has a bad value: id must not contain control characters', { key: 'ci', at, id: 'a\nb' }],
]

test.each(refused)(
  'a line that %s is refused by its number, and nothing is counted',
  async (problem, line) => {
    await using s = await scene()
    const good = JSON.stringify({ key: 'ci', inputTokens: 1, at })
    const content = [good, '', typeof line === 'string' ? line : JSON.stringify(line), good].join('\n')
    const error = await failure(s.ingest(content))
    expect(error).toMatchObject({ code: 'invalid', exit: 2 })
    expect(error.message).toContain('1 line of 3 in')
    expect(error.message).toContain(`line 3 ${problem}`)
    expect(error.message).not.toContain(secret)
    expect((await s.totals('ci')).requests).toBe(0)
    const report = await s.ingest(content, 'events.ndjson', { skipBad: true })
    expect(report).toMatchObject({ events: 3, counted: 2, bad: 1 })
    expect(report.problems).toEqual([{ line: 3, problem: expect.stringContaining(problem) }])
    expect((await s.totals('ci')).requests).toBe(2)
  },
)

test('the first twenty bad lines are told, in order, and how many more', async () => {
  await using s = await scene()
  const lines = Array.from({ length: 30 }, (_, n) =>
    n % 2 === 0 ? 'nonsense' : JSON.stringify({ key: 'nobody', at }),
  )
  const error = await failure(s.ingest(lines.join('\n')))
  const told = [...error.message.matchAll(/line (\d+) /g)].map(([, line]) => Number(line))
  expect(told).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
  expect(error.message).toEndWith('and 10 more')
})

test('nothing at all is nothing, and leaves no trace', async () => {
  await using s = await scene()
  for (const content of ['', '\n\n']) {
    expect(await s.ingest(content)).toMatchObject({ events: 0, counted: 0, alreadyCounted: false })
  }
  expect(await failure(s.usage.ingest({ file: '/nonexistent/x.ndjson' }))).toMatchObject({
    code: 'not_found',
  })
  expect(await failure(s.ingest('no gzip', 'x.ndjson.gz'))).toMatchObject({ code: 'invalid' })
  expect(await failure(s.ingest(gzipSync('{"key"').subarray(0, 20), 'y.gz'))).toMatchObject({
    code: 'invalid',
  })
})

test('a dry run counts, says so, and keeps nothing', async () => {
  await using s = await scene()
  const file = s.write('events.ndjson', ndjson({ id: 'a', key: 'ci', at }, { key: 'ci', at }))
  expect(await s.dry.usage.ingest({ file })).toMatchObject({ counted: 2 })
  expect((await s.totals('ci')).requests).toBe(0)
  expect(await s.usage.ingest({ file })).toMatchObject({ counted: 2, alreadyCounted: false })
})

test('what does not fit into memory is put aside and counted all the same', async () => {
  await using s = await scene()
  const lines: string[] = []
  const start = Date.parse('2026-01-01T00:00:00Z')
  // Twice over: what has an id and what has none are each more than 32,768 sums.
  const events = 72_000
  for (let n = 0; n < events; n++) {
    const id = n % 2 === 0 ? { id: `event-${n}` } : {}
    const time = new Date(start + ((n * 7919 * 60_000) % (300 * 86_400_000))).toISOString()
    lines.push(JSON.stringify({ ...id, key: n % 4 < 2 ? 'ci' : 'web', inputTokens: n, at: time }))
  }
  expect(await s.ingest(lines.join('\n'))).toMatchObject({ events, counted: events, keys: 2 })
  const { tokens } = (await s.usage.report())[0]!
  expect(tokens).toBe((events * (events - 1)) / 2)
  expect(await s.usage.check()).toMatchObject({ ok: true })
}, 600_000)

test('a key that is deleted while the log is read stops it, and nothing is counted', async () => {
  await using s = await scene()
  const chunks = async function* () {
    yield Buffer.from(ndjson({ key: 'ci', at }))
    yield Buffer.from(ndjson({ key: 'web', at }))
    await s.keys.delete('ci')
  }
  const error = await failure(s.usage.ingest({ file: 'stdin', chunks: chunks() }))
  expect(error).toMatchObject({ code: 'conflict' })
  expect((await s.totals('web')).requests).toBe(0)
})

test('the command line tells the report, and its exit codes are 0, 2 and 8', async () => {
  await using s = await scene()
  const options = { db: s.path, cwd: s.folder, now: new Date('2026-11-20T12:00:00Z') }
  const stdin = `${ndjson({ key: 'ci', inputTokens: 1, at })}oops\n`
  const refused = await run('usage ingest - --json', { ...options, stdin })
  expect(refused).toMatchObject({ code: 2, out: '' })
  expect(JSON.parse(refused.err)).toMatchObject({ error: { code: 'invalid', exit: 2 } })
  const part = await run('usage ingest - --skip-bad --json', { ...options, stdin })
  expect(part).toMatchObject({ code: 8, err: '' })
  expect(Object.keys(part.json<object>())).toEqual([
    'file',
    'sha256',
    'alreadyCounted',
    'events',
    'counted',
    'duplicates',
    'bad',
    'unpriced',
    'endUsersLeftOut',
    'keys',
    'problems',
  ])
  const again = await run('usage ingest -', { ...options, stdin })
  expect(again).toMatchObject({ code: 0, out: 'stdin: already counted, nothing to do\n', err: '' })
  const drawn = await run('usage ingest -', {
    ...options,
    stdin: ndjson({ key: 'ci', at }, { key: 'web', at }),
  })
  expect(drawn.out).toBe('stdin: counted 2 of 2 events for 2 keys\n')
  const one = await run('usage ingest -', { ...options, stdin: ndjson({ key: 'web', at, requests: 2 }) })
  expect(one.out).toBe('stdin: counted 1 of 1 event for 1 key\n')
})

/** Twenty thousand events of five keys, of which every other has an id when asked for. */
async function bigLog(path: string, identified: boolean): Promise<number> {
  const events = 20_000
  const lines: string[] = []
  for (let n = 0; n < events; n++) {
    lines.push(
      JSON.stringify({
        ...(identified && n % 2 === 0 ? { id: `e${n}` } : {}),
        key: `key-${1 + (n % 5)}`,
        inputTokens: 1,
        at: new Date(Date.parse('2026-11-01T00:00:00Z') + n * 37_000).toISOString(),
      }),
    )
  }
  await Bun.write(path, lines.join('\n'))
  return events
}

test('killed at any moment and run again, a log counts once', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.keys.createMany({ name: 'key' }, 5)
  const log = join(home.folder, 'big.ndjson')
  const now = { LATCHKEY_ACTOR: 'cron' }
  let expected = 0
  const started = performance.now()
  await spawnLatchkey(['usage', 'ingest', '/nonexistent'], { db: home.path, env: now })
  const startUp = performance.now() - started
  for (let round = 0; round < kills; round++) {
    await bigLog(log, round % 2 === 0)
    // The same events with other numbers, so that each round is a file of its own, with ids of its own.
    const content = (await Bun.file(log).text())
      .replaceAll('"inputTokens":1', `"inputTokens":${round + 1}`)
      .replaceAll('"id":"e', `"id":"r${round}-`)
    await Bun.write(log, content)
    const running = startLatchkey(['usage', 'ingest', log, '--json'], { db: home.path, env: now })
    // How many kills come in time depends on the machine; what is counted in the end does not.
    await Bun.sleep(startUp * (0.5 + Math.random() * 2))
    running.kill('SIGKILL')
    await running.finished
    const again = await spawnLatchkey(['usage', 'ingest', log, '--json'], { db: home.path, env: now })
    expect(again.code).toBe(0)
    const report = again.json<{ counted: number; alreadyCounted: boolean }>()
    expect(report.counted).toBe(report.alreadyCounted ? 0 : 20_000)
    expected += 20_000 * (round + 1)
    const [sum] = await home.latchkey.usage.report()
    expect(sum?.tokens).toBe(expected)
    expect((await home.latchkey.usage.check()).ok).toBe(true)
  }
}, 600_000)

test('two that have both read a log before either could write count it once', async () => {
  await using home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  await keys.create({ name: 'ci' })
  const file = join(home.folder, 'twice.ndjson')
  writeFileSync(file, JSON.stringify({ key: 'ci', inputTokens: 3, at: home.clock.now }))
  const holder = await home.hold()
  const both = Promise.all([usage.ingest({ file }), usage.ingest({ file })])
  await Bun.sleep(500)
  await holder[Symbol.asyncDispose]()
  expect((await both).map(report => report.counted).toSorted()).toEqual([0, 1])
  expect((await keys.stats('ci')).totals.inputTokens).toBe(3)
})

test('two at once on one log count it once', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.keys.createMany({ name: 'key' }, 5)
  const log = join(home.folder, 'big.ndjson')
  const events = await bigLog(log, true)
  const reports = await Promise.all(
    [1, 2, 3].map(() => startGateway('ingest', home.path, { file: log }).finished),
  )
  expect(reports.map(({ code }) => code)).toEqual([0, 0, 0])
  const counted = reports.map(each => each.json<{ counted: number }>().counted)
  expect(counted.toSorted((a, b) => a - b)).toEqual([0, 0, events])
  const [sum] = await home.latchkey.usage.report()
  expect(sum?.requests).toBe(events)
})
