/**
 * Turns events that programs send into charges that are ready to be written, or refuses all of them and names the first
 * bad one. The rules are those for logs.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import { timeText } from '../../contract/json.ts'
import type { Entry, Usage } from '../../db/facts.ts'
import { isRecord } from '../../formats/fields.ts'
import type { OperationContext } from '../context.ts'
import { isWholeId } from '../rules/ids.ts'
import { EventReader, type UsageEvent } from './events.ts'
import { priced } from './pricing.ts'
import { type Resolved, resolveKeys } from './resolve.ts'

/** @throws invalid, not_found, ambiguous */
export async function readCharges(
  context: OperationContext,
  rows: readonly unknown[],
): Promise<readonly Entry[]> {
  const now = context.now()
  const reader = new EventReader(now.getTime())
  const which = (index: number): string => (rows.length === 1 ? 'the event' : `event ${index + 1}`)
  const events = rows.map((row, index): UsageEvent => {
    const event = isRecord(row) ? reader.read({ ...row, at: row['at'] ?? timeText(now) }) : 'is not an object'
    if (typeof event !== 'string') return event
    throw refused('invalid', `${which(index)} ${event}`)
  })
  if (events.length === 0) return []
  const keys = await keysOf(context, events)
  const needsPrice = events.some(({ isPriced }) => !isPriced)
  const prices = needsPrice ? await context.store.latest.prices() : []
  return events.map((event, index) => {
    const found = keys.get(event.key)
    if (found === undefined || 'problem' in found) {
      throw refused(found?.code ?? 'not_found', `${which(index)} ${found?.problem ?? 'names no key'}`)
    }
    return single(event.id, found.id, event.isPriced ? event : { ...event, counts: priced(event, prices) })
  })
}

/** One event with an id needs no look: whoever counts it finds the key, or none. */
async function keysOf(
  { store }: OperationContext,
  events: readonly UsageEvent[],
): Promise<ReadonlyMap<string, Resolved>> {
  const [event, ...others] = events
  const id = event?.key ?? ''
  if (others.length === 0 && isWholeId(id, 'key')) return new Map([[id, { id }]])
  return store.read(db => resolveKeys(db, [...new Set(events.map(({ key }) => key))]))
}

/** One event as an entry. */
export const single = (
  id: string | null,
  keyId: string,
  { endUser, at, model, counts }: Pick<Usage, 'endUser' | 'at' | 'model' | 'counts'>,
): Entry => ({ id, keyId, endUser, counts, buckets: [{ at, model, counts }] })

export const refused = (code: 'invalid' | 'not_found' | 'ambiguous', problem: string): LatchkeyError =>
  new LatchkeyError(code, `${problem}; nothing was counted`, 'correct it and send all events again')
