import { Database } from 'bun:sqlite'
import { afterEach, expect, test } from 'bun:test'
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { HealthReport } from '../../contract/views.ts'
import { latestVersion } from '../../db/schema/version.ts'
import { type TemporaryFolder, temporaryFolder } from '../../testing/folder.ts'
import { firstLine } from '../../testing/lines.ts'
import { fromTemplate } from '../../testing/template.ts'
import type { FileContext } from '../context.ts'
import { createBackup } from './backup/create.ts'
import { checkHealth } from './health.ts'
import { initialize } from './init.ts'
import { migrate } from './migrations.ts'

let folder: TemporaryFolder
afterEach(() => folder.remove())

async function scene(name = 'data') {
  folder = temporaryFolder()
  const clock = { now: new Date('2026-11-20T12:00:00Z') }
  const context: FileContext = {
    path: folder.file(name, 'latchkey.db'),
    backupDir: folder.file('backups'),
    now: () => clock.now,
    actor: { name: 'tester', origin: 'script' },
    dryRun: false,
  }
  await fromTemplate('new', context.path, async () => {
    await initialize(context)
  })
  return { context, clock }
}

const check = (report: HealthReport, name: string) => report.checks.find(found => found.name === name)!

test('all is well: nine checks, each ok, exit 0', async () => {
  const { context } = await scene()
  const backup = await createBackup(context)
  const report = await checkHealth(context)
  expect(report.checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'reachable ok',
    'writable ok',
    'schema ok',
    'integrity ok',
    'usage ok',
    'audit ok',
    'permissions ok',
    'disk_space ok',
    'last_backup ok',
  ])
  expect(report).toMatchObject({ path: context.path, status: 'ok' })
  expect(check(report, 'schema').value).toEqual({ current: latestVersion, latest: latestVersion })
  expect(check(report, 'last_backup').value).toEqual({ ageMs: 0, id: backup.id })
  expect(report.damaged).toBe(false)
})

const damagedKey = `INSERT INTO keys (id, name, scopes, created_at, updated_at) VALUES ('key_x', 'x', '["a', 1, 1)`

function run(path: string, sql: string): void {
  const client = new Database(path)
  client.run('PRAGMA foreign_keys = OFF')
  client.run(sql)
  client.close()
}

test.each<[string, (c: FileContext) => unknown, string, string, 0 | 1 | 7]>([
  ['a file that others may read', c => chmodSync(c.path, 0o644), 'permissions', 'warning', 0],
  ['a folder that others may write to', c => chmodSync(dirname(c.path), 0o777), 'permissions', 'warning', 0],
  ['no backup', c => rmSync(c.backupDir, { recursive: true }), 'last_backup', 'warning', 0],
  ['an index that is gone', c => run(c.path, 'DROP INDEX keys_name'), 'schema', 'failed', 7],
  ['an older schema', c => migrate(c, { direction: 'down', to: 0 }), 'schema', 'failed', 1],
  ['a newer schema', c => run(c.path, `PRAGMA user_version = ${latestVersion + 1}`), 'schema', 'failed', 1],
  [
    'an edited history',
    c => run(c.path, "UPDATE migrations SET name = 'x' WHERE version = 1"),
    'schema',
    'failed',
    7,
  ],
  ["somebody else's database", c => run(c.path, 'PRAGMA application_id = 1'), 'schema', 'failed', 1],
  [
    'a value that its own constraint cannot be asked of',
    c => run(c.path, `PRAGMA ignore_check_constraints = ON; ${damagedKey}`),
    'integrity',
    'failed',
    7,
  ],
  [
    'rows that point at nothing',
    c => run(c.path, "INSERT INTO project_members VALUES ('prj_x', 'usr_x', 'member', 0)"),
    'integrity',
    'failed',
    7,
  ],
  ['no database in the file', c => writeFileSync(c.path, 'x'.repeat(9_000)), 'integrity', 'failed', 7],
  ['an empty file', c => writeFileSync(c.path, ''), 'integrity', 'failed', 7],
])('%s is found, with what to do', async (_, spoil, name, status, exit) => {
  const { context } = await scene()
  await createBackup(context)
  await spoil(context)
  const report = await checkHealth(context)
  expect(check(report, name)).toMatchObject({ status: status as never, problem: expect.any(String) })
  expect(report.status).toBe(status as never)
  expect(report.damaged).toBe(exit === 7)
})

