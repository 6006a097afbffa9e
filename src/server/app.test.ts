import { expect, jest, test } from 'bun:test'
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorSchema } from '../cli/reference/schema.ts'
import { Client } from '../db/sqlite/client.ts'
import { connectLatchkey } from '../index.ts'
import { type Document, temporaryApp } from '../testing/app.ts'
import { type TestLatchkey, temporaryLatchkey } from '../testing/latchkey.ts'
import { rolling } from '../testing/limits.ts'
import { run } from '../testing/run.ts'
import { schemaProblems } from '../testing/schema.ts'
import { requireTool } from '../testing/tools.ts'
import { mostBytes } from './body.ts'
import { createLog, logLine, logText } from './log.ts'

const json = { 'content-type': 'application/json' }

test.each([
  ['GET', '/nothing', {}, 404, {}],
  ['GET', '/v1/reservations/a/b/settle', {}, 404, {}],
  ['PUT', '/v1/verify', {}, 405, { allow: 'POST' }],
  ['POST', '/metrics', {}, 405, { allow: 'GET, HEAD' }],
  ['POST', '/v1/verify', { body: '{}' }, 415, {}],
  ['POST', '/v1/verify', { body: '{}', headers: { 'content-type': 'text/plain' } }, 415, {}],
  ['POST', '/v1/verify', { body: 'x', headers: { ...json, 'content-encoding': 'gzip' } }, 415, {}],
  ['POST', '/v1/verify', { body: '{"secret":', headers: json }, 400, {}],
  ['POST', '/v1/verify', { body: '[]', headers: json }, 400, {}],
  ['POST', '/v1/verify', { body: '{}', headers: json }, 400, {}],
  ['POST', '/v1/verify', { body: '{"secret":1}', headers: json }, 400, {}],
  ['POST', '/v1/verify', { body: '{"secret":"x","tokens":"5"}', headers: json }, 400, {}],
  ['POST', '/v1/verify', { body: '{"secret":"x","tokens":-5}', headers: json }, 400, {}],
  ['POST', '/v1/verify', { body: '{"secret":"x","token":5}', headers: json }, 400, {}],
  ['POST', '/v1/usage', { body: '{"inputTokens":5}', headers: json }, 400, {}],
  ['POST', '/v1/usage', { body: '[5]', headers: json }, 400, {}],
  ['POST', '/v1/usage', { body: '{"key":"nobody"}', headers: json }, 404, {}],
  ['POST', '/v1/reservations', { body: '{"tokens":5}', headers: json }, 400, {}],
  ['POST', '/v1/reservations', { body: '{"key":"nobody"}', headers: json }, 404, {}],
  ['POST', '/v1/reservations', { body: '{"key":"a","secret":"b"}', headers: json }, 400, {}],
  ['POST', '/v1/reservations/res_1/release', {}, 404, {}],
  ['POST', '/v1/reservations/res_1/settle', { body: '{"at":"today"}', headers: json }, 400, {}],
  [
    'POST',
    '/v1/reservations/res_1/settle',
    { body: '{"at":"2026-02-30T00:00:00Z"}', headers: json },
    400,
    {},
  ],
  [
    'POST',
    '/v1/usage',
    { body: Buffer.from('{"key":"gateway","id":"\xff"}', 'latin1'), headers: json },
    400,
    {},
  ],
  ['POST', '/v1/usage', { body: Buffer.from('{"key":"gateway"}\xe2', 'latin1'), headers: json }, 400, {}],
] as const)('%s %s %j is refused with %i', async (method, path, init, status, headers) => {
  await using home = await temporaryApp()
  const answer = await home.ask(path, { method, ...init })
  expect(answer.status).toBe(status)
  expect(Object.fromEntries(answer.headers)).toMatchObject({ 'cache-control': 'no-store', ...headers })
  const body = (await answer.json()) as Document
  expect(schemaProblems(errorSchema, body)).toEqual([])
  expect(body.error?.hint).not.toBe('')
})

test.each(['__proto__', 'constructor', 'toString'])(
  'a field called %s is one that is not known',
  async name => {
    await using home = await temporaryApp()
    const { status, json: body } = await home.post('/v1/verify', `{"secret":"x","${name}":{"model":"y"}}`)
    expect(status).toBe(400)
    expect(body.error?.message).toBe(`the body has an unknown field: ${name}`)
  },
)

