import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../testing/folder.ts'
import { run } from '../../testing/run.ts'
import { latestVersion } from '../schema/version.ts'
import { Client } from './client.ts'
import { identityOf } from './identity.ts'
import { migrateTo } from './migrate.ts'

const stamp = { now: 0, programVersion: 'test' }

function load(name: string): Client {
  const client = new Client(':memory:')
  client.run(readFileSync(join(import.meta.dir, 'golden', name), 'utf8'))
  return client
}

const oldestRow = (client: Client) =>
  client.query('SELECT id, at FROM audit ORDER BY rowid LIMIT 1').get() as { id: string; at: number }

test.each(['v1.sql', 'v3.sql'])('every copy of %s gets the same identity, wherever it is migrated', name => {
  const [client, copy] = [load(name), load(name)]
  const { id, at } = oldestRow(client)
  const expected = { id: id.replace('aud_', 'dbs_'), createdAt: at }
  expect(identityOf(client)).toEqual(expected)
  migrateTo(client, name, latestVersion, stamp)
  expect(identityOf(client)).toEqual(expected)
  // The other database gets changes too, under a clock that was set back.
  copy.run(
    `INSERT INTO audit (id, at, actor, origin, action, target_type, target_id)
     VALUES ('aud_00000000000000000000000001', 1, 'x', 'cron', 'key.create', 'key', 'x')`,
  )
  copy.run('VACUUM')
  migrateTo(copy, name, latestVersion, { ...stamp, now: 1 })
  expect(identityOf(copy)).toEqual(expected)
})

test('two new databases differ, and going down and up again changes neither', async () => {
  using folder = temporaryFolder()
  const ids = await Promise.all(
    ['one.db', 'two.db'].map(async name => {
      expect((await run('init --admin ada', { db: folder.file(name) })).code).toBe(0)
      using client = new Client(folder.file(name), { readwrite: true })
      const given = identityOf(client)
      expect(given?.id).toBe(oldestRow(client).id.replace('aud_', 'dbs_'))
      migrateTo(client, name, 3, stamp)
      expect(identityOf(client)).toEqual(given)
      migrateTo(client, name, latestVersion, stamp)
      expect(identityOf(client)).toEqual(given)
      return given?.id
    }),
  )
  expect(new Set(ids).size).toBe(2)
})

test('a database without a trail gets an identity too, and there is never a second', () => {
  const client = new Client(':memory:')
  expect(identityOf(client)).toBeNull()
  migrateTo(client, 'memory', latestVersion, stamp)
  expect(identityOf(client)?.id).toMatch(/^dbs_[0-9a-f]{26}$/)
  expect(() => client.run("INSERT INTO identity VALUES (2, 'dbs_00000000000000000000000000', 0)")).toThrow(
    'CHECK',
  )
})
