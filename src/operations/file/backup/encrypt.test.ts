import { Database } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { compressions } from '../../../contract/views/words.ts'
import { backupScene } from '../../../testing/backups.ts'
import { failure } from '../../../testing/failure.ts'
import { spawnLatchkey } from '../../../testing/process.ts'
import { testS3 } from '../../../testing/s3.ts'
import { requireTool } from '../../../testing/tools.ts'
import { migrate } from '../migrations.ts'
import { createBackup } from './create.ts'
import { planRestore, restore } from './restore/restore.ts'
import { verifyBackups } from './verify.ts'

/** A pair made by the real tool: the public key, and the file of the identity. */
function keyPair(write: (name: string, content: string) => string, name = 'identity.txt') {
  const made = Bun.spawnSync(['age-keygen'])
  expect(made.success).toBe(true)
  const text = made.stdout.toString()
  return { recipient: /age1\w+/.exec(text)?.[0] ?? '', identityFile: write(name, text) }
}

const age = requireTool('age')

for (const compression of compressions) {
  age(
    `with ${compression}, every recipient opens a backup with the age tool, and it is the same`,
    async () => {
      using scene = await backupScene({}, 5_000)
      const [one, two] = [keyPair(scene.folder.write, 'one'), keyPair(scene.folder.write, 'two')]
      const recipientsFile = scene.folder.write('recipients.txt', `# ours\n\n${two.recipient}\n`)
      const backup = await createBackup(scene.context, {
        compression,
        recipients: [one.recipient],
        recipientsFile,
      })
      expect(backup).toMatchObject({ encrypted: true, compression })
      expect(backup.path).toEndWith('.age')
      expect(statSync(backup.path).mode & 0o777).toBe(0o600)
      const bytes = readFileSync(backup.path)
      expect(bytes.subarray(0, 22).toString()).toBe('age-encryption.org/v1\n')
      expect(backup.sha256).toBe(new Bun.CryptoHasher('sha256').update(bytes).digest('hex'))
      const tools = { none: 'cat', zstd: 'zstd -dc', gzip: 'gzip -dc' }
      for (const { identityFile } of [one, two]) {
        const opened = Bun.spawnSync([
          'sh',
          '-c',
          `age -d -i "$1" "$2" | ${tools[compression]}`,
          'sh',
          identityFile,
          backup.path,
        ])
        expect(opened.stdout.length).toBe(backup.rawSizeBytes)
        expect(opened.stdout.subarray(0, 15).toString()).toBe('SQLite format 3')
        expect(await verifyBackups(scene.context, { identityFile })).toMatchObject([{ outcome: 'passed' }])
      }
    },
  )
}

age('without the right identity it is not known whether it is good; with changed bytes it is', async () => {
  using scene = await backupScene()
  const [own, other] = [keyPair(scene.folder.write, 'own'), keyPair(scene.folder.write, 'other')]
  const backup = await createBackup(scene.context, { recipients: [own.recipient] })
  const { context } = scene
  const outcome = async (identityFile?: string) => (await verifyBackups(context, { identityFile }))[0]
  expect(await outcome()).toMatchObject({ outcome: 'aborted', problem: expect.stringContaining('encrypted') })
  expect(await outcome(other.identityFile)).toMatchObject({ outcome: 'aborted' })
  expect(await outcome(scene.folder.file('missing'))).toMatchObject({ outcome: 'aborted' })
  const wrong = scene.folder.write('wrong', 'AGE-SECRET-KEY-1NOT\n')
  const refused = await outcome(wrong)
  expect(refused).toMatchObject({ outcome: 'aborted' })
  expect(refused?.problem).not.toContain('AGE-SECRET-KEY')
  expect(await verifyBackups(context, { quick: true })).toMatchObject([{ outcome: 'passed' }])

  const whole = readFileSync(backup.path)
  for (const at of [0, 30, 100, 190, 260, whole.length - 1]) {
    const bytes = Buffer.from(whole)
    bytes[at]! ^= 4
    writeFileSync(backup.path, bytes)
    expect(await outcome(own.identityFile), `byte ${at}`).toMatchObject({ outcome: 'failed' })
    expect(await outcome(), `byte ${at}, no identity`).toMatchObject({ outcome: 'failed' })
  }
})

