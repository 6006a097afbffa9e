/** Requests of reverse proxies and clients with the client's own key. */
import { expect, test } from 'bun:test'
import { self } from '../contract/views/usage.ts'
import { temporaryApp } from '../testing/app.ts'
import { schemaProblems } from '../testing/schema.ts'
import { logLine } from './log.ts'

const hour = 3_600_000
const day = 86_400_000

/** A key in a project, with limits of its own and of its user. */
async function temporaryDoor() {
  const home = await temporaryApp()
  const { latchkey } = home
  const alice = await latchkey.users.create({ username: 'alice' })
  await latchkey.limits.set({ user: 'alice' }, [{ metric: 'usd', amount: 20, windowMs: 30 * day }])
  const shop = await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  const key = await latchkey.keys.create({
    name: 'Schlüssel ☃',
    user: 'alice',
    project: 'shop',
    scopes: ['chat:write'],
    allowedModels: ['gpt-*'],
    limits: [
      { metric: 'tokens', amount: 1_000, windowMs: 5 * hour },
      { metric: 'tokens', amount: 500, windowMs: hour },
      { metric: 'requests', amount: 3, windowMs: 60_000 },
    ],
  })
  const secret = key.secret!
  const bearer = { authorization: `Bearer ${secret}` }
  const ask = (query = '', headers: Record<string, string> = bearer, init: RequestInit = {}) =>
    home.ask(`/v1/authorize${query}`, init, headers)
  return { ...home, alice, shop, key, client: secret, bearer, authorize: ask }
}

const headersOf = (answer: Response) => Object.fromEntries(answer.headers)

test('a key that may go ahead is told of by headers alone: whose it is and what is left', async () => {
  await using home = await temporaryDoor()
  await home.latchkey.usage.record(home.key.id, { requests: 0, inputTokens: 90, costUsd: 0.000_5 })
  const answer = await home.authorize()
  expect([answer.status, await answer.text()]).toEqual([204, ''])
  expect(headersOf(answer)).toEqual({
    'cache-control': 'no-store',
    'x-latchkey-key': home.key.id,
    'x-latchkey-user': home.alice.id,
    'x-latchkey-project': home.shop.id,
    'x-latchkey-remaining-tokens': '410',
    'x-latchkey-remaining-requests': '3',
    'x-latchkey-remaining-usd': '19.9995',
    ratelimit:
      '"key-tokens-1h";r=410, "key-tokens-5h";r=910, "key-requests-1m";r=3, "user-usd-30d";r=19999500',
    'ratelimit-policy':
      '"key-tokens-1h";q=500;qu="tokens";w=3600, "key-tokens-5h";q=1000;qu="tokens";w=18000, "key-requests-1m";q=3;w=60, "user-usd-30d";q=20000000;qu="micro-usd";w=2592000',
  })
})

test('a key without limits, user or project is told of by its id', async () => {
  await using home = await temporaryDoor()
  const { id, secret } = await home.latchkey.keys.create({ name: 'plain' })
  const answer = await home.authorize('', { 'x-api-key': secret! })
  expect(headersOf(answer)).toEqual({
    'cache-control': 'no-store',
    'x-latchkey-key': id,
    'x-latchkey-user': '',
    'x-latchkey-project': '',
  })
})

