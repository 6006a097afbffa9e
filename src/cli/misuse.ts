/** What is wrong with a command line that could not be understood, with a guess at what was meant. */
import { LatchkeyError } from '../contract/errors.ts'
import { didYouMean, nearest } from '../nearest.ts'
import { nounAliases, nounOf, optionOf, verbAliases, verbOf } from './aliases.ts'
import { dashed, flagsOf, globalFlags, kebab } from './flags.ts'
import type { Reached, Tree } from './tree.ts'

/** A verb that was typed first is one of some noun, most likely of the noun behind it. */
export function unknownCommand([word = '', next]: readonly string[], tree: Tree): LatchkeyError {
  const known = Object.keys(tree)
  if (word === 'version') return new LatchkeyError('usage', `unknown command '${word}'`, 'latchkey --version')
  const behind = next === undefined ? '' : nounOf(next, known)
  const meant = Object.entries(tree).flatMap(([noun, entry]) => {
    const verbs = 'verbs' in entry ? Object.keys(entry.verbs) : []
    const verb = verbOf(word, verbs)
    return verbs.includes(verb) && (noun === behind || !known.includes(behind))
      ? `latchkey ${noun} ${verb}`
      : []
  })
  if (meant.length > 0) {
    const message = `unknown command '${word}': what it is about comes first`
    return new LatchkeyError('usage', message, meant.join(', or '))
  }
  const close = nearest(word, [...known, ...known.flatMap(name => nounAliases(name, known))])
  const hint = close === undefined ? 'latchkey --help' : lineOf(tree, nounOf(close, known), next)
  return new LatchkeyError('usage', `unknown command '${word}'${didYouMean(close)}`, hint)
}

/** As much of a command line as its words are known. */
function lineOf(tree: Tree, noun: string, typed = ''): string {
  const entry = tree[noun]
  if (entry === undefined || 'load' in entry) return `latchkey ${noun}`
  const verbs = Object.keys(entry.verbs)
  const verb = verbOf(nearest(typed, verbs) ?? typed, verbs)
  const known = Object.hasOwn(entry.verbs, verb) ? entry.verbs[verb] : undefined
  if (known === undefined) return `latchkey ${noun} --help`
  return typeof known === 'function' ? `latchkey ${noun} ${verb}` : `latchkey ${noun} ${verb} --help`
}

/** Commander's own words, with a guess on the same line. */
export function usageError(said: string, path: string, at: Reached, tree: Tree): LatchkeyError {
  const message = said.replace(/^error: /, '').replace(/\n\(Did you mean .*$/s, '')
  const [, kind, typed = ''] = /^unknown (option|command) '(.*)'$/s.exec(message) ?? []
  if (kind === 'option') {
    // What follows the = may be a secret.
    const option = typed.replace(/=.*$/s, '')
    const known = knownOptions(at)
    const close = optionOf(option, known) ?? (option.startsWith('--') ? nearest(option, known) : undefined)
    return new LatchkeyError('usage', `unknown option '${option}'${didYouMean(close)}`, `${path} --help`)
  }
  if (kind === 'command') {
    const verbs = 'run' in at ? [] : at.map(({ name }) => name)
    const close = nearest(typed, [...verbs, ...verbs.flatMap(verb => verbAliases(verb, verbs))])
    const noun = nounOf(typed, Object.keys(tree))
    const meant = close === undefined || 'run' in at ? '' : ` ${verbOf(close, verbs)}`
    const isWhole = 'run' in at || at.some(entry => 'run' in entry && ` ${entry.name}` === meant)
    // `db backup` is not far from the mark.
    const line = close === undefined && Object.hasOwn(tree, noun) ? `latchkey ${noun}` : path + meant
    const hint = isWhole && meant !== '' ? line : `${line} --help`
    return new LatchkeyError('usage', `unknown command '${typed}'${didYouMean(close)}`, hint)
  }
  return new LatchkeyError(
    'usage',
    message
      // What is too many is not repeated: it may be a secret.
      .replace(/^(too many arguments.* but got \d+): [\s\S]*$/, '$1')
      .replace(/argument '(.*)' is invalid\. Allowed choices are (.*)\.$/s, (all, typed, choices) => {
        const close = nearest(typed, choices.split(', '))
        return close === undefined ? all : `${all.slice(0, -1)}${didYouMean(close)}`
      }),
    `${path} --help`,
  )
}

/** As they are typed: those of the command that was reached, and those that every command has. */
function knownOptions(at: Reached): readonly string[] {
  const own = 'run' in at ? Object.entries(at.options) : []
  const names = own.flatMap(([name, { kind }]) =>
    kind === 'clearable' ? [kebab(name), `no-${kebab(name)}`] : [kebab(name)],
  )
  const common = ['run' in at ? flagsOf(at) : [], globalFlags].flat().map(({ name }) => name)
  return [...names, ...common, ...('run' in at ? [] : ['version'])].map(dashed)
}