age('a configured recipient encrypts every backup, and the configured identity opens it', async () => {
  using scene = await backupScene()
  const pair = keyPair(scene.folder.write)
  const ageRecipientsFile = scene.folder.write('recipients', pair.recipient)
  const context = { ...scene.context, ageRecipientsFile, ageIdentityFile: pair.identityFile }
  expect(await createBackup(context, { encrypt: true })).toMatchObject({ encrypted: true })
  expect(await verifyBackups(context)).toMatchObject([{ outcome: 'passed' }])
})

const secret = 'AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ'
test.each<[string, Parameters<typeof createBackup>[1], string]>([
  ['no recipient', { encrypt: true }, 'usage'],
  ['something that is no key', { recipients: ['age1nonsense'] }, 'invalid'],
  ['an SSH key', { recipients: ['ssh-ed25519 AAAA'] }, 'invalid'],
  ['an identity in the place of a recipient', { recipients: [secret] }, 'invalid'],
  ['a file that is missing', { recipientsFile: '/nonexistent/recipients' }, 'config'],
  ['a file of comments', { recipientsFile: '/dev/null' }, 'config'],
])('%s is refused before anything is written, and nothing secret is repeated', async (_, input, code) => {
  using scene = await backupScene()
  const error = await failure(createBackup(scene.context, input))
  expect(error).toMatchObject({ code: code as never, hint: expect.stringMatching(/./) })
  expect(`${error.message} ${error.hint}`).not.toContain(secret)
  expect(existsSync(scene.context.backupDir)).toBe(false)
})

/** Made once: the tool is not what is tried here. */
const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'

function anybody(path: string): string {
  using client = new Database(path, { readonly: true })
  return client.query<{ username: string }, []>('SELECT username FROM users LIMIT 1').get()?.username ?? ''
}

