/** Explains whether and why a key's requests are allowed or denied, without its secret. Only reads. */
import type { Explanation } from '../../contract/views.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../input.ts'
import { forecasts, momentOf } from '../limits/window.ts'
import { find } from '../select.ts'
import { denialsOf } from './denial-counts.ts'
import type { VerifyOptions } from './input.ts'
import { judge, sound, withRetry } from './verify.ts'

const recentMs = 14 * 86_400_000

/**
 * Returns the verdict on the current secret of a key, every limit that applies to it and when each frees, and its denials
 * in the last 14 days.
 *
 * @throws not_found, ambiguous, invalid (a bad date or amount)
 */
export function explainKey(
  context: OperationContext,
  selector: KeySelector,
  asked: VerifyOptions = {},
): Promise<Explanation> {
  const options = sound(asked)
  return context.store.read(async db => {
    const row = await find(db, 'key', selector)
    const now = context.now()
    const { at = now, wanted } = options
    const moment = momentOf(now, options.endUser, at)
    const found = await db.facts.keyAt({ id: row.id }, moment)
    const judged = judge(
      found,
      now,
      options,
      context.unpriced === 'deny' ? await db.facts.prices() : undefined,
    )
    const { key, ...verdict } = await withRetry(db.facts, found, judged, moment, options)
    if (found === null || key === null) throw new Error('a key that was found has no verdict')
    return {
      ...verdict,
      key,
      model: key.model ?? options.model ?? null,
      limits: await forecasts(db.facts, found.limits ?? [], moment, wanted),
      denials: await denialsOf(db, key.id, new Date(at.getTime() - recentMs), at),
    }
  })
}
