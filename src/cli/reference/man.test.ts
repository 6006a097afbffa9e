import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { temporaryFolder } from '../../testing/folder.ts'
import { run } from '../../testing/run.ts'
import { schemaProblems } from '../../testing/schema.ts'
import { requireTool } from '../../testing/tools.ts'
import { kebab } from '../flags.ts'
import { tree } from '../tree.ts'
import { namedNouns } from './commands.ts'
import { manPages, pageName } from './man.ts'

const nouns = await namedNouns(tree)
const commands = nouns.flatMap(noun => noun.commands)
const all = manPages(nouns, new Date('2026-11-20T12:00:00Z'))

const struckTwice = new RegExp(`.${String.fromCharCode(8)}`, 'g')

test('every noun and every command has a page, with every option and example', () => {
  expect(Object.keys(all)).toContain('latchkey')
  for (const { path, declaration } of commands) {
    const page = all[pageName(path)] ?? ''
    const plain = page.replaceAll('\\-', '-').replaceAll('\\(aq', "'").replaceAll('\\(ti', '~')
    const wanted = [
      ...Object.keys(declaration.options).map(name => `--${kebab(name)}`),
      ...declaration.examples,
    ]
    expect(
      wanted.filter(text => !plain.includes(text)),
      path,
    ).toEqual([])
  }
})

requireTool('mandoc')('mandoc finds nothing wrong with any page, and reads what was written', async () => {
  using folder = temporaryFolder()
  const ran = await run(`man --dir ${folder.file('man1')}`)
  const files = ran.out.trimEnd().split('\n')
  expect(files).toHaveLength(Object.keys(all).length)
  expect(readdirSync(folder.file('man1'))).toHaveLength(files.length)
  const linting = Bun.spawn(['mandoc', '-T', 'lint', '-W', 'warning', ...files], {
    stdout: 'pipe',
    stderr: 'pipe',
  })
  expect([await linting.stdout.text(), await linting.stderr.text(), await linting.exited]).toEqual([
    '',
    '',
    0,
  ])
  const reading = Bun.spawn(['mandoc', '-T', 'utf8', folder.file('man1', 'latchkey-key-create.1')])
  // Bold is a letter struck twice.
  const page = (await reading.stdout.text()).replaceAll(struckTwice, '')
  expect(page).toContain('latchkey key create [options] <name>')
  expect(page).toContain('latchkey key create reader --scope chat:read --allow-model "gpt-*"')
})

test('a page that does not exist names the nearest one', async () => {
  expect(await run('man key creat')).toMatchObject({
    code: 3,
    err: expect.stringContaining('latchkey man key create'),
  })
  expect((await run('man')).out).toStartWith('.TH LATCHKEY 1 ')
})

test('the schema of a command is that of what it prints, and all of them come as one document', async () => {
  const schema = (await run('schema config show')).json<Record<string, never>>()
  expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'array' })
  expect(schemaProblems(schema, (await run('config show --json', { db: '/x.db' })).json())).toEqual([])
  expect(schemaProblems(schema, {})).not.toEqual([])
  const every = (await run('schema')).json<Record<string, unknown>>()
  const printing = commands.filter(({ declaration }) => !declaration.text).map(({ path }) => path)
  expect(Object.keys(every).sort()).toEqual(['error', ...printing].sort())
  expect(await run('schema key lst')).toMatchObject({
    code: 3,
    err: expect.stringContaining('latchkey schema key list'),
  })
})

test('the pages in the tree of a folder are written whole', async () => {
  using folder = temporaryFolder()
  await run(`man --dir ${folder.path}`)
  expect(readFileSync(folder.file('latchkey.1'), 'utf8')).toBe((await run('man')).out)
})
