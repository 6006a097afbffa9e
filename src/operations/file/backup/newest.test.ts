/** Which backup is relied on when some cannot be, or claim to be from later than now. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync, writeFileSync } from 'node:fs'
import type { Backup } from '../../../contract/views.ts'
import { type BackupScene, backupScene, manifestOf, rewriteManifest } from '../../../testing/backups.ts'
import { failure } from '../../../testing/failure.ts'
import { checkHealth } from '../health.ts'
import { createBackup } from './create.ts'
import { listBackups } from './list.ts'
import { pruneBackups } from './prune.ts'
import { restorable, restore } from './restore/restore.ts'
import { backupStatus } from './status.ts'
import { verifyBackups } from './verify.ts'

const day = 86_400_000
let scene: BackupScene
beforeEach(async () => {
  scene = await backupScene()
})
afterEach(() => scene[Symbol.dispose]())

const at = async (when: Date, work: () => Promise<Backup>): Promise<Backup> => {
  const { now } = scene.clock
  scene.clock.now = when
  try {
    return await work()
  } finally {
    scene.clock.now = now
  }
}
const take = () => createBackup(scene.context)
const ahead = (ms: number) => new Date(scene.clock.now.getTime() + ms)
const lastBackup = async () =>
  (await checkHealth(scene.context)).checks.find(({ name }) => name === 'last_backup')

async function warningsOf(work: (onWarning: (text: string) => void) => Promise<Backup>) {
  const warnings: string[] = []
  const { id } = await work(text => void warnings.push(text))
  return { id, warnings }
}

const latest = () =>
  warningsOf(async onWarning => (await restore(scene.context, { latest: true, onWarning })).backup)

const spoiled: [string, (backup: Backup) => Promise<unknown> | undefined, string][] = [
  [
    'whose manifest is damaged',
    b => void writeFileSync(manifestOf(b.path), '{"format":'),
    'its manifest is damaged',
  ],
  [
    'of a newer format',
    b => void rewriteManifest(b.path, manifest => ({ ...manifest, formatVersion: 99 })),
    'newer Latchkey',
  ],
  [
    'that failed its verification',
    async b => {
      writeFileSync(b.path, 'rot')
      await verifyBackups(scene.context, { backup: b.id })
    },
    'failed its verification',
  ],
]

test.each(spoiled)('a newer backup %s is passed over, and that is said', async (_, spoil, problem) => {
  const older = await at(ahead(-2 * day), take)
  const oldest = await at(ahead(-3 * day), take)
  await spoil(oldest)
  const newer = await at(ahead(-day), take)
  expect(await latest()).toEqual({ id: newer.id, warnings: [] })
  await spoil(newer)
  const { id, warnings } = await latest()
  expect(id).toBe(older.id)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain(newer.path.replace(/\.db.*$/, ''))
  expect(warnings[0]).toContain(problem)
  // Before anybody is asked, too.
  expect(await warningsOf(onWarning => restorable(scene.context, { latest: true, onWarning }))).toEqual({
    id,
    warnings,
  })
})

test.each(spoiled)('with nothing but a backup %s it says so', async (_, spoil, problem) => {
  const only = await take()
  await spoil(only)
  const { code, message } = await failure(restore(scene.context, { latest: true }))
  expect(code).toBe('not_found')
  expect(message).toContain('is usable')
  expect(message).toContain(only.path.replace(/\.db.*$/, ''))
  expect(message).toContain(problem)
})

test('a backup from later than now is found, never fresh, and never the latest', async () => {
  const own = await at(ahead(-2 * day), take)
  const future = await at(new Date('2037-01-01T00:00:00Z'), take)
  const status = await backupStatus(scene.context)
  expect(status).toMatchObject({ status: 'failed', newest: { id: own.id }, ageMs: 2 * day })
  expect(status.problem).toContain(`${future.id} is dated 2037-01-01T00:00:00.000Z`)
  expect(await lastBackup()).toMatchObject({
    status: 'warning',
    value: { id: own.id },
    problem: expect.stringContaining(future.id),
  })
  expect((await verifyBackups(scene.context)).map(check => check.id)).toEqual([own.id])
  const { id, warnings } = await latest()
  expect({ id, warnings: warnings.length }).toEqual({ id: own.id, warnings: 1 })
  expect(warnings[0]).toContain('in the future')
})

test('with nothing but a backup from later than now the clock is doubted', async () => {
  await at(ahead(day), take)
  expect(await backupStatus(scene.context)).toMatchObject({ status: 'failed', newest: null })
  expect((await failure(restore(scene.context, { latest: true }))).message).toContain('in the future')
})

test('clocks that differ by minutes are right enough', async () => {
  const { id } = await at(ahead(5 * 60_000), take)
  expect(await backupStatus(scene.context)).toMatchObject({ status: 'fresh', newest: { id } })
  expect(await latest()).toMatchObject({ id, warnings: [] })
})

test('a backup from later than now is kept, removes no other, and never the one just taken', async () => {
  const future = await at(new Date('2037-01-01T00:00:00Z'), take)
  const older = await at(ahead(-day), take)
  const context = { ...scene.context, keep: { last: 1 } }
  const taken = await createBackup(context, { prune: true })
  expect(taken.pruned).toEqual([older.id])
  expect((await listBackups(context)).map(({ id }) => id)).toEqual([future.id, taken.id])
  expect(await pruneBackups(context)).toMatchObject([
    { id: future.id, outcome: 'kept', because: ['dated later than now'] },
    { id: taken.id, outcome: 'kept' },
  ])
})

test('the backup just taken stays, even when the clock is behind that of the others', async () => {
  await at(ahead(3 * 60_000), take)
  await at(ahead(2 * 60_000), take)
  const taken = await createBackup({ ...scene.context, keep: { last: 1 } }, { prune: true })
  expect(taken.pruned).toHaveLength(1)
  expect(existsSync(taken.path)).toBe(true)
})
