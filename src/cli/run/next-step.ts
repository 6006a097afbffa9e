/**
 * Makes the command lines in a text fit the one that was typed: what it named by `--db` or `--profile` is named again,
 * so that the next step is about the same database where it is pasted as it stands. Rewrites; parses nothing.
 */
import { shellLine, shellWord } from '../../text/shell-word.ts'
import { tree } from '../commands/tree.ts'
import type { Globals } from '../line/globals.ts'

/** A line that asks for help is about no database. */
const commandLine = new RegExp(
  `(?<![\\w./-])latchkey (?=(?:${Object.keys(tree).join('|')})\\b)(?![^,;\\n]*--(?:help|db|profile)\\b)`,
  'g',
)

/** Stands in a next step for the command line that was typed. */
export const typedLine = 'latchkey …'

/** That with the command line in its place. */
export const withTypedLine = (text: string, argv: readonly string[]): string =>
  text.replaceAll(typedLine, () => shellLine(argv))

/** Rewrites the command lines of this program that a text holds. */
export function repeating({ db, profile }: Pick<Globals, 'db' | 'profile'>): (text: string) => string {
  const named = Object.entries({ db, profile }).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag} ${shellWord(value)} `],
  )
  // As a function, because a path may hold what stands for something in a replacement.
  return named.length === 0 ? text => text : text => text.replace(commandLine, line => line + named.join(''))
}
