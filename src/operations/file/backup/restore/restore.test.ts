import { afterEach, expect, test } from 'bun:test'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { latestVersion } from '../../../../db/schema/version.ts'
import { Client } from '../../../../db/sqlite/client.ts'
import { copyInto } from '../../../../db/sqlite/copy.ts'
import { migrateTo } from '../../../../db/sqlite/migrate.ts'
import { openWriter } from '../../../../db/sqlite/open.ts'
import type { BackupScene as Scene } from '../../../../testing/backups.ts'
import { addUsers } from '../../../../testing/backups.ts'
import { failure } from '../../../../testing/failure.ts'
import {
  ask,
  cleanedUp,
  cleanUp,
  isSound,
  restoreScene as scene,
  snapshot,
  users,
  withPages,
} from '../../../../testing/restores.ts'
import { requireMounts } from '../../../../testing/tools.ts'
import { initialize } from '../../init.ts'
import { createBackup } from '../create.ts'
import type { Restore } from '../input.ts'
import { listBackups } from '../list.ts'
import { restore } from './restore.ts'

afterEach(cleanedUp)

function sql(path: string, text: string): void {
  const client = openWriter(path)
  client.run(text)
  client.close()
}

test('puts the rows back, keeps what was there as a backup, and says both', async () => {
  const { context } = await scene()
  const restored = await restore(context, { latest: true })
  expect(restored).toMatchObject({
    path: context.path,
    movedAside: [],
    schemaVersion: latestVersion,
    before: { users: 100 },
    rows: { users: 50 },
    safetyBackup: { reason: 'pre-restore', rows: { users: 100 } },
  })
  expect(users(context.path)).toBe(50)
  expect(statSync(context.path).mode & 0o777).toBe(0o600)
  expect(ask(context.path, 'PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' })
  expect(
    ask(
      context.path,
      "SELECT actor, after ->> 'backup' AS backup FROM audit WHERE action = 'database.restore'",
    ),
  ).toEqual({
    actor: 'tester',
    backup: restored.backup.id,
  })
  await restore(context, { backup: restored.safetyBackup!.id })
  expect(users(context.path)).toBe(100)
  expect(readdirSync(dirname(context.path))).toEqual(['latchkey.db'])
})

test('a dry run verifies, counts, and changes nothing', async () => {
  const { context, dry, folder } = await scene()
  const before = [snapshot(dirname(context.path)), snapshot(context.backupDir)]
  expect(await restore(dry, { latest: true })).toMatchObject({
    before: { users: 100 },
    rows: { users: 50 },
    safetyBackup: null,
  })
  expect([snapshot(dirname(context.path)), snapshot(context.backupDir)]).toEqual(before)
  await restore({ ...dry, path: folder.file('new', 'x.db') }, { latest: true })
  expect(existsSync(folder.file('new'))).toBe(false)
})

test.each<[string, (s: Scene) => void]>([
  ['missing', s => rmSync(dirname(s.context.path), { recursive: true })],
  [
    'missing, with the WAL of another still there',
    s => {
      const strangers = s.folder.file('strangers.db')
      const c = new Client(strangers, { create: true })
      c.run('PRAGMA journal_mode = WAL')
      c.run('CREATE TABLE stranger (x)')
      rmSync(s.context.path)
      writeFileSync(`${s.context.path}-wal`, readFileSync(`${strangers}-wal`))
      c.close()
    },
  ],
  ['empty', s => writeFileSync(s.context.path, '')],
  ['no database at all', s => writeFileSync(s.context.path, 'x'.repeat(9_000))],
  ['cut in half', s => truncateSync(s.context.path, 4096 * 12)],
  [
    'overwritten in the middle',
    s => {
      const bytes = readFileSync(s.context.path)
      bytes.fill(0xff, 4096 * 2, bytes.length - 4096)
      writeFileSync(s.context.path, bytes)
    },
  ],
])('restores where the database is %s, and moves aside what there is', async (_, spoil) => {
  const s = await scene()
  spoil(s)
  const there = existsSync(dirname(s.context.path)) ? readdirSync(dirname(s.context.path)).length : 0
  const restored = await restore(s.context, { latest: true })
  expect(restored).toMatchObject({ safetyBackup: null, before: null, rows: { users: 50 } })
  expect(restored.movedAside).toHaveLength(there)
  for (const file of restored.movedAside) expect(existsSync(file)).toBe(true)
  expect(users(s.context.path)).toBe(50)
  expect(isSound(s.context.path)).toEqual({ integrity_check: 'ok' })
  expect(ask(s.context.path, "SELECT count(*) AS n FROM sqlite_schema WHERE name = 'stranger'")).toEqual({
    n: 0,
  })
})

