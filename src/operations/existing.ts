/** For `ifNotExists`: an existing thing is accepted if it is as asked for. */
import { LatchkeyError } from '../contract/errors.ts'
import type { Limit } from '../contract/views.ts'
import { limitText } from './limits/view.ts'

/** One property: its name, its value, and the value asked for; undefined accepts any. */
export type Aspect = readonly [name: string, is: unknown, asked: unknown]

/** @throws conflict, naming what differs */
export function requireSame(thing: string, aspects: readonly Aspect[], hint: string): void {
  const different = aspects.filter(([, is, asked]) => asked !== undefined && shown(is) !== shown(asked))
  if (different.length === 0) return
  const told = different.map(([name, is, asked]) => `${name} ${shown(is)}, not ${shown(asked)}`)
  throw new LatchkeyError('conflict', `${thing} exists, but differs: ${told.join('; ')}`, hint)
}

export const shownLimits = (limits: readonly Limit[] | undefined): string | undefined =>
  limits?.map(limitText).toSorted().join(' ')

function shown(value: unknown): string {
  if (value === null || value === '') return 'none'
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value) && value.every(each => typeof each === 'string')) {
    return value.length === 0 ? 'none' : value.toSorted().join(' ')
  }
  return typeof value === 'string' ? value : JSON.stringify(value)
}
