/** What somebody does to the log with SQL is found by its chain. */
// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { exitCodes } from '../../contract/errors.ts'
import type { AuditEntry } from '../../contract/views.ts'
import { type Chainable, erasing, type Link } from '../../db/chain.ts'
import type { Store } from '../../db/engine.ts'
import { PostgresStore } from '../../db/postgres/store.ts'
import { eq } from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'
import { SqliteStore } from '../../db/sqlite/transaction.ts'
import { connectLatchkey } from '../../index.ts'
import { onPostgres, type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'
import { record } from '../audit.ts'
import { eraseInAudit } from './erase.ts'

/** Ten rows: of `init`, which a test on a server does not run, and of users. */
async function scene() {
  const home = await temporaryLatchkey()
  for (let n = onPostgres ? 1 : 2; n <= 10; n++) await home.latchkey.users.create({ username: `user${n}` })
  return home
}

const found = async ({ latchkey }: TestLatchkey) =>
  (await latchkey.audit.verify()).problems.map(({ kind, seq }) => `${kind} ${seq}`)

async function swap({ query }: TestLatchkey, one: number, other: number): Promise<void> {
  await query(`UPDATE audit SET seq = 1000 WHERE seq = ${one}`)
  await query(`UPDATE audit SET seq = ${one} WHERE seq = ${other}`)
  await query(`UPDATE audit SET seq = ${other} WHERE seq = 1000`)
}

async function renumber({ query }: TestLatchkey, from: number, by: number): Promise<void> {
  await query(`UPDATE audit SET seq = seq + 1000 WHERE seq >= ${from}`)
  await query(`UPDATE audit SET seq = seq - ${1000 - by} WHERE seq >= 1000`)
}

const copyOf = (seq: number, at: number, hash = 'hash') =>
  `INSERT INTO audit (id, at, actor, origin, action, target_type, target_id, seq, previous, salt, hash)
   SELECT 'aud_${String(at).padStart(26, '0')}', at, 'mallory', origin, action, target_type, target_id, ${at}, previous, salt, ${hash}
   FROM audit WHERE seq = ${seq}`

test('a log that nobody touched is whole', async () => {
  await using home = await scene()
  const check = await home.latchkey.audit.verify()
  const [latest] = await home.latchkey.audit.list({ limit: 1 })
  expect(check).toEqual({
    ok: true,
    rows: 10,
    erased: 0,
    head: { seq: 10, hash: latest?.hash ?? '' },
    pruned: null,
    problems: [],
    moreProblems: 0,
    against: null,
  })
})

test.each<[string, (home: TestLatchkey) => Promise<unknown>, readonly string[]]>([
  ['an edited actor', ({ query }) => query("UPDATE audit SET actor = 'x' WHERE seq = 5"), ['edited 5']],
  [
    'an edited name',
    ({ query }) => query("UPDATE audit SET target_name = 'x' WHERE seq = 10"),
    ['edited 10'],
  ],
  ['an edited detail', ({ query }) => query(`UPDATE audit SET "after" = '{}' WHERE seq = 1`), ['edited 1']],
  ['an edited time', ({ query }) => query('UPDATE audit SET at = at + 1 WHERE seq = 5'), ['edited 5']],
  ['an edited action', ({ query }) => query("UPDATE audit SET action = 'a' WHERE seq = 5"), ['edited 5']],
  [
    'an edited id',
    ({ query }) => query("UPDATE audit SET id = 'aud_00000000000000000000000000' WHERE seq = 5"),
    ['edited 5'],
  ],
  [
    'two edited rows',
    ({ query }) => query("UPDATE audit SET target_id = 'x' WHERE seq IN (4, 5)"),
    ['edited 4', 'edited 5'],
  ],
  ['a removed row', ({ query }) => query('DELETE FROM audit WHERE seq = 5'), ['removed 5']],
  [
    'removed rows',
    ({ query }) => query('DELETE FROM audit WHERE seq IN (3, 4, 7)'),
    ['removed 3', 'removed 7'],
  ],
  ['the oldest rows removed', ({ query }) => query('DELETE FROM audit WHERE seq < 4'), ['removed 1']],
  ['all rows removed', ({ query }) => query('DELETE FROM audit'), ['removed 1']],
  [
    'a removed row, the others numbered again',
    async home => {
      await home.query('DELETE FROM audit WHERE seq = 5')
      await renumber(home, 6, -1)
    },
    ['removed 5'],
  ],
  ['two rows swapped', home => swap(home, 3, 8), ['swapped 3']],
  ['neighbours swapped', home => swap(home, 5, 6), ['swapped 5']],
  ['the last two swapped', home => swap(home, 9, 10), ['swapped 9']],
  ['the first two swapped', home => swap(home, 1, 2), ['swapped 1']],
  [
    'an inserted row',
    async home => {
      await renumber(home, 5, 1)
      await home.query(copyOf(3, 5))
    },
    ['inserted 5'],
  ],
  ['a row inserted at the end', ({ query }) => query(copyOf(3, 11)), ['inserted 11']],
  [
    'an edit and a removal',
    async ({ query }) => {
      await query("UPDATE audit SET actor = 'x' WHERE seq = 3")
      await query('DELETE FROM audit WHERE seq = 7')
    },
    ['edited 3', 'removed 7'],
  ],
])('%s', async (_, change, expected) => {
  await using home = await scene()
  await change(home)
  expect(await found(home)).toEqual([...expected])
  const { code, out } = await run('audit verify', { db: home.path, cwd: home.folder })
  expect(code).toBe(7)
  for (const each of expected) expect(out).toContain(each.replace(' ', ': row '))
  for (const report of [await home.latchkey.health(), await home.latchkey.diagnose()]) {
    const check = report.checks.find(({ name }) => name === 'audit')
    expect(report).toMatchObject({ status: 'failed', damaged: true })
    expect(check).toMatchObject({ status: 'failed', value: { problems: expected.length } })
    expect(check?.problem).toContain(`: ${expected[0]?.replace(' ', ': row ')}`)
    expect(check?.mend).toContain('latchkey audit verify')
  }
})

test('a row that was written for the place of another does not stand there, even with its own hash', async () => {
  await using home = await scene()
  await home.query('DELETE FROM audit WHERE seq = 5')
  await home.query('UPDATE audit SET seq = 5 WHERE seq = 10')
  expect((await home.latchkey.audit.verify()).ok).toBe(false)
})

test('imports, dry runs and failures leave the chain whole', async () => {
  await using home = await scene()
  const { latchkey, dry } = home
  await dry.users.create({ username: 'never' })
  await latchkey.users.create({ username: 'user2' }).catch(() => {})
  await latchkey.keys.createMany({ name: 'many' }, 1_200)
  const bytes = new TextEncoder().encode(JSON.stringify({ keys: [{ ...foreignKey, name: 'Past' }] }))
  const { id } = await latchkey.imports.glmProxy({ file: 'past.json', bytes })
  await latchkey.imports.undo(id!)
  const { ok, rows, head } = await latchkey.audit.verify()
  expect([ok, head.seq]).toEqual([true, rows])
  expect(rows).toBeGreaterThan(1_210)
})

const foreignKey = {
  key: 'pk_of_the_past',
  model: 'glm-4.7',
  token_limit_per_5h: 100_000,
  expiry_date: '2027-01-01T00:00:00Z',
  created_at: '2026-01-18T00:00:00Z',
  last_used: '2026-01-18T00:00:00Z',
  total_lifetime_tokens: 0,
  usage_windows: [],
}

test('8 processes that write at once make one chain', async () => {
  await using home = await scene()
  await home.latchkey.keys.create({ name: 'shared' })
  const script = join(import.meta.dir, '../../testing/writer.ts')
  const writers = Array.from({ length: 8 }, () =>
    Bun.spawn([process.execPath, script, home.path, 'shared', '12'], { stderr: 'pipe', stdout: 'ignore' }),
  )
  for (const writer of writers) {
    expect(await new Response(writer.stderr).text()).toBe('')
    expect(await writer.exited).toBe(0)
  }
  expect(await home.latchkey.audit.verify()).toMatchObject({ ok: true, rows: 107, head: { seq: 107 } })
}, 600_000)

const storeOf = ({ path }: TestLatchkey): Store => {
  const options = { access: 'write', dryRun: false, busyTimeoutMs: 5_000 } as const
  return onPostgres ? new PostgresStore({ url: path, ...options }) : new SqliteStore({ path, ...options })
}

test('erasing what names a person keeps the chain whole, and nothing else may be blank', async () => {
  await using home = await scene()
  const store = storeOf(home)
  const context = { store, now: () => home.clock.now, actor: { name: 'root', origin: 'cron' } } as const
  const erase = (name: string) =>
    store.write(async db => {
      const rows = await eraseInAudit(db, {
        details: eq(audit.targetName, name),
        actor: eq(audit.actor, name),
      })
      const target = { type: 'user', id: 'usr_1', name: null }
      await record(context, db, { action: 'user.erase' as never, target, after: { audit: rows } })
      return rows
    })
  expect(await erase('user4')).toBe('4')
  expect(await erase('tester')).toBe('1-10')
  await store.close()
  expect(await home.latchkey.audit.verify()).toMatchObject({ ok: true, rows: 12, erased: 10 })
  expect(JSON.stringify(await home.query('SELECT * FROM audit'))).not.toMatch(/tester|user4/)
  expect(JSON.stringify(await home.query('SELECT * FROM audit'))).toContain('user5')
  // Who writes into what was erased is found, and who blanks a row without an erasure.
  await home.query("UPDATE audit SET actor = 'mallory' WHERE seq = 3")
  await home.query("UPDATE audit SET target_name = 'mallory' WHERE seq = 4")
  const [row] = (await home.query('SELECT * FROM audit WHERE seq = 11')) as readonly (Chainable & Link)[]
  const salt = row && erasing(row, { actor: true, details: false })
  await home.query(`UPDATE audit SET salt = '${salt}', actor = 'erased' WHERE seq = 11`)
  expect(await found(home)).toEqual(['edited 3', 'edited 4', 'edited 11'])
})

test('pruning removes the oldest rows, and the rest can be verified', async () => {
  await using home = await temporaryLatchkey('2026-01-01T00:00:00Z')
  const { latchkey, clock, dry } = home
  for (let day = onPostgres ? 1 : 2; day <= 9; day++) {
    clock.now = new Date(Date.UTC(2026, 0, day))
    await latchkey.users.create({ username: `user${day}` })
  }
  const before = new Date('2026-01-05T00:00:00Z')
  const { hash } = (await latchkey.audit.list({ target: 'user4' }))[0] ?? { hash: '' }
  const through = { seq: 4, hash }
  expect(await latchkey.audit.planPrune({ before })).toEqual({ rows: 4, before, through, backup: null })
  await dry.audit.prune({ before })
  expect(await latchkey.audit.verify()).toMatchObject({ ok: true, rows: 9, pruned: null })
  expect(await latchkey.audit.prune({ before })).toEqual({ rows: 4, before, through, backup: null })
  expect((await latchkey.audit.list({ limit: 1 }))[0]).toMatchObject({
    action: 'audit.prune',
    seq: 10,
    after: { seq: 4, hash, rows: 4, before: before.toJSON() },
  })
  expect(await latchkey.audit.verify()).toMatchObject({
    ok: true,
    rows: 6,
    pruned: through,
    head: { seq: 10 },
  })
  // Nothing is that old any more.
  expect(await latchkey.audit.prune({ before })).toMatchObject({ rows: 0, through: null })
  // All that there is, and what comes after it.
  clock.now = new Date('2026-02-01T00:00:00Z')
  expect(await latchkey.audit.prune({ before: clock.now })).toMatchObject({ rows: 6, through: { seq: 10 } })
  await latchkey.users.create({ username: 'later' })
  expect(await latchkey.audit.verify()).toMatchObject({ ok: true, rows: 2, head: { seq: 12 } })
  await home.query('DELETE FROM audit WHERE seq = 11')
  expect(await found(home)).toEqual(['removed 1'])
  await expect(latchkey.audit.prune({ before: new Date('2027-01-01') })).rejects.toThrow('from before now')
})

test('health looks at the newest rows alone, and doctor at all of them', async () => {
  await using home = await scene()
  const { latchkey, query } = home
  await latchkey.keys.createMany({ name: 'many' }, 1_100)
  const found = async () =>
    Promise.all(
      [latchkey.health(), latchkey.diagnose()].map(async report => {
        const check = (await report).checks.find(({ name }) => name === 'audit')
        return [check?.status, (check?.value as { rows: number } | undefined)?.rows]
      }),
    )
  expect(await found()).toEqual([
    ['ok', 1_000],
    ['ok', 1_110],
  ])
  // The oldest row that health looks at is 111: it follows on row 110, which is only looked at by its hash.
  await query("UPDATE audit SET actor = 'x' WHERE seq = 110")
  expect(await found()).toEqual([
    ['ok', 1_000],
    ['failed', 1_110],
  ])
  await query("UPDATE audit SET actor = 'x' WHERE seq = 111")
  expect(await found()).toEqual([
    ['failed', 1_000],
    ['failed', 1_110],
  ])
  // A pruned log is whole by what its newest rows say.
  const { clock } = home
  clock.now = new Date(clock.now.getTime() + 60_000)
  await latchkey.audit.prune({ before: clock.now })
  await latchkey.keys.createMany({ name: 'more' }, 500)
  expect(await found()).toEqual([
    ['ok', 501],
    ['ok', 501],
  ])
  await latchkey.keys.createMany({ name: 'most' }, 1_000)
  expect(await found()).toEqual([
    ['ok', 1_000],
    ['ok', 1_501],
  ])
})

test('the log says whether an operator, a backend or a user made a change, and only a user is named like one', async () => {
  await using home = await temporaryLatchkey()
  const { path, folder, clock } = home
  const asOf = async (line: string) => {
    const { out } = await run(line, { db: path, cwd: folder })
    return JSON.parse(out).map((row: AuditEntry) => `${row.actor} ${row.as} ${row.target.name}`)
  }
  await run('user create olga', { db: path, cwd: folder, env: { LATCHKEY_ACTOR: 'root' } })
  await using made = new AsyncDisposableStack()
  const actor = { name: 'gateway', origin: 'library' } as const
  const backend = connectLatchkey({ path, now: () => clock.now, actor })
  made.defer(() => backend.close())
  const { id } = await backend.users.create({ username: 'ada', role: 'admin' })
  await backend.as(id).projects.create({ name: 'shop', owner: 'ada' })
  expect(await asOf('audit list --as operator --actor root --json')).toEqual(['root operator olga'])
  expect(await asOf('audit list --as backend --json')).toEqual(['gateway backend ada'])
  expect(await asOf('audit list --as user --json')).toEqual([`${id} user shop`])
  expect(await asOf(`audit list --actor ${id} --json`)).toEqual([`${id} user shop`])
  const table = await run('audit list --limit 1', { db: path, cwd: folder })
  expect(table.out).toMatch(/ACTOR +AS /i)
  // An operator cannot pass for a user.
  const forged = await run('user create mallory', { db: path, cwd: folder, env: { LATCHKEY_ACTOR: id } })
  expect([forged.code, forged.out]).toEqual([exitCodes.config, ''])
  expect(forged.err).toContain('LATCHKEY_ACTOR')
  expect((await home.latchkey.audit.verify()).ok).toBe(true)
})

test('an export streams every row with its chain, and filters as the list does', async () => {
  await using home = await scene()
  await home.latchkey.keys.createMany({ name: 'many' }, 1_100)
  const rows = await Array.fromAsync(home.latchkey.audit.export())
  expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 1_110 }, (_, n) => n + 1))
  expect(rows.slice(1).every(({ previous }, n) => previous === rows[n]?.hash)).toBe(true)
  const users = await Array.fromAsync(home.latchkey.audit.export({ action: 'user', limit: 3 }))
  expect(users.map(({ seq }) => seq)).toEqual(onPostgres ? [1, 2, 3] : [2, 3, 4])
  const { out } = await run('audit export --target user5', { db: home.path, cwd: home.folder })
  expect(
    out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).seq),
  ).toEqual([5])
  const csv = await run('audit export --action user -o csv', { db: home.path, cwd: home.folder })
  expect(csv.out.trim().split('\n')).toHaveLength(onPostgres ? 11 : 10)
})
