// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { spawnLatchkey } from '../../testing/process.ts'

const hour = 3_600_000

test('the same request id is the same rotation, without its secret', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const first = await latchkey.keys.create({ name: 'ci' })
  const rotated = await latchkey.keys.rotate('ci', { graceMs: hour, requestId: 'deploy 7' })
  expect(rotated).toMatchObject({ repeated: false, secret: expect.any(String) })
  clock.now = new Date(clock.now.getTime() + 1_000)
  const again = await latchkey.keys.rotate('ci', { graceMs: 5 * hour, requestId: 'deploy 7' })
  expect(again).toEqual({ ...rotated, secret: null, repeated: true })
  expect((await latchkey.keys.verify(first.secret!)).valid).toBe(true)
  expect(await latchkey.audit.list({ action: 'key.rotate' })).toHaveLength(1)

  const next = await latchkey.keys.rotate('ci', { requestId: 'deploy 8' })
  expect(next.secret).not.toBeNull()
  // The one that followed granted no grace, and so ended what the earlier one had promised.
  const late = await latchkey.keys.rotate('ci', { requestId: 'deploy 7' })
  expect(late).toMatchObject({ repeated: true, previousSecretEndsAt: clock.now })
  expect((await latchkey.keys.verify(first.secret!)).valid).toBe(false)
})

test('rotations within one millisecond are told apart', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  await latchkey.keys.create({ name: 'ci' })
  for (const [requestId, graceMs] of [
    ['a', 1_000],
    ['b', 2_000],
    ['c', 3_000],
  ] as const) {
    await latchkey.keys.rotate('ci', { requestId, graceMs })
  }
  for (const [requestId, graceMs] of [
    ['a', 1_000],
    ['b', 2_000],
    ['c', 3_000],
  ] as const) {
    const { previousSecretEndsAt } = await latchkey.keys.rotate('ci', { requestId })
    expect(previousSecretEndsAt).toEqual(new Date(clock.now.getTime() + graceMs))
  }
})

test('a request id belongs to one key, and a retry is answered after the key has ended', async () => {
  await using home = await temporaryLatchkey()
  const { keys } = home.latchkey
  await keys.create({ name: 'a' })
  await keys.create({ name: 'b' })
  expect((await keys.rotate('a', { requestId: 'x' })).repeated).toBe(false)
  expect((await keys.rotate('b', { requestId: 'x' })).repeated).toBe(false)
  await keys.revoke('a')
  expect(await keys.rotate('a', { requestId: 'x' })).toMatchObject({ repeated: true, status: 'revoked' })
})

test('a dry run of a rotation names nothing and keeps nothing', async () => {
  await using home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({ name: 'ci' })
  expect(await home.dry.keys.rotate('ci', { requestId: 'x' })).toMatchObject({
    secret: null,
    repeated: false,
  })
  expect((await home.latchkey.keys.verify(secret!)).valid).toBe(true)
  expect((await home.latchkey.keys.rotate('ci', { requestId: 'x' })).repeated).toBe(false)
})

test('a dry run delivers nothing', async () => {
  await using home = await temporaryLatchkey()
  const { keys } = home.dry
  await home.latchkey.keys.create({ name: 'ci' })
  const deliver = async () => {
    throw new Error('a delivery')
  }
  expect((await keys.create({ name: 'cd' }, { deliver })).secret).toBeNull()
  expect((await keys.rotate('ci', { deliver })).secret).toBeNull()
})

test('many processes that retry at once rotate once', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.keys.create({ name: 'ci' })
  const runs = await Promise.all(
    Array.from({ length: 6 }, () =>
      spawnLatchkey('key rotate ci --request-id deploy --grace 1h --json', { db: home.path }),
    ),
  )
  expect(runs.map(run => [run.code, run.err])).toEqual(runs.map(() => [0, '']))
  const answers = runs.map(run => run.json<{ secret: string | null; previousSecretEndsAt: string }>())
  expect(answers.filter(answer => answer.secret !== null)).toHaveLength(1)
  expect(new Set(answers.map(answer => answer.previousSecretEndsAt)).size).toBe(1)
  const secret = answers.find(answer => answer.secret !== null)!.secret!
  expect((await home.latchkey.keys.verify(secret)).valid).toBe(true)
})

test.each(['', ' ', 'x'.repeat(201), 'a\nb'])('the request id %p is refused', async requestId => {
  await using home = await temporaryLatchkey()
  await home.latchkey.keys.create({ name: 'ci' })
  const error = await home.latchkey.keys.rotate('ci', { requestId }).catch(error => error)
  expect(error).toMatchObject({ code: 'invalid' })
})

test('when a secret cannot be delivered, there is no rotation and no key', async () => {
  await using home = await temporaryLatchkey()
  const { keys, audit } = home.latchkey
  const { secret } = await keys.create({ name: 'ci' })
  const before = await audit.list()
  const deliver = async () => {
    throw new Error('the disk is full')
  }
  expect(await keys.rotate('ci', { deliver }).catch(error => error.message)).toBe('the disk is full')
  expect(await keys.create({ name: 'cd' }, { deliver }).catch(error => error.message)).toBe(
    'the disk is full',
  )
  expect((await keys.verify(secret!)).valid).toBe(true)
  expect(await keys.list()).toHaveLength(1)
  expect(await audit.list()).toEqual(before)
})
