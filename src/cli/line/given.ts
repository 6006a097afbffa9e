/** Which arguments and options were given, which are missing, and their parsed values. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { ParseContext } from '../declare/parser.ts'
import { argumentText, kebab, optionText } from './flags.ts'
import type { Typed } from './globals.ts'

export interface Given {
  /** The arguments and options that were given, as they were typed. */
  readonly given: ReadonlyMap<string, unknown>
  /** Required values that were not given. */
  readonly missing: readonly Missing[]
}

/** A required argument or option that was left out. */
interface Missing {
  readonly name: string
  readonly error: LatchkeyError
}

/** Splits them into given and missing. */
export function givenOf(
  { args, options }: Declaration,
  words: readonly unknown[],
  typed: Typed,
  path: string,
): Given {
  const given = new Map<string, unknown>(
    Object.keys(options).flatMap(name => (typed[name] === undefined ? [] : [[name, typed[name]]])),
  )
  const missing: Missing[] = []
  const miss = (name: string, message: string, hint = `${path} --help`): void => {
    missing.push({ name, error: new LatchkeyError('usage', message, hint) })
  }
  for (const [index, [name, { kind, unless, hint }]] of Object.entries(args).entries()) {
    const word = words[index]
    const isNeeded = unless?.every(option => !given.has(option)) ?? (kind === 'one' || kind === 'many')
    if (Array.isArray(word) ? word.length > 0 : word !== undefined) given.set(name, word)
    else if (isNeeded) miss(name, `missing required argument '${kebab(name)}'`, hint)
  }
  for (const [name, declared] of Object.entries(options)) {
    const { required, unless = [] } = declared
    if (required && ![name, ...unless].some(each => given.has(each)))
      miss(name, `required option '${optionText(name, declared)}' not specified`)
  }
  return { given, missing }
}

/** Parses every argument and option. @throws usage (names the bad one) */
export function readInput(
  { args, options }: Declaration,
  words: readonly unknown[],
  typed: Typed,
  context: ParseContext,
): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (const [index, [name, declared]] of Object.entries(args).entries())
    input[name] = readValue(words[index], argumentText(name, declared), raw => declared.parse(raw, context))
  for (const [name, { kind, parse }] of Object.entries(options)) {
    const given = typed[name]
    if (kind === 'flag') input[name] = given === true
    else if (given === false) input[name] = null
    else {
      const value = readValue(given, `--${kebab(name)}`, raw => parse(raw, context))
      input[name] = kind === 'list' && Array.isArray(value) ? value.flat() : value
    }
  }
  return input
}

function readValue(given: unknown, label: string, parse: (raw: string) => unknown): unknown {
  const words = given === undefined ? [] : [given].flat().map(word => required(String(word), label))
  try {
    const values = words.map(parse)
    return Array.isArray(given) ? values : values[0]
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    throw new LatchkeyError(error.code, `${label}: ${error.message}`, error.hint, { cause: error })
  }
}

/** The value of an option or argument. An empty one is refused, because it is probably an unset variable. */
export function required(raw: string, label: string): string {
  if (raw.trim() !== '') return raw
  throw new LatchkeyError(
    'usage',
    `${label} is ${raw === '' ? 'empty' : 'blank'}`,
    `give ${label} a value or leave it out; maybe a shell variable is not set`,
  )
}
