import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { object, text } from '../../contract/shape.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { type RunOptions, run } from '../../testing/run.ts'
import type { Context } from '../declare/declaration.ts'
import { command, one } from '../declare/define.ts'

/** What a command gets from its context, as JSON. */
async function got(read: (context: Context) => Promise<unknown>, options: RunOptions = {}) {
  const it = command({
    effect: 'read',
    summary: 'x',
    examples: ['x'],
    prints: one(object('Got', { value: text('x') })),
    run: async ctx => ({ value: JSON.stringify(await read(ctx)) }),
  })
  const ran = await run('it --json', {
    tree: { it: { summary: 'x', load: async () => ({ default: it }) } },
    ...options,
  })
  return { ...ran, value: ran.code === 0 ? JSON.parse(ran.json<{ value: string }>().value) : undefined }
}

test('a password on stdin loses its line break and nothing else', async () => {
  for (const [stdin, expected] of [
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    [' s3 cret ', ' s3 cret '],
    ['Bearer s3cret', 'Bearer s3cret'],
  ]) {
    expect((await got(ctx => ctx.passwordFromFile('-'), { stdin: stdin ?? '' })).value).toBe(expected)
  }
  expect(await got(ctx => ctx.passwordFromFile('-'), { stdin: '\n' })).toMatchObject({ code: 2 })
})

test('a secret is taken as it is pasted: with blanks around it, or from the header of a request', async () => {
  for (const stdin of [
    ...['s3cret\n', ' s3cret ', '\ts3cret\r\n\n', 'Bearer s3cret', 'bearer   s3cret\n'],
    ...['Authorization: Bearer s3cret\r\n', ' authorization:bearer s3cret '],
  ]) {
    expect((await got(ctx => ctx.secretArgument('-'), { stdin })).value).toBe('s3cret')
    expect((await got(ctx => ctx.keySelector('-'), { stdin })).value).toEqual({ secret: 's3cret' })
  }
  for (const stdin of ['', '\n', '  \n'])
    expect(await got(ctx => ctx.secretArgument('-'), { stdin })).toMatchObject({ code: 2 })
})

test('stdin may be asked for twice, and never at a terminal', async () => {
  const twice = await got(async ctx => [await ctx.keySelector('-'), await ctx.secretArgument('-')], {
    stdin: 'a\n',
  })
  expect(twice.value).toEqual([{ secret: 'a' }, 'a'])
  const { code, err } = await got(ctx => ctx.readStdin(), { tty: true })
  expect(code).toBe(2)
  expect(err).toContain('stdin is a terminal')
})

test('a secret is asked for once, masked, where somebody is there to type it', async () => {
  const asked: string[] = []
  const prompts = { password: async (message: string) => (asked.push(message) > 1 ? 'another' : 'typed') }
  const twice = async (ctx: Context) => [await ctx.keySelector('-'), await ctx.secretArgument(undefined)]
  expect((await got(twice, { tty: true, prompts })).value).toEqual([{ secret: 'typed' }, 'typed'])
  expect(asked).toHaveLength(1)
  const env = { CI: 'true' }
  expect(await got(twice, { tty: true, prompts, env })).toMatchObject({ code: 2, out: '' })
  expect(asked).toHaveLength(1)
})

test('a secret is never taken from the command line, nor repeated', async () => {
  const secret = `lk_${'aB3'.repeat(12)}`
  for (const read of [
    (ctx: Context) => ctx.keySelector(secret),
    (ctx: Context) => ctx.secretArgument('sk-foreign'),
  ]) {
    const { code, err } = await got(read)
    expect(code).toBe(2)
    expect(err).toContain('is visible to every user')
    expect(err).not.toContain(secret)
    expect(err).not.toContain('sk-foreign')
  }
  expect((await got(ctx => ctx.keySelector('ci'))).value).toBe('ci')
  expect((await got(ctx => ctx.secretArgument(undefined), { stdin: 'x' })).value).toBe('x')
})

test('a secret may lie in a file', async () => {
  using folder = temporaryFolder()
  folder.write('password', 'hunter2\n')
  const cwd = folder.path
  expect((await got(ctx => ctx.passwordFromFile('password'), { cwd })).value).toBe('hunter2')
  expect((await got(ctx => ctx.passwordFromFile('-'), { cwd, stdin: 'piped\n' })).value).toBe('piped')
  expect(await got(ctx => ctx.passwordFromFile('missing'), { cwd })).toMatchObject({ code: 2 })
  expect((await got(async ctx => ctx.path('a/b'), { cwd })).value).toBe(folder.file('a/b'))
  // As in --to=~/b, where no shell expands `~`.
  const env = { HOME: '/home/alice' }
  const paths = async (ctx: Context) => ['~/b', '~', '~bob/b', './~/b', 's3://b/~/c'].map(ctx.place)
  expect((await got(paths, { cwd, env })).value).toEqual([
    '/home/alice/b',
    folder.file('~'),
    folder.file('~bob/b'),
    folder.file('~/b'),
    's3://b/~/c',
  ])
  const db = async (ctx: Context) => ctx.config.db
  expect((await got(db, { cwd, env: { ...env, LATCHKEY_DB: '~/k.db' } })).value).toBe('/home/alice/k.db')
})

test('a password is asked for twice, at a terminal', async () => {
  const answers = (...given: string[]) => ({
    tty: true,
    prompts: { password: async () => given.shift() ?? '' },
  })
  expect((await got(ctx => ctx.askPassword('New'), answers('a', 'a'))).value).toBe('a')
  expect((await got(ctx => ctx.askPassword('New'), answers('a', 'b'))).err).toContain('differ')
  expect((await got(ctx => ctx.askPassword('New'), answers(''))).err).toContain('empty')
  const { code, err } = await got(ctx => ctx.askPassword('New', '--password-file FILE'))
  expect(code).toBe(2)
  expect(err).toContain('--password-file FILE')
})

test('a plain question takes yes, and declining is 6', async () => {
  for (const [answer, code] of [
    [true, 0],
    [false, 6],
  ] as const) {
    const prompts = { confirm: async () => answer }
    expect(
      (await got(async ctx => (await ctx.confirm({ question: 'Go?' })) ?? 1, { tty: true, prompts })).code,
    ).toBe(code)
  }
})

test('what cannot be read is told in words', async () => {
  using folder = temporaryFolder()
  folder.write('file', 'x')
  const cwd = folder.path
  for (const [typed, why] of [
    ['missing', 'it does not exist'],
    ['.', 'it is a folder'],
    ['file/inside', 'it, or a part of its path, is a file and not a folder'],
  ] as const)
    expect((await got(ctx => ctx.passwordFromFile(typed), { cwd })).err).toContain(
      `cannot read ${join(cwd, typed)}: ${why}"`,
    )
})
