import { describe, expect, test } from 'bun:test'
import { LatchkeyError } from '../../contract/errors.ts'
import { object, text } from '../../contract/shape.ts'
import { rolling } from '../../testing/limits.ts'
import { run } from '../../testing/run.ts'
import { tree as realTree } from '../commands/tree.ts'
import type { Declaration, Tree } from '../declare/declaration.ts'
import { arg, command, one, opt, verbatim } from '../declare/define.ts'
import { limit, metric } from '../declare/parse.ts'
import { when } from '../declare/times.ts'
import { namedCommands } from './walk.ts'

const nothing = object('Nothing', { id: text('Id') })
const secretive = object('Secretive', { id: text('Id'), secret: text('Secret') })
const calls: unknown[] = []
const loaded: string[] = []

const set = command({
  effect: 'write',
  summary: 'Set things',
  description: 'More about it.',
  examples: ['latchkey key set ci --limit tokens=1/5h'],
  args: { keyName: arg.one('Which key'), others: arg.many('More', raw => raw.toUpperCase()) },
  options: {
    expires: opt.clearable('duration|date', when, 'When it ends'),
    limit: opt.many('metric=amount/window', limit, 'Limit'),
    noLimit: opt.many('metric', metric, 'Without this limit'),
    ownedBy: opt.text('user', 'Owner'),
    noWait: opt.flag('Do not wait'),
    status: opt.choice(['active', 'revoked'], 'Status'),
  },
  prints: one(nothing),
  run: async (ctx, input) => {
    calls.push({ ...input, dryRun: ctx.dryRun })
    return { id: 'x' }
  },
})
const need = command({
  effect: 'read',
  summary: 'Need an option',
  examples: ['latchkey key need --from x'],
  args: { maybe: arg.optional('Perhaps') },
  options: { from: { ...opt.required(opt.text('folder', 'Where')), short: 'f' } },
  prints: one(nothing),
  run: async (_, input) => {
    calls.push(input)
    return { id: 'x' }
  },
})
const destroy = command({
  effect: 'destroy',
  summary: 'Destroy a key',
  examples: ['latchkey key destroy ci --yes'],
  args: { name: arg.one('Which key') },
  prints: one(nothing),
  confirm: async (_, { name }) => ({ question: `Destroy ${name}?`, typed: name }),
  run: async (ctx, { name }) => {
    calls.push({ destroyed: name, dryRun: ctx.dryRun })
    return { id: 'x' }
  },
  exit: () => 8,
})
const reveal = command({
  effect: 'write',
  summary: 'Reveal a secret once',
  examples: ['latchkey key reveal'],
  options: { user: opt.text('user', 'Whose') },
  prints: one(secretive, { done: ({ secret }) => secret }),
  revealsSecret: () => ({ field: 'secret', of: ({ id }) => id, again: () => 'latchkey key reveal' }),
  run: async () => {
    calls.push('revealed')
    return { id: 'x', secret: 'lk_secret' }
  },
})
const broken = command({
  effect: 'read',
  summary: 'Fail',
  examples: ['latchkey broken'],
  args: { how: arg.one('How') },
  prints: one(nothing),
  run: async (_, { how }) => {
    if (how === 'known') throw new LatchkeyError('busy', 'the database is busy', 'try again in a moment')
    throw new Error('a bug')
  },
})

/** A command that reports when it is loaded. */
const loading = (name: string, declaration: Declaration) => async () => {
  loaded.push(name)
  return { default: declaration }
}

const tree: Tree = {
  key: {
    summary: 'API keys',
    verbs: {
      set: loading('key set', set),
      need: loading('key need', need),
      destroy: loading('key destroy', destroy),
      reveal: loading('key reveal', reveal),
      limit: { summary: 'Its limits', verbs: { set: loading('key limit set', set) } },
    },
  },
  broken: {
    summary: 'Failures',
    load: loading('broken', broken),
  },
}
const everyVerb = ['key set', 'key need', 'key destroy', 'key reveal', 'key limit set']

async function latchkey(line: string, options: Parameters<typeof run>[1] = {}) {
  calls.length = 0
  loaded.length = 0
  const ran = await run(line, { tree, now: new Date('2026-11-20T12:00:00Z'), ...options })
  // Includes what the contract check of `run` loads.
  return { ...ran, calls: [...calls], loaded: [...new Set(loaded)] }
}

