/** Every way to fail, driven once as a person would meet it, and what is said to type next: it can be typed. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command, one } from './cli/declare/define.ts'
import { type ErrorCode, exitCodes } from './contract/errors.ts'
import { user } from './contract/views/people.ts'
import { latestVersion } from './db/schema/version.ts'
import { hintProblems } from './testing/hints.ts'
import { type TestLatchkey, temporaryLatchkey } from './testing/latchkey.ts'
import { onTerminal, processEnvironment, program, startLatchkey } from './testing/process.ts'
import { type Ran, type RunOptions, run } from './testing/run.ts'
import { canStepDown, stepDown } from './testing/tools.ts'

interface Failed {
  readonly code: number
  readonly err: string
}

interface Scene extends TestLatchkey {
  readonly run: (line: string, options?: RunOptions) => Promise<Ran>
  readonly sql: (statement: string) => void
}

/** How each comes about; `try:` is what it says to do next. */
const failures: Readonly<Record<ErrorCode, { try: RegExp; drive: (scene: Scene) => Promise<Failed> }>> = {
  unexpected: {
    try: /LATCHKEY_DEBUG=1/,
    drive: at => {
      const broken = command({
        effect: 'read',
        summary: 'Show what nobody foresaw',
        examples: ['latchkey broken'],
        run: async () => {
          throw new TypeError('x is not a function')
        },
        prints: one(user),
      })
      const tree = { broken: { summary: 'x', load: async () => ({ default: broken }) } }
      return at.run('broken', { tree })
    },
  },
  stale: {
    try: /^$/,
    drive: at => at.run('backup status'),
  },
  usage: { try: /^latchkey key create --help$/, drive: at => at.run('key create') },
  invalid: { try: /change the name/, drive: at => at.run('key create key_ci') },
  not_found: { try: /^see them with: latchkey key list$/, drive: at => at.run('key show cii') },
  denied: { try: /^$/, drive: at => at.run('key verify', { stdin: 'lk_nobody' }) },
  conflict: { try: /latchkey/, drive: at => at.run('key create ci') },
  ambiguous: {
    try: /use an id, for example: key_/,
    drive: async at => {
      await at.latchkey.keys.create({ name: 'other' })
      return at.run(`key show ${(await at.latchkey.keys.get('ci')).id.slice(0, 10)}`)
    },
  },
  not_confirmed: { try: /add --yes/, drive: at => at.run('key delete ci') },
  corrupt: {
    try: /latchkey restore --latest/,
    drive: async at => {
      await at.latchkey.close()
      writeFileSync(at.path, 'x'.repeat(9_000))
      return at.run('key list')
    },
  },
  checksum: {
    try: /latchkey/,
    drive: async at => {
      const { path } = await at.latchkey.backups.create()
      truncateSync(path, 99)
      return at.run('restore --latest --yes')
    },
  },
  drift: {
    try: /latchkey migrate check/,
    drive: async at => {
      await at.latchkey.close()
      at.sql("UPDATE migrations SET name = 'edited' WHERE version = 1")
      return at.run('migrate up')
    },
  },
  partial: {
    try: /latchkey backup prune/,
    drive: async at => {
      await at.latchkey.backups.create()
      const folder = join(at.folder, 'backups')
      const manifest = readdirSync(folder).find(name => name.endsWith('.json'))!
      // What cannot be removed: a folder that is not empty, where the copy of an old backup was.
      const old = readFileSync(join(folder, manifest), 'utf8')
      const data = JSON.parse(old).file
      rmSync(join(folder, data))
      mkdirSync(join(folder, data, 'x'), { recursive: true })
      return at.run('backup create --prune', { env: { LATCHKEY_BACKUP_KEEP: 'last=1' } })
    },
  },
  busy: {
    try: /again in a moment/,
    drive: async at => {
      const writer = new Database(at.path)
      writer.run('BEGIN IMMEDIATE')
      const ran = await startLatchkey('key create second', { db: at.path }).finished
      writer.close()
      return ran
    },
  },
  config: {
    try: /^write db instead$/,
    drive: at => {
      writeFileSync(join(at.folder, 'latchkey.toml'), 'dbb = "x"')
      return at.run('key list')
    },
  },
  database_missing: {
    try: /latchkey init; if there was one before, get it back with: latchkey restore --latest/,
    drive: at => at.run('key list', { db: join(at.folder, 'none.db') }),
  },
  database_foreign: {
    try: /--db/,
    drive: at => {
      const path = join(at.folder, 'other.db')
      new Database(path).run('CREATE TABLE t (x)')
      return at.run('key list', { db: path })
    },
  },
  database_readonly: {
    try: /^check the owner and mode with: ls -ld \//,
    drive: async at => {
      await at.latchkey.close()
      chmodSync(at.folder, 0o755)
      chmodSync(at.path, 0o444)
      return asNobody(at, 'key create second')
    },
  },
  disk_full: {
    try: /free some space/,
    drive: async at => {
      const child = Bun.spawn(['sh', '-c', '"$@" key list >/dev/full', 'sh', ...program], {
        env: processEnvironment({ db: at.path }),
        stderr: 'pipe',
      })
      return { err: await child.stderr.text(), code: await child.exited }
    },
  },
  permission: {
    try: /owner|permission/,
    drive: at => {
      chmodSync(at.folder, 0o755)
      chmodSync(at.path, 0o600)
      return asNobody(at, 'key list')
    },
  },
  schema_older: {
    try: /latchkey migrate up/,
    drive: async at => {
      await at.latchkey.close()
      await at.run('migrate down --yes')
      return at.run('key list')
    },
  },
  schema_newer: {
    try: /^use the newer Latchkey that wrote it/,
    drive: async at => {
      await at.latchkey.close()
      at.sql(`PRAGMA user_version = ${latestVersion + 1}`)
      return at.run('key list')
    },
  },
  interrupted: {
    try: /run it again/,
    drive: async at => {
      const { code, lines } = await onTerminal('key revoke ci', [{ when: /for good/, keys: '\x03' }], {
        db: at.path,
      })
      return { code, err: lines.join('\n') }
    },
  },
  terminated: {
    try: /^$/,
    drive: async at => {
      const child = Bun.spawn(['sh', '-c', '"$@" key verify & kill -TERM $!; wait $!', 'sh', ...program], {
        env: processEnvironment({ db: at.path }),
        stderr: 'pipe',
      })
      return { err: await child.stderr.text(), code: await child.exited }
    },
  },
}

