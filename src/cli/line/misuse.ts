/** Errors for unknown words, with a suggestion. */
import { LatchkeyError, redact } from '../../contract/errors.ts'
import { didYouMean, nearest } from '../../text/nearest.ts'
import { shellLine } from '../../text/shell-word.ts'
import type { Tree } from '../declare/declaration.ts'
import { nounAliases, nounOf, optionOf, verbAliases, verbOf } from './aliases.ts'
import { dashed, flagsOf, globalFlags, kebab } from './flags.ts'
import type { Reached, Way } from './walk.ts'

/** A line with an unknown word, and a way to try another line. */
export interface Attempt extends Way {
  readonly tree: Tree
  readonly argv: readonly string[]
  readonly operands: readonly string[]
  /** The words that were understood, after the program's name. */
  readonly path: string
  /** What a line would run; undefined if nothing. */
  readonly understood: (argv: readonly string[]) => Promise<Understood | undefined>
}

interface Understood {
  /** Whether one of its words may be a secret. */
  readonly takesSecret: boolean
}

/** The error for a word that is neither a command nor an option here. */
export async function unknownWord(word: string, attempt: Attempt): Promise<LatchkeyError> {
  if (word.startsWith('-') && word !== '-') return unknownOption(word, attempt)
  return attempt.steps.length === 0 ? unknownNoun(word, attempt) : unknownVerb(word, attempt)
}

function unknownOption(word: string, { at, path }: Attempt): LatchkeyError {
  // The value after = may be a secret.
  const option = word.replace(/=.*$/s, '')
  const known = knownOptions(at)
  const close = optionOf(option, known) ?? (option.startsWith('--') ? nearest(option, known) : undefined)
  return new LatchkeyError('usage', `unknown option '${option}'${didYouMean(close)}`, `${path} --help`)
}

/** A verb that was typed first belongs to some noun, probably the one after it. */
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
  // It may be a noun, as in `db backup`.
  const noun = nounOf(word, Object.keys(tree))
  const isNoun = close === undefined && Object.hasOwn(tree, noun)
  const typed = operands.slice(0, operands.indexOf(word) + 1)
  const hint =
    close === undefined
      ? `${isNoun ? `latchkey ${noun}` : path} --help`
      : await lineOf([...steps.map(({ name }) => name), verbOf(close, verbs)], typed, attempt)
  return new LatchkeyError('usage', `unknown command '${word}'${didYouMean(close)}`, hint)
}

/** The noun with the intended verb, as far as that is known. */
function wordsOf(tree: Tree, noun: string, typed = ''): readonly string[] {
  const entry = tree[noun]
  if (entry === undefined || 'load' in entry) return typed === '' ? [noun] : [noun, typed]
  const verbs = Object.keys(entry.verbs)
  const verb = verbOf(nearest(typed, verbs) ?? typed, verbs)
  return verbs.includes(verb) ? [noun, verb] : [noun]
}

/** A suggested line. */
interface Reading {
  readonly line: string
  /** Without the words that it replaces. */
  readonly short: string
  /** The typed words may contain a secret, so they are not repeated. */
  readonly mayHoldSecret: boolean
}

async function lineOf(...given: Parameters<typeof readingOf>): Promise<string> {
  const { line, short, mayHoldSecret } = await readingOf(...given)
  return mayHoldSecret ? short : line
}

/** The suggested line if it can be run, otherwise the help of its command. */
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

/** As typed: the options of the command, and those that every command has. */
function knownOptions(at: Reached): readonly string[] {
  const own = 'run' in at ? Object.entries(at.options) : []
  const names = own.flatMap(([name, { kind }]) =>
    kind === 'clearable' ? [kebab(name), `no-${kebab(name)}`] : [kebab(name)],
  )
  const common = ['run' in at ? flagsOf(at) : [], globalFlags].flat().map(({ name }) => name)
  return [...names, ...common, ...('run' in at ? [] : ['version'])].map(dashed)
}
