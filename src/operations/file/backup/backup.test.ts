import { Database } from 'bun:sqlite'
import { afterEach, expect, test } from 'bun:test'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Compression } from '../../../contract/views.ts'
import { latestVersion } from '../../../db/schema/version.ts'
import { openWriter } from '../../../db/sqlite/open.ts'
import { type BackupScene, backupScene, manifestOf, rewriteManifest } from '../../../testing/backups.ts'
import { kills } from '../../../testing/chance.ts'
import { failure } from '../../../testing/failure.ts'
import type { TemporaryFolder } from '../../../testing/folder.ts'
import { firstLine } from '../../../testing/lines.ts'
import { requireMounts, requireTool } from '../../../testing/tools.ts'
import { createBackup } from './create.ts'
import { getBackup, listBackups } from './list.ts'
import { withLock } from './lock.ts'
import { verifyBackups } from './verify.ts'

const folders: TemporaryFolder[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove()
})

async function scene(users?: number): Promise<BackupScene> {
  const made = await backupScene({}, users)
  folders.push(made.folder)
  return made
}

const filesIn = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter(name => name !== '.latchkey-lock')
        .sort()
    : []
const sha256 = (path: string) => new Bun.CryptoHasher('sha256').update(readFileSync(path)).digest('hex')

test('a backup is a private file that opens as the database it was, beside a manifest that says so', async () => {
  const { context } = await scene()
  const backup = await createBackup(context, { reason: 'before the upgrade', compression: 'none' })
  expect(backup.id).toMatch(/^bak_[0-9a-z]{26}$/)
  expect(backup.path).toBe(join(context.backupDir, `latchkey-20261120T031126603Z-${backup.id.slice(-6)}.db`))
  expect(backup).toMatchObject({
    location: context.backupDir,
    createdAt: new Date('2026-11-20T03:11:26.603Z'),
    reason: 'before the upgrade',
    compression: 'none',
    encrypted: false,
    schemaVersion: latestVersion,
    verifiedAt: null,
    sha256: sha256(backup.path),
    sizeBytes: statSync(backup.path).size,
    rawSizeBytes: statSync(backup.path).size,
  })
  expect(backup.rows).toMatchObject({ users: 100, audit: 1, migrations: latestVersion, keys: 0 })
  for (const file of [backup.path, manifestOf(backup.path)]) expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(context.backupDir).mode & 0o777).toBe(0o700)
  expect(filesIn(context.backupDir)).toHaveLength(2)
  const copy = new Database(backup.path, { readonly: true })
  expect(copy.query('SELECT count(*) AS n FROM users').get()).toEqual({ n: 100 })
  copy.close()
})

for (const compression of ['zstd', 'gzip'] as Compression[]) {
  requireTool(compression)(
    `a ${compression} backup of several frames unpacks to the same bytes, here and with the ordinary tool`,
    async () => {
      const { context } = await scene(8_000)
      const client = openWriter(context.path)
      client.run('UPDATE users SET name = hex(randomblob(600))')
      client.close()
      const backup = await createBackup(context, { compression })
      expect(backup.rawSizeBytes).toBeGreaterThan(8 * 1_048_576)
      expect(backup.sizeBytes).toBeLessThan(backup.rawSizeBytes)
      expect(backup.path).toEndWith(compression === 'zstd' ? '.db.zst' : '.db.gz')
      expect((await verifyBackups(context))[0]).toMatchObject({ outcome: 'passed', problem: null })
      const unpacked = await new Response(Bun.spawn([compression, '-dc', backup.path]).stdout).bytes()
      expect(unpacked.byteLength).toBe(backup.rawSizeBytes)
    },
  )
}

test('a backup is consistent while another process commits all the time', async () => {
  const { context } = await scene(10)
  // In memory nothing slows it down, as a disk does: without a break the database grows faster than it is copied.
  const code = `
    import { Database } from 'bun:sqlite'
    const client = new Database(${JSON.stringify(context.path)})
    client.run('PRAGMA busy_timeout = 5000')
    const one = client.query("INSERT INTO audit (id, at, actor, origin, action, target_type, target_id, seq, previous, salt, hash) SELECT ?, 0, 'w', 'script', 'a.b', 't', 'x', max(seq) + 1, previous, salt, hash FROM audit")
    const id = () => 'aud_' + crypto.randomUUID().replaceAll('-', '').slice(0, 26)
    for (let n = 0; ; n++) { client.run('BEGIN IMMEDIATE'); one.run(id()); one.run(id()); client.run('COMMIT'); Bun.sleepSync(1); if (n === 20) console.log('going') }`
  const writer = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
  try {
    await firstLine(writer.stdout)
    for (let round = 0; round < 5; round++) {
      const backup = await createBackup(context)
      // Pairs are written in one transaction; one row is that of init.
      expect(backup.rows['audit']! % 2).toBe(1)
    }
  } finally {
    writer.kill(9)
    await writer.exited
  }
  expect((await verifyBackups(context, { all: true })).map(check => check.outcome)).toEqual(
    Array(5).fill('passed'),
  )
}, 600_000)

