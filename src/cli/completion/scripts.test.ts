import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Terminal as Emulator } from '@xterm/headless'
import type { CompletionInstalled } from '../../contract/views.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { launcher } from '../../testing/process.ts'
import { run, testEnvironment } from '../../testing/run.ts'
import { standIn } from '../../testing/stand-in.ts'
import { requireTool } from '../../testing/tools.ts'
import { completionRequest } from '../line/walk.ts'
import { filesAnswer, type Shell, shells } from './scripts.ts'

/** A name with every character that shells treat specially. */
const odd = 'we $ird "na\'me"'

async function home() {
  const base = await temporaryLatchkey()
  await base.latchkey.users.create({ username: 'alice' })
  await base.latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  for (const name of ['web', odd, 'a:b=c']) await base.latchkey.keys.create({ name })
  const { id } = await base.latchkey.keys.create({ name: 'other' })
  const offered = async (...words: string[]) =>
    (await run([completionRequest, ...words], { db: base.path })).out
      .split('\n')
      .filter(line => line !== '')
      .map(line => line.split('\t')[0])
  return { ...base, id, offered, [Symbol.asyncDispose]: () => base[Symbol.asyncDispose]() }
}

/** For tests that only read. */
let shared: Awaited<ReturnType<typeof home>>
beforeAll(async () => {
  shared = await home()
})
afterAll(() => shared[Symbol.asyncDispose]())

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
    [odd, 'web'],
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
  [['key', 'list', '--status=a'], ['--status=active']],
  [['--output=j'], ['--output=json']],
  [['key', 'list', '--fields', 'id,na'], ['id,name']],
  [['key', 'list', '--sort', '-to'], ['-tokens']],
  [
    ['key', 'update', 'web', '--no-limit', ''],
    ['parallel', 'requests', 'tokens', 'usd'],
  ],
  [['key', 'limit', 'remove', 'web', 'u'], ['usd']],
  [['schema', 'key', 'sh'], ['show']],
  [['help', 'ke'], ['key']],
  [['help', 'key', 'sh'], ['show']],
  [['--vers'], ['--version']],
  [['key', 'show', '--he'], ['--help']],
  [['config', 'set', 'output', 'js'], ['json']],
  [['config', 'set', 'db', ''], [filesAnswer]],
  [['--tz', 'Europe/Zur'], ['Europe/Zurich']],
  [["'key'", 'sh"o'], ['show']],
])('%p is offered %p', async (words, wanted) => {
  expect((await shared.offered(...words)).toSorted()).toEqual(wanted.toSorted())
})

test('nothing is offered, said or made where there is no database', async () => {
  using folder = temporaryFolder()
  const db = folder.file('none', 'latchkey.db')
  expect(await run([completionRequest, 'key', 'show', ''], { db })).toMatchObject({
    code: 0,
    out: '',
    err: '',
  })
  expect(existsSync(folder.file('none'))).toBe(false)
  folder.write('latchkey.db', 'garbage that is no database at all, and long enough to be looked at')
  const before = readdirSync(folder.path)
  expect(await run([completionRequest, 'key', 'show', ''], { db: folder.file('latchkey.db') })).toMatchObject(
    {
      code: 0,
      out: '',
      err: '',
    },
  )
  expect(readdirSync(folder.path)).toEqual(before)
})

/** A shell with `latchkey` on its PATH and the script beside it. */
async function shellHome(shell: Shell, answers: 'by the program' | 'here' = 'by the program') {
  const base = await home()
  const folder = temporaryFolder()
  const { script: program, stop } = answers === 'here' ? standIn() : { script: launcher, stop: () => {} }
  chmodSync(folder.write('latchkey', program), 0o755)
  const script = folder.write(`latchkey.${shell}`, (await run(`completion ${shell}`)).out)
  const env = {
    ...testEnvironment({}, base.path),
    PATH: `${folder.path}:${process.env['PATH']}`,
    HOME: folder.path,
    LANG: 'C.UTF-8',
    TERM: 'xterm',
  }
  return {
    id: base.id,
    latchkey: base.latchkey,
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
      stop()
      folder.remove()
      await base[Symbol.asyncDispose]()
    },
  }
}

/** What is typed before Tab, and the last word after it. KEY is an id without its end. */
const typed: readonly (readonly [line: string, word: string])[] = [
  ['key sh', 'show'],
  ['key list --unused', '--unused-for'],
  ['key list --status act', 'active'],
  ['key list --status=act', '--status=active'],
  ['usage report --by key,d', 'key,day'],
  ['project show sh', 'shop'],
  ['key list --user al', 'alice'],
  ['key show KEY', ''],
  ['key show a:b=', 'a:b=c'],
  ['key show we\\ ', odd],
  ["key show 'we ", odd],
  ['key show "we ', odd],
]

const starts: Readonly<Record<Shell, readonly [argv: readonly string[], load: (script: string) => string]>> =
  {
    bash: [['bash', '--norc', '--noprofile', '-i'], script => `source ${script}`],
    zsh: [['zsh', '-f', '-i'], script => `autoload -U compinit; compinit -u; source ${script}`],
    fish: [['fish', '--no-config', '-i'], script => `source ${script}`],
  }

