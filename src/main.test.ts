import { describe, expect, spyOn, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Key } from './contract/views.ts'
import { temporaryFolder } from './testing/folder.ts'
import { entryPoint, program, spawnLatchkey } from './testing/process.ts'
import { nowhere, run } from './testing/run.ts'
import { canStepDown } from './testing/tools.ts'
import { splitWords } from './testing/words.ts'

describe('what a start costs', () => {
  test('main reaches no storage, no drawing and no validation without a command', () => {
    const seen = new Set<string>()
    const packages = new Set<string>()
    const transpiler = new Bun.Transpiler({ loader: 'ts' })
    const visit = (path: string): void => {
      if (seen.has(path) || path.endsWith('.json')) return
      seen.add(path)
      for (const { path: target, kind } of transpiler.scanImports(readFileSync(path, 'utf8'))) {
        if (kind !== 'import-statement') continue
        if (target.startsWith('.')) visit(resolve(dirname(path), target))
        else packages.add(target)
      }
    }
    visit(join(import.meta.dir, 'main.ts'))
    expect([...packages].sort()).toEqual(['commander', 'node:fs', 'node:path'])
    expect([...seen].filter(path => /\/(db|operations|formats)\/|src\/index\.ts$/.test(path))).toEqual([])
  })

  test('no time zone is looked up for JSON, which is in UTC', async () => {
    using folder = temporaryFolder()
    const db = folder.file('l.db')
    expect(await run('init', { db })).toMatchObject({ code: 0 })
    const lookedUp = spyOn(Intl, 'DateTimeFormat')
    try {
      expect(await run('key list --json', { db })).toMatchObject({ code: 0, out: '[]\n' })
      expect(lookedUp).not.toHaveBeenCalled()
      await run('config show', { db })
      expect(lookedUp).toHaveBeenCalled()
    } finally {
      lookedUp.mockRestore()
    }
  })
})

describe('config show', () => {
  test('names each value and its source, also as JSON', async () => {
    const { out, code } = await run('config show --tz Europe/Berlin', { env: { LATCHKEY_DB: '/srv/x.db' } })
    expect(code).toBe(0)
    expect(out).toBe(
      [
        'NAME                 VALUE          SOURCE',
        'db                   /srv/x.db      LATCHKEY_DB',
        'tz                   Europe/Berlin  flag',
        'backup_dir           /srv/backups   default',
        'backup_keep          -              default',
        'age_recipients_file  -              default',
        'age_identity_file    -              default',
        'unpriced             allow          default',
        'max_end_users        10000          default',
        'output               table          default',
        '',
      ].join('\n'),
    )
    expect((await run('config show --json', { db: '/srv/x.db' })).json()).toContainEqual({
      name: 'db',
      value: '/srv/x.db',
      source: 'LATCHKEY_DB',
    })
  })
})

