// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import type { Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { onPostgres, temporaryLatchkey } from '../../testing/latchkey.ts'
import type { KeyChanges } from './input.ts'

const hour = 3_600_000
test('a secret is stored nowhere, only its hash', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { secret } = await latchkey.keys.create({ name: 'ci' })
  const { secret: next } = await latchkey.keys.rotate('ci')
  await latchkey.keys.update('ci', { name: 'cd' })
  await latchkey.close()
  const dump = await home.dump()
  expect(dump).toContain(secret!.slice(0, 9))
  expect(dump).not.toContain(secret!.slice(0, 20))
  expect(dump).not.toContain(next!.slice(0, 20))
})

test('status is derived: revoked wins over expired, over disabled, over active', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const status = async () => (await latchkey.keys.get('ci')).status
  await latchkey.keys.create({ name: 'ci', expiresAt: new Date(clock.now.getTime() + hour) })
  expect(await status()).toBe('active')
  await latchkey.keys.disable('ci')
  expect(await status()).toBe('disabled')
  clock.now = new Date(clock.now.getTime() + hour)
  expect(await status()).toBe('expired')
  await latchkey.keys.revoke('ci', { reason: 'leaked' })
  expect(await status()).toBe('revoked')
  for (const wanted of ['active', 'disabled', 'expired', 'revoked'] as const) {
    expect(await latchkey.keys.list({ status: wanted })).toHaveLength(wanted === 'revoked' ? 1 : 0)
  }
})

test('the verdict names the first thing that is wrong', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  const made = await latchkey.keys.create({
    name: 'ci',
    user: 'alice',
    project: 'shop',
    expiresAt: new Date(clock.now.getTime() + hour),
    allowedModels: ['gpt-*', 'glm-4.7'],
    scopes: ['chat:*', 'files:read'],
    limits: [{ metric: 'tokens', amount: 0, windowMs: hour }],
  })
  const code = async (options = {}) => (await latchkey.keys.verify(made.secret!, options)).code
  const asked = { model: 'gpt-x', scope: 'chat:write' }
  expect(await code(asked)).toBe('limit_exceeded')
  expect(await code({ ...asked, scope: 'files:write' })).toBe('insufficient_scope')
  const { secret: bare } = await latchkey.keys.create({ name: 'without scopes' })
  expect((await latchkey.keys.verify(bare!, { scope: 'chat:write' })).code).toBe('insufficient_scope')
  expect(await code({ ...asked, model: 'glm-4.70', scope: 'x' })).toBe('model_not_allowed')
  await latchkey.projects.archive('shop')
  expect(await code()).toBe('project_archived')
  await latchkey.users.disable('alice')
  expect(await code()).toBe('user_disabled')
  await latchkey.keys.disable('ci')
  expect(await code()).toBe('disabled')
  expect(await code({ at: new Date(clock.now.getTime() + hour) })).toBe('expired')
  await latchkey.keys.revoke('ci')
  expect(await code()).toBe('revoked')
  const { code: malformed } = await latchkey.keys.verify(`${made.secret!.slice(0, -1)}?`)
  expect(malformed).toBe('malformed')
  expect((await latchkey.keys.verify('pk_nobody')).code).toBe('not_found')
})

test.each([
  ['gpt-*', 'gpt-4o', true],
  ['gpt-*', 'gpt-', true],
  ['*', 'anything', true],
  ['gpt-4', 'gpt-4o', false],
  ['a*b*c', 'a-x-b-y-c', true],
  ['a*b*c', 'abc', true],
  ['ab*ba', 'aba', false],
  ['*mini', 'gpt-mini', true],
  ['gpt.4', 'gpt-4', false],
])('the pattern %p fits %p: %p', async (pattern, model, fits) => {
  await using home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({ name: 'ci', allowedModels: [pattern] })
  expect((await home.latchkey.keys.verify(secret!, { model })).valid).toBe(fits)
})

