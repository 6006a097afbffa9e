// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { scryptSync } from 'node:crypto'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

const password = 'correct horse ½'

/** As Better Auth 1.7 writes it. */
const salt = '00112233445566778899aabbccddeeff'
const ofScrypt = (text: string) => {
  const costs = { N: 16_384, r: 16, p: 1, maxmem: 2 ** 27 }
  return `${salt}:${scryptSync(text.normalize('NFKC'), salt, 64, costs).toString('hex')}`
}

test.each([
  ['bcrypt', () => Bun.password.hashSync(password, { algorithm: 'bcrypt', cost: 4 })],
  ['scrypt', () => ofScrypt(password)],
  ['scrypt', () => ofScrypt(password).toUpperCase().replace(salt.toUpperCase(), salt)],
] as const)('a password of another system (%s) verifies, and is argon2id from then on', async (was, hash) => {
  await using home = await temporaryLatchkey()
  const { users, audit } = home.latchkey
  const { id } = await users.create({ username: 'alice', password: 'not this one' })
  await store(home, id, hash())
  expect(await users.verifyPassword('alice', 'wrong horse')).toBe(false)
  expect(await stored(home, id)).toBe(hash().slice(0, 4))
  // The other way to write ½ is the same to scrypt, which composes; bcrypt has bytes.
  expect(await users.verifyPassword('alice', was === 'scrypt' ? 'correct horse 1⁄2' : password)).toBe(true)
  expect(await stored(home, id)).toBe('$arg')
  const rehashes = await audit.list({ action: 'user.rehash' })
  expect(rehashes).toMatchObject([{ before: { passwordHash: was }, after: { passwordHash: 'argon2id' } }])
})

test('a hash that cannot be verified here is no password', async () => {
  await using home = await temporaryLatchkey()
  const { users } = home.latchkey
  const { id } = await users.create({ username: 'alice', password })
  for (const hash of ['plain text', '', 'md5:abcdef', `${salt}:abcd`]) {
    await store(home, id, hash)
    expect(await users.verifyPassword('alice', hash)).toBe(false)
  }
})

test('an operator is told why a password is refused', async () => {
  await using home = await temporaryLatchkey()
  const { users } = home.latchkey
  await users.create({ username: 'alice', password })
  await users.create({ username: 'bob' })
  const codes = async () => [
    (await users.checkPassword('alice', password)).code,
    (await users.checkPassword('alice', 'wrong horse')).code,
    (await users.checkPassword('bob', password)).code,
  ]
  expect(await codes()).toEqual(['valid', 'wrong_password', 'no_password'])
  await users.disable('alice')
  expect(await codes()).toEqual(['user_disabled', 'wrong_password', 'no_password'])
  expect(users.checkPassword('nobody', password)).rejects.toMatchObject({ code: 'not_found' })
})

test('a generated password is long, is told once, and is another each time', async () => {
  await using home = await temporaryLatchkey()
  const { users, audit } = home.latchkey
  await users.create({ username: 'alice', password })
  const first = await users.generatePassword('alice')
  const second = await users.generatePassword('alice')
  expect(first.password).toMatch(/^[0-9A-Za-z]{24}$/)
  expect(second.password).not.toBe(first.password)
  expect(second.changed).toBe(true)
  expect(await users.verifyPassword('alice', first.password ?? '')).toBe(false)
  expect(await users.verifyPassword('alice', second.password ?? '')).toBe(true)
  const trail = JSON.stringify(await audit.list())
  for (const text of [first.password, second.password, 'argon2']) expect(trail).not.toContain(text ?? '')
  expect(await audit.list({ action: 'user.passwd' })).toHaveLength(2)
})

test('a user has one password, whoever sets it', async () => {
  await using home = await temporaryLatchkey()
  const { users } = home.latchkey
  const { id } = await users.create({ username: 'alice', password })
  await users.setPassword('alice', 'another horse')
  const all = () => home.query('SELECT user_id, account_id, issuer, provider_id FROM accounts')
  expect(await all()).toEqual([
    { user_id: id, account_id: id, issuer: 'local:credential', provider_id: 'credential' },
  ])
  await users.setPassword('alice', null)
  expect(await all()).toEqual([])
  expect((await users.setPassword('alice', null)).changed).toBe(false)
})

