/** What is wrong with a word that no command knows, with a guess at what was meant. */
import { LatchkeyError, redact } from '../../contract/errors.ts'
import { didYouMean, nearest } from '../../text/nearest.ts'
import { shellLine } from '../../text/shell-word.ts'
import type { Tree } from '../declare/declaration.ts'
import { nounAliases, nounOf, optionOf, verbAliases, verbOf } from './aliases.ts'
import { dashed, flagsOf, globalFlags, kebab } from './flags.ts'
import type { Reached, Way } from './walk.ts'

/** A line that leads no further, and a way to try out another. */
export interface Attempt extends Way {
  readonly tree: Tree
  readonly argv: readonly string[]
  readonly operands: readonly string[]
  /** The words that were understood, behind the name of the program. */
  readonly path: string
  /** What a line would run; undefined when it would run nothing. */
  readonly understood: (argv: readonly string[]) => Promise<Understood | undefined>
}

interface Understood {
  /** Whether one of its words may be a secret. */
  readonly takesSecret: boolean
}

/** The refusal of a word that is neither a command nor an option where it stands. */
export async function unknownWord(word: string, attempt: Attempt): Promise<LatchkeyError> {
  if (word.startsWith('-') && word !== '-') return unknownOption(word, attempt)
  return attempt.steps.length === 0 ? unknownNoun(word, attempt) : unknownVerb(word, attempt)
}

function unknownOption(word: string, { at, path }: Attempt): LatchkeyError {
  // What follows the = may be a secret.
  const option = word.replace(/=.*$/s, '')
  const known = knownOptions(at)
  const close = optionOf(option, known) ?? (option.startsWith('--') ? nearest(option, known) : undefined)
  return new LatchkeyError('usage', `unknown option '${option}'${didYouMean(close)}`, `${path} --help`)
}

/** A verb that was typed first is one of some noun, most likely of the noun behind it. */
async function unknownNoun(word: string, attempt: Attempt): Promise<LatchkeyError> {
  const { rest, tree } = attempt
  const [, next] = rest
  const known = Object.keys(tree)
  const behind = next === undefined ? '' : nounOf(next, known)
  const isBehind = known.includes(behind)
  const meant = Object.entries(tree).flatMap(([noun, entry]) => {
    const verbs = 'verbs' in entry ? Object.keys(entry.verbs) : []
    const verb = verbOf(word, verbs)
    return verbs.includes(verb) && (noun === behind || !isBehind) ? [[noun, verb]] : []
  })
  if (meant.length > 0) {
    const message = `unknown command '${word}': the noun comes first`
    const typed = rest.slice(0, isBehind ? 2 : 1)
    const readings = await Promise.all(meant.map(words => readingOf(words, typed, attempt)))
    const mayHoldSecret = readings.some(reading => reading.mayHoldSecret)
    const lines = readings.map(({ line, short }) => (mayHoldSecret ? short : line))
    return new LatchkeyError('usage', message, lines.join(', or '))
  }
  const close = nearest(word, [...known, ...known.flatMap(name => nounAliases(name, known))])
  const hint =
    close === undefined
      ? 'latchkey --help'
      : await lineOf(wordsOf(tree, nounOf(close, known), next), rest.slice(0, 2), attempt)
  return new LatchkeyError('usage', `unknown command '${word}'${didYouMean(close)}`, hint)
}

async function unknownVerb(word: string, attempt: Attempt): Promise<LatchkeyError> {
  const { at, steps, operands, tree, path } = attempt
  const verbs = 'run' in at ? [] : at.map(({ name }) => name)
  const close = nearest(word, [...verbs, ...verbs.flatMap(verb => verbAliases(verb, verbs))])
  // `db backup` is not far from the mark.
  const noun = nounOf(word, Object.keys(tree))
  const isNoun = close === undefined && Object.hasOwn(tree, noun)
  const typed = operands.slice(0, operands.indexOf(word) + 1)
  const hint =
    close === undefined
      ? `${isNoun ? `latchkey ${noun}` : path} --help`
      : await lineOf([...steps.map(({ name }) => name), verbOf(close, verbs)], typed, attempt)
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

/** As they are typed: those of the command that was reached, and those that every command has. */
function knownOptions(at: Reached): readonly string[] {
  const own = 'run' in at ? Object.entries(at.options) : []
  const names = own.flatMap(([name, { kind }]) =>
    kind === 'clearable' ? [kebab(name), `no-${kebab(name)}`] : [kebab(name)],
  )
  const common = ['run' in at ? flagsOf(at) : [], globalFlags].flat().map(({ name }) => name)
  return [...names, ...common, ...('run' in at ? [] : ['version'])].map(dashed)
}
