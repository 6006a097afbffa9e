import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { LatchkeyError } from '../../contract/errors.ts'
import { openWriter } from '../../db/sqlite/open.ts'
import { type BackupScene, backupScene } from '../../testing/backups.ts'
import { failure } from '../../testing/failure.ts'
import { entryPoint } from '../../testing/process.ts'
import { canStepDown, requireMounts, requirePresent, requireTool, stepDown } from '../../testing/tools.ts'
import { createBackup } from './backup/create.ts'
import { findBackup, listBackups } from './backup/list.ts'
import { writeManifest } from './backup/manifest.ts'
import { restore } from './backup/restore/restore.ts'
import { verifyBackups } from './backup/verify.ts'
import { initialize } from './init.ts'
import { migrate } from './migrations.ts'

let scene: BackupScene
beforeEach(async () => {
  scene = await backupScene()
})
afterEach(() => scene[Symbol.dispose]())

const dead = () => Bun.spawnSync(['true']).pid

describe('what is in the way', () => {
  const litter = () => `.latchkey-tmp-${dead()}-0123456789abcdef`

  test('litter named like our own that cannot be removed stops nothing', async () => {
    const { context } = scene
    mkdirSync(context.backupDir)
    for (const folder of [context.backupDir, dirname(context.path)])
      mkdirSync(join(folder, litter(), 'full'), { recursive: true })
    await createBackup(context)
    await restore(context, { latest: true })
    await migrate(context, { direction: 'down' })
    await migrate(context, { direction: 'up' })
    await initialize({ ...context, path: join(dirname(context.path), 'other.db') })
    expect(await listBackups(context)).toHaveLength(4)
  })

  requireTool('chattr')('nor does a file that nobody may remove', async () => {
    const { context } = scene
    mkdirSync(context.backupDir)
    const path = join(context.backupDir, litter())
    writeFileSync(path, '')
    if (!Bun.spawnSync(['chattr', '+i', path]).success) return
    try {
      await createBackup(context)
      expect(existsSync(path)).toBe(true)
    } finally {
      Bun.spawnSync(['chattr', '-i', path])
    }
  })

  test.each<[string, (path: string) => void]>([
    ['garbage', path => writeFileSync(path, 'x'.repeat(10_000))],
    ['a folder', path => mkdirSync(path)],
    ['a pipe', path => void Bun.spawnSync(['mkfifo', path])],
  ])('a lock that is %s is named as such, and what is said to do mends it', async (_, spoil) => {
    const { context } = scene
    mkdirSync(context.backupDir)
    const path = join(context.backupDir, '.latchkey-lock')
    spoil(path)
    const error = await failure(createBackup(context))
    expect(error).toMatchObject({ code: 'config', message: expect.stringContaining(`the lock ${path} is `) })
    const [, command = ''] = /remove it: (.*)$/.exec(error.hint) ?? []
    Bun.spawnSync(['sh', '-c', command])
    await createBackup(context)
  })
})

const asRoot = requirePresent(canStepDown(), 'root, and a user who can read the project')
const nobody = 65534

describe('as root', () => {
  /** A database, its folder and its backups all belong to a user. */
  const give = (path: string) => Bun.spawnSync(['chown', '-R', `${nobody}:${nobody}`, path])
  const backUpAsUser = () => {
    const { path, backupDir } = scene.context
    const env = { PATH: process.env['PATH'], LATCHKEY_DB: path, LATCHKEY_BACKUP_DIR: backupDir }
    const words = [...stepDown, process.execPath, entryPoint, 'backup', 'create']
    return Bun.spawnSync(words, { cwd: '/', env: { ...env, HOME: scene.folder.path } })
  }

  asRoot('a lock that belongs to root is named to the user, with what mends it', async () => {
    const { context, folder } = scene
    give(folder.path)
    const path = join(context.backupDir, '.latchkey-lock')
    mkdirSync(context.backupDir)
    chownSync(context.backupDir, nobody, nobody)
    writeFileSync(path, '')
    chmodSync(path, 0o600)
    const refused = backUpAsUser()
    expect(refused.exitCode).toBe(78)
    expect(refused.stderr.toString()).toContain(
      `the lock ${path} belongs to root, and this user cannot write to it`,
    )
    const [, command = ''] = /sudo (chown .*)/.exec(refused.stderr.toString()) ?? []
    Bun.spawnSync(['sh', '-c', command.replace('"$(id -un)"', 'nobody')])
    expect(backUpAsUser().exitCode).toBe(0)
  })
})

