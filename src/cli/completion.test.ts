import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { CompletionInstalled } from '../contract/views.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { temporaryLatchkey } from '../testing/latchkey.ts'
import { program } from '../testing/process.ts'
import { run, testEnvironment } from '../testing/run.ts'
import { requireTool } from '../testing/tools.ts'
import { filesAnswer, type Shell, shells } from './completion.ts'
import { question } from './tree.ts'

async function home() {
  const base = await temporaryLatchkey()
  await base.latchkey.users.create({ username: 'alice' })
  await base.latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  for (const name of ['web', 'we $ird "na\'me"', 'other']) await base.latchkey.keys.create({ name })
  const offered = async (...words: string[]) =>
    (await run([question, ...words], { db: base.path })).out
      .split('\n')
      .filter(line => line !== '')
      .map(line => line.split('\t')[0])
  return { ...base, offered, [Symbol.asyncDispose]: () => base[Symbol.asyncDispose]() }
}

test.each<[readonly string[], readonly string[]]>([
  [['ke'], ['key']],
  [['key', 'sh'], ['show']],
  [['keys', 'sh'], ['show']],
  [['key', 'limit', 're'], ['remove']],
  [['key', 'list', '--exp'], ['--expires-within']],
  [['key', 'list', '--status', 'a'], ['active']],
  [['key', 'list', '--limit', '3', '--status', 'a'], ['active']],
  [['key', 'list', '-o', 'j'], ['json']],
  [
    ['--db', 'x.db', 'us'],
    ['user', 'usage'],
  ],
  [['key', 'list', '--user', 'al'], ['alice']],
  [['project', 'create', 'X', '--owner', ''], ['alice']],
  [['key', 'update', 'web', '--no-us'], ['--no-user']],
  [['project', 'show', ''], ['shop']],
  [
    ['key', 'show', 'we'],
    ['we $ird "na\'me"', 'web'],
  ],
  [['key', 'show', 'web', ''], []],
  [['key', 'create', ''], []],
  [
    ['config', 'get', 'backup'],
    ['backup_dir', 'backup_keep'],
  ],
  [
    ['completion', 'install', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['import', 'glm-proxy', ''], [filesAnswer]],
  [['--db', ''], [filesAnswer]],
  [['nonsense', ''], []],
  [['key', 'nonsense', ''], []],
  [['init', ''], []],
])('%p is offered %p', async (words, wanted) => {
  await using at = await home()
  expect((await at.offered(...words)).toSorted()).toEqual(wanted.toSorted())
})

test('nothing is offered, said or made where there is no database', async () => {
  using folder = temporaryFolder()
  const db = folder.file('none', 'latchkey.db')
  expect(await run([question, 'key', 'show', ''], { db })).toMatchObject({ code: 0, out: '', err: '' })
  expect(existsSync(folder.file('none'))).toBe(false)
  folder.write('latchkey.db', 'garbage that is no database at all, and long enough to be looked at')
  const before = readdirSync(folder.path)
  expect(await run([question, 'key', 'show', ''], { db: folder.file('latchkey.db') })).toMatchObject({
    code: 0,
    out: '',
    err: '',
  })
  expect(readdirSync(folder.path)).toEqual(before)
})

/** A shell with `latchkey` on its PATH and the script beside it. */
async function shellHome(shell: Shell) {
  const base = await home()
  const folder = temporaryFolder()
  const bin = folder.write('latchkey', `#!/bin/sh\nexec ${program.map(word => `'${word}'`).join(' ')} "$@"\n`)
  chmodSync(bin, 0o755)
  const script = folder.write(`latchkey.${shell}`, (await run(`completion ${shell}`)).out)
  const env = {
    ...testEnvironment({}, base.path),
    PATH: `${folder.path}:${process.env['PATH']}`,
    HOME: folder.path,
    LANG: 'C.UTF-8',
    TERM: 'xterm',
  }
  return {
    folder,
    script,
    env,
    ask: async (...words: string[]) => {
      const child = Bun.spawn(words, {
        env,
        cwd: folder.path,
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      })
      return (await child.stdout.text()) + (await child.stderr.text())
    },
    [Symbol.asyncDispose]: async () => {
      folder.remove()
      await base[Symbol.asyncDispose]()
    },
  }
}

requireTool('bash')('bash completes a command, an option, a value, and a live name, quoted', async () => {
  await using at = await shellHome('bash')
  const completed = (...words: string[]) =>
    at.ask(
      'bash',
      '--norc',
      '-c',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how bash writes an array
      'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _latchkey; for each in "${COMPREPLY[@]}"; do echo "$each"; done',
      'bash',
      at.script,
      ...words,
    )
  expect(await completed('latchkey', 'key', 'sh')).toBe('show\n')
  expect(await completed('latchkey', 'key', 'list', '--unused')).toBe('--unused-for\n')
  expect(await completed('latchkey', 'key', 'list', '--status', 'act')).toBe('active\n')
  const names = (await completed('latchkey', 'key', 'show', 'we')).trimEnd().split('\n')
  expect(names).toContain('web')
  // What is offered is what the shell reads as that one name.
  const odd = names.find(name => name !== 'web') ?? ''
  expect(await at.ask('bash', '-c', `printf %s ${odd}`)).toBe('we $ird "na\'me"')
})

requireTool('fish')(
  'fish completes a command, an option, a value, and a live name, with descriptions',
  async () => {
    await using at = await shellHome('fish')
    const completed = (line: string) =>
      at.ask('fish', '--no-config', '-c', `source ${at.script}; complete -C ${JSON.stringify(line)}`)
    expect(await completed('latchkey key sh')).toBe('show\tShow one key\n')
    expect(await completed('latchkey key list --unused')).toContain('--unused-for\t')
    expect(await completed('latchkey key list --status act')).toBe('active\n')
    const names = await completed('latchkey key show we')
    expect(names).toContain('web\tkey_')
    expect(names).toContain('ird')
  },
)

requireTool('zsh')('zsh completes a live name on a terminal', async () => {
  await using at = await shellHome('zsh')
  let screen = ''
  const decoder = new TextDecoder()
  const terminal = new Bun.Terminal({
    cols: 100,
    rows: 30,
    data: (_, data) => {
      screen += decoder.decode(data, { stream: true })
    },
  })
  const child = Bun.spawn(['zsh', '-f', '-i'], {
    env: { ...at.env, PS1: 'ready> ' },
    cwd: at.folder.path,
    terminal,
  })
  const until = async (pattern: RegExp) => {
    for (let tries = 0; tries < 400 && !pattern.test(screen); tries++) await Bun.sleep(50)
    expect(screen).toMatch(pattern)
    screen = ''
  }
  try {
    await until(/ready> /)
    terminal.write(`autoload -U compinit; compinit -u; source ${at.script}; print -r done-$((40 + 2))\r`)
    await until(/done-42[\s\S]*ready> /)
    terminal.write('latchkey project sh\t')
    await until(/project show/)
    terminal.write('sh\t')
    await until(/shop/)
    terminal.write('\x15latchkey key show w\t\t')
    await until(/web {2}key_/)
  } finally {
    child.kill(9)
    await child.exited
    terminal.close()
  }
})

test.each(shells)('completion install puts the script of %s where it is looked for', async shell => {
  using folder = temporaryFolder()
  const env = { HOME: folder.path, SHELL: `/usr/bin/${shell}` }
  const dry = (await run('completion install --dry-run --json', { env })).json<CompletionInstalled>()
  expect(existsSync(dry.path)).toBe(false)
  const first = (await run('completion install --json', { env })).json<CompletionInstalled>()
  expect(first).toEqual(dry)
  expect(first).toMatchObject({ shell, changed: true })
  expect(readFileSync(first.path, 'utf8')).toBe((await run(`completion ${shell}`)).out)
  const again = (await run('completion install --json', { env })).json<CompletionInstalled>()
  expect(again).toEqual({ ...first, changed: false })
})

test('completion install replaces scripts of its own alone', async () => {
  using folder = temporaryFolder()
  const line = `completion install bash --dir ${folder.path}`
  const path = folder.write('latchkey', '# Completion of latchkey for bash: of an earlier version\n')
  expect(await run(line)).toMatchObject({ code: 0 })
  // Such as the program itself.
  folder.write('latchkey', '#!/bin/sh\n')
  for (const dry of ['', ' --dry-run']) expect(await run(line + dry)).toMatchObject({ code: 5 })
  expect(readFileSync(path, 'utf8')).toBe('#!/bin/sh\n')
})

test.each([
  ['somebody has put a folder there', 'latchkey/x', 5],
  ['a folder on the way is a file', '.local', 2],
])('completion install where %s', async (_, file, code) => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, dirname(file)), { recursive: true })
  folder.write(file, '')
  const at = file === '.local' ? folder.file('.local/share') : folder.path
  expect(await run(`completion install bash --dir ${at}`)).toMatchObject({ code, out: '' })
})

