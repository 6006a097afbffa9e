// Runs on PostgreSQL too.
/** Limits for each end user of a key or project. */
import { expect, test } from 'bun:test'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { rolling } from '../../testing/limits.ts'
import { run } from '../../testing/run.ts'

const hour = 3_600_000
const each = (amount: number, windowMs = hour) => ({ ...rolling('tokens', amount, windowMs), each: true })

async function served(limits = [each(100)]) {
  const home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { keys, users, projects } = home.latchkey
  await users.create({ username: 'alice' })
  await projects.create({ name: 'Shop', owner: 'alice' })
  const { secret } = await keys.create({ name: 'ci', user: 'alice', project: 'shop', limits })
  const code = async (endUser: string | undefined, latchkey: Latchkey = home.latchkey) =>
    (await latchkey.keys.verify(secret!, { endUser })).code
  const { latchkey, path, folder, clock } = home
  return {
    latchkey,
    path,
    folder,
    clock,
    secret: secret!,
    code,
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

test('each end user of a key has a limit of their own, and who names none has none', async () => {
  await using home = await served()
  const { latchkey, secret, code } = home
  await latchkey.usage.record('ci', { inputTokens: 100, endUser: 'ann' })
  await latchkey.usage.record('ci', { inputTokens: 500 })
  expect([await code('ann'), await code('bob'), await code('new'), await code(undefined)]).toEqual([
    'limit_exceeded',
    'valid',
    'valid',
    'valid',
  ])
  const { limits } = await latchkey.keys.verify(secret, { endUser: 'ann' })
  expect(limits).toMatchObject([{ each: true, endUser: 'ann', used: 100, remaining: 0, exceeded: true }])
  // Blanks around an id are not part of it, as when usage is recorded.
  expect(await code(' ann ')).toBe('limit_exceeded')
  // Their total is the key's total, once.
  expect((await latchkey.keys.stats('ci')).totals.tokens).toBe(600)
  expect((await latchkey.usage.report())[0]).toMatchObject({ tokens: 600, requests: 2 })
})

test('a limit for each end user of a project counts all its keys', async () => {
  await using home = await served([])
  const { latchkey, code } = home
  await latchkey.limits.set({ project: 'shop' }, [each(100)])
  await latchkey.keys.create({ name: 'cd', user: 'alice', project: 'shop' })
  await latchkey.usage.record('ci', { inputTokens: 60, endUser: 'ann' })
  await latchkey.usage.record('cd', { inputTokens: 40, endUser: 'ann' })
  await latchkey.usage.record('cd', { inputTokens: 99, endUser: 'bob' })
  expect([await code('ann'), await code('bob')]).toEqual(['limit_exceeded', 'valid'])
})

test.each(['', '  ', 'x'.repeat(201)])('the end user %p is refused, not taken for nobody', async endUser => {
  await using home = await served()
  const { latchkey, secret } = home
  for (const asked of [
    latchkey.keys.verify(secret, { endUser }),
    latchkey.keys.explain('ci', { endUser }),
    latchkey.usage.reserve('ci', { endUser }),
    latchkey.usage.record('ci', { endUser }),
    latchkey.guard({ headers: new Headers({ authorization: `Bearer ${secret}` }) }, { endUser }),
  ])
    expect(await failure(asked)).toMatchObject({ code: 'invalid' })
})

test('a secret is no id of an end user', async () => {
  await using home = await served()
  const { latchkey, secret } = home
  expect(await failure(latchkey.keys.verify(secret, { endUser: secret }))).toMatchObject({ code: 'invalid' })
  expect(await failure(latchkey.usage.record('ci', { endUser: secret }))).toMatchObject({ code: 'invalid' })
})

test('a reservation is for an end user, and is settled for them', async () => {
  await using home = await served()
  const { latchkey, code } = home
  const { reservation } = await latchkey.usage.reserve('ci', { tokens: 100, endUser: 'ann' })
  expect([await code('ann'), await code('bob')]).toEqual(['limit_exceeded', 'valid'])
  expect((await latchkey.usage.reserve('ci', { tokens: 1, endUser: 'ann' })).reservation).toBeNull()
  const settled = await latchkey.usage.settle(reservation!.id, { inputTokens: 30 })
  expect(settled).toMatchObject({ endUser: 'ann', tokens: 30 })
  const { verdict } = await latchkey.usage.reserve('ci', { tokens: 71, endUser: 'ann' })
  expect(verdict).toMatchObject({ code: 'limit_exceeded', limits: [{ used: 30, remaining: 70 }] })
})

test('a key has so many end users: for another, requests are denied and usage counts for the key alone', async () => {
  await using home = await served()
  const { path, clock } = home
  await using latchkey = await connect(path, clock, 2)
  const record = (endUser: string) => latchkey.usage.record('ci', { inputTokens: 100, endUser })
  expect((await record('ann')).endUser).toBe('ann')
  expect((await record('bob')).endUser).toBe('bob')
  expect((await record('eve')).endUser).toBeNull()
  const code = (endUser: string) => home.code(endUser, latchkey)
  expect([await code('ann'), await code('bob'), await code('eve')]).toEqual([
    'limit_exceeded',
    'limit_exceeded',
    'too_many_end_users',
  ])
  expect((await latchkey.usage.reserve('ci', { endUser: 'eve' })).verdict.code).toBe('too_many_end_users')
  await using recorder = await latchkey.usage.createRecorder()
  const event = { key: 'ci', at: clock.now.toISOString(), inputTokens: 10 }
  const events = ['ann', 'eve', 'eve', 'kim'].map(endUser => ({ ...event, endUser }))
  expect(await recorder.ingest(events)).toMatchObject({ counted: 4, endUsersLeftOut: 2 })
  const lines = new TextEncoder().encode(events.map(each => JSON.stringify(each)).join('\n'))
  const chunks = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(lines)
      controller.close()
    },
  })
  expect(await latchkey.usage.ingest({ file: 'events.ndjson', chunks })).toMatchObject({
    counted: 4,
    endUsersLeftOut: 2,
  })
  expect((await latchkey.keys.stats('ci')).totals.tokens).toBe(380)
  // Known ones are counted as before, also as the key moves on.
  await latchkey.keys.update('ci', { project: null })
  expect((await record('ann')).endUser).toBe('ann')
  // Without a limit for each of them nobody is denied.
  await latchkey.limits.remove({ key: 'ci' }, [{ metric: 'tokens' }])
  expect(await code('eve')).toBe('valid')
  const { reservation } = await latchkey.usage.reserve('ci', { endUser: 'eve' })
  expect((await latchkey.usage.settle(reservation!.id, {})).endUser).toBeNull()
})