test('a dry run copies, checks and answers, and leaves neither file nor folder', async () => {
  const { dry, folder } = await scene()
  const before = readdirSync(folder.path).sort()
  const backup = await createBackup(dry, { compression: 'zstd' })
  expect(backup.rows['users']).toBe(100)
  expect(readdirSync(folder.path).sort()).toEqual(before)
})

test.each<[string, (s: BackupScene) => void, string]>([
  ['there is no database', s => rmSync(s.context.path), 'database_missing'],
  [
    "the database is somebody else's",
    s => {
      rmSync(s.context.path)
      const c = new Database(s.context.path)
      c.run('CREATE TABLE t (x)')
      c.close()
    },
    'database_foreign',
  ],
  ['the file is no database', s => writeFileSync(s.context.path, 'x'.repeat(8192)), 'corrupt'],
  ['the file is empty', s => writeFileSync(s.context.path, ''), 'corrupt'],
  [
    'a page in the middle is overwritten',
    s => {
      const d = readFileSync(s.context.path)
      d.fill(0xff, 4096 * 2, d.length - 4096)
      writeFileSync(s.context.path, d)
    },
    'corrupt',
  ],
  [
    'rows point at nothing',
    s => {
      const c = new Database(s.context.path)
      c.run(
        "INSERT INTO projects (id, slug, name, owner_id, created_at, updated_at) VALUES ('prj_' || hex(randomblob(13)), 'a', 'A', 'usr_nobody', 0, 0)",
      )
      c.close()
    },
    'corrupt',
  ],
  ['a file is in the place of the folder', s => s.folder.write('backups', ''), 'config'],
])('when %s, no backup is made and nothing is left', async (_, spoil, code) => {
  const s = await scene()
  spoil(s)
  expect((await failure(createBackup(s.context))).code).toBe(code as never)
  expect(
    s.folder.file('backups') && statSync(s.folder.file('backups'), { throwIfNoEntry: false })?.isDirectory()
      ? filesIn(s.context.backupDir)
      : [],
  ).toEqual([])
})

test('a folder that cannot be written is refused with a next step', async () => {
  const { context } = await scene()
  const error = await failure(createBackup(context, { to: '/proc/latchkey' }))
  expect(error.code).toBe('config')
  expect(error.hint).not.toBe('')
})

