import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { temporaryFolder } from '../../testing/folder.ts'
import { run } from '../../testing/run.ts'
import { requireTool } from '../../testing/tools.ts'
import { tree } from '../commands/tree.ts'
import { kebab, shownOptions } from '../line/flags.ts'
import { namedNouns } from './commands.ts'
import { manPages } from './man.ts'

const nouns = await namedNouns(tree)
const commands = nouns.flatMap(noun => noun.commands)
const all = manPages(nouns, new Date('2026-11-20T12:00:00Z'))

const struckTwice = new RegExp(`.${String.fromCharCode(8)}`, 'g')

test('every noun and every command has a page, with every option and example', () => {
  expect([...all.keys()]).toContain('')
  for (const { path, declaration } of commands) {
    const page = all.get(path) ?? ''
    const plain = page.replaceAll('\\-', '-').replaceAll('\\(aq', "'").replaceAll('\\(ti', '~')
    const wanted = [...shownOptions(declaration).map(([name]) => `--${kebab(name)}`), ...declaration.examples]
    expect(
      wanted.filter(text => !plain.includes(text)),
      path,
    ).toEqual([])
  }
})

test('the words above commands have pages too, which lead to them', async () => {
  const page = (await run('man key limit')).out
  for (const name of ['set', 'list', 'remove']) expect(page).toContain(`latchkey\\-key\\-limit\\-${name}`)
  expect((await run('man')).out).toStartWith('.TH LATCHKEY 1 ')
  expect((await run('man key')).out).toContain('latchkey\\-key \\- API keys')
})

requireTool('mandoc')('mandoc finds nothing wrong with any page, and reads what was written', async () => {
  using folder = temporaryFolder()
  const files = (await run(`man --dir ${folder.file('man1')} -q`)).out.trimEnd().split('\n')
  expect(files).toHaveLength(all.size)
  expect(readdirSync(folder.file('man1')).sort()).toEqual(files.map(file => basename(file)).sort())
  const lint = Bun.spawnSync(['mandoc', '-T', 'lint', '-W', 'warning', ...files])
  expect([lint.stdout.toString(), lint.stderr.toString(), lint.exitCode]).toEqual(['', '', 0])
  const read = Bun.spawnSync(['mandoc', '-T', 'utf8', folder.file('man1', 'latchkey-key-create.1')])
  // Bold letters are printed twice over each other.
  const page = read.stdout.toString().replaceAll(struckTwice, '')
  expect(page).toContain('latchkey key create [options] <name>')
  expect(page).toContain('latchkey key create reader --scope chat:read --allow-model "gpt-*"')
})

requireTool('mandoc')('what roff would take for its own is read as it was written', () => {
  const hostile = '.TH \'x\' \\fB \\(aq `a` ^ ~ -- "q" %'
  const declaration = {
    ...commands[0]!.declaration,
    summary: hostile,
    examples: [hostile, "'so x", '.br'] as const,
  }
  const noun = { name: 'odd', summary: 'Odd', commands: [{ path: 'odd one', declaration }] }
  const page = manPages([noun], new Date(0)).get('odd one') ?? ''
  const ran = (...mode: readonly string[]) =>
    Bun.spawnSync(['mandoc', '-O', 'width=200', ...mode], { stdin: new Blob([page]) }).stdout.toString()
  expect(ran('-T', 'lint', '-W', 'warning')).toBe('')
  const text = ran('-T', 'utf8').replaceAll(struckTwice, '')
  expect(text.split(hostile).length - 1).toBe(3)
  expect(text).toContain("\n       'so x\n       .br\n")
})

test('a page that does not exist names the nearest one', async () => {
  expect(await run('man key creat')).toMatchObject({
    code: 3,
    err: expect.stringContaining('latchkey man key create'),
  })
})

test('a folder of pages is written whole, over earlier ones, and a dry run writes none', async () => {
  using folder = temporaryFolder()
  const dir = folder.file('share', 'man1')
  expect((await run(`man --dir ${dir} --dry-run --json`)).json()).toHaveLength(all.size)
  expect(existsSync(dir)).toBe(false)
  for (const _ of ['first', 'again']) expect(await run(`man --dir ${dir}`)).toMatchObject({ code: 0 })
  expect(readFileSync(join(dir, 'latchkey.1'), 'utf8')).toBe((await run('man')).out)
  expect(await run(`man key create --dir ${dir}`)).toMatchObject({ code: 2 })
  folder.write('file', '')
  expect(await run(`man --dir ${folder.file('file')}`)).toMatchObject({ code: 2, out: '' })
})
