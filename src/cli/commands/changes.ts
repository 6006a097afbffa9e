/** What a change of one thing says: what differs now, or that nothing does. Draws; decides nothing. */
import { toJson } from '../../contract/json.ts'
import type { Brush } from '../declare/brush.ts'
import { auditChange } from './audit/drawing.ts'

interface Changed {
  readonly changed: boolean
  readonly before: unknown
}

/**
 * Of a change that is told in full by its name.
 *
 * @param done what happened, as a sentence
 * @param name what it is about, such as `key ci (key_…)`
 */
export const outcomeText = (done: string, name: string, { changed }: Changed): string =>
  changed ? done : `Unchanged: ${name}`

/** Of an update, with what differs: `tokens 100k/5h → 500k/5h`. */
export function updatedText(name: string, view: Changed, brush: Brush): string {
  const fields = Object.keys(Object(view.before))
  const after = Object.entries(view).filter(([field]) => fields.includes(field))
  const told = auditChange(
    { before: toJson({}, view.before), after: toJson({}, Object.fromEntries(after)) },
    brush,
  )
  const outcome = outcomeText(`Updated ${name}`, name, view)
  return told === '' ? outcome : `${outcome}\n  ${told}`
}