describe('as a process', () => {
  test('prints, exits and keeps stdout empty on failure', async () => {
    expect(await spawnLatchkey('config show -o csv --fields name')).toMatchObject({
      code: 0,
      out: 'name\ndb\ntz\nbackup_dir\nbackup_keep\nage_recipients_file\nage_identity_file\nunpriced\nmax_end_users\noutput\n',
      err: '',
    })
    expect(await spawnLatchkey('nonsense')).toMatchObject({ code: 2, out: '' })
  })

  /** A setting of more than a pipe holds, so that one row is megabytes of output. */
  function bigConfig() {
    const folder = temporaryFolder()
    folder.write('latchkey.toml', `db = "/${'x'.repeat(3_000_000)}"\n`)
    return folder
  }
  const shell = (script: string, cwd: string) =>
    Bun.spawn(['bash', '-o', 'pipefail', '-c', script], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: nowhere, BUN: process.execPath, LATCHKEY: entryPoint },
      stdout: 'pipe',
      stderr: 'pipe',
    })

  test.each([
    ['a name', `"$BUN" "$LATCHKEY" key create $'caf\\xe9' --json`, 2],
    ['a path', `"$BUN" "$LATCHKEY" init --db $'caf\\xe9.db' --json`, 2],
    ['a value behind =', `"$BUN" "$LATCHKEY" config show --tz=$'\\xff' --json`, 2],
    ['a variable', `LATCHKEY_DB=$'\\xff.db' "$BUN" "$LATCHKEY" init --json`, 78],
  ])('%s that is not UTF-8 is refused, and nothing is made of it', async (_, script, code) => {
    using folder = temporaryFolder()
    const child = shell(script, folder.path)
    const { error } = JSON.parse(await child.stderr.text())
    expect(error.message).toContain('is not valid UTF-8')
    expect(await child.exited).toBe(code)
    expect(readdirSync(folder.path)).toEqual([])
  })

  test('a reader that goes away is no failure', async () => {
    using folder = bigConfig()
    const child = shell('"$BUN" "$LATCHKEY" config show --json | head -c 1', folder.path)
    expect(await child.stdout.text()).toBe('[')
    expect(await child.stderr.text()).toBe('')
    expect(await child.exited).toBe(0)
  })

  test('a slow reader gets all of it', async () => {
    using folder = bigConfig()
    const child = shell('"$BUN" "$LATCHKEY" config show --json | (sleep 0.5; cat)', folder.path)
    const values: { value: string }[] = JSON.parse(await child.stdout.text())
    expect(values[0]?.value).toHaveLength(3_000_001)
    expect(await child.exited).toBe(0)
  })

  test('what is appended to a file follows what stood there', async () => {
    using folder = bigConfig()
    const child = shell('echo old > log; "$BUN" "$LATCHKEY" config show --json >> log 2>&1', folder.path)
    expect(await child.exited).toBe(0)
    const text = await Bun.file(folder.file('log')).text()
    expect(text.slice(0, 6)).toBe('old\n[\n')
    expect(JSON.parse(text.slice(4))).toHaveLength(9)
  })

  test('a full disk is a failure', async () => {
    using folder = bigConfig()
    const child = shell('"$BUN" "$LATCHKEY" config show --json > /dev/full', folder.path)
    expect(await child.exited).toBe(78)
    expect(await child.stderr.text()).toContain('"code":"disk_full"')
  })

  test('--version is no other: a full disk is a failure, a reader that goes away is none', async () => {
    const full = shell('"$BUN" "$LATCHKEY" --version > /dev/full', '/')
    expect(await full.exited).toBe(78)
    expect(await full.stderr.text()).toMatch(
      /^latchkey: stdout [^\n]*ENOSPC[^\n]*\ntry: free some space where stdout goes[^\n]*\n$/,
    )
    const gone = shell('(sleep 0.5; "$BUN" "$LATCHKEY" --version) | true', '/')
    expect([await gone.exited, await gone.stderr.text()]).toEqual([0, ''])
  })

  // What is compiled is refused by Bun itself before it begins.
  test.if(process.env['LATCHKEY_PROGRAM'] === undefined)('a folder that is gone is no failure', async () => {
    using folder = temporaryFolder()
    const gone = folder.file('gone')
    const child = shell(`mkdir ${gone} && cd ${gone} && rmdir ${gone} && "$BUN" "$LATCHKEY" config show`, '/')
    expect(await child.stdout.text()).toContain('backup_dir')
    expect([await child.exited, await child.stderr.text()]).toEqual([0, ''])
  })

  test.skipIf(!canStepDown())('a user whom the system does not know has a home', async () => {
    const setpriv = ['setpriv', '--reuid', '54321', '--clear-groups', ...program]
    const asked = async (...words: readonly string[]) =>
      Bun.spawn([...setpriv, ...words, '--json'], { env: {}, cwd: '/', stdout: 'pipe' }).stdout.json()
    expect(await asked('config', 'show')).toContainEqual({
      name: 'db',
      value: '/.local/share/latchkey/latchkey.db',
      source: 'default',
    })
    const schedule = ['backup', 'schedule', '--cron', '@daily', '--print']
    expect(await asked(...schedule)).toMatchObject({ log: '/.local/state/latchkey/backup.log' })
    expect(await asked(...schedule, '--systemd')).toMatchObject({
      entries: [{ path: expect.stringMatching(/^\/\.config\/systemd\/user\/.*service$/) }, {}],
    })
  })

  test('closed streams do not hang it', async () => {
    const child = shell('"$BUN" "$LATCHKEY" config show <&- 2>&-', '/')
    expect(await child.stdout.text()).toContain('backup_dir')
    expect(await child.exited).toBe(0)
  })
})

