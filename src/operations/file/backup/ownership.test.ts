/** A folder may hold the backups of several databases: each sees its own. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  copyFileSync,
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import type { Backup } from '../../../contract/views.ts'
import { openReader } from '../../../db/sqlite/open.ts'
import { addUsers, type BackupScene, backupScene, manifestOf } from '../../../testing/backups.ts'
import { failure } from '../../../testing/failure.ts'
import type { FileContext } from '../../context.ts'
import { checkHealth } from '../health.ts'
import { initialize } from '../init.ts'
import { migrate } from '../migrations.ts'
import { createBackup } from './create.ts'
import { listBackups } from './list.ts'
import { survey } from './manifest.ts'
import { askedAbout, ownOf } from './ownership.ts'
import { locate } from './places/locate.ts'
import { pruneBackups } from './prune.ts'
import { adoptLateCopies, keepLateCopy } from './restore/late.ts'
import { restore } from './restore/restore.ts'
import { backupStatus } from './status.ts'
import { verifyBackups } from './verify.ts'

const hour = 3_600_000
let scene: BackupScene
let production: FileContext
let staging: FileContext

beforeEach(async () => {
  scene = await backupScene()
  production = scene.context
  staging = { ...production, path: scene.folder.file('data', 'staging.db') }
})
afterEach(() => scene[Symbol.dispose]())

const later = (ms: number) => {
  scene.clock.now = new Date(scene.clock.now.getTime() + ms)
}
const users = ({ path }: FileContext): number => {
  const client = openReader(path)
  const { n } = client.query('SELECT count(*) AS n FROM users').get() as { n: number }
  client.close()
  return n
}
const idsOf = async (context: FileContext) => (await listBackups(context)).map(({ id }) => id)

/** As an older Latchkey wrote it: nothing tells which database it is of. */
function makeOld(backup: Backup): void {
  const file = manifestOf(backup.path)
  const { database: _, manifestSha256: __, ...rest } = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...rest, formatVersion: 1 }))
}

const lastBackup = async (context: FileContext) =>
  (await checkHealth(context)).checks.find(({ name }) => name === 'last_backup')

describe.each<[string, () => Promise<unknown>]>([
  ['another database', () => initialize(staging)],
  [
    'a copy of it, with the same identity',
    async () =>
      restore({ ...staging, backupDir: production.backupDir }, { backup: (await idsOf(production))[0] }),
  ],
])('beside %s in the same folder', (_, make) => {
  let own: Backup
  let others: Backup

  beforeEach(async () => {
    own = await createBackup(production)
    await make()
    addUsers(staging.path, 7)
    later(30 * hour)
    others = await createBackup(staging)
  })

  test('a database lists, trusts and verifies its own backups', async () => {
    expect(await idsOf(production)).toEqual([own.id])
    expect(await idsOf(staging)).toEqual([others.id])
    expect((await verifyBackups(production, { all: true })).map(({ id }) => id)).toEqual([own.id])
    expect((await verifyBackups(production)).map(({ id }) => id)).toEqual([own.id])
    expect(await backupStatus(production)).toMatchObject({ status: 'stale', newest: { id: own.id } })
    expect(await backupStatus(staging)).toMatchObject({ status: 'fresh', newest: { id: others.id } })
    expect(await lastBackup(production)).toMatchObject({ status: 'warning', value: { id: own.id } })
    expect(await lastBackup(staging)).toMatchObject({ status: 'ok', value: { id: others.id } })
  })

  test('damage that changes its database does not hide it', async () => {
    const file = manifestOf(own.path)
    const { database, ...rest } = JSON.parse(readFileSync(file, 'utf8'))
    for (const changed of [
      { id: others.database!.id!.replace(/.$/, 'z') },
      { path: '/elsewhere', relative: '../elsewhere' },
    ]) {
      writeFileSync(file, JSON.stringify({ ...rest, database: { ...database, ...changed } }))
      expect(await verifyBackups(production, { all: true })).toMatchObject([{ outcome: 'failed' }])
      expect(await backupStatus(production)).toMatchObject({ status: 'failed' })
    }
  })

  test('the latest, and the one at a time, are its own', async () => {
    addUsers(production.path, 1)
    expect((await restore(production, { latest: true })).backup.id).toBe(own.id)
    expect(users(production)).toBe(100)
    expect((await restore(production, { at: scene.clock.now })).backup.id).toBe(own.id)
  })

  test('the backups of another are restored by naming one', async () => {
    const expected = users(staging)
    expect((await restore(production, { backup: others.id })).backup.database).toEqual({
      id: others.database!.id,
      host: hostname(),
      path: staging.path,
    })
    expect(users(production)).toBe(expected)
  })

  test('prune removes none of another', async () => {
    later(hour)
    const newer = await createBackup({ ...production, keep: { last: 1 } }, { prune: true })
    expect(newer.pruned).toEqual([own.id])
    expect(await pruneBackups(production, { keep: { last: 1 } })).toMatchObject([
      { id: newer.id, outcome: 'kept' },
    ])
    expect(existsSync(others.path)).toBe(true)
  })

  test('all of them are listed when asked for, and which are its own', async () => {
    const told: number[] = []
    await listBackups(production, { onOthers: others => void told.push(others.length) })
    expect(told).toEqual([1])
    expect(await listBackups(production, { allDatabases: true })).toMatchObject([
      { id: others.id, own: false, database: { path: staging.path } },
      { id: own.id, own: true, database: { path: production.path } },
    ])
  })

  test('once the database is gone nothing is guessed: what there is, and how to choose, is said', async () => {
    rmSync(production.path)
    for (const choice of [{ latest: true }, { at: scene.clock.now }]) {
      const { code, message, hint } = await failure(restore(production, choice))
      expect(code).toBe('ambiguous')
      for (const { database } of [own, others]) expect(message).toContain(`1 of ${database?.path}`)
      expect(hint).toContain(`latchkey restore ${own.path}`)
    }
    expect(existsSync(production.path)).toBe(false)
    // What was at the same path can be told from the other all the same.
    expect(await idsOf(production)).toEqual([own.id])
  })

  test('to a file beside it goes its own latest', async () => {
    const to = scene.folder.file('data', 'look.db')
    expect((await restore(production, { latest: true, to })).backup.id).toBe(own.id)
    expect((await restore(production, { latest: true, to })).backup.id).toBe(own.id)
  })
})

