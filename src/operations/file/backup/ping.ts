/**
 * Tells a monitor (healthchecks.io or compatible) that a backup started, succeeded or failed. A failed ping is a warning
 * and never fails the backup. The address may be a secret, so only its host is shown.
 */

const pingTimeoutMs = 10_000

/**
 * Pings `…/start`, runs `work`, then pings the address itself, or `…/fail` (https://healthchecks.io/docs/http_api/).
 *
 * @param warn called with a sentence if a ping did not arrive
 */
export async function withPings<T>(
  address: string,
  work: () => Promise<T>,
  warn: (problem: string) => void,
  timeoutMs: number = pingTimeoutMs,
): Promise<T> {
  const ping = (event: '' | '/start' | '/fail') => send(address, event, timeoutMs, warn)
  await ping('/start')
  let result: T
  try {
    result = await work()
  } catch (error) {
    await ping('/fail')
    throw error
  }
  await ping('')
  return result
}

async function send(
  address: string,
  event: string,
  timeoutMs: number,
  warn: (problem: string) => void,
): Promise<void> {
  const url = new URL(address)
  url.pathname = url.pathname.replace(/\/+$/, '') + event
  const what = `the ping ${event === '' ? 'of success' : event === '/start' ? 'at the start' : 'of failure'}`
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    await reply.body?.cancel()
    if (!reply.ok) warn(`${what} was answered with ${reply.status} by ${url.host}`)
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    warn(`${what} did not reach ${url.host}${timedOut ? ` within ${timeoutMs / 1000} s` : ''}`)
  }
}