requireMounts()('a full disk is said, and leaves no file', async () => {
  const { context, folder } = await scene(20_000)
  const small = folder.file('small')
  mkdirSync(small)
  expect(Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', small]).exitCode).toBe(0)
  try {
    // Seen before a byte is written: what it says is how much room is missing.
    expect(await failure(createBackup(context, { to: small }))).toMatchObject({
      code: 'disk_full',
      message: expect.stringContaining('are needed; nothing was changed'),
    })
    expect(filesIn(small)).toEqual([])
  } finally {
    Bun.spawnSync(['umount', small])
  }
})

test('what a killed run leaves is swept, what a running one uses is not', async () => {
  const { context } = await scene()
  mkdirSync(context.backupDir)
  const dead = Bun.spawnSync(['true']).pid
  const alive = Bun.spawn(['sleep', '60'])
  const name = (pid: number) => join(context.backupDir, `.latchkey-tmp-${pid}-0123456789abcdef`)
  for (const path of [name(dead), `${name(dead)}-journal`, name(alive.pid), name(process.pid)])
    writeFileSync(path, '')
  await createBackup(context)
  expect([name(dead), `${name(dead)}-journal`, name(process.pid)].filter(path => existsSync(path))).toEqual(
    [],
  )
  expect(existsSync(name(alive.pid))).toBe(true)
  alive.kill()
})

test('a backup killed at any moment leaves nothing that counts as a backup, and the next one works', async () => {
  const { context } = await scene(30_000)
  const code = `
    import { createBackup } from ${JSON.stringify(join(import.meta.dir, 'create.ts'))}
    const context = { ...${JSON.stringify(context)}, now: () => new Date() }
    console.log('go'); for (;;) await createBackup(context, { compression: 'zstd' })`
  for (let round = 0; round < kills; round++) {
    const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
    await firstLine(child.stdout)
    await Bun.sleep(Math.random() * 150)
    child.kill(9)
    await child.exited
  }
  await createBackup(context)
  const checks = await verifyBackups(context, { all: true })
  expect(checks.filter(check => check.outcome !== 'passed')).toEqual([])
  expect(filesIn(context.backupDir).filter(name => name.startsWith('.latchkey-tmp'))).toEqual([])
}, 600_000)

test('a second run at the same time is busy and names the first; kill -9 frees the lock', async () => {
  const { context } = await scene()
  const code = `
    import { withLock } from ${JSON.stringify(join(import.meta.dir, 'lock.ts'))}
    const context = { ...${JSON.stringify(context)}, now: () => new Date() }
    await withLock(context, context.backupDir, async () => { console.log('locked'); await Bun.sleep(60_000) })`
  const holder = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
  await firstLine(holder.stdout)
  const error = await failure(createBackup(context))
  expect(error).toMatchObject({ code: 'busy', exit: 75 })
  expect(error.message).toContain(`process ${holder.pid}`)
  holder.kill(9)
  await holder.exited
  await createBackup(context)
})

test('within one process a lock excludes, too', async () => {
  const { context } = await scene()
  await withLock(context, context.backupDir, async () => {
    expect((await failure(createBackup(context))).code).toBe('busy')
  })
})

test("lists newest first, passes over other people's files, and never fails on a broken manifest", async () => {
  const { context, clock } = await scene()
  expect(await listBackups(context)).toEqual([])
  expect((await failure(listBackups(context, { from: join(context.backupDir, 'no') }))).code).toBe(
    'not_found',
  )
  const first = await createBackup(context)
  clock.now = new Date(clock.now.getTime() + 1)
  const second = await createBackup(context)
  clock.now = new Date(clock.now.getTime() + 1)
  const third = await createBackup(context, { compression: 'gzip' })
  writeFileSync(join(context.backupDir, 'package.json'), '{"name":"x"}')
  writeFileSync(join(context.backupDir, 'notes.json'), 'not json')
  writeFileSync(join(context.backupDir, 'other.db'), 'stranger')
  writeFileSync(manifestOf(second.path), '{"format":"latchkey-ba')
  expect((await listBackups(context)).map(b => b.id)).toEqual([third.id, first.id])
  const checks = await verifyBackups(context, { all: true })
  expect(checks.map(check => check.outcome).sort()).toEqual(['failed', 'passed', 'passed'])
  expect((await getBackup(context, { latest: true })).id).toBe(third.id)
})

test('finds a backup by id, prefix, file name, manifest or path, and by nothing else', async () => {
  const { context, clock } = await scene()
  const one = await createBackup(context)
  clock.now = new Date(clock.now.getTime() + 5_000)
  const two = await createBackup(context)
  const name = one.path.slice(context.backupDir.length + 1)
  for (const backup of [
    one.id,
    one.id.slice(0, 18),
    one.id.toUpperCase(),
    name,
    manifestOf(name),
    one.path,
    manifestOf(one.path),
  ]) {
    expect((await getBackup(context, { backup })).id).toBe(one.id)
  }
  expect((await failure(getBackup(context, { backup: two.id.slice(0, 11) }))).code).toBe('ambiguous')
  for (const backup of ['bak_zzzzzz', 'nothing', '/etc/passwd', context.path]) {
    expect((await failure(getBackup(context, { backup }))).code).toBe('not_found')
  }
  expect((await failure(getBackup(context, {}))).code).toBe('usage')
  expect((await failure(getBackup(context, { backup: one.id, latest: true }))).code).toBe('usage')
})

type Manifest = Readonly<Record<string, unknown>>
test.each<[string, (m: Manifest) => Manifest, string]>([
  ['names a path', m => ({ ...m, file: `../backups/${m['file']}` }), 'failed'],
  ['names another file', m => ({ ...m, file: 'other.db' }), 'failed'],
  ['has a field of the wrong type', m => ({ ...m, sizeBytes: '12' }), 'failed'],
  ['lacks a field', ({ sha256: _, ...m }) => m, 'failed'],
  ['has a field that is not known', m => ({ ...m, surprise: 1 }), 'failed'],
  ['counts other rows', m => ({ ...m, rows: { ...(m['rows'] as object), users: 99 } }), 'failed'],
  ['knows another table', m => ({ ...m, rows: { ...(m['rows'] as object), ghosts: 1 } }), 'failed'],
  ['has another schema hash', m => ({ ...m, schemaHash: '0'.repeat(64) }), 'failed'],
  ['has another raw hash', m => ({ ...m, rawSha256: '0'.repeat(64) }), 'failed'],
  ['has another schema version', m => ({ ...m, schemaVersion: latestVersion + 1 }), 'failed'],
  ['is of a newer format', m => ({ ...m, formatVersion: 6 }), 'aborted'],
  ['says it is encrypted', m => ({ ...m, encrypted: true }), 'failed'],
])('a manifest that %s does not pass', async (_, change, outcome) => {
  const { context } = await scene()
  const backup = await createBackup(context)
  rewriteManifest(backup.path, change)
  const [check] = await verifyBackups(context, { all: true })
  expect(check).toMatchObject({ outcome: outcome as never })
  expect(check?.problem).toBeTruthy()
})

test('verification remembers a pass in the manifest; a quick one and a dry run do not', async () => {
  const { context, dry, clock } = await scene()
  await createBackup(context)
  const verifiedAt = async () => (await listBackups(context))[0]?.verifiedAt
  await verifyBackups(context, { quick: true })
  await verifyBackups(dry)
  expect(await verifiedAt()).toBeNull()
  clock.now = new Date('2026-11-21T00:00:00Z')
  expect(await verifyBackups(context)).toMatchObject([{ outcome: 'passed', checkedAt: clock.now }])
  expect(await verifiedAt()).toEqual(clock.now)
  expect(await createBackup(context, { full: true })).toMatchObject({ verifiedAt: clock.now })
})

test('every flipped bit and every cut fails, quickly and in full', async () => {
  const { context } = await scene()
  const backup = await createBackup(context)
  const whole = readFileSync(backup.path)
  for (let n = 0; n < 40; n++) {
    const bytes = Buffer.from(whole)
    const at = Math.floor((n / 40) * whole.length)
    bytes[at]! ^= 1 << (n % 8)
    writeFileSync(backup.path, bytes)
    expect(await verifyBackups(context, { quick: n % 2 === 0 })).toMatchObject([{ outcome: 'failed' }])
  }
  writeFileSync(backup.path, whole)
  truncateSync(backup.path, whole.length - 1)
  expect(await verifyBackups(context)).toMatchObject([{ outcome: 'failed' }])
  rmSync(backup.path)
  expect(await verifyBackups(context)).toMatchObject([
    { outcome: 'failed', problem: expect.stringContaining('missing') },
  ])
})

test('a backup that could not be checked is aborted, which is no pass', async () => {
  const { context, folder } = await scene()
  await createBackup(context)
  const scratch = process.env['TMPDIR']
  process.env['TMPDIR'] = folder.file('no-such-folder')
  try {
    expect(await verifyBackups(context)).toMatchObject([{ outcome: 'aborted', problem: expect.any(String) }])
  } finally {
    if (scratch === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = scratch
  }
  expect((await listBackups(context))[0]?.verifiedAt).toBeNull()
})

requireMounts()('verification works from a folder that cannot be written', async () => {
  const { context, folder } = await scene()
  await createBackup(context)
  const mounted = folder.file('mounted')
  mkdirSync(mounted)
  expect(Bun.spawnSync(['mount', '--bind', context.backupDir, mounted]).exitCode).toBe(0)
  try {
    Bun.spawnSync(['mount', '-o', 'remount,ro,bind', mounted])
    expect(await verifyBackups(context, { from: mounted })).toMatchObject([{ outcome: 'passed' }])
  } finally {
    Bun.spawnSync(['umount', mounted])
  }
})

test('no scratch file stays after a verification', async () => {
  const { context } = await scene()
  await createBackup(context)
  const scratch = () =>
    readdirSync(process.env['TMPDIR'] ?? '/tmp').filter(name =>
      name.startsWith(`latchkey-verify-${process.pid}-`),
    )
  await verifyBackups(context)
  expect(scratch()).toEqual([])
})

test('a path with a quote and a space in it works', async () => {
  const { context, folder } = await scene()
  const to = folder.file('it\'s a "folder"')
  const backup = await createBackup(context, { to })
  expect(dirname(backup.path)).toBe(to)
  expect(await verifyBackups(context, { from: to })).toMatchObject([{ outcome: 'passed' }])
})