test.each([
  ['/v1/verify', { secret: 'x', modle: 'gpt-x' }, 'modle (did you mean model?)'],
  ['/v1/verify', { secret: 'x', max_tokens: 1 }, 'max_tokens (did you mean tokens?)'],
  ['/v1/reservations', { key: 'gateway', timeout_ms: 1 }, 'timeout_ms (did you mean timeoutMs?)'],
  ['/v1/reservations/ID/settle', { input_tokens: 1 }, 'input_tokens (did you mean inputTokens?)'],
  ['/v1/reservations/ID/settle', { cost: 1 }, 'cost (did you mean costUsd?)'],
  ['/v1/usage', { key: 'gateway', prompt_tokens: 900 }, 'prompt_tokens (did you mean inputTokens?)'],
  [
    '/v1/usage',
    [{ key: 'gateway' }, { key: 'gateway', completion_tokens: 1 }],
    'completion_tokens (did you mean outputTokens?)',
  ],
])('%s refuses %j, naming the field and what was probably meant', async (path, sent, named) => {
  await using home = await temporaryApp()
  const { json } = await home.post('/v1/reservations', { key: 'gateway' })
  const { status, json: body } = await home.post(path.replace('ID', json.reservation?.id ?? ''), sent)
  expect(status).toBe(400)
  expect(body.error?.message).toContain(`an unknown field: ${named}`)
  expect((await home.latchkey.keys.stats('gateway')).totals.requests).toBe(0)
})

test('a body of more than 1 MiB is refused, whether it says so or not', async () => {
  await using home = await temporaryApp()
  const big = new Uint8Array(mostBytes + 1).fill(32)
  for (const body of [big, new Blob([big]).stream()]) {
    const answer = await home.ask('/v1/verify', { method: 'POST', headers: json, body })
    expect([answer.status, answer.headers.get('connection')]).toEqual([413, 'close'])
  }
  const most = `{"secret":"x"${' '.repeat(mostBytes - 14)}}`
  expect(most.length).toBe(mostBytes)
  expect((await home.post('/v1/verify', most)).status).toBe(200)
})

test('a path is open to a key with its scope and no other', async () => {
  await using home = await temporaryApp()
  const { keys } = home.latchkey
  const held = '/v1/reservations/res_00000000000000000000000000'
  const paths = [
    '/v1/verify',
    '/v1/usage',
    '/v1/reservations',
    '/metrics',
    `${held}/settle`,
    `${held}/release`,
  ]
  const statusesOf = async (scopes: readonly string[]) => {
    const { secret } = await keys.create({ name: scopes.join() || 'none', scopes })
    const headers = { authorization: `bearer ${secret}` }
    const asked = paths.map(path => home.ask(path, { method: path === '/metrics' ? 'GET' : 'POST' }, headers))
    return (await Promise.all(asked)).map(({ status }) => status)
  }
  // 415: allowed, but there is no body. 404: allowed, but there is no such reservation.
  expect(await statusesOf(['latchkey:verify'])).toEqual([415, 403, 403, 403, 403, 403])
  expect(await statusesOf(['chat:*', 'latchkey:usage'])).toEqual([403, 415, 415, 403, 415, 404])
  expect(await statusesOf(['latchkey:metrics'])).toEqual([403, 403, 403, 200, 403, 403])
  expect(await statusesOf(['latchkey:*'])).toEqual([415, 415, 415, 200, 415, 404])
  expect(await statusesOf(['chat:*'])).toEqual([403, 403, 403, 403, 403, 403])
  expect(await statusesOf([])).toEqual([403, 403, 403, 403, 403, 403])
  for (const path of ['/healthz', '/readyz']) expect((await home.ask(path, {}, {})).status).toBe(200)
})

test('a key that does not work lets nobody in', async () => {
  await using home = await temporaryApp()
  const { keys } = home.latchkey
  const minted = async (name: string, more: object = {}) => {
    const { secret } = await keys.create({ name, scopes: ['latchkey:*'], ...more })
    return { authorization: `Bearer ${secret}` }
  }
  const revoked = await minted('revoked')
  await keys.revoke('revoked')
  const disabled = await minted('disabled')
  await keys.disable('disabled')
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{}, 401],
    [{ authorization: 'Basic abc' }, 401],
    [{ authorization: 'Bearer' }, 401],
    [{ authorization: 'Bearer lk_nonsense' }, 401],
    [revoked, 401],
    [disabled, 401],
  ]
  for (const [headers, status] of cases) {
    const answer = await home.ask('/metrics', {}, headers)
    expect([answer.status, answer.headers.get('www-authenticate')?.slice(0, 6)]).toEqual([status, 'Bearer'])
  }
  const spent = await minted('spent', { limits: [{ metric: 'requests', amount: 0, windowMs: 3_600_000 }] })
  expect((await home.ask('/metrics', {}, spent)).status).toBe(429)
  const used = await minted('used', { limits: [{ metric: 'requests', amount: 1, windowMs: 3_600_000 }] })
  await home.latchkey.usage.record('used', {})
  const answer = await home.ask('/metrics', {}, used)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '3660'])
})

