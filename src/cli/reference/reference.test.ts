import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes } from '../../contract/errors.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'
import { tree } from '../commands/tree.ts'
import { kebab, shownOptions } from '../line/flags.ts'
import { resolveConfig } from '../settings/config.ts'
import { settingNames } from '../settings/file.ts'
import { namedNouns } from './commands.ts'
import { pages } from './pages.ts'
import { anchor } from './prose.ts'
import { settings, variableOf, variables } from './settings.ts'

const root = join(import.meta.dir, '../../..')
const fresh = await pages()
const commands = (await namedNouns(tree)).flatMap(noun => noun.commands)
const cli = fresh['docs/cli.md'] ?? ''
const json = fresh['docs/json.md'] ?? ''

test.each(Object.keys(fresh))('%s is what the declarations say', path => {
  const committed = readFileSync(join(root, path), 'utf8')
  expect(committed === fresh[path], `${path} is out of date: write it anew with: bun run docs`).toBe(true)
})

test('the pages come out the same every time', async () => {
  expect(await pages()).toEqual(fresh)
})

/** The part of the page below a heading, until the next of its level. */
function section(page: string, heading: string): string {
  const [, after = ''] = page.split(`\n${heading}\n`)
  return after.split(/\n#{1,3} /)[0] ?? ''
}

test('every command has a section with its summary, options, examples and fields', () => {
  for (const { path, declaration } of commands) {
    const text = section(cli, `${path.includes(' ') ? '###' : '##'} latchkey ${path}`).replaceAll('\\|', '|')
    const { summary, examples } = declaration
    const parts = [summary, ...examples, ...shownOptions(declaration).map(([name]) => `--${kebab(name)}`)]
    parts.push(...(declaration.prints.shape?.fields ?? []).map(field => `\`${field}\``))
    expect(
      parts.filter(part => !text.includes(part)),
      path,
    ).toEqual([])
    expect(text.includes('--yes'), path).toBe(
      declaration.effect === 'destroy' || declaration.asks !== undefined,
    )
    expect(text.includes('--dry-run'), path).toBe(declaration.effect !== 'read' || /--dry-run/.test(summary))
  }
})

test('every command is in the table of outputs, and every field of its view explained', () => {
  for (const { path, declaration } of commands) {
    expect(json).toContain(`latchkey ${path}\`](cli.md#`)
    const { shape } = declaration.prints
    if (shape === undefined || shape.fields.length === 0) continue
    const text = section(json, `### ${shape.name}`)
    expect(text).toContain(`\`${path}\``)
    const missing = shape.fields.filter(
      field => !new RegExp(`^\\| \`${field}\` +\\| .+ \\| .+ \\|$`, 'm').test(text),
    )
    expect(missing, shape.name).toEqual([])
  }
})

test('every error code is in both pages', () => {
  for (const [name, exit] of Object.entries(exitCodes)) {
    expect(json).toMatch(new RegExp(`^\\| \`${name}\` +\\| ${exit} +\\|`, 'm'))
    expect(section(cli, '## Exit codes')).toContain(`\`${name}\``)
  }
})

test('the error in json.md is one that is printed', async () => {
  await using home = await temporaryLatchkey()
  const { err } = await run('key show ci --json', { db: home.path })
  expect(section(json, '## Errors')).toContain(err)
})

test('every link leads somewhere', () => {
  const anchors = (page: string) =>
    new Set([
      ...[...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchor(heading)),
      ...[...page.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id),
    ])
  const known: Record<string, Set<string>> = { 'cli.md': anchors(cli), 'json.md': anchors(json) }
  for (const [own, page] of [
    ['cli.md', cli],
    ['json.md', json],
  ] as const) {
    const links = [...page.matchAll(/\]\(([a-z]*\.?[a-z]*)#([^)]+)\)/g)]
    expect(links.length).toBeGreaterThan(20)
    const broken = links.filter(([, to = '', id = '']) => !known[to || own]?.has(id)).map(([link]) => link)
    expect(broken).toEqual([])
  }
})

test('the settings are those that the program resolves', () => {
  const { setting } = resolveConfig({ HOME: '/home/x' }, '/nonexistent', {})
  expect(Object.keys(settings)).toEqual(settingNames.map(name => setting(name).name))
})

test('every variable that the program reads is on the page', () => {
  const documented = new Set([...Object.keys(settings).map(variableOf), ...Object.keys(variables)])
  // LC_ALL documents the other two locale variables. USER and LOGNAME are only for users without a passwd entry.
  for (const name of ['LC_CTYPE', 'LANG', 'USER', 'LOGNAME']) documented.add(name)
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    file => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('testing/'),
  )
  for (const file of files) {
    const text = readFileSync(join(root, 'src', file), 'utf8')
    const read = [...text.matchAll(/\benv(?:\[[^\]]*\]|\.[A-Z_0-9]+)/g)].flatMap(
      ([each]) => each.match(/(?<=['.])[A-Z_0-9]+/g) ?? [],
    )
    for (const name of read) {
      expect([...documented], `${name}, read in ${file}, belongs in src/cli/reference/settings.ts`).toContain(
        name,
      )
    }
    for (const [name] of text.matchAll(/\bLATCHKEY_[A-Z]\w*/g)) {
      expect([...documented], `${name}, named in ${file}`).toContain(name)
    }
  }
})
