/** Follows the words of a command line through the tree of nouns and verbs. Loads only what they reach. */
import type { Declaration, Load, Tree, Words } from '../declare/declaration.ts'
import { nounOf, verbOf } from './aliases.ts'

/** The command that completion scripts call with the words so far. It answers lines of a value, a tab and a description. */
export const completionRequest = '__complete'

/** A verb to choose: a command, or a word with commands below it, as `limit` of `key` has set, list and remove. */
interface Choice {
  readonly name: string
  readonly summary: string
  readonly declaration?: Declaration
  readonly commands: readonly Named[]
}

/** A command with its own words, after those that led to it. */
interface Named {
  readonly words: readonly string[]
  readonly declaration: Declaration
}

/** The command that was reached, or the choices. */
export type Reached = Declaration | readonly Choice[]

/** The result of following words. */
export interface Way {
  /** The words that were understood, by their real names. */
  readonly steps: readonly Step[]
  readonly at: Reached
  /** The remaining words. */
  readonly rest: readonly string[]
}

interface Step {
  readonly name: string
  readonly summary: string
  /** The word that was typed for the name. */
  readonly typed: string
}

/** Loads the command that the words reach, or all choices if they do not reach one. */
export async function follow(tree: Tree, words: readonly string[]): Promise<Way> {
  const [typed = '', ...rest] = words
  const name = nounOf(typed, Object.keys(tree))
  const noun = own(tree, name)
  if (noun === undefined) return { steps: [], at: [], rest: words }
  const way = 'load' in noun ? await reach(noun.load, rest) : await choose(noun, rest)
  return { ...way, steps: [{ name, summary: noun.summary, typed }, ...way.steps] }
}

async function choose(from: Words, words: readonly string[]): Promise<Way> {
  const [typed = '', ...rest] = words
  const name = verbOf(typed, Object.keys(from.verbs))
  const verb = own(from.verbs, name)
  if (verb === undefined) return { steps: [], at: await loadAll(from), rest: words }
  const way = typeof verb === 'function' ? await reach(verb, rest) : await choose(verb, rest)
  const summary = typeof verb === 'function' ? '' : verb.summary
  return { ...way, steps: [{ name, summary, typed }, ...way.steps] }
}

const reach = async (load: Load, rest: readonly string[]): Promise<Way> => ({
  steps: [],
  at: (await load()).default,
  rest,
})

const loadAll = ({ verbs }: Words): Promise<readonly Choice[]> =>
  Promise.all(
    Object.entries(verbs).map(async ([name, verb]) => {
      if (typeof verb === 'function') {
        const { default: declaration } = await verb()
        return { name, summary: declaration.summary, declaration, commands: [{ words: [name], declaration }] }
      }
      const commands = (await loadAll(verb)).flatMap(choice => choice.commands)
      const below = commands.map(({ words, declaration }) => ({ words: [name, ...words], declaration }))
      return { name, summary: verb.summary, commands: below }
    }),
  )

/** `Object.hasOwn`, because a typed name may be one that every object has. */
const own = <T>(all: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined

/** Every declaration of a noun with its words: `['key', 'limit', 'set']`. */
export async function namedCommands(tree: Tree, noun: string): Promise<readonly Named[]> {
  const { at } = await follow(tree, [noun])
  if ('run' in at) return [{ words: [noun], declaration: at }]
  return at.flatMap(({ commands }) =>
    commands.map(({ words, declaration }) => ({ words: [noun, ...words], declaration })),
  )
}
