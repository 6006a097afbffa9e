/** Programs that a test needs besides Bun. For tests only. */
import { test } from 'bun:test'

type Body = () => void | Promise<void>

/**
 * `requireTool('jq')('a name', body)`: a test that is skipped, saying why, where the program is missing, and fails
 * there under CI, so that a check cannot fall away unseen.
 */
export function requireTool(name: string): (label: string, body: Body) => void {
  if (Bun.which(name) !== null) return test
  return requirement(`${name} is not installed`, isSet(process.env['CI']))
}

/** The same for files that only some machines have: skipped also under CI. */
export function requirePresent(present: boolean, what: string): (label: string, body: Body) => void {
  return present ? test : requirement(`${what} is not here`, false)
}

function requirement(reason: string, failing: boolean): (label: string, body: Body) => void {
  if (!failing) return (label, body) => test.skip(`${label} (skipped: ${reason})`, body)
  return label =>
    test(label, () => {
      throw new Error(`${reason}, and CI must not skip this`)
    })
}

const isSet = (value: string | undefined): boolean => !['', '0', 'false', undefined].includes(value)