test.each([
  ['nothing', {}, ''],
  ['a word that is no Bearer', { authorization: 'Basic bGs6eA==' }, ''],
  ['a Bearer without a secret', { authorization: 'Bearer ' }, ''],
  ['a secret in two words', { authorization: 'Bearer lk_a b' }, ''],
  ['an empty key', { 'x-api-key': '' }, ''],
  ['a secret in a query or a cookie', { cookie: 'key=SECRET', 'x-forwarded-uri': '/?key=SECRET' }, ''],
  ['what a proxy forwards', { 'x-forwarded-authorization': 'Bearer SECRET', forwarded: 'for=SECRET' }, ''],
  ['what this server answers', { 'x-latchkey-key': 'KEY', 'x-latchkey-user': 'alice' }, ''],
  ['a secret of nobody', { authorization: 'Bearer lk_nobody' }, ', error="invalid_token"'],
  ['two secrets in one', { 'x-api-key': 'SECRET, SECRET' }, ', error="invalid_token"'],
  [
    'a secret of nobody beside a good one',
    { authorization: 'Bearer lk_nobody', 'x-api-key': 'SECRET' },
    ', error="invalid_token"',
  ],
] as const)('%s is no key', async (_, headers, error) => {
  await using home = await temporaryDoor()
  const fill = (text: string) => text.replaceAll('SECRET', home.client).replaceAll('KEY', home.key.id)
  const given = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, fill(text)]))
  for (const path of ['/v1/authorize', '/v1/self']) {
    const answer = await home.ask(path, {}, given)
    expect([answer.status, headersOf(answer)]).toEqual([
      401,
      {
        'cache-control': 'no-store',
        'content-type': 'application/json',
        'www-authenticate': `Bearer realm="latchkey"${error}`,
      },
    ])
    expect(await answer.json()).toMatchObject({ error: { code: 'denied', exit: 4 } })
  }
})

test('a key that no longer works is no key, wherever it is sent', async () => {
  await using home = await temporaryDoor()
  const { secret } = await home.latchkey.keys.rotate(home.key.id)
  expect((await home.authorize()).status).toBe(401)
  expect((await home.ask('/v1/self', {}, home.bearer)).status).toBe(401)
  expect((await home.authorize('', { 'X-API-KEY': secret! })).status).toBe(204)
  await home.latchkey.keys.revoke(home.key.id)
  expect((await home.authorize('', { 'X-API-KEY': secret! })).status).toBe(401)
})

test('a scope or a model that the key may not have is 403', async () => {
  await using home = await temporaryDoor()
  expect((await home.authorize('?scope=chat:write&model=gpt-x')).status).toBe(204)
  const scope = await home.authorize('?scope=admin')
  expect([scope.status, scope.headers.get('www-authenticate')]).toEqual([
    403,
    'Bearer realm="latchkey", error="insufficient_scope", scope="admin"',
  ])
  const model = await home.authorize('?model=claude')
  expect([model.status, model.headers.get('www-authenticate')]).toEqual([403, null])
  for (const hostile of ['a"b', 'a\r\nset-cookie: x', 'ä', '']) {
    const answer = await home.authorize(`?scope=${encodeURIComponent(hostile)}`)
    expect([answer.status, answer.headers.get('www-authenticate'), answer.headers.get('set-cookie')]).toEqual(
      [403, 'Bearer realm="latchkey", error="insufficient_scope"', null],
    )
  }
})

test('a limit that was hit is 429, with when to come back', async () => {
  await using home = await temporaryDoor()
  await home.latchkey.usage.record(home.key.id, { requests: 0, inputTokens: 500 })
  const answer = await home.authorize()
  expect([answer.status, headersOf(answer)]).toEqual([
    429,
    {
      'cache-control': 'no-store',
      'content-type': 'application/json',
      'retry-after': '3660',
      ratelimit:
        '"key-tokens-1h";r=0;t=3660, "key-tokens-5h";r=500, "key-requests-1m";r=3, "user-usd-30d";r=20000000',
      'ratelimit-policy':
        '"key-tokens-1h";q=500;qu="tokens";w=3600, "key-tokens-5h";q=1000;qu="tokens";w=18000, "key-requests-1m";q=3;w=60, "user-usd-30d";q=20000000;qu="micro-usd";w=2592000',
    },
  ])
  expect(await answer.json()).toMatchObject({
    error: { code: 'denied', message: 'the key in the request is not allowed to do this: limit_exceeded' },
  })
})

test('a limit that never frees has no Retry-After', async () => {
  await using home = await temporaryDoor()
  await home.latchkey.keys.update(home.key.id, {
    limits: [{ metric: 'requests', amount: 0, windowMs: hour }],
  })
  const answer = await home.authorize()
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, null])
  expect(answer.headers.get('ratelimit')).toContain('"key-requests-1h";r=0,')
})