test('command lines of tests are split as a shell does', () => {
  expect(splitWords(`key create 'a b' --name="c d"  e\\ f "" 'it"s'`)).toEqual([
    'key',
    'create',
    'a b',
    '--name=c d',
    'e f',
    '',
    'it"s',
  ])
})

test('a secret that nobody could read is a failure, and what it says to do replaces it', async () => {
  using folder = temporaryFolder()
  const db = folder.file('l.db')
  await spawnLatchkey('init', { db })
  await spawnLatchkey('user create alice', { db })
  await spawnLatchkey('org create Acme --owner alice', { db })
  const env = { ...process.env, BUN: process.execPath, ENTRY: entryPoint, LATCHKEY_DB: db }
  for (const [line, lost, next] of [
    ['key create ci', 'the secret of ci is lost', 'create a new secret with: latchkey key rotate key_'],
    [
      'key create many --count 3',
      'the secrets of many-1 and 2 more are lost',
      'create a new secret with: latchkey key rotate key_',
    ],
    [
      'user passwd alice --generate',
      'the password of alice is lost',
      'create another with: latchkey user passwd usr_',
    ],
    [
      'invitation create acme bob@example.org',
      'the token of the invitation of bob@example.org is lost',
      'cancel it with: latchkey invitation cancel inv_',
    ],
  ] as const) {
    const ran = Bun.spawnSync(['bash', '-c', `"$BUN" "$ENTRY" ${line} > /dev/full`], { env })
    const err = ran.stderr.toString()
    expect([line, ran.exitCode, err]).toEqual([line, 8, expect.stringContaining(lost)])
    expect(err).toContain(next)
    const again = Bun.spawnSync(['bash', '-c', '"$BUN" "$ENTRY" key create ci --if-not-exists > /dev/full'], {
      env,
    })
    expect(again.stderr.toString()).not.toContain('lost')
    const [, pasted = ''] = /latchkey (\w+ \w+ \w+(?: --\w+)?)/.exec(err) ?? []
    expect((await spawnLatchkey(pasted, { db })).code, pasted).toBe(0)
  }
})

