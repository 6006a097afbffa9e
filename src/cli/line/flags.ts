/**
 * How names of declarations are written on the command line, and the options that every command has. The
 * parser, the reference and the completions read the same list; nothing here parses.
 */
import type { Declaration, Effect, Option } from '../declare/declaration.ts'
import { progressModes } from '../draw/progress.ts'
import { formats } from '../settings/config.ts'
import { charts } from '../terminal/color.ts'

/** An option that no declaration has to repeat. */
export interface CommonFlag {
  /** As it is written, without the dashes. */
  readonly name: string
  readonly short?: string
  readonly placeholder?: string
  readonly choices?: readonly string[]
  readonly summary: string
}

/** Options of the program, understood before and after the command. */
export const globalFlags: readonly CommonFlag[] = [
  { name: 'db', placeholder: 'file', summary: 'Database (LATCHKEY_DB)' },
  {
    name: 'output',
    short: 'o',
    placeholder: 'format',
    choices: formats,
    summary: `How to print: ${formats.join(', ')}`,
  },
  { name: 'json', summary: 'Print JSON, as -o json' },
  { name: 'quiet', short: 'q', summary: 'Print ids only, one a line, as -o name' },
  { name: 'fields', placeholder: 'a,b', summary: 'Print only these fields, in this order' },
  { name: 'tz', placeholder: 'zone', summary: 'Time zone of dates in tables and arguments (LATCHKEY_TZ)' },
  { name: 'profile', placeholder: 'name', summary: 'Settings of [profile.NAME] first (LATCHKEY_PROFILE)' },
  {
    name: 'progress',
    placeholder: 'when',
    choices: progressModes,
    summary: 'Tell how far it is: auto (a line on a terminal), json (on stderr), never',
  },
  { name: 'no-color', summary: 'Print without colour' },
  {
    name: 'chart',
    placeholder: 'when',
    choices: charts,
    summary: 'Draw bars and sparklines: auto (default: on a terminal), always or never',
  },
  { name: 'no-pager', summary: 'Print long lists at once (LATCHKEY_PAGER, PAGER)' },
  { name: 'no-input', summary: 'Never ask; fail where a question would be needed' },
]

const dryRun: CommonFlag = {
  name: 'dry-run',
  summary: 'Check everything and show the outcome, change nothing',
}
const yes: CommonFlag = { name: 'yes', short: 'y', summary: 'Do not ask for confirmation' }

const effectFlags: Readonly<Record<Effect, readonly CommonFlag[]>> = {
  read: [],
  write: [dryRun],
  destroy: [dryRun, yes],
}

/** Options that a command has because of what it does to the world. */
export const flagsOf = ({ effect, asks }: Declaration): readonly CommonFlag[] =>
  effect === 'write' && asks ? [dryRun, yes] : effectFlags[effect]

/** The options of a command that help, pages and shells show, by their names. */
export const shownOptions = ({ options }: Declaration): readonly (readonly [string, Option<unknown>])[] =>
  Object.entries(options).filter(([, option]) => !option.hidden)

/** `expiresWithin` as `expires-within`. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** `-l, --expires-within <duration>`, as help pages show it. */
export function flagText(flag: Pick<CommonFlag, 'name' | 'short' | 'placeholder'>): string {
  const short = flag.short === undefined ? '' : `-${flag.short}, `
  return `${short}--${flag.name}${flag.placeholder ? ` <${flag.placeholder}>` : ''}`
}

/** The same of a declared option. */
export function optionText(name: string, { short, placeholder }: Option<unknown>): string {
  return flagText({ name: kebab(name), placeholder, ...(short === undefined ? {} : { short }) })
}

/** `<name>`, `[name]` or `<names...>`. */
export function argumentText(name: string, declared: Declaration['args'][string]): string {
  const kind = typeof declared === 'string' ? 'one' : declared.kind
  if (kind === 'optional') return `[${kebab(name)}]`
  if (kind === 'any') return `[${kebab(name)}...]`
  return `<${kebab(name)}${kind === 'many' ? '...' : ''}>`
}