test('count=1 records one request of the model, and nothing else does', async () => {
  await using home = await temporaryDoor()
  const requests = async () => (await home.latchkey.keys.stats(home.key.id)).totals.requests
  await home.authorize()
  await home.authorize('?count=0')
  expect((await home.authorize('?count=1&scope=admin')).status).toBe(403)
  expect((await home.authorize('?count=1&model=claude')).status).toBe(403)
  expect(await requests()).toBe(0)
  const answer = await home.authorize('?count=1&model=gpt-x')
  expect([answer.status, answer.headers.get('x-latchkey-remaining-requests')]).toEqual([204, '2'])
  expect(answer.headers.get('ratelimit')).toContain('"key-requests-1m";r=2')
  expect(await requests()).toBe(1)
  const rows = await home.latchkey.usage.report({ by: ['model'], key: home.key.id })
  expect(rows).toMatchObject([{ model: 'gpt-x', requests: 1, tokens: 0 }])
  const limits = await home.latchkey.limits.list({ key: home.key.id })
  expect(limits.filter(({ reserved }) => reserved > 0)).toEqual([])
  expect(await home.metric('latchkey_usage_events_total{outcome="counted"}')).toBe(1)
})

test('with count=1 no more come in at once than the limit leaves', async () => {
  await using home = await temporaryDoor()
  const answers = await Promise.all(Array.from({ length: 20 }, () => home.authorize('?count=1')))
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(3)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(17)
  expect((await home.latchkey.keys.stats(home.key.id)).totals.requests).toBe(3)
})

test.each([
  ['?scpoe=admin', 'an unknown field: scpoe (did you mean scope?)'],
  ['?count=yes', 'a bad value: count must be 1 or 0'],
  ['?scope=admin&scope=chat:write', 'a field twice'],
  ['?count=1&model=a%20b', 'model must not contain white space'],
])('a query that cannot be meant is refused: %s', async (query, problem) => {
  await using home = await temporaryDoor()
  const answer = await home.authorize(query)
  const { error } = (await answer.json()) as { readonly error: { readonly message: string } }
  expect([answer.status, error.message]).toEqual([
    400,
    query.includes('model') ? problem : `the query has ${problem}`,
  ])
  expect((await home.latchkey.keys.stats(home.key.id)).totals.requests).toBe(0)
})

