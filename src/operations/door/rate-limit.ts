/** Limits as header fields. Pure. */
import type { LimitState, Metric, Verdict } from '../../contract/views.ts'
import { inOneUnit } from '../../text/duration.ts'

/**
 * `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10, with one item per limit of the verdict, and
 * `Retry-After` (RFC 9110, 10.2.3) if a limit was hit and waiting helps. Names are in lower case. A verdict without limits
 * has none of them.
 *
 * @param now the time from which seconds are counted; default the system's clock
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
  return `"${limitName(limit)}";r=${quantity(limit.metric, limit.remaining)}${until}`
}

const quotaPolicy = (limit: LimitState): string => {
  const { metric, amount, windowMs } = limit
  // Of others than a rolling one, the length is not one number.
  const window = windowMs === null ? '' : `;w=${Math.ceil(windowMs / 1_000)}`
  const unit = metric === 'requests' ? '' : `;qu="${units[metric]}"`
  return `"${limitName(limit)}";q=${quantity(metric, amount)}${unit}${window}`
}

/**
 * Such as `key-tokens-5h`; clients know it, so the window stays in one unit. Names are left out, because they may not be ASCII;
 * so are patterns. Of several teams, the id tells which.
 */
export function limitName({ subject, metric, period, windowMs, models, each }: LimitState): string {
  const window = metric === 'parallel' ? '' : `-${windowMs === null ? period : inOneUnit(windowMs)}`
  const whose = subject.type === 'team' ? `-${subject.id}` : subject.member === null ? '' : '-member'
  return `${subject.type}${whose}-${metric}${window}${models === null ? '' : '-models'}${each ? '-each' : ''}`
}

/** The draft registers only `requests`. Its amounts are integers, so dollars are counted in millionths. */
const units: Readonly<Record<Metric, string>> = {
  requests: 'requests',
  tokens: 'tokens',
  usd: 'micro-usd',
  parallel: 'parallel-requests',
}

/** The largest Integer of a structured field (RFC 9651, 3.3.1). */
const most = 999_999_999_999_999

const quantity = (metric: Metric, amount: number): number =>
  Math.min(most, Math.round(metric === 'usd' ? amount * 1_000_000 : amount))

/** At least one: a client that returns at once is denied again. */
const secondsUntil = (at: Date, now: Date): number =>
  Math.max(1, Math.ceil((at.getTime() - now.getTime()) / 1_000))