async function connect(path: string, clock: { readonly now: Date }, maxEndUsers: number) {
  const latchkey = connectLatchkey({ path, now: () => clock.now, maxEndUsers })
  return Object.assign(latchkey, { [Symbol.asyncDispose]: () => latchkey.close() })
}

test('users have no limits for each end user, and are told where to set them', async () => {
  await using home = await served()
  const { latchkey, path, folder } = home
  const refusals = [
    latchkey.users.create({ username: 'bob', limits: [each(1)] }),
    latchkey.users.update('alice', { limits: [each(1)] }),
    latchkey.limits.set({ user: 'alice' }, [each(1)]),
  ]
  for (const refused of refusals) expect(await failure(refused)).toMatchObject({ code: 'invalid' })
  for (const line of [
    'user create bob --limit-each tokens=1/1d',
    'user update alice --limit-each tokens=1/1d',
    'user limit set alice tokens=1/1d --each',
  ]) {
    const { code, err } = await run(line, { db: path, cwd: folder })
    expect([line, code]).toEqual([line, 2])
    expect(err).toContain('latchkey project limit set PROJECT tokens=50k/1d --each')
  }
})

test.each([
  ['key', 'ci'],
  ['project', 'shop'],
])('on the command line, for a %s', async (noun, name) => {
  await using home = await served([])
  const { latchkey, path, folder, clock } = home
  const type = (line: string) => run(line, { db: path, cwd: folder, now: clock.now })
  const limits = async () =>
    (await type(`${noun} show ${name} --json`))
      .json<{ limits: { metric: string; amount: number; each: boolean }[] }>()
      .limits.map(limit => `${limit.metric}=${limit.amount}${limit.each ? ' each' : ''}`)
  await type(`${noun} update ${name} --limit tokens=1M/1d --limit-each tokens=50k/1d`)
  expect(await limits()).toEqual(['tokens=1000000', 'tokens=50000 each'])
  expect((await type(`${noun} show ${name}`)).out).toContain('50,000 / 1d for each end user')
  await type(`${noun} update ${name} --limit-each tokens=60k/1d --no-limit tokens/1d`)
  expect(await limits()).toEqual(['tokens=60000 each'])
  await type(`${noun} limit set ${name} tokens=1M/1d`)
  await type(`${noun} limit set ${name} tokens=70k/1d requests=5/1d --each`)
  const listed = (await type(`${noun} limit list ${name}`)).out
  // Nobody in particular has used anything of it.
  expect(listed).toMatch(/tokens +1d for each end user +70,000 {2,}(key|project)/)
  await latchkey.usage.record('ci', { inputTokens: 70_000, endUser: 'ann' })
  const explained = await type('key explain ci --end-user ann')
  expect(explained.out).toContain(`Hit: tokens/1d for each end user of ${noun} ${name}`)
  expect(explained.out).toContain('tokens / 1d for each end user (ann)')
  const asked = await run('key verify - --end-user ann', { db: path, now: clock.now, stdin: home.secret })
  expect(asked.code).toBe(4)
  expect((await type(`${noun} limit remove ${name} tokens/1d --each`)).code).toBe(0)
  expect(await limits()).toEqual(['tokens=1000000', 'requests=5 each'])
  await type(`${noun} update ${name} --no-limit tokens --no-limit-each requests`)
  expect(await limits()).toEqual([])
})

test('usage record names whom it counted for, and says when there was no room', async () => {
  await using home = await served()
  const { path, folder, clock } = home
  const type = (line: string) =>
    run(line, { db: path, cwd: folder, now: clock.now, env: { LATCHKEY_MAX_END_USERS: '1' } })
  const first = await type('usage record ci --input-tokens 5 --end-user ann --json')
  expect([first.json<{ endUser: string }>().endUser, first.err]).toEqual(['ann', ''])
  const second = await type('usage record ci --input-tokens 5 --end-user bob')
  expect(second.code).toBe(0)
  expect(second.err).toContain('max_end_users')
  expect((await type('usage record ci --input-tokens 5')).err).toBe('')
})