/** An interactive shell that has loaded the script. */
async function session(shell: Shell, at: Awaited<ReturnType<typeof shellHome>>) {
  const [argv, load] = starts[shell]
  const decoder = new TextDecoder()
  const size = { cols: 200, rows: 40 }
  const emulator = new Emulator({ ...size, allowProposedApi: true })
  let screen = ''
  const terminal = new Bun.Terminal({
    ...size,
    data: (_, data) => {
      emulator.write(data)
      screen += Bun.stripANSI(decoder.decode(data, { stream: true }))
    },
  })
  // Shells ask for the terminal type and wait for the answer.
  emulator.onData(reply => terminal.closed || terminal.write(reply))
  const child = Bun.spawn(['setsid', '--ctty', '--wait', ...argv], {
    env: { ...at.env, PS1: 'ready> ' },
    cwd: at.folder.path,
    terminal,
  })
  const until = async (pattern: RegExp) => {
    for (let tries = 0; tries < 1_000 && !pattern.test(screen); tries++) await Bun.sleep(20)
    expect(screen).toMatch(pattern)
    screen = ''
  }
  terminal.write(`${load(at.script)}; echo done-$(expr 40 + 2)\r`)
  await until(/done-42/)
  return {
    /** Presses Tab after the line. The shell itself then parses the result, up to the last word. */
    completes: async (line: string, word: string) => {
      terminal.write(`latchkey ${line}\t`)
      terminal.write("\x01printf '<%s>' \x05; echo\r")
      await until(new RegExp(`<latchkey>.*<${RegExp.escape(word)}>`))
    },
    [Symbol.asyncDispose]: async () => {
      child.kill(9)
      await child.exited
      terminal.close()
    },
  }
}

for (const shell of shells) {
  requireTool(shell)(
    `${shell} completes what is typed at a terminal to one word, however it is quoted`,
    async () => {
      await using at = await shellHome(shell)
      await using typing = await session(shell, at)
      for (const [line, word] of typed)
        await typing.completes(line.replace('KEY', at.id.slice(0, -1)), word === '' ? at.id : word)
    },
  )

  requireTool(shell)(`${shell} executes nothing of a name that it completes`, async () => {
    await using at = await shellHome(shell, 'here')
    for (const [index, rest] of hostile.entries()) {
      await at.latchkey.keys.create({ name: `${mark(index)}${rest}` })
    }
    await using typing = await session(shell, at)
    for (const [index, rest] of hostile.entries()) {
      for (const quote of ['', "'", '"']) {
        await typing.completes(`key show ${quote}${mark(index)}`, `${mark(index)}${rest}`)
      }
    }
    expect(existsSync(at.folder.file('executed'))).toBe(false)
  })
}

/** A unique start of each name. */
const mark = (index: number): string => `h${String.fromCharCode(97 + index)}`

const hostile: readonly string[] = [
  '$(touch executed)',
  '`touch executed`',
  ';touch executed;',
  "'$(touch executed)'",
  '"$(touch executed)"',
  '\\$(touch executed)',
  '\\',
  '!!',
  '!touch',
  'a!b"!!"',
  '$IFS*?[a-z]{b,c}~',
  '&&touch executed||',
  '\\n\\x41%s%n',
  ' #&|<>()',
  '\u05e9\u05dc\u05d5\u05dd',
  'x'.repeat(90),
]

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

test.each(shells)('completion install puts the script of %s where it is looked for', async shell => {
  using folder = temporaryFolder()
  const env = { HOME: folder.path, SHELL: `/usr/bin/${shell}` }
  const dry = (await run('completion install --dry-run --json', { env })).json<CompletionInstalled>()
  expect(existsSync(dry.path)).toBe(false)
  const first = (await run('completion install --json', { env })).json<CompletionInstalled>()
  expect({ ...first, dryRun: true }).toEqual(dry as never)
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
  // For example the program itself.
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
  expect(await at.offered('key', 'show', '')).toEqual(['a:b=c', 'other', odd])
  expect(await at.offered('user', 'show', '')).toEqual([])
})

test('profiles are offered as the settings have them', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('.config', 'latchkey'), { recursive: true })
  folder.write('.config/latchkey/latchkey.toml', '[profile.prod]\ndb = "p.db"\n[profile.test]\ndb = "t.db"\n')
  const offered = async (typed: string) =>
    (await run([completionRequest, '--profile', typed], { env: { HOME: folder.path }, cwd: folder.path })).out
  expect(await offered('p')).toBe('prod\t\n')
  folder.write('latchkey.toml', '[profile.prod]\ndb = "here.db"\n')
  expect(await offered('')).toBe('prod\t\ntest\t\n')
  // A broken file does not hide the profiles of the other.
  folder.write('latchkey.toml', '[profile.here]\nbd = "typo.db"\n')
  expect(await offered('')).toBe('prod\t\ntest\t\n')
})

test('the database is found however its option is written', async () => {
  await using at = await home()
  const inHome = `~/${basename(at.path)}`
  for (const words of [['--db', at.path], [`--db=${at.path}`], ['--db', inHome], [`--db='${at.path}'`]]) {
    const { out } = await run([completionRequest, ...words, 'key', 'show', 'w'], {
      env: { HOME: dirname(at.path) },
    })
    expect(out).toContain('web\t')
  }
})

test.each([
  ['', 'SHELL does not name'],
  ['/bin/tcsh', 'is not a supported shell'],
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
