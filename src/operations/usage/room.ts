/** Errors for usage that would overflow a key's totals. It is refused alone; other usage is counted. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Full } from '../../db/facts.ts'
import { lineOf } from '../../text/shell-word.ts'

/** Continues a sentence about an event. */
export const tooMuch = ({ name, overflow }: Full): string =>
  `would bring ${name} to more ${overflow} than can be counted`

/** @param event what to call the event in the message */
export const noRoom = (event: string, full: Full): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `${event} ${tooMuch(full)}; it was not`,
    `look for a wrong number; see what the key has used with: ${lineOf('key stats', full.name)}`,
  )
