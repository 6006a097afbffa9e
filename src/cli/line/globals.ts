/** What was given of the options that every command has, settled: `--json`, `-q` and `-o` name a format in three ways. */
import { LatchkeyError } from '../../contract/errors.ts'
import { type ProgressMode, progressModes } from '../draw/progress.ts'
import { type Format, isFormat } from '../settings/config.ts'

export interface Globals {
  readonly db?: string | undefined
  /** The format that was asked for: the first where they contradict each other, since errors are told in it. */
  readonly format?: Format | undefined
  /** Nothing is said on success. */
  readonly quiet: boolean
  readonly yes: boolean
  readonly fields?: string | undefined
  readonly csvVerbatim: boolean
  readonly tz?: string | undefined
  readonly profile?: string | undefined
  readonly progress: ProgressMode
  readonly color: boolean
  readonly chart?: string | undefined
  readonly pager: boolean
  readonly input: boolean
}

/** Options by their names, as they were typed. */
export type Typed = Readonly<Record<string, unknown>>

/** Of a line that went wrong before its command was known, nothing counts as given. */
export function globalsOf(typed: Typed): Globals {
  const text = (name: string): string | undefined =>
    typed[name] === undefined ? undefined : [typed[name]].flat().join(',')
  return {
    db: text('db'),
    format: formatsOf(typed)[0]?.format,
    quiet: typed['quiet'] === true,
    yes: typed['yes'] === true,
    fields: text('fields'),
    csvVerbatim: typed['csvVerbatim'] === true,
    tz: text('tz'),
    profile: text('profile'),
    progress: progressModes.find(mode => mode === typed['progress']) ?? 'auto',
    color: typed['color'] !== false,
    chart: text('chart'),
    pager: typed['pager'] !== false,
    input: typed['input'] !== false,
  }
}

/** @throws usage when two formats contradict each other, or one of them and silence */
export function requireOneFormat(typed: Typed): void {
  const [first, ...others] = formatsOf(typed)
  if (first === undefined) return
  // Ids are what a quiet run may still be asked for.
  const silence = typed['quiet'] === true && first.format !== 'name' ? { flag: '--quiet' } : undefined
  const other = others.find(({ format }) => format !== first.format) ?? silence
  if (other === undefined) return
  throw new LatchkeyError(
    'usage',
    `${first.flag} and ${other.flag} exclude each other`,
    'give only one of them',
  )
}

function formatsOf({ json, q, output, o = output }: Typed): readonly { flag: string; format: Format }[] {
  const formats: { flag: string; format: Format }[] = []
  if (json === true) formats.push({ flag: '--json', format: 'json' })
  if (q === true) formats.push({ flag: '-q', format: 'name' })
  if (typeof o === 'string' && isFormat(o)) formats.push({ flag: `-o ${o}`, format: o })
  return formats
}
