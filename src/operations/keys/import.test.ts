// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'
import { hashSecret } from '../rules/secrets.ts'

const hour = 3_600_000
const day = 24 * hour

const rows = (list: readonly object[]) => list.map(row => `${JSON.stringify(row)}\n`).join('')
const source = (text: string, file = 'stdin') => ({ file, chunks: new Blob([text]).stream() })
async function owners(latchkey: Latchkey) {
  await latchkey.users.create({ username: 'alice' })
  await latchkey.users.create({ username: 'gone' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice', keyPrefix: 'shp' })
}

test('a packed file of keys is unpacked, by its name or by how it begins', async () => {
  await using home = await temporaryLatchkey()
  const line = (name: string) => `name,secret\n${name},pk_secret_of_${name}\n`
  const named = join(home.folder, 'keys.csv.gz')
  await Bun.write(named, gzipSync(line('named')))
  const other = join(home.folder, 'keys')
  await Bun.write(other, zstdCompressSync(line('other')))
  for (const file of [named, other]) {
    expect(await home.latchkey.keys.import({ file })).toMatchObject({ created: 1 })
  }
  const bytes = new Uint8Array(gzipSync(line('piped')))
  expect((await run('key import - --json', { db: home.path, stdin: bytes })).json()).toMatchObject({
    created: 1,
  })
  expect((await home.latchkey.keys.list()).map(({ name }) => name)).toEqual(['named', 'other', 'piped'])
  // The half that is there could be read as all of it.
  for (const pack of [gzipSync, zstdCompressSync]) {
    const whole = pack(Array.from({ length: 500 }, (_, n) => line(`half-${n}`)).join(''))
    await Bun.write(other, whole.subarray(0, whole.length - 9))
    expect((await failure(home.latchkey.keys.import({ file: other }))).message).toContain(' is damaged')
  }
  const packed = await run(`import glm-proxy ${named}`, { db: home.path })
  expect(packed).toMatchObject({ code: 2, err: expect.stringContaining(`${named} is compressed with gzip`) })
})

test.each(['ndjson', 'csv'])(
  'what is exported as %s is imported as the same keys, which verify the same',
  async format => {
    await using from = await temporaryLatchkey()
    await using to = await temporaryLatchkey()
    const { keys, users, usage } = from.latchkey
    await owners(from.latchkey)
    const secrets: string[] = []
    const make = async (name: string, more: object = {}) => {
      secrets.push((await keys.create({ name, ...more })).secret!)
    }
    await make('plain')
    await make('é "q", \n'.trim(), { metadata: { text: 'a,"b"\n', list: [1, null] } })
    await make('full', {
      user: 'alice',
      project: 'shop',
      model: 'glm-4.7',
      allowedModels: ['glm-*', 'a,b'],
      scopes: ['chat:write', 'files:*'],
      expiresAt: new Date(from.clock.now.getTime() + 20 * day),
      limits: [
        { metric: 'tokens', amount: 0, windowMs: 5 * hour },
        { metric: 'usd', amount: 0.000001, windowMs: 720 * hour },
      ],
    })
    await make('off')
    await make('over', { expiresAt: new Date(from.clock.now.getTime() + 1) })
    await make('ended')
    await make('turned')
    await make('theirs', { user: 'gone' })
    await keys.disable('off')
    await keys.revoke('ended', { reason: 'a, "b"' })
    await usage.record('plain', { inputTokens: 3, outputTokens: 4, costUsd: 0.5 })
    secrets.push((await keys.rotate('turned', { graceMs: 10 * day })).secret!)
    secrets.push((await keys.rotate('turned')).secret!)
    await users.disable('gone')
    from.clock.now = new Date(from.clock.now.getTime() + day)
    to.clock.now = from.clock.now

    const exported = await run(`key export -o ${format}`, { db: from.path, now: from.clock.now })
    for (const secret of secrets) expect(exported.out).not.toContain(secret.slice(0, 20))
    await owners(to.latchkey)
    await to.latchkey.users.disable('gone')
    const report = await to.latchkey.keys.import(source(exported.out))
    expect(report).toMatchObject({ created: 8, refused: 0, ignoredFields: [] })
    // Owners have other ids there, and the import is a change.
    const comparable = async (latchkey: Latchkey) =>
      (await Array.fromAsync(latchkey.keys.export())).map(key => ({
        ...key,
        updatedAt: 0,
        user: key.user?.username,
        project: key.project?.slug,
      }))
    expect(await comparable(to.latchkey)).toEqual(await comparable(from.latchkey))
    const codes = async (latchkey: Latchkey) =>
      await Promise.all(
        secrets.map(async secret => {
          const { code, limits } = await latchkey.keys.verify(secret, { model: 'x', scope: 'chat:write' })
          return [code, limits.map(limit => limit.amount)]
        }),
      )
    expect(await codes(to.latchkey)).toEqual(await codes(from.latchkey))
    const found = (await codes(to.latchkey)).map(([code]) => code)
    expect(new Set(found)).toEqual(
      new Set([
        'insufficient_scope',
        'limit_exceeded',
        'disabled',
        'expired',
        'revoked',
        'rotated',
        'user_disabled',
      ]),
    )
    expect((await to.latchkey.keys.stats('plain')).totals).toMatchObject({
      requests: 1,
      tokens: 7,
      inputTokens: 3,
    })

    const again = await to.latchkey.keys.import(source(exported.out))
    expect(again).toMatchObject({ id: null, created: 0, unchanged: 8, refused: 0 })
    expect((await to.latchkey.health()).checks.filter(check => check.status === 'failed')).toEqual([])
  },
)

test('foreign secrets go on working, and are stored nowhere', async () => {
  await using home = await temporaryLatchkey()
  const { keys, audit } = home.latchkey
  const report = await keys.import(
    source(
      'name,secret,scopes,limits\nold,sk-proj-AbC123,chat:read chat:write,"[{""metric"":""requests"",""amount"":5,""windowMs"":60000}]"\n',
    ),
  )
  expect(report.items).toEqual([{ type: 'key', name: 'old', outcome: 'created', reason: null }])
  expect(await keys.verify('sk-proj-AbC123', { scope: 'chat:read' })).toMatchObject({
    valid: true,
    limits: [{ metric: 'requests', amount: 5 }],
  })
  expect(await keys.get({ secret: 'sk-proj-AbC123' })).toMatchObject({ start: 'sk-p' })
  const dump = JSON.stringify([await Array.fromAsync(keys.export()), await audit.list()])
  expect(dump).not.toContain('proj-AbC123')
})

const hash = hashSecret('sk-one')
const bad: readonly (readonly [object | string, string])[] = [
  ['{"name":', 'line 2 is not JSON'],
  [{ hash }, 'has no name'],
  [{ name: 'x' }, 'neither a hash nor a secret'],
  [{ name: 'x', hash: 'abc' }, 'hash is not a SHA-256'],
  [{ name: 'x', secret: 'lk_wrong' }, 'checksum is wrong'],
  [{ name: 'x', secret: 'a b' }, 'printable ASCII'],
  [{ name: 'x', secret: 'sk-one', hash: hashSecret('sk-two') }, 'does not match its secret'],
  [{ name: 'x sk-secret-1', secret: 'sk-secret-1' }, 'repeats its secret'],
  [{ name: 'x', hash, start: 'sk-one' }, 'whole secret as its start'],
  [{ name: 'x', hash, start: 'a'.repeat(20) }, 'longer than 19'],
  [{ name: 'x', hash, limits: [{ metric: 'tokens', amount: 1, windowMs: 5 }] }, 'at least one minute'],
  [{ name: 'x', hash, limits: 'tokens=5' }, 'limits'],
  [{ name: 'x', hash, expiresAt: '2027-01-01' }, 'is not a time'],
  [{ name: 'x', hash, expiresAt: '2027-13-01T00:00:00Z' }, 'is not a time'],
  [{ name: 'x', hash, expiresAt: '2027-02-30T00:00:00Z' }, 'is not a time'],
  [{ name: 'x', hash, revokedReason: 'y' }, 'without a revokedAt'],
  [{ name: 'x', hash, user: 'nobody' }, 'has an unknown user'],
  [{ name: 'x', hash, project: 'none' }, 'has an unknown project'],
  [{ name: 'GOOD', hash }, 'of line 1'],
  [{ name: 'TAKEN', hash }, 'has a name that is taken'],
  [{ name: 'x', hash: hashSecret('sk-good') }, 'of line 1'],
  [{ name: 'x', hash, id: 'key_1' }, 'is not the id'],
  [
    { name: 'x', hash, totals: { requests: 1, inputTokens: 5, outputTokens: 5, tokens: 9, costUsd: 0 } },
    'fewer tokens',
  ],
  [{ name: 'x', hash, scopes: ['a b'] }, 'scopes'],
]

test.each(bad)('the row %p is refused: none is imported, or with skipBad the others', async (row, words) => {
  await using home = await temporaryLatchkey()
  const { keys, audit } = home.latchkey
  await keys.create({ name: 'taken' })
  const before = await audit.list()
  const good = JSON.stringify({ name: 'good', secret: 'sk-good' })
  const text = `${good}\n${typeof row === 'string' ? row : JSON.stringify(row)}\n`
  const error = await failure(keys.import(source(text)))
  expect(error).toMatchObject({ code: 'invalid', exit: 2 })
  expect(error.message).toContain('line 2')
  expect(error.message).toContain(words)
  for (const secret of ['sk-good', 'sk-secret', 'sk-one']) expect(error.message).not.toContain(secret)
  expect(await keys.list()).toHaveLength(1)
  expect(await audit.list()).toEqual(before)

  const report = await keys.import(source(text), { skipBad: true })
  expect(report).toMatchObject({ created: 1, refused: 1 })
  expect(report.items.map(item => item.outcome)).toEqual(['created', 'refused'])
  expect((await keys.verify('sk-good')).valid).toBe(true)
})

test('a secret that is here already is left as it is, under whatever name', async () => {
  await using home = await temporaryLatchkey()
  const { keys } = home.latchkey
  const { secret, id } = await keys.create({ name: 'ci' })
  const next = await keys.rotate('ci')
  const report = await keys.import(source(rows([{ name: 'ci', secret: next.secret }])))
  expect(report.items).toEqual([{ type: 'key', name: 'ci', outcome: 'unchanged', reason: null }])
  const other = await keys.import(source(rows([{ name: 'other', secret, model: 'x' }])))
  expect(other.items[0]).toMatchObject({ outcome: 'unchanged', reason: expect.stringContaining(id) })
  expect(await keys.list()).toHaveLength(1)
})

test('a key that came with a hash alone is not selected by nothing', async () => {
  await using home = await temporaryLatchkey()
  const { keys } = home.latchkey
  await keys.import(source(rows([{ name: 'x', hash, nickname: 'y', color: 1 }])))
  expect(await failure(keys.get(''))).toMatchObject({ code: 'not_found' })
  expect((await keys.verify('sk-one')).valid).toBe(true)
})

test('fields that have no home here are named', async () => {
  await using home = await temporaryLatchkey()
  const report = await home.latchkey.keys.import(source(rows([{ name: 'x', hash, nickname: 'y', color: 1 }])))
  expect(report.ignoredFields).toEqual(['color', 'nickname'])
})

test('a dry run reports the same and keeps nothing', async () => {
  await using home = await temporaryLatchkey()
  const text = rows(Array.from({ length: 1_200 }, (_, n) => ({ name: `k${n}`, secret: `sk-${n}` })))
  expect(await home.dry.keys.import(source(text))).toMatchObject({ created: 1_200 })
  expect(await home.latchkey.keys.list()).toEqual([])
  expect(await home.latchkey.keys.import(source(text))).toMatchObject({ created: 1_200 })
  expect((await home.latchkey.keys.verify('sk-1199')).valid).toBe(true)
})
