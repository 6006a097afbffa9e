/** What reads one word of a command line. */

/** What a parser may depend on besides the text. */
export interface ParseContext {
  readonly now: Date
  readonly timeZone: string
}

/** Turns one word of the command line into a value; throws a `usage` error that says what was expected. */
export type Parse<T> = (raw: string, context: ParseContext) => T