test("a key's own model replaces the one asked for, so that one must be allowed", async () => {
  await using home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({
    name: 'ci',
    model: 'glm-4.7',
    allowedModels: ['glm-*'],
  })
  expect((await home.latchkey.keys.verify(secret!, { model: 'gpt-x' })).valid).toBe(true)
})

test('a rotated key keeps its id, limits, usage and history, and its old secret works until grace ends', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const old = await latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'tokens', amount: 100, windowMs: hour }],
  })
  await latchkey.usage.record('ci', { inputTokens: 60 })
  const fresh = await latchkey.keys.rotate('ci', { graceMs: 1_000 })
  expect(fresh.previousSecretEndsAt).toEqual(new Date(clock.now.getTime() + 1_000))
  expect(fresh).toMatchObject({ id: old.id, limits: old.limits })
  expect(fresh.start).not.toBe(old.start)
  const ask = async (secret: string | null) => await latchkey.keys.verify(secret!, { wanted: { tokens: 41 } })
  expect((await ask(old.secret)).code).toBe('limit_exceeded')
  expect((await ask(fresh.secret)).limits[0]).toMatchObject({ used: 60, remaining: 40 })
  clock.now = new Date(clock.now.getTime() + 999)
  expect((await latchkey.keys.verify(old.secret!)).code).toBe('valid')
  clock.now = new Date(clock.now.getTime() + 1)
  expect((await latchkey.keys.verify(old.secret!)).code).toBe('rotated')
  expect((await latchkey.keys.verify(fresh.secret!)).code).toBe('valid')
})

test('grace never outlives the expiry of the key, and the next rotation ends it for every older secret', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const expiresAt = new Date(clock.now.getTime() + hour)
  const first = await latchkey.keys.create({ name: 'ci', expiresAt })
  expect((await latchkey.keys.rotate('ci', { graceMs: 24 * hour })).previousSecretEndsAt).toEqual(expiresAt)
  await latchkey.keys.rotate('ci', { graceMs: 1 })
  const at = (ms: number) => new Date(clock.now.getTime() + ms)
  expect((await latchkey.keys.verify(first.secret!, { at: at(0) })).code).toBe('valid')
  expect((await latchkey.keys.verify(first.secret!, { at: at(1) })).code).toBe('rotated')
})

test('an expired or revoked key is not rotated', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  await latchkey.keys.create({ name: 'old', expiresAt: new Date(clock.now.getTime() + 1) })
  await latchkey.keys.create({ name: 'gone' })
  await latchkey.keys.revoke('gone')
  clock.now = new Date(clock.now.getTime() + 1)
  for (const name of ['old', 'gone']) {
    expect(await failure(latchkey.keys.rotate(name))).toMatchObject({ code: 'conflict' })
  }
})

test('revoking is final, and doing it again changes nothing', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  await latchkey.keys.create({ name: 'ci' })
  const revoked = await latchkey.keys.revoke('ci', { reason: 'leaked' })
  clock.now = new Date(clock.now.getTime() + hour)
  expect(await latchkey.keys.revoke('ci', { reason: 'again' })).toEqual({
    ...revoked,
    changed: false,
    before: {},
  })
  expect(await latchkey.audit.list({ action: 'key.revoke' })).toHaveLength(1)
  for (const change of [
    latchkey.keys.enable('ci'),
    latchkey.keys.disable('ci'),
    latchkey.keys.rotate('ci'),
  ]) {
    expect(await failure(change)).toMatchObject({ code: 'conflict', exit: 5 })
  }
})

const cleared: Partial<Record<keyof KeyChanges, unknown>> = {
  user: null,
  project: null,
  model: null,
  allowedModels: null,
  scopes: [],
  expiresAt: null,
  metadata: null,
}

