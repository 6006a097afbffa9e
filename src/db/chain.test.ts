import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Chainable, erasedOf, erasing, hashOf, type Link, linkAfter, linked, start } from './chain.ts'
import { latestVersion } from './schema/version.ts'
import { Client } from './sqlite/client.ts'
import { migrateTo } from './sqlite/migrate.ts'
import { migrations } from './sqlite/migrations.ts'

const row: Chainable = {
  id: 'aud_00000000000000000000000001',
  at: 1,
  actor: 'root',
  origin: 'cron',
  action: 'user.create',
  targetType: 'user',
  targetId: 'usr_1',
  targetName: 'alice',
  before: null,
  after: '{"username":"alice"}',
}

test('the hash is that of the documented text', () => {
  const sha256 = (value: unknown) =>
    new Bun.CryptoHasher('sha256').update(JSON.stringify(value)).digest('hex')
  const link = linkAfter(start, row)
  const [one, two] = link.salt.split('.')
  expect(link).toMatchObject({ seq: 1, previous: '0'.repeat(64) })
  expect(link.salt).toMatch(/^[0-9a-f]{24}\.[0-9a-f]{24}$/)
  expect(link.hash).toBe(
    sha256([
      ...['0'.repeat(64), row.id, 1, 'cron', 'user.create', 'user', 'usr_1'],
      ...[sha256([one, 'root']), sha256([two, 'alice', null, row.after])],
    ]),
  )
})

test('erasing what names a person leaves the hash, and no salt to guess it by', () => {
  const whole = { ...row, ...linkAfter(start, row) }
  const salt = erasing(whole, { actor: false, details: true })
  const erased = { ...whole, salt, targetName: null, after: null }
  expect(hashOf(erased)).toBe(whole.hash)
  expect(erasedOf(salt)).toEqual({ actor: false, details: true })
  expect(salt).not.toContain(whole.salt.slice(25))
  expect(hashOf({ ...erased, actor: 'somebody' })).not.toBe(whole.hash)
  // The other part, and the same one again.
  const both = erasing(erased, { actor: true, details: true })
  expect(hashOf({ ...erased, salt: both, actor: '' })).toBe(whole.hash)
  expect(erasedOf(both)).toEqual({ actor: true, details: true })
})

test.each(['v1.sql', 'v3.sql', 'v4.sql'])(
  'migrating %s chains its rows in the order in which they were written',
  name => {
    using client = new Client(':memory:')
    client.run(readFileSync(join(import.meta.dir, 'sqlite/golden', name), 'utf8'))
    const before = client.query('SELECT id FROM audit ORDER BY rowid').all()
    migrateTo(client, name, latestVersion, { now: 0, programVersion: 'test' })
    const rows = client
      .query(
        'SELECT *, target_type AS targetType, target_id AS targetId, target_name AS targetName FROM audit ORDER BY seq',
      )
      .all() as (Chainable & Link)[]
    expect<unknown>(rows.map(({ id }) => ({ id }))).toEqual(before)
    expect(rows.length).toBeGreaterThan(0)
    let last = start
    for (const each of rows) {
      expect(each).toMatchObject({ seq: last.seq + 1, previous: last.hash, hash: hashOf(each) })
      last = each
    }
  },
)

test('more rows than are read at once are chained without a gap', () => {
  using client = new Client(':memory:')
  const stamp = { now: 0, programVersion: 'test' }
  const before = migrations.findIndex(({ name }) => name.endsWith('audit_chain'))
  migrateTo(client, 'memory', before, stamp)
  const insert = client.query(
    `INSERT INTO audit (id, at, actor, origin, action, target_type, target_id)
     VALUES (?, ?, 'root', 'cron', 'key.create', 'key', 'x')`,
  )
  for (let n = 0; n < 2_500; n++) insert.run(`aud_${String(n).padStart(26, '0')}`, 2_500 - n)
  migrateTo(client, 'memory', latestVersion, stamp)
  expect(
    client.query('SELECT count(*) AS rows, max(seq) AS last, min(seq) AS first FROM audit').get(),
  ).toEqual({
    rows: 2_500,
    last: 2_500,
    first: 1,
  })
  const gaps = client.query(
    'SELECT count(*) AS n FROM audit a JOIN audit b ON b.seq = a.seq + 1 WHERE b.previous = a.hash AND b.rowid > a.rowid',
  )
  expect(gaps.get()).toEqual({ n: 2_499 })
})

test('rows that are chained together follow each other', () => {
  const [first, second] = [...linked(start, [row, row])]
  expect([second?.seq, second?.previous]).toEqual([2, first?.hash])
})
