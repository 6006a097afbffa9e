import { afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Progress } from '../../../contract/views.ts'
import { openWriter } from '../../../db/sqlite/open.ts'
import {
  addUsers,
  type BackupScene,
  backupScene,
  manifestOf,
  rewriteManifest,
} from '../../../testing/backups.ts'
import { failure } from '../../../testing/failure.ts'
import { createBackup } from './create.ts'
import { listBackups } from './list.ts'
import { withLock } from './lock.ts'
import { planPrune, pruneBackups } from './prune.ts'
import { restore } from './restore/restore.ts'
import { backupStatus } from './status.ts'
import { verifyBackups } from './verify.ts'

let scene: BackupScene
beforeEach(async () => {
  scene = await backupScene()
})
afterEach(() => scene[Symbol.dispose]())

const day = 86_400_000
const filesIn = (folder: string) => readdirSync(folder).filter(name => name !== '.latchkey-lock')

/** One a day, newest first. */
async function nightly(count: number): Promise<readonly { readonly id: string; readonly path: string }[]> {
  const backups: { readonly id: string; readonly path: string }[] = []
  for (let n = 0; n < count; n++) {
    backups.unshift(await createBackup(scene.context))
    scene.clock.now = new Date(scene.clock.now.getTime() + day)
  }
  return backups
}

test('prune removes what no rule keeps, both files, and nothing else', async () => {
  const backups = await nightly(4)
  const strangers = ['other.db', 'notes.json', 'latchkey-20200101T000000000Z-abcdef.db', 'latchkey.db.zst']
  for (const name of strangers) writeFileSync(join(scene.context.backupDir, name), 'of somebody else')
  const plan = await planPrune(scene.context, { keep: { last: 2 } })
  expect(filesIn(scene.context.backupDir)).toHaveLength(8 + strangers.length)
  expect(await pruneBackups(scene.dry, { keep: { last: 2 } })).toEqual(plan)
  expect(filesIn(scene.context.backupDir)).toHaveLength(8 + strangers.length)
  expect(await pruneBackups(scene.context, { keep: { last: 2 } })).toEqual(plan)
  expect(plan.map(({ id, outcome }) => [id, outcome])).toEqual(
    backups.map(({ id }, n) => [id, n < 2 ? 'kept' : 'removed']),
  )
  expect(plan.every(({ because }) => because.length > 0)).toBe(true)
  expect(filesIn(scene.context.backupDir).sort()).toEqual(
    [
      ...strangers,
      ...backups
        .slice(0, 2)
        .flatMap(({ path }) => [path, manifestOf(path)].map(file => file.split('/').at(-1)!)),
    ].sort(),
  )
})

test('prune removes those backups that were agreed to, or none', async () => {
  const [, older, oldest] = await nightly(3)
  const agreed = { keep: { last: 1 }, only: [oldest!.id] }
  expect(await failure(pruneBackups(scene.context, agreed))).toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(older!.path),
  })
  expect(await listBackups(scene.context)).toHaveLength(3)
  await pruneBackups(scene.context, { ...agreed, only: [oldest!.id, older!.id] })
  expect(await listBackups(scene.context)).toHaveLength(1)
})

test('prune never touches a backup with a damaged manifest, nor one whose manifest names another file', async () => {
  const [, older, oldest] = await nightly(3)
  writeFileSync(manifestOf(older!.path), '{"format":"latchkey-ba')
  const manifest = JSON.parse(readFileSync(manifestOf(oldest!.path), 'utf8'))
  writeFileSync(manifestOf(oldest!.path), JSON.stringify({ ...manifest, file: '../data/latchkey.db' }))
  await pruneBackups(scene.context, { keep: { last: 1 } })
  expect(filesIn(scene.context.backupDir)).toHaveLength(6)
  expect(existsSync(scene.context.path)).toBe(true)
})

test('a manifest with a time that no calendar has is damaged', async () => {
  const [backup] = await nightly(1)
  rewriteManifest(backup!.path, manifest => ({ ...manifest, createdAt: '2026-02-30T10:00:00.000Z' }))
  const broken: string[] = []
  expect(await listBackups(scene.context, { onBroken: ({ problem }) => broken.push(problem) })).toEqual([])
  expect(broken).toEqual(['its manifest is damaged: createdAt is invalid'])
})