test.each(Object.keys(cleared) as (keyof KeyChanges)[])(
  '%s: a value, null and nothing are three things',
  async field => {
    await using home = await temporaryLatchkey()
    const { latchkey } = home
    await fillIn(latchkey)
    const before = await latchkey.keys.get('full')
    const untouched = await latchkey.keys.update('full', { name: 'full' })
    expect(untouched as object).toEqual({ ...before, changed: false, before: {} })
    const { changed, before: was, ...after } = await latchkey.keys.update('full', { [field]: null })
    expect([changed, was]).toEqual([true, { [field]: before[field as 'model'] }])
    expect(after[field as 'model']).toEqual(cleared[field] as never)
    expect({ ...after, [field]: 0, updatedAt: 0 }).toEqual({ ...before, [field]: 0, updatedAt: 0 } as never)
  },
)

test('a limit of 0, no limit and nothing are three things', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await fillIn(latchkey)
  const amounts = async (changes: KeyChanges) =>
    (await latchkey.keys.update('full', changes)).limits.map(
      limit => `${limit.metric}=${limit.amount}/${(limit.windowMs ?? 0) / hour}h`,
    )
  expect(await amounts({ name: 'full' })).toEqual(['tokens=100/5h', 'tokens=900/24h', 'usd=20/720h'])
  expect(await amounts({ limits: [{ metric: 'tokens', amount: 0, windowMs: 5 * hour }] })).toEqual([
    'tokens=0/5h',
    'tokens=900/24h',
    'usd=20/720h',
  ])
  expect(await amounts({ removeLimits: [{ metric: 'tokens', windowMs: 24 * hour }] })).toEqual([
    'tokens=0/5h',
    'usd=20/720h',
  ])
  expect(await amounts({ removeLimits: ['tokens'] })).toEqual(['usd=20/720h'])
  const both = {
    limits: [{ metric: 'usd' as const, amount: 1, windowMs: hour }],
    removeLimits: ['usd' as const],
  }
  expect(await failure(latchkey.keys.update('full', both))).toMatchObject({ code: 'invalid' })
})

test('a key is selected by id, by a prefix of it, by name in any case, by its start, and by its secret', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const key = await latchkey.keys.create({ name: 'Deploy Bot' })
  for (const selector of [
    key.id,
    key.id.toUpperCase(),
    key.id.slice(0, 26),
    'deploy bot',
    key.start,
    { secret: key.secret! },
  ]) {
    expect((await latchkey.keys.get(selector)).id).toBe(key.id)
  }
  for (const selector of ['Deploy', 'key_01', '', '%', { secret: 'pk_none' }]) {
    expect(await failure(latchkey.keys.get(selector))).toMatchObject({ code: 'not_found', exit: 3 })
  }
})

test('names beyond ASCII are found, and their case counts', async () => {
  await using home = await temporaryLatchkey()
  const { keys } = home.latchkey
  await keys.create({ name: 'École' })
  await keys.create({ name: 'école' })
  expect((await keys.get('École')).name).toBe('École')
  expect(await keys.list({ search: 'COLE' })).toHaveLength(2)
  expect(await failure(keys.create({ name: 'ÉCOLE' }))).toMatchObject({ code: 'conflict' })
})

test('a prefix that fits two keys is refused, and both are named', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const a = await latchkey.keys.create({ name: 'a' })
  const b = await latchkey.keys.create({ name: 'b' })
  const error = await failure(latchkey.keys.revoke(a.id.slice(0, 12)))
  expect(error).toMatchObject({ code: 'ambiguous', exit: 5 })
  expect(error.message).toContain(a.id)
  expect(error.message).toContain(b.id)
  expect(await latchkey.keys.list({ status: 'revoked' })).toEqual([])
})

test('what was typed by mistake for a name is not repeated when it may be a secret', async () => {
  await using home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({ name: 'ci' })
  const error = await failure(home.latchkey.keys.get(secret!))
  expect(error.message + error.hint).not.toContain(secret!.slice(0, 12))
})

