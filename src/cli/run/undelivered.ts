/**
 * What is said when a command did its work but the result could not be written. It must not be taken for a failure that
 * changed nothing, or it would be repeated. Loaded only then.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import { failureOf } from '../../contract/failure.ts'
import { lineOf, shellWord } from '../../text/shell-word.ts'
import type { Declaration, Revealed, Tree } from '../declare/declaration.ts'
import { namedCommands } from '../line/walk.ts'

/** A secret that is only shown once is lost. Undefined if the result has none, because nothing was created. */
export function lostSecret(
  { field, of, again }: Revealed<unknown>,
  result: unknown,
  cause: unknown,
): LatchkeyError | undefined {
  const lost = [result].flat().filter(row => Object(row)[field] != null)
  const [first] = lost
  if (first === undefined) return undefined
  const [what, next] =
    lost.length === 1
      ? [`the ${field} of ${of(first)} is lost: it was`, again(first)]
      : [
          `the ${field}s of ${of(first)} and ${lost.length - 1} more are lost: they were`,
          `${again(first)}, and so for each of them`,
        ]
  return new LatchkeyError('partial', `${what} created, but could not be written to stdout`, next, { cause })
}

/** The line that was typed, as far as it says where its work can be seen. */
export interface Done {
  /** The words of the command: `['key', 'limit', 'set']`. */
  readonly words: readonly string[]
  /** Arguments and options as they were typed. */
  readonly given: ReadonlyMap<string, unknown>
  readonly tree: Tree
}

/** A change was made, and nobody was told. The message of `cause` follows `but`. */
export async function untold(done: Done, result: unknown, cause: unknown): Promise<LatchkeyError> {
  return new LatchkeyError(
    'partial',
    `it was done, but ${failureOf(cause).message}`,
    `before you run it again, see what was done with: ${await lookingAt(done, result)}`,
    { cause },
  )
}

/** A command line that shows what was done: the nearest list, or a file of the program itself, or the audit log. */
async function lookingAt({ words, given, tree }: Done, result: unknown): Promise<string> {
  const [noun = ''] = words
  const around = (await namedCommands(tree, noun)).filter(({ declaration }) => declaration.effect === 'read')
  for (let depth = words.length - 1; depth > 0; depth--) {
    for (const verb of ['list', 'status', 'report', 'show', 'info']) {
      const line = [...words.slice(0, depth), verb]
      const found = around.find(each => Bun.deepEquals(each.words, line))
      const operands = found && operandsOf(found.declaration, given)
      if (operands) return lineOf(line.join(' '), ...operands)
    }
  }
  const { path } = Object([result].flat()[0])
  const isFile = tree[noun]?.group === 'Program' && typeof path === 'string'
  return isFile ? `ls -l ${shellWord(path)}` : lineOf('audit list')
}

/** What it needs, if all of it was typed for the other command too. */
function operandsOf({ args, options }: Declaration, given: Done['given']): readonly string[] | undefined {
  if (Object.values(options).some(({ required }) => required)) return undefined
  const needed = Object.keys(args).filter(name => args[name]?.kind === 'one' || args[name]?.kind === 'many')
  const typed = needed.map(name => given.get(name))
  return typed.every(word => typeof word === 'string' && word !== '-') ? typed.map(String) : undefined
}
