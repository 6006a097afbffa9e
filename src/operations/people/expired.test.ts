// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

test('what has expired goes with db optimize, from its very millisecond on, and nothing else', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { users, sessions, database, audit } = home.latchkey
  await users.create({ username: 'alice' })
  await sessions.create({ user: 'alice', forMs: 60_000 })
  const { id } = await sessions.create({ user: 'alice', forMs: 60_001 })
  const at = home.clock.now.getTime()
  for (const [n, expires] of [at + 60_000, at + 60_001].entries())
    await home.query(`INSERT INTO verifications (id, identifier, value, expires_at, created_at, updated_at)
      VALUES ('ver_${String(n).padStart(26, '0')}', 'a@example.org', 'x', ${expires}, ${at}, ${at})`)
  expect((await database.optimize()).statements.filter(isPruning)).toEqual([])
  home.clock.now = new Date(at + 60_000)
  const pruned = ['sessions', 'verifications'].map(each => expect.stringContaining(each))
  expect((await home.dry.database.optimize()).statements.filter(isPruning)).toEqual(pruned)
  expect((await database.optimize()).statements.filter(isPruning)).toEqual(pruned)
  expect((await database.optimize()).statements.filter(isPruning)).toEqual([])
  expect((await sessions.list()).sessions).toMatchObject([{ id }])
  expect(await home.query('SELECT id FROM verifications')).toEqual([{ id: `ver_${'1'.padStart(26, '0')}` }])
  expect(await audit.list({ action: 'database.prune' })).toMatchObject([
    { after: { sessions: 1, verifications: 1 } },
  ])
})

const isPruning = (statement: string): boolean => statement.startsWith('DELETE')
