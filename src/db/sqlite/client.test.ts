import { expect, test } from 'bun:test'
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { drizzle } from 'drizzle-orm/bun-sqlite'
import { connectLatchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { sql } from '../query.ts'
import { Client } from './client.ts'

function openFiles(folder: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`)
      return file.startsWith(folder) ? [file] : []
    } catch {
      return []
    }
  })
}

test.skipIf(process.platform !== 'linux')(
  'a closed connection holds no file, whatever was prepared on it',
  () => {
    using folder = temporaryFolder()
    const client = new Client(folder.file('a.db'))
    const statement = client.prepare('SELECT 1 AS one')
    client.run('PRAGMA journal_mode = WAL')
    client.run('CREATE TABLE t (a)')
    const db = drizzle({ client })
    for (let n = 0; n < 300; n++) db.run(sql.raw(`INSERT INTO t VALUES (${n})`))
    db.all(sql`SELECT * FROM t`)
    client.query('SELECT count(*) FROM t').get()
    expect(statement).toBeDefined()
    expect(openFiles(folder.path).length).toBeGreaterThan(0)
    client.close()
    expect(openFiles(folder.path)).toEqual([])
  },
)

test.skipIf(process.platform !== 'linux')(
  'a database that turns out to be damaged is let go by whoever asked, for writing and for a verdict',
  async () => {
    await using home = await temporaryLatchkey()
    await home.latchkey.users.create({ username: 'alice' })
    await home.latchkey.close()
    const bytes = readFileSync(home.path)
    writeFileSync(home.path, bytes.fill('garbage ', 4096))
    const latchkey = connectLatchkey({ path: home.path })
    expect(await failure(latchkey.users.disable('alice'))).toMatchObject({ code: 'corrupt' })
    expect(await failure(latchkey.keys.verify('sk-none'))).toMatchObject({ code: 'corrupt' })
    await latchkey.close()
    expect(openFiles(home.folder)).toEqual([])
  },
)

test('the same text is compiled once', () => {
  const client = new Client(':memory:')
  expect(client.query('SELECT 1')).toBe(client.query('SELECT 1'))
  client.close()
})
