import { expect, test } from 'bun:test'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { holdsSecret } from './scan.ts'
import { mintSecret } from './secrets.ts'

/** Every text of an operation that is kept, with a secret in it. */
const texts: Readonly<Record<string, (l: Latchkey, secret: string) => Promise<unknown>>> = {
  'key name': (l, s) => l.keys.create({ name: s }),
  'key name with more': (l, s) => l.keys.create({ name: `ci ${s}` }),
  'key model': (l, s) => l.keys.create({ name: 'x', model: s }),
  'allowed model': (l, s) => l.keys.create({ name: 'x', allowedModels: ['m', `${s}*`] }),
  'key scope': (l, s) => l.keys.create({ name: 'x', scopes: [`chat:${s}`] }),
  metadata: (l, s) => l.keys.create({ name: 'x', metadata: { a: [{ b: `token ${s}` }] } }),
  'field of metadata': (l, s) => l.keys.create({ name: 'x', metadata: { [s]: 1 } }),
  'new name': (l, s) => l.keys.update('ci', { name: s }),
  'new metadata': (l, s) => l.keys.update('ci', { metadata: s }),
  'of many': (l, s) => l.keys.changeMatching({ search: 'c' }, { verb: 'update', changes: { model: s } }),
  reason: (l, s) => l.keys.revoke('ci', { reason: `leaked: ${s}` }),
  'reason of many': (l, s) => l.keys.changeMatching({ search: 'c' }, { verb: 'revoke', reason: s }),
  'id of a rotation': (l, s) => l.keys.rotate('ci', { requestId: s }),
  username: (l, s) => l.users.create({ username: s }),
  email: (l, s) => l.users.create({ username: 'x', email: `${s}@example.org` }),
  'display name': (l, s) => l.users.update('alice', { name: s }),
  'project name': (l, s) => l.projects.create({ name: s, owner: 'alice', slug: 'x' }),
  description: (l, s) => l.projects.update('shop', { description: `see ${s}.` }),
  'model of usage': (l, s) => l.usage.record('ci', { model: s }),
  'model of a settlement': async (l, s) => {
    const { reservation } = await l.usage.reserve('ci', {})
    return l.usage.settle(reservation?.id ?? '', { model: s })
  },
  'model of an event': async (l, s) => {
    await using recorder = await l.usage.createRecorder()
    return recorder.ingest([{ key: 'ci', model: s }])
  },
  'model of a recorder': async (l, s) => {
    await using recorder = await l.usage.createRecorder()
    return recorder.record((await l.keys.get('ci')).id, { model: s })
  },
  'id of an event': async (l, s) => {
    await using recorder = await l.usage.createRecorder()
    return recorder.ingest([{ key: 'ci', id: s }])
  },
  'line of a log': (l, s) => ingested(l, { key: 'ci', model: s }),
  'id in a log': (l, s) => ingested(l, { key: 'ci', id: s }),
  'price of a model': (l, s) => l.usage.prices.set(s, { inputUsd: 1, outputUsd: 1 }),
  'reason of a backup': (l, s) => l.backups.create({ reason: s }),
  'row of an import': (l, s) => imported(l, { name: 'x', hash: 'ab'.repeat(32), metadata: { s } }),
  'name in an import': (l, s) => imported(l, { name: s, hash: 'ab'.repeat(32) }),
  'first user': async (l, s) => {
    const other = connectLatchkey({ path: `${l.path}.other` })
    try {
      return await other.initialize({ admin: s })
    } finally {
      await other.close()
    }
  },
  'who acts': async (l, s) => {
    const other = connectLatchkey({ path: l.path, actor: { name: s, origin: 'script' } })
    try {
      return await other.keys.disable('ci')
    } finally {
      await other.close()
    }
  },
}

const bytesOf = (row: object) => new TextEncoder().encode(`${JSON.stringify(row)}\n`)

async function* chunks(row: object) {
  yield bytesOf(row)
}

const ingested = (l: Latchkey, event: object) =>
  l.usage.ingest({ file: 'log.ndjson', chunks: chunks({ at: '2026-11-20T10:00:00Z', ...event }) })

/** A row that is refused is told of in the report. */
async function imported(l: Latchkey, row: object): Promise<void> {
  const report = await l.keys.import({ file: 'keys.ndjson', chunks: chunks(row) })
  const [refused] = report.items.filter(item => item.outcome === 'refused')
  if (refused) throw new Error(refused.reason ?? '')
}

test.each(Object.entries(texts))('a live secret is refused as text: %s', async (_, write) => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice', keyPrefix: 'data' })
  await latchkey.keys.create({ name: 'ci' })
  const { secret } = await latchkey.keys.create({ name: 'other', project: 'shop' })
  const error = await write(latchkey, secret!).then(
    () => null,
    (thrown: Error) => thrown,
  )
  expect(error?.message).toMatch(/secret/)
  expect(error?.message).not.toContain(secret!)
  await latchkey.close()
  expect(await home.dump()).not.toContain(secret!)
})

test('a secret is seen wherever it stands, under any prefix, and nothing else is taken for one', () => {
  const secret = mintSecret('lk')
  const other = mintSecret('dok2')
  const escaped = [...secret].map(each => `%${each.charCodeAt(0).toString(16)}`).join('')
  for (const text of [
    secret,
    other,
    `a${secret}b`,
    `see ${other}.`,
    encodeURIComponent(`x_${secret}`),
    escaped,
  ]) {
    expect([text, holdsSecret(text)]).toEqual([text, true])
  }
  // Mistyped, and still nearly one.
  expect(holdsSecret(`${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`)).toBe(true)
  for (const text of [
    '',
    'lk_',
    secret.slice(0, -1),
    `key_${'0'.repeat(26)}`,
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    `sha_${'a'.repeat(36)}`,
    `${'%'.repeat(300)}`,
    'claude-3-5-sonnet-20241022-with-a-very-long-name-indeed',
  ]) {
    expect([text, holdsSecret(text)]).toEqual([text, false])
  }
})

test('a wrong reason keeps the key', async () => {
  await using home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({ name: 'ci' })
  const error = await failure(home.latchkey.keys.revoke('ci', { reason: secret! }))
  expect(error).toMatchObject({
    code: 'invalid',
    message: 'reason must not contain a secret, because it would be stored as plain text',
  })
  expect((await home.latchkey.keys.verify(secret!)).valid).toBe(true)
})