describe('where backups are encrypted, none goes unencrypted', () => {
  const names = (folder: string) => readdirSync(folder).filter(name => /\.db/.test(name))

  test('by hand, by a restore and by a migration, until it is said to whom', async () => {
    using scene = await backupScene()
    const { context } = scene
    await createBackup(context, { to: scene.folder.file('plain') })
    await createBackup(context, { recipients: [recipient] })
    for (const work of [
      () => createBackup(context),
      () => createBackup({ ...context, dryRun: true }),
      // Of this database nothing goes elsewhere, either.
      () => createBackup(context, { to: scene.folder.file('plain') }),
    ]) {
      expect(await failure(work())).toMatchObject({
        code: 'usage',
        message: expect.stringMatching(/are encrypted, but this one would not be; nothing was written$/),
        hint: expect.stringMatching(/--recipients-file FILE.* latchkey config set age_recipients_file FILE$/),
      })
    }
    // What takes a safety copy has no option for recipients, and a dry run of it finds out too.
    const from = scene.folder.file('plain')
    for (const dryRun of [true, false])
      for (const work of [
        () => restore({ ...context, dryRun }, { latest: true, from }),
        () => restore({ ...context, dryRun }, { latest: true, from, inPlace: true }),
        () => restore({ ...context, dryRun }, { latest: true, from, user: anybody(context.path) }),
        () => planRestore({ ...context, dryRun }, { latest: true, from }),
        () => migrate({ ...context, dryRun }, { direction: 'down' }),
      ]) {
        const { code, message, hint } = await failure(work())
        expect([code, hint]).toEqual([
          'usage',
          'latchkey config set age_recipients_file FILE, then run the command again',
        ])
        expect(message).toMatch(/^the safety copy \(pre-\w+\) could not be taken: .* this one would not be/)
      }
    expect(names(context.backupDir)).toEqual([expect.stringMatching(/\.age$/)])
    expect(names(scene.folder.file('plain'))).toHaveLength(1)

    const settled = { ...context, ageRecipientsFile: scene.folder.write('recipients', recipient) }
    await restore(settled, { latest: true, from: scene.folder.file('plain') })
    await migrate(settled, { direction: 'down' })
    await migrate(settled, { direction: 'up' })
    await createBackup(settled)
    expect(names(context.backupDir)).toHaveLength(5)
    for (const name of names(context.backupDir)) expect(name).toEndWith('.age')
  })

  test('a dry run finds out whatever else keeps a safety copy from being taken, and leaves nothing', async () => {
    using scene = await backupScene()
    const from = scene.folder.file('plain')
    await createBackup(scene.context, { to: from })
    for (const [code, broken] of [
      ['config', { ageRecipientsFile: scene.folder.file('nowhere') }],
      ['invalid', { ageRecipientsFile: scene.folder.write('recipients', 'age1nonsense') }],
      ['config', { backupDir: '/proc/nonexistent/backups' }],
    ] as const)
      for (const dryRun of [true, false]) {
        const context = { ...scene.context, ...broken, dryRun }
        for (const work of [
          () => restore(context, { latest: true, from }),
          () => restore(context, { latest: true, from, user: anybody(context.path) }),
          () => migrate(context, { direction: 'down' }),
        ])
          expect(await failure(work())).toMatchObject({ code })
      }
    const dry = { ...scene.context, backupDir: scene.folder.file('new', 'backups'), dryRun: true }
    expect(await restore(dry, { latest: true, from })).toMatchObject({ safetyBackup: null })
    expect(await migrate(dry, { direction: 'down' })).toMatchObject({ backup: null })
    expect(existsSync(scene.folder.file('new'))).toBe(false)
  })

  test('nor into a folder of encrypted ones that belongs to another database', async () => {
    using scene = await backupScene()
    await createBackup(scene.context, { recipients: [recipient], to: scene.folder.file('safe') })
    expect((await failure(createBackup(scene.context, { to: scene.folder.file('safe') }))).code).toBe('usage')
    await createBackup(scene.context)
    writeFileSync(scene.folder.file('backups', 'stranger.db.age'), '')
    await createBackup(scene.context)
  })

  test('nor into a bucket of them', async () => {
    using s3 = testS3()
    using scene = await backupScene({ backupDir: 's3://backups/x', env: s3.env })
    await createBackup(scene.context, { recipients: [recipient] })
    for (const to of [undefined, scene.folder.file('plain')])
      expect((await failure(createBackup(scene.context, { to }))).code).toBe('usage')
    expect(s3.keys()).toHaveLength(2)
    s3.fault = () => ({ status: 403, code: 'AccessDenied' })
    expect((await failure(createBackup(scene.context, { to: scene.folder.file('plain') }))).code).toBe(
      'permission',
    )
  })

  test('with recipients on the schedule alone, a restore and a migration encrypt to them', async () => {
    using scene = await backupScene()
    const { path } = scene.context
    const recipients = scene.folder.write('recipients', recipient)
    const programs = scene.folder.file('programs')
    mkdirSync(programs)
    writeFileSync(`${programs}/crontab`, '#!/bin/sh\n[ "$1" = -l ] && exit 0; cat >/dev/null\n', {
      mode: 0o755,
    })
    const env = {
      HOME: scene.folder.path,
      PATH: `${programs}:/usr/bin:/bin`,
      SYSTEMD_UNIT_PATH: '/proc/none',
    }
    const latchkey = async (line: string) =>
      expect(await spawnLatchkey(line, { env, db: path })).toMatchObject({ code: 0 })
    await latchkey('backup create --to plain'.replace('plain', scene.folder.file('plain')))
    await latchkey(`backup schedule --cron @daily --recipients-file ${recipients}`)
    for (const line of ['backup create', `restore --latest --from ${scene.folder.file('plain')} --yes`])
      await latchkey(line)
    await latchkey('migrate down --steps 1 --yes')
    const found = names(scene.folder.file('data', 'backups'))
    expect(found).toHaveLength(3)
    for (const name of found) expect(name).toEndWith('.age')
  })
})