test.each([
  ['a file that others may read', 0o644, 0o700],
  ['a folder that others may write to', 0o600, 0o777],
  ['both', 0o666, 0o775],
])('%s: what it says to type mends it', async (_, file, folder) => {
  const { context } = await scene("it's here")
  chmodSync(context.path, file)
  chmodSync(dirname(context.path), folder)
  const { status, mend } = check(await checkHealth(context), 'permissions')
  expect(status).toBe('warning')
  expect(Bun.spawnSync(['sh', '-c', mend ?? '']).exitCode).toBe(0)
  expect(check(await checkHealth(context), 'permissions').status).toBe('ok')
})

test("a folder may be entered by others, and one that is everybody's stays theirs", async () => {
  const { context } = await scene()
  chmodSync(dirname(context.path), 0o755)
  expect(check(await checkHealth(context), 'permissions').status).toBe('ok')
  chmodSync(dirname(context.path), 0o1777)
  expect(check(await checkHealth(context), 'permissions').mend).toBe(
    'move the database to a folder of its own',
  )
})

test('a backup older than 26 hours is a warning', async () => {
  const { context, clock } = await scene()
  await createBackup(context)
  clock.now = new Date(clock.now.getTime() + 26 * 3_600_000)
  expect(check(await checkHealth(context), 'last_backup').status).toBe('ok')
  clock.now = new Date(clock.now.getTime() + 1)
  expect(check(await checkHealth(context), 'last_backup')).toMatchObject({ status: 'warning' })
})

test('another process that writes is a warning that names it', async () => {
  const { context } = await scene()
  const code = `
    import { Database } from 'bun:sqlite'
    const client = (globalThis.kept = new Database(${JSON.stringify(context.path)}))
    client.run('BEGIN IMMEDIATE'); console.log('held'); await Bun.sleep(60_000)`
  const holder = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
  await firstLine(holder.stdout)
  const found = check(await checkHealth(context), 'writable')
  holder.kill(9)
  await holder.exited
  expect(found.status).toBe('warning')
  expect(found.problem).toContain(`process ${holder.pid}`)
})

test('a missing database is an error of its own', async () => {
  const { context } = await scene()
  rmSync(context.path)
  expect(checkHealth(context)).rejects.toMatchObject({ code: 'database_missing', exit: 78 })
})

test.each([
  ['a quiet database', () => {}],
  [
    'a database whose last writer was killed',
    (path: string) => {
      const code = `
      import { Database } from 'bun:sqlite'
      const client = new Database(${JSON.stringify(path)})
      client.run("INSERT INTO users (id, username, role, service, created_at, updated_at) VALUES ('usr_' || hex(randomblob(13)), 'x', 'member', 0, 0, 0)")
      process.kill(process.pid, 'SIGKILL')`
      Bun.spawnSync([process.execPath, '-e', code])
      expect(statSync(`${path}-wal`).size).toBeGreaterThan(0)
    },
  ],
])('looking at %s changes nothing on disk', async (_, prepare) => {
  const { context } = await scene()
  prepare(context.path)
  const folder = dirname(context.path)
  const bytes = () =>
    readdirSync(folder)
      .filter(name => !name.endsWith('-shm'))
      .map(name => [name, Bun.hash(readFileSync(join(folder, name))), statSync(join(folder, name)).mtimeMs])
  const before = bytes()
  await checkHealth(context)
  expect(bytes()).toEqual(before)
})
