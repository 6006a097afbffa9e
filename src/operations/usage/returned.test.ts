// Runs on PostgreSQL too.
/** Usage as a provider returned it, wherever usage is told. */
import { expect, test } from 'bun:test'
import { failure } from '../../testing/failure.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

const message = {
  type: 'message',
  model: 'claude-x',
  content: [{ type: 'text', text: 'nobody may keep this' }],
  usage: {
    input_tokens: 100,
    cache_creation_input_tokens: 20,
    cache_read_input_tokens: 300,
    output_tokens: 50,
    output_tokens_details: { thinking_tokens: 30 },
  },
}

const counted = {
  model: 'claude-x',
  requests: 1,
  inputTokens: 420,
  cachedInputTokens: 300,
  cacheWriteTokens: 20,
  outputTokens: 50,
  reasoningTokens: 30,
  otherTokens: 0,
  tokens: 470,
}

async function prepared() {
  const home = await temporaryLatchkey()
  await home.latchkey.keys.create({ name: 'ci' })
  return home
}

test('a record counts it by class, and keeps nothing else of a response', async () => {
  await using home = await prepared()
  const { usage, keys } = home.latchkey
  await usage.prices.set('claude-x', { inputUsd: 10, cachedInputUsd: 1, cacheWriteUsd: 12, outputUsd: 50 })
  const recorded = await usage.record('ci', { usage: message })
  expect(recorded).toMatchObject({
    ...counted,
    costUsd: (1_000 + 300 + 240 + 2_500) / 1e6,
    unpricedRequests: 0,
  })
  const { model: _, ...totals } = counted
  expect((await keys.stats('ci')).totals).toMatchObject(totals)
  expect(await home.dump()).not.toContain('nobody may keep this')
})

test('the model of the event goes before that of the response', async () => {
  await using home = await prepared()
  const { usage } = home.latchkey
  expect(await usage.record('ci', { usage: message, model: 'alias' })).toMatchObject({ model: 'alias' })
  expect(await usage.record('ci', { usage: message.usage })).toMatchObject({ model: null, inputTokens: 420 })
})

test('a reservation is settled with it', async () => {
  await using home = await prepared()
  const { usage } = home.latchkey
  const { reservation } = await usage.reserve('ci', { tokens: 1_000 })
  expect(await usage.settle(reservation?.id ?? '', { usage: message })).toMatchObject(counted)
})

test('a recorder counts it, alone and as an event', async () => {
  await using home = await prepared()
  const { usage, keys } = home.latchkey
  await using recorder = await usage.createRecorder({ flushEvery: 1 })
  const { id } = await keys.get('ci')
  await recorder.record(id, { usage: message })
  await recorder.ingest([{ key: 'ci', usage: message }])
  expect(await usage.report({ by: ['model'] })).toMatchObject([
    { model: 'claude-x', requests: 2, inputTokens: 840 },
  ])
})

test('a log may have it in each line, beside lines with counts', async () => {
  await using home = await prepared()
  const { usage } = home.latchkey
  using folder = temporaryFolder()
  const at = '2026-11-20T11:00:00Z'
  const lines = [
    { key: 'ci', usage: message, at },
    {
      key: 'ci',
      model: 'claude-x',
      inputTokens: 420,
      cachedInputTokens: 300,
      cacheWriteTokens: 20,
      outputTokens: 50,
      reasoningTokens: 30,
      at,
    },
    { key: 'ci', usage: { prompt_eval_count: 5, eval_count: 2 }, model: 'llama', at },
  ]
  const file = folder.write('log.ndjson', lines.map(line => JSON.stringify(line)).join('\n'))
  expect(await usage.ingest({ file })).toMatchObject({ counted: 3, bad: 0, unpriced: 3 })
  expect(await usage.report({ by: ['model'] })).toMatchObject([
    {
      model: 'claude-x',
      requests: 2,
      inputTokens: 840,
      cachedInputTokens: 600,
      reasoningTokens: 60,
      unpricedRequests: 2,
    },
    { model: 'llama', requests: 1, inputTokens: 5, outputTokens: 2, unpricedRequests: 1 },
  ])
})

