// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const hour = 3_600_000
const encoder = new TextEncoder()

/** The bytes in pieces of this size. */
async function* pieces(text: string | Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function someKeys() {
  const home = await temporaryLatchkey()
  const { latchkey, clock } = home
  const { keys, users, projects } = latchkey
  await users.create({ username: 'alice' })
  await projects.create({ name: 'Shop', owner: 'alice', keyPrefix: 'shp' })
  const secretOf = async (name: string, more: object = {}) => (await keys.create({ name, ...more })).secret!
  const live = await secretOf('live', { user: 'alice' })
  const shop = await secretOf('shop', { project: 'shop' })
  const revoked = await secretOf('revoked')
  const disabled = await secretOf('disabled')
  const expired = await secretOf('expired', { expiresAt: new Date(clock.now.getTime() + 1) })
  const rotated = await secretOf('turned')
  const grace = (await keys.rotate('turned')).secret!
  const current = (await keys.rotate('turned', { graceMs: hour })).secret!
  await keys.revoke('revoked')
  await keys.disable('disabled')
  clock.now = new Date(clock.now.getTime() + 1)
  const foreign = {
    long: 'sk-ant-api03-Ab_C-d/e+f=1234567890abcdefghij',
    short: 'pk_abc1234',
    tiny: 'tok-98',
  }
  await keys.import({
    file: 'stdin',
    chunks: pieces(
      Object.entries(foreign)
        .map(([name, secret]) => JSON.stringify({ name, secret }))
        .join('\n'),
    ),
  })
  const find = async (text: string | Uint8Array, size?: number) => keys.identify(pieces(text, size))
  return {
    ...home,
    find,
    secrets: { live, shop, revoked, disabled, expired, rotated, grace, current },
    foreign,
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

test('each secret is told with its key, its state and the command that ends it', async () => {
  await using home = await someKeys()
  const { live, shop, revoked, disabled, expired, rotated, grace, current } = home.secrets
  await home.latchkey.usage.record('live', { inputTokens: 1, at: new Date('2026-11-20T11:00:00Z') })
  const found = await home.find(
    [live, shop, revoked, disabled, expired, rotated, grace, current, live].join('\n'),
  )
  const said = found.map(({ line, key, status, secret, live, revoke }) => [
    line,
    key?.name,
    status,
    secret,
    live,
    revoke !== null,
  ])
  expect(said).toEqual([
    [1, 'live', 'active', 'current', true, true],
    [2, 'shop', 'active', 'current', true, true],
    [3, 'revoked', 'revoked', 'current', false, false],
    [4, 'disabled', 'disabled', 'current', false, true],
    [5, 'expired', 'expired', 'current', false, true],
    [6, 'turned', 'active', 'rotated', false, false],
    [7, 'turned', 'active', 'grace', true, true],
    [8, 'turned', 'active', 'current', true, true],
  ])
  expect(found[0]).toMatchObject({
    count: 2,
    start: live.slice(0, 9),
    checksum: true,
    user: { username: 'alice' },
    project: null,
    lastUsedAt: new Date('2026-11-20T11:00:00Z'),
    revoke: `latchkey key revoke ${found[0]!.key!.id} --reason leaked`,
  })
  expect(found[1]!.project).toMatchObject({ slug: 'shop' })
  for (const secret of Object.values(home.secrets)) {
    expect(JSON.stringify(found)).not.toContain(secret.slice(4, 16))
  }
})

test('a key of a disabled user or an archived project is not live', async () => {
  await using home = await someKeys()
  await home.latchkey.users.disable('alice')
  await home.latchkey.projects.archive('shop')
  const found = await home.find(`${home.secrets.live} ${home.secrets.shop}`)
  expect(found.map(each => [each.key?.name, each.live])).toEqual([
    ['live', false],
    ['shop', false],
  ])
})

/** What a text may look like that holds S. */
const surroundings: readonly string[] = [
  'S',
  '"S"',
  "key='S',",
  'Authorization: Bearer S\r\n',
  '{"key":"S"}',
  '{\\"key\\":\\"S\\"}',
  '+  token: S # ours',
  'https://x/?key=S&a=b',
  'https%3A%2F%2Fx%3Fkey%3dS%26a',
  '\\nS\\n',
  'xS',
  '(S)',
  '<a>S</a>',
  '`S`;',
  '\x1b[31mS\x1b[0m',
  'é S ü',
  '\u0000S\u0000',
  'a=S;b',
  'S,S',
  '[S](S)',
  `${'x'.repeat(5_000)} S`,
  `%%S%`,
  '%zzS%2',
  'S%0A',
]

test.each(surroundings)('in %j each kind of secret is found, however the bytes arrive', async text => {
  await using home = await someKeys()
  const secrets = [
    home.secrets.live,
    home.secrets.shop,
    home.foreign.long,
    home.foreign.short,
    home.foreign.tiny,
  ]
  const times = text.split('S').length - 1
  for (const secret of secrets) {
    for (const size of [1, 7, 600, 65_536]) {
      if (size === 1 && text.length > 1_000) continue
      const found = await home.find(`first\n${text.replaceAll('S', secret)}`, size)
      expect([secret, size, found.map(each => [each.line, each.key !== null, each.count])]).toEqual([
        secret,
        size,
        [[2, true, times]],
      ])
    }
  }
})

test('a secret is found wherever the pieces of a long text are cut', async () => {
  await using home = await someKeys()
  for (const secret of [home.secrets.shop, home.foreign.long]) {
    for (let pad = 0; pad < 8; pad++) {
      const found = await home.find(`${' '.repeat(600 + pad)}${secret}${' '.repeat(1_200)}`, 8)
      expect(found.map(each => each.count)).toEqual([1])
    }
  }
})

test('what is encoded for a URL is found too, and counted once', async () => {
  await using home = await someKeys()
  const { live } = home.secrets
  const encoded = [...live].map(letter => `%${letter.charCodeAt(0).toString(16)}`).join('')
  for (const size of [1, 2, 5, 65_536]) {
    const found = await home.find(`${live}\n${encoded}\n${live}%20\n${live.replace('_', '%5F')}`, size)
    expect(found.map(each => [each.line, each.count])).toEqual([[1, 4]])
  }
  const found = await home.find(`a\nx=${encodeURIComponent(home.foreign.long)}`)
  expect(found).toMatchObject([{ line: 2, key: { name: 'long' } }])
})

test('a secret that came with a hash is found by its start, or as a word', async () => {
  await using home = await someKeys()
  const hashOf = (secret: string) => new Bun.CryptoHasher('sha256').update(secret).digest('hex')
  await home.latchkey.keys.import({
    file: 'stdin',
    chunks: pieces(`${JSON.stringify({ name: 'a', hash: hashOf('gw-1234.abc-9'), start: 'gw-1' })}
{"name":"b","hash":"${hashOf('zz_0123456789')}"}`),
  })
  const found = await home.find(
    `gw-1234.abc-9" ${home.secrets.live} 'zz_0123456789', zz_0123456789 xgw-1234.abc-9`,
  )
  expect(found.map(each => [each.key?.name, each.count]).toSorted()).toEqual([
    ['a', 2],
    ['b', 2],
    ['live', 1],
  ])
})

test('text in UTF-16 is read as well', async () => {
  await using home = await someKeys()
  expect(await home.find(Buffer.from(`\ufeffa\nkey: ${home.secrets.live}`, 'utf16le'))).toMatchObject([
    { line: 2 },
  ])
})

test('a typo is told by its checksum, one of another Latchkey by nobody having it', async () => {
  await using home = await someKeys()
  const { live } = home.secrets
  const typo = `${live.slice(0, -1)}${live.endsWith('A') ? 'B' : 'A'}`
  await using other = await temporaryLatchkey()
  const { secret } = await other.latchkey.keys.create({ name: 'x' })
  const found = await home.find(`${typo}\n${secret}\nnot_${'a'.repeat(36)}\nlk_${'a'.repeat(40)}\nlk_short`)
  expect(found.map(({ line, checksum, key, live }) => [line, checksum, key, live])).toEqual([
    [1, false, null, false],
    [2, true, null, false],
  ])
})

test('megabytes of junk hold nothing, and the secret in the middle is found', async () => {
  await using home = await someKeys()
  const junk = new Uint8Array(4_000_000)
  for (let at = 0; at < junk.length; at += 65_536) crypto.getRandomValues(junk.subarray(at, at + 65_536))
  expect(await failure(home.find(junk))).toMatchObject({ code: 'invalid' })
  junk.set(encoder.encode(home.secrets.live), 2_000_001)
  expect(await home.find(junk)).toMatchObject([{ key: { name: 'live' }, count: 1 }])
})

test('what is compressed is searched, from a file or as it comes', async () => {
  await using home = await someKeys()
  const log = encoder.encode(`${'a\n'.repeat(1_000)}key=${home.secrets.live}\n`)
  for (const [ending, packed] of [
    ['gz', Bun.gzipSync(log)],
    ['zst', Bun.zstdCompressSync(log)],
  ] as const) {
    for (const size of [1, 7, 65_536])
      expect(await home.find(packed, size)).toMatchObject([{ line: 1_001, live: true }])
    for (const name of [`app.log.${ending}`, 'app.log.1']) {
      await Bun.write(join(home.folder, name), packed)
      expect(await home.latchkey.keys.identify(join(home.folder, name))).toMatchObject([{ live: true }])
    }
    // What is missing could hold the secret.
    const tool = ending === 'gz' ? 'gzip' : 'zstd'
    const cut = join(home.folder, `cut off.${ending}`)
    await Bun.write(cut, packed.subarray(0, -9))
    for (const [work, hint] of [
      [home.find(packed.subarray(0, -9)), `check it with: ${tool} -t`],
      [home.latchkey.keys.identify(cut), `check it with: ${tool} -t '${cut}'`],
    ] as const)
      expect(await failure(work)).toMatchObject({ code: 'invalid', hint })
  }
})

test('no secret found says something of texts alone', async () => {
  await using home = await someKeys()
  const log = encoder.encode(Array.from({ length: 200 }, () => crypto.randomUUID()).join('\n'))
  const packed = Bun.zstdCompressSync(log)
  const tar = new Uint8Array(300_000).fill(0x20)
  tar.set(packed, 150_000)
  const texts: Readonly<Record<string, string | Uint8Array>> = {
    nothing: '',
    'a log': log,
    'UTF-8': 'Größe 中文 😀\n'.repeat(500),
    'Latin-1': new Uint8Array(Buffer.from('Größe\n'.repeat(500), 'latin1')),
    'UTF-16': Buffer.from(`\ufeff${'Привет, мир\n'.repeat(500)}`, 'utf16le'),
    'a screen': '\x1b[31mred\x1b[0m\x07\b\r\n'.repeat(500),
    'names with zeros between': 'a\0b\0'.repeat(500),
    'a log with a stray line': `${'a line\n'.repeat(50)}\x01\x02\n${'a line\n'.repeat(50)}`,
  }
  for (const [what, text] of Object.entries(texts))
    for (const size of [1, 65_536])
      expect({ what, found: await home.find(text, size) }).toEqual({ what, found: [] })
  const others: Readonly<Record<string, Uint8Array>> = {
    'packed twice': Bun.gzipSync(new Uint8Array(packed)),
    'packed in another way': Bun.deflateSync(log),
    'an archive with a packed file': tar,
    'random bytes': crypto.getRandomValues(new Uint8Array(4_000)),
  }
  for (const [what, data] of Object.entries(others))
    for (const size of [1, 65_536]) {
      const { code, hint } = await failure(home.find(data, size))
      expect({ what, code, hint }).toEqual({ what, code: 'invalid', hint: expect.stringContaining('unpack') })
    }
})

// More than are looked up at once.
test('thousands of different secrets in one text are all found', async () => {
  await using home = await temporaryLatchkey()
  const made = await home.latchkey.keys.createMany({ name: 'k' }, 5_100)
  const found = await home.latchkey.keys.identify(pieces(made.map(key => key.secret).join('\n'), 50_000))
  expect(found.map(each => each.key?.name)).toEqual(made.map(key => key.name))
})
