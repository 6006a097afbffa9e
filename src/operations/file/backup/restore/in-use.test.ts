/** Restores under processes that have the database open, and restores that are killed. */
import { afterEach, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { byPlural } from '../../../../contract/nouns.ts'
import type { Backup } from '../../../../contract/views.ts'
import { latestVersion } from '../../../../db/schema/version.ts'
import { Client } from '../../../../db/sqlite/client.ts'
import { openLatchkey } from '../../../../index.ts'
import { addUsers } from '../../../../testing/backups.ts'
import { kills } from '../../../../testing/chance.ts'
import { failure } from '../../../../testing/failure.ts'
import { firstLine } from '../../../../testing/lines.ts'
import {
  cleanedUp,
  damage,
  isSound,
  peer,
  restoreScene as scene,
  snapshot,
  users,
  withPages,
} from '../../../../testing/restores.ts'
import type { FileContext } from '../../../context.ts'
import { createBackup } from '../create.ts'
import { listBackups } from '../list.ts'
import { restore } from './restore.ts'

afterEach(cleanedUp)

/** The usernames that a writer gave. */
function names(path: string): readonly string[] {
  const client = new Client(path, { readwrite: true })
  try {
    return client
      .query("SELECT username FROM users WHERE username GLOB 'w[0-9]*'")
      .values()
      .flat()
      .map(String)
  } finally {
    client.close()
  }
}
/** A backup as a database in a file of its own. */
async function unpacked(context: FileContext, backup: Backup): Promise<string> {
  const path = `${context.path}-${backup.id}`
  await restore({ ...context, path }, { backup: backup.id })
  return path
}

const latchkeyAt = async ({ path, backupDir, actor }: FileContext) => openLatchkey({ path, backupDir, actor })

test('the difference names what would come, go and change, and who has the database open', async () => {
  const { context, dry } = await scene(0)
  const now = await latchkeyAt(context)
  await now.users.create({ username: 'stays' })
  await now.users.create({ username: 'goes' })
  await now.projects.create({ name: 'Shop', owner: 'stays' })
  for (const name of ['same', 'used', 'limited', 'rotated', 'deleted']) await now.keys.create({ name })
  const backup = await createBackup(context)
  await now.keys.update('limited', { limits: [{ metric: 'tokens', amount: 5, windowMs: 60_000 }] })
  await now.keys.rotate('rotated')
  await now.keys.delete('deleted')
  await now.keys.create({ name: 'new' })
  await now.usage.record('used', { inputTokens: 5 })
  await now.users.delete('goes')
  await now.users.create({ username: 'came' })
  await now.projects.update('shop', { name: 'Shoppe' })
  await now.close()
  const { pid } = await peer(context.path, '')
  const { changes, openBy, rows, before } = await restore(dry, { backup: backup.id })
  expect(changes).toEqual({
    ...byPlural(() => ({ added: [], removed: [], changed: [] })),
    keys: { added: ['deleted'], removed: ['new'], changed: ['limited', 'rotated'] },
    users: { added: ['goes'], removed: ['came'], changed: [] },
    projects: { added: [], removed: [], changed: ['shop'] },
  })
  expect(openBy).toEqual([{ pid, command: expect.stringContaining('-e') }])
  expect([rows['days'], before?.['days']]).toEqual([0, 1])
})

test('a restore waits for the process that has the database open, as long as it is told', async () => {
  const { context } = await scene()
  const { pid } = await peer(context.path, '')
  expect((await failure(restore(context, { latest: true, waitMs: 100 }))).message).toContain(`process ${pid}`)
  let isDone = false
  const waiting = restore(context, { latest: true, waitMs: 60_000 }).finally(() => {
    isDone = true
  })
  await Bun.sleep(300)
  expect(isDone).toBe(false)
  process.kill(pid)
  expect((await waiting).rows).toMatchObject({ users: 50 })
})

test('in place under a writer that never pauses, every commit is in the database or in the safety copy', async () => {
  const { context, folder } = await scene(500)
  const ledger = folder.file('ledger')
  await peer(
    context.path,
    `const { appendFileSync } = require('node:fs'); let n = 0
     setInterval(() => { for (let k = 0; k < 5; k++) {
       client.run("INSERT INTO users (id, username, role, service, created_at, updated_at) VALUES ('usr_' || hex(randomblob(13)), 'w" + n + "', 'member', 0, 0, 0)")
       appendFileSync(${JSON.stringify(ledger)}, 'w' + n++ + '\\n') } }, 1)`,
  )
  const written = () => (existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').slice(0, -1) : [])
  const first = (await listBackups(context))[0]!
  const known = new Set<string>()
  for (let round = 0; round < 3; round++) {
    const before = written().length
    while (written().length < before + 40) await Bun.sleep(5)
    const { safetyBackup } = await restore(context, { backup: first.id, inPlace: true })
    for (const name of names(await unpacked(context, safetyBackup!))) known.add(name)
  }
  // Taken before the look into the database: the writer goes on.
  const acknowledged = written()
  for (const name of names(context.path)) known.add(name)
  expect(acknowledged.filter(name => !known.has(name))).toEqual([])
  expect(acknowledged.length).toBeGreaterThan(100)
  expect(readdirSync(dirname(context.path)).filter(name => name.includes('before-restore'))).toEqual([])
  const { rows } = await restore(context, { undo: true, inPlace: true })
  expect(rows['users']).toBeGreaterThan(500)
}, 600_000)

test('revocations are kept of one moment: a write meanwhile stops that, and nothing is changed', async () => {
  const { context } = await scene()
  await peer(
    context.path,
    `setInterval(() => { client.run("UPDATE users SET updated_at = updated_at + 1") }, 1)`,
  )
  const error = await failure(restore(context, { latest: true, inPlace: true, keepRevocations: true }))
  expect(error).toMatchObject({ code: 'busy', message: expect.stringContaining('revocations') })
  expect(users(context.path)).toBe(100)
  expect(readdirSync(dirname(context.path)).filter(name => name.includes('before-restore'))).toEqual([])
})

test('a process that goes on with a deleted database stops a restore, which names it', async () => {
  const { context } = await scene()
  const { pid } = await peer(context.path, "client.query('SELECT count(*) FROM users').get()")
  for (const suffix of ['', '-wal', '-shm']) rmSync(context.path + suffix, { force: true })
  for (const inPlace of [false, true]) {
    const error = await failure(restore(context, { latest: true, inPlace }))
    expect(error).toMatchObject({ code: 'busy', message: expect.stringContaining(`process ${pid}`) })
    expect(error.hint).not.toContain('--in-place')
  }
  expect(existsSync(context.path)).toBe(false)
})

test('in place, a peer that has the database open sees the restored rows and can go on writing', async () => {
  const { context, folder } = await scene()
  const go = folder.file('go')
  const seen = folder.file('seen')
  const { exited } = await peer(
    context.path,
    `const count = () => client.query('SELECT count(*) AS n FROM users').get().n
     const first = count()
     setInterval(async () => {
       if (!(await Bun.file(${JSON.stringify(go)}).exists())) return
       const then = count()
       client.run("INSERT INTO users (id, username, role, service, created_at, updated_at) VALUES ('usr_' || hex(randomblob(13)), 'peer', 'member', 0, 0, 0)")
       await Bun.write(${JSON.stringify(seen)}, JSON.stringify([first, then, count()])); process.exit()
     }, 20)`,
  )
  expect(await restore(context, { latest: true, inPlace: true })).toMatchObject({ rows: { users: 50 } })
  writeFileSync(go, '')
  await exited
  expect(JSON.parse(readFileSync(seen, 'utf8'))).toEqual([100, 50, 51])
  expect(users(context.path)).toBe(51)
})

test('in place, a restore gets through under a busy writer', async () => {
  const { context } = await scene()
  await peer(
    context.path,
    `setInterval(() => { client.run("UPDATE users SET updated_at = updated_at + 1 WHERE rowid % 7 = 0") }, 1)`,
  )
  for (let round = 0; round < 3; round++) {
    expect(await restore(context, { latest: true, inPlace: true })).toMatchObject({
      schemaVersion: latestVersion,
    })
  }
  expect(isSound(context.path)).toEqual({ integrity_check: 'ok' })
}, 600_000)

test('in place, a database with other pages is restored under a process that has it open', async () => {
  const { context } = await scene()
  withPages(context.path, 8192)
  await peer(context.path, "client.query('SELECT count(*) FROM users').get()")
  expect(await restore(context, { latest: true, inPlace: true })).toMatchObject({ rows: { users: 50 } })
  expect(isSound(context.path)).toEqual({ integrity_check: 'ok' })
})

test('a damaged database is not replaced under a process that uses it, not even in place', async () => {
  const { context } = await scene()
  damage(context.path)
  const { pid } = await peer(context.path, "client.query('SELECT count(*) FROM users').get()")
  const before = snapshot(dirname(context.path))
  for (const inPlace of [false, true]) {
    const error = await failure(restore(context, { latest: true, inPlace }))
    expect(error).toMatchObject({ code: 'busy', message: expect.stringContaining(`process ${pid}`) })
  }
  expect(snapshot(dirname(context.path))).toEqual(before)
})

test.each([
  ['has run a query', "client.query('SELECT count(*) FROM users').get()"],
  ['has only opened it', ''],
  ['is reading', "client.run('BEGIN'); client.query('SELECT count(*) FROM users').get()"],
])('a process that %s stops a restore, which names it', async (_, body) => {
  const { context } = await scene()
  const { pid } = await peer(context.path, body)
  const error = await failure(restore(context, { latest: true }))
  expect(error).toMatchObject({ code: 'busy', exit: 75 })
  expect(error.message).toContain(`process ${pid}`)
  expect(error.hint).toContain('--in-place')
  expect(users(context.path)).toBe(100)
})

const child = (context: FileContext, options: object) => `
  import { restore } from ${JSON.stringify(join(import.meta.dir, 'restore.ts'))}
  const context = { ...${JSON.stringify(context)}, now: () => new Date() }
  console.log('go'); for (;;) await restore(context, ${JSON.stringify(options)})`

for (const [way, spoil, before] of [
  ['in place', () => {}, 3_000],
  ['where the database is damaged', damage, 3_000],
  ['where there is none', (path: string) => rmSync(path), 'none'],
] as const) {
  test(`killed at any moment ${way}, the database is the old one or the new one, whole`, async () => {
    const { context } = await scene(1_500)
    const [backup] = await listBackups(context)
    const outcomes: Record<string, number> = {}
    for (let round = 0; round < kills; round++) {
      const started = performance.now()
      // The one that is asked for again and again must not be found already in place.
      await restore(context, {
        backup: (await listBackups(context)).find(b => b.rows['users'] === 3_000)?.id ?? backup!.id,
      })
      const wholeMs = performance.now() - started
      if (users(context.path) === 1_500) addUsers(context.path, 1_500)
      spoil(context.path)
      const running = Bun.spawn([process.execPath, '-e', child(context, { backup: backup!.id })], {
        stdout: 'pipe',
      })
      await firstLine(running.stdout)
      // The first restore of a process takes longer.
      await Bun.sleep(Math.random() * wholeMs * 2.5)
      running.kill(9)
      await running.exited
      const found = existsSync(context.path) ? users(context.path) : 'none'
      outcomes[found] = (outcomes[found] ?? 0) + 1
      expect([before, 1_500]).toContain(found)
      if (found === 1_500) expect(isSound(context.path)).toEqual({ integrity_check: 'ok' })
    }
    console.log(`${kills} kills ${way}: ${JSON.stringify(outcomes)}`)
    expect(await restore(context, { backup: backup!.id })).toMatchObject({ rows: { users: 1_500 } })
    expect(readdirSync(dirname(context.path)).filter(name => name.startsWith('.latchkey-tmp'))).toEqual([])
  }, 600_000)
}