/** The program as another user of this system runs it. */
async function asNobody(at: Scene, line: string): Promise<Failed> {
  const child = Bun.spawn([...stepDown, ...program, ...line.split(' ')], {
    cwd: '/',
    env: processEnvironment({ db: at.path }),
    stderr: 'pipe',
    stdout: 'pipe',
  })
  return { err: await child.stderr.text(), code: await child.exited }
}

const needsNobody = new Set<ErrorCode>(['database_readonly', 'permission'])

for (const [code, { try: expected, drive }] of Object.entries(failures)) {
  const able = !needsNobody.has(code as ErrorCode) || canStepDown()
  test.skipIf(!able)(`${code} exits with ${exitCodes[code as ErrorCode]} and says what to type`, async () => {
    await using home = await temporaryLatchkey()
    await home.latchkey.keys.create({ name: 'ci' })
    const at: Scene = {
      ...home,
      run: (line, options) => run(line, { db: home.path, cwd: home.folder, now: home.clock.now, ...options }),
      sql: statement => {
        const client = new Database(home.path)
        client.run(statement)
        client.close()
      },
      [Symbol.asyncDispose]: async () => {},
    }
    const failed = await drive(at)
    expect({ code: failed.code, err: failed.err }).toEqual({
      code: exitCodes[code as ErrorCode],
      err: expect.any(String),
    })
    const [, hint = ''] = /^try: (.*)/m.exec(failed.err) ?? []
    expect(hint).toMatch(expected)
    expect(await hintProblems(hint)).toEqual([])
  })
}

test('every command line in the texts of the program can be typed', async () => {
  const texts = [...new Bun.Glob('**/*.ts').scanSync({ cwd: import.meta.dir })]
    .filter(file => !/\.test\.ts$|^(testing|cli\/commands|cli\/reference)\//.test(file))
    .flatMap(file => [
      ...readFileSync(join(import.meta.dir, file), 'utf8').matchAll(/'([^'\n]*latchkey [^'\n]*)'/g),
    ])
    .map(([, text = '']) => text)
  expect(texts.length).toBeGreaterThan(60)
  const problems = await Promise.all(texts.map(hintProblems))
  expect(problems.flat()).toEqual([])
})

test.each([
  ['key show cii', 'did you mean ci?'],
  ['user show alise', 'did you mean alice?'],
  ['project show sohp', 'did you mean shop?'],
  ['key show nothing-like-it', 'no key matches "nothing-like-it"\n'],
])('%s: %s', async (line, said) => {
  await using home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  await home.latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  await home.latchkey.keys.create({ name: 'ci' })
  expect((await run(line, { db: home.path })).err).toContain(said)
})