test.each([
  [{ name: 'ok', metadata: { a: ['\ud800'] } }, 'JSON'],
  [{ name: 'half a pair \udc00' }, 'Unicode'],
  [{ name: '' }, 'name'],
  [{ name: 'key_abc' }, 'name'],
  [{ name: '-rf' }, 'name'],
  [{ name: 'a\u0000b' }, 'name'],
  [{ name: 'x'.repeat(101) }, 'name'],
  [{ name: 'ok', limits: [{ metric: 'tokens', amount: 1.5, windowMs: hour }] }, 'limits'],
  [{ name: 'ok', limits: [{ metric: 'tokens', amount: 1, windowMs: 59_999 }] }, 'window'],
  [{ name: 'ok', limits: [{ metric: 'tokens', amount: 1, windowMs: 367 * 24 * hour }] }, 'window'],
  [{ name: 'ok', limits: [{ metric: 'cents', amount: 1, windowMs: hour }] }, 'metric'],
  [{ name: 'ok', limits: Array(2).fill({ metric: 'tokens', amount: 1, windowMs: hour }) }, 'twice'],
  [{ name: 'ok', scopes: ['a b'] }, 'scopes'],
  [{ name: 'ok', allowedModels: [''] }, 'allowed models'],
  [{ name: 'ok', expiresAt: new Date('2026-11-20T12:00:00Z') }, 'past'],
  [{ name: 'ok', expiresAt: new Date(Number.NaN) }, 'expires'],
])('%p is refused, and nothing is written', async (input, word) => {
  await using home = await temporaryLatchkey()
  const error = await failure(home.latchkey.keys.create(input as never))
  expect(error).toMatchObject({ code: 'invalid', exit: 2 })
  expect(`${error.message} ${error.hint}`).toContain(word)
  expect(await home.latchkey.keys.list()).toEqual([])
})

test('a secret is not taken for a name', async () => {
  await using home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({ name: 'ci' })
  const error = await failure(home.latchkey.keys.create({ name: secret! }))
  expect(error).toMatchObject({ code: 'invalid' })
})

test('many keys are created in one transaction: one taken name, and none is', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'batch-3' })
  expect(await failure(latchkey.keys.createMany({ name: 'batch' }, 5))).toMatchObject({ code: 'conflict' })
  expect(await latchkey.keys.list()).toHaveLength(1)
  const made = await latchkey.keys.createMany({ name: 'set' }, 3)
  expect(made.map(key => key.name)).toEqual(['set-1', 'set-2', 'set-3'])
  expect(new Set(made.map(key => key.secret)).size).toBe(3)
})

test('a project gives its prefix to the secrets of its keys', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Data', owner: 'alice', keyPrefix: 'dat' })
  const made = await latchkey.keys.create({ name: 'ci', project: 'data' })
  expect(made.secret).toMatch(/^dat_[0-9A-Za-z]{36}$/)
  expect(made.start).toBe(made.secret!.slice(0, 10))
  expect((await latchkey.keys.verify(made.secret!)).valid).toBe(true)
  expect((await latchkey.keys.rotate('ci')).secret).toMatch(/^dat_/)
})

test('deleting a key erases its secrets and limits; reports and the audit trail still tell of it', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const made = await latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'tokens', amount: 1, windowMs: hour }],
  })
  await latchkey.usage.record('ci', { inputTokens: 1 })
  await latchkey.keys.delete('ci')
  expect((await latchkey.keys.verify(made.secret!)).code).toBe('not_found')
  expect(await latchkey.usage.report({ by: ['key'] })).toMatchObject([
    { key: { id: made.id, name: 'ci' }, tokens: 1 },
  ])
  const [entry] = await latchkey.audit.list({ target: made.id })
  expect(entry).toMatchObject({
    action: 'key.delete',
    actor: 'tester',
    origin: 'script',
    target: { name: 'ci' },
  })
})

