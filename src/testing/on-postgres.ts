/**
 * `bun run test:postgres [FILE…]`: runs the tests again that say of themselves that they run on PostgreSQL too, with their data
 * there; of files and folders that are named, those alone. More words go to `bun test`.
 */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { runTests } from './runner.ts'

const root = join(import.meta.dir, '../..')
/** Such a test has it as a line of its own. */
const saysSo = /^\/\/ Runs on PostgreSQL too\.$/m

/** Those of `files` that the words name, or that are in a folder that they name; all if no word names anything. And the other words. */
export function chosenTests(
  files: readonly string[],
  words: readonly string[],
): { readonly files: readonly string[]; readonly words: readonly string[] } {
  const isPath = (word: string) => !word.startsWith('-') && existsSync(join(root, word))
  const named = words.filter(isPath).map(word => relative(root, join(root, word)))
  const isNamed = (file: string) => named.some(name => file === name || file.startsWith(`${name}/`))
  return {
    files: named.length === 0 ? files : files.filter(isNamed),
    words: words.filter(word => !isPath(word)),
  }
}

if (import.meta.main) {
  const found: string[] = []
  for await (const file of new Bun.Glob('src/**/*.test.ts').scan(root))
    if (saysSo.test(await Bun.file(join(root, file)).text())) found.push(file)
  const { files, words } = chosenTests(found.sort(), Bun.argv.slice(2))
  if (files.length === 0) {
    console.error('none of these files runs on PostgreSQL too')
    process.exit(2)
  }
  const tests = files.map(file => `./${file}`)
  const engine = { LATCHKEY_TEST_ENGINE: 'postgres' }
  process.exitCode = await runTests(['--parallel', ...tests, ...words], engine)
}
