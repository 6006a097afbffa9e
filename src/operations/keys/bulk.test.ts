// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import type { BulkChange } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const hour = 3_600_000
async function sixKeys() {
  const home = await temporaryLatchkey()
  const { keys, users } = home.latchkey
  await users.create({ username: 'alice' })
  await keys.createMany(
    { name: 'k', user: 'alice', limits: [{ metric: 'tokens', amount: 5, windowMs: hour }] },
    4,
  )
  await keys.create({ name: 'other' })
  await keys.revoke('k-2')
  await keys.disable('k-3')
  return home
}

const changes: readonly (readonly [BulkChange, readonly string[], object])[] = [
  [{ verb: 'revoke', reason: 'left' }, ['k-1', 'k-3', 'k-4'], { status: 'revoked', revokedReason: 'left' }],
  [{ verb: 'disable' }, ['k-1', 'k-4'], { status: 'disabled' }],
  [{ verb: 'enable' }, ['k-3'], { status: 'active' }],
  [
    {
      verb: 'update',
      changes: { scopes: ['a:b'], limits: [{ metric: 'tokens', amount: 0, windowMs: hour }] },
    },
    ['k-1', 'k-2', 'k-3', 'k-4'],
    { scopes: ['a:b'], limits: [{ metric: 'tokens', amount: 0, windowMs: hour }] },
  ],
  [
    { verb: 'update', changes: { user: null, removeLimits: ['tokens'] } },
    ['k-1', 'k-2', 'k-3', 'k-4'],
    { user: null, limits: [] },
  ],
]

test.each(changes)(
  '%p changes what it can change of what matches, each with an audit row',
  async (change, names, as) => {
    await using home = await sixKeys()
    const { keys, audit } = home.latchkey
    const others = (await keys.list()).filter(key => !names.includes(key.name))
    const listed = await keys.matching({ user: 'alice' }, change.verb)
    expect(listed.map(key => key.name)).toEqual([...names])
    expect(await audit.list({ action: `key.${change.verb}` })).toHaveLength(
      change.verb === 'revoke' || change.verb === 'disable' ? 1 : 0,
    )
    const before = (await audit.list()).length
    const changed = await home.latchkey.keys.changeMatching({ user: 'alice' }, change, {
      count: names.length,
    })
    expect(changed).toMatchObject(names.map(name => ({ name, ...as })))
    for (const { changed: isNews, before: _, ...key } of changed) {
      expect(isNews).toBe(true)
      expect(await keys.get(key.id)).toEqual(key)
    }
    expect((await keys.list()).filter(key => !names.includes(key.name))).toEqual(others)
    const rows = (await audit.list({ action: `key.${change.verb}` })).slice(0, names.length)
    expect(rows.map(row => row.target.name).toSorted()).toEqual([...names])
    for (const row of rows) expect(row.after).toMatchObject(as)
    expect((await audit.list()).length).toBe(before + names.length)
  },
)

test('erasing leaves of the keys what they used, and the audit trail tells of each', async () => {
  await using home = await sixKeys()
  const { keys, audit, usage } = home.latchkey
  await usage.record('k-1', { inputTokens: 1 })
  const gone = await keys.changeMatching({ user: 'alice' }, { verb: 'delete' })
  expect(gone).toHaveLength(4)
  expect((await keys.list()).map(key => key.name)).toEqual(['other'])
  expect(await usage.report({ by: ['key', 'user'] })).toMatchObject([
    { key: { name: 'k-1' }, user: { username: 'alice' }, inputTokens: 1 },
  ])
  expect(await audit.list({ action: 'key.delete' })).toHaveLength(4)
})

test.each([
  [{ count: 3 }, 'not 3'],
  [{ count: 0 }, 'not 0'],
  [{ ids: [] }, 'changed since'],
  [{ ids: ['key_00000000000000000000000000'] }, 'changed since'],
])('when %p was expected, nothing is changed', async (expected, words) => {
  await using home = await sixKeys()
  const { keys, audit } = home.latchkey
  const before = [await keys.list(), await audit.list()]
  const error = await failure(keys.changeMatching({ user: 'alice' }, { verb: 'disable' }, expected))
  expect(error).toMatchObject({ code: 'conflict', exit: 5 })
  expect(error.message).toContain(words)
  expect([await keys.list(), await audit.list()]).toEqual(before)
})

test('all keys there are must be meant: by a filter, or by their number', async () => {
  await using home = await sixKeys()
  const { keys } = home.latchkey
  const change = { verb: 'disable' } as const
  for (const filter of [{}, { user: undefined, status: undefined }]) {
    expect(await failure(keys.changeMatching(filter, change))).toMatchObject({ code: 'invalid' })
    expect(await failure(keys.matching(filter, 'disable'))).toMatchObject({ code: 'invalid' })
  }
  expect(await keys.changeMatching({}, change, { count: 3 })).toHaveLength(3)
})

test.each([
  [{ verb: 'update', changes: { name: 'x' } as never }, 'name'],
  [{ verb: 'update', changes: {} }, 'nothing to change'],
  [{ verb: 'update', changes: { scopes: ['a b'] } }, 'scopes'],
  [{ verb: 'update', changes: { expiresAt: new Date(0) } }, 'past'],
  [{ verb: 'update', changes: { user: 'nobody' } }, 'nobody'],
  [{ verb: 'revoke', reason: '' }, 'empty'],
] as const)('%p is refused, and nothing is changed', async (change, words) => {
  await using home = await sixKeys()
  const before = await home.latchkey.keys.list()
  const error = await failure(home.latchkey.keys.changeMatching({ user: 'alice' }, change as BulkChange))
  expect(error?.message).toContain(words)
  expect(await home.latchkey.keys.list()).toEqual(before)
})

test('a dry run shows the keys as they would become', async () => {
  await using home = await sixKeys()
  const before = await home.latchkey.keys.list()
  const shown = await home.dry.keys.changeMatching({ user: 'alice' }, { verb: 'revoke' })
  expect(shown.map(key => key.status)).toEqual(['revoked', 'revoked', 'revoked'])
  expect(await home.latchkey.keys.list()).toEqual(before)
})

test('thousands are changed at once', async () => {
  await using home = await temporaryLatchkey()
  const { keys, audit } = home.latchkey
  await keys.createMany({ name: 'k' }, 3_000)
  expect(await keys.changeMatching({ status: 'active' }, { verb: 'revoke' }, { count: 3_000 })).toHaveLength(
    3_000,
  )
  expect(await keys.list({ status: 'revoked' })).toHaveLength(3_000)
  expect(await audit.list({ action: 'key.revoke', limit: 5_000 })).toHaveLength(3_000)
})
