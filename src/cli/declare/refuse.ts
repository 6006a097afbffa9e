/** How a word of the command line is refused: with the word quoted, and with what to write instead. */
import { LatchkeyError } from '../../contract/errors.ts'

export const quote = (raw: string): string => `'${raw}'`

export const refuse = (message: string, hint: string): LatchkeyError =>
  new LatchkeyError('usage', message, hint)
