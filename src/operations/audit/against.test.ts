/** What the chain alone cannot show, a backup does. */
// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { dirname } from 'node:path'
import { Client } from '../../db/sqlite/client.ts'
import { onPostgres, requireFile, type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

/** What health and doctor, which agree, say of the log. */
async function told({ latchkey }: TestLatchkey): Promise<string> {
  const reports = [await latchkey.health(), await latchkey.diagnose()]
  const checks = reports.map(({ checks }) => checks.find(({ name }) => name === 'audit'))
  expect(checks[0]).toEqual(checks[1])
  const { status, problem, mend } = checks[0] ?? {}
  return [status, problem, mend].filter(Boolean).join('; ')
}

async function scene() {
  const home = await temporaryLatchkey()
  const create = (name: string) => home.latchkey.users.create({ username: name })
  for (const name of ['a', 'b', 'c']) await create(name)
  const rows = (await home.latchkey.audit.list()).length
  return { ...home, create, rows, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() }
}

const verify = async ({ latchkey }: TestLatchkey, backup: { readonly id: string }) => {
  const { ok, problems, against } = await latchkey.audit.verify({ against: backup.id })
  return [ok, problems.map(({ kind, seq }) => `${kind} ${seq}`).join(), against?.state]
}

test('a backup tells whether its log is still part of this one', async () => {
  await using home = await scene()
  const { latchkey, create, query, rows } = home
  const backup = await latchkey.backups.create()
  const [latest] = await latchkey.audit.list({ limit: 1 })
  expect(backup.auditHead).toEqual({ seq: rows, hash: latest?.hash ?? '' })
  expect(await verify(home, backup)).toEqual([true, '', 'present'])
  await create('d')
  expect(await verify(home, backup)).toEqual([true, '', 'present'])
  expect(await told(home)).toBe('ok')
  // The newest rows are cut off: the chain that is left is whole.
  await query(`DELETE FROM audit WHERE seq >= ${rows}`)
  expect((await latchkey.audit.verify()).ok).toBe(true)
  expect(await verify(home, backup)).toEqual([false, `cut ${rows}`, 'missing'])
  expect(await told(home)).toMatch(
    new RegExp(`^failed; .*: cut: row ${rows}: .*; .*: latchkey audit verify --against ${backup.id},`),
  )
  // Others were written in their place.
  await create('e')
  await create('f')
  expect((await latchkey.audit.verify()).ok).toBe(true)
  expect(await verify(home, backup)).toEqual([false, `replaced ${rows}`, 'missing'])
  expect(await told(home)).toContain(`: replaced: row ${rows}: `)
  const { code, out } = await run(
    ['audit', 'verify', '--against', onPostgres ? backup.id : 'latest', '--from', dirname(backup.path)],
    { db: home.path, cwd: home.folder },
  )
  expect([code, out]).toEqual([7, expect.stringContaining(`The log of ${backup.id} is not part of it`)])
})

test('after a restore, later backups are told to be replaced by it, and older ones are part of the log', async () => {
  await using home = await scene()
  const { latchkey, create, clock, rows } = home
  const tick = () => {
    clock.now = new Date(clock.now.getTime() + 60_000)
  }
  const old = await latchkey.backups.create()
  tick()
  await create('d')
  const later = await latchkey.backups.create()
  tick()
  const { safetyBackup } = await latchkey.backups.restore({ backup: old.id, inPlace: !onPostgres })
  const [row] = await latchkey.audit.list({ action: 'database.restore' })
  expect(row?.after).toMatchObject({ backup: old.id, replaced: { seq: rows + 1 } })
  tick()
  await create('e')
  expect(await verify(home, old)).toEqual([true, '', 'present'])
  expect(await verify(home, later)).toEqual([true, '', 'restored'])
  expect(await verify(home, safetyBackup ?? old)).toEqual([true, '', 'restored'])
  expect(await told(home)).toBe('ok')
  const { against } = await latchkey.audit.verify({ against: later.id })
  expect(against?.restore).toMatchObject({ seq: rows + 1, id: row?.id ?? '', actor: 'tester' })
  // It excuses nothing that was cut off after it.
  tick()
  const last = await latchkey.backups.create()
  await home.query(`DELETE FROM audit WHERE seq = ${rows + 2}`)
  expect(await verify(home, last)).toEqual([false, `cut ${rows + 2}`, 'missing'])
  expect(await told(home)).toContain(`: cut: row ${rows + 2}: the log ends at row ${rows + 1}, `)
})

test('a restore tells of the logs of those whose rows it takes away, and excuses no later one', async () => {
  await using home = await scene()
  const { latchkey, create, clock, rows } = home
  const tick = () => {
    clock.now = new Date(clock.now.getTime() + 60_000)
  }
  const restore = async () => {
    tick()
    const restored = await latchkey.backups.restore({ backup: old.id, inPlace: !onPostgres })
    tick()
    return restored.safetyBackup ?? old
  }
  const old = await latchkey.backups.create()
  for (const name of ['d', 'e', 'f', 'g']) await create(name)
  const first = await restore()
  await create('h')
  await create('i')
  const between = await latchkey.backups.create()
  const second = await restore()
  await create('j')
  for (const backup of [first, between, second])
    expect(await verify(home, backup)).toEqual([true, '', 'restored'])
  const third = await restore()
  expect(await verify(home, first)).toEqual([true, '', 'restored'])
  expect(await told(home)).toBe('ok')
  const [row] = await latchkey.audit.list({ action: 'database.restore' })
  // Of logs that were as long, the last is enough.
  expect(row?.after).toMatchObject({ earlier: [{ seq: rows + 3 }, { seq: rows + 4 }] })
  expect(await verify(home, third)).toEqual([true, '', 'restored'])
  // What was cut off later is not excused by a longer log of earlier.
  await create('k')
  const last = await latchkey.backups.create()
  await home.query(`DELETE FROM audit WHERE seq > ${rows + 1}`)
  await restore()
  expect(await verify(home, last)).toEqual([false, `cut ${rows + 2}`, 'missing'])
})

test('a backup of what was pruned since says so, and a prune knows the backup that has the rows', async () => {
  await using home = await scene()
  const { latchkey, clock, create, rows } = home
  const backup = await latchkey.backups.create()
  clock.now = new Date(clock.now.getTime() + 60_000)
  await create('d')
  clock.now = new Date(clock.now.getTime() + 60_000)
  const pruned = await latchkey.audit.prune({ before: new Date(clock.now.getTime() - 60_000) })
  expect(pruned).toMatchObject({ rows, backup: backup.id })
  expect(await verify(home, backup)).toEqual([true, '', 'present'])
  await latchkey.audit.prune({ before: clock.now })
  expect(await verify(home, backup)).toEqual([true, '', 'pruned'])
  expect(await told(home)).toBe('ok')
})

requireFile()(
  'a chain that a step down dropped is made again, and earlier backups say nothing of it',
  async () => {
    await using home = await scene()
    const { latchkey, clock, create } = home
    await latchkey.backups.create()
    clock.now = new Date(clock.now.getTime() + 60_000)
    await latchkey.migrations.migrate({ direction: 'down', to: 6 })
    await latchkey.migrations.migrate({ direction: 'up' })
    expect(await told(home)).toBe('ok')
    clock.now = new Date(clock.now.getTime() + 60_000)
    const later = await latchkey.backups.create()
    await create('d')
    await home.query(`DELETE FROM audit WHERE seq >= ${later.auditHead?.seq}`)
    expect(await told(home)).toContain(': cut: ')
  },
)

requireFile()('backups of other databases, and from before the chain, are refused', async () => {
  await using home = await scene()
  await using other = await scene()
  const { path } = await other.latchkey.backups.create()
  await expect(home.latchkey.audit.verify({ against: path })).rejects.toMatchObject({ code: 'conflict' })
  await expect(home.latchkey.audit.verify({ against: 'bak_000000' })).rejects.toMatchObject({
    code: 'not_found',
  })
  await home.latchkey.close()
  using client = new Client(home.path, { readwrite: true })
  expect(client.query('SELECT count(*) AS n FROM audit').get()).toEqual({ n: 4 })
})