const unsaid = {
  expires: undefined,
  limit: undefined,
  noLimit: undefined,
  ownedBy: undefined,
  noWait: false,
  status: undefined,
  dryRun: false,
}
const named = { keyName: 'ci', others: ['A'] }

describe('arguments and options reach the command under their own names', () => {
  test.each([
    ['key set ci a', {}],
    ['key set ci a b', { others: ['A', 'B'] }],
    ['key set ci a --expires 1d', { expires: new Date('2026-11-21T12:00:00Z') }],
    ['key set ci a --expires=2026-12-31', { expires: new Date('2026-12-31T00:00:00Z') }],
    ['key set ci a --no-expires', { expires: null }],
    ['key set ci a --expires 1d --no-expires', { expires: null }],
    ['key set ci a --no-expires --expires 1d', { expires: new Date('2026-11-21T12:00:00Z') }],
    [
      'key set ci a --limit tokens=1/5h --no-limit usd --limit requests=2/1h --no-limit tokens',
      {
        limit: [rolling('tokens', 1, 18_000_000), rolling('requests', 2, 3_600_000)],
        noLimit: ['usd', 'tokens'],
      },
    ],
    ['key set ci a --json --json', {}],
    ['key set ci a --yes', {}],
    ['key set ci a -y', {}],
    ['--yes key set ci a', {}],
    ['key set ci a -o=json', {}],
    ['key set ci a --output=json', {}],
    ['key set ci a --fields id --fields id', {}],
    ['key set ci a --dry-run --dry-run', { dryRun: true }],
    ['key set ci a --no-wait', { noWait: true }],
    ['key set ci a --status active', { status: 'active' }],
    ['key set ci a --dry-run', { dryRun: true }],
    ['key --limit tokens=1/5h set ci a', undefined],
    ['key set -- ci --a', { others: ['--A'] }],
    ['--json key set ci a', {}],
    ['key --json set ci a', {}],
    ['key set ci --db /x.db a -o csv', {}],
  ])('%s', async (line, expected) => {
    const { calls, code, err } = await latchkey(line)
    if (expected === undefined) return expect({ code, calls }).toEqual({ code: 2, calls: [] })
    expect({ err: err.replace('Dry run: nothing was changed.\n', ''), calls }).toEqual({
      err: '',
      calls: [{ ...unsaid, ...named, ...expected }],
    })
  })

  test('an optional argument, a required option and its short form', async () => {
    expect((await latchkey('key need -f x')).calls).toEqual([{ maybe: undefined, from: 'x' }])
    expect((await latchkey('key need - --from x')).calls).toEqual([{ maybe: '-', from: 'x' }])
  })

  test('dates are read in the zone of --tz, wherever that stands', async () => {
    const { calls } = await latchkey('key set ci a --expires 2026-12-31 --tz Europe/Berlin')
    expect(calls).toMatchObject([{ expires: new Date('2026-12-30T23:00:00Z') }])
  })
})

