import { afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { openWriter } from '../../../../db/sqlite/open.ts'
import { connectLatchkey } from '../../../../index.ts'
import { addUsers, type BackupScene, backupScene } from '../../../../testing/backups.ts'
import { failure } from '../../../../testing/failure.ts'
import { ask, withPages } from '../../../../testing/restores.ts'
import { run } from '../../../../testing/run.ts'
import { type TestS3, testS3 } from '../../../../testing/s3.ts'
import type { FileContext } from '../../../context.ts'
import { createBackup } from '../create.ts'
import type { Restore } from '../input.ts'
import { keepLateCopy } from './late.ts'
import { planRestore, restore } from './restore.ts'

let s3: TestS3
let scene: BackupScene
let context: FileContext
const from = 's3://backups/latchkey'
beforeEach(async () => {
  s3 = testS3()
  scene = await backupScene({ env: s3.env })
  context = scene.context
  for (let n = 0; n < 2; n++) {
    await createBackup(context, { to: from })
    addUsers(context.path, 1)
    scene.clock.now = new Date(scene.clock.now.getTime() + 60_000)
  }
  s3.requests.length = 0
})
afterEach(() => {
  scene[Symbol.dispose]()
  s3[Symbol.dispose]()
})

/** What lies beside the database besides the database. */
const copies = () => readdirSync(dirname(context.path)).filter(name => name.startsWith('.latchkey-tmp'))

/** How often each thing was asked for since the last time. */
const asked = () => {
  const requests = s3.requests
    .splice(0)
    .map(({ method, key }) => `${method} ${key.split('.').slice(1).join('.') || 'list'}`)
  return Object.fromEntries(
    Map.groupBy(requests, each => each)
      .entries()
      .map(([name, all]) => [name, all.length]),
  )
}

/** Four names are two pages of the list; each manifest, the size and the bytes of the one are asked for once. */
const once = { 'GET list': 2, 'GET json': 2, 'HEAD db.zst': 1, 'GET db.zst': 1 }

test.each<[string, Restore]>([
  ['the latest', { latest: true, from }],
  ['one at a time', { at: new Date('2026-11-20T03:12:00Z'), from }],
])(
  'a restore of %s asks a bucket for each thing once, with a question in between too',
  async (_, options) => {
    await restore(context, options)
    expect(asked()).toEqual(once)
    using plan = await planRestore(context, options)
    await plan.restore()
    expect(asked()).toEqual(once)
  },
)

test('an undo asks a bucket for each thing once, also where the database is lost', async () => {
  await restore({ ...context, backupDir: from }, { latest: true })
  rmSync(context.path)
  asked()
  await restore({ ...context, backupDir: from }, { undo: true })
  // Another backup, which is what the first restore has saved.
  expect(asked()).toEqual({ ...once, 'GET json': 3 })
})

test('what was shown is done, whatever was taken since, and the copy is gone then', async () => {
  using plan = await planRestore(context, { latest: true, from })
  expect(plan.shown).toMatchObject({ replaces: 'latchkey.db', foreign: false, undoes: null, revived: [] })
  expect(copies()).toHaveLength(1)
  await createBackup(context, { to: from })
  expect((await plan.restore()).backup.id).toBe(plan.shown.id)
  expect(copies()).toEqual([])
})

test('a plan keeps the page size of the database', async () => {
  withPages(context.path, 1024)
  using plan = await planRestore(context, { latest: true, from })
  await plan.restore()
  expect(ask(context.path, 'PRAGMA page_size')).toEqual({ page_size: 1024 })
})

test('a plan for one thing brings back that alone, and is tried before', async () => {
  const client = openWriter(context.path)
  const [gone, also] = client.query<{ username: string }, []>('SELECT username FROM users ORDER BY id').all()
  client.run('DELETE FROM users WHERE username IN (?, ?)', [gone!.username, also!.username])
  client.close()
  using plan = await planRestore(context, { latest: true, from, user: gone!.username })
  expect(plan.shown.revived).toBeNull()
  expect(await plan.restore()).toMatchObject({ only: `user ${gone!.username}`, rows: { users: 101 } })
  expect(copies()).toEqual([])
})

test('a plan that is not carried out leaves nothing, nor does one that cannot be', async () => {
  for (const to of [undefined, scene.folder.file('new', 'other.db')]) {
    const plan = await planRestore(context, { latest: true, from, to })
    plan[Symbol.dispose]()
    expect(copies()).toEqual([])
  }
  expect(existsSync(scene.folder.file('new'))).toBe(false)
  expect((await failure(planRestore(context, { latest: true, from, key: 'none' }))).code).toBe('not_found')
  const { code } = await failure(
    planRestore(context, { latest: true, from, to: scene.folder.file('x.db'), keepRevocations: true }),
  )
  expect(code).toBe('database_missing')
  expect(copies()).toEqual([])
})

test('an answer that takes long finds no copy, and the backup is unpacked once more', async () => {
  using plan = await planRestore(context, { latest: true, from }, 1)
  while (copies().length > 0) await Bun.sleep(1)
  asked()
  expect((await plan.restore()).rows['users']).toBe(101)
  expect(asked()).toEqual({ 'HEAD db.zst': 1, 'GET db.zst': 1 })
  expect(copies()).toEqual([])
})

test('commits that a killed restore has kept are what an undo goes back to, although something else was shown', async () => {
  await restore(context, { latest: true, from })
  addUsers(context.path, 7)
  keepLateCopy(context)
  using plan = await planRestore(context, { undo: true })
  expect((await plan.restore()).rows['users']).toBe(108)
  expect(copies()).toEqual([])
})

test('closing the library takes the copy of what was never answered', async () => {
  const latchkey = connectLatchkey({ ...context, backupDir: from, now: context.now })
  await latchkey.backups.planRestore({ latest: true })
  expect(copies()).toHaveLength(1)
  await latchkey.close()
  expect(copies()).toEqual([])
})

test('a restore at a terminal asks a bucket for each thing once, and an answer that is no leaves no copy', async () => {
  const held: number[] = []
  const answer = (typed: string) => {
    const text = async () => {
      held.push(copies().length)
      return typed
    }
    const options = { tty: true, db: context.path, now: context.now, env: s3.env, prompts: { text } }
    return run(`restore --latest --from ${from}`, options)
  }
  expect((await answer('no')).code).toBe(6)
  expect([held, copies()]).toEqual([[1], []])
  asked()
  expect((await answer('latchkey.db')).code).toBe(0)
  expect([held, copies()]).toEqual([[1, 1], []])
  expect(asked()).toEqual(once)
})
