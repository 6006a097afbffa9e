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
import type { Backup } from '../../../../contract/views.ts'
import { latestVersion } from '../../../../db/schema/version.ts'
import { Client } from '../../../../db/sqlite/client.ts'
import { copyInto } from '../../../../db/sqlite/copy.ts'
import { migrateTo } from '../../../../db/sqlite/migrate.ts'
import { openWriter } from '../../../../db/sqlite/open.ts'
import { openLatchkey } from '../../../../index.ts'
import { kills } from '../../../../testing/chance.ts'
import { failure } from '../../../../testing/failure.ts'
import { type TemporaryFolder, temporaryFolder } from '../../../../testing/folder.ts'
import { fromTemplate } from '../../../../testing/template.ts'
import { requireMounts } from '../../../../testing/tools.ts'
import type { FileContext } from '../../../context.ts'
import { initialize } from '../../init.ts'
import { createBackup } from '../create.ts'
import type { Restore } from '../input.ts'
import { listBackups } from '../list.ts'
import { restore } from './restore.ts'

const cleanUp: (() => void)[] = []
afterEach(() => {
  for (const step of cleanUp.splice(0).toReversed()) step()
})

interface Scene {
  readonly context: FileContext
  readonly dry: FileContext
  readonly folder: TemporaryFolder
}

/** A database of `users` rows, a backup of it, and then as many rows more. */
async function scene(users = 50): Promise<Scene> {
  const folder = temporaryFolder()
  cleanUp.push(folder.remove)
  const context: FileContext = {
    path: folder.file('data', 'latchkey.db'),
    backupDir: folder.file('backups'),
    now: () => new Date(),
    actor: { name: 'tester', origin: 'script' },
    dryRun: false,
  }
  await fromTemplate(`${users} users`, context.path, async () => {
    await initialize(context)
    addUsers(context.path, users)
  })
  await createBackup(context, { compression: 'none' })
  addUsers(context.path, users)
  return { context, dry: { ...context, dryRun: true }, folder }
}

function addUsers(path: string, count: number): void {
  const client = openWriter(path)
  client.run('BEGIN')
  for (let n = 0; n < count; n++) {
    const name = crypto.randomUUID().replaceAll('-', '').slice(0, 26)
    client.run(
      "INSERT INTO users (id, username, role, service, created_at, updated_at) VALUES (?, ?, 'member', 0, 0, 0)",
      [`usr_${name}`, name],
    )
  }
  client.run('COMMIT')
  client.close()
}

function ask<T>(path: string, sql: string): T {
  const client = new Client(path, { readwrite: true })
  try {
    return client.query(sql).get() as T
  } finally {
    client.close()
  }
}
function sql(path: string, text: string): void {
  const client = openWriter(path)
  client.run(text)
  client.close()
}
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
const users = (path: string) => ask<{ n: number }>(path, 'SELECT count(*) AS n FROM users').n
const isSound = (path: string) => ask<object>(path, 'PRAGMA integrity_check')
/** Every file beside the database, by content. */
const snapshot = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map(name => [name, Bun.hash(readFileSync(join(folder, name)))]),
  )

/** Another process that opens the database, runs `body` with it as `client`, and says when it has. */
async function peer(path: string, body: string) {
  const code = `
    import { Database as Client } from 'bun:sqlite'
    // What nothing refers to is collected, and its locks with it.
    const client = (globalThis.kept = new Client(${JSON.stringify(path)})); client.run('PRAGMA busy_timeout = 20000')
    ${body}
    console.log('ready'); await Bun.sleep(120_000)`
  const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe', stdin: 'pipe' })
  cleanUp.push(() => child.kill(9))
  const { value } = await child.stdout.getReader().read()
  expect(new TextDecoder().decode(value)).toBe('ready\n')
  return { pid: child.pid }
}

/** 64 bytes over the root page of a table. */
function damage(path: string): void {
  const { rootpage } = ask<{ rootpage: number }>(
    path,
    "SELECT rootpage FROM sqlite_schema WHERE name = 'counted_files'",
  )
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xa5, (rootpage - 1) * 4096, (rootpage - 1) * 4096 + 64))
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

/** Rebuilds it with pages of another size than the backup has, and leaves it in DELETE mode. */
function withPages(path: string, bytes: number): void {
  const client = new Client(path)
  client.run('PRAGMA journal_mode = DELETE')
  client.run(`PRAGMA page_size = ${bytes}`)
  client.run('VACUUM')
  client.close()
}

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
  // Where the database itself can no longer tell, the newest safety backup does.
  rmSync(context.path)
  expect((await restore(context, { undo: true })).rows).toMatchObject({ users: 100 })
  const refused = await failure(restore(context, { undo: true }))
  const { hint } = refused
  expect(hint).toContain('backup list')
  expect(refused).toMatchObject({
    code: 'not_found',
    message: `there was no database at ${context.path} before the last restore, so there is none to go back to`,
  })
  expect(users(context.path)).toBe(100)
  // What it says makes it so.
  Bun.spawnSync(['sh', '-c', hint.slice(hint.indexOf('mv '))])
  expect(readdirSync(dirname(context.path))).toEqual(['latchkey.db.old'])
})

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
    keys: { added: ['deleted'], removed: ['new'], changed: ['limited', 'rotated'] },
    users: { added: ['goes'], removed: ['came'], changed: [] },
    projects: { added: [], removed: [], changed: ['shop'] },
  })
  expect(openBy).toEqual([{ pid, command: expect.stringContaining('-e') }])
  expect([rows['usage'], before?.['usage']]).toEqual([0, 1])
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

