/** What verify passes is what restore takes, and what create calls a backup. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import type { ErrorCode } from '../../../contract/errors.ts'
import { latestVersion } from '../../../db/schema/version.ts'
import { openWriter } from '../../../db/sqlite/open.ts'
import { type BackupScene, backupScene } from '../../../testing/backups.ts'
import { failure } from '../../../testing/failure.ts'
import { createBackup, createUnlocked } from './create.ts'
import { findBackup, listBackups } from './list.ts'
import { writeManifest } from './manifest.ts'
import { restore } from './restore/restore.ts'
import { verifyBackups } from './verify.ts'

let scene: BackupScene
beforeEach(async () => {
  scene = await backupScene()
})
afterEach(() => scene[Symbol.dispose]())

function sql(text: string): void {
  const client = openWriter(scene.context.path)
  client.run(text)
  client.close()
}

/** A backup as a program would have made it that did not look. */
async function unchecked(): Promise<string> {
  const { id } = await createUnlocked(scene.context, { reason: 'pre-restore' })
  const stored = await findBackup(scene.context, id)
  await writeManifest({ ...stored, manifest: { ...stored.manifest, failure: null } })
  return id
}

const edited =
  "UPDATE migrations SET hash = '0000000000000000000000000000000000000000000000000000000000000000'"

const emptiesUsers = 'AFTER INSERT ON audit BEGIN DELETE FROM users; END'

test.each<[string, string, ErrorCode]>([
  ['whose history was edited', edited, 'drift'],
  ['whose steps have other names', "UPDATE migrations SET name = 'x' || name", 'drift'],
  ['that has lost a step of its history', 'DELETE FROM migrations WHERE version = 2', 'drift'],
  ['whose header says less than its history', 'PRAGMA user_version = 2', 'drift'],
  ['whose header says what no manifest could', 'PRAGMA user_version = -7', 'drift'],
  ['with a trigger of somebody else', `CREATE TRIGGER sweep ${emptiesUsers}`, 'drift'],
  ['with a trigger called as the history', `CREATE TRIGGER migrations ${emptiesUsers}`, 'drift'],
  ['with a view', 'CREATE VIEW more AS SELECT 1', 'drift'],
  ['with a table more', 'CREATE TABLE more (x)', 'drift'],
  ['without an index', 'DROP INDEX audit_at', 'drift'],
])('of a database %s no backup is made; one that there is passes nowhere', async (_, change, code) => {
  sql(change)
  expect((await failure(createBackup(scene.context))).code).toBe(code)
  expect((await failure(createBackup(scene.dry))).code).toBe(code)
  expect(existsSync(scene.context.backupDir)).toBe(false)

  const backup = await unchecked()
  const restored = await failure(restore(scene.context, { backup }))
  const [verified] = await verifyBackups(scene.context, { backup })
  expect(restored.code).toBe(code)
  expect(verified).toMatchObject({ outcome: 'failed', problem: restored.message })
  expect(await listBackups(scene.context)).toMatchObject([{ id: backup, problem: restored.message }])
})

test('a backup of a newer schema is made, and neither passes nor fails here', async () => {
  sql(`PRAGMA user_version = ${latestVersion + 1}`)
  const { id: backup } = await createBackup(scene.context)
  const restored = await failure(restore(scene.context, { backup }))
  expect(restored.code).toBe('schema_newer')
  expect(await verifyBackups(scene.context, { backup })).toMatchObject([
    { outcome: 'aborted', problem: restored.message },
  ])
})

test('a restore over a database that no restore would take keeps it all the same, and says why in its manifest', async () => {
  const { id: backup } = await createBackup(scene.context)
  sql(edited)
  const { safetyBackup } = await restore(scene.context, { backup })
  expect(safetyBackup?.problem).toContain('its text has changed')
  expect((await verifyBackups(scene.context, { backup }))[0]?.outcome).toBe('passed')
})