test('where the database is gone and all backups are of one, the latest comes back, also to another path', async () => {
  const { id } = await createBackup(production)
  rmSync(production.path)
  expect((await restore(production, { latest: true })).backup.id).toBe(id)
  expect((await restore(staging, { latest: true })).backup.id).toBe(id)
})

test('a database that was moved is told where its backups were taken', async () => {
  const { path } = await createBackup(production)
  await initialize(staging)
  later(hour)
  await createBackup(staging)
  const moved = { ...production, path: scene.folder.file('data', 'moved.db') }
  renameSync(production.path, moved.path)
  const { code, message, hint } = await failure(restore(moved, { latest: true }))
  expect(code).toBe('not_found')
  expect(message).toContain(`of ${moved.path} (dbs_`)
  expect(message).toContain(`1 of ${production.path} (dbs_`)
  expect(hint).toContain(`latchkey restore ${path}`)
  expect(await backupStatus(moved)).toMatchObject({
    status: 'stale',
    problem: 'there is no backup of this database',
  })
  expect((await failure(verifyBackups(moved, { all: true }))).code).toBe('not_found')
  await restore(moved, { backup: path })
  const { id } = await createBackup(moved)
  expect((await restore(moved, { latest: true })).backup.id).toBe(id)
})

test('a database that is moved or copied together with the folder of its backups keeps them', async () => {
  const inside = { ...production, backupDir: scene.folder.file('data', 'backups') }
  const { id } = await createBackup(inside)
  const [path, backupDir] = [scene.folder.file('new', 'latchkey.db'), scene.folder.file('new', 'backups')]
  cpSync(scene.folder.file('data'), scene.folder.file('new'), { recursive: true })
  const moved = { ...inside, path, backupDir }
  expect(await idsOf(moved)).toEqual([id])
  expect((await restore(moved, { latest: true })).backup.id).toBe(id)
  rmSync(moved.path)
  expect((await restore(moved, { latest: true })).backup.id).toBe(id)
  // What the copy takes is its own.
  expect(await idsOf(inside)).toEqual([id])
})