test('in place under a writer that never pauses, every commit is in the database or in the safety backup', async () => {
  const { context, folder } = await scene(500)
  const ledger = folder.file('ledger')
  await peer(
    context.path,
    `const { appendFileSync } = require('node:fs'); let n = 0
     setInterval(() => { for (let k = 0; k < 20; k++) {
       client.run("INSERT INTO users (id, username, role, service, created_at, updated_at) VALUES ('usr_' || hex(randomblob(13)), 'w" + n + "', 'member', 0, 0, 0)")
       appendFileSync(${JSON.stringify(ledger)}, 'w' + n++ + '\\n') } }, 1)`,
  )
  const first = (await listBackups(context))[0]!
  const known = new Set<string>()
  for (let round = 0; round < 3; round++) {
    await Bun.sleep(100)
    const { safetyBackup } = await restore(context, { backup: first.id, inPlace: true })
    for (const name of names(await unpacked(context, safetyBackup!))) known.add(name)
  }
  const written = readFileSync(ledger, 'utf8').trim().split('\n')
  for (const name of names(context.path)) known.add(name)
  expect(written.filter(name => !known.has(name))).toEqual([])
  expect(written.length).toBeGreaterThan(100)
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

test('without its safety copy a restore does not begin', async () => {
  const { context, folder } = await scene()
  const unsafe = { ...context, ageRecipientsFile: folder.file('no-recipients.txt') }
  expect(await failure(restore(unsafe, { latest: true }))).toMatchObject({
    code: 'config',
    message: expect.stringContaining('the safety backup (pre-restore) could not be taken'),
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

test('in place, a peer that has the database open sees the restored rows and can go on writing', async () => {
  const { context, folder } = await scene()
  const go = folder.file('go')
  const seen = folder.file('seen')
  await peer(
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
  for (let n = 0; n < 200 && !existsSync(seen); n++) await Bun.sleep(20)
  await Bun.sleep(50)
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

test('a symbolic link to the database stays one, and what it leads to is restored', async () => {
  const { context, folder } = await scene()
  const link = folder.file('link.db')
  symlinkSync(context.path, link)
  writeFileSync(context.path, 'damaged')
  await restore({ ...context, path: link }, { latest: true })
  expect(realpathSync(link)).toBe(context.path)
  expect(users(context.path)).toBe(50)
})

const child = (context: FileContext, options: object) => `
  import { restore } from ${JSON.stringify(join(import.meta.dir, 'restore.ts'))}
  const context = { ...${JSON.stringify(context)}, now: () => new Date() }
  console.log('go'); for (;;) await restore(context, ${JSON.stringify(options)})`

for (const [way, spoil, before] of [
  ['in place', () => {}, 8_000],
  ['where the database is damaged', damage, 8_000],
  ['where there is none', (path: string) => rmSync(path), 'none'],
] as const) {
  test(`killed at any moment ${way}, the database is the old one or the new one, whole`, async () => {
    const { context } = await scene(4_000)
    const [backup] = await listBackups(context)
    const outcomes: Record<string, number> = {}
    for (let round = 0; round < kills; round++) {
      const started = performance.now()
      // The one that is asked for again and again must not be found already in place.
      await restore(context, {
        backup: (await listBackups(context)).find(b => b.rows['users'] === 8_000)?.id ?? backup!.id,
      })
      const wholeMs = performance.now() - started
      if (users(context.path) === 4_000) addUsers(context.path, 4_000)
      spoil(context.path)
      const running = Bun.spawn([process.execPath, '-e', child(context, { backup: backup!.id })], {
        stdout: 'pipe',
      })
      await running.stdout.getReader().read()
      await Bun.sleep(Math.random() * wholeMs * 1.3)
      running.kill(9)
      await running.exited
      const found = existsSync(context.path) ? users(context.path) : 'none'
      outcomes[found] = (outcomes[found] ?? 0) + 1
      expect([before, 4_000]).toContain(found)
      if (found === 4_000) expect(isSound(context.path)).toEqual({ integrity_check: 'ok' })
    }
    console.log(`${kills} kills ${way}: ${JSON.stringify(outcomes)}`)
    expect(await restore(context, { backup: backup!.id })).toMatchObject({ rows: { users: 4_000 } })
    expect(readdirSync(dirname(context.path)).filter(name => name.startsWith('.latchkey-tmp'))).toEqual([])
  }, 600_000)
}

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
