/**
 * Adapts command lines in a text to the one that was typed. If `--db` or `--profile` was given, it is added, so that
 * the next step is about the same database when it is pasted. Does not parse.
 */
import { shellLine, shellWord } from '../../text/shell-word.ts'
import { tree } from '../commands/tree.ts'
import type { Globals } from '../line/globals.ts'

/** Help needs no database. */
const commandLine = new RegExp(
  `(?<![\\w./-])latchkey (?=(?:${Object.keys(tree).join('|')})\\b)(?![^,;\\n]*--(?:help|db|profile)\\b)`,
  'g',
)

/** Placeholder for the typed command line in a next step. */
export const typedLine = 'latchkey …'

/** Replaces the placeholder. */
export const withTypedLine = (text: string, argv: readonly string[]): string =>
  text.replaceAll(typedLine, () => shellLine(argv))

/** Rewrites the command lines of this program in a text. */
export function repeating({ db, profile }: Pick<Globals, 'db' | 'profile'>): (text: string) => string {
  const named = Object.entries({ db, profile }).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag} ${shellWord(value)} `],
  )
  // A function, because a path may contain replacement patterns such as `$&`.
  return named.length === 0 ? text => text : text => text.replace(commandLine, line => line + named.join(''))
}