test('a change that nobody could be told of is done in part, and made once', async () => {
  using folder = temporaryFolder()
  const db = folder.file('l.db')
  await spawnLatchkey('init', { db })
  await spawnLatchkey('key create ci', { db })
  await spawnLatchkey('user create carol', { db })
  const env = { ...process.env, BUN: process.execPath, ENTRY: entryPoint, LATCHKEY_DB: db }
  const run = (line: string) => {
    const ran = Bun.spawnSync(['bash', '-c', `"$BUN" "$ENTRY" ${line}`], { env, cwd: folder.path })
    return { code: ran.exitCode, err: ran.stderr.toString() }
  }
  const why: Readonly<Record<string, string>> = {
    '>/dev/full':
      'latchkey: it was done, but stdout could not be written: ENOSPC: no space left on device, write\n',
    '>&-': 'latchkey: it was done, but stdout is closed\n',
  }
  for (const [sink, said] of Object.entries(why)) {
    expect(run(`usage record ci --input-tokens 100 ${sink}`), sink).toEqual({
      code: 8,
      err: `${said}try: before you run it again, see what was done with: latchkey usage report\n`,
    })
    // Nothing was changed, so it can be run again.
    for (const line of [
      'usage record ci --input-tokens 100 --dry-run',
      'user create carol --if-not-exists',
    ]) {
      const { code, err } = run(`${line} ${sink}`)
      expect({ line, code }).toEqual({ line, code: 78 })
      expect(err).not.toContain('was done')
    }
    // A reader that has gone wants to know no more.
    expect(run(`user create ${sink === '>&-' ? 'bob' : 'alice'} | true`)).toEqual({ code: 0, err: '' })
  }
  const { secret } = (await spawnLatchkey('key create other --json', { db })).json<{ secret: string }>()
  // A secret on stdin is not there a second time.
  expect(run(`key limit set - tokens=1/1h <<< ${secret} >/dev/full`).err).toEndWith(': latchkey key list\n')
  const { totals } = (await spawnLatchkey('key stats ci --json', { db })).json<{ totals: object }>()
  expect(totals).toMatchObject({ requests: 2, tokens: 200 })
})

test('with stdout closed no secret is made, and what there is to tell fails', async () => {
  using folder = temporaryFolder()
  const db = folder.file('l.db')
  await spawnLatchkey('init', { db })
  await spawnLatchkey('key create ci', { db })
  const env = { ...process.env, BUN: process.execPath, ENTRY: entryPoint, LATCHKEY_DB: db }
  const run = (line: string, sink = '>&-') => {
    const ran = Bun.spawnSync(['bash', '-c', `"$BUN" "$ENTRY" ${line} ${sink}`], { env, cwd: folder.path })
    return { code: ran.exitCode, err: ran.stderr.toString() }
  }
  const making = ['key create x', 'key create x --json', 'key create x --count 2', 'key rotate ci --grace 1d']
  for (const line of making) {
    const { code, err } = run(line)
    expect({ line, code, err }).toEqual({ line, code: 2, err: expect.stringContaining('--out FILE') })
  }
  for (const line of ['key list', 'key list -o csv', '--help', 'key create dry --dry-run']) {
    const { code, err } = run(line)
    expect({ line, code }).toEqual({ line, code: 78 })
    expect(err).toMatch(/^latchkey: stdout is closed\ntry: redirect it to a file[^\n]*\n/)
  }
  for (const line of ['user passwd alice --generate', 'invitation create acme bob@example.org']) {
    await spawnLatchkey('user create alice', { db })
    await spawnLatchkey('org create Acme --owner alice', { db })
    const { code, err } = run(line)
    expect({ line, code, err }).toEqual({
      line,
      code: 2,
      err: expect.stringMatching(/\ntry: open stdout\n$/),
    })
  }
  // Its secret does not go to stdout, so it is made, and only the result is lost.
  expect(run('key create kept --out secret').code).toBe(8)
  // Who names /dev/null means it.
  expect(run('key create unseen', '>/dev/null').code).toBe(0)
  const keys = (await spawnLatchkey('key list --json', { db })).json<Key[]>()
  expect(keys.map(key => key.name)).toEqual(['ci', 'kept', 'unseen'])
  const verdict = await spawnLatchkey('key verify -', {
    db,
    stdin: readFileSync(folder.file('secret'), 'utf8'),
  })
  expect(verdict.code).toBe(0)
})

test.each([{ env: { LATCHKEY_OUTPUT: 'json' } }, { env: { LATCHKEY_OUTPUT: 'ndjson' } }])(
  'a refusal has the format of the settings: %p',
  async ({ env }) => {
    for (const line of ['key nosuch', 'key show x --foo', 'nosuch']) {
      const { code, out, err } = await run(line, { env })
      expect([code, out]).toEqual([2, ''])
      expect(JSON.parse(err)).toMatchObject({ error: { code: 'usage', exit: 2 } })
    }
  },
)
