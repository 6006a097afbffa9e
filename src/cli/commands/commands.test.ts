/** Rules for every command, checked on the real tree. */

import { describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../testing/folder.ts'
import { run } from '../../testing/run.ts'
import { splitWords } from '../../testing/words.ts'
import type { Effect } from '../declare/declaration.ts'
import { isRepeatable } from '../declare/define.ts'
import { dashed, flagsOf, globalFlags, kebab, optionText } from '../line/flags.ts'
import { readCommandLine } from '../line/program.ts'
import { namedNouns } from '../reference/commands.ts'
import { tree } from './tree.ts'

const nouns = await namedNouns(tree)
const commands = nouns.flatMap(noun => noun.commands)
const each = commands.map(({ path, declaration }) => [path, declaration] as const)
const root = join(import.meta.dir, '../../..')

test('there are commands', () => {
  expect(commands.length).toBeGreaterThan(40)
  expect(new Set(commands.map(({ path }) => path)).size).toBe(commands.length)
})

describe('the summary', () => {
  const imperative =
    /^(Add|Archive|Browse|Cancel|Change|Check|Compare|Complete|Copy|Count|Create|Delete|End|Erase|Explain|Export|Find|Give|Import|Install|Invite|List|Look|Make|Merge|Print|Record|Remove|Rename|Reset|Restore|Revert|Run|Schedule|Serve|Set|Show|Shrink|Sum|Take|Turn|Unarchive|Undo|Update|Write)\b/

  test.each(each)('of %s is a short sentence in the imperative', (_, { summary }) => {
    expect(summary, 'begins with a verb (a new one is added to this test)').toMatch(imperative)
    expect(summary).not.toMatch(/[.!]$|\n|\s{2}/)
    expect(summary.length, `at most 72 characters: ${summary}`).toBeLessThanOrEqual(72)
  })

  test('of no two commands is the same', () => {
    const summaries = commands.map(({ declaration }) => declaration.summary)
    expect(summaries.filter((summary, index) => summaries.indexOf(summary) !== index)).toEqual([])
  })

  test.each(nouns.map(({ name, summary }) => [name, summary]))(
    'of the noun %s fits on a line',
    (_, summary) => {
      expect(summary).toMatch(/^[A-Z].{3,58}[^.]$/)
    },
  )

  test.each(nouns.map(noun => [noun.name, noun] as const))(
    'of the noun %s names no verb it lacks',
    (_, noun) => {
      const promised = new Set([
        'create',
        'ingest',
        'list',
        'prune',
        'record',
        'report',
        'revoke',
        'rotate',
        'verify',
      ])
      const named =
        noun.summary
          .toLowerCase()
          .match(/[a-z]+/g)
          ?.filter(word => promised.has(word)) ?? []
      const has = (verb: string) =>
        noun.commands.some(({ path }) => [noun.name, `${noun.name} ${verb}`].includes(path))
      expect(named.filter(verb => !has(verb))).toEqual([])
    },
  )
})

describe('options', () => {
  test.each(each)('and arguments of %s say what they are', (_, { options, args }) => {
    for (const [name, option] of Object.entries(options)) {
      expect(option.summary, `--${kebab(name)}`).toMatch(/^\S.{2,}[^.]$/)
      if (option.kind !== 'flag') expect(option.placeholder, `--${kebab(name)}`).not.toBe('')
    }
    for (const [name, argument] of Object.entries(args)) {
      expect(typeof argument === 'string' ? argument : argument.summary, name).toMatch(/^\S.{2,}[^.]$/)
    }
  })

  test.each(each)('of %s take no secret and no password by their value', (_, { options }) => {
    const secretive = Object.entries(options).filter(
      ([name, { kind }]) =>
        kind !== 'flag' &&
        /password|passphrase|secret|credential|token$|passwd/i.test(name) &&
        !/File$/.test(name),
    )
    expect(secretive.map(([name, option]) => optionText(name, option))).toEqual([])
  })

  test.each(each.filter(([, { effect }]) => effect !== 'read'))(
    'of %s include --dry-run',
    async (path, declaration) => {
      const { out } = await run(`${path} --help`)
      expect(out).toContain('--dry-run')
      expect(declaration.would, 'says what a dry run would have done').toBeDefined()
    },
  )

  test('that come with the effect are the promised ones', () => {
    const names = (effect: Effect) => flagsOf({ effect }).map(flag => flag.name)
    expect([names('read'), names('write'), names('destroy')]).toEqual([[], ['dry-run'], ['dry-run']])
    expect(globalFlags.map(flag => flag.name)).toContain('yes')
    expect(globalFlags.filter(flag => flag.summary === '')).toEqual([])
  })

  /** Parses only; runs nothing. */
  const read = (words: readonly string[]) => readCommandLine(words, tree, { version: '0', width: 80 })
  const refusal = async (words: readonly string[]) => {
    const invocation = await read(words)
    return invocation.kind === 'refused' ? String(invocation.error) : undefined
  }

  test.each(each)('of %s, and its arguments, refuse an empty or blank value', async (path, declaration) => {
    const words = path.split(' ')
    const own = Object.entries(declaration.options).filter(([, { kind }]) => kind !== 'flag')
    const labels = own.map(([name]) => `--${kebab(name)}`)
    for (const blank of ['', ' ', '\t\n', '\u00a0']) {
      for (const label of labels) {
        expect(await refusal([...words, label, blank])).toMatch(
          `${label} is ${blank === '' ? 'empty' : 'blank'}`,
        )
        expect(await refusal([...words, `${label}=${blank}`])).toBeDefined()
      }
      if (Object.keys(declaration.args).length === 0) continue
      const invocation = await read([...words, blank])
      if (invocation.kind !== 'run') throw new Error(`${path} is not understood`)
      expect(() => invocation.input({ now: new Date(), timeZone: 'UTC' })).toThrow(/> is |\] is |\.\.\. is /)
    }
  })

  test.each(each)(
    'of %s that take one value refuse a second, and lists add up',
    async (path, { options }) => {
      for (const [name, option] of Object.entries(options)) {
        if (option.kind === 'flag') continue
        const label = `--${kebab(name)}`
        const value = option.choices?.[0] ?? 'x'
        const said = await refusal([...path.split(' '), label, value, label, value])
        expect(said, `${path} ${label}`).toEqual(
          isRepeatable(option) ? undefined : expect.stringContaining(`${label} takes one value`),
        )
        // An option that takes several values can be repeated.
        if (/,b$|\.\.\.$/.test(option.placeholder)) expect(isRepeatable(option)).toBe(true)
      }
    },
  )

  test('that every command has are no different', async () => {
    for (const flag of globalFlags.filter(({ placeholder }) => placeholder)) {
      const label = dashed(flag.name)
      for (const blank of ['', ' ']) expect(await refusal(['key', 'list', label, blank])).toMatch(label)
      const value = flag.choices?.[0] ?? 'x'
      const said = await refusal(['key', 'list', label, value, label, value])
      expect(said).toEqual(flag.addsUp ? undefined : expect.stringContaining('takes one value'))
    }
    expect(await read(['key', 'list', '--fields', 'id', '--fields', 'name'])).toMatchObject({
      globals: { fields: 'id,name' },
    })
    const report = await read('usage report --by user --by model,day'.split(' '))
    if (report.kind !== 'run') throw new Error('usage report is not understood')
    expect(report.input({ now: new Date(), timeZone: 'UTC' })).toMatchObject({ by: ['user', 'model', 'day'] })
  })

  test('a command that takes away says what it will do before it asks', () => {
    const silent = each.filter(([, { effect, confirm }]) => effect === 'destroy' && confirm === undefined)
    expect(silent.map(([path]) => path)).toEqual([])
  })
})