describe('wrong usage exits 2 with a next step', () => {
  test.each([
    ['kye set', "unknown command 'kye' (did you mean key?)", 'latchkey key set'],
    ['frobnicate', "unknown command 'frobnicate'", 'latchkey --help'],
    ['toString', "unknown command 'toString'", 'latchkey --help'],
    ['key toString', "unknown command 'toString'", 'latchkey key --help'],
    ['key ste ci --expires 90d', "unknown command 'ste' (did you mean set?)", 'latchkey key set'],
    [
      'key set ci a --expire 1d',
      "unknown option '--expire' (did you mean --expires?)",
      'latchkey key set --help',
    ],
    ['key set ci a --jsno', "unknown option '--jsno' (did you mean --json?)", 'latchkey key set --help'],
    ['key set', "missing required argument 'key-name'", 'latchkey key set --help'],
    [
      'key set ci a --expires',
      "option '--expires <duration|date>' argument missing",
      'latchkey key set --help',
    ],
    ['key set ci a --status on', 'Allowed choices are active, revoked', 'latchkey key set --help'],
    [
      'key set ci a --status activ',
      'Allowed choices are active, revoked (did you mean active?)',
      'latchkey key set --help',
    ],
    ['kye --help', "unknown command 'kye' (did you mean key?)", 'latchkey key --help'],
    ['help kye', "unknown command 'kye' (did you mean key?)", 'latchkey key --help'],
    ['--frob key set ci a', "unknown option '--frob'", 'latchkey key set --help'],
    ['key set ci a --expires soon', "--expires: 'soon' is not a date", '90d or 1h30m'],
    ['key set ci a --limit tokens', "--limit: limit 'tokens' has no amount", 'tokens=100k/5h'],
    [
      'key set ci a --owned-by x --owned-by y',
      "--owned-by takes one value, but got two: 'x' and 'y'",
      'once',
    ],
    ['key set ci a --status active --status active', '--status takes one value', 'give --status once'],
    ['key set ci a --expires 1d --expires 2d', '--expires takes one value', 'give --expires once'],
    ['--db a.db key set ci a --db b.db', '--db takes one value', 'give --db once'],
    ['key set ci a -o wide -o csv', '--output takes one value', 'give --output once'],
    ['key set ci a --owned-by ""', '--owned-by is empty', 'maybe a shell variable is not set'],
    ['key set ci a --owned-by=" "', '--owned-by is blank', 'maybe a shell variable is not set'],
    ['key set "" a', '<key-name> is empty', 'give <key-name> a value'],
    ['key set ci a --profile ""', '--profile is empty', 'give --profile a value'],
    ['key need', "required option '-f, --from <folder>' not specified", 'latchkey key need --help'],
    ['key need -f x --dry-run', "unknown option '--dry-run'", 'latchkey key need --help'],
    ['key need a b -f x', 'too many arguments', 'latchkey key need --help'],
    ['key reveal alice', 'too many arguments', 'latchkey key reveal --user USER'],
    ['key set ci a -o xml', 'Allowed choices are table, wide', 'latchkey key set --help'],
    ['key set ci a --tz Mars', "'Mars' is not a time zone", 'UTC or Europe/Berlin'],
    ['--frob', "unknown option '--frob'", 'latchkey --help'],
  ])('%s', async (line, message, hint) => {
    const { code, out, err, calls } = await latchkey(line)
    expect({ code, out, calls }).toEqual({ code: 2, out: '', calls: [] })
    expect(err).toStartWith('latchkey: ')
    expect(err.split('\n')[0]).toContain(message)
    expect(err.split('\n')[1]).toStartWith('try: ')
    expect(err.split('\n')[1]).toContain(hint)
  })

  test.each(['--json kye', 'kye --json', 'key set --json', 'key -o ndjson set ci a --frob'])(
    '%s',
    async line => {
      const { code, out, err } = await latchkey(line)
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(JSON.parse(err)).toEqual({
        error: {
          code: 'usage',
          message: expect.any(String),
          hint: expect.stringContaining('--help'),
          exit: 2,
        },
      })
    },
  )
})

describe('help', () => {
  test('the program alone shows it, exits 0 and loads no noun', async () => {
    for (const line of ['', '--help', '-h', 'help']) {
      const { code, out, err, loaded } = await latchkey(line)
      expect({ code, err, loaded }).toEqual({ code: 0, err: '', loaded: [] })
      for (const part of ['Usage: latchkey', 'API keys', 'Failures', 'latchkey help exit-codes']) {
        expect(out).toContain(part)
      }
    }
  })

  test('the program puts its commands below headings, and fits one screen', async () => {
    const { out } = await run('--help', { columns: 80, tty: true })
    const lines = out.split('\n')
    const headings = ['Access:', 'Usage:', 'Safety:', 'Operations:', 'Program:']
    expect(lines.filter(line => /^[A-Z]\w+:$/.test(line))).toEqual(headings)
    // One line is left for the shell prompt.
    expect(lines.length).toBeLessThan(40)
    expect(lines.filter(line => line.length > 80)).toEqual([])
    for (const [name, { beside }] of Object.entries(realTree)) {
      const line = beside === undefined ? `^  ${name}  +[A-Z]` : `^  ${beside}  +[A-Z].*[( ]${name}\\b.*\\)$`
      expect(out).toMatch(new RegExp(line, 'm'))
    }
  })

  test('exit codes have a page of their own', async () => {
    const { code, out, err } = await latchkey('help exit-codes')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const part of ['Exit codes:', '75   busy, try again']) expect(out).toContain(part)
  })

  test('a command shows its arguments, options, the global ones and examples', async () => {
    for (const line of ['key set --help', 'key set ci -h --json']) {
      const { code, out, loaded } = await latchkey(line)
      expect({ code, loaded }).toEqual({ code: 0, loaded: ['key set'] })
      expect(out).toStartWith('Usage: latchkey key set [options] <key-name> <others...>\n\nSet things\n')
      for (const part of [
        'Which key',
        '--expires <duration|date>',
        '--no-expires',
        '--no-limit <metric>',
        '--dry-run',
        'Global options:',
        '-o, --output <format>',
        'Examples:\n  latchkey key set ci --limit tokens=1/5h\n',
      ]) {
        expect(out).toContain(part)
      }
    }
    expect((await latchkey('key need --help')).out).not.toContain('--dry-run')
    expect((await latchkey('key destroy --help')).out).toContain('-y, --yes')
  })

  test('a noun alone shows its verbs on stderr and exits 2; asked for, on stdout and 0', async () => {
    const alone = await latchkey('key')
    expect(alone).toMatchObject({ code: 2, out: '' })
    expect(alone.err).toContain('set <key-name> <others...>')
    expect(await latchkey('key --help')).toMatchObject({ code: 0, err: '', out: alone.err })
    expect(await latchkey('help key')).toMatchObject({ code: 0, err: '', out: alone.err })
  })

  test('help follows the words as deep as they go', async () => {
    for (const words of ['key set', 'key limit', 'key limit set']) {
      const asked = await latchkey(`help ${words}`)
      expect(asked).toMatchObject({ code: 0, err: '', calls: [] })
      expect(asked.out).toStartWith(`Usage: latchkey ${words} `)
      expect(await latchkey(`${words} --help`)).toMatchObject({ code: 0, out: asked.out })
    }
  })

  test('no line is wider than the terminal', async () => {
    for (const columns of [60, 100]) {
      const { out } = await latchkey('key set --help', { tty: true, columns })
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(columns)
    }
  })

  test('the version', async () => {
    const { default: manifest } = await import('../../../package.json')
    expect(await latchkey('--version')).toMatchObject({
      code: 0,
      out: `latchkey ${manifest.version}\n`,
      err: '',
    })
  })
})