test.each([1024, 8192])('a database with pages of %i bytes keeps them, and its file', async bytes => {
  const { context } = await scene()
  withPages(context.path, bytes)
  addUsers(context.path, 1)
  const { ino } = statSync(context.path)
  const restored = await restore(context, { latest: true })
  expect(restored).toMatchObject({
    safetyBackup: { rows: { users: 101 } },
    before: { users: 101 },
    movedAside: [],
  })
  expect(ask(context.path, 'PRAGMA page_size')).toEqual({ page_size: bytes })
  expect([users(context.path), statSync(context.path).ino]).toEqual([50, ino])
  await restore(context, { undo: true })
  expect(users(context.path)).toBe(101)
})

test('a database in DELETE mode is restored at the first try', async () => {
  const { context } = await scene()
  withPages(context.path, 4096)
  expect(ask(context.path, 'PRAGMA journal_mode')).toEqual({ journal_mode: 'delete' })
  expect(await restore(context, { latest: true })).toMatchObject({ rows: { users: 50 } })
  expect(ask(context.path, 'PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' })
})

test('an emptied database is damaged, and the log that is left of it is kept', async () => {
  const { context } = await scene()
  const code = `const c = new (require('bun:sqlite').Database)(${JSON.stringify(context.path)})
    c.run("UPDATE users SET role = 'admin'"); process.kill(process.pid, 9)`
  Bun.spawnSync([process.execPath, '-e', code])
  const log = readFileSync(`${context.path}-wal`)
  truncateSync(context.path, 0)
  expect((await failure(createBackup(context))).code).toBe('corrupt')
  const { movedAside } = await restore(context, { latest: true })
  expect(movedAside.filter(file => file.endsWith('-wal')).map(file => readFileSync(file))).toEqual([log])
  expect(users(context.path)).toBe(50)
})

test.each<[string, (s: Scene, file: string) => void, string]>([
  [
    'has a flipped bit',
    (_, file) => {
      const b = readFileSync(file)
      b[5000]! ^= 4
      writeFileSync(file, b)
    },
    'checksum',
  ],
  ['is cut short', (_, file) => truncateSync(file, 8192), 'checksum'],
  ['has lost its data', (_, file) => rmSync(file), 'not_found'],
  ['has a broken manifest', (_, file) => writeFileSync(file.replace('.db', '.json'), '{'), 'not_found'],
])('a backup that %s is refused before anything is touched', async (_, spoil, code) => {
  const s = await scene()
  const [backup] = await listBackups(s.context)
  spoil(s, backup!.path)
  const before = snapshot(dirname(s.context.path))
  expect((await failure(restore(s.context, { latest: true }))).code).toBe(code as never)
  expect(snapshot(dirname(s.context.path))).toEqual(before)
  expect((await listBackups(s.context)).filter(b => b.reason === 'pre-restore')).toEqual([])
})