test('a name that would act on the terminal is not offered', async () => {
  await using at = await home()
  const client = new Database(at.path)
  client.run("UPDATE keys SET name = 'web' || char(27) || '[2J' WHERE name = 'web'")
  client.run("UPDATE users SET username = 'alice' || char(8238)")
  client.close()
  expect(await at.offered('key', 'show', '')).toEqual(['other', 'we $ird "na\'me"'])
  expect(await at.offered('user', 'show', '')).toEqual([])
})

test('the database is found however its option is written', async () => {
  await using at = await home()
  for (const words of [['--db', at.path], [`--db=${at.path}`]]) {
    const { out } = await run([question, ...words, 'key', 'show', 'w'], {})
    expect(out).toContain('web\t')
  }
})

test.each([
  ['', 'SHELL does not say'],
  ['/bin/tcsh', 'tcsh is not a shell'],
])('with SHELL=%p completion install asks for one', async (SHELL, said) => {
  const { code, err } = await run('completion install', { env: { SHELL } })
  expect({ code, said: err.includes(said) }).toEqual({ code: 2, said: true })
})

requireTool('fish')('fish finds what was installed by itself', async () => {
  await using at = await shellHome('fish')
  expect((await run('completion install fish', { env: { HOME: at.folder.path } })).code).toBe(0)
  expect(await at.ask('fish', '-c', 'complete -C "latchkey key show we"')).toContain('web\tkey_')
})

requireTool('zsh')('zsh finds what was installed once its folder is named', async () => {
  await using at = await shellHome('zsh')
  const { activate } = (
    await run('completion install zsh --json', { env: { HOME: at.folder.path } })
  ).json<CompletionInstalled>()
  const line = activate?.replace(/^.*: /, '') ?? ''
  const found = await at.ask(
    'zsh',
    '-f',
    '-c',
    `${line}; autoload -U compinit; compinit -u; print $_comps[latchkey]`,
  )
  expect(found.trim()).toBe('_latchkey')
})