test('of requests that come together each has what its own key may', async () => {
  await using home = await temporaryApp()
  const made = (name: string, scope: string) => home.latchkey.keys.create({ name, scopes: [scope] })
  const second = await made('second', 'latchkey:verify')
  const other = await made('other', 'latchkey:usage')
  const first = (await home.latchkey.keys.verify(home.secret)).key
  // 415: let in, and then there is no body.
  const asked: readonly (readonly [string | null, number, string | null])[] = [
    [home.secret, 415, first?.id ?? ''],
    [second.secret, 415, second.id],
    [other.secret, 403, null],
    ['lk_wrong', 401, null],
    [null, 401, null],
  ]
  const answers: unknown[] = []
  const expected: unknown[] = []
  // All in one turn: nothing waits for more than what is there already.
  for (const header of ['authorization', 'x-api-key']) {
    for (const [secret, status, key] of [...asked, ...asked.toReversed()]) {
      const value = header === 'authorization' ? `Bearer ${secret}` : `${secret}`
      const headers: Record<string, string> = secret === null ? {} : { [header]: value }
      const answer = await home.app.answer(new Request('http://x/v1/verify', { method: 'POST', headers }))
      const entry = home.log.at(-1)
      answers.push([header, secret, answer.status, entry?.event === 'request' && entry.key])
      expected.push([header, secret, status, key])
    }
  }
  expect(answers).toEqual(expected)
})

test('each field of what a request needs counts, wherever it is asked', async () => {
  await using home = await temporaryApp()
  const limits = (['tokens', 'requests', 'usd'] as const).map(metric => ({
    metric,
    amount: 5,
    windowMs: 3_600_000,
  }))
  const each = { metric: 'requests', amount: 1, windowMs: 3_600_000, each: true } as const
  const { secret } = await home.latchkey.keys.create({
    name: 'ci',
    limits: [...limits, each],
    allowedModels: ['gpt-*'],
    scopes: ['chat:*'],
  })
  await home.latchkey.usage.record('ci', { endUser: 'ann', costUsd: 0 })
  for (const [wanted, code] of [
    [{}, 'valid'],
    [{ model: 'gpt-x', scope: 'chat:write', endUser: 'bob', tokens: 5, requests: 1, usd: 5 }, 'valid'],
    [{ model: 'glm' }, 'model_not_allowed'],
    [{ scope: 'admin' }, 'insufficient_scope'],
    [{ endUser: 'ann' }, 'limit_exceeded'],
    [{ tokens: 6 }, 'limit_exceeded'],
    [{ requests: 5 }, 'limit_exceeded'],
    [{ usd: 5.1 }, 'limit_exceeded'],
  ] as const) {
    const verified = await home.post('/v1/verify', { secret, ...wanted })
    const reserved = await home.post('/v1/reservations', { secret, ...wanted })
    expect([wanted, verified.json.code, reserved.json.verdict?.code]).toEqual([wanted, code, code])
    const { reservation } = reserved.json
    if (reservation) await home.latchkey.usage.release(reservation.id)
    if ('tokens' in wanted || 'requests' in wanted || 'usd' in wanted) continue
    const query = new URLSearchParams(wanted).toString()
    await home.ask(`/v1/authorize?${query}`, {}, { authorization: `Bearer ${secret}` })
    const entry = home.log.at(-1)
    expect([wanted, entry?.event === 'request' && entry.code]).toEqual([wanted, code])
  }
})

test('a verdict is the document that key verify --json prints', async () => {
  await using home = await temporaryApp()
  const limits = [{ metric: 'tokens', amount: 100, windowMs: 3_600_000 }] as const
  const { secret } = await home.latchkey.keys.create({ name: 'ci', limits, allowedModels: ['gpt-*'] })
  for (const [body, words] of [
    [{ secret, model: 'gpt-x', tokens: 50 }, '--model gpt-x --tokens 50'],
    [{ secret, model: null, tokens: 101 }, '--tokens 101'],
    [{ secret, model: 'glm' }, '--model glm'],
    [{ secret: 'lk_nonsense' }, ''],
    [{ secret: 'sk-unknown' }, ''],
  ] as const) {
    const { status, json } = await home.post('/v1/verify', body)
    const options = { db: home.path, stdin: body.secret!, now: home.clock.now }
    const printed = await run(`key verify - ${words} --json`, options)
    expect(status).toBe(200)
    expect(json).toEqual(printed.json())
  }
})