test('a backup of a newer schema is refused, one of an older schema is migrated', async () => {
  const { context } = await scene()
  const client = openWriter(context.path)
  client.run(`PRAGMA user_version = ${latestVersion + 1}`)
  const newer = await createBackup(context)
  client.run(`PRAGMA user_version = ${latestVersion}`)
  client.close()
  const before = snapshot(dirname(context.path))
  expect((await failure(restore(context, { backup: newer.id }))).code).toBe('schema_newer')
  expect(snapshot(dirname(context.path))).toEqual(before)

  const other = { ...context, path: join(dirname(context.path), 'old.db') }
  await initialize(other)
  const old = openWriter(other.path)
  migrateTo(old, other.path, 0, { now: 0, programVersion: '0' })
  old.close()
  const older = await createBackup(other)
  expect(older.schemaVersion).toBe(0)
  expect(await restore(context, { backup: older.id })).toMatchObject({
    schemaVersion: latestVersion,
    rows: { users: 0 },
  })
})

test('a backup of a newer schema is refused with the version that it needs', async () => {
  const { context } = await scene()
  sql(context.path, `PRAGMA user_version = ${latestVersion + 1}`)
  const newer = await createBackup(context)
  sql(context.path, `PRAGMA user_version = ${latestVersion}`)
  const error = await failure(restore(context, { backup: newer.id }))
  expect(error.message).toContain(`schema version ${latestVersion + 1}`)
  expect(error.hint).toContain(newer.programVersion)
})

test('the latest is never what a restore has replaced, unless there is nothing else', async () => {
  const { context } = await scene()
  const [only] = await listBackups(context)
  const { safetyBackup } = await restore(context, { latest: true })
  expect((await restore(context, { latest: true })).backup.id).toBe(only!.id)
  for (const file of [only!.path, only!.path.replace('.db', '.json')]) rmSync(file)
  expect((await restore(context, { latest: true })).backup.reason).toBe(safetyBackup!.reason)
})

test('the newest backup at a time is restored, and none from before the first', async () => {
  const { context } = await scene()
  const clock = { now: new Date('2026-01-01T00:00:00Z') }
  const then = { ...context, now: () => clock.now }
  for (const day of [1, 2, 3]) {
    clock.now = new Date(`2026-01-0${day}T00:00:00Z`)
    addUsers(context.path, 1)
    await createBackup(then)
  }
  const at = (time: string) => restore(then, { at: new Date(time) })
  expect((await at('2026-01-02T23:59:59Z')).rows['users']).toBe(102)
  expect((await at('2026-01-01T00:00:00Z')).rows['users']).toBe(101)
  expect((await failure(at('2025-12-31T00:00:00Z'))).code).toBe('not_found')
})

test.each<[string, Restore]>([
  ['nothing', {}],
  ['the latest and a time', { latest: true, at: new Date() }],
  ['an undo of a named one', { undo: true, backup: 'bak_01kaqv8w2e' }],
  ['two things out of it', { latest: true, key: 'a', user: 'b' }],
])('%s is no choice of a backup', async (_, options) => {
  const { context } = await scene(1)
  expect((await failure(restore(context, options))).code).toBe('usage')
})

test('an undo goes back to before the last restore, and an undo of that forward again', async () => {
  const { context } = await scene()
  expect((await failure(restore(context, { undo: true }))).code).toBe('not_found')
  await restore(context, { latest: true })
  addUsers(context.path, 7)
  expect((await restore(context, { undo: true })).rows).toMatchObject({ users: 100 })
  expect((await restore(context, { undo: true })).rows).toMatchObject({ users: 57 })
  // Where the database itself can no longer tell, the newest safety copy does.
  rmSync(context.path)
  expect((await restore(context, { undo: true })).rows).toMatchObject({ users: 100 })
  const refused = await failure(restore(context, { undo: true }))
  const { hint } = refused
  expect(hint).toContain('backup list')
  expect(refused).toMatchObject({
    code: 'not_found',
    message: `there was no database at ${context.path} before the last restore, so there is nothing to go back to`,
  })
  expect(users(context.path)).toBe(100)
  // What it says makes it so.
  Bun.spawnSync(['sh', '-c', hint.slice(hint.indexOf('mv '))])
  expect(readdirSync(dirname(context.path))).toEqual(['latchkey.db.old'])
})

