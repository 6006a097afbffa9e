/** The backup commands as typed: exit codes, streams, and a bucket from start to end. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import type { Backup, BackupPruning } from '../../../contract/views.ts'
import { type BackupScene, backupScene } from '../../../testing/backups.ts'
import { requirePostgres } from '../../../testing/postgres.ts'
import { cleanedUp, peer } from '../../../testing/restores.ts'
import { type RunOptions, run } from '../../../testing/run.ts'
import { testS3 } from '../../../testing/s3.ts'
import { serverScene } from '../../../testing/server-scene.ts'
import { splitWords } from '../../../testing/words.ts'

let scene: BackupScene
let options: RunOptions
beforeEach(async () => {
  scene = await backupScene()
  options = {
    db: scene.context.path,
    cwd: scene.folder.path,
    env: { LATCHKEY_BACKUP_DIR: scene.context.backupDir },
  }
})
afterEach(() => scene[Symbol.dispose]())

const latchkey = (line: string | readonly string[], more: RunOptions = {}) =>
  run(line, { ...options, ...more, env: { ...options.env, ...more.env } })

test('status tells a monitor by its exit code: 1 stale, 0 fresh, 7 failed', async () => {
  expect(await latchkey('backup status')).toMatchObject({ code: 1, err: '' })
  const { path } = (await latchkey('backup create --json')).json<Backup>()
  expect(await latchkey('backup status --max-age 26h')).toMatchObject({ code: 0 })
  const tomorrow = new Date(Date.now() + 27 * 3_600_000)
  expect(await latchkey('backup status', { now: tomorrow })).toMatchObject({ code: 1 })
  expect((await latchkey('backup status --max-age 2d', { now: tomorrow })).code).toBe(0)
  writeFileSync(path, readFileSync(path).fill(0, 50, 60))
  expect((await latchkey('backup verify --quick')).code).toBe(7)
  const failed = await latchkey('backup status --json')
  expect(failed.code).toBe(7)
  expect(failed.json<{ status: string }>().status).toBe('failed')
  expect((await latchkey('backup list', { tty: true, columns: 200 })).out).toContain('failed')
})

test('one thing that is brought back is told from all of it', async () => {
  await latchkey('key create ci')
  await latchkey('backup create')
  await latchkey('key delete ci --yes')
  const one = await latchkey('restore --latest --key ci --yes')
  expect(one).toMatchObject({ code: 0, err: 'Only ci was restored; everything else is unchanged.\n' })
  expect((await latchkey('restore --latest --yes')).err).toBe('')
})

test.each(['', ' --from elsewhere', ' --dry-run'])(
  'a restore of nothing is told which backups there are before it is asked for --yes: restore%s',
  async flags => {
    const from = flags.startsWith(' --from') ? flags : ''
    const { code, err } = await latchkey(`restore${flags}`)
    expect({ code, err }).toEqual({
      code: 2,
      err: `latchkey: missing required argument 'backup'\ntry: list them with: latchkey backup list${from}, then: latchkey restore${from} ID, or: latchkey restore${from} --latest\n`,
    })
    expect((await latchkey('restore --latest')).code).toBe(6)
  },
)

test('prune asks, explains, and takes its policy from flags, the file or the environment', async () => {
  const now = Date.parse('2026-11-20T12:00:00Z')
  for (let n = 0; n < 3; n++) await latchkey('backup create', { now: new Date(now + n * 86_400_000) })
  const later = { now: new Date(now + 3 * 86_400_000) }
  expect((await latchkey('backup prune --yes', later)).code).toBe(2)
  expect((await latchkey('backup prune --keep-last 1', later)).code).toBe(6)
  const outcomes = async (line: string, more: RunOptions = {}) =>
    (await latchkey(`${line} --json`, { ...later, ...more })).json<BackupPruning[]>().map(row => row.outcome)
  expect(await outcomes('backup prune --keep-daily 2 --dry-run')).toEqual(['kept', 'kept', 'removed'])
  expect(await outcomes('backup prune --keep-daily all --dry-run')).toEqual(['kept', 'kept', 'kept'])
  // The text before the action says "would".
  const drawn = (await latchkey('backup prune --keep-daily 2 --dry-run', later)).out
  expect(drawn).toContain('remove')
  expect(drawn).not.toContain('removed')
  scene.folder.write('latchkey.toml', '[backup.keep]\nlast = 2\n')
  expect(await outcomes('backup prune --dry-run')).toEqual(['kept', 'kept', 'removed'])
  const env = { LATCHKEY_BACKUP_KEEP: 'last=1, within=1h' }
  expect(await outcomes('backup prune --dry-run', { env })).toEqual(['kept', 'removed', 'removed'])
  const asked: string[] = []
  const text = async (question: string) => (asked.push(question) > 0 ? '1' : '')
  const done = await latchkey('backup prune', { ...later, tty: true, prompts: { text } })
  expect(done.code).toBe(0)
  expect(asked[0]).toContain('Remove 1 of 3 backups')
  // The question lists them.
  expect(done.err).toMatch(/remove\S* +no rule keeps it/)
  expect(done.out).toContain('no rule keeps it')
  expect((await latchkey('backup list --json')).json<Backup[]>()).toHaveLength(2)
  // If nothing would be removed, nothing is asked.
  expect((await latchkey('backup prune', { ...later, tty: true })).code).toBe(0)
})

test.each([
  ['latchkey.toml', '[backup.keep]\ndaily = 0\n'],
  ['latchkey.toml', '[backup.keep]\nfortnightly = 1\n'],
  ['latchkey.toml', '[backup]\nkept = 1\n'],
  ['latchkey.toml', 'backup = 7\n'],
])('a policy that says nothing is an error of the configuration: %s %j', async (name, text) => {
  scene.folder.write(name, text)
  const { code, err } = await latchkey('backup list')
  expect(code).toBe(78)
  expect(err).toMatch(/try: ./)
})

test('create prints ids for a script alone on stdout, and a ping that failed on stderr', async () => {
  const { code, out, err } = await latchkey('backup create -q --ping http://127.0.0.1:9/secret')
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^bak_\w{26}\n$/) })
  expect(err).toContain('the ping of success did not reach 127.0.0.1:9')
  expect(err).not.toContain('secret')
})

test('backups of another database are shown when asked for, and what is restored says whose it is', async () => {
  await latchkey('backup create')
  const staging = { db: scene.folder.file('data', 'staging.db') }
  await latchkey('init', staging)
  const other = (await latchkey('backup create --json', staging)).json<Backup>()
  const listed = await latchkey('backup list', { columns: 200 })
  expect(listed.out).not.toContain('DATABASE')
  expect(listed.out.trim().split('\n')).toHaveLength(2)
  expect(listed.err).toBe('Not listed: 1 backup of other databases (list them with --all-databases)\n')
  const all = await latchkey('backup list --all-databases', { columns: 200 })
  expect(all.err).toBe('')
  expect(all.out).toContain('DATABASE')
  expect(all.out).toContain(`${hostname()}:${staging.db}`)
  const asked: string[] = []
  const text = async (question: string) => (asked.push(question) > 0 ? 'latchkey.db' : '')
  const restored = await latchkey(`restore ${other.id}`, { tty: true, columns: 200, prompts: { text } })
  expect(asked[0]).toContain(`of another database, ${hostname()}:${staging.db}`)
  expect(restored).toMatchObject({
    code: 0,
    out: expect.stringContaining(`It is a backup of ${hostname()}:`),
  })
})

test('restore says which newer backup it passes over', async () => {
  await latchkey('backup create')
  const newer = (await latchkey('backup create --json')).json<Backup>()
  writeFileSync(newer.path.replace(/\.db.*$/, '.json'), '{')
  const { code, err } = await latchkey('restore --latest --yes')
  expect({ code, err }).toEqual({
    code: 0,
    err: `latchkey: ${newer.path.replace(/\.db.*$/, '.json')} is newer, but was skipped: its manifest is damaged: it is not the manifest of a backup\n`,
  })
})

test('from a machine that is lost to a new one, by way of a bucket', async () => {
  using s3 = testS3()
  const env = s3.env
  const to = 's3://backups/gate'
  const created = await latchkey(`backup create --to ${to} --json`, { env })
  expect(created).toMatchObject({ code: 0, err: '' })
  expect((await latchkey(`backup verify --all --from ${to}`, { env })).code).toBe(0)
  rmSync(scene.folder.file('data'), { recursive: true })
  const restored = await latchkey(`restore --latest --from ${to} --yes --json`, { env })
  expect(restored).toMatchObject({ code: 0 })
  expect(restored.json<{ rows: Record<string, number> }>().rows['users']).toBe(100)
  const shown = (await latchkey(`backup show --from ${to} --json`, { env })).json<Backup>()
  expect(shown.id).toBe(created.json<Backup>().id)
  expect(shown.verifiedAt).not.toBeNull()
  expect((await latchkey(`backup list --from ${to}`)).code).toBe(78)
})

test('the undo of a restore under a running server, and of an encrypted database, can be pasted', async () => {
  const { context, folder } = scene
  const secret = await generateX25519Identity()
  const env = { LATCHKEY_AGE_RECIPIENTS_FILE: folder.write('to.txt', await identityToRecipient(secret)) }
  const identity = folder.write('my identity.txt', secret)
  await latchkey('backup create', { env })
  await latchkey('user create newcomer')
  await peer(context.path, '')
  try {
    const line = ['restore', '--latest', '--in-place', '--yes', '--identity', identity]
    const { out } = await latchkey(line, { env })
    expect((await latchkey('user show newcomer')).code).toBe(3)
    const [, undo = ''] = /Undo: latchkey (.*)$/m.exec(out) ?? []
    expect(undo).toBe(`restore --undo --in-place --identity '${identity}'`)
    expect(await latchkey([...splitWords(undo), '--yes'], { env })).toMatchObject({ code: 0 })
    expect((await latchkey('user show newcomer')).code).toBe(0)
  } finally {
    cleanedUp()
  }
})

test('the undo of a migration can be pasted, up as down', async () => {
  for (const line of ['migrate down --yes', 'migrate up']) {
    const version = async () => (await latchkey('migrate status --json')).json<{ current: number }>().current
    const before = await version()
    const { out } = await latchkey(line)
    expect(await version()).not.toBe(before)
    const [, undo = ''] = /Undo: latchkey (.*)$/m.exec(out) ?? []
    expect(await latchkey([...splitWords(undo), '--yes'])).toMatchObject({ code: 0 })
    expect(await version()).toBe(before)
    if (line.startsWith('migrate down')) await latchkey('migrate down --yes')
  }
})

test('the undo of a restore to another file is about that file, and so is the end of what works again', async () => {
  await latchkey('key create ci')
  await latchkey('backup create')
  await latchkey('key revoke ci --yes')
  const there = scene.folder.file('an other.db')
  await latchkey(['restore', '--latest', '--to', there, '--yes'])
  await latchkey('key revoke ci --yes', { db: there })
  const { out } = await latchkey(['restore', '--latest', '--to', there, '--yes'])
  const [, revoke = ''] = /End them: latchkey (.*) KEY;/.exec(out) ?? []
  expect((await latchkey([...splitWords(revoke), 'ci', '--yes', '--json'])).json()).toMatchObject({
    changed: true,
  })
  expect((await latchkey('key show ci --json', { db: there })).json()).toMatchObject({ status: 'revoked' })
  await latchkey('user create newcomer', { db: there })
  const [, undo = ''] = /Undo: latchkey (.*)$/m.exec(out) ?? []
  const undone = await latchkey([...splitWords(undo), '--yes', '--json'])
  expect(undone.json()).toMatchObject({ path: there })
  expect((await latchkey('user show newcomer', { db: there })).code).toBe(3)
})

test('what a refused restore to another file says to type is about that file', async () => {
  const copies = scene.folder.file("it's $& copies")
  const there = scene.folder.file('an other.db')
  await latchkey('user create bob')
  await latchkey('key create k1 --user bob')
  await latchkey('backup create')
  const { path } = (await latchkey(['backup', 'create', '--to', copies, '--json'])).json<Backup>()
  /** What is to be typed, after `lead`. */
  const next = (said: string, lead: string) => {
    const line = said.split(`${lead}: latchkey `)[1]?.split('\n')[0] ?? ''
    return splitWords(line.split(';')[0] ?? '')
  }
  const whole = ['restore', '--latest', '--from', copies, '--to', there, '--yes']
  const one = [...whole, '--key', 'k1']
  const missing = await latchkey(one)
  expect(missing.code).toBe(78)
  // The database that is whole stays as it is.
  const back = await latchkey([...next(missing.err, 'get it back with'), '--yes', '--json'])
  expect(back.json()).toMatchObject({ path: there, backup: { path } })
  await latchkey('key delete k1 --yes', { db: there })
  await latchkey('user delete bob --yes', { db: there })
  const refused = await latchkey(one)
  expect(refused.code).toBe(5)
  const owner = await latchkey([...next(refused.err, 'from the same backup'), '--yes', '--json'])
  expect(owner.json()).toMatchObject({ path: there, only: 'user bob', changes: { keys: { added: ['k1'] } } })
  await latchkey('key delete k1 --yes', { db: there })
  await latchkey('key create k1', { db: there })
  const taken = await latchkey(one)
  const shown = await latchkey([...next(taken.err, 'look at it with'), '--json'])
  expect(shown.json()).toMatchObject({ name: 'k1', user: null })
  expect((await latchkey('key show k1 --json')).json()).toMatchObject({ user: { username: 'bob' } })
})

requirePostgres()('a backup of a server is not said to be one of another database', async () => {
  await using it = await serverScene()
  const there = { db: it.database.url, cwd: it.folder, env: { HOME: it.folder } }
  await run('backup create', there)
  for (const line of ['restore --latest --dry-run', 'restore --latest --yes']) {
    const { code, out } = await run(line, there)
    expect({ code, out }).toEqual({ code: 0, out: expect.not.stringContaining('It is a backup of') })
  }
  const elsewhere = await run(['restore', '--latest', '--to', `${it.folder}/file.db`, '--yes'], there)
  expect(elsewhere.out).toContain('It is a backup of ')
})
