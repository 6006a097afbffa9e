/** The whole tree of commands, loaded and named. Every page of the reference comes from it. Runs nothing. */

import { LatchkeyError } from '../../contract/errors.ts'
import { nearest } from '../../text/nearest.ts'
import type { Declaration, Group, Tree } from '../declare/declaration.ts'
import { argumentText } from '../line/flags.ts'
import { namedCommands } from '../line/walk.ts'

export interface NamedNoun {
  readonly name: string
  readonly summary: string
  readonly group?: Group | undefined
  readonly commands: readonly NamedCommand[]
}

export interface NamedCommand {
  /** The words as typed: `init`, `key create`, `key limit set`. */
  readonly path: string
  readonly declaration: Declaration
}

/** Every noun with its commands, in the order of the help. */
export function namedNouns(tree: Tree): Promise<readonly NamedNoun[]> {
  return Promise.all(
    Object.entries(tree).map(async ([name, { summary, group }]) => {
      const commands = (await namedCommands(tree, name)).map(({ words, declaration }) => ({
        path: words.join(' '),
        declaration,
      }))
      return { name, summary, group, commands }
    }),
  )
}

/** The nouns below each heading of the help. */
export const grouped = (
  nouns: readonly NamedNoun[],
): readonly (readonly [string, readonly NamedNoun[]])[] => [
  ...Map.groupBy(nouns, ({ group = 'Commands' }) => group),
]

/** `latchkey key create [options] <name>` */
export function usageLine({ path, declaration }: NamedCommand): string {
  const words = Object.entries(declaration.args).map(([name, declared]) => argumentText(name, declared))
  return ['latchkey', path, '[options]', ...words].join(' ')
}

/** The error for unknown words; `lead` is what to type before the right ones. */
export function unknownPath(path: string, known: readonly string[], lead: string): LatchkeyError {
  const close = nearest(path, known)
  const hint = close === undefined ? 'list all commands with: latchkey --help' : `${lead} ${close}`
  return new LatchkeyError('not_found', `${lead}: unknown command '${path}'`, hint)
}