test('a new database where another one was does not inherit its backups', async () => {
  const { id, database } = await createBackup(production)
  rmSync(production.path)
  await initialize(production)
  expect(await listBackups(production)).toEqual([])
  const { code, message } = await failure(restore(production, { latest: true }))
  expect(code).toBe('not_found')
  expect(message).toContain(`only 1 of ${production.path} (${database?.id})`)
  expect((await restore(production, { backup: id })).rows['users']).toBe(100)
  // With its identity it is the old one again.
  expect(await idsOf(production)).toContain(id)
})

test('by a link, a database is the same one at the same path', async () => {
  const link = scene.folder.file('link.db')
  symlinkSync(production.path, link)
  const { id } = await createBackup({ ...production, path: link })
  expect(await idsOf(production)).toEqual([id])
  expect(await idsOf({ ...production, path: link })).toEqual([id])
})

test('what a migration of a copy saves is not the latest of the original', async () => {
  const { id } = await createBackup(production)
  copyFileSync(production.path, staging.path)
  later(hour)
  await migrate(staging, { direction: 'down', steps: 1 })
  await migrate(staging, { direction: 'up' })
  expect((await listBackups(staging)).map(({ reason }) => reason)).toEqual(['pre-migrate', 'pre-migrate'])
  expect((await restore(production, { latest: true })).backup.id).toBe(id)
})

test('of older manifests nothing is assumed; by name they are verified and restored', async () => {
  const old = await createBackup(production)
  makeOld(old)
  expect(await listBackups(production)).toEqual([])
  expect(await listBackups(production, { allDatabases: true })).toMatchObject([
    { id: old.id, database: null },
  ])
  const { code, message, hint } = await failure(restore(production, { latest: true }))
  expect(code).toBe('not_found')
  expect(message).toContain('1 that an older Latchkey made')
  expect(hint).toContain(`latchkey restore ${old.path}`)
  expect(await verifyBackups(production, { backup: old.id })).toMatchObject([{ outcome: 'passed' }])
  addUsers(production.path, 1)
  expect((await restore(production, { backup: old.id })).backup).toMatchObject({ id: old.id, database: null })
  expect(users(production)).toBe(100)
  later(400 * 24 * hour)
  const { id } = await createBackup(production)
  await pruneBackups(production, { keep: { last: 1 } })
  expect(existsSync(old.path)).toBe(true)
  // One that is known is not made doubtful by one that is not.
  rmSync(production.path)
  expect((await restore(production, { latest: true })).backup.id).toBe(id)
})

test('what was committed during a restore is kept as a backup of the database, not of the copy', async () => {
  keepLateCopy(production)
  const kept = await adoptLateCopies(production)
  expect(kept?.database?.path).toBe(production.path)
})

test('a manifest that names another database than its backup holds fails its verification', async () => {
  const backup = await createBackup(production)
  const file = manifestOf(backup.path)
  const { manifestSha256: _, ...rest } = JSON.parse(readFileSync(file, 'utf8'))
  const database = { ...rest.database, id: `dbs_${'0'.repeat(26)}` }
  writeFileSync(file, JSON.stringify({ ...rest, formatVersion: 1, database }))
  expect(await verifyBackups(production, { backup: backup.id })).toMatchObject([
    { outcome: 'failed', problem: expect.stringContaining('its database is not the one its manifest names') },
  ])
})

test('no flipped bit in any byte of a manifest passes', async () => {
  const backup = await createBackup(production)
  const file = manifestOf(backup.path)
  const whole = readFileSync(file)
  // Changed white space is no damage.
  const saysTheSame = (bytes: Buffer) => {
    try {
      return Bun.deepEquals(JSON.parse(bytes.toString()), JSON.parse(whole.toString()))
    } catch {
      return false
    }
  }
  const location = locate(production, production.backupDir)
  const asked = await askedAbout(production)
  const missed: string[] = []
  // Every byte, and over a few bytes each of its bits.
  for (let bit = 0; bit < whole.length * 8; bit += 7) {
    const bytes = Buffer.from(whole)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    if (saysTheSame(bytes)) continue
    writeFileSync(file, bytes)
    const { broken } = ownOf(await survey(location), asked)
    if (broken.length !== 1 || broken[0]?.newer) missed.push(`bit ${bit}`)
  }
  expect(missed).toEqual([])
})
