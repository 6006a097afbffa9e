/** Which format the flags of a command line ask for: `--json`, `-q` and `-o` say the same thing in three ways. */
import { LatchkeyError } from '../../contract/errors.ts'
import { type Format, isFormat } from '../settings/config.ts'
import type { Globals } from './program.ts'

interface TypedFormat {
  readonly flag: string
  readonly format: Format
}

function typedFormats({ json, ids, output }: Globals): readonly TypedFormat[] {
  const typed: TypedFormat[] = []
  if (json) typed.push({ flag: '--json', format: 'json' })
  if (ids) typed.push({ flag: '-q', format: 'name' })
  if (isFormat(output)) typed.push({ flag: `-o ${output}`, format: output })
  return typed
}

/** The first that was typed, whatever else was: errors are told in it. */
export const typedFormat = (globals: Globals): Format | undefined => typedFormats(globals)[0]?.format

/** The one that was typed; undefined when none was. @throws usage when two contradict each other */
export function agreedFormat(globals: Globals): Format | undefined {
  const [first, ...others] = typedFormats(globals)
  // Ids are what a quiet run may still be asked for.
  const silence = globals.quiet && first?.format !== 'name' ? { flag: '--quiet' } : undefined
  const other = others.find(({ format }) => format !== first?.format) ?? silence
  if (first === undefined || other === undefined) return first?.format
  throw new LatchkeyError(
    'usage',
    `${first.flag} and ${other.flag} contradict each other`,
    'give only one of them',
  )
}
