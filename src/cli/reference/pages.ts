/** What the tree says of itself: the generated pages, the manual, and the JSON Schema of every command. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import type { JsonSchema } from '../../contract/shape.ts'
import { nearest } from '../nearest.ts'
import { tree } from '../tree.ts'
import { namedNouns } from './commands.ts'
import { document, errorSchema, jsonPage, jsonSchemaOf } from './json.ts'
import { manPages, pageName } from './man.ts'
import { cliPage } from './markdown.ts'

/** The pages of docs/, by their path from the root of the project. */
export async function pages(): Promise<Readonly<Record<string, string>>> {
  const nouns = await namedNouns(tree)
  return { 'docs/cli.md': cliPage(nouns), 'docs/json.md': jsonPage(nouns) }
}

/** Writes each under `folder`, over what is there. @throws config when it cannot */
export function writePages(folder: string, all: Readonly<Record<string, string>>): void {
  try {
    for (const [name, text] of Object.entries(all)) {
      const path = join(folder, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new LatchkeyError(
      'config',
      `the pages cannot be written to ${folder}: ${reason}`,
      'name another folder',
    )
  }
}

/**
 * The manual page of a command, or, written to a folder, all of them.
 *
 * @returns the page, or the paths that were written
 * @throws not_found, config
 */
export async function manual(words: string, date: Date, folder: string | undefined): Promise<string> {
  const all = manPages(await namedNouns(tree), date)
  if (folder !== undefined) {
    const files = Object.fromEntries(Object.entries(all).map(([name, text]) => [`${name}.1`, text]))
    writePages(folder, files)
    return lines(Object.keys(files).map(name => join(folder, name)))
  }
  return all[pageName(words)] ?? unknown(words, Object.keys(all).map(wordsOf), 'latchkey man')
}

const wordsOf = (name: string): string => name.split('-').slice(1).join(' ')

/** The schema of one command or of `error`; of nothing, that of each by its words. @throws not_found */
export async function schemaText(words: string): Promise<string> {
  const commands = (await namedNouns(tree)).flatMap(noun => noun.commands)
  const all: Record<string, JsonSchema> = { error: errorSchema }
  for (const { path, declaration } of commands) {
    const schema = jsonSchemaOf(declaration)
    if (schema) all[path] = schema
  }
  const found = all[words]
  if (found) return json(document(`latchkey ${words}`, found))
  if (words === '') {
    const entries = Object.entries(all).map(([path, schema]) => [path, document(`latchkey ${path}`, schema)])
    return json(Object.fromEntries(entries))
  }
  return unknown(words, Object.keys(all), 'latchkey schema')
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
const lines = (all: readonly string[]): string => all.map(each => `${each}\n`).join('')

function unknown(words: string, known: readonly string[], lead: string): never {
  const close = nearest(words, known)
  throw new LatchkeyError(
    'not_found',
    `there is no command '${words}' that has one`,
    close === undefined ? 'see all commands with: latchkey --help' : `${lead} ${close}`,
  )
}
