/** The options that every command has, settled: `--json`, `-q` and `-o` all choose a format. */
import { LatchkeyError } from '../../contract/errors.ts'
import { type ProgressMode, progressModes } from '../draw/progress.ts'
import { type Format, isFormat } from '../settings/config.ts'

export interface Globals {
  readonly db?: string | undefined
  /** The requested format. If they contradict each other, the first one, because the error is printed in it. */
  readonly format?: Format | undefined
  /** Print nothing on success. */
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

/** Options by name, as typed. */
export type Typed = Readonly<Record<string, unknown>>

/** If a line fails before its command is known, no option counts. */
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

/** @throws usage (two formats, or a format with --quiet) */
export function requireOneFormat(typed: Typed): void {
  const [first, ...others] = formatsOf(typed)
  if (first === undefined) return
  // A quiet run may still print ids.
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