test('usage is counted once for each id, as one event, as a list and as lines', async () => {
  await using home = await temporaryApp()
  await home.latchkey.keys.create({ name: 'ci' })
  const event = { id: 'a', key: 'ci', model: 'gpt-x', inputTokens: 3, outputTokens: 2, costUsd: 0.001 }
  const send = async (body: unknown) => (await home.post('/v1/usage', body)).json
  expect(await send(event)).toEqual({ events: 1, counted: 1, duplicates: 0, endUsersLeftOut: 0 })
  expect(await send(event)).toEqual({ events: 1, counted: 0, duplicates: 1, endUsersLeftOut: 0 })
  expect(await send([event, { ...event, id: 'b' }])).toEqual({
    events: 2,
    counted: 1,
    duplicates: 1,
    endUsersLeftOut: 0,
  })
  expect(await send([])).toEqual({ events: 0, counted: 0, duplicates: 0, endUsersLeftOut: 0 })
  const lines = [event, { ...event, id: 'c', at: home.clock.now }, { ...event, id: null }]
  const answer = await home.ask('/v1/usage', {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${lines.map(line => JSON.stringify(line)).join('\r\n')}\n\n`,
  })
  expect(await answer.json()).toEqual({ events: 3, counted: 2, duplicates: 1, endUsersLeftOut: 0 })
  expect((await home.latchkey.keys.stats('ci')).totals).toMatchObject({
    requests: 4,
    inputTokens: 12,
    outputTokens: 8,
    costUsd: 0.004,
  })
})

test.each([
  ['2026-11-20T10:00:00.5Z', true],
  ['2026-11-20T10:00Z', true],
  ['2026-11-20t10:00:00z', true],
  ['2026-11-20T12:00:00+02:00', true],
  ['2026-11-20T12:00:00+0200', false],
  ['2026-11-20T10:00:00', false],
  ['2026-02-30T10:00:00Z', false],
])('usage and settling take the same times: %s', async (at, isTime) => {
  await using home = await temporaryApp()
  const { json } = await home.post('/v1/reservations', { key: 'gateway' })
  const settled = await home.post(`/v1/reservations/${json.reservation?.id}/settle`, { at })
  const recorded = await home.post('/v1/usage', { key: 'gateway', at })
  expect([settled.status, recorded.status]).toEqual(isTime ? [200, 200] : [400, 400])
})

test('a reservation holds back, is settled once, or given back', async () => {
  await using home = await temporaryApp()
  const limits = [{ metric: 'tokens', amount: 100, windowMs: 3_600_000 }] as const
  const { secret } = await home.latchkey.keys.create({ name: 'ci', limits })
  const { json } = await home.post('/v1/reservations', { secret, tokens: 80 })
  expect(json).toMatchObject({
    verdict: { valid: true },
  })
  expect((await home.post('/v1/reservations', { key: 'ci', tokens: 80 })).json).toMatchObject({
    reservation: null,
    verdict: { valid: false, code: 'limit_exceeded' },
  })
  const settle = () => home.post(`/v1/reservations/${json.reservation?.id}/settle`, { inputTokens: 30 })
  expect(await settle()).toMatchObject({ status: 200, json: { inputTokens: 30, key: { name: 'ci' } } })
  expect(await settle()).toMatchObject({ status: 404, json: { error: { code: 'not_found' } } })
  const again = await home.post('/v1/reservations', { key: 'ci', tokens: 70 })
  const released = await home.ask(`/v1/reservations/${again.json.reservation?.id}/release`, {
    method: 'POST',
  })
  expect([released.status, await released.text()]).toEqual([204, ''])
  expect((await home.latchkey.keys.stats('ci')).limits).toMatchObject([{ used: 30, reserved: 0 }])
})

test('no secret, no name and no path that was sent is in the log, in metrics or in an error', async () => {
  await using home = await temporaryApp()
  const { secret } = await home.latchkey.keys.create({ name: 'very-private' })
  const foreign = 'acme-0123456789abcdef'
  const answers = [
    await home.post('/v1/verify', { secret }),
    await home.post('/v1/verify', { secret: foreign }),
    await home.post('/v1/verify', `{"secret":"${foreign}`),
    await home.post(`/v1/${secret}`, {}),
    await home.post('/v1/usage', { key: secret, inputTokens: 1 }),
    await home.post('/v1/usage', { key: 'very-private', id: foreign, inputTokens: foreign }),
    await home.post(`/v1/reservations/${secret}/settle`, {}),
    await home.post('/v1/reservations', { key: secret }),
  ]
  const metrics = await (await home.ask('/metrics')).text()
  const log = home.log.map(entry => logLine(entry, home.clock.now)).join('')
  for (const written of [metrics, log, JSON.stringify(answers.slice(1))]) {
    for (const word of [secret!, secret!.slice(10, 30), foreign, home.secret]) {
      expect(written.includes(word)).toBe(false)
    }
  }
  for (const written of [metrics, log]) expect(written).not.toContain('very-private')
})

test('docs/server.md names each metric with its labels, and no other', async () => {
  await using home = await temporaryApp()
  await home.latchkey.backups.create()
  await home.latchkey.backups.verify()
  await home.post('/v1/verify', { secret: home.secret })
  while ((await home.metric('latchkey_backup_verify_success')) === undefined) {
    home.clock.now = new Date(home.clock.now.getTime() + 90_000)
    await Bun.sleep(5)
  }
  const text = await (await home.ask('/metrics')).text()
  const given = new Set<string>()
  for (const [, name = '', labels = ''] of text.matchAll(/^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? /gm)) {
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).filter(label => label !== 'le')
    given.add(names.length === 0 ? name : `${name}{${names}}`)
  }
  const page = readFileSync(join(import.meta.dir, '../../docs/server.md'), 'utf8')
  const told = [...page.matchAll(/^\| `(latchkey_.*?)`/gm)].map(([, name]) => name)
  expect(told.toSorted()).toEqual([...given].toSorted())
})

test('docs/server.md names each field that a request may have', async () => {
  await using home = await temporaryApp()
  const hints: string[] = []
  for (const path of ['verify', 'reservations', 'reservations/res_x/settle']) {
    hints.push((await home.post(`/v1/${path}`, { zzz: 1 })).json.error?.hint ?? '')
  }
  const fields = hints.map(hint => hint.match(/(?<=^send an object with ).*/)?.[0].split(', ') ?? [])
  expect(fields.map(({ length }) => length > 5)).toEqual([true, true, true])
  const page = readFileSync(join(import.meta.dir, '../../docs/server.md'), 'utf8')
  expect(fields.flat().filter(field => !new RegExp(`["\`]${field}["\`]`).test(page))).toEqual([])
})

requireTool('promtool')('promtool finds nothing to say about the metrics', async () => {
  await using home = await temporaryApp()
  await home.latchkey.keys.create({ name: 'ci' })
  await home.latchkey.backups.create()
  await home.latchkey.backups.verify({ all: true })
  await home.post('/v1/verify', { secret: home.secret })
  await home.post('/v1/usage', { key: 'ci', inputTokens: 1 })
  const promtool = Bun.spawn(['promtool', 'check', 'metrics'], {
    stdin: new Blob([await (await home.ask('/metrics')).text()]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const said = (await promtool.stdout.text()) + (await promtool.stderr.text())
  expect([await promtool.exited, said]).toEqual([0, ''])
})

test('usage is taken as a provider returned it, by events and settled reservations', async () => {
  await using home = await temporaryApp()
  await home.latchkey.keys.create({ name: 'ci' })
  const usage = { input_tokens: 10, cache_read_input_tokens: 90, output_tokens: 5 }
  const lines = [
    { key: 'ci', usage: { model: 'claude-x', usage } },
    { key: 'ci', inputTokens: 8, cachedInputTokens: 4 },
  ]
  const events = lines.map(line => JSON.stringify(line)).join('\n')
  const ndjson = { 'content-type': 'application/x-ndjson' }
  expect((await home.ask('/v1/usage', { method: 'POST', body: events, headers: ndjson })).status).toBe(200)
  const { json } = await home.post('/v1/reservations', { key: 'ci', tokens: 1_000 })
  const settle = `/v1/reservations/${json.reservation?.id}/settle`
  expect(await home.post(settle, { usage, inputTokens: 1 })).toMatchObject({
    status: 400,
    json: { error: { code: 'invalid', message: 'the event has both usage and inputTokens' } },
  })
  expect(await home.post(settle, { usage, model: 'other' })).toMatchObject({
    status: 200,
    json: { model: 'other', inputTokens: 100, cachedInputTokens: 90, outputTokens: 5, unpricedRequests: 1 },
  })
  expect(await home.latchkey.usage.report({ by: ['model'] })).toMatchObject([
    { model: 'claude-x', inputTokens: 100, cachedInputTokens: 90 },
    { model: 'other', inputTokens: 100 },
    { model: null, inputTokens: 8, cachedInputTokens: 4 },
  ])
})

test('metrics tell what there is and what was asked', async () => {
  await using home = await temporaryApp()
  const { latchkey, clock, metric } = home
  await latchkey.keys.create({ name: 'ci' })
  const { secret: gone } = await latchkey.keys.create({ name: 'gone' })
  await latchkey.keys.revoke('gone')
  const other = connectLatchkey({ path: home.path, now: () => clock.now })
  await other.keys.verify(gone!)
  await other.close()
  expect(await metric('latchkey_backup_age_seconds')).toBeUndefined()
  await home.post('/v1/verify', { secret: home.secret })
  await home.post('/v1/verify', { secret: 'lk_nonsense' })
  await home.post('/v1/usage', { id: 'a', key: 'ci', inputTokens: 30, outputTokens: 4, costUsd: 0.5 })
  await home.post('/v1/usage', { id: 'a', key: 'ci', inputTokens: 30, outputTokens: 4, costUsd: 0.5 })
  const usage = { prompt_tokens: 20, prompt_tokens_details: { cached_tokens: 5 } }
  await home.post('/v1/usage', { key: 'ci', model: 'gpt-x', usage })
  await latchkey.backups.create()
  clock.now = new Date(clock.now.getTime() + 90_000)
  // The answer has the last known state, and starts a new check of the backups.
  while ((await metric('latchkey_backup_age_seconds')) === undefined) await Bun.sleep(5)
  for (const [name, value] of Object.entries({
    latchkey_ready: 1,
    'latchkey_keys{status="active"}': 2,
    'latchkey_keys{status="revoked"}': 1,
    'latchkey_verdicts_total{code="valid"}': 1,
    'latchkey_verdicts_total{code="malformed"}': 1,
    'latchkey_denials{code="revoked"}': 1,
    'latchkey_denials{code="limit_exceeded"}': 0,
    // No key is denied for these, so they would always be 0.
    'latchkey_denials{code="malformed"}': undefined,
    'latchkey_denials{code="not_found"}': undefined,
    latchkey_usage_requests: 2,
    'latchkey_usage_tokens{direction="input"}': 50,
    latchkey_usage_cost_dollars: 0.5,
    latchkey_usage_unpriced_requests: 1,
    'latchkey_usage_events_total{outcome="counted"}': 2,
    'latchkey_usage_events_total{outcome="duplicate"}': 1,
    'latchkey_http_requests_total{route="/v1/verify",status="200"}': 2,
    latchkey_backup_age_seconds: 90,
  })) {
    expect([name, await metric(name)]).toEqual([name, value])
  }
})

test('verdicts and usage are counted in metrics, whichever route they came by', async () => {
  await using home = await temporaryApp()
  const { latchkey, metric } = home
  const limits = [{ metric: 'requests', amount: 2, period: 'total' }] as const
  const { secret } = await latchkey.keys.create({ name: 'ci', limits })
  const seen = async () => [
    await metric('latchkey_verdicts_total{code="valid"}'),
    await metric('latchkey_verdicts_total{code="limit_exceeded"}'),
    await metric('latchkey_usage_events_total{outcome="counted"}'),
  ]
  const authorize = (path: string) => home.ask(path, {}, { authorization: `Bearer ${secret}` })
  const { json } = await home.post('/v1/reservations', { secret })
  expect(await seen()).toEqual([1, 0, 0])
  await home.post(`/v1/reservations/${json.reservation!.id}/settle`, { inputTokens: 1 })
  expect(await seen()).toEqual([1, 0, 1])
  expect((await authorize('/v1/authorize')).status).toBe(204)
  expect(await seen()).toEqual([2, 0, 1])
  expect((await authorize('/v1/authorize?count=1')).status).toBe(204)
  expect(await seen()).toEqual([3, 0, 2])
  expect((await home.post('/v1/reservations', { secret })).json.reservation).toBe(null)
  expect(await seen()).toEqual([3, 1, 2])
  expect((await authorize('/v1/authorize?count=1')).status).toBe(429)
  expect(await seen()).toEqual([3, 2, 2])
  // What is refused is neither a verdict nor usage.
  await home.post(`/v1/reservations/${json.reservation!.id}/settle`, { inputTokens: 1 })
  expect(await seen()).toEqual([3, 2, 2])
})

test('a name of a server is escaped in its label, whatever it contains', async () => {
  await using home = await temporaryApp('a"b\\c')
  const lines = (await (await home.ask('/metrics')).text()).split('\n')
  expect(lines).toContain(String.raw`latchkey_ready{instance="a\"b\\c"} 1`)
})

test('asking whether it is ready a thousand times opens the database a few times', async () => {
  await using home = await temporaryApp()
  const before = home.connections()
  for (let n = 0; n < 1_000; n++) expect((await home.ask('/readyz', {}, {})).status).toBe(200)
  expect(home.connections() - before).toBeLessThan(500)
})

test('backups are looked at again after the clock was set back', async () => {
  await using home = await temporaryApp()
  const { latchkey, clock, metric } = home
  expect(await metric('latchkey_backup_age_seconds')).toBeUndefined()
  clock.now = new Date(clock.now.getTime() - 86_400_000)
  await latchkey.backups.create()
  while ((await metric('latchkey_backup_age_seconds')) === undefined) await Bun.sleep(5)
  expect(await metric('latchkey_backup_age_seconds')).toBe(0)
})

test('a body that does not arrive is given up', async () => {
  await using home = await temporaryApp()
  const never = new ReadableStream({ start: controller => controller.enqueue(new Uint8Array(1)) })
  jest.useFakeTimers()
  const asked = home.ask('/v1/verify', { method: 'POST', headers: json, body: never })
  // The key is looked up before the body is read.
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  jest.advanceTimersByTime(10_001)
  jest.useRealTimers()
  const answer = await asked
  expect([answer.status, answer.headers.get('connection')]).toEqual([408, 'close'])
})

test('the log says whose request was denied and by which limit, and denials are counted without names', async () => {
  await using home = await temporaryApp()
  const { latchkey } = home
  await latchkey.users.create({ username: 'very-private' })
  const limits = [{ metric: 'tokens', amount: 100, windowMs: 3_600_000 }] as const
  await latchkey.users.update('very-private', { limits })
  const { id: user } = await latchkey.users.get('very-private')
  const { id, secret } = await latchkey.keys.create({ name: 'very-private-key', user: 'very-private' })
  await home.post('/v1/verify', { secret })
  await home.post('/v1/verify', { secret, tokens: 101 })
  await home.post('/v1/reservations', { secret, tokens: 101 })
  await home.post('/v1/verify', { secret: 'pk_unknown' })
  const { amount: _, timeZone: __, ...named } = rolling('tokens', 100, 3_600_000)
  const limit = { ...named, subject: 'user' as const, id: user }
  expect(
    home.log.map(entry => (entry.event === 'request' ? [entry.code, entry.client, entry.limit] : [])),
  ).toEqual([
    ['valid', id, null],
    ['limit_exceeded', id, limit],
    ['limit_exceeded', id, limit],
    ['not_found', null, null],
  ])
  const [, denied] = home.log
  expect(logText(denied!, '12:00')).toContain(`  limit_exceeded  ${id}  tokens of user ${user}  `)
})

test('an entry of the log has the time at which it happened, however late it is written', async () => {
  let written = ''
  let taken = Promise.withResolvers<void>()
  const write = (text: string) => {
    written += text
    return taken.promise
  }
  let now = new Date('2026-11-20T10:00:00.123Z')
  const log = createLog(write, logLine, () => now)
  log({ event: 'failure', message: 'first' })
  now = new Date('2026-11-20T10:00:05Z')
  log({ event: 'failure', message: 'second' })
  now = new Date('2026-11-20T10:07:00Z')
  taken.resolve()
  taken = Promise.withResolvers()
  while (!written.includes('second')) await Bun.sleep(1)
  expect(written.match(/"time":"[^"]+"/g)).toEqual([
    '"time":"2026-11-20T10:00:00.123Z"',
    '"time":"2026-11-20T10:00:05.000Z"',
  ])
})

test('a log that nobody takes is cut, and says how much is missing', async () => {
  const written: string[] = []
  let taken = Promise.withResolvers<void>()
  const write = (text: string) => {
    written.push(text)
    return taken.promise
  }
  const log = createLog(
    write,
    entry => `${JSON.stringify(entry)}\n`,
    () => new Date(),
  )
  const request = { method: 'GET', route: '/', status: 200, code: null, key: null, ms: 1 } as const
  for (let n = 0; n < 9_000; n++) log({ event: 'request', ...request })
  log({ event: 'stopping', signal: 'SIGTERM', inFlight: 0 })
  expect(written).toHaveLength(1)
  taken.resolve()
  taken = Promise.withResolvers()
  taken.resolve()
  while (!written.at(-1)?.includes('dropped')) await Bun.sleep(1)
  const entries = written
    .join('')
    .split('\n')
    .flatMap(line => (line === '' ? [] : [JSON.parse(line)]))
  const kept = entries.filter(({ event }) => event === 'request').length
  expect(kept).toBeGreaterThan(4_000)
  expect(entries.at(-1)).toEqual({ event: 'dropped', requests: 9_000 - kept })
  expect(entries.some(({ event }) => event === 'stopping')).toBe(true)
})

test('HEAD gets the headers alone', async () => {
  await using home = await temporaryApp()
  const answer = await home.ask('/metrics', { method: 'HEAD' })
  expect([answer.status, await answer.text()]).toEqual([200, ''])
  expect(answer.headers.get('content-type')).toContain('version=0.0.4')
})

const isReady = async (home: { ask: (path: string) => Promise<Response> }) => {
  const answer = await home.ask('/readyz')
  return answer.status === 200
    ? 'ready'
    : `${answer.status} ${((await answer.json()) as Document).error?.code}`
}

test.each<[string, string, (home: TestLatchkey) => void]>([
  ['is gone', '503 database_missing', ({ path }) => rmSync(path)],
  ['is not one', '503 corrupt', ({ path }) => writeFileSync(path, 'x'.repeat(9_000))],
  [
    'was migrated by a newer program',
    '503 schema_newer',
    ({ path }) => {
      const client = new Client(path, { readwrite: true })
      client.run('PRAGMA user_version = 1000')
      client.close()
    },
  ],
])('a server whose database %s is alive and not ready', async (_, expected, spoil) => {
  await using home = await temporaryApp()
  expect(await isReady(home)).toBe('ready')
  spoil(home)
  // For a moment the last result is used.
  while ((await isReady(home)) === 'ready') await Bun.sleep(5)
  expect(await isReady(home)).toBe(expected)
  expect((await home.ask('/healthz')).status).toBe(200)
})

test('a server that stops is not ready, and its answers end their connections', async () => {
  await using home = await temporaryApp()
  home.app.stop()
  expect(await isReady(home)).toBe('503 busy')
  expect((await home.ask('/healthz')).headers.get('connection')).toBe('close')
})

test('when another file takes the place of the database, it is that one which answers', async () => {
  await using home = await temporaryApp()
  const { latchkey, path } = home
  const { secret } = await latchkey.keys.create({ name: 'ci' })
  expect((await home.post('/v1/verify', { secret })).json).toMatchObject({ valid: true })
  await using other = await temporaryLatchkey()
  const gateway = await other.latchkey.keys.create({ name: 'other', scopes: ['latchkey:*'] })
  await other.latchkey.close()
  await latchkey.close()

  copyFileSync(other.path, `${path}.new`)
  rmSync(`${path}-wal`, { force: true })
  rmSync(`${path}-shm`, { force: true })
  renameSync(`${path}.new`, path)

  expect((await home.post('/v1/verify', { secret })).status).toBe(401)
  const asked = await home.ask('/metrics', {}, { authorization: `Bearer ${gateway.secret}` })
  expect(asked.status).toBe(200)
  expect(await asked.text()).toContain('latchkey_keys{status="active"} 1\n')
  expect(home.log.filter(({ event }) => event === 'replaced')).toHaveLength(1)
  const check = connectLatchkey({ path, access: 'read' })
  expect(await check.database.check()).toMatchObject({ ok: true })
  await check.close()
})

test('usage that was under way when the file was replaced counts in the new one, once', async () => {
  await using home = await temporaryApp()
  const { latchkey, path } = home
  await latchkey.keys.create({ name: 'ci' })
  const body = JSON.stringify({ id: 'a', key: 'ci', inputTokens: 1 })
  const held = Promise.withResolvers<void>()
  const slow = new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode(body.slice(0, 5)))
      await held.promise
      controller.enqueue(new TextEncoder().encode(body.slice(5)))
      controller.close()
    },
  })
  const asked = home.ask('/v1/usage', { method: 'POST', headers: json, body: slow })
  await latchkey.backups.create()
  await latchkey.close()
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  const restored = connectLatchkey({ path })
  await restored.backups.restore({ latest: true })
  held.resolve()
  const answer = await asked
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { events: 1, counted: 1, duplicates: 0, endUsersLeftOut: 0 },
  ])
  expect((await home.post('/v1/usage', body)).json).toMatchObject({ counted: 0, duplicates: 1 })
  expect((await restored.keys.stats('ci')).totals).toMatchObject({ requests: 1 })
  await restored.close()
})