test('the audit trail holds what changed, before and after, and never a secret', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const later = () => {
    clock.now = new Date(clock.now.getTime() + 1_000)
  }
  later()
  const made = await latchkey.keys.create({ name: 'ci' })
  later()
  const { secret } = await latchkey.keys.rotate('ci')
  later()
  await latchkey.keys.update('ci', { model: 'glm-4.7' })
  const entries = await latchkey.audit.list()
  expect(entries.map(entry => entry.action)).toEqual([
    'key.update',
    'key.rotate',
    'key.create',
    // A database on a server comes from a template that nobody made.
    ...(onPostgres ? [] : (['database.init'] as const)),
  ])
  expect(entries[0]).toMatchObject({ before: { model: null }, after: { model: 'glm-4.7' } })
  expect(JSON.stringify(entries)).not.toContain(made.secret!.slice(3, 20))
  expect(JSON.stringify(entries)).not.toContain(secret!.slice(3, 20))
})

test('a dry run of a creation has everything but the secret', async () => {
  await using home = await temporaryLatchkey()
  expect(await home.dry.keys.create({ name: 'ci' })).toMatchObject({ name: 'ci', secret: null })
  expect(await home.latchkey.keys.list()).toEqual([])
})

test('keys that are about to expire are found, whether on or off', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  for (const days of [1, 13, 15]) {
    await latchkey.keys.create({
      name: `in ${days}`,
      expiresAt: new Date(clock.now.getTime() + days * 24 * hour),
    })
  }
  await latchkey.keys.create({ name: 'never' })
  await latchkey.keys.disable('in 13')
  const found = await latchkey.keys.list({ expiresWithinMs: 14 * 24 * hour })
  expect(found.map(key => key.name)).toEqual(['in 1', 'in 13'])
})

async function fillIn(latchkey: Latchkey): Promise<void> {
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  await latchkey.keys.create({
    name: 'full',
    user: 'alice',
    project: 'shop',
    model: 'glm-4.7',
    allowedModels: ['glm-*'],
    scopes: ['chat:write'],
    expiresAt: new Date('2027-01-01T00:00:00Z'),
    metadata: { team: 'core' },
    limits: [
      { metric: 'tokens', amount: 100, windowMs: 5 * hour },
      { metric: 'tokens', amount: 900, windowMs: 24 * hour },
      { metric: 'usd', amount: 20, windowMs: 720 * hour },
    ],
  })
}

test('a verdict as if it were then looks at what was so then', async () => {
  await using home = await temporaryLatchkey()
  const { keys, users } = home.latchkey
  await users.create({ username: 'alice' })
  const { secret } = await keys.create({ name: 'ci', user: 'alice' })
  const before = home.clock.now
  home.clock.now = new Date(before.getTime() + hour)
  await users.disable('alice')
  await keys.disable('ci')
  await keys.revoke('ci')
  expect((await keys.verify(secret!)).code).toBe('revoked')
  expect((await keys.verify(secret!, { at: before })).code).toBe('valid')
  expect((await keys.stats('ci', { at: before })).key.status).toBe('active')
})

test.each([
  [{ at: new Date(Number.NaN) }],
  [{ wanted: { tokens: Number.NaN } }],
  [{ wanted: { usd: -1 } }],
  [{ wanted: { requests: Number.POSITIVE_INFINITY } }],
])('a verdict is never given on %p', async options => {
  await using home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({ name: 'ci' })
  expect(await failure(home.latchkey.keys.verify(secret!, options))).toMatchObject({ code: 'invalid' })
})

test('what is no text is malformed, and what is closed stays closed', async () => {
  await using home = await temporaryLatchkey()
  const { keys } = home.latchkey
  await keys.create({ name: 'ci' })
  expect((await keys.verify(undefined as never)).code).toBe('malformed')
  await home.latchkey.close()
  for (const use of [keys.get('ci'), keys.create({ name: 'b' }), keys.verify('pk_x')]) {
    expect((await failure(use)).message).toContain('closed')
  }
})
