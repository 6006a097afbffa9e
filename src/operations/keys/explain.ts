/** Why a request of a key goes ahead or not: the verdict as the gateway gets it, without the secret. Reads only. */
import type { Explanation } from '../../contract/views.ts'
import { hotPathOf } from '../../db/sqlite/hot.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../input.ts'
import { forecast, limitsBinding } from '../limits/window.ts'
import { find } from '../select.ts'
import { denialsOf } from './denial-counts.ts'
import type { VerifyOptions } from './input.ts'
import { judge, requireSound } from './verify.ts'

const recentMs = 14 * 86_400_000

/**
 * The verdict on the current secret of a key, every limit that binds it whatever the verdict, and when each frees; and
 * how often the key was denied in the 14 days before.
 *
 * @throws not_found, ambiguous; invalid for options that can be no date and no amounts
 */
export function explainKey(
  context: OperationContext,
  selector: KeySelector,
  options: VerifyOptions = {},
): Promise<Explanation> {
  requireSound(options)
  return context.store.read(async db => {
    const row = await find(db, 'key', selector)
    const now = context.now()
    const { at = now, wanted } = options
    const hot = hotPathOf(db)
    const found = hot.findKey(row.id)
    const { key, ...verdict } = judge(hot, found, now, options)
    if (found === null || key === null) throw new Error('a key that was found has no verdict')
    return {
      ...verdict,
      key,
      model: key.model ?? options.model ?? null,
      limits: limitsBinding(hot, found).map(each => forecast(hot, each, at.getTime(), wanted)),
      denials: await denialsOf(db, key.id, new Date(at.getTime() - recentMs), at),
    }
  })
}
