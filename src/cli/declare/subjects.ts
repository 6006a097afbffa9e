import { isNoun, type Noun } from '../../contract/nouns.ts'
import type { Argument, Option } from './declaration.ts'
import { limitName } from './parse.ts'

/** What the words of a command line name: a key, a user, a file. Used by completion and pickers. */

export type Subject =
  | Noun
  | (typeof named)[number]
  | ('backup' | 'metric' | 'limit' | 'group' | 'order' | 'file')

/** What an argument names; undefined if it can be anything. */
export function subjectOfArgument(name: string, { parse }: Argument<unknown>): Subject | undefined {
  if (parse === limitName) return 'limit'
  return named.find(each => each === name) ?? subjectNamed(name)
}

/** Arguments that have the name of what they name. */
const named = [
  'setting',
  'value',
  'command',
  'shell',
  'import',
  'session',
  'account',
  'document',
  'phase',
  'invitation',
  'change',
  'model',
] as const

/** What the value of an option names. */
export const subjectOfOption = (name: string, { placeholder }: Option<unknown>): Subject | undefined =>
  subjectNamed(placeholder) ?? subjectNamed(name)

function subjectNamed(name: string): Subject | undefined {
  if (/^(file|folder|place|source|dir|paths?)$/.test(name)) return 'file'
  if (name === 'owner') return 'user'
  if (name === 'a,b') return 'group'
  if (name === '[-]field') return 'order'
  if (name === 'metric[/window]') return 'metric'
  return isNoun(name) ? name : (['backup', 'metric'] as const).find(each => each === name)
}

/** Whether an argument takes several words. */
export const takesMany = ({ kind }: Argument<unknown>): boolean => kind === 'many' || kind === 'any'