describe('help', () => {
  test.each(each)('of %s ends with its examples', async (path, { examples }) => {
    const { code, out, err } = await run(`${path} --help`)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(examples.length).toBeGreaterThan(0)
    expect(out).toEndWith(`Examples:\n${examples.map(example => `  ${example}\n`).join('')}`)
  })

  test('of a verb is also there by the word help', async () => {
    for (const path of ['init', 'key create', 'backup verify']) {
      const { out } = await run(`${path} --help`)
      expect(await run(`help ${path}`), `latchkey help ${path}`).toMatchObject({ code: 0, err: '', out })
    }
  })
})

describe('a line that is shown to people can be typed', () => {
  /** Parses only; runs nothing. */
  async function parse(words: readonly string[]): Promise<void> {
    const invocation = await readCommandLine(words, tree, { version: '0', width: 80 })
    if (invocation.kind === 'refused') throw invocation.error
    if (invocation.kind === 'run')
      invocation.input({ now: new Date('2026-11-20T12:00:00Z'), timeZone: 'UTC' })
    else expect(invocation.exit, `${words.join(' ')} only shows help`).toBe(0)
  }

  test.each(each)('examples of %s', async (path, { examples }) => {
    for (const example of examples) {
      const calls = latchkeyCalls(example)
      expect(
        calls.map(words => words.slice(0, path.split(' ').length).join(' ')),
        example,
      ).toContain(path)
      for (const words of calls) await parse(words)
    }
  })

  test.each(['README.md', 'CONTRIBUTING.md', ...pages('docs')].filter(page => existsSync(join(root, page))))(
    '%s',
    async page => {
      for (const line of shellLines(readFileSync(join(root, page), 'utf8'))) {
        for (const words of latchkeyCalls(line)) {
          await parse(words).catch(error => {
            throw new Error(`${page}: ${line}: ${error instanceof Error ? error.message : error}`)
          })
        }
      }
    },
  )

  test('and the lines are found', () => {
    expect(
      shellLines('x\n```sh\n# no\nlatchkey a \\\n  b\n```\n```console\n$ latchkey c\nout\n```\n'),
    ).toEqual(['# no', 'latchkey a    b', 'latchkey c'])
    expect(latchkeyCalls('printf %s "$a | b" | latchkey key verify - --model \'x y\' # why')).toEqual([
      ['key', 'verify', '-', '--model', 'x y'],
    ])
    expect(latchkeyCalls('TZ=UTC latchkey a < in > out 2>&1 && npx latchkey b; echo latchkey c')).toEqual([
      ['a'],
      ['b'],
    ])
    expect(latchkeyCalls('17 3 * * * latchkey backup create')).toEqual([['backup', 'create']])
    expect(latchkeyCalls('diff <(latchkey a) x; y=$(latchkey b)')).toEqual([['a'], ['b']])
  })
})