requireMounts()('a read-only backup folder is called that, and not the database', async () => {
  const { context } = scene
  mkdirSync(context.backupDir)
  expect(Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'ro', 'tmpfs', context.backupDir]).exitCode).toBe(0)
  try {
    const error = await failure(createBackup(context))
    expect(error).toMatchObject({
      code: 'permission',
      message: `${context.backupDir} cannot be written: its disk is read-only`,
      hint: `check the disk with: findmnt --target ${context.backupDir}`,
    })
    const below = await failure(createBackup(context, { to: join(context.backupDir, 'below') }))
    expect(below.message).toBe(`${context.backupDir}/below cannot be written: its disk is read-only`)
  } finally {
    Bun.spawnSync(['umount', context.backupDir])
  }
})

describe('a safety copy that cannot be taken', () => {
  const usersIn = (path: string) => {
    const client = openWriter(path)
    try {
      return client.query('SELECT count(*) AS n FROM users').get()
    } finally {
      client.close()
    }
  }

  const without = () => ({ ...scene.context, ageRecipientsFile: scene.folder.file('missing') })
  test.each<[string, () => Promise<unknown>]>([
    ['a restore', () => restore(without(), { latest: true })],
    ['a restore in place', () => restore(without(), { latest: true, inPlace: true })],
    ['the return of one user', async () => restore(without(), { latest: true, user: lost })],
    ['a migration', () => migrate(without(), { direction: 'down' })],
  ])('stops %s, is told as that, and nothing is changed', async (_, work) => {
    const { context } = scene
    await createBackup(context)
    const client = openWriter(context.path)
    lost = client.query<{ username: string }, []>('SELECT username FROM users').get()!.username
    client.run('DELETE FROM users WHERE id IN (SELECT id FROM users LIMIT 40) OR username = ?', [lost])
    const left = client.query('SELECT * FROM users').all().length
    client.close()
    const error = await failure(work())
    expect(error.code).toBe('config')
    expect(error.message).toMatch(/^the safety copy \(pre-(restore|migrate)\) could not be taken: /)
    expect(usersIn(context.path)).toEqual({ n: left })
    expect(readdirSync(dirname(context.path)).filter(name => /replaced|tmp/.test(name))).toEqual([])
  })
  let lost = ''
})

describe('without room nothing is begun', () => {
  const isRoomless = (error: LatchkeyError) => {
    expect(error.code).toBe('disk_full')
    // Not what the system says once the disk is full.
    expect(error.message).toMatch(/ has \d+ MiB free and \d+ MiB are needed; nothing was changed$/)
  }

  /** As if the database were larger than any disk. */
  async function inflated(): Promise<void> {
    const stored = await findBackup(scene.context, (await createBackup(scene.context)).id)
    await writeManifest({ ...stored, manifest: { ...stored.manifest, rawSizeBytes: 2 ** 52 } })
  }

  test('of a restore', async () => {
    await inflated()
    isRoomless(await failure(restore(scene.context, { latest: true })))
    isRoomless(await failure(restore(scene.context, { latest: true, to: scene.folder.file('new.db') })))
    expect(existsSync(scene.folder.file('new.db'))).toBe(false)
  })

  test('of a verification, which says nothing of the backup then', async () => {
    await inflated()
    const [check] = await verifyBackups(scene.context)
    expect(check).toMatchObject({ outcome: 'aborted', problem: expect.stringContaining('MiB are needed') })
  })

  requireMounts()('of a backup, a migration, a restore into what is there, and a new database', async () => {
    const { context, folder } = scene
    const small = folder.file('small')
    mkdirSync(small)
    const { id } = await createBackup(context)
    expect(Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=1400k', 'tmpfs', small]).exitCode).toBe(0)
    try {
      isRoomless(await failure(createBackup(context, { to: small })))
      const path = join(small, 'latchkey.db')
      writeFileSync(join(small, 'ballast'), new Uint8Array(500_000))
      isRoomless(await failure(initialize({ ...context, path })))
      rmSync(join(small, 'ballast'))
      writeFileSync(path, readFileSync(context.path))
      isRoomless(await failure(migrate({ ...context, path }, { direction: 'down' })))
      isRoomless(await failure(restore({ ...context, path }, { backup: id })))
      expect(readFileSync(path).equals(readFileSync(context.path))).toBe(true)
      expect(readdirSync(small).filter(name => name.startsWith('.latchkey-tmp'))).toEqual([])
    } finally {
      Bun.spawnSync(['umount', small])
    }
  })
})
