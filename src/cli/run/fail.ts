/** Shows an error to people or programs. `contract/failure.ts` classifies it. */
import { errorObject, type Failure } from '../../contract/failure.ts'
import type { Format } from '../settings/config.ts'
import { printable } from '../terminal/printable.ts'

/** The text for stderr: two lines for people, one object for programs that asked for JSON. */
export function renderFailure(failure: Failure, format: Format, debug: boolean): string {
  const { message, hint, frames } = failure
  if (format === 'json' || format === 'ndjson') return `${errorObject(failure)}\n`
  const lines = [`latchkey: ${message}`, `try: ${hint}`, ...(debug ? frames : [])]
  return `${printable(lines.join('\n'))}\n`
}