function pages(folder: string): readonly string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => join(folder, name))
    .sort()
}

/** The command lines of a page: all of a block of sh or crontab; in a console, those after `$ `. */
function shellLines(page: string): readonly string[] {
  return [...page.matchAll(/^ *```(sh|bash|shell|console|crontab)\n([\s\S]*?)\n *```/gm)].flatMap(
    ([, language, text = '']) => {
      const lines = text
        .replaceAll(/\\\n/g, ' ')
        .split('\n')
        .map(line => line.trim())
      if (language !== 'console') return lines.filter(line => line !== '')
      return lines.filter(line => line.startsWith('$ ')).map(line => line.slice(2))
    },
  )
}

/** The words after `latchkey` of every call in a shell line, without redirections. */
function latchkeyCalls(line: string): readonly (readonly string[])[] {
  return simpleCommands(line).flatMap(command => {
    const words = splitWords(command)
    const first = words.findIndex(word => !/^[A-Za-z_]\w*=/.test(word) && word !== 'npx')
    // In a crontab the first five words are the time.
    const program = words[first]?.match(/^[\d*,/-]+$/) ? first + 5 : first
    return words[program] === 'latchkey' ? [withoutRedirections(words.slice(program + 1))] : []
  })
}

function withoutRedirections(words: readonly string[]): readonly string[] {
  const redirection = /^\d?(?:[<>]|>>)(?:&\d)?$/
  return words.filter((word, index) => {
    if (redirection.test(word) || /^\d?>&\d$/.test(word)) return false
    const before = words[index - 1] ?? ''
    return !(redirection.test(before) && !before.includes('&'))
  })
}

