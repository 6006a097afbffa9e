/** How values of the contract are shown in tables, cards and sentences. */

import type { Key, KeyStatus, Limit, LimitState } from '../../contract/views.ts'
import type { LimitName } from '../../index.ts'
import { many } from '../../text/quantity.ts'
import type { Brush } from '../declare/brush.ts'

/** The name that people know a thing by; `-` for none. */
export function reference(ref: { readonly id: string } | null): string {
  const label = Object.entries(ref ?? {}).find(([field]) => field !== 'id')
  return label === undefined ? '-' : String(label[1])
}

/** `tokens 100,000 / 5h`, and with usage: `tokens 20,000 of 100,000 / 5h, 80,000 left`. */
export function limitText(limit: Limit | LimitState, brush: Brush): string {
  const quantity = limit.metric === 'usd' ? brush.dollars : brush.count
  const most = `${quantity(limit.amount)}${windowText(limit, brush)}`
  if (!('used' in limit) || (limit.each && limit.endUser === null)) return `${limit.metric} ${most}`
  const left = `${limit.metric} ${quantity(limit.used)} of ${most}, ${quantity(limit.remaining)} left`
  return limit.retryAt === null ? left : `${left}, retry ${brush.time(limit.retryAt)}`
}

/** ` / 5h`, ` / month of gpt-*`, and whether it is for each end user; empty for what has no window. */
export function windowText(limit: Limit | LimitState, brush: Brush): string {
  const { metric, period, windowMs, timeZone, models, each } = limit
  const zone = timeZone === null || timeZone === brush.timeZone ? '' : ` in ${timeZone}`
  const window = period === 'rolling' ? brush.duration(windowMs ?? 0) : `${period}${zone}`
  const whose = 'endUser' in limit && limit.endUser !== null ? ` (${limit.endUser})` : ''
  const of = models === null ? '' : ` of ${models}`
  return `${metric === 'parallel' ? '' : ` / ${window}`}${of}${each ? ` for each end user${whose}` : ''}`
}

/** `tokens/5h`, or `tokens` for all its windows; as it is typed, and whether it is for each end user. */
export function limitNameText(name: LimitName, brush: Pick<Brush, 'duration'>): string {
  const { metric, period, windowMs, models, each } = name
  const window = period === 'rolling' || period === undefined ? (windowMs ?? null) : period
  const length = typeof window === 'number' ? brush.duration(window) : window
  return `${metric}${length === null || metric === 'parallel' ? '' : `/${length}`}${(models ?? null) === null ? '' : `@${models}`}${each === true ? ' for each end user' : ''}`
}

/** `key ci`, or `12 keys`. */
export const keysText = (result: Key | readonly Key[]): string =>
  'name' in result ? `key ${result.name}` : many(result.length, 'key')

/** Colour only; the words stay the same. */
export function keyStatus(status: KeyStatus, brush: Brush): string {
  const paint = status === 'active' ? brush.good : status === 'revoked' ? brush.bad : brush.warn
  return paint(status.replace('_', ' '))
}