test.each([
  ['its newer neighbour', (newer: string) => newer],
  ['a file elsewhere', () => '../data/latchkey.db'],
  ['a file of another kind', (_: string, own: string) => own.replace(/\.zst$/, '.gz')],
])('a manifest that is whole and names %s is believed by nobody', async (_, other) => {
  const [newer, older] = await nightly(2)
  const nameOf = (path: string) => path.split('/').at(-1)!
  const file = other(nameOf(newer!.path), nameOf(older!.path))
  rewriteManifest(older!.path, manifest => ({ ...manifest, file }))
  const broken: string[] = []
  const listed = await listBackups(scene.context, { onBroken: ({ problem }) => broken.push(problem) })
  expect(listed.map(({ id }) => id)).toEqual([newer!.id])
  expect(broken).toEqual(['its manifest names a file that is not its own'])
  expect((await verifyBackups(scene.context, { all: true })).map(check => check.outcome)).toEqual([
    'failed',
    'passed',
  ])
  expect((await failure(restore(scene.context, { backup: older!.id }))).code).toBe('corrupt')
  await pruneBackups(scene.context, { keep: { last: 1 } })
  for (const path of [newer!.path, older!.path, scene.context.path]) expect(existsSync(path)).toBe(true)
})

test('without a policy prune refuses, and create does so before it takes a backup', async () => {
  await nightly(1)
  expect((await failure(pruneBackups(scene.context))).code).toBe('usage')
  expect((await failure(createBackup(scene.context, { prune: true }))).code).toBe('usage')
  expect(await listBackups(scene.context)).toHaveLength(1)
})

test('create prunes by the configured policy, after success only, and a dry run says what would go', async () => {
  const old = await nightly(3)
  const keep = { last: 2 }
  const planned = await createBackup({ ...scene.dry, keep }, { prune: true })
  expect(planned.pruned).toEqual([old[2]!.id, old[1]!.id].toReversed())
  expect(await listBackups(scene.context)).toHaveLength(3)
  const path = `${scene.context.path}.away`
  expect((await failure(createBackup({ ...scene.context, keep, path }, { prune: true }))).code).toBe(
    'database_missing',
  )
  expect(await listBackups(scene.context)).toHaveLength(3)
  const created = await createBackup({ ...scene.context, keep }, { prune: true })
  expect(created.pruned).toEqual(planned.pruned)
  expect((await listBackups(scene.context)).map(each => each.id)).toEqual([created.id, old[0]!.id])
})

test('a dry run that prunes says the same of a folder that the first backup creates', async () => {
  const to = join(scene.folder.path, 'new')
  const keep = { last: 2 }
  const planned = await createBackup({ ...scene.dry, keep }, { to, prune: true })
  expect([planned.pruned, existsSync(to)]).toEqual([[], false])
  expect((await createBackup({ ...scene.context, keep }, { to, prune: true })).pruned).toEqual([])
})

test('a failed verification is remembered, by quick ones too, until the backup passes in full', async () => {
  const [backup] = await nightly(1)
  const whole = readFileSync(backup!.path)
  const state = async () => (await listBackups(scene.context))[0]
  await verifyBackups(scene.context)
  const verifiedAt = scene.clock.now
  writeFileSync(backup!.path, Buffer.from(whole).fill(0, 100, 120))
  await verifyBackups(scene.dry, { quick: true })
  expect(await state()).toMatchObject({ failedAt: null, problem: null })
  scene.clock.now = new Date(verifiedAt.getTime() + 1_000)
  await verifyBackups(scene.context, { quick: true })
  expect(await state()).toMatchObject({ verifiedAt, failedAt: scene.clock.now, problem: expect.any(String) })
  writeFileSync(backup!.path, whole)
  await verifyBackups(scene.context, { quick: true })
  expect((await state())?.failedAt).toEqual(scene.clock.now)
  await verifyBackups(scene.context)
  expect(await state()).toMatchObject({ verifiedAt: scene.clock.now, failedAt: null, problem: null })
})

