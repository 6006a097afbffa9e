/** What reads one word of a command line, or refuses it: with the word quoted, and with what to write instead. */
import { LatchkeyError } from '../../contract/errors.ts'

/** What a parser may depend on besides the text. */
export interface ParseContext {
  readonly now: Date
  readonly timeZone: string
}

/** Turns one word of the command line into a value; throws a `usage` error that says what was expected. */
export type Parse<T> = (raw: string, context: ParseContext) => T

export const quote = (raw: string): string => `'${raw}'`

export const refuse = (message: string, hint: string): LatchkeyError =>
  new LatchkeyError('usage', message, hint)
