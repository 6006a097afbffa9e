/**
 * Turns events as programs send them into charges that can be written without another look: all of them, or a refusal
 * that names the first that is wrong. The rules are those of a log.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import { glance, type UsageCounts } from '../../db/sqlite/hot.ts'
import { isRecord } from '../../formats/fields.ts'
import type { OperationContext } from '../context.ts'
import { EventReader, type UsageEvent } from './events.ts'
import { pricesOn } from './prices.ts'
import { resolveKeys } from './resolve.ts'

/** What one event adds to its key. */
export interface Charge {
  /** The same id counts once. */
  readonly id: string | null
  readonly keyId: string
  readonly model: string
  /** UTC milliseconds. */
  readonly at: number
  readonly counts: UsageCounts
}

/** @throws invalid, not_found, ambiguous */
export async function readCharges(
  context: OperationContext,
  rows: readonly unknown[],
): Promise<readonly Charge[]> {
  const now = context.now()
  const reader = new EventReader(now.getTime())
  const which = (index: number): string => (rows.length === 1 ? 'the event' : `event ${index + 1}`)
  const events = rows.map((row, index): UsageEvent => {
    const event = isRecord(row)
      ? reader.read({ ...row, at: row['at'] ?? now.toISOString() })
      : 'is not an object'
    if (typeof event !== 'string') return event
    throw refused('invalid', `${which(index)} ${event}`)
  })
  if (events.length === 0) return []
  const keys = await context.store.read(db => resolveKeys(db, [...new Set(events.map(({ key }) => key))]))
  return glance(context.store, hot => {
    const prices = pricesOn(hot)
    return events.map((event, index) => {
      const { id, model, at, requests, inputTokens, outputTokens } = event
      const found = keys.get(event.key)
      if (found === undefined || 'problem' in found) {
        throw refused(found?.code ?? 'not_found', `${which(index)} ${found?.problem ?? 'names no key'}`)
      }
      const costMicros = event.costMicros ?? prices.costOf(model, at, inputTokens, outputTokens) ?? 0
      return { id, keyId: found.id, model, at, counts: { requests, inputTokens, outputTokens, costMicros } }
    })
  })
}

const refused = (code: 'invalid' | 'not_found' | 'ambiguous', problem: string): LatchkeyError =>
  new LatchkeyError(code, `${problem}; nothing was counted`, 'correct it and send all of them again')
