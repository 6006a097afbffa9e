/**
 * How names of declarations are written on the command line, and the options that every command has. The parser, the
 * reference and completion use the same list. Nothing is parsed here.
 */

import type { Argument, Declaration, Option } from '../declare/declaration.ts'
import { progressModes } from '../draw/progress.ts'
import { formats } from '../settings/config.ts'
import { charts } from '../terminal/color.ts'

/** An option that declarations do not repeat. */
export interface CommonFlag {
  /** The name without dashes. A single letter has no long form. */
  readonly name: string
  readonly short?: string
  readonly placeholder?: string
  readonly choices?: readonly string[]
  /** Whether it takes several values, separated by commas. */
  readonly addsUp?: true
  readonly summary: string
}

/** Options of the program, accepted before and after the command. */
export const globalFlags: readonly CommonFlag[] = [
  { name: 'db', placeholder: 'file', summary: 'Database (LATCHKEY_DB)' },
  {
    name: 'output',
    short: 'o',
    placeholder: 'format',
    choices: formats,
    summary: `Output format: ${formats.join(', ')}`,
  },
  { name: 'json', summary: 'Print JSON, same as -o json' },
  { name: 'q', summary: 'Print only ids, one per line, same as -o name' },
  { name: 'quiet', summary: 'Print nothing on success' },
  { name: 'fields', placeholder: 'a,b', addsUp: true, summary: 'Print only these fields, in this order' },
  { name: 'csv-verbatim', summary: "Do not add or remove ' before CSV cells that look like formulas" },
  { name: 'tz', placeholder: 'zone', summary: 'Time zone of dates in tables and arguments (LATCHKEY_TZ)' },
  { name: 'profile', placeholder: 'name', summary: 'Use the settings of [profile.NAME] (LATCHKEY_PROFILE)' },
  {
    name: 'progress',
    placeholder: 'when',
    choices: progressModes,
    summary: 'Show progress: auto (a line on a terminal), json (on stderr), never',
  },
  { name: 'no-color', summary: 'Print without colour' },
  {
    name: 'chart',
    placeholder: 'when',
    choices: charts,
    summary: 'Draw bars and sparklines: auto (default: on a terminal), always or never',
  },
  { name: 'no-pager', summary: 'Do not use a pager for long lists (LATCHKEY_PAGER, PAGER)' },
  { name: 'yes', short: 'y', summary: 'Do not ask for confirmation' },
  { name: 'no-input', summary: 'Never ask; fail if an answer is needed' },
]

const dryRun: CommonFlag = {
  name: 'dry-run',
  summary: 'Check everything and show the result, but change nothing',
}

/** Options of a command that follow from its effect. */
export const flagsOf = ({ effect }: Pick<Declaration, 'effect'>): readonly CommonFlag[] =>
  effect === 'read' ? [] : [dryRun]

/** The options of a command that the help, pages and shells show, by name. */
export const shownOptions = ({ options }: Declaration): readonly (readonly [string, Option<unknown>])[] =>
  Object.entries(options).filter(([, option]) => !option.hidden)

/** `expiresWithin` as `expires-within`. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** `--expires-within`, or `-q` for a letter alone. */
export const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${kebab(name)}`)

/** `-l, --expires-within <duration>`, as in the help. */
export function flagText(flag: Pick<CommonFlag, 'name' | 'short' | 'placeholder'>): string {
  const short = flag.short === undefined ? '' : `-${flag.short}, `
  return `${short}${dashed(flag.name)}${flag.placeholder ? ` <${flag.placeholder}>` : ''}`
}

/** The same for a declared option. */
export function optionText(name: string, { short, placeholder }: Option<unknown>): string {
  return flagText({ name: kebab(name), placeholder, ...(short === undefined ? {} : { short }) })
}

/** `<name>`, `[name]` or `<names...>`. */
export function argumentText(name: string, { kind }: Argument<unknown>): string {
  if (kind === 'optional') return `[${kebab(name)}]`
  if (kind === 'any') return `[${kebab(name)}...]`
  return `<${kebab(name)}${kind === 'many' ? '...' : ''}>`
}
