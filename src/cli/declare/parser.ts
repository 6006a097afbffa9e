/** Parses one word of a command line. Errors quote the word and say what to write instead. */
import { LatchkeyError } from '../../contract/errors.ts'

/** What a parser may depend on besides the text. */
export interface ParseContext {
  readonly now: Date
  readonly timeZone: string
}

/** Throws a `usage` error that says what was expected. */
export type Parse<T> = (raw: string, context: ParseContext) => T

export const quote = (raw: string): string => `'${raw}'`

export const refuse = (message: string, hint: string): LatchkeyError =>
  new LatchkeyError('usage', message, hint)