test('a file that was put beside the log of the one before is not touched', async () => {
  await using home = await temporaryApp()
  const { latchkey, path } = home
  await latchkey.keys.create({ name: 'ci' })
  await home.post('/v1/usage', { key: 'ci', inputTokens: 1 })
  await using other = await temporaryLatchkey()
  await other.latchkey.close()
  copyFileSync(other.path, `${path}.new`)
  renameSync(`${path}.new`, path)
  expect(await isReady(home)).toBe('503 corrupt')
  expect((await home.ask('/metrics')).status).toBe(503)
  await latchkey.close()
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
  expect(await isReady(home)).toBe('ready')
})

test('a restore in place is answered from at once', async () => {
  await using home = await temporaryApp()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'ci' })
  await latchkey.backups.create()
  const { secret } = await latchkey.keys.create({ name: 'late' })
  const code = async () => (await home.post('/v1/verify', { secret })).json.code
  expect(await code()).toBe('valid')
  await latchkey.backups.restore({ latest: true, inPlace: true })
  expect(await code()).toBe('not_found')
  expect((await home.post('/v1/usage', { key: 'ci', inputTokens: 5 })).json).toMatchObject({ counted: 1 })
  expect((await latchkey.keys.stats('ci')).totals).toMatchObject({ inputTokens: 5 })
  expect(await isReady(home)).toBe('ready')
})