test('a log in CSV has the classes in columns', async () => {
  await using home = await prepared()
  using folder = temporaryFolder()
  const file = folder.write(
    'log.csv',
    'key,at,inputTokens,cachedInputTokens,cacheWriteTokens,outputTokens,reasoningTokens,otherTokens\nci,2026-11-20T11:00:00Z,10,5,2,4,3,1\n',
  )
  const { usage } = home.latchkey
  expect(await usage.ingest({ file })).toMatchObject({ counted: 1, unpriced: 1 })
  expect(await usage.report()).toMatchObject([
    {
      inputTokens: 10,
      cachedInputTokens: 5,
      cacheWriteTokens: 2,
      outputTokens: 4,
      reasoningTokens: 3,
      otherTokens: 1,
      tokens: 15,
    },
  ])
})

test.each<[Record<string, unknown>, string]>([
  [{ usage: message, inputTokens: 1 }, 'has both usage and inputTokens'],
  [
    { usage: { output_tokens: 3 } },
    'has a usage without input_tokens; of a stream, send every chunk that has a usage',
  ],
  [
    { usage: { prompt_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } } },
    'cachedInputTokens and cacheWriteTokens are parts of inputTokens, so they must not be more',
  ],
  [
    { inputTokens: 3, cachedInputTokens: 2, cacheWriteTokens: 2 },
    'are parts of inputTokens, so they must not be more',
  ],
  [
    { outputTokens: 3, reasoningTokens: 4 },
    'reasoningTokens are a part of outputTokens, so they must not be more',
  ],
])('%j is refused wherever it is told', async (event, problem) => {
  await using home = await prepared()
  const { usage } = home.latchkey
  const refused = await failure(usage.record('ci', event))
  expect(refused).toMatchObject({ code: 'invalid' })
  expect(refused.message).toContain(problem)
  await using recorder = await usage.createRecorder()
  expect((await failure(recorder.ingest([{ key: 'ci', ...event }]))).message).toContain(problem)
  using folder = temporaryFolder()
  const file = folder.write('log.ndjson', JSON.stringify({ key: 'ci', at: '2026-11-20T11:00:00Z', ...event }))
  const bad = await failure(usage.ingest({ file }))
  expect(bad).toMatchObject({ code: 'invalid' })
  expect(bad.message).toContain(problem)
  expect(await usage.report()).toEqual([])
})

test('the command line reads it from a file or stdin', async () => {
  await using home = await prepared()
  using folder = temporaryFolder()
  folder.write('response.json', JSON.stringify(message))
  const options = { db: home.path, cwd: folder.path, now: home.clock.now }
  const first = await run('usage record ci --usage response.json --json', options)
  expect(first.json<object>()).toMatchObject(counted)
  const second = await run('usage record ci --usage -', { ...options, stdin: JSON.stringify(message) })
  expect(second.out).toBe('Recorded 470 tokens for ci; claude-x has no price, so no cost was counted\n')
  const broken = await run('usage record ci --usage -', { ...options, stdin: 'secret' })
  expect(broken.code).toBe(2)
  expect(broken.err).toContain('stdin is not JSON')
  expect(broken.err).not.toContain('secret')
  const classes = await run(
    'usage record ci --input-tokens 10 --cached-input-tokens 5 --cache-write-tokens 1 --output-tokens 4 --reasoning-tokens 2 --other-tokens 3 --json',
    options,
  )
  expect(classes.json<object>()).toMatchObject({
    inputTokens: 10,
    cachedInputTokens: 5,
    cacheWriteTokens: 1,
    outputTokens: 4,
    reasoningTokens: 2,
    otherTokens: 3,
    tokens: 17,
  })
  const csv = await run('usage report --by model -o csv', options)
  expect(csv.out).toContain('claude-x,,2,840,600,40,100,60,0,940,0,2')
})
