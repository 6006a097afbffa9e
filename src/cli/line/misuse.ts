/** What is wrong with a command line that could not be understood, with a guess at what was meant. */
import { LatchkeyError, redact } from '../../contract/errors.ts'
import { didYouMean, nearest } from '../../text/nearest.ts'
import { shellLine } from '../../text/shell-word.ts'
import type { Tree } from '../declare/declaration.ts'
import { nounAliases, nounOf, optionOf, verbAliases, verbOf } from './aliases.ts'
import { dashed, flagsOf, globalFlags, kebab } from './flags.ts'
import type { Reached } from './walk.ts'

/** The line that could not be understood, and a way to try out another. */
interface Attempt {
  readonly argv: readonly string[]
  /** What a line would run; undefined when it would run nothing. */
  readonly understood: (argv: readonly string[]) => Promise<Understood | undefined>
}

interface Understood {
  /** Whether one of its words may be a secret. */
  readonly takesSecret: boolean
}

/** A verb that was typed first is one of some noun, most likely of the noun behind it. */
export async function unknownCommand(
  operands: readonly string[],
  tree: Tree,
  attempt: Attempt,
): Promise<LatchkeyError> {
  const [word = '', next] = operands
  const known = Object.keys(tree)
  const behind = next === undefined ? '' : nounOf(next, known)
  const isBehind = known.includes(behind)
  const meant = Object.entries(tree).flatMap(([noun, entry]) => {
    const verbs = 'verbs' in entry ? Object.keys(entry.verbs) : []
    const verb = verbOf(word, verbs)
    return verbs.includes(verb) && (noun === behind || !isBehind) ? [[noun, verb]] : []
  })
  if (meant.length > 0) {
    const message = `unknown command '${word}': what it is about comes first`
    const typed = operands.slice(0, isBehind ? 2 : 1)
    const readings = await Promise.all(meant.map(words => readingOf(words, typed, attempt)))
    const mayHoldSecret = readings.some(reading => reading.mayHoldSecret)
    const lines = readings.map(({ line, short }) => (mayHoldSecret ? short : line))
    return new LatchkeyError('usage', message, lines.join(', or '))
  }
  const close = nearest(word, [...known, ...known.flatMap(name => nounAliases(name, known))])
  const hint =
    close === undefined
      ? 'latchkey --help'
      : await lineOf(wordsOf(tree, nounOf(close, known), next), operands.slice(0, 2), attempt)
  return new LatchkeyError('usage', `unknown command '${word}'${didYouMean(close)}`, hint)
}

/** A noun with the verb that was meant, as far as that can be told. */
function wordsOf(tree: Tree, noun: string, typed = ''): readonly string[] {
  const entry = tree[noun]
  if (entry === undefined || 'load' in entry) return typed === '' ? [noun] : [noun, typed]
  const verbs = Object.keys(entry.verbs)
  const verb = verbOf(nearest(typed, verbs) ?? typed, verbs)
  return verbs.includes(verb) ? [noun, verb] : [noun]
}

/** A line that was probably meant. */
interface Reading {
  readonly line: string
  /** Without what was typed beside its words. */
  readonly short: string
  /** What was typed may be a secret, and is not repeated then. */
  readonly mayHoldSecret: boolean
}

async function lineOf(...given: Parameters<typeof readingOf>): Promise<string> {
  const { line, short, mayHoldSecret } = await readingOf(...given)
  return mayHoldSecret ? short : line
}

/** The line with these words in the place of those that were typed for them, where it could be run; their help if not. */
async function readingOf(
  words: readonly string[],
  typed: readonly string[],
  { argv, understood }: Attempt,
): Promise<Reading> {
  const rest = [...argv]
  for (const word of typed) rest.splice(rest.indexOf(word), 1)
  const whole = shellLine([...words, ...rest])
  const short = shellLine(words)
  const run = await understood([...words, ...rest])
  if (run) return { line: whole, short, mayHoldSecret: run.takesSecret || redact(whole) !== whole }
  const isCommand = (await understood(words)) !== undefined
  return { line: isCommand ? short : `${short} --help`, short, mayHoldSecret: false }
}

/** Commander's own words, with a guess on the same line. */
export async function usageError(
  said: string,
  {
    path,
    at,
    tree,
    operands,
    ...attempt
  }: Attempt & {
    readonly path: string
    readonly at: Reached
    readonly tree: Tree
    readonly operands: readonly string[]
  },
): Promise<LatchkeyError> {
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
    const before = operands.slice(0, operands.indexOf(typed) + 1)
    const words = path.split(' ').slice(1)
    // `db backup` is not far from the mark.
    const isNoun = close === undefined && Object.hasOwn(tree, noun)
    const hint =
      close !== undefined && !('run' in at)
        ? await lineOf([...words, verbOf(close, verbs)], before, attempt)
        : `${isNoun ? `latchkey ${noun}` : path} --help`
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