test('a user who is disabled for a time is active again from that millisecond on', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { users, keys } = home.latchkey
  await users.create({ username: 'alice', password })
  const { secret } = await keys.create({ name: 'ci', user: 'alice' })
  const until = new Date('2026-11-20T13:00:00Z')
  const disabled = await users.disable('alice', { until, reason: 'unpaid' })
  expect(disabled).toMatchObject({ status: 'disabled', disabledReason: 'unpaid', disabledUntil: until })
  const answers = async () => [
    (await keys.verify(secret ?? '')).code,
    (await users.get('alice')).status,
    (await users.list({ status: 'disabled' })).length,
    await users.verifyPassword('alice', password),
  ]
  home.clock.now = new Date(until.getTime() - 1)
  expect(await answers()).toEqual(['user_disabled', 'disabled', 1, false])
  home.clock.now = until
  expect(await answers()).toEqual(['valid', 'active', 0, true])
  expect(users.disable('alice', { until })).rejects.toMatchObject({ code: 'invalid' })
  expect(await users.disable('alice')).toMatchObject({ disabledUntil: null, disabledReason: null })
  await users.enable('alice')
  expect(await answers()).toEqual(['valid', 'active', 0, true])
})

test('disabling again changes what is given, and null clears it', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { users } = home.latchkey
  await users.create({ username: 'alice' })
  const until = new Date('2026-12-04T12:00:00Z')
  const later = new Date('2026-12-11T12:00:00Z')
  for (const [given, reason, end] of [
    [{ until, reason: 'unpaid' }, 'unpaid', until],
    [{ reason: 'later' }, 'later', until],
    [{ until: later }, 'later', later],
    [{}, 'later', later],
    [{ until: null }, 'later', null],
    [{ until, reason: null }, null, until],
  ] as const) {
    expect(await users.disable('alice', given)).toMatchObject({ disabledReason: reason, disabledUntil: end })
  }
  // What is over is not carried on.
  home.clock.now = until
  expect(await users.disable('alice')).toMatchObject({ disabledReason: null, disabledUntil: null })
})

test('a new email address is not verified, unless it is said to be', async () => {
  await using home = await temporaryLatchkey()
  const { users } = home.latchkey
  await users.create({ username: 'alice', email: 'a@example.org', emailVerified: true })
  expect(await users.update('alice', { name: 'Alice', email: 'A@example.org' })).toMatchObject({
    emailVerified: true,
  })
  expect(await users.update('alice', { email: 'b@example.org' })).toMatchObject({ emailVerified: false })
  const both = { email: 'c@example.org', emailVerified: true }
  expect(await users.update('alice', both)).toMatchObject(both)
  expect(await users.update('alice', { email: null })).toMatchObject({ emailVerified: false })
})

test.each<[string, readonly string[], boolean]>([
  ['another address', ['--email', 'mallory@example.org'], false],
  ['none', ['--no-email'], false],
  ['another one that is theirs', ['--email', 'b@example.org', '--email-verified'], true],
  ['the same one', ['--email', 'Alice@example.org'], true],
  ['another name', ['--name', 'Alice'], true],
])(
  'with %s on the command line, an address is verified only if it was or is said to be',
  async (_, flags, verified) => {
    await using home = await temporaryLatchkey()
    const created = ['user', 'create', 'alice', '--email', 'alice@example.org', '--email-verified']
    expect((await run(created, { db: home.path })).code).toBe(0)
    const { out } = await run(['user', 'update', 'alice', ...flags, '--json'], { db: home.path })
    expect(JSON.parse(out)).toMatchObject({ emailVerified: verified })
  },
)

async function store(home: TestLatchkey, userId: string, hash: string): Promise<void> {
  await home.query(`UPDATE accounts SET password = '${hash}' WHERE user_id = '${userId}'`)
}

async function stored(home: TestLatchkey, userId: string): Promise<string> {
  const [row] = await home.query(`SELECT password FROM accounts WHERE user_id = '${userId}'`)
  return String(Object(row).password).slice(0, 4)
}