/** Cuts a line at `|`, `&&`, `||`, `;`, brackets and comments, outside quotes. */
function simpleCommands(line: string): readonly string[] {
  const found: string[] = ['']
  let quote = ''
  for (let i = 0; i < line.length; i++) {
    const character = line.charAt(i)
    if (quote !== '') {
      if (character === quote) quote = ''
    } else if (character === "'" || character === '"') quote = character
    else if (character === '#' && /(^|\s)$/.test(found.at(-1) ?? '')) break
    else if (/[|;()]/.test(character) || (character === '&' && line.charAt(i + 1) === '&')) {
      found.push('')
      if (character === '&') i++
      continue
    }
    found.push(`${found.pop()}${character}`)
  }
  return found.map(command => command.trim()).filter(command => command !== '')
}

test('a dry run of a change tells what would change, as the change does', async () => {
  using folder = temporaryFolder()
  const latchkey = (line: string) => run(line, { db: folder.file('gate.db'), cwd: folder.path })
  for (const line of [
    'init --admin alice',
    'user create bob',
    'org create Acme --owner alice',
    'team create Backend --org acme',
    'role create editor --permission a:b',
    'project create Shop --owner alice --limit usd=5/month',
    'chat create --user alice --title Holiday',
    'key create ci --limit tokens=1k/5h',
  ])
    expect(await latchkey(line)).toMatchObject({ code: 0 })
  for (const [line, told] of [
    ['user update bob --name Bob', 'name none → Bob'],
    ['org update acme --name Other', 'name Acme → Other'],
    ['team update Backend --name Frontend', 'name Backend → Frontend'],
    ['role update editor --permission c:d', 'permissions a:b → c:d'],
    ['chat rename Holiday Summer', 'title Holiday → Summer'],
    ['key update ci --limit tokens=2k/5h', 'tokens 1k/5h → 2k/5h'],
    ['project member add shop bob', 'member bob none → member'],
    ['project member role shop bob viewer', 'member bob member → viewer'],
    ['project member remove shop bob', 'member bob viewer → none'],
    ['project transfer shop --to bob', 'owner alice → bob'],
    ['project transfer shop --to-org acme', 'owner bob → none, organization none → acme'],
  ] as const)
    for (const each of [`${line} --dry-run`, line]) {
      const [, ...lines] = (await latchkey(each)).out.trimEnd().split('\n')
      expect([each, lines]).toEqual([each, [`  ${told}`]])
    }
})

test('an empty list names a filter only if there was one', async () => {
  using folder = temporaryFolder()
  const latchkey = async (line: string) =>
    (await run(line, { db: folder.file('gate.db'), cwd: folder.path })).err
  await latchkey('init --admin alice')
  await latchkey('project create Shop --owner alice')
  expect(await latchkey('session list --limit 3')).toBe('No sessions.\n')
  expect(await latchkey('session list --user alice')).toContain('No sessions match.')
  expect(await latchkey('project file history shop')).toContain('files of this project')
  expect(await latchkey('project file history shop plan.md')).toContain('project file history PROJECT')
})

test('a project is transferred to somebody, and a backup is chosen in one way', async () => {
  using folder = temporaryFolder()
  const latchkey = (line: string) => run(line, { db: folder.file('gate.db'), cwd: folder.path })
  await latchkey('init --admin alice')
  await latchkey('project create Shop --owner alice')
  expect(await latchkey('project transfer shop')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--to'),
  })
  for (const line of ['restore --latest --at 2026-01-01 --dry-run', 'restore bak_000000 --undo --dry-run'])
    expect(await latchkey(line)).toMatchObject({
      code: 2,
      err: expect.stringContaining('in more than one way'),
    })
})
