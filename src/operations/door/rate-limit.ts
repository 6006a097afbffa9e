/** What limits leave, as header fields. */
import type { LimitState, Metric, Verdict } from '../../contract/views.ts'
import { limitWindow } from '../limits/view.ts'

/**
 * `RateLimit` and `RateLimit-Policy` as of draft-ietf-httpapi-ratelimit-headers-10, with an item for each limit that was
 * looked at, and `Retry-After` (RFC 9110, 10.2.3) when a limit was hit that frees with time. Names are in lower case.
 * Without limits there is none of them.
 *
 * @param now the moment that seconds are counted from; default the clock of the system
 * @example
 * const verdict = await latchkey.keys.verify('the secret of a client')
 * const answer = new Response('Hello', { headers: rateLimitHeaders(verdict) })
 */
export function rateLimitHeaders(
  { limits, retryAt }: Pick<Verdict, 'limits' | 'retryAt'>,
  now: Date = new Date(),
): Readonly<Record<string, string>> {
  if (limits.length === 0) return {}
  return {
    ratelimit: limits.map(limit => serviceLimit(limit, now)).join(', '),
    'ratelimit-policy': limits.map(quotaPolicy).join(', '),
    ...(retryAt === null ? {} : { 'retry-after': String(secondsUntil(retryAt, now)) }),
  }
}

const serviceLimit = (limit: LimitState, now: Date): string => {
  const { retryAt } = limit
  const until = retryAt === null ? '' : `;t=${secondsUntil(retryAt, now)}`
  return `"${nameOf(limit)}";r=${quantity(limit.metric, limit.remaining)}${until}`
}

const quotaPolicy = (limit: LimitState): string => {
  const { metric, amount, windowMs } = limit
  const unit = metric === 'requests' ? '' : `;qu="${units[metric]}"`
  return `"${nameOf(limit)}";q=${quantity(metric, amount)}${unit};w=${Math.ceil(windowMs / 1_000)}`
}

/** Whose limit it is, on what and in which window: `key-tokens-5h`. All it needs is ASCII, as names of keys may not be. */
const nameOf = ({ subject, metric, windowMs }: LimitState): string =>
  `${subject.type}-${metric}-${limitWindow(windowMs)}`

/** The draft registers `requests` alone of these. An amount is an Integer there, so dollars are counted in millionths. */
const units: Readonly<Record<Metric, string>> = {
  requests: 'requests',
  tokens: 'tokens',
  usd: 'micro-usd',
}

/** The largest Integer of a structured field (RFC 9651, 3.3.1). */
const most = 999_999_999_999_999

const quantity = (metric: Metric, amount: number): number =>
  Math.min(most, Math.round(metric === 'usd' ? amount * 1_000_000 : amount))

/** At least one: who comes back at once is denied again. */
const secondsUntil = (at: Date, now: Date): number =>
  Math.max(1, Math.ceil((at.getTime() - now.getTime()) / 1_000))
