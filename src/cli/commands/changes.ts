/** What a change of one thing says: what differs now, or that nothing does. Draws; decides nothing. */
import { toJson } from '../../contract/json.ts'
import { type Noun, nouns } from '../../contract/nouns.ts'
import type { Brush } from '../declare/brush.ts'
import { auditChange } from './audit/drawing.ts'

interface Changed {
  readonly id: string
  readonly changed: boolean
  readonly before: unknown
}

/** @param done what happened, as a sentence; not said if nothing did */
export const outcomeText = (done: string, noun: Noun, view: Changed): string =>
  view.changed ? done : `Unchanged: ${nameOf(noun, view)}`

/** The outcome of an update, with what differs: `tokens 100k/5h → 500k/5h`. */
export function updatedText(noun: Noun, view: Changed, brush: Brush): string {
  const fields = Object.keys(Object(view.before))
  const after = Object.entries(view).filter(([field]) => fields.includes(field))
  const told = auditChange(
    { before: toJson({}, view.before), after: toJson({}, Object.fromEntries(after)) },
    brush,
  )
  const outcome = outcomeText(`Updated ${nameOf(noun, view)}`, noun, view)
  return told === '' ? outcome : `${outcome}\n  ${told}`
}

/** `key ci (key_…)` */
const nameOf = (noun: Noun, view: Changed): string =>
  `${noun} ${Reflect.get(view, nouns[noun].label)} (${view.id})`