test('a manifest of the first format is read, verified and written in the new one', async () => {
  const [backup] = await nightly(1)
  const file = manifestOf(backup!.path)
  const { failure: _, manifestSha256: __, ...first } = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...first, formatVersion: 1 }))
  expect(await verifyBackups(scene.context)).toMatchObject([{ outcome: 'passed' }])
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ formatVersion: 5, failure: null })
})

test('status is fresh, stale or failed', async () => {
  const status = async (maxAgeMs?: number) => (await backupStatus(scene.context, { maxAgeMs })).status
  expect(await status()).toBe('stale')
  const [backup] = await nightly(1)
  expect(await status()).toBe('fresh')
  expect(await status(day)).toBe('stale')
  expect(await status(day + 1)).toBe('fresh')
  scene.clock.now = new Date(scene.clock.now.getTime() + 2 * day)
  await createBackup(scene.context, { reason: 'pre-restore' })
  expect(await status()).toBe('stale')
  rmSync(backup!.path)
  await verifyBackups(scene.context, { all: true })
  expect(await backupStatus(scene.context)).toMatchObject({
    status: 'failed',
    problem: expect.stringContaining(backup!.id),
  })
})

test('the second of two at once is busy, or waits as long as it is told', async () => {
  const { context } = scene
  let free = () => {}
  const holding = new Promise<void>(resolve => {
    free = resolve
  })
  const first = withLock(context, context.backupDir, () => holding)
  expect(await failure(createBackup(context))).toMatchObject({ code: 'busy', exit: 75 })
  expect((await failure(createBackup(context, { waitMs: 100 }))).code).toBe('busy')
  expect((await failure(pruneBackups(context, { keep: { last: 1 } }))).code).toBe('busy')
  const second = createBackup(context, { waitMs: 30_000 })
  await Bun.sleep(50)
  free()
  await first
  expect((await second).id).toMatch(/^bak_/)
})

test.each(['none', 'zstd'] as const)(
  'a fast copy (%s) is the database, in one ordinary file',
  async compression => {
    const { context } = scene
    const writer = openWriter(context.path)
    try {
      // Frames in the WAL, which the file alone does not have.
      addUsers(context.path, 50)
      const warnings: string[] = []
      const onWarning = (text: string) => warnings.push(text)
      const backup = await createBackup(context, { fast: true, compression, onWarning })
      expect(warnings).toEqual([])
      expect(backup.rows['users']).toBe(150)
      addUsers(context.path, 5)
      expect(writer.query('SELECT count(*) AS n FROM users').get()).toEqual({ n: 155 })
      expect(await verifyBackups(context)).toMatchObject([{ outcome: 'passed' }])
      if (compression === 'none') expect([...readFileSync(backup.path).subarray(18, 20)]).toEqual([1, 1])
    } finally {
      writer.close()
    }
  },
)

test('where there is never a quiet moment, a fast copy falls back and says so', async () => {
  const { context } = scene
  const reader = openWriter(context.path)
  try {
    reader.run('BEGIN')
    reader.query('SELECT count(*) FROM users').get()
    // The frames after this reader's snapshot cannot go into the file while it lasts.
    addUsers(context.path, 50)
    const warnings: string[] = []
    const backup = await createBackup(context, { fast: true, onWarning: text => warnings.push(text) })
    expect(backup.rows['users']).toBe(150)
    expect(warnings).toHaveLength(1)
    expect(await verifyBackups(context)).toMatchObject([{ outcome: 'passed' }])
  } finally {
    reader.close()
  }
})

test('progress ends at all of it', async () => {
  const told: Progress[] = []
  const context = { ...scene.context, onProgress: (progress: Progress) => told.push(progress) }
  const last = (step: Progress['step']) => told.findLast(each => each.step === step)
  const { rawSizeBytes, sizeBytes } = await createBackup(context)
  expect(last('packing')).toEqual({
    step: 'packing',
    done: rawSizeBytes,
    total: rawSizeBytes,
    unit: 'bytes',
  })
  await verifyBackups(context)
  expect(last('unpacking')).toMatchObject({ done: sizeBytes, total: sizeBytes })
  expect(last('checking')).toMatchObject({ done: rawSizeBytes, total: rawSizeBytes })
  await createBackup(context)
  await verifyBackups(context, { all: true })
  expect(last('verifying')).toMatchObject({ done: 2, total: 2, unit: 'backups' })
})