test('GET, HEAD and POST ask the same, other methods nothing', async () => {
  await using home = await temporaryDoor()
  const body = new ReadableStream({ pull: () => Promise.reject(new Error('the body was read')) })
  for (const init of [{ method: 'GET' }, { method: 'HEAD' }, { method: 'POST', body }]) {
    expect((await home.authorize('', home.bearer, init)).status).toBe(204)
  }
  for (const method of ['PUT', 'DELETE', 'OPTIONS']) {
    const answer = await home.authorize('', home.bearer, { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
  }
  expect((await home.ask('/v1/self', { method: 'POST' }, home.bearer)).headers.get('allow')).toBe('GET, HEAD')
})

test('the key of a client opens nothing but its own doors', async () => {
  await using home = await temporaryDoor()
  for (const [path, method] of [
    ['/metrics', 'GET'],
    ['/v1/verify', 'POST'],
    ['/v1/usage', 'POST'],
    ['/v1/reservations', 'POST'],
  ] as const) {
    expect((await home.ask(path, { method }, home.bearer)).status).toBe(403)
  }
})

test('no secret is in an answer, in the log or in metrics', async () => {
  await using home = await temporaryDoor()
  const foreign = 'acme-0123456789abcdef'
  const answers = [
    await home.authorize(),
    await home.authorize('', { 'x-api-key': home.client }),
    await home.authorize('?scope=admin'),
    await home.authorize(`?${home.client}=1`),
    await home.authorize(`?count=1&model=${home.client}`),
    await home.authorize('', { authorization: `Bearer ${foreign}` }),
    await home.authorize('', { 'x-api-key': `${home.client} ${foreign}` }),
    await home.ask('/v1/self', {}, home.bearer),
    await home.ask('/v1/self', {}, { 'x-api-key': foreign }),
  ]
  const texts = await Promise.all(
    answers.map(async answer => JSON.stringify([headersOf(answer), await answer.text()])),
  )
  const log = home.log.map(entry => logLine(entry, home.clock.now)).join('')
  const metrics = await (await home.ask('/metrics')).text()
  for (const written of [...texts, log, metrics]) {
    for (const word of [home.client, home.client.slice(9, 30), foreign]) expect(written).not.toContain(word)
  }
  for (const written of [log, metrics]) expect(written).not.toContain('Schlüssel')
})

test('the log says which client was let in and which limit refused it', async () => {
  await using home = await temporaryDoor()
  await home.authorize()
  await home.latchkey.usage.record(home.key.id, { inputTokens: 500 })
  await home.authorize()
  await home.authorize('', {})
  const { id } = home.key
  expect(home.log).toMatchObject([
    { route: '/v1/authorize', status: 204, code: 'valid', key: null, client: id, limit: null },
    { status: 429, code: 'limit_exceeded', client: id, limit: { metric: 'tokens', subject: 'key', id } },
    { status: 401, code: 'denied', key: null },
  ])
  expect(await home.metric('latchkey_verdicts_total{code="limit_exceeded"}')).toBe(1)
  expect((await home.latchkey.keys.stats(id)).key.name).toBe('Schlüssel ☃')
})

test('a client sees its limits, when they free, and its own use by day and model', async () => {
  await using home = await temporaryDoor()
  const { latchkey, key, clock } = home
  const at = (text: string) => new Date(text)
  await latchkey.usage.record(key.id, { model: 'gpt-x', inputTokens: 100, at: at('2026-11-06T23:00:00Z') })
  await latchkey.usage.record(key.id, { model: 'gpt-x', inputTokens: 7, at: at('2026-11-07T00:00:00Z') })
  await latchkey.usage.record(key.id, { inputTokens: 5, outputTokens: 1, costUsd: 0.5 })
  await latchkey.usage.record(key.id, { model: 'gpt-x', inputTokens: 495, requests: 0 })
  await latchkey.keys.create({ name: 'other', user: 'alice', metadata: { note: 'private' } })
  await latchkey.usage.record('other', { model: 'secret-model', inputTokens: 1, costUsd: 1 })
  const answer = await home.ask('/v1/self', {}, home.bearer)
  expect(answer.status).toBe(200)
  const text = await answer.text()
  const own = JSON.parse(text)
  expect(schemaProblems(self.schema, own)).toEqual([])
  expect(own.key).toEqual({
    id: key.id,
    name: 'Schlüssel ☃',
    start: key.start,
    status: 'active',
    model: null,
    allowedModels: ['gpt-*'],
    scopes: ['chat:write'],
    expiresAt: null,
  })
  const freeAt = '2026-11-20T13:01:00.000Z'
  expect(own.limits).toMatchObject([
    {
      metric: 'tokens',
      windowMs: hour,
      remaining: 0,
      exceeded: true,
      retryAt: freeAt,
      frees: [{ at: freeAt }],
    },
    { metric: 'tokens', windowMs: 5 * hour, remaining: 499 },
    { metric: 'requests', remaining: 2 },
    { metric: 'usd', remaining: 18.5, subject: { type: 'user' } },
  ])
  expect(own.usage).toMatchObject([
    { start: '2026-11-07T00:00:00.000Z', model: 'gpt-x', inputTokens: 7, requests: 1 },
    { start: '2026-11-20T00:00:00.000Z', model: 'gpt-x', inputTokens: 495, requests: 0 },
    { start: '2026-11-20T00:00:00.000Z', model: null, inputTokens: 5, outputTokens: 1, costUsd: 0.5 },
  ])
  const told = text.replaceAll('otherTokens', '')
  for (const word of ['other', 'secret-model', 'private', home.client]) expect(told).not.toContain(word)
  expect(home.log).toMatchObject([{ route: '/v1/self', status: 200, key: key.id }])
  clock.now = new Date(clock.now.getTime() + 1)
  await latchkey.close()
  expect(await home.metric('latchkey_denials{code="limit_exceeded"}')).toBe(0)
})
