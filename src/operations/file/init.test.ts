import { Database } from 'bun:sqlite'
import { afterEach, expect, test } from 'bun:test'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { latestVersion } from '../../db/schema/version.ts'
import { openReader, requireCurrent } from '../../db/sqlite/open.ts'
import { kills } from '../../testing/chance.ts'
import { type TemporaryFolder, temporaryFolder } from '../../testing/folder.ts'
import { firstLine } from '../../testing/lines.ts'
import type { FileContext } from '../context.ts'
import { initialize } from './init.ts'

let folder: TemporaryFolder
afterEach(() => folder.remove())

function contextIn(...names: string[]): FileContext {
  folder = temporaryFolder()
  return {
    path: folder.file(...names),
    backupDir: folder.file('backups'),
    now: () => new Date('2026-11-20T03:11:26.603Z'),
    actor: { name: 'tester', origin: 'script' },
    dryRun: false,
  }
}

test('makes a private, current database in a private folder, and writes down who did', async () => {
  const context = contextIn('deep', 'data', 'latchkey.db')
  expect(await initialize(context)).toEqual({ path: context.path, schemaVersion: latestVersion, user: null })
  expect(statSync(context.path).mode & 0o777).toBe(0o600)
  for (const name of ['deep', 'deep/data']) expect(statSync(folder.file(name)).mode & 0o777).toBe(0o700)
  expect(readdirSync(folder.file('deep', 'data'))).toEqual(['latchkey.db'])
  const client = openReader(context.path)
  requireCurrent(client, context.path)
  expect(client.query('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  expect(client.query('SELECT at, actor, origin, action, target_id AS target FROM audit').all()).toEqual([
    {
      at: Date.parse('2026-11-20T03:11:26.603Z'),
      actor: 'tester',
      origin: 'script',
      action: 'database.init',
      target: 'latchkey.db',
    },
  ])
  client.close()
})

test('a first user comes with the database or not at all', async () => {
  const context = contextIn('latchkey.db')
  expect(initialize(context, { admin: 'no spaces' })).rejects.toMatchObject({ code: 'invalid' })
  expect(readdirSync(folder.path)).toEqual([])
  const { user } = await initialize(context, { admin: 'alice' })
  expect(readdirSync(folder.path)).toEqual(['latchkey.db'])
  const client = openReader(context.path)
  expect(client.query('SELECT id, username, role FROM users').all()).toEqual([
    { id: user?.id, username: 'alice', role: 'admin' },
  ])
  expect(client.query('SELECT action FROM audit ORDER BY rowid').all()).toEqual([
    { action: 'database.init' },
    { action: 'user.create' },
  ])
  client.close()
})

test.each<[string, (path: string) => void]>([
  ['a database', path => new Database(path).run('CREATE TABLE t (x)')],
  ['an empty file', path => writeFileSync(path, '')],
  ['a folder', path => mkdirSync(path)],
  ['a dangling link', path => symlinkSync('/nonexistent/x', path)],
  ['the WAL of a database that is gone', path => writeFileSync(`${path}-wal`, 'frames')],
])('refuses to touch %s', async (_, make) => {
  const context = contextIn('latchkey.db')
  make(context.path)
  const before = readdirSync(folder.path)
  for (const dryRun of [true, false]) {
    expect(initialize({ ...context, dryRun })).rejects.toMatchObject({ code: 'conflict', exit: 5 })
  }
  expect(readdirSync(folder.path)).toEqual(before)
})

test('a dry run creates nothing, not even the folder', async () => {
  const context = contextIn('data', 'latchkey.db')
  expect(await initialize({ ...context, dryRun: true })).toEqual({
    path: context.path,
    schemaVersion: latestVersion,
    user: null,
  })
  expect(existsSync(folder.file('data'))).toBe(false)
})

test('where no folder can be, says so and leaves nothing', async () => {
  const context = contextIn('file', 'latchkey.db')
  writeFileSync(folder.file('file'), 'x')
  for (const dryRun of [true, false]) {
    expect(initialize({ ...context, dryRun })).rejects.toMatchObject({ code: 'config' })
  }
  expect(readFileSync(folder.file('file'), 'utf8')).toBe('x')
})

test('of many processes at once, one makes it and the others find it there', async () => {
  const context = contextIn('data', 'latchkey.db')
  const code = `
    import { initialize } from ${JSON.stringify(join(import.meta.dir, 'init.ts'))}
    await initialize({ ...${JSON.stringify(context)}, now: () => new Date() }).then(() => console.log('made'), e => console.log(e.code))`
  const outputs = await Promise.all(
    Array.from({ length: 8 }, () => new Response(Bun.spawn([process.execPath, '-e', code]).stdout).text()),
  )
  expect(outputs.map(text => text.trim()).sort()).toEqual([...Array(7).fill('conflict'), 'made'])
  expect(readdirSync(folder.file('data'))).toEqual(['latchkey.db'])
}, 600_000)

test('killed at any moment, it leaves no database or a whole one, and the next run sweeps', async () => {
  const context = contextIn('data', 'latchkey.db')
  const code = `
    import { initialize } from ${JSON.stringify(join(import.meta.dir, 'init.ts'))}
    console.log('go')
    for (let n = 0; ; n++) await initialize({ ...${JSON.stringify(context)}, path: ${JSON.stringify(context.path)} + n, now: () => new Date() })`
  for (let round = 0; round < kills; round++) {
    const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
    await firstLine(child.stdout)
    await Bun.sleep(Math.random() * 30)
    child.kill(9)
    await child.exited
    // Killed early enough, it has not even made the folder.
    const left = existsSync(folder.file('data')) ? readdirSync(folder.file('data')) : []
    for (const name of left.filter(name => /^latchkey\.db\d+$/.test(name))) {
      const client = openReader(folder.file('data', name))
      requireCurrent(client, name)
      client.close()
    }
    Bun.spawnSync(['find', folder.file('data'), '-name', 'latchkey.db*', '-delete'])
  }
  await initialize(context)
  expect(readdirSync(folder.file('data'))).toEqual(['latchkey.db'])
}, 600_000)
