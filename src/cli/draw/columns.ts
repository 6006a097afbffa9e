/** How values of the contract are shown in tables, cards and sentences. */

import type { Key, KeyStatus, Limit, LimitState, Metric } from '../../contract/views.ts'
import type { Brush } from '../declare/brush.ts'
import { many } from './quantity.ts'

/** The name that people know a thing by; `-` for none. */
export function reference(ref: { readonly id: string } | null): string {
  const label = Object.entries(ref ?? {}).find(([field]) => field !== 'id')
  return label === undefined ? '-' : String(label[1])
}

/** `tokens 100,000 / 5h`, and with usage: `tokens 20,000 of 100,000 / 5h, 80,000 left`. */
export function limitText(limit: Limit | LimitState, brush: Brush): string {
  const quantity = limit.metric === 'usd' ? brush.dollars : brush.count
  const most = `${quantity(limit.amount)} / ${brush.duration(limit.windowMs)}`
  if (!('used' in limit)) return `${limit.metric} ${most}`
  const left = `${limit.metric} ${quantity(limit.used)} of ${most}, ${quantity(limit.remaining)} left`
  return limit.retryAt === null ? left : `${left}, retry ${brush.time(limit.retryAt)}`
}

/** `tokens/5h`, or `tokens` for all windows. */
export const limitNameText = (
  { metric, windowMs }: { readonly metric: Metric; readonly windowMs?: number },
  brush: Brush,
): string => (windowMs === undefined ? metric : `${metric}/${brush.duration(windowMs)}`)

/** `key ci`, or `12 keys`. */
export const keysText = (result: Key | readonly Key[]): string =>
  'name' in result ? `key ${result.name}` : many(result.length, 'key')

/** Colour only; the words stay the same. */
export function keyStatus(status: KeyStatus, brush: Brush): string {
  const paint = status === 'active' ? brush.good : status === 'revoked' ? brush.bad : brush.warn
  return paint(status.replace('_', ' '))
}
