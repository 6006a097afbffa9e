import { expect, test } from 'bun:test'
import { tree } from '../commands/tree.ts'
import { readCommandLine } from './program.ts'
import { namedCommands } from './walk.ts'

const commands = (await Promise.all(Object.keys(tree).map(noun => namedCommands(tree, noun)))).flat()
/** Every page of help: of each command, of what is before its last word, of the program and of exit codes. */
const pages = new Set([
  ...commands.flatMap(({ words }) => words.map((_, n) => [...words.slice(0, n), '--help'].join(' '))),
  ...commands.map(({ words }) => [...words, '--help'].join(' ')),
  'help exit-codes',
])

async function shown(page: string, width: number): Promise<string> {
  const invocation = await readCommandLine(page.split(' '), tree, { version: '1.0.0', width })
  if (invocation.kind !== 'help') throw new Error(`${page} is ${invocation.kind}`)
  return invocation.text
}

/** Without the examples, which are not folded, so that they can be copied. */
const folded = (text: string): string => text.replace(/^Examples:\n[\s\S]*/m, '')

test.each([40, 80, 120])('at %p columns no line of help is wider, unless it is one word', async width => {
  expect(pages.size).toBeGreaterThan(commands.length)
  const wide: string[] = []
  for (const page of pages) {
    for (const line of folded(await shown(page, width)).split('\n')) {
      if (line.length > width && line.trim().includes(' ')) wide.push(`${page}: ${line}`)
    }
  }
  expect(wide).toEqual([])
})

test('what an option does is told beside it, and by whole words', async () => {
  for (const width of [40, 80, 120]) {
    const most = Math.min(32, width * 0.4) + 4
    for (const page of pages) {
      const text = await shown(page, width)
      const columns = [...folded(text).matchAll(/^( {2}\S+(?: \S+)* {2,})\S/gm)].map(
        ([, term = '']) => term.length,
      )
      expect([page, Math.max(0, ...columns) <= most]).toEqual([page, true])
      expect(text.split(/\s+/)).toEqual((await shown(page, 1_000)).split(/\s+/))
    }
  }
})

test('a longer option has a line of its own', async () => {
  expect(await shown('key list --help', 80)).toContain(`
  --status <active|disabled|expired|revoked|user_disabled|project_archived>
                               Only keys with this status
`)
})