describe('a group of verbs within a noun', () => {
  test('runs the verb that is named', async () => {
    expect((await latchkey('key limit set ci a --dry-run')).calls).toEqual([
      { ...named, ...unsaid, dryRun: true },
    ])
  })

  test('stands in the help of its noun, and lists its verbs', async () => {
    expect((await latchkey('key --help')).out).toContain('Its limits')
    const alone = await latchkey('key limit')
    expect(alone).toMatchObject({ code: 2, out: '' })
    expect(alone.err).toContain('set <key-name> <others...>')
  })

  test.each([
    ['key limit sett', "unknown command 'sett' (did you mean set?)", 'latchkey key limit set'],
    ['key limit set ci', "missing required argument 'others'", 'latchkey key limit set --help'],
  ])('%s is refused with what to type', async (line, message, hint) => {
    const { code, err } = await latchkey(line)
    expect({ code, err }).toEqual({ code: 2, err: `latchkey: ${message}\ntry: ${hint}\n` })
  })

  test('is walked with the words that are typed', async () => {
    expect((await namedCommands(tree, 'key')).map(({ words }) => words.join(' '))).toEqual([
      'key set',
      'key need',
      'key destroy',
      'key reveal',
      'key limit set',
    ])
  })
})

test('only the command in use is loaded', async () => {
  expect((await latchkey('--db x broken known')).loaded).toEqual(['broken'])
  expect((await latchkey('-o json key reveal')).loaded).toEqual(['key reveal'])
  expect((await latchkey('key limit set ci A --dry-run')).loaded).toEqual(['key limit set'])
  // Without a verb, the choices are listed.
  expect((await latchkey('key stes')).loaded).toEqual(everyVerb)
})

test('a declaration may not take the name of a global option', async () => {
  const taken = command({
    effect: 'read',
    summary: 'x',
    examples: ['x'],
    options: { json: opt.as('x', verbatim, 'x') },
    prints: one(nothing),
    run: async () => ({ id: 'x' }),
  })
  const own: Tree = { taken: { summary: 'x', load: async () => ({ default: taken }) } }
  expect((await latchkey('taken', { tree: own })).err).toContain(
    'taken declares --json, which is a global option',
  )
})

