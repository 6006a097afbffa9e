/** The manual of `latchkey man`: one page, or all pages in a folder. */

import { join } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import type { ManPage } from '../../contract/views.ts'
import { ensureFolder, replaceFile } from '../../system/files.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { Tree } from '../declare/declaration.ts'
import { namedNouns, unknownPath } from './commands.ts'
import { manPages, pageName } from './man.ts'

const section = 1

/** The page of a command, a noun or, without words, the program. @throws not_found */
export async function manual(tree: Tree, words: readonly string[], edition: Date): Promise<ManPage> {
  const all = manPages(await namedNouns(tree), edition)
  const path = words.join(' ')
  const text = all.get(path)
  if (text === undefined)
    throw unknownPath(
      path,
      [...all.keys()].filter(each => each !== ''),
      'latchkey man',
    )
  return { name: pageName(path), section, path: null, text }
}

/** Writes every page to a folder and replaces earlier ones. @throws usage, permission, disk_full */
export async function writeManual(
  tree: Tree,
  folder: string,
  words: readonly string[],
  edition: Date,
  dryRun: boolean,
): Promise<readonly ManPage[]> {
  if (words.length > 0) {
    throw new LatchkeyError(
      'usage',
      '--dir writes all pages and does not go with a command',
      `for one page: ${lineOf('man', ...words)} > FILE`,
    )
  }
  const pages = [...manPages(await namedNouns(tree), edition)].map(([path, text]) => {
    const name = pageName(path)
    return { name, section, path: join(folder, `${name}.${section}`), text }
  })
  if (dryRun) return pages
  ensureFolder(folder, 0o755, 'usage')
  for (const { path, text } of pages) replaceFile(path, text, 0o644)
  return pages
}
