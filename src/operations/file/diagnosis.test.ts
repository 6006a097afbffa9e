/** What surrounds a database, looked at by `doctor`; the checks that `health` makes too are tested with it. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import {
  appendFileSync,
  chmodSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import type { HealthReport } from '../../contract/views.ts'
import { type BackupScene, backupScene } from '../../testing/backups.ts'
import { testS3 } from '../../testing/s3.ts'
import type { FileContext } from '../context.ts'
import { createBackup } from './backup/create.ts'
import { diagnose } from './diagnosis.ts'
import { checkHealth } from './health.ts'

const check = ({ checks }: HealthReport, name: string) => checks.find(found => found.name === name)!

/** Without a crontab or a systemd of this machine, and with a backup that a schedule took. */
async function soundScene(more: Partial<FileContext> = {}): Promise<BackupScene> {
  const scene = await backupScene({ env: { PATH: '/nonexistent', HOME: '/proc/nonexistent' }, ...more }, 3)
  await createBackup(scene.context, { reason: 'schedule' })
  return scene
}

test('where all is well every check is ok', async () => {
  using scene = await soundScene()
  const { status, checks } = await diagnose(scene.context)
  expect(checks.filter(({ status }) => status !== 'ok')).toEqual([])
  expect(status).toBe('ok')
  expect(checks).toHaveLength(16)
})

const backupOf = ({ context }: BackupScene): string =>
  [...new Bun.Glob('*.db*').scanSync({ cwd: context.backupDir, absolute: true })].find(
    path => !path.endsWith('.json'),
  )!

test.each<[string, (scene: BackupScene) => unknown, string, string, RegExp]>([
  [
    'a byte that was flipped in the newest backup',
    scene => {
      const path = backupOf(scene)
      const bytes = readFileSync(path)
      bytes[100] = (bytes[100] ?? 0) ^ 1
      writeFileSync(path, bytes)
    },
    'backup_bytes',
    'failed',
    /latchkey backup verify bak_/,
  ],
  [
    'a backup cut short',
    scene => truncateSync(backupOf(scene), 99),
    'backup_bytes',
    'failed',
    /backup create/,
  ],
  [
    'a clock that has jumped back',
    ({ clock }) => {
      clock.now = new Date('2026-11-19T00:00:00Z')
    },
    'clock',
    'warning',
    /set the clock/,
  ],
  [
    'an identity that others may read',
    ({ folder }) => {
      chmodSync(folder.write('identity', 'x'), 0o644)
      return { ageIdentityFile: folder.file('identity') }
    },
    'age_files',
    'warning',
    /^chmod 0600 \/.*identity$/,
  ],
  [
    'recipients that are not there',
    ({ folder }) => ({ ageRecipientsFile: folder.file('none') }),
    'age_files',
    'failed',
    /config show/,
  ],
  [
    'a database whose link goes in a circle',
    ({ context }) => {
      rmSync(context.path)
      symlinkSync(context.path, context.path)
    },
    'reachable',
    'failed',
    /another file/,
  ],
  [
    'a log that a reader keeps from being folded in',
    ({ context }) => {
      writeFileSync(`${context.path}-wal`, '')
      truncateSync(`${context.path}-wal`, 80 * 1_048_576)
    },
    'wal',
    'warning',
    /db info/,
  ],
  [
    'no schedule',
    ({ context }) => rmSync(context.backupDir, { recursive: true }),
    'schedule',
    'warning',
    /latchkey backup schedule --cron/,
  ],
])('%s is found, with what mends it', async (_, spoil, name, status, mend) => {
  using scene = await soundScene()
  const more = spoil(scene)
  const found = check(await diagnose({ ...scene.context, ...(more as object) }), name)
  expect(found).toMatchObject({ status: status as never, problem: expect.any(String) })
  expect(found.mend).toMatch(mend)
})

test('an index that lacks a row is found, where a quick check sees nothing', async () => {
  using scene = await soundScene()
  const { path } = scene.context
  const client = new Database(path)
  const { username } = client.query('SELECT username FROM users').get() as { username: string }
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  client.close()
  // Once in the row and once in its index: one of the two becomes another name.
  const bytes = readFileSync(path)
  bytes[bytes.lastIndexOf(username)] = 'z'.charCodeAt(0)
  writeFileSync(path, bytes)
  expect(check(await checkHealth(scene.context), 'integrity').status).toBe('ok')
  const found = check(await diagnose(scene.context), 'integrity')
  expect(found).toMatchObject({ status: 'failed', problem: expect.stringContaining('missing from index') })
})

test('a missing database is what was found, and the rest is looked at all the same', async () => {
  using scene = await soundScene()
  rmSync(scene.context.path)
  const file = { path: '/x/latchkey.toml', scope: 'folder' as const, exists: true, profiles: [] }
  const report = await diagnose(scene.context, { settings: [{ ...file, ok: false, problem: 'no' }] })
  expect(check(report, 'reachable')).toMatchObject({ status: 'failed' })
  expect(check(report, 'reachable').mend).toContain('latchkey init')
  expect(check(report, 'settings')).toMatchObject({ status: 'failed', problem: 'no' })
  expect(check(report, 'backup_bytes').status).toBe('ok')
  expect(report).toMatchObject({ status: 'failed', damaged: false })
})

test('a bucket is asked for its list and each manifest once, and for the newest manifest again with its data', async () => {
  using s3 = testS3()
  using scene = await soundScene({ env: { ...s3.env, PATH: '/nonexistent' }, backupDir: 's3://backups/x' })
  await createBackup(scene.context)
  s3.requests.length = 0
  const report = await diagnose(scene.context)
  expect(check(report, 'backup_bytes').status).toBe('ok')
  const asked = s3.requests.map(
    ({ method, key }) => `${method} ${key.split('.').slice(1).join('.') || 'list'}`,
  )
  // Four names are two pages of the list.
  expect(
    Object.fromEntries(
      Map.groupBy(asked, each => each)
        .entries()
        .map(([name, all]) => [name, all.length]),
    ),
  ).toEqual({ 'GET list': 2, 'GET json': 3, 'HEAD db.zst': 1, 'GET db.zst': 1 })
})

test('a broken schedule is a finding, and says why the backups are not checked', async () => {
  using scene = await soundScene()
  const { backupDir: _, ...unsettled } = scene.context
  const path = scene.folder.write('data/latchkey.db.schedule.json', '{"backupDir":')
  const report = await diagnose(unsettled)
  expect(check(report, 'schedule')).toMatchObject({
    status: 'failed',
    mend: expect.stringContaining(`rm ${path}`),
  })
  for (const name of ['last_backup', 'backup_bytes'])
    expect(check(report, name)).toMatchObject({ status: 'warning', problem: expect.stringContaining(path) })
  expect(check(report, 'integrity').status).toBe('ok')
})

test('looking changes nothing, not even the manifest of a bad backup', async () => {
  using scene = await soundScene()
  appendFileSync(backupOf(scene), 'more')
  const bytes = () =>
    [...new Bun.Glob('**/*').scanSync({ cwd: scene.folder.path, dot: true })]
      .filter(name => !name.endsWith('-shm'))
      .sort()
      .map(name => [name, Bun.hash(readFileSync(scene.folder.file(name)))])
  const before = bytes()
  expect((await diagnose(scene.context)).status).toBe('failed')
  expect(bytes()).toEqual(before)
})
