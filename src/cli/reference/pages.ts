/** The generated pages, by path in the project. Writes no files. */
import { tree } from '../commands/tree.ts'
import { namedNouns } from './commands.ts'
import { jsonPage } from './json.ts'
import { cliPage } from './markdown.ts'

export async function pages(): Promise<Readonly<Record<string, string>>> {
  const nouns = await namedNouns(tree)
  return { 'docs/cli.md': cliPage(nouns), 'docs/json.md': jsonPage(nouns) }
}