test('a command may take the long name of a global option that has a letter', async () => {
  const seen: unknown[] = []
  const priced = command({
    effect: 'read',
    summary: 'x',
    examples: ['x'],
    options: { output: opt.text('dollars', 'x') },
    prints: one(nothing),
    run: async (_, { output }) => {
      seen.push(output)
      return { id: 'x' }
    },
  })
  const own: Tree = { priced: { summary: 'x', load: async () => ({ default: priced }) } }
  expect(await latchkey('priced --output 10 -o name', { tree: own })).toMatchObject({ code: 0, out: 'x\n' })
  expect(await latchkey('--db x -o json priced --output=json', { tree: own })).toMatchObject({ code: 0 })
  expect(seen).toEqual(['10', 'json'])
  const { out } = await latchkey('priced --help', { tree: own })
  expect(out).toContain('--output <dollars>')
  expect(out).toContain('-o <format>')
})

describe('effects', () => {
  test('a destroy off a terminal is refused before anything is done', async () => {
    for (const options of [{}, { tty: true, env: { CI: 'true' } }]) {
      const { code, out, err, calls } = await latchkey('key destroy ci', options)
      expect({ code, out, calls }).toEqual({ code: 6, out: '', calls: [] })
      expect(err).toContain('try: add --yes')
    }
    expect((await latchkey('key destroy ci --no-input', { tty: true })).code).toBe(6)
  })

  test('--yes answers, a dry run does not ask and says so', async () => {
    expect(await latchkey('key destroy ci --yes')).toMatchObject({
      code: 8,
      err: '',
      calls: [{ destroyed: 'ci', dryRun: false }],
    })
    expect(await latchkey('key destroy ci --dry-run')).toMatchObject({
      code: 8,
      err: 'Dry run: nothing was changed.\n',
      calls: [{ destroyed: 'ci', dryRun: true }],
    })
  })

  test('at a terminal the name is typed, and anything else declines', async () => {
    const asked: string[] = []
    const typing = (answer: string) => ({
      tty: true,
      prompts: {
        text: async (message: string) => {
          asked.push(message)
          return answer
        },
      },
    })
    // It was tried out first, so that impossible actions are not asked about.
    expect((await latchkey('key destroy ci', typing('ci'))).calls).toEqual([
      { destroyed: 'ci', dryRun: true },
      { destroyed: 'ci', dryRun: false },
    ])
    const database = 'Database /proc/nonexistent/.local/share/latchkey/latchkey.db'
    expect(asked).toEqual([`Destroy ci?\n${database}\nType ci to continue:`])
    for (const answer of ['', 'y', 'CI', 'ci2']) {
      const declined = await latchkey('key destroy ci', typing(answer))
      const tried = [{ destroyed: 'ci', dryRun: true }]
      expect([declined.code, declined.calls, declined.out]).toEqual([6, tried, ''])
      // After a no, the hint about --yes is not shown.
      expect(declined.err).toEndWith('\ntry: run the command again and type ci to confirm\n')
    }
  })

  test('a command that shows a secret once refuses formats that would lose it', async () => {
    for (const line of ['key reveal -q', 'key reveal --json --fields id', 'key reveal --fields id']) {
      const { code, err, calls } = await latchkey(line)
      expect({ code, calls }).toEqual({ code: 2, calls: [] })
      expect(err).toContain('use -o json')
    }
    expect((await latchkey('key reveal', { env: { LATCHKEY_OUTPUT: 'name' } })).calls).toEqual([])
    for (const line of [
      'key reveal',
      'key reveal --json',
      'key reveal -o csv',
      'key reveal --fields secret',
    ]) {
      expect((await latchkey(line)).out).toContain('lk_secret')
    }
  })
})

describe('failures', () => {
  test('an expected one has its own exit code', async () => {
    expect(await latchkey('broken known')).toMatchObject({
      code: 75,
      out: '',
      err: 'latchkey: the database is busy\ntry: try again in a moment\n',
    })
    expect(
      JSON.parse((await latchkey('broken known', { env: { LATCHKEY_OUTPUT: 'json' } })).err).error.exit,
    ).toBe(75)
  })

  test('an unexpected one exits 1, with frames on demand', async () => {
    expect(await latchkey('broken bug')).toMatchObject({ code: 1, out: '' })
    expect((await latchkey('broken bug')).err).not.toContain('program.test.ts')
    expect((await latchkey('broken bug', { env: { LATCHKEY_DEBUG: '1' } })).err).toContain('program.test.ts')
  })

  test('bad settings exit 78, but help is still there', async () => {
    const env = { LATCHKEY_TZ: 'Mars' }
    expect((await latchkey('broken known', { env })).code).toBe(78)
    expect((await latchkey('broken --help', { env })).code).toBe(0)
  })
})