test('what a killed restore had kept of late commits is made a backup by the next, and an undo finds it', async () => {
  const { context } = await scene()
  await restore(context, { latest: true })
  const late = `${context.path}.before-restore-01kaqv8w2e7gztn3m5c9d4x6hb`
  const other = { ...context, path: late }
  await initialize(other)
  addUsers(late, 3)
  expect((await restore(context, { undo: true })).rows).toMatchObject({ users: 3 })
  expect(existsSync(late)).toBe(false)
})

test("a healthy database of somebody else's is never replaced, not even in place", async () => {
  const { context, folder } = await scene()
  const to = folder.file('theirs.db')
  const client = new Client(to)
  client.run('CREATE TABLE t (x)')
  client.close()
  const before = readFileSync(to)
  expect((await failure(restore(context, { latest: true, to, inPlace: true }))).code).toBe('database_foreign')
  expect(readFileSync(to)).toEqual(before)
})

test('without its safety copy a restore does not begin', async () => {
  const { context, folder } = await scene()
  const unsafe = { ...context, ageRecipientsFile: folder.file('no-recipients.txt') }
  expect(await failure(restore(unsafe, { latest: true }))).toMatchObject({
    code: 'config',
    message: expect.stringContaining('the safety copy (pre-restore) could not be taken'),
  })
  expect(users(context.path)).toBe(100)
})

test('a restore that fails leaves nothing where there was nothing', async () => {
  const { context, folder } = await scene()
  const to = folder.file('new', 'deep', 'latchkey.db')
  const elsewhere = { ...context, path: to, backupDir: folder.file('new', 'backups') }
  const error = await failure(restore(elsewhere, { backup: 'bak_nothing', from: context.backupDir }))
  expect(error).toMatchObject({ code: 'not_found' })
  expect(existsSync(folder.file('new'))).toBe(false)
})

test('a symbolic link that leads to nothing yet stays one, and what it leads to is restored', async () => {
  const { context, folder } = await scene()
  const link = folder.file('link.db')
  symlinkSync('there.db', link)
  expect(await restore(context, { latest: true, to: link })).toMatchObject({ path: folder.file('there.db') })
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
  expect(users(folder.file('there.db'))).toBe(50)
})

test('a symbolic link to the database stays one, and what it leads to is restored', async () => {
  const { context, folder } = await scene()
  const link = folder.file('link.db')
  symlinkSync(context.path, link)
  writeFileSync(context.path, 'damaged')
  await restore({ ...context, path: link }, { latest: true })
  expect(realpathSync(link)).toBe(context.path)
  expect(users(context.path)).toBe(50)
})

requireMounts()('a disk that fills up during a restore leaves the old database', async () => {
  const { context, folder } = await scene(4_000)
  const small = folder.file('small')
  mkdirSync(small)
  expect(Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', small]).exitCode).toBe(0)
  cleanUp.push(() => Bun.spawnSync(['umount', small]))
  const target = { ...context, path: join(small, 'latchkey.db') }
  await restore(target, { latest: true })
  const [backup] = await listBackups(context)
  // Too little for the copy is seen beforehand; too little for the WAL only while it is written.
  const filler = join(small, 'filler')
  writeFileSync(filler, new Uint8Array(8 * 1_048_576 - statSync(target.path).size - 300_000))
  expect(await failure(restore(target, { backup: backup!.id }))).toMatchObject({
    code: 'disk_full',
    message: expect.stringContaining('are needed; nothing was changed'),
  })
  expect(users(target.path)).toBe(4_000)
  const source = folder.file('source.db')
  writeFileSync(source, readFileSync(backup!.path))
  const error = await copyInto(source, target.path, 500).then(
    () => undefined,
    e => e,
  )
  expect(error).toMatchObject({ code: 'disk_full' })
  expect(users(target.path)).toBe(4_000)
  expect(isSound(target.path)).toEqual({ integrity_check: 'ok' })
  rmSync(filler)
  expect(readdirSync(small).filter(name => name.startsWith('.latchkey-tmp'))).toEqual([])
})
