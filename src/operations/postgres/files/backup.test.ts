/** Backups of a database on a server: the same files as of SQLite, from one snapshot, while others write. */
import { expect } from 'bun:test'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '../../../db/sqlite/client.ts'
import { connectLatchkey } from '../../../index.ts'
import { failure } from '../../../testing/failure.ts'
import { emptyDatabase, requirePostgres } from '../../../testing/postgres.ts'
import { serverScene } from '../../../testing/server-scene.ts'

/** All that PostgreSQL spells with a backslash, and characters of two, three and four bytes. */
const awkward = 'tab\t, \\N, \\t, line\n\r\v\f\b, \u00e9, snow \u2603 and \ud83d\ude00'

requirePostgres()('a backup of a server is a file of SQLite with the same rows', async () => {
  await using it = await serverScene()
  const { latchkey, backupDir } = it
  await latchkey.projects.create({ slug: 'api', name: 'API', owner: 'root' })
  const key = await latchkey.keys.create({ name: 'ci', project: 'api' })
  await latchkey.usage.record(key.id, { model: 'gpt-x', inputTokens: 2 ** 52 + 1, outputTokens: 3 })
  await it.sql`UPDATE projects SET description = ${awkward}`
  const backup = await latchkey.backups.create({ compression: 'none', full: true })
  expect(backup).toMatchObject({ location: backupDir, reason: 'manual' })
  expect(backup.database?.path).toBe(it.database.url.replace(/\/\/[^@]*@/, '//'))
  expect(backup.database?.id).toStartWith('dbs_')
  expect(await latchkey.backups.verify()).toMatchObject([{ outcome: 'passed' }])
  expect(await latchkey.backups.list()).toMatchObject([{ id: backup.id, own: true }])
  expect(await latchkey.backups.status()).toMatchObject({ status: 'fresh', newest: { id: backup.id } })
  const health = await latchkey.health()
  expect(health.checks.find(({ name }) => name === 'last_backup')).toMatchObject({ status: 'ok' })

  const file = connectLatchkey({ ...it.options, path: backup.path, access: 'read' })
  expect(await file.keys.list()).toEqual(await latchkey.keys.list())
  expect(await file.projects.get('api')).toEqual(await latchkey.projects.get('api'))
  expect(await file.usage.report({ by: ['model'] })).toEqual(await latchkey.usage.report({ by: ['model'] }))
  expect(await file.audit.list()).toEqual(await latchkey.audit.list())
  await file.close()
})

requirePostgres()('nothing is left of a backup that fails, and of a dry run', async () => {
  await using it = await serverScene()
  const dry = connectLatchkey({ ...it.options, dryRun: true })
  expect(await dry.backups.create()).toMatchObject({ reason: 'manual' })
  expect(existsSync(it.backupDir)).toBe(false)
  await dry.close()
  expect(await failure(it.latchkey.backups.create({ fast: true }))).toMatchObject({
    code: 'usage',
    hint: expect.stringContaining('--fast'),
  })
  expect(await failure(it.latchkey.backups.create({ encrypt: true }))).toMatchObject({ code: 'usage' })
  await using other = await emptyDatabase()
  const nothing = connectLatchkey({ ...it.options, path: other.url })
  expect(await failure(nothing.backups.create())).toMatchObject({ code: 'database_missing' })
  await nothing.close()
  expect(existsSync(it.backupDir)).toBe(false)
})

requirePostgres()('a backup under writers is one moment: no count is half of it', async () => {
  await using it = await serverScene()
  const { latchkey } = it
  const keys = await latchkey.keys.createMany({ name: 'k' }, 4)
  let stop = false
  const writers = [0, 1, 2, 3].map(async at => {
    const id = keys[at]!.id
    while (!stop) await latchkey.usage.record(id, { model: 'm', inputTokens: 1, outputTokens: 1 })
  })
  for (let round = 0; round < 3; round++) {
    const backup = await latchkey.backups.create({ compression: 'none' })
    using client = new Client(backup.path, { readonly: true })
    const sums = client
      .query(
        `SELECT (SELECT sum(requests) FROM minutes) AS minutes, (SELECT sum(requests) FROM hours) AS hours,
          (SELECT sum(requests) FROM days) AS days`,
      )
      .get() as { minutes: number; hours: number; days: number }
    expect(sums.hours).toBe(sums.minutes)
    expect(sums.days).toBe(sums.minutes)
  }
  stop = true
  await Promise.all(writers)
  expect(readdirSync(it.backupDir).filter(name => name.endsWith('.json'))).toHaveLength(3)
})

requirePostgres()('backups of two databases in one folder are told apart', async () => {
  await using first = await serverScene()
  await using second = await serverScene()
  const shared = join(first.folder, 'shared')
  await first.latchkey.backups.create({ to: shared })
  const own = await second.latchkey.backups.create({ to: shared })
  expect(await second.latchkey.backups.list({ from: shared })).toMatchObject([{ id: own.id }])
  expect(await first.latchkey.backups.list({ from: shared, allDatabases: true })).toHaveLength(2)
  const otherUser = connectLatchkey({
    ...second.options,
    path: second.database.url.replace('postgres:', 'postgresql:'),
  })
  expect(await otherUser.backups.list({ from: shared })).toMatchObject([{ id: own.id }])
  await otherUser.close()
})
